//! The bytes of a saved session: a head that tells the format and guards the rest, and a protobuf message.
//!
//! ```text
//! 0  "LIV" and the format, 1 byte
//! 4  when the point expires, in milliseconds since 1970, 8 bytes, big endian
//! 12 the first 16 bytes of SHA-256 of the digest of the handle and everything here but these 16 bytes
//! 28 `Point`
//! ```
//!
//! The digest of the handle is guarded too: a record that strayed to another key is as broken as a torn one.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use live_engine::context::{Entry, Tokens};
use live_engine::{PendingCall, Snapshot, TurnUsage};
use live_proto::pb;
use prost::Message as _;
use ring::digest::{Context, SHA256};

use super::{HandleHash, Saved, StoreError};
use crate::project::Project;

const MAGIC: [u8; 3] = *b"LIV";
const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 28;

pub(super) fn encode(handle: HandleHash, saved: &Saved) -> Vec<u8> {
    let point = Point::from(saved);
    let since_1970 = saved.expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut record = Vec::with_capacity(HEAD_BYTES + point.encoded_len());
    record.extend_from_slice(&MAGIC);
    record.push(FORMAT);
    record.extend_from_slice(&u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX).to_be_bytes());
    record.extend_from_slice(&[0; 16]);
    point.encode(&mut record).expect("a vector takes all bytes");
    let guard = guard(handle, &record[..12], &record[HEAD_BYTES..]);
    record[12..HEAD_BYTES].copy_from_slice(&guard);
    record
}

pub(super) fn decode(handle: HandleHash, record: &[u8]) -> Result<Saved, StoreError> {
    let expires_at = expires_at(record)?;
    let (head, body) = record.split_at(HEAD_BYTES);
    if head[12..] != guard(handle, &head[..12], body) {
        return Err(StoreError::Corrupt("its checksum does not fit"));
    }
    let point = Point::decode(body).map_err(|_| StoreError::Corrupt("it is no message"))?;
    let fixed = StoreError::Corrupt("a digest or an id has another length");
    let (Ok(project), Ok(session)) = (<[u8; 32]>::try_from(&*point.project), <[u8; 16]>::try_from(&*point.session))
    else {
        return Err(fixed);
    };
    Ok(Saved { project: Project::from(project), session, expires_at, snapshot: Arc::new(point.into()) })
}

/// Reads only the head.
pub(super) fn expires_at(record: &[u8]) -> Result<SystemTime, StoreError> {
    let head = record.first_chunk::<HEAD_BYTES>().ok_or(StoreError::Corrupt("it is shorter than its head"))?;
    if head[..3] != MAGIC {
        return Err(StoreError::Corrupt("it does not begin as it should"));
    }
    if head[3] != FORMAT {
        return Err(StoreError::Format(head[3]));
    }
    let ms = u64::from_be_bytes(head[4..12].try_into().expect("eight bytes are eight bytes"));
    let expires_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms));
    expires_at.ok_or(StoreError::Corrupt("it expires after the end of time"))
}

fn guard(handle: HandleHash, head: &[u8], body: &[u8]) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for bytes in [handle.as_bytes(), head, body] {
        context.update(bytes);
    }
    *context.finish().as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}

/// A saved session. Numbers are for ever: a field that goes leaves its number unused.
#[derive(Clone, PartialEq, prost::Message)]
struct Point {
    #[prost(bytes = "vec", tag = "1")]
    project: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    session: Vec<u8>,
    #[prost(string, tag = "3")]
    model: String,
    #[prost(message, optional, tag = "4")]
    setup_instruction: Option<pb::Content>,
    #[prost(message, repeated, tag = "5")]
    setup_tools: Vec<pb::Tool>,
    #[prost(message, optional, tag = "6")]
    system_instruction: Option<pb::Content>,
    #[prost(message, repeated, tag = "7")]
    tools: Vec<pb::Tool>,
    #[prost(message, repeated, tag = "8")]
    history: Vec<PointEntry>,
    #[prost(uint64, tag = "9")]
    unanswered: u64,
    #[prost(message, repeated, tag = "10")]
    pending_input: Vec<pb::Part>,
    #[prost(bool, tag = "11")]
    speaking: bool,
    #[prost(message, repeated, tag = "12")]
    pending_calls: Vec<PointCall>,
    #[prost(string, repeated, tag = "13")]
    settled_calls: Vec<String>,
    #[prost(fixed64, tag = "14")]
    next_call: u64,
    #[prost(bool, tag = "15")]
    seeding: bool,
    #[prost(message, required, tag = "16")]
    prompt: PointTokens,
    #[prost(message, required, tag = "17")]
    response: PointTokens,
    #[prost(uint64, tag = "18")]
    thoughts: u64,
    #[prost(message, required, tag = "19")]
    session_elapsed: prost_types::Duration,
    #[prost(message, optional, tag = "20")]
    video_began: Option<prost_types::Duration>,
    #[prost(uint64, optional, tag = "21")]
    last_consumed: Option<u64>,
    #[prost(uint64, tag = "22")]
    tool_use: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PointEntry {
    #[prost(message, required, tag = "1")]
    content: pb::Content,
    #[prost(message, required, tag = "2")]
    tokens: PointTokens,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PointCall {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PointTokens {
    #[prost(uint64, tag = "1")]
    text: u64,
    #[prost(uint64, tag = "2")]
    audio: u64,
    #[prost(uint64, tag = "3")]
    image: u64,
    #[prost(uint64, tag = "4")]
    video: u64,
    #[prost(uint64, tag = "5")]
    document: u64,
}

impl From<&Saved> for Point {
    fn from(saved: &Saved) -> Self {
        let Saved { project, session, expires_at: _, snapshot } = saved;
        let Snapshot {
            model,
            setup_instruction,
            setup_tools,
            system_instruction,
            tools,
            history,
            unanswered,
            pending_input,
            speaking,
            pending_calls,
            settled_calls,
            next_call,
            seeding,
            usage: TurnUsage { prompt, response, thoughts, tool_use },
            session_elapsed,
            video_began,
            last_consumed,
        } = &**snapshot;
        Self {
            project: project.as_bytes().to_vec(),
            session: session.to_vec(),
            model: model.clone(),
            setup_instruction: setup_instruction.clone().map(Into::into),
            setup_tools: setup_tools.iter().cloned().map(Into::into).collect(),
            system_instruction: system_instruction.clone().map(Into::into),
            tools: tools.iter().cloned().map(Into::into).collect(),
            history: history.iter().map(Into::into).collect(),
            unanswered: *unanswered as u64,
            pending_input: pending_input.iter().cloned().map(Into::into).collect(),
            speaking: *speaking,
            pending_calls: pending_calls.iter().map(Into::into).collect(),
            settled_calls: settled_calls.clone(),
            next_call: *next_call,
            seeding: *seeding,
            prompt: (*prompt).into(),
            response: (*response).into(),
            thoughts: *thoughts,
            tool_use: *tool_use,
            session_elapsed: duration(*session_elapsed),
            video_began: video_began.map(duration),
            last_consumed: *last_consumed,
        }
    }
}

impl From<Point> for Snapshot {
    fn from(point: Point) -> Self {
        let Point {
            project: _,
            session: _,
            model,
            setup_instruction,
            setup_tools,
            system_instruction,
            tools,
            history,
            unanswered,
            pending_input,
            speaking,
            pending_calls,
            settled_calls,
            next_call,
            seeding,
            prompt,
            response,
            thoughts,
            tool_use,
            session_elapsed,
            video_began,
            last_consumed,
        } = point;
        Self {
            model,
            setup_instruction: setup_instruction.map(Into::into),
            setup_tools: setup_tools.into_iter().map(Into::into).collect(),
            system_instruction: system_instruction.map(Into::into),
            tools: tools.into_iter().map(Into::into).collect(),
            history: history.into_iter().map(Into::into).collect(),
            unanswered: usize::try_from(unanswered).unwrap_or(usize::MAX),
            pending_input: pending_input.into_iter().map(Into::into).collect(),
            speaking,
            pending_calls: pending_calls.into_iter().map(Into::into).collect(),
            settled_calls,
            next_call,
            seeding,
            usage: TurnUsage { prompt: prompt.into(), response: response.into(), thoughts, tool_use },
            session_elapsed: session_elapsed.try_into().unwrap_or_default(),
            video_began: video_began.map(|began| began.try_into().unwrap_or_default()),
            last_consumed,
        }
    }
}

impl From<&Entry> for PointEntry {
    fn from(Entry { content, tokens }: &Entry) -> Self {
        Self { content: (**content).clone().into(), tokens: (*tokens).into() }
    }
}

impl From<PointEntry> for Entry {
    fn from(PointEntry { content, tokens }: PointEntry) -> Self {
        Self { content: Arc::new(content.into()), tokens: tokens.into() }
    }
}

impl From<&PendingCall> for PointCall {
    fn from(PendingCall { id, name }: &PendingCall) -> Self {
        Self { id: id.clone(), name: name.clone() }
    }
}

impl From<PointCall> for PendingCall {
    fn from(PointCall { id, name }: PointCall) -> Self {
        Self { id, name }
    }
}

impl From<Tokens> for PointTokens {
    fn from(Tokens { text, audio, image, video, document }: Tokens) -> Self {
        Self { text, audio, image, video, document }
    }
}

impl From<PointTokens> for Tokens {
    fn from(PointTokens { text, audio, image, video, document }: PointTokens) -> Self {
        Self { text, audio, image, video, document }
    }
}

/// Lifetimes are far below the bounds of protobuf's duration.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(duration).unwrap_or(prost_types::Duration { seconds: i64::MAX, nanos: 0 })
}
