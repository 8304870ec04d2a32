//! A detector without a model: speech is what stands out of the quiet of its own stream.
//!
//! It knows no timbre, so that a door is speech to it; in noise of 10 dB it misses half of what is said. For hosts that want no
//! network, and as the yardstick of those that have one.

use super::Vad;

/// Speech as that which is louder than the background by 12 dB, in frames of 20 ms.
#[derive(Clone, Debug, Default)]
pub struct EnergyVad {
    /// Level of the background, in dB of full scale; `None` before the first frame.
    floor_db: Option<f32>,
}

impl Vad for EnergyVad {
    fn frame_samples(&self) -> usize {
        FRAME_SAMPLES
    }

    fn probability(&mut self, frame: &[i16]) -> f32 {
        assert_eq!(frame.len(), FRAME_SAMPLES, "a frame has as many samples as it has");
        let power: f64 = frame.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
        let level_db = 10.0 * (power / (FRAME_SAMPLES as f64 * 32_768.0 * 32_768.0) + 1e-12).log10() as f32;
        // Nobody knows the background of a stream that begins in the middle of a word.
        let floor_db = *self.floor_db.get_or_insert(level_db.min(FIRST_FLOOR_MAX_DB));
        let step = if level_db < floor_db { (level_db - floor_db) / 2.0 } else { RISE_DB.min(level_db - floor_db) };
        self.floor_db = Some((floor_db + step).max(FLOOR_MIN_DB));
        let margin_db = level_db - floor_db.max(FLOOR_MIN_DB) - MARGIN_DB;
        1.0 / (1.0 + (-margin_db / 2.0).exp())
    }

    fn reset(&mut self) {
        self.floor_db = None;
    }
}

const FRAME_SAMPLES: usize = 320;
/// What is as likely speech as not, above the background.
const MARGIN_DB: f32 = 12.0;
/// Quieter than this is no background but the noise of the converter.
const FLOOR_MIN_DB: f32 = -65.0;
const FIRST_FLOOR_MAX_DB: f32 = -45.0;
/// For each frame: 2 dB a second, so that a long word does not become the background.
const RISE_DB: f32 = 0.04;
