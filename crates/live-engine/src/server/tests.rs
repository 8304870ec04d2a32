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
    config: ServerConfig,
    connections: u8,
    saved: Vec<(Handle, Arc<Snapshot>)>,
    asked: Option<Handle>,
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
        let config = ServerConfig { handle_seed: HandleSeed([1; 32]), vad: loud, ..config };
        Self {
            config: config.clone(),
            connections: 1,
            saved: Vec::new(),
            asked: None,
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
            "saved" => self.command(ServerCommand::Saved(self.last_saved())),
            "notsaved" => self.command(ServerCommand::SaveFailed(self.last_saved())),
            "goaway" => self.command(ServerCommand::GoAway { time_left: millis(rest) }),
            "takeover" => self.command(ServerCommand::TakeOver),
            "admitted" => self.command(ServerCommand::Admitted),
            "refused" => self.command(ServerCommand::Refuse(match rest {
                "used" => Refusal::TokenUsedUp,
                _ => Refusal::TokenExpired,
            })),
            "refuse" => self.command(ServerCommand::ResumeRefused(match rest {
                "unknown" => ResumeRefusal::Unknown,
                "expired" => ResumeRefusal::Expired,
                "unreadable" => ResumeRefusal::Unreadable,
                _ => ResumeRefusal::Foreign,
            })),
            // The snapshot that was asked for, if it is kept.
            "resumed" => {
                let asked = self.asked.clone();
                let kept = self.saved.iter().find(|(handle, _)| Some(handle) == asked.as_ref());
                let snapshot = kept.map(|(_, snapshot)| Snapshot::clone(snapshot)).unwrap_or_default();
                self.command(ServerCommand::Resumed(Box::new(snapshot)));
            }
            // Another connection to the same server; the former one is gone.
            "reconnect" => {
                self.connections += 1;
                self.config.handle_seed = HandleSeed([self.connections; 32]);
                self.engine = ServerEngine::new(self.config.clone(), self.now);
            }
            "lost" => self.engine.handle_disconnect(Disconnect::Eof, self.now),
            _ => panic!("no such step: {step}"),
        }
    }

    fn command(&mut self, command: ServerCommand) {
        if let Err(rejected) = self.engine.handle_command(command, self.now) {
            let _ = writeln!(self.log, "  rejected: {rejected}");
        }
    }

    fn last_saved(&self) -> Handle {
        self.saved.last().expect("something was saved").0.clone()
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
            "hear" => ClientMessage::audio(Blob::pcm16k(tone(millis(rest), 16))),
            "hush" => ClientMessage::audio(Blob::pcm16k(silence(millis(rest), 16))),
            // MIME type and bytes.
            "audio" => {
                let (mime_type, bytes) = rest.split_once(' ').unwrap_or((rest, "2"));
                ClientMessage::audio(Blob::new(mime_type, vec![0; bytes.parse().unwrap()]))
            }
            // Silence and sound in turn, in one message.
            "film" => {
                let piece =
                    |(index, time)| if index % 2 == 0 { silence(millis(time), 16) } else { tone(millis(time), 16) };
                let pieces: Vec<Bytes> = rest.split(' ').enumerate().map(piece).collect();
                ClientMessage::audio(Blob::pcm16k(pieces.concat()))
            }
            "picture" => ClientMessage::video(Blob::new(rest, vec![0; 2])),
            "image2" => ClientMessage::video(Blob::new("image/png", vec![0; 2])),
            "see" => ClientMessage::video(Blob::jpeg(vec![0; 10])),
            "image" => ClientMessage::turns(vec![Content::user(Part::inline(Blob::jpeg(vec![0; 10])))], true),
            "chunks" => ClientMessage::RealtimeInput(RealtimeInput {
                media_chunks: vec![Blob::pcm16k(tone(millis(rest), 16)), Blob::jpeg(vec![0; 10])],
                ..RealtimeInput::default()
            }),
            "start" => ClientMessage::activity_start(),
            "end" => ClientMessage::activity_end(),
            "streamend" => ClientMessage::audio_stream_end(),
            // `NAME[:SCHEDULING]`; a small `scheduling` stands inside `response`, `..` has more to come, `@NAME` has no id,
            // `NAME=OTHER` answers under another name.
            "answer" => {
                let responses = rest.split_whitespace().map(|words| {
                    let (words, will_continue) = words.strip_suffix("..").map_or((words, false), |words| (words, true));
                    let (words, scheduling) = words.split_once(':').unwrap_or((words, ""));
                    let (called, name) = words.split_once('=').unwrap_or((words, words.trim_start_matches('@')));
                    let id = self.calls.iter().rev().find(|call| call.name == called).map(|call| call.id.clone());
                    let mut response: Struct = [("output", "sunny")].into_iter().collect();
                    if scheduling.starts_with(|first: char| first.is_ascii_lowercase()) {
                        response.0.insert("scheduling".into(), scheduling.to_uppercase().into());
                    }
                    let scheduling = Scheduling::from_name(scheduling);
                    let response = FunctionResponse::new(id.unwrap_or_default(), name, response);
                    FunctionResponse { scheduling, will_continue, ..response }
                });
                ClientMessage::tool_response(responses.collect())
            }
            "untool" => ClientMessage::ContextUpdate(Box::new(ContextUpdate {
                system_instruction: None,
                tools: Some(ContextUpdateTools::default()),
            })),
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
            ServerPayload::GoAway(GoAway { time_left }) => {
                let left = Duration::try_from(time_left.expect("it is always said")).unwrap();
                format!("goAway in {} ms", left.as_millis())
            }
            ServerPayload::SessionResumptionUpdate(update) if update.resumable => {
                let index = update.last_consumed_client_message_index;
                let consumed = if index > 0 { format!(" consumed {index}") } else { String::new() };
                format!("resumable {}{consumed}", short(&update.new_handle))
            }
            ServerPayload::SessionResumptionUpdate(update) => {
                assert_eq!(*update, SessionResumptionUpdate::default());
                "not resumable".into()
            }
            ServerPayload::VoiceActivity(VoiceActivity { r#type, audio_offset }) => {
                let at = Duration::try_from(audio_offset.expect("it is always said")).unwrap();
                format!("{} at {} ms", r#type.name().unwrap_or_default(), at.as_millis())
            }
            ServerPayload::VoiceActivityDetectionSignal(signal) => {
                signal.vad_signal_type.name().unwrap_or_default().into()
            }
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
                if let Some(instruction) = &prompt.session.system_instruction {
                    shown.insert(0, format!("({})", show(instruction)));
                }
                format!("Generate {generation} {}", shown.join(" "))
            }
            ServerEvent::TurnFinished { turn, usage: _, session_usage: _, interrupted } => {
                format!("TurnFinished {turn}{}", if interrupted { " interrupted" } else { "" })
            }
            ServerEvent::Violation(violation) => format!("Violation {}", violation.explanation()),
            ServerEvent::Closed(reason) => format!("Closed: {reason}"),
            ServerEvent::Cancel(generation) => format!("Cancel {generation}"),
            ServerEvent::Continue(generation) => format!("Continue {generation}"),
            ServerEvent::Warning(warning) => format!("Warning {warning:?}"),
            ServerEvent::Admit => "Admit".into(),
            ServerEvent::Resume { handle } => {
                let shown = format!("Resume {}", short(handle.as_str()));
                self.asked = Some(handle);
                shown
            }
            ServerEvent::Save { handle, snapshot } => {
                let shown = format!("Save {} {}", short(handle.as_str()), show_snapshot(&snapshot));
                self.saved.push((handle, snapshot));
                shown
            }
            ServerEvent::Forget { handle } => {
                self.saved.retain(|(saved, _)| *saved != handle);
                format!("Forget {}", short(handle.as_str()))
            }
            ServerEvent::Compressed { evicted, kept } => {
                let Evicted { contents, tokens } = evicted;
                format!("Compressed -{contents} contents -{} tokens, {} left", tokens.total(), kept.total())
            }
        }
    }
}

/// A handle of ours as CONNECTION.NUMBER.
fn short(handle: &str) -> String {
    match handle.split_once('.') {
        Some((seed, number)) if seed.len() == 64 => format!("{}.{number}", seed[..2].trim_start_matches('0')),
        Some(_) | None => handle.into(),
    }
}

/// The handle that is shown so; anything else is itself.
fn long(short: &str) -> String {
    match short.split_once('.') {
        Some((connection, number)) => format!("{}.{number}", format!("{connection:0>2}").repeat(32)),
        None => short.into(),
    }
}

fn show_snapshot(snapshot: &Snapshot) -> String {
    let mut shown: Vec<String> = snapshot.history.iter().map(|entry| show(&entry.content)).collect();
    shown.insert(snapshot.history.len() - snapshot.unanswered, "|".into());
    if !snapshot.pending_input.is_empty() {
        let parts: Vec<String> = snapshot.pending_input.iter().map(show_pending).collect();
        shown.push(format!("{} {}", if snapshot.speaking { "speaking" } else { "pending" }, parts.join("+")));
    }
    shown.extend(snapshot.pending_calls.iter().map(|call| format!("calling {}", call.name)));
    shown.join(" ")
}

/// `MODEL [TEXT|AUDIO].. [manual] [prefix=MS] [silence=MS] [signals] [allinput] [allvideo] [nointerrupt] [transcripts] [heard] [seed] [thoughts] [level=L] [voice=V] [lang=L] [max=N] [fn=NAME[(PROPERTY)][:later|:now]]..
/// [resumable] [transparent] [handle=H] [window[=TRIGGER/TARGET]]`
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
            "allvideo" => {
                let realtime = setup.realtime_input_config.get_or_insert_with(|| Box::new(realtime()));
                realtime.turn_coverage = Some(TurnCoverage::IncludesAudioActivityAndAllVideo);
            }
            "prefix" | "silence" => {
                let realtime = setup.realtime_input_config.get_or_insert_with(|| Box::new(realtime()));
                let detection = realtime.automatic_activity_detection.get_or_insert_default();
                match word {
                    "prefix" => detection.prefix_padding_ms = value.parse().ok(),
                    _ => detection.silence_duration_ms = value.parse().ok(),
                }
            }
            "signals" => setup.explicit_vad_signal = true,
            "allinput" => {
                let realtime = setup.realtime_input_config.get_or_insert_with(|| Box::new(realtime()));
                realtime.turn_coverage = Some(TurnCoverage::IncludesAllInput);
            }
            "transcripts" => setup = setup.with_output_transcription(),
            "heard" => setup.input_audio_transcription = Some(Box::default()),
            "seed" => setup.history_config = Some(HistoryConfig { initial_history_in_client_content: true }),
            "thoughts" => {
                let thinking = ThinkingConfig { include_thoughts: Some(true), ..ThinkingConfig::default() };
                setup.generation_config.get_or_insert_default().thinking_config = Some(thinking);
            }
            "budget" => {
                let thinking = ThinkingConfig { thinking_budget: Some(0), ..ThinkingConfig::default() };
                setup.generation_config.get_or_insert_default().thinking_config = Some(thinking);
            }
            "level" => {
                let thinking_level = ThinkingLevel::from_name(value).expect("a level of the wire");
                let thinking = ThinkingConfig { thinking_level, ..ThinkingConfig::default() };
                setup.generation_config.get_or_insert_default().thinking_config = Some(thinking);
            }
            "voice" => setup = setup.with_voice(value),
            "lang" => {
                let speech = &mut setup.generation_config.get_or_insert_default().speech_config;
                speech.get_or_insert_default().language_code = value.into();
            }
            "max" => setup.generation_config.get_or_insert_default().max_output_tokens = value.parse().ok(),
            "proactive" => {
                setup.proactivity = Some(ProactivityConfig { proactive_audio: true, ..ProactivityConfig::default() })
            }
            "resumable" => setup.session_resumption = Some(SessionResumptionConfig::default()),
            "transparent" => setup.session_resumption.get_or_insert_default().transparent = true,
            "handle" => setup.session_resumption.get_or_insert_default().handle = Some(long(value)),
            // TRIGGER/TARGET, either of them may be left out; `window` alone has no mechanism.
            "window" => {
                let (trigger, target) = value.split_once('/').unzip();
                setup.context_window_compression = Some(ContextWindowCompressionConfig {
                    trigger_tokens: trigger.and_then(|number| number.parse().ok()),
                    sliding_window: target.map(|number| SlidingWindow { target_tokens: number.parse().ok() }),
                });
            }
            "instruct" => setup = setup.with_system_instruction(value),
            "fn" => {
                let (name, behavior) = match value.split_once(':') {
                    Some((name, "later")) => (name, Behavior::NonBlocking),
                    Some((name, _)) => (name, Behavior::Blocking),
                    None => (value, Behavior::Unspecified),
                };
                // `NAME(PROPERTY)` requires a string of that name.
                let (name, property) =
                    name.split_once('(').map_or((name, None), |(name, rest)| (name, Some(rest.trim_end_matches(')'))));
                let parameters = property.map(|property| {
                    let text = Schema { r#type: SchemaType::String, ..Schema::default() };
                    Box::new(Schema {
                        r#type: SchemaType::Object,
                        properties: [(property.to_owned(), text)].into(),
                        required: vec![property.into()],
                        ..Schema::default()
                    })
                });
                let function =
                    FunctionDeclaration { name: name.into(), behavior, parameters, ..FunctionDeclaration::default() };
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
        "caption" => ModelOutput::Caption(rest.into()),
        // A final `.` ends the stretch of speech.
        "heard" => ModelOutput::Heard { text: rest.replace('.', ""), finished: rest.ends_with('.') },
        "speech" => {
            let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
            ModelOutput::Speech { pcm: silence(millis(time), 24), text: text.into() }
        }
        "half" => ModelOutput::Speech { pcm: Bytes::from_static(&[0; 3]), text: String::new() },
        "code" => ModelOutput::ExecutableCode(ExecutableCode { code: rest.into(), ..ExecutableCode::default() }),
        "gave" => ModelOutput::CodeExecutionResult(CodeExecutionResult {
            outcome: Outcome::Ok,
            output: rest.into(),
            ..CodeExecutionResult::default()
        }),
        "ground" => ModelOutput::Grounding(Box::default()),
        "urls" => ModelOutput::UrlContext(Box::default()),
        "read" => ModelOutput::ToolUse(rest.parse().unwrap()),
        // `NAME[#ID][(ARGUMENT=STRING)]`.
        "call" => ModelOutput::ToolCalls(rest.split_whitespace().map(call).collect()),
        "end" => ModelOutput::End(EndReason::Complete),
        "more?" => ModelOutput::End(EndReason::NeedMoreInput),
        "fail" => ModelOutput::Failed(rest.into()),
        _ => panic!("no such output: {words}"),
    }
}

fn call(words: &str) -> FunctionCall {
    let (words, args) =
        words.split_once('(').map_or((words, None), |(words, args)| (words, Some(args.trim_end_matches(')'))));
    let (name, id) = words.split_once('#').unwrap_or((words, ""));
    let args = args.map(|args| args.split_once('=').into_iter().collect());
    FunctionCall { name: name.into(), id: id.into(), args, ..FunctionCall::default() }
}

fn millis(words: &str) -> Duration {
    Duration::from_millis(words.strip_suffix("ms").and_then(|number| number.parse().ok()).expect("like 20ms"))
}

fn silence(time: Duration, samples_per_ms: usize) -> Bytes {
    vec![0; usize::try_from(time.as_millis()).unwrap() * samples_per_ms * 2].into()
}

fn tone(time: Duration, samples_per_ms: usize) -> Bytes {
    [0, 0x40].repeat(usize::try_from(time.as_millis()).unwrap() * samples_per_ms).into()
}

/// Takes whatever is loud for speech, in frames of 10 ms.
fn loud() -> Box<dyn live_audio::Vad> {
    #[derive(Debug)]
    struct Loud;

    impl live_audio::Vad for Loud {
        fn frame_samples(&self) -> usize {
            160
        }

        fn probability(&mut self, frame: &[i16]) -> f32 {
            if frame.iter().any(|sample| sample.unsigned_abs() > 1_000) { 1.0 } else { 0.0 }
        }

        fn reset(&mut self) {}
    }

    Box::new(Loud)
}

fn show(content: &Content) -> String {
    let parts: Vec<String> = content.parts.iter().map(show_part).collect();
    format!("{}:{}", content.role, parts.join("+"))
}

fn show_part(part: &Part) -> String {
    let thought = if part.thought { "thought " } else { "" };
    match part.data.as_ref().expect("a part holds something") {
        PartData::Text(text) => format!("{thought}'{text}'"),
        PartData::InlineData(blob) => {
            let heard = crate::prompt::transcript(part).map(|text| format!(" '{text}'")).unwrap_or_default();
            format!("{}[{}]{heard}", blob.mime_type, blob.data.len())
        }
        PartData::FunctionCall(call) => format!("{}()", call.name),
        PartData::FunctionResponse(response) => format!("{}->", response.name),
        PartData::ExecutableCode(code) => format!("code '{}'", code.code),
        PartData::CodeExecutionResult(result) => format!("{:?} '{}'", result.outcome, result.output),
        other => format!("{other:?}"),
    }
}

fn show_pending(part: &Part) -> String {
    match &part.audio_metadata {
        Some(metadata) => {
            let at = Duration::try_from(metadata.start_offset.expect("it is always said")).unwrap();
            format!("{} bytes at {} ms", part.as_inline().map_or(0, |blob| blob.data.len()), at.as_millis())
        }
        None => show_part(part),
    }
}

fn show_content(content: ServerContent) -> String {
    let mut shown = Vec::new();
    if let Some(turn) = &content.model_turn {
        shown.push(show(turn));
    }
    if let Some(transcription) = &content.output_transcription {
        let finished = if transcription.finished { " finished" } else { "" };
        let language = &transcription.language_code;
        let language = if language.is_empty() { String::new() } else { format!(" in {language}") };
        shown.push(format!("outputTranscription '{}'{language}{finished}", transcription.text));
    }
    if let Some(transcription) = &content.input_transcription {
        let finished = if transcription.finished { " finished" } else { "" };
        shown.push(format!("inputTranscription '{}'{finished}", transcription.text));
    }
    for (set, name) in [
        (content.grounding_metadata.is_some(), "groundingMetadata"),
        (content.url_context_metadata.is_some(), "urlContextMetadata"),
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
    if usage.tool_use_prompt_token_count != 0 {
        let _ = write!(shown, ", tool use {}", details(&usage.tool_use_prompt_tokens_details));
        assert_eq!(usage.tool_use_prompt_token_count, usage.tool_use_prompt_tokens_details[0].token_count);
    }
    format!("{shown}, total {}", usage.total_token_count)
}

mod bounds;
mod calls;
mod cap;
mod code;
mod constraining;
mod detection;
mod grounding;
mod heard;
mod held;
mod hush;
mod input;
mod ledger;
mod lifetimes;
mod pacing;
mod renewing;
mod resuming;
mod setting_up;

mod thoughts;
mod tools;
mod turns;
mod window;
mod wishes;
