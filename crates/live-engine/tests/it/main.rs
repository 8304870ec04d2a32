//! Tests of the engines from outside: the documentation they generate, and properties of arbitrary sessions.

mod client;
mod docs;
mod server;
