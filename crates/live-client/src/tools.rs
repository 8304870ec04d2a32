//! The functions of a host: registered by name, run as futures, aborted by being dropped.
//!
//! Which call runs, when its answer goes out and what becomes of it when connections end is decided in `live-engine`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use futures_util::task::AtomicWaker;
use live_engine::{Function, RunId, ToolOutput};
use live_proto::{FunctionCall, FunctionDeclaration, Scheduling, Struct};
use live_tools::{Registry, ToolError};

/// What a function is told of its call, besides the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The id of the call; empty where the server gives none.
    pub id: String,
    /// The function.
    pub name: String,
}

/// Functions that a session runs by itself when the model calls them.
///
/// ```
/// use live_client::{Call, Scheduling, Tools};
/// use live_client::schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, JsonSchema)]
/// # #[schemars(crate = "live_client::schemars")]
/// struct GetWeather {
///     /// The city, such as `Oslo`.
///     city: String,
/// }
///
/// #[derive(Serialize)]
/// struct Weather {
///     degrees: f64,
/// }
///
/// let tools = Tools::new()
///     .function("get_weather", "Tells how warm it is.", async |args: GetWeather, _: Call| match args.city.as_str() {
///         "Oslo" => Ok(Weather { degrees: -3.5 }),
///         city => Err(format!("nobody measures in {city}")),
///     })
///     .non_blocking(Scheduling::WhenIdle);
/// ```
///
/// Cheap to clone: the clones run the same functions.
#[derive(Clone, Default)]
pub struct Tools {
    registry: Registry<Body>,
}

/// Makes the stream of what a run says. It begins when it is polled.
type Body = Arc<dyn Fn(FunctionCall) -> BoxStream<'static, ToolOutput> + Send + Sync>;

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
    pub fn function<A, T, E, F>(
        self,
        name: &str,
        description: &str,
        function: impl Fn(A, Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: live_tools::schemars::JsonSchema + serde::de::DeserializeOwned,
        T: serde::Serialize,
        E: fmt::Display,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let answer = move |call: FunctionCall| {
            let (call, args) = split(call);
            let answer = live_tools::read(args).map(|args| function(args, call));
            async move {
                let result = answer?.await.map_err(|error| error.to_string())?;
                live_tools::respond(&result)
            }
        };
        self.with(live_tools::declare::<A>(name, description), false, once(answer))
    }

    /// As [`function`](Self::function), for one that answers in pieces, each of which the model is told as it comes. The model
    /// goes on meanwhile.
    ///
    /// It is not asked for another piece while eight wait to be sent. The first error is the last piece.
    #[cfg(feature = "typed-tools")]
    #[must_use]
    pub fn generator<A, T, E, S>(
        self,
        name: &str,
        description: &str,
        function: impl Fn(A, Call) -> S + Send + Sync + 'static,
    ) -> Self
    where
        A: live_tools::schemars::JsonSchema + serde::de::DeserializeOwned,
        T: serde::Serialize + 'static,
        E: fmt::Display + 'static,
        S: futures_util::Stream<Item = Result<T, E>> + Send + 'static,
    {
        let body = move |call: FunctionCall| {
            let (call, args) = split(call);
            match live_tools::read(args) {
                Ok(args) => function(args, call).map(piece).boxed(),
                Err(words) => stream::iter([ToolOutput::Failed(words)]).boxed(),
            }
        };
        self.with(live_tools::declare::<A>(name, description), true, Arc::new(body))
    }

    /// Registers a function by a declaration of the host's own, with arguments and response as they are on the wire.
    #[must_use]
    pub fn raw<F>(
        self,
        declaration: FunctionDeclaration,
        function: impl Fn(Struct, Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Struct, String>> + Send + 'static,
    {
        let answer = move |call: FunctionCall| {
            let (call, args) = split(call);
            function(args.unwrap_or_default(), call)
        };
        self.with(Ok(declaration), false, once(answer))
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

    /// Sets how long the last function may run: then it is dropped, and the model told. The default is 60 s; `None` is as long as
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
}

/// The functions and what runs them. Vertex AI has no field for an answer that comes in pieces.
pub(crate) fn check(tools: Tools, has_generators: bool) -> Result<(Vec<Function>, Bodies), ToolError> {
    let (functions, bodies) = tools.registry.finish()?;
    match functions.iter().find(|function| function.is_generator && !has_generators) {
        Some(function) => Err(ToolError::GeneratorOnVertex { name: function.declaration.name.clone() }),
        None => Ok((functions, bodies)),
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.registry.clone().finish();
        f.debug_tuple("Tools").field(&registry.map(|(functions, _)| functions)).finish()
    }
}

pub(crate) type Bodies = BTreeMap<String, Body>;

fn split(FunctionCall { name, args, id, partial_args: _, will_continue: _ }: FunctionCall) -> (Call, Option<Struct>) {
    (Call { id, name }, args)
}

/// A body that answers once. What is done before the first await happens in the run too, so that a panic there is the run's.
fn once<F>(answer: impl Fn(FunctionCall) -> F + Send + Sync + 'static) -> Body
where
    F: Future<Output = Result<Struct, String>> + Send + 'static,
{
    let answer = Arc::new(answer);
    Arc::new(move |call| {
        let answer = answer.clone();
        let run = async move { answer(call).await.map_or_else(ToolOutput::Failed, ToolOutput::Answer) };
        stream::once(run).boxed()
    })
}

#[cfg(feature = "typed-tools")]
fn piece<T: serde::Serialize, E: fmt::Display>(result: Result<T, E>) -> ToolOutput {
    let response = result.map_err(|error| error.to_string()).and_then(|result| live_tools::respond(&result));
    response.map_or_else(ToolOutput::Failed, ToolOutput::Piece)
}

/// The runs of a session. Dropping one aborts it.
#[derive(Default)]
pub(crate) struct Runner {
    bodies: Bodies,
    runs: Vec<Run>,
    /// Whose turn it is to say something, so that a run with much to say holds up no other.
    next: usize,
}

struct Run {
    id: RunId,
    name: String,
    stream: BoxStream<'static, ToolOutput>,
    /// It may have more to say than there is room for.
    is_generator: bool,
    alarm: Arc<Alarm>,
    waker: Waker,
}

/// Wakes the session, and remembers which run it was for, so that a session which hears sound polls no function for it.
#[derive(Default)]
struct Alarm {
    rings: AtomicBool,
    session: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rings.store(true, Ordering::Release);
        self.session.wake();
    }
}

/// What a runner is to do, in the order of the session's outputs.
#[derive(Debug)]
pub(crate) enum Order {
    Run(RunId, FunctionCall),
    Abort(RunId),
    /// These functions replace those before. What runs goes on.
    Know(Known),
}

/// Bodies, of which there is nothing to be shown.
pub(crate) struct Known(pub(crate) Bodies);

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Runner {
    pub(crate) fn follow(&mut self, order: Order) {
        match order {
            Order::Know(Known(bodies)) => self.bodies = bodies,
            Order::Abort(run) => self.runs.retain(|it| it.id != run),
            Order::Run(id, call) => {
                let body = self.bodies.get(&call.name).cloned();
                let name = call.name.clone();
                // A body may panic before it has made a stream.
                let stream = stream::once(async move {
                    match body {
                        Some(body) => body(call),
                        // The call waited for room until then.
                        None => stream::iter([ToolOutput::Failed("there is no such function any more".into())]).boxed(),
                    }
                });
                let stream = stream.flatten();
                let stream = std::panic::AssertUnwindSafe(stream).catch_unwind();
                let stream = stream.map(|output| output.unwrap_or_else(|_| ToolOutput::Failed("it panicked".into())));
                let alarm = Arc::new(Alarm { rings: AtomicBool::new(true), session: AtomicWaker::new() });
                let waker = Waker::from(alarm.clone());
                self.runs.push(Run { id, name, stream: stream.boxed(), is_generator: false, alarm, waker });
            }
        }
    }

    /// What one of the runs says. `may_say` tells of a generator whether it may say more now.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, may_say: impl Fn(RunId) -> bool) -> Poll<(RunId, ToolOutput)> {
        for turn in 0..self.runs.len() {
            let at = (self.next + turn) % self.runs.len();
            let run = &mut self.runs[at];
            run.alarm.session.register(cx.waker());
            if run.is_generator && !may_say(run.id) || !run.alarm.rings.swap(false, Ordering::Acquire) {
                continue;
            }
            let polled = run.stream.poll_next_unpin(&mut Context::from_waker(&run.waker));
            let Poll::Ready(output) = polled else { continue };
            let id = run.id;
            self.next = at + 1;
            let output = output.unwrap_or(ToolOutput::End);
            if matches!(output, ToolOutput::Piece(_)) {
                // There may be more, of which nobody rings.
                run.is_generator = true;
                run.alarm.rings.store(true, Ordering::Release);
            } else {
                self.runs.remove(at);
            }
            return Poll::Ready((id, output));
        }
        Poll::Pending
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runs.iter().map(|run| (run.id, &run.name))).finish()
    }
}
