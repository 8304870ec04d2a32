//! What becomes of function calls: the ledger, as both ends of a connection show it, and what follows from answers.
//!
//! That calls are told once to a client's host is [`super::client`]'s, that their answers reach the model [`super::content`]'s.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use live_engine::{Backend, Snapshot, Unmatched};
use live_proto::{FunctionCall, FunctionResponse, Scheduling, ServerContent, TurnCompleteReason};

use super::{GRAIN, Oracle, identity};
use crate::plan::{LOOK, SEND, SessionPlan, WATCH};
use crate::report::Rule;

/// The calls of a session, as they are known on one connection.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) calls: BTreeMap<String, State>,
    settled: usize,
    /// Since when the model stands still without a word of any function.
    stands_since: Option<Instant>,
    /// What must still come behind a call before anything else does.
    owed: VecDeque<Owed>,
    /// A model answers: it was asked, and its turn is not complete.
    is_running: bool,
    /// The model called as it may not.
    is_malformed: bool,
    /// How the server must complain, one answer after the other.
    complaints: VecDeque<(String, Unmatched)>,
    must_ask: bool,
    must_not_ask: bool,
    /// An answer waits for the end of the turn.
    waits_for_end: bool,
    /// What came before the session was open, or when it was about to end, may be judged either way.
    is_unclear: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Answered,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    GenerationComplete,
    TurnComplete,
}

impl Ledger {
    /// What goes on from a snapshot; of a connection of which it is not `known` what it had taken in, anything may.
    pub(super) fn restored(known: Option<BTreeMap<String, State>>) -> Self {
        let is_unclear = known.is_none();
        let calls = known.unwrap_or_default();
        let settled = calls.values().filter(|state| **state != State::Pending).count();
        Self { calls, settled, is_unclear, ..Self::default() }
    }

    fn settle(&mut self, id: &str, state: State) {
        self.calls.insert(id.to_owned(), state);
        self.settled += 1;
    }
}

/// 2.x models complete their turn behind a call.
fn completes_turns(plan: &SessionPlan) -> bool {
    !plan.config.setup.model.contains("gemini-3")
}

impl Oracle {
    /// A model's host hands over calls.
    pub(crate) fn model_calls(&mut self, number: usize, calls: &[FunctionCall]) {
        self.conns[number].ledger.is_malformed = !calls.iter().all(fits);
    }

    pub(super) fn call_is_made(&mut self, number: usize, call: &FunctionCall, now: Instant) {
        let conn = &mut self.conns[number];
        let holds = completes_turns(&self.sessions[conn.client].plan);
        let ledger = &mut conn.ledger;
        let before = ledger.calls.insert(call.id.clone(), State::Pending);
        let is_fit = fits(call) && !ledger.is_malformed;
        if call.name == LOOK {
            ledger.stands_since = Some(now);
            if holds {
                ledger.owed = [Owed::GenerationComplete, Owed::TurnComplete].into();
            }
        }
        self.check(Rule::CallState, before.is_none(), || {
            format!("conn {number} calls {}, which is {before:?}", call.id)
        });
        self.check(Rule::CallFits, is_fit, || format!("conn {number} calls {} as it may not", call.name));
    }

    pub(super) fn call_is_withdrawn(&mut self, number: usize, id: &str) {
        let conn = &mut self.conns[number];
        let state = conn.ledger.calls.get(id).copied();
        let may = state == Some(State::Pending) || conn.is_late || conn.ledger.is_unclear;
        conn.ledger.settle(id, State::Cancelled);
        conn.ledger.waits_for_end = false;
        self.check(Rule::CallState, may, || format!("conn {number} withdraws {id:?}, which is {state:?}"));
    }

    /// Answers arrive that the server takes in; says what must follow.
    pub(super) fn answers_arrive(&mut self, number: usize, responses: &[FunctionResponse], now: Instant) {
        let conn = &mut self.conns[number];
        let plan = &self.sessions[conn.client].plan;
        let remembered_max = plan.config.limits.remembered_calls_max;
        let ledger = &mut conn.ledger;
        ledger.is_unclear |= !conn.is_complete || conn.is_draining || ledger.settled >= remembered_max;
        let is_beside = ledger.is_running && conn.waits_for.is_empty();
        let (mut is_heard, mut is_urgent) = (false, false);
        for response in responses {
            let is_blocking = response.name == LOOK || conn.waits_for.contains(&response.id);
            let why = match ledger.calls.get(&response.id) {
                Some(State::Pending) => {
                    if !response.will_continue {
                        ledger.settle(&response.id, State::Answered);
                    } else if is_blocking {
                        ledger.stands_since = Some(now);
                    }
                    let scheduling = response.scheduling.as_ref();
                    is_heard |= !is_blocking && scheduling != Some(&Scheduling::Silent);
                    is_urgent |= !is_blocking && scheduling == Some(&Scheduling::Interrupt);
                    continue;
                }
                Some(State::Answered) => Unmatched::Answered,
                Some(State::Cancelled) => Unmatched::Cancelled,
                None if response.id.starts_with(OWN) || response.id.is_empty() => {
                    if plan.backend == Backend::Vertex {
                        is_heard = true;
                        continue;
                    }
                    Unmatched::NeverMade
                }
                None => Unmatched::Orphaned,
            };
            ledger.complaints.push_back((response.id.clone(), why));
        }
        if is_beside {
            (ledger.must_ask, ledger.must_not_ask) = (is_urgent, !is_urgent);
            ledger.waits_for_end |= is_heard && !is_urgent;
        }
    }

    pub(super) fn complains(&mut self, number: usize, call: &str, why: Unmatched) {
        let conn = &mut self.conns[number];
        let expected = conn.ledger.complaints.pop_front();
        let may = conn.is_late || conn.ledger.is_unclear;
        let is_it = expected.as_ref().is_some_and(|(id, expected)| id == call && *expected == why);
        self.check(Rule::CallState, is_it || may, || {
            format!("conn {number} takes an answer to {call:?} for {why:?}; it is {expected:?}")
        });
    }

    pub(super) fn calls_are_overdue(&mut self, number: usize, now: Instant) {
        let conn = &mut self.conns[number];
        let deadline = self.sessions[conn.client].plan.config.limits.call_deadline;
        let stood = conn.ledger.stands_since.map(|since| now.duration_since(since));
        let may_be_late = self.has_jumped;
        conn.must_go_on = true;
        let is_excused = conn.is_late || conn.ledger.is_unclear;
        let is_due = stood.is_some_and(|stood| stood >= deadline && (stood <= deadline + GRAIN || may_be_late));
        self.check(Rule::CallDeadline, is_due || is_excused, || {
            format!("conn {number} gives up functions after {stood:?}, of {deadline:?}")
        });
    }

    pub(super) fn call_order(&mut self, number: usize, content: &ServerContent) {
        let conn = &mut self.conns[number];
        let may = conn.is_late;
        let was_malformed = conn.ledger.is_malformed;
        let stands = !conn.waits_for.is_empty() && !completes_turns(&self.sessions[conn.client].plan);
        let owed = match content {
            ServerContent { generation_complete: true, .. } => Some(Owed::GenerationComplete),
            ServerContent { turn_complete: true, .. } => Some(Owed::TurnComplete),
            ServerContent { output_transcription: Some(_), .. } => None,
            _ if conn.ledger.owed.is_empty() => None,
            _ => {
                return self.check(Rule::CallOrder, may, || format!("conn {number} says more behind a call"));
            }
        };
        if let Some(found) = owed
            && let Some(expected) = conn.ledger.owed.pop_front()
        {
            self.check(Rule::CallOrder, found == expected || may, || {
                format!("conn {number} says {found:?} behind a call, not {expected:?}")
            });
        }
        if content.turn_complete {
            self.check(Rule::CallOrder, !stands || may, || {
                format!("conn {number} completes a turn in which functions are not answered")
            });
            let says_so = content.turn_complete_reason == TurnCompleteReason::MalformedFunctionCall;
            self.check(Rule::CallFits, !says_so || was_malformed, || {
                format!("conn {number} blames its model for a call that it did not make")
            });
        }
    }

    pub(super) fn turn_is_over(&mut self, number: usize, was_interrupted: bool) {
        let ledger = &mut self.conns[number].ledger;
        ledger.is_running = false;
        ledger.is_malformed = false;
        ledger.waits_for_end &= !was_interrupted;
    }

    pub(super) fn model_is_asked(&mut self, number: usize) {
        let conn = &mut self.conns[number];
        let ledger = &mut conn.ledger;
        let was_due = std::mem::take(&mut ledger.must_ask) || std::mem::take(&mut ledger.waits_for_end);
        let is_too_early = ledger.must_not_ask && !conn.is_late && !ledger.is_unclear;
        ledger.is_running = true;
        ledger.stands_since = None;
        if was_due || is_too_early {
            self.check(Rule::Scheduling, !is_too_early, || format!("conn {number} does not wait with an answer"));
        }
    }

    /// A server has nothing more to do for now: what had to follow has followed.
    pub(super) fn calls_rest(&mut self, number: usize, now: Instant) {
        let conn = &mut self.conns[number];
        let ledger = &mut conn.ledger;
        let is_excused = conn.is_late || conn.is_closed || conn.is_draining || ledger.is_unclear;
        let (unheard, unsaid) = (std::mem::take(&mut ledger.must_ask), ledger.complaints.front().cloned());
        ledger.must_not_ask = false;
        let is_forgotten = ledger.waits_for_end && !ledger.is_running && conn.waits_for.is_empty();
        ledger.complaints.clear();
        if conn.waits_for.is_empty() {
            ledger.stands_since = None;
        }
        let stood = ledger.stands_since.map(|since| now.duration_since(since));
        let deadline = self.sessions[conn.client].plan.config.limits.call_deadline;
        if is_excused {
            return;
        }
        if unheard || is_forgotten {
            self.fail(Rule::Scheduling, format_args!("conn {number} has an answer and does not ask its model"));
        }
        if let Some((call, why)) = unsaid {
            self.fail(Rule::CallState, format_args!("conn {number} takes an answer to {call:?}, which is {why:?}"));
        }
        if let Some(stood) = stood {
            let is_in_time = stood <= deadline + GRAIN || self.has_jumped;
            self.check(Rule::CallDeadline, is_in_time, || format!("conn {number} stands still for {stood:?}"));
        }
    }

    /// What a snapshot says of calls is what became of them, as far as that is known.
    pub(super) fn keeps_calls(&mut self, number: usize, snapshot: &Snapshot) -> Option<BTreeMap<String, State>> {
        let conn = &self.conns[number];
        if conn.is_late || conn.ledger.is_unclear {
            return None;
        }
        let known = conn.ledger.calls.clone();
        let pending = snapshot.pending_calls.iter().map(|call| (&call.id, State::Pending));
        let settled = snapshot.settled_calls.iter();
        let settled =
            settled.map(|call| (&call.id, if call.is_cancelled { State::Cancelled } else { State::Answered }));
        let kept: BTreeMap<&String, State> = pending.chain(settled).collect();
        let is_pending = |(id, state): (&String, &State)| (*state == State::Pending).then(|| id.clone());
        let lost: Vec<String> =
            conn.ledger.calls.iter().filter_map(is_pending).filter(|id| !kept.contains_key(id)).collect();
        let wrong: Vec<_> = kept.into_iter().filter(|(id, state)| conn.ledger.calls.get(*id) != Some(state)).collect();
        let is_right = wrong.is_empty() && lost.is_empty();
        let what = (!is_right).then(|| format!("conn {number} keeps {wrong:?} of calls, and not {lost:?}"));
        self.check(Rule::CallState, is_right, || what.unwrap_or_default());
        Some(known)
    }
}

/// Whether a call is one that is declared.
fn fits(call: &FunctionCall) -> bool {
    [LOOK, SEND, WATCH].contains(&call.name.as_str()) && identity(call).is_some()
}

/// How ids begin that a model chooses.
pub(crate) const OWN: &str = "own-";
/// How long a function may take that holds the turn, where it is not left as it is.
pub(crate) const DEADLINES_MS: [u64; 3] = [120_000, 20_000, 5_000];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn deadlines_begin_with_the_default() {
        assert_eq!(Duration::from_millis(DEADLINES_MS[0]), live_engine::Limits::default().call_deadline);
    }
}
