//! One session and its store: what the engine wants kept or found, done away from the session's task, and answered.
//!
//! What a store is, is [`store`](crate::store)'s; when a point is made, the engine's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use live_engine::{Handle, ResumeRefusal, ServerCommand, Snapshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Shared;
use crate::clock::Clock;
use crate::project::Project;
use crate::session::SessionId;
use crate::store::{HandleHash, Saved, SessionStore, StoreError};

/// Keeps and finds the points of one session.
pub(crate) struct Keeper {
    store: Arc<dyn SessionStore>,
    clock: Arc<Clock>,
    project: Project,
    /// For how long handles are valid.
    validity: Duration,
    session: SessionId,
    /// Whether the session began on another connection.
    is_resumed: bool,
    /// Points to be forgotten with the next save: one commit serves both.
    forget: Vec<HandleHash>,
    calls: JoinSet<Done>,
    /// Until when a point that is being saved is worth waiting for.
    patience: Option<Instant>,
}

/// What came of a call.
enum Done {
    Loaded(HandleHash, Result<Option<Saved>, StoreError>),
    Saved(Handle, Result<(), StoreError>),
    Forgotten(Result<(), StoreError>),
}

impl Keeper {
    pub(crate) fn new(shared: &Shared, session: SessionId, project: Project, validity: Duration) -> Self {
        Self {
            store: Arc::clone(&shared.store),
            clock: Arc::clone(&shared.clock),
            project,
            validity,
            session,
            is_resumed: false,
            forget: Vec::new(),
            calls: JoinSet::new(),
            patience: None,
        }
    }

    /// The session that the engine was told to go on with.
    pub(crate) fn resumed(&self) -> Option<SessionId> {
        self.is_resumed.then_some(self.session)
    }

    pub(crate) fn load(&mut self, handle: &Handle) {
        let hash = HandleHash::of(handle);
        self.call(move |store| Done::Loaded(hash, guarded(|| store.load(hash))));
    }

    pub(crate) fn save(&mut self, handle: Handle, snapshot: Arc<Snapshot>) {
        let expires_at = self.clock.date() + self.validity.min(FOR_EVER);
        let saved = Saved { project: self.project, session: self.session.bytes(), expires_at, snapshot };
        let forget = std::mem::take(&mut self.forget);
        self.patience = Some(Instant::now() + SAVE_PATIENCE);
        self.call(move |store| {
            let result = guarded(|| store.save(HandleHash::of(&handle), &saved, &forget));
            Done::Saved(handle, result)
        });
    }

    pub(crate) fn forget(&mut self, handle: &Handle) {
        self.forget.push(HandleHash::of(handle));
    }

    /// Until when the client should not be heard, so that it gets the handle of what is being saved: by what it says next
    /// the session might not be at rest any more, and a client that never pauses would never get one.
    pub(crate) fn patience(&self) -> Option<Instant> {
        self.patience
    }

    /// Waits for a point no longer.
    pub(crate) fn lose_patience(&mut self) {
        self.patience = None;
    }

    /// Waits for what the engine has to be told next.
    pub(crate) async fn next(&mut self) -> ServerCommand {
        loop {
            let Some(done) = self.calls.join_next().await else { return std::future::pending().await };
            // Only a runtime that ends leaves a call undone.
            let Ok(done) = done else { continue };
            if matches!(done, Done::Saved(..)) {
                self.lose_patience();
            }
            match done {
                Done::Loaded(hash, found) => return self.resume(hash, found),
                Done::Saved(handle, Ok(())) => return ServerCommand::Saved(handle),
                Done::Saved(handle, Err(error)) => {
                    tracing::error!(%error, "the session cannot be kept, and goes on without");
                    return ServerCommand::SaveFailed(handle);
                }
                Done::Forgotten(Ok(())) => {}
                Done::Forgotten(Err(error)) => tracing::warn!(%error, "a saved session cannot be forgotten"),
            }
        }
    }

    fn resume(&mut self, hash: HandleHash, found: Result<Option<Saved>, StoreError>) -> ServerCommand {
        let refuse = ServerCommand::ResumeRefused;
        let Saved { project, session, expires_at, snapshot } = match found {
            Ok(Some(saved)) => saved,
            Ok(None) => return refuse(ResumeRefusal::Unknown),
            // What was kept there is lost for good.
            Err(error @ StoreError::Corrupt(_)) => {
                tracing::error!(%error, point = ?hash, "a saved session cannot be read, and is forgotten");
                self.call(move |store| Done::Forgotten(guarded(|| store.remove(hash))));
                return refuse(ResumeRefusal::Unknown);
            }
            Err(error @ (StoreError::Format(_) | StoreError::Medium(_))) => {
                tracing::error!(%error, point = ?hash, "a saved session cannot be read now");
                return refuse(ResumeRefusal::Unreadable);
            }
        };
        if let Some(why) = ResumeRefusal::of(project == self.project, expires_at <= self.clock.date()) {
            return refuse(why);
        }
        self.session = SessionId::from(session);
        self.is_resumed = true;
        ServerCommand::Resumed(Box::new(Arc::unwrap_or_clone(snapshot)))
    }

    fn call(&mut self, call: impl FnOnce(&dyn SessionStore) -> Done + Send + 'static) {
        let store = Arc::clone(&self.store);
        self.calls.spawn_blocking(move || call(&*store));
    }
}

/// A store of somebody else's may panic; that costs a point, not the session.
fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(StoreError::Medium("the store panicked".into())))
}

/// A thousand years: a date that every system can count up to.
const FOR_EVER: Duration = Duration::from_secs(1000 * 366 * 24 * 60 * 60);
/// Some writes to a disk; a store that takes longer must not make the session wait.
const SAVE_PATIENCE: Duration = Duration::from_millis(250);
