//! How soon speech interrupts an answer: through a whole server engine, in pieces of 20 ms, in audio time and in counted steps.

use std::time::{Duration, Instant};

use live_audio::bytes_of;
use live_engine::{ActivitySettings, Backend, Engine as _, Output, ServerConfig, ServerEngine};
use live_proto::{Blob, ClientMessage, Modality, ServerPayload, Setup};

use crate::latency::ms;
use crate::noise::Noise;
use crate::scene::{Scene, SnrDb};
use crate::speech::{RATE_HZ, STEP_SAMPLES, Voices};
use crate::table::{Table, spread};

/// Prints the table.
pub(crate) fn report(voices: &Voices) {
    let mut table = Table::new(&[
        "noise",
        "SNR",
        "prefixPaddingMs",
        "after the first sound, ms",
        "after the committed onset, ms",
        "messages until then",
        "outputs before it",
        "not interrupted",
        "too early",
    ]);
    for (noise, snr_db) in CONDITIONS {
        for prefix_padding_ms in [0, 20, 100] {
            let mut all = Figures::default();
            Scene::all(voices, noise, snr_db).for_each(|scene| all.add(&scene, prefix_padding_ms));
            let mut row = crate::scene::cells(noise, snr_db);
            row.extend([
                prefix_padding_ms.to_string(),
                spread(&all.since_sound_ms, 0),
                spread(&all.since_commit_ms, 1),
                spread(&all.messages, 0),
                spread(&all.outputs, 0),
                all.missed.to_string(),
                all.early.to_string(),
            ]);
            table.row(&row);
        }
    }
    table.print(
        "Barge-in",
        "Median / 95 % / most. The onset is committed with the frame of the detector that ends as much speech as prefixPaddingMs asks \
         for; messages and outputs count from that frame on. Too early: noise interrupted before anybody spoke.",
    );
}

#[derive(Default)]
struct Figures {
    since_sound_ms: Vec<f64>,
    since_commit_ms: Vec<f64>,
    messages: Vec<f64>,
    outputs: Vec<f64>,
    missed: usize,
    early: usize,
}

impl Figures {
    /// Lets an answer be under way when the first utterance comes.
    fn add(&mut self, scene: &Scene, prefix_padding_ms: u32) {
        let mut server = Server::new(prefix_padding_ms);
        server.say(ClientMessage::text_turn("Tell me a story."));
        let (begin, end) = (scene.utterances[0].start * STEP_SAMPLES, scene.utterances[0].end * STEP_SAMPLES);
        let mut heard = 0;
        for piece in scene.samples[..end].chunks(PIECE_SAMPLES) {
            heard += piece.len();
            let mut bytes = Vec::new();
            bytes_of(piece, &mut bytes);
            let told = server.say(ClientMessage::audio(Blob::pcm16k(bytes)));
            let Some(outputs) = told.interrupted_after else { continue };
            if heard <= begin {
                self.early += 1;
                return;
            }
            // The detector's first frame of speech, and as many more as the padding takes.
            let frames = (u64::from(prefix_padding_ms) * 16).div_ceil(FRAME_SAMPLES).max(1);
            let onset = told.onset.expect("what interrupts is told");
            let committed = onset + frames * FRAME_SAMPLES;
            self.since_sound_ms.push(ms(begin as u64, heard as u64));
            self.since_commit_ms.push(ms(committed, heard as u64));
            self.messages.push((heard as u64 - committed).div_ceil(PIECE_SAMPLES as u64) as f64);
            self.outputs.push(outputs as f64);
            return;
        }
        self.missed += 1;
    }
}

/// What came of one message.
#[derive(Default)]
struct Told {
    /// Outputs that came before `interrupted`.
    interrupted_after: Option<usize>,
    /// The sample at which speech began.
    onset: Option<u64>,
}

struct Server {
    engine: ServerEngine,
    now: Instant,
}

impl Server {
    fn new(prefix_padding_ms: u32) -> Self {
        assert_eq!(ActivitySettings::of(Backend::Gemini).prefix_padding_ms, 100, "the last row shows the default");
        let mut setup = Setup::new("models/gemini-live-2.5-flash-preview").with_modality(Modality::Text);
        setup.explicit_vad_signal = true;
        let realtime = setup.realtime_input_config.get_or_insert_default();
        realtime.automatic_activity_detection.get_or_insert_default().prefix_padding_ms =
            i32::try_from(prefix_padding_ms).ok();
        let now = Instant::now();
        let mut server = Self { engine: ServerEngine::new(ServerConfig::new(Backend::Gemini), now), now };
        server.say(ClientMessage::setup(setup));
        server
    }

    fn say(&mut self, message: ClientMessage) -> Told {
        self.engine.handle_message(message, self.now);
        let mut told = Told::default();
        let mut outputs = 0;
        while let Some(output) = self.engine.poll_output() {
            if let Output::Send(message) = output {
                match message.payload {
                    Some(ServerPayload::ServerContent(content)) if content.interrupted => {
                        told.interrupted_after = Some(outputs);
                    }
                    Some(ServerPayload::VoiceActivity(activity)) => {
                        let offset = activity.audio_offset.and_then(|offset| Duration::try_from(offset).ok());
                        told.onset = offset.map(|offset| (offset.as_secs_f64() * f64::from(RATE_HZ)).round() as u64);
                    }
                    _ => {}
                }
            }
            outputs += 1;
        }
        told
    }
}

const CONDITIONS: [(Noise, SnrDb); 2] = [(Noise::Silence, None), (Noise::Pink, Some(10.0))];
/// 20 ms, as SDKs send it.
const PIECE_SAMPLES: usize = 320;
/// Of the default detector.
const FRAME_SAMPLES: u64 = 256;
