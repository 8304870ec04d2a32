//! A server for the Live API, that Google's own SDKs connect to as they are.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), live_server::BindError> {
//! use live_server::{Secret, Server};
//!
//! let server = Server::builder()
//!     .listen("127.0.0.1:0".parse().expect("an address"))
//!     .api_keys([Secret::new("a key of your own")])
//!     .bind()
//!     .await?;
//! println!("listening on {}", server.endpoints()[0]);
//!
//! // Until Ctrl-C, in a real program.
//! let stats = server.serve_until(async {}).await;
//! assert_eq!(stats.sessions_total, 0);
//! # Ok(()) }
//! ```
//!
//! A connection passes through the modules in this order: [`server`](Server) accepts it, `handshake` takes it through
//! TLS and HTTP (`answer` decides by `route` what a request is told, `access` who is let in), and `session` holds it,
//! asking a [`Model`](live_model::Model) whenever the engine wants a turn answered (`generation`), and a
//! [store](store::SessionStore) to keep what can be resumed. What a session may say is decided by `live-engine`, how it is
//! spelled by `live-proto`.

mod access;
mod answer;
mod auth;
mod clock;
mod control;
mod generation;
mod grpc;
mod handshake;
mod keeping;
mod mint;
mod origin;
mod project;
mod registry;
mod route;
mod secret;
mod server;
mod session;
mod stats;
pub mod store;
pub mod tls;
pub mod token;
mod wire;

pub use access::{Access, AccessError, AccessHandle, KeyHash, draw_key};
pub use clock::ClockKind;
pub use live_engine::{Backend, Lifetimes};
pub use live_proto::json::Strictness;
pub use live_tokio::Frames;
pub use origin::Origin;
pub use project::Project;
pub use secret::Secret;
pub(crate) use server::Shared;
pub use server::{BindError, Builder, Endpoint, Server};
pub use stats::Stats;
