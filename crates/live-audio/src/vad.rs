//! Voice activity: how likely a frame of sound is speech.
//!
//! Not here: where an utterance begins and ends, which takes settings and patience and is the engine's to decide.

use std::fmt;

mod earshot;
mod energy;

pub use self::earshot::EarshotVad;
pub use self::energy::EnergyVad;

/// Tells speech from everything else, frame by frame, in one stream of 16 kHz samples.
///
/// What it says of a frame follows from that frame and those before it since [`reset`](Self::reset), and from nothing else.
pub trait Vad: fmt::Debug + Send {
    /// Samples in a frame; the same at all times.
    fn frame_samples(&self) -> usize;

    /// How likely the next frame is speech, from 0 to 1.
    ///
    /// # Panics
    ///
    /// If the frame has not [`frame_samples`](Self::frame_samples) samples.
    fn probability(&mut self, frame: &[i16]) -> f32;

    /// Forgets all frames: what follows is another stream.
    fn reset(&mut self);
}
