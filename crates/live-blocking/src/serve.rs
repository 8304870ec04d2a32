//! The server's side: an upgrade, and a loop that gives each session a thread.
//!
//! Which sessions to accept, and as what, is decided by the engine that the host makes; saved sessions are not kept here,
//! so that none can be resumed.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use live_engine::resumption::ResumeRefusal;
use live_engine::{Engine, ModelOutput, Prompt, Rejected, ServerCommand, ServerEngine, ServerEvent, TurnId, Why};
use live_proto::json::Message;
use tungstenite::handshake::server::{Request as HttpRequest, Response};

use crate::connect::finish;
use crate::stream::{Stream, Timed};
use crate::{Connection, Error, Next, Options};

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

/// Serves sessions on `listener`, each on a thread of its own, until [`Stop::stop`].
///
/// `engine` makes the engine of a session, with a refusal if it is not to be served. `model` answers a prompt with
/// pieces; it runs on the session's thread, between the messages of the client, so that an iterator that computes long
/// delays its own session. Dropping the iterator cancels it. Plain WebSocket only: TLS is for a proxy in front.
///
/// # Errors
/// When the system does not let us accept connections any more. Sessions that run are ended first.
pub fn serve<I>(
    listener: &TcpListener,
    engine: impl Fn(&Request) -> ServerEngine + Sync,
    model: impl Fn(Prompt) -> I + Sync,
    options: &Options,
    stop: &Stop,
) -> io::Result<()>
where
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
            let (engine, model) = (&engine, &model);
            let session = move || match accept(tcp, engine, options.clone()) {
                Ok(connection) => Session { connection, model, running: None, held: None, is_held_up: false }.run(stop),
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
    model: &'a M,
    running: Option<(TurnId, I)>,
    /// A piece that the engine had no room for.
    held: Option<(TurnId, ModelOutput)>,
    /// It has none until it says so.
    is_held_up: bool,
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
            ServerEvent::Resume { handle: _ } => {
                self.answer(ServerCommand::ResumeRefused(ResumeRefusal::Unknown));
            }
            ServerEvent::Save { handle, snapshot: _ } => self.answer(ServerCommand::SaveFailed(handle)),
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
            ServerEvent::Forget { .. } | ServerEvent::Compressed { .. } | ServerEvent::TurnFinished { .. } => {}
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

/// How long a session with nothing to do waits before it looks whether the server stops.
const TICK: Duration = Duration::from_millis(50);

/// How long a stop tries to reach its own listener.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
