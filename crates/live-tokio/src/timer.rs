//! One sleep for one connection, moved only when a deadline comes closer.
//!
//! Which deadline matters, and what happens then, is the engine's business.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

/// The clock, as tokio tells it: tests pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Wakes the task at or before the deadline last asked for.
#[derive(Default)]
pub(crate) struct Timer {
    /// Boxed when first needed: a sleep is large and must not move.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready once `deadline` has passed; wakes the task then, if not before.
    ///
    /// A deadline that moves away is not passed on to the runtime: the sleep wakes at the old one and is set anew, which
    /// costs one wake instead of one re-arming for each message.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
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
}
