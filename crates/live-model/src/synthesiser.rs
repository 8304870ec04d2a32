//! What speaks: the trait of synthesisers, and the embedded voice as one.
//!
//! What is said is the model's; in which portions it is spoken, and how sound goes on the wire, the cascade's.

use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::fault::Fault;
use crate::voice::{SAMPLE_RATE_HZ, SpeechChunk, Voice};

/// A text to be spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// A sentence or so, without blanks around it; it holds a letter or a digit.
    pub text: String,
    /// The name of the voice the session asked for, one of the Live API's.
    pub voice: String,
    /// The language the session was told to speak, a BCP-47 code.
    pub language: Option<String>,
}

/// A piece of speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Mono samples at [`SAMPLE_RATE_HZ`](crate::voice::SAMPLE_RATE_HZ), 24 kHz.
    pub samples: Vec<i16>,
    /// What of the text begins within these samples; `None` where the engine does not know. Then it is estimated.
    pub text: Option<String>,
}

/// Turns text into speech.
///
/// # Contract for implementers
///
/// * The stream yields the sound in order, in pieces of any length, and ends behind the last. A fault is the last item.
/// * Either all pieces carry their text or none does.
/// * Dropping the stream ends all work for it, also in other processes. Work is done when it is polled: whoever does not poll
///   does not want more, for as long as it takes.
/// * It does not wait for ever: whoever asks sets no deadline of its own.
pub trait Synthesiser: Send + Sync + 'static {
    /// Speaks one text.
    fn speak(&self, script: Script) -> BoxStream<'static, Result<Sound, Fault>>;
}

/// The [embedded voice](crate::voice) as a synthesiser. It speaks English, and other languages by best effort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmbeddedVoice;

impl Synthesiser for EmbeddedVoice {
    fn speak(&self, script: Script) -> BoxStream<'static, Result<Sound, Fault>> {
        let Script { text, voice, language: _ } = script;
        let voice = Voice::named(&voice).copied().unwrap_or_default();
        let chunks = voice.speak(text);
        stream::iter(chunks).map(|SpeechChunk { pcm, text }| Ok(Sound { samples: pcm, text: Some(text) })).boxed()
    }
}

/// Samples in a millisecond of speech.
pub(crate) const SAMPLES_PER_MS: usize = SAMPLE_RATE_HZ as usize / 1000;
