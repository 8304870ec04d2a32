//! `maxOutputTokens` and the functions that are called beyond it.

use super::*;

#[test]
fn the_cap_cuts_words_and_not_calls() {
    check(
        "C setup models/gemini-3.8-live max=5 transcripts fn=weather
         C text weather
         M speech 200ms Let me see,
         M speech 100ms and look
         M call weather
         C answer weather
         M speech 100ms Sunny.
         M end
         wait 1000ms",
        expect![[r#"
            C setup models/gemini-3.8-live max=5 transcripts fn=weather
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text weather
              ! Generate #1 | user:'weather'
            M speech 200ms Let me see,
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'Let'
              < :audio/pcm;rate=24000[3840]
              < outputTranscription ' me see,'
              < :audio/pcm;rate=24000[3840]
            M speech 100ms and look
            M call weather
              < toolCall weather
              ! Cancel #1
            C answer weather
              ! Generate #2 user:'weather' model:'Let me see,'+weather() | user:weather->
            M speech 100ms Sunny.
            M end
              < generationComplete
            wait 1000ms
              after 200 ms
              < turnComplete prompt 11 TEXT + 5 AUDIO, response 2 TEXT + 5 AUDIO, total 23
              ! TurnFinished #2
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001 max=2 fn=weather:later
         C text weather
         M text I will look
         M text and see
         M call weather
         M text what comes
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 max=2 fn=weather:later
              < setupComplete
              ! SetupAccepted Live20 Text
            C text weather
              ! Generate #1 | user:'weather'
            M text I will look
              < :'I will look'
            M text and see
            M call weather
              < toolCall weather
            M text what comes
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT, response 5 TEXT, total 9
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn a_model_that_never_calls_is_stopped_in_time() {
    check(
        "C setup models/gemini-2.0-flash-live-001 max=2 fn=weather
         C text count
         M text one, two
         M text three
         wait 4999ms
         M text four
         wait 1ms
         M text five
         M call weather",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 max=2 fn=weather
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one, two
              < :'one, two'
            M text three
            wait 4999ms
            M text four
            wait 1ms
            M text five
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 4 TEXT, response 2 TEXT, total 6
              ! TurnFinished #1
            M call weather
        "#]],
    );
}
