//! What the engine asks of a model and what a model answers.
//!
//! Not here: models themselves, which are hosts of the engine, and the frames their answers become ([`crate::server`]).

use std::sync::Arc;

use bytes::Bytes;
use live_proto::{CodeExecutionResult, Content, ExecutableCode, FunctionCall, GroundingMetadata};

use crate::server::SessionConfig;

/// All that a model is told for one generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// What the client set up: model, instruction, tools, voice, modality.
    pub session: Arc<SessionConfig>,
    /// The whole retained conversation, oldest first; what is not answered yet comes last.
    ///
    /// Roles are `user` and `model`, as on the wire. The model's own speech is kept as the text it said; a user's is one
    /// `inlineData` part per stretch of equal MIME type.
    pub history: Vec<Arc<Content>>,
    /// How many entries at the end of `history` were appended since the model's last answer; 0 when a client completed a
    /// turn without adding to it.
    pub unanswered: usize,
}

impl Prompt {
    /// The entries that were appended since the model's last answer, oldest first.
    pub fn unanswered(&self) -> &[Arc<Content>] {
        &self.history[self.history.len().saturating_sub(self.unanswered)..]
    }
}

/// A piece of a model's answer. [`ToolCalls`](Self::ToolCalls) that wait, [`End`](Self::End) and [`Failed`](Self::Failed)
/// are the last of their generation.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelOutput {
    /// Words, for a session that answers in text.
    Text(String),
    /// Thought aloud: sent as a `thought` part if the client asked for thoughts, and counted either way.
    Thought(String),
    /// Sound, for a session that answers in speech.
    Speech {
        /// Samples: s16le, mono, 24 kHz.
        pcm: Bytes,
        /// What this sound says, to be appended to the transcript; may be empty.
        text: String,
    },
    /// Functions to be run by the client. A call without an id is given one.
    ToolCalls(Vec<FunctionCall>),
    /// Code the model runs.
    ExecutableCode(ExecutableCode),
    /// What the code gave.
    CodeExecutionResult(CodeExecutionResult),
    /// What the answer stands on.
    Grounding(Box<GroundingMetadata>),
    /// The answer is complete.
    End(EndReason),
    /// The model cannot go on; the text is for the log. Ends the connection with 1011.
    Failed(String),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EndReason {
    /// All is said.
    #[default]
    Complete,
    /// The model waits for the user to go on: `turnCompleteReason` NEED_MORE_INPUT and `waitingForInput`.
    NeedMoreInput,
    /// The answer was rejected: `turnCompleteReason` RESPONSE_REJECTED.
    Rejected,
    /// A call that does not fit its declaration: `turnCompleteReason` MALFORMED_FUNCTION_CALL.
    MalformedFunctionCall,
}
