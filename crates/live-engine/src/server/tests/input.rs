//! Input: content with its roles, and what flows.

use super::*;

#[test]
fn history_is_seeded_by_content_and_started_by_what_flows() {
    check(
        "C setup models/gemini-3.1-flash-live-preview seed
         C turns user:hi model:hello .
         C say _",
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview seed
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
            C turns user:hi model:hello .
            C say _
              ! Generate #1 user:'hi' model:'hello' | user:' '
        "#]],
    );
}

#[test]
fn a_seed_that_ends_with_the_user_is_answered_with_what_flows() {
    check(
        "C setup models/gemini-3.1-flash-live-preview seed
         C turns user:hi model:hello user:why? .
         C say _",
        expect![[r#"
            C setup models/gemini-3.1-flash-live-preview seed
              < setupComplete
              ! SetupAccepted Live31 Audio Puck
            C turns user:hi model:hello user:why? .
            C say _
              ! Generate #1 user:'hi' model:'hello' | user:'why?' user:' '
        "#]],
    );
}

#[test]
fn a_model_that_does_not_know_seeding_answers_the_seed() {
    check(
        "C setup models/gemini-live-2.5-flash-preview seed
         C turns model:instruction user:go .",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview seed
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
              ! Warning NoEffect { path: "setup.historyConfig.initialHistoryInClientContent" }
            C turns model:instruction user:go .
              ! Generate #1 | model:'instruction' user:'go'
        "#]],
    );
}

#[test]
fn the_last_turn_must_be_the_users_where_the_model_insists() {
    check(
        "C setup models/gemini-live-2.5-flash-preview\nC turns user:hi model:hello .",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C turns user:hi model:hello .
              ! Violation clientContent.turns: the model answers a user, and the last content has the role "model"; end the turns with one of role user
              < close 1007 Last chunk before turn_complete must have role user.
              ! Closed: clientContent.turns: the model answers a user, and the last content has the role "model"; end the turns with one of role user
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns user:hi model:hello .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns user:hi model:hello .
              ! Generate #1 | user:'hi' model:'hello'
        "#]],
    );
}

#[test]
fn roles_follow_the_model_and_the_backend() {
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns :hi .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns :hi .
              ! Generate #1 | user:'hi'
        "#]],
    );
    check(
        "C setup models/gemini-3.8-live\nC turns :hi .",
        expect![[r#"
        C setup models/gemini-3.8-live
          < setupComplete
          ! SetupAccepted Live38 Audio Puck
        C turns :hi .
          ! Violation clientContent.turns[0].role: the model requires a role; found ""; use the role user or model
          < close 1007 Request contains an invalid argument.
          ! Closed: clientContent.turns[0].role: the model requires a role; found ""; use the role user or model
    "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns system:hi .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns system:hi .
              ! Violation clientContent.turns[0].role: the Gemini API takes no content of role system; contextUpdate changes the instruction; found "system"; use the role user or model
              < close 1007 Request contains an invalid argument.
              ! Closed: clientContent.turns[0].role: the Gemini API takes no content of role system; contextUpdate changes the instruction; found "system"; use the role user or model
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns robot:hi .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns robot:hi .
              ! Violation clientContent.turns[0].role: a role is user or model; found "robot"; use the role user or model
              < close 1007 Request contains an invalid argument.
              ! Closed: clientContent.turns[0].role: a role is user or model; found "robot"; use the role user or model
        "#]],
    );
    check_with(
        vertex(),
        "C setup gemini-2.0-flash-live-001\nC turns system:brief user:hi .",
        expect![[r#"
            C setup gemini-2.0-flash-live-001
              < setupComplete a-uuid
              ! SetupAccepted Live20 Audio Puck
            C turns system:brief user:hi .
              ! Generate #1 (system:'brief') | user:'hi'
        "#]],
    );
}

#[test]
fn nothing_cannot_be_answered() {
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns .
              ! Violation clientContent.turnComplete: a completed turn holds something to answer; send content before completing the turn
              < close 1007 No turn to complete
              ! Closed: clientContent.turnComplete: a completed turn holds something to answer; send content before completing the turn
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001\nC turns user: .",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns user: .
              ! Violation clientContent.turns[0].parts: a content has parts; add a part, or leave the content out
              < close 1007 Request contains an invalid argument.
              ! Closed: clientContent.turns[0].parts: a content has parts; add a part, or leave the content out
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001 manual\nC end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C end
              ! Violation realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
              < close 1007 No turn to complete
              ! Closed: realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
        "#]],
    );
    check(
        "C setup models/gemini-2.0-flash-live-001 manual\nC start\nC end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C start
            C end
              ! Violation realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
              < close 1007 No turn to complete
              ! Closed: realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
        "#]],
    );
}

#[test]
fn a_framed_activity_is_one_turn() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual TEXT
         C hear 20ms
         C hear 20ms
         C start
         C start
         C hear 1000ms
         C hear 1000ms
         C see
         C say note
         C end
         M text Heard.
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual TEXT
              < setupComplete
              ! SetupAccepted Live20 Text
            C hear 20ms
              ! Warning OutsideActivity { mime_type: "audio/pcm;rate=16000" }
            C hear 20ms
            C start
            C start
              ! Warning ActivityAlreadyStarted
            C hear 1000ms
            C hear 1000ms
            C see
            C say note
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[64000]+image/jpeg[10]+'note'
            M text Heard.
              < :'Heard.'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT + 50 AUDIO + 258 VIDEO, response 2 TEXT, total 311
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn media_outside_an_activity_count_where_the_coverage_includes_them() {
    check(
        "C setup models/gemini-3.8-live manual
         C see
         C hear 20ms
         C start
         C hear 40ms
         C end",
        expect![[r#"
            C setup models/gemini-3.8-live manual
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C see
            C hear 20ms
              ! Warning OutsideActivity { mime_type: "audio/pcm;rate=16000" }
            C start
            C hear 40ms
            C end
              ! Generate #1 | user:image/jpeg[10]+audio/pcm;rate=16000[1280]
        "#]],
    );
    check(
        "C setup models/gemini-3.8-live manual allinput
         C hear 20ms
         C start
         C hear 40ms
         C end",
        expect![[r#"
            C setup models/gemini-3.8-live manual allinput
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C hear 20ms
            C start
            C hear 40ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[1920]
        "#]],
    );
}

#[test]
fn activity_signals_need_manual_detection() {
    check(
        "C setup models/gemini-2.0-flash-live-001\nC start",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C start
              ! Violation realtimeInput.activityStart: the server detects activity itself; set setup.realtimeInputConfig.automaticActivityDetection.disabled to true to frame speech yourself
              < close 1007 Explicit activity control is not supported when automatic activity detection is enabled.
              ! Closed: realtimeInput.activityStart: the server detects activity itself; set setup.realtimeInputConfig.automaticActivityDetection.disabled to true to frame speech yourself
        "#]],
    );
}

#[test]
fn a_stream_that_stops_is_a_turn() {
    check(
        "C setup models/gemini-live-2.5-flash-preview TEXT
         C hear 4000ms
         wait 500ms
         C chunks 100ms
         wait 2000ms
         M text Yes
         C hear 200ms
         C streamend
         C streamend",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview TEXT
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C hear 4000ms
            wait 500ms
            C chunks 100ms
            wait 2000ms
              after 800 ms
              ! Generate #1 | user:audio/pcm;rate=16000[131200]+image/jpeg[10]
            M text Yes
              < :'Yes'
            C hear 200ms
              ! Cancel #1
              < interrupted
              < turnComplete prompt 103 AUDIO + 258 VIDEO, response 1 TEXT, total 362
              ! TurnFinished #1 interrupted
            C streamend
              ! Generate #2 user:audio/pcm;rate=16000[131200]+image/jpeg[10] model:'Yes' | user:audio/pcm;rate=16000[6400]
            C streamend
        "#]],
    );
}

#[test]
fn typed_text_is_a_turn_at_once_and_ends_a_running_stream() {
    check(
        "C setup models/gemini-3.8-live
         C see
         C say what is this
         C hear 200ms
         C say and this
         wait 2000ms",
        expect![[r#"
            C setup models/gemini-3.8-live
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C see
            C say what is this
              ! Generate #1 | user:image/jpeg[10]+'what is this'
            C hear 200ms
              ! Cancel #1
              < interrupted
              < turnComplete prompt 3 TEXT + 258 VIDEO, total 261
              ! TurnFinished #1 interrupted
            C say and this
              ! Generate #2 | user:image/jpeg[10]+'what is this' user:audio/pcm;rate=16000[6400]+'and this'
            wait 2000ms
        "#]],
    );
}

#[test]
fn frames_and_pictures_are_counted_apart() {
    check(
        "C setup models/gemini-live-2.5-flash-preview
         C see
         C image
         M end",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C see
            C image
              ! Generate #1 | user:image/jpeg[10] user:image/jpeg[10]
            M end
              < generationComplete
              < turnComplete prompt 258 IMAGE + 258 VIDEO, total 516
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn speech_that_may_not_interrupt_waits_for_the_end_of_the_turn() {
    check(
        "C setup models/gemini-2.0-flash-live-001 nointerrupt manual TEXT
         C text count
         M text one
         C start
         C hear 20ms
         C end
         C start
         M text  two
         M end
         C hear 20ms
         C end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 nointerrupt manual TEXT
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one
              < :'one'
            C start
            C hear 20ms
            C end
            C start
            M text  two
              < :' two'
            M end
              < generationComplete
              < turnComplete prompt 2 TEXT, response 2 TEXT, total 4
              ! TurnFinished #1
              ! Generate #2 user:'count' model:'one two' | user:audio/pcm;rate=16000[640]
            C hear 20ms
            C end
        "#]],
    );
}

#[test]
fn content_interrupts_even_where_speech_may_not() {
    check(
        "C setup models/gemini-2.0-flash-live-001 nointerrupt
         C text count
         M text one
         C say wait
         C text stop",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 nointerrupt
              < setupComplete
              ! SetupAccepted Live20 Text
            C text count
              ! Generate #1 | user:'count'
            M text one
              < :'one'
            C say wait
            C text stop
              ! Cancel #1
              < interrupted
              < turnComplete prompt 2 TEXT, response 1 TEXT, total 3
              ! TurnFinished #1 interrupted
              ! Generate #2 user:'count' model:'one' | user:'wait' user:'stop'
        "#]],
    );
}

#[test]
fn only_sound_is_audio() {
    check(
        "C setup models/gemini-2.0-flash-live-001\nC audio application/json",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              < setupComplete
              ! SetupAccepted Live20 Text
            C audio application/json
              ! Violation realtimeInput.audio.mimeType: audio takes an audio type; found "application/json"; send audio/pcm;rate=16000
              < close 1007 Request contains an invalid argument.
              ! Closed: realtimeInput.audio.mimeType: audio takes an audio type; found "application/json"; send audio/pcm;rate=16000
        "#]],
    );
}

#[test]
fn an_update_of_the_context_holds_from_the_next_prompt_on() {
    check(
        "C setup models/gemini-3.8-live instruct=brief
         C text hi
         M end
         C instruct be verbose from now on
         C text hi
         M end",
        expect![[r#"
            C setup models/gemini-3.8-live instruct=brief
              < setupComplete
              ! SetupAccepted Live38 Audio Puck
            C text hi
              ! Generate #1 (user:'brief') | user:'hi'
            M end
              < generationComplete
              < turnComplete prompt 3 TEXT, total 3
              ! TurnFinished #1
            C instruct be verbose from now on
            C text hi
              ! Generate #2 (user:'be verbose from now on') user:'hi' | user:'hi'
            M end
              < generationComplete
              < turnComplete prompt 8 TEXT, total 8
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn a_message_that_says_nothing_is_passed_over() {
    check(
        "C setup models/gemini-3.8-live\nC nothing\nC say",
        expect![[r#"
        C setup models/gemini-3.8-live
          < setupComplete
          ! SetupAccepted Live38 Audio Puck
        C nothing
          ! Warning EmptyMessage
        C say
          ! Warning EmptyMessage
    "#]],
    );
}

#[test]
fn sound_outside_activities_is_complained_of_once_between_two_of_them() {
    check(
        "C setup models/gemini-2.0-flash-live-001 TEXT manual\nC hear 20ms\nC hear 20ms\nC start\nC hear 20ms\nC end\nM end\nC hear 20ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C hear 20ms
              ! Warning OutsideActivity { mime_type: "audio/pcm;rate=16000" }
            C hear 20ms
            C start
            C hear 20ms
            C end
              ! Generate #1 | user:audio/pcm;rate=16000[640]
            M end
              < generationComplete
              < turnComplete prompt 1 AUDIO, total 1
              ! TurnFinished #1
            C hear 20ms
              ! Warning OutsideActivity { mime_type: "audio/pcm;rate=16000" }
        "#]],
    );
}
