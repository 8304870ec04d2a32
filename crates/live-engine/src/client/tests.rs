//! Transcripts: what a server sends and a host asks, and everything that comes of it.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use live_proto::*;

use super::*;

/// Runs a script and compares what came of it. `S` is the server, `H` our host.
#[track_caller]
fn check(script: &str, expected: Expect) {
    let mut world = World::new(ClientConfig::new(Setup::new("models/m")));
    world.run(script);
    expected.assert_eq(&world.log);
}

/// The same in a session that is open.
#[track_caller]
fn check_open(script: &str, expected: Expect) {
    let mut world = World::new(ClientConfig::new(Setup::new("models/m")));
    world.run("S ready");
    world.log.clear();
    world.run(script);
    expected.assert_eq(&world.log);
}

struct World {
    engine: ClientEngine,
    now: Instant,
    log: String,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
    fn new(config: ClientConfig) -> Self {
        let now = Instant::now();
        Self { engine: ClientEngine::new(config, now), now, log: String::new() }
    }

    fn run(&mut self, script: &str) {
        for step in script.trim().lines().map(str::trim) {
            let _ = writeln!(self.log, "{step}");
            let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
            match verb {
                "S" => self.engine.handle_message(server(rest), self.now),
                "H" => {
                    if let Err(rejected) = self.engine.handle_command(host(rest), self.now) {
                        let _ = writeln!(self.log, "  rejected: {rejected}");
                    }
                }
                "closed" => {
                    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                    let why = Disconnect::Closed { code: code.parse().ok(), reason: reason.into() };
                    self.engine.handle_disconnect(why, self.now);
                }
                "lost" => self.engine.handle_disconnect(Disconnect::Lost(rest.into()), self.now),
                "garbage" => {
                    let kind = DecodeErrorKind::Syntax { offset: 0, expected: "an object" };
                    self.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, self.now);
                }
                "wait" => {
                    self.now += std::time::Duration::from_secs(rest.parse().unwrap());
                    self.engine.handle_timeout(self.now);
                }
                _ => panic!("no such step: {step}"),
            }
            while let Some(output) = self.engine.poll_output() {
                let line = match output {
                    Output::Send(message) => format!("> {}", sent(&message)),
                    Output::Event(event) => format!("! {}", told(event)),
                    Output::Close(close) => format!("> close {} {}", close.code, close.text).trim_end().into(),
                };
                let _ = writeln!(self.log, "  {line}");
            }
        }
    }
}

/// One frame: `ready`, `call F#ID..`, `cancel ID..`, `goaway S`, `nothing`, or fields of `serverContent` in any number.
pub(crate) fn server(words: &str) -> ServerMessage {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    match verb {
        "ready" => ServerPayload::from(SetupComplete { session_id: rest.into(), voice_consent_signature: None }).into(),
        "call" => ServerMessage::tool_call(rest.split_whitespace().map(call).collect()),
        "cancel" => ServerMessage::tool_call_cancellation(rest.split_whitespace().map(Into::into).collect()),
        "goaway" => {
            let time_left = rest.parse().ok().map(|seconds| live_proto::Duration { seconds, nanos: 0 });
            ServerPayload::from(GoAway { time_left }).into()
        }
        "nothing" => ServerMessage::default(),
        _ => content(words),
    }
}

fn content(words: &str) -> ServerMessage {
    let mut content = ServerContent::default();
    let mut parts = Vec::new();
    let mut usage = None;
    for word in words.split_whitespace() {
        let (word, value) = word.split_once(':').unwrap_or((word, ""));
        match word {
            "text" => parts.push(Part::text(value)),
            "thought" => parts.push(Part::thought(value)),
            "audio" => parts.push(Part::inline(Blob::pcm24k(vec![0; value.parse().unwrap()]))),
            "image" => parts.push(Part::inline(Blob::jpeg(vec![0; 2]))),
            "functionCall" => parts.push(Part::function_call(call(value))),
            "in" => content.input_transcription = Some(Transcription::new(value).into()),
            "interim" => content.interim_input_transcription = Some(Transcription::new(value).into()),
            "out" => content.output_transcription = Some(Transcription::new(value).into()),
            "interrupted" => content.interrupted = true,
            "generationComplete" => content.generation_complete = true,
            "turnComplete" => content.turn_complete = true,
            "waiting" => content.waiting_for_input = true,
            "status" => content.interaction_status = InteractionStatus::from_name(value).unwrap(),
            "usage" => usage = Some(UsageMetadata { total_token_count: 7, ..UsageMetadata::default() }),
            _ => panic!("no such field: {word}"),
        }
    }
    if !parts.is_empty() {
        content.model_turn = Some(Content::unsigned(parts));
    }
    let message = ServerMessage::from(content);
    match usage {
        Some(usage) => message.with_usage(usage),
        None => message,
    }
}

pub(crate) fn call(words: &str) -> FunctionCall {
    let (name, id) = words.split_once('#').unwrap_or((words, ""));
    FunctionCall { name: name.into(), id: id.into(), ..FunctionCall::default() }
}

fn host(words: &str) -> ClientCommand {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    ClientCommand::Send(match verb {
        "text" => ClientMessage::text_turn(rest),
        "setup" => ClientMessage::setup(Setup::new(rest)),
        "nothing" => ClientMessage::Empty,
        "answer" => ClientMessage::tool_response(
            rest.split_whitespace()
                .map(|words| {
                    let FunctionCall { name, id, .. } = call(words);
                    FunctionResponse::new(id, name, Struct::new())
                })
                .collect(),
        ),
        "close" => return ClientCommand::Close,
        _ => panic!("no such command: {words}"),
    })
}

fn sent(message: &ClientMessage) -> String {
    match message {
        ClientMessage::Setup(setup) => format!("setup {}", setup.model),
        ClientMessage::ClientContent(content) => format!("clientContent {}", content.turns[0].text()),
        ClientMessage::ToolResponse(response) => {
            let names: Vec<&str> = response.function_responses.iter().map(|response| response.name.as_str()).collect();
            format!("toolResponse {}", names.join(" "))
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn told(event: ClientEvent) -> String {
    match event {
        ClientEvent::Ready { session_id } => format!("Ready {session_id}").trim_end().into(),
        ClientEvent::Text { generation, text } => format!("Text {generation} '{text}'"),
        ClientEvent::Thought { generation, text } => format!("Thought {generation} '{text}'"),
        ClientEvent::Audio { generation, blob } => format!("Audio {generation} {} bytes", blob.data.len()),
        ClientEvent::Part { generation, part: _ } => format!("Part {generation}"),
        ClientEvent::OutputTranscription { generation, transcription } => {
            format!("OutputTranscription {generation} '{}'", transcription.text)
        }
        ClientEvent::InputTranscription(transcription) => format!("InputTranscription '{}'", transcription.text),
        ClientEvent::InterimInputTranscription(transcription) => format!("Interim '{}'", transcription.text),
        ClientEvent::Interrupted { generation } => format!("Interrupted {generation}"),
        ClientEvent::GenerationComplete { generation } => format!("GenerationComplete {generation}"),
        ClientEvent::TurnComplete { generation, reason: _ } => format!("TurnComplete {generation}"),
        ClientEvent::Usage(usage) => format!("Usage {}", usage.total_token_count),
        ClientEvent::ToolCall(call) => format!("ToolCall {}#{}", call.name, call.id),
        ClientEvent::ToolCallCancellation(ids) => format!("ToolCallCancellation {}", ids.join(" ")),
        ClientEvent::GoAway { time_left } => format!("GoAway {time_left:?}"),
        ClientEvent::Closed(cause) => format!("Closed: {cause} [{} open calls]", cause.open_calls),
        other => format!("{other:?}"),
    }
}

mod closing;
mod hearing;
pub(crate) mod orders;
