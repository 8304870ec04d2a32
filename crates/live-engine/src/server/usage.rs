//! What a turn cost, in numbers and as the backend spells them.
//!
//! Not here: how tokens are counted ([`crate::context`]).

use std::ops::AddAssign;

use live_proto::UsageMetadata;

use crate::context::{Tokens, wire_count};
use crate::profile::Backend;

/// What a turn cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnUsage {
    /// The whole retained context the model was given, instruction and declarations included.
    pub prompt: Tokens,
    /// What it answered, as far as it was sent.
    pub response: Tokens,
    /// What it thought.
    pub thoughts: u64,
    /// What its own tools gave it to read.
    pub tool_use: u64,
}

impl AddAssign for TurnUsage {
    fn add_assign(&mut self, other: Self) {
        let Self { prompt, response, thoughts, tool_use } = other;
        self.prompt += prompt;
        self.response += response;
        self.thoughts += thoughts;
        self.tool_use += tool_use;
    }
}

impl TurnUsage {
    /// Everything together.
    pub fn total(&self) -> u64 {
        self.prompt.total() + self.response.total() + self.thoughts + self.tool_use
    }

    /// The wire's message. SDKs drop the other backend's spelling without a word.
    pub fn metadata(&self, backend: Backend) -> UsageMetadata {
        let (count, details) = (wire_count(self.response.total()), self.response.details());
        let common = UsageMetadata {
            prompt_token_count: wire_count(self.prompt.total()),
            total_token_count: wire_count(self.total()),
            prompt_tokens_details: self.prompt.details(),
            thoughts_token_count: wire_count(self.thoughts),
            tool_use_prompt_token_count: wire_count(self.tool_use),
            tool_use_prompt_tokens_details: Tokens { text: self.tool_use, ..Tokens::default() }.details(),
            ..UsageMetadata::default()
        };
        match backend {
            Backend::Gemini => {
                UsageMetadata { response_token_count: count, response_tokens_details: details, ..common }
            }
            Backend::Vertex => {
                UsageMetadata { candidates_token_count: count, candidates_tokens_details: details, ..common }
            }
        }
    }
}
