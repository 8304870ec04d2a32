//! Counts the tokens that live, so that one project's leave room for the others'.
//!
//! Where tokens are kept is a [`TokenStore`](super::TokenStore)'s; this knows only how much there is of them.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use super::TokenHash;
use crate::project::Project;

/// The living tokens of a store.
#[derive(Debug, Default)]
pub(crate) struct Living {
    /// Each with its project and bytes, those first that expire first.
    by_expiry: BTreeMap<(SystemTime, TokenHash), (Project, usize)>,
    /// Projects that have tokens.
    projects: HashMap<Project, Share>,
    bytes: usize,
}

/// What one project has.
#[derive(Debug, Default)]
struct Share {
    tokens: usize,
    bytes: usize,
}

/// One token, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) token: TokenHash,
    pub(crate) project: Project,
    pub(crate) expires_at: SystemTime,
    /// What it takes to keep, beside [`TOKEN_BYTES`].
    pub(crate) bytes: usize,
}

impl Living {
    /// Counts one more token, if there is room for it beside those that have not expired by `now`.
    pub(crate) fn admit(&mut self, counted: Counted, now: SystemTime) -> Result<(), Full> {
        self.forget(now);
        let bytes = counted.bytes + TOKEN_BYTES;
        let (tokens, of_project) = self.projects.get(&counted.project).map_or((0, 0), |it| (it.tokens, it.bytes));
        if tokens >= PROJECT_TOKENS_MAX {
            return Err(Full::ProjectTokens);
        }
        if of_project + bytes > PROJECT_BYTES_MAX {
            return Err(Full::ProjectBytes);
        }
        if self.bytes + bytes > BYTES_MAX {
            return Err(Full::Server);
        }
        self.count(counted);
        Ok(())
    }

    /// Counts a token that is kept already, whether there is room or not.
    pub(crate) fn count(&mut self, counted: Counted) {
        let Counted { token, project, expires_at, bytes } = counted;
        self.withdraw(token, expires_at);
        let bytes = bytes + TOKEN_BYTES;
        self.by_expiry.insert((expires_at, token), (project, bytes));
        let share = self.projects.entry(project).or_default();
        share.tokens += 1;
        share.bytes += bytes;
        self.bytes += bytes;
    }

    /// Counts a token no longer.
    pub(crate) fn withdraw(&mut self, token: TokenHash, expires_at: SystemTime) {
        if let Some((project, bytes)) = self.by_expiry.remove(&(expires_at, token)) {
            self.release(project, bytes);
        }
    }

    /// Counts what has expired by `now` no longer.
    pub(crate) fn forget(&mut self, now: SystemTime) {
        while let Some(first) = self.by_expiry.first_entry().filter(|first| first.key().0 <= now) {
            let (project, bytes) = first.remove();
            self.release(project, bytes);
        }
    }

    fn release(&mut self, project: Project, bytes: usize) {
        self.bytes -= bytes;
        let share = self.projects.get_mut(&project).expect("a project that has tokens has a share");
        share.tokens -= 1;
        share.bytes -= bytes;
        if share.tokens == 0 {
            self.projects.remove(&project);
        }
    }
}

/// Why there is no room for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// The project has too many.
    #[error(
        "the project has as many ephemeral tokens as it may ({PROJECT_TOKENS_MAX}): wait until some have expired, or let \
         them live shorter"
    )]
    ProjectTokens,
    /// Those of the project are too large.
    #[error(
        "the project's ephemeral tokens would take more room than its share ({} MiB): wait until some have expired, let \
         them live shorter, or lock shorter setups in them",
        PROJECT_BYTES_MAX >> 20
    )]
    ProjectBytes,
    /// Those of all projects are too large.
    #[error(
        "the ephemeral tokens of all projects together would take more room than the server has for them ({} MiB): wait \
         until some have expired",
        BYTES_MAX >> 20
    )]
    Server,
}

/// Living tokens of one project. 10,000: half an hour, their usual life, of five new users a second.
const PROJECT_TOKENS_MAX: usize = 10_000;
/// Bytes of them. 16 MiB: as many with a setup of more than a kilobyte each, or a few thousand with a long instruction.
const PROJECT_BYTES_MAX: usize = 16 << 20;
/// Bytes of all living tokens. 256 MiB: sixteen projects at their bound.
const BYTES_MAX: usize = 256 << 20;
/// What a token takes beside its lock, here and in its store.
const TOKEN_BYTES: usize = 512;

#[cfg(test)]
mod tests;
