//! The detector of the `earshot` crate: a small recurrent network, the default.
//!
//! It thinks faint noise to be speech with 0.25 or less, and loud noise with more than 0.5 at times: whoever sets thresholds finds
//! figures in docs/voice.md.

use std::fmt;

use super::Vad;

/// Speech as a network of 40 KB hears it, in frames of 16 ms.
pub struct EarshotVad(Box<earshot::Detector>);

impl Default for EarshotVad {
    fn default() -> Self {
        Self(earshot::Detector::default_boxed())
    }
}

impl Vad for EarshotVad {
    fn frame_samples(&self) -> usize {
        FRAME_SAMPLES
    }

    fn probability(&mut self, frame: &[i16]) -> f32 {
        assert_eq!(frame.len(), FRAME_SAMPLES, "a frame has as many samples as it has");
        self.0.predict_i16(frame).clamp(0.0, 1.0)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl fmt::Debug for EarshotVad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EarshotVad")
    }
}

/// 16 ms, as the network was trained.
const FRAME_SAMPLES: usize = 256;
