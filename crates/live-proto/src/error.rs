//! What can be wrong with the bytes of a message: where (a JSON path), which rule, and what to do about it.
//!
//! The rules are those of proto3's JSON mapping. Closing a connection over them is the engine's business.

use std::fmt;

/// The name of a field in both of its legal spellings.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldName {
    /// lowerCamelCase, as JSON output spells it.
    pub json: &'static str,
    /// snake_case, as the .proto files spell it.
    pub proto: &'static str,
}

/// One step from the root of a message towards a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// A field of a message.
    Field(&'static FieldName),
    /// An element of a list, counted from 0.
    Index(u32),
    /// A key of a map or of a `Struct`: data, in no spelling but its own.
    Key(Box<str>),
}

/// Where in a message something was found; empty for the message itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonPath(Box<[PathStep]>);

impl JsonPath {
    /// The steps from the root.
    pub fn segments(&self) -> &[PathStep] {
        &self.0
    }

    /// True for the message itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path in snake_case, as the service words it in its close reasons: `setup.generation_config`.
    pub fn proto_spelling(&self) -> String {
        self.spelled(|field| field.proto)
    }

    fn spelled(&self, name: fn(&'static FieldName) -> &'static str) -> String {
        let mut out = String::new();
        for segment in &self.0 {
            match segment {
                PathStep::Field(field) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name(field));
                }
                PathStep::Index(index) => {
                    out.push('[');
                    out.push_str(&index.to_string());
                    out.push(']');
                }
                PathStep::Key(key) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(key);
                }
            }
        }
        out
    }
}

impl FromIterator<PathStep> for JsonPath {
    fn from_iter<I: IntoIterator<Item = PathStep>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

/// In JSON's spelling: `setup.tools[0].functionDeclarations[1].name`.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled(|field| field.json))
    }
}

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", At(.path))]
pub struct DecodeError {
    /// Where it went wrong.
    pub path: JsonPath,
    /// What went wrong there.
    pub kind: DecodeErrorKind,
}

struct At<'a>(&'a JsonPath);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { Ok(()) } else { write!(f, "{}: ", self.0) }
    }
}

impl DecodeError {
    /// The rule that was broken, as a sentence for a log.
    pub fn rule(&self) -> &'static str {
        self.kind.rule()
    }

    /// What the sender should do instead.
    pub fn fix(&self) -> String {
        self.kind.fix()
    }
}

/// What is wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// Not JSON.
    #[error("expected {expected} at byte {offset}")]
    Syntax {
        /// Bytes before the fault.
        offset: usize,
        /// What the grammar allows there.
        expected: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("text is not UTF-8")]
    Utf8,
    /// A key that names no field of the message.
    #[error("unknown field \"{name}\"")]
    UnknownField {
        /// The key as sent.
        name: Box<str>,
    },
    /// A key given twice, in either spelling.
    #[error("field \"{name}\" is given twice")]
    Duplicate {
        /// The key as sent the second time.
        name: Box<str>,
    },
    /// Two members of one oneof.
    #[error("\"{second}\" cannot stand beside another member of \"{oneof}\"")]
    OneofConflict {
        /// The oneof's name in the .proto file.
        oneof: &'static str,
        /// The member that came second, in JSON's spelling.
        second: &'static str,
    },
    /// A value of another JSON type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the field takes.
        expected: &'static str,
        /// What was sent.
        found: &'static str,
    },
    /// A number with a fraction, out of range, or not a number.
    #[error("{value} is not {expected}")]
    Number {
        /// The type, such as "an int32".
        expected: &'static str,
        /// What was sent, cut to 40 characters.
        value: Box<str>,
    },
    /// A name that is no value of the enum.
    #[error("\"{value}\" is no value of {name}")]
    Enum {
        /// The enum's name.
        name: &'static str,
        /// What was sent, cut to 40 characters.
        value: Box<str>,
    },
    /// Neither the standard nor the URL-safe alphabet of base64.
    #[error("expected base64")]
    Base64,
    /// Not a duration such as `"1.5s"`.
    #[error("expected a duration such as \"1.5s\"")]
    Duration,
    /// Not an RFC 3339 time.
    #[error("expected an RFC 3339 time such as \"2027-05-01T00:00:00Z\"")]
    Timestamp,
    /// Not protobuf.
    #[error("not a protobuf message: {0}")]
    Protobuf(Box<str>),
    /// More bytes than [`Limits`](crate::DecodeLimits) allow.
    #[error("message of {size} bytes exceeds {limit}")]
    TooLarge {
        /// Bytes of the message.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Nested deeper than allowed.
    #[error("nested deeper than {limit}")]
    TooDeep {
        /// Levels allowed.
        limit: u32,
    },
    /// More list elements and map entries than allowed.
    #[error("more than {limit} elements")]
    TooManyElements {
        /// Elements allowed in one message.
        limit: u32,
    },
}

impl DecodeErrorKind {
    /// The rule that was broken.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "a frame holds one JSON value (RFC 8259)",
            Self::Utf8 => "JSON text is UTF-8",
            Self::UnknownField { .. } => "a strict reader takes known fields only",
            Self::Duplicate { .. } => "a field is given once, in one of its two spellings",
            Self::OneofConflict { .. } => "at most one member of a oneof is set",
            Self::WrongType { .. } => "a value has the JSON type that proto3 gives its field",
            Self::Number { .. } => "a number fits its type; integers have no fraction",
            Self::Enum { .. } => "an enum is an exact upper-case name or an integer",
            Self::Base64 => "bytes are base64, standard or URL-safe, padding optional",
            Self::Duration => "a duration is a string of seconds with the suffix s",
            Self::Timestamp => "a time is an RFC 3339 string",
            Self::Protobuf(_) => "a binary message follows the protobuf wire format",
            Self::TooLarge { .. } => "a message has a size limit",
            Self::TooDeep { .. } => "a message has a depth limit",
            Self::TooManyElements { .. } => "a message has a limit of elements",
        }
    }

    /// What the sender should do instead.
    pub fn fix(&self) -> String {
        match self {
            Self::Syntax { expected, .. } => format!("send valid JSON: {expected} belongs there"),
            Self::Utf8 => "encode the text as UTF-8".into(),
            Self::UnknownField { name } => format!("remove \"{name}\", or check its spelling and its parent"),
            Self::Duplicate { name } => format!("send \"{name}\" once"),
            Self::OneofConflict { second, .. } => format!("send \"{second}\" in a message of its own"),
            Self::WrongType { expected, .. } => format!("send {expected}"),
            Self::Number { expected, .. } => format!("send {expected}, as a number or a numeric string"),
            Self::Enum { name, .. } => format!("use one of the names of {name}"),
            Self::Base64 => "encode the bytes with the standard base64 alphabet".into(),
            Self::Duration => "write seconds with up to nine decimals, then s".into(),
            Self::Timestamp => "write a UTC time such as 2027-05-01T00:00:00Z".into(),
            Self::Protobuf(_) => "encode the message with the schema in live-proto/proto".into(),
            Self::TooLarge { limit, .. } => format!("split the data into messages under {limit} bytes"),
            Self::TooDeep { limit } => format!("nest at most {limit} levels"),
            Self::TooManyElements { limit } => format!("send at most {limit} elements a message"),
        }
    }
}

/// Bounds on what a decoder accepts, checked before memory is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Bytes of one message. 16 MiB: the largest inline image the service documents, in base64, with slack.
    pub message_bytes_max: usize,
    /// Levels of objects and lists. 100: protobuf's own default.
    pub depth_max: u32,
    /// List elements and map entries in one message, all levels together. 100,000: far above 512 declarations with schemas.
    pub elements_max: u32,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { message_bytes_max: 16 << 20, depth_max: 100, elements_max: 100_000 }
    }
}
