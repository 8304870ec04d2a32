//! What becomes of the set's utterances with the settings of a server: found, cut up, run together, missed, or imagined.

use live_engine::{Activity, ActivitySettings, Backend, Edge};

use crate::detection::DETECTORS;
use crate::scene::{self, Scene};
use crate::speech::{STEP_SAMPLES, Voices};
use crate::table::Table;

/// A stretch that was taken for speech, in samples: where it is said to begin and end, and when that was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) begin: u64,
    pub(crate) begin_known: u64,
    pub(crate) end: u64,
    pub(crate) end_known: u64,
}

/// What is heard in a recording. Its end ends everything.
pub(crate) fn stretches(activity: &mut Activity, samples: &[i16]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for frame in samples.chunks_exact(activity.frame_samples()) {
        let edge = activity.hear(frame);
        let known = activity.heard();
        match (edge, stretches.last_mut()) {
            (Some(Edge::Started { at }), _) => {
                stretches.push(Stretch { begin: at, begin_known: known, end: u64::MAX, end_known: u64::MAX });
            }
            (Some(Edge::Ended { at }), Some(last)) => (last.end, last.end_known) = (at, known),
            (Some(Edge::Ended { .. }), None) => unreachable!("what ends has begun"),
            (None, _) => {}
        }
    }
    stretches
}

/// Counts over recordings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Utterances that were spoken.
    pub(crate) spoken: usize,
    /// Those that one stretch holds, which holds nothing else.
    pub(crate) whole: usize,
    /// Those of which nothing was heard.
    pub(crate) missed: usize,
    /// Those that were heard in several stretches.
    pub(crate) split: usize,
    /// Stretches in which nobody spoke.
    pub(crate) imagined: usize,
    /// For how long nobody spoke.
    pub(crate) quiet_minutes: f64,
}

impl Counts {
    /// Adds what was heard in a recording. What is neither whole nor missed nor split ran together with the other utterance.
    pub(crate) fn add(&mut self, scene: &Scene, stretches: &[Stretch]) {
        let overlap = |stretch: &&Stretch, utterance: &std::ops::Range<usize>| {
            stretch.begin < (utterance.end * STEP_SAMPLES) as u64
                && stretch.end > (utterance.start * STEP_SAMPLES) as u64
        };
        for utterance in &scene.utterances {
            let of: Vec<&Stretch> = stretches.iter().filter(|stretch| overlap(stretch, utterance)).collect();
            let is_alone = |stretch: &&Stretch| scene.utterances.iter().filter(|it| overlap(stretch, it)).count() == 1;
            self.spoken += 1;
            match of[..] {
                [] => self.missed += 1,
                [one] => self.whole += usize::from(is_alone(&one)),
                [..] => self.split += 1,
            }
        }
        self.imagined += stretches.iter().filter(|it| !scene.utterances.iter().any(|of| overlap(it, of))).count();
        self.quiet_minutes += scene.quiet_minutes();
    }

    fn cells(&self) -> [String; 2] {
        let Self { spoken, whole, missed, split, imagined, quiet_minutes } = *self;
        let together = spoken - whole - missed - split;
        let false_per_minute = imagined as f64 / quiet_minutes;
        [format!("{whole} / {split} / {together} / {missed}"), format!("{false_per_minute:.1}")]
    }
}

/// Prints the table.
pub(crate) fn report(voices: &Voices) {
    let settings = [Backend::Gemini, Backend::Vertex].map(ActivitySettings::of);
    let columns =
        ["noise", "SNR", "earshot, Gemini", "false", "Vertex", "false", "energy, Gemini", "false", "Vertex", "false"];
    let mut table = Table::new(&columns);
    for (noise, snr_db) in scene::conditions() {
        let mut row = scene::cells(noise, snr_db);
        for (_, make) in DETECTORS {
            for settings in settings {
                let mut counts = Counts::default();
                for scene in Scene::all(voices, noise, snr_db) {
                    counts.add(&scene, &stretches(&mut Activity::new(make(), settings), &scene.samples));
                }
                row.extend(counts.cells());
            }
        }
        table.row(&row);
    }
    table.print(
        "Utterances",
        &format!(
            "Of {} utterances: heard whole / cut up / run together with another / missed. False: stretches without speech, by the minute.",
            voices.said.len() * 2
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::speech;

    #[tokio::test]
    async fn each_utterance_is_a_turn_with_the_defaults_of_both_backends() {
        let voices = speech::Voices::record(&speech::embedded(&["Puck", "Kore", "Charon"])).await.expect("they speak");
        for (noise, snr_db) in [(Noise::Silence, None), (Noise::White, Some(20.0)), (Noise::Pink, Some(20.0))] {
            for backend in [Backend::Gemini, Backend::Vertex] {
                let mut counts = Counts::default();
                for scene in Scene::all(&voices, noise, snr_db) {
                    let mut activity = Activity::new(DETECTORS[0].1(), ActivitySettings::of(backend));
                    counts.add(&scene, &stretches(&mut activity, &scene.samples));
                }
                let Counts { spoken, whole, imagined, .. } = counts;
                assert_eq!((spoken, whole, imagined), (6, 6, 0), "{noise:?}, {backend:?}: {counts:?}");
            }
        }
    }

    #[test]
    fn stretches_are_held_against_what_was_said() {
        let scene = Scene { samples: Vec::new(), speech: vec![false; 600], utterances: [100..200, 300..400] };
        let stretch =
            |begin: u64, end: u64| Stretch { begin: begin * 160, begin_known: 0, end: end * 160, end_known: 0 };
        let count = |stretches: &[Stretch]| {
            let mut counts = Counts::default();
            counts.add(&scene, stretches);
            (counts.whole, counts.split, counts.missed, counts.imagined)
        };
        assert_eq!(count(&[stretch(110, 210), stretch(290, 390)]), (2, 0, 0, 0));
        assert_eq!(count(&[stretch(110, 390)]), (0, 0, 0, 0), "they ran together");
        assert_eq!(count(&[stretch(110, 150), stretch(160, 210), stretch(450, 460)]), (0, 1, 1, 1));
    }
}
