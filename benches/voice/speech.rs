//! Who speaks and what is said: the embedded voices and the programs of this machine, at 16 kHz, with labels in steps of 10 ms.
//!
//! Where the speech is mixed with noise is `scene`'s.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use futures_util::StreamExt as _;
use live_audio::Resampler;
use live_model::exec::SpeakingProgram;
use live_model::exec::preset::{PRESETS, Role};
use live_model::voice::{SAMPLE_RATE_HZ, Voice};
use live_model::{EmbeddedVoice, Script, Synthesiser};

/// Samples a second of everything that is heard.
pub(crate) const RATE_HZ: u32 = 16_000;
/// What labels are counted in.
pub(crate) const STEP_SAMPLES: usize = 160;
/// A step in milliseconds.
pub(crate) const STEP_MS: usize = 10;

/// A voice of an engine.
#[derive(Clone)]
pub(crate) struct Speaker {
    /// The engine, `embedded` or a program.
    pub(crate) engine: &'static str,
    /// The voice as the engine calls it.
    pub(crate) name: String,
    /// The voice as the Live API calls it.
    voice: &'static str,
    synthesiser: Arc<dyn Synthesiser>,
}

impl Speaker {
    /// Begins to say a text.
    pub(crate) fn speak(
        &self,
        text: &str,
    ) -> futures_util::stream::BoxStream<'static, Result<live_model::Sound, live_model::Fault>> {
        self.synthesiser.speak(Script { text: text.to_owned(), voice: self.voice.to_owned(), language: None })
    }

    /// Says a text, to be heard at 16 kHz and the level of all others.
    pub(crate) async fn say(&self, text: &str) -> Result<Clip> {
        let mut samples = Vec::new();
        let mut resampler = Resampler::new(SAMPLE_RATE_HZ, RATE_HZ);
        let mut sound = self.speak(text);
        while let Some(piece) = sound.next().await {
            let piece = piece.map_err(|fault| anyhow!("{fault}")).with_context(|| format!("{} failed", self.name))?;
            resampler.push(&piece.samples, &mut samples);
        }
        resampler.finish(&mut samples);
        Ok(Clip::new(&samples))
    }
}

/// Embedded voices, high and low, breathy and firm; and each voice of the programs that are here.
pub(crate) fn speakers() -> Result<Vec<Speaker>> {
    let mut speakers = embedded(&["Puck", "Kore", "Charon", "Leda", "Fenrir", "Aoede", "Enceladus", "Zephyr"]);
    for preset in PRESETS.iter().filter(|preset| preset.role == Role::Speaks && preset.installed().is_some()) {
        let (config, voices) = preset.config();
        let program = Arc::new(SpeakingProgram::new(config, voices.clone())?);
        let mut seen = BTreeSet::new();
        for voice in Voice::names() {
            let name = voices.known.get(voice).map_or(voice, String::as_str);
            if seen.len() < PROGRAM_VOICES_MAX && seen.insert(name.to_owned()) {
                speakers.push(Speaker {
                    engine: preset.name,
                    name: name.to_owned(),
                    voice,
                    synthesiser: Arc::clone(&program) as _,
                });
            }
        }
    }
    Ok(speakers)
}

/// These of the embedded voices.
pub(crate) fn embedded(voices: &[&'static str]) -> Vec<Speaker> {
    let speaker = |voice: &&'static str| Speaker {
        engine: "embedded",
        name: (*voice).to_owned(),
        voice,
        synthesiser: Arc::new(EmbeddedVoice),
    };
    voices.iter().map(speaker).collect()
}

/// Speakers by engine, for people.
pub(crate) fn list(speakers: &[Speaker]) -> String {
    let engines: Vec<String> = speakers
        .chunk_by(|one, other| one.engine == other.engine)
        .map(|of| {
            let names: Vec<&str> = of.iter().map(|speaker| speaker.name.as_str()).collect();
            format!("{} ({})", of[0].engine, names.join(", "))
        })
        .collect();
    engines.join(", ")
}

/// A text as one speaker says it.
#[derive(Clone, Debug)]
pub(crate) struct Clip {
    /// At 16 kHz, a whole number of steps, -26 dB of full scale while it speaks.
    pub(crate) samples: Vec<f32>,
    /// For each step whether it is speech. Silence within that is shorter than a syllable is.
    pub(crate) speech: Vec<bool>,
}

impl Clip {
    fn new(samples: &[i16]) -> Self {
        let power =
            |step: &[i16]| step.iter().map(|it| f64::from(*it) * f64::from(*it)).sum::<f64>() / step.len() as f64;
        let powers: Vec<f64> = samples.chunks(STEP_SAMPLES).map(power).collect();
        let loudest = powers.iter().copied().fold(1.0, f64::max);
        let mut speech: Vec<bool> = powers.iter().map(|power| *power > loudest * QUIETEST).collect();
        close_gaps(&mut speech, GAP_STEPS);
        let spoken: Vec<f64> = powers.iter().zip(&speech).filter(|(_, is)| **is).map(|(power, _)| *power).collect();
        let mean = spoken.iter().sum::<f64>() / spoken.len().max(1) as f64;
        let gain = LEVEL / mean.max(1.0).sqrt();
        let mut samples: Vec<f32> = samples.iter().map(|it| (f64::from(*it) * gain) as f32).collect();
        samples.resize(speech.len() * STEP_SAMPLES, 0.0);
        Self { samples, speech }
    }
}

/// Takes silence for speech where it is short and lies within.
fn close_gaps(speech: &mut [bool], longest: usize) {
    let mut last = None;
    for at in 0..speech.len() {
        if speech[at] {
            if let Some(last) = last.filter(|last| at - last <= longest + 1) {
                speech[last..at].fill(true);
            }
            last = Some(at);
        }
    }
}

/// What the set is made of: some sentences of each speaker, and a crowd to babble.
#[derive(Clone, Default)]
pub(crate) struct Voices {
    /// For each speaker, two sentences.
    pub(crate) said: Vec<[Clip; 2]>,
    /// People who talk at once, all the time.
    pub(crate) crowd: Vec<Vec<f32>>,
}

impl Voices {
    /// Lets everybody speak.
    pub(crate) async fn record(speakers: &[Speaker]) -> Result<Self> {
        let mut voices = Self::default();
        let mut sentences = SENTENCES.iter().cycle();
        for speaker in speakers {
            let mut next = || sentences.next().expect("they come again and again");
            voices.said.push([speaker.say(next()).await?, speaker.say(next()).await?]);
        }
        // Voices that say nothing else in the set.
        for (index, speaker) in
            embedded(&["Orus", "Callirrhoe", "Iapetus", "Umbriel", "Despina", "Algenib"]).iter().enumerate()
        {
            let mut person = Vec::new();
            for sentence in SENTENCES.iter().cycle().skip(index * 5).take(6) {
                person.extend(speaker.say(sentence).await?.samples);
            }
            voices.crowd.push(person);
        }
        Ok(voices)
    }
}

/// Short and long ones, questions and orders, soft and hard beginnings.
pub(crate) const SENTENCES: &[&str] = &[
    "What is the weather like in Rome today?",
    "Please read me the news of the day.",
    "How many people live in the city of London?",
    "Turn off the light in the kitchen.",
    "She sells fresh fish at the market.",
    "I would like a table for two people at seven.",
    "Stop.",
    "When does the next train leave for the airport?",
    "Half of the money was lost in the first year.",
    "Thank you very much, that is all for now.",
    "We have to talk about the plan for next week.",
    "Find a quiet place where we can have dinner.",
];

/// RMS of speech: -26 dB of full scale, the level that telephony measures at.
pub(crate) const LEVEL: f64 = 32_768.0 * 0.05;
/// 35 dB below the loudest step, as a power.
const QUIETEST: f64 = 3.2e-4;
/// The closure of a plosive, a short breath.
const GAP_STEPS: usize = 15;
const PROGRAM_VOICES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gaps_within_speech_are_speech_and_long_ones_are_not() {
        let mut speech = [false, true, false, false, true, false, false, false, true, false];
        close_gaps(&mut speech, 2);
        assert_eq!(speech, [false, true, true, true, true, false, false, false, true, false]);
    }
}
