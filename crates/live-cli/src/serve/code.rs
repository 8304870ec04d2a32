//! The flags of code execution, and the workers that they make.
//!
//! What a worker is and what holds it is in `live-code`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use live_code::{Limits, WorkerCommand, Workers};
use live_model::CodeExecutor;

/// The argument by which `live` is a worker.
pub(crate) const WORKER: &str = "code-worker";

/// What is told of code execution; what is not given is as docs/tools.md says.
#[derive(Debug, clap::Args)]
pub(crate) struct CodeArgs {
    /// Whether sessions may ask for `codeExecution`: auto is yes where workers work, on insists that they do
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    code_execution: When,

    /// The longest that code of a model runs
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    code_time: Duration,

    /// MiB of memory that it may use
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536), default_value_t = 256)]
    code_memory: u32,

    /// Bytes that it may put out
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=16_777_216), default_value_t = 65_536)]
    code_output: u32,

    /// How many programs run at once, in all sessions together; further ones wait
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), default_value_t = 4)]
    code_runs: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum When {
    Auto,
    On,
    Off,
}

impl CodeArgs {
    /// Who runs code, if anybody does; and a line that says so.
    pub(crate) async fn executor(&self) -> anyhow::Result<(Option<Arc<dyn CodeExecutor>>, String)> {
        let Self { code_execution, code_time, code_memory, code_output, code_runs } = *self;
        if code_execution == When::Off {
            return Ok((None, "code execution: off\n".to_owned()));
        }
        let limits = Limits {
            time: code_time,
            memory_bytes_max: u64::from(code_memory) << 20,
            output_bytes_max: code_output,
            runs_max: code_runs.into(),
            ..Limits::default()
        };
        match working(limits).await {
            Ok(workers) => {
                let told = format!("code execution: on, {code_time:?}, {code_memory} MiB, {code_runs} at once\n");
                Ok((Some(Arc::new(workers)), told))
            }
            Err(error) if code_execution == When::Auto => {
                Ok((None, format!("code execution: off, since workers do not work: {error:#}\n")))
            }
            Err(error) => Err(error.context("cannot run code (choose --code-execution off to do without)")),
        }
    }
}

/// Workers that have been seen to work.
pub(crate) async fn working(limits: Limits) -> anyhow::Result<Workers> {
    let command = WorkerCommand::this_program([WORKER]).context("the system does not say where this program is")?;
    let workers = Workers::new(command, limits)?;
    workers.check().await.map_err(anyhow::Error::msg)?;
    Ok(workers)
}

/// A time that a program can be given, at least a millisecond.
fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(1)..=Duration::from_secs(3600);
    if range.contains(&time) { Ok(time) } else { Err("it is to be between 1ms and 1h".to_owned()) }
}
