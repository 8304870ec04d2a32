//! The time that sessions live by: the real one, one that runs faster, or one that stands still until it is moved.
//!
//! What belongs to the network (handshakes, closing handshakes, the end of a drain) is on real time all the same. The
//! clock is moved by [`control`](crate::control), and runs at least as fast as real time once a server drains.

use std::fmt;
use std::pin::Pin;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// Which time sessions live by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockKind {
    /// Real time.
    #[default]
    Real,
    /// Time that stands still unless it is moved by hand.
    Virtual,
    /// Time that runs so many times as fast as real time.
    Times(u32),
}

impl ClockKind {
    fn rate(self) -> u32 {
        match self {
            Self::Real => 1,
            Self::Virtual => 0,
            Self::Times(rate) => rate,
        }
    }
}

impl fmt::Display for ClockKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Virtual => f.write_str("virtual"),
            Self::Times(rate) => write!(f, "x{rate}"),
        }
    }
}

impl FromStr for ClockKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "virtual" => Ok(Self::Virtual),
            times => times
                .strip_prefix('x')
                .and_then(|rate| rate.parse().ok())
                .filter(|rate| (1..=RATE_MAX).contains(rate))
                .map(Self::Times)
                .ok_or_else(|| format!("expected real, virtual, or x and a number from 1 to {RATE_MAX}, such as x60")),
        }
    }
}

/// Fast enough for a day in nine seconds; beyond that timers of the runtime, whose grain is a millisecond, are too coarse.
const RATE_MAX: u32 = 10_000;

/// A clock of one server.
#[derive(Debug)]
pub(crate) struct Clock {
    kind: ClockKind,
    /// What the clock showed when it began, and what calendars showed then.
    epoch: (Instant, SystemTime),
    reading: watch::Sender<Reading>,
}

/// What the clock showed at one instant of real time, and how fast it has run since.
#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    elapsed: Duration,
    rate: u32,
}

impl Reading {
    fn elapsed(&self, real: Instant) -> Duration {
        self.elapsed.saturating_add(real.saturating_duration_since(self.at).saturating_mul(self.rate))
    }
}

impl Clock {
    pub(crate) fn new(kind: ClockKind) -> Self {
        let at = real();
        let reading = watch::Sender::new(Reading { at, elapsed: Duration::ZERO, rate: kind.rate() });
        Self { kind, epoch: (at, SystemTime::now()), reading }
    }

    pub(crate) fn kind(&self) -> ClockKind {
        self.kind
    }

    /// Time since the clock began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.reading.borrow().elapsed(real())
    }

    /// The date, for what outlives a process.
    pub(crate) fn date(&self) -> SystemTime {
        self.epoch.1 + self.elapsed()
    }

    /// Moves the clock forward at once.
    pub(crate) fn advance(&self, by: Duration) {
        self.set(|reading| reading.elapsed = reading.elapsed.saturating_add(by));
    }

    /// Lets a clock that stands still run like any other, so that what waits for it comes to an end.
    pub(crate) fn run(&self) {
        self.set(|reading| reading.rate = reading.rate.max(1));
    }

    fn set(&self, change: impl FnOnce(&mut Reading)) {
        self.reading.send_modify(|reading| {
            let now = real();
            *reading = Reading { at: now, elapsed: reading.elapsed(now), rate: reading.rate };
            change(reading);
        });
    }
}

impl live_tokio::Clock for Clock {
    fn now(&self) -> Instant {
        self.epoch.0 + self.elapsed()
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let due = deadline.saturating_duration_since(self.epoch.0);
        let mut changes = self.reading.subscribe();
        Box::pin(async move {
            loop {
                let reading = *changes.borrow_and_update();
                let left = due.saturating_sub(reading.elapsed(real()));
                if left.is_zero() {
                    return;
                }
                // Rounded up: a sleep that ends too early would only be repeated.
                let wait = left.checked_div(reading.rate).map(|wait| wait + Duration::from_nanos(1));
                let changed = match wait {
                    None => changes.changed().await,
                    Some(wait) => tokio::time::timeout(wait, changes.changed()).await.unwrap_or(Ok(())),
                };
                if changed.is_err() {
                    // The clock is gone, and with it whatever could make time pass.
                    return std::future::pending().await;
                }
            }
        })
    }
}

/// Real time, as the runtime tells it.
fn real() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use live_tokio::Clock as _;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn kinds_are_spelled_as_flags_spell_them() {
        for text in ["real", "virtual", "x1", "x60", "x10000"] {
            assert_eq!(text.parse::<ClockKind>().unwrap().to_string(), text);
        }
        for text in ["", "x", "x0", "60", "x-1", "x10001", "Virtual"] {
            text.parse::<ClockKind>().unwrap_err();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_moves_only_when_it_is_moved() {
        let clock = Clock::new(ClockKind::Virtual);
        let start = clock.now();
        let mut sleep = clock.sleep_until(start + 10 * MINUTE);
        tokio::time::advance(60 * MINUTE).await;
        assert_eq!(clock.now(), start);
        clock.advance(9 * MINUTE);
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(MINUTE);
        assert!((&mut sleep).now_or_never().is_some());
        assert_eq!(clock.now(), start + 10 * MINUTE);
        assert_eq!(clock.date(), clock.epoch.1 + 10 * MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_clock_wakes_its_sleepers_early_and_can_be_moved_too() {
        let clock = Clock::new(ClockKind::Times(60));
        let (start, real_start) = (clock.now(), real());
        clock.sleep_until(start + 10 * MINUTE).await;
        let took = real() - real_start;
        assert!((10_000..10_010).contains(&took.as_millis()), "{took:?}");
        clock.advance(MINUTE);
        assert!(clock.now() >= start + 11 * MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_let_run_wakes_who_slept_while_it_stood() {
        let clock = Clock::new(ClockKind::Virtual);
        let mut sleep = clock.sleep_until(clock.now() + MINUTE);
        assert!((&mut sleep).now_or_never().is_none());
        clock.run();
        let real_start = real();
        sleep.await;
        assert_eq!((real() - real_start).as_secs(), 60);
    }
}
