//! Transcripts: what a client and a model do, and everything that comes of it.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use expect_test::{Expect, expect};
use live_proto::*;

use super::*;
use crate::context::Tokens;
use crate::prompt::EndReason;

/// Runs a script and compares what came of it. A line is a step; `C` is the client, `M` the model.
#[track_caller]
fn check(script: &str, expected: Expect) {
    check_with(ServerConfig::new(Backend::Gemini), script, expected);
}

#[track_caller]
fn check_with(config: ServerConfig, script: &str, expected: Expect) {
    let mut world = World::new(config);
    for step in script.trim().lines().map(str::trim) {
        let _ = writeln!(world.log, "{step}");
        world.step(step);
        world.drain();
    }
    let log: String = world.log.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    expected.assert_eq(&log);
}

fn vertex() -> ServerConfig {
    ServerConfig { session_id: "a-uuid".into(), ..ServerConfig::new(Backend::Vertex) }
}

struct World {
    engine: ServerEngine,
    now: Instant,
    generation: TurnId,
    calls: Vec<FunctionCall>,
    log: String,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
    fn new(config: ServerConfig) -> Self {
        let now = Instant::now();
        Self {
            engine: ServerEngine::new(config, now),
            now,
            generation: TurnId::default(),
            calls: Vec::new(),
            log: String::new(),
        }
    }

    fn step(&mut self, step: &str) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "C" => {
                let message = self.client(rest);
                self.engine.handle_message(message, self.now);
            }
            "M" => {
                let output = model(rest);
                self.command(ServerCommand::Model(self.generation, output));
            }
            // A piece of a generation that is over.
            "late" => self.command(ServerCommand::Model(TurnId(1), model(rest))),
            "wait" => self.wait(millis(rest)),
            "shutdown" => self.command(ServerCommand::Shutdown),
            "lost" => self.engine.handle_disconnect(Disconnect::Eof, self.now),
            _ => panic!("no such step: {step}"),
        }
    }

    fn command(&mut self, command: ServerCommand) {
        if let Err(rejected) = self.engine.handle_command(command, self.now) {
            let _ = writeln!(self.log, "  rejected: {rejected}");
        }
    }

    fn wait(&mut self, time: Duration) {
        let (begin, end) = (self.now, self.now + time);
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.engine.handle_timeout(due);
            let _ = writeln!(self.log, "  after {} ms", (due - begin).as_millis());
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let line = match output {
                Output::Send(message) => format!("< {}", self.frame(message)),
                Output::Event(event) => format!("! {}", self.event(event)),
                Output::Close(close) => format!("< close {} {}", close.code, close.text),
            };
            let _ = writeln!(self.log, "  {line}");
        }
    }

    fn client(&self, words: &str) -> ClientMessage {
        let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
        match verb {
            "setup" => ClientMessage::setup(setup(rest)),
            "text" => ClientMessage::text_turn(rest),
            // Contents, each `role:text`; a final `.` completes the turn.
            "turns" => {
                let complete = rest.ends_with('.');
                let contents = rest.trim_end_matches('.').split_whitespace().map(|content| {
                    let (role, text) = content.split_once(':').unwrap();
                    let parts = if text.is_empty() { Parts::new() } else { vec![Part::text(text)].into() };
                    Content { role: role.into(), parts }
                });
                ClientMessage::turns(contents.collect(), complete)
            }
            // `_` stands for a space, which scripts trim.
            "say" => ClientMessage::text(rest.replace('_', " ")),
            "hear" => ClientMessage::audio(Blob::pcm16k(silence(millis(rest), 16))),
            "audio" => ClientMessage::audio(Blob::new(rest, vec![0; 2])),
            "see" => ClientMessage::video(Blob::jpeg(vec![0; 10])),
            "image" => ClientMessage::turns(vec![Content::user(Part::inline(Blob::jpeg(vec![0; 10])))], true),
            "chunks" => ClientMessage::RealtimeInput(RealtimeInput {
                media_chunks: vec![Blob::pcm16k(silence(millis(rest), 16)), Blob::jpeg(vec![0; 10])],
                ..RealtimeInput::default()
            }),
            "start" => ClientMessage::activity_start(),
            "end" => ClientMessage::activity_end(),
            "streamend" => ClientMessage::audio_stream_end(),
            "answer" => {
                let responses = rest.split_whitespace().map(|words| {
                    let (name, scheduling) = words.split_once(':').unwrap_or((words, ""));
                    let id = self.calls.iter().rev().find(|call| call.name == name).map(|call| call.id.clone());
                    let response: Struct = [("output", "sunny")].into_iter().collect();
                    let scheduling = Scheduling::from_name(scheduling);
                    FunctionResponse { scheduling, ..FunctionResponse::new(id.unwrap_or_default(), name, response) }
                });
                ClientMessage::tool_response(responses.collect())
            }
            "instruct" => ClientMessage::ContextUpdate(Box::new(ContextUpdate {
                system_instruction: Some(Box::new(Content::user(rest))),
                tools: None,
            })),
            "nothing" => ClientMessage::Empty,
            _ => panic!("no such message: {words}"),
        }
    }

    fn frame(&mut self, message: ServerMessage) -> String {
        let ServerMessage { payload, usage_metadata } = message;
        let usage = usage_metadata.map(|usage| format!(" {}", show_usage(&usage))).unwrap_or_default();
        let shown = match payload.expect("a server always says something") {
            ServerPayload::SetupComplete(setup) => format!("setupComplete {}", setup.session_id),
            ServerPayload::ServerContent(content) => show_content(content),
            ServerPayload::ToolCall(ToolCall { function_calls }) => {
                let names: Vec<&str> = function_calls.iter().map(|call| call.name.as_str()).collect();
                let shown = format!("toolCall {}", names.join(" "));
                self.calls.extend(function_calls);
                shown
            }
            ServerPayload::ToolCallCancellation(cancellation) => {
                let named = |id: &String| self.calls.iter().find(|call| call.id == *id).map(|call| call.name.clone());
                let names: Vec<String> = cancellation.ids.iter().filter_map(named).collect();
                format!("toolCallCancellation {}", names.join(" "))
            }
            other => format!("{other:?}"),
        };
        format!("{shown}{usage}").trim_end().into()
    }

    fn event(&mut self, event: ServerEvent) -> String {
        match event {
            ServerEvent::SetupAccepted(session) => {
                format!("SetupAccepted {:?} {:?} {}", session.profile.family, session.modality, session.voice)
            }
            ServerEvent::Generate(generation, prompt) => {
                self.generation = generation;
                let mut shown: Vec<String> = prompt.history.iter().map(|content| show(content)).collect();
                shown.insert(prompt.history.len() - prompt.unanswered, "|".into());
                format!("Generate {generation} {}", shown.join(" "))
            }
            ServerEvent::TurnFinished { turn, usage: _, interrupted } => {
                format!("TurnFinished {turn}{}", if interrupted { " interrupted" } else { "" })
            }
            ServerEvent::Violation(violation) => format!("Violation {}", violation.explanation()),
            ServerEvent::Closed(reason) => format!("Closed: {reason}"),
            ServerEvent::Cancel(generation) => format!("Cancel {generation}"),
            ServerEvent::Warning(warning) => format!("Warning {warning:?}"),
        }
    }
}

/// `MODEL [TEXT|AUDIO].. [manual] [nointerrupt] [transcripts] [seed] [thoughts] [voice=V] [lang=L] [max=N] [fn=NAME[:later]]..`
fn setup(words: &str) -> Setup {
    let mut words = words.split_whitespace();
    let mut setup = Setup::new(words.next().unwrap_or_default());
    for word in words {
        let (word, value) = word.split_once('=').unwrap_or((word, ""));
        let realtime = || RealtimeInputConfig::default();
        match word {
            "TEXT" | "AUDIO" | "IMAGE" => {
                let modality = Modality::from_name(word).unwrap();
                setup.generation_config.get_or_insert_default().response_modalities.push(modality);
            }
            "manual" => setup = setup.with_manual_activity(),
            "nointerrupt" => {
                let realtime = setup.realtime_input_config.get_or_insert_with(|| Box::new(realtime()));
                realtime.activity_handling = Some(ActivityHandling::NoInterruption);
            }
            "allinput" => {
                let realtime = setup.realtime_input_config.get_or_insert_with(|| Box::new(realtime()));
                realtime.turn_coverage = Some(TurnCoverage::IncludesAllInput);
            }
            "transcripts" => setup = setup.with_output_transcription(),
            "seed" => setup.history_config = Some(HistoryConfig { initial_history_in_client_content: true }),
            "thoughts" => {
                let thinking = ThinkingConfig { include_thoughts: Some(true), ..ThinkingConfig::default() };
                setup.generation_config.get_or_insert_default().thinking_config = Some(thinking);
            }
            "budget" => {
                let thinking = ThinkingConfig { thinking_budget: Some(0), ..ThinkingConfig::default() };
                setup.generation_config.get_or_insert_default().thinking_config = Some(thinking);
            }
            "voice" => setup = setup.with_voice(value),
            "lang" => {
                let speech = &mut setup.generation_config.get_or_insert_default().speech_config;
                speech.get_or_insert_default().language_code = value.into();
            }
            "max" => setup.generation_config.get_or_insert_default().max_output_tokens = value.parse().ok(),
            "handle" => {
                setup.session_resumption =
                    Some(SessionResumptionConfig { handle: Some(value.into()), transparent: false });
            }
            "instruct" => setup = setup.with_system_instruction(value),
            "fn" => {
                let (name, behavior) = match value.split_once(':') {
                    Some((name, "later")) => (name, Behavior::NonBlocking),
                    Some((name, _)) => (name, Behavior::Blocking),
                    None => (value, Behavior::Unspecified),
                };
                let function = FunctionDeclaration { name: name.into(), behavior, ..FunctionDeclaration::default() };
                setup.tools.push(Tool { function_declarations: vec![function], ..Tool::default() });
            }
            _ => panic!("no such setting: {word}"),
        }
    }
    setup
}

fn model(words: &str) -> ModelOutput {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    match verb {
        "text" => ModelOutput::Text(rest.into()),
        "thought" => ModelOutput::Thought(rest.into()),
        "speech" => {
            let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
            ModelOutput::Speech { pcm: silence(millis(time), 24), text: text.into() }
        }
        "half" => ModelOutput::Speech { pcm: Bytes::from_static(&[0; 3]), text: String::new() },
        "code" => ModelOutput::ExecutableCode(ExecutableCode { code: rest.into(), ..ExecutableCode::default() }),
        "call" => ModelOutput::ToolCalls(
            rest.split_whitespace().map(|name| FunctionCall { name: name.into(), ..FunctionCall::default() }).collect(),
        ),
        "end" => ModelOutput::End(EndReason::Complete),
        "more?" => ModelOutput::End(EndReason::NeedMoreInput),
        "fail" => ModelOutput::Failed(rest.into()),
        _ => panic!("no such output: {words}"),
    }
}

fn millis(words: &str) -> Duration {
    Duration::from_millis(words.strip_suffix("ms").and_then(|number| number.parse().ok()).expect("like 20ms"))
}

fn silence(time: Duration, samples_per_ms: usize) -> Bytes {
    vec![0; usize::try_from(time.as_millis()).unwrap() * samples_per_ms * 2].into()
}

fn show(content: &Content) -> String {
    let parts: Vec<String> = content.parts.iter().map(show_part).collect();
    format!("{}:{}", content.role, parts.join("+"))
}

fn show_part(part: &Part) -> String {
    let thought = if part.thought { "thought " } else { "" };
    match part.data.as_ref().expect("a part holds something") {
        PartData::Text(text) => format!("{thought}'{text}'"),
        PartData::InlineData(blob) => format!("{}[{}]", blob.mime_type, blob.data.len()),
        PartData::FunctionCall(call) => format!("{}()", call.name),
        PartData::FunctionResponse(response) => format!("{}->", response.name),
        PartData::ExecutableCode(code) => format!("code '{}'", code.code),
        other => format!("{other:?}"),
    }
}

fn show_content(content: ServerContent) -> String {
    let mut shown = Vec::new();
    if let Some(turn) = &content.model_turn {
        shown.push(show(turn));
    }
    if let Some(transcription) = &content.output_transcription {
        shown.push(format!("outputTranscription '{}'", transcription.text));
    }
    for (set, name) in [
        (content.interrupted, "interrupted"),
        (content.generation_complete, "generationComplete"),
        (content.waiting_for_input, "waitingForInput"),
        (content.turn_complete, "turnComplete"),
    ] {
        if set {
            shown.push(name.into());
        }
    }
    if content.turn_complete_reason != TurnCompleteReason::Unspecified {
        shown.push(content.turn_complete_reason.name().unwrap_or_default().into());
    }
    shown.join(" ")
}

fn show_usage(usage: &UsageMetadata) -> String {
    let details = |details: &[ModalityTokenCount]| {
        let shown = details.iter().map(|it| format!("{} {}", it.token_count, it.modality.name().unwrap_or_default()));
        shown.collect::<Vec<_>>().join(" + ")
    };
    let mut shown = format!("prompt {}", details(&usage.prompt_tokens_details));
    if !usage.response_tokens_details.is_empty() {
        let _ = write!(shown, ", response {}", details(&usage.response_tokens_details));
    }
    if !usage.candidates_tokens_details.is_empty() {
        let _ = write!(shown, ", candidates {}", details(&usage.candidates_tokens_details));
    }
    if usage.thoughts_token_count != 0 {
        let _ = write!(shown, ", thoughts {}", usage.thoughts_token_count);
    }
    format!("{shown}, total {}", usage.total_token_count)
}

mod bounds;
mod input;
mod setting_up;
mod tools;
mod turns;
