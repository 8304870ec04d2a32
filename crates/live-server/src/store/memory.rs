//! Sessions kept in memory: they outlive their connections and end with the process.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{HandleHash, Saved, SessionStore, StoreError, Swept};

/// Keeps sessions in memory. Contents are shared with the running session, so that a point costs what is new in it.
#[derive(Default)]
pub struct MemoryStore(Mutex<HashMap<HandleHash, Saved>>);

impl MemoryStore {
    /// How many points are kept.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HandleHash, Saved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionStore for MemoryStore {
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError> {
        let mut kept = self.lock();
        kept.insert(handle, saved.clone());
        for handle in forget {
            kept.remove(handle);
        }
        Ok(())
    }

    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError> {
        Ok(self.lock().get(&handle).cloned())
    }

    fn remove(&self, handle: HandleHash) -> Result<(), StoreError> {
        self.lock().remove(&handle);
        Ok(())
    }

    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError> {
        let mut kept = self.lock();
        let before = kept.len();
        kept.retain(|_, saved| saved.expires_at > now);
        Ok(Swept { expired: before - kept.len(), corrupt: 0 })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} points)", self.len())
    }
}
