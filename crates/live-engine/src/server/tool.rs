//! Function calls of the model and the client's answers to them.
//!
//! Not here: the ledger itself ([`crate::tools`]) and what a declaration may say ([`super::declaration`]).

use live_proto::{
    Behavior, Content, FunctionCall, FunctionResponse, Part, PartData, Scheduling, ServerMessage, Struct, ToolResponse,
    Value,
};

use super::content::USER;
use super::session::{Cx, Session, Waiting as Kept};
use super::{ServerEvent, Unmatched, Warning};
use crate::context::Tokens;
use crate::profile::{AfterCall, Backend};
use crate::prompt::EndReason;
use crate::schema::{fit, shown};
use crate::timer::Timer;
use crate::tools::{CallIds, Known, Waiting};
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
        if let Some(malformed) = calls.iter().find_map(|call| self.misfit(call)) {
            cx.warn(malformed);
            cx.event(ServerEvent::Cancel(self.last_turn));
            return self.complete_generation(EndReason::MalformedFunctionCall, cx);
        }
        self.make_room(&mut calls, cx);
        if calls.is_empty() {
            return;
        }
        let mut blocking = false;
        for call in &mut calls {
            // A model may count its calls anew in every answer.
            while call.id.is_empty() || self.calls.knows(&call.id) != Known::New {
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
        cx.timers.arm(Timer::Answers, cx.config.limits.call_deadline, cx.now);
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
        let withdrawn = self.calls.withdraw_oldest(excess, cx.config.limits.remembered_calls_max);
        if !withdrawn.is_empty() {
            cx.warn(Warning::CallsWithdrawn { count: withdrawn.len(), max });
            cx.send(ServerMessage::tool_call_cancellation(withdrawn.into_iter().map(|call| call.id).collect()));
        }
    }

    /// Why a call is not one that the running generation could make.
    fn misfit(&self, call: &FunctionCall) -> Option<Warning> {
        let function = call.name.as_str();
        let malformed =
            |path: String, rule: String| Warning::CallMalformed { function: shown(function).into(), path, rule };
        let asked = &self.answer.as_ref().expect("a turn that is open has an answer").asked;
        let Some(declaration) = asked.functions().find(|declared| declared.name == function) else {
            return Some(malformed("name".into(), "no function of this name is declared".into()));
        };
        let no_args = Struct::default();
        let judged = fit::check(declaration, call.args.as_ref().unwrap_or(&no_args));
        judged.err().map(|fit::Misfit { path, rule }| malformed(path, rule))
    }

    /// A function waits, or not, as its declaration says, or else as its model does.
    fn stands_still_for(&self, name: &str) -> bool {
        let asked = &self.answer.as_ref().expect("a turn that is open has an answer").asked;
        let declared = asked.functions().find(|function| function.name == name);
        let behavior = declared.map(|function| &function.behavior).filter(|it| **it != Behavior::Unspecified);
        *behavior.unwrap_or(&self.config.profile.default_behavior) != Behavior::NonBlocking
    }

    pub(super) fn tool_response(&mut self, message: ToolResponse, cx: &mut Cx<'_>) {
        let mut blocking_parts = Vec::new();
        let mut late_parts = Vec::new();
        let mut when = Hears::Silently;
        for mut response in message.function_responses {
            match self.calls.find(&response.id, &response.name).cloned() {
                Some(call) => {
                    if !response.will_continue {
                        self.calls.settle(&call, cx.config.limits.remembered_calls_max);
                    } else if call.blocking {
                        // A function that tells of itself is not lost.
                        cx.timers.arm(Timer::Answers, cx.config.limits.call_deadline, cx.now);
                    }
                    if !response.name.is_empty() && response.name != call.name {
                        let found = shown(&response.name).to_owned();
                        cx.warn(Warning::ResponseMisnamed { function: call.name.clone(), found });
                    }
                    (response.id, response.name) = (call.id, call.name);
                    if call.blocking {
                        blocking_parts.push(Part::function_response(response));
                    } else {
                        when = when.max(hears(&response));
                        late_parts.push(Part::function_response(response));
                    }
                }
                None => match self.unmatched(&response) {
                    // Vertex is recorded to answer a response to a call that was never made; Gemini to pass over it.
                    Unmatched::NeverMade if self.config.backend == Backend::Vertex => {
                        when = when.max(Hears::WhenIdle);
                        late_parts.push(Part::function_response(response));
                    }
                    why @ (Unmatched::NeverMade | Unmatched::Answered | Unmatched::Cancelled | Unmatched::Orphaned) => {
                        let call = if response.id.is_empty() { &response.name } else { &response.id };
                        cx.warn(Warning::UnmatchedResponse { call: shown(call).into(), why });
                    }
                },
            }
        }
        if !blocking_parts.is_empty() {
            self.append_answers(blocking_parts);
        }
        if !late_parts.is_empty() {
            self.take_late_responses(when, late_parts, cx);
        }
        self.go_on_if_answered(cx);
    }

    /// What is known of the call that a response would answer.
    fn unmatched(&self, response: &FunctionResponse) -> Unmatched {
        let known = match response.id.as_str() {
            "" => self.calls.knows_name(&response.name),
            id => self.calls.knows(id),
        };
        match known {
            Known::Answered => Unmatched::Answered,
            Known::Cancelled => Unmatched::Cancelled,
            Known::New | Known::Waiting if CallIds::has_form(&response.id) => Unmatched::Orphaned,
            Known::New | Known::Waiting => Unmatched::NeverMade,
        }
    }

    /// Ends the wait for functions that have not answered in time: they are withdrawn, and the model is told so in their place.
    pub(super) fn go_on_without(&mut self, cx: &mut Cx<'_>) {
        let overdue = self.calls.withdraw_blocking(cx.config.limits.remembered_calls_max);
        let after = cx.config.limits.call_deadline;
        cx.warn(Warning::CallsOverdue { count: overdue.len(), after });
        cx.send(ServerMessage::tool_call_cancellation(overdue.iter().map(|call| call.id.clone()).collect()));
        let error = format!("no answer came within {} s", after.as_secs());
        let parts = overdue.into_iter().map(|Waiting { id, name, .. }| {
            let response: Struct = [("error", error.as_str())].into_iter().collect();
            Part::function_response(FunctionResponse::new(id, name, response))
        });
        let parts = parts.collect();
        self.append_answers(parts);
        self.go_on_if_answered(cx);
    }

    fn append_answers(&mut self, parts: Vec<Part>) {
        let content = Content { parts: parts.into(), role: USER.into() };
        let tokens = Tokens::of(&content);
        self.context.append(content, tokens);
    }

    /// Asks the model again once it has all that it stood still for.
    fn go_on_if_answered(&mut self, cx: &mut Cx<'_>) {
        let stands_still = matches!(self.turn, Turn::Suspended(_) | Turn::AwaitingAnswers(_));
        if stands_still && !self.calls.is_blocked() {
            cx.timers.stop(Timer::Answers);
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
