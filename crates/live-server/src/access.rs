//! Who may open sessions and ask for tokens: the keys and OAuth bearers that are let in, and the projects behind them.
//!
//! It decides, it does not answer: a client that is not let in is still upgraded, and its session closed after `setup` has
//! been read, since only then do the SDKs show the reason to their user. What a request presents is found by
//! [`auth`](crate::auth).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use live_engine::Refusal;

use crate::Secret;
use crate::auth::{Credential, CredentialKind};
use crate::project::Project;

mod file;
mod issuer;
mod jwks;
mod jwt;
mod key;

pub use self::file::AccessError;
use self::issuer::{Issuer, Payer};
pub use self::key::{KeyHash, draw_key};
use self::key::{Known, Standing};

/// What opens a server. Nothing at all leaves it open to anybody who can reach it.
#[derive(Debug, Default)]
pub struct Access {
    /// API keys, which clients may present in any place.
    keys: Vec<Known>,
    /// OAuth tokens that are known one by one.
    bearers: Vec<Known>,
    /// Whose signed OAuth tokens are taken.
    issuers: Vec<Issuer>,
    /// Sessions of the projects that do not have as many as any other.
    sessions: HashMap<Project, u32>,
    /// Told to restrict itself, be it to nothing.
    is_restricted: bool,
}

/// Who was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) project: Project,
    /// Sessions that the project may have, if that was said.
    pub(crate) sessions_max: Option<u32>,
    /// Whether the project is named by the claim of an OAuth token, and so known to nobody before.
    pub(crate) is_claimed: bool,
}

impl Access {
    /// Lets in those who present one of `keys`. An empty one matches nothing, so that a server told to restrict itself to it
    /// lets nobody in.
    pub fn of_keys(keys: impl IntoIterator<Item = Secret>) -> Self {
        let mut access = Self::default();
        access.add_keys(keys);
        access
    }

    /// Lets in those who present one of `keys`, too.
    pub fn add_keys(&mut self, keys: impl IntoIterator<Item = Secret>) {
        for key in keys {
            self.is_restricted = true;
            if !key.is_empty() {
                self.keys.push(Known::of(KeyHash::of(&key)));
            }
        }
    }

    /// Whether every credential is let in, and no credential too.
    pub fn is_open(&self) -> bool {
        !self.is_restricted
    }

    /// Whether OAuth tokens are verified. Where they are not, any is let in by an open server, and none by one with keys.
    pub fn verifies_oauth(&self) -> bool {
        !self.bearers.is_empty() || !self.issuers.is_empty()
    }

    /// How many keys, OAuth tokens and issuers there are, for people.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.keys.len(), self.bearers.len(), self.issuers.len())
    }

    /// The project of a client that presents one of the keys or bearers: that of the first which is let in.
    ///
    /// Where any key will do, so does any project; a client without a key, or with an OAuth token, which changes from hour to
    /// hour, then belongs to the one of those who have none. Otherwise, why the client is not let in.
    pub(crate) async fn admit(&self, presented: &[Credential], now: SystemTime) -> Result<Granted, Refusal> {
        if self.is_open() {
            let key = presented.iter().find(|credential| credential.kind == CredentialKind::Key);
            return Ok(self.granted(key.map_or(Project::ANONYMOUS, |key| Project::of(KeyHash::of(&key.secret)))));
        }
        let mut why = if presented.is_empty() { Refusal::Unregistered } else { Refusal::KeyNotValid };
        for credential in presented {
            // What SDKs call a bearer may be a key, and a key is no bearer: it can only be one that is known.
            let known = match credential.kind {
                CredentialKind::Key => key::find(&self.keys, &credential.secret, now),
                CredentialKind::Bearer => {
                    key::find(&self.keys, &credential.secret, now).or(&self.bearers, &credential.secret, now)
                }
                CredentialKind::Token => Standing::Unknown,
            };
            match known {
                Standing::Good(project) => return Ok(self.granted(project)),
                Standing::Expired => why = Refusal::KeyExpired,
                Standing::Unknown => {}
            }
            if credential.kind == CredentialKind::Bearer
                && let Some(granted) = issuer::verify(&self.issuers, &credential.secret, now).await
            {
                return Ok(granted);
            }
        }
        Err(why)
    }

    /// What the bearer of an ephemeral token gets that was issued to `granted`; nothing if nobody could be let in as that project
    /// any more.
    pub(crate) fn renew(&self, granted: Granted, now: SystemTime) -> Option<Granted> {
        let is_known = if granted.is_claimed {
            self.issuers.iter().any(|issuer| matches!(issuer.payer, Payer::Claim(_)))
        } else {
            self.keys.iter().chain(&self.bearers).any(|known| known.is_of(granted.project, now))
                || self.issuers.iter().any(|issuer| issuer.payer == Payer::Project(granted.project))
        };
        let sessions_max = self.limit(granted.project).or(granted.sessions_max.filter(|_| granted.is_claimed));
        (self.is_open() || is_known).then_some(Granted { sessions_max, ..granted })
    }

    fn granted(&self, project: Project) -> Granted {
        Granted { project, sessions_max: self.limit(project), is_claimed: false }
    }

    fn limit(&self, project: Project) -> Option<u32> {
        self.sessions.get(&project).copied()
    }
}

/// The access of a server that runs: it may be replaced, as when the file that it was read from has changed. Clones are of one
/// server.
#[derive(Clone, Default)]
pub struct AccessHandle(Arc<RwLock<Arc<Access>>>);

impl AccessHandle {
    /// Whoever comes from here on is judged by `access`; sessions that are open go on.
    pub fn replace(&self, access: Access) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }

    pub(crate) fn read(&self) -> Arc<Access> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for AccessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

#[cfg(test)]
mod tests;
