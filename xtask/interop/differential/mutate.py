"""Ways to spoil a valid message, each with a label: wrong types, unknown and doubled fields, broken text.

Nothing here decides whether the result is valid: that is what both implementations are asked.
"""

from google.protobuf.descriptor import FieldDescriptor as Field

from generate import is_map, is_null_value
from tree import Object, Raw, dump

KINDS = {
    Field.TYPE_BOOL: "bool",
    Field.TYPE_BYTES: "bytes",
    Field.TYPE_DOUBLE: "float",
    Field.TYPE_ENUM: "enum",
    Field.TYPE_FLOAT: "float",
    Field.TYPE_INT32: "int",
    Field.TYPE_INT64: "int",
    Field.TYPE_STRING: "string",
}
WELL_KNOWN_KINDS = {
    "google.protobuf.Duration": "duration",
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Struct": "struct",
    "google.protobuf.Value": "value",
    "google.protobuf.ListValue": "list value",
}

# A value of another type, for every kind of field.
OTHER_TYPES = {
    "true": lambda: True,
    "false": lambda: False,
    "zero": lambda: 0,
    "one": lambda: 1,
    "fraction": lambda: 1.5,
    "word": lambda: "word",
    "empty string": lambda: "",
    "empty array": lambda: [],
    "empty object": Object,
    "array": lambda: [1, "a"],
    "object": lambda: Object([("nope", 1)]),
    "null": lambda: None,
}

# Text that is nearly a value of the kind; strings are quoted, Raw is not.
NEARLY = {
    "int": {
        "fraction string": "1.5",
        "integral float string": "9.0",
        "exponent string": "1e2",
        "word": "seven",
        "empty": "",
        "leading space": " 7",
        "trailing space": "7 ",
        "tab": "\t7",
        "leading plus": "+7",
        "leading zero": "007",
        "underscore": "1_000",
        "other digits": "７",
        "hex": "0x10",
        "minus": "-",
        "minus zero": "-0",
        "float minus zero": Raw("-0.0"),
        "exponent": Raw("12e2"),
        "fraction": Raw("9.5"),
        "negative exponent": Raw("5e-1"),
        "above int32": Raw("2147483648"),
        "above int32 string": "2147483648",
        "below int32": Raw("-2147483649"),
        "above int64": Raw("9223372036854775808"),
        "above int64 string": "9223372036854775808",
        "below int64": Raw("-9223372036854775809"),
        "huge float": Raw("1e30"),
        "beyond double": Raw("1e400"),
        "NaN string": "NaN",
        "Infinity string": "Infinity",
        "leading zero literal": Raw("01"),
        "plus literal": Raw("+1"),
        "bare fraction": Raw(".5"),
        "bare point": Raw("5."),
        "hex literal": Raw("0x10"),
        "NaN literal": Raw("NaN"),
        "large exponent, small value": Raw("100000e-5"),
    },
    "float": {
        "word": "half",
        "empty": "",
        "leading space": " 1.5",
        "trailing space": "1.5 ",
        "underscore": "1_0.5",
        "lower nan": "nan",
        "lower inf": "inf",
        "lower infinity": "infinity",
        "signed NaN": "-NaN",
        "plus": "+1.5",
        "plus Infinity": "+Infinity",
        "bare fraction string": ".5",
        "bare point string": "5.",
        "hex string": "0x1p3",
        "exponent string": "1e2",
        "above float": Raw("1e39"),
        "above float string": "1e39",
        "below float": Raw("-1e39"),
        "above float by rounding": Raw("3.40282357e38"),
        "beyond double": Raw("1e400"),
        "beyond double string": "1e400",
        "NaN literal": Raw("NaN"),
        "Infinity literal": Raw("Infinity"),
        "minus Infinity literal": Raw("-Infinity"),
        "bare fraction": Raw(".5"),
        "bare point": Raw("5."),
        "leading zero": Raw("00.5"),
        "other digits": "１.５",
        "minus zero": Raw("-0"),
        "minus zero with a point": Raw("-0.0"),
        "minus zero string": "-0.0",
    },
    "bool": {"string true": "true", "string false": "false", "capital": Raw("True"), "number string": "1"},
    "enum": {
        "unknown name": "NO_SUCH_VALUE",
        "lower name": "audio",
        "number string": "1",
        "spaced number": " 1",
        "fraction": Raw("1.5"),
        "integral float": Raw("1.0"),
        "negative": Raw("-1"),
        "above int32": Raw("2147483648"),
        "below int32": Raw("-2147483649"),
        "empty": "",
        "exponent": Raw("1e0"),
        "NaN literal": Raw("NaN"),
    },
    "NullValue": {
        "unknown name": "NULL",
        "number string": "0",
        "false": False,
        "other number": 1,
        "lower name": "null_value",
    },
    "bytes": {
        "junk": "!not base64!",
        "space inside": "QUJD REVG",
        "line break inside": "QUJD\nREVG",
        "one letter": "Q",
        "five letters": "QUJDR",
        "loose bits": "QR==",
        "loose bits unpadded": "QUJ",
        "too much padding": "QUJD====",
        "too little padding": "QQ=",
        "padding inside": "QQ==QUJD",
        "mixed alphabets": "-_+/",
        "only padding": "==",
        "other letters": "Ａbcd",
        "data URL": "data:audio/pcm;base64,QUJD",
    },
    "string": {
        "lone high surrogate": Raw('"\\ud800"'),
        "lone low surrogate": Raw('"a\\udc00b"'),
        "swapped surrogates": Raw('"\\udc00\\ud800"'),
        "surrogate pair": Raw('"\\ud83d\\ude00"'),
        "escaped null": Raw('"\\u0000"'),
        "bad escape": Raw('"\\x41"'),
        "short escape": Raw('"\\u41"'),
        "raw control": Raw('"a\x01b"'),
        "raw line break": Raw('"a\nb"'),
        "raw tab": Raw('"a\tb"'),
        "raw delete": Raw('"a\x7fb"'),
        "single quotes": Raw("'a'"),
        "no quotes": Raw("word"),
        "open": Raw('"open'),
    },
    "duration": {
        "no unit": "5",
        "other unit": "5ms",
        "number": Raw("5"),
        "two points": "1.2.3s",
        "ten digits": "1.1234567891s",
        "no seconds": ".5s",
        "bare point": "5.s",
        "plus": "+5s",
        "leading space": " 5s",
        "trailing space": "5s ",
        "inner space": "5 s",
        "underscore": "1_0s",
        "exponent": "1e2s",
        "exponent in fraction": "1.1e-1s",
        "too long": "315576000001s",
        "too long by a fraction": "315576000000.5s",
        "negative too long": "-315576000001s",
        "empty": "",
        "unit only": "s",
        "minus in fraction": "1.-5s",
        "double minus": "--5s",
        "minus zero": "-0s",
        "negative fraction": "-0.5s",
        "upper unit": "5S",
        "leading zeros": "007s",
        "object": Object([("seconds", 5)]),
        "other digits": "５s",
    },
    "timestamp": {
        "date only": "2027-05-01",
        "no zone": "2027-05-01T00:00:00",
        "lower t": "2027-05-01t00:00:00Z",
        "lower z": "2027-05-01T00:00:00z",
        "space for T": "2027-05-01 00:00:00Z",
        "single digits": "2027-5-1T0:0:0Z",
        "no seconds": "2027-05-01T00:00Z",
        "month 13": "2027-13-01T00:00:00Z",
        "day 30 of February": "2027-02-30T00:00:00Z",
        "February 29 of no leap year": "2027-02-29T00:00:00Z",
        "hour 24": "2027-05-01T24:00:00Z",
        "leap second": "2016-12-31T23:59:60Z",
        "ten digits": "2027-05-01T00:00:00.1234567891Z",
        "bare point": "2027-05-01T00:00:00.Z",
        "year 0": "0000-01-01T00:00:00Z",
        "year 10000": "10000-01-01T00:00:00Z",
        "short offset": "2027-05-01T00:00:00+01",
        "no colon": "2027-05-01T00:00:00+0100",
        "large offset": "2027-05-01T00:00:00+99:99",
        "offset past the end": "9999-12-31T23:59:59-01:00",
        "offset before the start": "0001-01-01T00:00:00+01:00",
        "text after": "2027-05-01T00:00:00Zulu",
        "space before": " 2027-05-01T00:00:00Z",
        "empty": "",
        "number": Raw("1798761600"),
        "comma": "2027-05-01T00:00:00,5Z",
        "minus zero offset": "2027-05-01T00:00:00-00:00",
    },
    "struct": {
        "array": [],
        "string": "",
        "null inside": Object([("a", None)]),
        "NaN inside": Object([("a", Raw("NaN"))]),
        "twice": Object([("a", 1), ("a", 2)]),
        "beyond double inside": Object([("a", Raw("1e400"))]),
    },
    "value": {
        "NaN": Raw("NaN"),
        "Infinity": Raw("-Infinity"),
        "beyond double": Raw("1e400"),
        "null": None,
        "twice": Object([("a", 1), ("a", 2)]),
        "lone surrogate": Raw('"\\ud800"'),
        "lone surrogate in key": Object([(Raw('"\\ud800"'), 1)]),
        "NaN string": "NaN",
        "smaller than double": Raw("1e-400"),
        "minus zero": Raw("-0"),
        "minus zero with a point": Raw("-0.0"),
    },
    "message": {"array of pairs": [["a", 1]], "names": ["model"], "nested empty array": [[]]},
    "map": {
        "array": [],
        "array of pairs": [["a", "b"]],
        "null value": Object([("a", None)]),
        "twice": Object([("a", "1"), ("a", "2")]),
        "string": "",
        "lone surrogate in key": Object([(Raw('"\\udfff"'), "x")]),
    },
    "list": {"null inside": [None], "list inside": [[]], "object for list": Object(), "string for list": "ab"},
}


def kind_of(site):
    field = site.field
    if is_map(field):
        return "map"
    if field.is_repeated and not site.in_list:
        return "list"
    if field.message_type is not None:
        return WELL_KNOWN_KINDS.get(field.message_type.full_name, "message")
    if field.enum_type is not None and is_null_value(field.enum_type):
        return "NullValue"
    return KINDS[field.type]


# -- in the tree


def other_type(message, site, rng):
    name = rng.choice(list(OTHER_TYPES))
    site.value = OTHER_TYPES[name]()
    return f"{kind_of(site)}: {name} instead"


def nearly(message, site, rng):
    kind = kind_of(site)
    if kind not in NEARLY:
        return None
    name = rng.choice(list(NEARLY[kind]))
    site.value = NEARLY[kind][name]
    width = {Field.TYPE_INT64: "64 ", Field.TYPE_INT32: "32 ", Field.TYPE_DOUBLE: "64 ", Field.TYPE_FLOAT: "32 "}.get(
        site.field.type, ""
    )
    return f"{kind}: {width}{name}"


def unwrap(message, site, rng):
    if kind_of(site) != "list" or not site.value:
        return None
    site.value = site.value[0]
    return "list: an element for the list"


def wrap(message, site, rng):
    kind = kind_of(site)
    site.value = [site.value]
    return f"{kind}: wrapped in an array"


def null_element(message, site, rng):
    if kind_of(site) != "list" or site.value is None:
        return None
    site.value.insert(rng.randrange(len(site.value) + 1), None)
    field = site.field
    what = (
        "Value"
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"
        else "other"
    )
    return f"list: null element ({what})"


# -- in an object


def unknown_field(message, site, rng):
    target, descriptor = rng.choice(message.objects)
    known = {spelling for field in descriptor.fields for spelling in (field.name, field.json_name)}
    spellings = ["nope", "no_such_field", "", "[google.protobuf.extension]", "@type", "1"]
    for field in descriptor.fields:
        spellings += [
            field.json_name.upper(),
            field.json_name.capitalize(),
            field.name.replace("_", "-"),
            f"{field.name}_",
            f" {field.name}",
        ]
    name = rng.choice([spelling for spelling in spellings if spelling not in known])
    target.pairs.insert(rng.randrange(len(target.pairs) + 1), [name, rng.choice([None, 1, "x", Object(), []])])
    return "object: unknown field"


def doubled_key(message, site, rng):
    filled = [target for target, _ in message.objects if target.pairs]
    if not filled:
        return None
    target = rng.choice(filled)
    target.put(*rng.choice(target.pairs))
    return "object: the same key twice"


def both_spellings(message, site, rng):
    found = []
    for target, descriptor in message.objects:
        for key, value in target.pairs:
            for field in descriptor.fields:
                if key in (field.name, field.json_name) and field.name != field.json_name:
                    found.append((target, field.json_name if key == field.name else field.name, value, field))
    if not found:
        return None
    target, key, value, field = rng.choice(found)
    target.put(key, rng.choice([value, None]))
    nulls = sum(each is None for name, each in target.pairs if name in (field.name, field.json_name))
    return "object: both spellings" + (", of which one is null" if nulls else "")


def second_of_oneof(message, site, rng):
    found = []
    for target, descriptor in message.objects:
        for oneof in descriptor.oneofs:
            if len(oneof.fields) < 2:
                continue
            names = {name for field in oneof.fields for name in (field.name, field.json_name)}
            if any(key in names for key in target.keys()):
                others = [field for field in oneof.fields if not {field.name, field.json_name} & set(target.keys())]
                found += [(target, field) for field in others]
    if not found:
        return None
    target, field = rng.choice(found)
    value = rng.choice([None, Object() if field.message_type else ""])
    target.put(rng.choice([field.name, field.json_name]), value)
    # To such a field null is a value, and so it is here or there.
    nulls = [
        each for each in field.containing_oneof.fields if each.enum_type is not None and is_null_value(each.enum_type)
    ]
    what = "null" if value is None else "set"
    return (
        f"oneof: a second member, {what}, in a oneof with a NullValue" if nulls else f"oneof: a second member, {what}"
    )


# -- in the text


def text_mutations(text, rng):
    data = text.encode("utf-8", "surrogatepass")
    middle = rng.randrange(1, len(data)) if len(data) > 1 else 0
    deep = rng.choice([90, 99, 120])
    return {
        "truncated": data[:middle],
        "empty": b"",
        "white space only": b" \n",
        "text after": data + rng.choice([b"x", b"{}", b",", b"]", b"}", b"\x00"]),
        "white space around": b"\r\n\t " + data + b" \t\r\n",
        "form feed before": b"\x0c" + data,
        "no-break space after": data + "\u00a0".encode(),
        "byte order mark": b"\xef\xbb\xbf" + data,
        "comment": data + b" // comment",
        "bad UTF-8 before": b"\xff" + data,
        "bad UTF-8 inside": data[:middle] + rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80"]) + data[middle:],
        "trailing comma": data[:-1] + b"," + data[-1:],
        "in an array": b"[" + data + b"]",
        "null": b"null",
        "number": b"12",
        "string": b'"setup"',
        "empty array": b"[]",
        "true": b"true",
        "UTF-16": text.encode("utf-16", "surrogatepass"),
        f"{deep} arrays deep": b"[" * deep + b"]" * deep,
        "one byte changed": data[:middle] + bytes([rng.randrange(0x20, 0x7F)]) + data[middle + 1 :],
        "one byte gone": data[:middle] + data[middle + 1 :],
    }


# How often each is tried; most of what can be wrong is in the spelling of a value.
TREE = {
    nearly: 12,
    other_type: 4,
    wrap: 1,
    unwrap: 1,
    null_element: 1,
    unknown_field: 2,
    doubled_key: 1,
    both_spellings: 1,
    second_of_oneof: 2,
}


def mutate(message, rng):
    """The label and the bytes of a spoiled message."""
    if rng.random() < 0.15:
        mutations = text_mutations(dump(message.tree, rng), rng)
        name = rng.choice(list(mutations))
        return f"text: {name}", mutations[name]
    while True:
        site = message.focus if rng.random() < 0.7 else rng.choice(message.sites)
        spoil = rng.choices(list(TREE), TREE.values())[0]
        label = spoil(message, site, rng)
        if label is not None:
            return label, dump(message.tree, rng).encode("utf-8", "surrogatepass")
