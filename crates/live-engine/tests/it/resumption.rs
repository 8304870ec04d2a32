//! A session that goes on from a snapshot against the same session that was never left: no difference can be seen.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use live_engine::*;
use live_proto::*;
use proptest::prelude::*;

use crate::server::{Step, World, config, steps};

/// One of two sessions that have to stay the same.
struct Twin {
    engine: ServerEngine,
    now: Instant,
    modality: ResponseModality,
    /// Generations that were asked for before the two parted.
    before: u64,
    latest: u64,
    calls: Vec<FunctionCall>,
    said: Vec<String>,
}

impl Twin {
    fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Client(message) => self.engine.handle_message(*message, self.now),
            Step::Answer(call, scheduling, will_continue) => {
                let call = self.calls.get(call).cloned().unwrap_or_default();
                let response = FunctionResponse {
                    scheduling,
                    will_continue,
                    ..FunctionResponse::new(call.id, call.name, Struct::new())
                };
                self.engine.handle_message(ClientMessage::tool_response(vec![response]), self.now);
            }
            Step::Model { output, .. } => {
                let piece = output.piece("word", self.modality);
                // Whether it is taken shows in what comes of it.
                let _ = self.engine.handle_command(ServerCommand::Model(TurnId(self.latest), piece), self.now);
            }
            Step::Wait(millis) => {
                let end = self.now + Duration::from_millis(millis);
                while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
                    self.now = self.now.max(due);
                    self.engine.handle_timeout(self.now);
                    self.drain();
                }
                self.now = end;
            }
            _ => {}
        }
        self.drain();
    }

    /// What was said, with calls by their place: each connection gives ids of its own.
    fn told(&self) -> Vec<String> {
        let named = |line: &String| {
            (self.calls.iter().enumerate()).fold(line.clone(), |line, (nth, call)| match call.id.as_str() {
                "" => line,
                id => line.replace(id, &format!("call-{nth}")),
            })
        };
        self.said.iter().map(named).collect()
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let turn = |turn: TurnId| turn.0 - self.before;
            self.said.push(match output {
                Output::Event(ServerEvent::Save { handle, .. }) => {
                    let taken = self.engine.handle_command(ServerCommand::SaveFailed(handle), self.now);
                    assert!(taken.is_ok() || self.engine.is_closed(), "it waits for it");
                    continue;
                }
                // How often something was complained of is not remembered, and there is nothing to offer again.
                Output::Event(ServerEvent::Warning(_)) => continue,
                Output::Send(ServerMessage { payload: Some(ServerPayload::SessionResumptionUpdate(_)), .. }) => {
                    continue;
                }
                Output::Event(ServerEvent::Generate(generation, prompt)) => {
                    self.latest = generation.0;
                    format!("generate {} {prompt:?}", turn(generation))
                }
                Output::Event(ServerEvent::Cancel(generation)) => format!("cancel {}", turn(generation)),
                Output::Event(ServerEvent::TurnFinished { turn: last, usage, session_usage, interrupted }) => {
                    format!("finished {} {usage:?} {session_usage:?} {interrupted}", turn(last))
                }
                Output::Send(message) => {
                    if let Some(ServerPayload::ToolCall(call)) = &message.payload {
                        self.calls.extend(call.function_calls.iter().cloned());
                    }
                    format!("{message:?}")
                }
                other => format!("{other:?}"),
            });
        }
    }
}

/// Brings the session to rest, if it goes on that long, with a snapshot of its last state.
fn rest(world: &mut World) {
    for _ in 0..8 {
        if let Some(generation) = world.oracle.running {
            let end = ServerCommand::Model(generation, ModelOutput::End(EndReason::Complete));
            world.engine.handle_command(end, world.now).expect("the model ends when it likes");
            world.oracle.running = None;
            world.drain();
        }
        for call in 0..world.oracle.calls.len() {
            if world.oracle.is_open_for(call) {
                world.run(Step::Answer(call, None, false));
            }
        }
        for _ in 0..15 {
            world.run(Step::Saved(true));
            world.wait(Duration::from_secs(1));
        }
    }
    world.run(Step::Saved(true));
}

/// Something a client says, and how the world goes on after it.
#[derive(Clone, Debug)]
struct Said {
    how: How,
    /// Whether the host keeps a snapshot that waits.
    saved: Option<bool>,
    /// How much of an answer the model gives; `None` says nothing yet.
    answer: Option<u8>,
    wait: u64,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Append,
    Ask,
    Type,
    Speak,
    Frame,
    Start,
    End,
}

fn said() -> impl Strategy<Value = Said> {
    let how = prop_oneof![
        1 => Just(How::Append),
        1 => Just(How::Ask),
        1 => Just(How::Type),
        2 => Just(How::Speak),
        1 => Just(How::Frame),
        1 => Just(How::Start),
        2 => Just(How::End),
    ];
    (how, prop::option::weighted(0.7, prop::bool::weighted(0.9)), prop::option::of(0u8..3), 0u64..4_000)
        .prop_map(|(how, saved, answer, wait)| Said { how, saved, answer, wait })
}

impl How {
    /// A message that carries `number`, if it carries anything.
    fn message(self, number: u16) -> ClientMessage {
        let bytes = number.to_le_bytes().to_vec();
        match self {
            Self::Append => ClientMessage::turns(vec![Content::user(format!("{number} "))], false),
            Self::Ask => ClientMessage::turns(vec![Content::user(format!("{number} "))], true),
            Self::Type => ClientMessage::text(format!("{number} ")),
            Self::Speak => ClientMessage::audio(Blob::pcm16k(bytes)),
            Self::Frame => ClientMessage::video(Blob::jpeg(bytes)),
            Self::Start => ClientMessage::activity_start(),
            Self::End => ClientMessage::activity_end(),
        }
    }

    fn carries(self) -> bool {
        !matches!(self, Self::Start | Self::End)
    }
}

/// The numbers that contents of the user carry, in order of size.
fn numbers(history: &[Arc<Content>]) -> Vec<u16> {
    let mut numbers = Vec::new();
    for part in history.iter().filter(|content| content.role == "user").flat_map(|content| &content.parts) {
        match &part.data {
            Some(PartData::Text(text)) => {
                numbers.extend(text.split_whitespace().map(|it| it.parse::<u16>().expect("a number")))
            }
            Some(PartData::InlineData(blob)) => {
                numbers.extend(blob.data.chunks(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])));
            }
            _ => {}
        }
    }
    numbers.sort_unstable();
    numbers
}

/// A server, and a client that holds what it is offered.
struct Line {
    engine: ServerEngine,
    now: Instant,
    running: Option<TurnId>,
    history: Vec<Arc<Content>>,
    saving: Option<(Handle, Arc<Snapshot>)>,
    kept: Vec<(Handle, Arc<Snapshot>)>,
    /// The handle the client would resume by, and the last message that it says is in there.
    held: Option<(String, i64)>,
}

impl Line {
    fn new(seed: u8, now: Instant) -> Self {
        let mut config = ServerConfig { handle_seed: HandleSeed([seed; 32]), ..ServerConfig::new(Backend::Vertex) };
        // Every frame counts.
        config.limits.frame_gap = Duration::ZERO;
        config.lifetimes.connection = Duration::MAX;
        config.lifetimes.session_audio = None;
        config.lifetimes.session_video = None;
        let engine = ServerEngine::new(config, now);
        Self { engine, now, running: None, history: Vec::new(), saving: None, kept: Vec::new(), held: None }
    }

    fn set_up(&mut self, handle: &str) {
        let mut setup = Setup::new("models/gemini-2.0-flash-live-001").with_modality(Modality::Text);
        setup = setup.with_manual_activity();
        let realtime = setup.realtime_input_config.get_or_insert_default();
        realtime.turn_coverage = Some(TurnCoverage::IncludesAllInput);
        setup.session_resumption = Some(SessionResumptionConfig { handle: Some(handle.into()), transparent: true });
        self.say(ClientMessage::setup(setup));
    }

    fn say(&mut self, message: ClientMessage) {
        self.engine.handle_message(message, self.now);
        self.drain();
    }

    fn command(&mut self, command: ServerCommand) {
        self.engine.handle_command(command, self.now).expect("it fits");
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(ServerEvent::Generate(turn, prompt)) => {
                    self.running = Some(turn);
                    self.history = prompt.history;
                }
                Output::Event(ServerEvent::Cancel(_)) => self.running = None,
                Output::Event(ServerEvent::Save { handle, snapshot }) => self.saving = Some((handle, snapshot)),
                Output::Event(ServerEvent::Forget { handle }) => self.kept.retain(|(kept, _)| *kept != handle),
                Output::Send(ServerMessage {
                    payload: Some(ServerPayload::SessionResumptionUpdate(update)), ..
                }) if update.resumable => {
                    self.held = Some((update.new_handle, update.last_consumed_client_message_index));
                }
                Output::Close(close) => panic!("nothing is wrong: {close:?}"),
                _ => {}
            }
        }
    }

    fn go_on(&mut self, said: &Said) {
        if let (Some(is_kept), Some((handle, snapshot))) = (said.saved, self.saving.take_if(|_| said.saved.is_some())) {
            if is_kept {
                self.kept.push((handle.clone(), snapshot));
                self.command(ServerCommand::Saved(handle));
            } else {
                self.command(ServerCommand::SaveFailed(handle));
            }
        }
        if let (Some(words), Some(turn)) = (said.answer, self.running) {
            for _ in 0..words {
                self.command(ServerCommand::Model(turn, ModelOutput::Text("well".into())));
            }
            if words != 1 {
                self.running = None;
                self.command(ServerCommand::Model(turn, ModelOutput::End(EndReason::Complete)));
            }
        }
        self.now += Duration::from_millis(said.wait);
        self.engine.handle_timeout(self.now);
        self.drain();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_resumes_has_missed_nothing((config, setup) in config(), before in steps(), after in steps()) {
        let mut config = config;
        config.lifetimes.connection = Duration::MAX;
        config.lifetimes.session_audio = None;
        config.lifetimes.session_video = None;
        let mut setup = setup;
        setup.session_resumption.get_or_insert_default();
        let mut world = World::new(config.clone(), Some(setup.clone()));
        for step in before {
            if !matches!(step, Step::Shutdown | Step::GoAway(_)) {
                world.run(step);
            }
        }
        rest(&mut world);
        let (Some(offered), false) = (world.oracle.sessions.offered.clone(), world.engine.is_closed()) else {
            return Ok(());
        };
        let (handle, snapshot) = world.oracle.sessions.latest.clone().expect("a handle has a snapshot");
        prop_assert_eq!(&handle, &offered, "the last state is the one that is offered");

        config.handle_seed = HandleSeed([7; 32]);
        let mut resumed = ServerEngine::new(config, world.now);
        setup.session_resumption.get_or_insert_default().handle = Some(handle.as_str().into());
        resumed.handle_message(ClientMessage::setup(setup), world.now);
        let snapshot = Box::new(Snapshot::clone(&snapshot));
        resumed.handle_command(ServerCommand::Resumed(snapshot), world.now).expect("it asked for it");
        let twin = |engine: ServerEngine, before: TurnId| Twin {
            engine,
            now: world.now,
            modality: world.modality,
            before: before.0,
            latest: before.0,
            calls: world.oracle.calls.clone(),
            said: Vec::new(),
        };
        let mut there = twin(resumed, TurnId(0));
        let mut here = twin(world.engine, world.oracle.latest);
        there.drain();
        there.said.clear();
        for step in &after {
            here.step(step);
            there.step(step);
            prop_assert_eq!(here.told(), there.told());
        }
    }
    #[test]
    fn who_sends_again_what_was_not_consumed_has_said_everything_once(said in prop::collection::vec(said(), 1..40)) {
        let mut line = Line::new(1, start());
        line.set_up("");
        let mut speaking = false;
        let mut sent = Vec::new();
        for (number, it) in (1u16..).zip(&said) {
            // There is nothing to end before it began, or when nothing was said.
            let how = match it.how {
                How::End if !speaking => How::Start,
                How::End => {
                    line.say(How::Speak.message(number + 1_000));
                    sent.push(How::Speak.message(number + 1_000));
                    How::End
                }
                how => how,
            };
            speaking = matches!(how, How::Start) || speaking && !matches!(how, How::End);
            line.say(how.message(number));
            sent.push(how.message(number));
            line.go_on(it);
        }
        let Some((held, index)) = line.held.clone() else { return Ok(()) };
        let kept = line.kept.iter().find(|(handle, _)| handle.as_str() == held).map(|(_, snapshot)| snapshot);
        let snapshot = kept.expect("what a client holds is kept").as_ref().clone();
        prop_assert_eq!(snapshot.last_consumed, u64::try_from(index).ok());

        // The connection is gone; whatever the server did since is, too.
        let mut again = Line::new(2, line.now);
        again.set_up(&held);
        again.command(ServerCommand::Resumed(Box::new(snapshot)));
        for message in sent.iter().skip(usize::try_from(index).expect("a count")) {
            again.say(message.clone());
        }
        if speaking {
            again.say(How::Speak.message(0));
            again.say(How::End.message(0));
        }
        again.say(How::Ask.message(0));

        let mut expected: Vec<u16> = if speaking { vec![0, 0] } else { vec![0] };
        for (number, it) in (1u16..).zip(&said) {
            expected.extend(it.how.carries().then_some(number));
        }
        let ends = sent.iter().filter_map(|message| match message {
            ClientMessage::RealtimeInput(RealtimeInput { audio: Some(blob), .. }) => {
                Some(u16::from_le_bytes([blob.data[0], blob.data[1]])).filter(|number| *number > 1_000)
            }
            _ => None,
        });
        expected.extend(ends);
        expected.sort_unstable();
        prop_assert_eq!(numbers(&again.history), expected);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
fn start() -> Instant {
    Instant::now()
}
