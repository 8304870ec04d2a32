//! Speech on its way out: framed, kept back, transcribed as it goes, and forgotten where it was not heard.

use super::*;

const AUDIO: &str = "C setup models/gemini-2.5-flash-native-audio-latest transcripts manual";

#[test]
fn speech_is_sent_a_second_ahead_and_transcribed_as_it_goes() {
    check(
        &format!("{AUDIO}\nC text hi\nM speech 2000ms one two three four\nM end\nwait 5000ms"),
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 2000ms one two three four
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'one'
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < outputTranscription ' two'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' three'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M end
            wait 5000ms
              after 200 ms
              < :audio/pcm;rate=24000[9600]
              after 400 ms
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' four'
              after 600 ms
              < :audio/pcm;rate=24000[9600]
              after 800 ms
              < :audio/pcm;rate=24000[9600]
              < generationComplete
              after 2000 ms
              < turnComplete prompt 1 TEXT, response 50 AUDIO, total 51
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn what_was_not_sent_is_not_transcribed_and_what_was_not_heard_is_not_remembered() {
    check(
        &format!(
            "{AUDIO}\nC text hi\nM speech 4000ms one two three four five six seven eight\nM end\nwait 1500ms\nC start\nC hear 100ms\nC end"
        ),
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 4000ms one two three four five six seven eight
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'one'
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < outputTranscription ' two'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' three'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M end
            wait 1500ms
              after 200 ms
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' four'
              after 400 ms
              < :audio/pcm;rate=24000[9600]
              after 600 ms
              < :audio/pcm;rate=24000[9600]
              after 800 ms
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' five'
              after 1000 ms
              < :audio/pcm;rate=24000[9600]
              after 1200 ms
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' six'
              after 1400 ms
              < :audio/pcm;rate=24000[9600]
            C start
              < interrupted
              < turnComplete prompt 1 TEXT, response 65 AUDIO, total 66
              ! TurnFinished #1 interrupted
            C hear 100ms
            C end
              ! Generate #2 user:'hi' model:'one two three four' | user:audio/pcm;rate=16000[3200]
        "#]],
    );
    // Nobody knows what a client that is not paced has heard.
    check_with(
        ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) },
        &format!("{AUDIO}\nC text hi\nM speech 400ms one two three four\nC text stop"),
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 400ms one two three four
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'one'
              < :audio/pcm;rate=24000[3840]
              < outputTranscription ' two'
              < :audio/pcm;rate=24000[5760]
              < outputTranscription ' three'
              < :audio/pcm;rate=24000[7680]
              < outputTranscription ' four'
            C text stop
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, response 10 AUDIO, total 11
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'hi' model:'one two three four' | user:'stop'
        "#]],
    );
}

#[test]
fn what_was_played_to_the_end_is_remembered_to_the_end() {
    check(
        &format!(
            "{AUDIO}\nC text hi\nM speech 400ms one two three four\nM end\nwait 350ms\nC start\nC hear 100ms\nC end"
        ),
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 400ms one two three four
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'one'
              < :audio/pcm;rate=24000[3840]
              < outputTranscription ' two'
              < :audio/pcm;rate=24000[5760]
              < outputTranscription ' three'
              < :audio/pcm;rate=24000[7680]
              < outputTranscription ' four'
            M end
              < generationComplete
            wait 350ms
            C start
              < interrupted
              < turnComplete prompt 1 TEXT, response 10 AUDIO, total 11
              ! TurnFinished #1 interrupted
            C hear 100ms
            C end
              ! Generate #2 user:'hi' model:'one two three four' | user:audio/pcm;rate=16000[3200]
        "#]],
    );
}

#[test]
fn a_model_that_is_far_ahead_waits() {
    check_with(
        ServerConfig {
            limits: Limits {
                speech_ahead_max: Duration::from_millis(400),
                audio_frame_bytes_max: 9_600,
                ..Limits::default()
            },
            ..ServerConfig::new(Backend::Gemini)
        },
        &format!(
            "{AUDIO}\nC text hi\nM speech 1000ms one\nM speech 500ms two\nM speech 500ms three\nwait 250ms\nM speech 100ms three\nM end\nwait 3000ms"
        ),
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 1000ms one
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'one'
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M speech 500ms two
              < :audio/pcm;rate=24000[9600]
              < outputTranscription 'two'
            M speech 500ms three
            wait 250ms
              after 200 ms
              < :audio/pcm;rate=24000[9600]
            M speech 100ms three
              rejected: so much speech waits to be sent that there is no room for more
            M end
            wait 3000ms
              after 150 ms
              < :audio/pcm;rate=24000[4800]
              after 250 ms
              < :audio/pcm;rate=24000[9600]
              < outputTranscription 'three'
              after 450 ms
              < :audio/pcm;rate=24000[9600]
              ! Continue #1
              after 650 ms
              < :audio/pcm;rate=24000[4800]
              < generationComplete
              after 1750 ms
              < turnComplete prompt 1 TEXT, response 50 AUDIO, total 51
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn calls_and_code_come_behind_all_that_was_said() {
    check(
        "C setup models/gemini-3.8-live transcripts manual fn=weather
         C text hi
         M speech 1400ms let me look
         M code print(1)
         M speech 400ms and see
         M call weather
         C answer weather
         M speech 100ms sunny
         M end
         wait 3000ms",
        expect![[r#"
            C setup models/gemini-3.8-live transcripts manual fn=weather
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 1400ms let me look
              < :audio/pcm;rate=24000[1920]
              < outputTranscription 'let'
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < outputTranscription ' me'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < outputTranscription ' look'
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M code print(1)
              < :audio/pcm;rate=24000[9600]
              < :code 'print(1)'
            M speech 400ms and see
            M call weather
              < :audio/pcm;rate=24000[9600]
              < outputTranscription 'and see'
              < :audio/pcm;rate=24000[9600]
              < toolCall weather
              ! Cancel #1
            C answer weather
              ! Generate #2 user:'hi' model:'let me look'+code 'print(1)'+'and see'+weather() | user:weather->
            M speech 100ms sunny
            M end
            wait 3000ms
              after 800 ms
              < :audio/pcm;rate=24000[4800]
              < outputTranscription 'sunny'
              < generationComplete
              after 1900 ms
              < turnComplete prompt 12 TEXT + 45 AUDIO, response 4 TEXT + 48 AUDIO, total 109
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn transcripts_name_the_language_that_was_asked_for() {
    check_with(
        vertex(),
        "C setup models/gemini-live-2.5-flash AUDIO lang=de-DE transcripts
         C text hi
         M speech 20ms Hallo
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash AUDIO lang=de-DE transcripts
              < setupComplete a-uuid
              ! SetupAccepted HalfCascade25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 20ms Hallo
              < outputTranscription 'Hallo' in de-DE
              < model:audio/pcm;rate=24000[960]
            M end
              < outputTranscription '' finished
              < generationComplete
        "#]],
    );
}

#[test]
fn words_of_languages_without_spaces_are_told_one_by_one() {
    check(
        &format!("{AUDIO}\nC text hi\nM speech 120ms 今日は晴れ。"),
        expect![[r#"
        C setup models/gemini-2.5-flash-native-audio-latest transcripts manual
          < setupComplete
          ! SetupAccepted NativeAudio25 Audio Puck
        C text hi
          ! Generate #1 | user:'hi'
        M speech 120ms 今日は晴れ。
          < :audio/pcm;rate=24000[1920]
          < outputTranscription '今日'
          < :audio/pcm;rate=24000[3840]
          < outputTranscription 'は晴れ。'
    "#]],
    );
}
