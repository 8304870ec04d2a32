//! The server from outside: real sockets on loopback, raw WebSocket clients, a small model of known behaviour.
//!
//! Rules of the session itself are tested in `live-engine`; here is what only the whole can show.

mod auth;
mod client;
mod control;
mod embedded;
mod grpc;
mod http;
mod isolation;
mod log;
mod model;
mod oauth;
mod quota;
mod resumption;
mod running;
mod session;
mod shutdown;
mod thoughts;
mod tls;
mod tokens;
