//! What a client did wrong: which rule it broke, where, and what was found there.
//!
//! Not here: the rules themselves, with their texts ([`Rule`]), closes that are nobody's fault ([`crate::close`]), and the rules
//! of the bytes ([`live_proto::DecodeError`]).

use std::fmt;

use live_proto::{DecodeError, DecodeErrorKind};

use crate::close::GrpcStatus;

mod findings;
mod rule;

pub(crate) use self::findings::Findings;
pub use self::rule::Rule;

/// A rule that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    rule: Rule,
    path: String,
    found: Vec<String>,
}

/// What a person is told about a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Where, as a JSON path from the root of the message, or `the whole context` if no one message is too much.
    pub path: String,
    /// The rule that was broken.
    pub rule: String,
    /// What to do instead.
    pub fix: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, rule, fix } = self;
        if path.is_empty() { write!(f, "{rule}; {fix}") } else { write!(f, "{path}: {rule}; {fix}") }
    }
}

impl Violation {
    /// `rule` was broken at `path`, a JSON path from the root of the message.
    pub fn new(rule: Rule, path: impl Into<String>) -> Self {
        Self { rule, path: path.into(), found: Vec::new() }
    }

    /// Names what was found, in the order in which the rule's texts have places for it. A peer's text is cut to what a person reads.
    #[must_use]
    pub fn found(mut self, what: impl fmt::Display) -> Self {
        let mut what = what.to_string();
        what.truncate(what.floor_char_boundary(FOUND_BYTES_MAX));
        self.found.push(what);
        self
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The rule's name, which stays.
    pub fn id(&self) -> &'static str {
        self.rule.id()
    }

    /// WebSocket close code.
    pub fn code(&self) -> u16 {
        self.rule.code()
    }

    /// gRPC status.
    pub fn status(&self) -> GrpcStatus {
        self.rule.status()
    }

    /// The text that the service closes with, before it is cut to fit a close frame.
    pub fn text(&self) -> String {
        rule::fill(self.rule.text(), &self.found)
    }

    /// Where, which rule, and what to do instead.
    pub fn explanation(&self) -> Explanation {
        Explanation {
            path: self.path.clone(),
            rule: rule::fill(self.rule.sentence(), &self.found),
            fix: rule::fill(self.rule.fix(), &self.found),
        }
    }
}

/// The service's parser names paths in snake_case and the message itself by nothing at all.
impl From<DecodeError> for Violation {
    fn from(error: DecodeError) -> Self {
        let path = error.path.proto_spelling();
        let at = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
        let rule = match &error.kind {
            DecodeErrorKind::Syntax { .. } => Rule::JsonSyntax,
            DecodeErrorKind::Utf8 => Rule::JsonUtf8,
            DecodeErrorKind::UnknownField { .. } => Rule::JsonUnknownField,
            DecodeErrorKind::Duplicate { .. } => Rule::JsonDuplicate,
            DecodeErrorKind::OneofConflict { .. } => Rule::JsonOneof,
            DecodeErrorKind::WrongType { .. } => Rule::JsonType,
            DecodeErrorKind::Number { .. } => Rule::JsonNumber,
            DecodeErrorKind::Enum { .. } => Rule::JsonEnum,
            DecodeErrorKind::Base64 => Rule::JsonBase64,
            DecodeErrorKind::Duration => Rule::JsonDuration,
            DecodeErrorKind::Timestamp => Rule::JsonTimestamp,
            DecodeErrorKind::TooLarge { .. } => Rule::MessageTooLarge,
            DecodeErrorKind::TooDeep { .. } => Rule::MessageTooDeep,
            DecodeErrorKind::TooManyElements { .. } => Rule::MessageTooManyElements,
            DecodeErrorKind::Protobuf(_) | _ => Rule::Protobuf,
        };
        let violation = Self::new(rule, error.path.to_string()).found(at).found(&error.kind).found(error.fix());
        match &error.kind {
            DecodeErrorKind::UnknownField { name } => violation.found(name),
            DecodeErrorKind::Syntax { .. } | _ => violation,
        }
    }
}

/// More than a close frame takes, and little enough for a line of a log.
const FOUND_BYTES_MAX: usize = 256;
