//! Sessions kept between their connections, in this process, for as long as their handles are valid.
//!
//! What of a session is kept, and when, is decided by `live-engine`; a session that did not ask for it is never here.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use live_engine::{Handle, ResumeRefusal, ServerCommand, ServerEvent, Snapshot};

/// Where a server keeps sessions that their clients may resume. It may outlive the server, and serve several.
pub struct Memory {
    points_max: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    points: HashMap<Handle, Point>,
    /// When points that have expired are next looked for.
    sweep_at: Option<Instant>,
}

/// A resumable point of a session.
struct Point {
    owner: Arc<str>,
    holder: Holder,
    expires_at: Instant,
    snapshot: Arc<Snapshot>,
}

/// Which of its connections holds a session, by their number; the latest does.
type Holder = Arc<AtomicU64>;

impl Memory {
    /// Keeps at most `points_max` resumable points. Each connection leaves up to
    /// [`Limits::handles_max`](live_engine::Limits::handles_max) of them, until they expire; what they say is shared
    /// between them. While there is no room, clients get no handles.
    pub fn new(points_max: usize) -> Self {
        Self { points_max, shelf: Mutex::default() }
    }

    /// The part in it of one connection, whose client is `owner` and whose handles are valid for `validity`.
    pub fn keeper(&self, owner: &str, validity: Duration) -> Keeper<'_> {
        Keeper { memory: self, owner: owner.into(), validity, holder: Holder::default(), number: 0, resumes: None }
    }

    /// How many points are kept, those included that have expired and were not looked for yet.
    pub fn len(&self) -> usize {
        self.lock().points.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.lock().points.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for [`POINTS_MAX`] points.
impl Default for Memory {
    fn default() -> Self {
        Self::new(POINTS_MAX)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} points)", self.len())
    }
}

/// One connection's part in a [`Memory`].
pub struct Keeper<'a> {
    memory: &'a Memory,
    owner: Arc<str>,
    validity: Duration,
    holder: Holder,
    /// The number of this connection among those of its session.
    number: u64,
    /// The session that the engine was told to go on with, until it does.
    resumes: Option<Holder>,
}

impl Keeper<'_> {
    /// Does what `event` asks for, if it asks for any of this; returns what the engine is to be told.
    pub fn answer(&mut self, event: &ServerEvent, now: Instant) -> Option<ServerCommand> {
        match event {
            ServerEvent::Resume { handle } => Some(match self.load(handle, now) {
                Ok(snapshot) => ServerCommand::Resumed(Box::new(Arc::unwrap_or_clone(snapshot))),
                Err(why) => ServerCommand::ResumeRefused(why),
            }),
            ServerEvent::Save { handle, snapshot } => Some(if self.save(handle, snapshot, now) {
                ServerCommand::Saved(handle.clone())
            } else {
                ServerCommand::SaveFailed(handle.clone())
            }),
            ServerEvent::Forget { handle } => {
                self.memory.lock().points.remove(handle);
                None
            }
            ServerEvent::SetupAccepted(_) => {
                if let Some(holder) = self.resumes.take() {
                    self.number = holder.fetch_add(1, Ordering::AcqRel) + 1;
                    self.holder = holder;
                }
                None
            }
            ServerEvent::Admit
            | ServerEvent::Compressed { .. }
            | ServerEvent::Generate(..)
            | ServerEvent::Continue(_)
            | ServerEvent::Cancel(_)
            | ServerEvent::TurnFinished { .. }
            | ServerEvent::Violation(_)
            | ServerEvent::Warning(_)
            | ServerEvent::Closed(_) => None,
        }
    }

    /// Whether a later connection has resumed the session: tell the engine [`ServerCommand::TakeOver`].
    pub fn is_superseded(&self) -> bool {
        self.holder.load(Ordering::Acquire) != self.number
    }

    fn load(&mut self, handle: &Handle, now: Instant) -> Result<Arc<Snapshot>, ResumeRefusal> {
        let shelf = self.memory.lock();
        let point = shelf.points.get(handle).ok_or(ResumeRefusal::Unknown)?;
        if let Some(why) = ResumeRefusal::of(point.owner == self.owner, point.expires_at <= now) {
            return Err(why);
        }
        self.resumes = Some(Arc::clone(&point.holder));
        Ok(Arc::clone(&point.snapshot))
    }

    fn save(&self, handle: &Handle, snapshot: &Arc<Snapshot>, now: Instant) -> bool {
        let mut shelf = self.memory.lock();
        if shelf.points.len() >= self.memory.points_max || shelf.sweep_at.is_none_or(|at| at <= now) {
            shelf.points.retain(|_, point| point.expires_at > now);
            shelf.sweep_at = Some(now + SWEEP_PERIOD);
        }
        // A handle that cannot expire within the time there is does not expire.
        let expires_at = now.checked_add(self.validity).unwrap_or(now + FOREVER);
        if shelf.points.len() >= self.memory.points_max {
            return false;
        }
        let (owner, holder) = (Arc::clone(&self.owner), Arc::clone(&self.holder));
        shelf.points.insert(handle.clone(), Point { owner, holder, expires_at, snapshot: Arc::clone(snapshot) });
        true
    }
}

impl fmt::Debug for Keeper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Points of a [`Memory`] unless its host says otherwise. 10,000: over a thousand connections within two hours.
pub const POINTS_MAX: usize = 10_000;

/// A minute more or less is nothing to handles that are valid for hours.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);

/// A hundred years.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn handle(text: &str) -> Handle {
        Handle::parse(text).expect("it can be a handle")
    }

    fn save(keeper: &mut Keeper<'_>, text: &str, now: Instant) -> bool {
        let event = ServerEvent::Save { handle: handle(text), snapshot: Arc::default() };
        match keeper.answer(&event, now) {
            Some(ServerCommand::Saved(saved)) if saved == handle(text) => true,
            Some(ServerCommand::SaveFailed(failed)) if failed == handle(text) => false,
            other => panic!("{other:?}"),
        }
    }

    fn load(keeper: &mut Keeper<'_>, text: &str, now: Instant) -> ServerCommand {
        keeper.answer(&ServerEvent::Resume { handle: handle(text) }, now).expect("it is answered")
    }

    #[test]
    fn a_point_is_its_owners_until_it_expires_or_is_forgotten() {
        let (memory, now) = (Memory::default(), Instant::now());
        let mut ann = memory.keeper("ann", HOUR);
        assert!(save(&mut ann, "a", now) && save(&mut ann, "b", now));
        let refused = |why| ServerCommand::ResumeRefused(why);
        let mut other = memory.keeper("ann", HOUR);
        assert_eq!(load(&mut other, "a", now + HOUR - SWEEP_PERIOD), ServerCommand::Resumed(Box::default()));
        assert_eq!(load(&mut other, "a", now + HOUR), refused(ResumeRefusal::Expired));
        assert_eq!(load(&mut other, "c", now), refused(ResumeRefusal::Unknown));
        for at in [now, now + HOUR] {
            assert_eq!(load(&mut memory.keeper("bob", HOUR), "a", at), refused(ResumeRefusal::Foreign));
        }
        assert_eq!(ann.answer(&ServerEvent::Forget { handle: handle("b") }, now), None);
        assert_eq!(load(&mut other, "b", now), refused(ResumeRefusal::Unknown));
    }

    #[test]
    fn the_latest_connection_holds_the_session() {
        let (memory, now) = (Memory::default(), Instant::now());
        let accepted = || {
            let config = live_engine::ServerConfig::new(live_engine::Backend::Gemini);
            let mut engine = live_engine::ServerEngine::new(config, now);
            let setup = live_proto::Setup::new("gemini-live-2.5-flash-preview");
            live_engine::Engine::handle_message(&mut engine, live_proto::ClientMessage::setup(setup), now);
            let outputs = std::iter::from_fn(|| live_engine::Engine::poll_output(&mut engine));
            let event = |output| if let live_engine::Output::Event(event) = output { Some(event) } else { None };
            outputs.filter_map(event).find(|event| matches!(event, ServerEvent::SetupAccepted(_))).expect("it is good")
        };
        let mut first = memory.keeper("", HOUR);
        assert_eq!(first.answer(&accepted(), now), None);
        assert!(save(&mut first, "a", now) && !first.is_superseded());
        let (mut second, mut third) = (memory.keeper("", HOUR), memory.keeper("", HOUR));
        load(&mut second, "a", now);
        load(&mut third, "a", now);
        assert!(!first.is_superseded(), "nobody goes on with it yet");
        second.answer(&accepted(), now);
        assert!(first.is_superseded() && !second.is_superseded());
        third.answer(&accepted(), now);
        assert!(second.is_superseded() && !third.is_superseded());
        // What it saved after its last breath goes to whoever comes next.
        assert!(save(&mut second, "b", now));
        load(&mut first, "b", now);
        first.answer(&accepted(), now);
        assert!(third.is_superseded() && !first.is_superseded());
    }

    #[test]
    fn without_room_nothing_more_is_kept_until_something_expires() {
        let (memory, now) = (Memory::new(2), Instant::now());
        let mut keeper = memory.keeper("", HOUR);
        assert!(save(&mut keeper, "a", now) && save(&mut keeper, "b", now + Duration::from_secs(1)));
        assert!(!save(&mut keeper, "c", now + Duration::from_secs(2)));
        assert!(save(&mut keeper, "c", now + HOUR), "a has expired");
        assert_eq!(memory.len(), 2);
        assert!(save(&mut memory.keeper("", Duration::MAX), "d", now + 2 * HOUR), "all have");
        assert_eq!(memory.len(), 1);
    }
}
