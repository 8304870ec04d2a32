//! Sessions kept in memory: they outlive their connections and end with the process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use live_engine::context::Entry;

use super::{HandleHash, Saved, SessionStore, StoreError, Swept};

/// Keeps sessions in memory. Contents are shared with the running session, so that a point costs what is new in it.
///
/// It has a bound, since whoever can connect can leave sessions behind: a point beyond it takes the place of those that
/// would expire first.
pub struct MemoryStore {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    points: HashMap<HandleHash, Saved>,
    /// The same, those first that expire first.
    by_expiry: BTreeSet<(SystemTime, HandleHash)>,
    /// How many points hold each content, by its address: it stays where it is while one does.
    contents: HashMap<usize, usize>,
    /// Bytes of everything, estimated from above.
    bytes: usize,
    /// Points that made room since the last sweep.
    displaced: usize,
}

impl Kept {
    fn insert(&mut self, handle: HandleHash, saved: Saved) {
        self.remove(&handle);
        for entry in &saved.snapshot.history {
            let points = self.contents.entry(address(entry)).or_default();
            *points += 1;
            if *points == 1 {
                self.bytes += entry.bytes();
            }
        }
        self.bytes += own_bytes(&saved);
        self.by_expiry.insert((saved.expires_at, handle));
        self.points.insert(handle, saved);
    }

    fn remove(&mut self, handle: &HandleHash) {
        let Some(saved) = self.points.remove(handle) else { return };
        for entry in &saved.snapshot.history {
            let points = self.contents.get_mut(&address(entry)).expect("a content that is held is counted");
            *points -= 1;
            if *points == 0 {
                self.contents.remove(&address(entry));
                self.bytes -= entry.bytes();
            }
        }
        self.bytes -= own_bytes(&saved);
        self.by_expiry.remove(&(saved.expires_at, *handle));
    }

    fn first(&self) -> Option<(SystemTime, HandleHash)> {
        self.by_expiry.first().copied()
    }
}

impl MemoryStore {
    /// A store of at most so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, kept: Mutex::default() }
    }

    /// How many points are kept.
    pub fn len(&self) -> usize {
        self.lock().points.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    /// A store of at most 1 GiB.
    fn default() -> Self {
        Self::new(1 << 30)
    }
}

impl SessionStore for MemoryStore {
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError> {
        let size = own_bytes(saved) + saved.snapshot.history.iter().map(Entry::bytes).sum::<usize>();
        if size > self.bytes_max {
            return Err(StoreError::Medium(format!("it has {size} bytes, and the store {}", self.bytes_max).into()));
        }
        let mut kept = self.lock();
        for handle in forget {
            kept.remove(handle);
        }
        kept.insert(handle, saved.clone());
        while kept.bytes > self.bytes_max {
            // The new one fits, so that there are others; it goes last.
            let first = kept.by_expiry.iter().map(|(_, first)| *first).find(|first| *first != handle);
            kept.remove(&first.expect("what is too much is another point's"));
            kept.displaced += 1;
        }
        Ok(())
    }

    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError> {
        Ok(self.lock().points.get(&handle).cloned())
    }

    fn remove(&self, handle: HandleHash) -> Result<(), StoreError> {
        self.lock().remove(&handle);
        Ok(())
    }

    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError> {
        let mut kept = self.lock();
        let before = kept.points.len();
        while let Some((_, handle)) = kept.first().filter(|(expires_at, _)| *expires_at <= now) {
            kept.remove(&handle);
        }
        let displaced = std::mem::take(&mut kept.displaced);
        Ok(Swept { expired: before - kept.points.len(), corrupt: 0, displaced })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({} points)", self.len())
    }
}

/// Bytes that no other point shares.
fn own_bytes(saved: &Saved) -> usize {
    saved.snapshot.own_bytes() + POINT_BYTES
}

fn address(entry: &Entry) -> usize {
    Arc::as_ptr(&entry.content).addr()
}

/// What a point takes in the tables.
const POINT_BYTES: usize = 512;
