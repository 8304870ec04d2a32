//! How a frame becomes a message and back, for whatever messages an engine speaks.
//!
//! The rules of the spelling are `live_proto::json`'s; nothing here looks inside a message.

use bytes::BytesMut;
use live_proto::json::{self, DecodeOptions, Decoded};
use live_proto::{ClientMessage, DecodeError, ServerMessage};

/// A message that can be read from one frame.
pub trait Decode: Sized {
    /// Reads the message.
    ///
    /// # Errors
    /// When the bytes are no such message, or exceed the limits in `options`.
    fn decode(frame: &[u8], options: &DecodeOptions) -> Result<Decoded<Self>, DecodeError>;
}

/// A message that can be written into one frame.
pub trait Encode {
    /// Appends the message to `out`, as UTF-8.
    fn encode(&self, out: &mut BytesMut);
}

/// Both directions of both messages: a client reads what a server writes, and the other way round.
macro_rules! codec {
    ($($message:ty),*) => {$(
        impl Decode for $message {
            fn decode(frame: &[u8], options: &DecodeOptions) -> Result<Decoded<Self>, DecodeError> {
                json::decode(frame, options)
            }
        }

        impl Encode for $message {
            fn encode(&self, out: &mut BytesMut) {
                json::encode(self, out);
            }
        }
    )*};
}

codec!(ClientMessage, ServerMessage);
