//! Benchmarks of the codec and the engines.
