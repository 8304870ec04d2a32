//! The server's side of one connection: what a client says becomes turns of a model, and a model's answers become frames.
//!
//! Not here: the transitions ([`crate::turn`]), what models allow ([`crate::profile`]), and models themselves, which answer
//! [`ServerEvent::Generate`] with [`ServerCommand::Model`].

use std::sync::Arc;
use std::time::Instant;

use live_proto::{ClientMessage, DecodeError, ServerMessage};

use crate::close::{CloseReason, Refusal};
use crate::engine::{Clock, Close, Disconnect, Engine, Output, Outputs, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::profile::{Backend, Profiles};
use crate::prompt::{ModelOutput, Prompt};
use crate::timer::{Timer, Timers};
use crate::violation::Violation;

mod answer;
mod content;
mod realtime;
mod session;
mod setup;
mod tool;
mod usage;

#[cfg(test)]
mod tests;

pub use self::setup::{ActivityDetection, SessionConfig};
pub use self::usage::TurnUsage;
use self::session::Session;

/// What a server engine is told once, before the first message.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Whose dialect to speak: it follows from the path of the request.
    pub backend: Backend,
    /// Version in the path of the request, such as `v1beta`; named when a model is unknown.
    pub api_version: String,
    /// The models there are.
    pub profiles: Arc<Profiles>,
    /// Bounds.
    pub limits: Limits,
    /// Close so once the client's `setup` was read, instead of serving it.
    pub refusal: Option<Refusal>,
    /// When `turnComplete` follows the last sound of an answer.
    pub pacing: TurnCompletePacing,
    /// `setupComplete.sessionId`; sent on Vertex only, where it is a UUID.
    pub session_id: String,
    /// Where the ids of function calls come from: the same seed gives the same ids in the same order. Make it random.
    pub call_id_seed: u64,
}

impl ServerConfig {
    /// A configuration that serves every built-in model as `backend` does.
    pub fn new(backend: Backend) -> Self {
        Self {
            backend,
            api_version: match backend {
                Backend::Gemini => "v1beta".into(),
                Backend::Vertex => "v1beta1".into(),
            },
            profiles: Arc::new(Profiles::default()),
            limits: Limits::default(),
            refusal: None,
            pacing: TurnCompletePacing::Playback,
            session_id: String::new(),
            call_id_seed: 0,
        }
    }
}

/// When `turnComplete` follows the last sound of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TurnCompletePacing {
    /// When a client that plays as it receives has played everything: as the service does.
    #[default]
    Playback,
    /// At once.
    Immediate,
}

/// What a host asks of a server engine.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerCommand {
    /// A piece of generation `TurnId`. Pieces of a cancelled generation are taken and dropped: they crossed its end.
    Model(TurnId, ModelOutput),
    /// Stop serving: a running turn may end within [`Limits::drain`], nothing new begins, then the connection is closed.
    Shutdown,
}

/// What a host hears from a server engine.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent {
    /// The setup was accepted and `setupComplete` sent.
    SetupAccepted(Arc<SessionConfig>),
    /// Ask the model for generation `TurnId`. At most one runs at a time.
    Generate(TurnId, Prompt),
    /// Stop the model: what it still says of generation `TurnId` will not be heard.
    Cancel(TurnId),
    /// The turn that ended with generation `turn` is complete for the client, cut short or not.
    TurnFinished {
        /// Its last generation.
        turn: TurnId,
        /// What it cost.
        usage: TurnUsage,
        /// Whether the user cut it short.
        interrupted: bool,
    },
    /// The client broke a rule; the connection is being closed for it.
    Violation(Violation),
    /// Something was passed over that a person may want to know of.
    Warning(Warning),
    /// The connection is over. The last event.
    Closed(CloseReason),
}

/// What an engine passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A field that was accepted and has no effect.
    NoEffect {
        /// JSON path of the field.
        path: &'static str,
    },
    /// A message that says nothing.
    EmptyMessage,
    /// A function response that answers no waiting call.
    UnmatchedResponse {
        /// The id it names, or else the function's name.
        call: String,
    },
    /// `activityStart` inside an activity.
    ActivityAlreadyStarted,
    /// Media outside an activity, which the session's turn coverage leaves out.
    OutsideActivity {
        /// Its MIME type.
        mime_type: String,
    },
    /// A message that came after the host asked for shutdown.
    Draining,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct ServerEngine {
    config: ServerConfig,
    state: State,
    clock: Clock,
    timers: Timers,
    outputs: Outputs<ServerMessage, ServerEvent>,
}

#[derive(Debug)]
enum State {
    AwaitSetup,
    Ready(Box<Session>),
    /// A turn that was running when the host asked for shutdown.
    Draining(Box<Session>),
    Closed,
}

