//! A recording of the set: a speaker says two things with pauses around them, and a noise goes through it all.

use std::ops::Range;

use crate::noise::Noise;
use crate::speech::{Clip, LEVEL, RATE_HZ, STEP_MS, STEP_SAMPLES, Voices};

/// How much louder speech is than the noise; `None` where there is none.
pub(crate) type SnrDb = Option<f64>;

/// A recording with its labels.
pub(crate) struct Scene {
    /// At 16 kHz.
    pub(crate) samples: Vec<i16>,
    /// For each step whether it is speech.
    pub(crate) speech: Vec<bool>,
    /// The steps of each of the two utterances, from the first of speech to the last; pauses within included.
    pub(crate) utterances: [Range<usize>; 2],
}

impl Scene {
    fn new(said: &[Clip; 2], noise: Noise, snr_db: SnrDb, crowd: &[Vec<f32>], seed: u64) -> Self {
        let (mut clean, mut speech) = (Vec::new(), Vec::new());
        let utterances = said.each_ref().map(|clip| {
            pause(&mut clean, &mut speech);
            let begin = speech.len();
            clean.extend(&clip.samples);
            speech.extend(&clip.speech);
            let first = clip.speech.iter().position(|is| *is).expect("something is said");
            let last = clip.speech.iter().rposition(|is| *is).expect("something is said");
            begin + first..begin + last + 1
        });
        pause(&mut clean, &mut speech);
        Self { samples: mix(&clean, noise, snr_db, crowd, seed), speech, utterances }
    }

    /// The recordings of all speakers in one noise.
    pub(crate) fn all(voices: &Voices, noise: Noise, snr_db: SnrDb) -> impl Iterator<Item = Self> {
        (1..).zip(&voices.said).map(move |(seed, said)| Self::new(said, noise, snr_db, &voices.crowd, seed))
    }

    /// Minutes in which nobody speaks.
    pub(crate) fn quiet_minutes(&self) -> f64 {
        let quiet = self.speech.iter().filter(|is| !**is).count();
        (quiet * STEP_MS) as f64 / 60_000.0
    }
}

/// Lets a noise go through clips and the pauses between them.
pub(crate) fn mix(clean: &[f32], noise: Noise, snr_db: SnrDb, crowd: &[Vec<f32>], seed: u64) -> Vec<i16> {
    let gain = snr_db.map_or(0.0, |snr_db| LEVEL / 10_f64.powf(snr_db / 20.0)) as f32;
    let noise = noise.make(clean.len(), crowd, seed);
    clean.iter().zip(noise).map(|(clean, noise)| (clean + gain * noise).clamp(-32_768.0, 32_767.0) as i16).collect()
}

/// Silence, noise, and each noise louder and louder.
pub(crate) fn conditions() -> impl Iterator<Item = (Noise, SnrDb)> {
    let noisy = Noise::AUDIBLE.iter().flat_map(|noise| SNRS_DB.map(|snr_db| (*noise, Some(snr_db))));
    [(Noise::Silence, None)].into_iter().chain(noisy)
}

/// A condition as a table has it.
pub(crate) fn cells(noise: Noise, snr_db: SnrDb) -> Vec<String> {
    let snr = snr_db.map_or_else(|| "–".to_owned(), |snr_db| format!("{snr_db:.0} dB"));
    vec![format!("{noise:?}").to_lowercase(), snr]
}

fn pause(clean: &mut Vec<f32>, speech: &mut Vec<bool>) {
    clean.extend([0.0; PAUSE_STEPS * STEP_SAMPLES]);
    speech.extend([false; PAUSE_STEPS]);
}

const SNRS_DB: [f64; 3] = [20.0, 10.0, 0.0];
/// 2 s: longer than any silence that ends a turn here.
const PAUSE_STEPS: usize = 2 * RATE_HZ as usize / STEP_SAMPLES;
