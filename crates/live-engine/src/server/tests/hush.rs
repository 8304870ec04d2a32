//! Activities in which nothing is said.

use super::*;

#[test]
fn an_empty_activity_asks_again_what_is_unanswered() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual
         C text hi
         C start
         C end
         M text Hello.
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            C start
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, total 1
              ! TurnFinished #1 interrupted
            C end
              ! Generate #2 | user:'hi'
            M text Hello.
              < :'Hello.'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
              ! TurnFinished #2
        "#]],
    );
}

#[test]
fn an_empty_activity_has_nothing_to_answer_once_the_answer_began() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual
         C text hi
         M text Hel
         C start
         C end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            M text Hel
              < :'Hel'
            C start
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
              ! TurnFinished #1 interrupted
            C end
              ! Violation realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
              < close 1007 No turn to complete
              ! Closed: realtimeInput.activityEnd: a completed turn holds something to answer; send content before completing the turn
        "#]],
    );
}

#[test]
fn an_empty_activity_does_nothing_to_an_answer_that_may_not_be_interrupted() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual nointerrupt
         C text hi
         M text Hel
         C start
         C end
         M text lo.
         M end",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual nointerrupt
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            M text Hel
              < :'Hel'
            C start
            C end
            M text lo.
              < :'lo.'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 2 TEXT, total 3
              ! TurnFinished #1
        "#]],
    );
}

#[test]
fn an_empty_content_stops_an_answer() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual
         C text hi
         M text Hel
         C turns
         C text again",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual
              < setupComplete
              ! SetupAccepted Live20 Text
            C text hi
              ! Generate #1 | user:'hi'
            M text Hel
              < :'Hel'
            C turns
              ! Cancel #1
              < interrupted
              < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
              ! TurnFinished #1 interrupted
            C text again
              ! Generate #2 user:'hi' model:'Hel' | user:'again'
        "#]],
    );
}
