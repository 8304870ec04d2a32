//! What a token does to one session: it is counted when a new one begins, and ends it when its time is over.
//!
//! Whether the token may be used at all was decided when the client came ([`access`](crate::access)).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use live_engine::{Refusal, ServerCommand};
use live_tokio::Clock as _;
use tokio::task::JoinHandle;

use super::{Issued, TokenHash, TokenStore, Verdict};
use crate::clock::Clock;
use crate::store::StoreError;

/// The token of one session, if it has one.
pub(crate) struct Pass {
    token: Option<Held>,
}

struct Held {
    hash: TokenHash,
    tokens: Arc<dyn TokenStore>,
    clock: Arc<Clock>,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    counting: Option<JoinHandle<Result<Verdict, StoreError>>>,
}

impl Pass {
    /// For a client that came with `token`.
    pub(crate) fn new(token: Option<&(TokenHash, Issued)>, tokens: &Arc<dyn TokenStore>, clock: &Arc<Clock>) -> Self {
        let token = token.map(|(hash, issued)| {
            let left = issued.expires_at.duration_since(clock.date()).unwrap_or_default();
            Held {
                hash: *hash,
                tokens: Arc::clone(tokens),
                clock: Arc::clone(clock),
                end: clock.sleep_until(clock.now() + left),
                is_over: false,
                counting: None,
            }
        });
        Self { token }
    }

    /// Counts the session that is about to begin; [`next`](Self::next) has the outcome.
    pub(crate) fn begin(&mut self) {
        let Some(Held { hash, tokens, clock, counting, .. }) = &mut self.token else { return };
        let (hash, tokens, now) = (*hash, Arc::clone(tokens), clock.date());
        *counting = Some(tokio::task::spawn_blocking(move || guarded(|| tokens.begin(hash, now))));
    }

    /// Waits for what the engine has to be told. Cancel-safe.
    pub(crate) async fn next(&mut self) -> ServerCommand {
        let Some(held) = &mut self.token else { return std::future::pending().await };
        let counted = async {
            match &mut held.counting {
                Some(counting) => counting.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut held.end, if !held.is_over => {
                held.is_over = true;
                ServerCommand::Refuse(Refusal::TokenExpired)
            }
            counted = counted => {
                held.counting = None;
                match counted {
                    Ok(Ok(Verdict::May)) => ServerCommand::Admitted,
                    Ok(Ok(Verdict::Expired)) => ServerCommand::Refuse(Refusal::TokenExpired),
                    Ok(Ok(Verdict::UsedUp)) => ServerCommand::Refuse(Refusal::TokenUsedUp),
                    Ok(Err(error)) => {
                        tracing::error!(%error, "the use of a token cannot be counted");
                        ServerCommand::Refuse(Refusal::Overloaded)
                    }
                    // Only a runtime that ends leaves it undone.
                    Err(_) => ServerCommand::Refuse(Refusal::Overloaded),
                }
            }
        }
    }
}

/// Finds a token that a client came with; otherwise why it may not be used.
pub(crate) async fn find(tokens: &Arc<dyn TokenStore>, hash: TokenHash, now: SystemTime) -> Result<Issued, Refusal> {
    let store = Arc::clone(tokens);
    let found = tokio::task::spawn_blocking(move || guarded(|| store.find(hash))).await;
    match found {
        Ok(Ok(Some(issued))) if issued.expires_at > now => Ok(issued),
        Ok(Ok(Some(_) | None)) => Err(Refusal::TokenExpired),
        // What was kept there is lost for good.
        Ok(Err(error @ StoreError::Corrupt(_))) => {
            tracing::error!(%error, token = ?hash, "a token cannot be read");
            Err(Refusal::TokenExpired)
        }
        Ok(Err(error @ (StoreError::Format(_) | StoreError::Medium(_)))) => {
            tracing::error!(%error, token = ?hash, "a token cannot be read now");
            Err(Refusal::Overloaded)
        }
        Err(_) => Err(Refusal::Overloaded),
    }
}

/// A store of somebody else's may panic; that costs a session, not the server.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(StoreError::Medium("the store panicked".into())))
}
