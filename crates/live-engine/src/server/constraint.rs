//! What a host holds a client to beyond the rules of the model, as an ephemeral token does.
//!
//! Not here: tokens. Where a constraint comes from, and how often it lets sessions begin, is the host's.

use std::fmt;

use live_proto::{DecodeError, Setup};

/// What a client may decide of its session, and what is decided for it.
pub trait Constraint: fmt::Debug + Send + Sync {
    /// The setup that is in force for a client that sent this one.
    ///
    /// # Errors
    /// When what was sent and what is decided cannot be put together; the connection is closed with that.
    fn apply(&self, sent: Setup) -> Result<Setup, DecodeError>;

    /// Whether a field of the setup is decided as long as the session lasts.
    fn keeps(&self, field: Kept) -> bool;
}

/// A field of the setup that a client could change later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// `setup.systemInstruction`
    SystemInstruction,
    /// `setup.tools`
    Tools,
}
