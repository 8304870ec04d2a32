//! Engines behind the `Model` trait: `cascade` with engines that are scripted, `code` with language models that run code, `lookup` with
//! those that search and read, `program` with real programs, `service` with a
//! server that speaks the documented API.

mod cascade;
#[cfg(feature = "http")]
mod code;
#[cfg(feature = "http")]
mod lookup;
#[cfg(all(feature = "exec", unix))]
mod program;
#[cfg(feature = "http")]
mod server;
#[cfg(feature = "http")]
mod service;
mod talk;
