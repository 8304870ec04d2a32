//! The shape that both ends of a connection share: messages, commands and timeouts in, one ordered queue of outputs out.
//!
//! Not here: what the two ends do with their inputs ([`crate::server`], [`crate::client`]), and anything that touches a socket.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use live_proto::DecodeError;

use crate::close::{CloseReason, CloseText};

/// One side of one connection: a state machine that performs no I/O and reads no clock.
///
/// A host feeds it with `handle_*`, and after every call takes outputs with [`poll_output`](Self::poll_output) until there
/// are none, then waits for a message, a command or the instant of [`poll_timeout`](Self::poll_timeout).
/// Inputs may come in any order and number between two polls. `now` may stand still but an earlier instant than one
/// already given counts as that one.
pub trait Engine {
    /// What the peer says.
    type Inbound;
    /// What we say to the peer.
    type Outbound;
    /// What our host asks of us.
    type Command;
    /// What our host hears from us.
    type Event;

    /// Takes in one message of the peer. The peer cannot make this fail: at worst it ends in [`Output::Close`].
    fn handle_message(&mut self, message: Self::Inbound, now: Instant);
    /// Takes in the news that the peer sent bytes which are no message.
    fn handle_malformed(&mut self, error: DecodeError, now: Instant);
    /// Takes in the end of the transport.
    fn handle_disconnect(&mut self, why: Disconnect, now: Instant);
    /// Takes a command of the host.
    ///
    /// # Errors
    /// Gives the command back when it cannot be followed, with the reason.
    fn handle_command(&mut self, command: Self::Command, now: Instant) -> Result<(), Rejected<Self::Command>>;
    /// Does what is due at `now`. Spurious calls do nothing.
    fn handle_timeout(&mut self, now: Instant);
    /// Takes the oldest output. One queue, total order.
    fn poll_output(&mut self) -> Option<Output<Self::Outbound, Self::Event>>;
    /// Returns when [`handle_timeout`](Self::handle_timeout) is next due; `None` when nothing is armed.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Tells whether the connection is over. Once true it stays true; outputs already queued can still be taken.
    fn is_closed(&self) -> bool;
}

/// What an engine asks of the one who drives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<M, E> {
    /// Send this message to the peer.
    Send(M),
    /// Tell this to the host.
    Event(E),
    /// Close the transport so, after everything sent before. No message follows; events may.
    Close(Close),
}

/// How to close the transport.
#[derive(Clone, Debug, PartialEq)]
pub struct Close {
    /// WebSocket close code.
    pub code: u16,
    /// What the peer is told.
    pub text: CloseText,
    /// Why, in full.
    pub reason: CloseReason,
}

/// How the transport ended, as its adapter saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// The peer closed with a close frame.
    Closed {
        /// The code; `None` when the frame carried none (seen as 1005 by other libraries).
        code: Option<u16>,
        /// The reason text, possibly empty.
        reason: String,
    },
    /// The transport broke; the text is the adapter's error.
    Lost(String),
    /// The stream ended without a close frame.
    Eof,
}

/// A command that was not followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected<C> {
    /// The command, unchanged.
    pub command: C,
    /// Why.
    pub why: Why,
}

/// Why a command was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The connection is over.
    Closed,
    /// No session is open yet.
    NotReady,
    /// The queue that would hold it is full; try again after outputs were taken.
    Full,
    /// `setup` is sent once, by the engine, from its configuration.
    SetupIsSent,
    /// The tool response answers a call that is not waiting for one.
    NoSuchCall,
    /// The session answers in the other modality.
    WrongModality,
    /// PCM must be whole 16-bit samples.
    HalfSample,
    /// The generation's number has never been given out.
    NoSuchTurn,
    /// A message is not the client's to send (an empty one).
    Empty,
    /// No session waits to be resumed.
    NotResuming,
    /// No session waits for leave to begin.
    NotAsked,
    /// The model is further ahead of its listener than is kept for it.
    Ahead,
    /// No such snapshot waits to be stored.
    NoSuchHandle,
}

impl std::error::Error for Why {}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the connection is over",
            Self::NotReady => "no session is open yet",
            Self::Full => "the queue is full",
            Self::SetupIsSent => "setup is sent once, by the engine",
            Self::NoSuchCall => "no such function call is waiting for an answer",
            Self::WrongModality => "the session answers in the other modality",
            Self::HalfSample => "pcm must be whole 16-bit samples",
            Self::NoSuchTurn => "no such generation",
            Self::Empty => "an empty message says nothing",
            Self::NotResuming => "no session waits to be resumed",
            Self::NotAsked => "no session waits for leave to begin",
            Self::Ahead => "so much speech waits to be sent that there is no room for more",
            Self::NoSuchHandle => "no such snapshot waits to be stored",
        })
    }
}

impl<C> fmt::Display for Rejected<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl<C: fmt::Debug> std::error::Error for Rejected<C> {}

/// Number of a generation: one request to the model and everything that answers it. Rises by one, never reused in a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnId(pub u64);

impl TurnId {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The one queue of outputs of an engine.
pub(crate) type Outputs<M, E> = VecDeque<Output<M, E>>;

/// An instant that never goes back, whatever the host hands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn new(now: Instant) -> Self {
        Self(now)
    }

    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        self.0 = self.0.max(now);
        self.0
    }
}
