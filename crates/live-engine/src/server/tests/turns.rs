//! Turns: answered, interrupted, paced.

use super::*;

#[test]
fn a_text_turn_is_answered_in_text() {
    check(
        "C setup models/gemini-live-2.5-flash-preview
         C text hello there
         M text Hel
         M text lo.
         M end
         C text again",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text hello there
              ! Generate #1 | user:'hello there'
            M text Hel
              < :'Hel'
            M text lo.
              < :'lo.'
            M end
              < generationComplete
              < turnComplete prompt 3 TEXT, response 2 TEXT, total 5
              ! TurnFinished #1
            C text again
              ! Generate #2 user:'hello there' model:'Hello.' | user:'again'
        "#]],
    );
}

#[test]
fn turn_complete_waits_until_the_answer_is_played() {
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest transcripts
         C text speak
         M speech 1000ms One
         wait 300ms
         M speech 500ms  two
         M end
         wait 5000ms",
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text speak
              ! Generate #1 | user:'speak'
            M speech 1000ms One
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'One'
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            wait 300ms
            M speech 500ms  two
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' two'
              < :audio/pcm;rate=24000[9600]
            M end
            wait 5000ms
              after 100 ms
              < :audio/pcm;rate=24000[4800]
              < generationComplete
              after 1200 ms
              < turnComplete prompt 2 TEXT, response 38 AUDIO, total 40
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn turn_complete_comes_at_once_when_nobody_paces() {
    check_with(
        ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) },
        "C setup models/gemini-3.8-live
         C text speak
         M speech 100ms One
         M end",
        expect![[r#"
            C setup models/gemini-3.8-live
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text speak
              ! Generate #1 | user:'speak'
            M speech 100ms One
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[2880]
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 3 AUDIO, total 5
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn vertex_names_the_role_puts_the_transcript_first_and_spells_usage_its_way() {
    check_with(
        vertex(),
        "C setup projects/p/locations/l/publishers/google/models/gemini-2.0-flash-live-preview-04-09 transcripts
         C text speak
         M speech 40ms We
         M end
         wait 40ms",
        expect![[r#"
            C setup projects/p/locations/l/publishers/google/models/gemini-2.0-flash-live-preview-04-09 transcripts
              < setupComplete a-uuid
              ! SetupAccepted Live20 Audio Puck
            C text speak
              ! Generate #1 | user:'speak'
            M speech 40ms We
              < outputTranscription 'We'
              < model:audio/pcm;rate=24000[1920]
            M end
              < outputTranscription '' finished
              < generationComplete
            wait 40ms
              after 40 ms
              < turnComplete prompt 2 TEXT, candidates 1 AUDIO, total 3
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn a_new_turn_interrupts_the_running_one_and_only_what_was_sent_is_remembered() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text count
         M text one two
         C text stop
         late text three
         late end
         M text Stopped.
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one two
              < :'one two'
            C text stop
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT, response 2 TEXT, total 4
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'count' model:'one two' | user:'stop'
            late text three
            late end
            M text Stopped.
              < :'Stopped.'
            M end
              < generationComplete
              < turnComplete prompt 5 TEXT, response 2 TEXT, total 7
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn a_turn_interrupted_before_its_first_word_leaves_its_question_unanswered() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text one
         C text two",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text one
              ! Generate #1 | user:'one'
            C text two
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, total 1
              ! TurnFinished #1 interrupted
              ! Generate #2 | user:'one' user:'two'
        "#]],
    );
}

#[test]
fn content_without_turn_complete_interrupts_and_waits() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text count
         M text one
         C turns
         C turns user:and model:yes user:so
         C turns .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one
              < :'one'
            C turns
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1 interrupted
            C turns user:and model:yes user:so
            C turns .
              ! Generate #2 user:'count' model:'one' | user:'and' model:'yes' user:'so'
        "#]],
    );
}

#[test]
fn speech_within_the_playback_is_an_interruption() {
    check(
        "C setup models/gemini-3.1-flash-live-preview manual
         C text speak
         M speech 2000ms Hello
         M end
         wait 1000ms
         C start
         wait 5000ms",
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview manual
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
            C text speak
              ! Generate #1 | user:'speak'
            M speech 2000ms Hello
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M end
            wait 1000ms
              after 200 ms
              < :audio/pcm;rate=24000[9600]
              after 400 ms
              < :audio/pcm;rate=24000[9600]
              after 600 ms
              < :audio/pcm;rate=24000[9600]
              after 800 ms
              < :audio/pcm;rate=24000[9600]
              < generationComplete
            C start
              < interrupted
              < turnComplete prompt 2 TEXT, response 50 AUDIO, total 52
              ! TurnFinished #1 interrupted
            wait 5000ms
        "#]],
    );
}

#[test]
fn a_model_that_wants_more_says_why_the_turn_ended() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text so
         M more?",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text so
              ! Generate #1 | user:'so'
            M more?
              < generationComplete
              < waitingForInput turnComplete NEED_MORE_INPUT prompt 1 TEXT, total 1
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn max_output_tokens_cuts_the_whole_turn() {
    check(
        "C setup models/gemini-2.0-flash-live-001 max=2
         C text count
         M text one,
         M text two
         M text three",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 max=2
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one,
              < :'one,'
            M text two
              < :'two'
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 2 TEXT, response 2 TEXT, total 4
              ! TurnFinished #1
            M text three
        "#]],
    );
}

#[test]
fn an_output_of_the_other_modality_is_given_back() {
    check(
        "C setup models/gemini-3.8-live
         C text hi
         M text hi
         M half
         M speech 20ms hi",
        expect![[r#"
            C setup models/gemini-3.8-live
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M text hi
              rejected: the session answers in the other modality
            M half
              rejected: pcm must be whole 16-bit samples
            M speech 20ms hi
              < :audio/pcm;rate=24000[960]
        "#]],
    );
}

#[test]
fn a_failed_model_closes_the_connection() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text hi
         M fail the engine is on fire
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            M fail the engine is on fire
              ! Cancel #1
              < close 1011 Internal error encountered.
              ! Closed: the model failed: the engine is on fire
            M end
              rejected: the connection is over
        "#]],
    );
}

#[test]
fn a_lost_connection_stops_the_model() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text hi
         lost
         M text hi",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            lost
              ! Cancel #1
              ! Closed: the peer vanished without a close frame
            M text hi
              rejected: the connection is over
        "#]],
    );
}

#[test]
fn shutdown_lets_the_turn_end_and_begins_nothing() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text hi
         shutdown
         C text more
         M text hi
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            shutdown
            C text more
              ! Warning Draining
            M text hi
              < :'hi'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
              ! TurnFinished #1
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
}

#[test]
fn shutdown_does_not_wait_for_ever() {
    check(
        "C setup models/gemini-2.0-flash-live-001
         C text hi
         shutdown
         wait 10000ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            shutdown
            wait 10000ms
              after 5000 ms
              ! Cancel #1
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001
         shutdown",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            shutdown
              < close 1011 The service is currently unavailable.
              ! Closed: the host shuts down
        "#]],
    );
}
