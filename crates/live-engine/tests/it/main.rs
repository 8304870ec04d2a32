//! Tests of the engines from outside: the documentation they generate, and properties of arbitrary sessions.

mod client;
mod client_session;
mod client_tools;
mod declarations;
mod docs;
mod profiles;
mod refusals;
mod resumption;
mod server;
mod session;
mod speech;
