//! Function calls and their answers.

use super::*;

#[test]
fn on_2x_the_call_ends_the_turn_and_the_answer_begins_the_next() {
    check(
        "C setup models/gemini-live-2.5-flash-preview fn=weather
         C text what is the weather
         M code print(weather())
         M call weather
         late text ignored
         C answer weather
         M text Sunny.
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview fn=weather
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text what is the weather
              ! Generate #1 | user:'what is the weather'
            M code print(weather())
              < :code 'print(weather())'
            M call weather
              < toolCall weather
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 7 TEXT, response 6 TEXT, total 13
              ! TurnFinished #1
            late text ignored
            C answer weather
              ! Generate #2 user:'what is the weather' model:code 'print(weather())'+weather() | user:weather->
            M text Sunny.
              < :'Sunny.'
            M end
              < generationComplete
              < turnComplete prompt 18 TEXT, response 2 TEXT, total 20
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn on_3x_the_turn_stands_still_and_is_completed_once() {
    check(
        "C setup models/gemini-3.8-live fn=weather fn=time
         C text both
         M speech 100ms Wait
         M call weather time
         wait 5000ms
         C answer time
         C answer weather
         M speech 100ms Sunny
         M end
         wait 5000ms",
        expect![[r#"
            C setup models/gemini-3.8-live fn=weather fn=time
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text both
              ! Generate #1 | user:'both'
            M speech 100ms Wait
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[2880]
            M call weather time
              < toolCall weather time
              ! Cancel #1
            wait 5000ms
            C answer time
            C answer weather
              ! Generate #2 user:'both' model:'Wait'+weather()+time() | user:time-> user:weather->
            M speech 100ms Sunny
              < :audio/pcm;rate=24000[4800]
            M end
              < generationComplete
            wait 5000ms
              after 100 ms
              < turnComplete prompt 16 TEXT + 3 AUDIO, response 3 TEXT + 5 AUDIO, total 27
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn an_interruption_withdraws_the_calls() {
    check(
        "C setup models/gemini-3.8-live fn=weather
         C text weather
         M call weather
         C text never mind
         C answer weather",
        expect![[r#"
            C setup models/gemini-3.8-live fn=weather
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
              ! Cancel #1
            C text never mind
              < toolCallCancellation weather
              < interrupted
              < turnComplete prompt 4 TEXT, response 2 TEXT, total 6
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'weather' model:weather() | user:'never mind'
            C answer weather
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Cancelled }
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001 fn=weather
         C text weather
         M call weather
         C text never mind
         C answer weather",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 4 TEXT, response 2 TEXT, total 6
              ! TurnFinished #1
            C text never mind
              < toolCallCancellation weather
              ! Generate #2 user:'weather' model:weather() | user:'never mind'
            C answer weather
              ! Warning UnmatchedResponse { call: "function-call-8294208416658607535", why: Cancelled }
        "#]],
    );
}

#[test]
fn the_model_goes_on_past_a_call_it_does_not_wait_for() {
    check(
        "C setup models/gemini-2.0-flash-live-001 fn=weather:later
         C text weather
         M call weather
         M text I am looking.
         C answer weather
         M end
         M text Sunny.
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
            M text I am looking.
              < :'I am looking.'
            C answer weather
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 6 TEXT, total 10
              ! TurnFinished #1
              ! Generate #2 user:'weather' model:weather()+'I am looking.' | user:weather->
            M text Sunny.
              < :'Sunny.'
            M end
              < generationComplete
              < turnComplete prompt 15 TEXT, response 2 TEXT, total 17
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn an_answer_is_heard_when_it_says() {
    let setup = "C setup models/gemini-2.0-flash-live-001 fn=weather:later\nC text weather\nM call weather\n";
    check(
        &format!("{setup}M text So\nC answer weather:INTERRUPT"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
            M text So
              < :'So'
            C answer weather:INTERRUPT
              ! Cancel #1
              < interrupted
              < turnComplete prompt 4 TEXT, response 3 TEXT, total 7
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'weather' model:weather()+'So' | user:weather->
        "#]],
    );
    check(
        &format!("{setup}M text So\nC answer weather:SILENT\nM end\nC text and"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
            M text So
              < :'So'
            C answer weather:SILENT
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 3 TEXT, total 7
              ! TurnFinished #1
            C text and
              ! Generate #2 user:'weather' model:weather()+'So' | user:weather-> user:'and'
        "#]],
    );
    check(
        &format!("{setup}M end\nC answer weather:SILENT\nC text and"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 2 TEXT, total 6
              ! TurnFinished #1
            C answer weather:SILENT
            C text and
              ! Generate #2 user:'weather' model:weather() | user:weather-> user:'and'
        "#]],
    );
    check(
        &format!("{setup}M end\nC answer weather"),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 2 TEXT, total 6
              ! TurnFinished #1
            C answer weather
              ! Generate #2 user:'weather' model:weather() | user:weather->
        "#]],
    );
}

#[test]
fn a_response_to_nothing_is_passed_over_on_gemini_and_answered_on_vertex() {
    check(
        "C setup models/gemini-2.0-flash-live-001\nC answer weather",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C answer weather
              ! Warning UnmatchedResponse { call: "weather", why: NeverMade }
        "#]],
    );
    check_with(
        vertex(),
        "C setup gemini-2.0-flash-live-001\nC answer weather",
        expect![[r#"
        C setup gemini-2.0-flash-live-001
          < setupComplete a-uuid
          ! SetupAccepted Live20 Audio Puck
        C answer weather
          ! Generate #1 | user:weather->
    "#]],
    );
}

#[test]
fn shutdown_waits_for_the_answer_a_turn_stands_still_for() {
    check(
        "C setup models/gemini-3.8-live fn=weather
         C text weather
         M call weather
         shutdown
         C answer weather
         M end",
        expect![[r#"
            C setup models/gemini-3.8-live fn=weather
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text weather
              ! Generate #1 | user:'weather'
            M call weather
              < toolCall weather
              ! Cancel #1
            shutdown
            C answer weather
              ! Generate #2 user:'weather' model:weather() | user:weather->
            M end
              < generationComplete
              < turnComplete prompt 11 TEXT, response 2 TEXT, total 13
              ! TurnFinished #2
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
}
