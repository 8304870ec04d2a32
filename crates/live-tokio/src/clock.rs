//! Where the engine's time comes from, if not from the runtime.
//!
//! A runtime's paused clock serves one task with nothing but timers; a server with real sockets whose time is to be moved
//! by hand needs a clock of its own. What belongs to the network, such as the wait for a peer's close frame, stays on the
//! runtime's time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

/// A source of time, shared by any number of connections.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time. It never goes back.
    fn now(&self) -> Instant;

    /// Resolves once [`now`](Self::now) has reached `deadline`.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The time of `clock`, or the runtime's, which tests pause.
pub fn now(clock: Option<&Arc<dyn Clock>>) -> Instant {
    match clock {
        Some(clock) => clock.now(),
        None => tokio::time::Instant::now().into_std(),
    }
}
