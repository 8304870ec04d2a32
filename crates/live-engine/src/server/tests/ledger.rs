//! What becomes of every call: answered, cancelled or orphaned, on time, late, twice, in part, or never.

use super::*;

const OLD: &str = "C setup models/gemini-2.0-flash-live-001";
const NEW: &str = "C setup models/gemini-3.8-live";

/// Runs a script behind a setup that is not shown.
#[track_caller]
fn check_behind(config: ServerConfig, setup: &str, script: &str, expected: Expect) {
    let mut world = World::new(config);
    world.step(setup);
    world.drain();
    world.log.clear();
    for step in script.trim().lines().map(str::trim) {
        let _ = writeln!(world.log, "{step}");
        world.step(step);
        world.drain();
    }
    expected.assert_eq(&world.log.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>());
}

#[track_caller]
fn check_gemini(setup: &str, script: &str, expected: Expect) {
    check_behind(ServerConfig::new(Backend::Gemini), setup, script, expected);
}

#[test]
fn a_call_that_does_not_fit_its_declaration_ends_the_turn_unsent() {
    for (setup, call) in
        [("fn=f(city)", "f"), ("fn=f(city)", "f(town=x)"), ("fn=f", "g"), ("fn=f(city)", "f(city=x) g")]
    {
        let mut world = World::new(ServerConfig::new(Backend::Gemini));
        for step in [&format!("{NEW} {setup}"), "C text go", &format!("M call {call}")] {
            world.step(step);
            world.drain();
        }
        assert!(!world.log.contains("toolCall"), "{}", world.log);
        assert!(world.log.contains("< turnComplete MALFORMED_FUNCTION_CALL"), "{}", world.log);
    }
    check_gemini(
        &format!("{NEW} fn=f(city)"),
        "C text go
         M speech 100ms Let.me.see.
         M call f(city=Rome) f
         late call f(city=Rome)
         wait 1000ms
         C text again
         M call f(city=Rome)",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M speech 100ms Let.me.see.
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[2880]
            M call f(city=Rome) f
              ! Warning CallMalformed { function: "f", path: "args.city", rule: "it is required" }
              ! Cancel #1
              < generationComplete
            late call f(city=Rome)
            wait 1000ms
              after 100 ms
              < turnComplete MALFORMED_FUNCTION_CALL prompt 2 TEXT, response 3 AUDIO, total 5
              ! TurnFinished #1
            C text again
              ! Generate #2 user:'go' model:'Let.me.see.' | user:'again'
            M call f(city=Rome)
              < toolCall f
              ! Cancel #2
        "#]],
    );
}

#[test]
fn a_generation_calls_what_it_was_asked_with() {
    check_gemini(
        &format!("{OLD} fn=f fn=g:later"),
        "C text go
         C untool
         M call f
         C answer f
         M call f",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            C untool
            M call f
              < toolCall f
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 3 TEXT, response 1 TEXT, total 4
              ! TurnFinished #1
            C answer f
              ! Generate #2 user:'go' model:f() | user:f->
            M call f
              ! Warning CallMalformed { function: "f", path: "name", rule: "no function of this name is declared" }
              ! Cancel #2
              < generationComplete
              < turnComplete MALFORMED_FUNCTION_CALL prompt 5 TEXT, total 5
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn a_function_that_is_removed_may_still_answer() {
    check_gemini(
        &format!("{OLD} fn=f:later"),
        "C text go
         M call f
         M end
         C untool
         C answer f",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            C untool
            C answer f
              ! Generate #2 user:'go' model:f() | user:f->
        "#]],
    );
}

#[test]
fn the_model_decides_for_functions_that_say_nothing() {
    check_gemini(
        "C setup models/gemini-3.8-live-extended-thinking level=LOW fn=f",
        "C text go
         M call f
         M speech 20ms Soon.
         C answer f
         M end
         wait 1000ms",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
            M speech 20ms Soon.
              < :audio/pcm;rate=24000[960]
            C answer f
            M end
              < generationComplete
            wait 1000ms
              after 20 ms
              < turnComplete prompt 2 TEXT, response 1 TEXT + 1 AUDIO, total 4
              ! TurnFinished #1
              ! Generate #2 user:'go' model:f()+'Soon.' | user:f->
        "#]],
    );
}

#[test]
fn every_call_has_an_id_of_its_own() {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    let setup = format!("{OLD} fn=f:later fn=g:later");
    let steps = [&*setup, "C text go", "M call f#1 g#1 f f#2", "C answer g", "M call g#1 f#2 f#3"];
    for step in steps {
        world.step(step);
        world.drain();
    }
    let mut ids: Vec<&str> = world.calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!((ids[0], ids[3], ids[6]), ("1", "2", "3"), "an id that is free is the model's to choose");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 7);
}

#[test]
fn a_function_that_never_answers_does_not_hold_the_session() {
    check_gemini(
        &format!("{NEW} fn=f fn=g fn=h:later"),
        "C text go
         M call f g h
         C answer g
         wait 119999ms
         wait 1ms
         C answer f
         M speech 20ms Sorry.
         M end
         wait 1000ms",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f g h
              < toolCall f g h
              ! Cancel #1
            C answer g
            wait 119999ms
            wait 1ms
              after 1 ms
              ! Warning CallsOverdue { count: 1, after: 120s }
              < toolCallCancellation f
              ! Generate #2 user:'go' model:f()+g()+h() | user:g-> user:f->
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Cancelled }
            M speech 20ms Sorry.
              < :audio/pcm;rate=24000[960]
            M end
              < generationComplete
            wait 1000ms
              after 20 ms
              < turnComplete prompt 19 TEXT, response 3 TEXT + 1 AUDIO, total 23
              ! TurnFinished #2
        "#]],
    );
    check_gemini(
        &format!("{OLD} nointerrupt fn=f"),
        "C text go
         M call f
         wait 120000ms
         M text Sorry.
         M end
         C answer f",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            wait 120000ms
              after 120000 ms
              ! Warning CallsOverdue { count: 1, after: 120s }
              < toolCallCancellation f
              ! Generate #2 user:'go' model:f() | user:f->
            M text Sorry.
              < :'Sorry.'
            M end
              < generationComplete
              < turnComplete prompt 12 TEXT, response 2 TEXT, total 14
              ! TurnFinished #2
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Cancelled }
        "#]],
    );
}

#[test]
fn a_function_that_answers_in_part_is_waited_for_anew() {
    check_gemini(
        &format!("{NEW} fn=f"),
        "C text go
         M call f
         wait 119000ms
         C answer f..
         wait 119000ms
         C answer f
         wait 200000ms",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
              ! Cancel #1
            wait 119000ms
            C answer f..
            wait 119000ms
            C answer f
              ! Generate #2 user:'go' model:f() | user:f-> user:f->
            wait 200000ms
        "#]],
    );
}

#[test]
fn nothing_is_waited_for_after_an_interruption() {
    check_gemini(
        &format!("{NEW} fn=f"),
        "C text go\nM call f\nC text no\nwait 200000ms",
        expect![[r#"
        C text go
          ! Generate #1 | user:'go'
        M call f
          < toolCall f
          ! Cancel #1
        C text no
          < toolCallCancellation f
          < interrupted
          < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
          ! TurnFinished #1 interrupted
          ! Generate #2 user:'go' model:f() | user:'no'
        wait 200000ms
    "#]],
    );
}

#[test]
fn a_stream_of_answers_is_heard_piece_by_piece() {
    check_gemini(
        &format!("{OLD} fn=f:later"),
        "C text go
         M call f
         M end
         C answer f:WHEN_IDLE..
         M text first
         C answer f:INTERRUPT..
         M text second
         M end
         C answer f:SILENT
         C answer f
         C text and",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            C answer f:WHEN_IDLE..
              ! Generate #2 user:'go' model:f() | user:f->
            M text first
              < :'first'
            C answer f:INTERRUPT..
              ! Cancel #2
              < interrupted
              < turnComplete prompt 6 TEXT, response 2 TEXT, total 8
              ! TurnFinished #2 interrupted
              ! Generate #3 user:'go' model:f() user:f-> model:'first' | user:f->
            M text second
              < :'second'
            M end
              < generationComplete
              < turnComplete prompt 11 TEXT, response 2 TEXT, total 13
              ! TurnFinished #3
            C answer f:SILENT
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Answered }
            C text and
              ! Generate #4 user:'go' model:f() user:f-> model:'first' user:f-> model:'second' | user:f-> user:'and'
        "#]],
    );
}

#[test]
fn scheduling_is_found_inside_the_response_too_and_the_field_decides() {
    check_gemini(
        &format!("{OLD} fn=f:later fn=g:later"),
        "C text go
         M call f g
         M text So
         C answer f:interrupt
         M text Well
         C answer g:silent
         M end
         C text and",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f g
              < toolCall f g
            M text So
              < :'So'
            C answer f:interrupt
              ! Cancel #1
              < interrupted
              < turnComplete prompt 3 TEXT, response 3 TEXT, total 6
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'go' model:f()+g()+'So' | user:f->
            M text Well
              < :'Well'
            C answer g:silent
            M end
              < generationComplete
              < turnComplete prompt 14 TEXT, response 1 TEXT, total 15
              ! TurnFinished #2
            C text and
              ! Generate #3 user:'go' model:f()+g()+'So' user:f-> model:'Well' | user:g-> user:'and'
        "#]],
    );
    let inside: Struct = [("scheduling", "INTERRUPT")].into_iter().collect();
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    for step in [&format!("{OLD} fn=f:later"), "C text go", "M call f", "M text So"] {
        world.step(step);
        world.drain();
    }
    world.log.clear();
    let response = FunctionResponse::new(world.calls[0].id.clone(), "f", inside);
    let response = FunctionResponse { scheduling: Some(Scheduling::Silent), ..response };
    world.engine.handle_message(ClientMessage::tool_response(vec![response]), world.now);
    world.drain();
    assert_eq!(world.log, "", "the field says SILENT");
}

#[test]
fn an_answer_comes_once_and_in_the_name_of_its_function() {
    check_gemini(
        &format!("{NEW} fn=f fn=g"),
        "C text go
         M call f g
         C answer f=other f
         C answer @g
         C answer @g
         C answer f",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f g
              < toolCall f g
              ! Cancel #1
            C answer f=other f
              ! Warning ResponseMisnamed { function: "f", found: "other" }
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Answered }
            C answer @g
              ! Generate #2 user:'go' model:f()+g() | user:f-> user:g->
            C answer @g
              ! Warning UnmatchedResponse { call: "g", why: Answered }
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Answered }
        "#]],
    );
}

#[test]
fn an_answer_that_comes_too_late_is_told_from_one_to_nothing() {
    check_behind(
        vertex(),
        "C setup gemini-live-2.5-flash-preview TEXT fn=f",
        "C text go
         M call f
         C text never mind
         M end
         C answer f
         C answer @f
         C answer @g
         M end",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 2 TEXT, candidates 1 TEXT, total 3
              ! TurnFinished #1
            C text never mind
              < toolCallCancellation f
              ! Generate #2 user:'go' model:f() | user:'never mind'
            M end
              < generationComplete
              < turnComplete prompt 6 TEXT, total 6
              ! TurnFinished #2
            C answer f
              ! Warning UnmatchedResponse { call: "e220a839-7b1d-4daf-ae78-9e6aa1b965f4", why: Cancelled }
            C answer @f
              ! Warning UnmatchedResponse { call: "f", why: Cancelled }
            C answer @g
              ! Generate #3 user:'go' model:f() user:'never mind' | user:g->
            M end
              < generationComplete
              < turnComplete prompt 9 TEXT, total 9
              ! TurnFinished #3
        "#]],
    );
}

#[test]
fn what_is_said_while_a_function_runs_withdraws_it() {
    check_gemini(
        &format!("{NEW} silence=100 fn=f"),
        "C hear 300ms
         C hush 200ms
         M call f
         C hush 200ms
         C hear 300ms
         C answer f
         C hush 200ms",
        expect![[r#"
            C hear 300ms
            C hush 200ms
              ! Generate #1 | user:audio/pcm;rate=16000[12800]
            M call f
              < toolCall f
              ! Cancel #1
            C hush 200ms
            C hear 300ms
              < toolCallCancellation f
              < interrupted
              < turnComplete prompt 1 TEXT + 10 AUDIO, response 1 TEXT, total 12
              ! TurnFinished #1 interrupted
            C answer f
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Cancelled }
            C hush 200ms
              ! Generate #2 user:audio/pcm;rate=16000[12800] model:f() | user:audio/pcm;rate=16000[22400]
        "#]],
    );
}

#[test]
fn what_is_said_while_a_function_runs_waits_where_nothing_interrupts() {
    check_gemini(
        &format!("{NEW} silence=100 nointerrupt fn=f"),
        "C hear 300ms
         C hush 200ms
         M call f
         C hear 300ms
         C hush 200ms
         C answer f
         M end",
        expect![[r#"
            C hear 300ms
            C hush 200ms
              ! Generate #1 | user:audio/pcm;rate=16000[12800]
            M call f
              < toolCall f
              ! Cancel #1
            C hear 300ms
            C hush 200ms
            C answer f
              ! Generate #2 user:audio/pcm;rate=16000[12800] model:f() | user:f->
            M end
              < generationComplete
              < turnComplete prompt 5 TEXT + 10 AUDIO, response 1 TEXT, total 16
              ! TurnFinished #2
              ! Generate #3 user:audio/pcm;rate=16000[12800] model:f() user:f-> | user:audio/pcm;rate=16000[16000]
        "#]],
    );
}

#[test]
fn an_answer_during_speech_that_comes_to_nothing_is_heard_when_it_ends() {
    check_gemini(
        &format!("{OLD} manual fn=f:later"),
        "C text go
         M call f
         M end
         C start
         C answer f
         C end",
        expect![[r#"
            C text go
              ! Generate #1 | user:'go'
            M call f
              < toolCall f
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            C start
            C answer f
            C end
              ! Generate #2 user:'go' model:f() | user:f->
        "#]],
    );
}

#[test]
fn functions_run_on_past_a_go_away_and_answer_on_the_next_connection() {
    let config = ServerConfig::new(Backend::Gemini);
    let mut world = World::new(config);
    let mut ids = Vec::new();
    for step in [
        &format!("{OLD} fn=f:later fn=g:later resumable"),
        "saved",
        "C text go",
        "M call f g",
        "M end",
        "C answer f",
        "saved",
        "M end",
        "saved",
        "goaway 1000ms",
        "wait 1000ms",
        "reconnect",
        &format!("{OLD} fn=f:later fn=g:later handle=1.3"),
        "resumed",
        "saved",
    ] {
        world.step(step);
        world.drain();
        if ids.is_empty() {
            ids.extend(world.calls.iter().map(|call| call.id.clone()));
        }
    }
    world.log.clear();
    for step in ["C answer f", "C answer g:SILENT", "C answer g", "C text and"] {
        let _ = writeln!(world.log, "{step}");
        world.step(step);
        world.drain();
    }
    let shown = world.log.replace(&ids[0], "ID-F").replace(&ids[1], "ID-G");
    expect![[r#"
        C answer f
          ! Warning UnmatchedResponse { call: "ID-F", why: Answered }
        C answer g:SILENT
        C answer g
          ! Warning UnmatchedResponse { call: "ID-G", why: Answered }
        C text and
          ! Generate #1 user:'go' model:f()+g() user:f-> | user:g-> user:'and'
          < not resumable
    "#]]
    .assert_eq(&shown.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>());
}
