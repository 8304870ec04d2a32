//! Timing and melody: the words of one phrase in, timed and pitched sounds out.
//!
//! Durations follow the rules that Klatt published in 1979; the melody is a falling line with a rise on each stressed syllable and
//! an ending that tells a statement from a question. How the sounds are made is `tract.rs`.

use super::Voice;
use super::letter::Spoken;
use super::phone::{Kind, Phone};

/// One timed sound.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    pub(super) phone: Phone,
    pub(super) stress: u8,
    pub(super) ms: f32,
    /// How long the breath of a voiceless stop before it delays the voice.
    pub(super) onset_ms: f32,
    pitch_from_hz: f32,
    pitch_to_hz: f32,
    /// Set on the first sound of a piece of text: where in the text that piece ends, in bytes.
    pub(super) text_end: Option<usize>,
}

impl Unit {
    pub(super) fn pause(ms: f32, pitch_hz: f32) -> Self {
        Self {
            phone: Phone::Pause,
            stress: 0,
            ms,
            onset_ms: 0.,
            pitch_from_hz: pitch_hz,
            pitch_to_hz: pitch_hz,
            text_end: None,
        }
    }

    pub(super) fn pitch_hz(&self, at_ms: f32) -> f32 {
        self.pitch_from_hz + (self.pitch_to_hz - self.pitch_from_hz) * (at_ms / self.ms).clamp(0., 1.)
    }
}

/// A word as it is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) sounds: Vec<Spoken>,
    /// Articles, pronouns and the like, which are not accented.
    pub(super) is_weak: bool,
    pub(super) text_end: Option<usize>,
}

/// What stands at the end of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The phrase grew too long and the speaker breathes.
    Breath,
    Comma,
    Statement,
    Exclamation,
    /// A question that begins with a question word falls; any other rises.
    Question {
        rises: bool,
    },
}

impl Ending {
    fn pause_ms(self) -> f32 {
        match self {
            Self::Breath => 40.,
            Self::Comma => 170.,
            Self::Statement | Self::Exclamation | Self::Question { .. } => 330.,
        }
    }
}

/// Times and pitches one phrase; `units` receives its sounds and the pause after them.
pub(super) fn phrase(voice: &Voice, words: &[Word], ending: Ending, units: &mut Vec<Unit>) {
    let first = units.len();
    for (index, word) in words.iter().enumerate() {
        time_word(voice, word, index + 1 == words.len(), units);
    }
    aspirate(voice, &mut units[first..]);
    if let Some(last) = units.last()
        && last.phone != Phone::Pause
    {
        units.push(Unit::pause(ending.pause_ms() / voice.rate, voice.pitch_hz));
    }
    sing(voice, words, ending, &mut units[first..]);
}

fn time_word(voice: &Voice, word: &Word, is_last_word: bool, units: &mut Vec<Unit>) {
    let sounds = &word.sounds;
    let syllables = sounds.iter().filter(|sound| sound.phone.is_vowel()).count();
    let last_vowel = sounds.iter().rposition(|sound| sound.phone.is_vowel());
    for (index, spoken) in sounds.iter().enumerate() {
        let sound = spoken.phone.sound();
        let next = sounds.get(index + 1).map(|spoken| spoken.phone);
        let previous = index.checked_sub(1).map(|index| sounds[index].phone);
        let is_final_syllable = last_vowel.is_none_or(|vowel| index >= vowel);
        let mut share = 1.;
        if sound.kind == Kind::Vowel {
            if spoken.stress == 0 {
                share *= 0.6;
            }
            if word.is_weak && !is_last_word {
                share *= 0.65;
            }
            if syllables > 1 {
                share *= 0.85;
            }
            share *= if is_last_word && is_final_syllable { 1.3 } else { 0.85 };
            share *= coda_share(next, sounds.get(index + 2).map(|spoken| spoken.phone));
        } else {
            if index > 0 {
                share *= 0.85;
            }
            if spoken.stress == 0 && index > 0 && next.is_some_and(Phone::is_vowel) {
                share *= 0.9;
            }
            let in_cluster =
                next.is_some_and(|next| !next.is_vowel()) || previous.is_some_and(|previous| !previous.is_vowel());
            if in_cluster {
                share *= 0.75;
            }
            if is_last_word && is_final_syllable && last_vowel.is_some_and(|vowel| index > vowel) {
                // Without its hum a last nasal is lost, and "thirteen" becomes "thirty".
                share *= if sound.kind == Kind::Nasal { 2.2 } else { 1.25 };
            }
        }
        let ms = ((sound.inherent_ms - sound.least_ms) * share + sound.least_ms) * PACE / voice.rate;
        let mut unit = Unit::pause(ms.max(sound.least_ms * 0.6), voice.pitch_hz);
        unit.phone = spoken.phone;
        unit.stress = spoken.stress;
        unit.text_end = if index == 0 { word.text_end } else { None };
        units.push(unit);
    }
}

/// Slows everything a little: this voice is easier to follow unhurried.
const PACE: f32 = 1.03;

/// A vowel is shorter before a voiceless consonant and longer before a voiced one.
fn coda_share(next: Option<Phone>, second: Option<Phone>) -> f32 {
    let Some(next) = next else { return 1.15 };
    let kind = next.sound().kind;
    if next.is_sonorant_consonant() && second.is_some_and(|second| second.is_obstruent() && !second.sound().voiced) {
        return 0.8;
    }
    match (kind, next.sound().voiced) {
        (Kind::Stop | Kind::Affricate, false) => 0.7,
        (Kind::Fricative, false) => 0.8,
        (Kind::Stop | Kind::Affricate, true) => 1.1,
        (Kind::Fricative, true) => 1.2,
        (Kind::Nasal, _) => 0.9,
        (Kind::Vowel | Kind::Glide | Kind::Liquid | Kind::Aspirate | Kind::Flap | Kind::Silence, _) => 1.,
    }
}

/// Gives the sound after a voiceless stop its breathy start, and the time for it.
fn aspirate(voice: &Voice, units: &mut [Unit]) {
    for index in 1..units.len() {
        let stop = units[index - 1].phone.sound();
        if stop.kind != Kind::Stop || stop.voiced {
            continue;
        }
        let follows_s = index >= 2 && units[index - 2].phone == Phone::S;
        let unit = &mut units[index];
        if !matches!(unit.phone.sound().kind, Kind::Vowel | Kind::Glide | Kind::Liquid) {
            continue;
        }
        // The further back the closure, the longer the breath.
        let full_ms = if stop.phone == Phone::K {
            58.
        } else if stop.phone == Phone::T {
            52.
        } else {
            45.
        };
        unit.onset_ms = if follows_s {
            16.
        } else if unit.stress > 0 || !unit.phone.is_vowel() {
            full_ms
        } else {
            30.
        } / voice.rate;
        unit.ms += unit.onset_ms * if unit.phone.is_vowel() { 0.75 } else { 0.5 };
    }
}

/// Where in the melody of a phrase a sound stands.
enum Place {
    /// Before the last accent, and not accented.
    Plain,
    Accent,
    /// The last accent, which carries the ending.
    Nucleus,
    /// After it.
    Tail,
}

/// Lays the melody over the phrase, in semitones around the voice's pitch.
fn sing(voice: &Voice, words: &[Word], ending: Ending, units: &mut [Unit]) {
    let accents: Vec<bool> = words
        .iter()
        .flat_map(|word| {
            let is_accented = !word.is_weak || words.len() == 1;
            word.sounds.iter().map(move |sound| is_accented && sound.stress == 1)
        })
        .collect();
    let nucleus = accents.iter().rposition(|accent| *accent);
    let total_ms: f32 = units.iter().map(|unit| unit.ms).sum::<f32>().max(1.);
    let hz = |semitones: f32| voice.pitch_hz * (semitones * voice.lilt / 12.).exp2();

    let mut at_ms = 0.;
    let mut last: f32 = 1.5;
    for (index, unit) in units.iter_mut().enumerate() {
        let line = 1.5 - 3. * at_ms / total_ms;
        let place = match nucleus {
            Some(nucleus) if index == nucleus => Place::Nucleus,
            Some(nucleus) if index > nucleus => Place::Tail,
            _ if accents.get(index).is_some_and(|accent| *accent) => Place::Accent,
            _ => Place::Plain,
        };
        let (from, to) = match (place, ending) {
            (Place::Plain, _) | (Place::Tail, Ending::Breath) => (0.5 * (last + line), line),
            (Place::Accent, _) => (line + 1.2, line + 3.2),
            (Place::Nucleus, Ending::Question { rises: true }) => (line - 1.5, line + 4.5),
            (Place::Nucleus, Ending::Comma) => (line + 3., line + 0.5),
            (Place::Nucleus, Ending::Exclamation) => (line + 6., line - 1.),
            (Place::Nucleus, Ending::Breath | Ending::Statement | Ending::Question { rises: false }) => {
                (line + 3.5, line - 1.5)
            }
            (Place::Tail, Ending::Question { rises: true }) => (last, (last + 1.5).min(8.)),
            (Place::Tail, Ending::Comma) => (last, (last + 0.8).min(2.)),
            (Place::Tail, Ending::Statement | Ending::Exclamation | Ending::Question { rises: false }) => {
                (last, (last - 1.).max(-4.5))
            }
        };
        unit.pitch_from_hz = hz(from);
        unit.pitch_to_hz = hz(to);
        last = to;
        at_ms += unit.ms;
    }
}
