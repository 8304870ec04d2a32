//! Arbitrary clients, models and clocks against one server, watched by an oracle that knows nothing of its insides.
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

use crate::session::SessionOracle;

/// One step of the world.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Client(Box<ClientMessage>),
    Malformed,
    Lost,
    /// An answer to the n-th call ever made.
    Answer(usize, Option<Scheduling>, bool),
    /// A piece of the running generation, or of one `behind` it.
    Model {
        behind: u64,
        output: Output,
    },
    Shutdown,
    /// The host has kept the snapshot that waits, or not.
    Saved(bool),
    GoAway(u64),
    Wait(u64),
    /// A wake-up that nothing is due at.
    Spurious,
}

#[derive(Clone, Debug)]
pub(crate) enum Output {
    Heard(bool),
    Words,
    Paragraph,
    Thought,
    Calls(Vec<&'static str>),
    Code,
    End,
    Failed,
}

impl Output {
    /// What the model says; `words` where it says words.
    pub(crate) fn piece(self, words: &str, modality: ResponseModality) -> ModelOutput {
        match (self, modality) {
            (Self::Heard(finished), _) => ModelOutput::Heard { text: "hm ".into(), finished },
            (Self::Words, ResponseModality::Text) => ModelOutput::Text(words.into()),
            (Self::Paragraph, ResponseModality::Audio) => {
                ModelOutput::Speech { pcm: Bytes::from(vec![0; 96_000]), text: " many words in a row".into() }
            }
            (Self::Paragraph, ResponseModality::Text) => ModelOutput::Text(words.into()),
            (Self::Words, ResponseModality::Audio) => {
                ModelOutput::Speech { pcm: Bytes::from_static(&[0; 960]), text: " word".into() }
            }
            (Self::Thought, _) => ModelOutput::Thought("hm".into()),
            (Self::Code, _) => ModelOutput::ExecutableCode(ExecutableCode::default()),
            (Self::Calls(names), _) => ModelOutput::ToolCalls(
                names.into_iter().map(|name| FunctionCall { name: name.into(), ..FunctionCall::default() }).collect(),
            ),
            (Self::End, _) => ModelOutput::End(EndReason::Complete),
            (Self::Failed, _) => ModelOutput::Failed("why not".into()),
        }
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => client_message().prop_map(|message| Step::Client(Box::new(message))),
        1 => prop_oneof![8 => Just(Step::Spurious), 1 => Just(Step::Malformed), 1 => Just(Step::Lost)],
        4 => (0usize..4, scheduling(), any::<bool>()).prop_map(|(call, hears, more)| Step::Answer(call, hears, more)),
        20 => (prop_oneof![6 => Just(0u64), 1 => 1u64..3], output())
            .prop_map(|(behind, output)| Step::Model { behind, output }),
        1 => prop_oneof![3 => Just(Step::Spurious), 1 => Just(Step::Shutdown)],
        6 => (0u64..3_000).prop_map(Step::Wait),
        6 => prop::bool::weighted(0.9).prop_map(Step::Saved),
        1 => prop_oneof![4 => (0u64..30_000).prop_map(Step::Wait), 1 => (0u64..20_000).prop_map(Step::GoAway)],
    ];
    prop::collection::vec(step, 0..80)
}

fn scheduling() -> impl Strategy<Value = Option<Scheduling>> {
    prop_oneof![
        Just(None),
        Just(Some(Scheduling::Silent)),
        Just(Some(Scheduling::WhenIdle)),
        Just(Some(Scheduling::Interrupt)),
    ]
}

fn output() -> impl Strategy<Value = Output> {
    prop_oneof![
        2 => any::<bool>().prop_map(Output::Heard),
        8 => Just(Output::Words),
        2 => Just(Output::Paragraph),
        1 => Just(Output::Thought),
        3 => prop::collection::vec(prop_oneof![Just("blocking"), Just("later"), Just("undeclared")], 0..3)
            .prop_map(Output::Calls),
        1 => Just(Output::Code),
        6 => Just(Output::End),
        1 => prop_oneof![20 => Just(Output::End), 1 => Just(Output::Failed)],
    ]
}

fn blob() -> impl Strategy<Value = Blob> {
    let mime = prop_oneof![
        6 => Just("audio/pcm;rate=16000"),
        2 => Just("image/jpeg"),
        1 => Just("audio/l16;rate=16000"),
        1 => Just("audio/pcmu;rate=16000"),
        1 => prop_oneof![30 => Just("audio/pcm"), 1 => Just("text/plain"), 1 => Just(""), 1 => Just("audio/pcm;rate=0"),
            1 => Just("audio/ogg"), 1 => Just("audio/wav")],
    ];
    // Silence, or loud in every format but one.
    let byte = prop_oneof![Just(0u8), Just(0x20)];
    (mime, 0usize..12_000, byte).prop_map(|(mime, bytes, byte)| Blob::new(mime, vec![byte; bytes]))
}

fn content() -> impl Strategy<Value = Content> {
    let role = prop_oneof![10 => Just("user"), 4 => Just("model"), 1 => Just(""), 1 => Just("system")];
    let part = prop_oneof![
        4 => "[a-z ]{0,12}".prop_map(Part::text),
        1 => blob().prop_map(Part::inline),
        1 => prop_oneof![9 => Just(Part::text("x")), 1 => Just(Part::default())],
    ];
    (role, prop::collection::vec(part, 1..3))
        .prop_map(|(role, parts)| Content { role: role.into(), parts: parts.into() })
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    let flag = |weight| prop::option::weighted(weight, Just(()));
    let realtime = (
        prop::collection::vec(blob(), 0..2),
        prop::option::weighted(0.4, blob()),
        prop::option::weighted(0.1, any::<bool>()),
        prop::option::weighted(0.1, blob()),
        prop::option::weighted(0.2, "[a-z ]{0,8}"),
        flag(0.2),
        flag(0.2),
    )
        .prop_map(|(media_chunks, audio, audio_stream_end, video, text, start, end)| {
            ClientMessage::RealtimeInput(RealtimeInput {
                media_chunks,
                audio,
                audio_stream_end,
                video,
                text,
                activity_start: start.map(|()| ActivityStart {}),
                activity_end: end.map(|()| ActivityEnd {}),
            })
        });
    prop_oneof![
        6 => (prop::collection::vec(content(), 0..3), any::<bool>())
            .prop_map(|(turns, complete)| ClientMessage::turns(turns, complete)),
        4 => "[a-z ]{1,12}".prop_map(ClientMessage::text_turn),
        2 => (0usize..10_000).prop_map(|bytes| ClientMessage::text_turn("x".repeat(bytes.max(1)))),
        6 => realtime,
        1 => Just(ClientMessage::Empty),
        1 => prop::option::of("[a-z]{0,4}").prop_map(|instruction| {
            let system_instruction = instruction.map(|text| Box::new(Content::user(text)));
            ClientMessage::ContextUpdate(Box::new(ContextUpdate { system_instruction, tools: None }))
        }),
        1 => prop_oneof![20 => Just(ClientMessage::Empty), 1 => Just(ClientMessage::setup(Setup::new("models/x")))],
    ]
}

/// Takes whatever is loud for speech: what it says of a frame follows from the frame alone.
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

pub(crate) fn config() -> impl Strategy<Value = (ServerConfig, Setup)> {
    let model = prop_oneof![
        Just("gemini-2.0-flash-live-001"),
        Just("gemini-live-2.5-flash-preview"),
        Just("gemini-2.5-flash-native-audio-latest"),
        Just("gemini-3.1-flash-live-preview"),
        Just("gemini-3.8-live"),
    ];
    (model, any::<[bool; 13]>(), any::<u64>()).prop_map(|(model, flags, seed)| {
        let [
            vertex,
            immediate,
            manual,
            uninterrupted,
            transcripts,
            small,
            seeds,
            capped,
            resumable,
            transparent,
            compressed,
            short,
            signals,
        ] = flags;
        let mut config = ServerConfig::new(if vertex { Backend::Vertex } else { Backend::Gemini });
        config.call_id_seed = seed;
        config.vad = || Box::new(Loud);
        if immediate {
            config.pacing = TurnCompletePacing::Immediate;
        }
        if small {
            config.limits = Limits {
                outputs_max: 8,
                history_contents_max: 12,
                history_bytes_max: 20_000,
                speech_bytes_max: 4_000,
                frames_max: 1,
                outstanding_calls_max: 2,
                remembered_calls_max: 1,
                audio_frame_bytes_max: 100,
                text_frame_bytes_max: 3,
                ..Limits::default()
            };
        }
        if short {
            config.lifetimes = Lifetimes {
                connection: Duration::from_secs(40),
                go_away_notice: Duration::from_secs(9),
                session_audio: Some(Duration::from_secs(30)),
                session_video: Some(Duration::from_secs(10)),
                ..config.lifetimes
            };
        }
        let mut setup = Setup::new(format!("models/{model}"));
        if resumable {
            let transparent = transparent && vertex;
            setup.session_resumption = Some(SessionResumptionConfig { handle: None, transparent });
        }
        if compressed {
            setup.context_window_compression = Some(ContextWindowCompressionConfig {
                trigger_tokens: Some(TRIGGER),
                sliding_window: Some(SlidingWindow::default()),
            });
        }
        if manual {
            setup = setup.with_manual_activity();
        }
        setup.explicit_vad_signal = signals;
        if transcripts {
            setup = setup.with_output_transcription().with_input_transcription();
        }
        if uninterrupted {
            setup.realtime_input_config.get_or_insert_default().activity_handling =
                Some(ActivityHandling::NoInterruption);
        }
        setup.history_config = Some(HistoryConfig { initial_history_in_client_content: seeds });
        if capped {
            setup.generation_config.get_or_insert_default().max_output_tokens = Some(20);
        }
        let function = |name: &str, behavior| FunctionDeclaration {
            name: name.into(),
            behavior,
            ..FunctionDeclaration::default()
        };
        setup.tools = vec![Tool {
            function_declarations: vec![
                function("blocking", Behavior::Blocking),
                function("later", Behavior::NonBlocking),
            ],
            ..Tool::default()
        }];
        (config, setup)
    })
}

/// Tokens at which sessions that compress do so.
const TRIGGER: i64 = 5_000;

/// What a client and a host together have seen.
#[derive(Default)]
pub(crate) struct Oracle {
    set_up: bool,
    closed: bool,
    ended: bool,
    pub(crate) running: Option<TurnId>,
    /// The latest generation there was.
    pub(crate) latest: TurnId,
    /// Generations up to this one were interrupted.
    interrupted_up_to: TurnId,
    /// `interrupted` was sent and its `turnComplete` not yet.
    owes_turn_complete: bool,
    /// A turn is open: something was generated and `turnComplete` not sent.
    open: bool,
    generation_complete: bool,
    /// `turnComplete` was sent and the host has not heard of it yet.
    owes_turn_finished: bool,
    pub(crate) calls: Vec<FunctionCall>,
    cancelled: BTreeSet<String>,
    pub(crate) sessions: SessionOracle,
    /// What the model was told last, and how many contents were cut since.
    told: Vec<Arc<Content>>,
    cut: usize,
    /// What the client was told of speech last.
    heard_speech: bool,
    heard_at: Duration,
}

/// The content as it was before anybody understood its sound.
fn without_transcripts(content: &Arc<Content>) -> Arc<Content> {
    let mut content = Content::clone(content);
    content.parts.iter_mut().for_each(|part| part.audio_transcription = None);
    Arc::new(content)
}

/// How many times the user begins to speak.
fn turns(history: &[Arc<Content>]) -> usize {
    let is_user = |content: &Content| content.role == "user";
    let begins = |at: usize| is_user(&history[at]) && (at == 0 || !is_user(&history[at - 1]));
    let is_answer =
        |content: &Content| content.parts.iter().all(|part| matches!(part.data, Some(PartData::FunctionResponse(_))));
    (0..history.len()).filter(|at| begins(*at) && !is_answer(&history[*at])).count()
}

impl Oracle {
    fn sees(&mut self, output: live_engine::Output<ServerMessage, ServerEvent>) {
        assert!(!self.ended, "nothing follows the last event: {output:?}");
        match output {
            live_engine::Output::Send(message) => self.sees_frame(message),
            live_engine::Output::Event(event) => self.sees_event(event),
            live_engine::Output::Close(close) => {
                self.sessions.closes(&close.reason);
                assert!(!self.closed, "a connection is closed once");
                assert!(close.text.as_str().len() <= CloseText::BYTES_MAX);
                self.closed = true;
            }
        }
    }

    /// Whether the session stands still and this call may be why.
    pub(crate) fn is_open_for(&self, call: usize) -> bool {
        self.sessions.offered.is_none() && !self.cancelled.contains(&self.calls[call].id)
    }

    fn sees_frame(&mut self, message: ServerMessage) {
        assert!(!self.closed, "nothing is sent after the close: {message:?}");
        let ServerMessage { payload, usage_metadata } = message;
        let payload = payload.expect("a server says something in every frame");
        assert_eq!(
            matches!(payload, ServerPayload::SetupComplete(_)),
            !self.set_up,
            "setupComplete is first and only first"
        );
        match payload {
            ServerPayload::SetupComplete(_) => self.set_up = true,
            ServerPayload::ServerContent(content) => self.sees_content(content, usage_metadata.is_some()),
            ServerPayload::ToolCall(call) => {
                assert!(self.open && !self.generation_complete, "calls are made by a model that runs");
                for call in call.function_calls {
                    assert!(self.calls.iter().all(|known| known.id != call.id), "ids are unique");
                    assert!(!call.id.is_empty());
                    self.calls.push(call);
                }
            }
            ServerPayload::ToolCallCancellation(cancellation) => {
                assert!(!cancellation.ids.is_empty());
                for id in cancellation.ids {
                    assert!(self.calls.iter().any(|call| call.id == id), "only calls that were made are cancelled");
                    assert!(self.cancelled.insert(id), "a call is cancelled once");
                }
            }
            ServerPayload::GoAway(go_away) => self.sessions.goes_away(&go_away),
            ServerPayload::SessionResumptionUpdate(update) => {
                let is_busy = self.open || self.running.is_some() || self.owes_turn_complete;
                self.sessions.updates(&update, is_busy);
            }
            ServerPayload::VoiceActivity(activity) => {
                let is_start = activity.r#type == VoiceActivityType::ActivityStart;
                assert_ne!(is_start, self.heard_speech, "speech begins and ends in turn");
                self.heard_speech = is_start;
                let at = Duration::try_from(activity.audio_offset.expect("it is always said")).expect("in range");
                assert!(at >= self.heard_at, "a stream's clock does not go back");
                self.heard_at = at;
            }
            other => panic!("not yet said by any server: {other:?}"),
        }
    }

    fn sees_content(&mut self, content: ServerContent, has_usage: bool) {
        assert_eq!(content.turn_complete, has_usage, "usage comes with turnComplete and never else");
        assert!(!self.owes_turn_complete || content.turn_complete, "turnComplete follows interrupted at once");
        if let Some(turn) = content.model_turn {
            assert!(self.open && !self.generation_complete, "the model speaks before generationComplete");
            assert_eq!(turn.parts.len(), 1, "one part a frame");
            if let Some(PartData::Text(text)) = &turn.parts[0].data
                && let Some(number) = text.strip_prefix('#').and_then(|rest| rest.split(' ').next())
                && let Ok(number) = number.parse()
            {
                assert!(TurnId(number) > self.interrupted_up_to, "nothing of an interrupted generation: {text}");
            }
        }
        if content.output_transcription.is_some() {
            assert!(self.open && !self.generation_complete, "transcripts come with the sound");
        }
        if content.interrupted {
            assert!(self.open, "only an open turn is interrupted");
            self.interrupted_up_to = self.latest;
            self.owes_turn_complete = true;
        }
        if content.generation_complete {
            assert!(self.open && !self.generation_complete, "generationComplete comes once a turn");
            self.generation_complete = true;
        }
        if content.turn_complete {
            assert!(self.open, "turnComplete comes once a turn");
            assert_ne!(
                self.owes_turn_complete && !self.generation_complete,
                self.generation_complete,
                "one of both ends a turn"
            );
            (self.open, self.generation_complete, self.owes_turn_complete) = (false, false, false);
            self.owes_turn_finished = true;
        }
    }

    fn sees_event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Generate(generation, prompt) => {
                assert_eq!(self.running, None, "one generation at a time");
                assert_eq!(generation, self.latest.next(), "numbers rise by one");
                assert!(prompt.unanswered <= prompt.history.len());
                assert!(!prompt.history.is_empty(), "a model is asked something");
                self.sessions.asks(&prompt);
                let cut = std::mem::take(&mut self.cut);
                assert!(cut == 0 || turns(&prompt.history[..1]) == 1, "a cut is where the user begins");
                // What was said since the last prompt may be cut as well.
                let kept = &self.told[cut.min(self.told.len())..];
                let told: Vec<_> = prompt.history.iter().map(without_transcripts).collect();
                assert!(told.starts_with(kept), "history grows at its end and shrinks at its beginning");
                self.told = told;
                (self.running, self.latest, self.open) = (Some(generation), generation, true);
            }
            ServerEvent::Continue(generation) => assert_eq!(generation, self.latest),
            ServerEvent::Cancel(generation) => {
                assert_eq!(self.running.take(), Some(generation), "what runs is cancelled");
            }
            ServerEvent::TurnFinished { turn, usage, .. } => {
                let is_over = self.sessions.compresses && usage.prompt.total() >= TRIGGER.unsigned_abs();
                assert!(!is_over || turns(&self.told) <= 1, "what can be cut stays under the trigger");
                assert!(std::mem::take(&mut self.owes_turn_finished), "TurnFinished follows turnComplete");
                assert_eq!(turn, self.latest);
                assert_eq!(self.running, None, "no model runs on past its turn");
            }
            ServerEvent::Closed(reason) => {
                assert_eq!(self.closed, !matches!(reason, CloseReason::Disconnected(_)));
                assert_eq!(self.running, None, "no model runs on after the end");
                self.ended = true;
            }
            ServerEvent::SetupAccepted(_) | ServerEvent::Violation(_) | ServerEvent::Warning(_) => {}
            ServerEvent::Admit | ServerEvent::Resume { .. } => panic!("nobody asked for it"),
            ServerEvent::Save { handle, snapshot } => {
                assert!(!self.open && self.running.is_none(), "a snapshot is taken at rest");
                self.sessions.saves(handle, snapshot);
            }
            ServerEvent::Forget { handle } => self.sessions.forgets(&handle),
            ServerEvent::Compressed { evicted, kept: _ } => {
                assert!(self.sessions.compresses, "only who asked for it loses anything");
                assert!(evicted.contents > 0);
                self.cut += evicted.contents;
            }
        }
    }
}

pub(crate) struct World {
    pub(crate) engine: ServerEngine,
    pub(crate) oracle: Oracle,
    pub(crate) now: Instant,
    pub(crate) modality: ResponseModality,
}

impl World {
    pub(crate) fn new(config: ServerConfig, setup: Option<Setup>) -> Self {
        let now = Instant::now();
        let lifetimes = config.lifetimes.clone();
        let engine = ServerEngine::new(config, now);
        let mut world = Self { engine, oracle: Oracle::default(), now, modality: ResponseModality::Text };
        if let Some(setup) = setup {
            world.oracle.sessions = SessionOracle::new(&setup, &lifetimes, now);
            world.run(Step::Client(Box::new(ClientMessage::setup(setup))));
        }
        world
    }

    pub(crate) fn drain(&mut self) {
        for taken in 0.. {
            assert!(taken < 20_000, "outputs end");
            let Some(output) = self.engine.poll_output() else { break };
            self.oracle.sessions.now = Some(self.now);
            if let live_engine::Output::Event(ServerEvent::SetupAccepted(session)) = &output {
                self.modality = session.modality;
            }
            self.oracle.sees(output);
        }
        assert_eq!(self.oracle.ended, self.engine.is_closed(), "the end is told when it is there");
        if self.engine.is_closed() {
            assert_eq!(self.engine.poll_timeout(), None, "a closed engine waits for nothing");
        } else {
            let lasts_to = self.oracle.sessions.lasts_to;
            assert!(lasts_to.is_none_or(|end| self.now <= end), "nothing outlasts its lifetime");
        }
    }

    pub(crate) fn run(&mut self, step: Step) {
        let closed = self.engine.is_closed();
        match step {
            Step::Client(message) => {
                self.oracle.sessions.now = Some(self.now);
                self.oracle.sessions.hears(&message);
                self.engine.handle_message(*message, self.now);
            }
            Step::Malformed => {
                let error = DecodeError { path: JsonPath::default(), kind: DecodeErrorKind::Utf8 };
                self.engine.handle_malformed(error, self.now);
            }
            Step::Lost => self.engine.handle_disconnect(Disconnect::Eof, self.now),
            Step::Answer(call, scheduling, will_continue) => {
                let call = self.oracle.calls.get(call).cloned().unwrap_or_default();
                let response = FunctionResponse {
                    scheduling,
                    will_continue,
                    ..FunctionResponse::new(call.id, call.name, Struct::new())
                };
                let message = ClientMessage::tool_response(vec![response]);
                self.oracle.sessions.hears(&message);
                self.engine.handle_message(message, self.now);
            }
            Step::Model { behind, output } => self.model(behind, output),
            Step::Shutdown => {
                let taken = self.engine.handle_command(ServerCommand::Shutdown, self.now);
                assert_eq!(taken.is_ok(), !closed);
            }
            Step::Saved(is_kept) => {
                if let Some(handle) = self.oracle.sessions.answers(is_kept) {
                    let command =
                        if is_kept { ServerCommand::Saved(handle) } else { ServerCommand::SaveFailed(handle) };
                    assert_eq!(self.engine.handle_command(command, self.now).is_ok(), !closed);
                }
            }
            Step::GoAway(millis) => {
                let time_left = Duration::from_millis(millis);
                let taken = self.engine.handle_command(ServerCommand::GoAway { time_left }, self.now);
                assert_eq!(taken.is_ok(), self.oracle.set_up && !closed);
            }
            Step::Wait(millis) => self.wait(Duration::from_millis(millis)),
            Step::Spurious => self.engine.handle_timeout(self.now),
        }
        self.drain();
        assert!(!closed || self.engine.is_closed(), "the end is the end");
    }

    fn model(&mut self, behind: u64, output: Output) {
        let latest = self.oracle.latest;
        let generation = TurnId(latest.0.saturating_sub(behind));
        let output = output.piece(&format!("{generation} ä"), self.modality);
        let ends = matches!(output, ModelOutput::End(_));
        if self.engine.handle_command(ServerCommand::Model(generation, output), self.now).is_ok()
            && ends
            && self.oracle.running == Some(generation)
        {
            // The host knows that it said the last word.
            self.oracle.running = None;
        }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now);
            assert!(self.engine.poll_timeout().is_none_or(|next| next > self.now), "what was due is done");
            self.drain();
        }
        self.now = end;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_session_breaks_a_rule((config, setup) in config(), steps in steps(), set_up in prop::bool::weighted(0.97)) {
        let mut world = World::new(config, set_up.then_some(setup));
        for step in steps {
            world.run(step);
        }
        // Whatever happened, a shutdown ends it in bounded time.
        let _ = world.engine.handle_command(ServerCommand::Shutdown, world.now);
        world.drain();
        world.wait(Limits::default().drain);
        prop_assert!(world.engine.is_closed());
    }
}
