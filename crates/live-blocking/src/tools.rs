//! The functions of a host: registered by name, each call run on a thread of its own, aborted by being told.
//!
//! Which call runs, when its answer goes out and what becomes of it when connections end is decided in `live-engine`.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use live_engine::{Function, RunId, ToolOutput, Why};
use live_proto::{FunctionCall, FunctionDeclaration, Scheduling, Struct};
use live_tools::{Registry, ToolError};

/// What a function is told of its call, besides the arguments.
#[derive(Debug)]
pub struct Call {
    /// The id of the call; empty where the server gives none.
    pub id: String,
    /// The function.
    pub name: String,
    is_aborted: Arc<AtomicBool>,
    says: SyncSender<ToolOutput>,
}

/// Nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call was withdrawn, took too long, or its session is over")]
pub struct Aborted;

impl Call {
    /// True once nobody waits for the answer any more: what still runs should end. A thread cannot be stopped from outside, so a
    /// function that does not ask runs to its end, and its answer is dropped.
    pub fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed)
    }
}

/// Functions that a session runs by itself when the model calls them, each call on a thread.
///
/// ```
/// use live_blocking::Tools;
/// use live_blocking::schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// # #[schemars(crate = "live_blocking::schemars")]
/// struct Count {
///     /// The number to count to.
///     to: u32,
/// }
///
/// let tools = Tools::new().function("count", "Counts.", |args: Count, call| {
///     for number in 0..args.to {
///         if call.is_aborted() {
///             return Err("nobody listens");
///         }
///         // Work on the number.
///     }
///     Ok(args.to)
/// });
/// ```
#[derive(Clone, Default)]
pub struct Tools {
    registry: Registry<Body>,
}

/// What is run on a thread; the last that it says.
type Body = Arc<dyn Fn(&Call, Option<Struct>) -> ToolOutput + Send + Sync>;

impl Tools {
    /// No function.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a function. Its declaration is made of `A`, a struct with a field for each argument, or `()`; what the fields say in
    /// their documentation is what the model is told of them.
    ///
    /// An object is the response as it is, any other result is under `output`; an error is told the model under `error`,
    /// and so are arguments that do not fit, without the function being run, and panics.
    #[cfg(feature = "typed-tools")]
    #[must_use]
    pub fn function<A, T, E>(
        self,
        name: &str,
        description: &str,
        function: impl Fn(A, &Call) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self
    where
        A: live_tools::schemars::JsonSchema + serde::de::DeserializeOwned,
        T: serde::Serialize,
        E: fmt::Display,
    {
        let body = move |call: &Call, args: Option<Struct>| {
            let answer = live_tools::read(args).and_then(|args| {
                let result = function(args, call).map_err(|error| error.to_string())?;
                live_tools::respond(&result)
            });
            answer.map_or_else(ToolOutput::Failed, ToolOutput::Answer)
        };
        self.with(live_tools::declare::<A>(name, description), false, Arc::new(body))
    }

    /// As [`function`](Self::function), for one that answers in pieces, each of which the model is told as it comes. It says them
    /// with its last argument, which waits while eight pieces wait to be sent. The model goes on meanwhile.
    #[cfg(feature = "typed-tools")]
    #[must_use]
    pub fn generator<A, T, E>(
        self,
        name: &str,
        description: &str,
        function: impl Fn(A, &Call, &mut dyn FnMut(&T) -> Result<(), Aborted>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        A: live_tools::schemars::JsonSchema + serde::de::DeserializeOwned,
        T: serde::Serialize,
        E: fmt::Display,
    {
        let body = move |call: &Call, args: Option<Struct>| {
            let mut fault = None;
            let mut say = |piece: &T| {
                if fault.is_some() || call.is_aborted() {
                    return Err(Aborted);
                }
                match live_tools::respond(piece) {
                    Ok(piece) => call.says.send(ToolOutput::Piece(piece)).map_err(|_| Aborted),
                    Err(words) => {
                        fault = Some(words);
                        Err(Aborted)
                    }
                }
            };
            let result = live_tools::read(args)
                .and_then(|args| function(args, call, &mut say).map_err(|error| error.to_string()));
            fault.map_or(result, Err).map_or_else(ToolOutput::Failed, |()| ToolOutput::End)
        };
        self.with(live_tools::declare::<A>(name, description), true, Arc::new(body))
    }

    /// Registers a function by a declaration of the host's own, with arguments and response as they are on the wire.
    #[must_use]
    pub fn raw(
        self,
        declaration: FunctionDeclaration,
        function: impl Fn(Struct, &Call) -> Result<Struct, String> + Send + Sync + 'static,
    ) -> Self {
        let body = move |call: &Call, args: Option<Struct>| {
            function(args.unwrap_or_default(), call).map_or_else(ToolOutput::Failed, ToolOutput::Answer)
        };
        self.with(Ok(declaration), false, Arc::new(body))
    }

    /// Says of the last function that the model goes on meanwhile, and when it is to hear the answer. Of a generator it is said already.
    #[must_use]
    pub fn non_blocking(mut self, scheduling: Scheduling) -> Self {
        self.registry = self.registry.non_blocking(scheduling);
        self
    }

    /// Says of the last function that the model stands still for it, where the model's own default is another.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.registry = self.registry.blocking();
        self
    }

    /// Sets how long the last function may run: then it is aborted, and the model told. The default is 60 s; `None` is as long as
    /// it takes.
    #[must_use]
    pub fn time_limit(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.registry = self.registry.time_limit(limit.into());
        self
    }

    fn with(mut self, declaration: Result<FunctionDeclaration, ToolError>, is_generator: bool, body: Body) -> Self {
        self.registry = self.registry.with(declaration, is_generator, body);
        self
    }

    pub(crate) fn finish(self) -> Result<(Vec<Function>, Bodies), ToolError> {
        self.registry.finish()
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.registry.clone().finish();
        f.debug_tuple("Tools").field(&registry.map(|(functions, _)| functions)).finish()
    }
}

/// Why the functions of a session were not replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateToolsError {
    /// A function cannot be declared.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The server cannot be told.
    #[error("the tools were not changed: {0}")]
    NotSent(Why),
}

pub(crate) type Bodies = BTreeMap<String, Body>;

/// The runs of a session.
#[derive(Default)]
pub(crate) struct Runner {
    bodies: Bodies,
    runs: Vec<Run>,
    /// Threads that have not ended, those of aborted runs included.
    threads: Arc<AtomicUsize>,
}

/// A run on its thread. Dropping it aborts it.
struct Run {
    id: RunId,
    says: Receiver<ToolOutput>,
    is_aborted: Arc<AtomicBool>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.is_aborted.store(true, Ordering::Relaxed);
    }
}

/// A thread that is counted until it ends, however it does.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Runner {
    pub(crate) fn new(bodies: Bodies) -> Self {
        Self { bodies, ..Self::default() }
    }

    /// These functions replace those before. What runs goes on.
    pub(crate) fn know(&mut self, bodies: Bodies) {
        self.bodies = bodies;
    }

    /// Runs a function. Words for the model if it cannot be run.
    pub(crate) fn start(&mut self, id: RunId, call: FunctionCall) -> Result<(), String> {
        let FunctionCall { name, args, id: call_id, partial_args: _, will_continue: _ } = call;
        let body = self.bodies.get(&name).ok_or("there is no such function any more")?.clone();
        if self.threads.load(Ordering::Relaxed) >= THREADS_MAX {
            return Err("too many functions run on that were given up".into());
        }
        self.threads.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(self.threads.clone());
        let (sender, says) = sync_channel(1);
        let is_aborted = Arc::<AtomicBool>::default();
        let call = Call { id: call_id, name, is_aborted: is_aborted.clone(), says: sender };
        let work = move || {
            let last = std::panic::catch_unwind(AssertUnwindSafe(|| body(&call, args)));
            let last = last.unwrap_or_else(|_| ToolOutput::Failed("it panicked".into()));
            // Nobody takes it if the run was aborted.
            _ = call.says.send(last);
            drop(counted);
        };
        thread::Builder::new().name("live tool".into()).spawn(work).map_err(|error| {
            tracing::error!(%error, "no thread to run a function on");
            "there is no thread to run it on".to_owned()
        })?;
        self.runs.push(Run { id, says, is_aborted });
        Ok(())
    }

    pub(crate) fn abort(&mut self, run: RunId) {
        self.runs.retain(|it| it.id != run);
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.runs.is_empty()
    }

    /// What the runs say that may say something, one thing each.
    pub(crate) fn take(&mut self, may_say: impl Fn(RunId) -> bool) -> Vec<(RunId, ToolOutput)> {
        let mut said = Vec::new();
        self.runs.retain(|run| {
            if !may_say(run.id) {
                return true;
            }
            let output = match run.says.try_recv() {
                Ok(output) => output,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => unreachable!("a thread says something last"),
            };
            let goes_on = matches!(output, ToolOutput::Piece(_));
            said.push((run.id, output));
            goes_on
        });
        said
    }
}

/// Threads of one session, with those of aborted runs that do not end. 64: four times as many as run at once.
const THREADS_MAX: usize = 64;
