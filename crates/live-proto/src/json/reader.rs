//! Values of JSON to values of the model: proto3's rules, each in one place, and the path to what is wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;
use smallvec::SmallVec;

use super::scan::{Scanner, number_length};
use super::{DecodeOptions, Decoded, Fields, OpenEnum, Strictness};
use crate::error::{DecodeError, DecodeErrorKind, DecodeLimits, FieldName, JsonPath, PathStep};
use crate::{Duration, MimeType, NullValue, Part, Parts, Struct, Timestamp, Value};

/// A [`DecodeErrorKind`] on its way up; the path is the reader's own.
pub(crate) type ReadError = Box<DecodeErrorKind>;

/// Which fields of a message were given, by index.
#[derive(Default)]
pub(crate) struct Seen(u64);

/// A value that the reader can fill, starting from its default: in place, so that big messages are not moved.
pub(crate) trait ReadValue: Default {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError>;
}

/// Where the elements of a repeated field go.
pub(crate) trait List<T> {
    /// Appends a default and returns it to be filled.
    fn append(&mut self) -> &mut T;
}

impl<T: Default> List<T> for Vec<T> {
    fn append(&mut self) -> &mut T {
        self.push(T::default());
        self.last_mut().expect("an element was pushed")
    }
}

impl List<Part> for Parts {
    fn append(&mut self) -> &mut Part {
        self.push(Part::default());
        self.last_mut().expect("a part was pushed")
    }
}

/// The reader of one document.
pub(crate) struct Reader<'a> {
    scanner: Scanner<'a>,
    path: SmallVec<[Step<'a>; 8]>,
    depth: u32,
    elements: u32,
    strictness: Strictness,
    limits: DecodeLimits,
    unknown: Vec<String>,
}

/// One step of the path that the reader is on.
enum Step<'a> {
    Field(&'static FieldName),
    Index(u32),
    Key(Cow<'a, str>),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, options: &DecodeOptions) -> Self {
        Self {
            scanner: Scanner::new(text),
            path: SmallVec::new(),
            depth: 0,
            elements: 0,
            strictness: options.strictness,
            limits: options.limits,
            unknown: Vec::new(),
        }
    }

    /// Reads the whole text as one message.
    pub(crate) fn document<M: Fields>(mut self, decoded: &mut Decoded<M>) -> Result<(), DecodeError> {
        match self.fill_document(&mut decoded.message) {
            Ok(()) => {
                decoded.unknown = self.unknown;
                Ok(())
            }
            Err(kind) => Err(DecodeError { path: self.json_path(), kind: *kind }),
        }
    }

    fn fill_document<M: Fields>(&mut self, message: &mut M) -> Result<(), ReadError> {
        self.fill_message(message)?;
        if self.scanner.at_end() { Ok(()) } else { Err(self.scanner.syntax("nothing after the message")) }
    }

    fn json_path(&self) -> JsonPath {
        let segment = |step: &Step<'_>| match step {
            Step::Field(name) => PathStep::Field(name),
            Step::Index(index) => PathStep::Index(*index),
            Step::Key(key) => PathStep::Key(key.as_ref().into()),
        };
        self.path.iter().map(segment).collect()
    }

    /// Reads an object as a message.
    pub(crate) fn fill_message<M: Fields>(&mut self, message: &mut M) -> Result<(), ReadError> {
        let mut seen = Seen::default();
        let mut more = self.open_object()?;
        while more {
            let key = self.key()?;
            message.read_field(&key, &mut seen, self)?;
            more = self.next_or_close(b'}', "a comma or the end of the object")?;
        }
        Ok(())
    }

    // The next methods read one field each, into the place where it is kept: large messages in the frames of generated
    // code would make a deep document overflow the stack, and moving them costs more than reading them.

    /// A field without presence.
    pub(crate) fn plain<T: ReadValue>(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        slot: &mut T,
    ) -> Result<(), ReadError> {
        if self.enter(seen, index, name, key)? {
            slot.fill(self)?;
            self.leave();
        }
        Ok(())
    }

    /// A field with presence.
    pub(crate) fn optional<T: ReadValue>(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        slot: &mut Option<T>,
    ) -> Result<(), ReadError> {
        if self.enter(seen, index, name, key)? {
            slot.insert(T::default()).fill(self)?;
            self.leave();
        }
        Ok(())
    }

    /// A field with presence to which `null` is a value.
    pub(crate) fn optional_nullable<T: ReadValue>(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        slot: &mut Option<T>,
    ) -> Result<(), ReadError> {
        self.enter_nullable(seen, index, name, key)?;
        slot.insert(T::default()).fill(self)?;
        self.leave();
        Ok(())
    }

    /// A repeated field.
    pub(crate) fn list_field<T: ReadValue, L: List<T>>(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        slot: &mut L,
    ) -> Result<(), ReadError> {
        if self.enter(seen, index, name, key)? {
            self.list(slot)?;
            self.leave();
        }
        Ok(())
    }

    /// A map field.
    pub(crate) fn map_field<T: ReadValue>(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        slot: &mut BTreeMap<String, T>,
    ) -> Result<(), ReadError> {
        if self.enter(seen, index, name, key)? {
            self.map(slot)?;
            self.leave();
        }
        Ok(())
    }

    /// Steps onto a member of a oneof, unless its value is `null`; an error if the oneof, named then, is set already.
    pub(crate) fn member(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        taken: Option<&'static str>,
    ) -> Result<bool, ReadError> {
        if !self.enter(seen, index, name, key)? {
            return Ok(false);
        }
        self.sole_member(name, taken).map(|()| true)
    }

    /// Steps onto a member of a oneof to which `null` is a value.
    pub(crate) fn member_nullable(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
        taken: Option<&'static str>,
    ) -> Result<bool, ReadError> {
        self.enter_nullable(seen, index, name, key)?;
        self.sole_member(name, taken).map(|()| true)
    }

    fn sole_member(&mut self, name: &'static FieldName, taken: Option<&'static str>) -> Result<(), ReadError> {
        let Some(oneof) = taken else { return Ok(()) };
        self.leave();
        Err(Box::new(DecodeErrorKind::OneofConflict { oneof, second: name.json }))
    }

    /// The value of a member, and back from it.
    pub(crate) fn fill_member<T: ReadValue>(&mut self, slot: &mut T) -> Result<(), ReadError> {
        slot.fill(self)?;
        self.leave();
        Ok(())
    }

    /// Steps onto a field; false if its value is `null`, which is passed.
    #[inline]
    fn enter(&mut self, seen: &mut Seen, index: u32, name: &'static FieldName, key: &str) -> Result<bool, ReadError> {
        self.enter_nullable(seen, index, name, key)?;
        let present = !self.take_null()?;
        if !present {
            self.leave();
        }
        Ok(present)
    }

    /// Steps onto a field to which `null` is a value.
    #[inline]
    fn enter_nullable(
        &mut self,
        seen: &mut Seen,
        index: u32,
        name: &'static FieldName,
        key: &str,
    ) -> Result<(), ReadError> {
        let bit = 1_u64 << index;
        if seen.0 & bit != 0 {
            return Err(Box::new(DecodeErrorKind::Duplicate { name: key.into() }));
        }
        seen.0 |= bit;
        self.path.push(Step::Field(name));
        Ok(())
    }

    /// Steps back from a field.
    fn leave(&mut self) {
        self.path.pop();
    }

    /// A key that the message does not have: an error, or skipped and reported.
    pub(crate) fn unknown(&mut self, key: &str) -> Result<(), ReadError> {
        match self.strictness {
            Strictness::Strict => Err(Box::new(DecodeErrorKind::UnknownField { name: key.into() })),
            Strictness::Lenient => {
                let at = self.json_path();
                self.report(if at.is_root() { key.to_owned() } else { format!("{at}.{key}") });
                self.skip()
            }
        }
    }

    fn report(&mut self, what: String) {
        if self.unknown.len() < UNKNOWN_MAX {
            self.unknown.push(what);
        }
    }

    /// Reads a list.
    fn list<T: ReadValue>(&mut self, list: &mut impl List<T>) -> Result<(), ReadError> {
        let mut more = self.open_list()?;
        let mut index = 0;
        while more {
            self.path.push(Step::Index(index));
            list.append().fill(self)?;
            self.path.pop();
            index += 1;
            more = self.next_or_close(b']', "a comma or the end of the list")?;
        }
        Ok(())
    }

    /// Reads an object whose keys are data.
    fn map<T: ReadValue>(&mut self, map: &mut BTreeMap<String, T>) -> Result<(), ReadError> {
        let mut more = self.open_object()?;
        while more {
            let key = self.key()?;
            if map.contains_key(key.as_ref()) {
                return Err(Box::new(DecodeErrorKind::Duplicate { name: key.as_ref().into() }));
            }
            self.path.push(Step::Key(key.clone()));
            map.entry(key.into_owned()).or_default().fill(self)?;
            self.path.pop();
            more = self.next_or_close(b'}', "a comma or the end of the object")?;
        }
        Ok(())
    }

    pub(crate) fn read_enum<E: OpenEnum>(&mut self) -> Result<E, ReadError> {
        match self.scanner.peek() {
            b'"' => {
                let name = self.scanner.string()?;
                match (E::from_name(&name), self.strictness) {
                    (Some(value), _) => Ok(value),
                    (None, Strictness::Strict) => {
                        Err(Box::new(DecodeErrorKind::Enum { name: E::NAME, value: shortened(&name) }))
                    }
                    (None, Strictness::Lenient) => {
                        self.report(self.json_path().to_string());
                        Ok(E::from_unknown_name(&name))
                    }
                }
            }
            b'-' | b'0'..=b'9' => self.integer("an int32").map(E::from_number),
            _ => Err(self.wrong_type("the name of an enum value")),
        }
    }

    /// An integer from a number, an integral float, or either in a string.
    fn integer<N: TryFrom<i64>>(&mut self, expected: &'static str) -> Result<N, ReadError> {
        let text = self.numeric(expected)?;
        parse_integer(&text)
            .and_then(|integer| N::try_from(integer).ok())
            .ok_or_else(|| Box::new(DecodeErrorKind::Number { expected, value: shortened(&text) }))
    }

    /// A float from a number, or from a string that holds a number, `NaN` or an infinity.
    fn float<N: FromStr + Copy>(&mut self, expected: &'static str, is_finite: fn(N) -> bool) -> Result<N, ReadError> {
        let quoted = self.scanner.peek() == b'"';
        let text = self.numeric(expected)?;
        let special = quoted && matches!(text.as_ref(), "NaN" | "Infinity" | "-Infinity");
        text.parse::<N>()
            .ok()
            .filter(|&number| special || is_finite(number))
            .ok_or_else(|| Box::new(DecodeErrorKind::Number { expected, value: shortened(&text) }))
    }

    /// The text of a number, in a string or not.
    fn numeric(&mut self, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        match self.scanner.peek() {
            b'"' => {
                let text = self.scanner.string()?;
                let special = matches!(text.as_ref(), "NaN" | "Infinity" | "-Infinity");
                if special || number_length(text.as_bytes()) == Some(text.len()) {
                    return Ok(text);
                }
                Err(Box::new(DecodeErrorKind::Number { expected, value: shortened(&text) }))
            }
            b'-' | b'0'..=b'9' => Ok(Cow::Borrowed(self.scanner.number()?)),
            _ => Err(self.wrong_type(expected)),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        if self.scanner.peek() != b'"' {
            return Err(self.wrong_type("a string"));
        }
        self.scanner.string()
    }

    fn bool(&mut self) -> Result<bool, ReadError> {
        match self.scanner.peek() {
            b't' => self.scanner.take_word("true").map(|()| true),
            b'f' => self.scanner.take_word("false").map(|()| false),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// True, and past it, if the value is `null`.
    #[inline]
    fn take_null(&mut self) -> Result<bool, ReadError> {
        if self.scanner.peek() != b'n' {
            return Ok(false);
        }
        self.scanner.take_word("null")?;
        Ok(true)
    }

    fn open_object(&mut self) -> Result<bool, ReadError> {
        if self.scanner.peek() != b'{' {
            return Err(self.wrong_type("an object"));
        }
        self.open(b'}')
    }

    fn open_list(&mut self) -> Result<bool, ReadError> {
        if self.scanner.peek() != b'[' {
            return Err(self.wrong_type("a list"));
        }
        self.open(b']')
    }

    /// Passes the opening; true if something is inside.
    fn open(&mut self, closing: u8) -> Result<bool, ReadError> {
        self.scanner.pass();
        if self.depth == self.limits.depth_max {
            return Err(Box::new(DecodeErrorKind::TooDeep { limit: self.limits.depth_max }));
        }
        if self.scanner.peek() == closing {
            self.scanner.pass();
            return Ok(false);
        }
        self.depth += 1;
        self.count()?;
        Ok(true)
    }

    /// After an element: true if another follows, false past the closing.
    #[inline]
    fn next_or_close(&mut self, closing: u8, expected: &'static str) -> Result<bool, ReadError> {
        let byte = self.scanner.peek();
        if byte == b',' {
            self.scanner.pass();
            self.count()?;
            return Ok(true);
        }
        if byte != closing {
            return Err(self.scanner.syntax(expected));
        }
        self.scanner.pass();
        self.depth -= 1;
        Ok(false)
    }

    fn count(&mut self) -> Result<(), ReadError> {
        if self.elements == self.limits.elements_max {
            return Err(Box::new(DecodeErrorKind::TooManyElements { limit: self.limits.elements_max }));
        }
        self.elements += 1;
        Ok(())
    }

    #[inline]
    fn key(&mut self) -> Result<Cow<'a, str>, ReadError> {
        if self.scanner.peek() != b'"' {
            return Err(self.scanner.syntax("a key in quotes"));
        }
        let key = self.scanner.string()?;
        if self.scanner.peek() != b':' {
            return Err(self.scanner.syntax("a colon"));
        }
        self.scanner.pass();
        Ok(key)
    }

    /// Passes a value of any kind, which must still be JSON.
    fn skip(&mut self) -> Result<(), ReadError> {
        match self.scanner.peek() {
            b'{' => {
                let mut more = self.open(b'}')?;
                while more {
                    self.key()?;
                    self.skip()?;
                    more = self.next_or_close(b'}', "a comma or the end of the object")?;
                }
            }
            b'[' => {
                let mut more = self.open(b']')?;
                while more {
                    self.skip()?;
                    more = self.next_or_close(b']', "a comma or the end of the list")?;
                }
            }
            b'"' => drop(self.scanner.string()?),
            b't' => self.scanner.take_word("true")?,
            b'f' => self.scanner.take_word("false")?,
            b'n' => self.scanner.take_word("null")?,
            _ => drop(self.scanner.number()?),
        }
        Ok(())
    }

    fn wrong_type(&mut self, expected: &'static str) -> ReadError {
        let found = match self.scanner.peek() {
            b'{' => "an object",
            b'[' => "a list",
            b'"' => "a string",
            b't' | b'f' => "a boolean",
            b'n' => "null",
            b'-' | b'0'..=b'9' => "a number",
            _ => return self.scanner.syntax(expected),
        };
        Box::new(DecodeErrorKind::WrongType { expected, found })
    }
}

/// An integer in digits, or a float without a fraction; both within i64.
fn parse_integer(text: &str) -> Option<i64> {
    if let Ok(integer) = text.parse() {
        return Some(integer);
    }
    let float: f64 = text.parse().ok()?;
    let limit = 2f64.powi(63);
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let integer = (float.fract() == 0.0 && (-limit..limit).contains(&float)).then_some(float as i64);
    integer.filter(|_| text.contains(['.', 'e', 'E']))
}

fn shortened(text: &str) -> Box<str> {
    text.chars().take(QUOTED_CHARS_MAX).collect::<String>().into()
}

impl ReadValue for bool {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.bool()?;
        Ok(())
    }
}

impl ReadValue for i32 {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.integer("an int32")?;
        Ok(())
    }
}

impl ReadValue for i64 {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.integer("an int64")?;
        Ok(())
    }
}

impl ReadValue for f32 {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.float("a float", f32::is_finite)?;
        Ok(())
    }
}

impl ReadValue for f64 {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.float("a double", f64::is_finite)?;
        Ok(())
    }
}

impl ReadValue for String {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.string()?.into_owned();
        Ok(())
    }
}

impl ReadValue for MimeType {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        let text = reader.string()?;
        *self = Self::usual(text.as_bytes()).unwrap_or_else(|| text.into_owned().into());
        Ok(())
    }
}

impl ReadValue for Bytes {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        if reader.scanner.peek() != b'"' {
            return Err(reader.wrong_type("a string of base64"));
        }
        let text = reader.scanner.opaque_string()?;
        *self = decode_base64(text.as_bytes()).ok_or(DecodeErrorKind::Base64)?;
        Ok(())
    }
}

impl ReadValue for Duration {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.string()?.parse().map_err(|_| DecodeErrorKind::Duration)?;
        Ok(())
    }
}

impl ReadValue for Timestamp {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        *self = reader.string()?.parse().map_err(|_| DecodeErrorKind::Timestamp)?;
        Ok(())
    }
}

impl ReadValue for NullValue {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        if reader.take_null()? {
            return Ok(());
        }
        let name = reader.scanner.peek() == b'"';
        let legal = if name { reader.string()? == "NULL_VALUE" } else { reader.integer::<i32>("null")? == 0 };
        if legal {
            Ok(())
        } else {
            Err(Box::new(DecodeErrorKind::Enum { name: "google.protobuf.NullValue", value: "".into() }))
        }
    }
}

impl ReadValue for Struct {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        reader.map(&mut self.0)
    }
}

impl ReadValue for Value {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        match reader.scanner.peek() {
            b'{' => {
                let mut object = Struct::default();
                object.fill(reader)?;
                *self = Self::Struct(object);
            }
            b'[' => {
                let mut list = Vec::new();
                reader.list(&mut list)?;
                *self = Self::List(list);
            }
            b'"' => *self = Self::String(reader.string()?.into_owned()),
            b't' | b'f' => *self = Self::Bool(reader.bool()?),
            b'n' => {
                reader.take_null()?;
            }
            _ => *self = Self::Number(reader.float("a double", f64::is_finite)?),
        }
        Ok(())
    }
}

impl<T: ReadValue> ReadValue for Box<T> {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {
        T::fill(self, reader)
    }
}

/// Bytes from base64 in either alphabet, padded or not. One pass for the alphabet that a client uses throughout; a second
/// only if the first was not it.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Bytes> {
    let body = match text {
        [body @ .., b'=', b'='] | [body @ .., b'='] if text.len().is_multiple_of(4) => body,
        body => body,
    };
    base64_simd::STANDARD_NO_PAD
        .decode_to_vec(body)
        .or_else(|_| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(body))
        .ok()
        .or_else(|| decode_mixed_base64(body))
        .map(Bytes::from)
}

/// Protobuf's own reader takes both alphabets in one text, and bits after the end that are not zero.
fn decode_mixed_base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0);
    for &byte in body {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).unwrap_or(0));
        }
    }
    if count == 6 { None } else { Some(out) }
}

/// Paths of unknown fields that are kept, so that a hostile message cannot fill memory with its own keys.
const UNKNOWN_MAX: usize = 64;
/// Characters of a wrong value that an error quotes.
const QUOTED_CHARS_MAX: usize = 40;
