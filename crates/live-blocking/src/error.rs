//! What can go wrong between a URL and an open WebSocket.
//!
//! After that nothing is an error: what happens to an open connection is told to its engine, which turns it into an event.

use std::io;
use std::time::Duration;

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be dialled.
    #[error("{reason}: use ws://host[:port]/path or wss://host[:port]/path")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No TCP connection: wrong name, nobody listening, or no route.
    #[error("failed to reach {address}")]
    Unreachable {
        /// Host and port that were dialled.
        address: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// TCP worked, TLS did not: most often a certificate that the trusted roots do not vouch for.
    #[error("failed to agree on TLS with {address}")]
    Tls {
        /// Host and port that were dialled.
        address: String,
        /// What rustls found.
        source: io::Error,
    },
    /// The peer took longer than [`Options::open_deadline`](crate::Options::open_deadline).
    #[error("no WebSocket within {deadline:?}")]
    Silent {
        /// The deadline.
        deadline: Duration,
    },
    /// The peer answered the upgrade with an HTTP status instead of a WebSocket.
    #[error("the upgrade was answered with HTTP {status}")]
    Status {
        /// The status.
        status: http::StatusCode,
        /// The start of the body, at most 1,024 bytes; whatever is not UTF-8 is replaced.
        body: String,
    },
    /// The peer speaks something else, or hung up during the upgrade.
    #[error("failed to upgrade to WebSocket")]
    Upgrade(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A certificate authority that was to be trusted cannot be read.
    #[error("failed to read a CA certificate: {reason}")]
    Roots {
        /// Which one, and why.
        reason: String,
    },
}
