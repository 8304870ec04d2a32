//! Who pays: the project behind a client, and how many sessions it may hold at once.
//!
//! Whether a client is let in at all is [`auth`](crate::auth)'s decision.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use ring::digest::{SHA256, digest};

use crate::Secret;

/// The project that a session belongs to: a digest of the key that opened it, so that no key is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Project([u8; 32]);

impl Project {
    /// Clients that presented no key.
    pub const ANONYMOUS: Self = Self([0; 32]);

    pub(crate) fn of(key: &Secret) -> Self {
        let mut bytes = b"live project\0".to_vec();
        bytes.extend_from_slice(key.reveal().as_bytes());
        Self(digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes"))
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
    /// as it may.
    pub(crate) fn admit(&self, project: Project) -> Option<Admission<'_>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = open.entry(project).or_default();
        if *sessions >= self.sessions_max {
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

    #[test]
    fn a_project_is_no_key_and_tells_none() {
        let (a, b) = (Project::of(&Secret::new("key a")), Project::of(&Secret::new("key b")));
        assert_ne!(a, b);
        assert_eq!(a, Project::of(&Secret::new("key a")));
        assert!(!format!("{a} {a:?}").contains("key"));
        assert_eq!(a.to_string().len(), 8);
    }

    #[test]
    fn each_project_has_as_many_places_as_the_quota_says() {
        let quota = Quota::new(2);
        let (a, b) = (Project::of(&Secret::new("a")), Project::ANONYMOUS);
        let first = quota.admit(a).unwrap();
        let _second = quota.admit(a).unwrap();
        assert!(quota.admit(a).is_none());
        let _other = quota.admit(b).expect("another project has places of its own");
        drop(first);
        quota.admit(a).expect("a place is free again");
        assert!(Quota::new(0).admit(a).is_none());
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
                            let _place = quota.admit(project).expect("four workers hold at most two places each");
                            let _nested = quota.admit(project).expect("four workers hold at most two places each");
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
