//! The listener: ports, connections, and the orderly end of both.
//!
//! What happens on one connection is `handshake`'s and then `session`'s part.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use live_audio::{EarshotVad, Vad};
use live_engine::{Backend, Lifetimes, Limits, Profiles, TurnCompletePacing, VadSignal};
use live_model::Model;
use live_model::embedded::Embedded;
use live_proto::json::Strictness;
use live_tokio::{Clock as _, Frames, Options};
use rustls::crypto::SecureRandom;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tracing::Instrument as _;

use crate::access::{Access, AccessHandle};
use crate::clock::{Clock, ClockKind};
use crate::control;
use crate::grpc;
use crate::handshake::{self, HandshakeError};
use crate::origin::{Origin, Origins};
use crate::project::Quota;
use crate::registry::Registry;
use crate::session::{self, SessionId};
use crate::stats::Counters;
use crate::store::{MemoryStore, SessionStore};
use crate::token::{MemoryTokens, TokenStore};
use crate::{Secret, Stats};

/// What a [`Server`] is made of.
#[must_use]
pub struct Builder {
    endpoints: Vec<(Endpoint, Option<TlsAcceptor>)>,
    control: Option<SocketAddr>,
    shared: Shared,
}

/// What all connections of a server have in common.
pub(crate) struct Shared {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) access: AccessHandle,
    origins: Origins,
    pub(crate) profiles: Arc<Profiles>,
    pub(crate) limits: Limits,
    pub(crate) pacing: TurnCompletePacing,
    pub(crate) vad: fn() -> Box<dyn Vad>,
    pub(crate) vad_signal: VadSignal,
    pub(crate) options: Options,
    pub(crate) sessions_max: u64,
    pub(crate) quota: Quota,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) registry: Registry,
    pub(crate) counters: Counters,
    pub(crate) random: &'static dyn SecureRandom,
    gemini: Lifetimes,
    vertex: Lifetimes,
    pub(crate) handshake_deadline: Duration,
}

impl Shared {
    /// How long sessions of a backend and their parts last.
    pub(crate) fn lifetimes(&self, backend: Backend) -> &Lifetimes {
        match backend {
            Backend::Gemini => &self.gemini,
            Backend::Vertex => &self.vertex,
        }
    }

    /// The web pages that may open sessions; `None` when a key decides.
    pub(crate) fn origins(&self) -> Option<&Origins> {
        self.access.read().is_open().then_some(&self.origins)
    }
}

/// An address that is listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The address; the port is the real one once the server is bound.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub is_tls: bool,
    /// Whether it speaks gRPC, and not WebSocket.
    pub is_grpc: bool,
    /// Whether it is the control endpoint, which speaks plain HTTP.
    pub is_control: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.is_control, self.is_grpc, self.is_tls) {
            (true, _, _) => "http",
            (false, true, true) => "grpcs",
            (false, true, false) => "grpc",
            (false, false, true) => "wss",
            (false, false, false) => "ws",
        };
        write!(f, "{scheme}://{}", self.address)
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
            control: None,
            shared: Shared {
                model: Arc::new(Embedded::default()),
                access: AccessHandle::default(),
                origins: Origins::default(),
                profiles: Arc::default(),
                limits: Limits::default(),
                pacing: TurnCompletePacing::default(),
                vad: || Box::<EarshotVad>::default(),
                vad_signal: VadSignal::default(),
                options: Options::server(Strictness::Strict),
                sessions_max: 1000,
                quota: Quota::new(SESSIONS_PER_PROJECT),
                store: Arc::new(MemoryStore::default()),
                tokens: Arc::new(MemoryTokens::default()),
                clock: Arc::new(Clock::new(ClockKind::Real)),
                registry: Registry::default(),
                counters: Counters::default(),
                gemini: Lifetimes::of(Backend::Gemini),
                vertex: Lifetimes::of(Backend::Vertex),
                handshake_deadline: Duration::from_secs(10),
                random: rustls::crypto::ring::default_provider().secure_random,
            },
        }
    }

    /// Listens for plain WebSocket on `address`; port 0 takes a free one. May be called several times.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.endpoints.push((Endpoint { address, is_tls: false, is_grpc: false, is_control: false }, None));
        self
    }

    /// Listens for WebSocket over TLS on `address`; see [`LocalCa`](crate::tls::LocalCa) for a configuration. May be
    /// called several times.
    pub fn listen_tls(mut self, address: SocketAddr, config: Arc<rustls::ServerConfig>) -> Self {
        self.endpoints.push((
            Endpoint { address, is_tls: true, is_grpc: false, is_control: false },
            Some(TlsAcceptor::from(config)),
        ));
        self
    }

    /// Listens for gRPC without TLS (h2c) on `address`, on the paths of [`live_grpc::Method`]. May be called several times.
    pub fn listen_grpc(mut self, address: SocketAddr) -> Self {
        self.endpoints.push((Endpoint { address, is_tls: false, is_grpc: true, is_control: false }, None));
        self
    }

    /// Listens for gRPC over TLS on `address`, offering `h2` whatever protocols `config` names: the same configuration serves
    /// WebSocket and gRPC. May be called several times.
    pub fn listen_grpc_tls(mut self, address: SocketAddr, config: &rustls::ServerConfig) -> Self {
        let mut config = config.clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.endpoints.push((
            Endpoint { address, is_tls: true, is_grpc: true, is_control: false },
            Some(TlsAcceptor::from(Arc::new(config))),
        ));
        self
    }

    /// Lets `model` answer the turns of all sessions. Default: [`Embedded`].
    pub fn model(mut self, model: impl Model) -> Self {
        self.shared.model = Arc::new(model);
        self
    }

    /// Lets in only clients that present one of `keys`, whatever their way of sending it: query, header, or as the
    /// bearer token of Vertex. Default: everybody.
    pub fn api_keys(self, keys: impl IntoIterator<Item = Secret>) -> Self {
        self.access(Access::of_keys(keys))
    }

    /// Lets in only whom `access` lets in. Default: everybody.
    pub fn access(self, access: Access) -> Self {
        self.shared.access.replace(access);
        self
    }

    /// Lets web pages from `origins` open sessions on a server without keys. Default: only those of this machine, because a
    /// browser lets every page try. Where there are keys a page needs one, wherever it comes from.
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.shared.origins.0.extend(origins);
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

    /// What finds speech under automatic detection; by default [`EarshotVad`].
    pub fn vad(mut self, vad: fn() -> Box<dyn Vad>) -> Self {
        self.shared.vad = vad;
        self
    }

    /// How clients that set `explicitVadSignal` are told of speech.
    pub fn vad_signal(mut self, signal: VadSignal) -> Self {
        self.shared.vad_signal = signal;
        self
    }

    /// How long connections, sessions and handles of a backend last. Default: [`Lifetimes::of`], as the service does.
    pub fn lifetimes(mut self, of: impl Fn(Backend) -> Lifetimes) -> Self {
        self.shared.gemini = of(Backend::Gemini);
        self.shared.vertex = of(Backend::Vertex);
        self
    }

    /// Where sessions that may be resumed are kept. Default: in memory, as long as the server runs.
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.shared.store = Arc::new(store);
        self
    }

    /// Where ephemeral tokens are kept. Default: in memory, as long as the server runs.
    pub fn tokens(mut self, tokens: impl TokenStore) -> Self {
        self.shared.tokens = Arc::new(tokens);
        self
    }

    /// Sessions that one project may have open at once, unless its keys say otherwise; further ones are refused with close code 1011, as the service
    /// does for a quota. A project is a key; those who present none, or only a token, share one. Default: 1000, as Vertex.
    pub fn sessions_per_project(mut self, sessions: u32) -> Self {
        self.shared.quota = Quota::new(sessions);
        self
    }

    /// The time that sessions live by. Default: the real one.
    pub fn clock(mut self, kind: ClockKind) -> Self {
        let clock = Arc::new(Clock::new(kind));
        // Real time is the runtime's own, and costs less there.
        self.shared.options.clock = (kind != ClockKind::Real).then(|| Arc::clone(&clock) as _);
        self.shared.clock = clock;
        self
    }

    /// Answers on `address` whoever wants to move the clock, read the sessions, or disturb them: for tests. It asks for
    /// no key. Default: nowhere.
    pub fn control(mut self, address: SocketAddr) -> Self {
        self.control = Some(address);
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
        let control = match self.control {
            None => None,
            Some(address) => {
                let endpoint = Endpoint { address, is_tls: false, is_grpc: false, is_control: true };
                Some(TcpListener::bind(address).await.map_err(|error| BindError { endpoint, error })?)
            }
        };
        Ok(Server { listeners, endpoints, control, shared: Arc::new(self.shared) })
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
    control: Option<TcpListener>,
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

    /// Who is let in, to be replaced while the server runs.
    pub fn access(&self) -> AccessHandle {
        self.shared.access.clone()
    }

    /// Where the control endpoint listens, if there is one.
    pub fn control(&self) -> Option<SocketAddr> {
        self.control.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `shutdown` resolves, then drains: no connection is accepted any more, running turns may end within
    /// [`Limits::drain`], sessions are closed with 1011, and what is still open a little later is cut.
    ///
    /// Dropping the future cuts every session at once.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Stats {
        let Self { listeners, endpoints: _, control, shared } = self;
        let (stop, stopped) = watch::channel(false);
        let room = usize::try_from(shared.sessions_max).unwrap_or(usize::MAX).saturating_add(HANDSHAKES_MAX);
        let room = Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS)));
        let mut ports = JoinSet::new();
        for listener in listeners {
            ports.spawn(accept(listener, Arc::clone(&shared), Arc::clone(&room), stopped.clone()));
        }
        // Both end with the server.
        let mut beside = JoinSet::new();
        beside.spawn(sweep(Arc::clone(&shared)));
        if let Some(listener) = control {
            beside.spawn(accept_control(listener, Arc::clone(&shared)));
        }
        shutdown.await;
        let sessions_open = shared.counters.read().sessions_open;
        tracing::info!(sessions_open, "draining");
        stop.send_replace(true);
        shared.clock.run();
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

/// Accepts connections of the control endpoint.
async fn accept_control(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    let mut pause = ACCEPT_PAUSE_MIN;
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    pause = ACCEPT_PAUSE_MIN;
                    connections.spawn(control::serve(socket, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept control connections");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE_MAX);
                }
            },
        }
    }
}

/// Lets the store forget what has expired, again and again.
async fn sweep(shared: Arc<Shared>) {
    loop {
        let (store, now) = (Arc::clone(&shared.store), shared.clock.date());
        match tokio::task::spawn_blocking(move || store.sweep(now)).await {
            Ok(Ok(swept)) => {
                if swept.corrupt > 0 {
                    tracing::error!(points = swept.corrupt, "saved sessions were damaged, and are forgotten");
                }
                if swept.displaced > 0 {
                    tracing::warn!(
                        points = swept.displaced,
                        "saved sessions were forgotten before their time: the store is full"
                    );
                }
                if swept.expired > 0 {
                    tracing::debug!(points = swept.expired, "saved sessions have expired");
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "expired sessions cannot be forgotten"),
            Err(error) => tracing::error!(%error, "the store panicked; this is a bug"),
        }
        let tokens = Arc::clone(&shared.tokens);
        match tokio::task::spawn_blocking(move || tokens.sweep_tokens(now)).await {
            Ok(Ok(0)) => {}
            Ok(Ok(expired)) => tracing::debug!(expired, "ephemeral tokens have expired"),
            Ok(Err(error)) => tracing::error!(%error, "expired tokens cannot be forgotten"),
            Err(error) => tracing::error!(%error, "the store of tokens panicked; this is a bug"),
        }
        let next = shared.clock.now() + SWEEP_PERIOD;
        // On a clock that runs fast, a store has its rest all the same.
        tokio::join!(shared.clock.sleep_until(next), tokio::time::sleep(SWEEP_PAUSE));
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
    if endpoint.is_grpc {
        return grpc::serve(socket, peer, endpoint, tls, shared, stop).await;
    }
    let opened = {
        let opening = handshake::open(socket, tls.as_ref(), &shared);
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
            session::serve(upgraded, &shared, id, peer, stop).instrument(span).await;
        }
        Ok(Ok(None)) => {}
        Ok(Err(HandshakeError::Refused { method, path, status, message: fix })) => {
            tracing::warn!(%peer, %endpoint, %method, path, status = status.as_u16(), fix, "no session");
        }
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
pub(crate) fn note(ended: Result<(), JoinError>, counters: &Counters) {
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
/// Sessions of a project on Vertex, pay as you go; Gemini's depend on the tier.
const SESSIONS_PER_PROJECT: u32 = 1000;
/// A minute more or less is nothing to handles that are valid for hours.
const SWEEP_PERIOD: Duration = Duration::from_secs(60);
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(10);
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);
