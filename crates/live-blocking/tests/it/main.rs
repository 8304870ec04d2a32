//! The adapter through its public interface, over loopback.

mod connect;
mod life;
mod resuming;
mod session;
#[cfg(feature = "typed-tools")]
mod tools;
mod world;
