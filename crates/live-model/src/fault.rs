//! What went wrong with an engine, told for the log; what becomes of the turn then is the cascade's to decide.

use std::fmt;

/// A failure of an engine: which one, and why.
///
/// It is for the log of whoever runs the server; no client sees it. It holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    engine: String,
    why: String,
}

impl Fault {
    /// Names the engine, as its configuration does, and what went wrong.
    pub fn new(engine: impl Into<String>, why: impl Into<String>) -> Self {
        Self { engine: engine.into(), why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.engine, self.why)
    }
}

impl std::error::Error for Fault {}
