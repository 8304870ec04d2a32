//! Speech under automatic detection: what is heard, kept, interrupted and told.

use super::*;

const AUTO: &str = "C setup models/gemini-live-2.5-flash-preview TEXT";

#[test]
fn speech_is_a_turn_from_a_little_before_it_to_the_silence_behind_it() {
    check(
        &format!("{AUTO} signals\nC hush 5000ms\nC hear 1000ms\nC hush 499ms\nC hush 1ms\nC hush 1000ms\nM text hi"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT signals
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hush 5000ms
            C hear 1000ms
              < ACTIVITY_START at 5000 ms
            C hush 499ms
            C hush 1ms
              < ACTIVITY_END at 6000 ms
              ! Generate #1 | user:audio/pcm;rate=16000[57600]
            C hush 1000ms
            M text hi
              < :'hi'
        "#]],
    );
}

#[test]
fn a_recording_in_one_message_is_cut_as_it_would_be_live() {
    let live = "C hush 700ms\nC hear 300ms\nC hush 600ms\nM end\nC hear 300ms\nC hush 600ms\nM end";
    check(
        &format!("{AUTO} signals\n{live}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT signals
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C hush 700ms
        C hear 300ms
          < ACTIVITY_START at 700 ms
        C hush 600ms
          < ACTIVITY_END at 1000 ms
          ! Generate #1 | user:audio/pcm;rate=16000[35200]
        M end
          < generationComplete
          < turnComplete prompt 28 AUDIO, total 28
          ! TurnFinished #1
        C hear 300ms
          < ACTIVITY_START at 1600 ms
        C hush 600ms
          < ACTIVITY_END at 1900 ms
          ! Generate #2 user:audio/pcm;rate=16000[35200] | user:audio/pcm;rate=16000[28800]
        M end
          < generationComplete
          < turnComplete prompt 51 AUDIO, total 51
          ! TurnFinished #2
    "#]],
    );
    check(
        &format!("{AUTO} signals\nC film 700ms 300ms 600ms 300ms 600ms\nM end"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT signals
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C film 700ms 300ms 600ms 300ms 600ms
          < ACTIVITY_START at 700 ms
          < ACTIVITY_END at 1000 ms
          ! Generate #1 | user:audio/pcm;rate=16000[35200]
          < ACTIVITY_START at 1600 ms
          ! Cancel #1
          < interrupted
          < turnComplete prompt 28 AUDIO, total 28
          ! TurnFinished #1 interrupted
          < ACTIVITY_END at 1900 ms
          ! Generate #2 | user:audio/pcm;rate=16000[35200] user:audio/pcm;rate=16000[28800]
        M end
          < generationComplete
          < turnComplete prompt 51 AUDIO, total 51
          ! TurnFinished #2
    "#]],
    );
}

#[test]
fn speech_interrupts_when_its_start_is_committed() {
    check(
        &format!(
            "{AUTO} signals prefix=40 silence=100\nC text tell me\nM text once\nC hush 80ms\nC hear 30ms\nC hear 10ms\nM text upon\nC hush 100ms"
        ),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT signals prefix=40 silence=100
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text tell me
              ! Generate #1 | user:'tell me'
            M text once
              < :'once'
            C hush 80ms
            C hear 30ms
            C hear 10ms
              < ACTIVITY_START at 80 ms
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1 interrupted
            M text upon
            C hush 100ms
              < ACTIVITY_END at 120 ms
              ! Generate #2 user:'tell me' model:'once' | user:audio/pcm;rate=16000[7040]
        "#]],
    );
}

#[test]
fn speech_that_may_not_interrupt_is_answered_behind_the_answer() {
    check(
        &format!(
            "{AUTO} nointerrupt signals\nC text tell me\nM text once\nC hear 300ms\nC hush 500ms\nM text upon\nM end\nM text yes?\nM end"
        ),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT nointerrupt signals
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text tell me
              ! Generate #1 | user:'tell me'
            M text once
              < :'once'
            C hear 300ms
              < ACTIVITY_START at 0 ms
            C hush 500ms
              < ACTIVITY_END at 300 ms
            M text upon
              < :'upon'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 2 TEXT, total 4
              ! TurnFinished #1
              ! Generate #2 user:'tell me' model:'onceupon' | user:audio/pcm;rate=16000[25600]
            M text yes?
              < :'yes?'
            M end
              < generationComplete
              < turnComplete prompt 4 TEXT + 20 AUDIO, response 1 TEXT, total 25
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn speech_that_outlasts_the_answer_it_could_not_cut_has_the_floor() {
    check(
        &format!("{AUTO} nointerrupt\nC text tell me\nC hear 300ms\nM text once\nM end\nC hear 200ms\nC hush 500ms"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT nointerrupt
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text tell me
              ! Generate #1 | user:'tell me'
            C hear 300ms
            M text once
              < :'once'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1
            C hear 200ms
            C hush 500ms
              ! Generate #2 user:'tell me' model:'once' | user:audio/pcm;rate=16000[32000]
        "#]],
    );
}

#[test]
fn the_end_of_the_stream_ends_speech_and_what_was_no_speech_is_gone() {
    check(
        &format!("{AUTO} signals\nC hear 205ms\nC streamend\nC hear 50ms\nC streamend\nC hear 200ms\nwait 1000ms"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT signals
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hear 205ms
              < ACTIVITY_START at 0 ms
            C streamend
              < ACTIVITY_END at 200 ms
              ! Generate #1 | user:audio/pcm;rate=16000[6560]
            C hear 50ms
            C streamend
            C hear 200ms
              < ACTIVITY_START at 250 ms
              ! Cancel #1
              < interrupted
              < turnComplete prompt 6 AUDIO, total 6
              ! TurnFinished #1 interrupted
            wait 1000ms
              after 800 ms
              < ACTIVITY_END at 450 ms
              ! Generate #2 | user:audio/pcm;rate=16000[6560] user:audio/pcm;rate=16000[6400]
        "#]],
    );
}

#[test]
fn a_stream_may_pause_for_as_long_as_its_silence() {
    check(
        &format!("{AUTO} silence=2000\nC hear 300ms\nwait 1900ms\nC hear 10ms\nwait 3000ms"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT silence=2000
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C hear 300ms
        wait 1900ms
        C hear 10ms
        wait 3000ms
          after 2000 ms
          ! Generate #1 | user:audio/pcm;rate=16000[9920]
    "#]],
    );
}

#[test]
fn text_ends_speech_and_takes_it_with_it() {
    check(
        &format!("{AUTO} signals\nC hear 300ms\nC say and this\nC hear 90ms\nC hear 10ms\nC hush 500ms"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT signals
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hear 300ms
              < ACTIVITY_START at 0 ms
            C say and this
              < ACTIVITY_END at 300 ms
              ! Generate #1 | user:audio/pcm;rate=16000[9600]+'and this'
            C hear 90ms
            C hear 10ms
              < ACTIVITY_START at 300 ms
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT + 8 AUDIO, total 10
              ! TurnFinished #1 interrupted
            C hush 500ms
              < ACTIVITY_END at 400 ms
              ! Generate #2 | user:audio/pcm;rate=16000[9600]+'and this' user:audio/pcm;rate=16000[19200]
        "#]],
    );
}

#[test]
fn pictures_from_before_the_speech_are_left_out_where_only_activity_counts() {
    let said = "C see\nwait 1000ms\nC hush 500ms\nC see\nwait 1000ms\nC hear 300ms\nC see\nC hush 500ms";
    check(
        &format!("{AUTO}\n{said}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C see
        wait 1000ms
        C hush 500ms
        C see
        wait 1000ms
        C hear 300ms
        C see
        C hush 500ms
          ! Generate #1 | user:audio/pcm;rate=16000[9600]+image/jpeg[10]+audio/pcm;rate=16000[9600]+image/jpeg[10]+audio/pcm;rate=16000[16000]
    "#]],
    );
    check(
        &format!("{AUTO} allvideo\n{said}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT allvideo
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C see
        wait 1000ms
        C hush 500ms
        C see
        wait 1000ms
        C hear 300ms
        C see
        C hush 500ms
          ! Generate #1 | user:image/jpeg[10]+audio/pcm;rate=16000[9600]+image/jpeg[10]+audio/pcm;rate=16000[9600]+image/jpeg[10]+audio/pcm;rate=16000[16000]
    "#]],
    );
    check(
        &format!("{AUTO} allinput\n{said}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT allinput
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C see
        wait 1000ms
        C hush 500ms
        C see
        wait 1000ms
        C hear 300ms
        C see
        C hush 500ms
          ! Generate #1 | user:image/jpeg[10]+audio/pcm;rate=16000[16000]+image/jpeg[10]+audio/pcm;rate=16000[9600]+image/jpeg[10]+audio/pcm;rate=16000[16000]
    "#]],
    );
}

#[test]
fn of_two_frames_in_a_second_the_later_counts() {
    check(
        &format!("{AUTO}\nC see\nC image2\nwait 999ms\nC see\nwait 1ms\nC see\nC say what\nC see\nC say and now"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C see
            C image2
            wait 999ms
            C see
            wait 1ms
            C see
            C say what
              ! Generate #1 | user:image/jpeg[10]+image/jpeg[10]+'what'
            C see
            C say and now
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT + 516 VIDEO, total 517
              ! TurnFinished #1 interrupted
              ! Generate #2 | user:image/jpeg[10]+image/jpeg[10]+'what' user:'and now'
        "#]],
    );
}

#[test]
fn the_older_signal_is_sent_where_the_host_says_so() {
    check_with(
        ServerConfig { vad_signal: VadSignal::DetectionSignal, ..ServerConfig::new(Backend::Gemini) },
        &format!("{AUTO} signals\nC hear 200ms\nC hush 500ms"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT signals
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hear 200ms
              < VAD_SIGNAL_TYPE_SOS
            C hush 500ms
              < VAD_SIGNAL_TYPE_EOS
              ! Generate #1 | user:audio/pcm;rate=16000[22400]
        "#]],
    );
}

#[test]
fn every_format_comes_to_the_model_as_one() {
    check(
        "C setup models/gemini-live-2.5-flash-preview TEXT manual
         C start
         C audio audio/pcm;rate=48000 4801
         C audio audio/pcm;rate=48000 4799
         C audio audio/pcmu 800
         C end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT manual
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C start
            C audio audio/pcm;rate=48000 4801
            C audio audio/pcm;rate=48000 4799
            C audio audio/pcmu 800
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[6400]
        "#]],
    );
}

#[test]
fn formats_that_are_not_taken_are_refused() {
    for (message, expected) in [
        (
            "audio audio/ogg 10",
            expect![[r#"
                C setup models/gemini-live-2.5-flash-preview TEXT
                  < setupComplete
                  ! SetupAccepted HalfCascade25 Text
                C audio audio/ogg 10
                  ! Violation realtimeInput.audio.mimeType: sound is 16-bit PCM, G.711 (audio/pcmu, audio/pcma) or WAV; found "audio/ogg"; send audio/pcm;rate=16000
                  < close 1007 Request contains an invalid argument.
                  ! Closed: realtimeInput.audio.mimeType: sound is 16-bit PCM, G.711 (audio/pcmu, audio/pcma) or WAV; found "audio/ogg"; send audio/pcm;rate=16000
            "#]],
        ),
        (
            "audio audio/pcm;rate=96000 10",
            expect![[r#"
                C setup models/gemini-live-2.5-flash-preview TEXT
                  < setupComplete
                  ! SetupAccepted HalfCascade25 Text
                C audio audio/pcm;rate=96000 10
                  ! Violation realtimeInput.audio.mimeType: sound has 8000 to 48000 samples a second; found "audio/pcm;rate=96000"; send audio/pcm;rate=16000
                  < close 1007 Request contains an invalid argument.
                  ! Closed: realtimeInput.audio.mimeType: sound has 8000 to 48000 samples a second; found "audio/pcm;rate=96000"; send audio/pcm;rate=16000
            "#]],
        ),
        (
            "audio audio/wav 10",
            expect![[r#"
                C setup models/gemini-live-2.5-flash-preview TEXT
                  < setupComplete
                  ! SetupAccepted HalfCascade25 Text
                C audio audio/wav 10
                  ! Violation realtimeInput.audio: expected a file that begins with RIFF and WAVE; convert it to WAV; found "audio/wav"; send audio/pcm;rate=16000
                  < close 1007 Failed to parse WAV audio.
                  ! Closed: realtimeInput.audio: expected a file that begins with RIFF and WAVE; convert it to WAV; found "audio/wav"; send audio/pcm;rate=16000
            "#]],
        ),
        (
            "picture image/gif",
            expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C picture image/gif
              ! Violation realtimeInput.video.mimeType: pictures are image/jpeg, image/jpg, image/png, image/webp, image/heic, image/heif; found "image/gif"; send image/jpeg
              < close 1007 Request contains an invalid argument.
              ! Closed: realtimeInput.video.mimeType: pictures are image/jpeg, image/jpg, image/png, image/webp, image/heic, image/heif; found "image/gif"; send image/jpeg
        "#]],
        ),
        (
            "picture video/mp4",
            expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C picture video/mp4
              ! Violation realtimeInput.video.mimeType: video takes an image type; found "video/mp4"; send image/jpeg
              < close 1007 Request contains an invalid argument.
              ! Closed: realtimeInput.video.mimeType: video takes an image type; found "video/mp4"; send image/jpeg
        "#]],
        ),
    ] {
        check(&format!("{AUTO}\nC {message}"), expected);
    }
}

#[test]
fn settings_of_the_detection_are_checked() {
    check(
        &format!("{AUTO} prefix=-1"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT prefix=-1
          ! Violation setup.realtimeInputConfig.automaticActivityDetection.prefixPaddingMs: it takes 0 to 30000; found -1; choose a number in that range, or leave it out
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.realtimeInputConfig.automaticActivityDetection.prefixPaddingMs: it takes 0 to 30000; found -1; choose a number in that range, or leave it out
    "#]],
    );
    check(
        &format!("{AUTO} manual signals silence=3"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT manual signals silence=3
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
          ! Warning NoEffect { path: "setup.explicitVadSignal" }
          ! Warning NoEffect { path: "setup.realtimeInputConfig.automaticActivityDetection" }
    "#]],
    );
}

#[test]
fn a_resumed_session_goes_on_in_the_middle_of_a_word() {
    check(
        &format!(
            "{AUTO} resumable signals silence=12000\nsaved\nC hush 1000ms\nC hear 255ms\nwait 10000ms\nsaved\nlost
            reconnect\n{AUTO} handle=1.2 signals silence=12000\nresumed\nC hear 5ms\nC hush 12000ms"
        ),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT resumable signals silence=12000
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C hush 1000ms
            C hear 255ms
              < ACTIVITY_START at 1000 ms
            wait 10000ms
              after 10000 ms
              ! Save 1.2 | speaking audio/pcm;rate=16000[17600]+160 bytes at 1250 ms
            saved
              < resumable 1.2
            lost
              ! Closed: the peer vanished without a close frame
            reconnect
            C setup models/gemini-live-2.5-flash-preview TEXT handle=1.2 signals silence=12000
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 2.1 | speaking audio/pcm;rate=16000[17600]+160 bytes at 1250 ms
            C hear 5ms
            C hush 12000ms
              < ACTIVITY_END at 1260 ms
              ! Generate #1 | user:audio/pcm;rate=16000[401920]
        "#]],
    );
}

#[test]
fn a_session_that_overflows_in_the_middle_of_a_message_closes() {
    check_with(
        ServerConfig {
            limits: Limits { speech_bytes_max: 4_000, history_bytes_max: 8_000, ..Limits::default() },
            ..ServerConfig::new(Backend::Gemini)
        },
        &format!("{AUTO}\nC hear 750ms"),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hear 750ms
              ! Generate #1 | user:audio/pcm;rate=16000[4160]
              ! Cancel #1
              < interrupted
              < turnComplete prompt 4 AUDIO, total 4
              ! TurnFinished #1 interrupted
              ! Violation the whole context: the session holds 9392 bytes, of 8000 at most; start a new session
              < close 1007 Request contains an invalid argument.
              ! Closed: the whole context: the session holds 9392 bytes, of 8000 at most; start a new session
        "#]],
    );
}
