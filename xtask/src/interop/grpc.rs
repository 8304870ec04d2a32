//! The gRPC suite: Google's generated clients as shipped hold sessions with `live serve --grpc-listen`.
//! What the suite does is written in xtask/interop/grpc.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::TIMED;
use super::client::{KEY, watch};
use super::environment::{Environment, Workshop, python_of};
use super::server::{Build, Server};
use crate::shell;
use crate::tally::Tally;

const NAME: &str = "grpc-0.12.1";

const PORT: &str = "--grpc-listen=127.0.0.1:0";
const TLS_PORT: &str = "--grpc-tls-listen=127.0.0.1:0";

/// Python with google-ai-generativelanguage and grpcio.
pub(super) fn environment(workshop: &Workshop<'_>) -> Result<Environment> {
    workshop.python(NAME, "grpc/requirements.txt")
}

/// Runs the suite against a server that takes any key, one that does not, and one whose time stands still.
pub(super) fn run(release: bool, only: &str, workshop: &Workshop<'_>) -> Result<Tally> {
    let mut total = Tally::default();
    let python = match environment(workshop)? {
        Ok(directory) => python_of(&directory),
        Err(why) => {
            total.skip(1, format!("the gRPC suite: {why}"));
            return Ok(total);
        }
    };
    let build = Build::new(workshop, release)?;
    let data = workshop.scratch()?;
    let open = Server::start(&build, &data, "grpc", &[PORT, TLS_PORT])?;
    let keyed = Server::start(&build, &data, "grpc-keyed", &[PORT, "--api-key", KEY])?;
    let timed = Server::start(&build, &data, "grpc-timed", &[&[PORT], TIMED].concat())?;
    let said = |address: &Option<String>| address.clone().context("a server did not say where it listens");
    let mut command = shell::command(python, &workshop.repository.root);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GRPC_OPEN", said(&open.addresses.grpc)?)
        .env("GRPC_TLS", said(&open.addresses.grpc_tls)?)
        .env("GRPC_CA", &open.addresses.certificate)
        .env("GRPC_KEYED", said(&keyed.addresses.grpc)?)
        .env("GRPC_TIMED", said(&timed.addresses.grpc)?)
        .env("GRPC_CONTROL", said(&timed.addresses.control_url)?)
        .env("GRPC_KEY", KEY)
        .env("INTEROP_ONLY", only)
        .arg(workshop.source("grpc/suite.py"));
    let outcome = watch(NAME, command.stdin(Stdio::null()))?;
    let trouble = !outcome.failures.is_empty();
    total.add(outcome.tally);
    for server in [open, keyed, timed] {
        total.add(server.stop(trouble)?);
    }
    outcome.failures.iter().for_each(|failure| println!("{failure}"));
    if total.failed == 0 {
        fs::remove_dir_all(&data).context("failed to remove the directory of the run")?;
    }
    Ok(total)
}
