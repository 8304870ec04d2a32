//! The pump: one engine, one gRPC stream, one timer, one buffer.
//!
//! It decides nothing. Every message goes to the engine and every output comes from it; which message is which is not
//! looked at here. It has the shape of `live_tokio::Connection`, for hosts that drive either.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_channel::mpsc;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use live_engine::{CloseReason, Disconnect, Engine, Output, Rejected};
use live_proto::{DecodeError, DecodeErrorKind, JsonPath};
use live_tokio::{Deadlines, Fair, Step, Traffic, now};
use tonic::{Code, Response, Status, Streaming};

use crate::codec::malformed;
use crate::outgoing::Frame;
use crate::{Decode, Encode, Options, element, status};

/// An engine and its stream. The host calls [`next`](Self::next) in a loop until it returns `None`.
///
/// Dropping a connection cuts it. To part in good order, command the engine to close and go on until `None`.
pub struct Connection<E: Engine> {
    engine: E,
    side: Side,
    outgoing: mpsc::Sender<Frame>,
    incoming: Incoming,
    deadlines: Deadlines,
    /// Messages are encoded here and split off; the memory comes back once the transport has copied them.
    buffer: BytesMut,
    /// The one frame that was taken from the engine and that the transport would not take yet. It lives here, not in a
    /// future, so that a cancelled `next()` loses nothing.
    held: Option<Frame>,
    /// For the source of [`next_or`](Self::next_or).
    fair: Fair,
    /// Messages read since `held` was filled.
    congested_reads: u32,
    phase: Phase,
    traffic: Traffic,
    options: Options,
}

/// Who we are: only a server ends a stream with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// The half of the stream that we read.
pub(crate) enum Incoming {
    /// A client has asked, and the server has not sent its headers.
    Opening(BoxFuture<'static, Result<Response<Streaming<Bytes>>, Status>>),
    Open(Box<Streaming<Bytes>>),
    /// It has ended, or nobody wants to hear the rest.
    Over,
}

impl Incoming {
    /// The next payload; `None` at an end without a fault.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        loop {
            let end = match self {
                Self::Opening(opening) => match std::task::ready!(opening.as_mut().poll(cx)) {
                    Ok(response) => {
                        *self = Self::Open(Box::new(response.into_inner()));
                        continue;
                    }
                    Err(status) => Some(Err(status)),
                },
                Self::Open(stream) => match std::task::ready!(Pin::new(stream.as_mut()).poll_next(cx)) {
                    Some(Ok(payload)) => return Poll::Ready(Some(Ok(payload))),
                    end => end,
                },
                Self::Over => return Poll::Pending,
            };
            *self = Self::Over;
            return Poll::Ready(end);
        }
    }
}

/// How far the connection has come. Only ever moves down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Messages flow.
    Open,
    /// The end of our half is on its way out; messages that still arrive are dropped.
    Closing,
    /// The stream is not touched again.
    Ended,
}

impl<E> Connection<E>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
{
    pub(crate) fn new(
        engine: E,
        side: Side,
        outgoing: mpsc::Sender<Frame>,
        incoming: Incoming,
        options: Options,
    ) -> Self {
        Self {
            engine,
            side,
            outgoing,
            incoming,
            deadlines: Deadlines::default(),
            buffer: BytesMut::new(),
            held: None,
            fair: Fair::default(),
            congested_reads: 0,
            phase: Phase::Open,
            traffic: Traffic::default(),
            options,
        }
    }

    /// Waits for the next event while moving messages both ways. `None` once the connection is over, and from then on.
    ///
    /// Cancel-safe: a future dropped at any point loses no event and no message.
    pub async fn next(&mut self) -> Option<E::Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), but also takes an item from `source` whenever the peer keeps up with what we send.
    ///
    /// This is how back-pressure reaches whoever produces the output: while [`is_congested`](Self::is_congested), the source is not polled.
    /// Events come first, and after each item the other tasks of the runtime get their turn. Cancel-safe as far as
    /// `source` is.
    pub async fn next_or<T>(&mut self, source: &mut (impl Stream<Item = T> + Unpin)) -> Step<E::Event, T> {
        poll_fn(|cx| {
            if let Poll::Ready(event) = self.poll_next(cx) {
                return Poll::Ready(Step::Event(event));
            }
            if self.is_congested() {
                return Poll::Pending;
            }
            self.fair.poll_next(source, cx).map(Step::Item)
        })
        .await
    }

    /// Hands a command to the engine. What follows from it is sent by the next call of [`next`](Self::next).
    ///
    /// # Errors
    /// The command itself and the reason, when the engine does not take it.
    pub fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>> {
        let now = self.now();
        self.engine.handle_command(command, now)
    }

    /// True while a message waits for the transport: the peer, or the path to it, is slower than we are.
    ///
    /// Tells what the last [`poll_next`](Self::poll_next) saw.
    pub fn is_congested(&self) -> bool {
        self.held.is_some()
    }

    /// True once the engine has closed. [`next`](Self::next) still has to be called until `None`, to part from the peer in good order.
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// The engine, to be looked at.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Messages and their bytes as protobuf so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The poll behind [`next`](Self::next), for hosts that wait for several things in one `poll_fn`.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<E::Event>> {
        loop {
            if let Some(event) = self.poll_outputs(cx) {
                return Poll::Ready(Some(event));
            }
            if self.poll_inputs(cx) || self.poll_timers(cx) {
                continue;
            }
            if self.phase == Phase::Ended {
                return Poll::Ready(None);
            }
            return Poll::Pending;
        }
    }

    /// Moves outputs to the transport as long as it takes them; returns the first event on the way.
    fn poll_outputs(&mut self, cx: &mut Context<'_>) -> Option<E::Event> {
        loop {
            if let Some(frame) = self.held.take() {
                let Poll::Ready(room) = self.outgoing.poll_ready(cx) else {
                    self.held = Some(frame);
                    return None;
                };
                // A transport that is gone says why on the half that we read.
                _ = room.and_then(|()| self.outgoing.start_send(frame));
                self.congested_reads = 0;
            }
            match self.engine.poll_output() {
                Some(Output::Send(message)) if self.phase == Phase::Open => {
                    self.held = Some(Frame::Message(self.encode(message)));
                }
                // Whatever an engine says after its close has nobody to go to.
                Some(Output::Send(_)) => {}
                Some(Output::Event(event)) => return Some(event),
                Some(Output::Close(close)) if self.phase == Phase::Open => self.close(&close.reason),
                Some(Output::Close(_)) => {}
                None if self.engine.is_closed() && self.phase == Phase::Open => self.close(&CloseReason::Done),
                None => return None,
            }
        }
    }

    /// Ends our half so that the peer learns the reason.
    fn close(&mut self, reason: &CloseReason) {
        let status = status::of(reason);
        if self.side == Side::Client && status.is_some() {
            // A client has no status to send. Dropping the stream resets it, which a server sees as cancelled.
            return self.end();
        }
        self.phase = Phase::Closing;
        self.held = Some(Frame::End(status.map(Box::new)));
    }

    /// Reads what is there, up to one batch. True if anything came of it.
    fn poll_inputs(&mut self, cx: &mut Context<'_>) -> bool {
        match (self.phase, self.side) {
            (Phase::Open, _) => self.poll_messages(cx),
            (Phase::Closing, Side::Server) => {
                // A slot that is free again means that the transport has the status.
                let is_told = self.held.is_none() && self.outgoing.poll_ready(cx).is_ready();
                if is_told {
                    self.end();
                }
                is_told
            }
            (Phase::Closing, Side::Client) => loop {
                match self.incoming.poll(cx) {
                    Poll::Pending => return false,
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(Some(Err(_)) | None) => {
                        self.end();
                        return true;
                    }
                }
            },
            (Phase::Ended, _) => false,
        }
    }

    fn poll_messages(&mut self, cx: &mut Context<'_>) -> bool {
        let mut read_at = None;
        for _ in 0..READ_BATCH {
            if self.is_congested() && self.congested_reads >= self.options.congested_reads_max {
                return read_at.is_some();
            }
            let Poll::Ready(payload) = self.incoming.poll(cx) else { return read_at.is_some() };
            let now = *read_at.get_or_insert_with(|| now(self.options.clock.as_ref()));
            if self.is_congested() {
                self.congested_reads += 1;
            }
            match payload {
                Some(Ok(payload)) => {
                    self.traffic.messages_in += 1;
                    self.traffic.bytes_in += payload.len() as u64;
                    let limit = self.options.elements_max;
                    let decoded = if element::exceeds(&payload, limit) {
                        let kind = DecodeErrorKind::TooManyElements { limit };
                        Err(DecodeError { path: JsonPath::default(), kind })
                    } else {
                        E::Inbound::decode(payload)
                    };
                    match decoded {
                        Ok(message) => self.engine.handle_message(message, now),
                        Err(error) => self.engine.handle_malformed(error, now),
                    }
                }
                Some(Err(status)) => {
                    self.handle_status(&status, now);
                    return true;
                }
                None => {
                    self.handle_end(now);
                    return true;
                }
            }
        }
        true
    }

    /// The peer has ended its half in good order.
    fn handle_end(&mut self, now: Instant) {
        if self.side == Side::Client {
            self.end();
        }
        // A server's half is still open: what the engine has said goes out, and then its end.
        self.engine.handle_disconnect(Disconnect::Closed { code: Some(1000), reason: String::new() }, now);
    }

    fn handle_status(&mut self, status: &Status, now: Instant) {
        if self.side == Side::Server && status.code() == Code::OutOfRange {
            // tonic's word for a message above the limit. The engine answers, and our half is still open for it.
            return self.engine.handle_malformed(malformed(status.message()), now);
        }
        self.end();
        self.engine.handle_disconnect(status::disconnect(status), now);
    }

    /// Fires what is due, or arms the timers for what comes next. True if anything fired.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> bool {
        if self.phase == Phase::Ended {
            return false;
        }
        // Counted from the engine's close: the end may be stuck behind a message that the peer does not take.
        let is_closing = self.phase != Phase::Open || self.engine.is_closed();
        let closing = is_closing.then_some(self.options.close_deadline);
        let passed = self.deadlines.poll(cx, &mut self.engine, self.options.clock.as_ref(), closing);
        if passed.cut {
            tracing::debug!("the peer did not end the stream in time and is cut off");
            self.end();
        }
        passed.engine || passed.cut
    }

    fn end(&mut self) {
        self.held = None;
        self.incoming = Incoming::Over;
        self.outgoing.disconnect();
        self.phase = Phase::Ended;
    }

    fn now(&self) -> Instant {
        now(self.options.clock.as_ref())
    }

    fn encode(&mut self, message: E::Outbound) -> Bytes {
        message.encode(&mut self.buffer);
        let payload = self.buffer.split().freeze();
        self.traffic.messages_out += 1;
        self.traffic.bytes_out += payload.len() as u64;
        if payload.len() > BUFFER_BYTES_KEPT {
            // One large message must not cost its size for the rest of the connection.
            self.buffer = BytesMut::new();
        }
        payload
    }
}

impl<E: Engine + fmt::Debug> fmt::Debug for Connection<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("engine", &self.engine).field("phase", &self.phase).finish_non_exhaustive()
    }
}

/// Messages read before outputs get their turn, so that a peer that never pauses cannot fill the engine's queue.
const READ_BATCH: u32 = 32;

/// Messages up to this size share one buffer. 64 KiB: over a second of speech.
const BUFFER_BYTES_KEPT: usize = 64 << 10;
