//! Who pays: the project behind a client, and how many sessions it may hold at once.
//!
//! Whether a client is let in at all is [`auth`](crate::auth)'s decision.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ring::digest::{Context, SHA256};

use crate::access::KeyHash;

/// The project that a session belongs to: a digest of the key that opened it, so that no key is kept, or of what the key's
/// project is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Project([u8; 32]);

impl Project {
    /// Clients that presented no key.
    pub const ANONYMOUS: Self = Self([0; 32]);

    /// The project that is a key.
    pub(crate) fn of(key: KeyHash) -> Self {
        Self::digest(&[b"live project", key.as_bytes()])
    }

    /// The project of this name, which several keys may have.
    pub(crate) fn named(name: &str) -> Self {
        Self::digest(&[b"live project by name", name.as_bytes()])
    }

    /// The project that an issuer of OAuth tokens names by a claim: nobody else can name it.
    pub(crate) fn of_claim(issuer: &str, claim: &str, value: &str) -> Self {
        Self::digest(&[b"live project by claim", issuer.as_bytes(), claim.as_bytes(), value.as_bytes()])
    }

    /// Each part with its length, so that no two lists come to the same.
    fn digest(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        Self(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The digest, for a store to keep.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Project {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The start of the digest: enough to tell projects apart, and nothing to find a key by.
impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANONYMOUS {
            return f.write_str("anonymous");
        }
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Project({self})")
    }
}

/// Counts the sessions of every project.
#[derive(Debug)]
pub(crate) struct Quota {
    sessions_max: u32,
    open: Mutex<HashMap<Project, u32>>,
}

impl Quota {
    pub(crate) fn new(sessions_max: u32) -> Self {
        Self { sessions_max, open: Mutex::default() }
    }

    /// Counts one more session until the guard is dropped, however its task ends; `None` when the project has as many
    /// as it may, `sessions_max` if it has a limit of its own.
    pub(crate) fn admit(&self, project: Project, sessions_max: Option<u32>) -> Option<Admission<'_>> {
        let sessions_max = sessions_max.unwrap_or(self.sessions_max);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = open.entry(project).or_default();
        if *sessions >= sessions_max {
            if *sessions == 0 {
                open.remove(&project);
            }
            return None;
        }
        *sessions += 1;
        Some(Admission { quota: self, project })
    }
}

/// The place of one session in its project.
#[derive(Debug)]
pub(crate) struct Admission<'a> {
    quota: &'a Quota,
    project: Project,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let mut open = self.quota.open.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = open.get_mut(&self.project).expect("an admitted session is counted");
        *sessions -= 1;
        if *sessions == 0 {
            open.remove(&self.project);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;
    use crate::Secret;

    fn project(key: &str) -> Project {
        Project::of(KeyHash::of(&Secret::new(key)))
    }

    #[test]
    fn a_project_is_no_key_and_tells_none() {
        let (a, b) = (project("key a"), project("key b"));
        assert_ne!(a, b);
        assert_eq!(a, project("key a"));
        assert!(!format!("{a} {a:?}").contains("key"));
        assert_eq!(a.to_string().len(), 8);
        assert_ne!(Project::named("key a"), a);
        assert_ne!(Project::of_claim("i", "sub", "a"), Project::of_claim("i", "su", "ba"));
        assert_ne!(Project::of_claim("i", "sub", "a"), Project::named("a"));
    }

    #[test]
    fn each_project_has_as_many_places_as_the_quota_says() {
        let quota = Quota::new(2);
        let (a, b) = (project("a"), Project::ANONYMOUS);
        let first = quota.admit(a, None).unwrap();
        let _second = quota.admit(a, None).unwrap();
        assert!(quota.admit(a, None).is_none());
        let _other = quota.admit(b, None).expect("another project has places of its own");
        drop(first);
        quota.admit(a, None).expect("a place is free again");
        assert!(Quota::new(0).admit(a, None).is_none());
        Quota::new(0).admit(a, Some(1)).expect("a limit of its own is what counts");
        assert!(quota.admit(b, Some(1)).is_none());
    }

    #[test]
    fn the_count_is_exact_under_threads_and_panics() {
        let quota = Quota::new(8);
        let project = Project::ANONYMOUS;
        thread::scope(|scope| {
            for worker in 0..4 {
                let quota = &quota;
                scope.spawn(move || {
                    for round in 0..500 {
                        _ = catch_unwind(AssertUnwindSafe(|| {
                            let _place = quota.admit(project, None).expect("four workers hold at most two places each");
                            let _nested =
                                quota.admit(project, None).expect("four workers hold at most two places each");
                            // Unwinds without the panic hook, which would print two thousand times.
                            if (round + worker) % 2 == 0 {
                                std::panic::resume_unwind(Box::new("a session panics"));
                            }
                        }));
                    }
                });
            }
        });
        let open = quota.open.lock().unwrap();
        assert!(open.is_empty(), "{open:?}");
    }
}
