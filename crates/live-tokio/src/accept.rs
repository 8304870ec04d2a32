//! The server's side of a WebSocket: from a byte stream to a connection.
//!
//! Routing, authentication and refusal happen in the host, before or inside the engine.

use live_engine::Engine;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::{Connection, Decode, Encode, Error, Options};

/// Answers the HTTP upgrade on `stream` whatever its path, and serves the connection.
///
/// # Errors
/// When the peer does not ask for a WebSocket, or hangs up.
pub async fn accept<E, S>(stream: S, engine: E, options: Options) -> Result<Connection<E, S>, Error>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = tokio_tungstenite::accept_async_with_config(stream, Some(options.web_socket()))
        .await
        .map_err(|error| Error::Upgrade(error.into()))?;
    Ok(Connection::from_socket(socket, engine, options))
}

/// Serves a connection on a stream whose HTTP upgrade the host has answered.
pub async fn from_upgraded<E, S>(stream: S, engine: E, options: Options) -> Connection<E, S>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(options.web_socket())).await;
    Connection::from_socket(socket, engine, options)
}
