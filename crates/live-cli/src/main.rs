//! The `live` command: one subcommand a module, nothing else here.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod chat;
mod demo;
mod doctor;
mod engines;
mod explain;
mod key;
mod profiles;
mod serve;

/// The Live API on both ends of the wire.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Talk with a model, in words, with recordings, or by microphone and loudspeaker
    Chat(Box<chat::Args>),
    /// Show a session between a server and a client of this machine, and measure it
    Demo(demo::Args),
    /// Run a program for a server: what `live serve` starts for each, and nothing to be called by hand
    #[cfg(feature = "code")]
    #[command(name = serve::code::WORKER, hide = true)]
    CodeWorker,
    /// Find engines on this machine (recognisers, language models, synthesisers), try them, and print the flags that use them
    Doctor(doctor::Args),
    /// Say what a setup would be refused for before it is sent, or what a close means
    Explain(Box<explain::Args>),
    /// Draw an API key for `live serve`, and print the entry of --access-file that lets it in without naming it
    Key(key::Args),
    /// Serve the Live API, so that unmodified Google SDKs can hold sessions with this machine
    Serve(Box<serve::Args>),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        #[cfg(feature = "code")]
        Command::CodeWorker => live_code::run_worker(),
        Command::Chat(args) => chat::run(*args),
        Command::Demo(args) => demo::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Explain(args) => {
            // Its failure is an answer, so what goes wrong with itself is told apart.
            return explain::run(&args).unwrap_or_else(|error| {
                eprintln!("error: {error:#}");
                ExitCode::from(2)
            });
        }
        Command::Key(args) => key::run(&args),
        Command::Serve(args) => serve::run(*args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
