//! Runs the Python that a model writes, in worker processes with limits: the `codeExecution` tool.
//!
//! [`Workers`] is the host's side, a [`CodeExecutor`](live_model::CodeExecutor): it starts a process for each program, and whatever
//! becomes of that process, the result says so. [`run_worker`] is the other side, where the interpreter is; docs/tools.md says what
//! a program can do there. Not here: when a model writes code, which is `live-model`'s.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! use live_code::{Limits, WorkerCommand, Workers};
//! use live_model::{BuiltIns, Embedded};
//!
//! fn main() -> ExitCode {
//!     // The program is its own worker.
//!     if std::env::args().nth(1).as_deref() == Some("code-worker") {
//!         return live_code::run_worker();
//!     }
//!     let command = WorkerCommand::this_program(["code-worker"]).expect("the system knows this program");
//!     let workers = Workers::new(command, Limits::default()).expect("this is Unix");
//!     let built_ins = BuiltIns { code: Some(Arc::new(workers)), ..BuiltIns::default() };
//!     let model = Embedded::default().built_ins(built_ins);
//!     // The model goes into a server.
//! #   _ = model;
//!     ExitCode::SUCCESS
//! }
//! ```

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
