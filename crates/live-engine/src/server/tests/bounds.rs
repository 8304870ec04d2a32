//! Bounds: what a peer or a host cannot make the engine keep.

use super::*;

fn config(set: impl FnOnce(&mut Limits)) -> ServerConfig {
    let mut config = ServerConfig::new(Backend::Gemini);
    set(&mut config.limits);
    config
}

#[test]
fn the_history_is_bounded() {
    check_with(
        config(|limits| limits.history_contents_max = 2),
        "C setup models/gemini-2.0-flash-live-001\nC turns user:a user:b\nC turns user:c",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns user:a user:b
            C turns user:c
              ! Violation the whole context: the session holds 3 contents, of 2 at most; start a new session
              < close 1007 Request contains an invalid argument.
              ! Closed: the whole context: the session holds 3 contents, of 2 at most; start a new session
        "#]],
    );
    check_with(
        config(|limits| limits.history_bytes_max = 1_000),
        "C setup models/gemini-2.0-flash-live-001\nC hear 100ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C hear 100ms
              ! Violation the whole context: the session holds 3476 bytes, of 1000 at most; start a new session
              < close 1007 Request contains an invalid argument.
              ! Closed: the whole context: the session holds 3476 bytes, of 1000 at most; start a new session
        "#]],
    );
}

#[test]
fn speech_is_bounded() {
    check_with(
        config(|limits| limits.speech_bytes_max = 1_000),
        "C setup models/gemini-2.0-flash-live-001 manual\nC start\nC hear 20ms\nC hear 20ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C start
            C hear 20ms
            C hear 20ms
              ! Violation the whole context: the session holds 1280 bytes of speech, of 1000 at most; end the activity sooner
              < close 1007 Request contains an invalid argument.
              ! Closed: the whole context: the session holds 1280 bytes of speech, of 1000 at most; end the activity sooner
        "#]],
    );
    check_with(
        config(|limits| limits.speech_bytes_max = 1_000),
        "C setup models/gemini-2.0-flash-live-001\nC hear 90ms\nC hear 90ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C hear 90ms
            C hear 90ms
              ! Generate #1 | user:audio/pcm;rate=16000[3520]
        "#]],
    );
}

#[test]
fn only_the_latest_frames_wait_for_a_turn() {
    check_with(
        config(|limits| limits.frames_max = 2),
        "C setup models/gemini-3.8-live\nC see\nwait 1000ms\nC see\nwait 1000ms\nC see\nC say what",
        expect![[r#"
            C setup models/gemini-3.8-live
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C see
            wait 1000ms
            C see
            wait 1000ms
            C see
            C say what
              ! Generate #1 | user:image/jpeg[10]+image/jpeg[10]+'what'
        "#]],
    );
}

#[test]
fn frames_to_the_client_are_bounded() {
    check_with(
        config(|limits| {
            limits.audio_frame_bytes_max = 1_001;
            limits.text_frame_bytes_max = 4;
        }),
        "C setup models/gemini-3.8-live transcripts\nC text hi\nM speech 50ms Hällo",
        expect![[r#"
            C setup models/gemini-3.8-live transcripts
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 50ms Hällo
              < :audio/pcm;rate=24000[1000]
              < outputTranscription 'Häl'
              < outputTranscription 'lo'
              < :audio/pcm;rate=24000[1000]
              < :audio/pcm;rate=24000[400]
        "#]],
    );
}

#[test]
fn a_host_that_outruns_its_client_is_told() {
    let mut world = World::new(config(|limits| limits.outputs_max = 3));
    world.step("C setup models/gemini-2.0-flash-live-001");
    world.step("C text hi");
    world.drain();
    let mut taken = 0;
    while world.engine.handle_command(ServerCommand::Model(TurnId(1), ModelOutput::Text("x".into())), world.now).is_ok()
    {
        taken += 1;
    }
    assert_eq!(taken, 3);
    world.drain();
    let command = ServerCommand::Model(TurnId(1), ModelOutput::Text("x".into()));
    assert_eq!(world.engine.handle_command(command, world.now), Ok(()));
}

#[test]
fn a_context_fuller_than_the_models_window_is_exhausted() {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    world.step("C setup models/gemini-2.0-flash-live-001 AUDIO");
    world.log = "C four contents of 10000 tokens\n".into();
    let text = "x".repeat(40_000);
    for _ in 0..4 {
        world.step(&format!("C turns user:{text}"));
    }
    world.drain();
    expect![[r#"
        C four contents of 10000 tokens
          < setupComplete
          ! SetupAccepted Live20 Audio Puck
          ! Violation the whole context: the session holds 40000 tokens, of 32768 at most; start a new session, with contextWindowCompression if it is to go on for long
          < close 1007 Request contains an invalid argument.
          ! Closed: the whole context: the session holds 40000 tokens, of 32768 at most; start a new session, with contextWindowCompression if it is to go on for long
    "#]]
    .assert_eq(&world.log);
}

#[test]
fn usage_never_overflows_the_wire() {
    let usage = TurnUsage { prompt: Tokens { text: u64::from(u32::MAX), ..Tokens::default() }, ..TurnUsage::default() };
    assert_eq!(usage.metadata(Backend::Gemini).prompt_token_count, i32::MAX);
}
