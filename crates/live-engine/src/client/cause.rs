//! Why a connection ended, as a client can know it: the close code and text, the phase, and what the two mean together.
//!
//! Not here: whether to dial again ([`crate::client_session`]).

use std::fmt;

use live_proto::DecodeError;

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There was no connection yet.
    Dial,
    /// The server had not answered the setup.
    Setup,
    /// The session was open.
    Open,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CloseCause {
    /// The WebSocket close code, if the peer sent one.
    pub code: Option<u16>,
    /// The peer's text, or the adapter's error.
    pub reason: String,
    /// How far the connection had come.
    pub phase: Phase,
    /// What it means.
    pub cause: Cause,
    /// Function calls that nobody will answer any more.
    pub open_calls: usize,
}

/// What the end of a connection means.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// Our host closed it.
    Local,
    /// The server closed it in the normal way.
    Normal,
    /// The connection broke: no close frame was seen.
    Lost,
    /// The server did not answer the setup in time.
    SetupTimeout,
    /// The server's first message was not `setupComplete`.
    NotALiveServer,
    /// The server's bytes were no message, before the session was open.
    Unreadable(DecodeError),
    /// The setup or a message was refused; the same bytes will be refused again.
    InvalidArgument,
    /// The key, token or project may not use the service.
    Unauthorized,
    /// The model's name is unknown, or the model is not for this API.
    ModelNotFound,
    /// The handle names no session.
    SessionNotFound,
    /// Too much use: too many sessions, tokens or requests.
    Quota,
    /// The connection reached the end of its life, with or without a `goAway` before.
    Expired,
    /// The server failed or has no room; another attempt may succeed.
    Unavailable,
    /// The server closed with a code and text that mean nothing in particular.
    Other,
}

impl Cause {
    /// Reads a close frame. Texts are matched by what the service is known to send; codes decide the rest.
    pub fn read(code: Option<u16>, reason: &str, phase: Phase) -> Self {
        for (words, cause) in BY_TEXT {
            if reason.contains(words) {
                return cause.clone();
            }
        }
        match (code, phase) {
            // Google closes normally when it will not have the configuration of a native audio model.
            (Some(1000), Phase::Dial | Phase::Setup) => Self::InvalidArgument,
            (Some(1000) | None, Phase::Open) => Self::Normal,
            (Some(1001), _) => Self::Expired,
            (Some(1007), _) => Self::InvalidArgument,
            (Some(1011..=1013), _) => Self::Unavailable,
            (Some(_), _) | (None, Phase::Dial | Phase::Setup) => Self::Other,
        }
    }

    /// Reads the HTTP status that an upgrade was answered with in place of a WebSocket.
    pub fn of_http(status: u16) -> Self {
        match status {
            401 | 403 => Self::Unauthorized,
            429 => Self::Quota,
            500..=599 => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// Texts of the service and what they mean, the more telling first.
const BY_TEXT: &[(&str, Cause)] = &[
    ("API key", Cause::Unauthorized),
    ("unregistered callers", Cause::Unauthorized),
    ("denied access", Cause::Unauthorized),
    ("has not been used in project", Cause::Unauthorized),
    ("location is not supported", Cause::Unauthorized),
    ("auth token", Cause::Unauthorized),
    ("Token has been used", Cause::Unauthorized),
    ("session not found", Cause::SessionNotFound),
    ("Invalid session handle", Cause::SessionNotFound),
    ("is not found for API version", Cause::ModelNotFound),
    ("Publisher Model", Cause::ModelNotFound),
    ("not supported in the live api", Cause::ModelNotFound),
    ("quota", Cause::Quota),
    ("Resource has been exhausted", Cause::Quota),
    ("credits are depleted", Cause::Quota),
    ("Deadline expired", Cause::Expired),
    ("operation was aborted", Cause::Expired),
    ("Connection aborted", Cause::Expired),
];

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.cause {
            Cause::Local => "closed by us",
            Cause::Normal => "closed by the server",
            Cause::Lost => "connection lost",
            Cause::SetupTimeout if self.phase == Phase::Dial => "no connection was made in time",
            Cause::SetupTimeout => "the server did not answer the setup in time",
            Cause::NotALiveServer => "the server's first message is not setupComplete",
            Cause::Unreadable(error) => return write!(f, "the server's first message cannot be read: {error}"),
            Cause::InvalidArgument => "the server refused an argument",
            Cause::Unauthorized => "the server refused the credential",
            Cause::ModelNotFound => "the server does not have this model",
            Cause::SessionNotFound => "the server does not have this session",
            Cause::Quota => "the quota is used up",
            Cause::Expired => "the connection reached the end of its life",
            Cause::Unavailable => "the server is not available",
            Cause::Other => "the server closed the connection",
        };
        f.write_str(what)?;
        // The others say so themselves.
        let says_when =
            matches!(self.cause, Cause::Local | Cause::SetupTimeout | Cause::NotALiveServer | Cause::Unreadable(_));
        match self.phase {
            Phase::Dial if !says_when => f.write_str(" while dialling")?,
            Phase::Setup if !says_when => f.write_str(" during setup")?,
            Phase::Dial | Phase::Setup | Phase::Open => {}
        }
        if let Some(code) = self.code {
            write!(f, " ({code})")?;
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

impl std::error::Error for CloseCause {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, reason: &str, phase: Phase, cause: Cause) {
        assert_eq!(Cause::read(Some(code), reason, phase), cause, "{code} {reason}");
    }

    #[test]
    fn closes_of_the_service_are_told_apart() {
        check(1000, "", Phase::Open, Cause::Normal);
        check(1000, "", Phase::Setup, Cause::InvalidArgument);
        check(1007, "Request contains an invalid argument.", Phase::Open, Cause::InvalidArgument);
        check(1007, "API key not valid. Please pass a valid API key.", Phase::Setup, Cause::Unauthorized);
        check(
            1008,
            "models/x is not found for API version v1beta, or is not supported for bidiGenerateContent.",
            Phase::Setup,
            Cause::ModelNotFound,
        );
        check(1008, "BidiGenerateContent session not found", Phase::Setup, Cause::SessionNotFound);
        check(1008, "The operation was aborted.", Phase::Open, Cause::Expired);
        check(1008, "Operation is not implemented, or supported, or enabled.", Phase::Open, Cause::Other);
        check(1011, "Deadline expired before operation could complete.", Phase::Open, Cause::Expired);
        check(1011, "You exceeded your current quota, please check", Phase::Setup, Cause::Quota);
        check(1011, "auth token has expired", Phase::Open, Cause::Unauthorized);
        check(1011, "Internal error encountered.", Phase::Open, Cause::Unavailable);
    }

    #[test]
    fn http_statuses_are_told_apart() {
        for (status, cause) in [
            (401, Cause::Unauthorized),
            (403, Cause::Unauthorized),
            (404, Cause::Other),
            (429, Cause::Quota),
            (500, Cause::Unavailable),
            (503, Cause::Unavailable),
            (600, Cause::Other),
        ] {
            assert_eq!(Cause::of_http(status), cause, "{status}");
        }
    }

    #[test]
    fn whatever_our_server_closes_with_a_client_understands() {
        use crate::close::{CloseReason, Refusal};
        for refusal in Refusal::ALL {
            let told = CloseReason::Refused(refusal).told();
            assert_ne!(Cause::read(Some(told.code), told.text.as_str(), Phase::Setup), Cause::Other, "{refusal:?}");
        }
    }

    #[test]
    fn the_error_reads_as_a_sentence() {
        let close = CloseCause {
            code: Some(1007),
            reason: "API key expired. Please renew the API key.".into(),
            phase: Phase::Setup,
            cause: Cause::Unauthorized,
            open_calls: 0,
        };
        assert_eq!(
            close.to_string(),
            "the server refused the credential during setup (1007): API key expired. Please renew the API key."
        );
    }
}
