//! `cargo xtask bench`: the criterion benchmarks of `benches/`, built for release.
//! What the numbers should be is written where each benchmark is.

use anyhow::Result;

use crate::repository::Repository;
use crate::shell;
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs only the benchmarks whose name contains this.
    filter: Option<String>,
    /// Options for criterion itself, after `--`: `cargo xtask bench decode -- --quick`.
    #[arg(last = true)]
    options: Vec<String>,
}

/// Runs the benchmarks, all or those that the filter names.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let mut cargo = shell::cargo(&repository.root);
    cargo.args(["bench", "--package", "benches"]);
    cargo.args(criterion_arguments(args));
    shell::check(&mut cargo)?;
    Ok(Tally::default())
}

fn criterion_arguments(args: &Args) -> Vec<&str> {
    let Args { filter, options } = args;
    let passed: Vec<_> = filter.iter().chain(options).map(String::as_str).collect();
    if passed.is_empty() { passed } else { [vec!["--"], passed].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_and_options_go_to_criterion() {
        let args = Args { filter: Some("decode".to_owned()), options: vec!["--quick".to_owned()] };
        assert_eq!(criterion_arguments(&args), ["--", "decode", "--quick"]);
    }

    #[test]
    fn nothing_is_passed_when_nothing_was_asked() {
        assert!(criterion_arguments(&Args { filter: None, options: Vec::new() }).is_empty());
    }
}
