//! The pump: one engine, one WebSocket, one timer, one buffer.
//!
//! It decides nothing. Every message goes to the engine and every output comes from it; which message is which is not
//! looked at here.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, Stream};
use live_engine::liveness::{Silence, Vitals};
use live_engine::{Close, CloseText, Disconnect, Engine, Output, Rejected};
use live_proto::{DecodeError, DecodeErrorKind, JsonPath};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};

use crate::clock;
use crate::timer::{Deadlines, Timer};
use crate::{Decode, Encode, Fair, Frames, Options, UnknownFields};

/// An engine and its WebSocket. The host calls [`next`](Self::next) in a loop until it returns `None`.
///
/// Dropping a connection cuts it. To part in good order, command the engine to close and go on until `None`.
pub struct Connection<E: Engine, S> {
    engine: E,
    socket: WebSocketStream<S>,
    deadlines: Deadlines,
    /// Messages are encoded here and split off; the memory comes back once the socket has copied them.
    buffer: BytesMut,
    /// The one message that was taken from the engine and that the socket would not take yet. It lives here, not in a
    /// future, so that a cancelled `next()` loses nothing.
    held: Option<Message>,
    /// Something was given to the socket since its last complete flush.
    unflushed: bool,
    /// For the source of [`next_or`](Self::next_or).
    fair: Fair,
    /// Messages read since `held` was filled.
    congested_reads: u32,
    phase: Phase,
    /// For the peer's signs of life, on the runtime's time.
    life_timer: Timer,
    vitals: Vitals,
    unknown: UnknownFields,
    traffic: Traffic,
    options: Options,
}

/// How far the connection has come. Only ever moves down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Messages flow.
    Open,
    /// A close frame is on its way out or has come in; messages that still arrive are dropped.
    Closing,
    /// The WebSocket is over. Our half of the stream is shut down and what the peer still sends is read and dropped,
    /// because closing a socket with unread bytes makes a reset overtake our close frame.
    Lingering { shut: bool },
    /// The socket is not touched again.
    Ended,
}

/// Messages and their bytes, as JSON: without WebSocket's frames, TLS and what is below them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages received.
    pub messages_in: u64,
    /// Bytes of the messages received.
    pub bytes_in: u64,
    /// Messages sent, or about to be.
    pub messages_out: u64,
    /// Bytes of the messages sent, or about to be.
    pub bytes_out: u64,
}

/// What [`Connection::next_or`] waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<E, T> {
    /// As from [`Connection::next`].
    Event(Option<E>),
    /// As from the source's own `next`: `None` once it has ended.
    Item(Option<T>),
}

impl<E, S> Connection<E, S>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Serves an open WebSocket. It should have been made with [`Options::web_socket`].
    pub fn from_socket(socket: WebSocketStream<S>, engine: E, options: Options) -> Self {
        Self {
            engine,
            socket,
            deadlines: Deadlines::default(),
            buffer: BytesMut::new(),
            held: None,
            unflushed: false,
            fair: Fair::default(),
            congested_reads: 0,
            phase: Phase::Open,
            life_timer: Timer::default(),
            vitals: Vitals::new(options.liveness, clock::now(None)),
            unknown: UnknownFields::default(),
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
    /// Events come first, and after each item the other tasks of the runtime get their turn: a model that computes without
    /// ever waiting delays neither other sessions nor the sockets. Cancel-safe as far as `source` is.
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

    /// True while a message waits for the socket: the peer, or the path to it, is slower than we are.
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

    /// Fields of the peer that a lenient reader ignored.
    pub fn unknown_fields(&self) -> &UnknownFields {
        &self.unknown
    }

    /// Messages and bytes so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The poll behind [`next`](Self::next), for hosts that wait for several things in one `poll_fn`.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<E::Event>> {
        loop {
            let event = self.poll_outputs(cx);
            self.poll_flush(cx);
            if event.is_some() {
                return Poll::Ready(event);
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

    /// Moves outputs to the socket as long as it takes them; returns the first event on the way.
    fn poll_outputs(&mut self, cx: &mut Context<'_>) -> Option<E::Event> {
        loop {
            if let Some(message) = self.held.take() {
                match Pin::new(&mut self.socket).poll_ready(cx) {
                    Poll::Pending => {
                        self.held = Some(message);
                        return None;
                    }
                    Poll::Ready(ready) => {
                        match ready.and_then(|()| Pin::new(&mut self.socket).start_send(message)) {
                            Ok(()) => self.unflushed = true,
                            Err(error) => self.handle_error(error),
                        }
                        self.congested_reads = 0;
                    }
                }
            }
            match self.engine.poll_output() {
                Some(Output::Send(message)) if self.phase == Phase::Open => self.held = Some(self.encode(&message)),
                // Whatever an engine says after its close has nobody to go to.
                Some(Output::Send(_)) => {}
                Some(Output::Event(event)) => return Some(event),
                Some(Output::Close(close)) if self.phase == Phase::Open => self.close(Some(close_frame(&close))),
                Some(Output::Close(_)) => {}
                None if self.engine.is_closed() && self.phase == Phase::Open => self.close(None),
                None => return None,
            }
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) {
        if !self.unflushed || self.phase == Phase::Ended {
            return;
        }
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => self.unflushed = false,
            Poll::Ready(Err(error)) => self.handle_error(error),
        }
    }

    /// Reads what is there, up to one batch. True if anything came of it.
    fn poll_inputs(&mut self, cx: &mut Context<'_>) -> bool {
        match self.phase {
            Phase::Open => self.poll_messages(cx),
            Phase::Closing => self.poll_close(cx),
            Phase::Lingering { shut } => self.poll_linger(cx, shut),
            Phase::Ended => false,
        }
    }

    fn poll_messages(&mut self, cx: &mut Context<'_>) -> bool {
        let mut read_at = None;
        for _ in 0..READ_BATCH {
            if self.is_congested() && self.congested_reads >= self.options.congested_reads_max {
                return read_at.is_some();
            }
            let Poll::Ready(message) = Pin::new(&mut self.socket).poll_next(cx) else { return read_at.is_some() };
            let now = *read_at.get_or_insert_with(|| clock::now(self.options.clock.as_ref()));
            if self.is_congested() {
                self.congested_reads += 1;
            }
            if self.options.liveness.is_some() && matches!(message, Some(Ok(_))) {
                self.vitals.note(clock::now(None));
            }
            match message {
                Some(Ok(Message::Text(text))) => self.handle_payload(text.as_bytes(), now),
                Some(Ok(Message::Binary(bytes))) => self.handle_payload(&bytes, now),
                // The library has queued the pong; reading on, or flushing, sends it.
                Some(Ok(Message::Ping(_))) => self.unflushed = true,
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    self.handle_close(frame, now);
                    return true;
                }
                Some(Err(error)) => {
                    self.handle_error(error);
                    return true;
                }
                None => {
                    self.handle_error(tungstenite::Error::ConnectionClosed);
                    return true;
                }
            }
        }
        true
    }

    fn handle_payload(&mut self, payload: &[u8], now: Instant) {
        self.traffic.messages_in += 1;
        self.traffic.bytes_in += payload.len() as u64;
        match E::Inbound::decode(payload, &self.options.decode) {
            Ok(decoded) => {
                self.unknown.note(decoded.unknown);
                self.engine.handle_message(decoded.message, now);
            }
            Err(error) => self.engine.handle_malformed(error, now),
        }
    }

    /// The peer closes first. The library has queued the reply.
    fn handle_close(&mut self, frame: Option<CloseFrame>, now: Instant) {
        let (code, reason) = match frame {
            Some(frame) => (Some(u16::from(frame.code)), frame.reason.to_string()),
            None => (None, String::new()),
        };
        self.held = None;
        self.unflushed = true;
        self.phase = Phase::Closing;
        self.engine.handle_disconnect(Disconnect::Closed { code, reason }, now);
    }

    /// Drops messages until the WebSocket is over.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match Pin::new(&mut self.socket).poll_next(cx) {
                Poll::Pending => return false,
                // Both sides closed at once: the library has queued the reply, which says as much as our own frame would.
                Poll::Ready(Some(Ok(Message::Close(_)))) => {
                    self.held = None;
                    self.unflushed = true;
                    self.poll_flush(cx);
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(tungstenite::Error::Io(_)))) => {
                    self.end(Phase::Ended);
                    return true;
                }
                Poll::Ready(Some(Err(_)) | None) => {
                    self.phase = Phase::Lingering { shut: false };
                    return true;
                }
            }
        }
    }

    /// Sends what is left, shuts our half down, and waits for the peer's half to end.
    fn poll_linger(&mut self, cx: &mut Context<'_>, shut: bool) -> bool {
        if self.held.is_some() || self.unflushed {
            return false;
        }
        let stream = self.socket.get_mut();
        if !shut {
            match Pin::new(&mut *stream).poll_shutdown(cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) => self.phase = Phase::Lingering { shut: true },
                Poll::Ready(Err(_)) => {
                    self.end(Phase::Ended);
                    return true;
                }
            }
        }
        loop {
            let mut scrap = [0; 1024];
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut *stream).poll_read(cx, &mut scrap) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => {}
                Poll::Ready(_) => {
                    self.end(Phase::Ended);
                    return true;
                }
            }
        }
    }

    /// Fires what is due, or arms the timer for what comes next. True if anything fired.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> bool {
        if self.phase == Phase::Ended {
            return false;
        }
        // Counted from the engine's close, not from the close frame: that one may be stuck behind a message that the peer
        // does not read.
        let is_closing = self.phase != Phase::Open || self.engine.is_closed();
        let closing = is_closing.then_some(self.options.close_deadline);
        let passed = self.deadlines.poll(cx, &mut self.engine, self.options.clock.as_ref(), closing);
        if passed.cut {
            tracing::debug!("the peer did not close in time and is cut off");
            self.end(Phase::Ended);
        }
        self.poll_life(cx) || passed.engine || passed.cut
    }

    /// Pings a peer that is silent, and gives up one that stays so. True if anything came of it.
    fn poll_life(&mut self, cx: &mut Context<'_>) -> bool {
        // While we do not read, silence says nothing of the peer.
        let is_deaf = self.is_congested() && self.congested_reads >= self.options.congested_reads_max;
        let Some(due) = self.vitals.due().filter(|_| self.phase == Phase::Open && !is_deaf) else { return false };
        // The clock is not asked: a host that slept learns of frames that came meanwhile before its timers ring.
        if self.life_timer.poll(cx, due, None).is_pending() {
            return false;
        }
        match self.vitals.expire(clock::now(None)) {
            // Behind a message that the peer does not take a ping would say nothing new.
            Silence::Ping => _ = self.held.get_or_insert_with(|| Message::Ping(Bytes::new())),
            Silence::Gone(why) => {
                self.end(Phase::Ended);
                let now = self.now();
                self.engine.handle_disconnect(why, now);
            }
        }
        true
    }

    /// The time by which the engine lives.
    fn now(&self) -> Instant {
        clock::now(self.options.clock.as_ref())
    }

    /// What the library calls an error is, to the engine, either a bad message or the end of the connection.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is left of the library's errors all means that the link is gone"
    )]
    fn handle_error(&mut self, error: tungstenite::Error) {
        if self.phase != Phase::Open {
            // The engine knows of the end already, and reading finds out how far it has come.
            self.held = None;
            self.unflushed = false;
            return;
        }
        let now = self.now();
        let why = match error {
            tungstenite::Error::Capacity(tungstenite::error::CapacityError::MessageTooLong { size, max_size }) => {
                let kind = DecodeErrorKind::TooLarge { size, limit: max_size };
                return self.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, now);
            }
            tungstenite::Error::Utf8(_) => {
                let kind = DecodeErrorKind::Utf8;
                return self.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, now);
            }
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                self.end(Phase::Lingering { shut: false });
                Disconnect::Eof
            }
            tungstenite::Error::Protocol(error) => {
                // RFC 6455, 7.4.1: the transport's own verdict, with the transport's own code.
                let reason = error.to_string();
                self.close(Some(CloseFrame {
                    code: CloseCode::Protocol,
                    reason: CloseText::cut(&reason).as_str().into(),
                }));
                Disconnect::Lost(reason)
            }
            error => {
                self.end(Phase::Ended);
                Disconnect::Lost(error.to_string())
            }
        };
        self.engine.handle_disconnect(why, now);
    }

    /// Queues a close frame.
    fn close(&mut self, frame: Option<CloseFrame>) {
        self.phase = Phase::Closing;
        self.held = Some(Message::Close(frame));
    }

    fn end(&mut self, phase: Phase) {
        self.held = None;
        self.unflushed = false;
        self.phase = phase;
    }

    fn encode(&mut self, message: &E::Outbound) -> Message {
        message.encode(&mut self.buffer);
        let bytes = self.buffer.split().freeze();
        self.traffic.messages_out += 1;
        self.traffic.bytes_out += bytes.len() as u64;
        if bytes.len() > BUFFER_BYTES_KEPT {
            // One large frame must not cost its size for the rest of the connection.
            self.buffer = BytesMut::new();
        }
        match self.options.frames {
            Frames::Text => Message::Text(Utf8Bytes::try_from(bytes).expect("an encoded message is UTF-8")),
            Frames::Binary => Message::Binary(bytes),
        }
    }
}

impl<E: Engine + fmt::Debug, S> fmt::Debug for Connection<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("engine", &self.engine).field("phase", &self.phase).finish_non_exhaustive()
    }
}

fn close_frame(close: &Close) -> CloseFrame {
    CloseFrame { code: close.code.into(), reason: close.text.as_str().into() }
}

/// Messages read before outputs get their turn, so that a peer that never pauses cannot fill the engine's queue.
const READ_BATCH: u32 = 32;

/// Frames up to this size share one buffer. 64 KiB: over a second of speech in base64.
const BUFFER_BYTES_KEPT: usize = 64 << 10;
