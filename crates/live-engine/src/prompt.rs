//! What the engine asks of a model and what a model answers.
//!
//! Not here: models themselves, which are hosts of the engine, and the frames their answers become ([`crate::server`]).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use live_audio::PcmFormat;
use live_proto::{
    CodeExecutionResult, Content, ExecutableCode, FunctionCall, GroundingMetadata, Part, UrlContextMetadata,
};

use crate::context::{Kind, kind};
use crate::server::SessionConfig;

/// All that a model is told for one generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// What the client set up: model, instruction, tools, voice, modality.
    pub session: Arc<SessionConfig>,
    /// The whole retained conversation, oldest first; what is not answered yet comes last.
    ///
    /// Roles are `user` and `model`, as on the wire. The model's own speech is kept as the text it said; a user's is one
    /// `inlineData` part per stretch of equal MIME type. What was understood of it stands beside it: [`transcript`].
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

    /// The stretches of speech that nobody has recognised yet, oldest first: those that [`ModelOutput::Heard`] is about, in
    /// its order.
    pub fn unheard(&self) -> impl Iterator<Item = &Part> {
        self.unanswered().iter().flat_map(|content| &content.parts).filter(|part| is_unheard(part))
    }

    /// What a model without a recogniser can say of the speech that came last, as [`ModelOutput::Caption`]: `[speech 2.0 s]`.
    /// `None` if nobody spoke, or if the client does not want to know.
    pub fn caption(&self) -> Option<String> {
        let last = self.unanswered().last().filter(|_| self.session.input_transcription)?;
        let lengths = last.parts.iter().filter(|part| is_unheard(part)).filter_map(sound_length);
        let length: Duration = lengths.sum();
        (!length.is_zero()).then(|| format!("[speech {:.1} s]", length.as_secs_f64()))
    }
}

/// How long the sound lasts, if it is PCM.
fn sound_length(part: &Part) -> Option<Duration> {
    let blob = part.as_inline()?;
    let format: PcmFormat = blob.mime_type.as_str().parse().ok()?;
    Some(format.duration_of(blob.data.len()))
}

/// What was understood of the sound in `part`, as an earlier [`ModelOutput::Heard`] or the client said; may be empty, if
/// nothing was. `None` if nobody has recognised it, and for everything but sound.
pub fn transcript(part: &Part) -> Option<&str> {
    let transcription = part.audio_transcription.as_deref().filter(|_| is_sound(part))?;
    Some(&transcription.text)
}

/// Whether the part is sound that nobody has recognised yet.
pub(crate) fn is_unheard(part: &Part) -> bool {
    is_sound(part) && part.audio_transcription.is_none()
}

fn is_sound(part: &Part) -> bool {
    part.as_inline().is_some_and(|blob| kind(blob.mime_type.as_str()) == Kind::Audio)
}

/// A piece of a model's answer. [`ToolCalls`](Self::ToolCalls) that wait, [`End`](Self::End) and [`Failed`](Self::Failed)
/// are the last of their generation.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelOutput {
    /// What the model understood of the user's speech: `inputTranscription`, if the client asked for it, and a part of the
    /// prompts that follow. It comes before what is said in answer.
    Heard {
        /// To be appended to what was heard of the same stretch of speech before; may be empty.
        text: String,
        /// Whether this is the end of the stretch, so that more is about the next one in [`Prompt::unheard`]. Whatever is
        /// said ends it too. A stretch whose end is never heard of is unheard still in the next prompt.
        finished: bool,
    },
    /// Stands for a transcript where nothing recognises speech: told as `inputTranscription`, if the client asked for it, and not
    /// kept, since nobody said it. [`Prompt::caption`] makes one.
    Caption(String),
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
    /// Functions to be run by the client. A call without an id is given one, and so is one whose id the session has seen
    /// before. Ids that a model gives are to differ over all its sessions' connections: a client runs no id twice.
    ToolCalls(Vec<FunctionCall>),
    /// Code the model runs.
    ExecutableCode(ExecutableCode),
    /// What the code gave.
    CodeExecutionResult(CodeExecutionResult),
    /// What the answer stands on: `groundingMetadata`. In a session that answers in speech its byte offsets are into the
    /// transcript of the whole turn, and it is sent behind all speech that came before it.
    Grounding(Box<GroundingMetadata>),
    /// The pages that were read, and those that could not be: `urlContextMetadata`. Sent as [`Grounding`](Self::Grounding) is.
    UrlContext(Box<UrlContextMetadata>),
    /// Bytes of text that tools of the model's own gave it to read: sent nowhere, and counted as `toolUsePromptTokenCount`.
    ToolUse(usize),
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
