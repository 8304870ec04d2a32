//! A session that goes on from a snapshot against the same session that was never left: no difference can be seen.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

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
            prop_assert_eq!(&here.said, &there.said);
        }
    }
}
