//! Ephemeral tokens: what one is, who has it, and what it lets its bearer do.
//!
//! How a token is asked for lives in `request`, what it decides of a setup in [`lock`], where it is kept in
//! [`TokenStore`], and what it does to one session in `pass`. Tokens are secrets: beyond the answer to who asked for one there
//! are only digests of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use ring::digest::{SHA256, digest};
use rustls::crypto::SecureRandom;

use crate::Secret;
use crate::project::Project;
use crate::store::StoreError;

pub(crate) mod living;
pub mod lock;
pub(crate) mod pass;
pub(crate) mod request;

pub use self::living::Full;
use self::living::{Counted, Living};
use self::lock::Lock;

/// Keeps tokens that were issued.
///
/// Calls may block: the server makes them away from the tasks of sessions. What [`begin`](Self::begin) has counted stays
/// counted, whatever becomes of the process, if the store promises to outlive it.
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a token.
    ///
    /// # Errors
    /// [`AddError::Full`] when there is no room for it beside those that `now` have not expired.
    fn add(&self, token: TokenHash, issued: &Issued, now: SystemTime) -> Result<(), AddError>;

    /// Finds a token, whether it has expired or not.
    ///
    /// # Errors
    /// When it cannot be told.
    fn find(&self, token: TokenHash) -> Result<Option<Issued>, StoreError>;

    /// Counts one more session that begins with `token`: of two that begin at once with a token's last use, one may.
    ///
    /// # Errors
    /// When it cannot be counted; then nothing has changed.
    fn begin(&self, token: TokenHash, now: SystemTime) -> Result<Verdict, StoreError>;

    /// Forgets tokens that have expired by `now`, and what cannot be read; tells how many.
    ///
    /// # Errors
    /// When nothing could be forgotten.
    fn sweep_tokens(&self, now: SystemTime) -> Result<usize, StoreError>;
}

/// One store for several servers.
impl<S: TokenStore + ?Sized> TokenStore for Arc<S> {
    fn add(&self, token: TokenHash, issued: &Issued, now: SystemTime) -> Result<(), AddError> {
        (**self).add(token, issued, now)
    }

    fn find(&self, token: TokenHash) -> Result<Option<Issued>, StoreError> {
        (**self).find(token)
    }

    fn begin(&self, token: TokenHash, now: SystemTime) -> Result<Verdict, StoreError> {
        (**self).begin(token, now)
    }

    fn sweep_tokens(&self, now: SystemTime) -> Result<usize, StoreError> {
        (**self).sweep_tokens(now)
    }
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Issued {
    /// Who asked for it, and whose sessions are opened with it.
    pub project: Project,
    /// Whether an OAuth token named the project.
    pub is_claimed: bool,
    /// Sessions that the project might have then, if that was said.
    pub sessions_max: Option<u32>,
    /// When it stops being good for anything; sessions that are open then are closed.
    pub expires_at: SystemTime,
    /// Until when sessions may begin with it.
    pub begins_until: SystemTime,
    /// Sessions that may still begin; `None` is without limit.
    pub uses_left: Option<u32>,
    /// What it decides of a setup.
    pub lock: Arc<Lock>,
}

impl Issued {
    /// Whether a session may begin at `now`; if so, one fewer may from then on.
    pub(crate) fn begin(&mut self, now: SystemTime) -> Verdict {
        if self.expires_at <= now || self.begins_until <= now {
            return Verdict::Expired;
        }
        match &mut self.uses_left {
            Some(0) => return Verdict::UsedUp,
            Some(left) => *left -= 1,
            None => {}
        }
        Verdict::May
    }
}

/// Whether a session may begin with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and is counted.
    May,
    /// Its time is over, or it is not known, which is the same to whoever has it: expired tokens are forgotten.
    Expired,
    /// As many have begun as may.
    UsedUp,
}

/// Why a token is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// There is no room for another one of the project.
    #[error(transparent)]
    Full(#[from] Full),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The digest of a token. The token cannot be told from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &Secret) -> Self {
        let bytes = [b"live token\0", token.reveal().as_bytes()].concat();
        Self(digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The digest, for a store to keep.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for TokenHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The start of the digest, enough to tell tokens apart.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(")?;
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Draws a token: `auth_tokens/` and 256 random bits.
pub(crate) fn draw(random: &dyn SecureRandom) -> Secret {
    let mut bytes = [0; 32];
    random.fill(&mut bytes).expect("the system has randomness");
    let digits = bytes.iter().fold(String::from(PREFIX), |text, byte| format!("{text}{byte:02x}"));
    Secret::new(&digits)
}

/// What the names of ephemeral tokens begin with.
pub(crate) const PREFIX: &str = "auth_tokens/";

/// Keeps tokens in memory: they end with the process.
#[derive(Default)]
pub struct MemoryTokens(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    tokens: HashMap<TokenHash, Issued>,
    living: Living,
}

impl MemoryTokens {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many tokens are kept.
    pub fn len(&self) -> usize {
        self.lock().tokens.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl TokenStore for MemoryTokens {
    fn add(&self, token: TokenHash, issued: &Issued, now: SystemTime) -> Result<(), AddError> {
        let Issued { project, expires_at, .. } = *issued;
        let mut kept = self.lock();
        kept.living.admit(Counted { token, project, expires_at, bytes: issued.lock.bytes() }, now)?;
        kept.tokens.insert(token, issued.clone());
        Ok(())
    }

    fn find(&self, token: TokenHash) -> Result<Option<Issued>, StoreError> {
        Ok(self.lock().tokens.get(&token).cloned())
    }

    fn begin(&self, token: TokenHash, now: SystemTime) -> Result<Verdict, StoreError> {
        Ok(self.lock().tokens.get_mut(&token).map_or(Verdict::Expired, |issued| issued.begin(now)))
    }

    fn sweep_tokens(&self, now: SystemTime) -> Result<usize, StoreError> {
        let mut kept = self.lock();
        kept.living.forget(now);
        let before = kept.tokens.len();
        kept.tokens.retain(|_, issued| issued.expires_at > now);
        Ok(before - kept.tokens.len())
    }
}

impl fmt::Debug for MemoryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryTokens({})", self.len())
    }
}

/// Time in which a token has to be used, where nothing else is said.
pub(crate) const BEGINS_WITHIN: Duration = Duration::from_secs(60);
/// The life of a token, where nothing else is said.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// The longest a token lives.
pub(crate) const LIFETIME_MAX: Duration = Duration::from_secs(20 * 60 * 60);
