//! What a function's schema says: whether it can be followed, and whether arguments fit it.
//!
//! A schema comes in two forms, the API's own [`live_proto::Schema`] and JSON Schema, and each has rules of its own; values
//! are held to one, JSON Schema. Not here: the rest of a declaration, and what becomes of arguments that do not fit (the
//! server's rooms for declarations and tools).

use std::fmt::{self, Write as _};

use live_proto::Value;

use crate::violation::{Rule, Violation};

pub(crate) mod fit;
pub(crate) mod json;
pub(crate) mod typed;

/// How large a schema may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How deep schemas may stand within schemas, and references behind references.
    pub(crate) depth_max: usize,
    /// How many there may be.
    pub(crate) schemas_max: usize,
}

/// A place in a message. It is written out only for somebody to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    /// The message's own field.
    Field(&'a str),
    /// A name that the peer chose.
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(crate) fn root(path: &'a str) -> Self {
        Self { parent: None, step: Step::Field(path) }
    }

    pub(crate) fn field<'b>(&'b self, name: &'b str) -> At<'b> {
        At { parent: Some(self), step: Step::Field(name) }
    }

    pub(crate) fn key<'b>(&'b self, name: &'b str) -> At<'b> {
        At { parent: Some(self), step: Step::Key(name) }
    }

    pub(crate) fn index(&self, index: usize) -> At<'_> {
        At { parent: Some(self), step: Step::Index(index) }
    }

    pub(crate) fn breaks(&self, rule: Rule) -> Violation {
        Violation::new(rule, self.to_string())
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_none() => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Key(name) if is_word(name) => write!(f, ".{}", shown(name)),
            Step::Key(name) => write!(f, "[{:?}]", shown(name)),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-'))
}

/// A text of the peer as it is shown, cut to what one can read.
pub(crate) fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_SHOWN_MAX)]
}

/// Names as a list, for a person.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (index, name) in names.take(NAMES_SHOWN_MAX).enumerate() {
        let _ = write!(out, "{}{}", if index == 0 { "" } else { ", " }, shown(name));
    }
    if out.is_empty() { "none".into() } else { out }
}

/// Finds what a JSON Schema refers to within itself: `#`, a JSON pointer, or an anchor.
pub(crate) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let own_id = root.as_struct().and_then(|schema| schema.get("$id")).and_then(Value::as_str).unwrap_or_default();
    let fragment = reference.strip_prefix(own_id).unwrap_or(reference).strip_prefix('#')?;
    if fragment.is_empty() {
        return Some(root);
    }
    let Some(pointer) = fragment.strip_prefix('/') else { return anchored(root, fragment) };
    pointer.split('/').try_fold(root, |found, step| {
        let step = unescaped(step)?.replace("~1", "/").replace("~0", "~");
        match found {
            Value::Struct(object) => object.get(&step),
            Value::List(list) => list.get(step.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    })
}

/// What percent-encoding stands for, in which generators write names such as `Page<Item>`; `None` if it is no text.
fn unescaped(step: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(step.len());
    let mut rest = step.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = behind.first_chunk().filter(|_| *first == b'%').and_then(|digits: &[u8; 2]| {
            let digits = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).ok()
}

/// Definitions are where anchors are set.
fn anchored<'a>(root: &'a Value, anchor: &str) -> Option<&'a Value> {
    let root = root.as_struct()?;
    let definitions = ["$defs", "definitions"].into_iter().filter_map(|name| root.get(name)?.as_struct());
    let mut schemas = definitions.flat_map(|map| map.0.values());
    schemas.find(|schema| schema.as_struct().and_then(|it| it.get("$anchor")).and_then(Value::as_str) == Some(anchor))
}

/// Bytes of a peer's text in an explanation.
const TEXT_SHOWN_MAX: usize = 64;
/// Names in a list of an explanation.
const NAMES_SHOWN_MAX: usize = 8;
