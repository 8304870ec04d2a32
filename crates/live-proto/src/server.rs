//! What a server says: constructors of the common messages.

use crate::{
    Blob, Content, FunctionCall, Part, ServerContent, ServerMessage, ServerPayload, ToolCall, ToolCallCancellation,
    Transcription, UsageMetadata,
};

impl ServerMessage {
    /// A piece of the model's output, as its only part.
    pub fn model_turn(part: Part) -> Self {
        ServerContent { model_turn: Some(Content::unsigned(part)), ..ServerContent::default() }.into()
    }

    /// A piece of the model's speech.
    pub fn audio(blob: Blob) -> Self {
        Self::model_turn(Part::inline(blob))
    }

    /// Functions that the client is to run.
    pub fn tool_call(function_calls: Vec<FunctionCall>) -> Self {
        ServerPayload::from(ToolCall { function_calls }).into()
    }

    /// Calls that the client need not answer any more.
    pub fn tool_call_cancellation(ids: Vec<String>) -> Self {
        ServerPayload::from(ToolCallCancellation { ids }).into()
    }

    /// Adds token counts, which may ride on any message.
    #[must_use]
    pub fn with_usage(mut self, usage: UsageMetadata) -> Self {
        self.usage_metadata = Some(usage.into());
        self
    }
}

impl From<ServerPayload> for ServerMessage {
    fn from(payload: ServerPayload) -> Self {
        Self { payload: Some(payload), usage_metadata: None }
    }
}

impl From<ServerContent> for ServerMessage {
    fn from(content: ServerContent) -> Self {
        ServerPayload::ServerContent(content).into()
    }
}

impl Transcription {
    /// A piece of a transcript.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl UsageMetadata {
    /// Tokens of the response, whichever of the two backends' spellings was used.
    pub fn response_tokens(&self) -> i32 {
        if self.response_token_count != 0 { self.response_token_count } else { self.candidates_token_count }
    }
}
