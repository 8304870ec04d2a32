//! The messages as prost types, wire-compatible with Google's public `google.ai.generativelanguage.v1beta` package.
//!
//! Fields that have a public number have it here; the others have numbers from 1001 on, which are ours. Hosts work with the
//! typed model and convert at the edge: `From` goes both ways.
//!
//! ```
//! use live_proto::{ClientMessage, pb};
//! use prost::Message as _;
//!
//! let bytes = pb::BidiGenerateContentClientMessage::from(ClientMessage::text_turn("hi")).encode_to_vec();
//! let message: ClientMessage = pb::BidiGenerateContentClientMessage::decode(bytes.as_slice())?.into();
//! assert_eq!(message, ClientMessage::text_turn("hi"));
//! # Ok::<(), prost::DecodeError>(())
//! ```

#![expect(missing_docs, reason = "the .proto files and the model say what each field means")]
#![expect(clippy::large_enum_variant, reason = "prost decides what is boxed")]

include!("generated/pb.rs");

/// The descriptors of every .proto file of this crate, as a serialized `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/descriptors.bin");
