//! What was understood of the user's speech: told to the client, and kept beside the sound.

use super::*;

#[test]
fn what_was_heard_is_told_in_pieces_and_kept() {
    check(
        "C setup models/gemini-live-2.5-flash-preview manual heard
         C start
         C hear 100ms
         C end
         M heard good
         M heard  day.
         M text Hello.
         M end
         C say and",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview manual heard
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C start
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]
            M heard good
              < inputTranscription 'good'
            M heard  day.
              < inputTranscription ' day'
            M text Hello.
              < :'Hello.'
            M end
              < generationComplete
              < turnComplete prompt 3 AUDIO, response 2 TEXT, total 5
              ! TurnFinished #1
            C say and
              ! Generate #2 user:audio/pcm;rate=16000[3200] 'good day' model:'Hello.' | user:'and'
        "#]],
    );
}

#[test]
fn later_models_tell_what_was_heard_at_once() {
    check(
        "C setup models/gemini-3.8-live manual heard
         C start
         C hear 100ms
         C see
         C hear 100ms
         C end
         M heard good
         M heard  day.
         M heard to you
         M speech 20ms Hello.
         M end",
        expect![[r#"
            C setup models/gemini-3.8-live manual heard
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C start
            C hear 100ms
            C see
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]+image/jpeg[10]+audio/pcm;rate=16000[3200]
            M heard good
            M heard  day.
              < inputTranscription 'good day'
            M heard to you
            M speech 20ms Hello.
              < inputTranscription 'to you'
              < :audio/pcm;rate=24000[960]
            M end
              < generationComplete
        "#]],
    );
}

#[test]
fn vertex_tells_the_end_of_what_was_heard() {
    check_with(
        vertex(),
        "C setup models/gemini-live-2.5-flash-preview TEXT manual heard
         C start
         C hear 100ms
         C end
         M heard good day.
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT manual heard
              < setupComplete a-uuid
              ! SetupAccepted HalfCascade25 Text
            C start
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]
            M heard good day.
              < inputTranscription 'good day'
              < inputTranscription '' finished
            M end
              < generationComplete
              < turnComplete prompt 3 AUDIO, total 3
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn nobody_is_told_who_did_not_ask() {
    check(
        "C setup models/gemini-live-2.5-flash-preview manual
         C start
         C hear 100ms
         C end
         M heard good day.
         M end
         C say and",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview manual
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C start
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]
            M heard good day.
            M end
              < generationComplete
              < turnComplete prompt 3 AUDIO, total 3
              ! TurnFinished #1
            C say and
              ! Generate #2 user:audio/pcm;rate=16000[3200] 'good day' | user:'and'
        "#]],
    );
}

#[test]
fn what_was_half_heard_is_heard_again() {
    check(
        "C setup models/gemini-live-2.5-flash-preview manual heard
         C start
         C hear 100ms
         C end
         M heard good day.
         C start
         C hear 200ms
         C end
         M heard and
         C start
         C hear 300ms
         C end
         M heard .
         M heard and then.
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview manual heard
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C start
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]
            M heard good day.
              < inputTranscription 'good day'
            C start
              ! Cancel #1
              < interrupted
              < turnComplete prompt 3 AUDIO, total 3
              ! TurnFinished #1 interrupted
            C hear 200ms
            C end
              ! Generate #2 | user:audio/pcm;rate=16000[3200] 'good day' user:audio/pcm;rate=16000[6400]
            M heard and
              < inputTranscription 'and'
            C start
              ! Cancel #2
              < interrupted
              < turnComplete prompt 8 AUDIO, total 8
              ! TurnFinished #2 interrupted
            C hear 300ms
            C end
              ! Generate #3 | user:audio/pcm;rate=16000[3200] 'good day' user:audio/pcm;rate=16000[6400] user:audio/pcm;rate=16000[9600]
            M heard .
            M heard and then.
              < inputTranscription 'and then'
            M end
              < generationComplete
              < turnComplete prompt 16 AUDIO, total 16
              ! TurnFinished #3
        "#]],
    );
}

#[test]
fn what_was_heard_of_nothing_is_only_told() {
    check(
        "C setup models/gemini-live-2.5-flash-preview manual heard
         C text hi
         M heard a cough.
         M end
         C text hi",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview manual heard
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text hi
              ! Generate #1 | user:'hi'
            M heard a cough.
              < inputTranscription 'a cough'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, total 1
              ! TurnFinished #1
            C text hi
              ! Generate #2 user:'hi' | user:'hi'
        "#]],
    );
}

#[test]
fn what_was_heard_survives_a_snapshot() {
    check(
        "C setup models/gemini-live-2.5-flash-preview manual heard resumable
         saved
         C start
         C hear 100ms
         C end
         M heard good day.
         M end
         saved
         lost
         reconnect
         C setup models/gemini-live-2.5-flash-preview manual heard handle=1.2
         resumed
         C text and",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview manual heard resumable
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C start
            C hear 100ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[3200]
              < not resumable
            M heard good day.
              < inputTranscription 'good day'
            M end
              < generationComplete
              < turnComplete prompt 3 AUDIO, total 3
              ! TurnFinished #1
              ! Save 1.2 user:audio/pcm;rate=16000[3200] 'good day' |
            saved
              < resumable 1.2
            lost
              ! Closed: the peer vanished without a close frame
            reconnect
            C setup models/gemini-live-2.5-flash-preview manual heard handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 2.1 user:audio/pcm;rate=16000[3200] 'good day' |
            C text and
              ! Generate #1 user:audio/pcm;rate=16000[3200] 'good day' | user:'and'
        "#]],
    );
}

#[test]
fn a_caption_is_told_and_not_kept() {
    check(
        "C setup models/gemini-3.8-live manual heard
         C start
         C hear 2000ms
         C end
         M caption [speech 2.0 s]
         M end
         C say and",
        expect![[r#"
            C setup models/gemini-3.8-live manual heard
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C start
            C hear 2000ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[64000]
            M caption [speech 2.0 s]
              < inputTranscription '[speech 2.0 s]'
            M end
              < generationComplete
              < turnComplete prompt 50 AUDIO, total 50
              ! TurnFinished #1
            C say and
              ! Generate #2 user:audio/pcm;rate=16000[64000] | user:'and'
        "#]],
    );
}
