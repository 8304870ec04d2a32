//! Speech of the embedded voice, in noise, through whole servers: how it is cut does not show, and it is heard in time.
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::time::{Duration, Instant};

use live_audio::Resampler;
use live_engine::*;
use live_model::voice::Voice;
use live_proto::*;
use proptest::prelude::*;

/// Speech at 16 kHz, with noise around and below it.
fn stream(sentences: &[(&str, &str)], noise: i16) -> Vec<i16> {
    let mut samples = vec![0; 8_000];
    for (voice, sentence) in sentences {
        let voice = Voice::named(voice).expect("one of the thirty");
        let spoken: Vec<i16> = voice.speak(*sentence).flat_map(|chunk| chunk.pcm).collect();
        let mut resampler = Resampler::new(24_000, 16_000);
        resampler.push(&spoken, &mut samples);
        resampler.finish(&mut samples);
        samples.extend([0; 16_000]);
    }
    let mut state = 7_u32;
    for sample in &mut samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample = sample.saturating_add(((state >> 16) as i32 % (2 * i32::from(noise) + 1) - i32::from(noise)) as i16);
    }
    samples
}

fn bytes(samples: &[i16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    live_audio::bytes_of(samples, &mut bytes);
    bytes
}

/// What a server made of a stream: everything it said, by message.
struct Ear {
    engine: ServerEngine,
    now: Instant,
    said: Vec<String>,
    prompts: Vec<usize>,
}

impl Ear {
    fn new(backend: Backend, change: impl FnOnce(&mut RealtimeInputConfig)) -> Self {
        let now = Instant::now();
        let mut setup = Setup::new("models/gemini-live-2.5-flash-preview").with_modality(Modality::Text);
        setup.explicit_vad_signal = true;
        change(setup.realtime_input_config.get_or_insert_default());
        let mut ear = Self {
            engine: ServerEngine::new(ServerConfig::new(backend), now),
            now,
            said: Vec::new(),
            prompts: Vec::new(),
        };
        ear.say(ClientMessage::setup(setup));
        ear.said.clear();
        ear
    }

    fn say(&mut self, message: ClientMessage) {
        self.engine.handle_message(message, self.now);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send(message) => self.said.push(format!("{message:?}")),
                Output::Event(ServerEvent::Generate(turn, prompt)) => {
                    let heard = |content: &Content| {
                        content.parts.iter().filter_map(Part::as_inline).map(|it| it.data.len()).sum()
                    };
                    self.prompts.push(prompt.unanswered().last().map_or(0, |content| heard(content)));
                    self.said.push(format!("generate {turn}"));
                }
                Output::Event(_) => {}
                Output::Close(close) => panic!("{close:?}"),
            }
        }
    }

    fn hear(&mut self, mime_type: &str, bytes: &[u8]) {
        self.say(ClientMessage::audio(Blob::new(mime_type, bytes.to_vec())));
    }

    fn interruptions(&self) -> usize {
        self.said.iter().filter(|said| said.contains("interrupted: true")).count()
    }
}

fn script() -> Vec<i16> {
    stream(&[("Kore", "What is the weather like in Rome?"), ("Puck", "And what about tomorrow, please?")], 60)
}

#[test]
fn two_questions_are_two_turns_and_the_second_interrupts() {
    for backend in [Backend::Gemini, Backend::Vertex] {
        let mut ear = Ear::new(backend, |_| {});
        ear.hear("audio/pcm;rate=16000", &bytes(&script()));
        assert_eq!((ear.prompts.len(), ear.interruptions()), (2, 1), "{:#?}", ear.said);
    }
}

/// Lengths of messages, again and again.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1_usize..50, 1_usize..3_000, 1_usize..200_000], 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_a_stream_is_cut_does_not_show(cuts in cuts(), mime_type in 0_usize..3) {
        let (mime_type, rate_hz) = [("audio/pcm;rate=16000", 16_000), ("audio/pcm;rate=44100", 44_100), ("audio/pcmu", 8_000)][mime_type];
        let mut samples = Vec::new();
        let mut resampler = Resampler::new(16_000, rate_hz);
        resampler.push(&script(), &mut samples);
        let stream = if rate_hz == 8_000 {
            samples.iter().map(|sample| live_audio::G711::MuLaw.compress(*sample)).collect()
        } else {
            bytes(&samples)
        };
        let (mut whole, mut cut) = (Ear::new(Backend::Gemini, |_| {}), Ear::new(Backend::Gemini, |_| {}));
        whole.hear(mime_type, &stream);
        let mut rest = &stream[..];
        for length in cuts.iter().cycle() {
            let (piece, later) = rest.split_at((*length).min(rest.len()));
            cut.hear(mime_type, piece);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&cut.said, &whole.said);
        prop_assert_eq!(&cut.prompts, &whole.prompts);
        prop_assert_eq!(whole.prompts.len(), 2);
    }
}

/// Speech onset is committed at a frame; `interrupted` is there when that frame is, to the millisecond of the stream.
#[test]
fn barge_in_comes_within_a_frame_of_the_committed_onset() {
    const FRAME_MS: u64 = 16;
    for padding_ms in [0_u32, 20, 100, 250] {
        for rate_hz in [16_000_u32, 24_000, 48_000] {
            let mut ear = Ear::new(Backend::Gemini, |config| {
                let detection = config.automatic_activity_detection.get_or_insert_default();
                detection.prefix_padding_ms = i32::try_from(padding_ms).ok();
            });
            ear.say(ClientMessage::text_turn("tell me a story"));
            let mut samples = Vec::new();
            let mut resampler = Resampler::new(16_000, rate_hz);
            resampler.push(&stream(&[("Kore", "Stop it, please.")], 30), &mut samples);
            // A millisecond in each message.
            let mut interrupted_ms = None;
            for (index, piece) in samples.chunks(rate_hz as usize / 1_000).enumerate() {
                ear.hear(&format!("audio/pcm;rate={rate_hz}"), &bytes(piece));
                if ear.interruptions() == 1 {
                    interrupted_ms = Some(index as u64 + 1);
                    break;
                }
            }
            let interrupted_ms = interrupted_ms.expect("it is heard");
            let started = ear.said.iter().find(|said| said.contains("ActivityStart")).expect("it is told");
            let onset_ms = onset_ms(started);
            // It is committed with the first frame that ends as much speech later.
            let committed_ms = onset_ms + u64::from(padding_ms).div_ceil(FRAME_MS).max(1) * FRAME_MS;
            let late_ms = interrupted_ms as i64 - committed_ms as i64;
            assert!(
                (0..=1).contains(&late_ms),
                "{padding_ms} ms at {rate_hz} Hz: onset {onset_ms}, interrupted {interrupted_ms}"
            );
            let after = ear.said.iter().position(|said| said.contains("interrupted: true")).expect("it was sent");
            ear.engine
                .handle_command(ServerCommand::Model(TurnId(1), ModelOutput::Text("late".into())), ear.now)
                .expect("it is taken");
            ear.say(ClientMessage::Empty);
            assert!(ear.said[after..].iter().all(|said| !said.contains("model_turn")), "nothing of it follows");
        }
    }
}

fn onset_ms(started: &str) -> u64 {
    let number = |name: &str| -> u64 {
        let rest = started.split_once(&format!("{name}: ")).expect("a duration").1;
        rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).expect("a number")
    };
    Duration::new(number("seconds"), u32::try_from(number("nanos")).expect("in range")).as_millis() as u64
}
