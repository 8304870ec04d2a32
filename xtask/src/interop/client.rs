//! The clients that are tested: which environment each one needs, and how its suite is run and counted.
//! What a suite does is written in xtask/interop/python and xtask/interop/js.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use super::environment::{Environment, Workshop, python_of};
use super::server::Addresses;
use crate::shell;
use crate::tally::Tally;

/// An SDK of a certain version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Client {
    #[value(name = "python-3.4.0")]
    Python3,
    #[value(name = "python-2.34.0")]
    Python2,
    #[value(name = "js-2.32.0")]
    JavaScript,
}

/// The key that one of the servers asks for.
pub(super) const KEY: &str = "interop-key";

/// What the suites are run against, and which of their cases.
pub(super) struct Selection<'a> {
    pub(super) open: &'a Addresses,
    pub(super) keyed: &'a Addresses,
    pub(super) lenient: &'a Addresses,
    /// With documents to search, pages to read, and little time for code.
    pub(super) equipped: &'a Addresses,
    /// Host and port of the pages.
    pub(super) pages: &'a str,
    /// Of this client alone: its time is moved, for all of its sessions.
    pub(super) timed: &'a Addresses,
    /// A WAV file with somebody's words.
    pub(super) speech: &'a Path,
    pub(super) only: &'a str,
}

impl Client {
    pub(super) const ALL: &'static [Self] = &[Self::Python3, Self::Python2, Self::JavaScript];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Python3 => "python-3.4.0",
            Self::Python2 => "python-2.34.0",
            Self::JavaScript => "js-2.32.0",
        }
    }

    /// The environment of this client, made if it is not there yet.
    pub(super) fn environment(self, workshop: &Workshop<'_>) -> Result<Environment> {
        match self {
            Self::Python3 => workshop.python(self.name(), "python/requirements-3.4.0.txt"),
            Self::Python2 => workshop.python(self.name(), "python/requirements-2.34.0.txt"),
            Self::JavaScript => workshop.node(self.name(), "js"),
        }
    }

    /// Runs the suite of this client; each line it prints is shown with the name of the client.
    pub(super) fn run(self, environment: &Path, selection: &Selection<'_>, workshop: &Workshop<'_>) -> Result<Outcome> {
        let mut command = self.command(environment, workshop)?;
        tell(&mut command, selection);
        watch(self.name(), command.arg(workshop.source("cases.json")).stdin(Stdio::null()))
    }

    fn command(self, environment: &Path, workshop: &Workshop<'_>) -> Result<Command> {
        let root = &workshop.repository.root;
        match self {
            Self::Python3 | Self::Python2 => {
                let mut command = shell::command(python_of(environment), root);
                command.arg(workshop.source("python/suite.py")).env("PYTHONDONTWRITEBYTECODE", "1");
                Ok(command)
            }
            Self::JavaScript => {
                // Modules are looked up from where the importing file lies.
                for file in ["suite.mjs", "session.mjs", "turn.mjs"] {
                    let source = workshop.source("js").join(file);
                    fs::copy(&source, environment.join(file)).with_context(|| format!("failed to copy {file}"))?;
                }
                let mut command = shell::command("node", root);
                command.arg(environment.join("suite.mjs"));
                Ok(command)
            }
        }
    }
}

/// What a suite came to, and its failures as they were shown.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) failures: Vec<String>,
}

/// Runs a suite to its end; counts its cases and shows each with the name of the suite, and other lines as they are.
pub(super) fn watch(name: &str, command: &mut Command) -> Result<Outcome> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start the suite of {name}"))?;
    let errors = child.stderr.take().expect("stderr was piped");
    let errors = thread::spawn(move || BufReader::new(errors).lines().map_while(Result::ok).collect::<Vec<_>>());
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("stdout was piped")).lines() {
        let line = line.context("failed to read the output of a suite")?;
        let line = counts.see(&line);
        println!("{}", line.shown(name));
        if matches!(line, Line::Failed(_)) {
            failures.push(line.shown(name));
        }
    }
    let succeeded = child.wait()?.success();
    let errors = errors.join().expect("reading lines does not panic");
    let verdict = counts.verdict(succeeded);
    // Chatter of a run that went well is no news.
    if verdict.is_err() || counts.failed > 0 {
        errors.iter().for_each(|line| println!("{name}: {line}"));
    }
    let tally = verdict.unwrap_or_else(|why| {
        let failure = format!("not ok {name} suite: {why}");
        println!("{failure}");
        failures.push(failure);
        Tally { passed: counts.passed, failed: counts.failed + 1, ..Tally::default() }
    });
    Ok(Outcome { tally, failures })
}

/// Removes what would lead an SDK or its sockets elsewhere.
pub(super) fn forget_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_misleading) {
            command.env_remove(name);
        }
    }
}

/// Sets what the server told to set, and nothing else.
fn tell(command: &mut Command, selection: &Selection<'_>) {
    forget_settings(command);
    let Selection { open, keyed, lenient, equipped, pages, timed, speech, only } = *selection;
    let absolute: PathBuf = std::path::absolute(&open.certificate).unwrap_or_else(|_| open.certificate.clone());
    command
        .env("GOOGLE_GEMINI_BASE_URL", &open.tls_url)
        .env("GOOGLE_VERTEX_BASE_URL", &open.tls_url)
        .env("SSL_CERT_FILE", &absolute)
        .env("NODE_EXTRA_CA_CERTS", &absolute)
        .env("INTEROP_PLAIN_URL", &open.plain_url)
        .env("INTEROP_KEYED_URL", &keyed.tls_url)
        .env("INTEROP_LENIENT_URL", &lenient.tls_url)
        .env("INTEROP_EQUIPPED_URL", &equipped.tls_url)
        .env("INTEROP_PAGES_URL", format!("http://{pages}"))
        .env("INTEROP_TIMED_URL", &timed.tls_url)
        .env("INTEROP_CONTROL_URL", timed.control_url.as_deref().unwrap_or_default())
        .env("INTEROP_SPEECH", std::path::absolute(speech).unwrap_or_else(|_| speech.to_path_buf()))
        .env("INTEROP_KEY", KEY)
        .env("INTEROP_ONLY", only);
}

fn is_misleading(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("GOOGLE_") || name.starts_with("GEMINI_") || name.ends_with("_PROXY")
}

/// What the lines of a suite add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    /// What the suite itself says at its end.
    closing: Option<String>,
}

/// A line that a suite printed.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Passed(&'a str),
    Failed(&'a str),
    Other(&'a str),
}

impl Line<'_> {
    fn shown(&self, name: &str) -> String {
        match self {
            Self::Passed(text) => format!("ok {name} {text}"),
            Self::Failed(text) => format!("not ok {name} {text}"),
            Self::Other(text) => format!("{name}: {text}"),
        }
    }
}

impl Counts {
    /// Counts `ok ...` and `not ok ...`; keeps `N passed, N failed`.
    fn see<'a>(&mut self, line: &'a str) -> Line<'a> {
        if let Some(text) = line.strip_prefix("ok ") {
            self.passed += 1;
            return Line::Passed(text);
        }
        if let Some(text) = line.strip_prefix("not ok ") {
            self.failed += 1;
            return Line::Failed(text);
        }
        if line.ends_with(" failed") {
            self.closing = Some(line.to_owned());
        }
        Line::Other(line)
    }

    /// A suite that died, or whose own count is another one, is a failure of its own.
    fn verdict(&self, succeeded: bool) -> Result<Tally> {
        let tally = Tally { passed: self.passed, failed: self.failed, ..Tally::default() };
        let Some(closing) = &self.closing else { bail!("ended before its closing line") };
        if *closing != tally.to_string() {
            bail!("counts {closing:?}, but {tally} were seen");
        }
        if succeeded != (self.failed == 0) {
            bail!("its exit code contradicts its count: {tally}");
        }
        Ok(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        for line in lines {
            counts.see(line);
        }
        counts
    }

    #[test]
    fn cases_are_counted_and_shown_with_their_suite() {
        let mut counts = Counts::default();
        let line = counts.see("not ok gemini: text turn: no end after 30 s");
        assert_eq!(line.shown("js-2.32.0"), "not ok js-2.32.0 gemini: text turn: no end after 30 s");
        assert_eq!(counts.see("chatter").shown("js-2.32.0"), "js-2.32.0: chatter");
        assert_eq!(counts, Counts { passed: 0, failed: 1, closing: None });
    }

    #[test]
    fn a_complete_run_is_taken_at_its_word() {
        let counts = counted(&["ok a", "not ok b: why", "1 passed, 1 failed"]);
        assert_eq!(counts.verdict(false).expect("consistent").to_string(), "1 passed, 1 failed");
    }

    #[test]
    fn a_suite_that_dies_or_miscounts_is_a_failure() {
        assert!(counted(&["ok a"]).verdict(true).is_err());
        assert!(counted(&["ok a", "2 passed, 0 failed"]).verdict(true).is_err());
        assert!(counted(&["ok a", "1 passed, 0 failed"]).verdict(false).is_err());
    }

    #[test]
    fn a_selection_that_matches_nothing_passes_nothing() {
        assert_eq!(counted(&["0 passed, 0 failed"]).verdict(true).expect("consistent"), Tally::default());
    }

    #[test]
    fn settings_of_the_caller_do_not_reach_the_sdk() {
        assert!(is_misleading("GOOGLE_API_KEY"));
        assert!(is_misleading("https_proxy"));
        assert!(!is_misleading("PATH"));
    }
}
