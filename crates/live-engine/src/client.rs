//! The client's side of one connection: setup, what the server says as events with generation numbers, and a typed end.
//!
//! Not here: what survives a connection (dialling, backing off, resuming), and the pleasant methods of an SDK, which is a
//! host of this.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use live_proto::{
    Blob, ClientMessage, DecodeError, FunctionCall, GroundingMetadata, Part, ServerMessage, SessionResumptionUpdate,
    Setup, Transcription, TurnCompleteReason, UrlContextMetadata, UsageMetadata, VoiceActivity,
};

use crate::close::CloseReason;
use crate::engine::{Clock, Close, Disconnect, Engine, Output, Outputs, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::timer::{Timer, Timers};

mod cause;
mod session;

#[cfg(test)]
mod tests;

pub use self::cause::{Cause, CloseCause, Phase};
use self::session::Session;

/// What a client engine is told once, before anything is sent.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The first message, sent by the engine.
    pub setup: Setup,
    /// Bounds; [`Limits::setup_deadline`] is the longest a connection takes to be ready or over.
    pub limits: Limits,
}

impl ClientConfig {
    /// A configuration with the default bounds.
    pub fn new(setup: Setup) -> Self {
        Self { setup, limits: Limits::default() }
    }
}

/// What a host asks of a client engine.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientCommand {
    /// Send a message. Before the session is ready it is kept, up to [`Limits::queued_messages_max`].
    Send(ClientMessage),
    /// Close the connection in the normal way.
    Close,
}

/// What a host hears from a client engine. The events of a session do not end with a turn.
///
/// Everything the model says carries the number of its generation. After [`Interrupted`](Self::Interrupted) nothing of that
/// generation follows; a player that drops what is not of the current one cannot play stale sound.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The server accepted the setup.
    Ready {
        /// The id of the session, empty on Gemini.
        session_id: String,
    },
    /// Words of the answer.
    Text {
        /// The generation they belong to.
        generation: TurnId,
        /// The words, to be appended.
        text: String,
    },
    /// A thought of the model: not part of the answer.
    Thought {
        /// The generation it belongs to.
        generation: TurnId,
        /// The words, to be appended.
        text: String,
    },
    /// Sound of the answer.
    Audio {
        /// The generation it belongs to.
        generation: TurnId,
        /// The sound with its MIME type.
        blob: Blob,
    },
    /// A part of the answer that is neither text nor sound: code, its result, a picture.
    Part {
        /// The generation it belongs to.
        generation: TurnId,
        /// The part.
        part: Box<Part>,
    },
    /// What the answer's sound says.
    OutputTranscription {
        /// The generation it belongs to.
        generation: TurnId,
        /// A piece, to be appended.
        transcription: Transcription,
    },
    /// What the user's sound says. In no order with the answer.
    InputTranscription(Transcription),
    /// What the user's sound says so far: replaces the former one.
    InterimInputTranscription(Transcription),
    /// What the answer stands on.
    Grounding {
        /// The generation it belongs to.
        generation: TurnId,
        /// The sources.
        metadata: Box<GroundingMetadata>,
    },
    /// The pages the answer was given.
    UrlContext {
        /// The generation it belongs to.
        generation: TurnId,
        /// The pages.
        metadata: Box<UrlContextMetadata>,
    },
    /// The user cut the generation short: stop playing it.
    Interrupted {
        /// The generation that is over.
        generation: TurnId,
    },
    /// Everything of the generation was sent. The turn may go on while it is played.
    GenerationComplete {
        /// The generation.
        generation: TurnId,
    },
    /// The turn is over.
    TurnComplete {
        /// Its last generation.
        generation: TurnId,
        /// Why, when it is out of the ordinary.
        reason: TurnCompleteReason,
    },
    /// The model waits for the user to go on.
    WaitingForInput,
    /// The turn is over, no function call waits for an answer and the model has no more to say.
    Idle,
    /// What the turn cost. Comes before its [`TurnComplete`](Self::TurnComplete).
    Usage(Box<UsageMetadata>),
    /// Run this function and answer with `toolResponse`. Each call comes once, in whichever shape or how often it was sent.
    ToolCall(FunctionCall),
    /// These calls need not be answered any more; undo them if possible.
    ToolCallCancellation(Vec<String>),
    /// The server will close the connection.
    GoAway {
        /// Time left, zero when the server did not say.
        time_left: Duration,
    },
    /// A handle to resume the session by, or its retraction.
    ResumptionUpdate(SessionResumptionUpdate),
    /// The server heard the user start or stop speaking.
    VoiceActivity(VoiceActivity),
    /// A message of no kind known here.
    Other(Box<ServerMessage>),
    /// Bytes that are no message; the session goes on.
    Malformed(DecodeError),
    /// The connection is over. The last event.
    Closed(CloseCause),
}
