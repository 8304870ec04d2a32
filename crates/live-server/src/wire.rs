//! What a session needs of the connection that carries it, whichever that is.
//!
//! The connections themselves are `live_tokio`'s and `live_grpc`'s.

use live_engine::{ModelOutput, Rejected, ServerCommand, ServerEngine, ServerEvent, TurnId};
use live_tokio::{NetStream, Step, UnknownFields};

use crate::generation::Generation;

/// A connection of a server.
pub(crate) trait Wire: Send {
    /// Waits for the next event, or for a piece of the model's answer while the client keeps up with it. Cancel-safe.
    fn next_or(
        &mut self,
        generation: &mut Generation,
    ) -> impl Future<Output = Step<ServerEvent, (TurnId, ModelOutput)>> + Send;

    /// Hands a command to the engine.
    fn command(&mut self, command: ServerCommand) -> Result<(), Rejected<ServerCommand>>;

    /// Fields of the client that a lenient server ignored, where the wire can tell.
    fn unknown_fields(&self) -> Option<&UnknownFields>;
}

impl Wire for live_tokio::Connection<ServerEngine, NetStream> {
    async fn next_or(&mut self, generation: &mut Generation) -> Step<ServerEvent, (TurnId, ModelOutput)> {
        self.next_or(generation).await
    }

    fn command(&mut self, command: ServerCommand) -> Result<(), Rejected<ServerCommand>> {
        self.command(command)
    }

    fn unknown_fields(&self) -> Option<&UnknownFields> {
        Some(self.unknown_fields())
    }
}

impl Wire for live_grpc::Connection<ServerEngine> {
    async fn next_or(&mut self, generation: &mut Generation) -> Step<ServerEvent, (TurnId, ModelOutput)> {
        self.next_or(generation).await
    }

    fn command(&mut self, command: ServerCommand) -> Result<(), Rejected<ServerCommand>> {
        self.command(command)
    }

    /// Protobuf skips what it does not know.
    fn unknown_fields(&self) -> Option<&UnknownFields> {
        None
    }
}
