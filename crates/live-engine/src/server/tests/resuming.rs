//! What a session is that goes on from a snapshot, and when there is none.

use super::*;

const TEXT: &str = "C setup models/gemini-2.0-flash-live-001 TEXT";
const MANUAL: &str = "C setup models/gemini-2.0-flash-live-001 TEXT manual";

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
              ! Warning UnmatchedResponse { call: "function-call-6095610196844313600", why: Answered }
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
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Orphaned }
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
              ! Warning CallMalformed { function: "f", path: "name", rule: "no function of this name is declared" }
              ! Cancel #1
              < generationComplete
              < turnComplete MALFORMED_FUNCTION_CALL prompt 5 TEXT, total 5
              ! TurnFinished #1
        "#]],
    );
}

/// A function that is not declared to go on without an answer holds up the turn.
#[test]
fn functions_outlive_a_setup_that_leaves_them_out_and_their_removal_one_that_repeats_them() {
    check_with(
        vertex(),
        &format!(
            "{TEXT} fn=f:later resumable\nsaved\nreconnect\n{TEXT} handle=1.1\nresumed\nC text hi\nM call f\nM text on"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT fn=f:later resumable
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.1
              ! Resume 1.1
            resumed
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
            C text hi
              ! Generate #1 | user:'hi'
            M call f
              < toolCall f
            M text on
              < model:'on'
        "#]],
    );
    check_with(
        vertex(),
        &format!(
            "{TEXT} fn=f:later resumable\nsaved\nC untool\nwait 1000ms\nsaved\nreconnect\n{TEXT} handle=1.2 fn=f:later\nresumed\nC text hi\nM call f"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT fn=f:later resumable
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C untool
            wait 1000ms
              after 1000 ms
              ! Save 1.2 |
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2 fn=f:later
              ! Resume 1.2
            resumed
              < setupComplete a-uuid
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
            C text hi
              ! Generate #1 | user:'hi'
            M call f
              ! Warning CallMalformed { function: "f", path: "name", rule: "no function of this name is declared" }
              ! Cancel #1
              < generationComplete
              < turnComplete MALFORMED_FUNCTION_CALL prompt 1 TEXT, total 1
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
    for why in ["unknown", "expired", "foreign", "unreadable"] {
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
            "unreadable" => expect![[r#"
                C setup models/gemini-2.0-flash-live-001 TEXT handle=9.1
                  ! Resume 9.1
                refuse unreadable
                  < close 1011 Internal error encountered.
                  ! Closed: the session to be resumed cannot be read now
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
              ! Violation the whole context: the session holds 2 messages before setupComplete, of 1 at most; wait for setupComplete
              < close 1007 Request contains an invalid argument.
              ! Closed: the whole context: the session holds 2 messages before setupComplete, of 1 at most; wait for setupComplete
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
