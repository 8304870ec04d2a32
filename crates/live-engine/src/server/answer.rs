//! A model's answer on its way out: pieces become frames, and what was sent is counted and kept for the history.
//!
//! Not here: speech ([`super::speech`]), function calls ([`super::tool`]) and the end of the turn ([`super::session`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use live_proto::{Content, Part, PartData, ServerContent};

use super::ServerEvent;
use super::session::{Cx, Session};
use super::setup::SessionConfig;
use super::speech::Speech;
use super::usage::TurnUsage;
use crate::context::{OUTPUT_RATE, Tokens};
use crate::engine::{TurnId, Why};
use crate::profile::{Backend, ResponseModality};
use crate::prompt::{EndReason, ModelOutput};

/// What the model said in one turn.
#[derive(Debug)]
pub(super) struct Answer {
    /// The generation that runs, or ran last.
    pub(super) generation: TurnId,
    /// Why the turn will be said to have ended.
    pub(super) reason: EndReason,
    prompt: Tokens,
    /// What that generation was asked with. It calls functions as they were declared then.
    pub(super) asked: Arc<SessionConfig>,
    /// Parts sent since the last one that went into the history.
    parts: Vec<Part>,
    /// What those parts cost.
    pending: Sent,
    /// What the whole turn cost.
    total: Sent,
    /// What of it is spoken.
    pub(super) speech: Speech,
    /// The model has said all, and this is why, but not all of it is sent.
    pub(super) generated: Option<EndReason>,
    /// When the running generation was first found to have said all it may.
    capped_at: Option<Instant>,
    /// What was understood so far of a stretch of speech whose end is not heard of yet.
    pub(super) heard: Option<String>,
}

/// Bytes sent, by the rule that counts them.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    text: usize,
    thought: usize,
    tool_use: usize,
    pcm: u64,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.text += other.text;
        self.thought += other.thought;
        self.tool_use += other.tool_use;
        self.pcm += other.pcm;
    }

    fn tokens(&self) -> Tokens {
        let mut tokens = Tokens::of_text_bytes(self.text);
        tokens += Tokens::of_pcm_bytes(self.pcm, OUTPUT_RATE);
        tokens
    }
}

impl Answer {
    pub(super) fn new(generation: TurnId, prompt: Tokens, asked: Arc<SessionConfig>) -> Self {
        Self {
            generation,
            reason: EndReason::Complete,
            prompt,
            asked,
            parts: Vec::new(),
            pending: Sent::default(),
            total: Sent::default(),
            speech: Speech::default(),
            generated: None,
            capped_at: None,
            heard: None,
        }
    }

    /// Goes on with another generation in the same turn.
    pub(super) fn resume(&mut self, generation: TurnId, prompt: Tokens, asked: Arc<SessionConfig>) {
        self.generation = generation;
        self.prompt = prompt;
        self.asked = asked;
        self.capped_at = None;
        self.heard = None;
    }

    /// Notes a part that was sent and its cost.
    pub(super) fn keep(&mut self, part: Part, tokens_bytes: usize) {
        self.count(Sent { text: tokens_bytes, ..Sent::default() });
        self.parts.push(part);
    }

    /// Notes what the model's own code gave: it is in the history as text is, and the model has read it, not said it.
    fn keep_result(&mut self, part: Part, bytes: usize) {
        self.pending.text += bytes;
        self.total.tool_use += bytes;
        self.parts.push(part);
    }

    fn keep_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part { data: Some(PartData::Text(said)), thought: false, .. }) => said.push_str(text),
            Some(_) | None if text.is_empty() => {}
            Some(_) | None => self.parts.push(Part::text(text)),
        }
    }

    fn count(&mut self, sent: Sent) {
        self.pending.add(sent);
        self.total.add(sent);
    }

    /// Takes what was said since the last time, for the history.
    pub(super) fn take_content(&mut self) -> Option<(Content, Tokens)> {
        let (parts, sent) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.pending));
        (!parts.is_empty()).then(|| (Content::model(parts), sent.tokens()))
    }

    /// Counts sound that the model made, whether it is ever sent or not.
    pub(super) fn accept_sound(&mut self, bytes: u64) {
        self.total.pcm += bytes;
    }

    /// Notes speech that was sent.
    pub(super) fn keep_speech(&mut self, text: &str, bytes: u64) {
        self.keep_text(text);
        self.pending.pcm += bytes;
    }

    /// Forgets speech that is not sent.
    pub(super) fn drop_unsent(&mut self) {
        self.total.pcm -= self.speech.drop_unsent();
        self.generated = None;
    }

    pub(super) fn usage(&self) -> TurnUsage {
        TurnUsage {
            prompt: self.prompt,
            response: self.total.tokens(),
            thoughts: Tokens::of_text_bytes(self.total.thought).text,
            tool_use: Tokens::of_text_bytes(self.total.tool_use).text,
        }
    }
}

impl Session {
    /// Tells whether an output fits the session, before anything of it is done.
    pub(super) fn check_output(&mut self, output: &ModelOutput, ahead_max: Duration) -> Result<(), Why> {
        match (output, self.config.modality) {
            (ModelOutput::Text(_), ResponseModality::Audio) | (ModelOutput::Speech { .. }, ResponseModality::Text) => {
                Err(Why::WrongModality)
            }
            (ModelOutput::Speech { pcm, .. }, ResponseModality::Audio) if pcm.len() % 2 != 0 => Err(Why::HalfSample),
            (ModelOutput::Speech { .. }, ResponseModality::Audio) => self.check_lead(ahead_max),
            (
                ModelOutput::Heard { .. }
                | ModelOutput::Caption(_)
                | ModelOutput::Text(_)
                | ModelOutput::Thought(_)
                | ModelOutput::ToolCalls(_)
                | ModelOutput::ExecutableCode(_)
                | ModelOutput::CodeExecutionResult(_)
                | ModelOutput::Grounding(_)
                | ModelOutput::UrlContext(_)
                | ModelOutput::ToolUse(_)
                | ModelOutput::End(_)
                | ModelOutput::Failed(_),
                _,
            ) => Ok(()),
        }
    }

    /// Sends a piece of the running generation, or keeps it back for a while if it is speech. [`ModelOutput::Failed`] is the engine's to handle.
    pub(super) fn speak(&mut self, output: ModelOutput, cx: &mut Cx<'_>) {
        if self.is_capped()
            && matches!(output, ModelOutput::Text(_) | ModelOutput::Thought(_) | ModelOutput::Speech { .. })
        {
            return self.stop_at_the_cap(cx);
        }
        if !matches!(output, ModelOutput::Heard { .. }) {
            self.finish_hearing(cx);
        }
        match output {
            ModelOutput::Heard { text, finished } => return self.hear_of(&text, finished, cx),
            ModelOutput::Caption(text) => return self.send_heard(&text, cx),
            ModelOutput::Text(text) => {
                for piece in pieces(&text, cx.config.limits.text_frame_bytes_max) {
                    self.send_part(Part::text(piece), cx);
                }
                let answer = self.open_answer();
                answer.keep_text(&text);
                answer.count(Sent { text: text.len(), ..Sent::default() });
            }
            ModelOutput::Thought(text) => {
                if self.config.include_thoughts {
                    for piece in pieces(&text, cx.config.limits.text_frame_bytes_max) {
                        self.send_part(Part::thought(piece), cx);
                    }
                }
                self.open_answer().count(Sent { thought: text.len(), ..Sent::default() });
            }
            ModelOutput::Speech { pcm, text } => self.say(pcm, text, cx),
            ModelOutput::ExecutableCode(code) => {
                self.flush_speech(cx);
                let bytes = code.code.len();
                let part = Part::from(PartData::from(code));
                self.send_part(part.clone(), cx);
                // What it gives is awaited, whatever was said: code without a result tells nothing.
                return self.open_answer().keep(part, bytes);
            }
            ModelOutput::CodeExecutionResult(result) => {
                self.flush_speech(cx);
                let bytes = result.output.len();
                let part = Part::from(PartData::from(result));
                self.send_part(part.clone(), cx);
                self.open_answer().keep_result(part, bytes);
            }
            ModelOutput::Grounding(metadata) => {
                self.say_beside(ServerContent { grounding_metadata: Some(metadata), ..ServerContent::default() }, cx);
            }
            ModelOutput::UrlContext(metadata) => {
                self.say_beside(ServerContent { url_context_metadata: Some(metadata), ..ServerContent::default() }, cx);
            }
            ModelOutput::ToolUse(bytes) => self.open_answer().count(Sent { tool_use: bytes, ..Sent::default() }),
            ModelOutput::ToolCalls(calls) => {
                self.flush_speech(cx);
                return self.call(calls, cx);
            }
            ModelOutput::End(reason) => return self.complete_generation(reason, cx),
            ModelOutput::Failed(_) => unreachable!("the engine closes on a failed model"),
        }
        self.stop_at_the_cap(cx);
    }

    /// `maxOutputTokens` caps the whole turn, thoughts and words together, at the piece that reaches it.
    fn is_capped(&self) -> bool {
        let usage = self.answer.as_ref().expect("a turn that is open has an answer").usage();
        let said = usage.response.total() + usage.thoughts;
        let cap = self.config.generation.max_output_tokens.and_then(|cap| u64::try_from(cap).ok());
        cap.is_some_and(|cap| said >= cap)
    }

    /// Ends a generation that has said all it may: at once, or when it has had the time to call functions. Calls come
    /// behind the words, and half an answer is worth more with them.
    fn stop_at_the_cap(&mut self, cx: &mut Cx<'_>) {
        if !self.is_capped() {
            return;
        }
        let capped_at = *self.open_answer().capped_at.get_or_insert(cx.now);
        let may_call = self.config.functions().next().is_some();
        if !may_call || cx.now.duration_since(capped_at) >= cx.config.limits.overrun {
            cx.event(ServerEvent::Cancel(self.last_turn));
            self.complete_generation(EndReason::Complete, cx);
        }
    }

    /// Sends one part, alone in its frame: players look at the first part only.
    pub(super) fn send_part(&mut self, part: Part, cx: &mut Cx<'_>) {
        let content = match self.config.backend {
            Backend::Gemini => Content::unsigned(part),
            Backend::Vertex => Content::model(part),
        };
        cx.send(ServerContent { model_turn: Some(content), ..ServerContent::default() });
    }

    pub(super) fn open_answer(&mut self) -> &mut Answer {
        self.answer.as_mut().expect("a turn that is open has an answer")
    }
}

/// Cuts text into non-empty pieces of at most `max` bytes, between characters.
pub(super) fn pieces(text: &str, max: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(max).max(first));
        rest = tail;
        Some(piece)
    })
}
