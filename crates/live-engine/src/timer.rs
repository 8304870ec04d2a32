//! Every timer of a connection, in one table.
//!
//! Not here: what happens when one is due ([`crate::server`], [`crate::client`]) and how long it runs ([`crate::limits`]).

use std::time::{Duration, Instant};

/// What a connection can be waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The peer's part of the setup: `setup` on the server, `setupComplete` on the client.
    Setup,
    /// The pause after which an audio stream counts as finished.
    StreamPause,
    /// The moment to send more speech.
    Pace,
    /// The end of playback, when `turnComplete` is due.
    Playback,
    /// The end of patience with functions that the model stands still for.
    Answers,
    /// The end of patience with a turn that outlives a shutdown.
    Drain,
    /// The next snapshot.
    Renewal,
    /// The moment to tell the client of the end of its time.
    GoAway,
    /// The end of its time.
    Lifetime,
}

impl Timer {
    /// All timers, in the order in which those due at once are handled.
    pub const ALL: [Self; 9] = [
        Self::Setup,
        Self::StreamPause,
        Self::Pace,
        Self::Playback,
        Self::Answers,
        Self::Drain,
        Self::Renewal,
        Self::GoAway,
        Self::Lifetime,
    ];

    /// Its row in the documentation: what arms it, when it is due, what it does.
    pub fn row(self) -> [&'static str; 3] {
        match self {
            Self::Setup => ["the connection begins", "`setup_deadline`", "closes the connection, with 1011"],
            Self::StreamPause => [
                "sound arrives while the server hears speech",
                "`stream_pause` after the last of it, or the session's silence if that is longer",
                "ends the speech, and with it the user's turn",
            ],
            Self::Pace => [
                "speech is kept back",
                "`speech_lead` before the end of what was sent, played as it came",
                "sends more of it",
            ],
            Self::Playback => {
                ["a spoken answer is generated", "the end of its sound, played as it came", "sends `turnComplete`"]
            }
            Self::Answers => [
                "functions are called that the model stands still for, and when one of them answers in part",
                "`call_deadline`",
                "withdraws those that are not answered, and lets the model go on",
            ],
            Self::Drain => ["the host asks for shutdown", "`drain`", "closes the connection over a turn that goes on"],
            Self::Renewal => [
                "a resumable session is at rest and has changed",
                "at once, `renewal_gap` or `renewal_period` after the last snapshot",
                "takes a snapshot, `Save`",
            ],
            Self::GoAway => {
                ["the session opens, and when its end moves", "`go_away_notice` before the end", "sends `goAway`"]
            }
            Self::Lifetime => [
                "the session opens, and when its end moves",
                "the end of the connection or the session",
                "closes the connection, with 1008",
            ],
        }
    }
}

/// When each timer is due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    /// Arms `timer`, replacing its former deadline. A deadline past the end of time never comes.
    pub(crate) fn arm(&mut self, timer: Timer, after: Duration, now: Instant) {
        self.0[timer as usize] = now.checked_add(after);
    }

    pub(crate) fn arm_at(&mut self, timer: Timer, at: Instant) {
        self.0[timer as usize] = Some(at);
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes a timer that is due at `now`, the earliest deadline first, so that late polling keeps the order of events.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let (due, timer) = Timer::ALL
            .into_iter()
            .filter_map(|timer| self.0[timer as usize].map(|at| (at, timer)))
            .filter(|(at, _)| *at <= now)
            .min()?;
        debug_assert!(due <= now);
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
    fn timers_are_taken_once_in_the_order_of_their_deadlines() {
        let now = Instant::now();
        let mut timers = Timers::default();
        timers.arm(Timer::Setup, Duration::from_secs(3), now);
        timers.arm(Timer::Drain, Duration::from_secs(1), now);
        timers.arm(Timer::Playback, Duration::from_secs(9), now);
        assert_eq!(timers.next(), Some(now + Duration::from_secs(1)));
        let late = now + Duration::from_secs(5);
        assert_eq!(timers.take_due(late), Some(Timer::Drain));
        assert_eq!(timers.take_due(late), Some(Timer::Setup));
        assert_eq!(timers.take_due(late), None);
        timers.arm(Timer::Playback, Duration::MAX, now);
        assert_eq!(timers.next(), None, "a deadline past the end of time never comes");
    }
}
