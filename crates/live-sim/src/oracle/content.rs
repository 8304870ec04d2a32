//! What was said and where it went: prompts, snapshots and the last prompt of all, number by number.

use std::collections::{BTreeMap, BTreeSet};

use live_engine::{ClientSession, Fresh, Handle, Prompt, Snapshot};
use live_proto::{Content, PartData};

use super::call::State;
use super::{Kind, Oracle};
use crate::report::Rule;
use crate::stamp::{self, Said};

/// A snapshot, as far as later connections are measured by it.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) client: usize,
    /// What it holds of what must reach the model, in rising order.
    pub(super) numbers: Vec<u32>,
    pub(super) is_lenient: bool,
    pub(super) usage: u64,
    /// What became of calls, if it is known.
    pub(super) calls: Option<BTreeMap<String, State>>,
}

impl Oracle {
    /// A model is asked.
    pub(super) fn reads_prompt(&mut self, number: usize, prompt: &Prompt) {
        let conn = &self.conns[number];
        let (client, expected, is_lenient, is_late) = (conn.client, conn.instruction, conn.is_lenient, conn.is_late);
        let instruction = prompt.session.system_instruction.as_ref().map(Content::text).unwrap_or_default();
        let found = stamp::said_in(&instruction).map(|said| said.number).last();
        self.check(Rule::Instruction, found == Some(expected) || is_late, || {
            format!("conn {number} prompts with instruction {found:?} where {expected} is in force")
        });
        if let Some(compression) = prompt.session.compression {
            self.is_compressed(number, prompt, compression.trigger);
        }
        if let Some((latest, bytes)) = self.heard {
            self.counts_every_byte(prompt, latest, bytes);
        }
        let mut all = Vec::new();
        for content in &prompt.history {
            stamp::each_said(content, |said| all.push(said));
        }
        self.holds_once(client, &all, || format!("the prompt of conn {number}"));
        let answers = std::mem::take(&mut self.conns[number].answers);
        if !answers.is_empty() && !is_late && !is_lenient {
            let missing = answers.iter().find(|answer| !all.iter().any(|said| said.number == **answer));
            self.check(Rule::AnswerHeard, missing.is_none(), || {
                format!(
                    "conn {number} took the answer <{client}.{}> in and does not prompt with it",
                    missing.unwrap_or(&0)
                )
            });
        }
        let contents_max = self.sessions[client].plan.config.limits.history_contents_max;
        self.check(Rule::Bounds, prompt.history.len() <= contents_max, || {
            format!("conn {number} prompts with {} contents of {contents_max}", prompt.history.len())
        });
        if !is_lenient {
            let session = &mut self.sessions[client];
            session.last_prompt = Some(all.iter().map(|said| said.number).collect());
        } else {
            self.sessions[client].last_prompt = None;
        }
    }

    /// Sound comes to prompts without a gap.
    fn counts_every_byte(&mut self, prompt: &Prompt, mut latest: u32, mut bytes: u64) {
        let mut gap = None;
        for part in prompt.unanswered().iter().flat_map(|content| &content.parts) {
            let Some(blob) = part.as_inline() else { continue };
            let mut count = 0;
            stamp::each_in_sound(&blob.data, &mut |said| {
                if said.number <= latest {
                    return;
                }
                // What is said beside the sound has numbers too.
                gap = gap.or((said.number > latest + MARKS_BETWEEN).then_some((latest, said.number)));
                latest = said.number;
                count += 1;
            });
            // A stretch that was heard in part before is not counted twice.
            let each = (blob.data.len() as u64).checked_div(stamp::records_in(&blob.data));
            bytes += each.unwrap_or(0) * count;
        }
        self.heard = Some((latest, bytes));
        self.check(Rule::NothingLost, gap.is_none(), || format!("between {gap:?} nothing was heard"));
    }

    /// Nothing twice, nothing of others, each kind in the order in which it was said.
    fn holds_once(&mut self, client: usize, all: &[Said], whose: impl Fn() -> String) {
        let mut latest = [0; 7];
        let mut broken = None;
        for said in all {
            let session = &self.sessions[client];
            if usize::from(said.session) != client {
                let theirs = self.sessions.get(usize::from(said.session)).map(|session| session.plan.project);
                let is_foreign = theirs != Some(session.plan.project);
                broken = Some((is_foreign, *said, "is of another session"));
                break;
            }
            let Some(kind) = session.said.get(said.number as usize - 1) else {
                broken = Some((false, *said, "was not said"));
                break;
            };
            let before = &mut latest[*kind as usize];
            // Results of functions are told when they are due, and a function may have several.
            if *before >= said.number && *kind != Kind::Answer {
                broken = Some((false, *said, "is there twice, or out of order"));
                break;
            }
            *before = said.number;
        }
        let rule = if broken.is_some_and(|(is_foreign, _, _)| is_foreign) { Rule::Isolation } else { Rule::PromptOnce };
        self.check(rule, broken.is_none(), || {
            let (_, said, what) = broken.expect("the rule is broken");
            format!("in {}, <{}.{}> {what}", whose(), said.session, said.number)
        });
    }

    fn is_compressed(&mut self, number: usize, prompt: &Prompt, trigger: u64) {
        let tokens: u64 = prompt.history.iter().map(|content| tokens_of(content)).sum();
        let is_users = |content: &Content| {
            content.role == "user"
                && !content.parts.iter().all(|part| matches!(part.data, Some(PartData::FunctionResponse(_))))
        };
        // A cut is at the start of a user's turn, behind something that is not the user's.
        let could_cut = prompt.history.windows(2).any(|pair| pair[0].role != "user" && is_users(&pair[1]));
        let begins_well = prompt.history.first().is_none_or(|first| is_users(first));
        if self.conns[number].has_compressed {
            self.check(Rule::Compressed, begins_well, || {
                format!("the prompt of conn {number} does not begin with a user")
            });
        }
        self.check(Rule::Compressed, tokens < trigger || !could_cut, || {
            format!("conn {number} prompts with {tokens} tokens, and cuts at {trigger}")
        });
    }

    /// A server has made a snapshot.
    pub(super) fn keeps(&mut self, number: usize, handle: &Handle, snapshot: &Snapshot) {
        let mut all = Vec::new();
        for entry in &snapshot.history {
            stamp::each_said(&entry.content, |said| all.push(said));
        }
        let input = Content { parts: snapshot.pending_input.iter().cloned().collect(), role: "user".into() };
        stamp::each_said(&input, |said| all.push(said));
        let calls = self.keeps_calls(number, snapshot);
        let conn = &self.conns[number];
        let client = conn.client;
        let session = &self.sessions[client];
        let counts =
            |said: &Said| session.said.get((said.number as usize).wrapping_sub(1)).is_some_and(|kind| kind.counts());
        let mut numbers: Vec<u32> = all.iter().filter(|said| counts(said)).map(|said| said.number).collect();
        numbers.sort_unstable();
        let is_lenient = conn.is_lenient;
        let mut wrong = None;
        if let Some(consumed) = snapshot.last_consumed
            && !is_lenient
        {
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            let received = conn.received.iter().take(consumed).flatten().filter(|said| counts(said));
            let mut expected: Vec<u32> = conn.base.iter().copied().chain(received.map(|said| said.number)).collect();
            expected.sort_unstable();
            if expected != numbers || consumed > conn.received.len() {
                wrong = Some((consumed, expected));
            }
        }
        let usage = snapshot.usage.total();
        let is_transparent = snapshot.last_consumed.is_some();
        if is_transparent {
            self.check(Rule::SnapshotExact, wrong.is_none(), || {
                let (consumed, expected) = wrong.expect("the rule is broken");
                format!("conn {number} says that {consumed} messages are kept, {expected:?}; there are {numbers:?}")
            });
        }
        self.holds_once(client, &all, || format!("a snapshot of conn {number}"));
        let limits = &self.sessions[client].plan.config.limits;
        let frames = snapshot.pending_input.iter().filter_map(|part| part.as_inline());
        let frames = frames.filter(|blob| blob.mime_type.as_str().starts_with("image/")).count();
        let counts = [
            (snapshot.pending_calls.len(), limits.outstanding_calls_max, "calls that wait"),
            (snapshot.settled_calls.len(), limits.remembered_calls_max, "calls that are settled"),
            (frames, limits.frames_max, "pictures"),
            (snapshot.history.len(), limits.history_contents_max, "contents"),
        ];
        for (found, max, what) in counts {
            self.check(Rule::Bounds, found <= max, || {
                format!("a snapshot of conn {number} has {found} {what} of {max}")
            });
        }
        // Where not all numbers can be told, none are looked at.
        let numbers = if is_lenient { Vec::new() } else { numbers };
        self.points.insert(handle.clone(), Point { client, numbers, is_lenient, usage, calls });
    }

    /// The world has come to its end.
    pub(crate) fn world_ends(&mut self, c: usize, session: &ClientSession) {
        let watch = &self.sessions[c];
        let (is_over, dropped) = (watch.is_over, watch.dropped);
        self.check(Rule::Ends, is_over && session.is_closed(), || format!("session {c} is not over"));
        let counted = session.counters().dropped.messages;
        self.check(Rule::DroppedTold, counted == dropped, || {
            format!("session {c} has dropped {counted} messages and told of {dropped}")
        });
        self.nothing_is_lost(c);
    }

    /// Everything that must have reached the model is in its last prompt, or was counted as dropped.
    fn nothing_is_lost(&mut self, c: usize) {
        let watch = &self.sessions[c];
        let Some(prompt) = watch.last_prompt.as_ref().filter(|_| watch.has_its_answer) else { return };
        let policy = watch.plan.policy();
        // What a client remembers is bounded; a word and what is around it take so much at most.
        let words = watch.said.iter().filter(|kind| kind.is_words()).count();
        let words_bytes = words * (watch.plan.text_bytes + 640) + ANSWERS_BYTES;
        let must: fn(Kind) -> bool = if !watch.has_reconnected || watch.plan.is_transparent() && !watch.has_renewed {
            Kind::counts
        } else if watch.plan.resumption().is_none()
            && policy.is_some_and(|it| it.fresh == Fresh::Reseed && words_bytes <= it.history_bytes_max)
        {
            Kind::is_words
        } else {
            return;
        };
        if watch.is_bare {
            return;
        }
        let there: BTreeSet<u32> = prompt.iter().copied().collect();
        let numbers = (1..).zip(&watch.said);
        let missing: Vec<u32> = numbers
            .filter(|(number, kind)| must(**kind) && !there.contains(number))
            .map(|(number, _)| number)
            .collect();
        let dropped = watch.dropped;
        self.check(Rule::NothingLost, missing.len() as u64 <= dropped, || {
            format!("session {c} has dropped {dropped} messages, but its last prompt lacks {missing:?}")
        });
    }
}

/// Messages between two pieces of sound that are no sound: the end of a stream.
const MARKS_BETWEEN: u32 = 2;

/// More than all answers of a world take.
const ANSWERS_BYTES: usize = 64 << 10;

/// By the rule of the documentation, counted once more.
fn tokens_of(content: &Content) -> u64 {
    let of_part = |data: &PartData| match data {
        PartData::Text(text) => text.len().div_ceil(4),
        PartData::InlineData(blob) if blob.mime_type.as_str().starts_with("audio/") => {
            (blob.data.len() / 2 * 25).div_ceil(16_000)
        }
        PartData::InlineData(_) => 258,
        // Counted in the engine's way only, and small.
        PartData::FunctionCall(_)
        | PartData::FunctionResponse(_)
        | PartData::FileData(_)
        | PartData::ExecutableCode(_)
        | PartData::CodeExecutionResult(_) => 0,
    };
    // The model's speech is kept as its text and costs its sound, which is not to be seen.
    if content.role == "model" {
        return 0;
    }
    content.parts.iter().filter_map(|part| part.data.as_ref()).map(|data| of_part(data) as u64).sum()
}
