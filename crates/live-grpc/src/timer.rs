//! One sleep for one deadline, on the runtime's clock or a host's.
//!
//! Which deadline matters, and what happens then, is the engine's business.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use live_tokio::Clock;

/// The time of `clock`, or the runtime's, which tests pause.
pub(crate) fn now(clock: Option<&Arc<dyn Clock>>) -> Instant {
    match clock {
        Some(clock) => clock.now(),
        None => tokio::time::Instant::now().into_std(),
    }
}

/// Wakes the task at or before the deadline last asked for.
#[derive(Default)]
pub(crate) struct Timer {
    armed: Option<Armed>,
}

struct Armed {
    deadline: Instant,
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Timer {
    /// Ready once `deadline` has passed; wakes the task then, if not before.
    ///
    /// A deadline that moves away leaves the sleep as it is: it wakes at the old one and is set anew, which costs one wake
    /// instead of one sleep for each message.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant, clock: Option<&Arc<dyn Clock>>) -> Poll<()> {
        while now(clock) < deadline {
            let armed = match &mut self.armed {
                Some(armed) if armed.deadline <= deadline => armed,
                other => other.insert(Armed {
                    deadline,
                    sleep: match clock {
                        Some(clock) => clock.sleep_until(deadline),
                        None => Box::pin(tokio::time::sleep_until(deadline.into())),
                    },
                }),
            };
            if armed.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.armed = None;
        }
        Poll::Ready(())
    }
}
