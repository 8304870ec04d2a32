//! The deadlines of one connection, and one sleep for each, moved only when it comes closer.
//!
//! What happens when the engine's has passed is the engine's business.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use live_engine::Engine;
use tokio::time::Sleep;

use crate::clock::{Clock, now};

/// The deadlines of a connection: its engine's, and the one by which it is over once it closes.
#[derive(Debug, Default)]
pub struct Deadlines {
    engine: Timer,
    /// On the runtime's time, since it waits for the network.
    cut: Timer,
    cut_at: Option<Instant>,
}

/// Which deadlines have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The engine's, and it was told.
    pub engine: bool,
    /// The connection's: it is to be cut.
    pub cut: bool,
}

impl Deadlines {
    /// Does what is due, or wakes the task when it is. `closing` is how long a connection may take to close; it counts from
    /// the first call that has it.
    pub fn poll<E: Engine>(
        &mut self,
        cx: &mut Context<'_>,
        engine: &mut E,
        clock: Option<&Arc<dyn Clock>>,
        closing: Option<Duration>,
    ) -> Passed {
        if self.cut_at.is_none() {
            self.cut_at = closing.map(|patience| now(None) + patience);
        }
        // What has passed need not wait until the runtime has looked at its timers.
        let is_due = |at| at <= now(clock) || self.engine.poll(cx, at, clock).is_ready();
        let is_due = engine.poll_timeout().is_some_and(is_due);
        if is_due {
            engine.handle_timeout(now(clock));
        }
        let cut = self.cut_at.is_some_and(|at| at <= now(None) || self.cut.poll(cx, at, None).is_ready());
        Passed { engine: is_due, cut }
    }
}

/// Wakes the task at or before the deadline last asked for.
#[derive(Default)]
pub(crate) struct Timer {
    /// Boxed when first needed: a sleep is large and must not move.
    sleep: Option<Pin<Box<Sleep>>>,
    foreign: Option<Foreign>,
}

/// A sleep on a clock of the host's, and its deadline.
type Foreign = (Instant, Pin<Box<dyn Future<Output = ()> + Send>>);

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}

impl Timer {
    /// Ready once `deadline` has passed; wakes the task then, if not before.
    ///
    /// A deadline that moves away is not passed on to the clock: the sleep wakes at the old one and is set anew, which
    /// costs one wake instead of one re-arming for each message.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant, clock: Option<&Arc<dyn Clock>>) -> Poll<()> {
        if let Some(clock) = clock {
            return self.poll_foreign(cx, deadline, clock);
        }
        let deadline = tokio::time::Instant::from_std(deadline);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn poll_foreign(&mut self, cx: &mut Context<'_>, deadline: Instant, clock: &Arc<dyn Clock>) -> Poll<()> {
        loop {
            if clock.now() >= deadline {
                return Poll::Ready(());
            }
            let (_, sleep) = match &mut self.foreign {
                Some(armed) if armed.0 <= deadline => armed,
                other => other.insert((deadline, clock.sleep_until(deadline))),
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.foreign = None;
        }
    }
}
