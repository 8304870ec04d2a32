//! `cargo xtask interop`: SDKs and frameworks as shipped hold sessions with `live serve`, and our JSON is compared with protobuf's own.
//! The cases are data (xtask/interop/cases.json); what they mean and how to run one of them is in docs/interop.md.

mod client;
mod differential;
mod environment;
mod frameworks;
mod grpc;
mod pages;
mod server;
mod speech;

use std::fs;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result, bail};

use self::client::{Client, Outcome, Selection};
use self::environment::Workshop;
use self::server::{Build, Server};
use crate::repository::Repository;
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Runs only the cases whose name contains this text, and no differential check.
    #[arg(long, default_value = "")]
    only: String,
    /// Runs only these clients, and no differential check; may be repeated.
    #[arg(long = "client", value_enum)]
    clients: Vec<Client>,
    /// Runs only the differential check of the JSON codec.
    #[arg(long, conflicts_with_all = ["only", "clients"])]
    differential: bool,
    /// Runs only the gRPC suite.
    #[arg(long, conflicts_with_all = ["clients", "differential"])]
    grpc: bool,
    /// Runs only the suites of the frameworks.
    #[arg(long, conflicts_with_all = ["clients", "differential", "grpc"])]
    frameworks: bool,
    /// How many messages the differential check generates.
    #[arg(long, default_value_t = MESSAGES)]
    messages: u64,
    /// Where the generator of the differential check starts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Builds the server with optimisations.
    #[arg(long)]
    release: bool,
}

const MESSAGES: u64 = 24_000;

/// A server whose time stands still until a case moves it, and whose projects are small enough to be filled.
const TIMED: &[&str] =
    &["--clock", "virtual", "--control-listen", "127.0.0.1:0", "--sessions-per-project", "4", "--store", "memory"];

/// Where the documents that are searched say that they are.
const DOCUMENTS: &str = "https://docs.example/";

/// Everything, as `cargo xtask ci` runs it.
pub(crate) fn all(repository: &Repository) -> Result<Tally> {
    let args = Args {
        only: String::new(),
        clients: Vec::new(),
        differential: false,
        grpc: false,
        frameworks: false,
        messages: MESSAGES,
        seed: 1,
        release: false,
    };
    run(&args, repository)
}

/// Runs the suites of all clients at the same time against one server, then those of gRPC and the frameworks, then the
/// differential check.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let workshop = Workshop::open(repository);
    let mut total = Tally::default();
    let everything = args.only.is_empty() && args.clients.is_empty();
    let one_suite = args.differential || args.grpc || args.frameworks;
    if !one_suite {
        total.add(sessions(args, &workshop)?);
    }
    if args.grpc || (everything && !one_suite) {
        total.add(grpc::run(args.release, &args.only, &workshop)?);
    }
    if args.frameworks || (everything && !one_suite) {
        total.add(frameworks::run(args.release, &args.only, &workshop)?);
    }
    if args.differential || (everything && !one_suite) {
        total.add(differential::run(args.messages, args.seed, &workshop)?);
    }
    Ok(total)
}

/// Creates all environments; what the machine cannot run is left out and said.
pub(crate) fn setup(repository: &Repository) -> Result<()> {
    let workshop = Workshop::open(repository);
    for client in Client::ALL {
        match client.environment(&workshop)? {
            Ok(directory) => println!("{}: {}", client.name(), directory.display()),
            Err(why) => println!("{}: skipped: {why}", client.name()),
        }
    }
    let others = [("grpc", grpc::environment(&workshop)), ("differential", differential::environment(&workshop))];
    for (name, environment) in others.into_iter().chain(frameworks::environments(&workshop)) {
        match environment? {
            Ok(directory) => println!("{name}: {}", directory.display()),
            Err(why) => println!("{name}: skipped: {why}"),
        }
    }
    Ok(())
}

fn sessions(args: &Args, workshop: &Workshop<'_>) -> Result<Tally> {
    let chosen = if args.clients.is_empty() { Client::ALL } else { &args.clients };
    let mut total = Tally::default();
    let mut ready: Vec<(Client, PathBuf)> = Vec::new();
    for client in chosen {
        match client.environment(workshop)? {
            Ok(directory) => ready.push((*client, directory)),
            Err(why) => total.skip(1, format!("all cases of {}: {why}", client.name())),
        }
    }
    if ready.is_empty() {
        return Ok(total);
    }

    let build = Build::new(workshop, args.release)?;
    let data = workshop.scratch()?;
    // One after the other: the later servers find the authority that the first one made.
    let open = Server::start(&build, &data, "open", &[])?;
    let access = workshop.source("access.toml");
    let access = access.to_str().context("the path of the repository is no text")?;
    let keyed = Server::start(&build, &data, "keyed", &["--api-key", client::KEY, "--access-file", access])?;
    let lenient = Server::start(&build, &data, "lenient", &["--lenient"])?;
    let documents = workshop.source("documents");
    let pages = pages::serve(documents.clone())?.to_string();
    let folder = documents.to_str().context("the path of the repository is no text")?;
    let engines =
        ["--code-time", "2s", "--search-folder", folder, "--search-base-url", DOCUMENTS, "--url-allow", &pages];
    let equipped = Server::start(&build, &data, "equipped", &engines)?;
    let speech = speech::record(&build, &open, &data)?;
    let mut timed = Vec::new();
    for (client, _) in &ready {
        timed.push(Server::start(&build, &data, &format!("timed-{}", client.name()), TIMED)?);
    }
    let outcomes: Vec<Result<Outcome>> = thread::scope(|scope| {
        let runs: Vec<_> = ready
            .iter()
            .zip(&timed)
            .map(|((client, directory), timed)| {
                let selection = Selection {
                    open: &open.addresses,
                    keyed: &keyed.addresses,
                    lenient: &lenient.addresses,
                    equipped: &equipped.addresses,
                    pages: &pages,
                    timed: &timed.addresses,
                    speech: &speech,
                    only: &args.only,
                };
                scope.spawn(move || client.run(directory, &selection, workshop))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("a suite is run without panics")).collect()
    });
    let mut failures = Vec::new();
    for outcome in outcomes {
        let outcome = outcome?;
        total.add(outcome.tally);
        failures.extend(outcome.failures);
    }
    if total.passed + total.failed == 0 {
        bail!("no case has \"{}\" in its name", args.only);
    }
    let trouble = !failures.is_empty();
    for server in [open, keyed, lenient, equipped].into_iter().chain(timed) {
        total.add(server.stop(trouble)?);
    }
    // Once more below the logs, where a reader looks first.
    failures.iter().for_each(|failure| println!("{failure}"));
    if total.failed == 0 {
        fs::remove_dir_all(&data).context("failed to remove the directory of the run")?;
    }
    Ok(total)
}
