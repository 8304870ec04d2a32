//! Runs the Python that a model writes, in worker processes with limits: the `codeExecution` tool.
//!
//! [`Workers`] is the host's side, a [`CodeExecutor`](live_model::CodeExecutor): it starts a process for each program, and whatever
//! becomes of that process, the result says so. [`run_worker`] is the other side, where the interpreter is; docs/tools.md says what
//! a program can do there. Not here: when a model writes code, which is `live-model`'s.

mod limits;
mod outcome;
mod process;
mod python;
mod rlimit;
mod wire;
mod worker;
mod workers;

pub use self::limits::Limits;
pub use self::process::WorkerCommand;
pub use self::worker::run_worker;
pub use self::workers::{Unavailable, Workers};
