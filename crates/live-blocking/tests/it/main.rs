//! The adapter through its public interface, over loopback.

mod connect;
mod resuming;
mod session;
mod world;
