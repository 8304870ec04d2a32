//! A streaming resampler: a low-pass of windowed sinc, evaluated at each output sample.
//!
//! An output sample depends on its time alone, never on how the input was cut into pieces. It comes out as soon as the input that it
//! needs is there: within 1 ms of its own time for inputs of 16 kHz and more, 2 ms at 8 kHz.

use std::f64::consts::PI;
use std::fmt;

/// Share of the lower of the two bands that passes unchanged; images and aliases fold back above it only.
pub const PASS_BAND: f64 = 0.85;

/// Converts one stream of samples from one rate to another.
///
/// ```
/// let mut resampler = live_audio::Resampler::new(48_000, 16_000);
/// let (mut whole, mut pieces) = (Vec::new(), Vec::new());
/// let input: Vec<i16> = (0..480).map(|n| n * 60).collect();
/// resampler.push(&input, &mut whole);
/// resampler.finish(&mut whole);
/// assert_eq!(whole.len(), 160);
///
/// for piece in input.chunks(7) {
///     resampler.push(piece, &mut pieces);
/// }
/// resampler.finish(&mut pieces);
/// assert_eq!(pieces, whole);
/// ```
#[derive(Clone)]
pub struct Resampler {
    /// Samples in for each `steps` samples out.
    advance: u64,
    /// Samples out for each `advance` samples in: an input period has so many steps.
    steps: u64,
    /// The filter: `rows + 1` rows of `taps`, one for each place between two input samples. A row is computed when it is first
    /// used: who changes formats all the time pays for what is played, not for whole tables.
    table: Vec<Box<[f32]>>,
    rows: u64,
    taps: usize,
    /// Of what passes, in cycles for each input sample.
    band: f64,
    /// Input from `taps / 2 - 1` samples before the next output on.
    held: Vec<f32>,
    /// Where in its input period the next output lies, in steps.
    step: u64,
    /// Samples that came in and went out.
    received: u64,
    sent: u64,
}

impl Resampler {
    /// Converts from `from_hz` to `to_hz` samples a second.
    ///
    /// # Panics
    ///
    /// If a rate is 0, or they are more than 16-fold apart: the filter would be as long as the larger of them.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        assert!(from_hz > 0 && to_hz > 0, "a rate is above 0");
        assert!(from_hz / to_hz < 16 && to_hz / from_hz < 16, "rates are at most 16-fold apart");
        let divisor = gcd(from_hz, to_hz);
        let (advance, steps) = (u64::from(from_hz / divisor), u64::from(to_hz / divisor));
        // Of a ratio with many steps a part is tabled, and what lies between is a line: the error stays below 1/2500.
        let rows = steps.min(ROWS_MAX);
        let band = 0.5 * f64::from(to_hz.min(from_hz)) / f64::from(from_hz);
        let transition = 2.0 * (1.0 - PASS_BAND) * band;
        let half = ((ATTENUATION_DB - 7.95) / (28.72 * transition)).ceil() as usize;
        let taps = if advance == steps { 2 } else { 2 * half };
        let table = vec![Box::default(); rows as usize + 1];
        let mut resampler =
            Self { advance, steps, table, rows, taps, band, held: Vec::new(), step: 0, received: 0, sent: 0 };
        resampler.reset();
        resampler
    }

    /// Appends all output that is ready.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.received += samples.len() as u64;
        if self.advance == self.steps {
            self.sent = self.received;
            return out.extend_from_slice(samples);
        }
        self.held.extend(samples.iter().map(|sample| f32::from(*sample)));
        self.run(u64::MAX, out);
    }

    /// Appends the rest, as if silence followed, and begins anew. All in all `n` samples in make `n * to / from` out, rounded up.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        let due = (self.received * self.steps).div_ceil(self.advance);
        if due > self.sent {
            self.held.resize(self.held.len() + self.taps, 0.0);
            self.run(due, out);
        }
        self.reset();
    }

    /// Forgets all input.
    pub fn reset(&mut self) {
        self.held.clear();
        // Silence before the first sample.
        self.held.resize(self.taps / 2 - 1, 0.0);
        (self.step, self.received, self.sent) = (0, 0, 0);
    }

    fn run(&mut self, until: u64, out: &mut Vec<i16>) {
        let mut at = 0;
        while self.sent < until && self.held.len() >= at + self.taps {
            let place = self.step * self.rows;
            let (row, between) = ((place / self.steps) as usize, (place % self.steps) as f32 / self.steps as f32);
            self.tabulate(row);
            if between > 0.0 {
                self.tabulate(row + 1);
            }
            let window = &self.held[at..at + self.taps];
            let mut value = self.filter(row, window);
            if between > 0.0 {
                value += between * (self.filter(row + 1, window) - value);
            }
            out.push(value.round() as i16);
            self.sent += 1;
            self.step += self.advance;
            at += (self.step / self.steps) as usize;
            self.step %= self.steps;
        }
        // When rates fall, the next output may lie beyond all that came.
        let gone = at.min(self.held.len());
        self.held.drain(..gone);
        debug_assert_eq!(gone, at, "an output never skips more than a window");
    }

    fn tabulate(&mut self, row: usize) {
        if !self.table[row].is_empty() {
            return;
        }
        let place = row as f64 / self.rows as f64;
        let half = (self.taps / 2) as f64;
        let values = (0..self.taps).map(|tap| {
            let time = tap as f64 - (half - 1.0) - place;
            sinc(2.0 * self.band * time) * kaiser(time / half)
        });
        let values: Vec<f64> = values.collect();
        // Each row passes a constant as it is.
        let sum: f64 = values.iter().sum();
        self.table[row] = values.into_iter().map(|value| (value / sum) as f32).collect();
    }

    fn filter(&self, row: usize, window: &[f32]) -> f32 {
        let coefficients = &self.table[row][..];
        // Sums of four run in parallel, in an order that is always the same.
        let (heads, tails) = (coefficients.as_chunks::<4>(), window.as_chunks::<4>());
        let mut sums = [0.0_f32; 4];
        for (c, w) in heads.0.iter().zip(tails.0) {
            for lane in 0..4 {
                sums[lane] += c[lane] * w[lane];
            }
        }
        let rest: f32 = heads.1.iter().zip(tails.1).map(|(c, w)| c * w).sum();
        sums[0] + sums[1] + (sums[2] + sums[3]) + rest
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { advance, steps, rows: _, taps, band: _, table: _, held: _, step: _, received, sent } = self;
        write!(f, "Resampler({advance}:{steps}, {taps} taps, {received} in, {sent} out)")
    }
}

const ROWS_MAX: u64 = 64;
/// Of the stop band.
const ATTENUATION_DB: f64 = 70.0;
/// Of the Kaiser window, for that attenuation: 0.1102 (A - 8.7).
const BETA: f64 = 0.1102 * (ATTENUATION_DB - 8.7);

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The window, but for a constant factor.
fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel_i0(BETA * (1.0 - x * x).sqrt()) }
}

/// The modified Bessel function of the first kind, of order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / (2.0 * n)) * (x / (2.0 * n));
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::{PASS_BAND, Resampler};

    fn tone(hz: f64, rate_hz: u32, samples: usize) -> Vec<i16> {
        let value = |n| 20_000.0 * (TAU * hz * n as f64 / f64::from(rate_hz)).sin();
        (0..samples).map(|n| value(n).round() as i16).collect()
    }

    fn convert(from_hz: u32, to_hz: u32, input: &[i16]) -> Vec<i16> {
        let mut resampler = Resampler::new(from_hz, to_hz);
        let mut out = Vec::new();
        resampler.push(input, &mut out);
        resampler.finish(&mut out);
        out
    }

    /// Signal to everything else, in dB, edges left out.
    fn snr(expected: &[i16], found: &[i16]) -> f64 {
        let edge = expected.len() / 8;
        let range = edge..expected.len() - edge;
        let square = |value: f64| value * value;
        let signal: f64 = expected[range.clone()].iter().map(|s| square(f64::from(*s))).sum();
        let pairs = expected[range.clone()].iter().zip(&found[range]);
        let noise: f64 = pairs.map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
        10.0 * (signal / noise.max(1e-9)).log10()
    }

    const RATES_HZ: [u32; 12] =
        [8_000, 11_025, 12_000, 15_999, 16_000, 16_001, 22_050, 24_000, 32_000, 44_100, 47_999, 48_000];

    #[test]
    fn tones_in_band_come_through_at_60_db() {
        for from_hz in RATES_HZ {
            for to_hz in [16_000, 24_000] {
                let band = f64::from(from_hz.min(to_hz)) / 2.0 * PASS_BAND;
                for share in [0.05, 0.3, 0.7, 0.999] {
                    let hz = band * share;
                    let found = convert(from_hz, to_hz, &tone(hz, from_hz, from_hz as usize / 4));
                    let expected = tone(hz, to_hz, found.len());
                    let snr = snr(&expected, &found);
                    assert!(snr >= 60.0, "{from_hz} -> {to_hz} at {hz:.0} Hz: {snr:.1} dB");
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_the_lower_band_is_gone() {
        for (from_hz, to_hz, hz) in [(48_000, 16_000, 9_300.0), (48_000, 16_000, 15_000.0), (24_000, 16_000, 11_000.0)]
        {
            let found = convert(from_hz, to_hz, &tone(hz, from_hz, from_hz as usize / 4));
            let loudest = found[400..found.len() - 400].iter().map(|s| s.unsigned_abs()).max();
            assert!(loudest < Some(20), "{loudest:?} is left of a tone of 20000 at {hz} Hz");
        }
    }

    #[test]
    fn output_comes_within_a_millisecond_or_two() {
        for (from_hz, late_us) in [(8_000, 2_200), (16_000, 0), (24_000, 940), (44_100, 940), (48_000, 940)] {
            let mut resampler = Resampler::new(from_hz, 16_000);
            let mut out = Vec::new();
            for pushed in 1..u64::from(from_hz) {
                resampler.push(&[1_000], &mut out);
                let (in_us, out_us) = (pushed * 1_000_000 / u64::from(from_hz), out.len() as u64 * 1_000_000 / 16_000);
                assert!(out_us + late_us + 63 >= in_us, "{from_hz} Hz: {out_us} us out of {in_us} us");
            }
        }
    }

    #[test]
    fn a_filter_is_computed_as_far_as_it_is_used() {
        let mut resampler = Resampler::new(47_999, 16_000);
        let mut out = Vec::new();
        let of = |resampler: &Resampler| resampler.table.iter().filter(|row| !row.is_empty()).count();
        assert_eq!(of(&resampler), 0);
        while out.is_empty() {
            resampler.push(&[1_000], &mut out);
        }
        assert!(of(&resampler) <= 2, "two rows lie around one sample");
    }

    #[test]
    fn loud_input_is_clipped_and_does_not_wrap() {
        let square: Vec<i16> = (0..4_800).map(|n| if n / 50 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = convert(48_000, 16_000, &square);
        assert!(out.contains(&i16::MAX) && out.contains(&i16::MIN));
        // The square wave changes its sign every 16 to 17 samples; overflow would do so more often.
        let changes = out.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
        assert!((94..=97).contains(&changes), "{changes}");
    }

    proptest! {
        #[test]
        fn cuts_do_not_show(
            from_hz in 8_000_u32..=48_000,
            to_24k: bool,
            samples in prop::collection::vec(any::<i16>(), 0..2_000),
            cuts in prop::collection::vec(0_usize..700, 0..20),
        ) {
            let to_hz = if to_24k { 24_000 } else { 16_000 };
            let whole = convert(from_hz, to_hz, &samples);
            let due = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
            prop_assert_eq!(whole.len() as u64, due);
            let (mut resampler, mut out, mut rest) = (Resampler::new(from_hz, to_hz), Vec::new(), samples.as_slice());
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                resampler.push(piece, &mut out);
                rest = later;
            }
            resampler.push(rest, &mut out);
            resampler.finish(&mut out);
            prop_assert_eq!(out, whole);
        }
    }
}
