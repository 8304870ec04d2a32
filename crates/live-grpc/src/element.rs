//! A bound on how much a message holds, checked before memory is taken: an empty part is two bytes on the wire and hundreds
//! in memory.
//!
//! It knows no schema: whatever reads as fields to its end counts as fields. Sound, pictures and text practically never do.

/// Whether `payload` has more than `elements_max` fields, on all levels together.
pub(crate) fn exceeds(payload: &[u8], elements_max: u32) -> bool {
    let mut count = 0;
    _ = walk(payload, elements_max, DEPTH_MAX, &mut count);
    count > elements_max
}

/// Counts the fields of what may be a message; `None` if it is none, or when there are too many.
fn walk(mut bytes: &[u8], elements_max: u32, depth_left: u32, count: &mut u32) -> Option<()> {
    let before = *count;
    while !bytes.is_empty() {
        let Some(rest) = step(bytes, elements_max, depth_left, count) else {
            if *count <= elements_max {
                // Bytes of another kind, whose beginning happened to read as fields.
                *count = before;
            }
            return None;
        };
        bytes = rest;
    }
    Some(())
}

/// Counts one field and what is in it; returns what follows.
fn step<'a>(bytes: &'a [u8], elements_max: u32, depth_left: u32, count: &mut u32) -> Option<&'a [u8]> {
    let (key, rest) = varint(bytes)?;
    if key >> 3 == 0 {
        return None;
    }
    *count += 1;
    if *count > elements_max {
        return None;
    }
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => {
            let (length, rest) = varint(rest)?;
            let (inner, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            if depth_left > 0 {
                // What is in it is a message or something else; too many fields stop the walk either way.
                _ = walk(inner, elements_max, depth_left - 1, count);
                if *count > elements_max {
                    return None;
                }
            }
            Some(rest)
        }
        5 => rest.get(4..),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// Levels of messages; prost reads no deeper either.
const DEPTH_MAX: u32 = 100;

#[cfg(test)]
mod tests {
    use live_proto::{Blob, ClientMessage, Content, Part, pb};
    use prost::Message as _;

    use super::*;

    fn bytes(message: ClientMessage) -> Vec<u8> {
        pb::BidiGenerateContentClientMessage::from(message).encode_to_vec()
    }

    #[test]
    fn empty_parts_by_the_hundred_thousand_are_too_many() {
        let parts: live_proto::Parts = std::iter::repeat_with(Part::default).take(60_000).collect();
        let content = |parts| Content { parts, ..Content::default() };
        let two = vec![content(parts.clone()), content(parts.clone())];
        assert!(!exceeds(&bytes(ClientMessage::turns(vec![content(parts)], true)), 100_000));
        assert!(exceeds(&bytes(ClientMessage::turns(two, true)), 100_000));
    }

    #[test]
    fn sound_and_text_are_one_field_however_long() {
        let ramp: Vec<u8> = (0..1 << 20).map(|at: u32| (at * 7 / 3) as u8).collect();
        for data in [vec![0; 1 << 20], ramp, vec![0xff; 1 << 20]] {
            assert!(!exceeds(&bytes(ClientMessage::audio(Blob::pcm16k(data))), 10));
        }
        let text = "the quick brown fox jumps over the lazy dog ".repeat(10_000);
        assert!(!exceeds(&bytes(ClientMessage::text_turn(text)), 10));
    }

    #[test]
    fn what_is_no_message_is_left_to_the_reader() {
        for bytes in [&b""[..], b"\xff\xff\xff", b"\x0a\x7f", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x07"]
        {
            assert!(!exceeds(bytes, 10));
        }
        // Nested without end, each level announcing the next.
        let mut deep = Vec::new();
        for _ in 0..100_000 {
            let mut outer = vec![0x0a];
            prost::encoding::encode_varint(deep.len().min(1 << 10) as u64, &mut outer);
            outer.extend_from_slice(&deep[..deep.len().min(1 << 10)]);
            deep = outer;
        }
        assert!(!exceeds(&deep, 1000));
    }
}
