//! Arbitrary servers against one client, watched by an oracle that knows nothing of its insides.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Server(Box<ServerMessage>),
    Malformed,
    Closed(Option<u16>),
    /// An answer to the call with this id.
    Answer(u8),
    Say,
    Close,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => server_message().prop_map(|message| Step::Server(Box::new(message))),
        1 => Just(Step::Malformed),
        1 => prop::option::of(1000u16..1015).prop_map(Step::Closed),
        6 => (0u8..4).prop_map(Step::Answer),
        3 => Just(Step::Say),
        1 => Just(Step::Close),
        2 => (0u64..12_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

fn call() -> impl Strategy<Value = FunctionCall> {
    (0u8..4).prop_map(|id| FunctionCall { id: id.to_string(), name: "f".into(), ..FunctionCall::default() })
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let part = prop_oneof![
        4 => Just(Part::text("x")),
        1 => Just(Part::thought("x")),
        4 => Just(Part::inline(Blob::pcm24k(vec![0; 2]))),
        1 => call().prop_map(Part::function_call),
        1 => Just(Part::default()),
    ];
    let often = |weight| prop::bool::weighted(weight);
    let transcription = |weight| prop::option::weighted(weight, Just(Box::new(Transcription::new("x"))));
    let content = (
        prop::collection::vec(part, 0..3),
        [often(0.2), often(0.2), often(0.2), often(0.05)],
        transcription(0.2),
        transcription(0.2),
        prop_oneof![8 => Just(InteractionStatus::Unspecified), 1 => Just(InteractionStatus::InProgress), 1 => Just(InteractionStatus::Idle)],
        often(0.2),
    )
        .prop_map(|(parts, [turn_complete, interrupted, generation_complete, waiting], input, output, status, usage)| {
            let message = ServerMessage::from(ServerContent {
                model_turn: (!parts.is_empty()).then(|| Content::unsigned(parts)),
                turn_complete,
                interrupted,
                generation_complete,
                waiting_for_input: waiting,
                input_transcription: input,
                output_transcription: output,
                interaction_status: status,
                ..ServerContent::default()
            });
            if usage { message.with_usage(UsageMetadata::default()) } else { message }
        });
    prop_oneof![
        20 => content,
        3 => prop::collection::vec(call(), 0..3).prop_map(ServerMessage::tool_call),
        2 => prop::collection::vec((0u8..4).prop_map(|id| id.to_string()), 0..3).prop_map(ServerMessage::tool_call_cancellation),
        1 => Just(ServerPayload::from(SetupComplete::default()).into()),
        1 => Just(ServerPayload::from(GoAway::default()).into()),
        1 => Just(ServerMessage::default()),
    ]
}

#[derive(Default)]
struct Oracle {
    ready: bool,
    closed: bool,
    ended: bool,
    latest: TurnId,
    silenced_up_to: TurnId,
    calls: BTreeSet<String>,
    open_calls: BTreeSet<String>,
}

impl Oracle {
    fn sees(&mut self, output: Output<ClientMessage, ClientEvent>) {
        assert!(!self.ended, "nothing follows the last event");
        match output {
            Output::Send(message) => {
                assert!(!self.closed);
                assert!(
                    self.ready || matches!(message, ClientMessage::Setup(_)),
                    "only the setup goes before setupComplete"
                );
            }
            Output::Close(_) => self.closed = true,
            Output::Event(event) => self.hears(event),
        }
    }

    fn hears(&mut self, event: ClientEvent) {
        assert!(self.ready || matches!(event, ClientEvent::Ready { .. } | ClientEvent::Closed(_)), "ready comes first");
        match event {
            ClientEvent::Ready { .. } => assert!(!std::mem::replace(&mut self.ready, true)),
            ClientEvent::Text { generation, .. }
            | ClientEvent::Thought { generation, .. }
            | ClientEvent::Audio { generation, .. }
            | ClientEvent::Part { generation, .. }
            | ClientEvent::OutputTranscription { generation, .. }
            | ClientEvent::GenerationComplete { generation } => {
                assert!(generation >= self.latest, "generations never go back");
                assert!(generation > self.silenced_up_to, "nothing follows the interruption of its generation");
                self.latest = generation;
            }
            ClientEvent::TurnComplete { generation, .. } => {
                assert!(generation >= self.latest, "generations never go back");
                self.latest = generation;
            }
            ClientEvent::Interrupted { generation } => {
                assert!(generation > self.silenced_up_to, "a generation is interrupted once");
                (self.silenced_up_to, self.latest) = (generation, generation);
            }
            ClientEvent::ToolCall(call) => {
                assert!(self.calls.insert(call.id.clone()), "no call is told twice");
                self.open_calls.insert(call.id);
            }
            ClientEvent::ToolCallCancellation(ids) => ids.iter().for_each(|id| {
                self.open_calls.remove(id);
            }),
            ClientEvent::Idle => assert!(self.open_calls.is_empty(), "a session with open calls is not idle"),
            ClientEvent::Closed(_) => self.ended = true,
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_server_confuses_a_client(steps in steps(), ready in prop::bool::weighted(0.95)) {
        let mut now = Instant::now();
        let mut engine = ClientEngine::new(ClientConfig::new(Setup::new("models/m")), now);
        let mut oracle = Oracle::default();
        let begin = ready.then(|| Step::Server(Box::new(ServerPayload::from(SetupComplete::default()).into())));
        for step in begin.into_iter().chain(steps) {
            let closed = engine.is_closed();
            match step {
                Step::Server(message) => engine.handle_message(*message, now),
                Step::Malformed => {
                    engine.handle_malformed(DecodeError { path: JsonPath::default(), kind: DecodeErrorKind::Utf8 }, now);
                }
                Step::Closed(code) => engine.handle_disconnect(Disconnect::Closed { code, reason: String::new() }, now),
                Step::Answer(id) => {
                    let response = FunctionResponse::new(id.to_string(), "f", Struct::new());
                    let command = ClientCommand::Send(ClientMessage::tool_response(vec![response]));
                    let taken = engine.handle_command(command, now).is_ok();
                    prop_assert_eq!(taken, !closed && oracle.open_calls.remove(&id.to_string()), "each call is answered once");
                }
                Step::Say => prop_assert_eq!(
                    engine.handle_command(ClientCommand::Send(ClientMessage::text("hi")), now).is_ok(),
                    !closed
                ),
                Step::Close => prop_assert_eq!(engine.handle_command(ClientCommand::Close, now).is_ok(), !closed),
                Step::Wait(millis) => {
                    now += Duration::from_millis(millis);
                    engine.handle_timeout(now);
                }
            }
            while let Some(output) = engine.poll_output() {
                oracle.sees(output);
            }
            prop_assert!(!closed || engine.is_closed(), "the end is the end");
            prop_assert_eq!(engine.is_closed(), oracle.ended);
        }
        // Ready or over within the deadline.
        engine.handle_timeout(now + Limits::default().setup_deadline);
        while let Some(output) = engine.poll_output() {
            oracle.sees(output);
        }
        prop_assert!(oracle.ready || oracle.ended);
    }
}
