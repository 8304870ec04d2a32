//! What is held, what is sent again, and what becomes of calls, when one connection follows another.

use super::*;

#[test]
fn in_transparent_mode_exactly_what_was_not_consumed_is_sent_again() {
    check_open(
        transparent(),
        "H begin
         H sound 2
         H sound 4
         S 1 handle h2 2
         H sound 6
         H end
         lost 1
         H sound 8
         ready 2
         S 2 handle h3 3
         lost 2
         wait 1
         ready 3",
        expect![[r#"
            H begin
              1 > activityStart
            H sound 2
              1 > sound 2
            H sound 4
              1 > sound 4
            S 1 handle h2 2
              ! ResumptionUpdate true
            H sound 6
              1 > sound 6
            H end
              1 > activityEnd
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            H sound 8
            ready 2
              2 > setup, by h2
              ! Resumed restored, 3 replayed
              2 > sound 4
              2 > sound 6
              2 > activityEnd
              2 > sound 8
            S 2 handle h3 3
              ! ResumptionUpdate true
            lost 2
              ! Reconnecting 2: connection lost: reset
            wait 1
              +0.47 s dial 3 (attempt 2, by h3)
            ready 3
              3 > setup, by h3
              ! Resumed restored, 1 replayed, answer lost
              3 > sound 8
        "#]],
    );
}

#[test]
fn otherwise_words_that_came_after_the_handle_are_sent_again() {
    check_open(
        config(),
        "H text one
         S 1 text:One turnComplete
         S 1 handle h2
         H sound 640
         H text two
         lost 1
         ready 2",
        expect![[r#"
            H text one
              1 > clientContent user 'one'
            S 1 text:One turnComplete
              ! Text #1 'One'
              ! TurnComplete #1
              ! Idle
            S 1 handle h2
              ! ResumptionUpdate true
            H sound 640
              1 > sound 640
            H text two
              1 > clientContent user 'two'
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2
              ! Resumed restored, 1 replayed
              2 > clientContent user 'two'
        "#]],
    );
    check_open(
        with_policy(config(), |policy| policy.replay = Replay::Nothing),
        "H text two\nlost 1\nready 2",
        expect![[r#"
            H text two
              1 > clientContent user 'two'
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Resumed restored, 0 replayed, answer lost
        "#]],
    );
    check_open(
        with_policy(config(), |policy| policy.replay = Replay::Everything),
        "H sound 640\nH text two\nlost 1\nready 2",
        expect![[r#"
            H sound 640
              1 > sound 640
            H text two
              1 > clientContent user 'two'
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Resumed restored, 2 replayed
              2 > sound 640
              2 > clientContent user 'two'
        "#]],
    );
}

#[test]
fn words_that_come_amid_an_answer_are_not_answered_by_it() {
    check_open(
        config(),
        "H text one
         S 1 text:He
         H text two
         S 1 text:llo
         S 1 turnComplete
         lost 1
         ready 2",
        expect![[r#"
            H text one
              1 > clientContent user 'one'
            S 1 text:He
              ! Text #1 'He'
            H text two
              1 > clientContent user 'two'
            S 1 text:llo
              ! Text #1 'llo'
            S 1 turnComplete
              ! TurnComplete #1
              ! Idle
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Dropped 1 messages, 3 bytes
              ! Resumed restored, 1 replayed
              2 > clientContent user 'two'
        "#]],
    );
}

#[test]
fn an_answer_that_breaks_off_is_interrupted_and_asked_for_again_or_reported_lost() {
    check_open(
        config(),
        "H text hi\nS 1 text:Hel\nlost 1\nready 2\nS 2 text:Hello",
        expect![[r#"
        H text hi
          1 > clientContent user 'hi'
        S 1 text:Hel
          ! Text #1 'Hel'
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
        ready 2
          2 > setup, by h1
          ! Resumed restored, 1 replayed
          2 > clientContent user 'hi'
        S 2 text:Hello
          ! Text #2 'Hello'
    "#]],
    );
    check_open(
        config(),
        "H begin\nH end\nS 1 audio:4\nlost 1\nready 2",
        expect![[r#"
        H begin
          1 > activityStart
        H end
          1 > activityEnd
        S 1 audio:4
          ! Audio #1 4 bytes
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
        ready 2
          2 > setup, by h1
          ! Resumed restored, 0 replayed, answer lost
    "#]],
    );
    check_open(
        config(),
        "H text hi\nS 1 text:Hello generationComplete\nlost 1\nready 2",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:Hello generationComplete
              ! Text #1 'Hello'
              ! GenerationComplete #1
            lost 1
              ! TurnComplete #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Dropped 1 messages, 2 bytes
              ! Resumed restored, 0 replayed
        "#]],
    );
}

#[test]
fn sound_that_waits_too_long_is_dropped_and_counted_oldest_first() {
    check_open(
        with_policy(config(), |policy| policy.held_media_bytes_max = 2_000),
        "lost 1
         H sound 400
         H begin
         H sound 600
         H sound 200
         H sound 2000
         H sound 800
         ready 2",
        expect![[r#"
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            H sound 400
            H begin
            H sound 600
            H sound 200
            H sound 2000
            H sound 800
            ready 2
              2 > setup, by h1
              ! Dropped 4 messages, 3200 bytes
              ! Resumed restored, 0 replayed
              2 > activityStart
              2 > sound 800
        "#]],
    );
}

#[test]
fn words_that_wait_are_never_dropped_but_refused() {
    let mut config = config();
    config.limits.queued_messages_max = 1;
    check_open(
        config,
        "lost 1\nH text a\nH text b\nH sound 2\nready 2",
        expect![[r#"
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
        H text a
        H text b
          rejected: the queue is full
        H sound 2
        ready 2
          2 > setup, by h1
          ! Resumed restored, 0 replayed
          2 > clientContent user 'a'
          2 > sound 2
    "#]],
    );
}

#[test]
fn what_cannot_be_kept_for_replay_is_counted_when_it_is_missed() {
    check_open(
        with_policy(transparent(), |policy| policy.unconsumed_bytes_max = 1_000),
        "H sound 400
         H sound 402
         H sound 404
         lost 1
         ready 2",
        expect![[r#"
            H sound 400
              1 > sound 400
            H sound 402
              1 > sound 402
            H sound 404
              1 > sound 404
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Dropped 2 messages, 802 bytes
              ! Resumed restored, 1 replayed
              2 > sound 404
        "#]],
    );
}

/// They are not remembered one by one: all of them count as missed until the server has the last.
#[test]
fn what_is_not_kept_is_missed_only_until_the_server_has_it() {
    for (consumed, expected) in [
        (
            1,
            expect![[r#"
        H sound 400
          1 > sound 400
        H sound 402
          1 > sound 402
        H sound 404
          1 > sound 404
        S 1 handle h2 1
          ! ResumptionUpdate true
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h2)
        ready 2
          2 > setup, by h2
          ! Dropped 2 messages, 802 bytes
          ! Resumed restored, 1 replayed
          2 > sound 404
    "#]],
        ),
        (
            2,
            expect![[r#"
        H sound 400
          1 > sound 400
        H sound 402
          1 > sound 402
        H sound 404
          1 > sound 404
        S 1 handle h2 2
          ! ResumptionUpdate true
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h2)
        ready 2
          2 > setup, by h2
          ! Resumed restored, 1 replayed
          2 > sound 404
    "#]],
        ),
    ] {
        check_open(
            with_policy(transparent(), |policy| policy.unconsumed_bytes_max = 1_000),
            &format!("H sound 400\nH sound 402\nH sound 404\nS 1 handle h2 {consumed}\nlost 1\nready 2"),
            expected,
        );
    }
}

#[test]
fn a_call_of_an_earlier_connection_is_answered_in_words() {
    check_open(
        config(),
        "S 1 call f#1 g#2
         H answer g#2
         lost 1
         ready 2
         H answer f#1
         H answer f#1",
        expect![[r#"
            S 1 call f#1 g#2
              ! ToolCall f#1
              ! ToolCall g#2
            H answer g#2
              1 > toolResponse g
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Resumed restored, 0 replayed
            H answer f#1
              2 > clientContent user 'The function f that was called earlier has returned: {}'
            H answer f#1
              rejected: no such function call is waiting for an answer
        "#]],
    );
    check_open(
        config(),
        "S 1 call f#1\nlost 1\nH answer f#1\nready 2",
        expect![[r#"
        S 1 call f#1
          ! ToolCall f#1
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
        H answer f#1
        ready 2
          2 > setup, by h1
          ! Resumed restored, 0 replayed
          2 > clientContent user 'The function f that was called earlier has returned: {}'
    "#]],
    );
}

#[test]
fn or_as_a_call_where_the_server_keeps_them() {
    let as_call = with_policy(config(), |policy| policy.late_answers = LateAnswers::AsCall);
    check_open(
        as_call.clone(),
        "S 1 call f#1\nS 1 handle h2\nlost 1\nready 2\nH answer f#1",
        expect![[r#"
            S 1 call f#1
              ! ToolCall f#1
            S 1 handle h2
              ! ResumptionUpdate true
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2
              ! Resumed restored, 0 replayed
            H answer f#1
              2 > toolResponse f
        "#]],
    );
    check_open(
        with_policy(as_call, |policy| policy.retracted = Retracted::Forget),
        "S 1 unresumable\nS 1 call f#1\nlost 1\nready 2\nH answer f#1",
        expect![[r#"
        S 1 unresumable
          ! ResumptionUpdate false
        S 1 call f#1
          ! ToolCall f#1
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
        ready 2
          2 > setup
          ! Resumed anew, 0 replayed
        H answer f#1
          2 > clientContent user 'The function f that was called earlier has returned: {}'
    "#]],
    );
}

#[test]
fn a_call_that_the_server_makes_again_is_run_once_and_answered_as_ever() {
    check_open(
        config(),
        "S 1 call f#1
         lost 1
         ready 2
         S 2 call f#1
         S 2 functionCall:f#1
         H answer f#1
         S 2 call f#1",
        expect![[r#"
            S 1 call f#1
              ! ToolCall f#1
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Resumed restored, 0 replayed
            S 2 call f#1
            S 2 functionCall:f#1
            H answer f#1
              2 > toolResponse f
            S 2 call f#1
        "#]],
    );
}

#[test]
fn a_call_that_is_made_again_as_a_part_of_the_answer_is_answered_in_its_turn() {
    check_open(
        with_functions(config(), "f"),
        "S 1 call f#1
         lost 1
         ready 2
         S 2 functionCall:f#1
         S 2 call f#2
         run 2 answer two
         run 1 answer one",
        expect![[r#"
            S 1 call f#1
              ! f#1 called
              run 1 f#1
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1 [f]
              ! Resumed restored, 0 replayed
            S 2 functionCall:f#1
            S 2 call f#2
              ! f#2 called
              run 2 f#2
            run 2 answer two
              ! f#2 finished
            run 1 answer one
              ! f#1 finished
              2 > toolResponse f output "one" f output "two"
        "#]],
    );
}

#[test]
fn generations_go_on_counting() {
    check_open(
        config(),
        "S 1 text:a turnComplete\nlost 1\nready 2\nS 2 text:b",
        expect![[r#"
        S 1 text:a turnComplete
          ! Text #1 'a'
          ! TurnComplete #1
          ! Idle
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
        ready 2
          2 > setup, by h1
          ! Resumed restored, 0 replayed
        S 2 text:b
          ! Text #2 'b'
    "#]],
    );
}

#[test]
fn a_new_instruction_outlives_the_connection() {
    check_open(
        config(),
        "H instruct Be brief.\nS 1 handle h2\nlost 1\ndialed 2",
        expect![[r#"
            H instruct Be brief.
              1 > contextUpdate 'Be brief.'
            S 1 handle h2
              ! ResumptionUpdate true
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            dialed 2
              2 > setup, by h2 'Be brief.'
        "#]],
    );
}

#[test]
fn nothing_is_sent_before_the_first_connection_is_ready() {
    check(
        config(),
        "H text hi\nH sound 4\ndialed 1\nH text you\nS 1 ready",
        expect![[r#"
          dial 1 (attempt 1)
        H text hi
        H sound 4
        dialed 1
          1 > setup
        H text you
        S 1 ready
          ! Ready
          1 > clientContent user 'hi'
          1 > sound 4
          1 > clientContent user 'you'
    "#]],
    );
}

#[test]
fn an_activity_whose_start_is_lost_is_started_again_by_the_sound_that_follows() {
    check_open(
        config(),
        "H begin
         H sound 2
         lost 1
         H sound 4
         ready 2
         H end
         H begin
         lost 2
         wait 1
         ready 3
         H end
         H begin
         S 3 handle h3
         lost 3
         wait 1
         ready 4
         H end",
        expect![[r#"
            H begin
              1 > activityStart
            H sound 2
              1 > sound 2
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            H sound 4
            ready 2
              2 > setup, by h1
              ! Resumed restored, 0 replayed
              2 > activityStart
              2 > sound 4
            H end
              2 > activityEnd
            H begin
              2 > activityStart
            lost 2
              ! Reconnecting 2: connection lost: reset
            wait 1
              +0.47 s dial 3 (attempt 2, by h1)
            ready 3
              3 > setup, by h1
              ! Resumed restored, 0 replayed, answer lost
            H end
              ! Dropped 1 messages, 0 bytes
            H begin
              3 > activityStart
            S 3 handle h3
              ! ResumptionUpdate true
            lost 3
              ! Reconnecting 3: connection lost: reset
            wait 1
              +0.72 s dial 4 (attempt 3, by h3)
            ready 4
              4 > setup, by h3
              ! Resumed restored, 0 replayed
            H end
              4 > activityEnd
        "#]],
    );
}

#[test]
fn an_instruction_that_was_changed_again_does_not_come_back_when_messages_are_said_again() {
    check_open(
        config(),
        "
        H instruct be brief
        H text hi
        H instruct be kind
        lost 1
        ready 2
        ",
        expect![[r#"
            H instruct be brief
              1 > contextUpdate 'be brief'
            H text hi
              1 > clientContent user 'hi'
            H instruct be kind
              1 > contextUpdate 'be kind'
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1 'be kind'
              ! Resumed restored, 3 replayed
              2 > contextUpdate 'be kind'
              2 > clientContent user 'hi'
              2 > contextUpdate 'be kind'
        "#]],
    );
}

#[test]
fn the_end_of_an_activity_is_kept_for_replay_before_words_are() {
    check_open(
        with_policy(transparent(), |policy| policy.unconsumed_bytes_max = 1_000),
        "
        H begin
        S 1 handle h2 1
        H end
        H text one
        H text two
        lost 1
        ready 2
        ",
        expect![[r#"
            H begin
              1 > activityStart
            S 1 handle h2 1
              ! ResumptionUpdate true
            H end
              1 > activityEnd
            H text one
              1 > clientContent user 'one'
            H text two
              1 > clientContent user 'two'
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2
              ! Dropped 2 messages, 6 bytes
              ! Resumed restored, 1 replayed
              2 > activityEnd
        "#]],
    );
}
