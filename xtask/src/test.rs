//! `cargo xtask test`: everything that a fresh machine with Rust alone can test, counted.
//! The tests against foreign SDKs need more than Rust: see `interop`.

use anyhow::Result;

use crate::repository::Repository;
use crate::shell::{self, Tee};
use crate::tally::Tally;
use crate::{codegen, features};

/// Runs unit, integration and documentation tests of all crates, and checks the generated code.
pub(crate) fn run(repository: &Repository) -> Result<Tally> {
    let mut total = Tally::default();
    let mut cargo = shell::cargo(&repository.root);
    cargo.args(["test", "--workspace", "--no-fail-fast"]).args(features::arguments());
    let mut counts = Counts::default();
    let succeeded = shell::tee(&mut cargo, Tee::Stdout, |line| counts.see(line))?;
    let skipped = std::mem::take(&mut counts.skipped);
    let mut tally = counts.tally(succeeded);
    for why in skipped {
        tally.skip(1, why);
    }
    total.add(tally);
    total.add(generated_code(repository));
    Ok(total)
}

/// One test: the generated code is what the generator writes.
fn generated_code(repository: &Repository) -> Tally {
    let outcome = codegen::run(&repository.root, &codegen::Args { check: true });
    match &outcome {
        Ok(files) => println!("generated code: {files} files are up to date"),
        Err(error) => println!("generated code: {error:#}"),
    }
    Tally::one(outcome.is_ok())
}

/// The sums of the closing lines of all test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Why tests did not run that their harness counts as passed, each reason once.
    skipped: Vec<String>,
}

impl Counts {
    /// Adds `test result: ok. 5 passed; 0 failed; 1 ignored; ...` and `test skipped: ...`; other lines count nothing.
    fn see(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("test skipped: ") {
            if !self.skipped.iter().any(|known| known == why) {
                self.skipped.push(why.to_owned());
            }
            return;
        }
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// A run that failed without a failed test did not compile, or a test binary died: that is one failure.
    fn tally(self, succeeded: bool) -> Tally {
        let Self { passed, failed, ignored, skipped: _ } = self;
        let failed = if succeeded { failed } else { failed.max(1) };
        let mut tally = Tally::of(passed, failed);
        tally.skip(ignored, "marked as ignored in the source");
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> Counts {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.see(line));
        counts
    }

    #[test]
    fn the_closing_lines_of_all_binaries_are_summed() {
        let counts = counted(&[
            "running 6 tests",
            "test turn::tests::idle ... ok",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 30 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 12.31s",
        ]);
        assert_eq!(counts, Counts { passed: 35, failed: 2, ignored: 1, skipped: Vec::new() });
    }

    #[test]
    fn what_a_test_prints_counts_nothing() {
        let counts =
            counted(&["5 passed; 1 failed", "the test result: ok. 9 passed; 9 failed", "test result: unclear"]);
        assert_eq!(counts, Counts::default());
    }

    #[test]
    fn what_tests_cannot_run_without_is_named_once() {
        let counts = counted(&["test skipped: flite is not installed", "", "test skipped: flite is not installed"]);
        assert_eq!(counts.skipped, ["flite is not installed"]);
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert_eq!(Counts::default().tally(false), Tally::fail());
        assert_eq!(Counts { passed: 1, failed: 2, ..Counts::default() }.tally(false), Tally::of(1, 2));
    }
}
