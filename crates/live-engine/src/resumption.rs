//! What of a session outlives its connection: the snapshot, the handle that names it, and why one is not honoured.
//!
//! Not here: when a snapshot is taken and offered (the server's room for renewal), where it is kept and for how long (its
//! host), and its bytes on a disk.

use std::fmt;
use std::time::Duration;

use live_proto::{Content, Part, Tool};

use crate::context::{Entry, ITEM_BYTES, content_bytes, part_bytes, tools_bytes};
use crate::server::TurnUsage;

/// Names a snapshot; whoever holds it may take the session up again. It is a secret, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(Box<str>);

impl Handle {
    /// Bytes that a handle may have: some four times those of ours.
    pub const BYTES_MAX: usize = 320;

    /// A handle as a client sent it; `None` if no server of this kind can have made it.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle(..)")
    }
}

/// Where the handles of one connection come from. Make it of 32 random bytes, new ones for every connection: who knows
/// them knows every handle of the connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HandleSeed(pub [u8; 32]);

impl HandleSeed {
    /// The `number`-th handle: the seed in hexadecimal, and the number behind it.
    pub(crate) fn handle(&self, number: u64) -> Handle {
        use fmt::Write as _;
        let mut text = String::with_capacity(80);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        let _ = write!(text, ".{number:x}");
        Handle(text.into())
    }
}

impl fmt::Debug for HandleSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleSeed(..)")
    }
}

/// All that is needed to take a session up on another connection.
///
/// It is taken while nobody's answer is under way, so it holds no half-said answer and no call that the model stands still
/// for. What the client sent up to the snapshot is all in it, what it sent later is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The model's name without its resource prefix. A session cannot change it.
    pub model: String,
    /// The instruction of the latest setup.
    pub setup_instruction: Option<Content>,
    /// The tools of the latest setup.
    pub setup_tools: Vec<Tool>,
    /// The instruction that is in force, which may have been changed since.
    pub system_instruction: Option<Content>,
    /// The tools that are in force.
    pub tools: Vec<Tool>,
    /// The retained conversation, oldest first.
    pub history: Vec<Entry>,
    /// How many entries at the end of it the model has not answered.
    pub unanswered: usize,
    /// Sound, pictures and text that have not become a turn yet.
    pub pending_input: Vec<Part>,
    /// Whether they are the beginning of an utterance that was not over.
    pub speaking: bool,
    /// Calls that wait for an answer while the conversation goes on.
    pub pending_calls: Vec<PendingCall>,
    /// The calls that were answered or withdrawn last, oldest first.
    pub settled_calls: Vec<SettledCall>,
    /// The state of the source of call ids.
    pub next_call: u64,
    /// Whether `clientContent` still seeds the history.
    pub seeding: bool,
    /// What all turns so far cost together.
    pub usage: TurnUsage,
    /// For how long the session has been connected, over all its connections.
    pub session_elapsed: Duration,
    /// For how long it had been connected when the first picture of a video came; `None` while there was none.
    pub video_began: Option<Duration>,
    /// Index of the last message of the client that is in here, on the connection that made the snapshot: the first one
    /// after `setup` is 1. `None` if the client did not ask for it.
    pub last_consumed: Option<u64>,
}

impl Snapshot {
    /// Bytes in memory, estimated from above, of everything but the contents of the history, which snapshots share.
    pub fn own_bytes(&self) -> usize {
        let instructions = self.setup_instruction.iter().chain(&self.system_instruction);
        let calls = self.pending_calls.iter().map(|PendingCall { id, name }| ITEM_BYTES + id.len() + name.len());
        size_of::<Self>()
            + self.model.len()
            + size_of_val(&*self.history)
            + instructions.map(content_bytes).sum::<usize>()
            + tools_bytes(&self.setup_tools)
            + tools_bytes(&self.tools)
            + self.pending_input.iter().map(part_bytes).sum::<usize>()
            + calls.sum::<usize>()
            + self.settled_calls.iter().map(|call| ITEM_BYTES + call.id.len() + call.name.len()).sum::<usize>()
    }
}

/// A call that waits for an answer while the conversation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCall {
    /// The call's id; may be empty.
    pub id: String,
    /// The function's name.
    pub name: String,
}

/// A call that waits no more. A second answer to it is recognised, and so is one that comes after it was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledCall {
    /// The call's id.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// Whether it was withdrawn before it was answered.
    pub is_cancelled: bool,
}

/// Why a host has no snapshot for a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeRefusal {
    /// No snapshot has this name.
    Unknown,
    /// It has run out.
    Expired,
    /// It is another project's.
    Foreign,
    /// It may be there, but its keeper cannot tell now.
    Unreadable,
}

impl ResumeRefusal {
    /// Why somebody may not take up what is kept; `None` if they may. Whose it is comes first: a stranger does not even
    /// learn that it has expired.
    pub fn of(is_theirs: bool, has_expired: bool) -> Option<Self> {
        match (is_theirs, has_expired) {
            (false, _) => Some(Self::Foreign),
            (true, true) => Some(Self::Expired),
            (true, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::context::Tokens;

    #[test]
    fn handles_are_parsed_back_and_never_shown() {
        let seed = HandleSeed([0xa5; 32]);
        let handle = seed.handle(255);
        assert_eq!(handle.as_str(), format!("{}.ff", "a5".repeat(32)));
        assert_eq!(Handle::parse(handle.as_str()), Some(handle.clone()));
        assert_eq!(format!("{handle:?} {seed:?}"), "Handle(..) HandleSeed(..)");
        assert_ne!(seed.handle(1), seed.handle(2));
    }

    #[test]
    fn a_snapshot_is_at_least_as_large_as_what_it_holds() {
        let said = |bytes: usize| Content::user(Part::text("x".repeat(bytes)));
        let entry = Entry { content: Arc::new(said(1_000)), tokens: Tokens::default() };
        assert!((1_000..2_000).contains(&entry.bytes()), "{}", entry.bytes());
        let snapshot = Snapshot {
            setup_instruction: Some(said(2_000)),
            system_instruction: Some(said(4_000)),
            history: vec![entry],
            pending_input: vec![Part::text("x".repeat(8_000))],
            pending_calls: vec![PendingCall { id: "x".repeat(16_000), name: String::new() }],
            settled_calls: vec![SettledCall { id: "x".repeat(32_000), name: String::new(), is_cancelled: true }],
            ..Snapshot::default()
        };
        assert!((62_000..66_000).contains(&snapshot.own_bytes()), "{}", snapshot.own_bytes());
    }

    #[test]
    fn what_no_server_makes_is_no_handle() {
        for text in ["", "two words", "line\n", "ä", &"x".repeat(Handle::BYTES_MAX + 1)] {
            assert_eq!(Handle::parse(text), None, "{text:?}");
        }
    }
}
