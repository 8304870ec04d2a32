//! Benchmarks, one file a concern: `codec` for the JSON of messages, which `cargo xtask bench` runs; and a program, `voice`, for what is
//! heard and said, which `cargo xtask voice` runs.
//!
//! Times are ratios within one run; see docs/performance.md and docs/voice.md.
