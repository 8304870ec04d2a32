//! What a setup breaks, all of it at once: the same checks as when a session opens, for whoever asks before dialling.
//!
//! Not here: the checks ([`super::setup`]).

use std::sync::Arc;

use live_proto::Setup;

use super::setup::Judged;
use super::{ServerConfig, SessionConfig, Warning};
use crate::violation::Violation;

/// What a server with this configuration makes of a setup.
#[derive(Clone, Debug, PartialEq)]
pub struct Lint {
    /// What it refuses, in the order in which it looks; it closes with the first.
    pub violations: Vec<Violation>,
    /// What it accepts without any effect, or with one that surprises.
    pub warnings: Vec<Warning>,
    /// The session that would open, with every default filled in; `None` if none would.
    pub session: Option<Arc<SessionConfig>>,
}

/// Judges a setup without opening a session.
///
/// Whether a handle names a session, and whether a credential is let in, only a server knows.
pub fn lint(setup: Setup, config: &ServerConfig) -> Lint {
    let Judged { accepted, violations, warnings } = SessionConfig::judge(setup, config);
    let session = accepted.filter(|_| violations.is_empty()).map(|(session, _)| session);
    Lint { violations, warnings, session }
}
