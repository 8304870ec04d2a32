//! `cargo xtask fuzz`: the cargo-fuzz targets of `fuzz/`, run for a while each, with a table of what came out.
//! It installs nothing; the committed corpora are replayed by plain tests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::shell::{self, Tee};
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which target to run; all of them if none is named.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets one after the other; a finding fails the command.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let fuzz = repository.root.join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).context("failed to read fuzz/Cargo.toml")?;
    let known = targets(&manifest)?;
    let chosen = match &args.target {
        Some(target) if !known.contains(target) => bail!("no target {target}; there are: {}", known.join(", ")),
        Some(target) => vec![target.clone()],
        None => known,
    };
    let toolchain = toolchain()?;

    let mut tally = Tally::default();
    let mut table = vec![row("target", "seconds", "executions", "findings")];
    for target in &chosen {
        let outcome = run_target(target, args.seconds, toolchain, &fuzz)?;
        let Outcome { executions, seconds, findings } = &outcome;
        table.push(row(target, &seconds.to_string(), &executions.to_string(), &findings.len().to_string()));
        table.extend(findings.iter().map(|finding| format!("  {finding}")));
        tally.add(Tally::one(outcome.is_clean()));
    }
    println!("\n{}", table.join("\n"));
    Ok(tally)
}

/// Coverage instrumentation needs unstable compiler flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Toolchain {
    Nightly,
    /// The stable compiler, told to accept unstable flags.
    Bootstrap,
}

fn toolchain() -> Result<Toolchain> {
    let toolchains = shell::read(shell::command("rustup", Path::new(".")).args(["toolchain", "list"]));
    let toolchain = match toolchains {
        Ok(list) if list.lines().any(|line| line.starts_with("nightly")) => Toolchain::Nightly,
        Ok(_) | Err(_) => Toolchain::Bootstrap,
    };
    let mut probe = cargo_fuzz(toolchain, Path::new("."));
    if shell::read(probe.arg("--version")).is_err() {
        bail!("cargo-fuzz is missing; install it with `cargo xtask setup --fuzz`");
    }
    Ok(toolchain)
}

fn cargo_fuzz(toolchain: Toolchain, directory: &Path) -> std::process::Command {
    match toolchain {
        Toolchain::Nightly => {
            let mut rustup = shell::command("rustup", directory);
            rustup.args(["run", "nightly", "cargo", "fuzz"]);
            rustup
        }
        Toolchain::Bootstrap => {
            let mut cargo = shell::cargo(directory);
            cargo.arg("fuzz").env("RUSTC_BOOTSTRAP", "1");
            cargo
        }
    }
}

/// New inputs go to a directory that git ignores; the committed corpus is only read.
fn run_target(target: &str, seconds: u32, toolchain: Toolchain, fuzz: &Path) -> Result<Outcome> {
    let found = fuzz.join("target/corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("failed to create {}", found.display()))?;
    let mut command = cargo_fuzz(toolchain, fuzz);
    command.args(["run", target]).arg(&found);
    let committed = fuzz.join("corpus").join(target);
    if committed.is_dir() {
        command.arg(committed);
    }
    command.args(["--", "-print_final_stats=1", &format!("-max_total_time={seconds}")]);
    let mut outcome = Outcome::default();
    let succeeded = shell::tee(&mut command, Tee::Stderr, |line| outcome.see(line))?;
    if !succeeded && outcome.findings.is_empty() {
        outcome.findings.push("stopped without an input: see above".to_owned());
    }
    Ok(outcome)
}

/// What libFuzzer said about one run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    seconds: u64,
    findings: Vec<String>,
}

impl Outcome {
    fn see(&mut self, line: &str) {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(self.executions);
        } else if let Some(rest) = line.strip_prefix("Done ") {
            let seconds = rest.split_whitespace().rev().nth(1).and_then(|word| word.parse().ok());
            self.seconds = seconds.unwrap_or(self.seconds);
        } else if let Some((_, artifact)) = line.split_once("Test unit written to ") {
            self.findings.push(artifact.trim().to_owned());
        }
    }

    fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// The names of the `[[bin]]` tables.
fn targets(manifest: &str) -> Result<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        #[serde(default)]
        bin: Vec<Bin>,
    }
    #[derive(serde::Deserialize)]
    struct Bin {
        name: String,
    }
    let Manifest { bin } = toml::from_str(manifest).context("failed to read fuzz/Cargo.toml")?;
    Ok(bin.into_iter().map(|bin| bin.name).collect())
}

fn row(target: &str, seconds: &str, executions: &str, findings: &str) -> String {
    format!("{target:<20} {seconds:>8} {executions:>14} {findings:>9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_the_binaries() {
        let manifest = "[package]\nname = 'fuzz'\n[[bin]]\nname = 'client_json'\n[[bin]]\nname = 'convert'\n";
        assert_eq!(targets(manifest).expect("it is toml"), ["client_json", "convert"]);
    }

    #[test]
    fn a_clean_run_is_read_from_the_closing_lines() {
        let mut outcome = Outcome::default();
        for line in [
            "#2\tINITED cov: 40 ft: 41 corp: 1/1b exec/s: 0 rss: 31Mb",
            "Done 1048576 runs in 61 second(s)",
            "stat::number_of_executed_units: 1048576",
        ] {
            outcome.see(line);
        }
        assert_eq!(outcome, Outcome { executions: 1_048_576, seconds: 61, findings: Vec::new() });
        assert!(outcome.is_clean());
    }

    #[test]
    fn an_input_that_was_written_is_a_finding() {
        let mut outcome = Outcome::default();
        outcome.see("artifact_prefix='artifacts/'; Test unit written to artifacts/client_json/crash-1f2e");
        assert_eq!(outcome.findings, ["artifacts/client_json/crash-1f2e"]);
        assert!(!outcome.is_clean());
    }
}
