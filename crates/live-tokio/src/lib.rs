//! The engines over tokio and WebSocket: one [`Connection`], driven by its host's own loop.
//!
//! What a message means, and what to answer, is decided in `live-engine`; how it is spelled, in `live-proto`.
//! This crate moves bytes and wakes timers. It starts no task and holds no channel or lock.
//!
//! ```no_run
//! # async fn example<E: live_engine::Engine>(engine: E) -> Result<(), live_tokio::Error>
//! # where E::Inbound: live_tokio::Decode, E::Outbound: live_tokio::Encode {
//! use live_tokio::{Connector, Options, connect};
//!
//! let request = http::Request::get("wss://localhost:8443/ws").body(()).expect("a valid request");
//! let mut connection = connect(request, &Connector::new()?, engine, Options::client()).await?;
//! while let Some(event) = connection.next().await {
//!     // Act on the event; answer with `connection.command(..)`.
//! }
//! # Ok(()) }
//! ```

mod accept;
mod clock;
mod codec;
mod connect;
mod connection;
mod error;
mod fair;
mod options;
mod stream;
mod timer;
mod unknown;

pub use accept::{accept, from_upgraded};
pub use clock::{Clock, now};
pub use codec::{Decode, Encode};
pub use connect::{Connector, connect, dial};
pub use connection::{Connection, Step, Traffic};
pub use error::Error;
pub use fair::Fair;
pub use live_engine::Liveness;
pub use options::{Frames, Options};
pub use stream::NetStream;
pub use timer::{Deadlines, Passed};
pub use tokio_tungstenite::WebSocketStream;
pub use unknown::UnknownFields;
