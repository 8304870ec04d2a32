//! The sound of a session on its way into its input: decoded, and under automatic detection cut into frames and listened to.
//!
//! Not here: what speech does to a turn ([`super::realtime`]) and where it begins and ends ([`crate::activity`]).

use std::time::Duration;

use live_audio::{Carry, Input as Decoder, InputFormat, bytes_of};
use live_proto::{
    AudioMetadata, Blob, Part, PartData, ServerPayload, VadSignalType, VoiceActivity, VoiceActivityDetectionSignal,
    VoiceActivityType,
};

use super::VadSignal;
use super::input::Input;
use super::realtime::format_violation;
use super::session::{Cx, Session};
use super::setup::ActivityDetection;
use crate::activity::{Activity, ActivitySettings, Edge, offset, samples_in};
use crate::timer::Timer;
use crate::violation::{Rule, Violation};

/// What hears.
#[derive(Debug, Default)]
pub(super) struct Ear {
    /// The stream that runs; a client may change its format, and then begins another.
    decoder: Option<Decoder>,
    /// The detector, from the first sound on.
    activity: Option<Activity>,
    /// The beginning of a frame.
    part: Vec<i16>,
    /// Half a sample of a stream that began on another connection.
    carry: Carry,
    /// Samples that were heard on other connections.
    heard: u64,
}

impl Ear {
    /// Goes on where a snapshot ends, whose last part may be what [`put_down`](Self::put_down) made; takes that part away.
    pub(super) fn resume(parts: &mut Vec<Part>) -> Self {
        let is_ours = |part: &mut Part| part.audio_metadata.is_some();
        let Some(Part { data: Some(PartData::InlineData(blob)), audio_metadata: Some(metadata), .. }) =
            parts.pop_if(is_ours)
        else {
            return Self::default();
        };
        let (samples, odd) = blob.data.as_chunks::<2>();
        let began = metadata.start_offset.and_then(|offset| Duration::try_from(offset).ok()).unwrap_or_default();
        Self {
            part: samples.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
            carry: Carry::after(odd.first().copied()),
            heard: samples_in(began),
            ..Self::default()
        }
    }

    /// Takes up what the detector knew: nothing but what the sound before says.
    pub(super) fn listen_again(&mut self, input: &Input, settings: ActivitySettings, cx: &Cx<'_>) {
        if self.heard == 0 {
            return;
        }
        let mut activity = Activity::new((cx.config.vad)(), settings);
        let tail = input.tail(settings.memory_samples());
        // Frames are counted from the end, where one is complete.
        let beginning = tail.len() % activity.frame_samples();
        activity.resume(input.is_speaking(), &tail[beginning..], self.heard);
        self.activity = Some(activity);
    }

    /// What a snapshot keeps behind the input: sound that is no whole frame yet, and the stream's clock.
    pub(super) fn put_down(&self) -> Option<Part> {
        let heard = self.activity.as_ref().map_or(self.heard, Activity::heard);
        let carry = self.decoder.as_ref().map_or(self.carry, Decoder::carry);
        if heard == 0 && self.part.is_empty() && !carry.is_odd() {
            return None;
        }
        let mut data = Vec::new();
        bytes_of(&self.part, &mut data);
        data.extend(carry.byte());
        let metadata = AudioMetadata { start_offset: Some(offset(heard).into()), end_offset: None };
        Some(Part { audio_metadata: Some(Box::new(metadata)), ..Part::inline(Blob::pcm16k(data)) })
    }

    fn decode(&mut self, blob: &Blob, samples: &mut Vec<i16>) -> Result<(), Violation> {
        let mime_type = blob.mime_type.as_str();
        let format: InputFormat =
            mime_type.parse().map_err(|error| format_violation(&error, "realtimeInput.audio", mime_type))?;
        let decoder = match &mut self.decoder {
            Some(decoder) if decoder.format() == format => decoder,
            other => {
                if let Some(former) = other {
                    former.finish(samples);
                }
                other.insert(Decoder::new(format).after(std::mem::take(&mut self.carry)))
            }
        };
        decoder
            .push(&blob.data, samples)
            .map_err(|error| Violation::new(Rule::AudioBroken, "realtimeInput.audio").found(mime_type).found(error))
    }
}

impl Session {
    /// Hears a piece of the stream.
    pub(super) fn hear(&mut self, blob: &Blob, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if blob.data.is_empty() {
            return Ok(());
        }
        let is_manual = self.config.detection == ActivityDetection::Manual;
        if is_manual && !self.input.speaking && !self.covers_all_input() {
            self.ear.decoder = None;
            self.complain(blob, cx);
            return Ok(());
        }
        let mut samples = Vec::new();
        self.ear.decode(blob, &mut samples)?;
        self.take_in(&samples, cx)?;
        if !is_manual && self.input.speaking {
            cx.timers.arm(Timer::StreamPause, self.patience(cx), cx.now);
        }
        Ok(())
    }

    /// How long a stream may pause within speech: long enough for the silence that would end it, too.
    pub(super) fn patience(&self, cx: &Cx<'_>) -> Duration {
        cx.config.limits.stream_pause.max(self.config.activity.silence())
    }

    fn take_in(&mut self, samples: &[i16], cx: &mut Cx<'_>) -> Result<(), Violation> {
        let max = cx.config.limits.speech_bytes_max;
        if self.config.detection == ActivityDetection::Manual {
            self.input.hear(samples);
            let found = self.input.sound_bytes();
            if found > max {
                return Err(Violation::new(Rule::SpeechTooLong, "the whole context").found(found).found(max));
            }
            return Ok(());
        }
        let settings = self.config.activity;
        let activity = self.ear.activity.get_or_insert_with(|| Activity::new((cx.config.vad)(), settings));
        let frame_samples = activity.frame_samples();
        let mut part = std::mem::take(&mut self.ear.part);
        part.extend_from_slice(samples);
        for frame in part.chunks_exact(frame_samples) {
            self.hear_frame(frame, cx)?;
        }
        let whole = part.len() - part.len() % frame_samples;
        part.drain(..whole);
        self.ear.part = part;
        Ok(())
    }

    fn hear_frame(&mut self, frame: &[i16], cx: &mut Cx<'_>) -> Result<(), Violation> {
        if self.overflow.is_some() {
            // The session closes with this message; its turns are over.
            return Ok(());
        }
        self.input.hear(frame);
        let activity = self.ear.activity.as_mut().expect("somebody listens");
        match activity.hear(frame) {
            Some(Edge::Started { at }) => {
                self.tell_activity(VoiceActivityType::ActivityStart, at, cx);
                self.start_speech(cx);
            }
            Some(Edge::Ended { at }) => {
                self.tell_activity(VoiceActivityType::ActivityEnd, at, cx);
                self.end_speech(cx)?;
            }
            None if !self.input.speaking => self.forget_silence(cx),
            // Speech that never pauses is answered when it is as long as a turn may be.
            None if self.input.sound_bytes() >= cx.config.limits.speech_bytes_max => {
                self.stop_speech(cx);
                self.end_speech(cx)?;
            }
            None => {}
        }
        Ok(())
    }

    /// Forgets sound in which nobody spoke, but for as much as speech that begins now would take with it.
    fn forget_silence(&mut self, cx: &Cx<'_>) {
        let activity = self.ear.activity.as_ref().expect("somebody listens");
        let samples = self.config.activity.look_back_samples() + activity.undecided();
        let kept = if self.covers_all_input() {
            cx.config.limits.speech_bytes_max
        } else {
            usize::try_from(samples * 2).unwrap_or(usize::MAX)
        };
        self.input.forget_sound(kept, self.covers_all_video());
    }

    /// Tells the detector that the speech is over, for another reason than silence.
    pub(super) fn stop_speech(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.ear.activity.as_mut().and_then(Activity::stop) {
            self.tell_activity(VoiceActivityType::ActivityEnd, at, cx);
        }
    }

    /// Takes the stream as finished: whatever of it is still on its way is heard, and speech in it is over.
    pub(super) fn end_stream(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.flush(cx)?;
        if let Some(at) = self.ear.activity.as_mut().and_then(Activity::pause) {
            self.tell_activity(VoiceActivityType::ActivityEnd, at, cx);
        }
        if self.input.speaking {
            return self.end_speech(cx);
        }
        if !self.covers_all_input() {
            // It does not lie before what comes next.
            self.input.forget_sound(0, true);
        }
        Ok(())
    }

    /// Takes in what the decoder holds back, and what is too short for a frame.
    pub(super) fn flush(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if let Some(mut decoder) = self.ear.decoder.take() {
            let mut samples = Vec::new();
            decoder.finish(&mut samples);
            self.take_in(&samples, cx)?;
        }
        let part = std::mem::take(&mut self.ear.part);
        if self.input.speaking || self.covers_all_input() {
            self.input.hear(&part);
        }
        Ok(())
    }

    /// Tells the client what the detector heard, if it asked.
    fn tell_activity(&self, r#type: VoiceActivityType, at: u64, cx: &mut Cx<'_>) {
        if !self.config.explicit_vad_signal {
            return;
        }
        match cx.config.vad_signal {
            VadSignal::VoiceActivity => {
                let audio_offset = Some(offset(at).into());
                cx.send(ServerPayload::from(VoiceActivity { r#type, audio_offset }));
            }
            VadSignal::DetectionSignal => {
                let vad_signal_type = match r#type {
                    VoiceActivityType::ActivityStart => VadSignalType::Sos,
                    VoiceActivityType::ActivityEnd
                    | VoiceActivityType::Unspecified
                    | VoiceActivityType::Unrecognized(_) => VadSignalType::Eos,
                };
                cx.send(ServerPayload::from(VoiceActivityDetectionSignal { vad_signal_type }));
            }
        }
    }
}
