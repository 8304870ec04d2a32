//! What answers a turn: the [`Model`] trait and its kinds.
//!
//! [`embedded`] is the one that needs nothing: no network, no weights; docs/embedded-model.md lists its rules. [`voice`] is
//! how it speaks. When a turn is due, and what becomes of an answer on the wire, is decided in `live-engine`.

pub mod embedded;
mod model;
pub mod voice;

pub use self::embedded::Embedded;
pub use self::model::Model;
