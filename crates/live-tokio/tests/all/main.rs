//! The tests of live-tokio, in one program: the pump behind a toy engine, dialling, and the real engines on both ends.

mod clock;
mod connect;
mod engines;
mod life;
mod pump;
mod toy;
