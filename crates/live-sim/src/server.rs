//! The servers of a world: an engine for each connection, one store for all of them, and models that answer.
//!
//! The rules are those of `live-server`: whose a handle is, how long it is honoured, who is closed when a session is taken
//! over, how many sessions a project has. What the engines decide is not looked at here, only passed on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_engine::{
    Engine as _, Handle, HandleSeed, LinkId, ModelOutput, Output, Refusal, Rejected, ResumeRefusal, ServerCommand,
    ServerConfig, ServerEngine, ServerEvent, Snapshot, Why,
};

use crate::end::{End, Phase};
use crate::model::{Generation, Script};
use crate::world::World;

/// One server.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// It is down until then.
    pub(crate) down_until: Option<Instant>,
    /// It takes no connection until then.
    pub(crate) refuses_until: Option<Instant>,
    /// It lets dials wait until then.
    pub(crate) hangs_until: Option<Instant>,
}

/// The server's end of a connection.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Its number in the world.
    pub(crate) number: usize,
    pub(crate) server: usize,
    pub(crate) end: End<ServerEngine>,
    pub(crate) generation: Option<Generation>,
    /// One that was cancelled and does not know it yet.
    pub(crate) crossing: Option<Generation>,
    keeping: Vec<Keeping>,
    forget: Vec<Handle>,
    project: u8,
    /// The session, which began with the connection of this number.
    session: usize,
    is_resumed: bool,
    is_admitted: bool,
}

/// A call to the store that is under way.
#[derive(Debug)]
struct Keeping {
    at: Instant,
    call: Call,
}

#[derive(Debug)]
enum Call {
    Load(Handle),
    Save(Handle, Arc<Snapshot>, Vec<Handle>),
}

/// What is kept under a handle.
#[derive(Debug)]
pub(crate) struct Saved {
    project: u8,
    session: usize,
    expires: Instant,
    snapshot: Arc<Snapshot>,
}

/// The store that all servers share.
#[derive(Debug, Default)]
pub(crate) struct Store {
    points: BTreeMap<Handle, Saved>,
    /// Nothing can be saved or found until then.
    pub(crate) fails_until: Option<Instant>,
    pub(crate) delay: Duration,
}

impl Store {
    pub(crate) fn new(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Whether a handle is kept for a project.
    pub(crate) fn holds(&self, handle: &str, project: u8) -> bool {
        Handle::parse(handle).and_then(|handle| self.points.get(&handle)).is_some_and(|saved| saved.project == project)
    }

    /// Any handle of another project.
    pub(crate) fn handle_of_another(&self, project: u8) -> Option<String> {
        let (handle, _) = self.points.iter().find(|(_, saved)| saved.project != project)?;
        Some(handle.as_str().to_owned())
    }

    fn fails(&self, now: Instant) -> bool {
        self.fails_until.is_some_and(|until| now < until)
    }
}

impl Conn {
    /// When something of its own is due.
    pub(crate) fn due(&self, is_pushy: bool) -> Option<Instant> {
        let generation = self.speaks_at(is_pushy);
        let crossing = self.crossing.as_ref().map(|it| it.at);
        let keeping = self.keeping.iter().map(|it| it.at).min();
        [self.end.engine.poll_timeout(), self.end.cut_at(), generation, crossing, keeping].into_iter().flatten().min()
    }
}

impl Conn {
    /// When the model's next piece is handed over: not while the network is slower, unless its host is pushy.
    fn speaks_at(&self, is_pushy: bool) -> Option<Instant> {
        self.generation.as_ref().filter(|_| is_pushy || !self.end.is_congested()).map(|it| it.at)
    }
}

impl World<'_> {
    /// A client has connected to a server.
    pub(crate) fn accept(&mut self, server: usize, client: usize, link: LinkId) -> Conn {
        let plan = &self.clients[client].plan;
        let (backend, project) = (plan.backend, plan.project);
        let number = self.conns_made;
        self.conns_made += 1;
        let open = self.links.iter().filter_map(|link| link.conn.as_ref());
        let of_project = open.filter(|conn| conn.is_admitted && conn.project == project).count();
        let is_admitted = (of_project as u32) < self.quota;
        let mut handle_seed = HandleSeed::default();
        handle_seed.0[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let config = ServerConfig {
            limits: self.plan.limits.clone(),
            refusal: (!is_admitted).then_some(Refusal::Quota),
            pacing: self.plan.pacing,
            session_id: format!("session-{number}"),
            call_id_seed: (number as u64) << 32,
            lifetimes: self.lifetimes.clone(),
            handle_seed,
            profiles: Arc::clone(&self.profiles),
            vad: self.plan.vad,
            ..ServerConfig::new(backend)
        };
        let lifetimes = config.lifetimes.clone();
        self.oracle.accepted(number, client, link, lifetimes, self.now);
        Conn {
            number,
            server,
            end: End::new(ServerEngine::new(config, self.now)),
            generation: None,
            crossing: None,
            keeping: Vec::new(),
            forget: Vec::new(),
            project,
            session: number,
            is_resumed: false,
            is_admitted,
        }
    }

    /// Moves on what the engine of a connection has to say.
    pub(crate) fn pump_conn(&mut self, at: usize) {
        loop {
            let now = self.now;
            let Self { links, oracle, store, trace, epoch, .. } = self;
            let Some(link) = links.get_mut(at) else { return };
            let Some(conn) = &mut link.conn else { return };
            let (number, project) = (conn.number, conn.project);
            let event = conn.end.pump(&mut link.down, now, |output| match output {
                Output::Send(message) => {
                    if trace.is_on() {
                        let words = crate::words::of_server(message);
                        trace.line(epoch.since(now), format_args!("conn {number} > {words}"));
                    }
                    oracle.server_says(number, message, |handle| store.holds(handle, project), now);
                }
                Output::Close(close) => {
                    trace.line(epoch.since(now), format_args!("conn {number} > close {} {}", close.code, close.reason));
                    oracle.server_closes(number, &close.reason, now);
                }
                Output::Event(()) => {}
            });
            match event {
                Some(event) => self.act(at, event),
                None => break,
            }
        }
        let now = self.now;
        let Some(conn) = self.links[at].conn.as_mut() else { return };
        conn.end.note_closed(now);
        if conn.end.is_congested() {
            self.oracle.is_congested(conn.number);
        }
        self.oracle.conn_rests(conn.number, now);
        if conn.end.phase == Phase::Ended {
            self.drop_conn(at);
        }
    }

    /// The connection's task is over. What the store was told is still done, unless the server has died.
    pub(crate) fn drop_conn(&mut self, at: usize) {
        let Some(conn) = self.links[at].conn.take() else { return };
        self.links[at].up.abandon();
        for Keeping { call, .. } in conn.keeping {
            if let Call::Save(handle, snapshot, forget) = call {
                self.save(handle, snapshot, &forget, conn.project, conn.session);
            }
        }
        self.oracle.conn_over(conn.number);
    }

    fn act(&mut self, at: usize, event: ServerEvent) {
        let now = self.now;
        let link = &mut self.links[at];
        let client = link.client_number;
        let conn = link.conn.as_mut().expect("it has just spoken");
        let number = conn.number;
        if self.trace.is_on() {
            let words = crate::words::of_server_event(&event);
            self.trace.line(self.epoch.since(now), format_args!("conn {number} ! {words}"));
        }
        self.oracle.server_hears_of(number, &event, now);
        match event {
            ServerEvent::SetupAccepted(_) => {
                if conn.is_resumed {
                    let session = conn.session;
                    self.take_over(session, at);
                }
            }
            ServerEvent::Resume { handle } => {
                conn.keeping.push(Keeping { at: now + self.store.delay, call: Call::Load(handle) });
            }
            ServerEvent::Save { handle, snapshot } => {
                let forget = std::mem::take(&mut conn.forget);
                let call = Call::Save(handle, snapshot, forget);
                conn.keeping.push(Keeping { at: now + self.store.delay, call });
            }
            ServerEvent::Forget { handle } => conn.forget.push(handle),
            ServerEvent::Generate(turn, _) => {
                self.oracle.model_asked(conn.number, conn.generation.is_some());
                let number = self.oracle.generations();
                let plan = &self.clients[client].plan;
                let (script, delay) = if self.is_healed {
                    (Script::calm(), Duration::from_millis(20))
                } else {
                    Script::draw(plan, self.plan.model_delay, &mut self.entropy)
                };
                conn.generation = Some(Generation::new(turn, number, script, now + delay));
            }
            ServerEvent::Cancel(turn) => {
                if let Some(mut generation) = conn.generation.take_if(|it| it.turn == turn) {
                    // It may be told of it late.
                    let pieces = self.entropy.below(3);
                    if pieces > 0 {
                        generation.crossing = Some(pieces);
                        conn.crossing = Some(generation);
                    }
                }
            }
            ServerEvent::Closed(_) => {
                conn.generation = None;
                conn.crossing = None;
            }
            // No client here is under a constraint.
            ServerEvent::Admit
            | ServerEvent::Compressed { .. }
            | ServerEvent::TurnFinished { .. }
            | ServerEvent::Violation(_)
            // The model tries again by itself.
            | ServerEvent::Continue(_)
            | ServerEvent::Warning(_) => {}
        }
    }

    /// The connections of the same server that hold a session which goes on elsewhere are closed.
    fn take_over(&mut self, session: usize, by: usize) {
        let server = self.links[by].conn.as_ref().map(|conn| conn.server);
        for at in 0..self.links.len() {
            let Some(conn) = &mut self.links[at].conn else { continue };
            if at != by && conn.session == session && Some(conn.server) == server {
                let _ = conn.end.engine.handle_command(ServerCommand::TakeOver, self.now);
                self.orders.push(at);
            }
        }
    }

    /// Does what is due at a connection.
    pub(crate) fn tick_conn(&mut self, at: usize) {
        let now = self.now;
        let Some(conn) = &mut self.links[at].conn else { return };
        if conn.end.cut_at().is_some_and(|cut| cut <= now) {
            let link = &mut self.links[at];
            let conn = link.conn.as_mut().expect("it was just seen");
            conn.end.end(&mut link.down, now);
            return self.pump_conn(at);
        }
        if let Some(nth) = conn.keeping.iter().position(|it| it.at <= now) {
            let Keeping { call, .. } = conn.keeping.swap_remove(nth);
            let command = self.answer_of_store(at, call);
            self.command(at, command);
        } else if conn.end.engine.poll_timeout().is_some_and(|due| due <= now) {
            conn.end.engine.handle_timeout(now);
            let next = conn.end.engine.poll_timeout();
            let number = conn.number;
            self.oracle.server_ticked(number, next, now);
            self.trace.line(self.epoch.since(now), format_args!("conn {number} timer"));
        } else if conn.speaks_at(self.plan.is_pushy).is_some_and(|at| at <= now) {
            self.speak(at);
        } else if conn.crossing.as_ref().is_some_and(|it| it.at <= now) {
            self.cross(at);
        }
        self.pump_conn(at);
    }

    /// Hands over a piece of a generation that was cancelled.
    fn cross(&mut self, at: usize) {
        let link = &mut self.links[at];
        let is_text = self.clients[link.client_number].plan.is_text;
        let Some(conn) = &mut link.conn else { return };
        let Some(mut generation) = conn.crossing.take() else { return };
        let left = generation.crossing.unwrap_or(0);
        let (Some(piece), true) = (generation.piece(is_text), left > 0) else { return };
        generation.crossing = Some(left - 1);
        generation.advance(self.now);
        let turn = generation.turn;
        conn.crossing = Some(generation);
        self.oracle.exercised_crossing();
        self.command(at, ServerCommand::Model(turn, piece));
    }

    /// Hands the next piece of the model to the engine.
    fn speak(&mut self, at: usize) {
        let now = self.now;
        let link = &mut self.links[at];
        let is_text = self.clients[link.client_number].plan.is_text;
        let Some(conn) = &mut link.conn else { return };
        let Some(generation) = &mut conn.generation else { return };
        let Some(piece) = generation.piece(is_text) else {
            conn.generation = None;
            return;
        };
        let turn = generation.turn;
        if let ModelOutput::ToolCalls(calls) = &piece {
            self.oracle.model_calls(conn.number, calls);
        }
        let is_last = matches!(piece, ModelOutput::End(_) | ModelOutput::Failed(_));
        match conn.end.engine.handle_command(ServerCommand::Model(turn, piece), now) {
            Ok(()) if is_last => conn.generation = None,
            Ok(()) => generation.advance(now),
            Err(Rejected { why: Why::Full | Why::Ahead, .. }) => {
                generation.at = now + Duration::from_millis(50);
                self.oracle.exercised_full();
            }
            Err(Rejected { why: Why::Closed, .. }) => conn.generation = None,
            Err(Rejected { why, .. }) => {
                let number = conn.number;
                self.oracle.model_rejected(number, why);
                conn.generation = None;
            }
        }
    }

    /// Tells an engine what it may refuse only because its session is over or has not begun.
    pub(crate) fn command(&mut self, at: usize, command: ServerCommand) {
        let Some(conn) = &mut self.links[at].conn else { return };
        if let Err(Rejected { why, .. }) = conn.end.engine.handle_command(command, self.now) {
            self.trace.line(self.epoch.since(self.now), format_args!("conn {} refuses: {why}", conn.number));
        }
        self.pump_conn(at);
    }

    fn answer_of_store(&mut self, at: usize, call: Call) -> ServerCommand {
        let now = self.now;
        let conn = self.links[at].conn.as_mut().expect("it has just asked");
        match call {
            Call::Save(handle, _, forget) if self.store.fails(now) => {
                conn.forget.extend(forget);
                ServerCommand::SaveFailed(handle)
            }
            Call::Save(handle, snapshot, forget) => {
                let (project, session) = (conn.project, conn.session);
                self.save(handle.clone(), snapshot, &forget, project, session);
                ServerCommand::Saved(handle)
            }
            Call::Load(handle) => {
                let found = self.store.points.get(&handle).filter(|_| !self.store.fails(now));
                let refuse = |refusal| ServerCommand::ResumeRefused(refusal);
                let Some(Saved { project, session, expires, snapshot }) = found else {
                    return refuse(ResumeRefusal::Unknown);
                };
                if *project != conn.project {
                    return refuse(ResumeRefusal::Foreign);
                }
                if *expires <= now {
                    return refuse(ResumeRefusal::Expired);
                }
                conn.session = *session;
                conn.is_resumed = true;
                self.oracle.resumed_by(conn.number, &handle);
                ServerCommand::Resumed(Box::new(Snapshot::clone(snapshot)))
            }
        }
    }

    fn save(&mut self, handle: Handle, snapshot: Arc<Snapshot>, forget: &[Handle], project: u8, session: usize) {
        let (now, expires) = (self.now, self.now + self.lifetimes.handle_validity);
        if self.store.points.len() > SWEPT_ABOVE {
            self.store.points.retain(|_, saved| saved.expires > now);
        }
        self.store.points.insert(handle, Saved { project, session, expires, snapshot });
        for handle in forget {
            self.store.points.remove(handle);
        }
    }

    /// A server dies: its connections break without a word, and what was not saved is lost or not.
    pub(crate) fn crash(&mut self, server: usize, is_saved: bool) {
        for at in 0..self.links.len() {
            let link = &mut self.links[at];
            let Some(conn) = link.conn.take_if(|conn| conn.server == server) else { continue };
            link.up.abandon();
            link.down.cut(0, Duration::from_millis(10), self.now);
            self.oracle.conn_over(conn.number);
            for Keeping { call, .. } in conn.keeping {
                if let Call::Save(handle, snapshot, forget) = call
                    && is_saved
                {
                    self.save(handle, snapshot, &forget, conn.project, conn.session);
                }
            }
        }
    }
}

/// Points in the store, above which it looks for those that have expired.
const SWEPT_ABOVE: usize = 64;
