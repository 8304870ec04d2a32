//! Audio allocates once to be read and not at all to be written into a buffer that has room.
//!
//! A binary of its own with a single test, because everything in a process shares the allocator that is counted.

use std::alloc::System;

use bytes::BytesMut;
use live_proto::json::{self, DecodeOptions};
use live_proto::{Blob, ClientMessage, ServerMessage};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn allocations(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    run();
    region.change().allocations
}

#[test]
fn audio_allocates_once_to_be_read_and_never_to_be_written() {
    let options = DecodeOptions::strict();
    let client = json::to_string(&ClientMessage::audio(Blob::pcm16k(vec![7; 640])));
    assert_eq!(allocations(|| drop(json::decode::<ClientMessage>(client.as_bytes(), &options))), 1);
    let server = json::to_string(&ServerMessage::audio(Blob::pcm24k(vec![7; 1920])));
    assert_eq!(allocations(|| drop(json::decode::<ServerMessage>(server.as_bytes(), &options))), 1);

    let message = ServerMessage::audio(Blob::pcm24k(vec![7; 1920]));
    let mut out = BytesMut::with_capacity(4096);
    let writes = allocations(|| {
        out.clear();
        json::encode(&message, &mut out);
    });
    assert_eq!(writes, 0);
}
