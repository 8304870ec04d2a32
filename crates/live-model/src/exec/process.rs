//! One run of a program: bytes in, bytes out, bounded in time and size, and gone when it is dropped.
//!
//! What the bytes mean is the caller's business.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::fault::Fault;

/// What a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest it may take nothing and give nothing while somebody waits for it. A program whose output nobody takes is not
    /// at fault.
    pub silence: Duration,
    /// The longest it may be waited for in all its run, however often it gives something.
    pub time: Duration,
    /// Bytes it may put out.
    pub output_bytes_max: usize,
    /// Runs of it at once; further ones wait their turn.
    pub processes_max: usize,
}

impl Default for Limits {
    /// 30 s of silence, 10 min in all; 64 MiB, which is 23 minutes of sound at 24 kHz; 32 runs.
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(30),
            time: Duration::from_secs(600),
            output_bytes_max: 64 << 20,
            processes_max: 32,
        }
    }
}

/// What is run.
#[derive(Debug)]
pub(super) struct Start {
    /// What faults call it.
    pub(super) name: String,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// What it reads.
    pub(super) input: Bytes,
    pub(super) limits: Limits,
    pub(super) permits: Arc<Semaphore>,
}

/// A program at work.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    group: Group,
    stdin: Option<ChildStdin>,
    input: Bytes,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// The end of what it wrote to its standard error.
    complaint: Vec<u8>,
    output_bytes: usize,
    /// For how long it was waited for.
    waited: Duration,
    limits: Limits,
    _permit: OwnedSemaphorePermit,
}

impl Process {
    /// Waits for its turn, then runs the program.
    pub(super) async fn start(start: Start) -> Result<Self, Fault> {
        let Start { name, program, arguments, environment, input, limits, permits } = start;
        let permit = match timeout(limits.silence, permits.acquire_owned()).await {
            Ok(permit) => permit.expect("nobody closes the semaphore"),
            Err(_) => {
                let (runs, silence) = (limits.processes_max, limits.silence);
                return Err(Fault::new(name, format!("{runs} runs at once, and none ended within {silence:?}")));
            }
        };
        let mut command = Command::new(&program);
        command.args(arguments).env_clear().kill_on_drop(true);
        // Keys of the server are in its environment; a program has no business with them.
        let kept = KEPT_ENVIRONMENT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.envs(kept).envs(environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts can be ended with it, and Ctrl-C is the server's alone.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| Fault::new(&name, explain(&program, &error)))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Self {
            name,
            group: Group { child },
            stdin: stdin.filter(|_| !input.is_empty()),
            input,
            stdout: stdout.expect("stdout is piped"),
            stderr,
            complaint: Vec::new(),
            output_bytes: 0,
            waited: Duration::ZERO,
            limits,
            _permit: permit,
        })
    }

    /// The next bytes of its output; `None` when it has ended well.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, Fault> {
        let (begun, left) = (Instant::now(), self.limits.time.saturating_sub(self.waited));
        let read = if left.is_zero() { None } else { timeout(left, self.read_on()).await.ok() };
        self.waited += begun.elapsed();
        read.unwrap_or_else(|| Err(self.fault(format!("it was not done within {:?}", self.limits.time))))
    }

    async fn read_on(&mut self) -> Result<Option<Bytes>, Fault> {
        let mut output = vec![0; CHUNK_BYTES];
        let mut complaint = [0; 1024];
        // Complaints are nothing that it gives.
        let mut patience = self.patience();
        loop {
            let step = timeout_at(patience, async {
                tokio::select! {
                    biased;
                    read = self.stdout.read(&mut output) => Step::Output(read),
                    read = read_some(self.stderr.as_mut(), &mut complaint) => Step::Complaint(read),
                    written = write_some(self.stdin.as_mut(), &self.input) => Step::Input(written),
                }
            });
            match step.await {
                Ok(Step::Output(Ok(0))) => return self.finish().await.map(|()| None),
                Ok(Step::Output(Ok(bytes))) => {
                    self.output_bytes += bytes;
                    if self.output_bytes > self.limits.output_bytes_max {
                        return Err(self.fault(format!("it put out more than {} bytes", self.limits.output_bytes_max)));
                    }
                    output.truncate(bytes);
                    return Ok(Some(output.into()));
                }
                Ok(Step::Output(Err(error))) => return Err(self.fault(format!("its output cannot be read: {error}"))),
                // One that never stops complaining leaves no moment in which time could run out.
                Ok(Step::Complaint(Ok(1..))) if patience < Instant::now() => return Err(self.gave_nothing()),
                Ok(Step::Complaint(Ok(bytes @ 1..))) => self.complain(&complaint[..bytes]),
                Ok(Step::Complaint(_)) => self.stderr = None,
                Ok(Step::Input(Ok(bytes))) => {
                    self.input.advance(bytes);
                    patience = self.patience();
                    if self.input.is_empty() {
                        // The end of its input.
                        self.stdin = None;
                    }
                }
                // It has read enough; whether it is content shows in its status.
                Ok(Step::Input(Err(_))) => self.stdin = None,
                Err(_) => return Err(self.gave_nothing()),
            }
        }
    }

    fn gave_nothing(&self) -> Fault {
        self.fault(format!("it gave nothing for {:?}", self.limits.silence))
    }

    fn patience(&self) -> Instant {
        let now = Instant::now();
        // For ever is some decades.
        now.checked_add(self.limits.silence).unwrap_or_else(|| now + FOR_EVER)
    }

    /// Waits for the end of a program whose output has ended.
    async fn finish(&mut self) -> Result<(), Fault> {
        self.stdin = None;
        let silence = self.limits.silence;
        let ended = timeout(silence, async {
            let mut complaint = [0; 1024];
            loop {
                tokio::select! {
                    biased;
                    read = read_some(self.stderr.as_mut(), &mut complaint) => match read {
                        Ok(bytes @ 1..) => self.complain(&complaint[..bytes]),
                        Ok(_) | Err(_) => self.stderr = None,
                    },
                    status = self.group.child.wait() => return status,
                }
            }
        })
        .await;
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.fault(format!("it failed with {status}"))),
            Ok(Err(error)) => Err(self.fault(format!("its end cannot be awaited: {error}"))),
            Err(_) => Err(self.fault(format!("it shut its output and did not end within {silence:?}"))),
        }
    }

    fn complain(&mut self, bytes: &[u8]) {
        self.complaint.extend_from_slice(bytes);
        let excess = self.complaint.len().saturating_sub(COMPLAINT_BYTES_MAX);
        self.complaint.drain(..excess);
    }

    /// What went wrong, with what the program said about it.
    pub(super) fn fault(&self, why: String) -> Fault {
        let complaint = String::from_utf8_lossy(&self.complaint);
        let complaint: Vec<&str> = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match complaint.as_slice() {
            [] => Fault::new(&self.name, why),
            lines => Fault::new(&self.name, format!("{why}; it says: {}", lines.join(" / "))),
        }
    }
}

enum Step {
    Output(io::Result<usize>),
    Complaint(io::Result<usize>),
    Input(io::Result<usize>),
}

/// Reads, or waits for ever for what is not there.
async fn read_some(from: Option<&mut ChildStderr>, bytes: &mut [u8]) -> io::Result<usize> {
    match from {
        Some(from) => from.read(bytes).await,
        None => std::future::pending().await,
    }
}

async fn write_some(to: Option<&mut ChildStdin>, bytes: &[u8]) -> io::Result<usize> {
    match to {
        Some(to) => to.write(bytes).await,
        None => std::future::pending().await,
    }
}

/// A child and all that it started.
#[derive(Debug)]
struct Group {
    child: Child,
}

impl Drop for Group {
    fn drop(&mut self) {
        // A child that was waited for has no number any more, and its number may be another's by now.
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may have ended by itself meanwhile.
            _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn explain(program: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        format!("there is no program {program:?}; install it, or name it with its path")
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        format!("{program:?} may not be run; check its permissions")
    } else {
        format!("{program:?} cannot be run: {error}")
    }
}

/// Bytes that are read at once: 0.7 s of sound at 24 kHz.
const CHUNK_BYTES: usize = 32 * 1024;
const FOR_EVER: Duration = Duration::from_secs(1 << 30);
/// Bytes of a program's complaints that are kept, the last ones.
const COMPLAINT_BYTES_MAX: usize = 2 * 1024;
/// What programs need to know of their surroundings.
const KEPT_ENVIRONMENT: &[&str] = &["HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ"];
