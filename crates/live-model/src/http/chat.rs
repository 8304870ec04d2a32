//! A language model by `POST /chat/completions`, streamed: the conversation goes out whole, words and calls come back.
//!
//! How the conversation is written is in `request`, how the answer is read in `answer`.

use std::collections::VecDeque;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use live_engine::{ModelOutput, Prompt};
use serde_json::{Map, Value};

use self::answer::Answer;
use super::event::Events;
use super::service::{Reply, Service};
use crate::fault::Fault;
use crate::model::Model;

mod answer;
mod request;
mod schema;

/// What is asked of the service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatConfig {
    /// The model, such as `qwen3:8b`.
    pub model: String,
    /// Said before the session's own instruction, in every session: that answers are spoken aloud, for instance.
    pub instruction: String,
    /// How many pictures of a conversation the model is shown, the last ones; the others are named only. 0 for a model that sees none.
    pub images_max: usize,
    /// Further fields of the request. They win over what the session asks for.
    pub parameters: Map<String, Value>,
}

/// A language model that is a service. It answers in text; a [`Cascade`](crate::Cascade) makes it speak.
#[derive(Clone, Debug)]
pub struct Chat {
    service: Service,
    config: ChatConfig,
}

impl Chat {
    /// Answers by a model of `service`.
    pub fn new(service: Service, config: ChatConfig) -> Self {
        Self { service, config }
    }
}

impl Model for Chat {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let run = Run::Waiting(Box::new((self.clone(), prompt)));
        stream::unfold(run, async |run| run.next().await).boxed()
    }
}

enum Run {
    Waiting(Box<(Chat, Prompt)>),
    Running(Box<Running>),
    Over,
}

impl Run {
    async fn next(self) -> Option<(ModelOutput, Self)> {
        let mut running = match self {
            Self::Waiting(asked) => {
                let (Chat { service, config }, prompt) = *asked;
                let body = request::body(&config, &prompt).to_string().into_bytes();
                let functions = prompt.session.functions().map(|function| function.name.clone()).collect();
                drop(prompt);
                match service.post("chat/completions", "application/json", body).await {
                    Ok(reply) => Box::new(Running {
                        reply,
                        events: Events::default(),
                        answer: Answer::new(functions),
                        outputs: VecDeque::new(),
                    }),
                    Err(fault) => return Some((failed(&fault), Self::Over)),
                }
            }
            Self::Running(running) => running,
            Self::Over => return None,
        };
        match running.next().await {
            Ok(output @ (ModelOutput::End(_) | ModelOutput::Failed(_))) => Some((output, Self::Over)),
            Ok(output) => Some((output, Self::Running(running))),
            Err(fault) => Some((failed(&fault), Self::Over)),
        }
    }
}

struct Running {
    reply: Reply,
    events: Events,
    answer: Answer,
    outputs: VecDeque<ModelOutput>,
}

impl Running {
    async fn next(&mut self) -> Result<ModelOutput, Fault> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Ok(output);
            }
            if self.answer.is_over() {
                return Err(self.reply.fault("its answer says nothing and calls nothing"));
            }
            if self.reply.is_json {
                // A server that does not stream.
                let body = self.reply.whole().await?;
                let body = String::from_utf8_lossy(&body).into_owned();
                self.take(&body)?;
                self.take("[DONE]")?;
                continue;
            }
            let Some(bytes) = self.reply.next().await? else {
                // Some servers close instead of saying `[DONE]`; that is an end only behind a reason for it.
                if !self.answer.has_reason() {
                    return Err(self.reply.fault("its answer broke off"));
                }
                self.take("[DONE]")?;
                continue;
            };
            let mut ready = Vec::new();
            self.events.push(&bytes, &mut ready).map_err(|_| self.reply.fault("it sent an event without end"))?;
            for data in ready {
                self.take(&data)?;
            }
        }
    }

    fn take(&mut self, data: &str) -> Result<(), Fault> {
        self.answer.push(data, &mut self.outputs).map_err(|why| self.reply.fault(why))
    }
}

fn failed(fault: &Fault) -> ModelOutput {
    ModelOutput::Failed(fault.to_string())
}
