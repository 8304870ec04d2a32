//! One worker as its host sees it: started, greeted, given a program, read, and gone when it is dropped.
//!
//! How many there are is `workers`' business.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use live_proto::{CodeExecutionResult, Outcome};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits::Limits;
use crate::outcome::{failed, result};
use crate::wire::{self, HEAD_BYTES, HELLO, Kind, Orders};

/// How a worker is started: a program that calls [`run_worker`](crate::run_worker) when it is given these arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// Another program, such as `live-code-worker`.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// This program, with arguments by which its `main` knows that it is to be a worker. On Linux it is the one that runs, whatever has
    /// become of its file since.
    ///
    /// # Errors
    /// If the system does not say where this program is.
    pub fn this_program(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let running = Path::new("/proc/self/exe");
        let is_linux = cfg!(target_os = "linux") && running.exists();
        Ok(Self::new(if is_linux { running.to_owned() } else { program }, arguments))
    }
}

/// A worker that has no program yet.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    program: PathBuf,
    limits: Limits,
}

impl Worker {
    /// Starts one. It is known to work when it has been greeted.
    pub(crate) fn start(command: &WorkerCommand, limits: &Limits) -> Result<Self, String> {
        let WorkerCommand { program, arguments } = command;
        let mut process = Command::new(program);
        process.args(arguments).current_dir("/").env_clear().kill_on_drop(true);
        process.env(MARK, "1");
        // One arena for all threads: glibc would reserve 64 MiB of the address space for a second one.
        process.env("MALLOC_ARENA_MAX", "1");
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is the host's alone.
        #[cfg(unix)]
        process.process_group(0);
        let mut child = process.spawn().map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Self {
            child,
            stdin: stdin.expect("stdin is piped"),
            stdout: stdout.expect("stdout is piped"),
            stderr: stderr.expect("stderr is piped"),
            program: program.clone(),
            limits: *limits,
        })
    }

    /// Gives it its limits, so that it gets ready. The pipe has room for them.
    pub(crate) async fn order(&mut self) {
        // One that does not take them does not greet either.
        _ = self.stdin.write_all(&Orders::of(&self.limits).to_bytes()).await;
    }

    /// Whether its process runs: the system may have ended it since it said that it is ready.
    pub(crate) fn is_there(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it is ready.
    pub(crate) async fn greet(&mut self) -> Result<(), String> {
        let mut hello = [0; HELLO.len()];
        let heard = timeout(HELLO_TIME, self.stdout.read_exact(&mut hello)).await;
        if matches!(heard, Ok(Ok(_))) && hello == HELLO {
            return Ok(());
        }
        let program = self.program.display().to_string();
        let complaint = self.complaint().await;
        let complaint = complaint.trim();
        Err(if complaint.is_empty() {
            format!("{program} does not serve as a worker: its `main` is to call live_code::run_worker()")
        } else {
            format!("{program} does not serve as a worker: {complaint}")
        })
    }

    /// Runs the one program that it runs.
    pub(crate) async fn run(mut self, code: &str) -> CodeExecutionResult {
        let deadline = Instant::now() + self.limits.time + GRACE;
        let mut said = Vec::new();
        let ended = timeout_at(deadline, async {
            let code = wire::code_bytes(code).expect("the program was measured");
            // One that stops reading says why, or is gone.
            _ = self.stdin.write_all(&code).await;
            self.listen(&mut said).await
        })
        .await;
        let out_of_time = |said: &str| {
            let why = format!("TimeoutError: the program was stopped after {:?}\n", self.limits.time);
            result(Outcome::DeadlineExceeded, crate::outcome::behind(said, &why))
        };
        let text = String::from_utf8_lossy(&said).into_owned();
        match ended {
            Err(_) => out_of_time(&text),
            Ok(Ending::Told(Kind::OutOfTime, _)) => out_of_time(&text),
            Ok(Ending::Told(Kind::Done | Kind::Output, _)) => result(Outcome::Ok, text),
            Ok(Ending::Told(Kind::Failed, complaint)) => failed(&text, &complaint),
            Ok(Ending::Told(Kind::OutOfOutput, _)) => {
                let max = self.limits.output_bytes_max;
                failed(&text, &format!("[the program was stopped: it put out more than {max} bytes]\n"))
            }
            Ok(Ending::Broken(why)) => {
                tracing::error!(why, "a worker does not speak as workers do");
                failed(&text, "SystemError: the interpreter failed\n")
            }
            Ok(Ending::Gone) => self.crashed(&text).await,
        }
    }

    /// Reads what it says until the program has ended.
    async fn listen(&mut self, said: &mut Vec<u8>) -> Ending {
        loop {
            let mut head = [0; HEAD_BYTES];
            if self.stdout.read_exact(&mut head).await.is_err() {
                return Ending::Gone;
            }
            let Some((kind, length)) = wire::read_head(head) else { return Ending::Broken("a frame of no kind") };
            let room = match kind {
                Kind::Output => self.limits.output_bytes_max as usize - said.len(),
                Kind::Done | Kind::Failed | Kind::OutOfTime | Kind::OutOfOutput => COMPLAINT_BYTES_MAX,
            };
            if length > room {
                return Ending::Broken("a frame that is too long");
            }
            let mut content = vec![0; length];
            if self.stdout.read_exact(&mut content).await.is_err() {
                return Ending::Gone;
            }
            if kind != Kind::Output {
                return Ending::Told(kind, String::from_utf8_lossy(&content).into_owned());
            }
            said.extend(content);
        }
    }

    /// What is said of a worker that ended before its program did.
    async fn crashed(&mut self, said: &str) -> CodeExecutionResult {
        let status = timeout(GRACE, self.child.wait()).await;
        let status = status.map_or_else(
            |_| "no end".to_owned(),
            |status| status.map_or_else(|error| error.to_string(), |it| it.to_string()),
        );
        let complaint = self.complaint().await;
        let mib = self.limits.memory_bytes_max >> 20;
        // The runtime of Rust says these two before it ends the process.
        if complaint.contains("memory allocation of ") {
            return failed(said, &format!("MemoryError: the program was stopped: it may use {mib} MiB\n"));
        }
        if complaint.contains("has overflowed its stack") {
            return failed(said, "RecursionError: the program was stopped: it nests too deeply\n");
        }
        tracing::warn!(status, complaint = complaint.trim(), "a worker ended before its program");
        failed(said, "SystemError: the interpreter failed\n")
    }

    /// The first of what it wrote to its standard error. It is ended for that.
    async fn complaint(&mut self) -> String {
        _ = self.child.start_kill();
        let mut complaint = Vec::new();
        let mut stderr = (&mut self.stderr).take(COMPLAINT_BYTES_MAX as u64);
        _ = timeout(GRACE, stderr.read_to_end(&mut complaint)).await;
        String::from_utf8_lossy(&complaint).into_owned()
    }
}

/// How a worker came to the end of its program.
#[derive(Debug)]
enum Ending {
    Told(Kind, String),
    Broken(&'static str),
    Gone,
}

/// The variable by which a worker knows that it is one.
pub(crate) const MARK: &str = "LIVE_CODE_WORKER";
/// The longest that a worker takes to get ready, on a machine that is busy.
const HELLO_TIME: Duration = Duration::from_secs(20);
/// How much longer than its time a program is waited for: the interpreter notices by itself, if it can, and tells what was said.
const GRACE: Duration = Duration::from_millis(500);
/// Bytes of what went wrong that are read.
const COMPLAINT_BYTES_MAX: usize = 8 << 10;
