//! The ledger of runs: which calls wait for room, which run, and which answers may go out.
//!
//! That a call comes once is the business of the calls' own ledger ([`crate::tools`]); here it is run at most once, because a
//! run only ever goes from queued to running to done. What an answer becomes on the way is decided in [`super::running`].

use std::collections::VecDeque;
use std::time::Instant;

use live_proto::{Behavior, FunctionCall, FunctionResponse, Scheduling, Struct, Value};

use super::later;
use super::tools::{Function, RunId, ToolOutput};
use crate::limits::Limits;

#[derive(Debug, Default)]
pub(super) struct Runs {
    functions: Vec<Function>,
    /// What the model does where a declaration does not say.
    default_behavior: Behavior,
    /// In the order of the calls.
    runs: VecDeque<Run>,
    last: RunId,
}

#[derive(Debug)]
struct Run {
    id: RunId,
    /// The message that made the call.
    message: u64,
    call_id: String,
    name: String,
    /// Its answer waits for no other.
    overtakes: bool,
    is_generator: bool,
    scheduling: Option<Scheduling>,
    /// Something of the answer was made.
    has_spoken: bool,
    state: State,
    /// What of the answer may be sent.
    ready: VecDeque<FunctionResponse>,
}

#[derive(Debug)]
enum State {
    Queued { call: FunctionCall, time_limit: Option<std::time::Duration> },
    Running { until: Option<Instant> },
    Done,
}

/// A run that ended without an answer, or before its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) call_id: String,
    pub(super) name: String,
    /// The run, if it was under way.
    pub(super) running: Option<RunId>,
}

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) blocking: bool,
    /// There is no room for it: it is answered with these words.
    pub(super) refusal: Option<String>,
}

/// What came of the news of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) call_id: String,
    pub(super) name: String,
    /// `None` while it goes on.
    pub(super) end: Option<Result<(), String>>,
    /// The session ended it, and the host does not know.
    pub(super) is_cut: bool,
}

impl Runs {
    pub(super) fn new(functions: Vec<Function>, default_behavior: Behavior) -> Self {
        Self { functions, default_behavior, ..Self::default() }
    }

    pub(super) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Gives those before. Calls that are under way are not touched.
    pub(super) fn set_functions(&mut self, functions: Vec<Function>) -> Vec<Function> {
        std::mem::replace(&mut self.functions, functions)
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.declaration.name == name)
    }

    /// Whether a response would answer a call that is run here.
    pub(super) fn answers(&self, id: &str, name: &str) -> bool {
        self.runs.iter().any(|run| if id.is_empty() { run.name == name } else { run.call_id == id })
    }

    /// Takes a call of a known function, made by this message.
    ///
    /// `behavior` is what the host's own declaration says, where there is one.
    pub(super) fn accept(
        &mut self,
        call: FunctionCall,
        behavior: Option<Behavior>,
        message: u64,
        limits: &Limits,
    ) -> Accepted {
        let function = self.functions.iter().find(|function| function.declaration.name == call.name);
        let function = function.expect("only calls of known functions are taken");
        let said = behavior.as_ref().unwrap_or(&function.declaration.behavior);
        let behavior = if *said == Behavior::Unspecified { &self.default_behavior } else { said };
        self.last.0 += 1;
        let mut run = Run {
            id: self.last,
            message,
            call_id: call.id.clone(),
            name: call.name.clone(),
            overtakes: function.is_generator || *behavior == Behavior::NonBlocking,
            is_generator: function.is_generator,
            scheduling: function.scheduling.clone(),
            has_spoken: false,
            state: State::Queued { call, time_limit: function.time_limit },
            ready: VecDeque::new(),
        };
        let waiting = self.runs.iter().filter(|run| !matches!(run.state, State::Done)).count();
        let refusal = (waiting >= limits.tool_calls_max)
            .then(|| format!("{waiting} calls are waiting already; call again when they are answered"));
        if let Some(words) = &refusal {
            run.fail(words);
        }
        let blocking = !run.overtakes;
        self.runs.push_back(run);
        Accepted { blocking, refusal }
    }

    /// Starts what there is room for, oldest first.
    pub(super) fn start(&mut self, running_max: usize, now: Instant) -> Vec<(RunId, FunctionCall)> {
        let running = self.runs.iter().filter(|run| matches!(run.state, State::Running { .. })).count();
        let queued = self.runs.iter_mut().filter(|run| matches!(run.state, State::Queued { .. }));
        queued
            .take(running_max.saturating_sub(running))
            .map(|run| {
                let State::Queued { call, time_limit } = std::mem::replace(&mut run.state, State::Done) else {
                    unreachable!("it is queued")
                };
                run.state = State::Running { until: time_limit.map(|limit| later(now, limit)) };
                (run.id, call)
            })
            .collect()
    }

    /// Takes in what a run has to say. `None` if it is over: its news crossed its end on the way.
    pub(super) fn tell(&mut self, id: RunId, output: ToolOutput, response_bytes_max: usize) -> Option<News> {
        let run = self.runs.iter_mut().find(|run| run.id == id && matches!(run.state, State::Running { .. }))?;
        let (response, goes_on) = match output {
            ToolOutput::Piece(response) => (Ok(response), run.is_generator),
            ToolOutput::Answer(response) => (Ok(response), false),
            ToolOutput::End => (Ok(Struct::new()), false),
            ToolOutput::Failed(words) => (Err(words), false),
        };
        let response = response.and_then(|response| match json_bytes(&response) {
            bytes if bytes > response_bytes_max => {
                Err(format!("the answer has {bytes} bytes, of which {response_bytes_max} may be sent; ask for less"))
            }
            _ => Ok(response),
        });
        let (end, is_cut) = match response {
            Ok(response) => {
                run.say(response, goes_on);
                ((!goes_on).then_some(Ok(())), false)
            }
            Err(words) => (Some(Err(run.fail(&words))), goes_on),
        };
        Some(News { call_id: run.call_id.clone(), name: run.name.clone(), end, is_cut })
    }

    /// Whether a generator may be asked for its next piece: not while those before it wait to be sent.
    pub(super) fn takes_piece(&self, id: RunId) -> bool {
        self.runs.iter().find(|run| run.id == id).is_none_or(|run| run.ready.len() < PIECES_MAX)
    }

    /// Takes the answers that may go out.
    ///
    /// Of functions that the model stands still for: in the order of the calls, those of one message together. Of others: as
    /// they come, except that of calls without an id only the oldest of a name can be told apart.
    pub(super) fn take_answers(&mut self) -> Vec<FunctionResponse> {
        let waits = |run: &&Run| !run.overtakes && !matches!(run.state, State::Done);
        let barrier = self.runs.iter().find(waits).map(|run| run.message);
        let mut answers = Vec::new();
        let mut nameless: Vec<String> = Vec::new();
        self.runs.retain_mut(|run| {
            let is_due = if !run.overtakes {
                barrier.is_none_or(|barrier| run.message < barrier)
            } else {
                !nameless.contains(&run.name)
            };
            if is_due {
                answers.extend(run.ready.drain(..));
            }
            let is_over = is_due && matches!(run.state, State::Done);
            if !is_over && run.call_id.is_empty() {
                nameless.push(run.name.clone());
            }
            !is_over
        });
        answers
    }

    /// Gives up the runs that `is_void` picks by the id and the name of their call.
    pub(super) fn abort(&mut self, is_void: impl Fn(&str, &str) -> bool) -> Vec<Ended> {
        self.end(|run| is_void(&run.call_id, &run.name))
    }

    /// Gives up every run that has no answer yet.
    pub(super) fn abort_unfinished(&mut self) -> Vec<Ended> {
        self.end(|run| !matches!(run.state, State::Done))
    }

    /// Gives up those of the calls that `is_since` picks which have no answer yet, and takes the answers of the others.
    pub(super) fn supersede(&mut self, is_since: impl Fn(&str, &str) -> bool) -> (Vec<Ended>, Vec<FunctionResponse>) {
        let is_since = |run: &Run| is_since(&run.call_id, &run.name);
        let ended = self.end(|run| is_since(run) && !matches!(run.state, State::Done));
        let mut answers = Vec::new();
        self.runs.retain_mut(|run| {
            let is_answered = is_since(run);
            if is_answered {
                answers.extend(run.ready.drain(..));
            }
            !is_answered
        });
        (ended, answers)
    }

    fn end(&mut self, is_void: impl Fn(&Run) -> bool) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.runs.retain(|run| {
            let is_void = is_void(run);
            if is_void {
                let running = matches!(run.state, State::Running { .. }).then_some(run.id);
                ended.push(Ended { call_id: run.call_id.clone(), name: run.name.clone(), running });
            }
            !is_void
        });
        ended
    }

    /// Ends the runs whose time is up, with a failure for the model.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(Ended, String)> {
        let due = |run: &&mut Run| matches!(run.state, State::Running { until: Some(until) } if until <= now);
        let ends = self.runs.iter_mut().filter(due).map(|run| {
            let words = run.fail("it took too long and was stopped");
            (Ended { call_id: run.call_id.clone(), name: run.name.clone(), running: Some(run.id) }, words)
        });
        ends.collect()
    }

    /// When the next run has to be done.
    pub(super) fn due(&self) -> Option<Instant> {
        let until = |run: &Run| if let State::Running { until } = run.state { until } else { None };
        self.runs.iter().filter_map(until).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

impl Run {
    fn say(&mut self, response: Struct, will_continue: bool) {
        // What ends a generator and says nothing is not worth a turn of the model.
        let is_mere_end = self.is_generator && self.has_spoken && !will_continue && response.is_empty();
        let scheduling = if is_mere_end { Some(Scheduling::Silent) } else { self.scheduling.clone() };
        self.has_spoken = true;
        let mut answer = FunctionResponse::new(&self.call_id, &self.name, response);
        (answer.will_continue, answer.scheduling) = (will_continue, scheduling);
        self.ready.push_back(answer);
        if !will_continue {
            self.state = State::Done;
        }
    }

    /// Ends it with an error for the model. The words as they are told.
    fn fail(&mut self, words: &str) -> String {
        let mut end = words.len().min(ERROR_BYTES_MAX);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        let words = words[..end].to_owned();
        self.say([("error", Value::String(words.clone()))].into_iter().collect(), false);
        words
    }
}

/// About what an object takes as JSON. A host's own value, as deep as its types are.
fn json_bytes(Struct(fields): &Struct) -> usize {
    2 + fields.iter().map(|(name, value)| name.len() + 4 + value_bytes(value)).sum::<usize>()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::List(items) => 2 + items.iter().map(|item| value_bytes(item) + 1).sum::<usize>(),
        Value::Struct(object) => json_bytes(object),
    }
}

/// Pieces of a generator that wait to be sent; it is not asked for more. 8: a stall of the path is bridged, a lost
/// connection is not filled with what nobody hears.
const PIECES_MAX: usize = 8;

/// Bytes of an error that the model is told. 2 KiB: a message with its causes.
const ERROR_BYTES_MAX: usize = 2 << 10;
