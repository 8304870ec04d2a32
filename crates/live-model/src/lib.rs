//! What answers a turn: the [`Model`] trait and its kinds.
//!
//! [`embedded`] is the one that needs nothing: no network, no weights; docs/embedded-model.md lists its rules. [`voice`] is
//! how it speaks. A [`Cascade`] makes a model of a [`Recogniser`], a model that answers in text and a [`Synthesiser`]; real
//! ones are programs (feature `exec`) and services (feature `http`), and a whole model is
//! another Live API server (feature `gemini`): see docs/engines.md. When a turn is due, and what becomes of an answer on the
//! wire, is decided in `live-engine`.

mod cascade;
#[cfg(feature = "config")]
pub mod config;
pub mod embedded;
#[cfg(feature = "exec")]
pub mod exec;
mod fault;
#[cfg(feature = "gemini")]
pub mod gemini;
mod grounding;
#[cfg(feature = "http")]
pub mod http;
mod model;
#[cfg(any(feature = "exec", feature = "http"))]
mod names;
mod recogniser;
#[cfg(feature = "search")]
mod search;
#[cfg(any(feature = "exec", feature = "http"))]
mod sound;
mod synthesiser;
mod tool;
pub mod voice;

pub use self::cascade::{Cascade, OnFault};
pub use self::embedded::Embedded;
pub use self::fault::Fault;
pub use self::model::Model;
#[cfg(any(feature = "exec", feature = "http"))]
pub use self::names::Names;
pub use self::recogniser::{Recogniser, Utterance};
#[cfg(any(feature = "exec", feature = "http"))]
pub use self::sound::SoundFormat;
pub use self::synthesiser::{EmbeddedVoice, Script, Sound, Synthesiser};
pub use self::tool::{BuiltIns, CodeExecutor, Hit, Page, SearchEngine, Unread, UrlReader};
