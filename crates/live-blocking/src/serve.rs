//! The server's side: an upgrade, and a loop that gives each session a thread.
//!
//! Which clients to accept, and as what, is the host's decision; sessions that may be resumed are kept in a
//! [`Memory`](crate::Memory).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use live_engine::{
    Engine, HandleSeed, ModelOutput, Prompt, Rejected, ServerCommand, ServerConfig, ServerEngine, ServerEvent, TurnId,
    Why,
};
use live_proto::json::Message;
use tungstenite::handshake::server::{Request as HttpRequest, Response};

use crate::connect::finish;
use crate::stream::{Stream, Timed};
use crate::{Connection, Error, Keeper, Memory, Next, Options};

/// The upgrade request of a client: its path and its credentials.
pub type Request = http::Request<()>;

/// Answers the HTTP upgrade on `tcp` whatever its path, and hands the WebSocket to the engine that `engine` makes of the
/// request.
///
/// # Errors
/// When the peer does not ask for a WebSocket within [`Options::open_deadline`], or hangs up.
pub fn accept<E>(tcp: TcpStream, engine: impl FnOnce(&Request) -> E, options: Options) -> Result<Connection<E>, Error>
where
    E: Engine,
    E::Inbound: Message,
    E::Outbound: Message,
{
    let deadline = Instant::now() + options.open_deadline;
    let mut stream = Stream::Plain(Timed::new(tcp).map_err(|error| Error::Upgrade(error.into()))?);
    stream.read_until(Some(deadline));
    let mut made = None;
    #[expect(clippy::result_large_err, reason = "the library's own type of a refusal, which is never made")]
    let upgrade = |request: &HttpRequest, response: Response| {
        made = Some(engine(request));
        Ok(response)
    };
    let opening = tungstenite::accept_hdr_with_config(stream, upgrade, Some(options.web_socket()));
    let socket = finish(opening, deadline, &options)?;
    let engine = made.expect("an upgrade that was answered had a request");
    Ok(Connection::new(socket, engine, options))
}

/// Tells [`serve`] to end. Clones tell the same server.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the server that listens on `address`: it accepts no more, running turns may end within the engine's drain,
    /// and sessions are closed.
    pub fn stop(&self, address: SocketAddr) {
        self.0.store(true, Ordering::Release);
        // Accepting cannot be interrupted, but it can be satisfied.
        let ip = match address.ip() {
            ip if !ip.is_unspecified() => ip,
            ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
            _ => Ipv6Addr::LOCALHOST.into(),
        };
        if let Err(error) = TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), STOP_PATIENCE) {
            tracing::debug!(%error, "nobody accepts any more");
        }
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// As what a client is served.
#[derive(Clone, Debug)]
pub struct Admission {
    /// What its engine is made of, with a refusal if it is not to be served. Its seeds are drawn anew for each connection.
    pub config: ServerConfig,
    /// Whose sessions these are: only the same owner may resume them. The name of a user, or a digest of the key; empty
    /// where all clients are one.
    pub owner: String,
}

/// A client like any other.
impl From<ServerConfig> for Admission {
    fn from(config: ServerConfig) -> Self {
        Self { config, owner: String::new() }
    }
}

/// Serves sessions on `listener`, each on a thread of its own, until [`Stop::stop`].
///
/// `admit` says as what a client is served, from its request: an [`Admission`], or a [`ServerConfig`] where nobody is told
/// apart. `model` answers a prompt with pieces; it runs on the session's thread, between the messages of the client, so
/// that an iterator that computes long delays its own session. Dropping the iterator cancels it. A session whose client asks
/// for it is kept in `memory`; a connection that resumes a session takes it over from the one that holds it, which is
/// closed. Plain WebSocket only: TLS is for a proxy in front.
///
/// # Errors
/// When the system does not let us accept connections any more. Sessions that run are ended first.
pub fn serve<A, I>(
    listener: &TcpListener,
    admit: impl Fn(&Request) -> A + Sync,
    model: impl Fn(Prompt) -> I + Sync,
    memory: &Memory,
    options: &Options,
    stop: &Stop,
) -> io::Result<()>
where
    A: Into<Admission>,
    I: Iterator<Item = ModelOutput>,
{
    thread::scope(|scope| {
        loop {
            let accepted = listener.accept();
            if stop.is_told() {
                return Ok(());
            }
            let (tcp, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    stop.0.store(true, Ordering::Release);
                    return Err(error);
                }
            };
            let (admit, model) = (&admit, &model);
            let session = move || match open(tcp, admit, memory, options.clone()) {
                Ok((connection, keeper)) => {
                    Session {
                        connection,
                        keeper,
                        model,
                        running: None,
                        held: None,
                        is_held_up: false,
                        is_taken_over: false,
                    }
                    .run(stop);
                }
                Err(error) => tracing::debug!(%peer, %error, "no session"),
            };
            // A panic is a bug of ours or of the model's that costs one session; the others do not notice.
            let session = move || {
                if catch_unwind(AssertUnwindSafe(session)).is_err() {
                    tracing::error!(%peer, "a session panicked");
                }
            };
            if let Err(error) = thread::Builder::new().name("live session".into()).spawn_scoped(scope, session) {
                tracing::error!(%peer, %error, "no thread for a session");
            }
        }
    })
}

fn open<'a, A: Into<Admission>>(
    tcp: TcpStream,
    admit: impl Fn(&Request) -> A,
    memory: &'a Memory,
    options: Options,
) -> Result<(Connection<ServerEngine>, Keeper<'a>), Error> {
    let mut keeper = None;
    let engine = |request: &Request| {
        let Admission { mut config, owner } = admit(request).into();
        config.handle_seed = HandleSeed(random());
        config.call_id_seed = u64::from_le_bytes(random());
        keeper = Some(memory.keeper(&owner, config.lifetimes.handle_validity));
        ServerEngine::new(config, Instant::now())
    };
    let connection = accept(tcp, engine, options)?;
    Ok((connection, keeper.expect("an upgrade that was answered had a request")))
}

/// Bytes that nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// One session, and the model at work in it.
struct Session<'a, M, I> {
    connection: Connection<ServerEngine>,
    keeper: Keeper<'a>,
    model: &'a M,
    running: Option<(TurnId, I)>,
    /// A piece that the engine had no room for.
    held: Option<(TurnId, ModelOutput)>,
    /// It has none until it says so.
    is_held_up: bool,
    is_taken_over: bool,
}

impl<M: Fn(Prompt) -> I, I: Iterator<Item = ModelOutput>> Session<'_, M, I> {
    fn run(mut self, stop: &Stop) {
        let mut is_stopping = false;
        loop {
            if stop.is_told() && !is_stopping {
                is_stopping = true;
                // Refused only when the session is over already, which the next step finds out.
                _ = self.connection.command(ServerCommand::Shutdown);
            }
            if self.keeper.is_superseded() && !self.is_taken_over {
                self.is_taken_over = true;
                self.answer(ServerCommand::TakeOver);
            }
            let may_generate =
                (self.running.is_some() || self.held.is_some()) && !self.is_held_up && !self.connection.is_congested();
            match self.connection.next(Some(if may_generate { Duration::ZERO } else { TICK })) {
                Next::Event(event) => self.act(event),
                Next::TimedOut if may_generate => self.generate(),
                Next::TimedOut => {}
                Next::Over => return,
            }
        }
    }

    fn act(&mut self, event: ServerEvent) {
        if let Some(command) = self.keeper.answer(&event, Instant::now()) {
            self.answer(command);
        }
        match event {
            ServerEvent::Generate(turn, prompt) => {
                self.running = Some((turn, (self.model)(prompt)));
                self.is_held_up = false;
            }
            ServerEvent::Continue(_) => self.is_held_up = false,
            ServerEvent::Cancel(turn) => {
                self.running.take_if(|(running, _)| *running == turn);
                self.held.take_if(|(held, _)| *held == turn);
                self.is_held_up = false;
            }
            ServerEvent::Violation(violation) => {
                tracing::warn!(explanation = %violation.explanation(), "the client broke a rule");
            }
            ServerEvent::Closed(reason) => {
                self.running = None;
                self.held = None;
                tracing::info!(%reason, "session over");
            }
            ServerEvent::SetupAccepted(session) => tracing::info!(model = %session.model, "session open"),
            ServerEvent::Warning(warning) => tracing::debug!(?warning, "passed over"),
            // Nobody counts sessions here.
            ServerEvent::Admit => self.answer(ServerCommand::Admitted),
            // The keeper has done what they ask for.
            ServerEvent::Resume { .. } | ServerEvent::Save { .. } | ServerEvent::Forget { .. } => {}
            ServerEvent::Compressed { .. } | ServerEvent::TurnFinished { .. } => {}
        }
    }

    fn answer(&mut self, command: ServerCommand) {
        if let Err(Rejected { why, .. }) = self.connection.command(command) {
            tracing::debug!(%why, "came too late");
        }
    }

    /// Takes one piece from the model to the engine.
    fn generate(&mut self) {
        let (turn, piece) = match (self.held.take(), &mut self.running) {
            (Some(held), _) => held,
            (None, Some((turn, pieces))) => {
                let turn = *turn;
                let piece = catch_unwind(AssertUnwindSafe(|| pieces.next()))
                    .unwrap_or_else(|_| Some(ModelOutput::Failed("the model panicked".to_owned())));
                let piece = piece
                    .unwrap_or_else(|| ModelOutput::Failed("the model stopped in the middle of an answer".to_owned()));
                if matches!(piece, ModelOutput::End(_) | ModelOutput::Failed(_)) {
                    self.running = None;
                }
                (turn, piece)
            }
            (None, None) => return,
        };
        let Err(Rejected { command, why }) = self.connection.command(ServerCommand::Model(turn, piece)) else { return };
        match (why, command) {
            (Why::Full, ServerCommand::Model(turn, piece)) => self.held = Some((turn, piece)),
            (Why::Ahead, ServerCommand::Model(turn, piece)) => {
                self.held = Some((turn, piece));
                self.is_held_up = true;
            }
            (Why::Closed, _) => self.running = None,
            (why, _) => {
                // The model broke its contract; its session cannot go on, and the engine takes a failure at any time.
                self.running = None;
                let failure = ModelOutput::Failed(format!("the model's answer was not accepted: {why}"));
                self.answer(ServerCommand::Model(turn, failure));
            }
        }
    }
}

/// How long a session with nothing to do waits before it looks whether the server stops, or another connection has it.
const TICK: Duration = Duration::from_millis(50);

/// How long a stop tries to reach its own listener.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
