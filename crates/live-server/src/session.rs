//! One session: an upgraded stream, an engine, and the model that answers its turns, all in one task.
//!
//! The engine decides what is said; here its events are acted on and told to the log.

use std::sync::Arc;

use live_engine::{
    CloseReason, ModelOutput, Refusal, Rejected, ServerCommand, ServerConfig, ServerEngine, ServerEvent, TurnId, Why,
};
use live_tokio::{Connection, Step, WebSocketStream};
use rustls::crypto::SecureRandom;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::Shared;
use crate::generation::Generation;
use crate::handshake::Upgraded;
use crate::stream::ServerStream;

/// Holds the session that begins on `upgraded`, until it is over.
pub(crate) async fn serve(upgraded: Upgraded, shared: &Shared, id: SessionId, mut stop: watch::Receiver<bool>) {
    let Upgraded { stream, read, opening } = upgraded;
    let (_open, sessions_open) = shared.counters.open_session();
    let overload = (sessions_open > shared.sessions_max).then_some(Refusal::Overloaded);
    let refusal = shared.keys.refusal(&opening.credentials).or(overload);
    let config = ServerConfig {
        backend: opening.route.backend,
        api_version: opening.route.api_version.to_owned(),
        profiles: Arc::clone(&shared.profiles),
        limits: shared.limits.clone(),
        refusal,
        pacing: shared.pacing,
        session_id: id.to_string(),
        call_id_seed: id.seed(),
    };
    drop(opening);
    let engine = ServerEngine::new(config, tokio::time::Instant::now().into_std());
    let web_socket = Some(shared.options.web_socket());
    let socket = WebSocketStream::from_partially_read(stream, read.into(), Role::Server, web_socket).await;
    let mut session = Session {
        connection: Connection::from_socket(socket, engine, shared.options.clone()),
        generation: Generation::new(Arc::clone(&shared.model)),
        shared,
        unknown_fields: 0,
        warnings: 0,
    };
    let mut is_stopping = false;
    loop {
        let step = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                // Refused only when the session is over already, which the next step finds out.
                _ = session.connection.command(ServerCommand::Shutdown);
                continue;
            }
            step = session.connection.next_or(&mut session.generation) => step,
        };
        match step {
            Step::Event(Some(event)) => session.act(event),
            Step::Event(None) => break,
            Step::Item(Some((turn, piece))) => session.answer(turn, piece),
            Step::Item(None) => unreachable!("a generation never ends"),
        }
    }
}

struct Session<'a> {
    connection: Connection<ServerEngine, ServerStream>,
    generation: Generation,
    shared: &'a Shared,
    /// Distinct unknown fields that the log has been told of.
    unknown_fields: usize,
    warnings: u32,
}

impl Session<'_> {
    fn act(&mut self, event: ServerEvent) {
        self.tell_unknown_fields();
        match event {
            ServerEvent::SetupAccepted(session) => {
                tracing::info!(backend = ?session.backend, model = %session.model, "session open")
            }
            ServerEvent::Generate(turn, prompt) => {
                tracing::debug!(%turn, contents = prompt.history.len(), unanswered = prompt.unanswered, "asking the model");
                self.generation.start(turn, prompt);
            }
            ServerEvent::Cancel(turn) => {
                tracing::debug!(%turn, "cancelled");
                self.generation.cancel(turn);
            }
            ServerEvent::TurnFinished { turn, usage, interrupted } => {
                tracing::debug!(%turn, ?usage, interrupted, "turn finished");
            }
            ServerEvent::Violation(violation) => {
                self.shared.counters.count_violation();
                let explanation = violation.explanation();
                tracing::warn!(
                    path = explanation.path,
                    rule = explanation.rule,
                    fix = explanation.fix,
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
                    CloseReason::Refused(_) => {
                        self.shared.counters.count_refused();
                        tracing::warn!(%reason, "session over");
                    }
                    CloseReason::ModelFailed(_) => {
                        self.shared.counters.count_failure();
                        tracing::error!(%reason, "session over");
                    }
                    // Its explanation has just been logged.
                    CloseReason::Violation(_) => tracing::info!("session over"),
                    CloseReason::SetupTimeout
                    | CloseReason::PeerUnfit
                    | CloseReason::Shutdown
                    | CloseReason::Done
                    | CloseReason::Disconnected(_) => {
                        tracing::info!(%reason, "session over");
                    }
                }
            }
        }
    }

    /// Hands the engine a piece of the model's answer.
    fn answer(&mut self, turn: TurnId, piece: ModelOutput) {
        let Err(Rejected { command, why }) = self.connection.command(ServerCommand::Model(turn, piece)) else { return };
        match (why, command) {
            (Why::Full, ServerCommand::Model(turn, piece)) => self.generation.put_back(turn, piece),
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
        let unknown = self.connection.unknown_fields();
        let count = unknown.paths().count();
        if count > self.unknown_fields {
            self.unknown_fields = count;
            let paths: Vec<&str> = unknown.paths().collect();
            tracing::warn!(?paths, "ignored fields that the API does not have");
        }
    }
}

/// Names a session in the log and, on Vertex, in `setupComplete`.
#[derive(Clone, Copy)]
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

    /// The start of the id, enough to tell the sessions of a log apart.
    pub(crate) fn short(self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// A number that differs between sessions, for ids within one.
    fn seed(self) -> u64 {
        u64::from_le_bytes(*self.0.last_chunk().expect("16 bytes hold 8"))
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

/// Warnings of one session that reach the log. 16: a client that errs in every message errs in the same way.
const WARNINGS_LOGGED_MAX: u32 = 16;
