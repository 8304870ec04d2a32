//! How long after speech begins and ends this is known, in audio time, by the settings that a client may choose.

use live_audio::EarshotVad;
use live_engine::{Activity, ActivitySettings, Backend};

use crate::events::{Counts, Stretch, stretches};
use crate::noise::Noise;
use crate::scene::{Scene, SnrDb};
use crate::speech::{STEP_SAMPLES, Voices};
use crate::table::{Table, percent, spread};

/// Prints both tables.
pub(crate) fn report(voices: &Voices) {
    let conditions: Vec<Vec<Scene>> =
        CONDITIONS.iter().map(|(noise, snr_db)| Scene::all(voices, *noise, *snr_db).collect()).collect();
    let default = ActivitySettings::of(Backend::Gemini);

    let mut table =
        Table::new(&["startOfSpeechSensitivity", "prefixPaddingMs", "quiet", "missed", "pink, 10 dB", "missed"]);
    for (starts_eagerly, name) in SENSITIVITIES {
        for prefix_padding_ms in [0, 20, 100, 200, 300] {
            let settings = ActivitySettings { starts_eagerly, prefix_padding_ms, ..default };
            let mut row = vec![name.to_owned(), prefix_padding_ms.to_string()];
            for scenes in &conditions {
                let Heard { counts, starts_ms, .. } = hear(scenes, settings);
                row.extend([spread(&starts_ms, 0), percent(counts.missed, counts.spoken)]);
            }
            table.row(&row);
        }
    }
    table.print("From the beginning of speech to its commit", REMARK);

    let mut table =
        Table::new(&["endOfSpeechSensitivity", "silenceDurationMs", "quiet", "cut up", "pink, 10 dB", "cut up"]);
    for (ends_eagerly, name) in SENSITIVITIES {
        for silence_duration_ms in [100, 200, 300, 500, 800] {
            let settings = ActivitySettings { ends_eagerly, silence_duration_ms, ..default };
            let mut row = vec![name.to_owned(), silence_duration_ms.to_string()];
            for scenes in &conditions {
                let Heard { counts, ends_ms, .. } = hear(scenes, settings);
                row.extend([spread(&ends_ms, 0), percent(counts.split, counts.spoken)]);
            }
            table.row(&row);
        }
    }
    table.print("From the end of speech to its commit", REMARK);
}

struct Heard {
    counts: Counts,
    starts_ms: Vec<f64>,
    ends_ms: Vec<f64>,
}

fn hear(scenes: &[Scene], settings: ActivitySettings) -> Heard {
    let mut heard = Heard { counts: Counts::default(), starts_ms: Vec::new(), ends_ms: Vec::new() };
    for scene in scenes {
        let stretches = stretches(&mut Activity::new(Box::<EarshotVad>::default(), settings), &scene.samples);
        heard.counts.add(scene, &stretches);
        for utterance in &scene.utterances {
            let (begin, end) = ((utterance.start * STEP_SAMPLES) as u64, (utterance.end * STEP_SAMPLES) as u64);
            let is_of = |stretch: &&Stretch| stretch.begin < end && stretch.end > begin;
            if let Some(first) = stretches.iter().find(is_of) {
                heard.starts_ms.push(ms(begin, first.begin_known));
            }
            if let Some(last) = stretches.iter().rfind(is_of).filter(|last| last.end_known != u64::MAX) {
                heard.ends_ms.push(ms(end, last.end_known));
            }
        }
    }
    heard
}

/// From one sample to another.
pub(crate) fn ms(from: u64, to: u64) -> f64 {
    (to as f64 - from as f64) / 16.0
}

const REMARK: &str =
    "Milliseconds of the stream, median / 95 % / most, earshot; the other settings are those of the Gemini API.";
const CONDITIONS: [(Noise, SnrDb); 2] = [(Noise::Silence, None), (Noise::Pink, Some(10.0))];
const SENSITIVITIES: [(bool, &str); 2] = [(true, "HIGH"), (false, "LOW")];
