//! Services that speak OpenAI's API as engines: [`Chat`] answers, [`Transcription`] recognises, [`Speech`] speaks.
//!
//! vLLM, Ollama, the server of llama.cpp, LocalAI and speaches serve all or some of it; docs/engines.md has the configuration.
//! Which engine answers what is the [`Cascade`](crate::Cascade)'s business.

mod chat;
mod event;
mod service;
mod speech;
mod transcription;

pub use self::chat::{Chat, ChatConfig};
pub use self::service::{ApiKey, Patience, Service, ServiceError};
pub use self::speech::{Speech, SpeechConfig};
pub use self::transcription::{Transcription, TranscriptionConfig};
