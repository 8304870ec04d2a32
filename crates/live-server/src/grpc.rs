//! The gRPC port: from an accepted TCP connection to the sessions on its streams.
//!
//! A session is `session`'s, on whatever wire; who is let in is decided by `auth`, from the metadata of the call.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use live_engine::Backend;
use live_grpc::Opening;
use live_tokio::NetStream;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::Instrument as _;

use crate::auth::credentials;
use crate::server::note;
use crate::session::{self, Caller, SessionId};
use crate::{Endpoint, Shared};

/// Serves one connection and all sessions on it; when told to stop, it waits for them to drain.
pub(crate) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    endpoint: Endpoint,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
) {
    let mut stopped = stop.clone();
    let opened = {
        // Boxed, so that a connection does not carry the room for the handshake for the rest of its life.
        let mut opening = Box::pin(tokio::time::timeout(shared.handshake_deadline, open(socket, tls.as_ref())));
        tokio::select! {
            opened = &mut opening => opened,
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    };
    let stream = match opened {
        Ok(Ok(Some(stream))) => stream,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::warn!(%peer, %endpoint, %error, "no session");
            return;
        }
        Err(_) => {
            tracing::debug!(%peer, %endpoint, "no request in time");
            return;
        }
    };

    let options = live_grpc::Options {
        message_bytes_max: shared.options.decode.limits.message_bytes_max,
        elements_max: shared.options.decode.limits.elements_max,
        close_deadline: shared.options.close_deadline,
        congested_reads_max: shared.options.congested_reads_max,
        clock: shared.options.clock.clone(),
    };
    // As many as HTTP/2 lets a client open at once.
    let (opened, mut openings) = mpsc::unbounded_channel();
    let open = move |opening| {
        // Nobody takes it when the server is gone; it then ends as unavailable.
        _ = opened.send(opening);
    };
    let told = async move { _ = stopped.wait_for(|stop| *stop).await };
    let mut http2 = pin!(live_grpc::serve(stream, &options, open, told));
    let mut sessions = JoinSet::new();
    let mut is_over = false;
    while !(is_over && sessions.is_empty()) {
        tokio::select! {
            ended = &mut http2, if !is_over => {
                is_over = true;
                if let Err(error) = ended {
                    tracing::debug!(%peer, %endpoint, %error, "the connection broke");
                }
            }
            Some(opening) = openings.recv() => {
                sessions.spawn(session(opening, peer, Arc::clone(&shared), stop.clone()));
            }
            Some(ended) = sessions.join_next() => note(ended, &shared.counters),
        }
    }
}

/// Why a connection does not come to speak HTTP/2.
#[derive(Debug, Error)]
enum OpenError {
    #[error(
        "the client speaks TLS to the plain gRPC port; give it an insecure channel, or the port of --grpc-tls-listen"
    )]
    TlsToPlain,
    #[error(
        "the client speaks without TLS to the gRPC port with TLS; give it a secure channel with the CA certificate"
    )]
    PlainToTls,
    #[error("TLS failed: {0}; does the client trust the CA certificate?")]
    Tls(io::Error),
}

/// Waits for the client to speak first, as HTTP/2 and TLS have it; `None` when it is gone.
async fn open(socket: TcpStream, tls: Option<&TlsAcceptor>) -> Result<Option<NetStream>, OpenError> {
    let mut first = [0];
    let Ok(1) = socket.peek(&mut first).await else { return Ok(None) };
    match (tls, first[0] == TLS_HANDSHAKE_RECORD) {
        (None, true) => Err(OpenError::TlsToPlain),
        (None, false) => Ok(Some(NetStream::Plain(socket))),
        (Some(_), false) => Err(OpenError::PlainToTls),
        (Some(acceptor), true) => {
            let stream = acceptor.accept(socket).await.map_err(OpenError::Tls)?;
            Ok(Some(NetStream::Tls(Box::new(stream.into()))))
        }
    }
}

async fn session(opening: Opening, peer: SocketAddr, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let id = SessionId::random(shared.random);
    let caller = Caller {
        id,
        peer,
        backend: Backend::Gemini,
        api_version: opening.method().api_version(),
        // The public service has no such method.
        is_constrained: false,
        credentials: credentials(None, opening.headers()),
    };
    let span = tracing::info_span!("session", id = %id.short(), %peer, wire = "grpc");
    session::hold(caller, |engine| opening.accept(engine), &shared, stop).instrument(span).await;
}

/// The first byte of a TLS connection; HTTP/2 begins with a letter.
const TLS_HANDSHAKE_RECORD: u8 = 0x16;
