//! The pump: one engine, one WebSocket, one buffer, on the thread of whoever calls.
//!
//! It decides nothing. Every message goes to the engine and every output comes from it; which message is which is not
//! looked at here. Waiting is done in one place, the read of the socket, which ends when the engine or the host is due.

use std::fmt;
use std::io::Read as _;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use live_engine::liveness::{Silence, Vitals};
use live_engine::{
    ClientCommand, ClientEngine, ClientEvent, Close, CloseCause, CloseText, Disconnect, Engine, Output, Rejected,
};
use live_proto::json;
use live_proto::{ClientMessage, DecodeError, DecodeErrorKind, JsonPath};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, Utf8Bytes, WebSocket};

use crate::connect::is_wait;
use crate::stream::Stream;
use crate::{Frames, Options};

/// An engine and its WebSocket. The host calls [`next`](Self::next) in a loop until it returns [`Next::Over`].
///
/// Dropping a connection cuts it. To part in good order, command the engine to close and go on until the end.
pub struct Connection<E: Engine> {
    engine: E,
    socket: WebSocket<Stream>,
    /// Messages are encoded here and split off; the memory comes back once the socket has copied them.
    buffer: BytesMut,
    /// Something was given to the socket since its last complete flush.
    unflushed: bool,
    /// Messages read since the socket was last flushed.
    congested_reads: u32,
    phase: Phase,
    /// When a connection that closes is given up; set once it does.
    cut_at: Option<Instant>,
    vitals: Vitals,
    unknown_fields: u64,
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
    Lingering,
    /// The socket is not touched again.
    Ended,
}

/// What [`Connection::next`] waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<E> {
    /// The engine has something to say.
    Event(E),
    /// The timeout has passed without.
    TimedOut,
    /// The connection is over, and stays so.
    Over,
}

impl<E> Connection<E>
where
    E: Engine,
    E::Inbound: json::Message,
    E::Outbound: json::Message,
{
    pub(crate) fn new(socket: WebSocket<Stream>, engine: E, options: Options) -> Self {
        Self {
            engine,
            socket,
            buffer: BytesMut::new(),
            unflushed: false,
            congested_reads: 0,
            phase: Phase::Open,
            cut_at: None,
            vitals: Vitals::new(options.liveness, Instant::now()),
            unknown_fields: 0,
            options,
        }
    }

    /// Waits for the next event, at most `timeout`, while moving messages both ways.
    ///
    /// A timeout of zero does what can be done at once. What was said with [`command`](Self::command) is sent here.
    pub fn next(&mut self, timeout: Option<Duration>) -> Next<E::Event> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(event) = self.send_outputs() {
                return Next::Event(event);
            }
            if self.phase == Phase::Ended {
                return Next::Over;
            }
            // Whether the peer is there is asked last, when what it has sent was read.
            if self.fire_timers() || self.receive(until) || self.check_life() {
                continue;
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                return Next::TimedOut;
            }
        }
    }

    /// Hands a command to the engine. What follows from it is sent by the next call of [`next`](Self::next).
    ///
    /// # Errors
    /// The command itself and the reason, when the engine does not take it.
    pub fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>> {
        self.engine.handle_command(command, Instant::now())
    }

    /// True while something that we sent waits for the socket: the peer, or the path to it, is slower than we are.
    pub fn is_congested(&self) -> bool {
        self.unflushed
    }

    /// True once the engine has closed. [`next`](Self::next) still has to be called until [`Next::Over`], to part from the peer in
    /// good order.
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// The engine, to be looked at.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// How many fields of the peer a lenient reader has ignored; their paths are in the log.
    pub fn unknown_fields(&self) -> u64 {
        self.unknown_fields
    }

    /// Moves outputs to the socket as long as it takes them; returns the first event on the way.
    fn send_outputs(&mut self) -> Option<E::Event> {
        loop {
            self.flush();
            // Events do not need the socket, but one queue has one order: what comes behind a message waits with it.
            if self.unflushed && self.phase != Phase::Ended && !self.engine.is_closed() {
                return None;
            }
            match self.engine.poll_output() {
                Some(Output::Send(message)) if self.phase == Phase::Open => {
                    let message = self.encode(&message);
                    self.write(message);
                }
                // Whatever an engine says after its close has nobody to go to.
                Some(Output::Send(_)) => {}
                Some(Output::Event(event)) => return Some(event),
                Some(Output::Close(close)) if self.phase == Phase::Open => self.close_with(Some(close_frame(&close))),
                Some(Output::Close(_)) => {}
                None if self.engine.is_closed() && self.phase == Phase::Open => self.close_with(None),
                None => {
                    self.flush();
                    return None;
                }
            }
        }
    }

    /// Gives the socket a message, which it keeps until it can be written.
    fn write(&mut self, message: Message) {
        self.unflushed = true;
        match self.socket.write(message) {
            Ok(()) => {}
            Err(tungstenite::Error::Io(error)) if is_wait(&error) => {}
            Err(error) => self.handle_error(error),
        }
    }

    fn flush(&mut self) {
        if !self.unflushed || matches!(self.phase, Phase::Lingering | Phase::Ended) {
            return;
        }
        match self.socket.flush() {
            Ok(()) => {
                self.unflushed = false;
                self.congested_reads = 0;
            }
            Err(tungstenite::Error::Io(error)) if is_wait(&error) => {}
            Err(error) => self.handle_error(error),
        }
    }

    /// Queues a close frame behind whatever waits.
    fn close_with(&mut self, frame: Option<CloseFrame>) {
        self.phase = Phase::Closing;
        self.write(Message::Close(frame));
    }

    /// Reads one message, waiting for it no longer than something else is due. True if anything came of it.
    fn receive(&mut self, until: Option<Instant>) -> bool {
        let now = Instant::now();
        // A socket cannot be waited for in both directions; one that does not take our bytes is asked again shortly.
        let again = self.unflushed.then(|| now + CONGESTED_PAUSE);
        let due = [until, self.engine.poll_timeout(), self.cut_at, self.life_due(), again];
        let due = due.into_iter().flatten().min();
        let due = due.unwrap_or(now + LONG);
        if self.is_deaf() {
            std::thread::sleep(due.saturating_duration_since(now));
            return false;
        }
        self.socket.get_mut().read_until(Some(due));
        if self.unflushed {
            self.congested_reads += 1;
        }
        if self.phase == Phase::Lingering {
            return self.linger();
        }
        let read = self.socket.read();
        if self.options.liveness.is_some() && read.is_ok() {
            self.vitals.note(Instant::now());
        }
        match (read, self.phase) {
            (Err(tungstenite::Error::Io(error)), _) if is_wait(&error) => {
                if self.unflushed {
                    // TLS that cannot write does not wait for something to read.
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                return false;
            }
            (Ok(Message::Text(text)), Phase::Open) => self.handle_payload(text.as_bytes()),
            (Ok(Message::Binary(bytes)), Phase::Open) => self.handle_payload(&bytes),
            (Ok(Message::Close(frame)), Phase::Open) => self.handle_close(frame),
            // The library has queued the pong, or the answer to a close; writing on sends it.
            (Ok(Message::Ping(_) | Message::Close(_)), _) => self.unflushed = true,
            (Ok(Message::Text(_) | Message::Binary(_) | Message::Pong(_) | Message::Frame(_)), _) => {}
            (Err(error), _) => self.handle_error(error),
        }
        true
    }

    fn handle_payload(&mut self, payload: &[u8]) {
        let now = Instant::now();
        match json::decode::<E::Inbound>(payload, &self.options.decode) {
            Ok(decoded) => {
                for path in &decoded.unknown {
                    tracing::debug!(%path, "the peer sent a field that we do not know");
                }
                self.unknown_fields += decoded.unknown.len() as u64;
                self.engine.handle_message(decoded.message, now);
            }
            Err(error) => self.engine.handle_malformed(error, now),
        }
    }

    /// The peer closes first. The library has queued the reply.
    fn handle_close(&mut self, frame: Option<CloseFrame>) {
        let (code, reason) = match frame {
            Some(frame) => (Some(u16::from(frame.code)), frame.reason.to_string()),
            None => (None, String::new()),
        };
        self.unflushed = true;
        self.phase = Phase::Closing;
        self.engine.handle_disconnect(Disconnect::Closed { code, reason }, Instant::now());
    }

    /// Drops what the peer still sends, until it ends. True if anything came of it.
    fn linger(&mut self) -> bool {
        let mut scrap = [0; 1024];
        match self.socket.get_mut().read(&mut scrap) {
            Ok(0) => self.end(),
            Ok(_) => {}
            Err(error) if is_wait(&error) => return false,
            Err(_) => self.end(),
        }
        true
    }

    /// What the library calls an error is, to the engine, either a bad message or the end of the connection.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is left of the library's errors all means that the link is gone"
    )]
    fn handle_error(&mut self, error: tungstenite::Error) {
        let now = Instant::now();
        let was_open = self.phase == Phase::Open;
        let why = match error {
            tungstenite::Error::Capacity(tungstenite::error::CapacityError::MessageTooLong { size, max_size })
                if was_open =>
            {
                let kind = DecodeErrorKind::TooLarge { size, limit: max_size };
                return self.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, now);
            }
            tungstenite::Error::Utf8(_) if was_open => {
                let kind = DecodeErrorKind::Utf8;
                return self.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, now);
            }
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                self.linger_from_here();
                Disconnect::Eof
            }
            tungstenite::Error::Protocol(error) if was_open => {
                // RFC 6455, 7.4.1: the transport's own verdict, with the transport's own code.
                let reason = error.to_string();
                self.close_with(Some(CloseFrame {
                    code: CloseCode::Protocol,
                    reason: CloseText::cut(&reason).as_str().into(),
                }));
                Disconnect::Lost(reason)
            }
            tungstenite::Error::Io(error) => {
                self.end();
                Disconnect::Lost(error.to_string())
            }
            error => {
                self.linger_from_here();
                Disconnect::Lost(error.to_string())
            }
        };
        if was_open {
            self.engine.handle_disconnect(why, now);
        }
    }

    fn linger_from_here(&mut self) {
        self.unflushed = false;
        self.phase = Phase::Lingering;
        if self.socket.get_mut().shut_down().is_err() {
            self.end();
        }
    }

    /// Fires what is due. True if anything was.
    fn fire_timers(&mut self) -> bool {
        let now = Instant::now();
        // Counted from the engine's close, not from the close frame: that one may be stuck behind a message that the peer
        // does not read.
        if self.cut_at.is_none() && (self.phase != Phase::Open || self.engine.is_closed()) {
            self.cut_at = Some(now + self.options.close_deadline);
        }
        let is_due = self.engine.poll_timeout().is_some_and(|timeout| timeout <= now);
        if is_due {
            self.engine.handle_timeout(now);
        }
        let is_cut = self.cut_at.is_some_and(|cut_at| cut_at <= now);
        if is_cut {
            tracing::debug!("the peer did not close in time and is cut off");
            self.end();
        }
        is_due || is_cut
    }

    /// Pings a peer that is silent, and gives up one that stays so. True if anything came of it.
    fn check_life(&mut self) -> bool {
        let now = Instant::now();
        if self.life_due().is_none_or(|due| now < due) {
            return false;
        }
        match self.vitals.expire(now) {
            // Behind a message that the peer does not take a ping would say nothing new.
            Silence::Ping if self.unflushed => {}
            Silence::Ping => self.write(Message::Ping(Bytes::new())),
            Silence::Gone(why) => {
                self.end();
                self.engine.handle_disconnect(why, now);
            }
        }
        true
    }

    fn life_due(&self) -> Option<Instant> {
        self.vitals.due().filter(|_| self.phase == Phase::Open && !self.is_deaf())
    }

    /// While we do not read, silence says nothing of the peer.
    fn is_deaf(&self) -> bool {
        self.phase == Phase::Open && self.unflushed && self.congested_reads >= self.options.congested_reads_max
    }

    fn end(&mut self) {
        self.unflushed = false;
        self.phase = Phase::Ended;
    }

    fn encode(&mut self, message: &E::Outbound) -> Message {
        json::encode(message, &mut self.buffer);
        let bytes = self.buffer.split().freeze();
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

/// What clients do most.
impl Connection<ClientEngine> {
    /// Queues a message; [`next`](Self::next) sends it.
    ///
    /// # Errors
    /// The message and the reason, when the engine does not take it.
    #[expect(clippy::result_large_err, reason = "the message comes back, and a box would cost an allocation")]
    pub fn send(&mut self, message: ClientMessage) -> Result<(), Rejected<ClientCommand>> {
        self.command(ClientCommand::Send(message))
    }

    /// Sends what is queued, closes in the normal way, and waits for the server at most [`Options::close_deadline`]. Events on the
    /// way are dropped; `None` if the end was heard of before.
    pub fn close(mut self) -> Option<CloseCause> {
        // Refused only when it is over already.
        _ = self.command(ClientCommand::Close);
        let mut cause = None;
        while let Next::Event(event) = self.next(None) {
            if let ClientEvent::Closed(closed) = event {
                cause = Some(closed);
            }
        }
        cause
    }
}

impl<E: Engine + fmt::Debug> fmt::Debug for Connection<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("engine", &self.engine).field("phase", &self.phase).finish_non_exhaustive()
    }
}

fn close_frame(close: &Close) -> CloseFrame {
    CloseFrame { code: close.code.into(), reason: close.text.as_str().into() }
}

/// How often a socket that takes no more bytes is asked again. 5 ms: a quarter of the usual audio message.
const CONGESTED_PAUSE: Duration = Duration::from_millis(5);

/// A wait that nothing bounds; the loop just waits again.
const LONG: Duration = Duration::from_secs(3600);

/// Frames up to this size share one buffer. 64 KiB: over a second of speech in base64.
const BUFFER_BYTES_KEPT: usize = 64 << 10;
