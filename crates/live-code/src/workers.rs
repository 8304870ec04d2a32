//! The workers of a host: a process for each program, one ready before it is needed, so many at once, and a queue with an end.
//!
//! What passes between a worker and its host is in `process`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live_model::CodeExecutor;
use live_proto::{CodeExecutionResult, ExecutableCode, Language, Outcome};
use thiserror::Error;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::timeout;

use crate::limits::Limits;
use crate::outcome::failed;
use crate::process::{MARK, Worker, WorkerCommand};

/// Runs programs, each in a process of its own that ends with it, so that none knows of another.
///
/// Dropping a run ends its process. Runs need a tokio runtime with time and I/O.
#[derive(Clone)]
pub struct Workers(Arc<Shared>);

struct Shared {
    command: WorkerCommand,
    limits: Limits,
    runs: Semaphore,
    /// Those that run, and those that wait.
    places: Semaphore,
    /// Started before it is needed.
    spare: Mutex<Option<Worker>>,
}

/// Why there can be no workers here.
#[derive(Debug, Error)]
pub enum Unavailable {
    /// Workers would start workers, without end.
    #[error("a worker does not start workers: call live_code::run_worker() before anything else in `main`")]
    Worker,
    /// Nothing holds a process to its limits.
    #[error("running code needs the resource limits of Unix")]
    Platform,
}

impl Workers {
    /// Workers that are started by `command` and held to `limits`.
    ///
    /// # Errors
    /// If this process is a worker, or the system is no Unix. Whether `command` works shows at the first program; [`Workers::check`]
    /// tells before.
    pub fn new(command: WorkerCommand, limits: Limits) -> Result<Self, Unavailable> {
        if std::env::var_os(MARK).is_some() {
            return Err(Unavailable::Worker);
        }
        if !cfg!(unix) {
            return Err(Unavailable::Platform);
        }
        let places = limits.runs_max.saturating_add(limits.waiting_max).min(Semaphore::MAX_PERMITS);
        let runs = Semaphore::new(limits.runs_max.min(Semaphore::MAX_PERMITS));
        let places = Semaphore::new(places);
        Ok(Self(Arc::new(Shared { command, limits, runs, places, spare: Mutex::new(None) })))
    }

    /// What programs are held to.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whether workers work: one runs a small program.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self) -> Result<(), String> {
        let CodeExecutionResult { outcome, output, .. } = self.ready().await?.run("print(6 * 7)").await;
        if outcome == Outcome::Ok && output == "42\n" {
            Ok(())
        } else {
            Err(format!("it says that 6 * 7 is {:?}", output.trim_end()))
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Option<Worker>> {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run_code(self, code: ExecutableCode) -> CodeExecutionResult {
        let ExecutableCode { language, code, id } = code;
        let result = match self.refusal(&language, &code) {
            Some(why) => failed("", &why),
            None => self.run_in_turn(&code).await,
        };
        CodeExecutionResult { id, ..result }
    }

    fn refusal(&self, language: &Language, code: &str) -> Option<String> {
        let Limits { code_bytes_max, .. } = self.0.limits;
        if !matches!(language, Language::Python | Language::Unspecified) {
            return Some("SystemError: the language is not known: write Python\n".to_owned());
        }
        (code.len() > code_bytes_max as usize).then(|| {
            let bytes = code.len();
            format!("MemoryError: the program has {bytes} bytes: write one of at most {code_bytes_max}\n")
        })
    }

    async fn run_in_turn(&self, code: &str) -> CodeExecutionResult {
        let Shared { limits, runs, places, .. } = &*self.0;
        let busy = |why: &str| {
            tracing::warn!(why, "a program is not run");
            failed("", &format!("SystemError: too many programs are run at once: {why}; try again later\n"))
        };
        let _place = match places.try_acquire() {
            Ok(place) => place,
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                let Limits { runs_max, waiting_max, .. } = limits;
                return busy(&format!("{runs_max} are running and {waiting_max} are waiting"));
            }
        };
        let _run = match timeout(limits.time, runs.acquire()).await {
            Ok(run) => run.expect("nobody closes the semaphore"),
            Err(_) => return busy(&format!("none ended within {:?}", limits.time)),
        };
        match self.ready().await {
            Ok(worker) => {
                self.prepare().await;
                worker.run(code).await
            }
            Err(why) => {
                tracing::error!(why, "there is no worker to run a program");
                failed(
                    "",
                    "SystemError: there is no interpreter; whoever runs the server finds the reason in its log\n",
                )
            }
        }
    }

    /// A worker that waits for a program.
    async fn ready(&self) -> Result<Worker, String> {
        let spare = self.spare().take();
        if let Some(mut worker) = spare
            && worker.is_there()
            && worker.greet().await.is_ok()
        {
            return Ok(worker);
        }
        let mut worker = Worker::start(&self.0.command, &self.0.limits)?;
        worker.order().await;
        worker.greet().await?;
        Ok(worker)
    }

    /// Starts the worker for the next program, which gets ready while this one runs.
    async fn prepare(&self) {
        // If it does not start, the next program finds out why.
        let is_wanted = self.spare().is_none();
        if is_wanted && let Ok(mut worker) = Worker::start(&self.0.command, &self.0.limits) {
            worker.order().await;
            *self.spare() = Some(worker);
        }
    }
}

impl CodeExecutor for Workers {
    fn run(&self, code: ExecutableCode) -> BoxFuture<'static, CodeExecutionResult> {
        self.clone().run_code(code).boxed()
    }

    fn notes(&self) -> &str {
        NOTES
    }
}

/// What of Python is not there, as far as models write it; docs/tools.md has all of it.
const NOTES: &str = "Each program starts anew and sees no files and no network. There are asyncio, base64, collections, dataclasses, \
    datetime, functools, itertools (count and repeat), json, math, re and typing; no other modules. Do not use generators, match, del, \
    inheritance, operator overloading, or % for formats.";

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { command, limits, .. } = &*self.0;
        f.debug_struct("Workers").field("command", command).field("limits", limits).finish_non_exhaustive()
    }
}
