//! Edges of scripted streams, against an oracle that looks at whole streams at once.

use proptest::prelude::*;

use super::*;

/// Hears what it is told: a frame of 10 ms holds its own probability, in thousandths.
#[derive(Debug)]
struct Told;

impl Vad for Told {
    fn frame_samples(&self) -> usize {
        160
    }

    fn probability(&mut self, frame: &[i16]) -> f32 {
        f32::from(frame[0]) / 1_000.0
    }

    fn reset(&mut self) {}
}

fn settings(
    starts_eagerly: bool,
    ends_eagerly: bool,
    prefix_padding_ms: u32,
    silence_duration_ms: u32,
) -> ActivitySettings {
    ActivitySettings { starts_eagerly, ends_eagerly, prefix_padding_ms, silence_duration_ms }
}

/// The edges, each with the frame that told of it.
fn edges(settings: ActivitySettings, probabilities: &[i16]) -> Vec<(usize, Edge)> {
    let mut activity = Activity::new(Box::new(Told), settings);
    let hear = |(index, probability): (usize, &i16)| Some((index, activity.hear(&[*probability; 160])?));
    probabilities.iter().enumerate().filter_map(hear).collect()
}

/// Each number is so many frames of that probability.
fn stream(pieces: &[(usize, i16)]) -> Vec<i16> {
    pieces.iter().flat_map(|(frames, probability)| std::iter::repeat_n(*probability, *frames)).collect()
}

#[test]
fn speech_is_committed_after_the_padding_and_ends_after_the_silence() {
    let stream = stream(&[(10, 0), (30, 900), (60, 0)]);
    assert_eq!(
        edges(settings(true, true, 100, 500), &stream),
        [(19, Edge::Started { at: 1_600 }), (89, Edge::Ended { at: 6_400 })]
    );
}

#[test]
fn a_cough_is_no_speech_and_a_breath_no_end() {
    let stream = stream(&[(10, 0), (9, 900), (10, 0), (20, 900), (49, 0), (20, 900)]);
    assert_eq!(edges(settings(true, true, 100, 500), &stream), [(38, Edge::Started { at: 4_640 })]);
}

#[test]
fn without_padding_the_first_frame_counts_and_without_silence_the_last() {
    let stream = stream(&[(1, 0), (2, 900), (1, 0)]);
    assert_eq!(
        edges(settings(true, true, 0, 0), &stream),
        [(1, Edge::Started { at: 160 }), (3, Edge::Ended { at: 480 })]
    );
}

#[test]
fn sensitivities_draw_the_lines() {
    let mumble = stream(&[(10, 0), (20, 650), (60, 520)]);
    let found = |starts, ends| edges(settings(starts, ends, 50, 300), &mumble).len();
    assert_eq!(found(true, true), 2, "heard and over");
    assert_eq!(found(true, false), 1, "heard and going on");
    assert_eq!(found(false, true), 0, "not heard");
}

#[test]
fn doubt_neither_begins_nor_ends() {
    let stream = stream(&[(5, 570), (3, 900), (4, 570), (3, 900), (60, 570)]);
    assert_eq!(edges(settings(true, true, 100, 300), &stream), [(14, Edge::Started { at: 800 })]);
}

#[test]
fn a_stream_that_stops_ends_what_it_said() {
    let mut activity = Activity::new(Box::new(Told), settings(true, true, 0, 500));
    assert_eq!(activity.stop(), None);
    assert_eq!(activity.hear(&[900; 160]), Some(Edge::Started { at: 0 }));
    activity.hear(&[0; 160]);
    assert_eq!(activity.pause(), Some(160));
    assert_eq!((activity.stop(), activity.heard()), (None, 320));
}

#[test]
fn a_resumed_stream_remembers_its_silence() {
    let mut activity = Activity::new(Box::new(Told), settings(true, true, 0, 100));
    activity.resume(true, &[[900; 160], [0; 160], [0; 160]].concat(), 1_600);
    assert!(activity.is_speech());
    let edges: Vec<_> = (0..10).filter_map(|frame| Some((frame, activity.hear(&[0; 160])?))).collect();
    assert_eq!(edges, [(7, Edge::Ended { at: 1_280 })]);
}

#[test]
fn settings_are_filled_in_by_backend_and_checked() {
    let choose = |asked: &AutomaticActivityDetection| {
        ActivitySettings::choose(Some(asked), Profiles::built_in().backend(Backend::Gemini))
    };
    let asked = AutomaticActivityDetection::default;
    assert_eq!(choose(&asked()).unwrap(), settings(true, true, 100, 500));
    assert_eq!(
        ActivitySettings::choose(None, Profiles::built_in().backend(Backend::Vertex)).unwrap(),
        settings(false, false, 100, 800)
    );
    let patient = AutomaticActivityDetection { end_of_speech_sensitivity: Some(EndSensitivity::Low), ..asked() };
    assert_eq!(choose(&patient).unwrap(), settings(true, false, 100, 800));
    let tuned = AutomaticActivityDetection {
        start_of_speech_sensitivity: Some(StartSensitivity::Low),
        prefix_padding_ms: Some(0),
        silence_duration_ms: Some(30_000),
        ..asked()
    };
    assert_eq!(choose(&tuned).unwrap(), settings(false, true, 0, 30_000));
    for wrong in [-1, 30_001] {
        assert!(choose(&AutomaticActivityDetection { prefix_padding_ms: Some(wrong), ..asked() }).is_err());
        assert!(choose(&AutomaticActivityDetection { silence_duration_ms: Some(wrong), ..asked() }).is_err());
    }
}

/// What the settings mean, said another way: of each stretch of frames, not frame by frame.
fn oracle(settings: ActivitySettings, stream: &[i16]) -> Vec<(usize, Edge)> {
    let (start, end) = (settings.start_threshold() * 1_000.0, settings.end_threshold() * 1_000.0);
    let (padding, silence) =
        (settings.prefix_padding_ms.div_ceil(10).max(1), settings.silence_duration_ms.div_ceil(10).max(1));
    let at = |frame: usize| frame as u64 * 160;
    let mut edges = Vec::new();
    let mut from = 0;
    loop {
        // The first frame that begins speech, and the one that commits it, with nothing unlikely between.
        let committed = (from..stream.len()).filter(|first| f32::from(stream[*first]) >= start).find_map(|first| {
            let last = first + padding as usize - 1;
            let all = stream.get(first..=last)?;
            all.iter().all(|p| f32::from(*p) >= end).then_some((first, last))
        });
        let Some((first, last)) = committed else { return edges };
        edges.push((last, Edge::Started { at: at(first) }));
        let ended = (last + 1..stream.len())
            .filter_map(|first| {
                Some((first, first + silence as usize - 1, stream.get(first..first + silence as usize)?))
            })
            .find(|(_, _, frames)| frames.iter().all(|p| f32::from(*p) < end));
        let Some((silent, over, _)) = ended else { return edges };
        edges.push((over, Edge::Ended { at: at(silent) }));
        from = over + 1;
    }
}

proptest! {
    #[test]
    fn the_oracle_agrees(
        pieces in prop::collection::vec((1_usize..30, prop_oneof![Just(0_i16), Just(520), Just(570), Just(700), Just(900)]), 0..30),
        starts_eagerly: bool,
        ends_eagerly: bool,
        prefix_padding_ms in 0_u32..200,
        silence_duration_ms in 0_u32..300,
    ) {
        let settings = settings(starts_eagerly, ends_eagerly, prefix_padding_ms, silence_duration_ms);
        let stream = stream(&pieces);
        prop_assert_eq!(edges(settings, &stream), oracle(settings, &stream));
    }
}
