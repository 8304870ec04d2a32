//! What detectors make of each 10 ms of the set: how much of the speech they find, and how much else they take for it.

use live_audio::{EarshotVad, EnergyVad, Vad};

use crate::scene::{self, Scene};
use crate::speech::{STEP_SAMPLES, Voices};
use crate::table::{Table, percent};

/// A detector's opinion of every step that counts.
#[derive(Default)]
pub(crate) struct Opinions {
    /// Of steps with speech.
    speech: Vec<f32>,
    /// Of steps without.
    other: Vec<f32>,
}

impl Opinions {
    /// Lets a detector hear a recording from its beginning.
    pub(crate) fn hear(&mut self, vad: &mut dyn Vad, scene: &Scene) {
        vad.reset();
        let frame = vad.frame_samples();
        let heard: Vec<f32> = scene.samples.chunks_exact(frame).map(|samples| vad.probability(samples)).collect();
        let mut since_speech = usize::MAX;
        for (step, is_speech) in scene.speech.iter().enumerate() {
            let Some(opinion) = heard.get((step * STEP_SAMPLES + STEP_SAMPLES / 2) / frame) else { break };
            since_speech = if *is_speech { 0 } else { since_speech.saturating_add(1) };
            if *is_speech {
                self.speech.push(*opinion);
            } else if since_speech > FADING_STEPS {
                self.other.push(*opinion);
            }
        }
    }

    /// Steps with speech that are found at a threshold, of all of them.
    pub(crate) fn hits(&self, threshold: f32) -> (usize, usize) {
        (self.speech.iter().filter(|it| **it >= threshold).count(), self.speech.len())
    }

    /// Steps without speech that are taken for it, of all of them.
    pub(crate) fn alarms(&self, threshold: f32) -> (usize, usize) {
        (self.other.iter().filter(|it| **it >= threshold).count(), self.other.len())
    }

    /// How likely a step with speech is thought to be more so than one without: 1 is perfect, 0.5 is chance. And the share of errors
    /// where both kinds are equally frequent.
    fn curve(&self) -> (f64, f64) {
        let labelled = |of: &[f32], is_speech: bool| of.iter().map(|it| (*it, is_speech)).collect::<Vec<_>>();
        let mut all = [labelled(&self.speech, true), labelled(&self.other, false)].concat();
        all.sort_by(|one, other| other.0.total_cmp(&one.0));
        let (mut hits, mut alarms, mut area, mut equal) = (0.0, 0.0, 0.0, (f64::MAX, 1.0));
        for group in all.chunk_by(|one, other| one.0.to_bits() == other.0.to_bits()) {
            let found = group.iter().filter(|it| it.1).count() as f64 / self.speech.len() as f64;
            let taken = group.iter().filter(|it| !it.1).count() as f64 / self.other.len() as f64;
            area += taken * (hits + found / 2.0);
            (hits, alarms) = (hits + found, alarms + taken);
            let misses = 1.0 - hits;
            equal = if (misses - alarms).abs() < equal.0 {
                ((misses - alarms).abs(), (misses + alarms) / 2.0)
            } else {
                equal
            };
        }
        (area, equal.1)
    }
}

/// Prints the table.
pub(crate) fn report(voices: &Voices) {
    let mut columns = vec!["noise", "SNR"];
    for _ in DETECTORS {
        columns.extend(["AUC", "equal error", "found", "false"]);
    }
    let mut table = Table::new(&columns);
    for (noise, snr_db) in scene::conditions() {
        let mut row = scene::cells(noise, snr_db);
        for (_, make) in DETECTORS {
            let (mut opinions, mut vad) = (Opinions::default(), make());
            Scene::all(voices, noise, snr_db).for_each(|scene| opinions.hear(vad.as_mut(), &scene));
            let (area, equal) = opinions.curve();
            let (hits, speech) = opinions.hits(THRESHOLD);
            let (alarms, other) = opinions.alarms(THRESHOLD);
            row.extend([
                format!("{area:.3}"),
                format!("{:.1} %", 100.0 * equal),
                percent(hits, speech),
                percent(alarms, other),
            ]);
        }
        table.row(&row);
    }
    let names: Vec<&str> = DETECTORS.iter().map(|(name, _)| *name).collect();
    table.print(
        "Detectors, by steps of 10 ms",
        &format!("Left {}, right {}; found and false at {THRESHOLD}, where `HIGH` has it.", names[0], names[1]),
    );
}

type Make = fn() -> Box<dyn Vad>;

/// The detectors there are.
pub(crate) const DETECTORS: [(&str, Make); 2] =
    [("earshot", || Box::<EarshotVad>::default()), ("energy", || Box::<EnergyVad>::default())];

/// What a frame needs to begin speech with a high sensitivity.
const THRESHOLD: f32 = 0.6;
/// 100 ms in which speech fades, and nobody can say what they are.
const FADING_STEPS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;
    use crate::speech;

    /// Shares of steps with speech and without that are taken for speech, for each detector.
    async fn shares(noise: Noise, snr_db: Option<f64>) -> [(f64, f64); 2] {
        let voices = Voices::record(&speech::embedded(&["Puck", "Kore", "Charon"])).await.expect("they speak");
        DETECTORS.map(|(_, make)| {
            let (mut opinions, mut vad) = (Opinions::default(), make());
            Scene::all(&voices, noise, snr_db).for_each(|scene| opinions.hear(vad.as_mut(), &scene));
            let share = |(part, whole): (usize, usize)| part as f64 / whole as f64;
            (share(opinions.hits(THRESHOLD)), share(opinions.alarms(THRESHOLD)))
        })
    }

    #[tokio::test]
    async fn speech_is_found_in_noise_and_noise_is_not_speech() {
        for (noise, snr_db) in [(Noise::Silence, None), (Noise::Pink, Some(20.0)), (Noise::Clicks, Some(20.0))] {
            let [(hits, alarms), _] = shares(noise, snr_db).await;
            assert!(hits >= 0.92 && alarms <= 0.01, "{noise:?}: {hits:.3} found, {alarms:.3} false");
        }
    }

    #[tokio::test]
    async fn without_a_network_speech_is_found_where_it_is_quiet() {
        let [_, (hits, alarms)] = shares(Noise::Silence, None).await;
        assert!(hits >= 0.88 && alarms <= 0.01, "{hits:.3} found, {alarms:.3} false");
    }

    #[test]
    fn the_curve_knows_perfection_and_chance() {
        let perfect = Opinions { speech: vec![0.9, 0.8, 0.7], other: vec![0.1, 0.6] };
        assert_eq!(perfect.curve(), (1.0, 0.0));
        let (area, equal) = Opinions { speech: vec![0.5; 4], other: vec![0.5; 2] }.curve();
        assert_eq!((area, equal), (0.5, 0.5));
        let (area, _) = Opinions { speech: vec![0.9, 0.2], other: vec![0.5, 0.1] }.curve();
        assert!((area - 0.75).abs() < 1e-9, "{area}");
    }
}
