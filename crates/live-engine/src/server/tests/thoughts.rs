//! Thoughts: shown to who asks for them, counted always, and never said, transcribed or remembered.

use super::*;

#[test]
fn thoughts_are_shown_on_request_and_counted_always() {
    let steps = "C text think\nM thought hmmm\nM text Yes.\nM end\nC text again";
    let model = "C setup models/gemini-live-2.5-flash-preview";
    check(
        &format!("{model} thoughts\n{steps}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview thoughts
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C text think
          ! Generate #1 | user:'think'
        M thought hmmm
          < :thought 'hmmm'
        M text Yes.
          < :'Yes.'
        M end
          < generationComplete
          < turnComplete prompt 2 TEXT, response 1 TEXT, thoughts 1, total 4
          ! TurnFinished #1
        C text again
          ! Generate #2 user:'think' model:'Yes.' | user:'again'
    "#]],
    );
    check(
        &format!("{model}\n{steps}"),
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview
          < setupComplete
          ! SetupAccepted HalfCascade25 Text
        C text think
          ! Generate #1 | user:'think'
        M thought hmmm
        M text Yes.
          < :'Yes.'
        M end
          < generationComplete
          < turnComplete prompt 2 TEXT, response 1 TEXT, thoughts 1, total 4
          ! TurnFinished #1
        C text again
          ! Generate #2 user:'think' model:'Yes.' | user:'again'
    "#]],
    );
}

#[test]
fn thoughts_are_neither_spoken_nor_transcribed() {
    let steps = "C text think\nM thought hmmm\nM speech 100ms Yes,\nM thought so\nM speech 100ms I do.\nM end\nwait 1000ms\nC text again";
    let model = "C setup models/gemini-2.5-flash-native-audio-preview-12-2025 transcripts";
    check(
        &format!("{model} thoughts\n{steps}"),
        expect![[r#"
        C setup models/gemini-2.5-flash-native-audio-preview-12-2025 transcripts thoughts
          < setupComplete
          ! SetupAccepted NativeAudio25 Audio Puck
        C text think
          ! Generate #1 | user:'think'
        M thought hmmm
          < :thought 'hmmm'
        M speech 100ms Yes,
          < :audio/pcm;rate=24000[1920]
          < outputTranscription 'Yes,'
          < :audio/pcm;rate=24000[2880]
        M thought so
          < :thought 'so'
        M speech 100ms I do.
          < :audio/pcm;rate=24000[4800]
          < outputTranscription 'I do.'
        M end
          < generationComplete
        wait 1000ms
          after 200 ms
          < turnComplete prompt 2 TEXT, response 5 AUDIO, thoughts 2, total 9
          ! TurnFinished #1
        C text again
          ! Generate #2 user:'think' model:'Yes,I do.' | user:'again'
    "#]],
    );
    check(
        &format!("{model}\n{steps}"),
        expect![[r#"
        C setup models/gemini-2.5-flash-native-audio-preview-12-2025 transcripts
          < setupComplete
          ! SetupAccepted NativeAudio25 Audio Puck
        C text think
          ! Generate #1 | user:'think'
        M thought hmmm
        M speech 100ms Yes,
          < :audio/pcm;rate=24000[1920]
          < outputTranscription 'Yes,'
          < :audio/pcm;rate=24000[2880]
        M thought so
        M speech 100ms I do.
          < :audio/pcm;rate=24000[4800]
          < outputTranscription 'I do.'
        M end
          < generationComplete
        wait 1000ms
          after 200 ms
          < turnComplete prompt 2 TEXT, response 5 AUDIO, thoughts 2, total 9
          ! TurnFinished #1
        C text again
          ! Generate #2 user:'think' model:'Yes,I do.' | user:'again'
    "#]],
    );
}

#[test]
fn what_interrupts_a_thought_leaves_nothing_of_it_but_its_cost() {
    check(
        "C setup models/gemini-live-2.5-flash-preview thoughts
         C text think
         M thought hmmm
         C text stop
         M thought I stop.
         M text Yes.
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview thoughts
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text think
              ! Generate #1 | user:'think'
            M thought hmmm
              < :thought 'hmmm'
            C text stop
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT, thoughts 1, total 3
              ! TurnFinished #1 interrupted
              ! Generate #2 | user:'think' user:'stop'
            M thought I stop.
              < :thought 'I stop.'
            M text Yes.
              < :'Yes.'
            M end
              < generationComplete
              < turnComplete prompt 3 TEXT, response 1 TEXT, thoughts 2, total 6
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn a_session_that_is_taken_up_again_knows_no_thoughts() {
    let text = "C setup models/gemini-live-2.5-flash-preview thoughts";
    check(
        &format!(
            "{text} resumable\nsaved\nC text think\nM thought hmmm\nM text Yes.\nM end\nsaved\nreconnect\n{text} handle=1.2\nresumed\nC text again"
        ),
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview thoughts resumable
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C text think
              ! Generate #1 | user:'think'
              < not resumable
            M thought hmmm
              < :thought 'hmmm'
            M text Yes.
              < :'Yes.'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 1 TEXT, thoughts 1, total 4
              ! TurnFinished #1
              ! Save 1.2 user:'think' model:'Yes.' |
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-live-2.5-flash-preview thoughts handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Save 2.1 user:'think' model:'Yes.' |
            C text again
              ! Generate #1 user:'think' model:'Yes.' | user:'again'
        "#]],
    );
}

#[test]
fn thoughts_use_up_what_may_be_put_out() {
    // The thought alone is all that it may put out.
    check(
        "C setup models/gemini-live-2.5-flash-preview thoughts max=2
         C text think
         M thought hmmmhmmm
         M text Yes.",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview thoughts max=2
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text think
              ! Generate #1 | user:'think'
            M thought hmmmhmmm
              < :thought 'hmmmhmmm'
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 2 TEXT, thoughts 2, total 4
              ! TurnFinished #1
            M text Yes.
        "#]],
    );
    // What is thought beyond it is not shown, whether words or thoughts reached it.
    check(
        "C setup models/gemini-live-2.5-flash-preview thoughts max=3 fn=weather
         C text think
         M thought hmmmhmmm
         M text Yes.
         M thought more
         M text No.
         M call weather",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview thoughts max=3 fn=weather
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text think
              ! Generate #1 | user:'think'
            M thought hmmmhmmm
              < :thought 'hmmmhmmm'
            M text Yes.
              < :'Yes.'
            M thought more
            M text No.
            M call weather
              < toolCall weather
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 4 TEXT, response 3 TEXT, thoughts 2, total 9
              ! TurnFinished #1
        "#]],
    );
}
