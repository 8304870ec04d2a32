//! `live serve` in front of another `live serve`: what its clients see, and what becomes of the sessions behind it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Live, Talk, base64};

/// A gateway and what is behind it.
struct Pair {
    upstream: Live,
    control: String,
    gateway: Live,
    _data: tempfile::TempDir,
}

impl Pair {
    fn start(extra: &str) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut upstream = Live::serve(&data.path().join("up"), &["--control-listen", "127.0.0.1:0"]);
        let control = upstream.announced("control endpoint: http://");
        let gateway = Self::gateway(data.path(), &upstream, extra);
        Self { upstream, control, gateway, _data: data }
    }

    fn gateway(data: &Path, upstream: &Live, extra: &str) -> Live {
        let file = data.join("gateway.toml");
        let config = format!("[gemini]\nbase_url = \"http://{}\"\n{extra}", upstream.address);
        std::fs::write(&file, config).expect("it can be written");
        Live::serve(&data.join("front"), &["--models", &file.display().to_string()])
    }

    fn control(&self, request: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.control).expect("it listens");
        let head = format!(
            "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 200 "), "{answer}");
        serde_json::from_str(body).expect("JSON")
    }

    /// The open sessions upstream.
    fn sessions(&self) -> Vec<Value> {
        let answer = self.control("GET /sessions", "");
        answer["sessions"].as_array().expect("a list").clone()
    }

    /// Waits until the sessions upstream are so; fails with its test if they never are.
    fn until(&self, is_so: impl Fn(&[Value]) -> bool) {
        while !is_so(&self.sessions()) {
            std::thread::yield_now();
        }
    }

    fn talk(&self, setup: Value) -> Talk {
        assert!(!self.upstream.address.is_empty());
        self.gateway.talk(setup)
    }
}

fn text() -> Value {
    json!({ "generationConfig": { "responseModalities": ["TEXT"] } })
}

fn said(messages: &[Value]) -> String {
    let parts = messages.iter().flat_map(|it| it["serverContent"]["modelTurn"]["parts"].as_array());
    parts.flatten().filter_map(|part| part["text"].as_str()).collect()
}

fn answer(talk: &mut Talk, question: &str) -> String {
    talk.ask(question);
    said(&talk.turn().expect("it answers"))
}

#[test]
fn a_conversation_has_one_session_upstream_that_outlives_its_connections() {
    let pair = Pair::start("");
    let mut talk = pair.talk(text());
    assert!(answer(&mut talk, "My name is Ada.").contains("Ada"));
    assert!(answer(&mut talk, "Good day.").contains("Good day"));
    // The end of a turn is counted a moment after its last word.
    pair.until(|sessions| sessions.len() == 1 && sessions[0]["turns"] == 2);
    let sessions = pair.sessions();

    // It is sent away between two turns.
    let id = sessions[0]["id"].as_str().expect("an id").to_owned();
    pair.control(&format!("POST /sessions/{id}/goAway"), r#"{"timeLeft": "1s"}"#);
    pair.until(|sessions| sessions.len() == 1 && sessions[0]["isResumed"] == true);
    assert!(answer(&mut talk, "Still there?").contains("Still there"));

    // And while it speaks.
    talk.ask("Count from 1 to 20.");
    let mut counted = String::new();
    while !counted.contains('3') {
        counted += &said(&[talk.next().expect("it counts")]);
    }
    let id = pair.sessions()[0]["id"].as_str().expect("an id").to_owned();
    pair.control(&format!("POST /sessions/{id}/goAway"), r#"{"timeLeft": "20s"}"#);
    counted += &said(&talk.turn().expect("it goes on"));
    assert!(counted.contains("20."), "{counted}");
}

#[test]
fn an_interruption_stops_the_upstream_and_keeps_it() {
    let pair = Pair::start("");
    let mut talk = pair.talk(text());
    talk.ask("Count from 1 to 1000.");
    let mut counted = String::new();
    while !counted.contains('3') {
        counted += &said(&[talk.next().expect("it counts")]);
    }
    talk.ask("Good day.");
    let cut = talk.turn().expect("it is cut short");
    assert!(cut.iter().any(|message| message["serverContent"]["interrupted"] == true), "{cut:?}");
    let answer = said(&talk.turn().expect("it answers"));
    assert!(answer.contains("Good day") && !answer.contains("1000"), "{answer}");
    pair.until(|sessions| sessions.len() == 1 && sessions[0]["turns"] == 2);
}

#[test]
fn calls_and_their_answers_are_passed_on() {
    let pair = Pair::start("");
    for model in ["models/gemini-2.0-flash-live-001", "models/gemini-3.8-live"] {
        call_through(&pair, model);
    }
}

fn call_through(pair: &Pair, model: &str) {
    // Models of the third generation answer in speech.
    let is_spoken = model.contains("3.8");
    let mut setup = if is_spoken { json!({ "generationConfig": { "responseModalities": ["AUDIO"] } }) } else { text() };
    setup["model"] = json!(model);
    setup["tools"] = json!([{ "functionDeclarations": [{ "name": "get_weather" }] }]);
    let mut talk = pair.talk(setup);
    talk.ask("get_weather");
    let call = loop {
        let message = talk.next().expect("it calls");
        if let Some(call) = message["toolCall"]["functionCalls"].as_array().and_then(|calls| calls.first()) {
            break call.clone();
        }
    };
    assert_eq!(call["name"], "get_weather");
    let response = json!({ "id": call["id"], "name": "get_weather", "response": { "output": "sunny" } });
    talk.say(&json!({ "toolResponse": { "functionResponses": [response] } }));
    let mut told = String::new();
    while !told.contains("sunny") {
        let message = talk.next().expect("it tells");
        told += &said(std::slice::from_ref(&message));
        told += message["serverContent"]["outputTranscription"]["text"].as_str().unwrap_or_default();
    }
    assert!(
        pair.sessions().iter().filter(|session| session["model"] == model.trim_start_matches("models/")).count() == 1
    );
}

#[test]
fn speech_goes_there_and_comes_back_with_its_transcripts() {
    let pair = Pair::start("");
    let mut setup = json!({ "generationConfig": { "responseModalities": ["AUDIO"] } });
    setup["realtimeInputConfig"] = json!({ "automaticActivityDetection": { "disabled": true } });
    let mut talk = pair.talk(setup);
    let sound = json!({ "mimeType": "audio/pcm;rate=16000", "data": base64(&[0; 64_000]) });
    for message in [json!({ "activityStart": {} }), json!({ "audio": sound }), json!({ "activityEnd": {} })] {
        talk.say(&json!({ "realtimeInput": message }));
    }
    let messages = talk.turn().expect("it answers");
    let transcript = |kind: &str| -> String {
        messages.iter().filter_map(|message| message["serverContent"][kind]["text"].as_str()).collect()
    };
    assert_eq!(transcript("inputTranscription"), "[speech 2.0 s]");
    assert!(transcript("outputTranscription").contains("2.0 s of speech"), "{messages:?}");
    let sound = messages.iter().any(|it| it["serverContent"]["modelTurn"]["parts"][0]["inlineData"].is_object());
    assert!(sound, "{messages:?}");
}

#[test]
fn where_no_upstream_knows_a_conversation_a_new_one_is_told() {
    let pair = Pair::start("idle = \"1ms\"\n");
    let mut talk = pair.talk(text());
    assert!(answer(&mut talk, "My name is Ada.").contains("Ada"));
    pair.until(<[Value]>::is_empty);
    assert!(answer(&mut talk, "Good day.").contains("Good day"));
    // It was told the first turn: its prompt is longer than the second turn alone.
    pair.until(<[Value]>::is_empty);
    let tokens = |messages: &[Value]| messages.iter().find_map(|it| it["usageMetadata"]["promptTokenCount"].as_u64());
    talk.ask("Good day.");
    assert!(tokens(&talk.turn().expect("it answers")) > Some(10));
}

#[test]
fn an_upstream_that_is_gone_closes_the_session() {
    let mut pair = Pair::start("");
    let mut talk = pair.talk(text());
    pair.upstream.process.kill().expect("it runs");
    pair.upstream.process.wait().expect("it ends");
    talk.ask("Good day.");
    assert_eq!(talk.turn().expect_err("nobody answers"), (1011, "Internal error encountered.".to_owned()));
    let log = pair.gateway.logged();
    assert!(log.contains("upstream: "), "{log}");
}
