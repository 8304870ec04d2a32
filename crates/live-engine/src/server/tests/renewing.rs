//! Snapshots: when they are taken, when the client hears of them, and what a session is that goes on from one.

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
              < :audio/pcm;rate=24000[24000]
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
            "{TEXT} transparent\nsaved\nC turns user:a\nC text b\nM text c\nM end\nsaved\nC hear 20ms\nC hear 20ms\nwait 799ms\nwait 9000ms"
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
            C hear 20ms
            C hear 20ms
            wait 799ms
            wait 9000ms
              after 1 ms
              ! Generate #2 user:'a' user:'b' model:'c' | user:audio/pcm;rate=16000[1280]
              < not resumable
        "#]],
    );
    check(
        &format!("{TEXT} transparent"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT transparent
          ! Violation setup.sessionResumption: a strict reader takes known fields only: unknown field "transparent"; remove "transparent", or check its spelling and its parent
          < close 1007 Invalid JSON payload received. Unknown name "transparent" at 'setup.session_resumption': Cannot find field.
          ! Closed: setup.sessionResumption: a strict reader takes known fields only: unknown field "transparent"; remove "transparent", or check its spelling and its parent
    "#]],
    );
}

#[test]
fn a_snapshot_holds_speech_that_is_not_over_and_the_next_connection_goes_on_with_it() {
    let steps = "resumable\nsaved\nC start\nC hear 100ms\nC see\nwait 10000ms\nsaved\nreconnect";
    check(
        &format!("{MANUAL} {steps}\n{MANUAL} handle=1.2\nresumed\nC hear 50ms\nC end"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT manual resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C start
            C hear 100ms
            C see
            wait 10000ms
              after 10000 ms
              ! Save 1.2 | speaking audio/pcm;rate=16000[3200]+image/jpeg[10]
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT manual handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 | speaking audio/pcm;rate=16000[3200]+image/jpeg[10]
            C hear 50ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]+image/jpeg[10]+audio/pcm;rate=16000[1600]
        "#]],
    );
    // Where the server finds the end of speech, a pause is one.
    check(
        &format!("{MANUAL} {steps}\n{TEXT} handle=1.2\nresumed\nwait 800ms"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT manual resumable
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C start
        C hear 100ms
        C see
        wait 10000ms
          after 10000 ms
          ! Save 1.2 | speaking audio/pcm;rate=16000[3200]+image/jpeg[10]
        saved
          < resumable 1.2
        reconnect
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2
          ! Resume 1.2
        resumed
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 2.1 | speaking audio/pcm;rate=16000[3200]+image/jpeg[10]
        wait 800ms
          after 800 ms
          ! Generate #1 | user:audio/pcm;rate=16000[3200]+image/jpeg[10]
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
fn calls_that_run_beside_the_conversation_are_answered_on_the_next_connection() {
    check(
        &format!(
            "{TEXT} resumable fn=f:later\nsaved\nC text hi\nM call f\nM text wait\nM end\nsaved\nreconnect\n\
             {TEXT} handle=1.2 fn=f:later\nresumed\nC answer f\nM call f\nM end\nC answer f\nC answer f"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable fn=f:later
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
            M text wait
              < :'wait'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 2 TEXT, total 4
              ! TurnFinished #1
              ! Save 1.2 user:'hi' model:f()+'wait' | calling f
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2 fn=f:later
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 user:'hi' model:f()+'wait' | calling f
            C answer f
              ! Generate #1 user:'hi' model:f()+'wait' | user:f->
            M call f
              < toolCall f
            M end
              < generationComplete
              < turnComplete prompt 7 TEXT, response 1 TEXT, total 8
              ! TurnFinished #1
            C answer f
              ! Generate #2 user:'hi' model:f()+'wait' user:f-> model:f() | user:f->
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8960286522194355700" }
        "#]],
    );
}

#[test]
fn calls_that_held_up_a_turn_are_lost_with_it() {
    check(
        &format!(
            "{TEXT} resumable fn=f\nsaved\nC text hi\nM call f\nreconnect\n{TEXT} handle=1.1 fn=f\nresumed\nC answer f"
        ),
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
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1 fn=f
              ! Resume 1.1
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535" }
        "#]],
    );
}

#[test]
fn an_instruction_changed_in_the_session_outlives_a_setup_that_repeats_itself() {
    let first = format!(
        "{TEXT} instruct=old fn=f resumable\nsaved\nC turns system:new user:hi\nC untool\nwait 1000ms\nsaved\nreconnect\n{TEXT} handle=1.2"
    );
    check_with(
        vertex(),
        &format!("{first} instruct=old fn=f\nresumed\nC text you?"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT instruct=old fn=f resumable
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C turns system:new user:hi
        C untool
        wait 1000ms
          after 1000 ms
          ! Save 1.2 | user:'hi'
        saved
          < resumable 1.2
        reconnect
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2 instruct=old fn=f
          ! Resume 1.2
        resumed
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 2.1 | user:'hi'
        C text you?
          ! Generate #1 (system:'new') | user:'hi' user:'you?'
    "#]],
    );
    check_with(
        vertex(),
        &format!("{first}\nresumed\nC text you?"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT instruct=old fn=f resumable
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C turns system:new user:hi
        C untool
        wait 1000ms
          after 1000 ms
          ! Save 1.2 | user:'hi'
        saved
          < resumable 1.2
        reconnect
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2
          ! Resume 1.2
        resumed
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 2.1 | user:'hi'
        C text you?
          ! Generate #1 (system:'new') | user:'hi' user:'you?'
    "#]],
    );
    check_with(
        vertex(),
        &format!("{first} instruct=newer fn=g\nresumed\nC text you?\nM call f"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT instruct=old fn=f resumable
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
        saved
          < resumable 1.1
        C turns system:new user:hi
        C untool
        wait 1000ms
          after 1000 ms
          ! Save 1.2 | user:'hi'
        saved
          < resumable 1.2
        reconnect
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2 instruct=newer fn=g
          ! Resume 1.2
        resumed
          < setupComplete a-uuid
          ! SetupAccepted Live20 Text
          ! Save 2.1 | user:'hi'
        C text you?
          ! Generate #1 (user:'newer') | user:'hi' user:'you?'
        M call f
          < toolCall f
          ! Cancel #1
          < generationComplete
          < turnComplete prompt 5 TEXT, candidates 1 TEXT, total 6
          ! TurnFinished #1
    "#]],
    );
}

#[test]
fn an_instruction_is_in_force_from_the_next_turn_on() {
    check_with(
        vertex(),
        &format!("{TEXT} instruct=old\nC text a\nC instruct new\nM end\nC text b\nM end\nC turns system:newer user:c."),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT instruct=old
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
            C text a
              ! Generate #1 (user:'old') | user:'a'
            C instruct new
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, total 2
              ! TurnFinished #1
            C text b
              ! Generate #2 (user:'new') user:'a' | user:'b'
            M end
              < generationComplete
              < turnComplete prompt 3 TEXT, total 3
              ! TurnFinished #2
            C turns system:newer user:c.
              ! Generate #3 (system:'newer') user:'a' user:'b' | user:'c'
        "#]],
    );
    check(
        &format!("{TEXT}\nC instruct new\nC text a\nC turns system:newer"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        C instruct new
        C text a
          ! Generate #1 (user:'new') | user:'a'
        C turns system:newer
          ! Cancel #1
          ! Violation clientContent.turns[0].role: the Gemini API takes no content of role system; contextUpdate changes the instruction; found "system"; use the role user or model
          < close 1007 Request contains an invalid argument.
          ! Closed: clientContent.turns[0].role: the Gemini API takes no content of role system; contextUpdate changes the instruction; found "system"; use the role user or model
    "#]],
    );
}

#[test]
fn a_handle_that_cannot_be_honoured_is_refused_as_the_service_does() {
    for why in ["unknown", "expired", "foreign"] {
        let expected = match why {
            "unknown" => expect![[r#"
                C setup models/gemini-2.0-flash-live-001 TEXT handle=9.1
                  ! Resume 9.1
                refuse unknown
                  ! Violation setup.sessionResumption.handle: the handle names no session of this server; start without a handle
                  < close 1008 BidiGenerateContent session not found
                  ! Closed: setup.sessionResumption.handle: the handle names no session of this server; start without a handle
            "#]],
            "expired" => expect![[r#"
                C setup models/gemini-2.0-flash-live-001 TEXT handle=9.1
                  ! Resume 9.1
                refuse expired
                  ! Violation setup.sessionResumption.handle: the handle is too old; start without a handle, and resume sooner
                  < close 1008 BidiGenerateContent session not found
                  ! Closed: setup.sessionResumption.handle: the handle is too old; start without a handle, and resume sooner
            "#]],
            _ => expect![[r#"
                C setup models/gemini-2.0-flash-live-001 TEXT handle=9.1
                  ! Resume 9.1
                refuse foreign
                  ! Violation setup.sessionResumption.handle: the handle was given to another project; use the credential that the session was opened with, or start without a handle
                  < close 1008 Requested entity was not found.
                  ! Closed: setup.sessionResumption.handle: the handle was given to another project; use the credential that the session was opened with, or start without a handle
            "#]],
        };
        check(&format!("{TEXT} handle=9.1\nrefuse {why}"), expected);
    }
    check(
        &format!("{TEXT} handle=ä"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=ä
          ! Violation setup.sessionResumption.handle: no server makes such a handle; send newHandle of a sessionResumptionUpdate unchanged, or start without a handle
          < close 1007 Invalid session handle
          ! Closed: setup.sessionResumption.handle: no server makes such a handle; send newHandle of a sessionResumptionUpdate unchanged, or start without a handle
    "#]],
    );
    check(
        &format!("{TEXT} handle="),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=
          < setupComplete
          ! SetupAccepted Live20 Text
          ! Save 1.1 |
    "#]],
    );
}

#[test]
fn a_session_keeps_its_model() {
    check(
        &format!(
            "{TEXT} resumable\nC text hi\nreconnect\nC setup models/gemini-live-2.5-flash-preview TEXT handle=1.1\nresumed"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            C text hi
              ! Generate #1 | user:'hi'
            reconnect
            C setup models/gemini-live-2.5-flash-preview TEXT handle=1.1
              ! Resume 1.1
            resumed
              ! Violation setup.model: a session keeps its model, gemini-2.0-flash-live-001; asked for gemini-live-2.5-flash-preview; name the same model, or start without a handle
              < close 1007 Request contains an invalid argument.
              ! Closed: setup.model: a session keeps its model, gemini-2.0-flash-live-001; asked for gemini-live-2.5-flash-preview; name the same model, or start without a handle
        "#]],
    );
}

#[test]
fn a_client_that_does_not_wait_for_the_session_is_heard_when_it_is_there() {
    check(
        &format!("{TEXT} resumable\nreconnect\n{TEXT} handle=1.1\nC turns user:early\nC text bird\nresumed"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
              ! Resume 1.1
            C turns user:early
            C text bird
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
              ! Generate #1 | user:'early' user:'bird'
        "#]],
    );
    let config = || ServerConfig {
        limits: Limits { queued_messages_max: 1, ..Limits::default() },
        ..ServerConfig::new(Backend::Gemini)
    };
    check_with(
        config(),
        &format!("{TEXT} handle=1.1\nC text a\nC text b"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
          ! Resume 1.1
        C text a
        C text b
          ! Violation the session holds 2 messages before setupComplete, of 1 at most; start a new session
          < close 1007 Request contains an invalid argument.
          ! Closed: the session holds 2 messages before setupComplete, of 1 at most; start a new session
    "#]],
    );
}

#[test]
fn a_store_that_does_not_answer_is_waited_for_as_long_as_for_a_setup() {
    check(
        &format!("resumed\n{TEXT} handle=1.1\nrefuse\nresumed"),
        expect![[r#"
            resumed
              rejected: no session waits to be resumed
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
              ! Resume 1.1
            refuse
              ! Violation setup.sessionResumption.handle: the handle was given to another project; use the credential that the session was opened with, or start without a handle
              < close 1008 Requested entity was not found.
              ! Closed: setup.sessionResumption.handle: the handle was given to another project; use the credential that the session was opened with, or start without a handle
            resumed
              rejected: the connection is over
        "#]],
    );
    check(
        &format!("{TEXT} handle=1.1\nM text x\nwait 10000ms\nresumed"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
          ! Resume 1.1
        M text x
          rejected: no session is open yet
        wait 10000ms
          after 10000 ms
          < close 1011 Deadline expired before operation could complete.
          ! Closed: the peer did not finish the setup in time
        resumed
          rejected: the connection is over
    "#]],
    );
    check(
        &format!("{TEXT} handle=1.1\nshutdown"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
          ! Resume 1.1
        shutdown
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
    check(
        &format!("{TEXT} handle=1.1\nlost"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
          ! Resume 1.1
        lost
          ! Closed: the peer vanished without a close frame
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
    // Speech that will not be answered any more is in no later snapshot.
    check_with(
        vertex(),
        &format!("{TEXT} transparent nointerrupt\nsaved\nC text a\nC hear 20ms\nshutdown\nM text b\nM end"),
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
            C hear 20ms
            shutdown
            M text b
              < model:'b'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, candidates 1 TEXT, total 2
              ! TurnFinished #1
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
