//! Workers to try things on, and what became of a program in one line.

use live_code::{Limits, WorkerCommand, Workers};
use live_model::CodeExecutor as _;
use live_proto::{CodeExecutionResult, ExecutableCode, Language};

/// The program that is a worker.
pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_live-code-worker");

pub(crate) fn command() -> WorkerCommand {
    WorkerCommand::new(WORKER, [""; 0])
}

pub(crate) fn workers(limits: Limits) -> Workers {
    Workers::new(command(), limits).expect("this is no worker")
}

pub(crate) fn python(code: impl Into<String>) -> ExecutableCode {
    ExecutableCode { language: Language::Python, code: code.into(), ..ExecutableCode::default() }
}

pub(crate) async fn run(workers: &Workers, code: impl Into<String>) -> CodeExecutionResult {
    workers.run(python(code)).await
}
