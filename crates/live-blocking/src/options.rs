//! What a host may choose about a connection: frames, strictness, deadlines.
//!
//! Bounds on what a *session* may do are the engine's `Limits`.

use std::time::Duration;

use live_engine::Liveness;
use live_proto::json::{DecodeOptions, Strictness};
use tungstenite::protocol::WebSocketConfig;

/// The kind of WebSocket message that carries what we say. Both kinds are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// As every SDK sends.
    Text,
    /// As the service sends.
    Binary,
}

/// Settings of one connection.
#[derive(Clone, Debug)]
pub struct Options {
    /// The frames we send.
    pub frames: Frames,
    /// How strictly frames are read, and the bounds on one message.
    pub decode: DecodeOptions,
    /// How long opening may take, from TCP to the end of the upgrade. 10 s, as the SDKs have it.
    pub open_deadline: Duration,
    /// How long a closing connection waits for the peer to close too. 5 s: several round trips on a bad link.
    pub close_deadline: Duration,
    /// Messages read while our own cannot be written; after that the connection stops reading until they can.
    /// 64: enough that two peers with full pipes free each other, small enough to bound what the engine queues.
    pub congested_reads_max: u32,
    /// How it is found out that the peer has gone without a word; `None` leaves that to TCP, which takes many minutes and
    /// notices nothing while nothing is sent.
    pub liveness: Option<Liveness>,
}

impl Options {
    /// A client: text frames, unknown fields tolerated, a silent server pinged.
    pub fn client() -> Self {
        Self { liveness: Some(Liveness::default()), ..Self::new(Frames::Text, Strictness::Lenient) }
    }

    /// A server: binary frames, and unknown fields treated as `strictness` says.
    pub fn server(strictness: Strictness) -> Self {
        Self::new(Frames::Binary, strictness)
    }

    fn new(frames: Frames, strictness: Strictness) -> Self {
        Self {
            frames,
            decode: DecodeOptions { strictness, ..DecodeOptions::default() },
            open_deadline: Duration::from_secs(10),
            close_deadline: Duration::from_secs(5),
            congested_reads_max: 64,
            liveness: None,
        }
    }

    /// The same settings in the words of the WebSocket library.
    pub(crate) fn web_socket(&self) -> WebSocketConfig {
        let message_bytes_max = self.decode.limits.message_bytes_max;
        WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max))
    }
}

/// 8 KiB hold three 40 ms audio messages; the library zero-fills its buffer before each read.
const BUFFER_BYTES: usize = 8 << 10;
