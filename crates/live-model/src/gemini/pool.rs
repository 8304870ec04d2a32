//! Upstream sessions between two questions: found again by what they know, and closed when nobody asks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use live_client::{Event, Events, Session, SessionHandle};
use live_engine::server::SessionConfig;
use live_engine::{Prompt, TurnId};
use live_proto::{Content, Part};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

/// An upstream session.
pub(super) struct Parked {
    pub(super) handle: SessionHandle,
    pub(super) events: Events,
    session: Arc<SessionConfig>,
    /// What it was told; its answer to that is what it said itself.
    pub(super) known: Vec<Arc<Content>>,
    /// Its last generation that is over.
    pub(super) generation: TurnId,
    /// Calls whose answers it waits for.
    pub(super) calls: BTreeSet<String>,
    /// It called functions that it waits for, and the end of that turn was not heard: some models end it, some do not.
    pub(super) owes_end: bool,
    /// It was cut short, and has not said so yet.
    is_interrupted: bool,
    since: Instant,
}

impl Parked {
    pub(super) fn new(session: Session, prompt: &Prompt) -> Self {
        let (handle, events) = session.spawn();
        Self {
            handle,
            events,
            session: Arc::clone(&prompt.session),
            known: Vec::new(),
            generation: TurnId::default(),
            calls: BTreeSet::new(),
            owes_end: false,
            is_interrupted: false,
            since: Instant::now(),
        }
    }

    /// Stops what it says. False if it is of no use any more.
    pub(super) fn interrupt(&mut self) -> bool {
        self.is_interrupted = true;
        // What a user would say to stop it, without the user's words.
        self.handle.send_turns(Vec::new(), false).is_ok()
    }

    /// Waits until it has told that it was cut short. False if it never does, or is gone: another one takes its place then.
    pub(super) async fn settle(&mut self) -> bool {
        if !self.handle.is_open() {
            return false;
        }
        let until_over = async {
            loop {
                match self.events.next().await {
                    Some(Event::TurnComplete { generation, .. }) if generation > self.generation => {
                        self.generation = generation;
                        return true;
                    }
                    Some(_) => {}
                    None => return false,
                }
            }
        };
        !std::mem::take(&mut self.is_interrupted) || timeout(SETTLES_WITHIN, until_over).await == Ok(true)
    }

    /// How much of the prompt's history it knows; `None` if it knows anything else.
    fn knows(&self, prompt: &Prompt) -> Option<usize> {
        let is_same_setup = Arc::ptr_eq(&self.session, &prompt.session) || *self.session == *prompt.session;
        let history = &prompt.history;
        let begins_so = || self.known.iter().zip(history).all(|(known, said)| is_same(known, said));
        if !is_same_setup || self.known.len() > history.len() || !begins_so() {
            return None;
        }
        // What follows up to what is not answered yet is what it said itself.
        let answered = history.len() - prompt.unanswered().len();
        let known = self.known.len().max(answered);
        history[self.known.len()..known].iter().all(|content| content.role == "model").then_some(known)
    }
}

/// Upstream sessions that nobody asks at the moment.
pub(super) struct Pool {
    state: Mutex<State>,
    idle: Duration,
    idle_max: usize,
}

#[derive(Default)]
struct State {
    /// In the order in which they were parked.
    parked: Vec<Parked>,
    /// A task closes those that are idle for too long.
    is_swept: bool,
}

impl Pool {
    pub(super) fn new(idle: Duration, idle_max: usize) -> Self {
        Self { state: Mutex::new(State::default()), idle, idle_max }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the session that knows the most of the prompt's history and nothing else, and says how much that is.
    pub(super) fn take(&self, prompt: &Prompt) -> Option<(Parked, usize)> {
        let parked = &mut self.lock().parked;
        let known = parked.iter().enumerate().filter_map(|(at, upstream)| Some((upstream.knows(prompt)?, at)));
        let (known, at) = known.max()?;
        Some((parked.remove(at), known))
    }

    /// Keeps a session for the next question, for a while.
    pub(super) fn park(self: &Arc<Self>, mut upstream: Parked) {
        // Dropped outside a runtime, when everything ends, it ends too.
        let Ok(runtime) = Handle::try_current() else { return };
        upstream.since = Instant::now();
        let mut state = self.lock();
        state.parked.push(upstream);
        if state.parked.len() > self.idle_max {
            state.parked.remove(0);
        }
        if !std::mem::replace(&mut state.is_swept, true) {
            runtime.spawn(sweep(Arc::downgrade(self), self.idle));
        }
    }
}

/// Closes sessions that were idle for too long, until there are none.
async fn sweep(pool: Weak<Pool>, idle: Duration) {
    loop {
        tokio::time::sleep(idle / 2).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.lock();
        state.parked.retain(|upstream| upstream.since.elapsed() < idle);
        if state.parked.is_empty() {
            state.is_swept = false;
            return;
        }
    }
}

/// Whether two contents say the same; what was understood of speech may have been added.
fn is_same(one: &Arc<Content>, other: &Arc<Content>) -> bool {
    let is_same_part = |(one, other): (&Part, &Part)| {
        let Part { data, thought, .. } = one;
        *data == other.data && *thought == other.thought
    };
    Arc::ptr_eq(one, other)
        || one.role == other.role
            && one.parts.len() == other.parts.len()
            && one.parts.iter().zip(&other.parts).all(is_same_part)
}

/// How long a session may take to say that it was cut short.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);
