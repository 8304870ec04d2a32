"""JSON as text has it: duplicate keys, odd numbers and odd spellings included, which `json.dumps` cannot write.

A tree is a Python value with `Object` for objects and `Raw` for a piece of text that is written as it is.
"""

import json


class Raw(str):
    """Text that is written without quotes or escapes."""


class Object:
    """Pairs in their order; a key may come twice."""

    def __init__(self, pairs=()):
        self.pairs = [list(pair) for pair in pairs]

    def put(self, key, value):
        self.pairs.append([key, value])

    def keys(self):
        return [key for key, _ in self.pairs]


def dump(tree, rng):
    """The text of a tree, with spaces and escapes of the generator's choice."""
    # One style a message: compact as JavaScript writes, spaced as Python does, or scattered white space.
    spaces = rng.choice([("", "", ""), ("", " ", " "), ("\n\t", "\r\n ", "  ")])
    return write(tree, rng, *spaces)


def write(tree, rng, inner, after_comma, after_colon):
    if isinstance(tree, Raw):
        return str(tree)
    if isinstance(tree, Object):
        pairs = (
            f"{string(key, rng)}:{after_colon}{write(value, rng, inner, after_comma, after_colon)}"
            for key, value in tree.pairs
        )
        return "{" + inner + f",{after_comma}".join(pairs) + inner + "}"
    if isinstance(tree, list):
        values = (write(value, rng, inner, after_comma, after_colon) for value in tree)
        return "[" + inner + f",{after_comma}".join(values) + inner + "]"
    if isinstance(tree, str):
        return string(tree, rng)
    return json.dumps(tree)


def string(text, rng):
    if isinstance(text, Raw):
        return str(text)
    match rng.randrange(8):
        case 0:
            return json.dumps(text)  # everything beyond ASCII as \u escapes
        case 1:
            return json.dumps(text, ensure_ascii=False).replace("/", "\\/")
        case 2 if text:
            # One letter as an escape, which a decoder that borrows from its input must not miss.
            index = rng.randrange(len(text))
            if ord(text[index]) < 0x10000:
                start, end = (
                    json.dumps(piece, ensure_ascii=False)[1:-1] for piece in (text[:index], text[index + 1 :])
                )
                return f'"{start}\\u{ord(text[index]):04x}{end}"'
    return json.dumps(text, ensure_ascii=False)
