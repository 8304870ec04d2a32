//! A language model by `POST /chat/completions`, streamed: the conversation goes out whole, words and calls come back.
//!
//! How the conversation is written is in `request`, how the answer is read in `answer`, and what becomes of calls of our own tools in `run`.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use live_engine::{BuiltInTools, ModelOutput, Prompt};
use serde_json::{Map, Value};

use self::run::Run;
use super::service::Service;
use crate::model::Model;
use crate::tool::BuiltIns;

mod answer;
mod lookup;
mod request;
mod run;
mod schema;
mod tool;

/// What is asked of the service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatConfig {
    /// The model, such as `qwen3:8b`.
    pub model: String,
    /// Said before the session's own instruction, in every session: that answers are spoken aloud, for instance.
    pub instruction: String,
    /// How many pictures of a conversation the model is shown, the last ones; the others are named only. 0 for a model that sees none.
    pub images_max: usize,
    /// Whether `reasoning_effort` is never sent, for services that refuse it.
    pub is_told_no_effort: bool,
    /// Further fields of the request. They win over what the session asks for.
    pub parameters: Map<String, Value>,
}

/// A language model that is a service. It answers in text; a [`Cascade`](crate::Cascade) makes it speak.
#[derive(Clone, Debug)]
pub struct Chat {
    service: Service,
    config: ChatConfig,
    built_ins: BuiltIns,
}

impl Chat {
    /// Answers by a model of `service`.
    pub fn new(service: Service, config: ChatConfig) -> Self {
        Self { service, config, built_ins: BuiltIns::default() }
    }

    /// Sets the tools that run here: the model is offered them as functions. Default: none.
    #[must_use]
    pub fn built_ins(mut self, built_ins: BuiltIns) -> Self {
        self.built_ins = built_ins;
        self
    }
}

impl Model for Chat {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let chat = self.clone();
        let answer = stream::once(async move {
            let Self { service, config, built_ins } = chat;
            Run::new(service, &config, &built_ins.within(&prompt.session.tools), &prompt)
        });
        let said = |run| stream::unfold(run, async |mut run: Run| run.next().await.map(|output| (output, run)));
        answer.flat_map(said).boxed()
    }

    fn built_in_tools(&self) -> BuiltInTools {
        self.built_ins.offered()
    }
}
