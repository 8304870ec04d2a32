//! Where a user's speech begins and ends, in audio time: a detector's opinion of each frame, and the patience that makes utterances of it.
//!
//! Everything is counted in samples of 16 kHz that were heard, so that a recording delivered in a burst is cut as it would be live.
//! Not here: what the speech does to a turn (the server's room for realtime input), and a stream that simply stops, which is a timer's.

use std::time::Duration;

use live_audio::Vad;
use live_proto::{AutomaticActivityDetection, EndSensitivity, StartSensitivity};

use crate::profile::{Backend, BackendProfile, Profiles};
use crate::violation::{Rule, Violation};

#[cfg(test)]
mod tests;

/// Samples a second of everything here.
pub const RATE_HZ: u64 = 16_000;

/// How eagerly speech is heard. What `automaticActivityDetection` leaves open is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivitySettings {
    /// Whether a frame that is rather likely speech begins speech; otherwise it has to be very likely.
    pub starts_eagerly: bool,
    /// Whether a frame that may as well be speech counts as silence; otherwise it has to be more likely none.
    pub ends_eagerly: bool,
    /// For how long there has to be speech before its start is committed.
    pub prefix_padding_ms: u32,
    /// For how long there has to be silence before the end of speech is committed.
    pub silence_duration_ms: u32,
}

impl ActivitySettings {
    /// The defaults of the built-in table.
    pub fn of(backend: Backend) -> Self {
        Profiles::built_in().backend(backend).activity
    }

    /// Checks what a client asks for and fills in the rest.
    pub(crate) fn choose(
        asked: Option<&AutomaticActivityDetection>,
        backend: &BackendProfile,
    ) -> Result<Self, Violation> {
        let default = backend.activity;
        let Some(AutomaticActivityDetection {
            disabled: _,
            start_of_speech_sensitivity,
            prefix_padding_ms,
            end_of_speech_sensitivity,
            silence_duration_ms,
        }) = asked
        else {
            return Ok(default);
        };
        let ends_eagerly = match end_of_speech_sensitivity {
            Some(EndSensitivity::High) => true,
            Some(EndSensitivity::Low) => false,
            Some(EndSensitivity::Unspecified | EndSensitivity::Unrecognized(_)) | None => default.ends_eagerly,
        };
        Ok(Self {
            starts_eagerly: match start_of_speech_sensitivity {
                Some(StartSensitivity::High) => true,
                Some(StartSensitivity::Low) => false,
                Some(StartSensitivity::Unspecified | StartSensitivity::Unrecognized(_)) | None => {
                    default.starts_eagerly
                }
            },
            ends_eagerly,
            prefix_padding_ms: in_range(*prefix_padding_ms, "prefixPaddingMs")?.unwrap_or(default.prefix_padding_ms),
            silence_duration_ms: in_range(*silence_duration_ms, "silenceDurationMs")?
                .unwrap_or(backend.silence(ends_eagerly)),
        })
    }

    /// What a frame needs to begin speech. Measured on the default detector, which calls a noise at 10 dB speech in one frame of a
    /// hundred at 0.6, and in none at 0.75; docs/voice.md has the figures.
    fn start_threshold(self) -> f32 {
        if self.starts_eagerly { 0.6 } else { 0.75 }
    }

    /// What a frame needs to go on with it: less, or a breath would end a sentence. Not much less: a single frame of noise above it
    /// keeps a turn from ending, and faint noise alone is thought to be speech with 0.25, at times with 0.4.
    fn end_threshold(self) -> f32 {
        if self.ends_eagerly { 0.55 } else { 0.5 }
    }

    /// Sound that is kept from before the detected start: as much as the padding, and at least what a detector takes to notice a
    /// soft beginning.
    pub(crate) fn look_back_samples(self) -> u64 {
        samples(self.prefix_padding_ms.max(LOOK_BACK_MIN_MS))
    }

    /// Sound from which a detector's opinion and all that is undecided can be made again.
    pub(crate) fn memory_samples(self) -> usize {
        let ms = self.prefix_padding_ms + self.silence_duration_ms + 1_000;
        usize::try_from(samples(ms)).unwrap_or(usize::MAX)
    }

    /// The silence after which an utterance is over, as time.
    pub(crate) fn silence(self) -> Duration {
        Duration::from_millis(self.silence_duration_ms.into())
    }
}

/// What a frame of sound did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Speech has begun; it was first heard at this sample.
    Started {
        /// Samples since the stream began.
        at: u64,
    },
    /// Speech is over; this is the first sample of the silence behind it.
    Ended {
        /// Samples since the stream began.
        at: u64,
    },
}

/// Listens to one stream.
#[derive(Debug)]
pub struct Activity {
    vad: Box<dyn Vad>,
    settings: ActivitySettings,
    /// Samples of all frames so far.
    heard: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody speaks, or not for long enough yet.
    Quiet { speech_since: Option<u64> },
    /// Somebody speaks, or has not been silent for long enough yet.
    Speech { silence_since: Option<u64> },
}

impl Activity {
    /// Listens with `vad`.
    ///
    /// # Panics
    ///
    /// If its frames are empty.
    pub fn new(vad: Box<dyn Vad>, settings: ActivitySettings) -> Self {
        assert!(vad.frame_samples() > 0, "a frame has samples");
        Self { vad, settings, heard: 0, state: State::Quiet { speech_since: None } }
    }

    /// Goes on in the middle of a stream, at sample `heard`, whose last samples were these, without telling again what was told
    /// of them.
    pub(crate) fn resume(&mut self, is_speech: bool, tail: &[i16], heard: u64) {
        self.heard = heard.saturating_sub(tail.len() as u64);
        self.state =
            if is_speech { State::Speech { silence_since: None } } else { State::Quiet { speech_since: None } };
        for frame in tail.chunks_exact(self.frame_samples()) {
            self.judge(frame);
        }
    }

    /// Samples in a frame.
    pub fn frame_samples(&self) -> usize {
        self.vad.frame_samples()
    }

    /// Samples of all frames so far.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Whether speech has begun and is not over.
    pub fn is_speech(&self) -> bool {
        matches!(self.state, State::Speech { .. })
    }

    /// Samples that may yet turn out to be speech: those of a start that is not committed.
    pub(crate) fn undecided(&self) -> u64 {
        match self.state {
            State::Quiet { speech_since: Some(at) } => self.heard - at,
            State::Quiet { speech_since: None } | State::Speech { .. } => 0,
        }
    }

    /// Hears a frame.
    ///
    /// # Panics
    ///
    /// If it has not [`frame_samples`](Self::frame_samples) samples.
    pub fn hear(&mut self, frame: &[i16]) -> Option<Edge> {
        self.judge(frame);
        let has_lasted = |since: u64, ms: u32| self.heard - since >= samples(ms);
        match self.state {
            State::Quiet { speech_since: Some(at) } if has_lasted(at, self.settings.prefix_padding_ms) => {
                self.state = State::Speech { silence_since: None };
                Some(Edge::Started { at })
            }
            State::Speech { silence_since: Some(at) } if has_lasted(at, self.settings.silence_duration_ms) => {
                self.state = State::Quiet { speech_since: None };
                Some(Edge::Ended { at })
            }
            State::Quiet { .. } | State::Speech { .. } => None,
        }
    }

    /// Notes what the detector makes of a frame.
    fn judge(&mut self, frame: &[i16]) {
        let probability = self.vad.probability(frame);
        let begin = self.heard;
        self.heard += frame.len() as u64;
        let goes_on = probability >= self.settings.end_threshold();
        match &mut self.state {
            State::Quiet { speech_since } if probability >= self.settings.start_threshold() => {
                speech_since.get_or_insert(begin);
            }
            State::Quiet { speech_since } if !goes_on => *speech_since = None,
            // Neither begins nor ends anything.
            State::Quiet { .. } => {}
            State::Speech { silence_since } if goes_on => *silence_since = None,
            State::Speech { silence_since } => {
                silence_since.get_or_insert(begin);
            }
        }
    }

    /// Ends whatever is going on for a reason other than silence; the end, if there was speech.
    pub fn stop(&mut self) -> Option<u64> {
        let ended = match self.state {
            State::Quiet { .. } => None,
            State::Speech { silence_since } => Some(silence_since.unwrap_or(self.heard)),
        };
        self.state = State::Quiet { speech_since: None };
        ended
    }

    /// Ends it because the stream pauses: what comes next is heard as another one, on the same clock.
    pub fn pause(&mut self) -> Option<u64> {
        self.vad.reset();
        self.stop()
    }
}

/// A time on the stream's clock.
pub(crate) fn offset(samples: u64) -> Duration {
    Duration::from_nanos(samples % RATE_HZ * 1_000_000_000 / RATE_HZ) + Duration::from_secs(samples / RATE_HZ)
}

/// The other way.
pub(crate) fn samples_in(offset: Duration) -> u64 {
    offset.as_secs() * RATE_HZ + (u64::from(offset.subsec_nanos()) * RATE_HZ).div_ceil(1_000_000_000)
}

fn samples(ms: u32) -> u64 {
    u64::from(ms) * RATE_HZ / 1_000
}

fn in_range(ms: Option<i32>, name: &'static str) -> Result<Option<u32>, Violation> {
    let Some(found) = ms else { return Ok(None) };
    let path = match name {
        "prefixPaddingMs" => "setup.realtimeInputConfig.automaticActivityDetection.prefixPaddingMs",
        _ => "setup.realtimeInputConfig.automaticActivityDetection.silenceDurationMs",
    };
    match u32::try_from(found) {
        Ok(ms) if ms <= MS_MAX => Ok(Some(ms)),
        Ok(_) | Err(_) => Err(Violation::new(Rule::NumberOutOfRange, path).found(found).found(0).found(MS_MAX)),
    }
}

/// The default detector is 100 ms late on most beginnings, and on few of them more than 270 ms.
const LOOK_BACK_MIN_MS: u32 = 300;
/// No wait of a person is longer.
const MS_MAX: u32 = 30_000;
