//! The server's side of one connection: what a client says becomes turns of a model, and a model's answers become frames.
//!
//! Not here: the transitions ([`crate::turn`]), what models allow ([`crate::profile`]), and models themselves, which answer
//! [`ServerEvent::Generate`] with [`ServerCommand::Model`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use live_audio::{EarshotVad, Vad};
use live_proto::{ClientMessage, DecodeError, ServerMessage, ServerPayload, SetupComplete};

use crate::built_in::BuiltInTools;
use crate::close::{CloseReason, Refusal};
use crate::context::{Evicted, Tokens};
use crate::engine::{Clock, Close, Disconnect, Engine, Output, Outputs, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::profile::{Backend, Profiles};
use crate::prompt::{ModelOutput, Prompt};
use crate::resumption::{Handle, HandleSeed, ResumeRefusal, Snapshot};
use crate::timer::{Timer, Timers};
use crate::turn::Turn;
use crate::violation::{Findings, Rule, Violation};

mod answer;
mod constraint;
mod content;
mod declaration;
mod ear;
mod effect;
mod field;
mod heard;
mod input;
mod lifetime;
mod lint;
mod realtime;
mod renewal;
mod session;
mod setup;
mod speech;
mod tool;
mod usage;

#[cfg(test)]
mod tests;

pub use self::constraint::{Constraint, Kept};
pub(crate) use self::field::FIELDS;
pub use self::lifetime::{Cut, Lifetime, Lifetimes};
pub use self::lint::{Lint, lint};
use self::renewal::Renewal;
use self::session::{Cx, Session, takes_tools};
use self::setup::{Accepted, check_tool_kinds};
pub use self::setup::{ActivityDetection, Resumption, SessionConfig};
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
    /// The built-in tools that the host's model can run; a session that asks for others is refused.
    pub built_in_tools: BuiltInTools,
    /// Bounds.
    pub limits: Limits,
    /// Close so once the client's `setup` was read, instead of serving it.
    pub refusal: Option<Refusal>,
    /// What the client is held to. The host is then asked before a new session opens ([`ServerEvent::Admit`]).
    pub constraint: Option<Arc<dyn Constraint>>,
    /// When `turnComplete` follows the last sound of an answer.
    pub pacing: TurnCompletePacing,
    /// `setupComplete.sessionId`; sent on Vertex only, where it is a UUID.
    pub session_id: String,
    /// Where the ids of function calls come from: the same seed gives the same ids in the same order. Make it random, a
    /// new one for every connection: several may go on from one snapshot.
    pub call_id_seed: u64,
    /// How long connections and sessions last.
    pub lifetimes: Lifetimes,
    /// Where the handles of this connection come from. Make it random.
    pub handle_seed: HandleSeed,
    /// Makes the detector that finds speech in a session under automatic detection.
    pub vad: fn() -> Box<dyn Vad>,
    /// How a client that set `explicitVadSignal` is told of speech.
    pub vad_signal: VadSignal,
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
            built_in_tools: BuiltInTools::NONE,
            limits: Limits::default(),
            refusal: None,
            constraint: None,
            pacing: TurnCompletePacing::Playback,
            session_id: String::new(),
            call_id_seed: 0,
            lifetimes: Lifetimes::of(backend),
            handle_seed: HandleSeed::default(),
            vad: || Box::<EarshotVad>::default(),
            vad_signal: VadSignal::VoiceActivity,
        }
    }
}

/// How a client that set `explicitVadSignal` is told of speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VadSignal {
    /// `voiceActivity`, with the time in the stream.
    #[default]
    VoiceActivity,
    /// `voiceActivityDetectionSignal`, the older form, which the service has on an allow-list.
    DetectionSignal,
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
    /// Answers [`ServerEvent::Admit`]: the session may begin.
    Admitted,
    /// Serve the client no longer, whether its session has begun or not. A client whose `setup` was not read yet hears of it
    /// after that.
    Refuse(Refusal),
    /// Answers [`ServerEvent::Resume`]: go on from here.
    Resumed(Box<Snapshot>),
    /// Answers [`ServerEvent::Resume`]: there is nothing to go on from.
    ResumeRefused(ResumeRefusal),
    /// Answers [`ServerEvent::Save`]: the snapshot is kept and its handle can be given to the client.
    Saved(Handle),
    /// Answers [`ServerEvent::Save`]: the snapshot is not kept. The session goes on and tries again with its next change, or
    /// after [`Limits::renewal_period`].
    SaveFailed(Handle),
    /// Tell the client to go, and cut it off in this time or at the end of its lifetime if that is earlier.
    GoAway {
        /// What it has left.
        time_left: Duration,
    },
    /// Close: another connection has resumed the session.
    TakeOver,
}

/// What a host hears from a server engine.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent {
    /// The setup was accepted and `setupComplete` sent.
    SetupAccepted(Arc<SessionConfig>),
    /// A new session is about to begin under [`ServerConfig::constraint`], and nothing is wrong with its setup. The engine waits
    /// for [`ServerCommand::Admitted`] or [`ServerCommand::Refuse`], at most until the setup's deadline.
    Admit,
    /// The client asks to take up the session that `handle` names. The engine waits for [`ServerCommand::Resumed`] or
    /// [`ServerCommand::ResumeRefused`], at most until the setup's deadline.
    Resume {
        /// The handle, from whatever connection.
        handle: Handle,
    },
    /// Keep this snapshot, for [`Lifetimes::handle_validity`], and answer with [`ServerCommand::Saved`] or
    /// [`ServerCommand::SaveFailed`]: until then the client does not hear of it. One waits at a time. Without
    /// `setup.sessionResumption` there is never one.
    Save {
        /// Its name.
        handle: Handle,
        /// The snapshot.
        snapshot: Arc<Snapshot>,
    },
    /// Drop the snapshot of this name: later ones have taken its place.
    Forget {
        /// Its name.
        handle: Handle,
    },
    /// The oldest turns were cut from the context, to fit its window.
    Compressed {
        /// What went.
        evicted: Evicted,
        /// What is left, instruction and declarations included.
        kept: Tokens,
    },
    /// Ask the model for generation `TurnId`. At most one runs at a time.
    Generate(TurnId, Prompt),
    /// Go on asking the model of generation `TurnId` for speech: there is room again, after a piece came back with
    /// [`Why::Ahead`].
    Continue(TurnId),
    /// Stop the model: what it still says of generation `TurnId` will not be heard.
    Cancel(TurnId),
    /// The turn that ended with generation `turn` is complete for the client, cut short or not.
    TurnFinished {
        /// Its last generation.
        turn: TurnId,
        /// What it cost.
        usage: TurnUsage,
        /// What the session has cost so far, over all its connections.
        session_usage: TurnUsage,
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
        path: String,
    },
    /// A model that translates was not told to which language: the service sends silence.
    TranslationWithoutLanguage {
        /// JSON path of the field that is missing.
        path: String,
    },
    /// A message that says nothing.
    EmptyMessage,
    /// A function response that answers no waiting call, and was passed over.
    UnmatchedResponse {
        /// The id it names, or else the function's name.
        call: String,
        /// What is known of that call.
        why: Unmatched,
    },
    /// A function response under another name than the function it answers; the id decides.
    ResponseMisnamed {
        /// The function that was called.
        function: String,
        /// The name in the response.
        found: String,
    },
    /// The model called a function as it is not declared. None of the calls beside it was sent either, and the turn ended.
    CallMalformed {
        /// The name in the call.
        function: String,
        /// Where in the call.
        path: String,
        /// What it would have to be.
        rule: String,
    },
    /// Calls that the model stood still for were withdrawn, because they were not answered in time.
    CallsOverdue {
        /// How many.
        count: usize,
        /// [`Limits::call_deadline`].
        after: Duration,
    },
    /// The model called more functions at once than may wait for an answer; those beyond the bound were not called.
    CallsNotSent {
        /// How many it called.
        found: usize,
        /// [`Limits::outstanding_calls_max`].
        max: usize,
    },
    /// Calls that were not answered were withdrawn, the oldest first, because the model called more functions.
    CallsWithdrawn {
        /// How many.
        count: usize,
        /// [`Limits::outstanding_calls_max`].
        max: usize,
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

/// Why a function response answers nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// The session knows no such call.
    NeverMade,
    /// The call is answered already.
    Answered,
    /// The call was withdrawn.
    Cancelled,
    /// The id is of the kind that this server gives, but the session does not know it: the call went with a connection
    /// that was lost before the turn was over, or is long past.
    Orphaned,
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct ServerEngine {
    config: ServerConfig,
    /// When the connection began.
    connected: Instant,
    state: State,
    clock: Clock,
    timers: Timers,
    outputs: Outputs<ServerMessage, ServerEvent>,
}

#[derive(Debug)]
enum State {
    AwaitSetup,
    /// The host looks for the session that the setup asks to take up again, or whether a new one may begin.
    Opening(Box<Opening>),
    Ready(Box<Session>),
    /// A turn that was running when the host asked for shutdown.
    Draining(Box<Session>),
    Closed,
}

/// A setup that waits for the host.
#[derive(Debug)]
struct Opening {
    /// Whether for a snapshot, or for leave to begin.
    resumes: bool,
    config: Arc<SessionConfig>,
    warnings: Vec<Warning>,
    /// What the client said without waiting for `setupComplete`.
    early: Vec<ClientMessage>,
}

impl ServerEngine {
    /// Waits for a client's `setup`.
    pub fn new(config: ServerConfig, now: Instant) -> Self {
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, config.limits.setup_deadline, now);
        Self {
            config,
            connected: now,
            state: State::AwaitSetup,
            clock: Clock::new(now),
            timers,
            outputs: Outputs::new(),
        }
    }

    /// Begins the session, or says why not.
    fn set_up(&mut self, message: ClientMessage, now: Instant) -> Result<(), CloseReason> {
        let ClientMessage::Setup(setup) = message else {
            // An empty message has no path of its own.
            let found = Some(kind_of(&message)).filter(|kind| !kind.is_empty());
            return Err(CloseReason::Violation(Violation::new(Rule::SetupMissing, found.unwrap_or("setup"))));
        };
        // Only a client whose setup was read shows its user the reason of a close.
        if let Some(refusal) = self.config.refusal {
            return Err(CloseReason::Refused(refusal));
        }
        let malformed = |error: DecodeError| CloseReason::Violation(error.into());
        let setup = match &self.config.constraint {
            None => *setup,
            Some(constraint) => constraint.apply(*setup).map_err(malformed)?,
        };
        let Accepted { config, handle, warnings } =
            SessionConfig::accept(setup, &self.config).map_err(CloseReason::Violation)?;
        let resumes = handle.is_some();
        let question = match handle {
            None if self.config.constraint.is_none() => {
                self.open(config, warnings, None, now);
                return Ok(());
            }
            None => ServerEvent::Admit,
            Some(handle) => ServerEvent::Resume { handle },
        };
        self.outputs.push_back(Output::Event(question));
        self.state = State::Opening(Box::new(Opening { resumes, config, warnings, early: Vec::new() }));
        Ok(())
    }

    /// Opens the session, a new one or what the snapshot holds.
    fn open(&mut self, config: Arc<SessionConfig>, warnings: Vec<Warning>, snapshot: Option<Snapshot>, now: Instant) {
        self.timers.stop(Timer::Setup);
        let session_id = match self.config.backend {
            Backend::Gemini => String::new(),
            Backend::Vertex => self.config.session_id.clone(),
        };
        let setup_complete = SetupComplete { session_id, voice_consent_signature: None };
        self.outputs.push_back(Output::Send(ServerPayload::from(setup_complete).into()));
        let Self { config: server, connected, timers, outputs, .. } = self;
        let mut cx = Cx { config: server, timers, outputs, now };
        let session = match snapshot {
            None => Session::new(config, *connected, &mut cx),
            Some(snapshot) => Session::resume(config, snapshot, *connected, &mut cx),
        };
        cx.event(ServerEvent::SetupAccepted(Arc::clone(&session.config)));
        self.outputs.extend(warnings.into_iter().map(|warning| Output::Event(ServerEvent::Warning(warning))));
        self.state = State::Ready(Box::new(session));
        self.settle(now);
    }

    /// Opens the session for which the host was asked, from a snapshot if it has one.
    fn go_on(&mut self, snapshot: Option<Snapshot>, now: Instant) {
        let State::Opening(opening) = std::mem::replace(&mut self.state, State::AwaitSetup) else {
            unreachable!("the state was looked at before")
        };
        let Opening { resumes: _, config, warnings, early } = *opening;
        if let Some(Snapshot { model: held, .. }) = &snapshot
            && *held != config.model
        {
            let violation = Violation::new(Rule::ModelChanged, "setup.model").found(held).found(&config.model);
            return self.close(CloseReason::Violation(violation));
        }
        if let Some(Snapshot { setup_tools, tools, .. }) = &snapshot
            && takes_tools(&config, setup_tools, &self.config)
        {
            // They were right on the server that took the snapshot.
            let mut findings = Findings::default();
            check_tool_kinds(tools, "setup", &config.profile, self.config.built_in_tools, &mut findings);
            if let Err(violation) = findings.first() {
                return self.close(CloseReason::Violation(violation));
            }
        }
        self.open(config, warnings, snapshot, now);
        for message in early {
            self.handle_message(message, now);
        }
    }

    /// Does what follows from whatever has just changed.
    fn settle(&mut self, now: Instant) {
        if let Some((session, mut cx)) = self.session(now) {
            if let Some(violation) = session.overflow.take() {
                return self.close(CloseReason::Violation(violation));
            }
            session.renew(&mut cx);
        }
        self.close_if_drained();
    }

    /// The open session and what its steps may touch.
    fn session(&mut self, now: Instant) -> Option<(&mut Session, Cx<'_>)> {
        let Self { config, state, timers, outputs, .. } = self;
        match state {
            State::Ready(session) | State::Draining(session) => Some((session, Cx { config, timers, outputs, now })),
            State::AwaitSetup | State::Opening(_) | State::Closed => None,
        }
    }

    fn close(&mut self, reason: CloseReason) {
        if let State::Ready(session) | State::Draining(session) = std::mem::replace(&mut self.state, State::Closed)
            && let Turn::Generating(generation) = session.turn
            && !session.is_generated()
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
            && !session.renewal.as_ref().is_some_and(Renewal::is_saving)
        {
            self.close(CloseReason::Shutdown);
        }
    }
}

/// The handle leads nowhere.
fn no_session(rule: Rule) -> CloseReason {
    CloseReason::Violation(Violation::new(rule, "setup.sessionResumption.handle"))
}

impl Engine for ServerEngine {
    type Inbound = ClientMessage;
    type Outbound = ServerMessage;
    type Command = ServerCommand;
    type Event = ServerEvent;

    fn handle_message(&mut self, message: ClientMessage, now: Instant) {
        let now = self.clock.advance(now);
        let draining = match &mut self.state {
            State::AwaitSetup => {
                if let Err(reason) = self.set_up(message, now) {
                    self.close(reason);
                }
                return;
            }
            State::Opening(opening) => {
                let (found, max) = (opening.early.len() + 1, self.config.limits.queued_messages_max);
                if found > max {
                    let rule = Rule::MessagesBeforeSetup;
                    let violation = Violation::new(rule, "the whole context").found(found).found(max);
                    self.close(CloseReason::Violation(violation));
                } else {
                    opening.early.push(message);
                }
                return;
            }
            State::Ready(_) => false,
            State::Draining(_) => true,
            State::Closed => return,
        };
        let (session, mut cx) = self.session(now).expect("the session is open");
        session.consumed += u64::from(!session.has_dropped);
        let result = match message {
            ClientMessage::Setup(_) => Err(Violation::new(Rule::SetupRepeated, "setup")),
            // A turn that stands still may yet end in time; nothing new can begin.
            ClientMessage::ToolResponse(message) if !draining || matches!(session.turn, Turn::Suspended(_)) => {
                session.check_scheduling(&message).map(|()| session.tool_response(message, &mut cx))
            }
            ClientMessage::ClientContent(_)
            | ClientMessage::RealtimeInput(_)
            | ClientMessage::ToolResponse(_)
            | ClientMessage::ContextUpdate(_)
            | ClientMessage::Empty
                if draining =>
            {
                session.consumed -= u64::from(!session.has_dropped);
                session.has_dropped = true;
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
        match result.and_then(|()| session.check_bounds(&mut cx)) {
            Ok(()) => self.settle(now),
            Err(violation) => self.close(CloseReason::Violation(violation)),
        }
    }

    fn handle_malformed(&mut self, error: DecodeError, now: Instant) {
        self.clock.advance(now);
        if !self.is_closed() {
            self.close(CloseReason::Violation(error.into()));
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
            (_, ServerCommand::TakeOver) => {
                self.close(CloseReason::TakenOver);
                return Ok(());
            }
            (State::AwaitSetup, ServerCommand::Refuse(refusal)) => {
                self.config.refusal = Some(*refusal);
                return Ok(());
            }
            (_, ServerCommand::Refuse(refusal)) => {
                self.close(CloseReason::Refused(*refusal));
                return Ok(());
            }
            (State::Opening(opening), ServerCommand::Admitted) if !opening.resumes => {
                self.go_on(None, now);
                return Ok(());
            }
            (_, ServerCommand::Admitted) => Why::NotAsked,
            (State::Opening(opening), ServerCommand::Resumed(_)) if opening.resumes => {
                let ServerCommand::Resumed(snapshot) = command else { unreachable!("it was matched above") };
                self.go_on(Some(*snapshot), now);
                return Ok(());
            }
            (State::Opening(opening), ServerCommand::ResumeRefused(refusal)) if opening.resumes => {
                self.close(match refusal {
                    ResumeRefusal::Unknown => no_session(Rule::SessionUnknown),
                    ResumeRefusal::Expired => no_session(Rule::SessionExpired),
                    ResumeRefusal::Foreign => no_session(Rule::SessionForeign),
                    ResumeRefusal::Unreadable => CloseReason::KeepingFailed,
                });
                return Ok(());
            }
            (_, ServerCommand::Resumed(_) | ServerCommand::ResumeRefused(_)) => Why::NotResuming,
            (State::AwaitSetup | State::Opening(_), ServerCommand::Shutdown) => {
                self.close(CloseReason::Shutdown);
                return Ok(());
            }
            (State::AwaitSetup | State::Opening(_), _) => Why::NotReady,
            (
                State::Ready(_) | State::Draining(_),
                ServerCommand::Saved(handle) | ServerCommand::SaveFailed(handle),
            ) => {
                let (handle, is_kept) = (handle.clone(), matches!(command, ServerCommand::Saved(_)));
                let (session, mut cx) = self.session(now).expect("the session is open");
                match session.saved(&handle, is_kept, &mut cx) {
                    Ok(()) => {
                        self.settle(now);
                        return Ok(());
                    }
                    Err(why) => why,
                }
            }
            (State::Ready(_) | State::Draining(_), ServerCommand::GoAway { time_left }) => {
                let time_left = *time_left;
                let (session, mut cx) = self.session(now).expect("the session is open");
                session.times.send_away(time_left, &mut cx);
                return Ok(());
            }
            (State::Ready(_), ServerCommand::Shutdown) => {
                let (session, mut cx) = self.session(now).expect("the session is open");
                if let Some(renewal) = &mut session.renewal {
                    renewal.hurry();
                    session.renew(&mut cx);
                }
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
                } else if session.turn != Turn::Generating(*turn) || session.is_generated() {
                    // It crossed the end of its generation.
                    return Ok(());
                } else if self.outputs.len() >= self.config.limits.outputs_max {
                    Why::Full
                } else if let Err(why) = session.check_output(output, self.config.limits.speech_ahead_max) {
                    why
                } else {
                    let ServerCommand::Model(_, output) = command else { unreachable!("it was matched above") };
                    if let ModelOutput::Failed(why) = output {
                        self.close(CloseReason::ModelFailed(why));
                    } else {
                        let (session, mut cx) = self.session(now).expect("the session is open");
                        session.speak(output, &mut cx);
                        self.settle(now);
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
                (Timer::StreamPause, Some((session, mut cx))) => session
                    .end_stream(&mut cx)
                    .and_then(|()| session.check_bounds(&mut cx))
                    .map_err(CloseReason::Violation),
                (Timer::Pace, Some((session, mut cx))) => {
                    session.go_on_speaking(&mut cx);
                    Ok(())
                }
                (Timer::Playback, Some((session, mut cx))) => {
                    session.finish_turn(&mut cx);
                    Ok(())
                }
                (Timer::Answers, Some((session, mut cx))) => {
                    session.go_on_without(&mut cx);
                    session.check_bounds(&mut cx).map_err(CloseReason::Violation)
                }
                // What follows from it is that the snapshot is due.
                (Timer::Renewal, Some(_)) => Ok(()),
                (Timer::GoAway, Some((session, mut cx))) => {
                    session.times.go_away(&mut cx);
                    Ok(())
                }
                (Timer::Lifetime, Some((session, cx))) => {
                    let (_, lifetime) = session.times.end(&cx).expect("the timer runs to an end");
                    Err(CloseReason::LifetimeOver(lifetime, cx.config.lifetimes.cut))
                }
                (
                    Timer::StreamPause
                    | Timer::Pace
                    | Timer::Playback
                    | Timer::Answers
                    | Timer::Renewal
                    | Timer::GoAway
                    | Timer::Lifetime,
                    None,
                ) => {
                    unreachable!("only a session arms these timers")
                }
            };
            match result {
                Ok(()) => self.settle(now),
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
