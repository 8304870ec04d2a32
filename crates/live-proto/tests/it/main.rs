//! Tests of live-proto from outside, against other implementations of the same rules.

mod arbitrary;
mod corpus;
mod differential;
