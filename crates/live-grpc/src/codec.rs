//! How a gRPC message becomes a message of the model and back, for whatever messages an engine speaks.
//!
//! tonic is given bytes as they are, so that what cannot be read is told to the engine and not swallowed by the transport.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use live_proto::{ClientMessage, DecodeError, DecodeErrorKind, JsonPath, ServerMessage, pb};
use prost::Message as _;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// A message that can be read from protobuf.
pub trait Decode: Sized {
    /// Reads the message. Fields of other versions are skipped, as protobuf has it.
    ///
    /// # Errors
    /// When the bytes are no such message.
    fn decode(payload: Bytes) -> Result<Self, DecodeError>;
}

/// A message that can be written as protobuf.
pub trait Encode {
    /// Appends the message to `out`.
    fn encode(self, out: &mut BytesMut);
}

/// Both directions of both messages: a client reads what a server writes, and the other way round.
macro_rules! codec {
    ($($message:ty as $wire:ty),*) => {$(
        impl Decode for $message {
            fn decode(payload: Bytes) -> Result<Self, DecodeError> {
                <$wire>::decode(payload).map(Self::from).map_err(|error| malformed(&error.to_string()))
            }
        }

        impl Encode for $message {
            fn encode(self, out: &mut BytesMut) {
                let message = <$wire>::from(self);
                out.reserve(message.encoded_len());
                message.encode(out).expect("a buffer that grows has room");
            }
        }
    )*};
}

codec!(ClientMessage as pb::BidiGenerateContentClientMessage, ServerMessage as pb::BidiGenerateContentServerMessage);

pub(crate) fn malformed(what: &str) -> DecodeError {
    DecodeError { path: JsonPath::default(), kind: DecodeErrorKind::Protobuf(what.into()) }
}

/// tonic's side: payloads without a meaning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, payload: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(payload);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, payload: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(payload.copy_to_bytes(payload.remaining())))
    }
}
