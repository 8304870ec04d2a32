//! Finding out that a peer has gone without a word: when to ask it, and when to stop waiting for an answer.
//!
//! Not here: the asking, and what counts as an answer, which are an adapter's; what silence means to a session, which is
//! [`ClientSession`](crate::ClientSession)'s.

use std::time::{Duration, Instant};

use crate::engine::Disconnect;

/// How it is found out that a peer has gone. Every frame is a sign of life, pongs included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Silence after which the peer is pinged. 20 s: proxies give up on connections that are silent for a minute.
    pub ping_after: Duration,
    /// How long a ping may go unanswered, with nothing else heard either, before the connection counts as lost. 60 s: the
    /// service's pongs were measured up to 30 s late on connections that were well.
    pub gone_after: Duration,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { ping_after: Duration::from_secs(20), gone_after: Duration::from_secs(60) }
    }
}

/// The signs of life of one peer.
#[derive(Clone, Copy, Debug)]
pub struct Vitals {
    liveness: Option<Liveness>,
    heard_at: Instant,
    /// When it was pinged, if nothing was heard since.
    pinged_at: Option<Instant>,
}

/// What is to be done about a silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Ping the peer.
    Ping,
    /// The peer is gone: end the connection, and tell the engine this.
    Gone(Disconnect),
}

impl Vitals {
    /// Watches a peer from `now` on; without `liveness`, nothing is ever due.
    pub fn new(liveness: Option<Liveness>, now: Instant) -> Self {
        Self { liveness, heard_at: now, pinged_at: None }
    }

    /// The peer was heard.
    pub fn note(&mut self, now: Instant) {
        (self.heard_at, self.pinged_at) = (now, None);
    }

    /// When [`expire`](Self::expire) is next due.
    pub fn due(&self) -> Option<Instant> {
        let Liveness { ping_after, gone_after } = self.liveness?;
        match self.pinged_at {
            None => self.heard_at.checked_add(ping_after),
            Some(at) => at.checked_add(gone_after),
        }
    }

    /// What to do, now that it was due and what had arrived by then was read.
    pub fn expire(&mut self, now: Instant) -> Silence {
        if self.pinged_at.is_some() {
            let silence = now.saturating_duration_since(self.heard_at).as_secs();
            return Silence::Gone(Disconnect::Lost(format!("no sign of life for {silence} s")));
        }
        self.pinged_at = Some(now);
        Silence::Ping
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_asked_once_and_then_waited_for() {
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        let mut vitals = Vitals::new(Some(Liveness::default()), began);
        assert_eq!(vitals.due(), Some(began + 20 * second));
        vitals.note(began + 15 * second);
        assert_eq!(vitals.due(), Some(began + 35 * second));
        assert_eq!(vitals.expire(began + 35 * second), Silence::Ping);
        assert_eq!(vitals.due(), Some(began + 95 * second));
        // Any frame will do, and the next silence begins with it.
        vitals.note(began + 94 * second);
        assert_eq!(vitals.due(), Some(began + 114 * second));
        assert_eq!(vitals.expire(began + 114 * second), Silence::Ping);
        let gone = Disconnect::Lost("no sign of life for 80 s".to_owned());
        assert_eq!(vitals.expire(began + 174 * second), Silence::Gone(gone));
    }

    #[test]
    fn nothing_is_due_where_nobody_watches_or_time_has_no_end() {
        let now = Instant::now();
        assert_eq!(Vitals::new(None, now).due(), None);
        let patient = Liveness { ping_after: Duration::MAX, gone_after: Duration::MAX };
        assert_eq!(Vitals::new(Some(patient), now).due(), None);
    }
}
