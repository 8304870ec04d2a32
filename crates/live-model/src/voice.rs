//! A small voice: English text in, speech out, 24 kHz, streaming, the same every time.
//!
//! A formant synthesiser with letter rules of its own; it needs no data files, no network and no other crate. It is made to be
//! understood, not to be mistaken for a person. Text of other scripts is spoken by best effort. What to say is not decided here.
//!
//! ```
//! use live_model::voice::Voice;
//!
//! let kore = Voice::named("Kore").expect("one of the thirty");
//! let samples: usize = kore.speak("Hello, world.").map(|chunk| chunk.pcm.len()).sum();
//! assert!(samples > 12_000, "more than half a second");
//! ```

mod letter;
mod lexicon;
mod number;
mod phone;
mod prosody;
mod reading;
mod roster;
mod script;
mod synth;
#[cfg(test)]
mod tests;
mod tract;

use std::collections::VecDeque;

pub(crate) use number::SMALL as SMALL_NUMBER_WORDS;
use prosody::Unit;
use reading::Reader;
use roster::ROSTER;
use synth::{FRAME_SAMPLES, Synth};
use tract::{FRAME_MS, Tract};

/// Samples in a second of speech.
pub const SAMPLE_RATE_HZ: u32 = 24_000;

/// One of the thirty speakers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    name: &'static str,
    /// Middle of the voice's pitch, in Hz.
    pitch_hz: f32,
    /// How lively the melody is; 1 is ordinary.
    lilt: f32,
    /// How much higher the formants are than those of a 17.5 cm tract.
    tract: f32,
    /// Breath mixed into the voice, against its own amplitude.
    breath: f32,
    /// How dull the source is, from 0 to 1.
    tilt: f32,
    /// Share of each period in which the vocal folds are open.
    open: f32,
    /// Speed against an ordinary speaker.
    rate: f32,
}

impl Voice {
    /// Finds a voice by its exact, case-sensitive name, as `PrebuiltVoiceConfig.voiceName` spells it.
    pub fn named(name: &str) -> Option<&'static Self> {
        ROSTER.iter().find(|voice| voice.name == name)
    }

    /// Lists the names of all thirty voices.
    pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
        ROSTER.iter().map(|voice| voice.name)
    }

    /// Returns the name of the voice.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is one of the higher voices.
    #[cfg(feature = "exec")]
    pub(crate) fn is_high(&self) -> bool {
        self.pitch_hz >= 150.
    }

    /// Begins to speak: the result yields sound as fast as it is asked for, 40 ms at a time unless told otherwise.
    pub fn speak(&self, text: impl Into<String>) -> Speech {
        Speech::new(*self, text.into())
    }
}

impl Default for Voice {
    /// Returns Puck, as the Live API does when a setup names no voice.
    fn default() -> Self {
        ROSTER[0]
    }
}

/// A piece of speech and the piece of the text that it begins to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechChunk {
    /// Mono samples at [`SAMPLE_RATE_HZ`]; never empty.
    pub pcm: Vec<i16>,
    /// The words that begin within these samples, with the blanks before them and the punctuation after; may be empty.
    ///
    /// All chunks' texts in a row are the text that was to be spoken.
    pub text: String,
}

/// Speech under way: an iterator over its sound.
///
/// Nothing is computed before it is asked for, so dropping it is all it takes to fall silent.
#[derive(Debug)]
pub struct Speech {
    voice: Voice,
    text: String,
    /// Bytes of the text that chunks have carried so far.
    told: usize,
    reader: Reader,
    tract: Tract,
    synth: Synth,
    /// The sound that was made last, then the one being made, then those to come.
    before: Unit,
    units: VecDeque<Unit>,
    at_ms: f32,
    chunk_samples: usize,
    /// What is left of a frame that the last chunk had no room for.
    rest: Vec<i16>,
    is_over: bool,
}

impl Speech {
    fn new(voice: Voice, text: String) -> Self {
        // FNV-1a over name and text: the same words by the same voice have the same noise.
        let seed = voice
            .name
            .bytes()
            .chain(text.bytes())
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let is_over = text.is_empty();
        Self {
            voice,
            text,
            told: 0,
            reader: Reader::default(),
            tract: Tract::new(voice.pitch_hz),
            synth: Synth::new(&voice, seed),
            before: Unit::pause(LEAD_IN_MS, voice.pitch_hz),
            units: VecDeque::new(),
            at_ms: 0.,
            chunk_samples: 40 * SAMPLES_PER_MS,
            rest: Vec::with_capacity(FRAME_SAMPLES),
            is_over,
        }
    }

    /// Sets the length of the chunks, in milliseconds; at least 1. The last chunk may be shorter.
    #[must_use]
    pub fn with_chunk_ms(mut self, chunk_ms: u32) -> Self {
        self.chunk_samples = chunk_ms.max(1) as usize * SAMPLES_PER_MS;
        self
    }

    /// Makes sure that the sound being made and the one after it are known; `false` when there is nothing left to make.
    fn prepare(&mut self) -> bool {
        while self.units.len() < 2 {
            let Some(phrase) = self.reader.next_phrase(&self.text) else { break };
            let mut units = Vec::new();
            prosody::phrase(&self.voice, &phrase.words, phrase.ending, &mut units);
            self.units.extend(units);
        }
        !self.units.is_empty()
    }

    /// Makes the next frame and returns where the text of the word that begins in it ends.
    fn frame(&mut self, out: &mut [i16; FRAME_SAMPLES]) -> Option<usize> {
        let silence = Unit::pause(LEAD_IN_MS, self.voice.pitch_hz);
        let unit = &self.units[0];
        let after = self.units.get(1).unwrap_or(&silence);
        let text_end = unit.text_end.filter(|_| self.at_ms < FRAME_MS);
        let frame = self.tract.frame(&self.before, unit, after, self.at_ms);
        self.synth.render(&frame, out);
        self.at_ms += FRAME_MS;
        if self.at_ms >= unit.ms {
            self.at_ms -= unit.ms;
            self.before = self.units.pop_front().expect("the sound just made is in front");
        }
        text_end
    }
}

/// Silence that is put before a text that has nothing to say in it, and that stands for what surrounds speech.
const LEAD_IN_MS: f32 = 60.;
const SAMPLES_PER_MS: usize = SAMPLE_RATE_HZ as usize / 1000;

impl Iterator for Speech {
    type Item = SpeechChunk;

    fn next(&mut self) -> Option<SpeechChunk> {
        if self.is_over {
            return None;
        }
        let mut pcm = Vec::with_capacity(self.chunk_samples + FRAME_SAMPLES);
        pcm.append(&mut self.rest);
        let first = self.told;
        while pcm.len() < self.chunk_samples && self.prepare() {
            let mut frame = [0; FRAME_SAMPLES];
            if let Some(text_end) = self.frame(&mut frame) {
                self.told = text_end;
            }
            pcm.extend_from_slice(&frame);
        }
        if pcm.len() > self.chunk_samples {
            self.rest.extend(pcm.drain(self.chunk_samples..));
        }
        if self.rest.is_empty() && !self.prepare() {
            self.is_over = true;
            self.told = self.text.len();
            if pcm.is_empty() {
                // Text without a single word: a moment of silence carries it.
                pcm.resize(LEAD_IN_MS as usize * SAMPLES_PER_MS, 0);
            }
        }
        Some(SpeechChunk { pcm, text: self.text[first..self.told].to_owned() })
    }
}
