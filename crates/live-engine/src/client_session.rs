//! A client's session over successive connections: when to dial, what to say first, what to say again, when to give up.
//!
//! What is said over one connection is [`ClientEngine`]'s, and one of those is inside for each. Like it, this performs no
//! I/O and reads no clock: [`SessionOutput`] says what a host is to do. docs/sessions.md tells the whole story.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_proto::{
    Behavior, ClientMessage, Content, DecodeError, FunctionCall, FunctionResponse, PartData, ServerMessage,
    ServerPayload, SessionResumptionConfig, SessionResumptionUpdate, Setup, Tool, ToolResponse,
};

use crate::client::{
    Cause, ClientCommand, ClientConfig, ClientEngine, ClientEvent, CloseCause, Phase, Session as Heard,
};
use crate::close::CloseReason;
use crate::engine::{Clock, Close, Disconnect, Engine as _, Output, Rejected, TurnId, Why};
use crate::limits::Limits;
use crate::profile::{Profiles, model_name};
use crate::relay::RelayEvent;
use crate::tools::Waiting;

mod activity;
mod config;
mod late;
mod memory;
mod moving;
mod outbox;
mod output;
mod recorder;
pub mod retry;
mod running;
mod runs;
mod speak;
mod tools;

#[cfg(test)]
mod tests;

use self::activity::Activity;
pub use self::config::{
    ClientSessionConfig, Fresh, LateAnswers, MESSAGE_BYTES, Overlap, ReconnectPolicy, Replay, Retracted, SPACING,
};
use self::memory::Memory;
pub use self::outbox::Dropped;
use self::outbox::Outbox;
pub use self::output::{Counters, GaveUp, LinkId, Loss, Reconnect, SessionOutput};
pub use self::recorder::{FRAMES_MAX, Frame};
use self::recorder::{Recorder, kind_of_theirs};
use self::retry::{Attempts, Plan, Step};
use self::runs::Runs;
pub use self::tools::{Function, RunId, TIME_LIMIT, ToolOutput, ToolStep};
use self::tools::{normalise, with_functions};

/// A handle. It is worth as much as a credential and never printed.
#[derive(Clone, PartialEq, Eq)]
struct Handle(String);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(..)")
    }
}

/// A client's session, over as many connections as it takes.
#[derive(Debug)]
pub struct ClientSession {
    /// The setup without a handle, with the registered functions and what `contextUpdate` changed.
    setup: Setup,
    /// The tools in it that the host brought itself.
    own_tools: Vec<Tool>,
    runs: Runs,
    /// The latest generation when an answer or a piece of one was last sent that the model speaks of.
    told_after: Option<TurnId>,
    /// Messages of the open connections so far.
    messages_heard: u64,
    limits: Limits,
    policy: Option<ReconnectPolicy>,
    /// The model takes its history in the setup's own way.
    seeds_history: bool,
    clock: Clock,
    state: State,
    outputs: VecDeque<SessionOutput>,
    next_link: u64,
    attempts: Attempts,
    handle: Option<Handle>,
    /// The handle that was retracted, where it is worth something.
    retracted: Option<Handle>,
    /// What came while another connection was dialled by the handle before it: a handle, its retraction, or one after the
    /// other. It counts if that connection fails.
    deferred: Vec<SessionResumptionUpdate>,
    /// The index of the message that told this connection the history: a snapshot without it is of no use.
    history_index: Option<u64>,
    /// What was heard, while no connection has it.
    heard: Heard,
    /// Calls of connections that are gone, which still wait for an answer.
    foreign: Vec<Foreign>,
    /// Calls that came after the latest handle, so that no snapshot can hold them: id and name.
    since_handle: Vec<(String, String)>,
    outbox: Outbox,
    activity: Activity,
    memory: Memory,
    recorder: Recorder,
    /// The latest generation that has begun.
    begun: TurnId,
    /// An answer was owed when the connection went.
    is_answer_lost: bool,
    was_ready: bool,
    /// A server took no second connection beside the first.
    is_overlap_refused: bool,
    counters: Counters,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it a session")]
enum State {
    /// The former connection is to close before the next is dialled.
    Parting {
        link: LinkId,
        until: Instant,
        entry: Entry,
    },
    /// The next dial is due then.
    Waiting {
        until: Instant,
        entry: Entry,
    },
    /// There is no connection but this one to be.
    Opening(Attempt),
    Open(Open),
    Closed,
}

/// What a connection is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    First,
    /// By the handle; nothing of the history is told.
    Resume,
    /// Without a handle.
    Fresh,
}

/// A connection that is not open yet.
#[derive(Debug)]
struct Attempt {
    link: LinkId,
    entry: Entry,
    setup: Arc<Setup>,
    by: Instant,
    /// There once the transport is.
    engine: Option<ClientEngine>,
}

/// The connection that talks.
#[derive(Debug)]
struct Open {
    link: LinkId,
    engine: ClientEngine,
    since: Instant,
    heard_at: Instant,
    /// The host asked for an answer when this was the latest generation, and none has begun since.
    owed: Option<Owed>,
    /// The server said `goAway`: another connection is dialled by then.
    moves_by: Option<Instant>,
    /// Another attempt beside this connection is not made before.
    moves_after: Option<Instant>,
    /// The connection that will take over.
    successor: Option<Attempt>,
}

#[derive(Clone, Copy, Debug)]
struct Owed {
    after: TurnId,
    /// Asked in words, which no detector can overhear.
    in_words: bool,
}

/// A call of a connection that is gone.
#[derive(Debug)]
struct Foreign {
    call: Waiting,
    /// So is what the server knew of it.
    is_gone: bool,
}

impl ClientSession {
    /// A session whose first output is a dial.
    pub fn new(config: ClientSessionConfig, now: Instant) -> Self {
        let ClientSessionConfig { mut setup, functions, limits, reconnect: policy, seed } = config;
        let handle = setup.session_resumption.as_mut().and_then(|resumption| resumption.handle.take());
        let handle = handle.filter(|handle| !handle.is_empty()).map(Handle);
        let profiles = Profiles::default();
        let profile = profiles.find(model_name(&setup.model));
        let seeds_history = profile.is_some_and(|profile| profile.seeds_history);
        let behavior = profile.map_or(Behavior::Unspecified, |profile| profile.default_behavior.clone());
        let remembers = policy.as_ref().filter(|policy| policy.fresh == Fresh::Reseed);
        let is_seeding = setup.history_config.as_ref().is_some_and(|config| config.initial_history_in_client_content);
        let functions = normalise(functions);
        let own_tools = std::mem::take(&mut setup.tools);
        setup.tools = with_functions(&own_tools, &functions);
        let mut session = Self {
            setup,
            own_tools,
            runs: Runs::new(functions, behavior),
            told_after: None,
            messages_heard: 0,
            limits,
            seeds_history,
            clock: Clock::new(now),
            state: State::Closed,
            outputs: VecDeque::new(),
            next_link: 1,
            attempts: Attempts::new(seed),
            handle,
            retracted: None,
            deferred: Vec::new(),
            history_index: None,
            heard: Heard::default(),
            foreign: Vec::new(),
            since_handle: Vec::new(),
            outbox: Outbox::default(),
            activity: Activity::None,
            memory: Memory::new(remembers.map_or(0, |policy| policy.history_bytes_max), is_seeding),
            recorder: Recorder::new(now),
            begun: TurnId::default(),
            is_answer_lost: false,
            was_ready: false,
            is_overlap_refused: false,
            counters: Counters::default(),
            policy,
        };
        session.state = State::Opening(session.dial(Entry::First, now));
        session
    }

    /// The transport of a connection is open.
    pub fn handle_dialed(&mut self, link: LinkId, now: Instant) {
        let now = self.clock.advance(now);
        let limits = self.limits.clone();
        match self.attempt_mut().filter(|attempt| attempt.link == link && attempt.engine.is_none()) {
            Some(attempt) => {
                let setup_deadline = attempt.by.saturating_duration_since(now);
                let setup = Setup::clone(&attempt.setup);
                let config = ClientConfig { setup, limits: Limits { setup_deadline, ..limits } };
                attempt.engine = Some(ClientEngine::new(config, now));
                self.pump_attempt(now);
            }
            // It was given up meanwhile.
            None => self.close_link(link),
        }
    }

    /// A connection could not be opened; `cause` and `reason` are the transport's.
    pub fn handle_dial_failed(&mut self, link: LinkId, cause: Cause, reason: String, now: Instant) {
        let now = self.clock.advance(now);
        if self.attempt_mut().is_some_and(|attempt| attempt.link == link && attempt.engine.is_none()) {
            let cause = CloseCause { code: None, reason, phase: Phase::Dial, cause, open_calls: 0 };
            self.end_attempt(cause, now);
        }
    }

    /// Takes in one message of the server. The server cannot make this fail.
    pub fn handle_message(&mut self, link: LinkId, message: ServerMessage, now: Instant) {
        let now = self.clock.advance(now);
        let kind = kind_of_theirs(&message);
        if let State::Open(open) = &mut self.state
            && open.link == link
        {
            self.recorder.note(link, false, kind, now);
            // The server kept the call and makes it again: it is to be answered as any other.
            self.foreign.retain(|foreign| foreign.call.id.is_empty() || !makes(&message, &foreign.call.id));
            open.heard_at = now;
            self.messages_heard += 1;
            open.engine.handle_message(message, now);
            self.pump(now);
        } else if let Some(attempt) = self.attempt_mut().filter(|attempt| attempt.link == link)
            && let Some(engine) = &mut attempt.engine
        {
            engine.handle_message(message, now);
            self.recorder.note(link, false, kind, now);
            self.pump_attempt(now);
        }
        self.consider_moving(now);
    }

    /// Takes in the news that the server sent bytes which are no message.
    pub fn handle_malformed(&mut self, link: LinkId, error: DecodeError, now: Instant) {
        let now = self.clock.advance(now);
        if let State::Open(open) = &mut self.state
            && open.link == link
        {
            self.recorder.note(link, false, "malformed", now);
            open.heard_at = now;
            open.engine.handle_malformed(error, now);
            self.pump(now);
        } else if let Some(attempt) = self.attempt_mut().filter(|attempt| attempt.link == link)
            && let Some(engine) = &mut attempt.engine
        {
            engine.handle_malformed(error, now);
            self.pump_attempt(now);
        }
        self.consider_moving(now);
    }

    /// Takes in the end of a connection, whoever ended it.
    pub fn handle_disconnect(&mut self, link: LinkId, why: Disconnect, now: Instant) {
        let now = self.clock.advance(now);
        match &mut self.state {
            State::Open(open) if open.link == link => {
                self.recorder.note(link, false, "disconnect", now);
                open.engine.handle_disconnect(why, now);
                self.pump(now);
            }
            State::Parting { link: parting, entry, .. } if *parting == link => {
                let entry = *entry;
                self.wait(self.attempts.soonest(now), entry, now);
            }
            State::Parting { .. } | State::Waiting { .. } | State::Opening(_) | State::Open(_) | State::Closed => {
                let Some(attempt) = self.attempt_mut().filter(|attempt| attempt.link == link) else { return };
                if let Some(engine) = &mut attempt.engine {
                    engine.handle_disconnect(why, now);
                    self.pump_attempt(now);
                } else {
                    let reason = "the connection ended before it was open".to_owned();
                    self.handle_dial_failed(link, Cause::Lost, reason, now);
                }
            }
        }
    }

    /// Takes in what a [`Relay`](crate::Relay) tells of its connection.
    pub fn handle_relayed(&mut self, link: LinkId, event: RelayEvent, now: Instant) {
        match event {
            RelayEvent::Message(message) => self.handle_message(link, message, now),
            RelayEvent::Malformed(error) => self.handle_malformed(link, error, now),
            RelayEvent::Disconnected(why) => self.handle_disconnect(link, why, now),
        }
    }

    /// Does what is due at `now`. Spurious calls do nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.time_runs(now);
        match &mut self.state {
            State::Parting { until, entry, .. } if *until <= now => {
                let entry = *entry;
                self.wait(self.attempts.soonest(now), entry, now);
            }
            State::Waiting { until, entry } if *until <= now => {
                let entry = *entry;
                self.wait(now, entry, now);
            }
            State::Parting { .. } | State::Waiting { .. } | State::Closed => {}
            State::Opening(_) => self.time_attempt(now),
            State::Open(_) => {
                self.time_attempt(now);
                self.consider_silence(now);
                self.consider_moving(now);
            }
        }
    }

    /// Takes the oldest output. One queue, total order.
    pub fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is next due; `None` when nothing is armed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let of = |attempt: &Attempt| attempt.engine.as_ref().map_or(Some(attempt.by), ClientEngine::poll_timeout);
        let due = match &self.state {
            State::Parting { until, .. } | State::Waiting { until, .. } => Some(*until),
            State::Opening(attempt) => of(attempt),
            State::Open(open) => {
                let moves = (open.successor.is_none() && self.policy.is_some()).then_some(open.moves_by).flatten();
                let moves = moves.map(|by| match open.moves_after {
                    // Until then no better moment counts, from then on any does.
                    Some(after) if self.is_good_moment(open) => after,
                    Some(after) => by.max(after),
                    None => by,
                });
                [open.successor.as_ref().and_then(of), moves, self.silent_at(open)].into_iter().flatten().min()
            }
            State::Closed => None,
        };
        [due, self.runs.due()].into_iter().flatten().min()
    }

    /// Tells whether the session is over. Outputs already queued can still be taken.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Tells whether a connection is open, so that what is said is sent and not held.
    pub fn is_open(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.successor.is_none())
    }

    /// The connection over which messages go out now.
    pub fn link(&self) -> Option<LinkId> {
        if let State::Open(open) = &self.state { Some(open.link) } else { None }
    }

    /// What the session has been through.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of sound and video that wait for a connection.
    pub fn held_media_bytes(&self) -> usize {
        self.outbox.held_bytes()
    }

    fn tell(&mut self, event: ClientEvent) {
        self.outputs.push_back(SessionOutput::Event(event));
    }

    fn attempt_mut(&mut self) -> Option<&mut Attempt> {
        match &mut self.state {
            State::Opening(attempt) => Some(attempt),
            State::Open(open) => open.successor.as_mut(),
            State::Parting { .. } | State::Waiting { .. } | State::Closed => None,
        }
    }

    fn resumption(&self) -> Option<&SessionResumptionConfig> {
        self.setup.session_resumption.as_ref()
    }

    fn is_transparent(&self) -> bool {
        self.resumption().is_some_and(|resumption| resumption.transparent)
    }

    /// Asks for a connection.
    fn dial(&mut self, entry: Entry, now: Instant) -> Attempt {
        let mut setup = self.setup.clone();
        if let (Entry::First | Entry::Resume, Some(Handle(handle))) = (entry, &self.handle) {
            setup.session_resumption.get_or_insert_default().handle = Some(handle.clone());
        }
        if entry == Entry::Fresh && self.seeds_history && !self.memory.turns().is_empty() {
            setup.history_config.get_or_insert_default().initial_history_in_client_content = true;
        }
        let (link, setup) = (LinkId(self.next_link), Arc::new(setup));
        self.next_link += 1;
        self.attempts.note_dial(now);
        self.counters.dials += 1;
        let attempt = self.attempts.dials();
        self.outputs.push_back(SessionOutput::Dial { link, attempt, setup: setup.clone() });
        let by = later(now, self.limits.setup_deadline);
        Attempt { link, entry, setup, by, engine: None }
    }

    /// Dials once `until` has come.
    fn wait(&mut self, until: Instant, entry: Entry, now: Instant) {
        self.state = if until <= now { State::Opening(self.dial(entry, now)) } else { State::Waiting { until, entry } };
    }

    fn close_link(&mut self, link: LinkId) {
        let told = CloseReason::Done.told();
        let close = Close { code: told.code, text: told.text, reason: CloseReason::Done };
        self.outputs.push_back(SessionOutput::Close(link, close));
    }

    /// Moves on what the engine of the connection to be has to say.
    fn pump_attempt(&mut self, now: Instant) {
        while let Some(attempt) = self.attempt_mut() {
            let link = attempt.link;
            let Some(output) = attempt.engine.as_mut().and_then(ClientEngine::poll_output) else { return };
            match output {
                Output::Send(message) => {
                    self.recorder.note(link, true, "setup", now);
                    self.outputs.push_back(SessionOutput::Send(link, message));
                }
                Output::Close(close) => self.outputs.push_back(SessionOutput::Close(link, close)),
                Output::Event(ClientEvent::Closed(cause)) => return self.end_attempt(cause, now),
                Output::Event(event) => {
                    if let ClientEvent::Ready { session_id } = event {
                        self.enter(session_id, now);
                        return self.pump(now);
                    }
                    self.tell(event);
                }
            }
        }
    }

    /// Moves on what the engine of the open connection has to say.
    fn pump(&mut self, now: Instant) {
        while let State::Open(open) = &mut self.state {
            let link = open.link;
            match open.engine.poll_output() {
                None => return,
                Some(Output::Send(message)) => self.send(message, now),
                Some(Output::Close(close)) => self.outputs.push_back(SessionOutput::Close(link, close)),
                Some(Output::Event(ClientEvent::Closed(cause))) => return self.end_connection(cause, now),
                Some(Output::Event(event)) => self.hear(event, now),
            }
        }
    }

    /// A connection is ready: it becomes the one that talks.
    fn enter(&mut self, session_id: String, now: Instant) {
        let (attempt, heard) = match std::mem::replace(&mut self.state, State::Closed) {
            State::Opening(attempt) => (attempt, std::mem::take(&mut self.heard)),
            State::Open(mut open) => {
                let attempt = open.successor.take().expect("a connection to be was ready");
                let owed = open.owed;
                let heard = self.break_off(open.engine.take_session(), owed);
                self.close_link(open.link);
                (attempt, heard)
            }
            State::Parting { .. } | State::Waiting { .. } | State::Closed => unreachable!("only an attempt gets ready"),
        };
        let Attempt { link, entry, setup: _, by: _, engine } = attempt;
        self.deferred.clear();
        self.history_index = None;
        let mut engine = engine.expect("what is ready has an engine");
        for foreign in &mut self.foreign {
            foreign.is_gone |= entry == Entry::Fresh;
        }
        let foreign = std::mem::take(&mut self.foreign);
        // The session that made it is gone, or went on from before it.
        let is_gone = |call: &Waiting| {
            let is_it = |(id, name): &(String, String)| *id == call.id && *name == call.name;
            entry == Entry::Fresh || self.since_handle.iter().any(is_it)
        };
        let (known, new): (Vec<&Waiting>, Vec<&Waiting>) =
            heard.waiting().partition(|call| foreign.iter().any(|foreign| foreign.call == **call));
        let new: Vec<Foreign> =
            new.into_iter().map(|call| Foreign { call: call.clone(), is_gone: is_gone(call) }).collect();
        let known: Vec<Waiting> = known.into_iter().cloned().collect();
        self.foreign = foreign.into_iter().filter(|foreign| known.contains(&foreign.call)).chain(new).collect();
        engine.adopt(heard);

        self.state = State::Open(Open {
            link,
            engine,
            since: now,
            heard_at: now,
            owed: None,
            moves_by: None,
            moves_after: None,
            successor: None,
        });
        self.was_ready = true;
        self.outbox.renumber(self.policy.as_ref().map_or(1, |policy| policy.first_index));
        self.open_with(entry, session_id, now);
    }

    /// Takes leave of a connection: what was open of its turn will not come.
    fn break_off(&mut self, heard: Heard, owed: Option<Owed>) -> Heard {
        let is_transparent = self.is_transparent();
        let Self { outputs, memory, outbox, .. } = self;
        let (heard, was_cut) = heard.break_off(&mut |event| {
            if matches!(event, ClientEvent::TurnComplete { .. }) {
                memory.hear(&event);
                if !is_transparent {
                    outbox.note_answered();
                }
            }
            outputs.push_back(SessionOutput::Event(event));
        });
        self.memory.break_off();
        // An answer that waits for calls comes when they are answered, unless another question has withdrawn them.
        let waits_for_calls = |owed: Owed| heard.open_calls() > 0 && !owed.in_words;
        self.is_answer_lost |= was_cut || owed.is_some_and(|owed| !waits_for_calls(owed));
        heard
    }

    /// The open connection ended.
    fn end_connection(&mut self, cause: CloseCause, now: Instant) {
        let State::Open(mut open) = std::mem::replace(&mut self.state, State::Closed) else {
            unreachable!("a connection ends while it is open")
        };
        let is_wanted = cause.cause == Cause::Local
            || cause.cause == Cause::Normal && self.handle.is_none() && open.moves_by.is_none();
        if let Some(attempt) = &open.successor
            && is_wanted
        {
            let link = attempt.link;
            self.close_link(link);
            open.successor = None;
        }
        if self.policy.is_none() || is_wanted {
            return self.close(cause);
        }
        self.heard = self.break_off(open.engine.take_session(), open.owed);
        match open.successor {
            Some(attempt) => self.state = State::Opening(attempt),
            None => {
                self.settle(open.since, now);
                let had_handle = self.handle.is_some();
                self.decide(cause, had_handle, now);
            }
        }
    }

    /// An attempt at a connection failed.
    fn end_attempt(&mut self, cause: CloseCause, now: Instant) {
        for update in std::mem::take(&mut self.deferred) {
            self.note_update(&update);
        }
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(mut open) => {
                // The old connection goes on; the next attempt waits until it is gone.
                open.successor = None;
                open.moves_after = None;
                self.is_overlap_refused = true;
                self.state = State::Open(open);
                for message in self.outbox.take_held() {
                    self.send(message, now);
                }
                self.move_runs(now);
                self.report_dropped();
                self.consider_moving(now);
            }
            State::Opening(attempt) => {
                if self.policy.is_none() || !self.was_ready {
                    return self.close(cause);
                }
                let has_handle = attempt.entry == Entry::Resume;
                self.decide(cause, has_handle, now);
            }
            State::Parting { .. } | State::Waiting { .. } | State::Closed => unreachable!("only an attempt fails"),
        }
    }

    /// Forgets earlier failures if a connection held long enough.
    fn settle(&mut self, since: Instant, now: Instant) {
        if let Some(policy) = &self.policy
            && now.saturating_duration_since(since) >= policy.stable_after
        {
            self.attempts.settle();
        }
    }

    /// Goes on after an end, or gives up, as the table says.
    fn decide(&mut self, cause: CloseCause, had_handle: bool, now: Instant) {
        let policy = self.policy.clone().expect("without a policy nothing goes on");
        self.fall_back();
        let plan = Plan::of(&cause.cause, cause.phase);
        let Some(step) = self.attempts.step(plan) else { return self.lose(cause, GaveUp::Hopeless) };
        match step {
            Step::Again => {}
            Step::Bare if self.handle.is_none() => return self.lose(cause, GaveUp::Hopeless),
            Step::Bare => {
                self.outbox.drop_unconsumed();
                self.activity.note_unsaved_lost();
                self.memory.take_unanswered();
            }
            Step::Anew if !had_handle => return self.lose(cause, GaveUp::Hopeless),
            Step::Anew => (self.handle, self.retracted) = (None, None),
        }
        if self.handle.is_none() && policy.fresh == Fresh::End {
            return self.lose(cause, GaveUp::NoHandle);
        }
        if self.attempts.dials() >= policy.dials_max {
            return self.lose(cause, GaveUp::Budget);
        }
        let until = self.attempts.after(plan.wait, &policy, now);
        let attempt = self.attempts.dials() + 1;
        self.tell(ClientEvent::Reconnecting { attempt, why: Reconnect::Ended(Box::new(cause)) });
        self.wait(until, self.entry(), now);
    }

    /// Takes the handle that was retracted, for want of another.
    fn fall_back(&mut self) {
        if self.handle.is_none() {
            self.handle = self.retracted.take();
        }
    }

    fn entry(&self) -> Entry {
        if self.handle.is_some() { Entry::Resume } else { Entry::Fresh }
    }

    fn report_dropped(&mut self) {
        if let Some(dropped) = self.outbox.take_dropped() {
            self.counters.dropped.messages += dropped.messages;
            self.counters.dropped.bytes += dropped.bytes;
            self.tell(ClientEvent::Dropped(dropped));
        }
    }

    /// The session is over as somebody wanted.
    fn close(&mut self, cause: CloseCause) {
        self.state = State::Closed;
        if let Some(answers) = self.end_runs() {
            self.outbox.drop(&answers);
        }
        self.outbox.drop_held();
        self.report_dropped();
        self.tell(ClientEvent::Closed(cause));
    }

    /// The session is over as nobody wanted.
    fn lose(&mut self, cause: CloseCause, gave_up: GaveUp) {
        self.state = State::Closed;
        let mut unsent: Vec<ClientMessage> = self.outbox.take_held().into();
        unsent.extend(self.end_runs());
        self.report_dropped();
        let (dials, last_frames) = (self.attempts.dials(), self.recorder.frames());
        self.tell(ClientEvent::Lost(Box::new(Loss { cause, gave_up, dials, unsent, last_frames })));
    }

    fn time_attempt(&mut self, now: Instant) {
        let Some(attempt) = self.attempt_mut() else { return };
        if let Some(engine) = &mut attempt.engine {
            engine.handle_timeout(now);
            self.pump_attempt(now);
        } else if attempt.by <= now {
            let link = attempt.link;
            self.close_link(link);
            self.handle_dial_failed(link, Cause::SetupTimeout, String::new(), now);
        }
    }
}

/// Whether a message makes the call of this id, in either of the shapes that calls come in.
fn makes(message: &ServerMessage, id: &str) -> bool {
    let is_it = |call: &FunctionCall| call.id == id;
    if let Some(ServerPayload::ToolCall(call)) = &message.payload {
        return call.function_calls.iter().any(is_it);
    }
    let Some(ServerPayload::ServerContent(content)) = &message.payload else { return false };
    let mut parts = content.model_turn.iter().flat_map(|turn| &turn.parts);
    parts.any(|part| matches!(&part.data, Some(PartData::FunctionCall(call)) if is_it(call)))
}

/// `after` from `now`; what is past the end of time is as good as a day.
fn later(now: Instant, after: Duration) -> Instant {
    now.checked_add(after).unwrap_or(now + Duration::from_secs(86_400))
}
