//! One sleep for one connection, moved only when a deadline comes closer.
//!
//! Which deadline matters, and what happens then, is the engine's business.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use crate::Clock;

/// Wakes the task at or before the deadline last asked for.
#[derive(Default)]
pub struct Timer {
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
    pub fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant, clock: Option<&Arc<dyn Clock>>) -> Poll<()> {
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
