//! The movement of the mouth: a row of timed sounds in, a frame of synthesiser parameters for each 2.5 ms out.
//!
//! Formants glide between neighbours through a value at the boundary that the stronger of the two decides: a consonant pulls the
//! vowel's formants towards its place of articulation (locus equations). The filters themselves are in `synth.rs`.

use super::phone::{Kind, Phone, Place, Sound};
use super::prosody::Unit;
use super::synth::{Band, Frame, NASAL_POLE_HZ};

/// Milliseconds in a frame.
pub(super) const FRAME_MS: f32 = 2.5;

/// The state that outlives a frame: amplitudes and pitch follow their targets with some inertia.
#[derive(Debug)]
pub(super) struct Tract {
    pitch_hz: f32,
    voicing: f32,
    aspiration: f32,
    frication: f32,
    muffle: f32,
    nasal_zero_hz: f32,
    hiss: [Band; 3],
    last: ([f32; 3], [f32; 3]),
}

impl Tract {
    pub(super) fn new(pitch_hz: f32) -> Self {
        Self {
            pitch_hz,
            voicing: 0.,
            aspiration: 0.,
            frication: 0.,
            muffle: 0.,
            nasal_zero_hz: NASAL_POLE_HZ,
            hiss: [Band::SILENT; 3],
            last: ([500., 1500., 2500.], [100., 120., 200.]),
        }
    }

    /// Returns the parameters `at_ms` into `unit`, which stands between `before` and `after`.
    pub(super) fn frame(&mut self, before: &Unit, unit: &Unit, after: &Unit, at_ms: f32) -> Frame {
        let (formant_hz, width_hz) =
            if unit.phone == Phone::Pause { self.last } else { formants(before, unit, after, at_ms) };
        self.last = (formant_hz, width_hz);
        let excitation = Excitation::at(before, unit, after, at_ms);

        follow(&mut self.voicing, excitation.voicing, 5.5);
        follow(&mut self.aspiration, excitation.aspiration, 8.);
        let swell_ms = match (excitation.frication < self.frication, excitation.is_sharp) {
            (true, _) => 8.,
            (false, true) => 0.5,
            (false, false) => 14.,
        };
        follow(&mut self.frication, excitation.frication, swell_ms);
        follow(&mut self.muffle, excitation.muffle, 6.);
        follow(&mut self.nasal_zero_hz, excitation.nasal_zero_hz, 9.);
        follow(&mut self.pitch_hz, unit.pitch_hz(at_ms), 22.);
        if let Some(hiss) = excitation.hiss {
            self.hiss = hiss;
        }
        Frame {
            pitch_hz: self.pitch_hz,
            formant_hz,
            width_hz,
            nasal_zero_hz: self.nasal_zero_hz,
            voicing: self.voicing,
            aspiration: self.aspiration,
            frication: self.frication,
            hiss: self.hiss,
            muffle: self.muffle,
        }
    }
}

fn follow(value: &mut f32, target: f32, time_ms: f32) {
    *value += (target - *value) * (1. - (-FRAME_MS / time_ms).exp());
}

fn formants(before: &Unit, unit: &Unit, after: &Unit, at_ms: f32) -> ([f32; 3], [f32; 3]) {
    let sound = unit.phone.sound();
    let left = Boundary::between(before.phone, unit.phone, sound.onset_hz);
    let right = Boundary::between(unit.phone, after.phone, sound.offset_hz);
    let left_to_go_ms = unit.ms - at_ms;
    // A sound too short for both glides gives each its share.
    let squeeze = (unit.ms / (left.after_ms + right.before_ms).max(1.)).min(1.);
    let (in_ms, out_ms) = (left.after_ms * squeeze, right.before_ms * squeeze);
    let travel = ((at_ms / unit.ms - 0.2) / 0.6).clamp(0., 1.);

    let mut hz = [0.; 3];
    let mut width = sound.width_hz;
    for i in 0..3 {
        let mut value = blend(sound.onset_hz[i], sound.offset_hz[i], travel);
        if at_ms < in_ms {
            value = blend(left.hz[i], value, ease(at_ms / in_ms));
        }
        if left_to_go_ms < out_ms {
            value = blend(right.hz[i], value, ease(left_to_go_ms / out_ms));
        }
        hz[i] = value;
        // Widths matter less to the ear: half-way at the boundary is enough.
        if at_ms < in_ms {
            let middle = 0.5 * (before.phone.sound().width_hz[i] + sound.width_hz[i]);
            width[i] = blend(middle, width[i], at_ms / in_ms);
        }
        if left_to_go_ms < out_ms {
            let middle = 0.5 * (after.phone.sound().width_hz[i] + sound.width_hz[i]);
            width[i] = blend(middle, width[i], left_to_go_ms / out_ms);
        }
    }
    // Formants never cross, whatever the targets ask.
    hz[1] = hz[1].max(hz[0] + 150.);
    hz[2] = hz[2].max(hz[1] + 150.);
    (hz, width)
}

fn blend(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

fn ease(share: f32) -> f32 {
    share * share * (3. - 2. * share) * 0.5 + share * 0.5
}

/// Where the formants are as one sound becomes the next, and how long each takes to get there.
struct Boundary {
    hz: [f32; 3],
    before_ms: f32,
    after_ms: f32,
}

impl Boundary {
    fn between(left: Phone, right: Phone, unit_hz: [f32; 3]) -> Self {
        let (from, to) = (left.sound(), right.sound());
        if from.kind == Kind::Silence || to.kind == Kind::Silence {
            return Self { hz: unit_hz, before_ms: 1., after_ms: 1. };
        }
        match strength(from).cmp(&strength(to)) {
            std::cmp::Ordering::Greater => {
                let (inner_ms, outer_ms) = reach_ms(from);
                Self { hz: locus(from, to.onset_hz), before_ms: inner_ms, after_ms: outer_ms }
            }
            std::cmp::Ordering::Less => {
                let (inner_ms, outer_ms) = reach_ms(to);
                Self { hz: locus(to, from.offset_hz), before_ms: outer_ms, after_ms: inner_ms }
            }
            std::cmp::Ordering::Equal => {
                let mut hz = [0.; 3];
                for (i, value) in hz.iter_mut().enumerate() {
                    *value = 0.5 * (from.offset_hz[i] + to.onset_hz[i]);
                }
                Self { hz, before_ms: 35., after_ms: 35. }
            }
        }
    }
}

/// Which of two neighbours bends the other.
fn strength(sound: &Sound) -> u8 {
    match sound.kind {
        Kind::Silence | Kind::Aspirate => 0,
        Kind::Vowel => 1,
        Kind::Liquid | Kind::Glide => 2,
        Kind::Nasal => 3,
        Kind::Fricative => 4,
        Kind::Stop | Kind::Affricate | Kind::Flap => 5,
    }
}

/// How far the glide into and out of a consonant reaches: inside itself, and into its neighbour.
fn reach_ms(sound: &Sound) -> (f32, f32) {
    match (sound.kind, sound.place) {
        (Kind::Glide, _) => (35., 75.),
        (Kind::Liquid, Place::Rhotic) => (30., 65.),
        (Kind::Liquid, _) => (20., 45.),
        (Kind::Flap, _) => (8., 30.),
        (Kind::Vowel | Kind::Silence | Kind::Aspirate, _) => (1., 1.),
        (_, Place::Velar) => (20., 60.),
        (_, Place::Labial) => (20., 40.),
        (Kind::Nasal | Kind::Fricative | Kind::Stop | Kind::Affricate, _) => (20., 50.),
    }
}

/// The formants at the edge of a vowel whose own are `vowel_hz`.
fn locus(sound: &Sound, vowel_hz: [f32; 3]) -> [f32; 3] {
    let [v1, v2, v3] = vowel_hz;
    let first = match sound.kind {
        Kind::Stop | Kind::Affricate => 0.35 * v1 + 130.,
        Kind::Flap => 0.4 * v1 + 150.,
        Kind::Fricative => 0.45 * v1 + 150.,
        Kind::Nasal => 0.6 * v1 + 130.,
        Kind::Glide | Kind::Liquid => 0.5 * (v1 + sound.onset_hz[0]),
        Kind::Vowel | Kind::Silence | Kind::Aspirate => v1,
    };
    let (second, third) = match sound.place {
        Place::Labial => (0.72 * v2 + 230., 0.6 * v3 + 880.),
        Place::Dental => (0.5 * v2 + 660., 0.5 * v3 + 1270.),
        Place::Alveolar => (0.43 * v2 + 1010., 0.4 * v3 + 1590.),
        Place::PostAlveolar => (0.4 * v2 + 1130., 0.4 * v3 + 1560.),
        // The tongue meets the palate further forward before front vowels; with back ones the second and third formants meet.
        Place::Velar if v2 > 1500. => (0.35 * v2 + 1480., 0.5 * v3 + 1330.),
        Place::Velar => (0.85 * v2 + 420., 0.3 * v3 + 1450.),
        Place::LabioVelar | Place::Palatal | Place::Rhotic | Place::Lateral => {
            (0.5 * (v2 + sound.onset_hz[1]), 0.5 * (v3 + sound.onset_hz[2]))
        }
        Place::Open | Place::Glottal => (v2, v3),
    };
    [first, second, third]
}

/// What makes the noise at one moment.
struct Excitation {
    voicing: f32,
    aspiration: f32,
    frication: f32,
    /// Noise that begins with a snap rather than swelling.
    is_sharp: bool,
    hiss: Option<[Band; 3]>,
    muffle: f32,
    nasal_zero_hz: f32,
}

impl Excitation {
    fn at(before: &Unit, unit: &Unit, after: &Unit, at_ms: f32) -> Self {
        let sound = unit.phone.sound();
        let mut now = Self {
            voicing: 0.,
            aspiration: 0.,
            frication: 0.,
            is_sharp: false,
            hiss: None,
            muffle: 0.,
            nasal_zero_hz: NASAL_POLE_HZ,
        };
        let to_go_ms = unit.ms - at_ms;
        match sound.kind {
            Kind::Silence => {}
            Kind::Vowel | Kind::Glide | Kind::Liquid => {
                now.voicing = if sound.kind == Kind::Vowel { 1. } else { 0.72 };
                if before.phone.sound().kind == Kind::Nasal && at_ms < 35. {
                    now.nasal_zero_hz = 360.;
                }
                if after.phone.sound().kind == Kind::Nasal && to_go_ms < 60. {
                    now.nasal_zero_hz = 370.;
                }
                // The last syllable before a pause dies away instead of being switched off.
                if after.phone == Phone::Pause {
                    now.voicing *= (to_go_ms / 70.).clamp(0.1, 1.);
                }
            }
            Kind::Aspirate => {
                now.aspiration = 1.;
                // Between vowels the folds never quite stop.
                if before.phone.sound().voiced && after.phone.is_vowel() {
                    now.voicing = 0.25;
                    now.muffle = 0.5;
                }
            }
            Kind::Nasal => {
                now.voicing = 1.05;
                now.nasal_zero_hz = 450.;
                if after.phone == Phone::Pause {
                    now.voicing *= (to_go_ms / 50.).clamp(0.1, 1.);
                }
            }
            Kind::Flap => {
                now.voicing = 0.45;
                now.muffle = 0.3;
            }
            Kind::Fricative => {
                now.hiss = Some(hiss(sound, unit, after));
                now.frication = match (sound.voiced, sound.place) {
                    (false, _) => 1.,
                    // The weak ones are hardly more than a murmur.
                    (true, Place::Labial | Place::Dental) => 0.3,
                    (true, _) => 0.6,
                };
                if sound.voiced {
                    now.voicing = if after.phone == Phone::Pause { 0.35 * (to_go_ms / unit.ms) } else { 0.5 };
                    now.muffle = 0.55;
                }
                if after.phone == Phone::Pause {
                    now.frication *= (to_go_ms / 40.).clamp(0., 1.);
                }
            }
            Kind::Stop | Kind::Affricate => closed(&mut now, sound, unit, after, at_ms),
        }
        released(&mut now, before, unit, at_ms);
        now
    }
}

/// The closure of a stop, and its release where no vowel follows to carry it.
fn closed(now: &mut Excitation, sound: &Sound, unit: &Unit, after: &Unit, at_ms: f32) {
    let open_ms = if sound.kind == Kind::Affricate {
        unit.ms * 0.45
    } else if releases_itself(unit.phone, after.phone) {
        (unit.ms - 22.).max(unit.ms * 0.6)
    } else {
        unit.ms
    };
    if at_ms < open_ms {
        if sound.voiced {
            now.voicing = 0.32 * (1. - 0.5 * at_ms / unit.ms);
            now.muffle = 1.;
        }
        return;
    }
    now.hiss = Some(hiss(sound, unit, after));
    now.is_sharp = true;
    if sound.kind == Kind::Affricate {
        now.frication = if sound.voiced { 0.75 } else { 1. };
        if sound.voiced {
            now.voicing = 0.35;
            now.muffle = 0.7;
        }
        if after.phone == Phone::Pause {
            now.frication *= ((unit.ms - at_ms) / 40.).clamp(0., 1.);
        }
    } else {
        let fade = 1. - (at_ms - open_ms) / (unit.ms - open_ms);
        now.frication = 0.6 * fade;
        now.aspiration = if sound.voiced { 0. } else { 0.25 * fade };
    }
}

/// Whether a stop pops on its own, because what follows cannot carry its burst.
fn releases_itself(stop: Phone, after: Phone) -> bool {
    let next = after.sound();
    match next.kind {
        Kind::Silence | Kind::Fricative => true,
        Kind::Nasal | Kind::Stop | Kind::Affricate => next.place != stop.sound().place,
        Kind::Vowel | Kind::Glide | Kind::Liquid | Kind::Aspirate | Kind::Flap => false,
    }
}

/// The burst and breath with which the sound after a stop begins.
fn released(now: &mut Excitation, before: &Unit, unit: &Unit, at_ms: f32) {
    let stop = before.phone.sound();
    if stop.kind != Kind::Stop || unit.phone == Phone::Pause || releases_itself(before.phone, unit.phone) {
        return;
    }
    if matches!(unit.phone.sound().kind, Kind::Stop | Kind::Affricate | Kind::Fricative | Kind::Nasal) {
        return;
    }
    let burst_ms = match (stop.place, stop.voiced) {
        (Place::Velar, false) => 22.,
        (Place::Velar, true) => 15.,
        (Place::Labial, _) => 7.5,
        (_, false) => 15.,
        (_, true) => 10.,
    };
    if at_ms < burst_ms {
        now.hiss = Some(hiss(stop, before, unit));
        now.is_sharp = true;
        now.frication = 1.;
        if !stop.voiced {
            now.voicing = 0.;
        }
    } else if at_ms < unit.onset_ms {
        now.voicing = 0.;
        now.aspiration = 0.9;
    }
}

/// The shape of the noise of a consonant, as three bands; levels in dB under full scale.
fn hiss(sound: &Sound, unit: &Unit, after: &Unit) -> [Band; 3] {
    let next = after.phone.sound();
    let front_hz = if next.kind == Kind::Silence { 1700. } else { locus(sound, next.onset_hz)[1] };
    let is_stop = sound.kind == Kind::Stop;
    let rows: [(f32, f32, f32); 3] = match sound.place {
        Place::Labial if is_stop => [(700., 600., -33.), (1500., 1400., -36.), (3500., 3000., -42.)],
        Place::Labial => [(1500., 1800., -45.), (4500., 4000., -43.), (8500., 3500., -38.)],
        Place::Dental => [(1600., 1200., -48.), (5500., 3000., -43.), (8000., 3500., -41.)],
        Place::Velar => [(front_hz.max(900.), 280., -28.), (front_hz * 2. + 300., 1200., -38.), (5500., 2500., -46.)],
        Place::PostAlveolar => [(2650., 450., -28.), (3700., 900., -27.), (5600., 2200., -31.)],
        Place::Alveolar if is_stop => [(2600., 900., -42.), (4100., 1000., -32.), (6000., 2500., -30.)],
        Place::Alveolar
        | Place::Lateral
        | Place::Rhotic
        | Place::LabioVelar
        | Place::Palatal
        | Place::Open
        | Place::Glottal => [(4300., 900., -34.), (5800., 1500., -28.), (8000., 2500., -26.)],
    };
    let stress = if unit.stress > 0 { 1. } else { 0.85 };
    rows.map(|(centre_hz, width_hz, db)| Band { centre_hz, width_hz, level: 10f32.powf(db / 20.) * stress })
}
