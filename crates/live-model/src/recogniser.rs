//! What understands speech: the trait of recognisers.
//!
//! When a user's speech has ended is decided in `live-engine`; which speech is recognised, in the cascade.

use futures_util::stream::BoxStream;
use live_audio::PcmFormat;

use crate::fault::Fault;

/// A stretch of speech, from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// Mono samples at 16 kHz.
    pub samples: Vec<i16>,
    /// The language the session was told to speak, a BCP-47 code: a hint, since users may speak another.
    pub language: Option<String>,
}

impl Utterance {
    /// Samples in a second.
    pub const RATE_HZ: u32 = PcmFormat::INPUT.rate_hz();
}

/// Turns speech into text.
///
/// # Contract for implementers
///
/// * The stream yields the transcript in pieces that are read one behind the other, blanks included, and ends behind the last.
///   Speech in which nothing was understood is a stream that ends, without a piece or with blank ones.
/// * A fault is the last item.
/// * Dropping the stream ends all work for it, also in other processes; work is done when it is polled.
/// * It does not wait for ever: whoever asks sets no deadline of its own.
pub trait Recogniser: Send + Sync + 'static {
    /// Recognises one stretch of speech.
    fn recognise(&self, speech: Utterance) -> BoxStream<'static, Result<String, Fault>>;
}
