//! What became of a program, as the wire says it.
//!
//! How it is found out is in `process`.

use live_proto::{CodeExecutionResult, Outcome};

/// A result.
pub(crate) fn result(outcome: Outcome, output: impl Into<String>) -> CodeExecutionResult {
    CodeExecutionResult { outcome, output: output.into(), ..CodeExecutionResult::default() }
}

/// A failure: what the program had said, and behind it what went wrong.
pub(crate) fn failed(said: &str, why: &str) -> CodeExecutionResult {
    result(Outcome::Failed, behind(said, why))
}

/// `why` on a line of its own behind `said`.
pub(crate) fn behind(said: &str, why: &str) -> String {
    let break_ = if said.is_empty() || said.ends_with('\n') { "" } else { "\n" };
    format!("{said}{break_}{why}")
}
