//! What can be said of the sound without ears: voices differ, nothing clips or falls silent, text and sound stay together.

use proptest::prelude::*;

use super::prosody::{self, Unit};
use super::reading::Reader;
use super::{SAMPLE_RATE_HZ, Voice};

const SENTENCE: &str = "The old sailor gave us many good reasons to remain at home.";

fn said(voice: &str, text: &str) -> Vec<i16> {
    Voice::named(voice).expect("one of the thirty").speak(text).flat_map(|chunk| chunk.pcm).collect()
}

fn seconds(pcm: &[i16]) -> f32 {
    pcm.len() as f32 / SAMPLE_RATE_HZ as f32
}

fn rms(pcm: &[i16]) -> f32 {
    (pcm.iter().map(|sample| f32::from(*sample).powi(2)).sum::<f32>() / pcm.len().max(1) as f32).sqrt()
}

/// Estimates the pitch of a stretch by autocorrelation of every other sample; `None` where it is not voiced.
fn pitch_hz(pcm: &[i16]) -> Option<f32> {
    let half: Vec<f32> = pcm.iter().step_by(2).map(|sample| f32::from(*sample)).collect();
    let correlation = |lag: usize| half[lag..].iter().zip(&half).map(|(late, early)| late * early).sum::<f32>();
    let (lag, peak) = (30..200).map(|lag| (lag, correlation(lag))).max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (rms(pcm) > 500. && peak > 0.4 * correlation(0)).then(|| SAMPLE_RATE_HZ as f32 / 2. / lag as f32)
}

/// The median pitch in semitones, and the long-term spectrum in dB at third-octave steps, against its own mean.
fn fingerprint(pcm: &[i16]) -> (f32, Vec<f32>) {
    let mut pitches: Vec<f32> = pcm.chunks_exact(1200).step_by(2).filter_map(pitch_hz).collect();
    pitches.sort_by(f32::total_cmp);
    let semitones = 12. * pitches[pitches.len() / 2].log2();
    let mut bands: Vec<f32> = (0..15)
        .map(|step| {
            let hz = 250. * 2f32.powf(step as f32 / 3.);
            let power: f32 = pcm.chunks_exact(480).step_by(3).map(|frame| goertzel(frame, hz)).sum();
            10. * (power + 1.).log10()
        })
        .collect();
    let mean = bands.iter().sum::<f32>() / bands.len() as f32;
    bands.iter_mut().for_each(|band| *band -= mean);
    (semitones, bands)
}

fn goertzel(frame: &[i16], hz: f32) -> f32 {
    let turn = 2. * (std::f32::consts::TAU * hz / SAMPLE_RATE_HZ as f32).cos();
    let (mut last, mut before) = (0., 0.);
    for sample in frame {
        (before, last) = (last, f32::from(*sample) / 32_768. + turn * last - before);
    }
    last * last + before * before - turn * last * before
}

#[test]
fn the_thirty_documented_names_are_known_exactly() {
    assert_eq!(Voice::names().len(), 30);
    for name in Voice::names() {
        assert_eq!(Voice::named(name).map(Voice::name), Some(name));
    }
    for name in ["puck", "PUCK", "Puck ", "", "alloy"] {
        assert_eq!(Voice::named(name), None, "{name:?}");
    }
    assert_eq!(Voice::default().name(), "Puck");
}

#[test]
fn every_voice_is_told_from_every_other_and_the_eight_by_a_distance() {
    const EIGHT: [&str; 8] = ["Aoede", "Charon", "Fenrir", "Kore", "Leda", "Orus", "Puck", "Zephyr"];
    let prints: Vec<_> = Voice::names().map(|name| (name, fingerprint(&said(name, SENTENCE)))).collect();
    for (index, (left, (left_pitch, left_bands))) in prints.iter().enumerate() {
        for (right, (right_pitch, right_bands)) in &prints[index + 1..] {
            let colour =
                left_bands.iter().zip(right_bands).map(|(a, b)| (a - b).abs()).sum::<f32>() / left_bands.len() as f32;
            let distance = (left_pitch - right_pitch).abs() + colour;
            let least = if EIGHT.contains(left) && EIGHT.contains(right) { 2. } else { 0.6 };
            assert!(distance > least, "{left} and {right} are {distance} semitones and dB apart");
        }
    }
}

#[test]
fn the_length_of_the_chunks_changes_nothing_else() {
    let puck = Voice::default();
    let text = "  Hello, world! Is 2000 enough?  ";
    let whole: Vec<i16> = puck.speak(text).flat_map(|chunk| chunk.pcm).collect();
    for chunk_ms in [0, 1, 7, 20, 240, 60_000] {
        let chunks: Vec<_> = puck.speak(text).with_chunk_ms(chunk_ms).collect();
        assert_eq!(chunks.iter().map(|chunk| chunk.text.as_str()).collect::<String>(), text, "{chunk_ms} ms");
        let samples = chunk_ms.max(1) as usize * 24;
        let (last, full) = chunks.split_last().expect("there is something to say");
        assert!(full.iter().all(|chunk| chunk.pcm.len() == samples) && (1..=samples).contains(&last.pcm.len()));
        assert!(chunks.into_iter().flat_map(|chunk| chunk.pcm).eq(whole.iter().copied()), "{chunk_ms} ms");
    }
}

#[test]
fn a_word_is_told_in_the_chunk_in_which_it_begins() {
    let told: Vec<(usize, String)> = Voice::default()
        .speak("One, two three.")
        .with_chunk_ms(20)
        .enumerate()
        .filter(|(_, chunk)| !chunk.text.is_empty())
        .map(|(index, chunk)| (index * 20, chunk.text))
        .collect();
    let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["One,", " two", " three."]);
    let starts_ms: Vec<usize> = told.iter().map(|(start_ms, _)| *start_ms).collect();
    assert_eq!(starts_ms[0], 0);
    assert!(starts_ms.windows(2).all(|pair| (150..900).contains(&(pair[1] - pair[0]))), "{starts_ms:?}");
}

#[test]
fn speech_is_loud_enough_and_never_clips() {
    for name in Voice::names() {
        let pcm = said(name, "Shout! Hurrah for the big red apples, oh yes!");
        let peak = pcm.iter().map(|sample| sample.unsigned_abs()).max().expect("not empty");
        assert!((4_000..31_000).contains(&peak), "{name} peaks at {peak}");
        assert!((800. ..6_000.).contains(&rms(&pcm)), "{name} has an RMS of {}", rms(&pcm));
    }
}

#[test]
fn only_pauses_are_silent() {
    // 100 ms are longer than any closure of a stop and shorter than any pause.
    let pauses = |text: &str| {
        let pcm = said("Puck", text);
        let frames: Vec<bool> = pcm.chunks(240).map(|frame| rms(frame) < 20.).collect();
        frames.chunk_by(|a, b| a == b).filter(|run| run[0] && run.len() > 11).count()
    };
    assert_eq!(pauses("Many men were running along a narrow road near our home"), 1, "the one at the end");
    assert_eq!(pauses("Well, here we are. Shall we go home?"), 3);
}

#[test]
fn a_word_takes_about_a_third_of_a_second() {
    for name in Voice::names() {
        let each = seconds(&said(name, SENTENCE)) / SENTENCE.split(' ').count() as f32;
        assert!((0.2..0.6).contains(&each), "{name} takes {each} s a word");
    }
}

#[test]
fn the_same_text_always_sounds_the_same() {
    assert_eq!(said("Kore", SENTENCE), said("Kore", SENTENCE));
}

#[test]
fn a_question_rises_and_a_statement_falls() {
    let last_pitch_hz = |text: &str| {
        let pcm = said("Puck", text);
        pcm.rchunks_exact(1200).find_map(pitch_hz).expect("the last word is voiced")
    };
    let (asked, told) = (last_pitch_hz("You are going home?"), last_pitch_hz("You are going home."));
    assert!(asked > 1.3 * told, "{asked} Hz against {told} Hz");
    assert!(last_pitch_hz("Where are you going home?") < 1.1 * told, "question words do not rise");
}

#[test]
fn every_letter_is_heard_whatever_the_script() {
    for text in [
        "a",
        "B",
        "x",
        "привет",
        "γειά",
        "こんにちは",
        "カタカナ",
        "안녕",
        "नमस्ते",
        "שלום",
        "سلام",
        "語",
        "ไทย",
        "ñ",
        "ß",
    ] {
        assert!(rms(&said("Puck", text)) > 200., "{text}");
    }
}

#[test]
fn text_without_words_is_a_moment_of_silence_and_no_text_is_nothing() {
    assert_eq!(Voice::default().speak("").count(), 0);
    for text in [" ", "\n\n", "...", "()", "\u{200d}"] {
        let chunks: Vec<_> = Voice::default().speak(text).collect();
        assert_eq!(chunks.len(), 1, "{text:?}");
        assert_eq!(chunks[0].text, text);
        assert!(!chunks[0].pcm.is_empty() && chunks[0].pcm.iter().all(|sample| *sample == 0));
    }
}

/// Reads and times a text without making its sound.
fn timed(text: &str) -> Vec<Unit> {
    let (mut reader, mut units) = (Reader::default(), Vec::new());
    while let Some(phrase) = reader.next_phrase(text) {
        prosody::phrase(&Voice::default(), &phrase.words, phrase.ending, &mut units);
    }
    units
}

proptest! {
    #[test]
    fn any_text_is_read_in_order_and_in_bounded_time(text in any_text(300)) {
        let units = timed(&text);
        let total_ms: f32 = units.iter().map(|unit| unit.ms).sum();
        prop_assert!(units.iter().all(|unit| unit.ms.is_finite() && unit.ms > 0.));
        prop_assert!(total_ms <= 1_000. * text.chars().count() as f32 + 1_000., "{} ms", total_ms);
        let ends: Vec<usize> = units.iter().filter_map(|unit| unit.text_end).collect();
        prop_assert!(ends.is_sorted() && ends.iter().all(|end| text.is_char_boundary(*end)));
        prop_assert!(!units.is_empty() || !text.chars().any(char::is_alphanumeric));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_is_told_whole_while_it_is_spoken(text in any_text(40), voice in 0_usize..30, chunk_ms in 1_u32..100) {
        let voice = Voice::named(Voice::names().nth(voice).expect("thirty")).expect("known");
        let chunks: Vec<_> = voice.speak(text.as_str()).with_chunk_ms(chunk_ms).collect();
        prop_assert_eq!(chunks.iter().map(|chunk| chunk.text.as_str()).collect::<String>(), text);
        prop_assert!(chunks.iter().all(|chunk| !chunk.pcm.is_empty()));
    }
}

/// Any text at all, and text of the kinds that are read by rules.
fn any_text(letters_max: usize) -> impl Strategy<Value = String> {
    let any = prop::collection::vec(any::<char>(), 0..=letters_max).prop_map(String::from_iter);
    let likely = prop::collection::vec(prop::sample::select(LIKELY.chars().collect::<Vec<_>>()), 0..=letters_max);
    prop_oneof![any, likely.prop_map(String::from_iter)]
}

const LIKELY: &str = "abcdeghiknorstuyABEIMNRSTW0123456789    .,:;-–/'’$€%&+=@#_!?()\n\"éñßжλかガ한नि語🙂👍";
