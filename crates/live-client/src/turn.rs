//! A whole turn at once, for programs that ask and wait.
//!
//! Programs that play sound while it comes use the events themselves.

use futures_util::FutureExt;
use live_engine::CloseCause;
use live_proto::{Blob, FunctionCall, TurnCompleteReason, UsageMetadata};

use crate::{Event, Session, ToolStep};

/// Everything that was said in a turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The answer in words; empty where the session answers in sound.
    pub text: String,
    /// What the model thought, if it was asked to show it.
    pub thoughts: String,
    /// The answer in sound, one piece after the other.
    pub audio: Vec<Blob>,
    /// What the sound says, if the setup asked for transcripts.
    pub transcript: String,
    /// What the user said, if the setup asked for transcripts.
    pub input_transcript: String,
    /// Functions to run, other than those that the session runs by itself. Answer them with [`Session::send_tool_response`] and call [`Session::turn`] again.
    pub tool_calls: Vec<FunctionCall>,
    /// True if the user cut the answer short.
    pub interrupted: bool,
    /// What it cost, as far as the server said.
    pub usage: Option<UsageMetadata>,
    /// Why it is over.
    pub end: TurnEnd,
}

/// Why [`Session::turn`] returned.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TurnEnd {
    /// The server said `turnComplete`, with a reason where it was out of the ordinary.
    #[default]
    Complete,
    /// As `Complete`, with the server's reason.
    Because(TurnCompleteReason),
    /// Functions are to be run before the model goes on.
    ToolCalls,
    /// The answer was lost with its connection, or sound that nothing had answered was. The session goes on over another:
    /// ask again.
    AnswerLost,
    /// The session ended.
    Closed(CloseCause),
}

impl Turn {
    /// The answer's sound in one piece: 16-bit little-endian mono PCM, at the rate of its first blob.
    pub fn pcm(&self) -> Vec<u8> {
        self.audio.iter().flat_map(|blob| blob.data.iter().copied()).collect()
    }
}

impl Session {
    /// Gathers events until the turn is complete, functions are to be run, or the session ends. An answer that was cut
    /// short by the loss of its connection, and is given again over the next one, is gathered once.
    ///
    /// Not cancel-safe: what was gathered goes with the future. Events that belong to no turn, such as `goAway`, are
    /// dropped; programs that want them call [`next`](Self::next).
    pub async fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        let mut is_called = false;
        loop {
            let is_due = self.completion_is_due();
            // Calls of one message come as one event each; what else was read with them is there without waiting.
            let event = if turn.tool_calls.is_empty() {
                self.next().await
            } else {
                match self.next().now_or_never() {
                    Some(event) => event,
                    None => {
                        self.await_completion();
                        turn.end = TurnEnd::ToolCalls;
                        return turn;
                    }
                }
            };
            let Some(event) = event else { return turn };
            if let Event::ToolRun { step: ToolStep::Called { blocking: true }, .. } = &event {
                is_called = self.calls_complete_turns();
            } else if matches!(event, Event::Interrupted { .. }) {
                is_called = false;
            } else if is_called && turn.tool_calls.is_empty() && matches!(event, Event::TurnComplete { .. }) {
                // Only the call was complete; what it is made for comes when the session has answered it.
                is_called = false;
                turn.usage = None;
                continue;
            }
            if is_due && turn.is_silent() && matches!(event, Event::TurnComplete { .. }) {
                // It belongs to the turn whose calls have been returned, and so does the usage before it.
                turn.usage = None;
                continue;
            }
            // Only the server knows whether there was speech in what was sent; a session that begins anew has not heard it.
            let is_unheard = matches!(event, Event::Resumed { restored: false, replayed: 0, .. }) && self.has_spoken();
            if turn.take(event) {
                return turn;
            }
            if is_unheard {
                turn.end = TurnEnd::AnswerLost;
                return turn;
            }
        }
    }
}

impl Turn {
    /// True if the model has said nothing yet.
    fn is_silent(&self) -> bool {
        let Self { text, thoughts, audio, transcript, input_transcript: _, tool_calls, interrupted, usage: _, end: _ } =
            self;
        let has_words = !(text.is_empty() && thoughts.is_empty() && transcript.is_empty());
        !has_words && audio.is_empty() && tool_calls.is_empty() && !interrupted
    }

    /// Adds an event. True if it is the last.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a turn holds what is listed; the rest is for those who read events"
    )]
    fn take(&mut self, event: Event) -> bool {
        match event {
            Event::Text { text, .. } => self.text += &text,
            Event::Thought { text, .. } => self.thoughts += &text,
            Event::Audio { blob, .. } => self.audio.push(blob),
            Event::OutputTranscription { transcription, .. } => self.transcript += &transcription.text,
            Event::InputTranscription(transcription) => self.input_transcript += &transcription.text,
            Event::ToolCall(call) => self.tool_calls.push(call),
            Event::ToolCallCancellation(ids) => self.tool_calls.retain(|call| !ids.contains(&call.id)),
            Event::Interrupted { .. } => self.interrupted = true,
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::TurnComplete { reason, .. } => {
                self.end = if !self.tool_calls.is_empty() {
                    TurnEnd::ToolCalls
                } else if reason == TurnCompleteReason::Unspecified {
                    TurnEnd::Complete
                } else {
                    TurnEnd::Because(reason)
                };
                return true;
            }
            Event::Resumed { answer_lost: true, .. } => {
                self.end = TurnEnd::AnswerLost;
                return true;
            }
            // What was asked has been asked again.
            Event::Resumed { replayed, .. } if replayed > 0 && self.interrupted => {
                let Self { input_transcript, tool_calls, .. } = std::mem::take(self);
                *self = Self { input_transcript, tool_calls, ..Self::default() };
            }
            Event::Closed(cause) => {
                self.end = TurnEnd::Closed(cause);
                return true;
            }
            Event::Lost(loss) => {
                self.end = TurnEnd::Closed(loss.cause);
                return true;
            }
            _ => {}
        }
        false
    }
}
