//! Tokens in the file of [`DiskStore`](super::DiskStore), in a table of their own.
//!
//! What a token is, is [`token`](crate::token)'s.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::StoreError;
use super::disk::{DiskStore, begin};
use super::envelope::Kind;
use crate::project::Project;
use crate::token::living::{Counted, Living};
use crate::token::lock::Lock;
use crate::token::{AddError, Issued, TokenHash, TokenStore, Verdict};

pub(super) const TOKENS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("tokens");
const KIND: Kind = Kind { magic: *b"LVT", format: 1 };

impl TokenStore for DiskStore {
    fn add(&self, token: TokenHash, issued: &Issued, now: SystemTime) -> Result<(), AddError> {
        let Issued { project, expires_at, .. } = *issued;
        let record = encode(token, issued);
        // Counted first, so that who has no room does not wait for the disk, and two do not have the same.
        self.living().admit(Counted { token, project, expires_at, bytes: record.len() }, now)?;
        let kept = self.run(|| {
            let write = begin(self.database())?;
            write.open_table(TOKENS)?.insert(token.as_bytes().as_slice(), record.as_slice())?;
            Ok(write.commit()?)
        });
        kept.map_err(|error| {
            self.living().withdraw(token, expires_at);
            AddError::Store(error)
        })
    }

    fn find(&self, token: TokenHash) -> Result<Option<Issued>, StoreError> {
        let record = self.run(|| {
            let tokens = self.database().begin_read()?.open_table(TOKENS)?;
            Ok(tokens.get(token.as_bytes().as_slice())?.map(|record| record.value().to_vec()))
        })?;
        record.map(|record| decode(token, &record)).transpose()
    }

    fn begin(&self, token: TokenHash, now: SystemTime) -> Result<Verdict, StoreError> {
        self.run(|| {
            let write = begin(self.database())?;
            let verdict = {
                let mut tokens = write.open_table(TOKENS)?;
                let found = tokens.get(token.as_bytes().as_slice())?.map(|record| decode(token, record.value()));
                let mut issued = match found.transpose() {
                    Ok(Some(issued)) => issued,
                    Ok(None) => return Ok(Ok(Verdict::Expired)),
                    Err(error) => return Ok(Err(error)),
                };
                let verdict = issued.begin(now);
                if verdict == Verdict::May && issued.uses_left.is_some() {
                    tokens.insert(token.as_bytes().as_slice(), encode(token, &issued).as_slice())?;
                }
                verdict
            };
            // On the disk before anybody hears of it.
            write.commit()?;
            Ok(Ok(verdict))
        })?
    }

    fn sweep_tokens(&self, now: SystemTime) -> Result<usize, StoreError> {
        self.living().forget(now);
        self.run(|| {
            let mut swept = 0;
            let write = begin(self.database())?;
            write.open_table(TOKENS)?.retain(|_, record| match KIND.expires_at(record) {
                Ok(at) if at > now => true,
                // Of another version, which may come back for it.
                Err(StoreError::Format(_)) => true,
                Ok(_) | Err(_) => {
                    swept += 1;
                    false
                }
            })?;
            if swept == 0 {
                write.abort()?;
            } else {
                write.commit()?;
            }
            Ok(swept)
        })
    }
}

/// Counts the tokens that a file has, as far as they can be read: what cannot is nobody's, and no reason to give up the rest.
pub(super) fn count(database: &Database, living: &mut Living) -> Result<(), redb::Error> {
    for entry in database.begin_read()?.open_table(TOKENS)?.iter()? {
        let (token, record) = entry?;
        let record = record.value();
        let Ok(token) = <[u8; 32]>::try_from(token.value()) else { continue };
        let (Ok(expires_at), Ok(Owner { project })) = (KIND.expires_at(record), KIND.peek(record)) else { continue };
        let Ok(project) = <[u8; 32]>::try_from(project) else { continue };
        let (token, project) = (TokenHash::from(token), Project::from(project));
        living.count(Counted { token, project, expires_at, bytes: record.len() });
    }
    Ok(())
}

/// A token. Numbers are for ever: a field that goes leaves its number unused.
#[derive(Clone, PartialEq, prost::Message)]
struct Record {
    #[prost(bytes = "vec", tag = "1")]
    project: Vec<u8>,
    #[prost(uint64, tag = "2")]
    begins_until_ms: u64,
    #[prost(uint32, optional, tag = "3")]
    uses_left: Option<u32>,
    /// In JSON.
    #[prost(string, optional, tag = "4")]
    setup: Option<String>,
    #[prost(string, repeated, tag = "5")]
    mask: Vec<String>,
    #[prost(bool, tag = "6")]
    is_claimed: bool,
    #[prost(uint32, optional, tag = "7")]
    sessions_max: Option<u32>,
}

/// What is looked at of each token when they are counted.
#[derive(Clone, PartialEq, prost::Message)]
struct Owner {
    #[prost(bytes = "vec", tag = "1")]
    project: Vec<u8>,
}

fn encode(token: TokenHash, issued: &Issued) -> Vec<u8> {
    let Issued { project, is_claimed, sessions_max, expires_at, begins_until, uses_left, lock } = issued;
    let (setup, mask) = lock.parts();
    let begins_until = begins_until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let record = Record {
        project: project.as_bytes().to_vec(),
        begins_until_ms: u64::try_from(begins_until.as_millis()).unwrap_or(u64::MAX),
        uses_left: *uses_left,
        setup,
        mask,
        is_claimed: *is_claimed,
        sessions_max: *sessions_max,
    };
    KIND.seal(token.as_bytes(), *expires_at, &record)
}

fn decode(token: TokenHash, record: &[u8]) -> Result<Issued, StoreError> {
    let (expires_at, record) = KIND.open::<Record>(token.as_bytes(), record)?;
    let Record { project, begins_until_ms, uses_left, setup, mask, is_claimed, sessions_max } = record;
    let project = <[u8; 32]>::try_from(&*project).map_err(|_| StoreError::Corrupt("a digest has another length"))?;
    let begins_until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(begins_until_ms));
    let begins_until = begins_until.ok_or(StoreError::Corrupt("it ends after the end of time"))?;
    let lock = Lock::from_parts(setup.as_deref(), &mask).ok_or(StoreError::Corrupt("its setup is no JSON"))?;
    let (project, lock) = (Project::from(project), Arc::new(lock));
    Ok(Issued { project, is_claimed, sessions_max, expires_at, begins_until, uses_left, lock })
}

#[cfg(test)]
mod tests;
