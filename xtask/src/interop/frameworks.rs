//! The suites of the frameworks: what agents are built with holds conversations with `live serve`, as shipped.
//! What a suite does is written in xtask/interop/frameworks.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, bail};

use super::client::{Outcome, forget_settings, watch};
use super::environment::{Environment, Workshop, python_of};
use super::server::{Build, Server};
use super::speech;
use crate::shell;
use crate::tally::Tally;

/// A framework of a certain version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Framework {
    name: &'static str,
    suite: &'static str,
    pins: &'static str,
}

const FRAMEWORKS: &[Framework] = &[
    Framework { name: "google-adk-2.13.0", suite: "frameworks/suite_adk.py", pins: "frameworks/requirements-adk.txt" },
    Framework {
        name: "pipecat-1.14.0",
        suite: "frameworks/suite_pipecat.py",
        pins: "frameworks/requirements-pipecat.txt",
    },
    Framework {
        name: "livekit-1.8.9",
        suite: "frameworks/suite_livekit.py",
        pins: "frameworks/requirements-livekit.txt",
    },
];

/// Sessions can be taken from a framework, and spoken answers are over eight times as fast.
const FLAGS: &[&str] = &["--clock", "x8", "--control-listen", "127.0.0.1:0"];

/// The environment of each, made if it is not there yet.
pub(super) fn environments(workshop: &Workshop<'_>) -> impl Iterator<Item = (&'static str, Result<Environment>)> {
    FRAMEWORKS.iter().map(|framework| (framework.name, framework.environment(workshop)))
}

/// Runs all suites at the same time, each against a server of its own.
pub(super) fn run(release: bool, only: &str, workshop: &Workshop<'_>) -> Result<Tally> {
    let mut total = Tally::default();
    let mut ready = Vec::new();
    for framework in FRAMEWORKS {
        match framework.environment(workshop)? {
            Ok(directory) => ready.push((framework, python_of(&directory))),
            Err(why) => total.skip(1, format!("all cases of {}: {why}", framework.name)),
        }
    }
    if ready.is_empty() {
        return Ok(total);
    }
    let build = Build::new(workshop, release)?;
    let data = workshop.scratch()?;
    let mut servers = Vec::new();
    for (framework, _) in &ready {
        servers.push(Server::start(&build, &data, framework.name, FLAGS)?);
    }
    let speech = speech::record(&build, &servers[0], &data)?;
    let outcomes: Vec<Result<Outcome>> = thread::scope(|scope| {
        let runs: Vec<_> = ready
            .iter()
            .zip(&servers)
            .map(|((framework, python), server)| {
                let speech = &speech;
                scope.spawn(move || framework.run(python, server, speech, only, workshop))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("a suite is run without panics")).collect()
    });
    let mut failures = Vec::new();
    for outcome in outcomes {
        let outcome = outcome?;
        total.add(outcome.tally);
        failures.extend(outcome.failures);
    }
    if total.passed + total.failed == 0 {
        bail!("no case has \"{only}\" in its name");
    }
    let trouble = !failures.is_empty();
    for server in servers {
        total.add(server.stop(trouble)?);
    }
    // Once more below the logs, where a reader looks first.
    failures.iter().for_each(|failure| println!("{failure}"));
    if total.failed == 0 {
        fs::remove_dir_all(&data).context("failed to remove the directory of the run")?;
    }
    Ok(total)
}

impl Framework {
    fn environment(&self, workshop: &Workshop<'_>) -> Result<Environment> {
        workshop.python(self.name, self.pins)
    }

    fn run(
        &self,
        python: &Path,
        server: &Server,
        speech: &Path,
        only: &str,
        workshop: &Workshop<'_>,
    ) -> Result<Outcome> {
        let control = server.addresses.control_url.as_ref().context("a server did not say where it is controlled")?;
        let mut command = shell::command(python, &workshop.repository.root);
        forget_settings(&mut command);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("OTEL_SDK_DISABLED", "true")
            .env("SSL_CERT_FILE", std::path::absolute(&server.addresses.certificate)?)
            .env("FRAMEWORK_URL", &server.addresses.tls_url)
            .env("FRAMEWORK_CONTROL", control)
            .env("FRAMEWORK_SPEECH", std::path::absolute(speech)?)
            .env("INTEROP_ONLY", only)
            .arg(workshop.source(self.suite));
        watch(self.name, command.stdin(Stdio::null()))
    }
}
