//! What an answer stands on: sent where its words were, counted, and taken back with words that nobody heard.

use super::*;

#[test]
fn in_text_it_is_sent_as_it_comes_and_what_was_read_is_counted() {
    check(
        "C setup models/gemini-live-2.5-flash-preview
         C text hi
         M read 40
         M urls
         M text Yes.
         M ground
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text hi
              ! Generate #1 | user:'hi'
            M read 40
            M urls
              < urlContextMetadata
            M text Yes.
              < :'Yes.'
            M ground
              < groundingMetadata
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 1 TEXT, tool use 10 TEXT, total 12
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn in_speech_it_waits_for_the_words_before_it() {
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest
         C text hi
         M speech 2000ms one two
         M ground
         M urls
         M end
         wait 5000ms",
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 2000ms one two
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M ground
            M urls
            M end
            wait 5000ms
              after 200 ms
              < :audio/pcm;rate=24000[9600]
              after 400 ms
              < :audio/pcm;rate=24000[9600]
              after 600 ms
              < :audio/pcm;rate=24000[9600]
              after 800 ms
              < :audio/pcm;rate=24000[9600]
              < groundingMetadata
              < urlContextMetadata
              < generationComplete
              after 2000 ms
              < turnComplete prompt 1 TEXT, response 50 AUDIO, total 51
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn what_is_behind_the_speech_goes_out_with_what_follows_at_once() {
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest
         C text hi
         M speech 2000ms one two
         M ground
         M code print(1)
         wait 0ms",
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 2000ms one two
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M ground
            M code print(1)
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < groundingMetadata
              < :code 'print(1)'
            wait 0ms
        "#]],
    );
}

#[test]
fn an_interruption_takes_it_back_with_the_words() {
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest manual
         C text hi
         M speech 3000ms one two three
         M ground
         M end
         C start
         wait 5000ms",
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest manual
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
            C text hi
              ! Generate #1 | user:'hi'
            M speech 3000ms one two three
              < :audio/pcm;rate=24000[1920]
              < :audio/pcm;rate=24000[3840]
              < :audio/pcm;rate=24000[5760]
              < :audio/pcm;rate=24000[7680]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
              < :audio/pcm;rate=24000[9600]
            M ground
            M end
            C start
              < interrupted
              < turnComplete prompt 1 TEXT, response 30 AUDIO, total 31
              ! TurnFinished #1 interrupted
            wait 5000ms
        "#]],
    );
}
