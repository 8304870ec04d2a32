//! Sessions that the host holds to something: a setup that is decided for the client, and leave to begin.

use std::sync::atomic::{AtomicBool, Ordering};

use live_proto::{DecodeError, DecodeErrorKind, JsonPath, Setup};

use super::*;
use crate::server::{Constraint, Kept};

/// Decides the instruction, keeps what it is told to keep, and cannot do anything with `models/unfit`.
#[derive(Debug)]
struct Strict(&'static [Kept]);

impl Constraint for Strict {
    fn apply(&self, mut sent: Setup) -> Result<Setup, DecodeError> {
        if sent.model == "models/unfit" {
            return Err(DecodeError { path: JsonPath::default(), kind: DecodeErrorKind::Base64 });
        }
        sent.system_instruction = Some(Content::unsigned(Part::text("decided")));
        Ok(sent)
    }

    fn keeps(&self, field: Kept) -> bool {
        self.0.contains(&field)
    }
}

fn held(kept: &'static [Kept]) -> ServerConfig {
    ServerConfig { constraint: Some(Arc::new(Strict(kept))), ..ServerConfig::new(Backend::Gemini) }
}

#[test]
fn a_session_begins_when_the_host_lets_it_and_hears_what_was_said_meanwhile() {
    check_with(
        held(&[]),
        "resumed
         admitted
         C setup models/gemini-2.0-flash-live-001 instruct=mine
         C turns user:early .
         resumed
         admitted
         admitted",
        expect![[r#"
            resumed
              rejected: no session waits to be resumed
            admitted
              rejected: no session waits for leave to begin
            C setup models/gemini-2.0-flash-live-001 instruct=mine
              ! Admit
            C turns user:early .
            resumed
              rejected: no session waits to be resumed
            admitted
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Generate #1 (:'decided') | user:'early'
            admitted
              rejected: no session waits for leave to begin
        "#]],
    );
}

#[test]
fn who_resumes_needs_no_leave() {
    check_with(
        held(&[]),
        "C setup models/gemini-2.0-flash-live-001 resumable
         admitted
         saved
         reconnect
         C setup models/gemini-2.0-flash-live-001 handle=1.1
         admitted
         resumed",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 resumable
              ! Admit
            admitted
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            reconnect
            C setup models/gemini-2.0-flash-live-001 handle=1.1
              ! Resume 1.1
            admitted
              rejected: no session waits for leave to begin
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
        "#]],
    );
}

#[test]
fn a_refusal_ends_a_session_whenever_it_comes_but_waits_for_a_setup() {
    check_with(
        held(&[]),
        "refused used
         C setup models/gemini-2.0-flash-live-001",
        expect![[r#"
            refused used
            C setup models/gemini-2.0-flash-live-001
              < close 1011 Token has been used too many times
              ! Closed: refused: TokenUsedUp
        "#]],
    );
    check_with(
        held(&[]),
        "C setup models/gemini-2.0-flash-live-001
         refused used
         admitted",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              ! Admit
            refused used
              < close 1011 Token has been used too many times
              ! Closed: refused: TokenUsedUp
            admitted
              rejected: the connection is over
        "#]],
    );
    check_with(
        held(&[]),
        "C setup models/gemini-2.0-flash-live-001
         admitted
         C turns user:hi .
         M text he
         refused expired
         refused expired",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              ! Admit
            admitted
              < setupComplete
              ! SetupAccepted Live20 Text
            C turns user:hi .
              ! Generate #1 (:'decided') | user:'hi'
            M text he
              < :'he'
            refused expired
              ! Cancel #1
              < close 1011 auth token has expired
              ! Closed: refused: TokenExpired
            refused expired
              rejected: the connection is over
        "#]],
    );
}

#[test]
fn a_host_that_does_not_answer_is_not_waited_for() {
    check_with(
        held(&[]),
        "C setup models/gemini-2.0-flash-live-001
         wait 20000ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001
              ! Admit
            wait 20000ms
              after 10000 ms
              < close 1011 Deadline expired before operation could complete.
              ! Closed: the peer did not finish the setup in time
        "#]],
    );
}

#[test]
fn a_setup_that_is_wrong_asks_for_no_leave() {
    check_with(
        held(&[]),
        "C setup models/unfit",
        expect![[r#"
            C setup models/unfit
              ! Violation bytes are base64, standard or URL-safe, padding optional: expected base64; encode the bytes with the standard base64 alphabet
              < close 1007 Invalid value (TYPE_BYTES), Base64 decoding failed
              ! Closed: bytes are base64, standard or URL-safe, padding optional: expected base64; encode the bytes with the standard base64 alphabet
        "#]],
    );
    check_with(
        held(&[]),
        "C setup models/unknown",
        expect![[r#"
        C setup models/unknown
          ! Violation setup.model: "models/unknown" is no model that this server knows; use a name that matches one of its model profiles
          < close 1008 models/unknown is not found for API version v1beta, or is not supported for bidiGenerateContent.
          ! Closed: setup.model: "models/unknown" is no model that this server knows; use a name that matches one of its model profiles
    "#]],
    );
}

#[test]
fn what_is_kept_does_not_change() {
    let open = "C setup models/gemini-2.0-flash-live-001\nadmitted\n";
    check_with(
        held(&[Kept::Tools]),
        &format!("{open}C instruct anew\nC untool"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001
          ! Admit
        admitted
          < setupComplete
          ! SetupAccepted Live20 Text
        C instruct anew
        C untool
          ! Violation contextUpdate.tools: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
          < close 1007 Request contains an invalid argument.
          ! Closed: contextUpdate.tools: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
    "#]],
    );
    check_with(
        held(&[Kept::SystemInstruction]),
        &format!("{open}C untool\nC instruct anew"),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001
          ! Admit
        admitted
          < setupComplete
          ! SetupAccepted Live20 Text
        C untool
        C instruct anew
          ! Violation contextUpdate.systemInstruction: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
          < close 1007 Request contains an invalid argument.
          ! Closed: contextUpdate.systemInstruction: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
    "#]],
    );
    let vertex = ServerConfig { constraint: Some(Arc::new(Strict(&[Kept::SystemInstruction]))), ..vertex() };
    check_with(
        vertex,
        &format!("{open}C turns system:anew ."),
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001
          ! Admit
        admitted
          < setupComplete a-uuid
          ! SetupAccepted Live20 Audio Puck
        C turns system:anew .
          ! Violation clientContent.turns[0]: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
          < close 1007 Request contains an invalid argument.
          ! Closed: clientContent.turns[0]: the ephemeral token that opened the session decides this; leave it as it is, or ask for a token that does not lock it
    "#]],
    );
}

/// Lets the first session be; the next has no instruction and no tools.
#[derive(Debug, Default)]
struct Later {
    is_first_over: AtomicBool,
    is_in_force: AtomicBool,
}

impl Constraint for Later {
    fn apply(&self, sent: Setup) -> Result<Setup, DecodeError> {
        let is_in_force = self.is_first_over.swap(true, Ordering::Relaxed);
        self.is_in_force.store(is_in_force, Ordering::Relaxed);
        Ok(if is_in_force { Setup { system_instruction: None, tools: Vec::new(), ..sent } } else { sent })
    }

    fn keeps(&self, _: Kept) -> bool {
        self.is_in_force.load(Ordering::Relaxed)
    }
}

#[test]
fn what_is_kept_is_kept_from_a_session_that_is_resumed_too() {
    let config = ServerConfig { constraint: Some(Arc::new(Later::default())), ..ServerConfig::new(Backend::Gemini) };
    check_with(
        config,
        "C setup models/gemini-2.0-flash-live-001 instruct=mine fn=f resumable
         admitted
         saved
         reconnect
         C setup models/gemini-2.0-flash-live-001 instruct=mine fn=f handle=1.1
         resumed
         C turns user:hi .
         M call f",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 instruct=mine fn=f resumable
              ! Admit
            admitted
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            reconnect
            C setup models/gemini-2.0-flash-live-001 instruct=mine fn=f handle=1.1
              ! Resume 1.1
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
            C turns user:hi .
              ! Generate #1 | user:'hi'
            M call f
              ! Warning CallMalformed { function: "f", path: "name", rule: "no function of this name is declared" }
              ! Cancel #1
              < generationComplete
              < turnComplete MALFORMED_FUNCTION_CALL prompt 1 TEXT, total 1
              ! TurnFinished #1
        "#]],
    );
}
