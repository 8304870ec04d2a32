//! An engine that decides nothing: what the peer says is an event, and what its host commands is sent.
//!
//! For hosts that keep the state machine elsewhere because it outlives the connection, as
//! [`ClientSession`](crate::ClientSession) does: an adapter drives a relay like any other engine.

use std::time::Instant;

use live_proto::{ClientMessage, DecodeError, ServerMessage};

use crate::engine::{Close, Disconnect, Engine, Output, Outputs, Rejected, Why};

/// The client's end of one connection, without a will of its own.
#[derive(Debug, Default)]
pub struct Relay {
    outputs: Outputs<ClientMessage, RelayEvent>,
    /// Messages among the outputs.
    messages: usize,
    is_closed: bool,
}

/// What is to be done with the connection.
#[derive(Clone, Debug, PartialEq)]
pub enum RelayCommand {
    /// Send this message.
    Send(ClientMessage),
    /// Close the connection so, after everything sent before.
    Close(Close),
}

/// What came over the connection.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a box would cost an allocation for every piece of sound")]
pub enum RelayEvent {
    /// The peer said this.
    Message(ServerMessage),
    /// The peer sent bytes that are no message.
    Malformed(DecodeError),
    /// The connection ended, other than by our close. The last event.
    Disconnected(Disconnect),
}

impl Relay {
    /// Messages that wait for the transport.
    pub fn queued(&self) -> usize {
        self.messages
    }

    fn tell(&mut self, event: RelayEvent) {
        if !self.is_closed {
            self.outputs.push_back(Output::Event(event));
        }
    }
}

impl Engine for Relay {
    type Inbound = ServerMessage;
    type Outbound = ClientMessage;
    type Command = RelayCommand;
    type Event = RelayEvent;

    fn handle_message(&mut self, message: ServerMessage, _now: Instant) {
        self.tell(RelayEvent::Message(message));
    }

    fn handle_malformed(&mut self, error: DecodeError, _now: Instant) {
        self.tell(RelayEvent::Malformed(error));
    }

    fn handle_disconnect(&mut self, why: Disconnect, _now: Instant) {
        self.tell(RelayEvent::Disconnected(why));
        self.is_closed = true;
    }

    fn handle_command(&mut self, command: RelayCommand, _now: Instant) -> Result<(), Rejected<RelayCommand>> {
        if self.is_closed {
            return Err(Rejected { command, why: Why::Closed });
        }
        self.outputs.push_back(match command {
            RelayCommand::Send(message) => {
                self.messages += 1;
                Output::Send(message)
            }
            RelayCommand::Close(close) => {
                self.is_closed = true;
                Output::Close(close)
            }
        });
        Ok(())
    }

    /// Nothing is ever due.
    fn handle_timeout(&mut self, _now: Instant) {}

    fn poll_output(&mut self) -> Option<Output<ClientMessage, RelayEvent>> {
        let output = self.outputs.pop_front();
        if matches!(output, Some(Output::Send(_))) {
            self.messages -= 1;
        }
        output
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
mod tests {
    use super::*;
    use crate::close::CloseReason;

    #[test]
    fn everything_passes_in_order_until_the_end() {
        let now = Instant::now();
        let mut relay = Relay::default();
        relay.handle_command(RelayCommand::Send(ClientMessage::text("a")), now).unwrap();
        relay.handle_message(ServerMessage::default(), now);
        assert_eq!(relay.queued(), 1);
        assert_eq!(relay.poll_output(), Some(Output::Send(ClientMessage::text("a"))));
        assert_eq!(relay.queued(), 0);
        assert_eq!(relay.poll_output(), Some(Output::Event(RelayEvent::Message(ServerMessage::default()))));
        relay.handle_disconnect(Disconnect::Eof, now);
        relay.handle_disconnect(Disconnect::Eof, now);
        assert_eq!(relay.poll_output(), Some(Output::Event(RelayEvent::Disconnected(Disconnect::Eof))));
        assert_eq!(relay.poll_output(), None);
        let late = relay.handle_command(RelayCommand::Send(ClientMessage::text("b")), now);
        assert_eq!(late.unwrap_err().why, Why::Closed);
    }

    #[test]
    fn after_our_close_nothing_is_heard() {
        let now = Instant::now();
        let mut relay = Relay::default();
        let told = CloseReason::Done.told();
        let close = Close { code: told.code, text: told.text, reason: CloseReason::Done };
        relay.handle_command(RelayCommand::Close(close.clone()), now).unwrap();
        relay.handle_message(ServerMessage::default(), now);
        assert_eq!((relay.poll_output(), relay.poll_output()), (Some(Output::Close(close)), None));
        assert!(relay.is_closed());
    }
}
