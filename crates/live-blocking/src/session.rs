//! A client's session over as many connections as it takes, on the thread of whoever calls.
//!
//! What makes another connection necessary, and what is said over it first, is decided in `live-engine`; here are the
//! sockets and the waiting.

use std::fmt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use http::Request;
use live_engine::client_session::Counters;
use live_engine::{
    Cause, ClientCommand, ClientEvent, ClientSession, ClientSessionConfig, CloseCause, Disconnect, LinkId, Phase,
    Rejected, Relay, RelayCommand, SessionOutput, ToolOutput, Why,
};
use live_proto::ClientMessage;

use crate::tools::{Bodies, Runner};
use crate::{Connection, Connector, Error, Next, Options, ToolError, Tools, UpdateToolsError, connect};

/// A session of a client. Call [`next`](Self::next) in a loop: it dials, sends what was said, and returns what is heard.
///
/// Nothing moves while nobody calls it. Names are looked up and connections opened on a thread beside, so that no call
/// takes longer than its timeout. Dropping a session cuts its connection and gives up a dial; [`close`](Self::close) ends it
/// in good order.
pub struct Session {
    engine: ClientSession,
    request: Request<()>,
    connector: Connector,
    options: Options,
    dial: Option<Dial>,
    /// Connections in the order of their dials; those that are parting come first.
    links: Vec<(LinkId, Connection<Relay>)>,
    runner: Runner,
    queued_max: usize,
}

/// A dial under way on a thread of its own, which ends within [`Options::open_deadline`] even if nobody waits for it.
struct Dial {
    link: LinkId,
    dialled: Receiver<Result<Connection<Relay>, Error>>,
}

impl Session {
    /// A session that dials as `request` says, as [`connect`] does; every connection is dialled so. Returns at once: the
    /// first events of [`next`](Self::next) are [`ClientEvent::Ready`] or [`ClientEvent::Closed`], the latter within
    /// [`Limits::setup_deadline`](live_engine::Limits::setup_deadline).
    ///
    /// Functions are registered with [`with_tools`](Self::with_tools); those of `config`, which say nothing of how they are run, are not.
    ///
    /// Make the seed of `config` random, so that clients which lost one server do not come back as one.
    pub fn new(request: Request<()>, connector: Connector, config: ClientSessionConfig, options: Options) -> Self {
        Self::start(request, connector, ClientSessionConfig { functions: Vec::new(), ..config }, Bodies::new(), options)
    }

    /// As [`new`](Self::new), with functions that the session runs by itself, on threads. Their declarations are added to the tools
    /// of the setup; they are the functions of the configuration.
    ///
    /// # Errors
    /// When a function cannot be declared.
    pub fn with_tools(
        request: Request<()>,
        connector: Connector,
        config: ClientSessionConfig,
        tools: Tools,
        options: Options,
    ) -> Result<Self, ToolError> {
        let (functions, bodies) = tools.finish()?;
        Ok(Self::start(request, connector, ClientSessionConfig { functions, ..config }, bodies, options))
    }

    fn start(
        request: Request<()>,
        connector: Connector,
        config: ClientSessionConfig,
        bodies: Bodies,
        options: Options,
    ) -> Self {
        Self {
            runner: Runner::new(bodies),
            queued_max: config.limits.outputs_max,
            engine: ClientSession::new(config, Instant::now()),
            request,
            connector,
            options,
            dial: None,
            links: Vec::new(),
        }
    }

    /// Waits for the next event, at most `timeout`. Neither turns nor connections end the stream, only the session does:
    /// after [`ClientEvent::Closed`] or [`ClientEvent::Lost`] it is [`Next::Over`].
    pub fn next(&mut self, timeout: Option<Duration>) -> Next<ClientEvent> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(event) = self.take_outputs() {
                return Next::Event(event);
            }
            if self.engine.is_closed() && self.links.is_empty() {
                return Next::Over;
            }
            let now = Instant::now();
            let due = self.engine.poll_timeout();
            if due.is_some_and(|due| due <= now) {
                self.engine.handle_timeout(now);
                continue;
            }
            let left = [until, due].into_iter().flatten().min().map_or(LONG, |at| at.saturating_duration_since(now));
            if !self.wait(left) && until.is_some_and(|until| until <= Instant::now()) {
                return Next::TimedOut;
            }
        }
    }

    /// Does what the engine asks for, up to the first event.
    fn take_outputs(&mut self) -> Option<ClientEvent> {
        loop {
            match self.engine.poll_output()? {
                SessionOutput::Dial { link, .. } => self.dial = Some(self.dial(link)),
                SessionOutput::Send(link, message) => self.command(link, RelayCommand::Send(message)),
                SessionOutput::Close(link, close) => {
                    self.dial.take_if(|dial| dial.link == link);
                    self.command(link, RelayCommand::Close(close));
                }
                SessionOutput::Event(event) => return Some(event),
                SessionOutput::RunTool { run, call } => {
                    if let Err(words) = self.runner.start(run, call) {
                        self.engine.handle_tool_output(run, ToolOutput::Failed(words), Instant::now());
                    }
                }
                SessionOutput::AbortTool(run) => self.runner.abort(run),
            }
        }
    }

    fn dial(&self, link: LinkId) -> Dial {
        let (sender, dialled) = mpsc::sync_channel(1);
        let (request, connector, options) = (self.request.clone(), self.connector.clone(), self.options.clone());
        // Nobody takes a connection that was given up meanwhile; it is cut.
        let work = move || _ = sender.send(connect(request, &connector, Relay::default(), options));
        if let Err(error) = thread::Builder::new().name("live dial".into()).spawn(work) {
            tracing::error!(%error, "no thread to dial on");
        }
        Dial { link, dialled }
    }

    /// Hands a command to a connection. One that has ended by itself takes none, and the engine will hear of its end.
    fn command(&mut self, link: LinkId, command: RelayCommand) {
        if let Some((_, connection)) = self.links.iter_mut().find(|(known, _)| *known == link) {
            _ = connection.command(command);
        }
    }

    /// Waits for the connections, the dial and the functions, at most `left`. True if anything came of it.
    fn wait(&mut self, left: Duration) -> bool {
        let any = self.take_said();
        if any {
            return true;
        }
        let left = if self.runner.is_running() { left.min(SHARE) } else { left };
        match (&self.dial, self.links.len()) {
            (None, 0) => {
                thread::sleep(left);
                false
            }
            (Some(_), 0) => self.take_dialled(left),
            (None, 1) => self.move_links(left),
            // Several cannot be waited for at once.
            (_, _) => self.move_links(left.min(SHARE)) | self.take_dialled(Duration::ZERO),
        }
    }

    /// Moves messages over the connections and takes an event of each, waiting `left` for the first of them.
    fn move_links(&mut self, left: Duration) -> bool {
        let (mut any, mut at, mut left) = (false, 0, left);
        while let Some((link, connection)) = self.links.get_mut(at) {
            let link = *link;
            let next = connection.next(Some(std::mem::take(&mut left)));
            any |= !matches!(next, Next::TimedOut);
            match next {
                Next::Event(event) => self.engine.handle_relayed(link, event, Instant::now()),
                Next::TimedOut => {}
                Next::Over => {
                    self.links.remove(at);
                    self.engine.handle_disconnect(link, Disconnect::Eof, Instant::now());
                    continue;
                }
            }
            at += 1;
        }
        any
    }

    /// Takes in what functions say.
    fn take_said(&mut self) -> bool {
        let is_congested = self.is_congested();
        let said = self.runner.take(|run| self.engine.takes_piece(run) && !is_congested);
        let any = !said.is_empty();
        for (run, output) in said {
            self.engine.handle_tool_output(run, output, Instant::now());
        }
        any
    }

    /// Replaces the functions that the session runs by itself, and tells the server with `contextUpdate`. Calls that are under
    /// way are answered as ever; other tools of the setup stay.
    ///
    /// # Errors
    /// When a function cannot be declared, or nothing can be sent; the functions are those from before.
    pub fn update_tools(&mut self, tools: Tools) -> Result<(), UpdateToolsError> {
        let (functions, bodies) = tools.finish()?;
        self.engine.set_functions(functions, Instant::now()).map_err(|(_, why)| UpdateToolsError::NotSent(why))?;
        self.runner.know(bodies);
        Ok(())
    }

    fn take_dialled(&mut self, left: Duration) -> bool {
        let Some(Dial { link, dialled }) = &self.dial else { return false };
        let link = *link;
        let result = if left.is_zero() {
            dialled.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        } else {
            dialled.recv_timeout(left)
        };
        let (cause, reason) = match result {
            Err(RecvTimeoutError::Timeout) => return false,
            Ok(Ok(connection)) => {
                self.dial = None;
                self.links.push((link, connection));
                self.engine.handle_dialed(link, Instant::now());
                return true;
            }
            Ok(Err(error)) => {
                let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
                (cause_of(&error), format!("{error}{}", source.unwrap_or_default()))
            }
            Err(RecvTimeoutError::Disconnected) => (Cause::Lost, "the thread that dials is gone".to_owned()),
        };
        self.dial = None;
        self.engine.handle_dial_failed(link, cause, reason, Instant::now());
        true
    }

    /// The connection over which messages go out now.
    fn link(&self) -> Option<&Connection<Relay>> {
        let open = self.engine.link()?;
        self.links.iter().find(|(link, _)| *link == open).map(|(_, connection)| connection)
    }

    /// Sends any message but `setup`; [`next`](Self::next) does the rest. Between two connections it is held; of sound and video
    /// that is held too long the oldest is dropped, counted, and told by [`ClientEvent::Dropped`].
    ///
    /// # Errors
    /// The message and the reason: the session is over, or too much is queued because [`next`](Self::next) was not called.
    #[expect(clippy::result_large_err, reason = "the message comes back, and a box would cost an allocation")]
    pub fn send(&mut self, message: ClientMessage) -> Result<(), Rejected<ClientCommand>> {
        let command = ClientCommand::Send(message);
        if self.link().is_some_and(|connection| connection.engine().queued() >= self.queued_max) {
            return Err(Rejected { command, why: Why::Full });
        }
        self.engine.handle_command(command, Instant::now())
    }

    /// True while what was said waits for the network, as far as the last [`next`](Self::next) saw.
    pub fn is_congested(&self) -> bool {
        self.link().is_some_and(Connection::is_congested)
    }

    /// False while the session is between two connections: what is said then is held.
    pub fn is_open(&self) -> bool {
        self.engine.is_open()
    }

    /// What the session has been through: dials, resumptions, messages that were sent again or dropped.
    pub fn counters(&self) -> Counters {
        self.engine.counters()
    }

    /// Sends what is queued, closes in the normal way, waiting for the server at most [`Options::close_deadline`], and tells
    /// how the session ended. Events on the way are dropped.
    pub fn close(mut self) -> CloseCause {
        // Refused only if the session is over, and then the cause is still to be heard, or was.
        _ = self.engine.handle_command(ClientCommand::Close, Instant::now());
        let mut end = None;
        while let Next::Event(event) = self.next(None) {
            if let ClientEvent::Closed(cause) = event {
                end = Some(cause);
            } else if let ClientEvent::Lost(loss) = event {
                end = Some(loss.cause);
            }
        }
        end.unwrap_or_else(|| CloseCause {
            code: None,
            reason: String::new(),
            phase: Phase::Open,
            cause: Cause::Local,
            open_calls: 0,
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("engine", &self.engine).field("links", &self.links).finish_non_exhaustive()
    }
}

/// What a failure to dial means for the next one.
fn cause_of(error: &Error) -> Cause {
    match error {
        Error::Unreachable { .. } | Error::Upgrade(_) => Cause::Lost,
        Error::Silent { .. } => Cause::SetupTimeout,
        Error::Status { status, .. } => Cause::of_http(status.as_u16()),
        Error::Url { .. } | Error::Tls { .. } | Error::Roots { .. } => Cause::Other,
    }
}

/// How long one of several connections is waited for before the others, or functions, are looked at. 5 ms: a quarter of the
/// usual audio message. There are several connections only while the session moves.
const SHARE: Duration = Duration::from_millis(5);

/// A wait that nothing bounds; the loop just waits again.
const LONG: Duration = Duration::from_secs(3600);
