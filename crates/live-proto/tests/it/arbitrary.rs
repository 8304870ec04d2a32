//! Messages from bytes: finite entropy in, JSON of a message out, driven by the descriptors.
//!
//! Every field that the descriptors have can come, in either spelling and in each of the forms that proto3 allows.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

/// Bytes that are used up; after them all choices are 0, so that every message ends.
pub(crate) struct Entropy<'a>(pub(crate) &'a [u8]);

impl Entropy<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    fn chance(&mut self, one_in: usize) -> bool {
        !self.0.is_empty() && self.below(one_in) == 0
    }
}

pub(crate) fn message(entropy: &mut Entropy<'_>, descriptor: &MessageDescriptor, depth: usize) -> Value {
    match descriptor.full_name() {
        "google.protobuf.Duration" => return json!(["1.5s", "0s", "-3.000001s", "57.500s", "10s"][entropy.below(5)]),
        "google.protobuf.Timestamp" => {
            return json!(
                ["2027-05-01T00:00:00Z", "2026-11-21T20:45:30.624771+00:00", "1969-12-31T23:59:59.5-08:00"]
                    [entropy.below(3)]
            );
        }
        "google.protobuf.Struct" => return structure(entropy, depth),
        "google.protobuf.Value" => return value(entropy, depth),
        _ => {}
    }
    let mut object = Map::new();
    let mut oneofs = Vec::new();
    for field in descriptor.fields() {
        if !entropy.chance(if depth == 0 { 3 } else { 4 }) {
            continue;
        }
        if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
            if oneofs.contains(&oneof.name().to_owned()) {
                continue;
            }
            oneofs.push(oneof.name().to_owned());
        }
        let key = if entropy.chance(3) { field.name() } else { field.json_name() };
        object.insert(key.to_owned(), self::field(entropy, &field, depth + 1));
    }
    Value::Object(object)
}

fn field(entropy: &mut Entropy<'_>, field: &FieldDescriptor, depth: usize) -> Value {
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { unreachable!("a map has entries") };
        let kind = entry.map_entry_value_field().kind();
        let entries = 1 + entropy.below(2);
        return (0..entries).map(|index| (format!("snake_Key{index}"), single(entropy, &kind, depth))).collect();
    }
    if field.is_list() {
        return (0..1 + entropy.below(2)).map(|_| single(entropy, &field.kind(), depth)).collect();
    }
    single(entropy, &field.kind(), depth)
}

fn single(entropy: &mut Entropy<'_>, kind: &Kind, depth: usize) -> Value {
    match kind {
        Kind::Bool => json!(entropy.chance(2)),
        Kind::Int32 => [json!(0), json!(-1), json!(i32::MAX), json!("12"), json!(9.0), json!(1e3), json!("-7")]
            [entropy.below(7)]
        .clone(),
        Kind::Int64 => {
            [json!("9223372036854775807"), json!(25600), json!("0"), json!(-5), json!(2.0)][entropy.below(5)].clone()
        }
        Kind::Float | Kind::Double => {
            [json!(0.5), json!(1), json!("0.25"), json!("Infinity"), json!(-0.0), json!("-Infinity"), json!(1e-7)]
                [entropy.below(7)]
            .clone()
        }
        Kind::String => json!(["", "a", "é😀\n\"\\", "image/jpeg", "\u{1}/"][entropy.below(5)]),
        Kind::Bytes => json!(["", "AAAA", "-__-_w==", "+//+/w==", "-__-_w", "QQ"][entropy.below(6)]),
        // prost-reflect takes no other spelling of it.
        Kind::Enum(item) if item.full_name() == "google.protobuf.NullValue" => Value::Null,
        Kind::Enum(item) => {
            let values: Vec<_> = item.values().collect();
            let value = &values[entropy.below(values.len())];
            if entropy.chance(4) { json!(value.number()) } else { json!(value.name()) }
        }
        Kind::Message(message) if depth < 12 => self::message(entropy, message, depth),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Duration" | "google.protobuf.Timestamp" => self::message(entropy, message, depth),
            _ => json!({}),
        },
        Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => unreachable!("no field of the Live API has this type"),
    }
}

fn structure(entropy: &mut Entropy<'_>, depth: usize) -> Value {
    (0..entropy.below(3))
        .map(|index| (["snake_case", "camelCase", ""][index].to_owned(), value(entropy, depth + 1)))
        .collect()
}

fn value(entropy: &mut Entropy<'_>, depth: usize) -> Value {
    match entropy.below(if depth < 12 { 7 } else { 5 }) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(1.5),
        3 => json!(-3),
        4 => json!("x_y"),
        5 => (0..entropy.below(3)).map(|_| value(entropy, depth + 1)).collect(),
        _ => structure(entropy, depth),
    }
}
