//! `live doctor`, and `live serve` with engines chosen by flags and files, as their user meets them.

mod gateway;
mod lookup;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

fn live(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    command.args(args).env_remove("LIVE_ENGINE_KEY");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A service that gives these answers, one a connection, and hands on what it was asked.
fn service(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
    let asked = thread::spawn(move || {
        answers.iter().map(|answer| serve(listener.accept().expect("it is asked").0, answer)).collect()
    });
    (url, asked)
}

fn serve(mut stream: TcpStream, answer: &str) -> String {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request");
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        }
        request += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    stream.write_all(answer.as_bytes()).expect("it listens");
    request + &text(&body)
}

fn answer(content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn the_doctor_finds_programs_and_services_and_proposes_them() {
    let (url, asked) =
        service(vec![answer("application/json", r#"{"data": [{"id": "qwen3:8b"}, {"id": "whisper"}]}"#)]);
    let output = live(&["doctor", "--service", &url]).env("LIVE_ENGINE_KEY", "sk-secret").output().expect("it runs");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(asked.join().expect("the service lives")[0].contains("Bearer sk-secret"));
    assert!(out.contains(&format!("{url} (as given) has 2 models\n    {url}#qwen3:8b\n    {url}#whisper\n")), "{out}");
    assert!(out.contains(&format!(" --language-model {url}#qwen3:8b")), "{out}");
    for program in ["espeak-ng", "flite", "pocketsphinx"] {
        let line = out.lines().find(|line| line.trim_start().starts_with(program)).expect("each program has a line");
        let works = ["speaks", "hears"].iter().any(|how| line.contains(how)) && line.contains(" in ");
        assert!(line.contains("not installed") || works, "{line}");
    }
    assert!(!out.contains("secret") && !err.contains("secret"), "{out}{err}");
}

#[test]
fn the_doctor_asks_nobody_unasked_and_tells_who_does_not_answer() {
    let out = text(&live(&["doctor"]).output().expect("it runs").stdout);
    assert!(out.contains("not looked for: --probe"), "{out}");
    let free = TcpListener::bind("127.0.0.1:0").expect("loopback has ports").local_addr().expect("it is bound");
    let output = live(&["doctor", "--service", &format!("http://{free}/v1")]).output().expect("it runs");
    assert!(text(&output.stdout).contains("cannot connect") && output.status.success());
}

#[test]
fn bad_choices_are_told_before_anything_listens() {
    let refused = |args: &[&str]| {
        let Output { status, stderr, .. } =
            live(&[&["serve", "--no-tls", "--listen", "127.0.0.1:0"], args].concat()).output().expect("it runs");
        assert!(!status.success());
        text(&stderr)
    };
    let error = refused(&["--synthesiser", "festival"]);
    assert!(error.starts_with("error: --synthesiser: it takes embedded, espeak-ng, flite or the address"), "{error}");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("models.toml");
    std::fs::write(&file, "[synthesiser]\nkind = \"exec\"\n").expect("it can be written");
    let path = file.display().to_string();
    let error = refused(&["--models", &path]);
    assert!(error.starts_with(&format!("error: {path}: synthesiser.command: it is missing")), "{error}");
    assert!(refused(&["--models", &path, "--recogniser", "none"]).contains("cannot be used with"));
}

struct Live {
    process: Child,
    address: String,
    /// What it prints beyond that.
    printed: mpsc::Receiver<String>,
    log: BufReader<std::process::ChildStderr>,
}

impl Live {
    fn serve(data: &Path, args: &[&str]) -> Self {
        let log: &[&str] = if args.contains(&"--log") { &[] } else { &["--log", "error"] };
        let serve = [&["serve", "--no-tls", "--listen", "127.0.0.1:0"], log, &["--data-dir"]].concat();
        let mut process = live(&serve)
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines();
        let mut lines = lines.map(|line| line.expect("UTF-8"));
        let address = lines.find_map(|line| line.strip_prefix("listening on ws://").map(str::to_owned));
        // Whatever else it says is taken, so that it is not kept waiting.
        let (print, printed) = mpsc::channel();
        thread::spawn(move || lines.for_each(|line| _ = print.send(line)));
        let log = BufReader::new(process.stderr.take().expect("stderr is piped"));
        Self { process, address: address.expect("it listens"), printed, log }
    }

    /// The rest of the next line that begins so.
    fn announced(&mut self, prefix: &str) -> String {
        self.printed.iter().find_map(|line| line.strip_prefix(prefix).map(str::to_owned)).expect("it is printed")
    }

    /// The next line of its log.
    fn logged(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).expect("a log");
        line
    }

    /// One turn, answered in `modality`: the messages of the server up to `turnComplete`, or the code and text of its close.
    fn turn(&self, modality: &str, text: &str) -> Result<Vec<Value>, (u16, String)> {
        let turn = json!({ "clientContent": { "turnComplete": true,
            "turns": [{ "role": "user", "parts": [{ "text": text }] }] } });
        self.exchange(modality, &[turn])
    }

    fn exchange(&self, modality: &str, said: &[Value]) -> Result<Vec<Value>, (u16, String)> {
        let mut talk = self.talk(json!({ "generationConfig": { "responseModalities": [modality] } }));
        said.iter().for_each(|message| talk.say(message));
        talk.turn()
    }

    /// Opens a session with this setup, and transcripts.
    fn talk(&self, setup: Value) -> Talk {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        let path = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any";
        let url = format!("ws://{}/{path}", self.address);
        let mut talk = Talk(tungstenite::client(url, stream).expect("an upgrade").0);
        let mut whole = json!({ "model": "models/gemini-2.0-flash-live-001",
            "inputAudioTranscription": {}, "outputAudioTranscription": {} });
        let Value::Object(setup) = setup else { panic!("a setup is an object") };
        whole.as_object_mut().expect("an object").extend(setup);
        talk.say(&json!({ "setup": whole }));
        talk
    }
}

/// A session, spoken by hand.
struct Talk(tungstenite::WebSocket<TcpStream>);

impl Talk {
    fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).expect("it listens");
    }

    fn ask(&mut self, text: &str) {
        let turn = json!({ "role": "user", "parts": [{ "text": text }] });
        self.say(&json!({ "clientContent": { "turnComplete": true, "turns": [turn] } }));
    }

    /// The next message, or the code and text of the close.
    fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match self.0.read().expect("it answers") {
                Message::Close(frame) => {
                    let frame = frame.expect("a reason");
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                message @ (Message::Text(_) | Message::Binary(_)) => {
                    return Ok(serde_json::from_slice(&message.into_data()).expect("JSON"));
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// The messages up to `turnComplete`.
    fn turn(&mut self) -> Result<Vec<Value>, (u16, String)> {
        let mut messages = Vec::new();
        loop {
            let message = self.next()?;
            let is_complete = message["serverContent"]["turnComplete"] == true;
            messages.push(message);
            if is_complete {
                return Ok(messages);
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

const EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Two.\"}}]}\n\n\
                      data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

#[test]
fn a_service_answers_through_the_server() {
    let (url, asked) = service(vec![answer("text/event-stream", EVENTS)]);
    let data = tempfile::tempdir().expect("a directory");
    let live = Live::serve(data.path(), &["--language-model", &format!("{url}#qwen3:8b")]);
    let messages = live.turn("TEXT", "One and one?").expect("it answers");
    let said: String =
        messages.iter().filter_map(|it| it["serverContent"]["modelTurn"]["parts"][0]["text"].as_str()).collect();
    assert_eq!(said, "Two.");
    let asked = asked.join().expect("the service lives");
    assert!(asked[0].starts_with("POST /v1/chat/completions ") && asked[0].contains("One and one?"), "{asked:?}");
}

#[cfg(unix)]
#[test]
fn a_file_makes_a_program_speak_through_the_server() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("models.toml");
    // 0.1 s of silence for whatever is said.
    let config = "[synthesiser]\nkind = \"exec\"\ncommand = [\"head\", \"-c\", \"4800\", \"/dev/zero\"]\nformat = \"pcm\"\nrate = 24000\n";
    std::fs::write(&file, config).expect("it can be written");
    let live = Live::serve(data.path(), &["--models", &file.display().to_string()]);
    let messages = live.turn("AUDIO", "Hello.").expect("it answers");
    let parts = messages.iter().filter(|it| it["serverContent"]["modelTurn"]["parts"][0]["inlineData"].is_object());
    assert!(parts.count() > 0);
    let said = transcript(&messages, "outputTranscription");
    assert!(said.contains("Hello"), "{said}");
}

/// The texts of a kind of transcript.
fn transcript(messages: &[Value], kind: &str) -> String {
    messages.iter().filter_map(|message| message["serverContent"][kind]["text"].as_str()).collect()
}

/// Whether the program is here; if not, a line says that the test is skipped.
#[cfg(unix)]
fn has(program: &str) -> bool {
    let is_here =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().expect("a shell").status.success();
    if !is_here {
        // Past the test harness, which keeps what tests print to itself; `cargo xtask test` counts these lines.
        let line = format!("\ntest skipped: {program} is not installed (`live doctor` names the package)\n");
        _ = std::io::stdout().write_all(line.as_bytes());
    }
    is_here
}

#[cfg(unix)]
#[test]
fn spoken_words_are_recognised_answered_and_spoken_by_programs() {
    if !(has("flite") && has("espeak-ng") && has("pocketsphinx_continuous")) {
        return;
    }
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("question.wav");
    let text = "go forward ten meters";
    let spoken = Command::new("flite").args(["-voice", "rms", "-t", text, "-o"]).arg(&file).status();
    assert!(spoken.expect("flite runs").success());
    let question = live_audio::Wav::decode(&std::fs::read(&file).expect("a file")).expect("a WAV file");
    assert_eq!(question.rate_hz, 16_000);
    // Silence behind it ends the turn.
    let samples: Vec<i16> = [vec![0; 8_000], question.samples, vec![0; 32_000]].concat();
    let said: Vec<Value> = samples
        .chunks(1_600)
        .map(|chunk| {
            let mut bytes = Vec::new();
            live_audio::bytes_of(chunk, &mut bytes);
            json!({ "realtimeInput": { "audio": { "mimeType": "audio/pcm;rate=16000", "data": base64(&bytes) } } })
        })
        .collect();
    let live = Live::serve(data.path(), &["--recogniser", "pocketsphinx", "--synthesiser", "espeak-ng"]);
    let messages = live.exchange("AUDIO", &said).expect("it answers");
    assert_eq!(transcript(&messages, "inputTranscription").trim(), text);
    assert!(transcript(&messages, "outputTranscription").contains(text), "{messages:?}");
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    out
}

#[test]
fn an_engine_that_fails_is_told_to_the_log_and_not_to_the_client() {
    let data = tempfile::tempdir().expect("a directory");
    let file = data.path().join("models.toml");
    let config = "[synthesiser]\nkind = \"exec\"\ncommand = [\"no-such-program\"]\n";
    for (head, closes) in [("", true), ("on_failure = \"reject\"\n", false)] {
        std::fs::write(&file, format!("{head}{config}")).expect("it can be written");
        let mut live = Live::serve(data.path(), &["--models", &file.display().to_string()]);
        match live.turn("AUDIO", "Hello.") {
            Err(close) => assert_eq!((close, closes), ((1011, "Internal error encountered.".to_owned()), true)),
            Ok(messages) => {
                assert!(!closes);
                let last = &messages.last().expect("a last message")["serverContent"];
                assert_eq!(last["turnCompleteReason"], "RESPONSE_REJECTED");
            }
        }
        let line = live.logged();
        assert!(line.contains("synthesiser no-such-program: there is no program"), "{line}");
    }
}
