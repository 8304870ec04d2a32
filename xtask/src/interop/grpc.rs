//! The gRPC suite: Google's generated clients as shipped hold sessions with `live serve --grpc-listen`.
//! What the suite does is written in xtask/interop/grpc.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result};

use super::client::{KEY, watch};
use super::environment::{Environment, Workshop, python_of};
use super::server::{Build, Server};
use crate::shell;
use crate::tally::Tally;

const NAME: &str = "grpc-0.12.1";

const PORT: &str = "--grpc-listen=127.0.0.1:0";

/// Python with google-ai-generativelanguage and grpcio.
pub(super) fn environment(workshop: &Workshop<'_>) -> Result<Environment> {
    workshop.python(NAME, "grpc/requirements.txt")
}

/// Runs the suite against a server that takes any key, and one that does not.
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
    let open = Server::start(&build, &data, "grpc", &[PORT])?;
    let keyed = Server::start(&build, &data, "grpc-keyed", &[PORT, "--api-key", KEY])?;
    let address =
        |server: &Server| server.addresses.grpc.clone().context("the server did not say where it speaks gRPC");
    let mut command = shell::command(python, &workshop.repository.root);
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GRPC_OPEN", address(&open)?)
        .env("GRPC_KEYED", address(&keyed)?)
        .env("GRPC_KEY", KEY)
        .env("INTEROP_ONLY", only)
        .arg(workshop.source("grpc/suite.py"));
    let outcome = watch(NAME, command.stdin(Stdio::null()))?;
    let trouble = !outcome.failures.is_empty();
    total.add(outcome.tally);
    for server in [open, keyed] {
        total.add(server.stop(trouble)?);
    }
    outcome.failures.iter().for_each(|failure| println!("{failure}"));
    if total.failed == 0 {
        fs::remove_dir_all(&data).context("failed to remove the directory of the run")?;
    }
    Ok(total)
}
