//! `cargo xtask voice`: the figures of the voice, measured by the program in `benches/voice`, built for release.
//! What it measures is written there; what came out, in docs/voice.md.

use anyhow::Result;

use crate::repository::Repository;
use crate::shell;
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure; everything if nothing is named, which takes some minutes. A wrong name is answered with the right ones.
    sections: Vec<String>,
}

/// Measures, and prints tables.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let mut cargo = shell::cargo(&repository.root);
    cargo.args(["run", "--release", "--package", "benches", "--bin", "voice", "--"]).args(&args.sections);
    shell::check(&mut cargo)?;
    Ok(Tally::default())
}
