//! What a client says: constructors of the common messages.

use crate::content::IntoParts;
use crate::{
    ActivityEnd, ActivityStart, Blob, ClientContent, ClientMessage, Content, FunctionResponse, RealtimeInput, Setup,
    Struct, ToolResponse,
};

impl ClientMessage {
    /// The first message of a session.
    pub fn setup(setup: Setup) -> Self {
        Self::Setup(Box::new(setup))
    }

    /// A text of the user that is answered at once.
    pub fn text_turn(text: impl Into<String>) -> Self {
        Self::turns(vec![Content::user(text.into())], true)
    }

    /// Turns to append; with `turn_complete` they are answered, without it more is to come.
    pub fn turns(turns: Vec<Content>, turn_complete: bool) -> Self {
        Self::ClientContent(ClientContent { turns, turn_complete })
    }

    /// A piece of the audio stream.
    pub fn audio(audio: Blob) -> Self {
        Self::RealtimeInput(RealtimeInput { audio: Some(audio), ..RealtimeInput::default() })
    }

    /// A frame of the video stream: an image.
    pub fn video(frame: Blob) -> Self {
        Self::RealtimeInput(RealtimeInput { video: Some(frame), ..RealtimeInput::default() })
    }

    /// Text of the realtime stream.
    pub fn text(text: impl Into<String>) -> Self {
        Self::RealtimeInput(RealtimeInput { text: Some(text.into()), ..RealtimeInput::default() })
    }

    /// The user begins to speak; only with automatic detection disabled.
    pub fn activity_start() -> Self {
        Self::RealtimeInput(RealtimeInput { activity_start: Some(ActivityStart {}), ..RealtimeInput::default() })
    }

    /// The user has spoken; only with automatic detection disabled.
    pub fn activity_end() -> Self {
        Self::RealtimeInput(RealtimeInput { activity_end: Some(ActivityEnd {}), ..RealtimeInput::default() })
    }

    /// The microphone was turned off; only with automatic detection.
    pub fn audio_stream_end() -> Self {
        Self::RealtimeInput(RealtimeInput { audio_stream_end: Some(true), ..RealtimeInput::default() })
    }

    /// Answers to function calls.
    pub fn tool_response(function_responses: Vec<FunctionResponse>) -> Self {
        Self::ToolResponse(ToolResponse { function_responses })
    }
}

impl FunctionResponse {
    /// The result of a call; the keys `output` and `error` are conventional.
    pub fn new(id: impl Into<String>, name: impl Into<String>, response: Struct) -> Self {
        Self { id: id.into(), name: name.into(), response: Some(response), ..Self::default() }
    }
}

impl Setup {
    /// A session with a model, such as `models/gemini-live-2.5-flash-preview`, and no further wishes.
    pub fn new(model: impl Into<String>) -> Self {
        Self { model: model.into(), ..Self::default() }
    }

    /// Sets the system instruction.
    #[must_use]
    pub fn with_system_instruction(mut self, parts: impl IntoParts) -> Self {
        self.system_instruction = Some(Content::user(parts));
        self
    }
}
