//! One answer of a service, in as many rounds as it takes: what it says goes to the client, what it asks of our own tools is done
//! here and told to it, until it has no more to ask.
//!
//! Which tools there are is in `tool`, how a round is read in `answer`.

use std::collections::VecDeque;

use live_engine::{ModelOutput, Prompt};
use live_proto::FunctionCall;
use serde_json::{Value, json};

use super::answer::{Answer, Finish, OwnCall};
use super::tool::{Done, OwnTools, Work, told_error};
use super::{ChatConfig, request};
use crate::fault::Fault;
use crate::grounding::Grounding;
use crate::http::event::Events;
use crate::http::service::{Reply, Service};
use crate::tool::BuiltIns;

/// Rounds of one answer in which it may call our tools; one more is for what it says then.
const ROUNDS_MAX: usize = 8;
/// Calls of our tools in one round.
const CALLS_MAX: usize = 16;

/// An answer under way.
pub(super) struct Run {
    service: Service,
    /// The request of the next round; each round adds to its messages.
    body: Value,
    functions: Vec<String>,
    tools: OwnTools,
    rounds: usize,
    round: Option<Round>,
    /// Calls of our tools that are still to be answered, and what was answered.
    own_calls: VecDeque<OwnCall>,
    work: Option<Work>,
    answered: Vec<(String, String)>,
    /// Calls of the client's functions, which come at the end.
    calls: Vec<FunctionCall>,
    outputs: VecDeque<ModelOutput>,
    /// What was said ends in a word, and a round has ended since.
    needs_space: bool,
    /// What was said so far, and what it may stand on.
    grounding: Grounding,
    is_over: bool,
}

/// One request and what comes back.
struct Round {
    reply: Reply,
    events: Events,
    answer: Answer,
}

impl Run {
    pub(super) fn new(service: Service, config: &ChatConfig, built_ins: &BuiltIns, prompt: &Prompt) -> Self {
        let tools = OwnTools::of(built_ins, &prompt.session);
        Self {
            service,
            body: request::body(config, prompt, &tools),
            functions: prompt.session.functions().map(|function| function.name.clone()).collect(),
            tools,
            rounds: 0,
            round: None,
            own_calls: VecDeque::new(),
            work: None,
            answered: Vec::new(),
            calls: Vec::new(),
            outputs: VecDeque::new(),
            needs_space: false,
            grounding: Grounding::default(),
            is_over: false,
        }
    }

    /// The next output; none after the last one.
    pub(super) async fn next(&mut self) -> Option<ModelOutput> {
        if self.is_over {
            return None;
        }
        let output = self.go_on().await.unwrap_or_else(|fault| ModelOutput::Failed(fault.to_string()));
        self.is_over = matches!(output, ModelOutput::End(_) | ModelOutput::Failed(_));
        Some(output)
    }

    async fn go_on(&mut self) -> Result<ModelOutput, Fault> {
        loop {
            if let Some(mut output) = self.outputs.pop_front() {
                if let ModelOutput::Text(text) = &mut output
                    && std::mem::take(&mut self.needs_space)
                    && !text.starts_with(char::is_whitespace)
                {
                    text.insert(0, ' ');
                }
                return Ok(self.ground(output));
            }
            if self.round.is_some() {
                self.read().await?;
            } else if let Some(work) = &mut self.work {
                let Done { output, told, found } = (&mut work.done).await;
                self.work = None;
                self.outputs.push_back(output);
                if let Some(found) = found {
                    found.note(&mut self.grounding);
                }
                self.answer_own(told);
            } else if let Some(call) = self.own_calls.front() {
                match self.tools.call(&call.name, &call.arguments) {
                    Ok(mut work) => {
                        self.outputs.extend(work.announced.take());
                        self.work = Some(work);
                    }
                    Err(told) => self.answer_own(told),
                }
            } else if !self.calls.is_empty() {
                // The client's functions are run there; what ours gave is in the history by the time they are answered.
                self.outputs.push_back(ModelOutput::ToolCalls(std::mem::take(&mut self.calls)));
                self.outputs.push_back(ModelOutput::End(live_engine::EndReason::Complete));
            } else {
                self.ask().await?;
            }
        }
    }

    /// Follows what is said. Behind the last words of an answer, and before whatever ends it, comes what they stand on.
    fn ground(&mut self, output: ModelOutput) -> ModelOutput {
        if let ModelOutput::Text(text) = &output {
            self.grounding.say(text);
        } else if matches!(output, ModelOutput::ToolCalls(_) | ModelOutput::End(_)) {
            self.grounding.compare();
            let mut first = output;
            for next in self.grounding.outputs().into_iter().rev() {
                self.outputs.push_front(std::mem::replace(&mut first, next));
            }
            return first;
        }
        output
    }

    fn answer_own(&mut self, told: String) {
        if let Some(call) = self.own_calls.pop_front() {
            self.answered.push((call.id, told));
        }
    }

    /// Begins with a round.
    async fn ask(&mut self) -> Result<(), Fault> {
        let answers =
            self.answered.drain(..).map(|(id, told)| json!({ "role": "tool", "tool_call_id": id, "content": told }));
        if let Some(messages) = self.body["messages"].as_array_mut() {
            messages.extend(answers);
        }
        if self.rounds == ROUNDS_MAX {
            tracing::warn!(rounds = ROUNDS_MAX, "a model only calls tools; it is asked for an answer without them");
            self.tools = OwnTools::default();
            request::withdraw(&mut self.body, &self.functions);
        }
        self.rounds += 1;
        let body = self.body.to_string().into_bytes();
        let reply = self.service.post("chat/completions", "application/json", body).await?;
        let own = self.tools.names().map(str::to_owned).collect();
        let answer = Answer::new(self.functions.iter().cloned().collect(), own);
        self.round = Some(Round { reply, events: Events::default(), answer });
        Ok(())
    }

    /// Reads on in the round.
    async fn read(&mut self) -> Result<(), Fault> {
        let Some(round) = &mut self.round else { return Ok(()) };
        round.read(&mut self.outputs).await?;
        let Some(finish) = round.answer.finished() else { return Ok(()) };
        let finish = match finish {
            Finish::Nothing => return Err(round.reply.fault("its answer says nothing and calls nothing")),
            // The end is among the outputs.
            Finish::Ended => {
                self.round = None;
                return Ok(());
            }
            Finish::Calls(finish) => finish,
        };
        self.round = None;
        let (said, mut own, calls) = (finish.said, finish.own, finish.calls);
        self.needs_space |= said.ends_with(|c: char| !c.is_whitespace());
        for (at, call) in own.iter_mut().enumerate() {
            call.id = format!("call_{}_{at}", self.rounds);
        }
        let tool_calls: Vec<Value> = own.iter().map(OwnCall::told).collect();
        if let Some(messages) = self.body["messages"].as_array_mut() {
            messages.push(json!({ "role": "assistant", "content": said, "tool_calls": tool_calls }));
        }
        self.calls = calls;
        self.own_calls = own.into();
        for _ in CALLS_MAX..self.own_calls.len() {
            let too_many = self.own_calls.pop_back().map(|call| call.id).unwrap_or_default();
            self.answered.push((too_many, told_error(&format!("more than {CALLS_MAX} calls at once; call it again"))));
        }
        Ok(())
    }
}

impl Round {
    async fn read(&mut self, out: &mut VecDeque<ModelOutput>) -> Result<(), Fault> {
        if self.reply.is_json {
            // A server that does not stream.
            let body = self.reply.whole().await?;
            let body = String::from_utf8_lossy(&body).into_owned();
            self.take(&body, out)?;
            return self.take("[DONE]", out);
        }
        let Some(bytes) = self.reply.next().await? else {
            // Some servers close instead of saying `[DONE]`; that is an end only behind a reason for it.
            if !self.answer.has_reason() {
                return Err(self.reply.fault("its answer broke off"));
            }
            return self.take("[DONE]", out);
        };
        let mut ready = Vec::new();
        self.events.push(&bytes, &mut ready).map_err(|_| self.reply.fault("it sent an event without end"))?;
        ready.iter().try_for_each(|data| self.take(data, out))
    }

    fn take(&mut self, data: &str, out: &mut VecDeque<ModelOutput>) -> Result<(), Fault> {
        self.answer.push(data, out).map_err(|why| self.reply.fault(why))
    }
}
