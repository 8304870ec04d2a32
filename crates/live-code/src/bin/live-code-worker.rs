//! A program that is a worker and nothing else, for hosts that do not run themselves as one.

use std::process::ExitCode;

fn main() -> ExitCode {
    live_code::run_worker()
}
