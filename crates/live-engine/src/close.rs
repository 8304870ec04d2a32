//! Why a connection is closed, and the one table that says what the peer is told about it.
//!
//! Not here: what a peer can do wrong, one by one ([`crate::violation`]), and what a client makes of a close it receives
//! ([`crate::client`]).

use std::fmt;

use crate::engine::Disconnect;
use crate::server::{Cut, Lifetime};
use crate::violation::{Explanation, Violation};

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq)]
pub enum CloseReason {
    /// The peer broke a rule.
    Violation(Violation),
    /// The host would not serve this client; see [`Refusal`].
    Refused(Refusal),
    /// The peer did not do its part of the setup in time.
    SetupTimeout,
    /// The model failed; the text is the host's and stays with it.
    ModelFailed(String),
    /// The host cannot tell now whether it keeps the session that is to be resumed.
    KeepingFailed,
    /// The host shuts down.
    Shutdown,
    /// Time is up, as `goAway` said.
    LifetimeOver(Lifetime, Cut),
    /// The session goes on over another connection, by one of its handles.
    TakenOver,
    /// The peer does not speak as a server of this API; ours is the client.
    PeerUnfit,
    /// Our host is done.
    Done,
    /// The peer or the network ended the connection.
    Disconnected(Disconnect),
}

/// Why a host would not serve a client. It is told after its `setup` was read, because SDKs hide the reason of any earlier close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The key is unknown.
    KeyNotValid,
    /// The key has run out.
    KeyExpired,
    /// The ephemeral token has run out, or is not known (any more).
    TokenExpired,
    /// As many sessions were begun with the ephemeral token as may be.
    TokenUsedUp,
    /// No credential at all.
    Unregistered,
    /// The project may not use the service. For hosts with projects to lock out.
    Denied,
    /// Calls from there are not served. For hosts that know where a client is.
    Location,
    /// Too many sessions, or too much use.
    Quota,
    /// No room for another session now.
    Overloaded,
}

impl Refusal {
    /// All refusals, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::KeyNotValid,
        Self::KeyExpired,
        Self::TokenExpired,
        Self::TokenUsedUp,
        Self::Unregistered,
        Self::Denied,
        Self::Location,
        Self::Quota,
        Self::Overloaded,
    ];

    /// A name that stays, for logs, tests and documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::KeyNotValid => "auth.key-not-valid",
            Self::KeyExpired => "auth.key-expired",
            Self::TokenExpired => "auth.token-expired",
            Self::TokenUsedUp => "auth.token-used-up",
            Self::Unregistered => "auth.unregistered",
            Self::Denied => "auth.denied",
            Self::Location => "auth.location",
            Self::Quota => "auth.quota",
            Self::Overloaded => "server.overloaded",
        }
    }

    /// What a person is told about it. Its path is empty: what is wrong stands in no message.
    pub fn explanation(self) -> Explanation {
        let (rule, fix) = match self {
            Self::KeyNotValid => (
                "a client presents a key that the server knows",
                "present one of the server's keys as ?key=, x-goog-api-key or Authorization: Bearer",
            ),
            Self::KeyExpired => ("a key is presented while it is valid", "present a new one"),
            Self::TokenExpired => (
                "an ephemeral token is used before its expireTime, and begins sessions before its newSessionExpireTime",
                "ask for a new one, or for one that lasts longer",
            ),
            Self::TokenUsedUp => (
                "an ephemeral token begins as many sessions as its uses say; resuming one does not count",
                "ask for a new one, or for one with more uses",
            ),
            Self::Unregistered => (
                "a client presents a key, and none came along",
                "present one of the server's keys as ?key=, x-goog-api-key or Authorization: Bearer",
            ),
            Self::Denied => ("the project may use the service", "present a key of another project"),
            Self::Location => ("the service is called from where it is offered", "call from elsewhere"),
            Self::Quota => (
                "a project has no more sessions than its quota",
                "end some of its sessions, or let the server have a higher quota",
            ),
            Self::Overloaded => (
                "the server has no more sessions than it may",
                "come back when some have ended, or let the server have more",
            ),
        };
        Explanation { path: String::new(), rule: rule.to_owned(), fix: fix.to_owned() }
    }
}

/// Status of a gRPC stream that ends for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcStatus {
    /// `OK`
    Ok,
    /// `CANCELLED`
    Cancelled,
    /// `INVALID_ARGUMENT`
    InvalidArgument,
    /// `DEADLINE_EXCEEDED`
    DeadlineExceeded,
    /// `NOT_FOUND`
    NotFound,
    /// `PERMISSION_DENIED`
    PermissionDenied,
    /// `RESOURCE_EXHAUSTED`
    ResourceExhausted,
    /// `FAILED_PRECONDITION`
    FailedPrecondition,
    /// `ABORTED`
    Aborted,
    /// `UNIMPLEMENTED`
    Unimplemented,
    /// `INTERNAL`
    Internal,
    /// `UNAVAILABLE`
    Unavailable,
}

impl GrpcStatus {
    /// The name in gRPC's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

/// What a peer is told: one row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// WebSocket close code.
    pub code: u16,
    /// gRPC status.
    pub status: GrpcStatus,
    /// The text of either.
    pub text: CloseText,
}

impl CloseReason {
    /// A name that stays, for logs, tests and documents; `None` for an end that the peer had no part in.
    pub fn id(&self) -> Option<&'static str> {
        Some(match self {
            Self::Violation(violation) => violation.id(),
            Self::Refused(refusal) => refusal.id(),
            Self::SetupTimeout => "setup.timeout",
            Self::LifetimeOver(Lifetime::Connection | Lifetime::Host, _) => "lifetime.connection",
            Self::LifetimeOver(Lifetime::Session, _) => "lifetime.session",
            Self::LifetimeOver(Lifetime::Video, _) => "lifetime.video",
            Self::TakenOver => "resumption.taken-over",
            Self::ModelFailed(_)
            | Self::KeepingFailed
            | Self::Shutdown
            | Self::PeerUnfit
            | Self::Done
            | Self::Disconnected(_) => return None,
        })
    }

    /// What a person is told about an end that has an [`id`](Self::id).
    pub fn explanation(&self) -> Option<Explanation> {
        let (rule, fix) = match self {
            Self::Violation(violation) => return Some(violation.explanation()),
            Self::Refused(refusal) => return Some(refusal.explanation()),
            Self::SetupTimeout => ("setup follows the opening of a connection within a deadline", "send setup at once"),
            Self::LifetimeOver(lifetime, _) => match lifetime {
                Lifetime::Connection | Lifetime::Host => (
                    "a client closes its connection after goAway, before the time that it names is over",
                    "resume the session by its latest handle, on a new connection",
                ),
                Lifetime::Session => (
                    "a session without contextWindowCompression lasts so long, over all its connections",
                    "set contextWindowCompression, or start a new session",
                ),
                Lifetime::Video => (
                    "a session with video and without contextWindowCompression lasts so long",
                    "set contextWindowCompression, or start a new session",
                ),
            },
            Self::TakenOver => (
                "a session is held by one connection: the one that resumed it last",
                "close a connection before resuming its session on another",
            ),
            Self::ModelFailed(_)
            | Self::KeepingFailed
            | Self::Shutdown
            | Self::PeerUnfit
            | Self::Done
            | Self::Disconnected(_) => return None,
        };
        Some(Explanation { path: String::new(), rule: rule.into(), fix: fix.into() })
    }

    /// The table. Codes follow the mapping that fits every close seen on the service: a bad argument is 1007, a missing
    /// entity or permission 1008, a fault or shortage of ours 1011.
    pub fn told(&self) -> Told {
        use GrpcStatus as G;
        let row = |code, status, text: &str| Told { code, status, text: CloseText::cut(text) };
        match self {
            Self::Violation(violation) => {
                Told { code: violation.code(), status: violation.status(), text: CloseText::cut(&violation.text()) }
            }
            Self::Refused(Refusal::KeyNotValid) => {
                row(1007, G::InvalidArgument, "API key not valid. Please pass a valid API key.")
            }
            Self::Refused(Refusal::KeyExpired) => {
                row(1007, G::InvalidArgument, "API key expired. Please renew the API key.")
            }
            Self::Refused(Refusal::TokenExpired) => row(1011, G::DeadlineExceeded, "auth token has expired"),
            Self::Refused(Refusal::TokenUsedUp) => {
                row(1011, G::ResourceExhausted, "Token has been used too many times")
            }
            Self::Refused(Refusal::Unregistered) => row(
                1008,
                G::PermissionDenied,
                "Method doesn't allow unregistered callers (callers without established identity).",
            ),
            Self::Refused(Refusal::Denied) => {
                row(1008, G::PermissionDenied, "Your project has been denied access. Please contact support.")
            }
            Self::Refused(Refusal::Location) => {
                row(1007, G::FailedPrecondition, "User location is not supported for the API use.")
            }
            Self::Refused(Refusal::Quota) => row(
                1011,
                G::ResourceExhausted,
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            Self::Refused(Refusal::Overloaded) | Self::Shutdown => {
                row(1011, G::Unavailable, "The service is currently unavailable.")
            }
            Self::SetupTimeout | Self::LifetimeOver(_, Cut::DeadlineExpired) => {
                row(1011, G::DeadlineExceeded, "Deadline expired before operation could complete.")
            }
            // As it was seen, cut by the service.
            Self::LifetimeOver(_, Cut::Aborted) => row(
                1008,
                G::Aborted,
                "Connection aborted because the client failed to close the connection after receiving a GoAway signal \
                 once the session durat",
            ),
            Self::TakenOver => row(1008, G::Aborted, "The operation was aborted."),
            // Not `session not found`: the client would give the session up, and it may be there the next time.
            Self::ModelFailed(_) | Self::KeepingFailed => row(1011, G::Internal, "Internal error encountered."),
            // What Firebase's client closes with when the first message is not `setupComplete`.
            Self::PeerUnfit => row(1011, G::FailedPrecondition, "Handshake failure"),
            Self::Done => row(1000, G::Ok, ""),
            // Nobody is left to read it.
            Self::Disconnected(_) => row(1006, G::Cancelled, ""),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.explanation().fmt(f),
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::SetupTimeout => f.write_str("the peer did not finish the setup in time"),
            Self::ModelFailed(why) => write!(f, "the model failed: {why}"),
            Self::KeepingFailed => f.write_str("the session to be resumed cannot be read now"),
            Self::Shutdown => f.write_str("the host shuts down"),
            Self::LifetimeOver(lifetime, _) => f.write_str(match lifetime {
                Lifetime::Connection => "the connection has lasted as long as it may",
                Lifetime::Session => "the session has lasted as long as it may without compression",
                Lifetime::Video => "the session has lasted as long as it may with video and without compression",
                Lifetime::Host => "the host ended the connection",
            }),
            Self::TakenOver => f.write_str("the session goes on over another connection"),
            Self::PeerUnfit => f.write_str("the peer does not speak as a server of this API"),
            Self::Done => f.write_str("done"),
            Self::Disconnected(Disconnect::Closed { code: Some(code), reason }) if reason.is_empty() => {
                write!(f, "the peer closed with {code}")
            }
            Self::Disconnected(Disconnect::Closed { code: Some(code), reason }) => {
                write!(f, "the peer closed with {code} {reason}")
            }
            Self::Disconnected(Disconnect::Closed { code: None, .. }) => f.write_str("the peer closed without a code"),
            Self::Disconnected(Disconnect::Lost(why)) => write!(f, "connection lost: {why}"),
            Self::Disconnected(Disconnect::Eof) => f.write_str("the peer vanished without a close frame"),
        }
    }
}

/// The text of a close frame: at most [`CloseText::BYTES_MAX`] bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseText(Box<str>);

impl CloseText {
    /// A control frame holds 125 bytes, two of them the code (RFC 6455 5.5).
    pub const BYTES_MAX: usize = 123;

    /// Makes a text of what fits of `text`, cut between characters as the service does.
    pub fn cut(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(Self::BYTES_MAX)].into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CloseText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::Rule;

    #[test]
    fn a_text_is_cut_between_characters() {
        let text = CloseText::cut(&"ä".repeat(100));
        assert_eq!(text.as_str(), "ä".repeat(61));
        assert_eq!(CloseText::cut("short").as_str(), "short");
    }

    #[test]
    fn a_long_model_name_still_fits_a_close_frame() {
        let violation = Violation::new(Rule::ModelUnknown, "setup.model").found("m".repeat(4_000)).found("v1beta");
        assert_eq!(CloseReason::Violation(violation).told().text.as_str().len(), CloseText::BYTES_MAX);
    }
}
