//! What is to be played next: the sound of answers, in order, at the pace of whoever plays it, and nothing of an answer that
//! was cut short.
//!
//! Servers send faster than sound is played. Who plays, a sound card or a file, takes samples out; it is the host's.

use std::collections::VecDeque;
use std::time::Duration;

use live_audio::{Carry, PcmFormat, PcmFormatError, Resampler};
use live_engine::TurnId;
use live_proto::Blob;

use crate::Event;

/// A buffer between a session and a loudspeaker.
///
/// Every piece belongs to a generation. [`Event::Interrupted`] ends one: what is left of it is dropped, and what still comes
/// of it is never played. Nothing else is dropped, up to [`WAITING_MAX`].
///
/// ```
/// use live_client::audio::{Playout, Pushed};
/// use live_client::{Pcm, PcmFormat, TurnId};
///
/// let sound = Pcm::from_samples(PcmFormat::OUTPUT, &[7; 2_400]).into();
/// let mut playout = Playout::new(24_000);
/// playout.push(TurnId(1), &sound)?;
/// let mut out = [0; 480];
/// assert_eq!(playout.pull(&mut out), 480);
/// assert_eq!(playout.interrupt(TurnId(1)).as_millis(), 80, "were not heard");
/// assert_eq!(playout.push(TurnId(1), &sound)?, Pushed::Stale);
/// assert_eq!(playout.pull(&mut out), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Playout {
    rate_hz: u32,
    samples: VecDeque<i16>,
    /// Whose the samples are, in their order.
    runs: VecDeque<(TurnId, usize)>,
    /// What is coming in.
    incoming: Option<Incoming>,
    /// The last generation that was cut short.
    cut: Option<TurnId>,
    /// The generation that was heard last, and how many of its samples.
    heard: Option<(TurnId, u64)>,
    /// The loudspeaker waits for the rest of a generation.
    is_starved: bool,
    counters: PlayoutCounters,
}

#[derive(Debug)]
struct Incoming {
    generation: TurnId,
    format: PcmFormat,
    carry: Carry,
    resampler: Option<Resampler>,
    is_complete: bool,
}

/// What became of a piece of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be played.
    Queued,
    /// Its generation was cut short.
    Stale,
    /// More waits than [`WAITING_MAX`]: it is dropped.
    Full,
}

/// Samples by what became of them, at the rate of the loudspeaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayoutCounters {
    /// Came in to be played. Each was played, was cut short, or waits.
    pub queued: u64,
    /// Were played.
    pub played: u64,
    /// Waited when their generation was cut short.
    pub cut: u64,
    /// Bytes that came of a generation after it was cut short.
    pub stale_bytes: u64,
    /// Bytes that came when too much was waiting.
    pub full_bytes: u64,
    /// Times that the loudspeaker had to wait in the middle of a generation.
    pub underruns: u64,
}

impl Playout {
    /// A buffer for a loudspeaker of this rate; sound of other rates is resampled.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            samples: VecDeque::new(),
            runs: VecDeque::new(),
            incoming: None,
            cut: None,
            heard: None,
            is_starved: false,
            counters: PlayoutCounters::default(),
        }
    }

    /// Does what an event of the session means for what is played: takes sound, drops what was cut short.
    ///
    /// # Errors
    /// When sound comes in a format that cannot be played.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are silent")]
    pub fn handle_event(&mut self, event: &Event) -> Result<(), PcmFormatError> {
        match event {
            Event::Audio { generation, blob } => {
                self.push(*generation, blob)?;
            }
            Event::Interrupted { generation } => _ = self.interrupt(*generation),
            Event::GenerationComplete { generation } => self.complete(*generation),
            _ => {}
        }
        Ok(())
    }

    /// Takes a piece of sound.
    ///
    /// # Errors
    /// When its format cannot be played.
    pub fn push(&mut self, generation: TurnId, blob: &Blob) -> Result<Pushed, PcmFormatError> {
        let bytes = blob.data.len() as u64;
        if self.cut.is_some_and(|cut| generation <= cut) {
            self.counters.stale_bytes += bytes;
            return Ok(Pushed::Stale);
        }
        let format: PcmFormat = blob.mime_type.as_str().parse()?;
        if self.waiting() >= WAITING_MAX {
            self.counters.full_bytes += bytes;
            return Ok(Pushed::Full);
        }
        if self.incoming.as_ref().is_none_or(|incoming| (incoming.generation, incoming.format) != (generation, format))
        {
            self.flush();
            let resampler = (format.rate_hz() != self.rate_hz).then(|| Resampler::new(format.rate_hz(), self.rate_hz));
            self.incoming =
                Some(Incoming { generation, format, carry: Carry::default(), resampler, is_complete: false });
        }
        let incoming = self.incoming.as_mut().expect("it was just made");
        let mut samples = Vec::with_capacity(blob.data.len() / 2 + 1);
        incoming.carry.push(&blob.data, &mut samples);
        let samples = match &mut incoming.resampler {
            None => samples,
            Some(resampler) => {
                let mut resampled = Vec::new();
                resampler.push(&samples, &mut resampled);
                resampled
            }
        };
        self.queue(generation, &samples);
        Ok(Pushed::Queued)
    }

    /// No more sound of this generation will come.
    pub fn complete(&mut self, generation: TurnId) {
        if self.incoming.as_ref().is_some_and(|incoming| incoming.generation == generation) {
            self.flush();
        }
        self.is_starved = false;
    }

    /// Drops what is left of a generation and of those before it. Returns how much of it was not heard.
    pub fn interrupt(&mut self, generation: TurnId) -> Duration {
        self.cut = self.cut.max(Some(generation));
        self.incoming.take_if(|incoming| incoming.generation <= generation);
        self.is_starved = false;
        let mut dropped = 0;
        while let Some((_, samples)) = self.runs.front().filter(|(run, _)| *run <= generation) {
            self.samples.drain(..samples);
            dropped += *samples as u64;
            self.runs.pop_front();
        }
        self.counters.cut += dropped;
        self.duration_of(dropped)
    }

    /// Fills `out` with what comes next, and with silence behind it. Returns how many samples were sound.
    pub fn pull(&mut self, out: &mut [i16]) -> usize {
        let sound = out.len().min(self.samples.len());
        for (to, from) in out.iter_mut().zip(self.samples.drain(..sound)) {
            *to = from;
        }
        out[sound..].fill(0);
        self.counters.played += sound as u64;
        let mut left = sound;
        while left > 0 {
            let (generation, samples) = self.runs.front_mut().expect("samples belong to a generation");
            let (generation, taken) = (*generation, left.min(*samples));
            *samples -= taken;
            left -= taken;
            if *samples == 0 {
                self.runs.pop_front();
            }
            match &mut self.heard {
                Some((heard, samples)) if *heard == generation => *samples += taken as u64,
                Some(_) | None => self.heard = Some((generation, taken as u64)),
            }
        }
        let awaits_more = self.incoming.as_ref().is_some_and(|incoming| {
            !incoming.is_complete && self.heard.is_some_and(|(heard, _)| heard == incoming.generation)
        });
        let is_starved = sound < out.len() && awaits_more;
        if is_starved && !self.is_starved {
            self.counters.underruns += 1;
        }
        self.is_starved = is_starved;
        sound
    }

    /// How long what waits will play.
    pub fn waiting(&self) -> Duration {
        self.duration_of(self.samples.len() as u64)
    }

    /// The generation that was heard last, and how much of it: what a listener knows of an answer that is cut short.
    pub fn heard(&self) -> Option<(TurnId, Duration)> {
        self.heard.map(|(generation, samples)| (generation, self.duration_of(samples)))
    }

    /// What became of all sound so far.
    pub fn counters(&self) -> PlayoutCounters {
        self.counters
    }

    /// Samples a second of the loudspeaker.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Takes out of the resampler what it still has.
    fn flush(&mut self) {
        let Some(incoming) = &mut self.incoming else { return };
        let mut rest = Vec::new();
        if let Some(resampler) = &mut incoming.resampler {
            resampler.finish(&mut rest);
        }
        incoming.is_complete = true;
        let generation = incoming.generation;
        self.queue(generation, &rest);
    }

    fn queue(&mut self, generation: TurnId, samples: &[i16]) {
        self.counters.queued += samples.len() as u64;
        self.samples.extend(samples);
        match self.runs.back_mut() {
            _ if samples.is_empty() => {}
            Some((last, count)) if *last == generation => *count += samples.len(),
            Some(_) | None => self.runs.push_back((generation, samples.len())),
        }
    }

    fn duration_of(&self, samples: u64) -> Duration {
        Duration::from_nanos(samples.saturating_mul(1_000_000_000) / u64::from(self.rate_hz))
    }
}

/// The longest that sound waits to be played. 20 minutes: twice the longest connection, 58 MB at 24 kHz.
pub const WAITING_MAX: Duration = Duration::from_secs(20 * 60);

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Pcm;

    fn sound(value: i16, samples: usize) -> Blob {
        Pcm::from_samples(PcmFormat::OUTPUT, &vec![value; samples]).into()
    }

    fn pull(playout: &mut Playout, samples: usize) -> Vec<i16> {
        let mut out = vec![-1; samples];
        let sound = playout.pull(&mut out);
        assert!(out[sound..].iter().all(|sample| *sample == 0));
        out.truncate(sound);
        out
    }

    #[test]
    fn nothing_of_a_generation_is_heard_behind_its_interruption_and_all_of_the_next_is() {
        let mut playout = Playout::new(24_000);
        playout.push(TurnId(1), &sound(1, 1_000)).unwrap();
        assert_eq!(pull(&mut playout, 300), [1; 300]);
        // The next answer may be there before the news that the last one is over.
        playout.push(TurnId(2), &sound(2, 50)).unwrap();
        playout.handle_event(&Event::Interrupted { generation: TurnId(1) }).unwrap();
        assert_eq!(playout.push(TurnId(1), &sound(1, 10)).unwrap(), Pushed::Stale);
        playout.push(TurnId(2), &sound(2, 50)).unwrap();
        assert_eq!(pull(&mut playout, 200), [2; 100]);
        let counters = playout.counters();
        assert_eq!((counters.queued, counters.played, counters.cut, counters.stale_bytes), (1_100, 400, 700, 20));
        // News of long ago cut nothing.
        playout.push(TurnId(3), &sound(3, 20)).unwrap();
        assert!(playout.interrupt(TurnId(2)).is_zero());
        assert_eq!(pull(&mut playout, 20), [3; 20]);
        assert_eq!(playout.heard(), Some((TurnId(3), Duration::from_nanos(20 * 1_000_000_000 / 24_000))));
    }

    #[test]
    fn a_loudspeaker_that_waits_amid_an_answer_is_counted_once_a_gap() {
        let mut playout = Playout::new(24_000);
        assert!(pull(&mut playout, 10).is_empty());
        playout.push(TurnId(1), &sound(1, 5)).unwrap();
        pull(&mut playout, 10);
        pull(&mut playout, 10);
        assert_eq!(playout.counters().underruns, 1);
        playout.push(TurnId(1), &sound(1, 10)).unwrap();
        pull(&mut playout, 10);
        playout.complete(TurnId(1));
        pull(&mut playout, 10);
        assert_eq!(playout.counters().underruns, 1, "an answer that is over leaves no gap");
    }

    #[test]
    fn other_rates_are_resampled_whatever_the_pieces() {
        let mut playout = Playout::new(48_000);
        for piece in [&[1_u8, 0, 2][..], &[0, 3], &[0, 4, 0]] {
            let blob = Blob::new("audio/pcm;rate=16000", Bytes::copy_from_slice(piece));
            assert_eq!(playout.push(TurnId(1), &blob).unwrap(), Pushed::Queued);
        }
        playout.complete(TurnId(1));
        assert_eq!(playout.waiting(), PcmFormat::INPUT.duration_of(8));
        assert_eq!(pull(&mut playout, 100).len(), 12);
    }

    #[test]
    fn what_cannot_be_played_is_refused_before_anything_is_made_of_it() {
        let mut playout = Playout::new(24_000);
        for mime_type in ["audio/pcm;rate=1", "audio/ogg"] {
            assert!(playout.push(TurnId(1), &Blob::new(mime_type, vec![0; 64])).is_err(), "{mime_type}");
        }
        assert_eq!(playout.counters(), PlayoutCounters::default());
    }

    #[test]
    fn there_is_an_end_to_what_waits() {
        let mut playout = Playout::new(8_000);
        let minute = Blob::new("audio/pcm;rate=8000", vec![0; 8_000 * 2 * 60]);
        for _ in 0..20 {
            assert_eq!(playout.push(TurnId(1), &minute).unwrap(), Pushed::Queued);
        }
        assert_eq!(playout.push(TurnId(1), &minute).unwrap(), Pushed::Full);
        assert_eq!(playout.counters().full_bytes, 960_000);
    }
}
