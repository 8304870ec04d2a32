//! `live serve` as a child process: started on free ports, its addresses read from what it prints, ended by SIGINT.
//! Its log goes to a file that is shown when something failed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::environment::Workshop;
use crate::shell;
use crate::tally::Tally;

/// A first start makes a certificate authority; the rest is margin for a busy machine.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(15);
/// How much of a log is shown; a suite that fails early fails often.
const LOG_LINES_MAX: usize = 200;

/// The command that is tested.
pub(super) struct Build {
    program: PathBuf,
    root: PathBuf,
}

impl Build {
    /// The `live` command.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn new(workshop: &Workshop<'_>, release: bool) -> Result<Self> {
        let mut cargo = shell::cargo(&workshop.repository.root);
        cargo.args(["build", "--package", "live-cli"]);
        if release {
            cargo.arg("--release");
        }
        shell::check(&mut cargo)?;
        let profile = if release { "release" } else { "debug" };
        Ok(Self { program: workshop.target.join(profile).join("live"), root: workshop.repository.root.clone() })
    }
}

/// A running server.
pub(super) struct Server {
    name: String,
    child: Child,
    log: PathBuf,
    reader: Option<JoinHandle<()>>,
    pub(super) addresses: Addresses,
}

/// What a client must be told, as the server prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) plain_url: String,
    pub(super) tls_url: String,
    pub(super) certificate: PathBuf,
    /// Host and port of a server that speaks gRPC.
    pub(super) grpc: Option<String>,
    /// The same, with TLS.
    pub(super) grpc_tls: Option<String>,
    /// Of a server that has a control endpoint.
    pub(super) control_url: Option<String>,
}

impl Server {
    /// Starts a server and waits until it has said where it listens.
    pub(super) fn start(build: &Build, data: &Path, name: &str, flags: &[&str]) -> Result<Self> {
        let log = data.join(format!("{name}.log"));
        let file = File::create(&log).context("failed to create the log of the server")?;
        let mut command = shell::command(&build.program, &build.root);
        command.args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--data-dir"]).arg(data);
        command.args(flags);
        // The log is a file.
        command.env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file.try_clone()?);
        let mut child = command.spawn().context("failed to start live serve")?;
        let stdout = child.stdout.take().expect("stdout was piped");

        let (lines, printed) = mpsc::channel();
        let reader = thread::spawn(move || keep(BufReader::new(stdout), file, &lines));
        let mut announced = Announced { wants_control: flags.contains(&"--control-listen"), ..Announced::default() };
        let deadline = Instant::now() + START_MAX;
        let addresses = loop {
            match printed.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => announced.see(&line),
                Err(why) => {
                    let what = match why {
                        RecvTimeoutError::Timeout => "did not say where it listens",
                        RecvTimeoutError::Disconnected => "ended",
                    };
                    child.kill().ok();
                    child.wait().ok();
                    show(name, &log);
                    bail!("live serve {what}; found so far: {announced:?}");
                }
            }
            if let Some(addresses) = announced.complete() {
                break addresses;
            }
        };
        println!("{name} server: {} and {}", addresses.plain_url, addresses.tls_url);
        Ok(Self { name: name.to_owned(), child, log, reader: Some(reader), addresses })
    }

    /// Interrupts the server: it must drain and say that all went well. Shows its log if something went wrong.
    pub(super) fn stop(mut self, trouble: bool) -> Result<Tally> {
        let id = self.child.id().to_string();
        shell::read(Command::new("kill").args(["-INT", &id])).context("failed to interrupt the server")?;
        let status = wait(&mut self.child)?;
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading a log does not panic");
        }
        let name = &self.name;
        let clean = status.is_some_and(|status| status.success());
        match status {
            Some(status) if status.success() => println!("ok {name} server: SIGINT drains it and it exits with 0"),
            Some(status) => println!("not ok {name} server: SIGINT drains it and it exits with 0: {status}"),
            None => {
                println!("not ok {name} server: SIGINT drains it and it exits with 0: still there after {STOP_MAX:?}")
            }
        }
        if trouble || !clean {
            show(name, &self.log);
        }
        Ok(Tally::one(clean))
    }
}

/// An error on the way leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Waits for the end of a child, and ends it if that takes too long.
fn wait(child: &mut Child) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + STOP_MAX;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Copies what the server prints to its log and to whoever still listens.
fn keep(stdout: impl BufRead, mut log: impl Write, lines: &mpsc::Sender<String>) {
    for line in stdout.lines().map_while(Result::ok) {
        // The log is for humans: losing a line of it fails nothing.
        writeln!(log, "{line}").ok();
        lines.send(line).ok();
    }
}

fn show(name: &str, log: &Path) {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    println!("-- log of the {name} server, its last {LOG_LINES_MAX} lines:");
    for line in &lines[lines.len().saturating_sub(LOG_LINES_MAX)..] {
        println!("   {line}");
    }
    println!("-- end of log ({})", log.display());
}

/// The lines of `live serve` that other programs read.
#[derive(Debug, Default)]
struct Announced {
    plain_url: Option<String>,
    /// Said before the certificate, as the next, so that it need not be waited for.
    grpc: Option<String>,
    grpc_tls: Option<String>,
    tls_url: Option<String>,
    certificate: Option<PathBuf>,
    wants_control: bool,
    control_url: Option<String>,
}

impl Announced {
    fn see(&mut self, line: &str) {
        if let Some(address) = line.trim().strip_prefix("listening on ws://") {
            self.plain_url = Some(format!("http://{address}"));
        } else if let Some(address) = line.trim().strip_prefix("listening on wss://") {
            self.tls_url = Some(format!("https://{address}"));
        } else if let Some(address) = line.trim().strip_prefix("listening on grpc://") {
            self.grpc = Some(address.to_owned());
        } else if let Some(address) = line.trim().strip_prefix("listening on grpcs://") {
            self.grpc_tls = Some(address.to_owned());
        } else if let Some(path) = line.trim().strip_prefix("CA certificate: ") {
            self.certificate = Some(PathBuf::from(path));
        } else if let Some(url) = line.trim().strip_prefix("control endpoint: ") {
            self.control_url = Some(url.to_owned());
        }
    }

    fn complete(&self) -> Option<Addresses> {
        let Self { plain_url, tls_url, grpc, grpc_tls, certificate, wants_control, control_url } = self;
        if *wants_control && control_url.is_none() {
            return None;
        }
        Some(Addresses {
            plain_url: plain_url.clone()?,
            tls_url: tls_url.clone()?,
            certificate: certificate.clone()?,
            grpc: grpc.clone(),
            grpc_tls: grpc_tls.clone(),
            control_url: control_url.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_among_other_lines() {
        let mut announced = Announced::default();
        for line in ["any key is accepted", "listening on ws://127.0.0.1:4001", "listening on wss://127.0.0.1:4002"] {
            announced.see(line);
            assert_eq!(announced.complete(), None);
        }
        announced.see("CA certificate: data/ca.pem");
        let addresses = announced.complete().expect("all lines were seen");
        assert_eq!(addresses.plain_url, "http://127.0.0.1:4001");
        assert_eq!(addresses.tls_url, "https://127.0.0.1:4002");
        assert_eq!(addresses.certificate, Path::new("data/ca.pem"));
    }

    #[test]
    fn a_control_endpoint_is_waited_for_where_there_is_one() {
        let mut announced = Announced { wants_control: true, ..Announced::default() };
        for line in ["listening on ws://127.0.0.1:1", "listening on wss://127.0.0.1:2", "CA certificate: ca.pem"] {
            announced.see(line);
        }
        assert_eq!(announced.complete(), None);
        announced.see("control endpoint: http://127.0.0.1:3");
        let addresses = announced.complete().expect("all lines were seen");
        assert_eq!(addresses.control_url.as_deref(), Some("http://127.0.0.1:3"));
    }

    #[test]
    fn what_the_server_prints_reaches_its_log_and_the_reader() {
        let (sender, receiver) = mpsc::channel();
        let mut log = Vec::new();
        keep(&b"one\ntwo\n"[..], &mut log, &sender);
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(log, b"one\ntwo\n");
    }
}
