//! Client and server state machines of the Live API, without I/O, clock or codec.
//!
//! [`ServerEngine`] and [`ClientEngine`] are the two ends of one connection; both are an [`Engine`]. Adapters move their
//! messages over a socket, hosts give them work: models behind a server, an application before a client.
//! docs/engine.md explains the whole with its tables.

pub mod client;
pub mod close;
pub mod context;
pub mod engine;
pub mod limits;
pub mod profile;
pub mod prompt;
pub mod server;
pub mod timer;
mod tools;
pub mod turn;
pub mod violation;

pub use self::client::{Cause, ClientCommand, ClientConfig, ClientEngine, ClientEvent, CloseCause, Phase};
pub use self::close::{CloseReason, CloseText, GrpcStatus, Refusal};
pub use self::engine::{Close, Disconnect, Engine, Output, Rejected, TurnId, Why};
pub use self::limits::Limits;
pub use self::profile::{Backend, Family, ModelProfile, Profiles, ResponseModality};
pub use self::prompt::{EndReason, ModelOutput, Prompt};
pub use self::server::{
    ServerCommand, ServerConfig, ServerEngine, ServerEvent, SessionConfig, TurnCompletePacing, TurnUsage, Warning,
};
pub use self::turn::{Signal, Turn, Unexpected};
pub use self::violation::{Explanation, Violation};
