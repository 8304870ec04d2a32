//! Benchmarks, one file a concern: `codec` for the JSON of messages. `cargo xtask bench` runs them.
//!
//! Figures are ratios within one run; see docs/performance.md.
