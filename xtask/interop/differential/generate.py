"""Valid messages from the descriptors: every field, both spellings, every way that proto3's JSON lets a value be written.

What is wrong with a message is the business of mutate.py.
"""

import base64

from google.protobuf.descriptor import FieldDescriptor as Field

from tree import Object, Raw

WELL_KNOWN = {
    "google.protobuf.Struct",
    "google.protobuf.Value",
    "google.protobuf.ListValue",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
}

STRINGS = [
    "",
    "a",
    "Hello",
    "snake_case",
    "camelCase",
    "äöü €",
    "\U0001f600 smile",
    "line\nbreak\ttab",
    'quote " back\\slash /',
    "\u0000\u001f control",
    "\u2028\u2029",
    "null",
    "true",
    "12",
    "models/gemini-live",
    "audio/pcm;rate=16000",
    "x" * 300,
]
# Keys of maps and structs: data that must never be re-cased.
KEYS = ["snake_key", "camelKey", "", "a", "nested_map_key", "ключ", "with space", "inlineData", "turn_complete", "é"]


class Site:
    """A value in a tree, with the field that it is the value of."""

    def __init__(self, holder, index, field, in_list=False):
        self.holder = holder  # Object or list
        self.index = index
        self.field = field
        self.in_list = in_list

    @property
    def value(self):
        return self.holder.pairs[self.index][1] if isinstance(self.holder, Object) else self.holder[self.index]

    @value.setter
    def value(self, value):
        if isinstance(self.holder, Object):
            self.holder.pairs[self.index][1] = value
        else:
            self.holder[self.index] = value


class Message:
    """A generated tree, and where in it is what."""

    def __init__(self, root):
        self.root = root
        self.tree = None
        self.sites = []  # Site
        self.objects = []  # (Object, descriptor)
        self.focus = None  # the Site that the message was made for


def paths(root):
    """For every field that can be reached from a message type: the fields that lead to it, itself last."""
    found = {}
    queue = [(root, ())]
    seen = {root.full_name}
    for descriptor, path in queue:
        for field in descriptor.fields:
            found[field.full_name] = (*path, field)
            inner = message_of(field)
            if inner is not None and inner.full_name not in seen and inner.full_name not in WELL_KNOWN:
                seen.add(inner.full_name)
                queue.append((inner, (*path, field)))
    return found


def message_of(field):
    """The message type that a field holds, for maps that of the values."""
    if field.message_type is None:
        return None
    if field.message_type.GetOptions().map_entry:
        return field.message_type.fields_by_name["value"].message_type
    return field.message_type


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


class Generator:
    """Makes messages; all randomness comes from `rng`."""

    def __init__(self, rng):
        self.rng = rng
        self.message = None

    def make(self, root, path):
        """A message of type `root` in which the last field of `path` has a value."""
        self.message = Message(root)
        self.message.tree = self.fill(root, path, 0)
        return self.message

    def fill(self, descriptor, path, depth):
        """An object for a message type: the next field of the path, and some others."""
        rng = self.rng
        wanted = path[0] if path else None
        chosen = [wanted] if wanted is not None else []
        taken = {field.containing_oneof.full_name for field in chosen if field.containing_oneof}
        share = 2.5 / (1 + depth) / max(len(descriptor.fields), 1)
        for field in rng.sample(list(descriptor.fields), len(descriptor.fields)):
            if field is wanted or rng.random() >= share:
                continue
            # Null is absent: even beside another member of its oneof.
            oneof = field.containing_oneof.full_name if field.containing_oneof else None
            if oneof is None or oneof not in taken:
                chosen.append(field)
                taken.add(oneof)
        rng.shuffle(chosen)
        target = Object()
        self.message.objects.append((target, descriptor))
        for field in chosen:
            key = rng.choice([field.json_name, field.name])
            target.put(key, None)
            site = Site(target, len(target.pairs) - 1, field)
            self.message.sites.append(site)
            if field is wanted and len(path) == 1:
                self.message.focus = site
            if field is not wanted and rng.random() < 0.04:
                continue  # stays null
            site.value = self.field_value(field, path[1:] if field is wanted else (), depth)
        return target

    def field_value(self, field, path, depth):
        rng = self.rng
        if is_map(field):
            entry = field.message_type.fields_by_name["value"]
            target = Object()
            for key in rng.sample(KEYS, rng.choice([0, 1, 1, 2, 3]) if not path else 1):
                target.put(key, None)
                site = Site(target, len(target.pairs) - 1, entry)
                self.message.sites.append(site)
                site.value = self.single(entry, path, depth + 1)
            return target
        if field.is_repeated:
            count = max(rng.choice([0, 1, 1, 2, 3]), 1 if path else 0)
            values = []
            for index in range(count):
                values.append(None)
                self.message.sites.append(Site(values, index, field, in_list=True))
                values[index] = self.single(field, path if index == 0 else (), depth + 1)
            return values
        return self.single(field, path, depth + 1)

    def single(self, field, path, depth):
        match field.type:
            case Field.TYPE_MESSAGE:
                return self.nested(field.message_type, path, depth)
            case Field.TYPE_ENUM:
                return self.enum(field.enum_type)
            case Field.TYPE_STRING:
                return self.rng.choice(STRINGS)
            case Field.TYPE_BYTES:
                return self.bytes()
            case Field.TYPE_BOOL:
                return self.rng.random() < 0.5
            case Field.TYPE_INT32:
                return self.integer(32)
            case Field.TYPE_INT64:
                return self.integer(64)
            case Field.TYPE_FLOAT | Field.TYPE_DOUBLE:
                return self.number()
        raise AssertionError(f"the generator knows no type {field.type} of {field.full_name}")

    def nested(self, descriptor, path, depth):
        match descriptor.full_name:
            case "google.protobuf.Struct":
                return self.struct(depth)
            case "google.protobuf.Value":
                return self.any_value(depth)
            case "google.protobuf.ListValue":
                return [self.any_value(depth + 1) for _ in range(self.rng.randrange(3))]
            case "google.protobuf.Duration":
                return self.duration()
            case "google.protobuf.Timestamp":
                return self.timestamp()
        return self.fill(descriptor, path, depth)

    def enum(self, descriptor):
        value = self.rng.choice(descriptor.values)
        if is_null_value(descriptor):
            return self.rng.choice([value.name, value.number, None])
        # Open enums: a number that has no name yet is kept.
        return self.rng.choice([value.name, value.name, value.number, 4711])

    def bytes(self):
        rng = self.rng
        data = rng.randbytes(rng.choice([0, 1, 2, 3, 4, 20, 33]))
        text = rng.choice([base64.b64encode, base64.urlsafe_b64encode])(data).decode()
        return text.rstrip("=") if rng.random() < 0.3 else text

    def integer(self, bits):
        rng = self.rng
        top = (1 << (bits - 1)) - 1
        value = rng.choice([0, 1, -1, 7, 100, 12_800, top, -top - 1, rng.randint(-top, top)])
        forms = [value, value, str(value)]
        if abs(value) < 1 << 53:
            forms += [Raw(f"{value}.0"), Raw(f"{value}e0")]
        if 0 < abs(value) < 1 << 50:
            forms.append(Raw(f"{value}0E-1"))
        return rng.choice(forms)

    def number(self):
        # Within what a 32 bit float tells apart, so that both widths mean the same.
        return self.rng.choice(
            [
                0,
                1,
                -1,
                0.5,
                -2.25,
                1e10,
                1e-3,
                40.0,
                0.7,
                Raw("1E+2"),
                Raw("-12.5e-1"),
                "1.5",
                "-3",
                "NaN",
                "Infinity",
                "-Infinity",
                16777216,
                Raw("1e-50"),
                3.4e38,
            ]
        )

    def struct(self, depth):
        keys = self.rng.sample(KEYS, self.rng.choice([0, 1, 2, 3]))
        return Object((key, self.any_value(depth + 1)) for key in keys)

    def any_value(self, depth):
        rng = self.rng
        kinds = 5 if depth > 12 else 7
        match rng.randrange(kinds):
            case 0:
                return None
            case 1:
                return rng.random() < 0.5
            case 2 | 3:
                return rng.choice(
                    [
                        0,
                        1,
                        -1,
                        0.5,
                        1e300,
                        -1.25e-7,
                        9007199254740993,
                        Raw("1e2"),
                        Raw("123456789012345678901234567890"),
                    ]
                )
            case 4:
                return rng.choice(STRINGS)
            case 5:
                return self.struct(depth + 2)
        return [self.any_value(depth + 2) for _ in range(rng.randrange(3))]

    def duration(self):
        rng = self.rng
        seconds = rng.choice([0, 0, 1, 5, 57, 3600, 315_576_000_000])
        fraction = rng.choice(["", "", ".5", ".500", ".000001", ".123456789", ".1", ".12345"])
        if seconds == 315_576_000_000:
            fraction = ""
        return f"{rng.choice(['', '-'])}{seconds}{fraction}s"

    def timestamp(self):
        rng = self.rng
        day = rng.choice(["2027-05-01", "1970-01-01", "0001-01-02", "9999-12-30", "2024-02-29", "1969-12-31"])
        time = rng.choice(["00:00:00", "23:59:59", "12:34:56"])
        fraction = rng.choice(["", "", ".5", ".120", ".000001", ".123456789", ".624771"])
        return f"{day}T{time}{fraction}{rng.choice(['Z', 'Z', '+00:00', '-07:30', '+01:00'])}"


def is_null_value(descriptor):
    """The enum whose only value is JSON's null."""
    return descriptor.full_name == "google.protobuf.NullValue"
