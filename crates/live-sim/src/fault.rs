//! What goes wrong in a world: networks, servers, stores and clocks.
//!
//! Each is counted, so that a run shows what it has been through.

use std::time::Duration;

use live_engine::ServerCommand;

use crate::report::Fault;
use crate::world::World;

impl World<'_> {
    /// Something goes wrong.
    pub(crate) fn fault(&mut self) {
        let fault = self.entropy.pick(&[
            Fault::Stall,
            Fault::Stall,
            Fault::Cut,
            Fault::Cut,
            Fault::Cut,
            Fault::HalfClose,
            Fault::HalfClose,
            Fault::GoAway,
            Fault::GoAway,
            Fault::Drop,
            Fault::Latency,
            Fault::Refuse,
            Fault::Hang,
            Fault::Crash,
            Fault::Shutdown,
            Fault::Drop,
            Fault::Jump,
            Fault::Busy,
            Fault::Store,
            Fault::Garbage,
            Fault::Quota,
        ]);
        let span = self.entropy.millis(&[500, 50, 3_000, 15_000, 90_000]);
        if self.strike(fault, span) {
            self.note(format_args!("-- {}", fault.name()));
            self.oracle.struck(fault);
        }
    }

    /// False if there was nothing to strike.
    fn strike(&mut self, fault: Fault, span: Duration) -> bool {
        let now = self.now;
        let number = usize::from(self.entropy.byte());
        let up_not_down = number & 1 == 0;
        let server = number / 2 % self.servers.len();
        match fault {
            Fault::Stall
            | Fault::Cut
            | Fault::HalfClose
            | Fault::Latency
            | Fault::Garbage
            | Fault::GoAway
            | Fault::Drop => {
                if self.links.is_empty() {
                    return false;
                }
                let at = number / 2 % self.links.len();
                return self.strike_link(fault, at, up_not_down, span);
            }
            Fault::Refuse => self.servers[server].refuses_until = Some(now + span),
            Fault::Hang => self.servers[server].hangs_until = Some(now + span),
            Fault::Crash => {
                if self.servers[server].down_until.is_some() {
                    return false;
                }
                self.servers[server].down_until = Some(now + span);
                self.crash(server, up_not_down);
            }
            Fault::Shutdown => {
                for at in 0..self.links.len() {
                    if let Some(conn) = self.links[at].conn.as_ref().filter(|conn| conn.server == server) {
                        self.oracle.shuts_down(conn.number);
                        self.command(at, ServerCommand::Shutdown);
                    }
                }
                self.servers[server].refuses_until = Some(now + span);
            }
            Fault::Jump => self.now += span * 20,
            Fault::Busy => {
                let c = number / 2 % self.clients.len();
                self.clients[c].busy_until = Some(now + span);
                self.oracle.is_busy(c);
            }
            Fault::Store => self.store.fails_until = Some(now + span),
            Fault::Quota => self.quota = self.entropy.pick(&[1, 0]),
        }
        true
    }

    fn strike_link(&mut self, fault: Fault, at: usize, up_not_down: bool, span: Duration) -> bool {
        let now = self.now;
        let link = &mut self.links[at];
        let hears_soon = Duration::from_millis(10);
        match fault {
            Fault::Stall => {
                let until = Some(now + span);
                *(if up_not_down { &mut link.up.stalled_until } else { &mut link.down.stalled_until }) = until;
            }
            Fault::Latency => {
                *(if up_not_down { &mut link.up.latency } else { &mut link.down.latency }) = span / 10;
            }
            Fault::Cut => {
                let kept = usize::from(self.entropy.below(4));
                // One side learns of it late.
                let (up, down) = if up_not_down { (span, hears_soon) } else { (hears_soon, span) };
                link.up.cut(kept, up, now);
                link.down.cut(kept, down, now);
            }
            Fault::HalfClose => {
                if up_not_down {
                    link.up.shut(now);
                } else {
                    link.down.shut(now);
                }
            }
            Fault::Garbage => {
                // A server that is sent nonsense closes; a client passes over it.
                if up_not_down && !self.entropy.one_in(4) {
                    return false;
                }
                let link = &mut self.links[at];
                if up_not_down {
                    link.up.send_garbage(now);
                    let number = link.conn.as_ref().map(|conn| conn.number);
                    self.oracle.garbled(number);
                } else {
                    link.down.send_garbage(now);
                }
            }
            Fault::GoAway => {
                if link.conn.is_none() {
                    return false;
                }
                self.command(at, ServerCommand::GoAway { time_left: span });
            }
            Fault::Drop => {
                if link.conn.is_none() {
                    return false;
                }
                link.down.cut(usize::MAX, hears_soon, now);
                self.drop_conn(at);
            }
            Fault::Refuse
            | Fault::Hang
            | Fault::Crash
            | Fault::Shutdown
            | Fault::Jump
            | Fault::Busy
            | Fault::Store
            | Fault::Quota => unreachable!("it does not strike a connection"),
        }
        true
    }

    /// Everything is well again, and stays so.
    pub(crate) fn heal(&mut self) {
        self.note(format_args!("-- all is well from here on"));
        self.is_healed = true;
        self.entropy.spend();
        let now = self.now;
        self.store.fails_until = None;
        self.store.delay = Duration::from_millis(1);
        self.quota = 1_000;
        self.lifetimes.session_audio = None;
        self.lifetimes.session_video = None;
        self.lifetimes.connection = Duration::from_secs(600);
        self.lifetimes.go_away_notice = Duration::from_secs(60);
        self.plan.latency = Duration::from_millis(10);
        for server in &mut self.servers {
            *server = crate::server::Server::default();
        }
        for link in &mut self.links {
            link.up.heal(now);
            link.down.heal(now);
        }
        for c in 0..self.clients.len() {
            self.wake(c);
            self.clients[c].busy_until = None;
            self.release_dials(c);
            self.pump_client(c);
            self.settle_app(c);
        }
    }
}
