//! Where sessions are kept between connections: what is saved, under what, and how long.
//!
//! Which sessions are saved, and when, is decided by `live-engine`: a session that did not ask for resumption never gets
//! here. Handles are secrets; a store sees only their digests.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use live_engine::{Handle, Snapshot};
use ring::digest::{SHA256, digest};
use thiserror::Error;

use crate::project::Project;

mod disk;
mod envelope;
mod memory;
mod record;
mod token;

pub use disk::DiskStore;
pub use memory::MemoryStore;

/// Keeps resumable points of sessions.
///
/// Calls may block: the server makes them away from the tasks of sessions. What [`save`](Self::save) has accepted must be
/// there for the next [`load`](Self::load), of this process or, if the store promises so, of the next one, because the
/// client is told of it.
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps `saved` under `handle`, and in the same step forgets handles that later ones have taken the place of.
    ///
    /// # Errors
    /// When it cannot be kept; then nothing has changed.
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError>;

    /// Finds what was saved under `handle`, whether it has expired or not.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it was found and cannot be trusted; other sessions are not affected.
    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError>;

    /// Forgets `handle`; one that is not there is no error.
    ///
    /// # Errors
    /// When it cannot be forgotten.
    fn remove(&self, handle: HandleHash) -> Result<(), StoreError>;

    /// Forgets what has expired by `now`, and what can be seen to be broken; tells how many of each.
    ///
    /// # Errors
    /// When nothing could be forgotten.
    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError>;
}

/// One store for several servers.
impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError> {
        (**self).save(handle, saved, forget)
    }

    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError> {
        (**self).load(handle)
    }

    fn remove(&self, handle: HandleHash) -> Result<(), StoreError> {
        (**self).remove(handle)
    }

    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError> {
        (**self).sweep(now)
    }
}

/// A resumable point of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Whose session it is: nobody else may resume it.
    pub project: Project,
    /// The session, the same on each of its connections.
    pub session: [u8; 16],
    /// When its handle stops being valid.
    pub expires_at: SystemTime,
    /// The session itself.
    pub snapshot: Arc<Snapshot>,
}

/// What [`SessionStore::sweep`] forgot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Points whose time had come.
    pub expired: usize,
    /// Points that could not be read.
    pub corrupt: usize,
    /// Points that were forgotten before their time since the last sweep, because there was no room.
    pub displaced: usize,
}

/// The digest of a handle. The handle cannot be told from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandleHash([u8; 32]);

impl HandleHash {
    /// Digests a handle.
    pub fn of(handle: &Handle) -> Self {
        let bytes = [b"live handle\0", handle.as_str().as_bytes()].concat();
        Self(digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The digest, for a store to keep.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for HandleHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The start of the digest, enough to tell points apart.
impl fmt::Debug for HandleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleHash(")?;
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Why a store could not do as it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was saved is no longer what it was.
    #[error("what was saved is damaged: {0}")]
    Corrupt(&'static str),
    /// It was saved by another version of this program.
    #[error("what was saved has the unknown format {0}")]
    Format(u8),
    /// The medium failed.
    #[error(transparent)]
    Medium(Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests;
