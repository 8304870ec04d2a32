//! A session of 24 hours: somebody speaks all day, every connection lasts ten minutes, and the context is compressed.
//!
//! It is a world like any other, but for what its user does, which is here. What must hold beside the rules is that every
//! byte that was said is in a prompt, once.

use std::fmt;
use std::time::{Duration, Instant};

use crate::everything::Everything;
use crate::plan::detection;
use live_engine::{
    Backend, ClientSessionConfig, Fresh, Lifetimes, Limits, ReconnectPolicy, Retracted, TurnCompletePacing,
};
use live_proto::{ContextWindowCompressionConfig, Modality, SessionResumptionConfig, Setup, SlidingWindow};

use crate::entropy::{Entropy, split_mix};
use crate::plan::{Plan, SessionPlan};
use crate::report::{Failure, Figures};
use crate::stamp::{self, Said};
use crate::trace::Trace;
use crate::world::World;

/// What became of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Pieces of sound that were said.
    pub chunks: u64,
    /// Their bytes.
    pub bytes_said: u64,
    /// Bytes of sound in prompts, each counted when it is there for the first time.
    pub bytes_heard: u64,
    /// `goAway`s that the client was told.
    pub go_aways: u64,
    /// The rest of what was counted.
    pub figures: Figures,
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chunks, bytes_said, bytes_heard, go_aways, figures } = self;
        writeln!(f, "{figures}")?;
        write!(f, "{go_aways} goAways, {chunks} chunks, {bytes_said} bytes said, {bytes_heard} bytes heard")
    }
}

/// Lives one day. The same seed gives the same day.
pub fn day(seed: u64, trace: &mut Trace) -> (Day, Option<Failure>) {
    let epoch = Instant::now();
    let mut world = World::of(plan(), Entropy::new(&[]), epoch, trace);
    world.day = Some(Speaker { chance: seed, left: 0, chunks: 0, next_cut: epoch + CUT_EVERY, until: epoch + DAY });
    world.oracle.watch_every_byte();
    world.run();
    let (steps, now) = (world.steps, world.now);
    world.oracle.note_end(steps, now);
    let (heard, go_aways) = world.oracle.heard_bytes();
    let chunks = world.day.as_ref().map_or(0, |speaker| speaker.chunks);
    let (figures, failure) = world.oracle.take_verdict();
    let day = Day { chunks, bytes_said: chunks * CHUNK_BYTES as u64, bytes_heard: heard, go_aways, figures };
    let failure = failure.or_else(|| {
        let is_whole = day.bytes_heard == day.bytes_said && go_aways >= GO_AWAYS_MIN && day.figures.dropped == 0;
        let what = format!("{day}\nwhat was said was not heard, or the day was too short");
        (!is_whole).then_some(Failure { rule: None, what })
    });
    (day, failure)
}

/// Somebody who speaks all day.
#[derive(Debug)]
pub(crate) struct Speaker {
    chance: u64,
    /// Pieces until the end of what is being said.
    left: u64,
    chunks: u64,
    next_cut: Instant,
    until: Instant,
}

impl Speaker {
    pub(crate) fn is_done(&self, now: Instant) -> bool {
        now >= self.until && self.left == 0
    }
}

impl World<'_> {
    /// The next piece of what is said, and when the one behind it comes.
    pub(crate) fn speak_all_day(&mut self) -> Duration {
        let now = self.now;
        let Some(speaker) = &mut self.day else { return CHUNK };
        if speaker.left == 0 {
            speaker.left = 100 + split_mix(&mut speaker.chance) % 300;
        }
        speaker.left -= 1;
        let (is_last, cuts) = (speaker.left == 0, speaker.next_cut <= now);
        // The network breaks now and then, at any point of an utterance.
        if cuts {
            speaker.next_cut = now + CUT_EVERY + Duration::from_millis(split_mix(&mut speaker.chance) % 600_000);
            if let Some(link) = self.links.first_mut() {
                link.up.cut(1, Duration::from_millis(500), now);
                link.down.cut(0, Duration::from_millis(10), now);
            }
        }
        if self.say_sound(0, CHUNK_BYTES)
            && let Some(speaker) = &mut self.day
        {
            speaker.chunks += 1;
        }
        if is_last {
            self.end_stream(0);
        }
        self.pump_client(0);
        // A breath, in which the answer comes.
        if is_last { Duration::from_secs(1) } else { CHUNK }
    }
}

fn plan() -> Plan {
    let mut setup = Setup::new("projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash");
    setup = setup.with_modality(Modality::Audio).with_output_transcription();
    setup = setup.with_system_instruction(stamp::words(Said { session: 0, number: 0 }, 0));
    setup.realtime_input_config = Some(Box::new(detection()));
    setup.session_resumption = Some(SessionResumptionConfig { transparent: true, handle: None });
    setup.context_window_compression = Some(ContextWindowCompressionConfig {
        trigger_tokens: Some(5_000),
        sliding_window: Some(SlidingWindow { target_tokens: Some(2_500) }),
    });
    let reconnect = ReconnectPolicy { fresh: Fresh::End, retracted: Retracted::FallBack, ..ReconnectPolicy::default() };
    let session = SessionPlan {
        config: ClientSessionConfig { reconnect: Some(reconnect), ..ClientSessionConfig::new(setup) },
        backend: Backend::Vertex,
        project: 0,
        is_manual: false,
        is_text: false,
        has_functions: false,
        text_bytes: 0,
        sound_bytes: CHUNK_BYTES,
        is_thief: false,
    };
    Plan {
        sessions: vec![session],
        servers: 1,
        lifetimes: Lifetimes { handle_validity: Duration::from_secs(1_800), ..Lifetimes::of(Backend::Vertex) },
        limits: Limits::default(),
        vad: Everything::message_by_message,
        pacing: TurnCompletePacing::Playback,
        quota: 1_000,
        latency: Duration::from_millis(10),
        window: 64,
        piece_bytes: 0,
        store_delay: Duration::from_millis(1),
        is_pushy: false,
        model_delay: Duration::from_millis(50),
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// A piece of sound: 80 ms at 16 kHz.
const CHUNK: Duration = Duration::from_millis(80);
pub(crate) const CHUNK_BYTES: usize = 2_560;
/// The network breaks about as often.
const CUT_EVERY: Duration = Duration::from_secs(3_600);
/// One every ten minutes.
const GO_AWAYS_MIN: u64 = 144;
