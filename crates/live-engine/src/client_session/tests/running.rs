//! Functions that a session runs by itself: each once, answered in order, through everything that becomes of connections.

use super::*;

#[test]
fn calls_of_one_message_are_answered_together_and_in_their_order() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 2 answer second
         run 1 answer first
         S 1 text:done turnComplete",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 2 answer second
              ! g#2 finished
            run 1 answer first
              ! f#1 finished
              1 > toolResponse f output "first" g output "second"
            S 1 text:done turnComplete
              ! Text #2 'done'
              ! TurnComplete #2
              ! Idle
        "#]],
    );
}

#[test]
fn an_answer_overtakes_none_before_it() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1
         S 1 call g#2
         run 2 answer second
         run 1 answer first",
        expect![[r#"
            S 1 call f#1
              ! f#1 called
              run 1 f#1
            S 1 call g#2
              ! g#2 called
              run 2 g#2
            run 2 answer second
              ! g#2 finished
            run 1 answer first
              ! f#1 finished
              1 > toolResponse f output "first" g output "second"
        "#]],
    );
}

#[test]
fn answers_of_functions_that_nobody_stands_still_for_do_not_wait() {
    check_open(
        with_functions(config(), "f g+,SILENT h+,INTERRUPT"),
        "S 1 call f#1 g#2 h#3
         S 1 turnComplete
         run 3 answer third
         run 1 answer first
         run 2 answer second",
        expect![[r#"
            S 1 call f#1 g#2 h#3
              ! f#1 called
              run 1 f#1
              ! g#2 called+
              run 2 g#2
              ! h#3 called+
              run 3 h#3
            S 1 turnComplete
              ! TurnComplete #1
            run 3 answer third
              ! h#3 finished
              1 > toolResponse h output "third" INTERRUPT
            run 1 answer first
              ! f#1 finished
              1 > toolResponse f output "first"
            run 2 answer second
              ! g#2 finished
              1 > toolResponse g output "second" SILENT
        "#]],
    );
}

#[test]
fn a_generator_says_what_it_has_and_ends_unheard() {
    check_open(
        with_functions(config(), "f*,WHEN_IDLE g"),
        "S 1 call f#1
         run 1 piece one
         run 1 piece two
         run 1 end
         run 1 piece late
         S 1 call f#2
         run 2 end
         S 1 call f#3
         run 3 piece one
         run 3 answer two
         S 1 call g#4
         run 4 piece whole",
        expect![[r#"
            S 1 call f#1
              ! f#1 called+
              run 1 f#1
            run 1 piece one
              1 > toolResponse f output "one" WHEN_IDLE ..
            run 1 piece two
              1 > toolResponse f output "two" WHEN_IDLE ..
            run 1 end
              ! f#1 finished
              1 > toolResponse f SILENT
            run 1 piece late
            S 1 call f#2
              ! f#2 called+
              run 2 f#2
            run 2 end
              ! f#2 finished
              1 > toolResponse f WHEN_IDLE
            S 1 call f#3
              ! f#3 called+
              run 3 f#3
            run 3 piece one
              1 > toolResponse f output "one" WHEN_IDLE ..
            run 3 answer two
              ! f#3 finished
              1 > toolResponse f output "two" WHEN_IDLE
            S 1 call g#4
              ! g#4 called
              run 4 g#4
            run 4 piece whole
              ! g#4 finished
              1 > toolResponse g output "whole"
        "#]],
    );
}

#[test]
fn a_failure_is_an_answer() {
    check_open(
        with_functions(config(), "f g*"),
        "S 1 call f#1 f#2
         run 1 fail no such city
         run 2 answer two
         S 1 call g#3
         run 3 piece one
         run 3 fail over",
        expect![[r#"
            S 1 call f#1 f#2
              ! f#1 called
              run 1 f#1
              ! f#2 called
              run 2 f#2
            run 1 fail no such city
              ! f#1 failed: no such city
            run 2 answer two
              ! f#2 finished
              1 > toolResponse f error "no such city" f output "two"
            S 1 call g#3
              ! g#3 called+
              run 3 g#3
            run 3 piece one
              1 > toolResponse g output "one" ..
            run 3 fail over
              ! g#3 failed: over
              1 > toolResponse g error "over"
        "#]],
    );
}

#[test]
fn a_call_in_both_shapes_or_twice_runs_once() {
    check_open(
        with_functions(config(), "f"),
        "S 1 functionCall:f#1
         S 1 call f#1
         S 1 call f#1 f#1
         run 1 answer one
         S 1 call f#1",
        expect![[r#"
            S 1 functionCall:f#1
              ! f#1 called
              run 1 f#1
            S 1 call f#1
            S 1 call f#1 f#1
            run 1 answer one
              ! f#1 finished
              1 > toolResponse f output "one"
            S 1 call f#1
        "#]],
    );
}

#[test]
fn calls_without_an_id_run_too() {
    check_open(
        with_functions(config(), "f+"),
        "S 1 call f
         S 1 call f
         run 2 answer second
         run 1 answer first",
        expect![[r#"
            S 1 call f
              ! f# called+
              run 1 f#
            S 1 call f
              ! f# called+
              run 2 f#
            run 2 answer second
              ! f# finished
            run 1 answer first
              ! f# finished
              1 > toolResponse f output "first" f output "second"
        "#]],
    );
}

#[test]
fn what_is_not_registered_is_the_hosts_and_what_is_is_not() {
    check_open(
        with_functions(config(), "f"),
        "S 1 call f#1 h#2
         H answer f#1
         H answer h#2
         run 1 answer one",
        expect![[r#"
            S 1 call f#1 h#2
              ! f#1 called
              run 1 f#1
              ! ToolCall h#2
            H answer f#1
              rejected: no such function call is waiting for an answer
            H answer h#2
              1 > toolResponse h
            run 1 answer one
              ! f#1 finished
              1 > toolResponse f output "one"
        "#]],
    );
}

#[test]
fn what_the_server_withdraws_is_aborted_and_never_answered() {
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 1 answer one
         S 1 cancel 1 2
         run 2 answer late
         S 1 call f#1
         S 1 interrupted turnComplete",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 1 answer one
              ! f#1 finished
            S 1 cancel 1 2
              ! f#1 aborted
              abort 2
              ! g#2 aborted
              ! ToolCallCancellation 1 2
            run 2 answer late
            S 1 call f#1
            S 1 interrupted turnComplete
              ! Interrupted #1
              ! TurnComplete #1
              ! Idle
        "#]],
    );
    check_open(
        with_functions(config(), "f g"),
        "S 1 call f#1 g#2
         run 2 answer two
         S 1 cancel 1",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            run 2 answer two
              ! g#2 finished
            S 1 cancel 1
              abort 1
              ! f#1 aborted
              1 > toolResponse g output "two"
              ! ToolCallCancellation 1
        "#]],
    );
}

#[test]
fn a_run_has_its_time_and_the_model_is_told_when_it_is_up() {
    check_open(
        with_functions(config(), "f,5 g"),
        "S 1 call f#1 g#2
         wait 4
         run 2 answer two
         wait 2
         run 1 answer late
         S 1 call g#3
         wait 100",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called
              run 2 g#2
            wait 4
            run 2 answer two
              ! g#2 finished
            wait 2
              +1.00 s abort 1
              +1.00 s ! f#1 failed: it took too long and was stopped
              +1.00 s 1 > toolResponse f error "it took too long and was stopped" g output "two"
            run 1 answer late
            S 1 call g#3
              ! g#3 called
              run 3 g#3
            wait 100
              +60.00 s abort 3
              +60.00 s ! g#3 failed: it took too long and was stopped
              +60.00 s 1 > toolResponse g error "it took too long and was stopped"
        "#]],
    );
}

#[test]
fn only_so_many_run_and_only_so_many_wait() {
    let mut config = with_functions(config(), "f");
    config.limits.running_tools_max = 1;
    config.limits.tool_calls_max = 2;
    check_open(
        config,
        "S 1 call f#1 f#2 f#3
         run 1 answer one
         run 2 answer two",
        expect![[r#"
            S 1 call f#1 f#2 f#3
              ! f#1 called
              run 1 f#1
              ! f#2 called
              ! f#3 called
              ! f#3 failed: 2 calls are waiting already; call again when they are answered
            run 1 answer one
              ! f#1 finished
              run 2 f#2
            run 2 answer two
              ! f#2 finished
              1 > toolResponse f output "one" f output "two" f error "2 calls are waiting already; call again when they are answered"
        "#]],
    );
}

#[test]
fn an_answer_that_is_too_long_is_an_error() {
    let mut config = with_functions(config(), "f g*");
    config.limits.tool_response_bytes_max = 100;
    check_open(
        config.clone(),
        "S 1 call f#1
         run 1 bytes 90
         S 1 call f#2
         run 2 bytes 86",
        expect![[r#"
            S 1 call f#1
              ! f#1 called
              run 1 f#1
            run 1 bytes 90
              ! f#1 failed: the answer has 104 bytes, of which 100 may be sent; ask for less
              1 > toolResponse f error "the answer has 104 bytes, of which 100 may be sent; ask for less"
            S 1 call f#2
              ! f#2 called
              run 2 f#2
            run 2 bytes 86
              ! f#2 finished
              1 > toolResponse f output "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "#]],
    );
    let mut world = World::new(config);
    world.run("ready 1\nS 1 call g#1");
    world.log = "a piece of 114 bytes\n".into();
    let piece = [("output", "x".repeat(100))].into_iter().collect();
    world.session.handle_tool_output(RunId(1), ToolOutput::Piece(piece), world.now);
    world.show(world.now);
    expect![[r#"
        a piece of 114 bytes
          abort 1
          ! g#1 failed: the answer has 114 bytes, of which 100 may be sent; ask for less
          1 > toolResponse g error "the answer has 114 bytes, of which 100 may be sent; ask for less"
    "#]]
    .assert_eq(&world.log);
    let mut world = World::new(with_functions(super::config(), "f"));
    world.run("ready 1\nS 1 call f#1");
    let _ = std::mem::take(&mut world.log);
    world.session.handle_tool_output(RunId(1), ToolOutput::Failed("\u{e4}".repeat(2_000)), world.now);
    world.show(world.now);
    assert!(world.log.contains(&"\u{e4}".repeat(1_024)) && !world.log.contains(&"\u{e4}".repeat(1_025)));
}

#[test]
fn while_a_call_runs_the_session_is_not_idle_and_does_not_move() {
    check_open(
        with_functions(config(), "f+,SILENT"),
        "S 1 call f#1
         S 1 turnComplete
         S 1 goaway 60
         wait 1
         run 1 answer one",
        expect![[r#"
            S 1 call f#1
              ! f#1 called+
              run 1 f#1
            S 1 turnComplete
              ! TurnComplete #1
            S 1 goaway 60
              ! GoAway 60s
            wait 1
            run 1 answer one
              ! f#1 finished
              1 > toolResponse f output "one" SILENT
              ! Idle
              ! Reconnecting 1: goAway
              1 > close 1000
        "#]],
    );
}

#[test]
fn declarations_are_in_the_setup_and_stay_beside_what_the_host_changes() {
    let mut config = with_functions(config(), "f g*");
    config.setup.tools = vec![Tool { google_search: Some(Box::default()), ..Tool::default() }];
    check(
        config,
        "ready 1
         H tools own+
         H tools f+
         functions g h
         H tools
         functions
         functions f
         wait 1
         lost 1
         ready 2",
        expect![[r#"
              dial 1 (attempt 1)
            ready 1
              1 > setup [googleSearch; f g+]
              ! Ready
            H tools own+
              1 > contextUpdate [own+ f g+]
            H tools f+
              1 > contextUpdate [f+ g+]
            functions g h
              1 > contextUpdate [f+ g h]
            H tools
              1 > contextUpdate [g h]
            functions
              1 > contextUpdate
            functions f
              1 > contextUpdate [f]
            wait 1
            lost 1
              ! Reconnecting 2: connection lost: reset
            ready 2
              2 > close 1000
        "#]],
    );
}

#[test]
fn the_hosts_own_declaration_says_how_an_answer_goes_out() {
    check_open(
        with_functions(config(), "f"),
        "H tools f+
         S 1 call f#1 f#2
         run 2 answer second
         run 1 answer first",
        expect![[r#"
            H tools f+
              1 > contextUpdate [f+]
            S 1 call f#1 f#2
              ! f#1 called+
              run 1 f#1
              ! f#2 called+
              run 2 f#2
            run 2 answer second
              ! f#2 finished
              1 > toolResponse f output "second"
            run 1 answer first
              ! f#1 finished
              1 > toolResponse f output "first"
        "#]],
    );
}

#[test]
fn functions_are_refused_and_given_back_when_the_session_is_over() {
    check_open(
        with_functions(config(), "f"),
        "H close\nfunctions g",
        expect![[r#"
        H close
          1 > close 1000
          ! Closed: closed by us [0 open calls]
        functions g
          rejected: the connection is over
    "#]],
    );
}

#[test]
fn a_silent_answer_behind_one_that_is_heard_is_no_end() {
    check_open(
        with_functions(config(), "f g+,SILENT"),
        "S 1 call f#1 g#2
         S 1 turnComplete
         run 1 answer one
         run 2 answer two
         S 1 text:done turnComplete",
        expect![[r#"
            S 1 call f#1 g#2
              ! f#1 called
              run 1 f#1
              ! g#2 called+
              run 2 g#2
            S 1 turnComplete
              ! TurnComplete #1
            run 1 answer one
              ! f#1 finished
              1 > toolResponse f output "one"
            run 2 answer two
              ! g#2 finished
              1 > toolResponse g output "two" SILENT
            S 1 text:done turnComplete
              ! Text #2 'done'
              ! TurnComplete #2
              ! Idle
        "#]],
    );
}

#[test]
fn a_model_that_stands_still_for_nothing_hears_answers_as_they_come() {
    let mut config = with_functions(config(), "f");
    config.setup.model = "models/gemini-3.8-live-extended-thinking".into();
    check_open(
        config,
        "S 1 call f#1 f#2
         run 2 answer second
         run 1 answer first",
        expect![[r#"
            S 1 call f#1 f#2
              ! f#1 called+
              run 1 f#1
              ! f#2 called+
              run 2 f#2
            run 2 answer second
              ! f#2 finished
              1 > toolResponse f output "second"
            run 1 answer first
              ! f#1 finished
              1 > toolResponse f output "first"
        "#]],
    );
}

#[test]
fn a_quick_answer_does_not_make_the_turn_that_called_idle() {
    let script = "S 1 call f#1
        run 1 answer one
        S 1 turnComplete
        S 1 text:done turnComplete
        S 1 call f#2
        run 2 answer two
        S 1 turnComplete
        S 1 turnComplete
        S 1 call s#3
        run 3 answer three
        S 1 turnComplete";
    let mut completes = with_functions(config(), "f s+,SILENT");
    completes.setup.model = "models/gemini-live-2.5-flash-preview".into();
    check_open(
        completes.clone(),
        script,
        expect![[r#"
        S 1 call f#1
          ! f#1 called
          run 1 f#1
        run 1 answer one
          ! f#1 finished
          1 > toolResponse f output "one"
        S 1 turnComplete
          ! TurnComplete #1
        S 1 text:done turnComplete
          ! Text #2 'done'
          ! TurnComplete #2
          ! Idle
        S 1 call f#2
          ! f#2 called
          run 2 f#2
        run 2 answer two
          ! f#2 finished
          1 > toolResponse f output "two"
        S 1 turnComplete
          ! TurnComplete #3
        S 1 turnComplete
          ! TurnComplete #4
          ! Idle
        S 1 call s#3
          ! s#3 called+
          run 3 s#3
        run 3 answer three
          ! s#3 finished
          1 > toolResponse s output "three" SILENT
        S 1 turnComplete
          ! TurnComplete #5
          ! Idle
    "#]],
    );
    completes.functions.push(function("g*"));
    check_open(
        completes.clone(),
        "S 1 call g#4
         run 1 piece one
         run 1 end
         S 1 turnComplete
         S 1 text:one turnComplete",
        expect![[r#"
            S 1 call g#4
              ! g#4 called+
              run 1 g#4
            run 1 piece one
              1 > toolResponse g output "one" ..
            run 1 end
              ! g#4 finished
              1 > toolResponse g SILENT
            S 1 turnComplete
              ! TurnComplete #1
            S 1 text:one turnComplete
              ! Text #2 'one'
              ! TurnComplete #2
              ! Idle
        "#]],
    );
    completes.setup.model = "models/gemini-3.8-live".into();
    check_open(
        completes,
        "S 1 call f#1\nrun 1 answer one\nS 1 turnComplete",
        expect![[r#"
        S 1 call f#1
          ! f#1 called
          run 1 f#1
        run 1 answer one
          ! f#1 finished
          1 > toolResponse f output "one"
        S 1 turnComplete
          ! TurnComplete #1
          ! Idle
    "#]],
    );
}

#[test]
fn the_end_of_a_generator_is_no_end_while_its_pieces_are_to_be_spoken_of() {
    check_open(
        with_functions(config(), "f*"),
        "S 1 call f#1
         S 1 turnComplete
         run 1 piece one
         run 1 end
         S 1 text:one turnComplete
         S 1 call f#2
         S 1 turnComplete
         run 2 piece two
         S 1 text:two turnComplete
         run 2 end",
        expect![[r#"
            S 1 call f#1
              ! f#1 called+
              run 1 f#1
            S 1 turnComplete
              ! TurnComplete #1
            run 1 piece one
              1 > toolResponse f output "one" ..
            run 1 end
              ! f#1 finished
              1 > toolResponse f SILENT
            S 1 text:one turnComplete
              ! Text #2 'one'
              ! TurnComplete #2
              ! Idle
            S 1 call f#2
              ! f#2 called+
              run 2 f#2
            S 1 turnComplete
              ! TurnComplete #3
            run 2 piece two
              1 > toolResponse f output "two" ..
            S 1 text:two turnComplete
              ! Text #4 'two'
              ! TurnComplete #4
            run 2 end
              ! f#2 finished
              1 > toolResponse f SILENT
              ! Idle
        "#]],
    );
}
