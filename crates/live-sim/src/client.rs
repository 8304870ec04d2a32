//! The clients of a world: a session each, over as many connections as it takes, hosted in the way of `live-client`.
//!
//! What is dialled and said over which connection is decided by the session; what its user says, by [`crate::workload`].

use std::time::{Duration, Instant};

use live_engine::{
    Cause, ClientCommand, ClientEvent, ClientSession, Disconnect, Engine as _, LinkId, Output, Relay, RelayCommand,
    RelayEvent, SessionOutput, Why,
};
use live_proto::{ClientMessage, ServerMessage};

use crate::end::{End, Phase};
use crate::net::Pipe;
use crate::plan::SessionPlan;
use crate::server::Conn;
use crate::workload::App;
use crate::world::World;

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) plan: SessionPlan,
    pub(crate) session: ClientSession,
    dials: Vec<Dial>,
    /// Its program does something else until then, so that nothing is taken out of the session.
    pub(crate) busy_until: Option<Instant>,
    pub(crate) app: App,
    is_awake: bool,
}

/// A dial under way.
#[derive(Debug)]
struct Dial {
    link: LinkId,
    at: Option<Instant>,
    outcome: Result<usize, Cause>,
}

/// A connection, as long as one of its ends lives.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) client_number: usize,
    pub(crate) client: Option<End<Relay>>,
    pub(crate) conn: Option<Conn>,
    pub(crate) up: Pipe<ClientMessage>,
    pub(crate) down: Pipe<ServerMessage>,
}

impl Client {
    pub(crate) fn new(plan: SessionPlan, number: u8, now: Instant) -> Self {
        let session = ClientSession::new(plan.config.clone(), now);
        Self { plan, session, dials: Vec::new(), busy_until: None, app: App::new(number), is_awake: false }
    }

    /// When something of its own is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        if !self.is_awake {
            return None;
        }
        let dials = self.dials.iter().filter_map(|dial| dial.at).min();
        let due = [self.session.poll_timeout(), dials].into_iter().flatten().min();
        match self.busy_until {
            None => due,
            Some(until) => Some(due.map_or(until, |due| due.max(until))),
        }
    }
}

impl World<'_> {
    /// A client begins its session. A thief waits until there is a handle to steal.
    pub(crate) fn wake(&mut self, c: usize) {
        let now = self.now;
        let client = &mut self.clients[c];
        if client.is_awake {
            return;
        }
        let mut config = client.plan.config.clone();
        if client.plan.is_thief
            && let Some(handle) = self.store.handle_of_another(client.plan.project)
        {
            config.setup.session_resumption.get_or_insert_default().handle = Some(handle);
            self.oracle.steals();
        }
        client.session = ClientSession::new(config, now);
        client.is_awake = true;
        self.pump_client(c);
    }

    /// Moves on what a session has to say, and what its connections bring it.
    pub(crate) fn pump_client(&mut self, c: usize) {
        if self.clients[c].busy_until.is_some() || !self.clients[c].is_awake {
            return;
        }
        loop {
            self.take_outputs(c);
            if !self.pump_relays(c) {
                break;
            }
        }
        let Self { clients, oracle, now, .. } = self;
        let client = &clients[c];
        oracle.session_rests(c, &client.session, *now);
    }

    fn take_outputs(&mut self, c: usize) {
        while let Some(output) = self.clients[c].session.poll_output() {
            let now = self.now;
            match output {
                SessionOutput::Dial { link, attempt, setup } => {
                    self.note(format_args!("client {c} dials {link} (attempt {attempt})"));
                    self.oracle.dials(c, link, &setup, now);
                    self.dial(c, link);
                }
                SessionOutput::Send(link, message) => {
                    if self.trace.is_on() {
                        let words = crate::words::of_client(&message);
                        self.note(format_args!("client {c} > {words} ({link})"));
                    }
                    self.oracle.client_says(c, link, &message);
                    self.relay(c, link, RelayCommand::Send(message));
                }
                SessionOutput::Close(link, close) => {
                    self.note(format_args!("client {c} closes {link} with {}", close.code));
                    self.oracle.client_parts(c, link);
                    self.clients[c].dials.retain(|dial| dial.link != link);
                    self.relay(c, link, RelayCommand::Close(close));
                }
                SessionOutput::Event(event) => self.hear(c, event),
                SessionOutput::RunTool { run, call } => self.run_function(c, run, call),
                SessionOutput::AbortTool(run) => self.abort_function(c, run),
            }
        }
    }

    fn relay(&mut self, c: usize, link: LinkId, command: RelayCommand) {
        let now = self.now;
        let link = self.links.iter_mut().find(|it| it.client_number == c && it.id == link);
        // A connection that has ended by itself takes none, and the session will hear of its end.
        if let Some(end) = link.and_then(|link| link.client.as_mut()) {
            let _ = end.engine.handle_command(command, now);
        }
    }

    fn hear(&mut self, c: usize, event: ClientEvent) {
        if self.trace.is_on() {
            let words = crate::words::of_event(&event);
            self.note(format_args!("client {c} ! {words}"));
        }
        self.oracle.client_hears(c, &event, self.now);
        self.tell_app(c, event);
    }

    /// Moves on what the connections of a client have; true if the session was told something.
    fn pump_relays(&mut self, c: usize) -> bool {
        let mut any = false;
        for at in 0..self.links.len() {
            if self.links[at].client_number != c {
                continue;
            }
            loop {
                let now = self.now;
                let link = &mut self.links[at];
                let id = link.id;
                let Some(end) = &mut link.client else { break };
                let event = end.pump(&mut link.up, now, |output| debug_assert!(!matches!(output, Output::Event(()))));
                let session = &mut self.clients[c].session;
                match event {
                    None => break,
                    Some(RelayEvent::Message(message)) => {
                        let was_open = session.link() == Some(id);
                        self.oracle.client_receives(c, id, &message, was_open);
                        session.handle_message(id, message, now);
                    }
                    Some(RelayEvent::Malformed(error)) => session.handle_malformed(id, error, now),
                    Some(RelayEvent::Disconnected(why)) => {
                        self.oracle.client_parts(c, id);
                        session.handle_disconnect(id, why, now);
                    }
                }
                any = true;
                self.take_outputs(c);
                self.oracle.calls_are_told(c);
            }
            let link = &mut self.links[at];
            let Some(end) = &mut link.client else { continue };
            end.note_closed(self.now);
            if end.phase == Phase::Ended {
                any = true;
                let id = link.id;
                link.client = None;
                link.down.abandon();
                self.note(format_args!("client {c} has parted from {id}"));
                self.oracle.client_parts(c, id);
                self.clients[c].session.handle_disconnect(id, Disconnect::Eof, self.now);
                self.take_outputs(c);
            }
        }
        any
    }

    /// Finds out what a dial will come to.
    fn dial(&mut self, c: usize, link: LinkId) {
        let server = usize::from(self.entropy.byte()) % self.servers.len();
        let now = self.now;
        let hangs = self.servers[server].hangs_until.is_some_and(|until| now < until);
        let refuses = self.servers[server].refuses_until.is_some_and(|until| now < until);
        let is_down = self.servers[server].down_until.is_some();
        let round_trip = self.plan.latency * 2 + Duration::from_micros(100);
        let outcome = if refuses || is_down {
            Err(self.entropy.pick(&[0, 0, 1]))
                .map_err(|kind| if kind == 0 || is_down { Cause::Lost } else { Cause::Unavailable })
        } else {
            Ok(server)
        };
        let at = (!hangs).then_some(now + round_trip);
        self.clients[c].dials.push(Dial { link, at, outcome });
    }

    /// Does what is due at a client.
    pub(crate) fn tick_client(&mut self, c: usize) {
        let now = self.now;
        let client = &mut self.clients[c];
        client.busy_until.take_if(|until| *until <= now);
        if let Some(nth) = client.dials.iter().position(|dial| dial.at.is_some_and(|at| at <= now)) {
            let Dial { link, outcome, .. } = client.dials.remove(nth);
            // It may have gone down since.
            let outcome =
                outcome.and_then(
                    |server| {
                        if self.servers[server].down_until.is_some() { Err(Cause::Lost) } else { Ok(server) }
                    },
                );
            match outcome {
                Ok(server) => {
                    let conn = self.accept(server, c, link);
                    let number = conn.number;
                    self.note(format_args!("client {c} has {link} to server {server} (conn {number})"));
                    let pipe = (self.plan.latency, self.plan.window, self.plan.piece_bytes);
                    self.links.push(Link {
                        id: link,
                        client_number: c,
                        client: Some(End::new(Relay::default())),
                        conn: Some(conn),
                        up: Pipe::new(pipe.0, pipe.1, pipe.2),
                        down: Pipe::new(pipe.0, pipe.1, pipe.2),
                    });
                    self.clients[c].session.handle_dialed(link, now);
                }
                Err(cause) => {
                    self.note(format_args!("client {c} cannot reach a server for {link}"));
                    self.oracle.dial_failed(c, link);
                    client_of(&mut self.clients, c).handle_dial_failed(link, cause, "refused".into(), now);
                }
            }
        } else if client.session.poll_timeout().is_some_and(|due| due <= now) {
            client.session.handle_timeout(now);
            let next = client.session.poll_timeout();
            self.note(format_args!("client {c} timer"));
            self.oracle.session_ticked(c, next, now);
        }
        self.pump_client(c);
    }

    /// Says something as the user's program does; false if the session has no room for it.
    pub(crate) fn say(&mut self, c: usize, message: ClientMessage) -> Result<(), Why> {
        let now = self.now;
        let queued_max = self.plan.limits.outputs_max;
        let client = &mut self.clients[c];
        let open = client.session.link();
        let link = self.links.iter().find(|link| link.client_number == c && Some(link.id) == open);
        if link.and_then(|link| link.client.as_ref()).is_some_and(|end| end.engine.queued() >= queued_max) {
            return Err(Why::Full);
        }
        client.session.handle_command(ClientCommand::Send(message), now).map_err(|rejected| rejected.why)
    }

    /// Ends a session as the user's program does.
    pub(crate) fn part(&mut self, c: usize) {
        let _ = self.clients[c].session.handle_command(ClientCommand::Close, self.now);
        self.pump_client(c);
    }

    /// Dials that waited for a server that said nothing go through.
    pub(crate) fn release_dials(&mut self, c: usize) {
        for dial in &mut self.clients[c].dials {
            dial.at.get_or_insert(self.now);
        }
    }
}

fn client_of(clients: &mut [Client], c: usize) -> &mut ClientSession {
    &mut clients[c].session
}
