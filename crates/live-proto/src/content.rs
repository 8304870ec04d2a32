//! Content and its parts, in both directions.

use smallvec::SmallVec;

use crate::{Blob, Content, FunctionCall, FunctionResponse, Part, PartData};

/// The parts of a content; one is held in place, because audio comes one part a message.
pub type Parts = SmallVec<[Part; 1]>;

impl Content {
    /// Parts said by the role `user`.
    pub fn user(parts: impl IntoParts) -> Self {
        Self { parts: parts.into_parts(), role: "user".into() }
    }

    /// Parts said by the role `model`.
    pub fn model(parts: impl IntoParts) -> Self {
        Self { parts: parts.into_parts(), role: "model".into() }
    }

    /// Parts said by nobody in particular: a system instruction, or a Gemini server's output.
    pub fn unsigned(parts: impl IntoParts) -> Self {
        Self { parts: parts.into_parts(), role: String::new() }
    }

    /// The texts of all parts that are not thoughts, joined.
    pub fn text(&self) -> String {
        self.parts.iter().filter(|part| !part.thought).filter_map(Part::as_text).collect()
    }
}

impl Part {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        PartData::Text(text.into()).into()
    }

    /// A text that the model thought and does not say.
    pub fn thought(text: impl Into<String>) -> Self {
        Self { thought: true, ..Self::text(text) }
    }

    /// Inline bytes.
    pub fn inline(blob: Blob) -> Self {
        PartData::InlineData(blob).into()
    }

    /// A function call.
    pub fn function_call(call: FunctionCall) -> Self {
        PartData::from(call).into()
    }

    /// The answer to a function call.
    pub fn function_response(response: FunctionResponse) -> Self {
        PartData::from(response).into()
    }

    /// The text of a text part.
    pub fn as_text(&self) -> Option<&str> {
        if let Some(PartData::Text(text)) = &self.data { Some(text) } else { None }
    }

    /// The blob of an inline part.
    pub fn as_inline(&self) -> Option<&Blob> {
        if let Some(PartData::InlineData(blob)) = &self.data { Some(blob) } else { None }
    }
}

impl From<PartData> for Part {
    fn from(data: PartData) -> Self {
        Self { data: Some(data), ..Self::default() }
    }
}

/// What can stand for the parts of a content: a text, a part, or several.
pub trait IntoParts {
    /// The parts.
    fn into_parts(self) -> Parts;
}

impl IntoParts for &str {
    fn into_parts(self) -> Parts {
        Part::text(self).into_parts()
    }
}

impl IntoParts for String {
    fn into_parts(self) -> Parts {
        Part::text(self).into_parts()
    }
}

impl IntoParts for Part {
    fn into_parts(self) -> Parts {
        SmallVec::from_buf([self])
    }
}

impl IntoParts for Vec<Part> {
    fn into_parts(self) -> Parts {
        self.into()
    }
}

impl IntoParts for Parts {
    fn into_parts(self) -> Parts {
        self
    }
}
