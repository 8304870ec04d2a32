//! The adapter through its public interface, over loopback.

mod connect;
mod session;
mod world;
