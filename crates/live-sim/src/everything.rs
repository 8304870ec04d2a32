//! A detector that takes all sound for speech: the sound of a world is numbers, and each of them has to come to a prompt.
//!
//! Where speech begins and ends within a stream is not a world's concern; the engine's own tests look at that.

use live_audio::Vad;

use crate::day::CHUNK_BYTES;

/// Hears speech in frames of so many samples.
#[derive(Debug)]
pub(crate) struct Everything(usize);

impl Everything {
    /// For messages of any size.
    pub(crate) fn sample_by_sample() -> Box<dyn Vad> {
        Box::new(Self(1))
    }

    /// For messages of one size, of which a day has many.
    pub(crate) fn message_by_message() -> Box<dyn Vad> {
        Box::new(Self(CHUNK_BYTES / 2))
    }
}

impl Vad for Everything {
    fn frame_samples(&self) -> usize {
        self.0
    }

    fn probability(&mut self, _frame: &[i16]) -> f32 {
        1.0
    }

    fn reset(&mut self) {}
}
