//! What becomes of functions that run when the connection ends over which they were called.

use super::*;

#[test]
fn a_result_outlives_its_connection() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 1 answer one
         lost 1
         run 2 answer two
         ready 2
         S 2 call f#1",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 1 answer one
              ! f#1 finished
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            run 2 answer two
              ! g#2 finished
            ready 2
              2 > setup, by h1 [f g]
              ! Resumed restored, 0 replayed
              2 > clientContent user 'The function f that was called earlier has returned: {"output": "one"}
            The function g that was called earlier has returned: {"output": "two"}'
            S 2 call f#1
        "#]],
    );
    let as_call = with_policy(config(), |policy| policy.late_answers = LateAnswers::AsCall);
    check_open(
        with_functions(as_call, "f+,SILENT"),
        "S 1 call f#1
         S 1 handle h2
         lost 1
         ready 2
         run 1 answer one",
        expect![[r#"
            S 1 call f#1
              ! f#1 called+
              run 1 f#1
            S 1 handle h2
              ! ResumptionUpdate true
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2 [f+]
              ! Resumed restored, 0 replayed
            run 1 answer one
              ! f#1 finished
              2 > toolResponse f output "one" SILENT
              ! Idle
        "#]],
    );
    check_open(
        with_functions(config(), "f"),
        "S 1 call f#1
         lost 1
         ready 2
         S 2 call f#1
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
            S 2 call f#1
            run 1 answer one
              ! f#1 finished
              2 > toolResponse f output "one"
        "#]],
    );
}

#[test]
fn a_generator_pauses_while_there_is_no_connection() {
    let mut world = World::new(with_functions(config(), "f*"));
    world.run("ready 1\nwait 60\nS 1 handle h1\nS 1 call f#1\nrun 1 piece 0\nlost 1");
    for piece in 1..=8 {
        assert!(world.session.takes_piece(RunId(1)), "piece {piece}");
        world.run(&format!("run 1 piece {piece}"));
    }
    assert!(!world.session.takes_piece(RunId(1)));
    world.log.clear();
    world.run("ready 2");
    assert!(world.session.takes_piece(RunId(1)));
    expect![[r#"
        ready 2
          2 > setup, by h1 [f+]
          ! Resumed restored, 0 replayed
          2 > clientContent user 'The function f that was called earlier has returned: {"output": "1"}
        The function f that was called earlier has returned: {"output": "2"}
        The function f that was called earlier has returned: {"output": "3"}
        The function f that was called earlier has returned: {"output": "4"}
        The function f that was called earlier has returned: {"output": "5"}
        The function f that was called earlier has returned: {"output": "6"}
        The function f that was called earlier has returned: {"output": "7"}
        The function f that was called earlier has returned: {"output": "8"}'
    "#]]
    .assert_eq(&world.log);
}

#[test]
fn a_session_that_begins_anew_ends_what_the_old_one_called() {
    let forgets = with_policy(config(), |policy| policy.retracted = Retracted::Forget);
    check_open(
        with_functions(forgets.clone(), "f g"),
        "H text hi
         S 1 unresumable
         S 1 call f#1 g#2
         run 1 answer one
         lost 1
         ready 2
         run 2 answer late",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 1 answer one
              ! f#1 finished
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1)
            ready 2
              2 > setup [f g]
              abort 2
              ! g#2 aborted
              ! Resumed anew, 1 replayed
              2 > clientContent user 'hi'
              2 > clientContent user 'The function f that was called earlier has returned: {"output": "one"}'
            run 2 answer late
        "#]],
    );
    check_open(
        with_functions(forgets, "f"),
        "S 1 unresumable
         S 1 call f#1
         lost 1
         ready 2
         S 2 turnComplete",
        expect![[r#"
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 call f#1
              ! f#1 called
              run 1 f#1
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1)
            ready 2
              2 > setup [f]
              abort 1
              ! f#1 aborted
              ! Resumed anew, 0 replayed, answer lost
            S 2 turnComplete
              ! TurnComplete #2
              ! Idle
        "#]],
    );
}

#[test]
fn the_end_of_a_session_ends_its_runs() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 1 answer one
         H close",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 1 answer one
              ! f#1 finished
            H close
              1 > close 1000
              abort 2
              ! g#2 aborted
              ! Dropped 1 messages, 0 bytes
              ! Closed: closed by us [2 open calls]
        "#]],
    );
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 2 answer two
         closed 1 1008 The provided API key is invalid.
         run 1 answer late",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 2 answer two
              ! g#2 finished
            closed 1 1008 The provided API key is invalid.
              ! Interrupted #1
              abort 1
              ! f#1 aborted
              ! Lost, Hopeless after 0 dials: the server refused the credential (1008): The provided API key is invalid.; unsent: [toolResponse g output "two"]
            run 1 answer late
        "#]],
    );
}

#[test]
fn results_wait_while_the_session_moves_to_a_connection_beside() {
    let overlaps = with_policy(config(), |policy| policy.overlap = Overlap::DialFirst);
    check_open(
        with_functions(overlaps, "f"),
        "S 1 call f#1
         S 1 goaway 1
         wait 1
         run 1 answer one
         refused 2",
        expect![[r#"
            S 1 call f#1
              ! f#1 called
              run 1 f#1
            S 1 goaway 1
              ! GoAway 1s
              ! Reconnecting 1: goAway
              dial 2 (attempt 1, by h1)
            wait 1
            run 1 answer one
              ! f#1 finished
            refused 2
              1 > toolResponse f output "one"
              ! Interrupted #1
              ! Reconnecting 1: goAway
              1 > close 1000
        "#]],
    );
}

#[test]
fn a_result_that_nobody_is_to_hear_asks_for_no_answer_in_words_either() {
    check_open(
        with_functions(config(), "f+,SILENT g*,SILENT"),
        "S 1 call f#1 g#2
         lost 1
         ready 2
         run 1 answer one
         run 2 piece two
         run 2 end",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called+
              run 1 f#1
              ! g#2 called+
              run 2 g#2
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1 [f+ g+]
              ! Resumed restored, 0 replayed
            run 1 answer one
              ! f#1 finished
              2 > clientContent user 'The function f that was called earlier has returned: {"output": "one"}' ..
            run 2 piece two
              2 > clientContent user 'The function g that was called earlier has returned: {"output": "two"}' ..
            run 2 end
              ! g#2 finished
              ! Idle
        "#]],
    );
}

#[test]
fn what_was_called_since_the_handle_is_told_first_where_the_question_is_asked_again() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call g#0
         S 1 handle h2
         H text hi
         S 1 call f#1 f#2
         run 2 answer one
         lost 1
         ready 2
         S 2 call f#3
         run 3 answer late
         run 1 answer zero
         run 4 answer again",
        expect![[r#"
            S 1 call g#0
              ! g#0 called
              run 1 g#0
            S 1 handle h2
              ! ResumptionUpdate true
            H text hi
              1 > clientContent user 'hi'
            S 1 call f#1 f#2
              ! f#1 called
              run 2 f#1
              ! f#2 called
              run 3 f#2
            run 2 answer one
              ! f#1 finished
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2 [f g]
              abort 3
              ! f#2 aborted
              ! Resumed restored, 1 replayed
              2 > clientContent user 'The function f that was called earlier has returned: {"output": "one"}' ..
              2 > clientContent user 'hi'
            S 2 call f#3
              ! f#3 called
              run 4 f#3
            run 3 answer late
            run 1 answer zero
              ! g#0 finished
              2 > clientContent user 'The function g that was called earlier has returned: {"output": "zero"}'
            run 4 answer again
              ! f#3 finished
              2 > toolResponse f output "again"
        "#]],
    );
}

#[test]
fn a_call_that_is_younger_than_the_handle_is_answered_in_words_even_where_servers_keep_calls() {
    let as_call = with_policy(config(), |policy| policy.late_answers = LateAnswers::AsCall);
    check_open(
        with_functions(as_call, "f+ g+"),
        "S 1 call f#1
         S 1 handle h2
         S 1 call g#2
         lost 1
         ready 2
         run 1 answer one
         run 2 answer two",
        expect![[r#"
            S 1 call f#1
              ! f#1 called+
              run 1 f#1
            S 1 handle h2
              ! ResumptionUpdate true
            S 1 call g#2
              ! g#2 called+
              run 2 g#2
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2 [f+ g+]
              ! Resumed restored, 0 replayed
            run 1 answer one
              ! f#1 finished
              2 > toolResponse f output "one"
            run 2 answer two
              ! g#2 finished
              2 > clientContent user 'The function g that was called earlier has returned: {"output": "two"}'
        "#]],
    );
}
