//! What hearing costs: the work on 20 ms of sound, against reading the message it comes in, which is paid in any case.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use live_audio::{EarshotVad, EnergyVad, G711, Resampler, Vad, bytes_of};
use live_engine::{Backend, Engine as _, ServerConfig, ServerEngine};
use live_model::voice::Voice;
use live_proto::json::{self, DecodeOptions};
use live_proto::{Blob, ClientMessage, Modality, Setup};

use crate::table::Table;

/// Prints the table.
pub(crate) fn report() {
    let mut works = works();
    let mut best = vec![Duration::MAX; works.len()];
    // In turn, so that whatever else the machine does falls on all alike; the least is what nothing disturbed.
    for _ in 0..ROUNDS {
        for ((_, work), best) in works.iter_mut().zip(&mut best) {
            let began = Instant::now();
            work();
            *best = began.elapsed().min(*best);
        }
    }
    let reading = best[0].as_secs_f64();
    let mut table = Table::new(&["work on 20 ms", "times reading them", "share of one core for one stream"]);
    for ((name, _), best) in works.iter().zip(&best) {
        let ratio = best.as_secs_f64() / reading;
        let share = 100.0 * best.as_secs_f64() / SECONDS;
        table.row(&[(*name).to_owned(), format!("{ratio:.2}"), format!("{share:.3} %")]);
    }
    table.print(
        "Cost",
        "Reading: the JSON of `realtimeInput.audio` with 640 bytes of sound, to its bytes. The least of many rounds in turn, of 2 s of \
         speech each. The first column of figures is a ratio within this run; the second depends on the machine.",
    );
}

type Work = (&'static str, Box<dyn FnMut()>);

/// Each does its work on the same 2 s, 100 times 20 ms.
fn works() -> Vec<Work> {
    let samples = speech();
    let blobs: Vec<Blob> = samples.chunks(PIECE_SAMPLES).map(blob).collect();
    let texts: Vec<Bytes> = blobs.iter().map(text).collect();
    let fast: Vec<i16> = samples.iter().flat_map(|sample| [*sample; 3]).collect();
    let law: Vec<u8> = samples.iter().map(|sample| G711::MuLaw.compress(*sample)).collect();
    let (mut server, now) = (server(), Instant::now());
    let mut resampler = Resampler::new(48_000, 16_000);
    let mut out = Vec::new();
    let options = DecodeOptions::default();
    vec![
        (
            "reading the message",
            Box::new(move || {
                for text in &texts {
                    black_box(json::decode::<ClientMessage>(black_box(text), &options)).expect("it is a message");
                }
            }),
        ),
        ("detector: earshot", listening(Box::<EarshotVad>::default(), samples.clone())),
        ("detector: energy", listening(Box::<EnergyVad>::default(), samples.clone())),
        (
            "the whole engine, detection with earshot included",
            Box::new(move || {
                for blob in &blobs {
                    server.handle_message(ClientMessage::audio(blob.clone()), now);
                    while let Some(output) = server.poll_output() {
                        black_box(output);
                    }
                }
            }),
        ),
        (
            "resampling from 48 kHz",
            Box::new(move || {
                for piece in fast.chunks(3 * PIECE_SAMPLES) {
                    out.clear();
                    resampler.push(black_box(piece), &mut out);
                }
            }),
        ),
        (
            "expanding G.711 of 16 kHz",
            Box::new(move || {
                for byte in &law {
                    black_box(G711::MuLaw.expand(black_box(*byte)));
                }
            }),
        ),
    ]
}

fn listening(mut vad: Box<dyn Vad>, samples: Vec<i16>) -> Box<dyn FnMut()> {
    Box::new(move || {
        for frame in samples.chunks_exact(vad.frame_samples()) {
            black_box(vad.probability(black_box(frame)));
        }
    })
}

fn speech() -> Vec<i16> {
    let mut samples = Vec::new();
    let mut resampler = Resampler::new(live_model::voice::SAMPLE_RATE_HZ, 16_000);
    for chunk in Voice::default().speak("What is the weather like in the city of Rome today, and what about tomorrow?")
    {
        resampler.push(&chunk.pcm, &mut samples);
    }
    samples.resize(SECONDS as usize * 16_000, 0);
    samples
}

fn blob(samples: &[i16]) -> Blob {
    let mut bytes = Vec::new();
    bytes_of(samples, &mut bytes);
    Blob::pcm16k(bytes)
}

fn text(blob: &Blob) -> Bytes {
    let mut text = BytesMut::new();
    json::encode(&ClientMessage::audio(blob.clone()), &mut text);
    text.freeze()
}

fn server() -> ServerEngine {
    let now = Instant::now();
    let mut server = ServerEngine::new(ServerConfig::new(Backend::Gemini), now);
    let setup = Setup::new("models/gemini-live-2.5-flash-preview").with_modality(Modality::Text);
    server.handle_message(ClientMessage::setup(setup), now);
    server
}

const PIECE_SAMPLES: usize = 320;
const SECONDS: f64 = 2.0;
const ROUNDS: usize = 100;
