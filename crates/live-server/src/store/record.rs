//! The message of a saved session, in its [`envelope`](super::envelope).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use live_engine::context::{Entry, Tokens};
use live_engine::{PendingCall, SettledCall, Snapshot, TurnUsage};
use live_proto::pb;

use super::envelope::Kind;
use super::{HandleHash, Saved, StoreError};
use crate::project::Project;

const KIND: Kind = Kind { magic: *b"LIV", format: 1 };

pub(super) fn encode(handle: HandleHash, saved: &Saved) -> Vec<u8> {
    KIND.seal(handle.as_bytes(), saved.expires_at, &Point::from(saved))
}

pub(super) fn decode(handle: HandleHash, record: &[u8]) -> Result<Saved, StoreError> {
    let (expires_at, point) = KIND.open::<Point>(handle.as_bytes(), record)?;
    let fixed = StoreError::Corrupt("a digest or an id has another length");
    let (Ok(project), Ok(session)) = (<[u8; 32]>::try_from(&*point.project), <[u8; 16]>::try_from(&*point.session))
    else {
        return Err(fixed);
    };
    Ok(Saved { project: Project::from(project), session, expires_at, snapshot: Arc::new(point.into()) })
}

/// Reads only the head.
pub(super) fn expires_at(record: &[u8]) -> Result<SystemTime, StoreError> {
    KIND.expires_at(record)
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
    #[prost(message, repeated, tag = "23")]
    settled_calls: Vec<PointSettled>,
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
struct PointSettled {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(bool, tag = "3")]
    is_cancelled: bool,
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
            settled_calls: settled_calls.iter().map(Into::into).collect(),
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
            settled_calls: settled_calls.into_iter().map(Into::into).collect(),
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

impl From<&SettledCall> for PointSettled {
    fn from(SettledCall { id, name, is_cancelled }: &SettledCall) -> Self {
        Self { id: id.clone(), name: name.clone(), is_cancelled: *is_cancelled }
    }
}

impl From<PointSettled> for SettledCall {
    fn from(PointSettled { id, name, is_cancelled }: PointSettled) -> Self {
        Self { id, name, is_cancelled }
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
