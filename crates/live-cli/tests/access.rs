//! Who a server process lets in: a file that is read again, keys that are drawn, tokens that outlive it.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

/// A server process, killed at the end of its test.
struct Live {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Live {
    fn serve(data: &Path, args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
            .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir"])
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut live = Self { process, output, address: String::new() };
        live.address = live.announced("listening on ws://");
        live
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

    fn hang_up(&self) {
        let status = Command::new("kill").args(["-s", "HUP", &self.process.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// The close code of a session with this credential in its query; `None` when it begins.
    fn refusal(&self, method: &str, credential: &str) -> Option<u16> {
        let stream = TcpStream::connect(&self.address).expect("the server listens");
        let url = format!(
            "ws://{}/ws/google.ai.generativelanguage.v1alpha.GenerativeService.{method}?{credential}",
            self.address
        );
        let mut socket = tungstenite::client(url, stream).expect("the upgrade is accepted").0;
        let setup = json!({ "setup": { "model": "models/gemini-3.8-live" } });
        socket.send(Message::text(setup.to_string())).expect("the server reads");
        let answer = socket.read().expect("it is answered");
        if let Message::Close(Some(frame)) = answer {
            return Some(frame.code.into());
        }
        let message: Value = serde_json::from_slice(&answer.into_data()).expect("JSON");
        assert_eq!(message, json!({ "setupComplete": {} }));
        None
    }

    fn key(&self, key: &str) -> Option<u16> {
        self.refusal("BidiGenerateContent", &format!("key={key}"))
    }

    /// A token for `uses` sessions.
    fn token(&self, key: &str, uses: u32) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        let body = json!({ "uses": uses }).to_string();
        write!(
            stream,
            "POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\nx-goog-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let body = answer.split_once("\r\n\r\n").expect("a whole answer").1;
        let answer: Value = serde_json::from_str(body).expect("JSON");
        answer["name"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn used(&self, token: &str) -> Option<u16> {
        self.refusal("BidiGenerateContentConstrained", &format!("access_token={token}"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A key that `live key` draws, and its entry.
fn draw(args: &[&str]) -> (String, String) {
    let drawn = Command::new(env!("CARGO_BIN_EXE_live")).arg("key").args(args).output().expect("the binary runs");
    let printed = String::from_utf8(drawn.stdout).expect("UTF-8");
    let (key, entry) = printed.split_once("\n\n").expect("two pieces");
    assert!(!entry.contains(key), "{printed}");
    (key.to_owned(), entry.to_owned())
}

#[test]
fn drawn_keys_are_let_in_by_their_entries_and_a_changed_file_is_read_again() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("access.toml");
    let path = file.display().to_string();
    let ((one, first), (two, second)) = (draw(&["--project", "shop", "--sessions", "5"]), draw(&[]));
    assert_ne!(one, two);
    fs::write(&file, &first).unwrap();
    let mut live = Live::serve(data.path(), &["--access-file", &path, "--api-key", "of-the-flag"]);
    assert_eq!(live.announced("API keys: "), "only those given with --api-key or --access-file are accepted (2)");
    assert_eq!(live.announced("OAuth tokens: "), "none is accepted");
    live.announced("@google/genai");
    assert_eq!((live.key(&one), live.key(&two), live.key("of-the-flag")), (None, Some(1007), None));
    let token = live.token(&one, 0);
    assert_eq!(live.used(&token), None);

    fs::write(&file, "[[key]]\nkey = \"DistinctiveKey51ab\"\nsha256 = 1").unwrap();
    live.hang_up();
    let error = live.announced("access file: as before");
    assert!(error.contains(&format!("{path}:1: key[0]: it has both")) && !error.contains("DistinctiveKey"), "{error}");
    assert_eq!((live.key(&one), live.key(&two)), (None, Some(1007)));

    fs::write(&file, &second).unwrap();
    live.hang_up();
    live.announced("access file: read again");
    assert_eq!((live.key(&one), live.key(&two), live.key("of-the-flag")), (Some(1007), None, None));
    assert_eq!(live.used(&token), Some(1007), "nobody of its project is let in any more");
}

#[test]
fn a_file_that_is_wrong_is_told_at_start() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("access.toml");
    fs::write(&file, "[[key]]\nname = \"x\"").unwrap();
    for (path, says) in [(file, "access.toml:2: unknown field `name`"), (data.path().join("none"), "cannot read it")] {
        let output = Command::new(env!("CARGO_BIN_EXE_live"))
            .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--access-file"])
            .arg(path)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && error.contains(says), "{error}");
    }
}

#[test]
fn a_token_on_disk_survives_the_death_of_the_server_and_its_uses_do_too() {
    let data = tempfile::tempdir().unwrap();
    let serve = || Live::serve(data.path(), &["--store", "redb"]);
    let mut live = serve();
    let (once, twice) = (live.token("k", 1), live.token("k", 2));
    assert_eq!((live.used(&once), live.used(&twice)), (None, None));
    // SIGKILL: nothing is flushed, nothing is told.
    live.process.kill().unwrap();
    live.process.wait().unwrap();
    let live = serve();
    assert_eq!((live.used(&once), live.used(&twice), live.used(&twice)), (Some(1011), None, Some(1011)));
}
