//! One session: an upgraded stream, an engine, and the model that answers its turns, all in one task.
//!
//! The engine decides what is said; here its events are acted on and told to the log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use live_engine::{
    Backend, CloseReason, Explanation, HandleSeed, ModelOutput, Refusal, Rejected, ServerCommand, ServerConfig,
    ServerEngine, ServerEvent, TurnId, Why,
};
use live_tokio::{Clock as _, Connection, Step, WebSocketStream};
use rustls::crypto::SecureRandom;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::Shared;
use crate::access::Granted;
use crate::answer::Opening;
use crate::auth::{Credential, CredentialKind};
use crate::generation::Generation;
use crate::handshake::Upgraded;
use crate::keeping::Keeper;
use crate::project::Project;
use crate::registry::{Entered, Info, Order};
use crate::route::Method;
use crate::token::pass::{self, Pass};
use crate::token::{Issued, TokenHash};
use crate::wire::Wire;

/// Who opens a session, and as what.
pub(crate) struct Caller {
    pub(crate) id: SessionId,
    pub(crate) peer: SocketAddr,
    pub(crate) backend: Backend,
    pub(crate) api_version: &'static str,
    /// Whether the method is that of ephemeral tokens.
    pub(crate) is_constrained: bool,
    pub(crate) credentials: Vec<Credential>,
}

/// Holds the session that begins on `upgraded`, until it is over.
pub(crate) async fn serve(
    upgraded: Upgraded,
    shared: &Shared,
    id: SessionId,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
) {
    let Upgraded { stream, read, opening: Opening { route, credentials } } = upgraded;
    let web_socket = Some(shared.options.web_socket());
    let socket = WebSocketStream::from_partially_read(stream, read.into(), Role::Server, web_socket).await;
    let caller = Caller {
        id,
        peer,
        backend: route.backend,
        api_version: route.api_version,
        is_constrained: route.method == Method::ContentConstrained,
        credentials,
    };
    let open = |engine| Connection::from_socket(socket, engine, shared.options.clone());
    hold(caller, open, shared, stop).await;
}

/// Holds a session on the connection that `open` makes of its engine, until it is over.
pub(crate) async fn hold<W: Wire>(
    caller: Caller,
    open: impl FnOnce(ServerEngine) -> W + Send,
    shared: &Shared,
    mut stop: watch::Receiver<bool>,
) {
    let Caller { id, peer, backend, api_version, is_constrained, credentials } = caller;
    let (_open, sessions_open) = shared.counters.open_session();
    let admitted = admit(&credentials, is_constrained, shared).await;
    drop(credentials);
    let is_full = sessions_open > shared.sessions_max;
    // Who is refused for another reason takes no place from others.
    let granted = admitted.as_ref().ok().map(|admitted| admitted.granted);
    let admission = granted.filter(|_| !is_full).and_then(|it| shared.quota.admit(it.project, it.sessions_max));
    let refusal = match (&admitted, &admission) {
        (Err(why), _) => Some(*why),
        (Ok(_), _) if is_full => Some(Refusal::Overloaded),
        (Ok(_), None) => Some(Refusal::Quota),
        (Ok(_), Some(_)) => None,
    };
    let token = admitted.ok().and_then(|admitted| admitted.token);
    let project = granted.map_or(Project::ANONYMOUS, |granted| granted.project);
    let lifetimes = shared.lifetimes(backend);
    let config = ServerConfig {
        backend,
        api_version: api_version.to_owned(),
        profiles: Arc::clone(&shared.profiles),
        limits: shared.limits.clone(),
        refusal,
        constraint: token.as_ref().map(|(_, issued)| Arc::clone(&issued.lock) as _),
        pacing: shared.pacing,
        session_id: id.to_string(),
        call_id_seed: id.seed(),
        lifetimes: lifetimes.clone(),
        handle_seed: handle_seed(shared.random),
        vad: shared.vad,
        vad_signal: shared.vad_signal,
        built_in_tools: shared.model.built_in_tools(),
    };
    let engine = ServerEngine::new(config, shared.clock.now());
    let (entered, mut orders) = shared.registry.enter(Info {
        id,
        session: id,
        peer,
        project,
        opened: shared.clock.elapsed(),
        backend,
        model: String::new(),
        is_resumed: false,
        is_stalled: false,
        turns: 0,
        saves: 0,
        prompt_tokens: 0,
    });
    let mut session = Session {
        connection: open(engine),
        generation: Generation::new(Arc::clone(&shared.model)),
        keeper: Keeper::new(shared, id, project, lifetimes.handle_validity),
        pass: Pass::new(token.as_ref(), &shared.tokens, &shared.clock),
        entered,
        go_away_notice: lifetimes.go_away_notice,
        is_stalled: false,
        shared,
        unknown_fields: 0,
        warnings: 0,
    };
    let mut is_stopping = false;
    loop {
        let patience = session.keeper.patience();
        let hears = !session.is_stalled && patience.is_none();
        let lose_patience = async {
            match patience {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let step = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                session.stall(false);
                // Refused only when the session is over already, which the next step finds out.
                _ = session.connection.command(ServerCommand::Shutdown);
                continue;
            }
            Some(order) = orders.recv() => match order {
                Order::Drop => {
                    tracing::info!("cut by control");
                    return;
                }
                Order::Stall(is_stalled) => {
                    session.stall(is_stalled);
                    continue;
                }
                Order::GoAway(time_left) => {
                    let time_left = time_left.unwrap_or(session.go_away_notice);
                    session.command(ServerCommand::GoAway { time_left });
                    continue;
                }
                Order::Superseded => {
                    session.command(ServerCommand::TakeOver);
                    continue;
                }
            },
            answer = session.keeper.next() => {
                session.command(answer);
                continue;
            }
            told = session.pass.next() => {
                session.command(told);
                continue;
            }
            () = lose_patience => {
                session.keeper.lose_patience();
                continue;
            }
            step = session.connection.next_or(&mut session.generation), if hears => step,
        };
        match step {
            Step::Event(Some(event)) => session.act(event),
            Step::Event(None) => break,
            Step::Item(Some((turn, piece))) => session.answer(turn, piece),
            Step::Item(None) => unreachable!("a generation never ends"),
        }
    }
}

/// Who was let in, and by which token, if it was one.
struct Admitted {
    granted: Granted,
    token: Option<(TokenHash, Issued)>,
}

/// Judges what a client presents: a token by the method of tokens, anything else by the other.
async fn admit(credentials: &[Credential], is_constrained: bool, shared: &Shared) -> Result<Admitted, Refusal> {
    let now = shared.clock.date();
    let access = shared.access.read();
    let token = credentials.iter().find(|credential| credential.kind == CredentialKind::Token);
    match (is_constrained, token) {
        (false, None) => Ok(Admitted { granted: access.admit(credentials, now).await?, token: None }),
        // What a token locks would be open here.
        (false, Some(_)) => {
            tracing::warn!(
                "an ephemeral token came without its method, which is BidiGenerateContentConstrained over WebSocket"
            );
            Err(Refusal::KeyNotValid)
        }
        (true, None) => {
            tracing::warn!("BidiGenerateContentConstrained is for ephemeral tokens, and none came along");
            Err(if credentials.is_empty() { Refusal::Unregistered } else { Refusal::KeyNotValid })
        }
        (true, Some(token)) => {
            let hash = TokenHash::of(&token.secret);
            let issued = pass::find(&shared.tokens, hash, now).await?;
            let Issued { project, sessions_max, is_claimed, .. } = issued;
            let granted =
                access.renew(Granted { project, sessions_max, is_claimed }, now).ok_or(Refusal::KeyNotValid)?;
            Ok(Admitted { granted, token: Some((hash, issued)) })
        }
    }
}

struct Session<'a, W> {
    connection: W,
    generation: Generation,
    keeper: Keeper,
    pass: Pass,
    entered: Entered<'a>,
    go_away_notice: Duration,
    /// Told to neither read nor write.
    is_stalled: bool,
    shared: &'a Shared,
    /// Distinct unknown fields that the log has been told of.
    unknown_fields: usize,
    warnings: u32,
}

impl<W: Wire> Session<'_, W> {
    fn act(&mut self, event: ServerEvent) {
        self.tell_unknown_fields();
        match event {
            ServerEvent::SetupAccepted(session) => {
                tracing::info!(backend = ?session.backend, model = %session.model, "session open");
                self.entered.update(|info| info.model.clone_from(&session.model));
                if let Some(resumed) = self.keeper.resumed() {
                    let others = self.entered.take_over(resumed);
                    tracing::info!(session = %resumed.short(), closing = others, "resumed");
                }
            }
            ServerEvent::Admit => self.pass.begin(),
            ServerEvent::Resume { handle } => self.keeper.load(&handle),
            ServerEvent::Save { handle, snapshot } => self.keeper.save(handle, snapshot),
            ServerEvent::Forget { handle } => self.keeper.forget(&handle),
            ServerEvent::Compressed { evicted, kept } => {
                tracing::info!(?evicted, kept_tokens = kept.total(), "the context was cut to fit its window");
            }
            ServerEvent::Generate(turn, prompt) => {
                tracing::debug!(%turn, contents = prompt.history.len(), unanswered = prompt.unanswered, "asking the model");
                self.generation.start(turn, prompt);
            }
            ServerEvent::Continue(_) => self.generation.release(),
            ServerEvent::Cancel(turn) => {
                tracing::debug!(%turn, "cancelled");
                self.generation.cancel(turn);
            }
            ServerEvent::TurnFinished { turn, usage, session_usage, interrupted } => {
                tracing::debug!(%turn, ?usage, session_tokens = session_usage.total(), interrupted, "turn finished");
                self.entered.update(|info| {
                    info.turns += 1;
                    info.prompt_tokens = usage.prompt.total();
                });
            }
            ServerEvent::Violation(violation) => {
                self.shared.counters.count_violation();
                let Explanation { path, rule, fix } = violation.explanation();
                tracing::warn!(
                    id = violation.id(),
                    path,
                    rule,
                    fix,
                    code = violation.code(),
                    "the client broke a rule"
                );
            }
            ServerEvent::Warning(warning) => {
                self.warnings += 1;
                if self.warnings < WARNINGS_LOGGED_MAX {
                    tracing::warn!(?warning, "passed over");
                } else if self.warnings == WARNINGS_LOGGED_MAX {
                    tracing::warn!(?warning, "passed over; further ones of this session are not logged");
                }
            }
            ServerEvent::Closed(reason) => {
                self.generation.stop();
                match &reason {
                    CloseReason::Refused(refusal) => {
                        self.shared.counters.count_refused();
                        let Explanation { path, rule, fix } = refusal.explanation();
                        tracing::warn!(path, rule, fix, code = reason.told().code, %reason, "session over");
                    }
                    CloseReason::ModelFailed(_) | CloseReason::KeepingFailed => {
                        self.shared.counters.count_failure();
                        tracing::error!(%reason, "session over");
                    }
                    // Its explanation has just been logged.
                    CloseReason::Violation(_) => tracing::info!("session over"),
                    CloseReason::SetupTimeout
                    | CloseReason::PeerUnfit
                    | CloseReason::Shutdown
                    | CloseReason::Done
                    | CloseReason::LifetimeOver(..)
                    | CloseReason::TakenOver
                    | CloseReason::Disconnected(_) => {
                        tracing::info!(%reason, "session over");
                    }
                }
            }
        }
    }

    /// Reads and writes no more, or again.
    fn stall(&mut self, is_stalled: bool) {
        self.is_stalled = is_stalled;
        self.entered.update(|info| info.is_stalled = is_stalled);
    }

    /// Tells the engine something that it may refuse only because the session is over, or has not begun.
    fn command(&mut self, command: ServerCommand) {
        let is_save = matches!(command, ServerCommand::Saved(_));
        match self.connection.command(command) {
            Ok(()) if is_save => self.entered.update(|info| info.saves += 1),
            Ok(()) => {}
            Err(Rejected { why, .. }) => tracing::debug!(%why, "came too late, or too early"),
        }
    }

    /// Hands the engine a piece of the model's answer.
    fn answer(&mut self, turn: TurnId, piece: ModelOutput) {
        let Err(Rejected { command, why }) = self.connection.command(ServerCommand::Model(turn, piece)) else { return };
        match (why, command) {
            (Why::Full, ServerCommand::Model(turn, piece)) => self.generation.put_back(turn, piece),
            (Why::Ahead, ServerCommand::Model(turn, piece)) => self.generation.hold(turn, piece),
            (Why::Closed, _) => self.generation.stop(),
            (why, _) => {
                // The model broke its contract; its session cannot go on, and the engine takes a failure at any time.
                self.generation.stop();
                let failure = ModelOutput::Failed(format!("the model's answer was not accepted: {why}"));
                if let Err(Rejected { why, .. }) = self.connection.command(ServerCommand::Model(turn, failure)) {
                    tracing::error!(%turn, %why, "the model's answer was not accepted, nor its failure");
                }
            }
        }
    }

    /// Tells of fields that a lenient server ignores, as they appear.
    fn tell_unknown_fields(&mut self) {
        let Some(unknown) = self.connection.unknown_fields() else { return };
        let count = unknown.paths().count();
        if count > self.unknown_fields {
            self.unknown_fields = count;
            let paths: Vec<&str> = unknown.paths().collect();
            tracing::warn!(?paths, "ignored fields that the API does not have");
        }
    }
}

/// Names a session in the log and, on Vertex, in `setupComplete`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionId([u8; 16]);

impl SessionId {
    /// Draws a random version 4 UUID.
    pub(crate) fn random(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes).expect("the system has randomness");
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// The id, for a store to keep.
    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The start of the id, enough to tell the sessions of a log apart.
    pub(crate) fn short(self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// A number that differs between sessions, for ids within one.
    fn seed(self) -> u64 {
        u64::from_le_bytes(*self.0.last_chunk().expect("16 bytes hold 8"))
    }
}

impl From<[u8; 16]> for SessionId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Draws what the handles of a connection are made of.
fn handle_seed(random: &dyn SecureRandom) -> HandleSeed {
    let mut seed = HandleSeed::default();
    random.fill(&mut seed.0).expect("the system has randomness");
    seed
}

/// Warnings of one session that reach the log. 16: a client that errs in every message errs in the same way.
const WARNINGS_LOGGED_MAX: u32 = 16;
