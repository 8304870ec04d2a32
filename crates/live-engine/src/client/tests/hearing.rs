//! What a server says, in every order it was seen to say it.

use super::*;

#[test]
fn a_spoken_turn() {
    check_open(
        "S in:hi
         S audio:4 out:Hel
         S audio:4 out:lo
         S generationComplete
         S turnComplete usage",
        expect![[r#"
            S in:hi
              ! InputTranscription 'hi'
            S audio:4 out:Hel
              ! Audio #1 4 bytes
              ! OutputTranscription #1 'Hel'
            S audio:4 out:lo
              ! Audio #1 4 bytes
              ! OutputTranscription #1 'lo'
            S generationComplete
              ! GenerationComplete #1
            S turnComplete usage
              ! Usage 7
              ! TurnComplete #1
              ! Idle
        "#]],
    );
}

#[test]
fn what_shares_a_frame_with_interrupted_is_never_played() {
    check_open(
        "S audio:4
         S interrupted audio:6 out:tail
         S turnComplete
         S audio:8",
        expect![[r#"
            S audio:4
              ! Audio #1 4 bytes
            S interrupted audio:6 out:tail
              ! OutputTranscription #1 'tail'
              ! Interrupted #1
            S turnComplete
              ! TurnComplete #1
              ! Idle
            S audio:8
              ! Audio #2 8 bytes
        "#]],
    );
}

#[test]
fn an_interrupted_turn_may_never_be_completed() {
    check_open(
        "S audio:4\nS interrupted\nS audio:8\nS generationComplete turnComplete",
        expect![[r#"
        S audio:4
          ! Audio #1 4 bytes
        S interrupted
          ! Interrupted #1
        S audio:8
          ! Audio #2 8 bytes
        S generationComplete turnComplete
          ! GenerationComplete #2
          ! TurnComplete #2
          ! Idle
    "#]],
    );
}

#[test]
fn a_spurious_interruption_mutes_nothing() {
    check_open(
        "S text:one
         S generationComplete
         S turnComplete
         S interrupted
         S turnComplete
         S text:two",
        expect![[r#"
            S text:one
              ! Text #1 'one'
            S generationComplete
              ! GenerationComplete #1
            S turnComplete
              ! TurnComplete #1
              ! Idle
            S interrupted
              ! Interrupted #2
            S turnComplete
              ! TurnComplete #2
              ! Idle
            S text:two
              ! Text #3 'two'
        "#]],
    );
}

#[test]
fn a_turn_may_be_empty() {
    check_open(
        "S turnComplete\nS turnComplete\nS text:hi",
        expect![[r#"
        S turnComplete
          ! TurnComplete #1
          ! Idle
        S turnComplete
          ! TurnComplete #2
          ! Idle
        S text:hi
          ! Text #3 'hi'
    "#]],
    );
}

#[test]
fn everything_may_come_in_one_frame() {
    check_open(
        "S thought:hm text:hi image audio:2 out:hi in:yo interim:y generationComplete waiting turnComplete usage",
        expect![[r#"
            S thought:hm text:hi image audio:2 out:hi in:yo interim:y generationComplete waiting turnComplete usage
              ! Interim 'y'
              ! InputTranscription 'yo'
              ! Thought #1 'hm'
              ! Text #1 'hi'
              ! Part #1
              ! Audio #1 2 bytes
              ! OutputTranscription #1 'hi'
              ! GenerationComplete #1
              ! WaitingForInput
              ! Usage 7
              ! TurnComplete #1
              ! Idle
        "#]],
    );
}

#[test]
fn a_call_is_told_once_in_whichever_shape() {
    check_open(
        "S functionCall:f#1\nS call f#1 g#2\nS call g#2\nH answer f#1\nS call f#1",
        expect![[r#"
        S functionCall:f#1
          ! ToolCall f#1
        S call f#1 g#2
          ! ToolCall g#2
        S call g#2
        H answer f#1
          > toolResponse f
        S call f#1
    "#]],
    );
    check_open(
        "S call f\nS functionCall:f\nH answer f\nS call f",
        expect![[r#"
        S call f
          ! ToolCall f#
        S functionCall:f
        H answer f
          > toolResponse f
        S call f
          ! ToolCall f#
    "#]],
    );
}

#[test]
fn a_call_is_answered_once_and_the_session_is_not_idle_before() {
    check_open(
        "S call f#1 g#2
         S generationComplete
         S turnComplete
         H answer f#1 f#1
         H answer f#1
         H answer f#1
         H answer g#2
         S text:done
         S turnComplete",
        expect![[r#"
            S call f#1 g#2
              ! ToolCall f#1
              ! ToolCall g#2
            S generationComplete
              ! GenerationComplete #1
            S turnComplete
              ! TurnComplete #1
            H answer f#1 f#1
              rejected: no such function call is waiting for an answer
            H answer f#1
              > toolResponse f
            H answer f#1
              rejected: no such function call is waiting for an answer
            H answer g#2
              > toolResponse g
            S text:done
              ! Text #2 'done'
            S turnComplete
              ! TurnComplete #2
              ! Idle
        "#]],
    );
}

#[test]
fn a_turn_that_stood_still_goes_on() {
    check_open(
        "S text:wait
         S call f#1
         S audio:2
         H answer f#1
         S text:done
         S generationComplete
         S turnComplete",
        expect![[r#"
            S text:wait
              ! Text #1 'wait'
            S call f#1
              ! ToolCall f#1
            S audio:2
              ! Audio #1 2 bytes
            H answer f#1
              > toolResponse f
            S text:done
              ! Text #2 'done'
            S generationComplete
              ! GenerationComplete #2
            S turnComplete
              ! TurnComplete #2
              ! Idle
        "#]],
    );
}

#[test]
fn a_withdrawn_call_cannot_be_answered() {
    check_open(
        "S call f#1\nS turnComplete\nS cancel 1 9\nH answer f#1\nS text:next",
        expect![[r#"
        S call f#1
          ! ToolCall f#1
        S turnComplete
          ! TurnComplete #1
        S cancel 1 9
          ! ToolCallCancellation 1 9
        H answer f#1
          rejected: no such function call is waiting for an answer
        S text:next
          ! Text #2 'next'
    "#]],
    );
}

#[test]
fn a_model_that_thinks_between_turns_says_when_it_is_done() {
    check_open(
        "S text:a turnComplete status:IN_PROGRESS
         S text:b turnComplete status:IN_PROGRESS
         S status:IDLE",
        expect![[r#"
            S text:a turnComplete status:IN_PROGRESS
              ! Text #1 'a'
              ! TurnComplete #1
            S text:b turnComplete status:IN_PROGRESS
              ! Text #2 'b'
              ! TurnComplete #2
            S status:IDLE
              ! Idle
        "#]],
    );
}

#[test]
fn what_is_no_content_passes_through() {
    check_open(
        "S goaway 50\nS goaway\nS nothing\nS ready again",
        expect![[r#"
        S goaway 50
          ! GoAway 50s
        S goaway
          ! GoAway 0ns
        S nothing
          ! Other(ServerMessage)
        S ready again
          ! Other(ServerMessage { payload: SetupComplete(SetupComplete { session_id: "again" }) })
    "#]],
    );
}
