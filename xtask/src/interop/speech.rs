//! What the user of a voice case says: a recording of the server's own voice, made by `live chat`.
//!
//! The voice is synthetic and the recording is made anew for each run, so that the repository keeps no sound.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::server::{Build, Server};
use crate::shell;

/// Records what `server` says into a WAV file in `data`.
pub(super) fn record(build: &Build, server: &Server, data: &Path) -> Result<PathBuf> {
    let file = data.join("speech.wav");
    let mut command = shell::command(build.program(), data);
    command.args(["chat", "--url", &server.addresses.plain_url, "--out"]).arg(&file);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("failed to start live chat")?;
    let mut input = child.stdin.take().expect("stdin was piped");
    input.write_all(WORDS.as_bytes()).context("live chat does not read")?;
    drop(input);
    let output = child.wait_with_output().context("live chat does not end")?;
    if !output.status.success() {
        bail!("live chat failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(file)
}

/// About two seconds.
const WORDS: &str = "Say good morning, how are you\n";
