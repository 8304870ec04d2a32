//! The server's side of one connection: what a client says becomes turns of a model, and a model's answers become frames.
//!
//! Not here: the transitions ([`crate::turn`]), what models allow ([`crate::profile`]), and models themselves, which answer
//! [`ServerEvent::Generate`] with [`ServerCommand::Model`].

use std::sync::Arc;
use std::time::Instant;

use live_proto::{ClientMessage, DecodeError, ServerMessage, ServerPayload, SetupComplete};

use crate::close::{CloseReason, Refusal};
use crate::engine::{Clock, Close, Disconnect, Engine, Output, Outputs, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::profile::{Backend, Profiles};
use crate::prompt::{ModelOutput, Prompt};
use crate::timer::{Timer, Timers};
use crate::turn::Turn;
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

use self::session::{Cx, Session};
pub use self::setup::{ActivityDetection, SessionConfig};
pub use self::usage::TurnUsage;

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

impl ServerEngine {
    /// Waits for a client's `setup`.
    pub fn new(config: ServerConfig, now: Instant) -> Self {
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, config.limits.setup_deadline, now);
        Self { config, state: State::AwaitSetup, clock: Clock::new(now), timers, outputs: Outputs::new() }
    }

    /// Begins the session, or says why not.
    fn set_up(&mut self, message: ClientMessage) -> Result<(), CloseReason> {
        let ClientMessage::Setup(setup) = message else {
            return Err(CloseReason::Violation(Violation::SetupMissing { found: kind_of(&message) }));
        };
        // Only a client whose setup was read shows its user the reason of a close.
        if let Some(refusal) = self.config.refusal {
            return Err(CloseReason::Refused(refusal));
        }
        let (session, warnings) = SessionConfig::accept(*setup, &self.config).map_err(CloseReason::Violation)?;
        self.timers.stop(Timer::Setup);
        let session_id = match self.config.backend {
            Backend::Gemini => String::new(),
            Backend::Vertex => self.config.session_id.clone(),
        };
        let setup_complete = SetupComplete { session_id, voice_consent_signature: None };
        self.outputs.push_back(Output::Send(ServerPayload::from(setup_complete).into()));
        self.outputs.push_back(Output::Event(ServerEvent::SetupAccepted(Arc::clone(&session))));
        self.outputs.extend(warnings.into_iter().map(|warning| Output::Event(ServerEvent::Warning(warning))));
        self.state = State::Ready(Box::new(Session::new(session, self.config.call_id_seed)));
        Ok(())
    }

    /// The open session and what its steps may touch.
    fn session(&mut self, now: Instant) -> Option<(&mut Session, Cx<'_>)> {
        let Self { config, state, timers, outputs, .. } = self;
        match state {
            State::Ready(session) | State::Draining(session) => Some((session, Cx { config, timers, outputs, now })),
            State::AwaitSetup | State::Closed => None,
        }
    }

    fn close(&mut self, reason: CloseReason) {
        if let State::Ready(session) | State::Draining(session) = std::mem::replace(&mut self.state, State::Closed)
            && let Turn::Generating(generation) = session.turn
        {
            self.outputs.push_back(Output::Event(ServerEvent::Cancel(generation)));
        }
        self.timers.stop_all();
        if let CloseReason::Violation(violation) = &reason {
            self.outputs.push_back(Output::Event(ServerEvent::Violation(violation.clone())));
        }
        if !matches!(reason, CloseReason::Disconnected(_)) {
            let told = reason.told();
            self.outputs.push_back(Output::Close(Close { code: told.code, text: told.text, reason: reason.clone() }));
        }
        self.outputs.push_back(Output::Event(ServerEvent::Closed(reason)));
    }

    /// Ends a shutdown once the last turn is over.
    fn close_if_drained(&mut self) {
        if let State::Draining(session) = &self.state
            && !session.is_answering()
        {
            self.close(CloseReason::Shutdown);
        }
    }
}

impl Engine for ServerEngine {
    type Inbound = ClientMessage;
    type Outbound = ServerMessage;
    type Command = ServerCommand;
    type Event = ServerEvent;

    fn handle_message(&mut self, message: ClientMessage, now: Instant) {
        let now = self.clock.advance(now);
        let draining = match &self.state {
            State::AwaitSetup => {
                if let Err(reason) = self.set_up(message) {
                    self.close(reason);
                }
                return;
            }
            State::Ready(_) => false,
            State::Draining(_) => true,
            State::Closed => return,
        };
        let (session, mut cx) = self.session(now).expect("the session is open");
        let result = match message {
            ClientMessage::Setup(_) => Err(Violation::SetupRepeated),
            // A turn that stands still may yet end in time; nothing new can begin.
            ClientMessage::ToolResponse(message) if !draining || matches!(session.turn, Turn::Suspended(_)) => {
                session.tool_response(message, &mut cx);
                Ok(())
            }
            ClientMessage::ClientContent(_)
            | ClientMessage::RealtimeInput(_)
            | ClientMessage::ToolResponse(_)
            | ClientMessage::ContextUpdate(_)
            | ClientMessage::Empty
                if draining =>
            {
                cx.warn(Warning::Draining);
                Ok(())
            }
            ClientMessage::ToolResponse(_) => unreachable!("draining or not, it was matched above"),
            ClientMessage::ClientContent(message) => session.client_content(message, &mut cx),
            ClientMessage::RealtimeInput(message) => session.realtime_input(message, &mut cx),
            ClientMessage::ContextUpdate(message) => session.context_update(*message, &mut cx),
            ClientMessage::Empty => {
                cx.warn(Warning::EmptyMessage);
                Ok(())
            }
        };
        match result.and_then(|()| session.check_bounds(cx.config)) {
            Ok(()) => self.close_if_drained(),
            Err(violation) => self.close(CloseReason::Violation(violation)),
        }
    }

    fn handle_malformed(&mut self, error: DecodeError, now: Instant) {
        self.clock.advance(now);
        if !self.is_closed() {
            self.close(CloseReason::Violation(Violation::Malformed(error)));
        }
    }

    fn handle_disconnect(&mut self, why: Disconnect, now: Instant) {
        self.clock.advance(now);
        if !self.is_closed() {
            self.close(CloseReason::Disconnected(why));
        }
    }

    fn handle_command(&mut self, command: ServerCommand, now: Instant) -> Result<(), Rejected<ServerCommand>> {
        let now = self.clock.advance(now);
        let why = match (&mut self.state, &command) {
            (State::Closed, _) => Why::Closed,
            (State::AwaitSetup, ServerCommand::Model(..)) => Why::NotReady,
            (State::AwaitSetup, ServerCommand::Shutdown) => {
                self.close(CloseReason::Shutdown);
                return Ok(());
            }
            (State::Ready(_), ServerCommand::Shutdown) => {
                if let State::Ready(mut session) = std::mem::replace(&mut self.state, State::Closed) {
                    session.refuse_input();
                    self.state = State::Draining(session);
                }
                self.timers.stop(Timer::StreamPause);
                self.timers.arm(Timer::Drain, self.config.limits.drain, now);
                self.close_if_drained();
                return Ok(());
            }
            (State::Draining(_), ServerCommand::Shutdown) => return Ok(()),
            (State::Ready(session) | State::Draining(session), ServerCommand::Model(turn, output)) => {
                if *turn > session.last_turn {
                    Why::NoSuchTurn
                } else if session.turn != Turn::Generating(*turn) {
                    // It crossed the end of its generation.
                    return Ok(());
                } else if self.outputs.len() >= self.config.limits.outputs_max {
                    Why::Full
                } else if let Err(why) = session.check_output(output, self.config.limits.outstanding_calls_max) {
                    why
                } else {
                    let ServerCommand::Model(_, output) = command else { unreachable!("it was matched above") };
                    if let ModelOutput::Failed(why) = output {
                        self.close(CloseReason::ModelFailed(why));
                    } else {
                        let (session, mut cx) = self.session(now).expect("the session is open");
                        session.speak(output, &mut cx);
                        self.close_if_drained();
                    }
                    return Ok(());
                }
            }
        };
        Err(Rejected { command, why })
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        while let Some(timer) = self.timers.take_due(now) {
            let result = match (timer, self.session(now)) {
                (Timer::Setup, _) => Err(CloseReason::SetupTimeout),
                (Timer::Drain, _) => Err(CloseReason::Shutdown),
                (Timer::StreamPause, Some((session, mut cx))) => {
                    session.end_speech(&mut cx).map_err(CloseReason::Violation)
                }
                (Timer::Playback, Some((session, mut cx))) => {
                    session.finish_turn(&mut cx);
                    Ok(())
                }
                (Timer::StreamPause | Timer::Playback, None) => unreachable!("only a session arms these timers"),
            };
            match result {
                Ok(()) => self.close_if_drained(),
                Err(reason) => self.close(reason),
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<ServerMessage, ServerEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

/// The wire's name of a message.
fn kind_of(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Empty => "",
        ClientMessage::Setup(_) => "setup",
        ClientMessage::ClientContent(_) => "clientContent",
        ClientMessage::RealtimeInput(_) => "realtimeInput",
        ClientMessage::ToolResponse(_) => "toolResponse",
        ClientMessage::ContextUpdate(_) => "contextUpdate",
    }
}
