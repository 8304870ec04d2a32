//! A host of a session that outlives its connections, over any wire.
//!
//! It never waits for a clock: between two connections the session is told that its time has passed.

use std::time::{Duration, Instant};

use live_engine::{
    ClientCommand, ClientEvent, ClientSession, ClientSessionConfig, Disconnect, LinkId, Relay, RelayCommand,
    SessionOutput,
};
use live_proto::ClientMessage;

use crate::{Connection, Wire};

/// A session and its connections.
pub struct Session<'a, W: Wire> {
    wire: &'a W,
    engine: ClientSession,
    links: Vec<(LinkId, W::Connection<Relay>)>,
    /// How much later it is for the session than for everybody else.
    skipped: Duration,
}

impl<'a, W: Wire> Session<'a, W> {
    /// A session that dials over `wire`.
    pub fn new(wire: &'a W, config: ClientSessionConfig) -> Self {
        let engine = ClientSession::new(config, Instant::now());
        Self { wire, engine, links: Vec::new(), skipped: Duration::ZERO }
    }

    /// Waits for the next event; `None` once the session is over.
    pub fn next_event(&mut self) -> Option<ClientEvent> {
        loop {
            while let Some(output) = self.engine.poll_output() {
                match output {
                    SessionOutput::Dial { link, .. } => {
                        self.links.push((link, self.wire.dial(Relay::default())));
                        self.engine.handle_dialed(link, self.now());
                    }
                    SessionOutput::Send(link, message) => self.command(link, RelayCommand::Send(message)),
                    SessionOutput::Close(link, close) => self.command(link, RelayCommand::Close(close)),
                    SessionOutput::Event(event) => return Some(event),
                    SessionOutput::RunTool { .. } | SessionOutput::AbortTool(_) => {
                        unreachable!("no function is registered")
                    }
                }
            }
            let now = self.now();
            if let Some((link, connection)) = self.links.first_mut() {
                let link = *link;
                if let Some(event) = connection.next() {
                    self.engine.handle_relayed(link, event, now);
                } else {
                    self.links.remove(0);
                    self.engine.handle_disconnect(link, Disconnect::Eof, now);
                }
            } else {
                let due = self.engine.poll_timeout()?;
                self.skipped += due.saturating_duration_since(now);
                self.engine.handle_timeout(self.now());
            }
        }
    }

    /// Says `message`.
    ///
    /// # Panics
    /// When the session does not take it.
    pub fn say(&mut self, message: ClientMessage) {
        let now = self.now();
        assert_eq!(self.engine.handle_command(ClientCommand::Send(message), now), Ok(()));
    }

    /// Cuts what connections there are; neither end has a word.
    pub fn cut(&mut self) {
        for (link, connection) in std::mem::take(&mut self.links) {
            drop(connection);
            self.engine.handle_disconnect(link, Disconnect::Lost("it was cut".to_owned()), self.now());
        }
    }

    fn command(&mut self, link: LinkId, command: RelayCommand) {
        if let Some((_, connection)) = self.links.iter_mut().find(|(known, _)| *known == link) {
            // One that has ended takes none, and says so next.
            _ = connection.command(command);
        }
    }

    fn now(&self) -> Instant {
        Instant::now() + self.skipped
    }
}
