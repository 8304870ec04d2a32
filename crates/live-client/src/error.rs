//! What a host can be told instead of what it asked for, each time with the way out.
//!
//! The end of an open session is no error: it is the last event, [`Event::Closed`](crate::Event::Closed).

use std::fmt;
use std::time::Duration;

use live_engine::{ClientCommand, CloseCause, Rejected, Why};
use live_proto::ClientMessage;
use live_tools::ToolError;

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The client was told something that cannot be used; nothing was dialled.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nobody listens at the address, or there is no way to it.
    #[error("no connection to {address}: check host and port, and that a server listens there")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The server's certificate, or its TLS, was not accepted.
    #[error("no TLS with {address}: for a certificate of your own, name its CA with Client::ca_file or SSL_CERT_FILE")]
    Tls {
        /// Host and port.
        address: String,
        /// What was wrong.
        source: std::io::Error,
    },
    /// The server answered with an HTTP status: a proxy, a wrong path, or a server that refuses before it listens.
    #[error("the server answered HTTP {status} in place of a WebSocket: check the URL{}", Body(.body))]
    Status {
        /// The status.
        status: http::StatusCode,
        /// The start of the body.
        body: String,
    },
    /// Something else than a WebSocket server answered, or it hung up during the upgrade.
    #[error("the server does not speak WebSocket: check the URL, and http against https")]
    NotWebSocket {
        /// What was wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server closed before it accepted the setup. The cause has its code and its reason.
    #[error("{cause}{}", Fix(.cause))]
    Closed {
        /// How the connection ended.
        cause: Box<CloseCause>,
    },
    /// The server's first message was not `setupComplete`.
    #[error("the server's first message is not setupComplete: it is no Live API server, or not of this version")]
    WrongFirstMessage {
        /// How the connection ended.
        cause: Box<CloseCause>,
    },
    /// The deadline passed.
    #[error("no {stage} within {} s: the server is silent; see Client::deadline", .deadline.as_secs_f32())]
    Silent {
        /// What was waited for.
        stage: Stage,
        /// The deadline of the whole attempt.
        deadline: Duration,
    },
}

/// What an attempt to connect waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// TCP, TLS and the HTTP upgrade.
    Upgrade,
    /// `setupComplete`.
    Setup,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgrade => "WebSocket",
            Self::Setup => "setupComplete",
        })
    }
}

/// What a client cannot be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL cannot be dialled.
    #[error("the URL cannot be used: {reason}; give one such as https://localhost:8443")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// The key or token is empty.
    #[error("the key or token is empty: get a key, or take Client::gateway for a server that needs none")]
    EmptyCredential,
    /// The key or token holds a line break or the like.
    #[error("the key or token holds characters that no header can carry: check for a stray line break")]
    CredentialNotPrintable,
    /// A header cannot be sent.
    #[error("{name:?} is no header that can be sent: use a token for its name and visible ASCII for its value")]
    Header {
        /// Its name.
        name: String,
    },
    /// A CA certificate cannot be read.
    #[error("the CA certificate cannot be used: {reason}; give a PEM file with at least one certificate")]
    Ca {
        /// What is wrong with it.
        reason: String,
    },
    /// The environment holds no key.
    #[error("no API key: set GOOGLE_API_KEY or GEMINI_API_KEY")]
    NoKey,
    /// A function cannot be declared.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// Why the functions of a session were not replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateToolsError {
    /// A function cannot be declared.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The server cannot be told.
    #[error("the tools were not changed: {0}")]
    NotSent(Why),
}

impl From<live_tokio::Error> for ConnectError {
    fn from(error: live_tokio::Error) -> Self {
        match error {
            live_tokio::Error::Url { reason } => ConfigError::Url { reason: reason.into() }.into(),
            live_tokio::Error::Roots { reason } => ConfigError::Ca { reason }.into(),
            live_tokio::Error::Unreachable { address, source } => Self::Unreachable { address, source },
            live_tokio::Error::Tls { address, source } => Self::Tls { address, source },
            live_tokio::Error::Status { status, body } => Self::Status { status, body },
            live_tokio::Error::Upgrade(source) => Self::NotWebSocket { source },
            error => Self::NotWebSocket { source: error.into() },
        }
    }
}

/// A message that was not sent, and the reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("not sent: {why}{}", Remedy(*.why))]
pub struct SendError {
    /// The message, unchanged.
    pub message: Box<ClientMessage>,
    /// The reason.
    pub why: Why,
}

impl From<Rejected<ClientCommand>> for SendError {
    fn from(Rejected { command, why }: Rejected<ClientCommand>) -> Self {
        let message = match command {
            ClientCommand::Send(message) => message,
            ClientCommand::Close => ClientMessage::Empty,
        };
        Self { message: Box::new(message), why }
    }
}

struct Body<'a>(&'a str);

impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "; it says {:?}", self.0) }
    }
}

struct Fix<'a>(&'a CloseCause);

impl fmt::Display for Fix<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other causes are plain from the server's own words")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use live_engine::Cause;
        f.write_str(match &self.0.cause {
            Cause::Unauthorized => "; check the key or token",
            Cause::ModelNotFound => "; check the model's name",
            Cause::InvalidArgument => "; check the setup",
            Cause::SessionNotFound => "; start a session without a handle",
            Cause::Quota => "; close sessions that are not used, or wait",
            Cause::Unavailable | Cause::Lost => "; try again later",
            _ => "",
        })
    }
}

struct Remedy(Why);

impl fmt::Display for Remedy {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other reasons name what to do")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Why::Closed => "; connect again",
            Why::Full => "; call Session::next, which sends what is queued",
            Why::NoSuchCall => "; answer each call once, with its id and name",
            Why::SetupIsSent => "; Session::update_context changes instruction and tools",
            _ => "",
        })
    }
}
