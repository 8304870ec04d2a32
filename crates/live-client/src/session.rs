//! An open session: say things, hear events, over as many connections as it takes.
//!
//! What makes another connection necessary, and what is said over it first, is decided in `live-engine`; here are the
//! sockets, the timer and the pleasant methods.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use futures_util::Stream;
use live_engine::client_session::Counters;
use live_engine::profile::{AfterCall, model_name};
use live_engine::{
    Cause, ClientCommand, ClientSession, ClientSessionConfig, CloseCause, Disconnect, LinkId, Phase, Profiles, Relay,
    RelayCommand, RunId, SessionOutput, ToolOutput, Why,
};
use live_proto::{Blob, ClientMessage, Content, ContextUpdate, FunctionResponse};
use live_tokio::{Connection, Fair, NetStream, Step, Traffic, UnknownFields};
use tokio::time::Sleep;

use crate::dial::{Dial, Dialer, cause_of};
use crate::says::says;
use crate::tools::{Bodies, Known, Order, Runner, check};
use crate::{ConnectError, Event, Pcm, SendError, Stage, Tools, UpdateToolsError};

/// An open session. Call [`next`](Self::next) in a loop: it sends what was said and returns what is heard.
///
/// The `send_*` methods only queue, and return at once; while nobody calls `next`, nothing moves. Dropping a session cuts
/// the connection, [`close`](Self::close) ends it in good order.
pub struct Session {
    engine: ClientSession,
    dialer: Dialer,
    dial: Option<Dial>,
    /// Why the last dial failed.
    failed_dial: Option<live_tokio::Error>,
    /// Connections in the order of their dials; those that are parting come first.
    links: Vec<(LinkId, Connection<Relay, NetStream>)>,
    timer: Option<Pin<Box<Sleep>>>,
    queued_max: usize,
    session_id: String,
    /// With this model a turn that calls functions is complete before they are answered.
    calls_complete_turns: bool,
    /// [`turn`](Self::turn) has returned calls of a turn whose completion was still on its way.
    completion_is_due: bool,
    /// Sound was sent since a turn was last complete.
    has_spoken: bool,
    runner: Runner,
    /// What the runner is to do next.
    orders: VecDeque<Order>,
    /// The server has a field for answers that come in pieces.
    has_generators: bool,
    /// For the source of [`next_or`](Self::next_or).
    fair: Fair,
    /// Of connections that are gone.
    traffic: Traffic,
    /// Of the connection that was the last to go.
    unknown: UnknownFields,
}

impl Session {
    /// Dials for the first time and waits until the server accepts the setup.
    pub(crate) async fn open(
        dialer: Dialer,
        config: ClientSessionConfig,
        bodies: Bodies,
        has_generators: bool,
    ) -> Result<Self, ConnectError> {
        let profiles = Profiles::default();
        let profile = profiles.find(model_name(&config.setup.model));
        let deadline = config.limits.setup_deadline;
        let mut session = Self {
            queued_max: config.limits.outputs_max,
            calls_complete_turns: profile.is_some_and(|profile| profile.after_call == AfterCall::CompletesTurn),
            engine: ClientSession::new(config, now()),
            dialer,
            dial: None,
            failed_dial: None,
            links: Vec::new(),
            timer: None,
            session_id: String::new(),
            completion_is_due: false,
            has_spoken: false,
            runner: Runner::default(),
            orders: VecDeque::from([Order::Know(Known(bodies))]),
            has_generators,
            fair: Fair::default(),
            traffic: Traffic::default(),
            unknown: UnknownFields::default(),
        };
        loop {
            match session.next().await {
                Some(Event::Ready { session_id }) => {
                    session.session_id = session_id;
                    return Ok(session);
                }
                Some(Event::Closed(cause)) => {
                    return Err(match (&cause.cause, session.failed_dial.take()) {
                        (_, Some(error)) => error.into(),
                        (Cause::SetupTimeout, None) => {
                            let stage = if cause.phase == Phase::Dial { Stage::Upgrade } else { Stage::Setup };
                            ConnectError::Silent { stage, deadline }
                        }
                        (Cause::NotALiveServer | Cause::Unreadable(_), None) => {
                            ConnectError::WrongFirstMessage { cause: cause.into() }
                        }
                        (_, None) => ConnectError::Closed { cause: cause.into() },
                    });
                }
                Some(_) => {}
                None => unreachable!("a session begins with Ready or Closed"),
            }
        }
    }

    /// The id that Vertex gives a session; empty on Gemini.
    pub fn id(&self) -> &str {
        &self.session_id
    }

    /// Waits for the next event. Neither turns nor connections end the stream, only the session does: after
    /// [`Event::Closed`] or [`Event::Lost`] it is `None`.
    ///
    /// Cancel-safe: in a `select!`, no event and no message is lost.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), or the next item of `source`, such as sound from a microphone. The source is not asked
    /// while the network is slower than it. While there is no connection it is: what it gives is held, within bounds.
    pub async fn next_or<T>(&mut self, source: &mut (impl Stream<Item = T> + Unpin)) -> Step<Event, T> {
        poll_fn(|cx| {
            if let Poll::Ready(event) = self.poll_next(cx) {
                return Poll::Ready(Step::Event(event));
            }
            if self.is_congested() {
                return Poll::Pending;
            }
            self.fair.poll_next(source, cx).map(Step::Item)
        })
        .await
    }

    /// The poll behind [`next`](Self::next), for hosts that wait for several things in one `poll_fn`.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            let polled = self.poll_apart(cx);
            // What was aborted is gone by the time that the host hears of it.
            while let Some(order) = self.orders.pop_front() {
                self.runner.follow(order);
            }
            if polled.is_ready() {
                return polled;
            }
            let mut runner = std::mem::take(&mut self.runner);
            let polled = runner.poll(cx, |run| self.may_say(run));
            self.runner = runner;
            let Poll::Ready((run, output)) = polled else { return Poll::Pending };
            self.tell_run(run, output);
        }
    }

    /// Everything but the functions.
    fn poll_apart(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.take_outputs() {
                if matches!(event, Event::TurnComplete { .. }) {
                    self.completion_is_due = false;
                    self.has_spoken = false;
                }
                return Poll::Ready(Some(event));
            }
            if self.poll_links(cx) || self.poll_dial(cx) || self.poll_timer(cx) {
                continue;
            }
            if self.engine.is_closed() && self.links.is_empty() {
                return Poll::Ready(None);
            }
            return Poll::Pending;
        }
    }

    /// Does what the engine asks for, up to the first event.
    fn take_outputs(&mut self) -> Option<Event> {
        loop {
            match self.engine.poll_output()? {
                SessionOutput::Dial { link, .. } => self.dial = Some(self.dialer.dial(link)),
                SessionOutput::Send(link, message) => self.command(link, RelayCommand::Send(message)),
                SessionOutput::Close(link, close) => {
                    self.dial = self.dial.take().filter(|dial| dial.link != link);
                    self.command(link, RelayCommand::Close(close));
                }
                SessionOutput::Event(event) => return Some(event),
                SessionOutput::RunTool { run, call } => self.orders.push_back(Order::Run(run, call)),
                SessionOutput::AbortTool(run) => self.orders.push_back(Order::Abort(run)),
            }
        }
    }

    /// Hands a command to a connection. One that has ended by itself takes none, and the engine will hear of its end.
    fn command(&mut self, link: LinkId, command: RelayCommand) {
        if let Some((_, connection)) = self.links.iter_mut().find(|(known, _)| *known == link) {
            let _ = connection.command(command);
        }
    }

    /// Takes what the connections have to say, up to one event each. True if there was any.
    fn poll_links(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        let mut at = 0;
        while let Some((link, connection)) = self.links.get_mut(at) {
            let link = *link;
            let Poll::Ready(event) = connection.poll_next(cx) else {
                at += 1;
                continue;
            };
            any = true;
            match event {
                Some(event) => self.engine.handle_relayed(link, event, now()),
                None => {
                    self.note_gone(at);
                    self.engine.handle_disconnect(link, Disconnect::Eof, now());
                    continue;
                }
            }
            at += 1;
        }
        any
    }

    fn note_gone(&mut self, at: usize) {
        let (_, connection) = self.links.remove(at);
        self.traffic = sum(self.traffic, connection.traffic());
        self.unknown = connection.unknown_fields().clone();
    }

    fn poll_dial(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(dial) = &mut self.dial else { return false };
        let link = dial.link;
        let Poll::Ready(result) = dial.poll(cx) else { return false };
        self.dial = None;
        match result {
            Ok(socket) => {
                let connection = Connection::from_socket(socket, Relay::default(), self.dialer.options.clone());
                self.links.push((link, connection));
                self.engine.handle_dialed(link, now());
            }
            Err(error) => {
                let reason = match std::error::Error::source(&error) {
                    Some(source) => format!("{error}: {source}"),
                    None => error.to_string(),
                };
                let cause = cause_of(&error);
                self.failed_dial = Some(error);
                self.engine.handle_dial_failed(link, cause, reason, now());
            }
        }
        true
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.engine.poll_timeout() else { return false };
        if now() < deadline {
            let deadline = tokio::time::Instant::from_std(deadline);
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return false;
            }
        }
        self.engine.handle_timeout(now());
        true
    }

    /// Gives the functions to whoever runs them from now on.
    pub(crate) fn take_runner(&mut self) -> Runner {
        std::mem::take(&mut self.runner)
    }

    /// Everything but the functions, which are run by somebody else, and what to do about those.
    pub(crate) fn poll_with_orders(&mut self, cx: &mut Context<'_>) -> (Poll<Option<Event>>, VecDeque<Order>) {
        (self.poll_apart(cx), std::mem::take(&mut self.orders))
    }

    /// Whether a generator may say more: not while what it said before waits for the network.
    pub(crate) fn may_say(&self, run: RunId) -> bool {
        self.engine.takes_piece(run) && !self.is_congested()
    }

    /// Takes in what a run says.
    pub(crate) fn tell_run(&mut self, run: RunId, output: ToolOutput) {
        self.engine.handle_tool_output(run, output, now());
    }

    /// Replaces the functions that the session runs by itself, and tells the server with `contextUpdate`. Calls that are under
    /// way are answered as ever; other tools of the setup stay.
    ///
    /// # Errors
    /// When a function cannot be declared, or nothing can be sent; the functions are those from before.
    pub fn update_tools(&mut self, tools: Tools) -> Result<(), UpdateToolsError> {
        let (functions, bodies) = check(tools, self.has_generators)?;
        self.engine.set_functions(functions, now()).map_err(|(_, why)| UpdateToolsError::NotSent(why))?;
        self.orders.push_back(Order::Know(Known(bodies)));
        Ok(())
    }

    /// True if a turn that calls functions is complete before they are answered.
    pub(crate) fn calls_complete_turns(&self) -> bool {
        self.calls_complete_turns
    }

    /// Notes that calls were returned whose turn is not complete yet.
    pub(crate) fn await_completion(&mut self) {
        self.completion_is_due = self.calls_complete_turns;
    }

    /// True if sound was sent that no complete turn came after.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    pub(crate) fn completion_is_due(&self) -> bool {
        self.completion_is_due
    }

    /// The connection over which messages go out now.
    fn link(&self) -> Option<&Connection<Relay, NetStream>> {
        let open = self.engine.link()?;
        self.links.iter().find(|(link, _)| *link == open).map(|(_, connection)| connection)
    }

    /// True while what was said waits for the network, as far as the last [`next`](Self::next) saw.
    pub fn is_congested(&self) -> bool {
        self.link().is_some_and(Connection::is_congested)
    }

    /// False while the session is between two connections: what is said then is held.
    pub fn is_open(&self) -> bool {
        self.engine.is_open()
    }

    /// Messages and bytes so far, over all connections.
    pub fn traffic(&self) -> Traffic {
        self.links.iter().fold(self.traffic, |traffic, (_, connection)| sum(traffic, connection.traffic()))
    }

    /// What the session has been through: dials, resumptions, messages that were sent again or dropped.
    pub fn counters(&self) -> Counters {
        self.engine.counters()
    }

    /// Fields that the server sent over this connection, or the last one, and this version does not know.
    pub fn unknown_fields(&self) -> &UnknownFields {
        self.links.last().map_or(&self.unknown, |(_, connection)| connection.unknown_fields())
    }

    says!(self: &mut Self);

    /// Sends any message but `setup`. Between two connections it is held; of sound and video that is held too long the
    /// oldest is dropped, counted, and told by [`Event::Dropped`].
    ///
    /// # Errors
    /// The message and the reason: the session is over, or too much is queued because [`next`](Self::next) was not called.
    pub fn send(&mut self, message: ClientMessage) -> Result<(), SendError> {
        if self.link().is_some_and(|connection| connection.engine().queued() >= self.queued_max) {
            return Err(SendError { message: Box::new(message), why: Why::Full });
        }
        let is_sound = matches!(&message, ClientMessage::RealtimeInput(input) if input.audio.is_some() || !input.media_chunks.is_empty());
        self.engine.handle_command(ClientCommand::Send(message), now())?;
        self.has_spoken |= is_sound;
        Ok(())
    }

    /// Asks for the end of the session. What follows is told by [`next`](Self::next).
    pub(crate) fn part(&mut self) {
        // Rejected only if the session is over, and then the cause is still to be heard, or was.
        let _ = self.engine.handle_command(ClientCommand::Close, now());
    }

    /// Sends what is queued, closes in the normal way, and tells how the session ended. Events on the way are dropped.
    pub async fn close(mut self) -> CloseCause {
        self.part();
        let mut end = None;
        while let Some(event) = self.next().await {
            if let Event::Closed(cause) = event {
                end = Some(cause);
            } else if let Event::Lost(loss) = event {
                end = Some(loss.cause);
            }
        }
        end.unwrap_or_else(|| CloseCause {
            code: None,
            reason: String::new(),
            phase: Phase::Open,
            cause: Cause::Local,
            open_calls: 0,
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("engine", &self.engine).field("links", &self.links).finish_non_exhaustive()
    }
}

/// The clock, as tokio tells it: tests pause it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn sum(one: Traffic, other: Traffic) -> Traffic {
    Traffic {
        messages_in: one.messages_in + other.messages_in,
        bytes_in: one.bytes_in + other.bytes_in,
        messages_out: one.messages_out + other.messages_out,
        bytes_out: one.bytes_out + other.bytes_out,
    }
}
