//! The ledger of function calls: which wait for an answer and which are settled, so that none is run or answered twice.
//!
//! Not here: what a call does to the turn ([`crate::turn`]) and when a late answer is spoken (the server's room for tools).

use std::collections::VecDeque;

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
    /// Answered or withdrawn.
    Settled,
}

/// The ledger. An id moves from new to waiting to settled and never back.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Calls {
    waiting: Vec<Waiting>,
    settled: VecDeque<String>,
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
        } else if self.settled.iter().any(|settled| settled == id) {
            Known::Settled
        } else {
            Known::New
        }
    }

    /// Finds the call that a response answers: by id, or by name when it carries none, as some Vertex models call without.
    pub(crate) fn find(&self, id: &str, name: &str) -> Option<&Waiting> {
        self.waiting.iter().find(|call| if id.is_empty() { call.name == name } else { call.id == id })
    }

    /// Settles a waiting call; remembers the last `remembered_max` of them.
    pub(crate) fn settle(&mut self, call: &Waiting, remembered_max: usize) {
        let at = self.waiting.iter().position(|waiting| waiting == call).expect("only a waiting call is settled");
        let call = self.waiting.remove(at);
        // An id that was never given cannot be recognised.
        if !call.id.is_empty() {
            self.settled.push_back(call.id);
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

    /// Settles the calls that have waited longest and gives their ids.
    pub(crate) fn withdraw_oldest(&mut self, count: usize, remembered_max: usize) -> Vec<String> {
        let withdrawn: Vec<Waiting> = self.waiting.iter().take(count).cloned().collect();
        for call in &withdrawn {
            self.settle(call, remembered_max);
        }
        withdrawn.into_iter().map(|call| call.id).collect()
    }

    /// Settles every call that the model stands still for and gives their ids.
    pub(crate) fn withdraw_blocking(&mut self, remembered_max: usize) -> Vec<String> {
        let withdrawn: Vec<Waiting> = self.waiting.iter().filter(|call| call.blocking).cloned().collect();
        for call in &withdrawn {
            self.settle(call, remembered_max);
        }
        withdrawn.into_iter().map(|call| call.id).collect()
    }

    /// Takes up what [`put_down`](Self::put_down) gave: calls that nobody stands still for.
    pub(crate) fn restore(pending: impl Iterator<Item = (String, String)>, settled: Vec<String>) -> Self {
        let waiting = pending.map(|(id, name)| Waiting { id, name, blocking: false }).collect();
        Self { waiting, settled: settled.into() }
    }

    /// The id and the name of every call that waits, and the ids of those that are settled, oldest first.
    pub(crate) fn put_down(&self) -> (impl Iterator<Item = (String, String)>, Vec<String>) {
        let pending = self.waiting.iter().map(|call| (call.id.clone(), call.name.clone()));
        (pending, self.settled.iter().cloned().collect())
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
        assert_eq!(calls.knows("a"), Known::Settled);
        calls.open(call("b", true));
        assert_eq!(calls.withdraw_blocking(1), ["b"]);
        assert_eq!(
            (calls.knows("a"), calls.knows("b")),
            (Known::New, Known::Settled),
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
        assert_eq!(calls.withdraw_blocking(8), ["b"]);
        assert!(!calls.is_blocked() && !calls.is_empty());
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
