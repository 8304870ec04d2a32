//! The sounds of speech: their names and where the vocal tract stands for each of them.
//!
//! Formant targets, bandwidths and durations start from the published measurements of adult male American speakers (Klatt,
//! "Software for a cascade/parallel formant synthesizer", JASA 67, 1980; Peterson and Barney 1952; Klatt 1979 for durations).
//! How they are joined is `tract.rs`, how long they last in a sentence `prosody.rs`.

use Kind::{Affricate, Aspirate, Flap, Fricative, Glide, Liquid, Nasal, Silence, Stop, Vowel};
use Place::{Alveolar, Dental, Glottal, Labial, LabioVelar, Lateral, Open, Palatal, PostAlveolar, Rhotic, Velar};

/// A sound, by its ARPAbet name; `Pause` is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phone {
    Pause,
    IY,
    IH,
    EY,
    EH,
    AE,
    AA,
    AO,
    OW,
    UH,
    UW,
    AH,
    AX,
    IX,
    ER,
    AY,
    AW,
    OY,
    W,
    Y,
    R,
    L,
    HH,
    M,
    N,
    NG,
    F,
    V,
    TH,
    DH,
    S,
    Z,
    SH,
    ZH,
    P,
    B,
    T,
    D,
    K,
    G,
    CH,
    JH,
    DX,
}

/// How the air is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Silence,
    Vowel,
    Glide,
    Liquid,
    Aspirate,
    Nasal,
    Fricative,
    Stop,
    Affricate,
    Flap,
}

/// Where the tract is narrowest, which decides how neighbouring vowels bend towards the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Open,
    Labial,
    LabioVelar,
    Dental,
    Alveolar,
    Lateral,
    Rhotic,
    PostAlveolar,
    Palatal,
    Velar,
    Glottal,
}

/// What the synthesiser knows of one sound; frequencies in Hz for a 17.5 cm tract.
#[derive(Debug)]
pub(super) struct Sound {
    /// Which sound the row is about.
    pub(super) phone: Phone,
    /// ARPAbet spelling, as the lexicon and the letter rules write it.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) voiced: bool,
    /// First three formants where the sound begins.
    pub(super) onset_hz: [f32; 3],
    /// The same where it ends; differs in diphthongs.
    pub(super) offset_hz: [f32; 3],
    pub(super) width_hz: [f32; 3],
    /// Duration in a stressed, phrase-final position.
    pub(super) inherent_ms: f32,
    /// Duration that no rule goes below.
    pub(super) least_ms: f32,
}

impl Phone {
    /// Returns the row of this sound.
    pub(super) fn sound(self) -> &'static Sound {
        &SOUNDS[self as usize]
    }

    /// Finds a sound by its ARPAbet name.
    pub(super) fn named(name: &str) -> Option<Self> {
        SOUNDS.iter().find(|sound| sound.name == name).map(|sound| sound.phone)
    }

    pub(super) fn is_vowel(self) -> bool {
        self.sound().kind == Vowel
    }

    /// Whether breath is stopped or hissed, so that a preceding vowel is cut short when it is voiceless.
    pub(super) fn is_obstruent(self) -> bool {
        matches!(self.sound().kind, Fricative | Stop | Affricate)
    }

    pub(super) fn is_sonorant_consonant(self) -> bool {
        matches!(self.sound().kind, Nasal | Liquid | Glide)
    }
}

#[expect(clippy::too_many_arguments, reason = "one column each of the table below")]
const fn row(
    phone: Phone,
    name: &'static str,
    kind: Kind,
    place: Place,
    voiced: bool,
    onset_hz: [f32; 3],
    offset_hz: [f32; 3],
    width_hz: [f32; 3],
    duration_ms: [f32; 2],
) -> Sound {
    let [inherent_ms, least_ms] = duration_ms;
    Sound { phone, name, kind, place, voiced, onset_hz, offset_hz, width_hz, inherent_ms, least_ms }
}

const fn vowel(
    phone: Phone,
    name: &'static str,
    onset_hz: [f32; 3],
    offset_hz: [f32; 3],
    width_hz: [f32; 3],
    ms: [f32; 2],
) -> Sound {
    row(phone, name, Vowel, Open, true, onset_hz, offset_hz, width_hz, ms)
}

#[expect(clippy::too_many_arguments, reason = "one column each of the table below")]
const fn consonant(
    phone: Phone,
    name: &'static str,
    kind: Kind,
    place: Place,
    voiced: bool,
    target_hz: [f32; 3],
    width_hz: [f32; 3],
    ms: [f32; 2],
) -> Sound {
    row(phone, name, kind, place, voiced, target_hz, target_hz, width_hz, ms)
}

#[rustfmt::skip]
static SOUNDS: [Sound; 43] = [
    consonant(Phone::Pause, "", Silence, Open, false, [500., 1500., 2500.], [100., 120., 200.], [100., 10.]),
    vowel(Phone::IY, "IY", [300., 2100., 2900.], [285., 2200., 2960.], [50., 120., 250.], [155., 65.]),
    vowel(Phone::IH, "IH", [400., 1860., 2570.], [440., 1750., 2560.], [55., 100., 150.], [135., 45.]),
    vowel(Phone::EY, "EY", [470., 1780., 2540.], [330., 2120., 2650.], [60., 100., 200.], [190., 85.]),
    vowel(Phone::EH, "EH", [540., 1720., 2500.], [600., 1600., 2500.], [60., 90., 180.], [150., 65.]),
    vowel(Phone::AE, "AE", [660., 1740., 2440.], [680., 1600., 2440.], [70., 120., 250.], [220., 80.]),
    vowel(Phone::AA, "AA", [730., 1160., 2500.], [720., 1160., 2500.], [110., 70., 160.], [220., 95.]),
    vowel(Phone::AO, "AO", [600., 920., 2500.], [620., 980., 2520.], [90., 90., 100.], [220., 95.]),
    vowel(Phone::OW, "OW", [540., 1050., 2350.], [420., 850., 2300.], [80., 70., 90.], [210., 80.]),
    vowel(Phone::UH, "UH", [450., 1080., 2300.], [470., 1150., 2330.], [75., 90., 90.], [160., 60.]),
    vowel(Phone::UW, "UW", [340., 1150., 2250.], [310., 920., 2220.], [60., 100., 120.], [190., 70.]),
    vowel(Phone::AH, "AH", [630., 1220., 2520.], [620., 1240., 2520.], [80., 70., 140.], [145., 60.]),
    vowel(Phone::AX, "AX", [500., 1420., 2450.], [500., 1420., 2450.], [80., 90., 150.], [110., 45.]),
    vowel(Phone::IX, "IX", [430., 1680., 2500.], [430., 1680., 2500.], [70., 90., 150.], [100., 40.]),
    vowel(Phone::ER, "ER", [480., 1280., 1600.], [450., 1320., 1600.], [90., 70., 110.], [190., 80.]),
    vowel(Phone::AY, "AY", [700., 1200., 2500.], [390., 1950., 2560.], [90., 80., 180.], [250., 120.]),
    vowel(Phone::AW, "AW", [700., 1280., 2500.], [430., 930., 2350.], [85., 75., 130.], [250., 110.]),
    vowel(Phone::OY, "OY", [540., 900., 2400.], [370., 1880., 2480.], [70., 70., 140.], [270., 130.]),
    consonant(Phone::W, "W", Glide, LabioVelar, true, [300., 640., 2200.], [50., 80., 90.], [75., 50.]),
    consonant(Phone::Y, "Y", Glide, Palatal, true, [265., 2180., 3000.], [45., 180., 350.], [75., 40.]),
    consonant(Phone::R, "R", Liquid, Rhotic, true, [330., 1090., 1420.], [70., 90., 110.], [75., 40.]),
    consonant(Phone::L, "L", Liquid, Lateral, true, [340., 1020., 2800.], [55., 90., 220.], [75., 45.]),
    consonant(Phone::HH, "HH", Aspirate, Glottal, false, [500., 1500., 2500.], [250., 150., 220.], [70., 40.]),
    consonant(Phone::M, "M", Nasal, Labial, true, [300., 1150., 2200.], [60., 200., 220.], [70., 50.]),
    consonant(Phone::N, "N", Nasal, Alveolar, true, [300., 1500., 2550.], [60., 250., 280.], [65., 45.]),
    consonant(Phone::NG, "NG", Nasal, Velar, true, [300., 1850., 2500.], [60., 250., 280.], [90., 60.]),
    consonant(Phone::F, "F", Fricative, Labial, false, [340., 1100., 2080.], [200., 130., 160.], [100., 75.]),
    consonant(Phone::V, "V", Fricative, Labial, true, [240., 1100., 2080.], [70., 110., 140.], [65., 40.]),
    consonant(Phone::TH, "TH", Fricative, Dental, false, [330., 1290., 2540.], [200., 110., 200.], [95., 65.]),
    consonant(Phone::DH, "DH", Fricative, Dental, true, [270., 1290., 2540.], [70., 100., 180.], [55., 35.]),
    consonant(Phone::S, "S", Fricative, Alveolar, false, [340., 1450., 2550.], [200., 100., 200.], [110., 70.]),
    consonant(Phone::Z, "Z", Fricative, Alveolar, true, [250., 1450., 2550.], [75., 90., 190.], [80., 50.]),
    consonant(Phone::SH, "SH", Fricative, PostAlveolar, false, [320., 1800., 2650.], [200., 110., 260.], [110., 80.]),
    consonant(Phone::ZH, "ZH", Fricative, PostAlveolar, true, [260., 1800., 2650.], [75., 100., 250.], [80., 50.]),
    consonant(Phone::P, "P", Stop, Labial, false, [300., 1000., 2150.], [250., 150., 200.], [85., 55.]),
    consonant(Phone::B, "B", Stop, Labial, true, [200., 1000., 2150.], [70., 120., 150.], [80., 50.]),
    consonant(Phone::T, "T", Stop, Alveolar, false, [300., 1700., 2650.], [250., 150., 220.], [75., 50.]),
    consonant(Phone::D, "D", Stop, Alveolar, true, [200., 1700., 2650.], [70., 120., 180.], [70., 45.]),
    consonant(Phone::K, "K", Stop, Velar, false, [300., 1850., 2500.], [250., 170., 280.], [80., 55.]),
    consonant(Phone::G, "G", Stop, Velar, true, [200., 1850., 2500.], [70., 150., 250.], [75., 50.]),
    consonant(Phone::CH, "CH", Affricate, PostAlveolar, false, [320., 1800., 2750.], [250., 120., 280.], [130., 95.]),
    consonant(Phone::JH, "JH", Affricate, PostAlveolar, true, [240., 1800., 2750.], [75., 110., 260.], [105., 75.]),
    consonant(Phone::DX, "DX", Flap, Alveolar, true, [280., 1650., 2600.], [80., 120., 200.], [26., 22.]),
];

#[cfg(test)]
mod tests {
    use super::SOUNDS;

    #[test]
    fn every_sound_stands_in_the_row_of_its_number() {
        for (index, sound) in SOUNDS.iter().enumerate() {
            assert_eq!(sound.phone as usize, index, "{}", sound.name);
        }
    }
}
