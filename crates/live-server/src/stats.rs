//! Counts of what a server has seen since it started.
//!
//! Numbers only, for people and probes; what happened in a session is in the log.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Sessions that are open now.
    pub sessions_open: u64,
    /// Sessions since the start, open and closed, refused ones included.
    pub sessions_total: u64,
    /// Sessions refused for their key, for the method, or because the server was full.
    pub refused: u64,
    /// Breaches of the protocol by clients, each of which ended its session.
    pub violations: u64,
    /// Failures of ours: panics in a session or in the model.
    pub failures: u64,
}

/// The counts themselves, shared by all connections of a server.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sessions_open: AtomicU64,
    sessions_total: AtomicU64,
    refused: AtomicU64,
    violations: AtomicU64,
    failures: AtomicU64,
}

impl Counters {
    /// Counts a session as open until the guard is dropped, however its task ends; tells how many are open with it.
    pub(crate) fn open_session(&self) -> (OpenSession<'_>, u64) {
        self.sessions_total.fetch_add(1, Ordering::Relaxed);
        (OpenSession(self), self.sessions_open.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_violation(&self) {
        self.violations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        let Self { sessions_open, sessions_total, refused, violations, failures } = self;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            sessions_open: read(sessions_open),
            sessions_total: read(sessions_total),
            refused: read(refused),
            violations: read(violations),
            failures: read(failures),
        }
    }
}

/// One open session.
#[derive(Debug)]
pub(crate) struct OpenSession<'a>(&'a Counters);

impl Drop for OpenSession<'_> {
    fn drop(&mut self) {
        self.0.sessions_open.fetch_sub(1, Ordering::Relaxed);
    }
}
