//! Functions that sessions run by themselves: each call, from its being made to its answer, as the session's host sees it.
//!
//! What a server makes of the answers is watched like that of any other, in [`super::call`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use live_engine::{ClientEvent, Fresh, LinkId, Replay, RunId, ToolStep};
use live_proto::{ClientMessage, FunctionCall};

use super::{GRAIN, Oracle};
use crate::plan::{LOOK, SessionPlan};
use crate::report::Rule;
use crate::stamp::{self, Said};

/// What a function says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Piece,
    Answer,
    End,
    Failure,
    /// An answer that is longer than it may be.
    TooLong,
}

/// The calls that a session runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// In the order in which they were made.
    calls: Vec<Call>,
    runs: BTreeMap<RunId, usize>,
    /// Which call each number of a result is of.
    numbers: BTreeMap<u32, usize>,
    /// Numbers of what was said by runs that had been aborted.
    late: BTreeSet<u32>,
    /// Numbers that were sent.
    sent: BTreeSet<u32>,
    /// Where the latest message of a server came from, and its number.
    source: (LinkId, u64),
}

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    source: (LinkId, u64),
    state: State,
    run: Option<RunId>,
    began: Option<Instant>,
    /// The host was told to give it up.
    is_stopped: bool,
    is_withdrawn: bool,
    /// The number of its answer, if that has one.
    answer: Option<u32>,
    /// Over which connection it went first.
    answered: Option<LinkId>,
    pieces_unsent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Running,
    Finished,
    Aborted,
}

impl Call {
    fn is_pending(&self) -> bool {
        matches!(self.state, State::Queued | State::Running)
    }

    /// It has an answer that can be told apart, and that was not sent.
    fn waits_to_be_sent(&self) -> bool {
        self.state == State::Finished && self.answer.is_some() && self.answered.is_none() && !self.is_withdrawn
    }

    fn holds_the_model(&self) -> bool {
        self.name == LOOK
    }
}

impl Runs {
    /// A message of a server comes over the open connection.
    pub(super) fn receives(&mut self, link: LinkId) {
        self.source = (link, self.source.1 + 1);
    }

    /// Whether the last of the messages that a lost session gives back is what its functions had to say.
    pub(super) fn unsent(&self, messages: &[ClientMessage]) -> bool {
        !self.calls.is_empty() && matches!(messages.last(), Some(ClientMessage::ToolResponse(_)))
    }

    fn of_id(&self, id: &str) -> Option<usize> {
        self.calls.iter().position(|call| call.id == id)
    }

    fn count(&self, is_counted: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|call| is_counted(call)).count()
    }
}

impl Oracle {
    /// A session has a function run.
    pub(crate) fn run_begins(&mut self, c: usize, run: RunId, call: &FunctionCall, now: Instant) {
        self.figures.runs += 1;
        let session = &mut self.sessions[c];
        let max = session.plan.config.limits.running_tools_max;
        let runs = &mut session.runs;
        let is_new_number = !runs.runs.contains_key(&run);
        let known = runs.of_id(&call.id);
        let state = known.map(|at| runs.calls[at].state);
        if let Some(at) = known {
            runs.runs.insert(run, at);
            let call = &mut runs.calls[at];
            (call.state, call.run, call.began) = (State::Running, Some(run), Some(now));
        }
        let running = runs.count(|call| call.state == State::Running && !call.is_stopped);
        self.check(Rule::RunOnce, is_new_number && state == Some(State::Queued), || {
            format!("session {c} runs {} as {run}, which is {state:?}", call.id)
        });
        self.check(Rule::Bounds, running <= max, || format!("session {c} runs {running} functions of {max}"));
    }

    pub(crate) fn run_is_aborted(&mut self, c: usize, run: RunId) {
        self.figures.aborted += 1;
        let runs = &mut self.sessions[c].runs;
        let call = runs.runs.get(&run).map(|at| &mut runs.calls[*at]);
        let was_running = call.as_ref().is_some_and(|call| call.state == State::Running && !call.is_stopped);
        if let Some(call) = call {
            call.is_stopped = true;
        }
        self.check(Rule::RunEnds, was_running, || format!("session {c} gives up {run}, which does not run"));
    }

    /// A function says something, whether anybody still listens or not.
    pub(crate) fn run_says(&mut self, c: usize, run: RunId, number: u32, outcome: Outcome) {
        let session = &mut self.sessions[c];
        let is_late = session.is_late;
        let runs = &mut session.runs;
        let Some(at) = runs.runs.get(&run).copied() else { return };
        let call = &mut runs.calls[at];
        if call.is_stopped || call.state != State::Running {
            runs.late.insert(number);
            return self.check(Rule::RunAborted, true, String::new);
        }
        let bears_number = matches!(outcome, Outcome::Piece | Outcome::Answer | Outcome::Failure);
        if bears_number {
            runs.numbers.insert(number, at);
        }
        if outcome == Outcome::Piece {
            call.pieces_unsent += 1;
        } else {
            call.answer = bears_number.then_some(number);
        }
        let pieces = call.pieces_unsent;
        self.check(Rule::Bounds, pieces <= PIECES_MAX || is_late, || {
            format!("session {c} holds {pieces} pieces of {run}")
        });
    }

    pub(super) fn hears_of_runs(&mut self, c: usize, event: &ClientEvent, now: Instant) {
        if self.sessions[c].plan.config.functions.is_empty() {
            return;
        }
        if let ClientEvent::ToolRun { id, name, step } = event {
            self.run_steps(c, id, name, step, now);
        } else if let ClientEvent::ToolCall(call) = event {
            let is_registered = self.sessions[c].plan.registers(&call.name);
            self.check(Rule::RunOnce, !is_registered, || format!("session {c} tells its host to run {}", call.name));
        } else if let ClientEvent::ToolCallCancellation(ids) = event {
            let runs = &mut self.sessions[c].runs;
            let is_void = |call: &&mut Call| call.answered.is_none() && ids.contains(&call.id);
            let withdrawn = runs.calls.iter_mut().filter(is_void).map(|call| call.is_withdrawn = true).count();
            let pending = runs.count(|call| call.is_withdrawn && call.is_pending());
            if withdrawn > 0 {
                self.check(Rule::RunWithdrawn, pending == 0, || {
                    format!("session {c} goes on with {pending} calls of {ids:?}, which are withdrawn")
                });
            }
        } else if matches!(event, ClientEvent::Idle) {
            let open = self.sessions[c].runs.calls.iter().find(|call| call.is_pending() || call.waits_to_be_sent());
            let what = open.map(|call| format!("session {c} is idle, and {} is {:?}", call.id, call.state));
            self.check(Rule::RunIdle, what.is_none(), || what.unwrap_or_default());
        } else if matches!(event, ClientEvent::Closed(_) | ClientEvent::Lost(_)) {
            let pending = self.sessions[c].runs.count(Call::is_pending);
            self.check(Rule::RunEnds, pending == 0, || format!("session {c} is over and leaves {pending} runs"));
        }
    }

    fn run_steps(&mut self, c: usize, id: &str, name: &str, step: &ToolStep, now: Instant) {
        let session = &mut self.sessions[c];
        let time_limit = session.plan.config.functions.iter().find(|function| function.declaration.name == name);
        let time_limit = time_limit.and_then(|function| function.time_limit);
        let is_late = session.is_late || self.has_jumped;
        let known = session.runs.of_id(id);
        let state = known.map(|at| session.runs.calls[at].state);
        if let ToolStep::Called { blocking } = step {
            let identity = session.call_ids.get(id).copied().unwrap_or_default();
            session.untold.retain(|it| *it != identity);
            let is_new = session.told.insert(identity) && known.is_none();
            let source = session.runs.source;
            session.runs.calls.push(Call {
                id: id.to_owned(),
                name: name.to_owned(),
                source,
                state: State::Queued,
                run: None,
                began: None,
                is_stopped: false,
                is_withdrawn: false,
                answer: None,
                answered: None,
                pieces_unsent: 0,
            });
            let is_right = *blocking == (name == LOOK);
            self.check(Rule::RunOnce, is_new && is_right, || {
                format!("session {c} takes {name} {id} (new {is_new}), and blocks: {blocking}")
            });
            return self.check(Rule::CallTold, true, String::new);
        }
        let Some(at) = known else {
            return self.fail(Rule::RunOnce, format_args!("session {c} tells of {id}, which nobody called: {step:?}"));
        };
        let call = &mut session.runs.calls[at];
        let (run, is_stopped) = (call.run, call.is_stopped);
        let lasted = call.began.map(|began| now.duration_since(began));
        let is_right = match step {
            ToolStep::Called { .. } => false,
            ToolStep::Finished => state == Some(State::Running) && !is_stopped,
            // A call may be refused before it runs.
            ToolStep::Failed(_) => matches!(state, Some(State::Running | State::Queued)),
            // An answer that was not sent is given up with its call.
            ToolStep::Aborted => match state {
                Some(State::Running) => is_stopped,
                Some(State::Finished) => call.answered.is_none(),
                _ => state == Some(State::Queued),
            },
        };
        if let ToolStep::Failed(words) = step {
            let number = stamp::said_in(words).map(|said| said.number).last();
            call.answer = call.answer.filter(|answer| Some(*answer) == number);
        }
        call.state = if *step == ToolStep::Aborted { State::Aborted } else { State::Finished };
        let is_in_time = time_limit.zip(lasted).is_none_or(|(limit, lasted)| lasted <= limit + GRAIN);
        self.check(Rule::RunEnds, is_right, || {
            format!("session {c} tells {step:?} of {id}, {run:?}, which is {state:?} (stopped {is_stopped})")
        });
        if run.is_some() && time_limit.is_some() {
            self.check(Rule::RunEnds, is_in_time || is_late, || {
                format!("session {c} lets {id} run for {lasted:?} of {time_limit:?}")
            });
        }
    }

    /// A session sends something: answers as such, or told in words.
    pub(super) fn says_of_runs(&mut self, c: usize, link: LinkId, message: &ClientMessage) {
        if let ClientMessage::ToolResponse(message) = message {
            let each: Vec<_> = message
                .function_responses
                .iter()
                .filter_map(|it| {
                    let at = self.sessions[c].runs.of_id(&it.id)?;
                    Some((at, stamp::of_response(it).map(|said| said.number), it.will_continue))
                })
                .collect();
            for (at, number, will_continue) in &each {
                self.is_heeded(c, *at, *number);
                if *will_continue {
                    let call = &mut self.sessions[c].runs.calls[*at];
                    call.pieces_unsent = call.pieces_unsent.saturating_sub(1);
                } else {
                    self.is_in_order(c, *at, &each.iter().map(|(at, ..)| *at).collect::<Vec<_>>());
                    let may_repeat = keeps_all(&self.sessions[c].plan);
                    self.is_answered_once(c, link, *at, may_repeat);
                }
            }
        } else if let ClientMessage::ClientContent(content) = message {
            let mut numbers = Vec::new();
            for turn in &content.turns {
                stamp::each_said(turn, |Said { number, .. }| numbers.push(number));
            }
            for number in numbers {
                let runs = &self.sessions[c].runs;
                if runs.late.contains(&number) {
                    self.fail(Rule::RunAborted, format_args!("session {c} tells <{c}.{number}> of an aborted run"));
                }
                let Some(at) = self.sessions[c].runs.numbers.get(&number).copied() else { continue };
                self.is_heeded(c, at, Some(number));
                let call = &mut self.sessions[c].runs.calls[at];
                if call.answer == Some(number) {
                    let may_repeat = says_words_again(&self.sessions[c].plan);
                    self.is_answered_once(c, link, at, may_repeat);
                } else {
                    call.pieces_unsent = call.pieces_unsent.saturating_sub(1);
                }
            }
        }
    }

    /// Neither withdrawn nor aborted, unless it is said again.
    fn is_heeded(&mut self, c: usize, at: usize, number: Option<u32>) {
        let runs = &mut self.sessions[c].runs;
        let is_again = number.is_some_and(|number| !runs.sent.insert(number));
        let is_late = number.is_some_and(|number| runs.late.contains(&number));
        let call = &runs.calls[at];
        let id = call.id.clone();
        let (is_withdrawn, is_aborted) = (call.is_withdrawn, call.state == State::Aborted);
        self.check(Rule::RunWithdrawn, !is_withdrawn || is_again, || {
            format!("session {c} answers {id}, which is withdrawn")
        });
        if is_late || is_aborted && !is_again {
            self.fail(Rule::RunAborted, format_args!("session {c} answers {id} with what an aborted run said"));
        }
    }

    fn is_in_order(&mut self, c: usize, at: usize, together: &[usize]) {
        let runs = &self.sessions[c].runs;
        let call = &runs.calls[at];
        if !call.holds_the_model() || call.answered.is_some() {
            return;
        }
        let before = runs.calls.iter().enumerate().filter(|(other, it)| {
            let is_before = it.source.1 < call.source.1 || it.source.1 == call.source.1 && *other != at;
            is_before && it.holds_the_model() && it.source.0 == call.source.0 && !together.contains(other)
        });
        let mut open = before.filter(|(_, it)| it.is_pending() || it.waits_to_be_sent());
        let what = open.next().map(|(_, it)| format!("session {c} answers {} before {}", call.id, it.id));
        self.check(Rule::RunOrder, what.is_none(), || what.unwrap_or_default());
    }

    fn is_answered_once(&mut self, c: usize, link: LinkId, at: usize, may_repeat: bool) {
        let call = &mut self.sessions[c].runs.calls[at];
        let before = *call.answered.get_or_insert(link);
        let is_first = call.state == State::Finished && before == link;
        let (id, state) = (call.id.clone(), call.state);
        // Over this connection it must be the first.
        let session = &mut self.sessions[c];
        let is_new = session.runs_answered.insert((link, at));
        self.check(Rule::RunAnswered, is_new && (is_first || may_repeat && before != link), || {
            format!("session {c} answers {id}, which is {state:?}, over {link}, and did over {before}")
        });
    }

    /// A session has nothing more to do for now.
    pub(super) fn runs_rest(&mut self, c: usize, is_open: bool) {
        let session = &self.sessions[c];
        let (runs, limits) = (&session.runs, &session.plan.config.limits);
        if runs.calls.is_empty() {
            return;
        }
        let (waiting, max) = (runs.count(Call::is_pending), limits.tool_calls_max);
        let is_known = runs.calls.len() < limits.remembered_calls_max;
        let pending = |call: &&Call| call.holds_the_model() && call.is_pending();
        let barrier = runs.calls.iter().find(pending).map_or(u64::MAX, |call| call.source.1);
        let is_due = |call: &&Call| call.waits_to_be_sent() && (!call.holds_the_model() || call.source.1 < barrier);
        let held = runs.calls.iter().find(is_due).filter(|_| is_open && is_known);
        let held = held.map(|call| format!("session {c} does not send the answer to {}", call.id));
        self.check(Rule::Bounds, waiting <= max, || format!("session {c} has {waiting} calls waiting of {max}"));
        if is_open {
            self.check(Rule::RunSent, held.is_none(), || held.unwrap_or_default());
        }
    }
}

/// Whether answers are sent again over another connection.
fn keeps_all(plan: &SessionPlan) -> bool {
    let keeps = plan.policy().is_some_and(|policy| policy.replay == Replay::Everything);
    plan.is_transparent() || plan.resumption().is_some() && keeps
}

/// Whether words are said again over another connection.
fn says_words_again(plan: &SessionPlan) -> bool {
    let again = plan.policy().is_some_and(|policy| policy.replay != Replay::Nothing || policy.fresh == Fresh::Reseed);
    plan.is_transparent() || again
}

/// Pieces of a generator that a session keeps.
const PIECES_MAX: usize = 8;
