//! What a token decides of a client's setup: all of it, some fields, or nothing. Pure.
//!
//! Fields are named by the paths of a field mask, in either spelling. Setups are put together in their JSON form, which has a
//! name for every field; what a setup may hold is decided by `live-proto` as for any other.

use std::fmt;

use bytes::BytesMut;
use live_engine::{Constraint, Kept};
use live_proto::json::{self, DecodeOptions};
use live_proto::{ClientMessage, DecodeError, DecodeErrorKind, DecodeLimits, Setup};
use serde_json::{Map, Value};
use thiserror::Error;

/// The setup and field mask of a token.
///
/// | field mask | setup of the token | the setup in force |
/// |---|---|---|
/// | empty | none | the client's |
/// | empty | some | the token's |
/// | not empty | | the client's, with what is listed taken from the token's; what that does not have is reset |
///
/// A handle to resume by is always the client's, if it has one, and so is the model, where a token's setup replaces the client's
/// and names none.
#[derive(Clone, PartialEq, Default)]
pub struct Lock {
    /// In lowerCamelCase, as it is written.
    setup: Option<Map<String, Value>>,
    /// Paths in lowerCamelCase.
    mask: Vec<Vec<String>>,
    /// What it takes to keep, estimated from above.
    bytes: usize,
}

/// A path of a field mask that names nothing that can be locked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path:?}: {why}")]
pub struct MaskError {
    /// The path as it was sent, cut to a length that can be shown.
    pub path: String,
    /// What is wrong with it, and what to do.
    pub why: String,
}

impl Lock {
    /// Takes the setup of a token and its field mask, comma-separated paths.
    ///
    /// # Errors
    /// When a path names nothing, or goes through a list or a map, whose elements have no names.
    pub fn new(setup: Option<&Setup>, mask: &str) -> Result<Self, MaskError> {
        let paths = if mask.trim().is_empty() { Vec::new() } else { mask.split(',').collect() };
        let fault = |why: String| MaskError { path: shortened(mask), why };
        if paths.len() > PATHS_MAX || mask.len() > MASK_BYTES_MAX {
            return Err(fault(format!("a field mask has at most {PATHS_MAX} paths and {MASK_BYTES_MAX} bytes")));
        }
        let mask = paths.into_iter().map(|path| parse(path.trim())).collect::<Result<_, _>>()?;
        Ok(Self::of(setup.map(object), mask))
    }

    /// Reads what [`parts`](Self::parts) told.
    pub(crate) fn from_parts(setup: Option<&str>, mask: &[String]) -> Option<Self> {
        let setup = setup.map(serde_json::from_str).transpose().ok()?;
        let mask = mask.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect();
        Some(Self::of(setup, mask))
    }

    /// The setup as JSON, and the paths of the mask.
    pub(crate) fn parts(&self) -> (Option<String>, Vec<String>) {
        let setup = self.setup.as_ref().map(|setup| Value::Object(setup.clone()).to_string());
        (setup, self.mask.iter().map(|path| path.join(".")).collect())
    }

    fn of(setup: Option<Map<String, Value>>, mask: Vec<Vec<String>>) -> Self {
        let fields: usize = setup.iter().flatten().map(|(name, value)| name.len() + size(value)).sum();
        let bytes = fields + mask.iter().flatten().map(|segment| NODE_BYTES + segment.len()).sum::<usize>();
        Self { setup, mask, bytes }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The setup that is in force for a client that sent `sent`; the same again when it is applied to that.
    fn decide(&self, sent: Map<String, Value>) -> Map<String, Value> {
        let handle = sent.get(RESUMPTION).and_then(|it| it.get(HANDLE)).cloned();
        let mut decided = match (&self.setup, self.mask.is_empty()) {
            (None, true) => return sent,
            (Some(setup), true) => {
                let mut decided = setup.clone();
                if !decided.contains_key(MODEL) {
                    decided.extend(sent.get(MODEL).map(|model| (MODEL.to_owned(), model.clone())));
                }
                decided
            }
            (setup, false) => {
                let mut decided = sent;
                for path in &self.mask {
                    overlay(&mut decided, path, setup.as_ref());
                }
                decided
            }
        };
        if let Some(handle) = handle {
            let resumption = decided.entry(RESUMPTION).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(resumption) = resumption {
                resumption.insert(HANDLE.to_owned(), handle);
            }
        }
        decided
    }

    fn names(&self, field: &str) -> bool {
        match self.mask.is_empty() {
            true => self.setup.is_some(),
            false => self.mask.iter().any(|path| path[0] == field),
        }
    }
}

impl Constraint for Lock {
    fn apply(&self, sent: Setup) -> Result<Setup, DecodeError> {
        if self.setup.is_none() && self.mask.is_empty() {
            return Ok(sent);
        }
        let decided = Value::Object(self.decide(object(&sent)));
        setup_of(&decided)
    }

    fn keeps(&self, field: Kept) -> bool {
        self.names(match field {
            Kept::SystemInstruction => "systemInstruction",
            Kept::Tools => "tools",
        })
    }
}

/// Says what is locked, and nothing of what it is locked to.
impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask: Vec<String> = self.mask.iter().map(|path| path.join(".")).collect();
        f.debug_struct("Lock").field("has_setup", &self.setup.is_some()).field("mask", &mask).finish()
    }
}

/// Takes the field at `path` from `from`, or resets it.
fn overlay(into: &mut Map<String, Value>, path: &[String], from: Option<&Map<String, Value>>) {
    let (last, parents) = path.split_last().expect("a path has a segment");
    let parent = parents.iter().fold(from, |object, name| object?.get(name)?.as_object());
    let found = parent.and_then(|parent| parent.get(last));
    let mut at = into;
    for name in parents {
        if found.is_none() && !at.contains_key(name) {
            return;
        }
        let inner = at.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        at = inner.as_object_mut().expect("what has fields is an object");
    }
    match found {
        Some(value) => _ = at.insert(last.clone(), value.clone()),
        None => _ = at.remove(last),
    }
}

/// Reads one path, and writes it in lowerCamelCase.
fn parse(path: &str) -> Result<Vec<String>, MaskError> {
    let fault = |why: &str| MaskError { path: shortened(path), why: why.to_owned() };
    let segments: Vec<&str> = path.split('.').collect();
    if segments
        .iter()
        .any(|segment| segment.is_empty() || !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
    {
        return Err(fault("a path is names of fields with dots between them, such as generationConfig.temperature"));
    }
    if segments.len() > DEPTH_MAX {
        return Err(fault("it is deeper than any field of a setup"));
    }
    let mut camel: Vec<String> = Vec::with_capacity(segments.len() + 1);
    let first = lower_camel(segments[0]);
    // SDKs know some fields of the generation and put its name before them; of others they send what their user wrote.
    if !is_field(std::slice::from_ref(&first)) && is_field(&[GENERATION.to_owned(), first]) {
        camel.push(GENERATION.to_owned());
    }
    for segment in segments {
        camel.push(lower_camel(segment));
        if !is_field(&camel) {
            return Err(fault(&format!(
                "bidiGenerateContentSetup has no field {} (elements of lists and maps cannot be listed)",
                camel.join(".")
            )));
        }
    }
    Ok(camel)
}

/// Whether `path` names a field of a setup. The reader of setups knows: it takes `null` for every field.
fn is_field(path: &[String]) -> bool {
    let (_, parents) = path.split_last().expect("a path has a segment");
    // Where any name is taken, it is the key of a map.
    let nothing: Vec<String> = parents.iter().cloned().chain(["no such field".to_owned()]).collect();
    read_null(path).is_ok() && matches!(read_null(&nothing), Err(DecodeErrorKind::UnknownField { .. }))
}

fn read_null(path: &[String]) -> Result<(), DecodeErrorKind> {
    let null =
        path.iter().rev().fold(Value::Null, |inner, name| Value::Object(Map::from_iter([(name.clone(), inner)])));
    setup_of(&null).map(drop).map_err(|error| error.kind)
}

/// `top_k` as `topK`.
fn lower_camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_raised = false;
    for c in name.chars() {
        if c == '_' {
            is_raised = true;
        } else {
            out.push(if is_raised { c.to_ascii_uppercase() } else { c });
            is_raised = false;
        }
    }
    out
}

fn object(setup: &Setup) -> Map<String, Value> {
    let mut out = BytesMut::new();
    json::encode(setup, &mut out);
    serde_json::from_slice(&out).expect("a message is written as an object")
}

/// Reads a setup, with paths that begin where the client's message does.
fn setup_of(value: &Value) -> Result<Setup, DecodeError> {
    let message = Value::Object(Map::from_iter([("setup".to_owned(), value.clone())])).to_string();
    // What is put together here was held to the bounds before.
    let limits = DecodeLimits { message_bytes_max: usize::MAX, elements_max: u32::MAX, ..DecodeLimits::default() };
    let decoded =
        json::decode::<ClientMessage>(message.as_bytes(), &DecodeOptions { limits, ..DecodeOptions::strict() })?;
    match decoded.message {
        ClientMessage::Setup(setup) => Ok(*setup),
        ClientMessage::Empty
        | ClientMessage::ClientContent(_)
        | ClientMessage::RealtimeInput(_)
        | ClientMessage::ToolResponse(_)
        | ClientMessage::ContextUpdate(_) => unreachable!("it was written as a setup"),
    }
}

fn size(value: &Value) -> usize {
    NODE_BYTES
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(object) => object.iter().map(|(name, it)| name.len() + size(it)).sum(),
        }
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(SHOWN_BYTES_MAX)].to_owned()
}

const MODEL: &str = "model";
const GENERATION: &str = "generationConfig";
const RESUMPTION: &str = "sessionResumption";
const HANDLE: &str = "handle";
/// Paths of one mask. 256: a setup has some hundred fields above its lists.
const PATHS_MAX: usize = 256;
const MASK_BYTES_MAX: usize = 16 << 10;
/// Segments of one path: the deepest field is not as deep.
const DEPTH_MAX: usize = 10;
const SHOWN_BYTES_MAX: usize = 200;
/// What a value takes beside its text.
const NODE_BYTES: usize = 64;

#[cfg(test)]
mod tests;
