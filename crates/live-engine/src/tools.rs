//! The ledger of function calls: every id is waiting, answered, cancelled, or unknown, so that none is run or answered twice.
//!
//! Not here: what a call does to the turn ([`crate::turn`]) and when a late answer is spoken (the server's room for tools).

use std::collections::VecDeque;

use crate::resumption::{PendingCall, SettledCall};

/// A call that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether the model stands still for it.
    pub(crate) blocking: bool,
}

/// What the ledger knows of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Never seen, or long forgotten.
    New,
    /// Waiting.
    Waiting,
    /// Answered for good.
    Answered,
    /// Withdrawn before it was.
    Cancelled,
}

/// A call that waits no more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settled {
    id: String,
    name: String,
    is_cancelled: bool,
}

impl Settled {
    fn known(&self) -> Known {
        if self.is_cancelled { Known::Cancelled } else { Known::Answered }
    }
}

/// The ledger. An id moves from new to waiting to answered or cancelled, and never back.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Calls {
    waiting: Vec<Waiting>,
    settled: VecDeque<Settled>,
}

impl Calls {
    pub(crate) fn open(&mut self, call: Waiting) {
        self.waiting.push(call);
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    pub(crate) fn knows(&self, id: &str) -> Known {
        if self.waiting.iter().any(|call| call.id == id) {
            Known::Waiting
        } else {
            self.settled.iter().find(|settled| settled.id == id).map_or(Known::New, Settled::known)
        }
    }

    /// What became of the last call of this name that waits no more.
    pub(crate) fn knows_name(&self, name: &str) -> Known {
        self.settled.iter().rev().find(|settled| settled.name == name).map_or(Known::New, Settled::known)
    }

    /// Finds the call that a response answers: by id, or by name when it carries none, as some Vertex models call without.
    pub(crate) fn find(&self, id: &str, name: &str) -> Option<&Waiting> {
        self.waiting.iter().find(|call| if id.is_empty() { call.name == name } else { call.id == id })
    }

    /// Settles a waiting call, as answered; remembers the last `remembered_max` that were settled.
    pub(crate) fn settle(&mut self, call: &Waiting, remembered_max: usize) {
        self.close(call, false, remembered_max);
    }

    fn close(&mut self, call: &Waiting, is_cancelled: bool, remembered_max: usize) {
        let at = self.waiting.iter().position(|waiting| waiting == call).expect("only a waiting call is settled");
        let Waiting { id, name, .. } = self.waiting.remove(at);
        // An id that was never given cannot be recognised.
        if !id.is_empty() {
            self.settled.push_back(Settled { id, name, is_cancelled });
        }
        while self.settled.len() > remembered_max {
            self.settled.pop_front();
        }
    }

    /// Gives up the call that has waited longest.
    pub(crate) fn settle_oldest(&mut self, remembered_max: usize) {
        if let Some(call) = self.waiting.first().cloned() {
            self.settle(&call, remembered_max);
        }
    }

    /// Cancels the calls that have waited longest.
    pub(crate) fn withdraw_oldest(&mut self, count: usize, remembered_max: usize) -> Vec<Waiting> {
        let withdrawn: Vec<Waiting> = self.waiting.iter().take(count).cloned().collect();
        for call in &withdrawn {
            self.close(call, true, remembered_max);
        }
        withdrawn
    }

    /// Cancels every call that the model stands still for.
    pub(crate) fn withdraw_blocking(&mut self, remembered_max: usize) -> Vec<Waiting> {
        let withdrawn: Vec<Waiting> = self.waiting.iter().filter(|call| call.blocking).cloned().collect();
        for call in &withdrawn {
            self.close(call, true, remembered_max);
        }
        withdrawn
    }

    /// Takes up what [`pending`](Self::pending) and [`settled`](Self::settled) gave: calls that nobody stands still for.
    pub(crate) fn restore(pending: Vec<PendingCall>, settled: Vec<SettledCall>) -> Self {
        let waiting = pending.into_iter().map(|PendingCall { id, name }| Waiting { id, name, blocking: false });
        let settled =
            settled.into_iter().map(|SettledCall { id, name, is_cancelled }| Settled { id, name, is_cancelled });
        Self { waiting: waiting.collect(), settled: settled.collect() }
    }

    /// The calls that wait.
    pub(crate) fn pending(&self) -> Vec<PendingCall> {
        let pending = self.waiting.iter().map(|call| PendingCall { id: call.id.clone(), name: call.name.clone() });
        pending.collect()
    }

    /// The calls that wait no more, oldest first.
    pub(crate) fn settled(&self) -> Vec<SettledCall> {
        let settled = self.settled.iter().cloned();
        settled.map(|Settled { id, name, is_cancelled }| SettledCall { id, name, is_cancelled }).collect()
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.waiting.iter().any(|call| call.blocking)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// The ids a server gives to calls: unique within a seed, equal for equal seeds.
#[derive(Clone, Debug)]
pub(crate) struct CallIds(u64);

impl CallIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Ids of a connection that goes on from a snapshot. Another may do so too, hence each has a seed of its own.
    pub(crate) fn branch(state: u64, seed: u64) -> Self {
        // Drawn first, so that seeds which resemble each other do not cancel out along a chain of connections.
        Self(Self(state).draw() ^ seed)
    }

    /// What a later connection branches from.
    pub(crate) fn state(&self) -> u64 {
        self.0
    }

    /// `function-call-` and 19 digits, as Gemini gives them.
    pub(crate) fn gemini(&mut self) -> String {
        let nineteen_digits = 1_000_000_000_000_000_000;
        format!("function-call-{}", nineteen_digits + self.draw() % (9 * nineteen_digits))
    }

    /// A UUID of version 4, as Vertex gives them.
    pub(crate) fn vertex(&mut self) -> String {
        let (high, low) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff,
        )
    }

    /// Whether an id has the form of those that [`gemini`](Self::gemini) and [`vertex`](Self::vertex) give.
    pub(crate) fn has_form(id: &str) -> bool {
        let is_gemini = |digits: &str| digits.len() == 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_vertex = || {
            id.len() == 36
                && id.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    14 => byte == b'4',
                    19 => matches!(byte, b'8'..=b'b'),
                    _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                })
        };
        id.strip_prefix("function-call-").map_or_else(is_vertex, is_gemini)
    }

    /// SplitMix64: every seed runs through all 2^64 values, so no two draws of one connection are equal.
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, blocking: bool) -> Waiting {
        Waiting { id: id.into(), name: format!("fn-{id}"), blocking }
    }

    #[test]
    fn an_id_is_new_then_waiting_then_settled() {
        let mut calls = Calls::default();
        assert_eq!(calls.knows("a"), Known::New);
        calls.open(call("a", true));
        assert_eq!(calls.knows("a"), Known::Waiting);
        let found = calls.find("a", "whatever").cloned().unwrap();
        calls.settle(&found, 1);
        assert_eq!((calls.knows("a"), calls.knows_name("fn-a")), (Known::Answered, Known::Answered));
        calls.open(call("b", true));
        assert_eq!(calls.withdraw_blocking(1), [call("b", true)]);
        assert_eq!(
            (calls.knows("a"), calls.knows("b"), calls.knows_name("fn-a")),
            (Known::New, Known::Cancelled, Known::New),
            "only the last one is remembered"
        );
    }

    #[test]
    fn an_answer_without_id_finds_the_oldest_call_of_its_name() {
        let mut calls = Calls::default();
        calls.open(call("a", true));
        calls.open(Waiting { id: "b".into(), ..call("a", true) });
        assert_eq!(calls.find("", "fn-a").map(|call| call.id.as_str()), Some("a"));
        assert_eq!(calls.find("", "fn-b"), None);
        assert_eq!(calls.find("c", "fn-a"), None, "an id that is given decides alone");
    }

    #[test]
    fn withdrawing_leaves_calls_that_nobody_stands_still_for() {
        let mut calls = Calls::default();
        calls.open(call("a", false));
        calls.open(call("b", true));
        assert!(calls.is_blocked());
        assert_eq!(calls.withdraw_blocking(8), [call("b", true)]);
        assert!(!calls.is_blocked() && !calls.is_empty());
        let restored = Calls::restore(calls.pending(), calls.settled());
        assert_eq!((restored.knows("a"), restored.knows("b")), (Known::Waiting, Known::Cancelled));
    }

    #[test]
    fn ids_look_like_those_of_the_service() {
        let mut ids = CallIds::new(7);
        let gemini = ids.gemini();
        let digits = gemini.strip_prefix("function-call-").unwrap();
        assert!(digits.len() == 19 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{gemini}");
        let vertex = ids.vertex();
        assert_eq!(vertex.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{vertex}");
        assert_eq!(vertex.as_bytes()[14], b'4', "{vertex}");
        assert!(matches!(vertex.as_bytes()[19], b'8'..=b'b'), "{vertex}");
        assert!(CallIds::has_form(&gemini) && CallIds::has_form(&vertex));
        for other in ["", "call_1", "function-call-1", "function-call-12345678901234567890", &gemini[1..], &vertex[1..]]
        {
            assert!(!CallIds::has_form(other), "{other}");
        }
        assert_eq!(CallIds::new(7).gemini(), gemini);
        assert_ne!(CallIds::new(8).gemini(), gemini);
    }

    #[test]
    fn connections_that_go_on_from_one_snapshot_give_different_ids() {
        let mut ids: Vec<String> = Vec::new();
        let mut first = CallIds::new(1);
        ids.push(first.gemini());
        let mut states = vec![first.state()];
        for seed in 2..40 {
            // Each snapshot is gone on from by this connection, and the first of them by all.
            for state in [states[0], *states.last().unwrap()] {
                let mut branch = CallIds::branch(state, seed);
                ids.push(branch.gemini());
                states.push(branch.state());
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count - 1, "only the first branch is both");
    }
}
