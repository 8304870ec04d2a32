//! Snapshots: when they are taken, and when the client hears of them.

use super::*;

const TEXT: &str = "C setup models/gemini-2.0-flash-live-001 TEXT";
const MANUAL: &str = "C setup models/gemini-2.0-flash-live-001 TEXT manual";
const HOLDS: &str = "C setup models/gemini-3.1-flash-live-preview";

#[test]
fn nothing_is_kept_of_a_session_that_did_not_ask_for_it() {
    check(
        &format!("{TEXT}\nC text hi\nM text hello\nM end\nshutdown"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        C text hi
          ! Generate #1 | user:'hi'
        M text hello
          < :'hello'
        M end
          < generationComplete
          < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
          ! TurnFinished #1
        shutdown
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
}

#[test]
fn a_handle_is_offered_at_rest_and_taken_back_while_the_model_answers() {
    check(
        &format!("{TEXT} resumable\nsaved\nC text hi\nM text hello\nM end\nsaved\nsaved\nlost"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text hi
              ! Generate #1 | user:'hi'
              < not resumable
            M text hello
              < :'hello'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
              ! TurnFinished #1
              ! Save 1.2 user:'hi' model:'hello' |
            saved
              < resumable 1.2
            saved
              rejected: no such snapshot waits to be stored
            lost
              ! Closed: the peer vanished without a close frame
        "#]],
    );
}

#[test]
fn a_handle_is_not_offered_before_its_snapshot_is_kept_nor_after_the_model_was_asked() {
    check(
        &format!("{TEXT} resumable\nC text hi\nsaved\nM text hello\nM end\nnotsaved\nwait 9999ms\nwait 1ms\nsaved"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            C text hi
              ! Generate #1 | user:'hi'
            saved
              ! Forget 1.1
            M text hello
              < :'hello'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
              ! TurnFinished #1
              ! Save 1.2 user:'hi' model:'hello' |
            notsaved
            wait 9999ms
            wait 1ms
              after 1 ms
              ! Save 1.3 user:'hi' model:'hello' |
            saved
              < resumable 1.3
        "#]],
    );
    // A snapshot that was not kept is tried again, though the client holds an older one.
    check(
        &format!("{TEXT} resumable\nsaved\nC turns user:a\nwait 1000ms\nnotsaved\nwait 10000ms\nsaved"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C turns user:a
        wait 1000ms
          after 1000 ms
          ! Save 1.2 | user:'a'
        notsaved
        wait 10000ms
          after 10000 ms
          ! Save 1.3 | user:'a'
        saved
          < resumable 1.3
    "#]],
    );
    // Nor when it has become stale by a turn.
    check(
        &format!("{TEXT} resumable\nC text hi\nM text hello\nM end\nsaved\nsaved"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        C text hi
          ! Generate #1 | user:'hi'
        M text hello
          < :'hello'
        M end
          < generationComplete
          < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
          ! TurnFinished #1
        saved
          ! Forget 1.1
          ! Save 1.2 user:'hi' model:'hello' |
        saved
          < resumable 1.2
    "#]],
    );
}

#[test]
fn what_is_spoken_is_taken_back_until_it_is_played() {
    check(
        "C setup models/gemini-3.1-flash-live-preview resumable\nsaved\nC text hi\nM speech 500ms hello\nM end\nwait 500ms\nsaved",
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview resumable
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text hi
              ! Generate #1 | user:'hi'
              < not resumable
            M speech 500ms hello
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[4800]
            M end
              < generationComplete
            wait 500ms
              after 500 ms
              < turnComplete prompt 1 TEXT, response 13 AUDIO, total 14
              ! TurnFinished #1
              ! Save 1.2 user:'hi' model:'hello' |
            saved
              < resumable 1.2
        "#]],
    );
}

#[test]
fn changes_are_snapshot_with_a_pause_between_and_consumed_messages_after_a_longer_one() {
    check(
        &format!(
            "{TEXT} resumable\nsaved\nC turns user:a\nC turns user:b\nwait 1000ms\nsaved\nwait 20000ms\nC nothing\nwait 10000ms\nsaved\nwait 60000ms"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C turns user:a
            C turns user:b
            wait 1000ms
              after 1000 ms
              ! Save 1.2 | user:'a' user:'b'
            saved
              < resumable 1.2
            wait 20000ms
            C nothing
              ! Warning EmptyMessage
              ! Save 1.3 | user:'a' user:'b'
            wait 10000ms
            saved
              < resumable 1.3
            wait 60000ms
        "#]],
    );
}

#[test]
fn a_transparent_session_says_what_each_handle_holds() {
    check_with(
        vertex(),
        &format!(
            "{TEXT} transparent\nsaved\nC turns user:a\nC text b\nM text c\nM end\nsaved\nC hear 60ms\nC hear 60ms\nwait 799ms\nwait 9000ms"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT transparent
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C turns user:a
            C text b
              ! Generate #1 | user:'a' user:'b'
              < not resumable
            M text c
              < model:'c'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, candidates 1 TEXT, total 3
              ! TurnFinished #1
              ! Save 1.2 user:'a' user:'b' model:'c' |
            saved
              < resumable 1.2 consumed 2
            C hear 60ms
            C hear 60ms
            wait 799ms
            wait 9000ms
              after 1 ms
              ! Generate #2 user:'a' user:'b' model:'c' | user:audio/pcm;rate=16000[3840]
              < not resumable
        "#]],
    );
    check(
        &format!("{TEXT} transparent"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT transparent
              ! Violation setup.sessionResumption.transparent: the Gemini API has no such field; Vertex AI has; leave it out
              < close 1007 Invalid JSON payload received. Unknown name "transparent" at 'setup.session_resumption': Cannot find field.
              ! Closed: setup.sessionResumption.transparent: the Gemini API has no such field; Vertex AI has; leave it out
        "#]],
    );
}

#[test]
fn a_barge_in_is_followed_by_a_handle() {
    check(
        &format!("{MANUAL} resumable\nsaved\nC text hi\nM text hello th\nC start\nsaved\nC hear 20ms\nC end"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT manual resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text hi
              ! Generate #1 | user:'hi'
              < not resumable
            M text hello th
              < :'hello th'
            C start
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
              ! TurnFinished #1 interrupted
              ! Save 1.2 user:'hi' model:'hello th' |
            saved
              < resumable 1.2
            C hear 20ms
            C end
              ! Generate #2 user:'hi' model:'hello th' | user:audio/pcm;rate=16000[640]
              < not resumable
        "#]],
    );
}

#[test]
fn while_functions_hold_up_the_turn_there_is_no_handle() {
    check(
        &format!("{TEXT} resumable fn=f\nsaved\nC text hi\nM call f\nwait 60000ms\nC answer f\nM end\nsaved"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable fn=f
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text hi
              ! Generate #1 | user:'hi'
              < not resumable
            M call f
              < toolCall f
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            wait 60000ms
            C answer f
              ! Generate #2 user:'hi' model:f() | user:f->
            M end
              < generationComplete
              < turnComplete prompt 6 TEXT, total 6
              ! TurnFinished #2
              ! Save 1.2 user:'hi' model:f() user:f-> |
            saved
              < resumable 1.2
        "#]],
    );
    check(
        &format!("{HOLDS} resumable fn=f\nsaved\nC text hi\nM call f\nwait 60000ms\nC answer f\nM end\nsaved"),
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview resumable fn=f
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text hi
              ! Generate #1 | user:'hi'
              < not resumable
            M call f
              < toolCall f
              ! Cancel #1
            wait 60000ms
            C answer f
              ! Generate #2 user:'hi' model:f() | user:f->
            M end
              < generationComplete
              < turnComplete prompt 6 TEXT, response 1 TEXT, total 7
              ! TurnFinished #2
              ! Save 1.2 user:'hi' model:f() user:f-> |
            saved
              < resumable 1.2
        "#]],
    );
}

#[test]
fn the_last_snapshot_is_kept_before_a_shutdown_ends_the_connection() {
    check(
        &format!("{TEXT} resumable\nsaved\nC turns user:hi\nshutdown\nsaved"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C turns user:hi
        shutdown
          ! Save 1.2 | user:'hi'
        saved
          < resumable 1.2
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
    check(
        &format!("{TEXT} resumable\nsaved\nC text hi\nshutdown\nM text hello\nM end\nsaved"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C text hi
          ! Generate #1 | user:'hi'
          < not resumable
        shutdown
        M text hello
          < :'hello'
        M end
          < generationComplete
          < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
          ! TurnFinished #1
          ! Save 1.2 user:'hi' model:'hello' |
        saved
          < resumable 1.2
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
    check(
        &format!("{TEXT} resumable\nsaved\nC text hi\nshutdown\nM end\nwait 5000ms"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C text hi
          ! Generate #1 | user:'hi'
          < not resumable
        shutdown
        M end
          < generationComplete
          < turnComplete prompt 1 TEXT, total 1
          ! TurnFinished #1
          ! Save 1.2 user:'hi' |
        wait 5000ms
          after 5000 ms
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
    check(
        &format!("{TEXT} resumable\nsaved\nshutdown"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        shutdown
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
}

#[test]
fn a_shutdown_counts_no_message_that_it_drops() {
    check_with(
        vertex(),
        &format!("{TEXT} transparent\nsaved\nC text a\nshutdown\nC text dropped\nC text too\nM text b\nM end\nsaved"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT transparent
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text a
              ! Generate #1 | user:'a'
              < not resumable
            shutdown
            C text dropped
              ! Warning Draining
            C text too
              ! Warning Draining
            M text b
              < model:'b'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, candidates 1 TEXT, total 2
              ! TurnFinished #1
              ! Save 1.2 user:'a' model:'b' |
            saved
              < resumable 1.2 consumed 1
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
    // Speech that will not be answered any more is in the last snapshot.
    check_with(
        vertex(),
        &format!("{TEXT} transparent nointerrupt\nsaved\nC text a\nC hear 200ms\nshutdown\nM text b\nM end\nsaved"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT transparent nointerrupt
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text a
              ! Generate #1 | user:'a'
              < not resumable
            C hear 200ms
            shutdown
            M text b
              < model:'b'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, candidates 1 TEXT, total 2
              ! TurnFinished #1
              ! Save 1.2 user:'a' model:'b' | speaking audio/pcm;rate=16000[6400]+0 bytes at 200 ms
            saved
              < resumable 1.2 consumed 2
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
}

#[test]
fn old_handles_are_forgotten() {
    let config =
        ServerConfig { limits: Limits { handles_max: 2, ..Limits::default() }, ..ServerConfig::new(Backend::Gemini) };
    let turn = "C text x\nM end\nsaved\n";
    check_with(
        config,
        &format!("{TEXT} resumable\nsaved\n{turn}{turn}{turn}"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C text x
          ! Generate #1 | user:'x'
          < not resumable
        M end
          < generationComplete
          < turnComplete prompt 1 TEXT, total 1
          ! TurnFinished #1
          ! Save 1.2 user:'x' |
        saved
          < resumable 1.2
        C text x
          ! Generate #2 user:'x' | user:'x'
          < not resumable
        M end
          < generationComplete
          < turnComplete prompt 2 TEXT, total 2
          ! TurnFinished #2
          ! Save 1.3 user:'x' user:'x' |
        saved
          < resumable 1.3
          ! Forget 1.1
        C text x
          ! Generate #3 user:'x' user:'x' | user:'x'
          < not resumable
        M end
          < generationComplete
          < turnComplete prompt 3 TEXT, total 3
          ! TurnFinished #3
          ! Save 1.4 user:'x' user:'x' user:'x' |
        saved
          < resumable 1.4
          ! Forget 1.2
    "#]],
    );
}
