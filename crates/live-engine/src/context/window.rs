//! The history of a session and the window it has to fit: what is oldest goes first, by whole turns.
//!
//! Not here: how tokens are counted ([`super::Tokens`]), and when the window is looked at (the server's sessions).

use std::sync::Arc;

use live_proto::{Content, PartData, Transcription};

use super::{Tokens, content_bytes};
use crate::prompt::is_unheard;

/// One content of the history and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The content.
    pub content: Arc<Content>,
    /// Its tokens.
    pub tokens: Tokens,
}

impl Entry {
    /// Bytes of the content in memory, estimated from above.
    pub fn bytes(&self) -> usize {
        content_bytes(&self.content)
    }
}

/// When the history is cut and down to what: a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Tokens of a prompt at which the history is cut before the model is asked.
    pub trigger: u64,
    /// Tokens that a prompt may have after the cut; fewer than the trigger.
    pub target: u64,
}

impl Compression {
    /// What a client may set as the trigger.
    pub const TRIGGER_RANGE: std::ops::RangeInclusive<i64> = 5_000..=128_000;
    /// What a client may set as the target.
    pub const TARGET_RANGE: std::ops::RangeInclusive<i64> = 0..=128_000;

    /// The window's trigger if the client leaves it open: 80 % of it.
    pub fn default_trigger(window: u64) -> u64 {
        window * 4 / 5
    }

    /// The target if the client leaves it open: half of the trigger.
    pub fn default_target(trigger: u64) -> u64 {
        trigger / 2
    }
}

/// What a cut took out of the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Contents.
    pub contents: usize,
    /// Their tokens.
    pub tokens: Tokens,
}

/// What a history may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) tokens: u64,
    pub(crate) bytes: usize,
    pub(crate) contents: usize,
}

/// Where a history can be cut.
#[derive(Debug, Default)]
struct Cut {
    /// What goes.
    evicted: Evicted,
    /// Its bytes.
    bytes: usize,
    /// Whether the rest fits.
    fits: bool,
}

const USER: &str = "user";
const MODEL: &str = "model";

/// The history of a session.
#[derive(Debug, Default)]
pub(crate) struct Context {
    entries: Vec<Entry>,
    tokens: Tokens,
    bytes: usize,
    unanswered: usize,
    /// Rises with every change.
    revision: u64,
}

impl Context {
    /// Takes up what a snapshot holds.
    pub(crate) fn restore(entries: Vec<Entry>, unanswered: usize) -> Self {
        let mut tokens = Tokens::default();
        let mut bytes = 0;
        for entry in &entries {
            tokens += entry.tokens;
            bytes += content_bytes(&entry.content);
        }
        let unanswered = unanswered.min(entries.len());
        Self { entries, tokens, bytes, unanswered, revision: 0 }
    }

    /// Appends what waits for an answer.
    pub(crate) fn append(&mut self, content: Content, tokens: Tokens) {
        self.push(content, tokens);
        self.unanswered += 1;
    }

    /// Appends what the model said to everything before.
    pub(crate) fn append_answer(&mut self, content: Content, tokens: Tokens) {
        self.push(content, tokens);
        self.unanswered = 0;
    }

    /// Marks everything as answered, by silence.
    pub(crate) fn answered(&mut self) {
        self.unanswered = 0;
        self.revision += 1;
    }

    /// Marks a history as told: what a user says behind the model's last words still waits for an answer.
    pub(crate) fn told(&mut self) {
        self.unanswered = self.entries.iter().rev().take_while(|entry| entry.content.role == USER).count();
        self.revision += 1;
    }

    /// Puts a transcript beside the first stretch of unanswered speech that has none; nowhere if each has one.
    pub(crate) fn transcribe(&mut self, text: String) {
        let done_with = self.entries.len() - self.unanswered;
        for entry in &mut self.entries[done_with..] {
            if let Some(at) = entry.content.parts.iter().position(is_unheard) {
                self.bytes -= content_bytes(&entry.content);
                Arc::make_mut(&mut entry.content).parts[at].audio_transcription = Some(Transcription::new(text).into());
                self.bytes += content_bytes(&entry.content);
                self.revision += 1;
                return;
            }
        }
    }

    /// Cuts the end off what the model said last: text that was sent and not heard, and what its sound cost.
    pub(crate) fn forget_unheard(&mut self, mut text_bytes: usize, cost: Tokens) {
        let Some(entry) = self.entries.iter_mut().rfind(|entry| entry.content.role == MODEL) else { return };
        if text_bytes == 0 {
            return;
        }
        self.bytes -= content_bytes(&entry.content);
        for part in Arc::make_mut(&mut entry.content).parts.iter_mut().rev() {
            if let Some(PartData::Text(text)) = &mut part.data
                && !part.thought
            {
                let kept = text.floor_char_boundary(text.len().saturating_sub(text_bytes));
                text_bytes -= text_bytes.min(text.len() - kept);
                text.truncate(kept);
            }
        }
        self.bytes += content_bytes(&entry.content);
        let cost = Tokens { audio: cost.audio.min(entry.tokens.audio), ..Tokens::default() };
        entry.tokens -= cost;
        self.tokens -= cost;
        self.revision += 1;
    }

    fn push(&mut self, content: Content, tokens: Tokens) {
        self.bytes += content_bytes(&content);
        self.tokens += tokens;
        self.revision += 1;
        self.entries.push(Entry { content: Arc::new(content), tokens });
    }

    /// Cuts the oldest turns until the rest fits `room` or is the last turn: the cut is at the start of a user's turn.
    ///
    /// A model may pass over what a user says, so that turns of theirs stand side by side. If whole exchanges are not
    /// enough, the cut is at any content of theirs that is done with.
    pub(crate) fn evict(&mut self, room: Room) -> Option<Evicted> {
        let done_with = self.entries.len() - self.unanswered;
        let mut cut =
            self.find_cut(room, |at| self.is_user(at) && (at == 0 || self.entries[at - 1].content.role != USER));
        if !cut.fits {
            let other = self.find_cut(room, |at| at <= done_with && self.is_user(at));
            if other.evicted.contents > cut.evicted.contents {
                cut = other;
            }
        }
        let Cut { evicted, bytes, fits: _ } = cut;
        if evicted.contents == 0 {
            return None;
        }
        self.entries.drain(..evicted.contents);
        self.unanswered = self.unanswered.min(self.entries.len());
        self.tokens -= evicted.tokens;
        self.bytes -= bytes;
        self.revision += 1;
        Some(evicted)
    }

    /// The first of the places at which the history can be cut that leaves no more than `room`, or else the last.
    fn find_cut(&self, room: Room, can_cut: impl Fn(usize) -> bool) -> Cut {
        let mut cut = Cut::default();
        let mut evicted = Evicted::default();
        let mut bytes = 0;
        for (at, entry) in self.entries.iter().enumerate() {
            if can_cut(at) {
                let fits = self.tokens.total() - evicted.tokens.total() <= room.tokens
                    && self.bytes - bytes <= room.bytes
                    && self.entries.len() - evicted.contents <= room.contents;
                cut = Cut { evicted, bytes, fits };
                if fits {
                    break;
                }
            }
            evicted.contents += 1;
            evicted.tokens += entry.tokens;
            bytes += content_bytes(&entry.content);
        }
        cut
    }

    /// Whether the content is the user's own. Answers of functions belong to the call before them.
    fn is_user(&self, at: usize) -> bool {
        let content = &self.entries[at].content;
        content.role == USER
            && !content.parts.iter().all(|part| matches!(part.data, Some(PartData::FunctionResponse(_))))
    }

    pub(crate) fn history(&self) -> Vec<Arc<Content>> {
        self.entries.iter().map(|entry| Arc::clone(&entry.content)).collect()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn last(&self) -> Option<&Content> {
        self.entries.last().map(|entry| entry.content.as_ref())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }

    pub(crate) fn tokens(&self) -> Tokens {
        self.tokens
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }
}
