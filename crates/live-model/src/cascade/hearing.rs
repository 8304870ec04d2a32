//! The user's speech on its way to text: each stretch that nobody has recognised yet, one behind the other.
//!
//! What is recognised is put into the prompt; what is answered to it lives elsewhere.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::BoxStream;
use live_audio::{Input, InputFormat};
use live_engine::{ModelOutput, Prompt};
use live_proto::{Blob, Part, Transcription};

use crate::fault::Fault;
use crate::recogniser::{Recogniser, Utterance};

/// Bytes of a transcript of one stretch of speech, beyond which a recogniser is not believed.
const TRANSCRIPT_BYTES_MAX: usize = 64 * 1024;

/// The stretches of speech of a prompt, as a stream of what is understood of them.
pub(super) struct Hearing {
    prompt: Prompt,
    /// Where speech stands in the prompt that is to be recognised, the next one last: content, part.
    places: Vec<(usize, usize)>,
    recogniser: Arc<dyn Recogniser>,
    current: Option<BoxStream<'static, Result<String, Fault>>>,
    /// What was understood of the current stretch.
    heard: String,
}

impl Hearing {
    pub(super) fn new(prompt: Prompt, recogniser: Arc<dyn Recogniser>) -> Self {
        let unheard: Vec<*const Part> = prompt.unheard().map(std::ptr::from_ref).collect();
        let mut places = Vec::new();
        for (content, parts) in prompt.history.iter().enumerate() {
            let is_unheard = |(_, part): &(usize, &Part)| unheard.contains(&std::ptr::from_ref(*part));
            places.extend(parts.parts.iter().enumerate().filter(is_unheard).map(|(part, _)| (content, part)));
        }
        places.reverse();
        Self { prompt, places, recogniser, current: None, heard: String::new() }
    }

    /// The prompt, in which all speech is also text now.
    pub(super) fn into_prompt(self) -> Prompt {
        self.prompt
    }

    /// Begins with the next stretch; what comes of one that cannot be read is known at once.
    fn begin(&mut self, (content, part): (usize, usize)) -> Option<String> {
        let blob = self.prompt.history[content].parts[part].as_inline()?;
        match decode(blob) {
            Ok(samples) => {
                let language = self.prompt.session.language.clone();
                self.current = Some(self.recogniser.recognise(Utterance { samples, language }));
                None
            }
            Err(why) => {
                let mime_type = blob.mime_type.as_str();
                tracing::warn!(mime_type, why, "sound that cannot be read is not recognised");
                Some(format!("[{mime_type}]"))
            }
        }
    }

    fn finish(&mut self, (content, part): (usize, usize)) {
        self.current = None;
        let transcript = Transcription::new(std::mem::take(&mut self.heard));
        Arc::make_mut(&mut self.prompt.history[content]).parts[part].audio_transcription = Some(transcript.into());
    }
}

impl Stream for Hearing {
    type Item = Result<ModelOutput, Fault>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(place) = this.places.last().copied() else { return Poll::Ready(None) };
        if this.current.is_none()
            && let Some(text) = this.begin(place)
        {
            this.heard.clone_from(&text);
            this.places.pop();
            this.finish(place);
            return Poll::Ready(Some(Ok(ModelOutput::Heard { text, finished: true })));
        }
        let current = this.current.as_mut().expect("a stretch was begun");
        match current.as_mut().poll_next(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(text))) if this.heard.len() + text.len() > TRANSCRIPT_BYTES_MAX => {
                this.places.clear();
                this.current = None;
                let why = format!("a transcript of more than {TRANSCRIPT_BYTES_MAX} bytes");
                Poll::Ready(Some(Err(Fault::new("recogniser", why))))
            }
            Poll::Ready(Some(Ok(text))) => {
                this.heard.push_str(&text);
                Poll::Ready(Some(Ok(ModelOutput::Heard { text, finished: false })))
            }
            Poll::Ready(Some(Err(fault))) => {
                this.places.clear();
                this.current = None;
                Poll::Ready(Some(Err(fault)))
            }
            Poll::Ready(None) => {
                this.places.pop();
                this.finish(place);
                Poll::Ready(Some(Ok(ModelOutput::Heard { text: String::new(), finished: true })))
            }
        }
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing").field("places", &self.places).field("heard", &self.heard).finish_non_exhaustive()
    }
}

/// The samples in a blob, at 16 kHz.
fn decode(blob: &Blob) -> Result<Vec<i16>, String> {
    let format: InputFormat =
        blob.mime_type.as_str().parse().map_err(|error: live_audio::PcmFormatError| error.to_string())?;
    let (mut input, mut samples) = (Input::new(format), Vec::new());
    input.push(&blob.data, &mut samples).map_err(|error| error.to_string())?;
    input.finish(&mut samples);
    Ok(samples)
}
