//! Server-sent events: bytes cut anywhere in, the data of events out.
//!
//! Names, ids and retry times of events are passed over: the services behind this use none.

/// Bytes of one event beyond which a server is not believed.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// A stream of events as it comes.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// What the lines of the event said so far.
    data: Option<String>,
    /// The last line ended with CR, which an LF may follow.
    after_cr: bool,
    is_begun: bool,
}

/// An event grew too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Events {
    /// Takes the next bytes, and appends the data of the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<String>) -> Result<(), TooLarge> {
        for byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' => self.end_line(out),
                b'\r' => {
                    self.after_cr = true;
                    self.end_line(out);
                }
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > EVENT_BYTES_MAX {
                return Err(TooLarge);
            }
        }
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let mut line = line.as_ref();
        if !std::mem::replace(&mut self.is_begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return out.extend(self.data.take());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut out) = (Events::default(), Vec::new());
        for piece in pieces {
            events.push(piece, &mut out).expect("small events");
        }
        out
    }

    #[test]
    fn events_end_with_an_empty_line_of_any_kind() {
        assert_eq!(events(&[b"data: a\n\ndata:b\r\n\r\ndata: c\r\r"]), ["a", "b", "c"]);
        assert_eq!(events(&[b"data: a\n"]), Vec::<String>::new(), "not complete");
    }

    #[test]
    fn lines_of_one_event_are_joined_and_everything_else_is_passed_over() {
        let stream = b"\xef\xbb\xbf: ping\n\nevent: x\nid: 1\ndata: a\ndata: b\nretry: 5\ndata\n\n\n";
        assert_eq!(events(&[stream]), ["a\nb\n"]);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let (mut events, mut out) = (Events::default(), Vec::new());
        assert_eq!(events.push(&vec![b'x'; EVENT_BYTES_MAX + 1], &mut out), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn how_the_stream_is_cut_does_not_matter(text in "(data: ?[a-zé]{0,5}(\r|\n|\r\n){1,2}|:c\n){0,20}", cut in 0_usize..200) {
            let (first, second) = text.as_bytes().split_at(cut.min(text.len()));
            prop_assert_eq!(events(&[first, second]), events(&[text.as_bytes()]));
        }
    }
}
