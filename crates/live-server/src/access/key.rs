//! One key that is let in, known by its digest, and the drawing of new ones.
//!
//! Keys are random, so that a plain digest tells nobody what they are; a password that somebody chose would not be safe so.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use crate::Secret;
use crate::project::Project;

/// The SHA-256 digest of a key, which is what a file holds that no key should be read from.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Digests a key.
    pub fn of(key: &Secret) -> Self {
        Self(digest(&SHA256, key.reveal().as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl FromStr for KeyHash {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(digits.chunks(2)) {
            let digits = std::str::from_utf8(digits).expect("hexadecimal digits are ASCII");
            *byte = u8::from_str_radix(digits, 16).expect("they are hexadecimal digits");
        }
        Ok(Self(bytes))
    }
}

/// All 64 digits, as a file has them.
impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The start of the digest.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(")?;
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Draws a key of 256 random bits, that fits wherever SDKs put one.
///
/// # Panics
/// When the system has no randomness.
pub fn draw_key() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes.iter().fold(String::from("live-"), |text, byte| format!("{text}{byte:02x}"))
}

/// A key or OAuth token that is let in.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) hash: KeyHash,
    pub(super) project: Project,
    pub(super) expires_at: Option<SystemTime>,
    pub(super) is_enabled: bool,
}

impl Known {
    /// One that is a project of its own.
    pub(super) fn of(hash: KeyHash) -> Self {
        Self { hash, project: Project::of(hash), expires_at: None, is_enabled: true }
    }

    fn standing(&self, now: SystemTime) -> Standing {
        match self.expires_at {
            _ if !self.is_enabled => Standing::Unknown,
            Some(at) if at <= now => Standing::Expired,
            Some(_) | None => Standing::Good(self.project),
        }
    }

    pub(super) fn is_of(&self, project: Project, now: SystemTime) -> bool {
        self.standing(now) == Standing::Good(project)
    }
}

/// What a credential is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good(Project),
    Expired,
    Unknown,
}

impl Standing {
    /// The better of this and what `secret` is worth among `others`.
    pub(super) fn or(self, others: &[Known], secret: &Secret, now: SystemTime) -> Self {
        let other = find(others, secret, now);
        match (self, other) {
            (Self::Good(_), _) | (_, Self::Unknown) => self,
            (Self::Expired | Self::Unknown, Self::Good(_) | Self::Expired) => other,
        }
    }
}

/// What `secret` is worth among `known`. All are compared, so that the time tells nothing of which one came close.
pub(super) fn find(known: &[Known], secret: &Secret, now: SystemTime) -> Standing {
    let hash = KeyHash::of(secret);
    known.iter().fold(Standing::Unknown, |found, known| if known.hash == hash { known.standing(now) } else { found })
}
