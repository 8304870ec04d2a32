//! A client for the Live API: Google's service, or any server that speaks as it does.
//!
//! ```no_run
//! use live_client::{Client, Event, Modality, Setup};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::gemini("an API key");
//! let setup = Setup::new("gemini-live-2.5-flash-preview").with_modality(Modality::Text);
//! let mut session = client.connect(setup).await?;
//!
//! session.send_text("What is the tallest mountain?")?;
//! while let Some(event) = session.next().await {
//!     match event {
//!         Event::Text { text, .. } => print!("{text}"),
//!         Event::TurnComplete { .. } => break,
//!         _ => {}
//!     }
//! }
//! session.close().await;
//! # Ok(()) }
//! ```
//!
//! [`Client`] says where to and as whom, [`Session`] is one conversation, over as many connections as it takes: `send_*`
//! methods in, one stream of [`Event`]s out. [`Session::spawn`] gives it a task of its own and clonable handles. [`Session::turn`] gathers the events of one turn for programs that take
//! turns. Everything that is decided about a session is decided in `live-engine`; what is here is addresses, credentials
//! and pleasant methods.

pub mod audio;
mod client;
mod credential;
mod dial;
mod endpoint;
mod error;
mod handle;
mod pcm;
mod says;
mod session;
mod tools;
mod turn;

pub use client::Client;
pub use credential::Secret;
pub use error::{ConfigError, ConnectError, SendError, Stage, UpdateToolsError};
pub use handle::{EVENTS_MAX, Events, SessionHandle};
pub use live_audio::{PcmFormat, WavChannels};
pub use live_engine::client_session::{Counters, Frame, GaveUp};
pub use live_engine::{
    Cause, ClientEvent as Event, CloseCause, Dropped, Explanation, Fresh, LateAnswers, Limits, Lint, Loss, Overlap,
    Phase, Reconnect, ReconnectPolicy, Replay, Retracted, ToolStep, TurnId, Violation, Warning, Why,
};
pub use live_proto::{
    Blob, ClientMessage, Content, ContextUpdate, FunctionCall, FunctionDeclaration, FunctionResponse, Modality, Part,
    Scheduling, SessionResumptionConfig, Setup, Struct, Tool, UsageMetadata, Value,
};
pub use live_tokio::{Step, Traffic, UnknownFields};
pub use live_tools::ToolError;
#[cfg(feature = "typed-tools")]
pub use live_tools::schemars;
pub use pcm::{HalfSample, Pcm};
pub use session::Session;
pub use tools::{Call, Tools};
pub use turn::{Turn, TurnEnd};

/// Compiles the examples of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/client.md")]
#[doc = include_str!("../../../README.md")]
struct Documentation;
