//! `cargo xtask sim`: worlds in virtual time by their seeds, many at once or one with its trace.
//! The worlds and their judge are `live-sim`'s; here it is built fast, run, and its closing line counted.

use anyhow::Result;

use crate::repository::Repository;
use crate::shell::{self, Tee};
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = SEEDS)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads; one for each core if it is not said.
    #[arg(long)]
    jobs: Option<usize>,
    /// Runs this one and prints its trace.
    #[arg(long, conflicts_with_all = ["seeds", "from", "jobs", "day"])]
    seed: Option<u64>,
    /// Runs a session of 24 hours, and says how long it took.
    #[arg(long, conflicts_with_all = ["seeds", "from", "jobs"])]
    day: bool,
}

/// What every change is tested with.
const SEEDS: u64 = 1_000;

/// The seeds of every change, and one day.
pub(crate) fn all(repository: &Repository) -> Result<Tally> {
    let many = Args { seeds: SEEDS, from: 0, jobs: None, seed: None, day: false };
    let mut tally = run(&many, repository)?;
    tally.add(run(&Args { day: true, ..many }, repository)?);
    Ok(tally)
}

/// Runs what is asked for; each world is a test.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let mut cargo = shell::cargo(&repository.root);
    cargo.args(["run", "--package", "live-sim", "--profile", "sim", "--"]).args(arguments(args));
    let mut counted = None;
    let succeeded = shell::tee(&mut cargo, Tee::Stdout, |line| counted = count(line).or(counted))?;
    Ok(match counted {
        Some((passed, failed)) => Tally::of(passed, if succeeded { failed } else { failed.max(1) }),
        // One world, or none because nothing was built.
        None => Tally::one(succeeded),
    })
}

fn arguments(args: &Args) -> Vec<String> {
    let Args { seeds, from, jobs, seed, day } = args;
    if *day {
        return vec!["--day".to_owned()];
    }
    if let Some(seed) = seed {
        return vec![format!("--seed={seed}")];
    }
    let jobs = jobs.map(|jobs| format!("--jobs={jobs}"));
    [format!("--seeds={seeds}"), format!("--from={from}")].into_iter().chain(jobs).collect()
}

/// Reads `1000 worlds passed, 0 failed`.
fn count(line: &str) -> Option<(u64, u64)> {
    let (passed, failed) = line.split_once(" worlds passed, ")?;
    Some((passed.parse().ok()?, failed.strip_suffix(" failed")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_world_is_counted() {
        assert_eq!(count("998 worlds passed, 2 failed"), Some((998, 2)));
        assert_eq!(count("seeds 0..1000 in 0.7 s, 0.740 ms a world and core"), None);
    }

    #[test]
    fn a_seed_and_a_day_stand_alone() {
        let many = Args { seeds: 5, from: 7, jobs: Some(1), seed: None, day: false };
        assert_eq!(arguments(&many), ["--seeds=5", "--from=7", "--jobs=1"]);
        assert_eq!(arguments(&Args { seed: Some(3), ..many }), ["--seed=3"]);
        assert_eq!(arguments(&Args { seeds: 5, from: 7, jobs: None, seed: None, day: true }), ["--day"]);
    }
}
