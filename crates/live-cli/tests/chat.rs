//! `live chat` as its user meets it: a process, what is typed into it, what it prints, and the sound it leaves behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

use live_audio::{Wav, WavChannels};
use live_model::voice::Voice;
use serde_json::Value;

/// A process, killed at the end of its test.
struct Live {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Live {
    /// A server on a free port.
    fn serve(args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
            .args(["serve", "--listen", "127.0.0.1:0", "--no-tls", "--log", "error"])
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

    fn url(&mut self) -> String {
        format!("http://{}", self.announced("listening on ws://"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

fn chat(url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    command.args(["chat", "--url", url]).args(args);
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a script to its end; what was printed, and the news.
fn converse(url: &str, args: &[&str], script: &str) -> (String, String) {
    let Output { status, stdout, stderr } = finish(&mut chat(url, args), script);
    let (said, news) = (utf8(stdout), utf8(stderr));
    assert!(status.success(), "{status}\n{said}\n{news}");
    (said, news)
}

fn finish(command: &mut Command, script: &str) -> Output {
    let mut process = command.spawn().expect("the binary runs");
    let mut input = process.stdin.take().expect("stdin is piped");
    input.write_all(script.as_bytes()).expect("it reads");
    drop(input);
    process.wait_with_output().expect("it ends")
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

fn read_wav(path: &Path) -> Wav {
    Wav::decode(&std::fs::read(path).expect("it was written")).expect("it is a WAV file")
}

/// A file in which a synthetic voice says something, with a moment of silence around it.
fn recording(path: &Path, words: &str) {
    let voice = Voice::named("Kore").expect("it is a voice");
    let mut samples = vec![0; 7_200];
    samples.extend(voice.speak(words).flat_map(|chunk| chunk.pcm));
    samples.extend([0; 7_200]);
    let mut file = Vec::new();
    Wav { rate_hz: 24_000, channels: WavChannels::Mono, samples }.encode(&mut file);
    std::fs::write(path, file).expect("the directory is there");
}

#[test]
fn lines_are_answered_one_after_the_other_and_the_answers_are_written() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("answers.wav");
    let (said, news) =
        converse(&url, &["--out", out.to_str().unwrap(), "--voice", "Puck"], "My name is Ann.\n\nWhat did I ask?\n");
    assert_eq!(
        said,
        "you: My name is Ann.\n\
         model: You said: \"My name is Ann.\"\n\
         you: What did I ask?\n\
         model: You asked: \"My name is Ann.\".\n"
    );
    assert!(news.contains("2 answers") && news.contains("answers.wav"), "{news}");
    let wav = read_wav(&out);
    let seconds = wav.samples.len() as f64 / 24_000.0;
    assert!((2.0..20.0).contains(&seconds) && wav.rate_hz == 24_000, "{seconds} s");
    assert!(wav.samples.iter().any(|sample| sample.unsigned_abs() > 1_000), "it is no silence");
}

#[test]
fn thoughts_are_shown_apart_and_when_asked_for() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    for mode in [&["--text"][..], &[]] {
        let said = |flags: &[&str]| converse(&url, &[mode, flags].concat(), "My name is Ann.\n").0;
        let thoughts = "thinks: No rule of mine fits the prompt, so I quote it.\n";
        let answer = "model: You said: \"My name is Ann.\"\n";
        assert_eq!(said(&["--thoughts"]), format!("you: My name is Ann.\n{thoughts}{answer}"));
        assert_eq!(said(&[]), format!("you: My name is Ann.\n{answer}"));
    }
}

#[test]
fn an_answer_is_cut_short_on_the_screen_and_in_the_ear() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("answers.wav");
    let script = "Count to 2000.\n! What did I ask?\n";
    let (said, news) = converse(&url, &["--out", out.to_str().unwrap()], script);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "you: Count to 2000.");
    assert!(lines[1].starts_with("model: 1"), "{said}");
    let rest = ["you: What did I ask?", "model: [interrupted]", "model: You asked: \"Count to 2000.\"."];
    assert_eq!(lines[2..], rest);
    assert!(news.contains("(1 answer"), "{news}");
    assert!(read_wav(&out).samples.len() < 24_000 * 30, "a count to 2000 takes far longer");
}

#[test]
fn an_answer_is_stopped_and_nothing_is_said_instead() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let (said, news) = converse(&url, &[], "Count to 2000.\n/stop\nSay hello.\n");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[1].starts_with("model: 1") && lines[1].ends_with("[interrupted]"), "{said}");
    assert_eq!(lines[2], "you: Say hello.");
    assert!(lines[3].to_lowercase().contains("hello") && lines.len() == 4, "{said}");
    assert!(!news.contains("no answer"), "{news}");
}

#[test]
fn a_recording_is_heard_and_answered() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("speech.wav");
    recording(&file, "Good morning, how are you today?");
    let (said, news) = converse(&url, &["--in", file.to_str().unwrap()], "");
    assert!(said.starts_with("you: [speech ") && said.contains("model: I received "), "{said}\n{news}");
    assert!(news.contains("speaking ") && news.contains("(1 answer"), "{news}");
}

#[test]
fn what_counts_as_speech_is_for_the_detector_to_say() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hum.wav");
    let hum = (0..24_000)
        .map(|sample| ((f64::from(sample) * 100.0 * std::f64::consts::TAU / 16_000.0).sin() * 9_000.0) as i16);
    let samples = std::iter::repeat_n(0, 8_000).chain(hum).chain(std::iter::repeat_n(0, 8_000)).collect();
    let mut bytes = Vec::new();
    Wav { rate_hz: 16_000, channels: WavChannels::Mono, samples }.encode(&mut bytes);
    std::fs::write(&file, bytes).unwrap();
    // Earshot takes no hum for speech.
    let mut server = Live::serve(&["--detector", "energy"]);
    let url = server.url();
    let (said, news) = converse(&url, &["--in", file.to_str().unwrap()], "");
    assert!(said.contains("you: [speech "), "{said}\n{news}");
}

#[test]
fn a_recording_interrupts() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("speech.wav");
    recording(&file, "Stop it please.");
    let script = format!("Count to 2000.\n! /say {}\n", file.display());
    let (said, news) = converse(&url, &[], &script);
    let interrupted = said.find("[interrupted]").unwrap_or_else(|| panic!("{said}\n{news}"));
    assert!(said[interrupted..].contains("model: I received "), "{said}");
}

#[test]
fn a_server_with_an_authority_of_its_own_is_trusted_when_told_to() {
    let data = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
        .args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--log", "error", "--data-dir"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let mut server = Live { process, output };
    let url = format!("https://{}", server.announced("listening on wss://"));
    let ca = data.path().join("ca.pem");
    let (said, _) = converse(&url, &["--text", "--ca", ca.to_str().unwrap()], "Say hello.\n");
    assert!(said.contains("model: "), "{said}");
    let output = finish(&mut chat(&url, &["--text"]), "Say hello.\n");
    let news = utf8(output.stderr);
    assert!(output.status.code() == Some(1) && news.contains("certificate"), "{news}");
}

#[test]
fn text_is_answered_in_text() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let (said, _) = converse(
        &url,
        &["--text", "--system", "Be brief."],
        "What are your instructions?\n/nonsense\n/quit\nno more\n",
    );
    assert!(said.contains("Be brief.") && !said.contains("no more"), "{said}");
}

/// A conversation that is led line by line.
struct Led {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    news: BufReader<ChildStderr>,
}

impl Led {
    fn start(mut command: Command) -> Self {
        let mut process = command.spawn().expect("the binary runs");
        let input = process.stdin.take().expect("stdin is piped");
        let output = BufReader::new(process.stdout.take().expect("stdout is piped"));
        let news = BufReader::new(process.stderr.take().expect("stderr is piped"));
        Self { process, input, output, news }
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it reads");
    }

    fn until(reader: &mut impl std::io::BufRead, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let bytes = reader.read_line(&mut line).expect("UTF-8");
            assert!(bytes > 0, "{text:?} was never printed: {all}");
            all += &line;
            if line.contains(text) {
                return all;
            }
        }
    }

    fn hear(&mut self, text: &str) -> String {
        Self::until(&mut self.output, text)
    }

    fn learn(&mut self, text: &str) -> String {
        Self::until(&mut self.news, text)
    }
}

impl Drop for Led {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[test]
fn a_session_that_is_cut_goes_on_and_says_so() {
    let mut server = Live::serve(&["--control-listen", "127.0.0.1:0"]);
    let url = server.url();
    let control = server.announced("control endpoint: http://");
    let mut led = Led::start(chat(&url, &["--text", "--resume"]));
    led.say("My name is Ann.");
    led.hear("model: You said: \"My name is Ann.\"");
    let sessions = ask(&control, "GET", "/sessions");
    let id = sessions["sessions"][0]["id"].as_str().expect("a session is open");
    ask(&control, "POST", &format!("/sessions/{id}/drop"));
    led.learn("reconnecting, attempt");
    led.learn("the session resumed where it was");
    led.say("What did I ask?");
    led.hear("model: You asked: \"My name is Ann.\".");
    led.say("/quit");
    led.learn("2 answers; 2 dials, 1 resumption)");
    assert!(led.process.wait().unwrap().success());
}

fn ask(address: &str, method: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(address).expect("the endpoint listens");
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .expect("the endpoint reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the endpoint answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    serde_json::from_str(body).expect("JSON")
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_in_good_order() {
    let mut server = Live::serve(&[]);
    let url = server.url();
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("answers.wav");
    let mut led = Led::start(chat(&url, &["--out", out.to_str().unwrap()]));
    led.say("Count to 2000.");
    led.hear("you: Count to 2000.");
    // The model's line does not end so soon.
    let mut begun = [0; 8];
    led.output.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"model: 1");
    let interrupt = |process: &Child| {
        let status = Command::new("kill").args(["-s", "INT", &process.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    };
    interrupt(&led.process);
    led.learn("0 answers; what was heard of them is in");
    assert!(led.process.wait().unwrap().success());
    read_wav(&out);
    interrupt(&server.process);
    assert_eq!(server.announced("served "), "1 sessions; 0 refused, 0 broke the protocol, 0 failures of ours");
}

#[test]
fn what_cannot_be_done_is_told_without_the_key() {
    let mut server = Live::serve(&["--api-key", "sesame"]);
    let url = server.url();
    let mut refused = chat(&url, &["--text"]);
    let output = finish(refused.env("GEMINI_API_KEY", "DistinctiveKey7f3a"), "hello\n");
    let news = utf8(output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(news.contains("API key not valid") && !news.contains("DistinctiveKey7f3a"), "{news}");

    let mut admitted = chat(&url, &["--text"]);
    let output = finish(admitted.env("GOOGLE_API_KEY", "sesame"), "hello\n");
    assert!(output.status.success() && !utf8(output.stderr).contains("sesame"));

    let mut keyless = Command::new(env!("CARGO_BIN_EXE_live"));
    keyless.arg("chat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"] {
        keyless.env_remove(name);
    }
    let output = finish(&mut keyless, "");
    let news = utf8(output.stderr);
    assert!(!output.status.success() && news.contains("GEMINI_API_KEY") && news.contains("--url"), "{news}");

    let (_, news) = converse_with_key(&url, "/say nowhere.wav\nhello\n");
    assert!(news.contains("cannot read nowhere.wav") && news.contains("1 answer"), "{news}");

    // Whoever names it with the command learns of it by the status.
    let mut command = chat(&url, &["--text", "--in", "nowhere.wav"]);
    let output = finish(command.env("GEMINI_API_KEY", "sesame"), "");
    let news = utf8(output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(news.contains("error: cannot read nowhere.wav"), "{news}");
}

fn converse_with_key(url: &str, script: &str) -> (String, String) {
    let mut command = chat(url, &["--text"]);
    let Output { status, stdout, stderr } = finish(command.env("GEMINI_API_KEY", "sesame"), script);
    assert!(status.success());
    (utf8(stdout), utf8(stderr))
}
