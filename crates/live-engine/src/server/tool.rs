//! Function calls of the model and the client's answers to them.
//!
//! Not here: the ledger itself ([`crate::tools`]) and what a declaration may say ([`super::declaration`]).

use live_proto::{
    Behavior, Content, FunctionCall, FunctionResponse, Part, PartData, Scheduling, ServerMessage, ToolResponse, Value,
};

use super::content::USER;
use super::session::{Cx, Session, Waiting as Kept};
use super::{ServerEvent, Warning};
use crate::context::Tokens;
use crate::profile::{AfterCall, Backend};
use crate::prompt::EndReason;
use crate::tools::Waiting;
use crate::turn::{Signal, Turn};

/// When the model hears an answer that it did not stand still for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hears {
    /// With the next prompt.
    Silently,
    /// As soon as nobody speaks.
    WhenIdle,
    /// Now, whatever it is saying.
    Now,
}

impl Session {
    pub(super) fn call(&mut self, mut calls: Vec<FunctionCall>, cx: &mut Cx<'_>) {
        self.make_room(&mut calls, cx);
        if calls.is_empty() {
            return;
        }
        let mut blocking = false;
        for call in &mut calls {
            if call.id.is_empty() {
                call.id = match self.config.backend {
                    Backend::Gemini => self.call_ids.gemini(),
                    Backend::Vertex => self.call_ids.vertex(),
                };
            }
            let waits = self.stands_still_for(&call.name);
            blocking |= waits;
            self.calls.open(Waiting { id: call.id.clone(), name: call.name.clone(), blocking: waits });
            let part = Part::function_call(call.clone());
            let bytes = usize::try_from(Tokens::of_part(&part).text * crate::context::TEXT_BYTES_PER_TOKEN)
                .unwrap_or(usize::MAX);
            self.open_answer().keep(part, bytes);
        }
        cx.send(ServerMessage::tool_call(calls));
        if !blocking {
            return;
        }
        // The model's stream may hold more; it is not heard until it is asked again.
        cx.event(ServerEvent::Cancel(self.last_turn));
        self.finish_transcript(cx);
        self.commit_answer();
        self.context.answered();
        self.signal(Signal::Called);
        match self.config.profile.after_call {
            AfterCall::HoldsTurn => {}
            AfterCall::CompletesTurn => {
                self.signal(Signal::GenerationComplete);
                cx.send(live_proto::ServerContent { generation_complete: true, ..Default::default() });
                self.complete_turn(EndReason::Complete, cx);
            }
        }
    }

    /// Keeps the ledger within its bound. A host could do nothing about it: the calls are made, and a client need not answer.
    fn make_room(&mut self, calls: &mut Vec<FunctionCall>, cx: &mut Cx<'_>) {
        let max = cx.config.limits.outstanding_calls_max;
        if calls.len() > max {
            cx.warn(Warning::CallsNotSent { found: calls.len(), max });
            calls.truncate(max);
        }
        // A model that speaks stands still for none of those that wait.
        let excess = (self.calls.len() + calls.len()).saturating_sub(max);
        let ids = self.calls.withdraw_oldest(excess, cx.config.limits.remembered_calls_max);
        if !ids.is_empty() {
            cx.warn(Warning::CallsWithdrawn { count: ids.len(), max });
            cx.send(ServerMessage::tool_call_cancellation(ids));
        }
    }

    /// A function waits unless its declaration says otherwise. 3.8 models are documented to go on by default; clients of
    /// theirs rely on a turn that stands still, so that takes an explicit `NON_BLOCKING` here too.
    fn stands_still_for(&self, name: &str) -> bool {
        self.config.functions().find(|function| function.name == name).is_none_or(|function| match function.behavior {
            Behavior::NonBlocking => false,
            Behavior::Blocking | Behavior::Unspecified | Behavior::Unrecognized(_) => true,
        })
    }

    pub(super) fn tool_response(&mut self, message: ToolResponse, cx: &mut Cx<'_>) {
        let mut blocking_parts = Vec::new();
        let mut late_parts = Vec::new();
        let mut when = Hears::Silently;
        for response in message.function_responses {
            match self.calls.find(&response.id, &response.name).cloned() {
                Some(call) => {
                    if !response.will_continue {
                        self.calls.settle(&call, cx.config.limits.remembered_calls_max);
                    }
                    if call.blocking {
                        blocking_parts.push(Part::function_response(response));
                    } else {
                        when = when.max(hears(&response));
                        late_parts.push(Part::function_response(response));
                    }
                }
                // Vertex is recorded to answer a response to a call that was never made; Gemini to pass over it.
                None if self.config.backend == Backend::Vertex && self.was_never_made(&response) => {
                    when = when.max(Hears::WhenIdle);
                    late_parts.push(Part::function_response(response));
                }
                None => {
                    let call = if response.id.is_empty() { response.name } else { response.id };
                    cx.warn(Warning::UnmatchedResponse { call });
                }
            }
        }
        if !blocking_parts.is_empty() {
            let content = Content { parts: blocking_parts.into(), role: USER.into() };
            let tokens = Tokens::of(&content);
            self.context.append(content, tokens);
        }
        if !late_parts.is_empty() {
            self.take_late_responses(when, late_parts, cx);
        }
        let stands_still = matches!(self.turn, Turn::Suspended(_) | Turn::AwaitingAnswers(_));
        if stands_still && !self.calls.is_blocked() {
            self.take_what_waited();
            self.prompt(cx);
        }
    }

    /// The answers that were to be heard when nobody speaks are heard with those that the model stood still for; where its
    /// turn is over, so is everything else that waited for that.
    fn take_what_waited(&mut self) {
        let is_over = matches!(self.turn, Turn::AwaitingAnswers(_));
        for kept in std::mem::take(&mut self.waiting) {
            if is_over || kept.content.parts.iter().all(|part| matches!(part.data, Some(PartData::FunctionResponse(_))))
            {
                self.context.append(kept.content, kept.tokens);
            } else {
                self.waiting.push(kept);
            }
        }
    }

    fn was_never_made(&self, response: &FunctionResponse) -> bool {
        self.calls.knows(&response.id) == crate::tools::Known::New
    }

    /// Takes the answers of one message, which are heard together: when the most urgent of them asks for it.
    fn take_late_responses(&mut self, hears: Hears, parts: Vec<Part>, cx: &mut Cx<'_>) {
        let content = Content { parts: parts.into(), role: USER.into() };
        let tokens = Tokens::of(&content);
        match (self.turn, hears) {
            (Turn::Generating(_) | Turn::Playing(_), Hears::Now) => {
                self.interrupt(cx);
                self.context.append(content, tokens);
                self.prompt(cx);
            }
            (Turn::Idle, Hears::Now | Hears::WhenIdle) => {
                self.context.append(content, tokens);
                self.prompt(cx);
            }
            // The next prompt is due anyway, and holds it.
            (Turn::Suspended(_) | Turn::AwaitingAnswers(_) | Turn::Listening | Turn::Interrupted(_), _)
            | (Turn::Idle, Hears::Silently) => self.context.append(content, tokens),
            (Turn::Generating(_) | Turn::Playing(_), Hears::WhenIdle | Hears::Silently) => {
                self.waiting.push(Kept { content, tokens, asks: hears == Hears::WhenIdle });
            }
        }
    }
}

/// `scheduling`, which guides show inside `response` as well.
fn hears(response: &FunctionResponse) -> Hears {
    let inside = || response.response.as_ref().and_then(|object| object.get("scheduling")).and_then(Value::as_str);
    let scheduling = match &response.scheduling {
        None | Some(Scheduling::Unspecified) => inside().and_then(Scheduling::from_name),
        Some(scheduling) => Some(scheduling.clone()),
    };
    match scheduling {
        Some(Scheduling::Silent) => Hears::Silently,
        Some(Scheduling::Interrupt) => Hears::Now,
        None | Some(Scheduling::WhenIdle | Scheduling::Unspecified | Scheduling::Unrecognized(_)) => Hears::WhenIdle,
    }
}
