//! The adapter through its public interface: real engines and real HTTP/2 over pipes in memory.

mod bad;
mod session;
mod world;
