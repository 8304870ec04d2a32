//! A client without manners: it says what it was given, in that order, and tells how it was answered.
//!
//! The client's real engine cannot be made to break a rule.

use std::collections::VecDeque;
use std::time::Instant;

use live_engine::{Disconnect, Engine, Output, Rejected, Why};
use live_proto::{ClientMessage, DecodeError, ServerMessage};

/// The engine.
#[derive(Debug)]
pub struct Blurt {
    outputs: VecDeque<Output<ClientMessage, Heard>>,
    is_closed: bool,
}

/// What it heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A message.
    Message(Box<ServerMessage>),
    /// The end.
    End(Disconnect),
}

impl Blurt {
    /// Says `messages` and then listens.
    pub fn new(messages: impl IntoIterator<Item = ClientMessage>) -> Self {
        Self { outputs: messages.into_iter().map(Output::Send).collect(), is_closed: false }
    }
}

impl Engine for Blurt {
    type Inbound = ServerMessage;
    type Outbound = ClientMessage;
    type Command = ();
    type Event = Heard;

    fn handle_message(&mut self, message: ServerMessage, _: Instant) {
        self.outputs.push_back(Output::Event(Heard::Message(Box::new(message))));
    }

    fn handle_malformed(&mut self, error: DecodeError, _: Instant) {
        panic!("a server of ours sent what is no message: {error}");
    }

    fn handle_disconnect(&mut self, why: Disconnect, _: Instant) {
        self.is_closed = true;
        self.outputs.push_back(Output::Event(Heard::End(why)));
    }

    fn handle_command(&mut self, command: (), _: Instant) -> Result<(), Rejected<()>> {
        Err(Rejected { command, why: Why::Closed })
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_output(&mut self) -> Option<Output<ClientMessage, Heard>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }
}
