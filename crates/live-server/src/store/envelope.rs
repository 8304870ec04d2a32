//! The bytes around whatever is saved: a head that tells the format and guards the rest.
//!
//! ```text
//! 0  three letters that say what it is, and the format, 1 byte
//! 4  when it expires, in milliseconds since 1970, 8 bytes, big endian
//! 12 the first 16 bytes of SHA-256 of the digest that it is saved under and everything here but these 16 bytes
//! 28 a protobuf message
//! ```
//!
//! The digest is guarded too: a record that strayed to another key is as broken as a torn one. What the messages are is
//! `record`'s and `token`'s.

use std::time::{Duration, SystemTime};

use prost::Message;
use ring::digest::{Context, SHA256};

use super::StoreError;

const HEAD_BYTES: usize = 28;

/// What is in an envelope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) magic: [u8; 3],
    pub(super) format: u8,
}

impl Kind {
    pub(super) fn seal(self, key: &[u8; 32], expires_at: SystemTime, message: &impl Message) -> Vec<u8> {
        let since_1970 = expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut record = Vec::with_capacity(HEAD_BYTES + message.encoded_len());
        record.extend_from_slice(&self.magic);
        record.push(self.format);
        record.extend_from_slice(&u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX).to_be_bytes());
        record.extend_from_slice(&[0; 16]);
        message.encode(&mut record).expect("a vector takes all bytes");
        let guard = guard(key, &record[..12], &record[HEAD_BYTES..]);
        record[12..HEAD_BYTES].copy_from_slice(&guard);
        record
    }

    pub(super) fn open<M: Message + Default>(
        self,
        key: &[u8; 32],
        record: &[u8],
    ) -> Result<(SystemTime, M), StoreError> {
        let expires_at = self.expires_at(record)?;
        let (head, body) = record.split_at(HEAD_BYTES);
        if head[12..] != guard(key, &head[..12], body) {
            return Err(StoreError::Corrupt("its checksum does not fit"));
        }
        let message = M::decode(body).map_err(|_| StoreError::Corrupt("it is no message"))?;
        Ok((expires_at, message))
    }

    /// Reads some fields of what may be broken, to count it.
    pub(super) fn peek<M: Message + Default>(self, record: &[u8]) -> Result<M, StoreError> {
        let body = record.get(HEAD_BYTES..).ok_or(StoreError::Corrupt("it is shorter than its head"))?;
        M::decode(body).map_err(|_| StoreError::Corrupt("it is no message"))
    }

    /// Reads only the head.
    pub(super) fn expires_at(self, record: &[u8]) -> Result<SystemTime, StoreError> {
        let head = record.first_chunk::<HEAD_BYTES>().ok_or(StoreError::Corrupt("it is shorter than its head"))?;
        if head[..3] != self.magic {
            return Err(StoreError::Corrupt("it does not begin as it should"));
        }
        if head[3] != self.format {
            return Err(StoreError::Format(head[3]));
        }
        let ms = u64::from_be_bytes(head[4..12].try_into().expect("eight bytes are eight bytes"));
        let expires_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms));
        expires_at.ok_or(StoreError::Corrupt("it expires after the end of time"))
    }
}

fn guard(key: &[u8; 32], head: &[u8], body: &[u8]) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for bytes in [key, head, body] {
        context.update(bytes);
    }
    *context.finish().as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}
