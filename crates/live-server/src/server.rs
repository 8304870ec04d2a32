//! The listener: ports, connections, and the orderly end of both.
//!
//! What happens on one connection is `handshake`'s and then `session`'s part.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use live_engine::{Limits, Profiles, TurnCompletePacing};
use live_model::Model;
use live_model::embedded::Embedded;
use live_proto::json::Strictness;
use live_tokio::{Frames, Options};
use rustls::crypto::SecureRandom;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tracing::Instrument as _;

use crate::auth::Keys;
use crate::handshake::{self, HandshakeError};
use crate::session::{self, SessionId};
use crate::stats::Counters;
use crate::{Secret, Stats};

/// What a [`Server`] is made of.
#[must_use]
pub struct Builder {
    endpoints: Vec<(Endpoint, Option<TlsAcceptor>)>,
    shared: Shared,
}

/// What all connections of a server have in common.
pub(crate) struct Shared {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) keys: Keys,
    pub(crate) profiles: Arc<Profiles>,
    pub(crate) limits: Limits,
    pub(crate) pacing: TurnCompletePacing,
    pub(crate) options: Options,
    pub(crate) sessions_max: u64,
    pub(crate) counters: Counters,
    handshake_deadline: Duration,
    random: &'static dyn SecureRandom,
}

/// An address that is listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The address; the port is the real one once the server is bound.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub is_tls: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.is_tls { "wss" } else { "ws" }, self.address)
    }
}

/// An address that cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {endpoint}: {error}")]
pub struct BindError {
    /// The address asked for.
    pub endpoint: Endpoint,
    /// What the system says.
    #[source]
    pub error: io::Error,
}

impl Builder {
    fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            shared: Shared {
                model: Arc::new(Embedded::default()),
                keys: Keys::default(),
                profiles: Arc::default(),
                limits: Limits::default(),
                pacing: TurnCompletePacing::default(),
                options: Options::server(Strictness::Strict),
                sessions_max: 1000,
                counters: Counters::default(),
                handshake_deadline: Duration::from_secs(10),
                random: rustls::crypto::ring::default_provider().secure_random,
            },
        }
    }

    /// Listens for plain WebSocket on `address`; port 0 takes a free one. May be called several times.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.endpoints.push((Endpoint { address, is_tls: false }, None));
        self
    }

    /// Listens for WebSocket over TLS on `address`; see [`LocalCa`](crate::tls::LocalCa) for a configuration. May be
    /// called several times.
    pub fn listen_tls(mut self, address: SocketAddr, config: Arc<rustls::ServerConfig>) -> Self {
        self.endpoints.push((Endpoint { address, is_tls: true }, Some(TlsAcceptor::from(config))));
        self
    }

    /// Lets `model` answer the turns of all sessions. Default: [`Embedded`].
    pub fn model(mut self, model: impl Model) -> Self {
        self.shared.model = Arc::new(model);
        self
    }

    /// Lets in only clients that present one of `keys`, whatever their way of sending it: query, header, or as the
    /// bearer token of Vertex. Default: everybody.
    pub fn api_keys(mut self, keys: impl IntoIterator<Item = Secret>) -> Self {
        self.shared.keys = Keys::new(keys);
        self
    }

    /// What to do with fields that the API does not have: refuse them as the service does (the default), or ignore
    /// them and tell the log.
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.shared.options.decode.strictness = strictness;
        self
    }

    /// The WebSocket frames that messages are sent in. Default: binary, as the service does.
    pub fn frames(mut self, frames: Frames) -> Self {
        self.shared.options.frames = frames;
        self
    }

    /// Bytes of the largest message that a client may send. Default: as [`live_proto::DecodeLimits`] has it.
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.shared.options.decode.limits.message_bytes_max = bytes;
        self
    }

    /// The models that clients may name, and what each allows.
    pub fn profiles(mut self, profiles: Profiles) -> Self {
        self.shared.profiles = Arc::new(profiles);
        self
    }

    /// The bounds of a session.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.shared.limits = limits;
        self
    }

    /// When `turnComplete` follows spoken answers. Default: when they would have been played, as the service does.
    pub fn pacing(mut self, pacing: TurnCompletePacing) -> Self {
        self.shared.pacing = pacing;
        self
    }

    /// Sessions open at once; further ones are refused with close code 1011. Default: 1000.
    pub fn sessions_max(mut self, sessions: u32) -> Self {
        self.shared.sessions_max = sessions.into();
        self
    }

    /// How long a client may take from TCP to the end of its upgrade request. Default: 10 s.
    pub fn handshake_deadline(mut self, deadline: Duration) -> Self {
        self.shared.handshake_deadline = deadline;
        self
    }

    /// Takes the ports. Clients can connect from here on, and are answered once the server is
    /// [served](Server::serve_until).
    ///
    /// # Errors
    /// When one of the addresses cannot be listened on.
    pub async fn bind(self) -> Result<Server, BindError> {
        let mut listeners = Vec::with_capacity(self.endpoints.len());
        for (endpoint, tls) in self.endpoints {
            let bound = TcpListener::bind(endpoint.address).await.and_then(|tcp| {
                let address = tcp.local_addr()?;
                Ok(Listener { tcp, tls, endpoint: Endpoint { address, ..endpoint } })
            });
            listeners.push(bound.map_err(|error| BindError { endpoint, error })?);
        }
        let endpoints = listeners.iter().map(|listener| listener.endpoint).collect();
        Ok(Server { listeners, endpoints, shared: Arc::new(self.shared) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|(endpoint, _)| endpoint).collect();
        f.debug_struct("Builder").field("endpoints", &endpoints).finish_non_exhaustive()
    }
}

/// A server that holds its ports.
pub struct Server {
    listeners: Vec<Listener>,
    endpoints: Vec<Endpoint>,
    shared: Arc<Shared>,
}

struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    endpoint: Endpoint,
}

impl Server {
    /// Begins a server that listens nowhere yet.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// What it listens on, in the order of the builder's calls, with real ports.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Serves until `shutdown` resolves, then drains: no connection is accepted any more, running turns may end within
    /// [`Limits::drain`], sessions are closed with 1011, and what is still open a little later is cut.
    ///
    /// Dropping the future cuts every session at once.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Stats {
        let Self { listeners, endpoints: _, shared } = self;
        let (stop, stopped) = watch::channel(false);
        let room = usize::try_from(shared.sessions_max).unwrap_or(usize::MAX).saturating_add(HANDSHAKES_MAX);
        let room = Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS)));
        let mut ports = JoinSet::new();
        for listener in listeners {
            ports.spawn(accept(listener, Arc::clone(&shared), Arc::clone(&room), stopped.clone()));
        }
        shutdown.await;
        let sessions_open = shared.counters.read().sessions_open;
        tracing::info!(sessions_open, "draining");
        stop.send_replace(true);
        let patience = shared.limits.drain + shared.options.close_deadline + DRAIN_SLACK;
        let drained = async { while ports.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, drained).await.is_err() {
            tracing::warn!(sessions_open = shared.counters.read().sessions_open, "cutting sessions that did not drain");
            ports.shutdown().await;
        }
        shared.counters.read()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// Accepts connections of one port until told to stop, then waits for them to end.
async fn accept(listener: Listener, shared: Arc<Shared>, room: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
    let Listener { tcp, tls, endpoint } = listener;
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        let (socket, peer, permit) = tokio::select! {
            biased;
            // An error means that the server is gone.
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = connections.join_next() => {
                note(ended, &shared.counters);
                continue;
            }
            accepted = next(&tcp, &room) => accepted,
        };
        let (shared, tls, stop) = (Arc::clone(&shared), tls.clone(), stopped.clone());
        connections.spawn(async move {
            serve(socket, peer, endpoint, tls, shared, stop).await;
            drop(permit);
        });
    }
    drop(tcp);
    while let Some(ended) = connections.join_next().await {
        note(ended, &shared.counters);
    }
}

/// Accepts one connection, when there is room for it and the system lets us.
async fn next(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, permit),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection was gone before it was accepted")
            }
            Err(error) => {
                // Most often too many open files: sessions that end make room.
                tracing::error!(%error, retry_ms = pause.as_millis(), "cannot accept connections");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

/// Serves one connection from its first byte.
async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    endpoint: Endpoint,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot turn off Nagle's algorithm");
    }
    let opened = {
        let opening = handshake::open(socket, tls.as_ref(), || shared.counters.read());
        // Boxed, so that a session does not carry the room for TLS and HTTP for the rest of its life.
        let mut opening = Box::pin(tokio::time::timeout(shared.handshake_deadline, opening));
        tokio::select! {
            opened = &mut opening => opened,
            _ = stop.wait_for(|stop| *stop) => return,
        }
    };
    match opened {
        Ok(Ok(Some(upgraded))) => {
            let id = SessionId::random(shared.random);
            let span = tracing::info_span!("session", id = %id.short(), %peer);
            session::serve(upgraded, &shared, id, stop).instrument(span).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(error @ (HandshakeError::TlsToPlain | HandshakeError::PlainToTls | HandshakeError::Tls(_)))) => {
            tracing::warn!(%peer, %endpoint, %error, "no session");
        }
        Ok(Err(error @ (HandshakeError::Silent | HandshakeError::Io(_) | HandshakeError::Http(_)))) => {
            tracing::debug!(%peer, %endpoint, %error, "no session");
        }
        Err(_) => tracing::debug!(%peer, %endpoint, "no upgrade in time"),
    }
}

/// A panic is a bug of ours that cost one connection; the others do not notice.
fn note(ended: Result<(), JoinError>, counters: &Counters) {
    if let Err(error) = ended
        && error.is_panic()
    {
        counters.count_failure();
        tracing::error!("a session panicked; this is a bug");
    }
}

/// Connections beyond the sessions: those on their way to one, those about to be refused, and health checks.
const HANDSHAKES_MAX: usize = 256;
/// Over the engines' drain and the sockets' close: scheduling under load.
const DRAIN_SLACK: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
