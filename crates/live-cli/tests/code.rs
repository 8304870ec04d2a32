//! `live serve` with code execution: real workers behind a real session.

#![cfg(feature = "code")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

/// A server process, killed at the end of its test.
struct Live {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Live {
    fn serve(data: &Path, args: &[&str]) -> (Self, String) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
            .args(["serve", "--no-tls", "--listen", "127.0.0.1:0", "--log", "error", "--data-dir"])
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let mut live = Self { process, output };
        let address = live.announced("listening on ws://");
        (live, address)
    }

    /// Reads lines until one begins with `prefix`, and returns what follows it.
    fn announced(&mut self, prefix: &str) -> String {
        let mut lines = self.output.by_ref().lines().map(|line| line.expect("UTF-8"));
        lines.find_map(|line| line.strip_prefix(prefix).map(str::to_owned)).expect("it is printed")
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// A session that may run code.
struct Session(WebSocket<TcpStream>);

impl Session {
    fn open(address: &str, modality: &str, tools: Value, handle: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        let url = format!(
            "ws://{address}/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"
        );
        let mut session = Self(tokio_tungstenite::tungstenite::client(url, stream).expect("the upgrade is accepted").0);
        session.send(json!({ "setup": {
            "model": "models/gemini-live-2.5-flash-preview",
            "generationConfig": { "responseModalities": [modality] },
            "outputAudioTranscription": {},
            "sessionResumption": handle.map_or(json!({}), |handle| json!({ "handle": handle })),
            "tools": tools,
        } }));
        session
    }

    fn ready(address: &str, modality: &str) -> Self {
        let mut session = Self::open(address, modality, json!([{ "codeExecution": {} }]), None);
        assert_eq!(session.hear(), json!({ "setupComplete": {} }));
        session
    }

    fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).expect("the server reads");
    }

    fn hear(&mut self) -> Value {
        serde_json::from_slice(&self.0.read().expect("the session goes on").into_data()).expect("JSON")
    }

    fn say(&mut self, text: &str) {
        let turns = json!([{ "role": "user", "parts": [{ "text": text }] }]);
        self.send(json!({ "clientContent": { "turns": turns, "turnComplete": true } }));
    }

    fn converse(&mut self, text: &str) -> String {
        self.say(text);
        self.hear_turn()
    }

    /// The parts of an answer and its words, then what was counted as read by the model.
    fn hear_turn(&mut self) -> String {
        let (mut shown, mut words) = (String::new(), String::new());
        loop {
            let message = self.hear();
            let content = &message["serverContent"];
            for part in content["modelTurn"]["parts"].as_array().into_iter().flatten() {
                if let Some(code) = part.get("executableCode") {
                    shown += &format!("{} {}\n", code["language"].as_str().unwrap_or("?"), code["code"]);
                } else if let Some(result) = part.get("codeExecutionResult") {
                    shown += &format!("{} {}\n", result["outcome"].as_str().unwrap_or("?"), result["output"]);
                } else {
                    words += part["text"].as_str().unwrap_or_default();
                }
            }
            words += content["outputTranscription"]["text"].as_str().unwrap_or_default();
            if content["turnComplete"] == true {
                return format!("{shown}{words}\nread {}", message["usageMetadata"]["toolUsePromptTokenCount"]);
            }
        }
    }
}

#[test]
fn a_session_computes_and_survives_programs_that_do_not_end_well() {
    let data = tempfile::tempdir().unwrap();
    let args = ["--code-execution", "on", "--code-time", "700ms", "--code-memory", "64", "--code-output", "100"];
    let (mut live, address) = Live::serve(data.path(), &args);
    assert_eq!(live.announced("code execution: "), "on, 700ms, 64 MiB, 4 at once");
    let mut session = Session::ready(&address, "TEXT");
    assert_eq!(
        session.converse("What is 17*23 + 4?"),
        "PYTHON \"print(17 * 23 + 4)\"\nOUTCOME_OK \"395\\n\"\nThe result is 395.\nread 1"
    );
    for (program, outcome, says) in [
        ("while True: pass", "OUTCOME_DEADLINE_EXCEEDED", "The code took too long, and was stopped."),
        ("a = 'x'\nwhile True: a = a + a", "OUTCOME_FAILED", "The code failed: MemoryError: "),
        ("while True: print('x')", "OUTCOME_FAILED", "it put out more than 100 bytes"),
        ("open('/etc/passwd')", "OUTCOME_FAILED", "PermissionError: open is not possible: a program has no files"),
        ("print(1 / 0)", "OUTCOME_FAILED", "The code failed: ZeroDivisionError: division by zero."),
    ] {
        let shown = session.converse(&format!("run: {program}"));
        assert!(shown.contains(outcome) && shown.contains(says), "{program}: {shown}");
    }
    assert!(
        session.converse("run:\n```python\nfor i in range(3):\n    print(i)\n```").contains("The code says: 0 1 2.")
    );

    let mut spoken = Session::ready(&address, "AUDIO");
    let shown = spoken.converse("What is six times seven?");
    assert!(shown.starts_with("PYTHON \"print(6 * 7)\"\nOUTCOME_OK \"42\\n\"\nThe result is 42."), "{shown}");
}

#[test]
fn an_interruption_ends_the_run() {
    let data = tempfile::tempdir().unwrap();
    let (_live, address) = Live::serve(data.path(), &["--code-time", "1h", "--code-runs", "1"]);
    let mut session = Session::ready(&address, "TEXT");
    session.say("run: while True: pass");
    while session.hear()["serverContent"]["modelTurn"]["parts"][0]["executableCode"].is_null() {}
    // There is one worker: this one waits for it, unless the other program is stopped.
    session.say("What is 1 + 1?");
    assert_eq!(session.hear_turn(), "\nread null", "the rest of the first one");
    let shown = session.hear_turn();
    assert!(shown.contains("OUTCOME_OK \"2\\n\"\nThe result is 2."), "{shown}");
}

#[test]
fn where_it_is_off_a_session_that_asks_for_it_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let (mut live, address) = Live::serve(data.path(), &["--code-execution", "off"]);
    assert_eq!(live.announced("code execution: "), "off");
    let mut session = Session::open(&address, "TEXT", json!([{ "codeExecution": {} }]), None);
    let close = loop {
        match session.0.read() {
            Ok(Message::Close(Some(close))) => break close,
            Ok(message) => panic!("it answers {message}"),
            Err(Error::ConnectionClosed) => panic!("it does not say why"),
            Err(_) => {}
        }
    };
    assert_eq!(u16::from(close.code), 1008, "{close}");
    let mut session = Session::open(&address, "TEXT", json!([]), None);
    assert_eq!(session.hear(), json!({ "setupComplete": {} }));
    assert!(session.converse("What is 1 + 1?").starts_with("You said:"));
}

/// A service that gives these answers, one a connection, and hands on the bodies of what it was asked.
fn service(answers: Vec<Value>) -> (String, thread::JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let url = format!("http://{}/v1#m", listener.local_addr().expect("it is bound"));
    let serve = move |message: &Value| {
        let mut stream = listener.accept().expect("it is asked").0;
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).expect("a request") > 2 {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the body");
        let answer = json!({ "choices": [{ "message": message, "finish_reason": "stop" }] }).to_string();
        let head = format!("content-type: application/json\r\nconnection: close\r\ncontent-length: {}", answer.len());
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{answer}").as_bytes()).expect("it listens");
        serde_json::from_slice(&body).expect("JSON")
    };
    (url, thread::spawn(move || answers.iter().map(serve).collect()))
}

#[test]
fn a_language_model_runs_code_and_remembers_it_after_the_death_of_the_server() {
    let call = json!({ "function": { "name": "run_python", "arguments": "{\"code\": \"print(6 * 7)\"}" } });
    let (url, asked) = service(vec![
        json!({ "tool_calls": [call] }),
        json!({ "content": "It is 42." }),
        json!({ "content": "As I said." }),
    ]);
    let data = tempfile::tempdir().unwrap();
    let args = ["--language-model", &url, "--store", "redb"];
    let (mut live, address) = Live::serve(data.path(), &args);
    let mut session = Session::ready(&address, "TEXT");
    let shown = session.converse("What is six times seven?");
    assert_eq!(shown, "PYTHON \"print(6 * 7)\"\nOUTCOME_OK \"42\\n\"\nIt is 42.\nread 1");
    let handle = loop {
        if let Some(handle) = session.hear()["sessionResumptionUpdate"]["newHandle"].as_str() {
            break handle.to_owned();
        }
    };
    live.process.kill().unwrap();
    live.process.wait().unwrap();

    let (_live, address) = Live::serve(data.path(), &args);
    let mut session = Session::open(&address, "TEXT", json!([{ "codeExecution": {} }]), Some(&handle));
    assert_eq!(session.hear(), json!({ "setupComplete": {} }));
    assert!(session.converse("And again?").starts_with("As I said."));
    let asked = asked.join().expect("it was asked three times");
    let told = asked[2]["messages"].to_string();
    assert!(told.contains(r#"{\"code\":\"print(6 * 7)\"}"#), "{told}");
    assert!(told.contains(r#"{\"outcome\":\"OUTCOME_OK\",\"output\":\"42\\n\"}"#), "{told}");
}
