//! What happened in a world, line by line, for whoever reads a failure.
//!
//! Times are counted from the beginning of the world and handles are never printed, so the same bytes give the same text on
//! any machine.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

/// A log that costs nothing unless it is asked for.
#[derive(Debug, Default)]
pub struct Trace {
    is_recording: bool,
    text: String,
}

impl Trace {
    /// A trace that keeps nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// A trace that keeps every line.
    pub fn on() -> Self {
        Self { is_recording: true, text: String::new() }
    }

    /// What was kept.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_recording
    }

    pub(crate) fn line(&mut self, since: Duration, words: fmt::Arguments<'_>) {
        if self.is_recording {
            let _ = writeln!(self.text, "{:>12.6} {words}", since.as_secs_f64());
        }
    }
}

/// The beginning of a world's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(pub(crate) Instant);

impl Epoch {
    pub(crate) fn since(self, now: Instant) -> Duration {
        now.saturating_duration_since(self.0)
    }
}
