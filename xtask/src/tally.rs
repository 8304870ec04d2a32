//! What a command counted: tests passed, failed and skipped, and the line that says so.
//! How the counts come about is the business of each command.

use std::fmt;
use std::process::ExitCode;

/// Tests passed, failed and skipped; each skip with its reason.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: Vec<Skip>,
}

/// Tests that did not run, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skip {
    count: u64,
    why: String,
}

impl Tally {
    /// So many tests passed, so many failed.
    pub(crate) fn of(passed: u64, failed: u64) -> Self {
        Self { passed, failed, skipped: Vec::new() }
    }

    /// One test that passed.
    pub(crate) fn pass() -> Self {
        Self::of(1, 0)
    }

    /// One test that failed.
    pub(crate) fn fail() -> Self {
        Self::of(0, 1)
    }

    /// One test, passed or failed.
    pub(crate) fn one(passed: bool) -> Self {
        if passed { Self::pass() } else { Self::fail() }
    }

    /// Records tests that did not run, and says so at once.
    pub(crate) fn skip(&mut self, count: u64, why: impl Into<String>) {
        if count == 0 {
            return;
        }
        let why = why.into();
        println!("skipped {count}: {why}");
        self.skipped.push(Skip { count, why });
    }

    /// Adds the counts of another part.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { passed, failed, skipped } = other;
        self.passed += passed;
        self.failed += failed;
        self.skipped.extend(skipped);
    }

    /// Prints what was skipped, then the closing line.
    pub(crate) fn print(self) -> Self {
        println!();
        for Skip { count, why } in &self.skipped {
            println!("skipped {count}: {why}");
        }
        println!("{self}");
        self
    }

    /// Success unless something failed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        let skipped: u64 = self.skipped.iter().map(|skip| skip.count).sum();
        if skipped > 0 {
            write!(f, ", {skipped} skipped")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_sums_all_parts() {
        let mut tally = Tally::of(3, 1);
        tally.add(Tally::pass());
        tally.add(Tally::fail());
        assert_eq!(tally.to_string(), "4 passed, 2 failed");
    }

    #[test]
    fn the_closing_line_counts_skips_only_when_there_are_some() {
        let mut tally = Tally::pass();
        tally.skip(0, "nothing to skip");
        assert_eq!(tally.to_string(), "1 passed, 0 failed");
        tally.skip(2, "node is missing");
        assert_eq!(tally.to_string(), "1 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn a_failure_fails_the_command_and_a_skip_does_not() {
        let mut tally = Tally::pass();
        tally.skip(1, "node is missing");
        assert_eq!(tally.exit_code(), ExitCode::SUCCESS);
        tally.add(Tally::one(false));
        assert_eq!(tally.exit_code(), ExitCode::FAILURE);
    }
}
