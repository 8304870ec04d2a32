//! Sessions kept in a file: they outlive the process, however it ends.
//!
//! The file is a redb database, whose commits are atomic and on the disk when they return. What a record looks like is
//! `record`'s; tokens, which have a table in the same file, are `token`'s.

use std::any::Any;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use redb::{Database, ReadableDatabase as _, TableDefinition, WriteTransaction};

use super::token::{self, TOKENS};
use super::{HandleHash, Saved, SessionStore, StoreError, Swept, record};
use crate::token::living::Living;

/// Keeps sessions and tokens in a file.
pub struct DiskStore {
    database: Database,
    path: PathBuf,
    /// The tokens of the file, which nobody else writes while it is open.
    living: Mutex<Living>,
}

const POINTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("points");

impl DiskStore {
    /// Opens the file at `path`, or makes it, readable by its owner only.
    ///
    /// A file that no longer is a database is set aside under a name that ends in `.damaged`, the log is told, and a new
    /// one is begun: what cannot be read resumes no session, and no other session has to suffer for it.
    ///
    /// # Errors
    /// When the file cannot be made or read, or another process has it open.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::try_open(path) {
            Ok(database) => Ok(Self::of(database, path)),
            Err(OpenError::Damaged(why)) => {
                let aside = path.with_extension("damaged");
                tracing::error!(path = %path.display(), aside = %aside.display(), why, "the sessions cannot be read and are set aside");
                fs::rename(path, &aside).map_err(medium)?;
                match Self::try_open(path) {
                    Ok(database) => Ok(Self::of(database, path)),
                    Err(OpenError::Damaged(why)) => Err(StoreError::Medium(why.into())),
                    Err(OpenError::Other(error)) => Err(error),
                }
            }
            Err(OpenError::Other(error)) => Err(error),
        }
    }

    fn of(database: Database, path: &Path) -> Self {
        let mut living = Living::default();
        match guarded(|| token::count(&database, &mut living)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(path = %path.display(), %error, "not all ephemeral tokens can be counted")
            }
            Err(why) => tracing::error!(path = %path.display(), why, "not all ephemeral tokens can be counted"),
        }
        Self { database, path: path.to_owned(), living: Mutex::new(living) }
    }

    fn try_open(path: &Path) -> Result<Database, OpenError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|error| OpenError::Other(medium(error)))?;
        let opened = guarded(|| {
            let database = Database::create(path)?;
            // So that readers find the tables.
            let write = begin(&database)?;
            write.open_table(POINTS)?;
            write.open_table(TOKENS)?;
            write.commit()?;
            Ok::<Database, redb::Error>(database)
        });
        match opened {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(error)) if is_damage(&error) => Err(OpenError::Damaged(error.to_string())),
            Ok(Err(error)) => Err(OpenError::Other(medium(error))),
            Err(panic) => Err(OpenError::Damaged(panic)),
        }
    }

    /// Where the sessions are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut redb::Table<'_, &'static [u8], &'static [u8]>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.run(|| {
            let write = begin(&self.database)?;
            let result = change(&mut write.open_table(POINTS)?)?;
            write.commit()?;
            Ok(result)
        })
    }

    pub(super) fn living(&self) -> MutexGuard<'_, Living> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn run<T>(&self, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StoreError> {
        match guarded(work) {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if is_damage(&error) => Err(StoreError::Corrupt("the file is damaged where it was kept")),
            Ok(Err(error)) => Err(medium(error)),
            Err(_) => Err(StoreError::Corrupt("the file is damaged where it was kept")),
        }
    }
}

/// Begins a change that leaves the file ready to be opened without a repair.
///
/// A repair reads the whole file, and gives all of it up for one page that is damaged: the sessions that are unharmed would
/// be lost with the one that is not.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut write = database.begin_write()?;
    write.set_quick_repair(true);
    Ok(write)
}

enum OpenError {
    Damaged(String),
    Other(StoreError),
}

impl SessionStore for DiskStore {
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError> {
        let record = record::encode(handle, saved);
        self.change(|points| {
            points.insert(handle.as_bytes().as_slice(), record.as_slice())?;
            for handle in forget {
                points.remove(handle.as_bytes().as_slice())?;
            }
            Ok(())
        })
    }

    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError> {
        let record = self.run(|| {
            let points = self.database.begin_read()?.open_table(POINTS)?;
            Ok(points.get(handle.as_bytes().as_slice())?.map(|record| record.value().to_vec()))
        })?;
        record.map(|record| record::decode(handle, &record)).transpose()
    }

    fn remove(&self, handle: HandleHash) -> Result<(), StoreError> {
        self.change(|points| Ok(points.remove(handle.as_bytes().as_slice()).map(drop)?))
    }

    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError> {
        self.run(|| {
            let mut swept = Swept::default();
            let write = begin(&self.database)?;
            write.open_table(POINTS)?.retain(|_, record| match record::expires_at(record) {
                Ok(at) if at > now => true,
                // Of another version, which may come back for it; until then it is in nobody's way.
                Err(StoreError::Format(_)) => true,
                Ok(_) => {
                    swept.expired += 1;
                    false
                }
                Err(_) => {
                    swept.corrupt += 1;
                    false
                }
            })?;
            if swept == Swept::default() {
                write.abort()?;
            } else {
                write.commit()?;
            }
            Ok(swept)
        })
    }
}

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Runs `work`, which may panic over a file that is not what it seems.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| said(&*panic))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the database gave up on the file").to_owned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of the database's many errors these mean damage")]
fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Corrupted(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. }
        | redb::Error::UpgradeRequired(_) => true,
        redb::Error::Io(error) => {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

fn medium(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Medium(error.into())
}
