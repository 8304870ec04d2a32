//! The adapter through its public interface, over loopback.

mod connect;
mod life;
mod resuming;
mod session;
mod world;
