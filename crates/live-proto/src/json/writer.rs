//! Values of the model to JSON: lowerCamelCase, defaults left out, standard padded base64.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};

use super::scan::plain_length;
use super::{Fields, OpenEnum};
use crate::value::exact_integer;
use crate::{Duration, MimeType, NullValue, Struct, Timestamp, Value};

/// A value that the writer can write.
pub(crate) trait WriteValue {
    /// True for a value that proto3 leaves out where a field has no presence.
    fn is_default(&self) -> bool;
    fn write(&self, writer: &mut Writer<'_>);
}

/// Appends JSON to a buffer of the caller's.
pub(crate) struct Writer<'a> {
    out: &'a mut BytesMut,
    /// An element was written on this level, so that a comma comes before the next.
    follows: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut BytesMut) -> Self {
        Self { out, follows: false }
    }

    pub(crate) fn write_message<M: Fields>(&mut self, message: &M) {
        self.open(b'{');
        message.write_fields(self);
        self.close(b'}');
    }

    // Most fields of most messages are absent, so that the question is inlined and the writing is not.

    /// A field without presence. `key` is quoted and ends with a colon, here and below.
    #[inline]
    pub(crate) fn plain<T: WriteValue>(&mut self, key: &str, value: &T) {
        if !value.is_default() {
            self.present(key, value);
        }
    }

    /// A field with presence.
    #[inline]
    pub(crate) fn optional<T: WriteValue>(&mut self, key: &str, value: &Option<T>) {
        if let Some(value) = value {
            self.present(key, value);
        }
    }

    #[inline]
    pub(crate) fn list<T: WriteValue>(&mut self, key: &str, values: &[T]) {
        if !values.is_empty() {
            self.key(key);
            self.elements(values);
        }
    }

    #[inline]
    pub(crate) fn map<T: WriteValue>(&mut self, key: &str, map: &BTreeMap<String, T>) {
        if !map.is_empty() {
            self.key(key);
            self.entries(map);
        }
    }

    #[inline(never)]
    pub(crate) fn present<T: WriteValue>(&mut self, key: &str, value: &T) {
        self.key(key);
        value.write(self);
    }

    /// A key, and the comma before it if one is due: one copy for both.
    fn key(&mut self, key: &str) {
        self.comma();
        self.raw(key);
    }

    pub(crate) fn write_enum<E: OpenEnum>(&mut self, value: &E) {
        match value.name() {
            Some(name) => self.string(name),
            None => value.number().write(self),
        }
    }

    fn elements<T: WriteValue>(&mut self, values: &[T]) {
        self.open(b'[');
        for value in values {
            self.comma();
            value.write(self);
        }
        self.close(b']');
    }

    fn entries<T: WriteValue>(&mut self, map: &BTreeMap<String, T>) {
        self.open(b'{');
        for (key, value) in map {
            self.comma();
            self.string(key);
            self.out.put_u8(b':');
            value.write(self);
        }
        self.close(b'}');
    }

    fn open(&mut self, opening: u8) {
        self.out.put_u8(opening);
        self.follows = false;
    }

    fn close(&mut self, closing: u8) {
        self.out.put_u8(closing);
        self.follows = true;
    }

    fn comma(&mut self) {
        if self.follows {
            self.out.put_u8(b',');
        }
        self.follows = true;
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A string in quotes, with what must be escaped escaped.
    fn string(&mut self, text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.put_u8(b'"');
        let mut rest = text.as_bytes();
        loop {
            let (plain, special) = rest.split_at(plain_length(rest));
            self.out.extend_from_slice(plain);
            let Some((&byte, after)) = special.split_first() else { break };
            self.escape(byte);
            rest = after;
        }
        self.out.put_u8(b'"');
    }

    #[cold]
    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                return self.out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        };
        self.out.extend_from_slice(&[b'\\', short]);
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.out.put_u8(b'"');
        append_base64(bytes, self.out);
        self.out.put_u8(b'"');
    }

    /// Without a fraction where it has none; -0.0 keeps it, because `-0` is an integer and has no sign to many readers.
    fn float(&mut self, text: &str) {
        let whole = text.strip_suffix(".0").filter(|&whole| whole != "-0");
        self.raw(whole.unwrap_or(text));
    }
}

/// Base64 straight into the buffer: no string in between, and nothing in it wants an escape.
pub(crate) fn append_base64(bytes: &[u8], out: &mut BytesMut) {
    let start = out.len();
    out.put_bytes(0, bytes.len().div_ceil(3) * 4);
    let _ = base64_simd::STANDARD.encode(bytes, base64_simd::Out::from_slice(&mut out[start..]));
}

impl WriteValue for bool {
    fn is_default(&self) -> bool {
        !self
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.raw(if *self { "true" } else { "false" });
    }
}

impl WriteValue for i32 {
    fn is_default(&self) -> bool {
        *self == 0
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.raw(itoa::Buffer::new().format(*self));
    }
}

/// A string, because a double cannot hold it.
impl WriteValue for i64 {
    fn is_default(&self) -> bool {
        *self == 0
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(itoa::Buffer::new().format(*self));
    }
}

impl WriteValue for f32 {
    fn is_default(&self) -> bool {
        self.to_bits() == 0
    }
    fn write(&self, writer: &mut Writer<'_>) {
        match not_finite(f64::from(*self)) {
            Some(name) => writer.string(name),
            None => writer.float(ryu::Buffer::new().format_finite(*self)),
        }
    }
}

impl WriteValue for f64 {
    fn is_default(&self) -> bool {
        self.to_bits() == 0
    }
    fn write(&self, writer: &mut Writer<'_>) {
        match (not_finite(*self), exact_integer(*self)) {
            (Some(name), _) => writer.string(name),
            (None, Some(integer)) => writer.raw(itoa::Buffer::new().format(integer)),
            (None, None) => writer.float(ryu::Buffer::new().format_finite(*self)),
        }
    }
}

fn not_finite(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

impl WriteValue for String {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(self);
    }
}

impl WriteValue for MimeType {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(self.as_str());
    }
}

impl WriteValue for Bytes {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.base64(self);
    }
}

impl WriteValue for Duration {
    fn is_default(&self) -> bool {
        false
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(&self.to_string());
    }
}

impl WriteValue for Timestamp {
    fn is_default(&self) -> bool {
        false
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(&self.to_string());
    }
}

impl WriteValue for NullValue {
    fn is_default(&self) -> bool {
        false
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.raw("null");
    }
}

impl WriteValue for Struct {
    fn is_default(&self) -> bool {
        false
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.entries(&self.0);
    }
}

impl WriteValue for Value {
    fn is_default(&self) -> bool {
        false
    }
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Null => writer.raw("null"),
            Self::Bool(value) => value.write(writer),
            // JSON has no NaN: a Value says null, as a Struct from a peer cannot hold one.
            Self::Number(number) if !number.is_finite() => writer.raw("null"),
            Self::Number(number) => number.write(writer),
            Self::String(text) => writer.string(text),
            Self::List(list) => writer.elements(list),
            Self::Struct(object) => object.write(writer),
        }
    }
}

impl<T: WriteValue> WriteValue for Box<T> {
    fn is_default(&self) -> bool {
        T::is_default(self)
    }
    fn write(&self, writer: &mut Writer<'_>) {
        T::write(self, writer);
    }
}
