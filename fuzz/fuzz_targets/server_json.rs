//! Feeds bytes to `checks::server_json`.

#![no_main]

#[path = "../src/checks.rs"]
#[expect(dead_code, reason = "each target has one check of the three")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::server_json(bytes));
