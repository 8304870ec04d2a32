//! Many calls and many answers at once.

use super::*;

/// Runs a script of a session with `count` functions; `all` stands for their names. Long lines are shown by their ends.
#[track_caller]
fn check_calls(count: usize, behavior: &str, rest: &str, expected: Expect) {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    let functions: Vec<String> = (0..count).map(|number| format!("fn=f{number}{behavior}")).collect();
    world.step(&format!("C setup models/gemini-2.0-flash-live-001 {}", functions.join(" ")));
    world.drain();
    for step in rest.trim().lines().map(str::trim) {
        let _ = writeln!(world.log, "{step}");
        match step {
            "C answer all" => {
                let names: Vec<String> = world.calls.iter().map(|call| call.name.clone()).collect();
                world.step(&format!("C answer {}", names.join(" ")));
            }
            "M call all" => {
                let names: Vec<String> = (0..count).map(|number| format!("f{number}")).collect();
                world.step(&format!("M call {}", names.join(" ")));
            }
            _ => world.step(step),
        }
        world.drain();
    }
    let shown = world.log.lines().map(|line| match line.len() {
        0..200 => format!("{}\n", line.trim_end()),
        long => format!("{} .. {}\n", &line[..60], &line[long - 30..]),
    });
    expected.assert_eq(&shown.collect::<String>());
}

#[test]
fn more_calls_than_may_wait_are_not_made() {
    check_calls(
        65,
        "",
        "C text all of them
         M call all
         C answer all
         M text done
         M end",
        expect![[r#"
              < setupComplete
              ! SetupAccepted Live20 Text
            C text all of them
              ! Generate #1 | user:'all of them'
            M call all
              ! Warning CallsNotSent { found: 65, max: 64 }
              < toolCall f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f .. 56 f57 f58 f59 f60 f61 f62 f63
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 68 TEXT, response 64 TEXT, total 132
              ! TurnFinished #1
            C answer all
              ! Generate #2 user:'all of them' model:f0()+f1()+f2()+f3() .. +f59->+f60->+f61->+f62->+f63->
            M text done
              < :'done'
            M end
              < generationComplete
              < turnComplete prompt 388 TEXT, response 1 TEXT, total 389
              ! TurnFinished #2
        "#]],
    );
    check_calls(
        65,
        ":later",
        "C text all of them
         M call all
         M end",
        expect![[r#"
              < setupComplete
              ! SetupAccepted Live20 Text
            C text all of them
              ! Generate #1 | user:'all of them'
            M call all
              ! Warning CallsNotSent { found: 65, max: 64 }
              < toolCall f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f .. 56 f57 f58 f59 f60 f61 f62 f63
            M end
              < generationComplete
              < turnComplete prompt 68 TEXT, response 64 TEXT, total 132
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn a_call_beyond_the_bound_withdraws_the_oldest_that_is_not_answered() {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    world.step("C setup models/gemini-2.0-flash-live-001 fn=f:later");
    for _ in 0..64 {
        for step in ["C text again", "M call f", "M end"] {
            world.step(step);
            world.drain();
        }
    }
    let first = world.calls[0].id.clone();
    world.log.clear();
    for step in ["C text again", "M call f", "M end"] {
        world.step(step);
        world.drain();
    }
    let lines = world.log.lines().filter(|line| !line.contains("Generate"));
    let shown: String = lines.map(|line| format!("{}\n", line.trim())).collect();
    expect![[r#"
          ! Warning CallsWithdrawn { count: 1, max: 64 }
          < toolCallCancellation f
          < toolCall f
          < generationComplete
          < turnComplete prompt 195 TEXT, response 1 TEXT, total 196
          ! TurnFinished #65
    "#]]
    .assert_eq(&shown);

    world.log.clear();
    let response = FunctionResponse::new(first.clone(), "f", Struct::default());
    world.engine.handle_message(ClientMessage::tool_response(vec![response]), world.now);
    world.drain();
    assert_eq!(
        world.log,
        format!("  ! Warning UnmatchedResponse {{ call: \"{first}\", why: Cancelled }}\n"),
        "it is withdrawn for good"
    );
}

#[test]
fn no_call_at_all_may_wait() {
    let mut config = ServerConfig::new(Backend::Gemini);
    config.limits.outstanding_calls_max = 0;
    check_with(
        config,
        "C setup models/gemini-2.0-flash-live-001 fn=f
         C text f
         M call f
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=f
              < setupComplete
              ! SetupAccepted Live20 Text
            C text f
              ! Generate #1 | user:'f'
            M call f
              ! Warning CallsNotSent { found: 1, max: 0 }
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, total 2
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn answers_of_one_message_are_heard_together() {
    let script = |rest: &str| {
        format!(
            "C setup models/gemini-2.0-flash-live-001 fn=a:later fn=b:later fn=c:later
             C text go
             M call a b c
             {rest}"
        )
    };
    check(
        &script("M text So\nC answer a:INTERRUPT b:INTERRUPT c:SILENT\nM text well\nM end"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=a:later fn=b:later fn=c:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text go
              ! Generate #1 | user:'go'
            M call a b c
              < toolCall a b c
            M text So
              < :'So'
            C answer a:INTERRUPT b:INTERRUPT c:SILENT
              ! Cancel #1
              < interrupted
              < turnComplete prompt 4 TEXT, response 4 TEXT, total 8
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'go' model:a()+b()+c()+'So' | user:a->+b->+c->
            M text well
              < :'well'
            M end
              < generationComplete
              < turnComplete prompt 17 TEXT, response 1 TEXT, total 18
              ! TurnFinished #2
        "#]],
    );
    check(
        &script("M end\nC answer a:WHEN_IDLE b:WHEN_IDLE c:WHEN_IDLE\nM text well\nM end"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=a:later fn=b:later fn=c:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text go
              ! Generate #1 | user:'go'
            M call a b c
              < toolCall a b c
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 3 TEXT, total 7
              ! TurnFinished #1
            C answer a:WHEN_IDLE b:WHEN_IDLE c:WHEN_IDLE
              ! Generate #2 user:'go' model:a()+b()+c() | user:a->+b->+c->
            M text well
              < :'well'
            M end
              < generationComplete
              < turnComplete prompt 16 TEXT, response 1 TEXT, total 17
              ! TurnFinished #2
        "#]],
    );
    check(
        &script("M text So\nC answer a:SILENT b:WHEN_IDLE\nM end\nM text well\nM end"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=a:later fn=b:later fn=c:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text go
              ! Generate #1 | user:'go'
            M call a b c
              < toolCall a b c
            M text So
              < :'So'
            C answer a:SILENT b:WHEN_IDLE
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 4 TEXT, total 8
              ! TurnFinished #1
              ! Generate #2 user:'go' model:a()+b()+c()+'So' | user:a->+b->
            M text well
              < :'well'
            M end
              < generationComplete
              < turnComplete prompt 14 TEXT, response 1 TEXT, total 15
              ! TurnFinished #2
        "#]],
    );
    check(
        &script("M text So\nC answer a:SILENT b:SILENT\nM end\nC answer c:SILENT\nC text and"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=a:later fn=b:later fn=c:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text go
              ! Generate #1 | user:'go'
            M call a b c
              < toolCall a b c
            M text So
              < :'So'
            C answer a:SILENT b:SILENT
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 4 TEXT, total 8
              ! TurnFinished #1
            C answer c:SILENT
            C text and
              ! Generate #2 user:'go' model:a()+b()+c()+'So' | user:a->+b-> user:c-> user:'and'
        "#]],
    );
}

#[test]
fn an_answer_that_came_while_the_model_spoke_is_heard_with_those_it_stood_still_for() {
    check(
        "C setup models/gemini-2.0-flash-live-001 fn=now fn=a:later
         C text go
         M call a
         C answer a
         M call now
         C answer now
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=now fn=a:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text go
              ! Generate #1 | user:'go'
            M call a
              < toolCall a
            C answer a
            M call now
              < toolCall now
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 3 TEXT, response 2 TEXT, total 5
              ! TurnFinished #1
            C answer now
              ! Generate #2 user:'go' model:a()+now() | user:now-> user:a->
            M end
              < generationComplete
              < turnComplete prompt 12 TEXT, total 12
              ! TurnFinished #2
        "#]],
    );
    check(
        "C setup models/gemini-3.1-flash-live-preview fn=now fn=a:later
         C turns user:go.
         M call a
         C answer a
         M call now
         C answer now
         M end",
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview fn=now fn=a:later
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
            C turns user:go.
              ! Generate #1 | user:'go'
            M call a
              < toolCall a
            C answer a
            M call now
              < toolCall now
              ! Cancel #1
            C answer now
              ! Generate #2 user:'go' model:a()+now() | user:now-> user:a->
            M end
              < generationComplete
              < turnComplete prompt 12 TEXT, response 2 TEXT, total 14
              ! TurnFinished #2
        "#]],
    );
}
