//! Client and server state machines of the Live API, without I/O, clock or codec.
//!
//! [`ServerEngine`] and [`ClientEngine`] are the two ends of one connection; both are an [`Engine`]. Adapters move their
//! messages over a socket, hosts give them work: models behind a server, an application before a client.
//! docs/engine.md explains the whole with its tables.
//!
//! Two ends, and between them nothing but a loop:
//!
//! ```
//! use std::time::Instant;
//! use live_engine::*;
//! use live_proto::{ClientMessage, Setup};
//!
//! let now = Instant::now();
//! let mut client = ClientEngine::new(ClientConfig::new(Setup::new("models/gemini-live-2.5-flash-preview")), now);
//! let mut server = ServerEngine::new(ServerConfig::new(Backend::Gemini), now);
//! client.handle_command(ClientCommand::Send(ClientMessage::text_turn("hi")), now)?;
//!
//! let mut heard = String::new();
//! loop {
//!     if let Some(output) = client.poll_output() {
//!         match output {
//!             Output::Send(message) => server.handle_message(message, now),
//!             Output::Event(ClientEvent::Text { text, .. }) => heard += &text,
//!             Output::Event(ClientEvent::TurnComplete { .. }) => client.handle_command(ClientCommand::Close, now)?,
//!             Output::Event(_) => {}
//!             Output::Close(_) => break,
//!         }
//!     } else if let Some(output) = server.poll_output() {
//!         match output {
//!             Output::Send(message) => client.handle_message(message, now),
//!             // The model: it answers whatever it is asked.
//!             Output::Event(ServerEvent::Generate(turn, prompt)) => {
//!                 let answer = format!("You said {:?}.", prompt.unanswered()[0].text());
//!                 server.handle_command(ServerCommand::Model(turn, ModelOutput::Text(answer)), now)?;
//!                 server.handle_command(ServerCommand::Model(turn, ModelOutput::End(EndReason::Complete)), now)?;
//!             }
//!             Output::Event(_) | Output::Close(_) => {}
//!         }
//!     }
//! }
//! assert_eq!(heard, r#"You said "hi"."#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod activity;
mod built_in;
pub mod client;
pub mod client_session;
pub mod close;
pub mod context;
pub mod engine;
pub mod explain;
pub mod limits;
pub mod liveness;
pub mod profile;
pub mod prompt;
pub mod relay;
pub mod resumption;
mod schema;
pub mod server;
pub mod timer;
mod tools;
pub mod turn;
pub mod violation;

pub use self::activity::{Activity, ActivitySettings, Edge};
pub use self::built_in::{BuiltIn, BuiltInTools};
pub use self::client::{Cause, ClientCommand, ClientConfig, ClientEngine, ClientEvent, CloseCause, Phase};
pub use self::client_session::{
    ClientSession, ClientSessionConfig, Dropped, Fresh, Function, LateAnswers, LinkId, Loss, Overlap, Reconnect,
    ReconnectPolicy, Replay, Retracted, RunId, SessionOutput, ToolOutput, ToolStep,
};
pub use self::close::{CloseReason, CloseText, GrpcStatus, Refusal};
pub use self::context::{Compression, Entry, Evicted, Tokens};
pub use self::engine::{Close, Disconnect, Engine, Output, Rejected, TurnId, Why};
pub use self::explain::{Culprit, Explained, KnownRule, explain};
pub use self::limits::Limits;
pub use self::liveness::Liveness;
pub use self::profile::{Backend, Family, ModelProfile, ProfileError, Profiles, ResponseModality};
pub use self::prompt::{EndReason, ModelOutput, Prompt};
pub use self::relay::{Relay, RelayCommand, RelayEvent};
pub use self::resumption::{Handle, HandleSeed, PendingCall, ResumeRefusal, SettledCall, Snapshot};
pub use self::server::{
    Constraint, Cut, Kept, Lifetime, Lifetimes, Lint, Resumption, ServerCommand, ServerConfig, ServerEngine,
    ServerEvent, SessionConfig, TurnCompletePacing, TurnUsage, Unmatched, VadSignal, Warning, lint,
};
pub use self::turn::{Signal, Turn, Unexpected};
pub use self::violation::{Explanation, Rule, Violation};
