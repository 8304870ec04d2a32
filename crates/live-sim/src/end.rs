//! One end of a connection: an engine and its pipes, driven in the way of the adapters.
//!
//! The rules are those of `live_tokio::Connection`: a message is taken out of the engine when the pipe has room for it, a
//! congested end reads on only so far, and a close that is not answered in time is final.

use std::time::{Duration, Instant};

use live_engine::{Disconnect, Engine, Output};
use live_proto::json;

use crate::net::{Arrival, Pipe};

/// How far an end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// A close frame was sent or received.
    Closing,
    Ended,
}

/// An engine with its place at a connection.
#[derive(Debug)]
pub(crate) struct End<E: Engine> {
    pub(crate) engine: E,
    held: Option<E::Outbound>,
    pub(crate) phase: Phase,
    cut_at: Option<Instant>,
    congested_reads: u32,
}

impl<E: Engine> End<E>
where
    E::Outbound: json::Message + Clone,
{
    pub(crate) fn new(engine: E) -> Self {
        Self { engine, held: None, phase: Phase::Open, cut_at: None, congested_reads: 0 }
    }

    pub(crate) fn is_congested(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it takes in what arrives.
    pub(crate) fn reads(&self) -> bool {
        self.phase != Phase::Ended && !(self.is_congested() && self.congested_reads >= CONGESTED_READS_MAX)
    }

    /// Moves outputs into the pipe; gives the first event, and shows what is said to the peer.
    pub(crate) fn pump(
        &mut self,
        pipe: &mut Pipe<E::Outbound>,
        now: Instant,
        mut says: impl FnMut(Output<&E::Outbound, ()>),
    ) -> Option<E::Event> {
        loop {
            if let Some(message) = self.held.take() {
                if !pipe.has_room() {
                    self.held = Some(message);
                    return None;
                }
                self.congested_reads = 0;
                pipe.send(message, now);
            }
            match self.engine.poll_output() {
                Some(Output::Send(message)) if self.phase == Phase::Open => {
                    says(Output::Send(&message));
                    self.held = Some(message);
                }
                Some(Output::Send(_)) => {}
                Some(Output::Event(event)) => return Some(event),
                Some(Output::Close(close)) => {
                    if self.phase == Phase::Open {
                        pipe.send_close(close.code, close.text.as_str(), now);
                        self.close(now);
                        says(Output::Close(close));
                    }
                }
                None if self.engine.is_closed() && self.phase == Phase::Open => {
                    pipe.send_close(1005, "", now);
                    self.close(now);
                }
                None => return None,
            }
        }
    }

    fn close(&mut self, now: Instant) {
        self.phase = Phase::Closing;
        self.cut_at.get_or_insert(now + CLOSE_DEADLINE);
    }

    /// Takes in what has arrived. True if the end is over with it.
    pub(crate) fn take(&mut self, arrival: Arrival<E::Inbound>, pipe: &mut Pipe<E::Outbound>, now: Instant) -> bool {
        if self.is_congested() && !matches!(arrival, Arrival::Part) {
            self.congested_reads += 1;
        }
        match arrival {
            Arrival::Part => {}
            Arrival::Message(message) if self.phase == Phase::Open => self.engine.handle_message(*message, now),
            Arrival::Malformed(error) if self.phase == Phase::Open => self.engine.handle_malformed(error, now),
            Arrival::Message(_) | Arrival::Malformed(_) => {}
            Arrival::Close { code, text } => {
                self.held = None;
                if self.phase == Phase::Open {
                    // The library answers a close with a close.
                    pipe.send_close(code, &text, now);
                    let code = (code != 1005).then_some(code);
                    self.close(now);
                    self.engine.handle_disconnect(Disconnect::Closed { code, reason: text }, now);
                }
                return self.end(pipe, now);
            }
            Arrival::Fin => return self.lose(Disconnect::Eof, pipe, now),
            Arrival::Reset => return self.lose(Disconnect::Lost("reset".into()), pipe, now),
        }
        false
    }

    /// The connection ended without a close frame.
    fn lose(&mut self, why: Disconnect, pipe: &mut Pipe<E::Outbound>, now: Instant) -> bool {
        self.held = None;
        if self.phase == Phase::Open {
            self.engine.handle_disconnect(why, now);
        }
        self.end(pipe, now)
    }

    /// When the end is over for want of an answer to its close.
    pub(crate) fn cut_at(&self) -> Option<Instant> {
        if self.phase == Phase::Ended { None } else { self.cut_at }
    }

    /// The end is over: what it sent is still on its way, what is sent to it is not read.
    pub(crate) fn end(&mut self, pipe: &mut Pipe<E::Outbound>, now: Instant) -> bool {
        self.phase = Phase::Ended;
        self.held = None;
        pipe.shut(now);
        true
    }

    /// Counts the deadline of a close that is stuck behind what cannot be sent.
    pub(crate) fn note_closed(&mut self, now: Instant) {
        if self.engine.is_closed() {
            self.cut_at.get_or_insert(now + CLOSE_DEADLINE);
        }
    }
}

/// As `live_tokio::Options` has it.
const CONGESTED_READS_MAX: u32 = 64;
/// As `live_tokio::Options` has it.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);
