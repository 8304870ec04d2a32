//! A plan said piece by piece, at its pace, in text or in speech; what is said was decided in `plan`.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use live_engine::context::OUTPUT_RATE;
use live_engine::{EndReason, ModelOutput};
use live_proto::{CodeExecutionResult, ExecutableCode, FunctionCall, Language, Outcome};
use tokio::time::Instant;

use super::EmbeddedConfig;
use super::code::{Program, told};
use super::count::Count;
use super::found::look_up;
use super::piece::pieces;
use super::plan::{Plan, Say};
use crate::grounding::Grounding;
use crate::tool::BuiltIns;
use crate::voice::{Speech, SpeechChunk, Voice};

/// Samples in a millisecond of speech.
const SAMPLES_PER_MS: usize = (OUTPUT_RATE / 1000) as usize;
/// Lengths of the first chunks of an utterance, so that sound starts soon; the last holds for all that follow.
const CHUNK_MS: [usize; 5] = [40, 80, 120, 160, 200];
/// How far a count's sound runs ahead of its playback: less than a number, so that an interruption finds it counting.
const COUNT_LEAD: Duration = Duration::from_millis(200);

/// In what form a plan is said.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Pieces of text.
    Text,
    /// Chunks of speech in this voice.
    Speech(Voice),
}

/// Says a plan; the state of one answer.
pub(super) struct Speaker {
    form: Form,
    piece_interval: Duration,
    number_interval: Duration,
    thoughts: VecDeque<String>,
    say: VecDeque<Say>,
    /// The numbers of a count that are still to be said.
    counting: Option<Numbers>,
    utterance: Utterance,
    has_spoken: bool,
    calls: Vec<FunctionCall>,
    tools: BuiltIns,
    grounding: Grounding,
    /// What tools gave, to be put out before anything else is said.
    beside: VecDeque<ModelOutput>,
    /// When the next piece of text is due.
    due: Option<Instant>,
    /// When a client that plays as it receives will have played all.
    played: Option<Instant>,
    is_ended: bool,
}

/// What is being said now.
#[derive(Debug)]
enum Utterance {
    Silent,
    /// The rest of a text, and the time from one piece to the next.
    Text {
        rest: String,
        interval: Duration,
    },
    Speech(Box<Chunks<Speech>>),
    /// A program that is to be shown, and then to be run.
    Shown(Program),
    Run(Program),
}

impl Speaker {
    pub(super) fn new(plan: Plan, form: Form, config: &EmbeddedConfig, tools: BuiltIns) -> Self {
        let Plan { thoughts, say, calls } = plan;
        let EmbeddedConfig { pieces_per_second, numbers_per_second } = config;
        let piece_interval = Duration::from_secs(1).checked_div(*pieces_per_second).unwrap_or_default();
        let number_interval = Duration::from_secs(1) / numbers_per_second.get();
        Self {
            form,
            piece_interval,
            number_interval: number_interval.max(piece_interval),
            thoughts: thoughts.into(),
            say: say.into(),
            counting: None,
            utterance: Utterance::Silent,
            has_spoken: false,
            calls,
            tools,
            grounding: Grounding::default(),
            beside: VecDeque::new(),
            due: None,
            played: None,
            is_ended: false,
        }
    }

    /// The next output; `None` after [`ModelOutput::End`].
    pub(super) async fn next(&mut self) -> Option<ModelOutput> {
        if self.is_ended {
            return None;
        }
        if let Some(thought) = self.thoughts.pop_front() {
            return Some(ModelOutput::Thought(thought));
        }
        loop {
            if let Some(output) = self.beside.pop_front() {
                return Some(output);
            }
            if let Some(output) = self.go_on().await {
                if let ModelOutput::Text(text) | ModelOutput::Speech { text, .. } = &output {
                    self.grounding.say(text);
                }
                return Some(output);
            }
            if !self.begin().await {
                self.beside.extend(self.grounding.outputs());
                if self.beside.is_empty() {
                    break;
                }
            }
        }
        if !self.calls.is_empty() {
            return Some(ModelOutput::ToolCalls(std::mem::take(&mut self.calls)));
        }
        self.is_ended = true;
        Some(ModelOutput::End(EndReason::Complete))
    }

    /// The next piece of what is being said.
    async fn go_on(&mut self) -> Option<ModelOutput> {
        let output = match &mut self.utterance {
            Utterance::Silent => None,
            Utterance::Shown(program) => {
                let code = executable(program);
                self.utterance = Utterance::Run(program.clone());
                return Some(ModelOutput::ExecutableCode(code));
            }
            Utterance::Run(program) => {
                let result = match &self.tools.code {
                    Some(executor) => executor.run(executable(program)).await,
                    None => nobody(),
                };
                self.say.push_front(Say::Text(told(program, &result)));
                self.utterance = Utterance::Silent;
                return Some(ModelOutput::CodeExecutionResult(result));
            }
            Utterance::Text { rest, interval } => match pieces(rest).next().map(str::to_owned) {
                None => None,
                Some(piece) => {
                    rest.drain(..piece.len());
                    if let Some(due) = self.due {
                        tokio::time::sleep_until(due).await;
                    }
                    // Timers are a little late each time; a client that is late by more than a piece gets no burst.
                    let now = Instant::now();
                    let kept = self.due.filter(|due| *due + *interval > now).unwrap_or(now);
                    self.due = Some(kept + *interval);
                    Some(ModelOutput::Text(piece))
                }
            },
            Utterance::Speech(chunks) => chunks.next().map(|(samples, text)| {
                let now = Instant::now();
                let length = Duration::from_millis((samples.len() / SAMPLES_PER_MS) as u64);
                self.played = Some(self.played.map_or(now, |played| played.max(now)) + length);
                ModelOutput::Speech { pcm: to_bytes(&samples), text }
            }),
        };
        match output {
            Some(_) => self.has_spoken = true,
            None => self.utterance = Utterance::Silent,
        }
        output
    }

    /// Begins the next utterance; false if there is none.
    async fn begin(&mut self) -> bool {
        let number = self.counting.as_mut().and_then(Numbers::next);
        let is_number = number.is_some();
        let text = match number {
            Some(number) => number,
            None => match self.say.pop_front() {
                None => return false,
                Some(Say::Text(text)) => text,
                Some(Say::Count(count)) => {
                    self.counting = Some(Numbers::new(count));
                    return true;
                }
                Some(Say::Run(program)) => {
                    self.utterance = Utterance::Shown(program);
                    return true;
                }
                Some(Say::Look(look)) => {
                    let told = look_up(&look, &self.tools, &mut self.grounding).await;
                    let start = self.grounding.said() + usize::from(self.has_spoken);
                    told.support(start, &mut self.grounding);
                    self.beside.extend((told.read > 0).then_some(ModelOutput::ToolUse(told.read)));
                    told.text
                }
            },
        };
        let text = if self.has_spoken { format!(" {text}") } else { text };
        self.utterance = match &self.form {
            Form::Text => {
                let interval = if is_number { self.number_interval } else { self.piece_interval };
                Utterance::Text { rest: text, interval }
            }
            Form::Speech(voice) => {
                if is_number && let Some(begin) = self.played.and_then(|played| played.checked_sub(COUNT_LEAD)) {
                    tokio::time::sleep_until(begin).await;
                }
                Utterance::Speech(Box::new(Chunks::new(voice.speak(text))))
            }
        };
        true
    }
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("utterance", &self.utterance).field("say", &self.say).finish_non_exhaustive()
    }
}

/// A program as it goes to the client and to the executor.
fn executable(program: &Program) -> ExecutableCode {
    ExecutableCode { language: Language::Python, code: program.code.clone(), ..ExecutableCode::default() }
}

/// The result of a program where nobody runs programs: a server refuses a session that asks for it, and other hosts may not.
fn nobody() -> CodeExecutionResult {
    let output = "SystemError: nothing here runs code".to_owned();
    CodeExecutionResult { outcome: Outcome::Failed, output, ..CodeExecutionResult::default() }
}

/// The numbers of a count, each with the mark that follows it.
struct Numbers {
    numbers: Box<dyn Iterator<Item = i64> + Send>,
    last: i64,
}

impl Numbers {
    fn new(count: Count) -> Self {
        Self { numbers: Box::new(count.numbers()), last: count.to }
    }

    fn next(&mut self) -> Option<String> {
        let number = self.numbers.next()?;
        let mark = if number == self.last { '.' } else { ',' };
        Some(format!("{number}{mark}"))
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbers").field("last", &self.last).finish_non_exhaustive()
    }
}

/// Speech in chunks of the lengths in [`CHUNK_MS`]; the words of a chunk are those that begin in it.
#[derive(Debug)]
struct Chunks<S> {
    speech: S,
    samples: Vec<i16>,
    text: String,
    made: usize,
}

impl<S: Iterator<Item = SpeechChunk>> Chunks<S> {
    fn new(speech: S) -> Self {
        Self { speech, samples: Vec::new(), text: String::new(), made: 0 }
    }

    fn next(&mut self) -> Option<(Vec<i16>, String)> {
        let wanted = CHUNK_MS[self.made.min(CHUNK_MS.len() - 1)] * SAMPLES_PER_MS;
        while self.samples.len() < wanted
            && let Some(SpeechChunk { pcm, text }) = self.speech.next()
        {
            self.samples.extend(pcm);
            self.text.push_str(&text);
        }
        if self.samples.is_empty() && self.text.is_empty() {
            return None;
        }
        self.made += 1;
        let mut chunk: Vec<i16> = self.samples.drain(..wanted.min(self.samples.len())).collect();
        // A client's player may not take a chunk shorter than its own buffer.
        chunk.resize(chunk.len().max(CHUNK_MS[0] * SAMPLES_PER_MS), 0);
        Some((chunk, std::mem::take(&mut self.text)))
    }
}

/// Samples as they go on the wire: s16le.
fn to_bytes(samples: &[i16]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(samples.len() * 2);
    for sample in samples {
        bytes.put_i16_le(*sample);
    }
    bytes.freeze()
}
