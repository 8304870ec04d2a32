//! `cargo xtask ci`: everything that a change must pass, in one run, with its times and counts.
//! A step that fails does not stop the next one: one run shows all that is wrong.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::repository::Repository;
use crate::tally::Tally;
use crate::tidy::PURE;
use crate::{features, interop, shell, sim, test, tidy};

/// Runs all steps, quickest first, and sums what they counted.
pub(crate) fn run(repository: &Repository) -> Result<Tally> {
    let mut report = Vec::new();
    let mut total = Tally::default();
    for (name, step) in STEPS {
        println!("\n== {name}");
        let started = Instant::now();
        let tally = step(repository).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally::fail()
        });
        report.push(report_line(name, &tally, started.elapsed()));
        total.add(tally);
    }
    println!("\n{}", report.join("\n"));
    Ok(total)
}

type Step = fn(&Repository) -> Result<Tally>;

const STEPS: &[(&str, Step)] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("alone", alone),
    ("docs", docs),
    ("test", test::run),
    ("sim", sim::all),
    ("interop", interop::all),
];

fn fmt(repository: &Repository) -> Result<Tally> {
    let mut tally = cargo(repository, &["fmt", "--all", "--check"])?;
    tally.add(cargo(repository, &["fmt", "--manifest-path", FUZZ, "--check"])?);
    Ok(tally)
}

fn clippy(repository: &Repository) -> Result<Tally> {
    let all = ["clippy", "--workspace", "--keep-going", "--all-targets"];
    let mut tally = cargo(repository, &[&all, features::arguments(), &["--", "-D", "warnings"]].concat())?;
    tally.add(features::skipped());
    tally.add(cargo(repository, &["clippy", "--manifest-path", FUZZ, "--", "-D", "warnings"])?);
    Ok(tally)
}

/// In the workspace one crate's features serve all; here each pure crate has only its own.
fn alone(repository: &Repository) -> Result<Tally> {
    let mut tally = Tally::default();
    for name in PURE {
        tally.add(cargo(repository, &["check", "--package", name, "--no-default-features"])?);
    }
    Ok(tally)
}

fn docs(repository: &Repository) -> Result<Tally> {
    let mut cargo = shell::cargo(&repository.root);
    cargo
        .args(["doc", "--workspace", "--keep-going", "--no-deps"])
        .args(features::arguments())
        .env("RUSTDOCFLAGS", "-D warnings");
    shell::succeeds(&mut cargo).map(Tally::one)
}

fn cargo(repository: &Repository, arguments: &[&str]) -> Result<Tally> {
    shell::succeeds(shell::cargo(&repository.root).args(arguments)).map(Tally::one)
}

/// The fuzz targets are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

fn report_line(name: &str, tally: &Tally, time: Duration) -> String {
    format!("{name:<8} {:>6.1} s  {tally}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_reported_with_its_time_and_counts() {
        let line = report_line("tidy", &Tally::pass(), Duration::from_millis(1240));
        assert_eq!(line, "tidy        1.2 s  1 passed, 0 failed");
    }
}
