//! One world: its clock, and what happens next in it.
//!
//! Nothing happens by itself. The earliest thing that is due is done, then the next; what is due at the same time is done in
//! one order, always the same. First users act and things go wrong, as long as there is entropy; then all is well and
//! everything that was begun has to come to its end.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_engine::{Lifetimes, Profiles};
use live_proto::ClientMessage;
use live_proto::json::DecodeOptions;

use crate::client::{Client, Link};
use crate::day::Speaker;
use crate::entropy::Entropy;
use crate::net::Arrival;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::server::{Server, Store};
use crate::trace::{Epoch, Trace};

pub(crate) struct World<'a> {
    pub(crate) entropy: Entropy<'a>,
    pub(crate) plan: Plan,
    pub(crate) epoch: Epoch,
    pub(crate) now: Instant,
    pub(crate) clients: Vec<Client>,
    pub(crate) links: Vec<Link>,
    pub(crate) servers: Vec<Server>,
    pub(crate) store: Store,
    pub(crate) profiles: Arc<Profiles>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) quota: u32,
    pub(crate) conns_made: usize,
    pub(crate) oracle: Oracle,
    pub(crate) trace: &'a mut Trace,
    /// Connections that were told something.
    pub(crate) orders: Vec<usize>,
    /// Calls that were answered some time, and may be answered again by a client that keeps no ledger.
    pub(crate) rumours: Vec<String>,
    /// Clients that are about to hang up.
    pub(crate) hang_up: Vec<usize>,
    pub(crate) is_healed: bool,
    /// Who speaks all day, in a world in which nothing is left to chance.
    pub(crate) day: Option<Speaker>,
    next_act: Instant,
    healed_at: Option<(Instant, u64)>,
    pub(crate) steps: u64,
    /// When the last step was due, and how many were due then.
    still: (Instant, u64),
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Down(usize),
    Up(usize),
    Conn(usize),
    Relay(usize),
    App(usize),
    Client(usize),
    Server(usize),
    Act,
}

impl<'a> World<'a> {
    pub(crate) fn new(bytes: &'a [u8], epoch: Instant, trace: &'a mut Trace) -> Self {
        let mut entropy = Entropy::new(bytes);
        let plan = Plan::draw(&mut entropy);
        Self::of(plan, entropy, epoch, trace)
    }

    pub(crate) fn of(plan: Plan, entropy: Entropy<'a>, epoch: Instant, trace: &'a mut Trace) -> Self {
        let clients = (0..).zip(&plan.sessions).map(|(number, it)| Client::new(it.clone(), number, epoch)).collect();
        Self {
            entropy,
            epoch: Epoch(epoch),
            now: epoch,
            oracle: Oracle::new(&plan, epoch),
            clients,
            links: Vec::new(),
            servers: (0..plan.servers).map(|_| Server::default()).collect(),
            store: Store::new(plan.store_delay),
            profiles: Arc::new(Profiles::default()),
            lifetimes: plan.lifetimes.clone(),
            quota: plan.quota,
            conns_made: 0,
            trace,
            orders: Vec::new(),
            rumours: Vec::new(),
            hang_up: Vec::new(),
            is_healed: false,
            day: None,
            next_act: epoch,
            healed_at: None,
            steps: 0,
            still: (epoch, 0),
            plan,
        }
    }

    /// Lives to its end, or to the first thing that is wrong.
    pub(crate) fn run(&mut self) {
        for c in 0..self.clients.len() {
            if !self.clients[c].plan.is_thief {
                self.wake(c);
            }
        }
        while !self.oracle.has_failed() && self.step() {}
        let Self { clients, oracle, .. } = self;
        if !oracle.has_failed() {
            for (c, client) in clients.iter().enumerate() {
                oracle.world_ends(c, &client.session);
            }
        }
    }

    pub(crate) fn note(&mut self, words: fmt::Arguments<'_>) {
        self.trace.line(self.epoch.since(self.now), words);
    }

    /// Does what is due next. False when nothing is.
    fn step(&mut self) -> bool {
        self.steps += 1;
        let acts_are_over = match &self.day {
            None => self.entropy.is_spent(),
            Some(speaker) => speaker.is_done(self.now),
        };
        if !self.is_healed && acts_are_over {
            self.heal();
            self.healed_at = Some((self.now, self.steps));
        }
        self.links.retain(|link| link.client.is_some() || link.conn.is_some());
        let Some((at, due)) = self.next_due() else { return false };
        self.now = self.now.max(at);
        self.still = if at == self.still.0 { (at, self.still.1 + 1) } else { (at, 0) };
        if self.still.1 > STILL_STEPS_MAX {
            self.note(format_args!("{due:?} is due for ever"));
            self.oracle.does_not_end();
        }
        match due {
            Due::Down(at) => self.deliver_down(at),
            Due::Up(at) => self.deliver_up(at),
            Due::Conn(at) => self.tick_conn(at),
            Due::Relay(at) => {
                let link = &mut self.links[at];
                let c = link.client_number;
                if let Some(end) = &mut link.client {
                    end.end(&mut link.up, self.now);
                }
                self.pump_client(c);
            }
            Due::App(c) => self.tick_app(c),
            Due::Client(c) => self.tick_client(c),
            Due::Server(server) => {
                self.servers[server].down_until = None;
                self.note(format_args!("-- server {server} is up again"));
            }
            Due::Act => self.act_of_chance(),
        }
        self.follow_orders();
        if let Some((since, steps)) = self.healed_at
            && (self.now.saturating_duration_since(since) > HEALED_MAX || self.steps - steps > HEALED_STEPS_MAX)
        {
            self.oracle.does_not_end();
        }
        true
    }

    fn follow_orders(&mut self) {
        while let Some(at) = self.orders.pop() {
            self.pump_conn(at);
        }
        while let Some(c) = self.hang_up.pop() {
            self.part(c);
        }
    }

    fn next_due(&self) -> Option<(Instant, Due)> {
        let mut next: Option<(Instant, Due)> = None;
        let mut consider = |at: Option<Instant>, due: Due| {
            if let Some(at) = at
                && next.is_none_or(|(earliest, _)| at < earliest)
            {
                next = Some((at, due));
            }
        };
        for (at, link) in self.links.iter().enumerate() {
            if let Some(end) = &link.client
                && self.clients[link.client_number].busy_until.is_none()
            {
                consider(link.down.due().filter(|_| end.reads()), Due::Down(at));
                consider(end.cut_at(), Due::Relay(at));
            }
            if let Some(conn) = &link.conn {
                consider(link.up.due().filter(|_| conn.end.reads()), Due::Up(at));
                consider(conn.due(self.plan.is_pushy), Due::Conn(at));
            }
        }
        for (c, client) in self.clients.iter().enumerate() {
            consider(client.due(), Due::Client(c));
            consider(client.app.due(), Due::App(c));
        }
        for (number, server) in self.servers.iter().enumerate() {
            consider(server.down_until, Due::Server(number));
        }
        if !self.is_healed {
            consider(Some(self.next_act), Due::Act);
        }
        next
    }

    /// Something arrives at a client.
    fn deliver_down(&mut self, at: usize) {
        let link = &mut self.links[at];
        let c = link.client_number;
        let Some(arrival) = link.down.receive(&DecodeOptions::lenient()) else { return };
        if let Some(end) = &mut link.client {
            end.take(arrival, &mut link.up, self.now);
        }
        self.pump_client(c);
        // There is room in the pipe now.
        self.pump_conn(at);
    }

    /// Something arrives at a server.
    fn deliver_up(&mut self, at: usize) {
        let link = &mut self.links[at];
        let c = link.client_number;
        let Some(mut arrival) = link.up.receive(&DecodeOptions::strict()) else { return };
        if !self.is_healed
            && let Arrival::Message(message) = &mut arrival
            && let ClientMessage::ToolResponse(response) = &mut **message
        {
            crate::workload::answer_carelessly(response, &mut self.rumours, &mut self.entropy);
        }
        if let Some(conn) = &mut link.conn {
            self.oracle.server_receives(conn.number, &arrival, conn.end.phase, self.now);
            conn.end.take(arrival, &mut link.down, self.now);
        }
        self.pump_conn(at);
        self.pump_client(c);
    }

    /// A user does something, or something goes wrong, or time passes.
    fn act_of_chance(&mut self) {
        if self.day.is_some() {
            let pause = self.speak_all_day();
            self.next_act = self.now + pause;
            return;
        }
        let what = self.entropy.below(8);
        match what {
            0 => {}
            1 => self.fault(),
            _ => {
                let c = usize::from(self.entropy.byte()) % self.clients.len();
                self.user_acts(c);
            }
        }
        let pause = self.entropy.millis(&[1_000, 0, 20, 20, 100, 300, 1_000, 4_000, 12_000, 30_000]);
        self.next_act = self.now + pause;
    }
}

/// The longest that everything may take to come to its end.
const HEALED_MAX: Duration = Duration::from_secs(4 * 3_600);
const HEALED_STEPS_MAX: u64 = 100_000;
/// The most that can be due at one instant: a timer that is served and due again would be for ever.
const STILL_STEPS_MAX: u64 = 20_000;
