//! Arbitrary clients, models and clocks against one server, watched by an oracle that knows nothing of its insides.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

/// One step of the world.
#[derive(Clone, Debug)]
enum Step {
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
    Wait(u64),
    /// A wake-up that nothing is due at.
    Spurious,
}

#[derive(Clone, Debug)]
enum Output {
    Words,
    Thought,
    Calls(Vec<&'static str>),
    Code,
    End,
    Failed,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => client_message().prop_map(|message| Step::Client(Box::new(message))),
        1 => prop_oneof![8 => Just(Step::Spurious), 1 => Just(Step::Malformed), 1 => Just(Step::Lost)],
        4 => (0usize..4, scheduling(), any::<bool>()).prop_map(|(call, hears, more)| Step::Answer(call, hears, more)),
        20 => (prop_oneof![6 => Just(0u64), 1 => 1u64..3], output())
            .prop_map(|(behind, output)| Step::Model { behind, output }),
        1 => prop_oneof![3 => Just(Step::Spurious), 1 => Just(Step::Shutdown)],
        6 => (0u64..3_000).prop_map(Step::Wait),
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
        8 => Just(Output::Words),
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
        1 => Just("audio/pcm;rate=0"),
        1 => Just("audio/ogg"),
        1 => prop_oneof![30 => Just("audio/pcm"), 1 => Just("text/plain"), 1 => Just("")],
    ];
    (mime, 0usize..2_000).prop_map(|(mime, bytes)| Blob::new(mime, vec![0; bytes]))
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
        6 => realtime,
        1 => Just(ClientMessage::Empty),
        1 => Just(ClientMessage::ContextUpdate(Box::default())),
        1 => prop_oneof![20 => Just(ClientMessage::Empty), 1 => Just(ClientMessage::setup(Setup::new("models/x")))],
    ]
}

fn config() -> impl Strategy<Value = (ServerConfig, Setup)> {
    let model = prop_oneof![
        Just("gemini-2.0-flash-live-001"),
        Just("gemini-live-2.5-flash-preview"),
        Just("gemini-2.5-flash-native-audio-latest"),
        Just("gemini-3.1-flash-live-preview"),
        Just("gemini-3.8-live"),
    ];
    (model, any::<[bool; 8]>(), any::<u64>()).prop_map(|(model, flags, seed)| {
        let [vertex, immediate, manual, uninterrupted, transcripts, small, seeds, capped] = flags;
        let mut config = ServerConfig::new(if vertex { Backend::Vertex } else { Backend::Gemini });
        config.call_id_seed = seed;
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
        let mut setup = Setup::new(format!("models/{model}"));
        if manual {
            setup = setup.with_manual_activity();
        }
        if transcripts {
            setup = setup.with_output_transcription();
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

/// What a client and a host together have seen.
#[derive(Default)]
struct Oracle {
    set_up: bool,
    closed: bool,
    ended: bool,
    running: Option<TurnId>,
    /// The latest generation there was.
    latest: TurnId,
    /// Generations up to this one were interrupted.
    interrupted_up_to: TurnId,
    /// `interrupted` was sent and its `turnComplete` not yet.
    owes_turn_complete: bool,
    /// A turn is open: something was generated and `turnComplete` not sent.
    open: bool,
    generation_complete: bool,
    /// `turnComplete` was sent and the host has not heard of it yet.
    owes_turn_finished: bool,
    calls: Vec<FunctionCall>,
    cancelled: BTreeSet<String>,
}

impl Oracle {
    fn sees(&mut self, output: live_engine::Output<ServerMessage, ServerEvent>) {
        assert!(!self.ended, "nothing follows the last event: {output:?}");
        match output {
            live_engine::Output::Send(message) => self.sees_frame(message),
            live_engine::Output::Event(event) => self.sees_event(event),
            live_engine::Output::Close(close) => {
                assert!(!self.closed, "a connection is closed once");
                assert!(close.text.as_str().len() <= CloseText::BYTES_MAX);
                self.closed = true;
            }
        }
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
                (self.running, self.latest, self.open) = (Some(generation), generation, true);
            }
            ServerEvent::Cancel(generation) => {
                assert_eq!(self.running.take(), Some(generation), "what runs is cancelled");
            }
            ServerEvent::TurnFinished { turn, .. } => {
                assert!(std::mem::take(&mut self.owes_turn_finished), "TurnFinished follows turnComplete");
                assert_eq!(turn, self.latest);
                assert_eq!(self.running, None, "no model runs on past its turn");
            }
            ServerEvent::Closed(reason) => {
                assert_eq!(self.closed, !matches!(reason, CloseReason::Disconnected(_)));
                assert_eq!(self.running, None, "no model runs on after the end");
                self.ended = true;
            }
            ServerEvent::SetupAccepted(_)
            | ServerEvent::Violation(_)
            | ServerEvent::Warning(_)
            | ServerEvent::Resume { .. }
            | ServerEvent::Save { .. }
            | ServerEvent::Forget { .. }
            | ServerEvent::Compressed { .. } => {}
        }
    }
}

struct World {
    engine: ServerEngine,
    oracle: Oracle,
    now: Instant,
    modality: ResponseModality,
}

impl World {
    fn drain(&mut self) {
        for taken in 0.. {
            assert!(taken < 20_000, "outputs end");
            let Some(output) = self.engine.poll_output() else { break };
            if let live_engine::Output::Event(ServerEvent::SetupAccepted(session)) = &output {
                self.modality = session.modality;
            }
            self.oracle.sees(output);
        }
        assert_eq!(self.oracle.ended, self.engine.is_closed(), "the end is told when it is there");
        if self.engine.is_closed() {
            assert_eq!(self.engine.poll_timeout(), None, "a closed engine waits for nothing");
        }
    }

    fn run(&mut self, step: Step) {
        let closed = self.engine.is_closed();
        match step {
            Step::Client(message) => self.engine.handle_message(*message, self.now),
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
                self.engine.handle_message(ClientMessage::tool_response(vec![response]), self.now);
            }
            Step::Model { behind, output } => self.model(behind, output),
            Step::Shutdown => {
                let taken = self.engine.handle_command(ServerCommand::Shutdown, self.now);
                assert_eq!(taken.is_ok(), !closed);
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
        let output = match (output, self.modality) {
            (Output::Words, ResponseModality::Text) => ModelOutput::Text(format!("{generation} ä")),
            (Output::Words, ResponseModality::Audio) => {
                ModelOutput::Speech { pcm: Bytes::from_static(&[0; 960]), text: " word".into() }
            }
            (Output::Thought, _) => ModelOutput::Thought("hm".into()),
            (Output::Code, _) => ModelOutput::ExecutableCode(ExecutableCode::default()),
            (Output::Calls(names), _) => ModelOutput::ToolCalls(
                names.into_iter().map(|name| FunctionCall { name: name.into(), ..FunctionCall::default() }).collect(),
            ),
            (Output::End, _) => ModelOutput::End(EndReason::Complete),
            (Output::Failed, _) => ModelOutput::Failed("why not".into()),
        };
        let ends = matches!(output, ModelOutput::End(_));
        if self.engine.handle_command(ServerCommand::Model(generation, output), self.now).is_ok()
            && ends
            && self.oracle.running == Some(generation)
        {
            // The host knows that it said the last word.
            self.oracle.running = None;
        }
    }

    fn wait(&mut self, time: Duration) {
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
        let now = Instant::now();
        let engine = ServerEngine::new(config, now);
        let mut world = World { engine, oracle: Oracle::default(), now, modality: ResponseModality::Text };
        if set_up {
            world.run(Step::Client(Box::new(ClientMessage::setup(setup))));
        }
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
