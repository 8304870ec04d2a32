//! The engines over `std::net` and WebSocket: no runtime, no task, one thread for each end of a connection.
//!
//! What a message means, and what to answer, is decided in `live-engine`; how it is spelled, in `live-proto`. For many sessions at
//! once there is `live-tokio`.
//!
//! ```no_run
//! # fn example(engine: live_engine::ClientEngine) -> Result<(), live_blocking::Error> {
//! use live_blocking::{Connector, Next, Options, connect};
//!
//! let request = http::Request::get("wss://localhost:8443/ws").body(()).expect("a valid request");
//! let mut connection = connect(request, &Connector::new()?, engine, Options::client())?;
//! loop {
//!     match connection.next(None) {
//!         Next::Event(event) => { /* Act on the event; answer with `connection.command(..)`. */ }
//!         Next::TimedOut => unreachable!("there is no timeout"),
//!         Next::Over => break,
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! A [`Session`] does so over as many connections as it takes, and runs [`Tools`] on threads; [`serve`] is the other end of it.

mod connect;
mod connection;
mod error;
mod memory;
mod options;
mod serve;
mod session;
mod stream;
mod tools;

pub use connect::{Connector, connect};
pub use connection::{Connection, Next};
pub use error::Error;
pub use live_engine::Liveness;
pub use live_tools::ToolError;
#[cfg(feature = "typed-tools")]
pub use live_tools::schemars;
pub use memory::{Keeper, Memory, POINTS_MAX};
pub use options::{Frames, Options};
pub use serve::{Admission, Request, Stop, accept, serve};
pub use session::Session;
pub use tools::{Aborted, Call, Tools, UpdateToolsError};
