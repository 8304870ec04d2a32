//! The connections that are open, so that one can be told something from outside: by its successor, or by
//! [`control`](crate::control).
//!
//! What a connection does about it is [`session`](crate::session)'s.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::project::Project;
use crate::session::SessionId;

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Announce the end, which comes in this time; `None` leaves it to the lifetimes.
    GoAway(Option<Duration>),
    /// Cut the stream without a word.
    Drop,
    /// Neither read nor write until told otherwise.
    Stall(bool),
    /// Another connection goes on with the session.
    Superseded,
}

/// What is known of an open connection.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// The connection.
    pub(crate) id: SessionId,
    /// The session, which began with the connection of this id.
    pub(crate) session: SessionId,
    pub(crate) peer: SocketAddr,
    pub(crate) project: Project,
    /// When it was opened, by the clock of sessions.
    pub(crate) opened: Duration,
    pub(crate) backend: live_engine::Backend,
    /// Empty until the setup is accepted.
    pub(crate) model: String,
    pub(crate) is_resumed: bool,
    pub(crate) is_stalled: bool,
    pub(crate) turns: u64,
    /// Points of this connection that were saved.
    pub(crate) saves: u64,
    /// Tokens of the last prompt.
    pub(crate) prompt_tokens: u64,
}

/// All open connections of a server.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<BTreeMap<SessionId, Entry>>);

#[derive(Debug)]
struct Entry {
    info: Info,
    orders: mpsc::UnboundedSender<Order>,
}

impl Registry {
    /// Enters a connection until the guard is dropped, however its task ends.
    pub(crate) fn enter(&self, info: Info) -> (Entered<'_>, mpsc::UnboundedReceiver<Order>) {
        let (orders, received) = mpsc::unbounded_channel();
        let id = info.id;
        self.lock().insert(id, Entry { info, orders });
        (Entered { registry: self, id }, received)
    }

    /// All connections, the order of their ids being no order of time.
    pub(crate) fn list(&self) -> Vec<Info> {
        self.lock().values().map(|entry| entry.info.clone()).collect()
    }

    /// Tells the connections whose id begins with `prefix`; says how many there are.
    pub(crate) fn order(&self, prefix: &str, order: Order) -> usize {
        self.tell(order, |info| info.id.to_string().starts_with(prefix))
    }

    fn tell(&self, order: Order, whom: impl Fn(&Info) -> bool) -> usize {
        tell(&self.lock(), order, whom)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    registry: &'a Registry,
    id: SessionId,
}

impl Entered<'_> {
    /// Corrects what is known of the connection.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Info)) {
        change(&mut self.registry.lock().get_mut(&self.id).expect("the connection was entered").info);
    }

    /// Goes on with `session`, and tells the connections that held it until now.
    pub(crate) fn take_over(&self, session: SessionId) -> usize {
        // In one step: of two connections that resume one session at once, one has to be left.
        let mut connections = self.registry.lock();
        let info = &mut connections.get_mut(&self.id).expect("the connection was entered").info;
        info.session = session;
        info.is_resumed = true;
        tell(&connections, Order::Superseded, |info| info.session == session && info.id != self.id)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.id);
    }
}

/// Tells those of `connections` that are meant; says how many there are.
fn tell(connections: &BTreeMap<SessionId, Entry>, order: Order, whom: impl Fn(&Info) -> bool) -> usize {
    let told = connections.values().filter(|entry| whom(&entry.info));
    // One that does not listen any more is about to be dropped.
    told.map(|entry| _ = entry.orders.send(order)).count()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use live_engine::Backend;

    use super::*;

    fn info(id: SessionId) -> Info {
        Info {
            id,
            session: id,
            peer: SocketAddr::from(([127, 0, 0, 1], 1)),
            project: Project::ANONYMOUS,
            opened: Duration::ZERO,
            backend: Backend::Gemini,
            model: String::new(),
            is_resumed: false,
            is_stalled: false,
            turns: 0,
            saves: 0,
            prompt_tokens: 0,
        }
    }

    #[test]
    fn of_those_who_take_a_session_over_at_once_one_is_left() {
        let session = SessionId::from([0; 16]);
        for _ in 0..200 {
            let registry = Registry::default();
            let start = Barrier::new(4);
            let left = thread::scope(|scope| {
                let takers: Vec<_> = (1..=4)
                    .map(|taker| {
                        let (registry, start) = (&registry, &start);
                        scope.spawn(move || {
                            let (entered, orders) = registry.enter(info(SessionId::from([taker; 16])));
                            start.wait();
                            entered.take_over(session);
                            start.wait();
                            orders.is_empty()
                        })
                    })
                    .collect();
                takers.into_iter().map(|taker| taker.join().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(left.iter().filter(|is_left| **is_left).count(), 1, "{left:?}");
        }
    }
}
