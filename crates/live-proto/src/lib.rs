//! The messages of the Gemini Live API (`BidiGenerateContent`): typed, as JSON and as protobuf.
//!
//! A client sends [`ClientMessage`]s and a server answers with [`ServerMessage`]s. This crate knows what they look like and
//! nothing of when they may be sent: that is `live-engine`. It performs no I/O.
//!
//! ```
//! # #[cfg(feature = "json")] {
//! use live_proto::{ClientMessage, json};
//!
//! // Clients mix both spellings of proto3's JSON in one frame.
//! let frame = br#"{"client_content": {"turns": [{"parts": [{"text": "hi"}], "role": "user"}], "turnComplete": true}}"#;
//! let message: ClientMessage = json::decode(frame, &json::DecodeOptions::strict())?.message;
//! assert_eq!(message, ClientMessage::text_turn("hi"));
//!
//! let mut out = bytes::BytesMut::new();
//! json::encode(&message, &mut out);
//! assert_eq!(out, r#"{"clientContent":{"turns":[{"parts":[{"text":"hi"}],"role":"user"}],"turnComplete":true}}"#);
//! # }
//! # Ok::<(), live_proto::DecodeError>(())
//! ```
//!
//! The structs and enums are generated from the .proto files beside this crate's sources, which say of every field what it
//! means. Each field names its key on the wire and its number. Fields that hold a secret or bytes print neither.

mod client;
mod content;
mod debug;
mod error;
mod media;
mod open;
mod server;
mod setup;
mod time;
mod value;

#[path = "generated/model.rs"]
mod model;

#[cfg(feature = "json")]
pub mod json;

#[cfg(feature = "pb")]
mod convert;
#[cfg(feature = "pb")]
pub mod pb;

pub use content::Parts;
pub use error::{DecodeError, DecodeErrorKind, DecodeLimits, FieldName, JsonPath, PathStep};
pub use media::MimeType;
pub use model::*;
pub use open::Unrecognized;
pub use time::{Duration, TimeError, Timestamp};
pub use value::{NullValue, Struct, Value};
