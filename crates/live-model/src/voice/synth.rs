//! The sound source and the filters: one frame of parameters in, sixty samples out.
//!
//! A cascade of resonators shapes the voice and the breath, three parallel ones shape hiss and bursts (Klatt 1980). What the
//! parameters are at each moment is decided in `tract.rs`.

use super::Voice;

/// Samples in a frame: 2.5 ms at 24 kHz.
pub(super) const FRAME_SAMPLES: usize = 60;

/// Everything that the synthesiser is told for one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) pitch_hz: f32,
    pub(super) formant_hz: [f32; 3],
    pub(super) width_hz: [f32; 3],
    /// Frequency of the nasal zero; equal to [`NASAL_POLE_HZ`] when the nose is closed.
    pub(super) nasal_zero_hz: f32,
    /// Amplitude of voicing, 1 in a vowel.
    pub(super) voicing: f32,
    /// Amplitude of breath noise through the tract.
    pub(super) aspiration: f32,
    /// Amplitude of the hiss bands.
    pub(super) frication: f32,
    pub(super) hiss: [Band; 3],
    /// 0 for the voice's own tilt, 1 for the dull hum of a closed mouth.
    pub(super) muffle: f32,
}

/// One band of hiss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    pub(super) centre_hz: f32,
    pub(super) width_hz: f32,
    /// Level as a linear RMS value.
    pub(super) level: f32,
}

impl Band {
    pub(super) const SILENT: Self = Self { centre_hz: 3000., width_hz: 1000., level: 0. };
}

pub(super) const SAMPLE_RATE: f32 = 24_000.;
pub(super) const NASAL_POLE_HZ: f32 = 270.;
const NASAL_WIDTH_HZ: f32 = 100.;

/// Fourth formant and up: they give a voice its colour but do not move with the sounds.
const UPPER_HZ: [f32; 5] = [3450., 4400., 5400., 6500., 7600.];
const UPPER_WIDTH_HZ: [f32; 5] = [220., 300., 450., 700., 900.];
/// Keeps ordinary speech near a third of full scale.
const GAIN: f32 = 0.16;

#[derive(Debug)]
pub(super) struct Synth {
    tract: f32,
    breath: f32,
    tilt: f32,
    open: f32,
    noise: Noise,
    glottis: Glottis,
    tilted: f32,
    nasal_pole: Resonator,
    nasal_zero: AntiResonator,
    cascade: [Resonator; 8],
    hiss: [Resonator; 3],
    /// Amplitudes at the end of the last frame, so that the next ramps from there.
    voicing: f32,
    aspiration: f32,
    frication: f32,
}

impl Synth {
    pub(super) fn new(voice: &Voice, seed: u32) -> Self {
        let mut cascade = [Resonator::default(); 8];
        for (resonator, (hz, width_hz)) in cascade[3..].iter_mut().zip(UPPER_HZ.into_iter().zip(UPPER_WIDTH_HZ)) {
            resonator.tune(hz * voice.tract, width_hz * voice.tract);
        }
        let mut nasal_pole = Resonator::default();
        nasal_pole.tune(NASAL_POLE_HZ, NASAL_WIDTH_HZ);
        Self {
            tract: voice.tract,
            breath: voice.breath,
            tilt: voice.tilt,
            open: voice.open,
            noise: Noise(seed | 1),
            glottis: Glottis::default(),
            tilted: 0.,
            nasal_pole,
            nasal_zero: AntiResonator::default(),
            cascade,
            hiss: [Resonator::default(); 3],
            voicing: 0.,
            aspiration: 0.,
            frication: 0.,
        }
    }

    /// Renders one frame.
    pub(super) fn render(&mut self, frame: &Frame, out: &mut [i16; FRAME_SAMPLES]) {
        self.tune(frame);
        let step = 1. / FRAME_SAMPLES as f32;
        let voicing_step = (frame.voicing - self.voicing) * step;
        let aspiration_step = (frame.aspiration - self.aspiration) * step;
        let frication_step = (frame.frication - self.frication) * step;
        let dull = self.tilt + (0.96 - self.tilt) * frame.muffle;
        for sample in out {
            self.voicing += voicing_step;
            self.aspiration += aspiration_step;
            self.frication += frication_step;

            let noise = self.noise.next();
            let (pulse, is_open) = self.glottis.next(frame.pitch_hz, self.open);
            self.tilted += (pulse - self.tilted) * (1. - dull);
            // Air rushes while the glottis is open, so the noise of a voiced sound comes in puffs.
            let puff = if is_open { 1. } else { 0.35 };
            let breath = self.aspiration + self.breath * self.voicing * (1. - frame.muffle);
            let source =
                self.tilted * self.voicing + noise * breath * 0.18 * if self.voicing > 0.05 { puff } else { 0.8 };

            let mut voice = self.nasal_zero.next(self.nasal_pole.next(source));
            for resonator in &mut self.cascade {
                voice = resonator.next(voice);
            }
            let hiss_source = noise * self.frication * if self.voicing > 0.05 { puff } else { 1. };
            let mut hiss = 0.;
            for (resonator, band) in self.hiss.iter_mut().zip(&frame.hiss) {
                hiss += resonator.next_band(hiss_source) * band.level;
            }
            *sample = to_i16(voice * GAIN + hiss);
        }
        (self.voicing, self.aspiration, self.frication) = (frame.voicing, frame.aspiration, frame.frication);
        self.settle();
    }

    fn tune(&mut self, frame: &Frame) {
        for (resonator, (hz, width_hz)) in self.cascade.iter_mut().zip(frame.formant_hz.into_iter().zip(frame.width_hz))
        {
            resonator.tune(hz * self.tract, width_hz * self.tract.max(1.));
        }
        self.nasal_zero.tune(frame.nasal_zero_hz, NASAL_WIDTH_HZ);
        for (resonator, band) in self.hiss.iter_mut().zip(&frame.hiss) {
            resonator.tune_band(band.centre_hz * (0.5 + 0.5 * self.tract), band.width_hz);
        }
    }

    /// Clears what has decayed below hearing, before it becomes slow subnormal arithmetic.
    fn settle(&mut self) {
        for resonator in self.cascade.iter_mut().chain(&mut self.hiss).chain([&mut self.nasal_pole]) {
            resonator.settle();
        }
    }
}

/// Bends the loudest peaks instead of cutting them.
fn to_i16(value: f32) -> i16 {
    const KNEE: f32 = 0.6;
    let size = value.abs();
    let bent = if size <= KNEE { size } else { KNEE + (1. - KNEE) * ((size - KNEE) / (size - KNEE + 1. - KNEE)) };
    // The bent value is below 1, so the cast cannot saturate.
    (bent.copysign(value) * 32_000.) as i16
}

/// White noise of variance one from a linear congruential generator: the same text always sounds the same.
#[derive(Debug)]
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The high bits are the good ones; the square root of three makes a uniform variable's variance one.
        (self.0 >> 8) as f32 * (2. * 1.732_050_8 / 16_777_216.) - 1.732_050_8
    }
}

/// The vocal folds: the flow derivative of a polynomial pulse (KLGLOTT88).
#[derive(Debug)]
struct Glottis {
    /// Samples since the folds opened.
    since: f32,
    period: f32,
    open_samples: f32,
    flow: f32,
    /// Counts periods for the slow drift that keeps the pitch from sounding like a machine's.
    count: u32,
}

impl Default for Glottis {
    fn default() -> Self {
        Self { since: 0., period: 1., open_samples: 1., flow: 0., count: 0 }
    }
}

impl Glottis {
    fn next(&mut self, pitch_hz: f32, open: f32) -> (f32, bool) {
        self.since += 1.;
        if self.since >= self.period {
            self.since -= self.period;
            self.count = self.count.wrapping_add(1);
            let drift = (self.count as f32 * 0.71).sin() * 0.006 + (self.count as f32 * 0.173).sin() * 0.006;
            self.period = SAMPLE_RATE / (pitch_hz * (1. + drift)).clamp(40., 600.);
            self.since = self.since.min(self.period - 1.);
            self.open_samples = self.period * open;
        }
        let phase = self.since / self.open_samples;
        let is_open = phase < 1.;
        let flow = if is_open { phase * phase * (1. - phase) } else { 0. };
        // The difference of flows is the derivative averaged over the sample, which keeps the sharp closure from aliasing.
        let pulse = (flow - self.flow) * self.open_samples;
        self.flow = flow;
        (pulse, is_open)
    }
}

/// A two-pole resonator with unit gain at 0 Hz.
#[derive(Clone, Copy, Debug, Default)]
struct Resonator {
    a: f32,
    b: f32,
    c: f32,
    last: f32,
    before: f32,
}

impl Resonator {
    fn tune(&mut self, hz: f32, width_hz: f32) {
        let radius = (-std::f32::consts::PI * width_hz / SAMPLE_RATE).exp();
        self.c = -radius * radius;
        self.b = 2. * radius * (std::f32::consts::TAU * hz.min(11_500.) / SAMPLE_RATE).cos();
        self.a = 1. - self.b - self.c;
    }

    /// Tunes for [`next_band`](Self::next_band): white noise of variance one comes out with variance near one.
    fn tune_band(&mut self, hz: f32, width_hz: f32) {
        self.tune(hz, width_hz);
        self.a = (std::f32::consts::PI * width_hz / SAMPLE_RATE).sqrt().min(1.) * 0.5 * std::f32::consts::SQRT_2;
    }

    fn next(&mut self, input: f32) -> f32 {
        let output = self.a * input + self.b * self.last + self.c * self.before;
        (self.before, self.last) = (self.last, output);
        output
    }

    /// A band pass: the same poles with zeros at 0 Hz and at half the sample rate.
    fn next_band(&mut self, input: f32) -> f32 {
        let state = input + self.b * self.last + self.c * self.before;
        let output = (state - self.before) * self.a;
        (self.before, self.last) = (self.last, state);
        output
    }

    fn settle(&mut self) {
        if self.last.abs() + self.before.abs() < 1e-15 {
            (self.last, self.before) = (0., 0.);
        }
    }
}

/// A two-zero filter with unit gain at 0 Hz: the mirror image of a resonator.
#[derive(Debug, Default)]
struct AntiResonator {
    a: f32,
    b: f32,
    c: f32,
    last: f32,
    before: f32,
}

impl AntiResonator {
    fn tune(&mut self, hz: f32, width_hz: f32) {
        let mut pole = Resonator::default();
        pole.tune(hz, width_hz);
        self.a = 1. / pole.a;
        self.b = -pole.b / pole.a;
        self.c = -pole.c / pole.a;
    }

    fn next(&mut self, input: f32) -> f32 {
        let output = self.a * input + self.b * self.last + self.c * self.before;
        (self.before, self.last) = (self.last, input);
        output
    }
}
