//! `live serve` as its user meets it: a process, what it prints, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

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
    assert_eq!(live.announced("API keys: "), "only those given with --api-key or --access-file are accepted (1)");
    live.process.kill().unwrap();
    let mut rest = String::new();
    live.output.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("DistinctiveKey7f3a"), "{rest}");
}

#[test]
fn models_of_a_file_can_be_named_and_a_wrong_file_is_told() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("profiles.toml");
    let family = "[[family]]\nname = \"house\"\ninherits = \"half-cascade-2.5\"\nmodels = [\"house-*\"]\n";
    std::fs::write(&path, family).unwrap();
    let mut live = Live::serve(data.path(), &["--no-tls", "--profiles", path.to_str().unwrap()]);
    let address = live.announced("listening on ws://");
    let stream = TcpStream::connect(&address).unwrap();
    let url = format!("ws://{address}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent");
    let mut session = Session(tokio_tungstenite::tungstenite::client(url, stream).unwrap().0);
    session.send(json!({ "setup": { "model": "models/house-model" } }));
    assert_eq!(session.hear(), json!({ "setupComplete": {} }));

    std::fs::write(&path, format!("{family}last_turn = true\n")).unwrap();
    let args = ["serve", "--no-tls", "--listen", "127.0.0.1:0", "--profiles", path.to_str().unwrap()];
    let done = Command::new(env!("CARGO_BIN_EXE_live")).args(args).output().unwrap();
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && error.contains("line 5, family[0].last_turn: unknown field"), "{error}");
}

/// A session with the server, spoken by hand.
struct Session(WebSocket<TcpStream>);

impl Session {
    /// Opens a session that answers in text and may be resumed; by `handle`, if there is one.
    fn open(address: &str, handle: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        let url = format!(
            "ws://{address}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"
        );
        let mut session = Self(tokio_tungstenite::tungstenite::client(url, stream).expect("the upgrade is accepted").0);
        let resumption = handle.map_or(json!({}), |handle| json!({ "handle": handle }));
        session.send(json!({ "setup": {
            "model": "models/gemini-live-2.5-flash-preview",
            "generationConfig": { "responseModalities": ["TEXT"] },
            "sessionResumption": resumption,
        } }));
        assert_eq!(session.hear(), json!({ "setupComplete": {} }));
        session
    }

    fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).expect("the server reads");
    }

    fn hear(&mut self) -> Value {
        serde_json::from_slice(&self.0.read().expect("the session goes on").into_data()).expect("JSON")
    }

    /// Says `text`, and returns the answer and the next handle.
    fn converse(&mut self, text: &str) -> (String, String) {
        self.send(json!({ "clientContent": {
            "turns": [{ "role": "user", "parts": [{ "text": text }] }],
            "turnComplete": true,
        } }));
        let (mut answer, mut is_complete) = (String::new(), false);
        loop {
            let message = self.hear();
            for part in message["serverContent"]["modelTurn"]["parts"].as_array().into_iter().flatten() {
                answer += part["text"].as_str().unwrap_or_default();
            }
            is_complete |= message["serverContent"]["turnComplete"] == true;
            if let (true, Some(handle)) = (is_complete, message["sessionResumptionUpdate"]["newHandle"].as_str()) {
                return (answer, handle.to_owned());
            }
        }
    }
}

#[test]
fn a_session_on_disk_survives_the_death_of_the_server() {
    let data = tempfile::tempdir().unwrap();
    let serve = || Live::serve(data.path(), &["--no-tls", "--store", "redb"]);
    let mut live = serve();
    let address = live.announced("listening on ws://");
    assert_eq!(live.announced("sessions: "), data.path().join("sessions.redb").display().to_string());
    let mut session = Session::open(&address, None);
    session.converse("My name is Ada.");
    let (_, handle) = session.converse("I keep bees.");
    // SIGKILL: nothing is flushed, nothing is told.
    live.process.kill().unwrap();
    live.process.wait().unwrap();

    let mut live = serve();
    let address = live.announced("listening on ws://");
    let mut session = Session::open(&address, Some(&handle));
    let (answer, next) = session.converse("What did I ask?");
    assert!(answer.contains("My name is Ada") && answer.contains("I keep bees"), "{answer}");
    assert_ne!(next, handle);
}

#[test]
fn a_store_that_cannot_be_opened_is_told_with_the_way_out() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Live::serve(data.path(), &["--no-tls", "--store", "redb"]);
    first.announced("listening on ws://");
    let second = Command::new(env!("CARGO_BIN_EXE_live"))
        .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--store", "redb", "--data-dir"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("sessions.redb") && error.contains("--store memory"), "{error}");
}

#[test]
fn a_damaged_store_is_set_aside() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("sessions.redb");
    std::fs::write(&path, b"this is no database").unwrap();
    let mut live = Live::serve(data.path(), &["--no-tls", "--store", "redb"]);
    let address = live.announced("listening on ws://");
    Session::open(&address, None).converse("hello");
    assert_eq!(std::fs::read(data.path().join("sessions.damaged")).unwrap(), b"this is no database");
}

#[test]
fn a_control_endpoint_is_for_this_machine() {
    let data = tempfile::tempdir().unwrap();
    let mut live = Live::serve(data.path(), &["--no-tls", "--clock", "virtual", "--control-listen", "127.0.0.1:0"]);
    assert_eq!(live.announced("clock: "), "virtual");
    let control = live.announced("control endpoint: http://");
    let mut stream = TcpStream::connect(&control).unwrap();
    stream.write_all(b"GET /clock HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""kind": "virtual""#), "{answer}");

    let exposed = Command::new(env!("CARGO_BIN_EXE_live"))
        .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--control-listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(exposed.status.code(), Some(1));
    let error = String::from_utf8(exposed.stderr).unwrap();
    assert!(error.contains("can be reached from other machines") && error.contains("--control-exposed"), "{error}");
}
