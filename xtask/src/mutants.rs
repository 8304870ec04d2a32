//! `cargo xtask mutants`: breaks the code on purpose, one fault at a time, and demands that a test notices.
//! The faults are data, in `mutants/`; what is broken is a copy of the tree under the target directory.

mod fault;
mod scratch;

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Result, bail};

use self::fault::Fault;
use self::scratch::{Outcome, Scratch};
use crate::repository::Repository;
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the fault of this name; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Shows the faults and runs nothing.
    #[arg(long)]
    list: bool,
}

/// Commits each fault in turn; one that no test notices fails the command, and so does one that does not compile.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let faults = chosen(Fault::all()?, &args.only)?;
    if args.list {
        print!("{}", fault::table(&faults));
        return Ok(Tally::default());
    }
    let scratch = Scratch::copy_of(repository)?;
    let mut tally = Tally::default();
    let mut sound = BTreeSet::new();
    for fault in &faults {
        for command in &fault.caught_by {
            if sound.insert(command) {
                let outcome = scratch.attempt(command)?;
                let Outcome::Passed(1..) = outcome else { bail!("without a fault `cargo {command}` {outcome}") };
            }
            let started = Instant::now();
            let outcome = scratch.with(fault, || scratch.attempt(command))?;
            let (verdict, seconds) = (verdict(&outcome), started.elapsed().as_secs_f64());
            println!("{verdict:<8} {:<34} {outcome} ({seconds:.0} s)", fault.name);
            tally.add(Tally::one(is_caught(&outcome)));
        }
    }
    Ok(tally)
}

fn chosen(faults: Vec<Fault>, only: &[String]) -> Result<Vec<Fault>> {
    if let Some(unknown) = only.iter().find(|name| !faults.iter().any(|fault| fault.name == **name)) {
        bail!("no fault is named {unknown}; see --list");
    }
    Ok(faults.into_iter().filter(|fault| only.is_empty() || only.contains(&fault.name)).collect())
}

fn is_caught(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(_) | Outcome::Hung => true,
        Outcome::Unbuilt | Outcome::Passed(_) => false,
    }
}

fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(_) | Outcome::Hung => "caught",
        Outcome::Passed(_) => "SURVIVED",
        Outcome::Unbuilt => "UNBUILT",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use anyhow::Context as _;

    use super::*;

    /// `UPDATE_EXPECT=1` rewrites it.
    #[test]
    fn the_documentation_lists_the_faults() -> Result<()> {
        const MARKS: [&str; 2] = ["<!-- generated: faults -->\n", "<!-- end: faults -->"];
        let path = Repository::open().root.join("docs/testing.md");
        let text = fs::read_to_string(&path)?;
        let (before, rest) = text.split_once(MARKS[0]).context("it says where the list begins")?;
        let (listed, after) = rest.split_once(MARKS[1]).context("it says where the list ends")?;
        let table = fault::table(&Fault::all()?);
        if listed != table && std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, [before, MARKS[0], &table, MARKS[1], after].concat())?;
        } else {
            assert_eq!(listed, table, "UPDATE_EXPECT=1 rewrites docs/testing.md");
        }
        Ok(())
    }

    #[test]
    fn a_fault_is_caught_by_a_test_that_fails_or_never_ends() {
        let outcomes = [Outcome::Failed(vec!["a".into()]), Outcome::Hung, Outcome::Passed(3), Outcome::Unbuilt];
        assert_eq!(outcomes.map(|outcome| is_caught(&outcome)), [true, true, false, false]);
    }

    #[test]
    fn a_name_that_is_not_known_is_told() -> Result<()> {
        let error = chosen(Fault::all()?, &["nothing-like-it".into()]).expect_err("there is none");
        assert!(error.to_string().contains("nothing-like-it"), "{error}");
        let first = Fault::all()?.swap_remove(0).name;
        assert_eq!(chosen(Fault::all()?, std::slice::from_ref(&first))?.len(), 1);
        Ok(())
    }
}
