//! JSON as data inside messages: arguments and results of functions, JSON schemas.
//!
//! These are protobuf's `Struct` and `Value`: keys are data and are never re-spelled, numbers are `f64`.

use std::collections::BTreeMap;

/// An object whose keys are data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Struct(pub BTreeMap<String, Value>);

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; an integer is exact up to 2^53.
    Number(f64),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Struct(Struct),
}

/// The only value of `google.protobuf.NullValue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NullValue;

impl Struct {
    /// An empty object.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// True if there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Struct {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Value {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number of a number.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The object of an object.
    pub fn as_struct(&self) -> Option<&Struct> {
        if let Self::Struct(object) = self { Some(object) } else { None }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Struct> for Value {
    fn from(value: Struct) -> Self {
        Self::Struct(value)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(values: Vec<V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

#[cfg(feature = "json")]
mod serde_json_values {
    //! To and from serde_json, for hosts that hold arguments and results there.

    use super::{Struct, Value};

    impl From<serde_json::Value> for Value {
        fn from(value: serde_json::Value) -> Self {
            match value {
                serde_json::Value::Null => Self::Null,
                serde_json::Value::Bool(value) => Self::Bool(value),
                serde_json::Value::Number(number) => number.as_f64().map_or(Self::Null, Self::Number),
                serde_json::Value::String(text) => Self::String(text),
                serde_json::Value::Array(list) => Self::List(list.into_iter().map(Into::into).collect()),
                serde_json::Value::Object(object) => Self::Struct(object.into()),
            }
        }
    }

    impl From<serde_json::Map<String, serde_json::Value>> for Struct {
        fn from(object: serde_json::Map<String, serde_json::Value>) -> Self {
            Self(object.into_iter().map(|(key, value)| (key, value.into())).collect())
        }
    }

    /// An integer within 2^53 becomes an integer; NaN and the infinities, which JSON lacks, become null.
    impl From<Value> for serde_json::Value {
        fn from(value: Value) -> Self {
            match value {
                Value::Null => Self::Null,
                Value::Bool(value) => Self::Bool(value),
                Value::Number(number) => match crate::value::exact_integer(number) {
                    Some(integer) => Self::from(integer),
                    None => serde_json::Number::from_f64(number).map_or(Self::Null, Self::Number),
                },
                Value::String(text) => Self::String(text),
                Value::List(list) => Self::Array(list.into_iter().map(Into::into).collect()),
                Value::Struct(object) => Self::Object(object.into()),
            }
        }
    }

    impl From<Struct> for serde_json::Map<String, serde_json::Value> {
        fn from(object: Struct) -> Self {
            object.0.into_iter().map(|(key, value)| (key, value.into())).collect()
        }
    }
}

/// The integer that a number is, where `f64` holds integers exactly; none for -0.0, which an integer cannot say.
#[cfg(feature = "json")]
pub(crate) fn exact_integer(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let negative_zero = number == 0.0 && number.is_sign_negative();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let integer = (number.fract() == 0.0 && number.abs() <= EXACT && !negative_zero).then_some(number as i64);
    integer
}
