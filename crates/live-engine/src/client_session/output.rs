//! What a session asks of its host, and what it tells of its connections.
//!
//! What it tells of one connection is [`ClientEvent`], which these are part of.

use std::fmt;
use std::sync::Arc;

use live_proto::{ClientMessage, FunctionCall, Setup};

use super::{Dropped, Frame, RunId};
use crate::client::{ClientEvent, CloseCause};
use crate::engine::Close;

/// Number of a connection, or of the attempt at one. Rises by one, never reused in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// What a host is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionOutput {
    /// Open a connection and answer with [`handle_dialed`](super::ClientSession::handle_dialed) or
    /// [`handle_dial_failed`](super::ClientSession::handle_dial_failed).
    Dial {
        /// The connection to be.
        link: LinkId,
        /// How many dials there were since a connection last held, this one included.
        attempt: u32,
        /// What will be sent first, by an output of its own. It shows what the dial is for: a credential may depend on it.
        setup: Arc<Setup>,
    },
    /// Send a message over a connection.
    Send(LinkId, ClientMessage),
    /// Close a connection, or give up dialling it. Once it is gone, [`handle_disconnect`](super::ClientSession::handle_disconnect)
    /// says so.
    Close(LinkId, Close),
    /// Run a registered function and answer with [`handle_tool_output`](super::ClientSession::handle_tool_output).
    RunTool {
        /// Number of the run.
        run: RunId,
        /// What is called, and with what.
        call: FunctionCall,
    },
    /// Give up a run. What it says from now on changes nothing.
    AbortTool(RunId),
    /// Tell this to the application.
    Event(ClientEvent),
}

/// What makes another connection necessary.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconnect {
    /// The server said `goAway`.
    GoAway,
    /// The connection ended, or could not be opened.
    Ended(Box<CloseCause>),
}

/// The end of a session that wanted to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// How the last connection, or the last attempt, ended.
    pub cause: CloseCause,
    /// Why it was the last.
    pub gave_up: GaveUp,
    /// Dials since a connection last held.
    pub dials: u32,
    /// What the host said and no connection took, oldest first.
    pub unsent: Vec<ClientMessage>,
    /// The last frames before the end, without what they say.
    pub last_frames: Vec<Frame>,
}

/// Why no other attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GaveUp {
    /// Another attempt would end the same way; see [`retry`](super::retry).
    Hopeless,
    /// [`ReconnectPolicy::dials_max`](super::ReconnectPolicy::dials_max) is spent.
    Budget,
    /// There is no handle and [`ReconnectPolicy::fresh`](super::ReconnectPolicy::fresh) forbids a new beginning.
    NoHandle,
}

/// What a session has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Dials, the first included.
    pub dials: u64,
    /// Connections that went on by a handle.
    pub restored: u64,
    /// Connections that began anew.
    pub renewed: u64,
    /// Messages that were sent again.
    pub replayed: u64,
    /// Messages that were dropped.
    pub dropped: Dropped,
}
