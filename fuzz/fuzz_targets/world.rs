//! Lives the world that the bytes stand for; what is wrong in it is a crash. `live-sim`'s tests replay the corpus.

#![no_main]

use live_sim::{Trace, run};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // More bytes only make a longer world.
    if bytes.len() > 1_000 {
        return;
    }
    if let (_, Some(failure)) = run(bytes, &mut Trace::off()) {
        panic!("{failure}");
    }
});
