//! Noises, each as loud as the others, the same for the same seed.

use std::f32::consts::TAU;

use crate::speech::RATE_HZ;

/// What else is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Nothing: all samples are zero.
    Silence,
    /// Every frequency alike, as of a bad line.
    White,
    /// As much in each octave, as of a fan, a street or rain.
    Pink,
    /// Mains of 50 Hz with its overtones, swelling slowly.
    Hum,
    /// Six people who talk at once.
    Babble,
    /// Plucked notes of a scale, three a second, ringing into each other.
    Music,
    /// Four short clicks a second, at random: keys, dishes.
    Clicks,
}

impl Noise {
    /// All that make a sound.
    pub(crate) const AUDIBLE: [Self; 6] = [Self::White, Self::Pink, Self::Hum, Self::Babble, Self::Music, Self::Clicks];

    /// Makes noise of an RMS of 1 (silence, of 0).
    pub(crate) fn make(self, samples: usize, crowd: &[Vec<f32>], seed: u64) -> Vec<f32> {
        let mut random = Random(seed);
        let mut noise: Vec<f32> = match self {
            Self::Silence => return vec![0.0; samples],
            Self::White => (0..samples).map(|_| random.signed()).collect(),
            Self::Pink => pink(samples, &mut random),
            Self::Hum => (0..samples).map(|at| hum(at as f32 / RATE_HZ as f32)).collect(),
            Self::Babble => babble(samples, crowd, &mut random),
            Self::Music => music(samples, &mut random),
            Self::Clicks => clicks(samples, &mut random),
        };
        let power: f64 = noise.iter().map(|it| f64::from(*it) * f64::from(*it)).sum::<f64>() / samples as f64;
        let gain = (1.0 / power.max(f64::MIN_POSITIVE).sqrt()) as f32;
        noise.iter_mut().for_each(|sample| *sample *= gain);
        noise
    }
}

/// White noise through a sum of first-order low-passes, an octave or two apart.
fn pink(samples: usize, random: &mut Random) -> Vec<f32> {
    const POLES: [(f32, f32); 3] = [(0.99765, 0.0990), (0.963, 0.2965), (0.57, 1.0526)];
    let mut states = [0.0; 3];
    let mut next = || {
        let white = random.signed();
        for (state, (pole, gain)) in states.iter_mut().zip(POLES) {
            *state = pole * *state + gain * white;
        }
        states.iter().sum::<f32>() + 0.1848 * white
    };
    (0..samples).map(|_| next()).collect()
}

fn hum(seconds: f32) -> f32 {
    let overtones = [1.0, 0.6, 0.5, 0.25, 0.3, 0.1, 0.15];
    let sum: f32 = (1..).zip(overtones).map(|(n, gain)| gain * (TAU * 50.0 * n as f32 * seconds).sin()).sum();
    sum * (1.0 + 0.3 * (TAU * 0.7 * seconds).sin())
}

fn babble(samples: usize, crowd: &[Vec<f32>], random: &mut Random) -> Vec<f32> {
    let mut sum = vec![0.0; samples];
    for person in crowd {
        let from = random.below(person.len());
        for (sample, said) in sum.iter_mut().zip(person.iter().cycle().skip(from)) {
            *sample += said;
        }
    }
    sum
}

fn music(samples: usize, random: &mut Random) -> Vec<f32> {
    const SCALE_HZ: [f32; 8] = [196.0, 220.0, 246.9, 293.7, 329.6, 392.0, 440.0, 493.9];
    let rate = RATE_HZ as usize;
    let mut sum = vec![0.0; samples];
    for start in (0..samples).step_by(rate / 3) {
        let pitch_hz = SCALE_HZ[random.below(SCALE_HZ.len())];
        for (at, sample) in sum[start..].iter_mut().take(2 * rate).enumerate() {
            let seconds = at as f32 / rate as f32;
            let tone: f32 = (1..=6).map(|n| (TAU * pitch_hz * n as f32 * seconds).sin() / (n * n) as f32).sum();
            *sample += tone * (-2.5 * seconds).exp() * (seconds * 200.0).min(1.0);
        }
    }
    sum
}

fn clicks(samples: usize, random: &mut Random) -> Vec<f32> {
    let mut sum = vec![0.0; samples];
    for _ in 0..samples * 4 / RATE_HZ as usize {
        let start = random.below(samples);
        for (at, sample) in sum[start..].iter_mut().take(160).enumerate() {
            *sample += random.signed() * (-(at as f32) / 30.0).exp();
        }
    }
    sum
}

/// SplitMix64: good enough for noise, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From -1 to 1.
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noises_are_equally_loud_and_the_same_every_time() {
        let crowd = [vec![1.0, -2.0, 3.0], vec![0.5, 0.0]];
        for noise in Noise::AUDIBLE {
            let samples = noise.make(32_000, &crowd, 7);
            let power: f32 = samples.iter().map(|it| it * it).sum::<f32>() / samples.len() as f32;
            assert!((power - 1.0).abs() < 0.01, "{noise:?}: {power}");
            assert_eq!(samples, noise.make(32_000, &crowd, 7), "{noise:?}");
        }
    }
}
