//! The network between one client and one server: two pipes that keep order, and otherwise do what networks do.
//!
//! A pipe delays, stalls, fills up, tears a message apart and forgets the rest of it. When to do which is decided in
//! [`crate::fault`]; what an end does about it is the adapters' part, played by [`crate::end`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use live_proto::DecodeError;
use live_proto::json::{self, DecodeOptions};

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Pipe<M> {
    queue: VecDeque<(Instant, Packet<M>)>,
    pub(crate) latency: Duration,
    /// Nothing arrives before.
    pub(crate) stalled_until: Option<Instant>,
    /// Packets on the way, beyond which a sender waits.
    window: usize,
    /// Nothing can be put in any more.
    is_shut: bool,
    /// Messages travel as JSON and in pieces of at most so many bytes; 0 for messages that travel whole.
    piece_bytes: usize,
    last: Option<Instant>,
    scratch: BytesMut,
    /// Bytes of a message whose rest has not come.
    partial: BytesMut,
}

/// What travels.
#[derive(Debug)]
enum Packet<M> {
    Whole(Box<M>),
    Bytes {
        piece: Bytes,
        is_last: bool,
    },
    Close {
        code: u16,
        text: String,
    },
    /// The stream ends.
    Fin,
    /// The stream breaks.
    Reset,
}

/// What comes out of a pipe.
#[derive(Debug)]
pub(crate) enum Arrival<M> {
    Message(Box<M>),
    Malformed(DecodeError),
    /// A part of a message.
    Part,
    Close {
        code: u16,
        text: String,
    },
    Fin,
    Reset,
}

impl<M: json::Message> Pipe<M> {
    pub(crate) fn new(latency: Duration, window: usize, piece_bytes: usize) -> Self {
        Self {
            queue: VecDeque::new(),
            latency,
            stalled_until: None,
            window,
            is_shut: false,
            piece_bytes,
            last: None,
            scratch: BytesMut::new(),
            partial: BytesMut::new(),
        }
    }

    /// Whether the sender need not wait.
    pub(crate) fn has_room(&self) -> bool {
        self.is_shut || self.queue.len() < self.window
    }

    pub(crate) fn send(&mut self, message: M, now: Instant) {
        if self.is_shut {
            return;
        }
        if self.piece_bytes == 0 {
            return self.push(Packet::Whole(Box::new(message)), now);
        }
        json::encode(&message, &mut self.scratch);
        let mut rest = self.scratch.split().freeze();
        while rest.len() > self.piece_bytes {
            let piece = rest.split_to(self.piece_bytes);
            self.push(Packet::Bytes { piece, is_last: false }, now);
        }
        self.push(Packet::Bytes { piece: rest, is_last: true }, now);
    }

    /// Puts in bytes that are no message.
    pub(crate) fn send_garbage(&mut self, now: Instant) {
        self.push(Packet::Bytes { piece: Bytes::from_static(b"{\"nonsense\":"), is_last: true }, now);
    }

    pub(crate) fn send_close(&mut self, code: u16, text: &str, now: Instant) {
        self.push(Packet::Close { code, text: text.to_owned() }, now);
    }

    /// Ends the stream behind what is in it.
    pub(crate) fn shut(&mut self, now: Instant) {
        if !self.is_shut {
            self.push(Packet::Fin, now);
            self.is_shut = true;
        }
    }

    /// Loses what is in it, but for the first `kept` packets, and breaks. The reader learns of it in `delay`.
    pub(crate) fn cut(&mut self, kept: usize, delay: Duration, now: Instant) {
        self.queue.truncate(kept);
        self.latency = delay;
        self.is_shut = false;
        self.push(Packet::Reset, now);
        self.is_shut = true;
    }

    /// The reader is gone: nothing put in will be read.
    pub(crate) fn abandon(&mut self) {
        self.is_shut = true;
        self.queue.clear();
    }

    fn push(&mut self, packet: Packet<M>, now: Instant) {
        if self.is_shut {
            return;
        }
        let at = self.last.map_or(now, |last| last.max(now)).max(now + self.latency);
        self.last = Some(at);
        self.queue.push_back((at, packet));
    }

    /// When the next packet arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (at, _) = self.queue.front()?;
        Some(self.stalled_until.map_or(*at, |until| until.max(*at)))
    }

    /// Takes what has arrived.
    pub(crate) fn receive(&mut self, options: &DecodeOptions) -> Option<Arrival<M>> {
        let (_, packet) = self.queue.pop_front()?;
        Some(match packet {
            Packet::Whole(message) => Arrival::Message(message),
            Packet::Bytes { piece, is_last: false } => {
                self.partial.extend_from_slice(&piece);
                Arrival::Part
            }
            Packet::Bytes { piece, is_last: true } => {
                let decoded = if self.partial.is_empty() {
                    json::decode::<M>(&piece, options)
                } else {
                    self.partial.extend_from_slice(&piece);
                    json::decode::<M>(&self.partial.split(), options)
                };
                match decoded {
                    Ok(decoded) => Arrival::Message(Box::new(decoded.message)),
                    Err(error) => Arrival::Malformed(error),
                }
            }
            Packet::Close { code, text } => Arrival::Close { code, text },
            Packet::Fin => Arrival::Fin,
            Packet::Reset => Arrival::Reset,
        })
    }

    /// Ends whatever is the matter with the pipe.
    pub(crate) fn heal(&mut self, now: Instant) {
        self.stalled_until = None;
        self.latency = Duration::from_millis(10);
        let latest = now + self.latency;
        for (at, _) in &mut self.queue {
            *at = (*at).min(latest);
        }
        self.last = self.last.map(|last| last.min(latest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use live_proto::ClientMessage;

    #[test]
    fn a_torn_message_is_put_together_or_lost_whole() {
        let now = Instant::now();
        let mut pipe: Pipe<ClientMessage> = Pipe::new(Duration::from_millis(5), 100, 10);
        pipe.send(ClientMessage::text("a text of some length"), now);
        assert!(pipe.queue.len() > 3);
        assert_eq!(pipe.due(), Some(now + Duration::from_millis(5)));
        let mut whole = None;
        while let Some(arrival) = pipe.receive(&DecodeOptions::strict()) {
            if let Arrival::Message(message) = arrival {
                whole = Some(*message);
            }
        }
        assert_eq!(whole, Some(ClientMessage::text("a text of some length")));

        pipe.send(ClientMessage::text("a text of some length"), now);
        pipe.cut(2, Duration::ZERO, now);
        let rest: Vec<_> = std::iter::from_fn(|| pipe.receive(&DecodeOptions::strict())).collect();
        assert!(matches!(rest.as_slice(), [Arrival::Part, Arrival::Part, Arrival::Reset]), "{rest:?}");
    }
}
