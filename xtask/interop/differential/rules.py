"""Where our codec and Python's protobuf may disagree, and why. Everything else that differs is a failure.

A rule names the mutations that it covers (mutate.py), and who of the two accepts the result; both, when they take it for
different things. docs/interop.md shows this table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    name: str
    reason: str
    accepted_by: str  # "theirs", or "both" if they accept and mean something else
    labels: tuple
    # How our refusal reads: a byte changed at random may hit any of these spellings.
    refusal: str = ""

    def covers(self, label, ours, theirs):
        accepted = {"theirs": (False, True), "both": (True, True)}[self.accepted_by]
        if (ours.accepted, theirs.accepted) != accepted:
            return False
        return label in self.labels or (label in RANDOM and bool(self.refusal) and self.refusal in ours.why)


RANDOM = ("text: one byte changed", "text: one byte gone")


def widths(kind, *names):
    return tuple(f"{kind}: {width} {name}" for width in (32, 64) for name in names)


RULES = [
    Rule(
        "a field in both spellings",
        "Python takes the one that comes last. A field that is given twice is an error to us, as to protobuf in C++, whichever "
        "spellings it comes in, and even if one of the two is null.",
        "theirs",
        ("object: both spellings", "object: both spellings, of which one is null"),
        "is given twice",
    ),
    Rule(
        "an empty list or string for a message",
        "Python walks over the keys of whatever it is given, and these have none. JSON's objects are objects.",
        "theirs",
        (
            "message: empty array instead",
            "message: empty string instead",
            "list: list inside",
            "list: wrapped in an array",
            "text: empty array",
        ),
        "expected an object, found",
    ),
    Rule(
        "a boolean for a number",
        "To Python true is 1. The mapping has no such conversion.",
        "theirs",
        (
            "float: true instead",
            "float: false instead",
            "enum: true instead",
            "enum: false instead",
            "NullValue: true instead",
            "NullValue: false instead",
            "NullValue: false",
        ),
    ),
    Rule(
        "an enum by a fraction or by a number in a string",
        "Python's int() makes an integer of both. An enum is a name or an integer.",
        "theirs",
        (
            "enum: fraction",
            "enum: fraction instead",
            "enum: number string",
            "enum: spaced number",
            "NullValue: number string",
            "NullValue: fraction instead",
        ),
        "is no value of",
    ),
    Rule(
        "a number in a string that JSON would not take",
        "Python's int() and float() read plus signs, spaces, underscores, leading zeros, other scripts' digits, bare points and "
        "their own names of infinity. We read JSON's numbers, NaN, Infinity and -Infinity.",
        "theirs",
        (
            *widths("int", "leading plus", "leading zero", "other digits", "tab", "underscore"),
            *widths(
                "float",
                "bare fraction string",
                "bare point string",
                "leading space",
                "trailing space",
                "lower inf",
                "lower infinity",
                "other digits",
                "plus",
                "plus Infinity",
                "signed NaN",
                "underscore",
            ),
        ),
        "is not a",
    ),
    Rule(
        "a number in a string that is too large for its type",
        "Python rounds it to infinity, though it refuses the same number without quotes.",
        "theirs",
        widths("float", "above float string", "beyond double string"),
    ),
    Rule(
        "NaN and Infinity as literals",
        "Python's JSON reader knows them, and checks them only in fields of numbers. They are not JSON.",
        "theirs",
        ("value: NaN", "value: Infinity", "struct: NaN inside"),
    ),
    Rule(
        "a number beyond a double in a Value",
        "Python takes it for infinity, which a Value cannot write again.",
        "theirs",
        ("value: beyond double", "struct: beyond double inside"),
    ),
    Rule(
        "base64 with other characters or wrong padding",
        "Python skips what is not of the alphabet and adds padding of its own. We say that it is not base64.",
        "theirs",
        tuple(
            f"bytes: {name}"
            for name in (
                "junk",
                "data URL",
                "line break inside",
                "only padding",
                "other letters",
                "padding inside",
                "space inside",
                "too little padding",
                "too much padding",
            )
        ),
        "expected base64",
    ),
    Rule(
        "a duration that is not digits, a point and digits",
        "Python reads the parts with int() and float(), and rounds what is finer than a nanosecond.",
        "theirs",
        tuple(
            f"duration: {name}"
            for name in (
                "bare point",
                "exponent in fraction",
                "inner space",
                "leading space",
                "other digits",
                "plus",
                "ten digits",
                "underscore",
            )
        ),
        "expected a duration",
    ),
    Rule(
        "a time that RFC 3339 does not allow",
        "Python's strptime() takes single digits, and its offsets have no bounds.",
        "theirs",
        ("timestamp: bare point", "timestamp: large offset", "timestamp: single digits"),
        "expected an RFC 3339 time",
    ),
    Rule(
        "a null beside a member of a oneof with a NullValue",
        "Null is a value to that one field, so that the oneof has two members; Python lets the last one win.",
        "theirs",
        (
            "oneof: a second member, null, in a oneof with a NullValue",
            "oneof: a second member, set, in a oneof with a NullValue",
        ),
    ),
    Rule(
        "a NullValue by a number that is not 0",
        "To Python it is an open enum like any other. Our NullValue has one value, null.",
        "theirs",
        ("NullValue: other number", "NullValue: one instead"),
    ),
    Rule(
        "the sign of zero",
        "JSON's -0 is an integer to Python, which has no minus zero, and prost leaves out a plain field that equals zero.",
        "both",
        (
            "value: minus zero",
            "value: minus zero with a point",
            *widths("float", "minus zero", "minus zero with a point", "minus zero string"),
        ),
    ),
]


def rule_for(label, ours, theirs):
    """The rule that allows this disagreement, if one does."""
    return next((rule for rule in RULES if rule.covers(label, ours, theirs)), None)
