//! What a model understood of the user's speech, on its way to the client and into the history.
//!
//! Not here: finding where speech begins and ends ([`super::realtime`]), and recognising it, which is the model's.

use live_proto::{ServerContent, Transcription};

use super::answer::pieces;
use super::session::{Cx, Session};
use crate::profile::Backend;

impl Session {
    /// Takes a piece of a transcript of the user's speech.
    pub(super) fn hear_of(&mut self, text: &str, finished: bool, cx: &mut Cx<'_>) {
        self.open_answer().heard.get_or_insert_default().push_str(text);
        if !self.config.profile.transcribes_at_once {
            self.send_heard(text, cx);
        }
        if finished {
            self.finish_hearing(cx);
        }
    }

    /// Ends the stretch of speech that is being transcribed, if there is one: from now on it has a transcript.
    pub(super) fn finish_hearing(&mut self, cx: &mut Cx<'_>) {
        let Some(text) = self.open_answer().heard.take() else { return };
        if self.config.profile.transcribes_at_once {
            self.send_heard(&text, cx);
        }
        // Only Vertex is seen to say so; clients of the Gemini API wait for the end of the turn.
        if self.config.input_transcription && self.config.backend == Backend::Vertex && !text.is_empty() {
            let end = Transcription { finished: true, ..Transcription::default() };
            cx.send(ServerContent { input_transcription: Some(end.into()), ..ServerContent::default() });
        }
        self.context.transcribe(text);
    }

    /// Tells the client, if it wants to know.
    pub(super) fn send_heard(&mut self, text: &str, cx: &mut Cx<'_>) {
        if self.config.input_transcription {
            for piece in pieces(text, cx.config.limits.text_frame_bytes_max) {
                let transcription = Some(Transcription::new(piece).into());
                cx.send(ServerContent { input_transcription: transcription, ..ServerContent::default() });
            }
        }
    }
}
