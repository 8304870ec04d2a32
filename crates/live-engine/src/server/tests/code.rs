//! Code of the model's own: shown, kept, and counted; what it gave was read by the model, not said.

use super::*;

#[test]
fn code_and_what_it_gave_are_sent_and_kept_in_order() {
    check(
        "C setup models/gemini-live-2.5-flash-preview
         C text hi
         M text Let me see.
         M code print(6 * 7)
         M gave 42 and a few words more
         M text It is 42.
         M end
         C text and now",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text hi
              ! Generate #1 | user:'hi'
            M text Let me see.
              < :'Let me see.'
            M code print(6 * 7)
              < :code 'print(6 * 7)'
            M gave 42 and a few words more
              < :Ok '42 and a few words more'
            M text It is 42.
              < :'It is 42.'
            M end
              < generationComplete
              < turnComplete prompt 1 TEXT, response 8 TEXT, tool use 6 TEXT, total 15
              ! TurnFinished #1
            C text and now
              ! Generate #2 user:'hi' model:'Let me see.'+code 'print(6 * 7)'+Ok '42 and a few words more'+'It is 42.' | user:'and now'
        "#]],
    );
}

#[test]
fn a_limit_on_tokens_does_not_part_code_from_what_it_gives() {
    check(
        "C setup models/gemini-live-2.5-flash-preview max=1
         C text hi
         M code print(6 * 7)
         M gave 42
         M text It is 42.",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview max=1
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
            C text hi
              ! Generate #1 | user:'hi'
            M code print(6 * 7)
              < :code 'print(6 * 7)'
            M gave 42
              < :Ok '42'
              ! Cancel #1
              < generationComplete
              < turnComplete prompt 1 TEXT, response 3 TEXT, tool use 1 TEXT, total 5
              ! TurnFinished #1
            M text It is 42.
        "#]],
    );
}
