//! The model to prost's types and back. The messages are generated, naming every field; the well-known types are here.
//!
//! One thing does not survive the way to protobuf: the name of an enum value that this version does not know, which has no
//! number and becomes 0.

#[path = "generated/convert.rs"]
mod messages;

use crate::{Duration, Struct, Timestamp, Value};

impl From<Struct> for prost_types::Struct {
    fn from(Struct(fields): Struct) -> Self {
        Self { fields: fields.into_iter().map(|(key, value)| (key, value.into())).collect() }
    }
}

impl From<prost_types::Struct> for Struct {
    fn from(prost_types::Struct { fields }: prost_types::Struct) -> Self {
        Self(fields.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

impl From<Value> for prost_types::Value {
    fn from(value: Value) -> Self {
        use prost_types::value::Kind;
        let kind = match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(value) => Kind::BoolValue(value),
            Value::Number(number) => Kind::NumberValue(number),
            Value::String(text) => Kind::StringValue(text),
            Value::List(list) => {
                Kind::ListValue(prost_types::ListValue { values: list.into_iter().map(Into::into).collect() })
            }
            Value::Struct(object) => Kind::StructValue(object.into()),
        };
        Self { kind: Some(kind) }
    }
}

/// A value of no kind, which protobuf can say and JSON cannot, becomes null.
impl From<prost_types::Value> for Value {
    fn from(prost_types::Value { kind }: prost_types::Value) -> Self {
        use prost_types::value::Kind;
        match kind {
            None | Some(Kind::NullValue(_)) => Self::Null,
            Some(Kind::BoolValue(value)) => Self::Bool(value),
            Some(Kind::NumberValue(number)) => Self::Number(number),
            Some(Kind::StringValue(text)) => Self::String(text),
            Some(Kind::ListValue(list)) => Self::List(list.values.into_iter().map(Into::into).collect()),
            Some(Kind::StructValue(object)) => Self::Struct(object.into()),
        }
    }
}

impl From<Duration> for prost_types::Duration {
    fn from(Duration { seconds, nanos }: Duration) -> Self {
        Self { seconds, nanos }
    }
}

impl From<prost_types::Duration> for Duration {
    fn from(prost_types::Duration { seconds, nanos }: prost_types::Duration) -> Self {
        Self { seconds, nanos }
    }
}

impl From<Timestamp> for prost_types::Timestamp {
    fn from(Timestamp { seconds, nanos }: Timestamp) -> Self {
        Self { seconds, nanos }
    }
}

impl From<prost_types::Timestamp> for Timestamp {
    fn from(prost_types::Timestamp { seconds, nanos }: prost_types::Timestamp) -> Self {
        Self { seconds, nanos }
    }
}
