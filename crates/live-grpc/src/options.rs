//! What a host may choose about a connection: the size of messages, deadlines, the clock.
//!
//! Bounds on what a *session* may do are the engine's `Limits`.

use std::sync::Arc;
use std::time::Duration;

use live_proto::DecodeLimits;
use live_tokio::Clock;

/// Settings of one connection.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the largest message that is read. The default is that of [`DecodeLimits`], as on a WebSocket; gRPC libraries
    /// have 4 MiB unless told otherwise.
    pub message_bytes_max: usize,
    /// Fields of a message, all levels together. The default is that of [`DecodeLimits`].
    pub elements_max: u32,
    /// How long a closing connection waits for the peer to take what is left. 5 s: several round trips on a bad link.
    pub close_deadline: Duration,
    /// Messages read while our own cannot be written; after that the connection stops reading until they can.
    /// 64: enough that two peers with full windows free each other, small enough to bound what the engine queues.
    pub congested_reads_max: u32,
    /// The clock that the engine lives by; `None` is the runtime's.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_bytes_max: DecodeLimits::default().message_bytes_max,
            elements_max: DecodeLimits::default().elements_max,
            close_deadline: Duration::from_secs(5),
            congested_reads_max: 64,
            clock: None,
        }
    }
}
