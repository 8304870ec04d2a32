//! The engines over gRPC: one [`Connection`] on one bidirectional stream, driven by its host's own loop.
//!
//! What a message means, and what to answer, is decided in `live-engine`; messages are `live_proto::pb`'s. The stream is the one that
//! Google's public package names: `google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent`.
//!
//! ```no_run
//! # async fn example(engine: live_engine::ClientEngine) -> Result<(), Box<dyn std::error::Error>> {
//! use live_grpc::{Endpoint, Method, Options, connect};
//!
//! let channel = Endpoint::from_static("http://localhost:8081").connect_lazy();
//! let mut metadata = http::HeaderMap::new();
//! metadata.insert("x-goog-api-key", "a key".parse()?);
//! let mut connection = connect(channel, Method::V1Beta, metadata, engine, Options::default());
//! while let Some(event) = connection.next().await {
//!     // Act on the event; answer with `connection.command(..)`.
//! }
//! # Ok(()) }
//! ```
//!
//! A server takes each HTTP/2 connection through [`serve`], and gets an [`Opening`] for each stream on it.

mod client;
mod codec;
mod connection;
mod element;
#[expect(
    clippy::allow_attributes,
    clippy::default_constructed_unit_structs,
    unreachable_pub,
    reason = "as tonic writes"
)]
mod generated {
    pub(crate) mod v1alpha;
    pub(crate) mod v1beta;
}
mod method;
mod options;
mod outgoing;
mod server;
mod status;

pub use client::connect;
pub use codec::{Decode, Encode};
pub use connection::Connection;
pub use live_tokio::{Clock, Step, Traffic};
pub use method::Method;
pub use options::Options;
pub use server::{Opening, respond, serve};
pub use tonic::body::Body;
pub use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
