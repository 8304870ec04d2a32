//! `live serve` as its user meets it: a process, what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A server process, killed at the end of its test.
struct Live {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Live {
    fn serve(data: &Path, args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir"])
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, output }
    }

    /// Reads lines until one begins with `prefix`, and returns what follows it.
    fn announced(&mut self, prefix: &str) -> String {
        for line in self.output.by_ref().lines() {
            if let Some(rest) = line.expect("UTF-8").strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
        panic!("never printed: {prefix}");
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[cfg(unix)]
#[test]
fn it_says_where_it_listens_and_ends_in_good_order() {
    for signal in ["INT", "TERM"] {
        let data = tempfile::tempdir().unwrap();
        let mut live = Live::serve(data.path(), &["--tls-listen", "127.0.0.1:0"]);
        let plain = live.announced("listening on ws://");
        let tls = live.announced("listening on wss://");
        assert_ne!(plain, tls);
        assert_eq!(live.announced("CA certificate: "), data.path().join("ca.pem").display().to_string());
        assert_eq!(live.announced("export GOOGLE_GEMINI_BASE_URL="), format!("https://{tls}"));

        let mut stream = TcpStream::connect(&plain).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        TcpStream::connect(&tls).unwrap();

        live.signal(signal);
        assert_eq!(live.announced("served "), "0 sessions; 0 refused, 0 broke the protocol, 0 failures of ours");
        assert_eq!(live.process.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_port_in_use_is_told_with_the_way_out() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Live::serve(data.path(), &["--no-tls"]);
    let taken = first.announced("listening on ws://");
    let second =
        Command::new(env!("CARGO_BIN_EXE_live")).args(["serve", "--no-tls", "--listen", &taken]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(
        error.contains(&format!("cannot listen on ws://{taken}")) && error.contains("--listen 127.0.0.1:0"),
        "{error}"
    );
}

#[test]
fn keys_given_by_environment_are_not_repeated() {
    let data = tempfile::tempdir().unwrap();
    let help = Command::new(env!("CARGO_BIN_EXE_live"))
        .args(["serve", "--help"])
        .env("LIVE_API_KEYS", "DistinctiveKey7f3a")
        .output()
        .unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("DistinctiveKey7f3a"));
    let mut live = Live::serve(data.path(), &["--no-tls", "--api-key", "DistinctiveKey7f3a"]);
    assert_eq!(live.announced("API keys: "), "only those given with --api-key are accepted");
    live.process.kill().unwrap();
    let mut rest = String::new();
    live.output.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("DistinctiveKey7f3a"), "{rest}");
}
