//! Detectors against speech: that of the embedded voice, clean and in noise, with the labels that the synthesis gives.

use live_audio::{EarshotVad, EnergyVad, Resampler, Vad};
use live_model::voice::Voice;

/// A second of background, speech, and a second of background, with where the speech lies; 16 kHz.
fn utterance(voice: &str, noise: i16) -> (Vec<i16>, std::ops::Range<usize>) {
    let voice = Voice::named(voice).expect("one of the thirty");
    let spoken: Vec<i16> = voice.speak("Please read me the news of today.").flat_map(|chunk| chunk.pcm).collect();
    let mut speech = Vec::new();
    let mut resampler = Resampler::new(24_000, 16_000);
    resampler.push(&spoken, &mut speech);
    resampler.finish(&mut speech);
    let is_loud = |sample: &i16| sample.unsigned_abs() > 300;
    let first = 16_000 + speech.iter().position(is_loud).expect("it speaks");
    let last = 16_000 + speech.iter().rposition(is_loud).expect("it speaks");
    let mut samples = vec![0; 16_000];
    samples.extend(&speech);
    samples.extend([0; 16_000]);
    let mut state = 1_u32;
    for sample in &mut samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (state >> 16) as i32 % (2 * i32::from(noise) + 1) - i32::from(noise);
        *sample = (i32::from(*sample) + white).clamp(-32_768, 32_767) as i16;
    }
    (samples, first..last)
}

/// Shares of the frames within and outside speech that are taken for speech at 0.5.
fn rates(vad: &mut dyn Vad, samples: &[i16], speech: &std::ops::Range<usize>) -> (f64, f64) {
    let frame = vad.frame_samples();
    let (mut hits, mut within, mut alarms, mut outside) = (0, 0, 0, 0);
    for (index, frame_samples) in samples.chunks_exact(frame).enumerate() {
        let is_speech = vad.probability(frame_samples) >= 0.5;
        let at = index * frame;
        if at >= speech.start && at + frame <= speech.end {
            within += 1;
            hits += u32::from(is_speech);
        } else if at + frame <= speech.start || at >= speech.end + 4_000 {
            outside += 1;
            alarms += u32::from(is_speech);
        }
    }
    (f64::from(hits) / f64::from(within), f64::from(alarms) / f64::from(outside))
}

#[track_caller]
fn check(vad: &mut dyn Vad, noise: i16, hits_min: f64, alarms_max: f64) {
    for voice in ["Puck", "Kore", "Charon", "Leda"] {
        vad.reset();
        let (samples, speech) = utterance(voice, noise);
        let (hits, alarms) = rates(vad, &samples, &speech);
        assert!(hits >= hits_min && alarms <= alarms_max, "{vad:?}, {voice}: {hits:.3} found, {alarms:.3} false");
    }
}

#[test]
fn earshot_hears_speech_in_silence_and_in_noise() {
    check(&mut EarshotVad::default(), 0, 0.8, 0.01);
    check(&mut EarshotVad::default(), 300, 0.8, 0.05);
}

#[test]
fn energy_hears_speech_in_silence() {
    check(&mut EnergyVad::default(), 0, 0.75, 0.01);
    check(&mut EnergyVad::default(), 30, 0.75, 0.02);
}

#[test]
fn a_reset_detector_is_a_new_one() {
    let (samples, _) = utterance("Puck", 100);
    let vads: [(Box<dyn Vad>, Box<dyn Vad>); 2] = [
        (Box::new(EarshotVad::default()), Box::new(EarshotVad::default())),
        (Box::new(EnergyVad::default()), Box::new(EnergyVad::default())),
    ];
    for (mut used, mut new) in vads {
        let frame = used.frame_samples();
        for samples in samples.chunks_exact(frame) {
            used.probability(samples);
        }
        used.reset();
        for samples in samples.chunks_exact(frame) {
            assert_eq!(used.probability(samples).to_bits(), new.probability(samples).to_bits());
        }
    }
}
