//! The client's side of one connection: setup, what the server says as events with generation numbers, and a typed end.
//!
//! Not here: what survives a connection ([`crate::client_session`]: dialling, backing off, resuming), and the pleasant
//! methods of an SDK, which is a host of either.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use live_proto::{
    Blob, ClientMessage, DecodeError, FunctionCall, GroundingMetadata, Part, ServerMessage, ServerPayload,
    SessionResumptionUpdate, Setup, SetupComplete, Transcription, TurnCompleteReason, UrlContextMetadata,
    UsageMetadata, VoiceActivity,
};

use crate::client_session::{Dropped, Loss, Reconnect, ToolStep};
use crate::close::CloseReason;
use crate::engine::{Clock, Close, Disconnect, Engine, Output, Outputs, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::profile::{AfterCall, Profiles, model_name};
use crate::timer::{Timer, Timers};

mod cause;
mod session;

#[cfg(test)]
pub(crate) mod tests;

pub use self::cause::{Cause, CloseCause, Phase};
pub(crate) use self::session::Session;

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
#[expect(clippy::large_enum_variant, reason = "a box would cost an allocation for every piece of sound")]
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
    /// The generation was cut short, by the user or by the loss of its connection: stop playing it.
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
    /// How far a call has come that the session runs by itself, instead of [`ToolCall`](Self::ToolCall). Told by a
    /// [`ClientSession`](crate::ClientSession) with registered functions only.
    ToolRun {
        /// The id of the call; empty where the server gives none.
        id: String,
        /// The function.
        name: String,
        /// How far.
        step: ToolStep,
    },
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
    /// The session goes on over another connection, about to be dialled. Told by a [`ClientSession`](crate::ClientSession) only.
    Reconnecting {
        /// How many dials there were since a connection last held, this one included.
        attempt: u32,
        /// What makes it necessary.
        why: Reconnect,
    },
    /// The session is open again. Told by a [`ClientSession`](crate::ClientSession) only.
    Resumed {
        /// The server took the handle and knows what was before. Otherwise it began anew, with what the client could tell it.
        restored: bool,
        /// Messages of the former connection that were sent again.
        replayed: usize,
        /// An answer that was asked for, or had begun, will not come: ask again.
        answer_lost: bool,
    },
    /// Messages that will reach no server, because there was no connection for longer than the buffer lasts, or because they
    /// cannot be sent again. Told by a [`ClientSession`](crate::ClientSession) only.
    Dropped(Dropped),
    /// The session could not go on. The last event of a [`ClientSession`](crate::ClientSession) that wanted to.
    Lost(Box<Loss>),
    /// The connection is over. The last event.
    Closed(CloseCause),
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct ClientEngine {
    limits: Limits,
    state: State,
    session: Session,
    clock: Clock,
    timers: Timers,
    outputs: Outputs<ClientMessage, ClientEvent>,
}

#[derive(Debug)]
enum State {
    /// The setup is sent; what our host says meanwhile waits.
    AwaitReady(VecDeque<ClientMessage>),
    Ready,
    Closed,
}

impl ClientEngine {
    /// Opens a session: the setup is the first output.
    pub fn new(config: ClientConfig, now: Instant) -> Self {
        let ClientConfig { setup, limits } = config;
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, limits.setup_deadline, now);
        let profiles = Profiles::default();
        let profile = profiles.find(model_name(&setup.model));
        let completes_with_calls = profile.is_some_and(|profile| profile.after_call == AfterCall::CompletesTurn);
        Self {
            limits,
            state: State::AwaitReady(VecDeque::new()),
            session: Session::new(completes_with_calls),
            clock: Clock::new(now),
            timers,
            outputs: Outputs::from([Output::Send(ClientMessage::setup(setup))]),
        }
    }

    /// Why a command cannot be followed, if it cannot.
    fn objection(&self, command: &ClientCommand) -> Option<Why> {
        let full = |full: bool| full.then_some(Why::Full);
        match (&self.state, command) {
            (State::Closed, _) => Some(Why::Closed),
            (_, ClientCommand::Close) => None,
            (_, ClientCommand::Send(ClientMessage::Setup(_))) => Some(Why::SetupIsSent),
            (_, ClientCommand::Send(ClientMessage::Empty)) => Some(Why::Empty),
            (State::AwaitReady(_), ClientCommand::Send(ClientMessage::ToolResponse(_))) => Some(Why::NoSuchCall),
            (State::AwaitReady(queued), ClientCommand::Send(_)) => {
                full(queued.len() >= self.limits.queued_messages_max)
            }
            (State::Ready, ClientCommand::Send(ClientMessage::ToolResponse(response)))
                if !self.session.can_answer(response) =>
            {
                Some(Why::NoSuchCall)
            }
            (State::Ready, ClientCommand::Send(_)) => full(self.outputs.len() >= self.limits.outputs_max),
        }
    }

    fn tell(&mut self, event: ClientEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn begin(&mut self, setup_complete: SetupComplete, queued: VecDeque<ClientMessage>) {
        self.timers.stop(Timer::Setup);
        self.tell(ClientEvent::Ready { session_id: setup_complete.session_id });
        self.outputs.extend(queued.into_iter().map(Output::Send));
        self.state = State::Ready;
    }

    /// Ends the connection from our side.
    fn abort(&mut self, reason: CloseReason, cause: Cause) {
        let told = reason.told();
        self.outputs.push_back(Output::Close(Close { code: told.code, text: told.text, reason }));
        self.end(None, String::new(), cause);
    }

    fn end(&mut self, code: Option<u16>, reason: String, cause: Cause) {
        let (phase, open_calls) = match &self.state {
            State::AwaitReady(_) => (Phase::Setup, 0),
            State::Ready => (Phase::Open, self.session.open_calls()),
            State::Closed => unreachable!("a connection ends once"),
        };
        self.timers.stop_all();
        self.state = State::Closed;
        self.tell(ClientEvent::Closed(CloseCause { code, reason, phase, cause, open_calls }));
    }

    /// Goes on with the turns and calls of an earlier connection.
    pub(crate) fn adopt(&mut self, session: Session) {
        self.session = session.of_model_like(&self.session);
    }

    /// What was heard so far, for the connection that follows.
    pub(crate) fn take_session(&mut self) -> Session {
        std::mem::take(&mut self.session)
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    fn phase(&self) -> Phase {
        if matches!(self.state, State::AwaitReady(_)) { Phase::Setup } else { Phase::Open }
    }
}

impl Engine for ClientEngine {
    type Inbound = ServerMessage;
    type Outbound = ClientMessage;
    type Command = ClientCommand;
    type Event = ClientEvent;

    fn handle_message(&mut self, message: ServerMessage, now: Instant) {
        self.clock.advance(now);
        match &mut self.state {
            State::Closed => {}
            State::Ready => {
                let outputs = &mut self.outputs;
                self.session.receive(message, self.limits.remembered_calls_max, &mut |event| {
                    outputs.push_back(Output::Event(event));
                });
            }
            State::AwaitReady(queued) => match message {
                ServerMessage { payload: Some(ServerPayload::SetupComplete(setup_complete)), usage_metadata: _ } => {
                    let queued = std::mem::take(queued);
                    self.begin(*setup_complete, queued);
                }
                _ => self.abort(CloseReason::PeerUnfit, Cause::NotALiveServer),
            },
        }
    }

    fn handle_malformed(&mut self, error: DecodeError, now: Instant) {
        self.clock.advance(now);
        match &self.state {
            State::Closed => {}
            State::AwaitReady(_) => self.abort(CloseReason::PeerUnfit, Cause::Unreadable(error)),
            State::Ready => self.tell(ClientEvent::Malformed(error)),
        }
    }

    fn handle_disconnect(&mut self, why: Disconnect, now: Instant) {
        self.clock.advance(now);
        if self.is_closed() {
            return;
        }
        match why {
            Disconnect::Closed { code, reason } => {
                let cause = Cause::read(code, &reason, self.phase());
                self.end(code, reason, cause);
            }
            Disconnect::Lost(error) => self.end(None, error, Cause::Lost),
            Disconnect::Eof => self.end(None, String::new(), Cause::Lost),
        }
    }

    fn handle_command(&mut self, command: ClientCommand, now: Instant) -> Result<(), Rejected<ClientCommand>> {
        self.clock.advance(now);
        if let Some(why) = self.objection(&command) {
            return Err(Rejected { command, why });
        }
        match (command, &mut self.state) {
            (ClientCommand::Close, _) => self.abort(CloseReason::Done, Cause::Local),
            (ClientCommand::Send(message), State::AwaitReady(queued)) => queued.push_back(message),
            (ClientCommand::Send(message), State::Ready) => {
                if let ClientMessage::ToolResponse(response) = &message {
                    self.session.answer(response, self.limits.remembered_calls_max);
                }
                self.outputs.push_back(Output::Send(message));
            }
            (ClientCommand::Send(_), State::Closed) => unreachable!("it was objected to"),
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Setup => self.abort(CloseReason::SetupTimeout, Cause::SetupTimeout),
                Timer::StreamPause
                | Timer::Pace
                | Timer::Playback
                | Timer::Answers
                | Timer::Drain
                | Timer::Renewal
                | Timer::GoAway
                | Timer::Lifetime => unreachable!("a client does not arm it"),
            }
        }
    }

    fn poll_output(&mut self) -> Option<Output<ClientMessage, ClientEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}
