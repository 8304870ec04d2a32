//! JSON by proto3's rules: both key spellings at every level, both base64 alphabets, numbers as strings.
//!
//! Reading a message is [`decode`], writing one is [`encode`]. The rules are in the reader and the writer, once; which keys a
//! message has is generated. Audio, nearly all of the traffic, takes a shorter way that is proved equal.
//!
//! | JSON in | accepted as |
//! |---|---|
//! | key | lowerCamelCase or snake_case, mixed at will; keys of `Struct`s and maps are data |
//! | `null` | absent, except inside `Value`s |
//! | bytes | base64, standard or URL-safe alphabet, padding optional |
//! | int32, int64 | number, integral float (`9.0`), or either in a string |
//! | float, double | number, number in a string, `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | enum | exact name, or integer; an unknown integer is kept |
//! | Duration, Timestamp | `"1.5s"`, RFC 3339 |
//!
//! Written are lowerCamelCase, standard padded base64, int64 as strings, enums by name; defaults are left out.

mod audio;
mod reader;
mod scan;
mod writer;

#[path = "generated/json.rs"]
mod fields;

use bytes::BytesMut;

use crate::error::{DecodeError, DecodeErrorKind, DecodeLimits};

pub(crate) use reader::{ReadError, ReadValue, Reader, Seen};
pub(crate) use writer::{WriteValue, Writer};

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeOptions {
    /// What to do with what is not known.
    pub strictness: Strictness,
    /// Bounds.
    pub limits: DecodeLimits,
}

impl DecodeOptions {
    /// As the service reads: what is not known is an error.
    pub fn strict() -> Self {
        Self { strictness: Strictness::Strict, limits: DecodeLimits::default() }
    }

    /// As a client of a newer service must read: what is not known is reported and left aside.
    pub fn lenient() -> Self {
        Self { strictness: Strictness::Lenient, limits: DecodeLimits::default() }
    }
}

/// What to do with a field, or a name of an enum, that this version does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// It is an error that names its path.
    #[default]
    Strict,
    /// A field is skipped, a name is kept; both are reported in [`Decoded::unknown`].
    Lenient,
}

/// A message, and what in its bytes was not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<M> {
    /// The message.
    pub message: M,
    /// Paths, in JSON's spelling, of what a lenient reader did not know; at most 64 are kept.
    pub unknown: Vec<String>,
}

/// A message of the Live API that JSON can say.
#[expect(private_bounds, reason = "sealed: only generated code implements it")]
pub trait Message: Fields {
    /// The name in protobuf, without the package.
    const NAME: &'static str;
}

/// The keys of a message, as generated.
pub(crate) trait Fields: Default + ReadValue + WriteValue {
    fn read_field(&mut self, key: &str, seen: &mut Seen, reader: &mut Reader<'_>) -> Result<(), ReadError>;

    fn write_fields(&self, writer: &mut Writer<'_>);

    /// The short way for audio. False means that nothing was read and the general way decides.
    fn fill_audio(&mut self, _frame: &[u8]) -> bool {
        false
    }

    /// The short way for audio. False means that nothing was written and the general way writes.
    fn write_audio(&self, _out: &mut BytesMut) -> bool {
        false
    }
}

/// An enum that keeps what it does not know.
pub(crate) trait OpenEnum: Sized {
    const NAME: &'static str;
    fn number(&self) -> i32;
    fn name(&self) -> Option<&str>;
    fn from_number(number: i32) -> Self;
    fn from_name(name: &str) -> Option<Self>;
    fn from_unknown_name(name: &str) -> Self;
}

/// Reads one message from the bytes of a frame.
///
/// # Errors
/// The first thing that is wrong, with its path, the rule, and the fix.
pub fn decode<M: Message>(frame: &[u8], options: &DecodeOptions) -> Result<Decoded<M>, DecodeError> {
    let limit = options.limits.message_bytes_max;
    if frame.len() > limit {
        let kind = DecodeErrorKind::TooLarge { size: frame.len(), limit };
        return Err(DecodeError { path: crate::JsonPath::default(), kind });
    }
    // The result is filled where it is returned: a message is too big to be moved for nothing.
    let mut result = Ok(Decoded { message: M::default(), unknown: Vec::new() });
    if let Ok(decoded) = &mut result
        && (frame.len() < AUDIO_FRAME_BYTES_MIN || !decoded.message.fill_audio(frame))
        && let Err(error) = decode_general(frame, options, decoded)
    {
        result = Err(error);
    }
    result
}

/// Frames below this are not tried as audio: the envelope and 1 ms of it are longer.
const AUDIO_FRAME_BYTES_MIN: usize = 120;

/// The general way, which decides what is legal.
fn decode_general<M: Message>(
    frame: &[u8],
    options: &DecodeOptions,
    decoded: &mut Decoded<M>,
) -> Result<(), DecodeError> {
    let Ok(text) = std::str::from_utf8(frame) else {
        return Err(DecodeError { path: crate::JsonPath::default(), kind: DecodeErrorKind::Utf8 });
    };
    Reader::new(text, options).document(decoded)
}

/// Appends a message to the bytes of a frame.
pub fn encode<M: Message>(message: &M, out: &mut BytesMut) {
    if !message.write_audio(out) {
        encode_general(message, out);
    }
}

/// The general way, which can write anything.
fn encode_general<M: Message>(message: &M, out: &mut BytesMut) {
    Writer::new(out).write_message(message);
}

/// The message as text, for logs and tests; hosts append to a buffer of theirs by [`encode`].
pub fn to_string<M: Message>(message: &M) -> String {
    let mut out = BytesMut::new();
    encode(message, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
