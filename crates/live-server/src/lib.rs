//! A server for the Live API.
mod answer;
mod auth;
mod handshake;
mod route;
mod secret;
mod stats;
mod stream;
pub mod tls;
pub use secret::Secret;
pub use stats::Stats;
