//! `cargo xtask`: the chores of the repository, one module per command.
//! Nothing here is shipped, and no crate depends on it.

mod bench;
mod ci;
mod codegen;
mod features;
mod fuzz;
mod interop;
mod mutants;
mod repository;
mod setup;
mod shell;
mod sim;
mod tally;
mod test;
mod tidy;
mod voice;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::repository::Repository;
use crate::tally::Tally;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the repository.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs every test that a fresh machine can run, and counts them.
    Test,
    /// Runs everything that a change must pass: format, tidy, clippy, docs, test, interop.
    Ci,
    /// Runs unmodified SDKs against the server, and compares our JSON with protobuf's own.
    Interop(interop::Args),
    /// Checks the invariants of the repository.
    Tidy,
    /// Generates the messages from the .proto files, or checks that they are up to date.
    Codegen(codegen::Args),
    /// Prepares what the interop tests need beyond Rust.
    Setup(setup::Args),
    /// Runs the benchmarks.
    Bench(bench::Args),
    /// Breaks the code on purpose, fault by fault, and demands that a test notices.
    Mutants(mutants::Args),
    /// Runs the fuzz targets.
    Fuzz(fuzz::Args),
    /// Runs clients, servers and bad networks in virtual time, by seeds.
    Sim(sim::Args),
    /// Measures detection, barge-in, synthesis and recognition of speech.
    Voice(voice::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(tally) => tally.exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; those that count end with the line that says how many passed and failed.
fn run(command: Command) -> Result<Tally> {
    let repository = Repository::open();
    match command {
        Command::Test => test::run(&repository).map(Tally::print),
        Command::Ci => ci::run(&repository).map(Tally::print),
        Command::Interop(args) => interop::run(&args, &repository).map(Tally::print),
        Command::Tidy => tidy::run(&repository).map(Tally::print),
        Command::Codegen(args) => codegen::run(&repository.root, &args).map(|_| Tally::default()),
        Command::Setup(args) => setup::run(&args, &repository),
        Command::Bench(args) => bench::run(&args, &repository),
        Command::Mutants(args) => mutants::run(&args, &repository).map(Tally::print),
        Command::Fuzz(args) => fuzz::run(&args, &repository),
        Command::Sim(args) => sim::run(&args, &repository).map(Tally::print),
        Command::Voice(args) => voice::run(&args, &repository),
    }
}
