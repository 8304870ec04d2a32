//! `realtimeInput`: sound, pictures and text that flow, and how they become turns of the user.
//!
//! Under manual activity a turn is what lies between `activityStart` and `activityEnd`. Under automatic detection it is what
//! the detector takes for speech, and typed text is a turn at once. Not here: the sound itself ([`super::ear`]) and what
//! is kept until a turn takes it ([`super::input`]).

use live_audio::{InputFormat, PcmFormat, PcmFormatError};
use live_proto::{Blob, RealtimeInput, TurnCoverage};

use super::Warning;
use super::session::{Cx, Session};
use super::setup::ActivityDetection;
use crate::context::{Kind, kind};
use crate::profile::{Inputs, ModelProfile};
use crate::timer::Timer;
use crate::turn::{Signal, Turn};
use crate::violation::{Rule, Violation};

impl Session {
    pub(super) fn realtime_input(&mut self, message: RealtimeInput, cx: &mut Cx<'_>) -> Result<(), Violation> {
        let RealtimeInput { media_chunks, audio, audio_stream_end, video, text, activity_start, activity_end } =
            message;
        let detection = self.config.detection;
        if detection == ActivityDetection::Automatic {
            for (sent, path) in [
                (activity_start.is_some(), "realtimeInput.activityStart"),
                (activity_end.is_some(), "realtimeInput.activityEnd"),
            ] {
                if sent {
                    return Err(Violation::new(Rule::ActivityUnderAutomaticDetection, path));
                }
            }
        }
        check_inputs(&self.config.profile, &media_chunks, audio.as_ref(), video.as_ref(), text.as_deref())?;
        check_media(&media_chunks, audio.as_ref(), video.as_ref())?;
        // The conversation begins with the first thing that flows.
        self.seeding = false;

        let mut said_nothing = true;
        if activity_start.is_some() {
            said_nothing = false;
            self.start_activity(cx);
        }
        let (sounds, frames): (Vec<Blob>, Vec<Blob>) =
            media_chunks.into_iter().partition(|blob| is_sound(blob.mime_type.as_str()));
        for blob in sounds.into_iter().chain(audio) {
            said_nothing = false;
            self.hear(&blob, cx)?;
        }
        for blob in frames.into_iter().chain(video) {
            said_nothing = false;
            self.see(blob, cx);
        }
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            said_nothing = false;
            self.read(text, cx)?;
        }
        if audio_stream_end == Some(true) {
            said_nothing = false;
            match detection {
                ActivityDetection::Automatic => self.end_stream(cx)?,
                ActivityDetection::Manual => cx.warn(Warning::NoEffect { path: "realtimeInput.audioStreamEnd".into() }),
            }
        }
        if activity_end.is_some() {
            said_nothing = false;
            if !self.input.speaking {
                return Err(Violation::new(Rule::ActivityEmpty, "realtimeInput.activityEnd"));
            }
            self.flush(cx)?;
            self.end_speech(cx)?;
        }
        if said_nothing {
            cx.warn(Warning::EmptyMessage);
        }
        Ok(())
    }

    fn start_activity(&mut self, cx: &mut Cx<'_>) {
        if self.input.speaking {
            cx.warn(Warning::ActivityAlreadyStarted);
        } else {
            self.start_speech(cx);
        }
    }

    fn see(&mut self, blob: Blob, cx: &mut Cx<'_>) {
        self.times.see(cx);
        let is_included = match self.config.detection {
            // While sound runs and nobody speaks, those it leaves behind are forgotten with it.
            ActivityDetection::Automatic => true,
            ActivityDetection::Manual => self.input.speaking || self.covers_all_video(),
        };
        if is_included {
            let limits = &cx.config.limits;
            self.input.see(blob, limits.frame_gap, limits.frames_max, cx.now);
        } else {
            self.complain(&blob, cx);
        }
    }

    fn read(&mut self, text: String, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.input.read(text);
        match (self.config.detection, self.input.speaking) {
            (ActivityDetection::Manual, true) => Ok(()),
            (ActivityDetection::Automatic, true) => {
                self.stop_speech(cx);
                self.end_speech(cx)
            }
            (ActivityDetection::Automatic | ActivityDetection::Manual, false) => {
                self.ask_input(cx);
                Ok(())
            }
        }
    }

    pub(super) fn covers_all_video(&self) -> bool {
        self.config.turn_coverage != TurnCoverage::IncludesOnlyActivity
    }

    pub(super) fn covers_all_input(&self) -> bool {
        self.config.turn_coverage == TurnCoverage::IncludesAllInput
    }

    pub(super) fn complain(&mut self, blob: &Blob, cx: &mut Cx<'_>) {
        if !self.input.complained {
            self.input.complained = true;
            cx.warn(Warning::OutsideActivity { mime_type: blob.mime_type.as_str().into() });
        }
    }

    /// Begins the user's turn, unless the model may not be cut short: then the speech is kept and nobody hears of it yet.
    pub(super) fn start_speech(&mut self, cx: &mut Cx<'_>) {
        self.input.complained = false;
        if self.config.interrupts || !self.is_answering() {
            self.interrupt(cx);
            self.signal(Signal::SpeechStarted);
        }
        self.input.speaking = true;
    }

    /// Ends the user's turn and answers what was said.
    pub(super) fn end_speech(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        cx.timers.stop(Timer::StreamPause);
        if !self.input.is_empty() {
            // What was said is a part of the turn, as long as it is said to be speech.
            self.ask_input(cx);
            return Ok(());
        }
        self.input.speaking = false;
        match self.turn {
            Turn::Listening if self.context.unanswered() > 0 => self.prompt(cx),
            Turn::Listening => {
                self.signal(Signal::SpeechDropped);
                // A stream ends by itself, in a resumed session even before its first sound; an activity is what the client says.
                return match self.config.detection {
                    ActivityDetection::Automatic => Ok(()),
                    ActivityDetection::Manual => Err(Violation::new(Rule::ActivityEmpty, "realtimeInput.activityEnd")),
                };
            }
            Turn::Idle
            | Turn::Generating(_)
            | Turn::Suspended(_)
            | Turn::AwaitingAnswers(_)
            | Turn::Playing(_)
            | Turn::Interrupted(_) => {}
        }
        Ok(())
    }

    fn ask_input(&mut self, cx: &mut Cx<'_>) {
        let sound_stays = self.sound_stays();
        self.input.speaking = false;
        let (content, tokens) = self.input.take(sound_stays).expect("there is input");
        self.ask(content, tokens, cx);
    }

    /// Whether sound is nobody's speech yet: it may become the beginning of what is said next.
    fn sound_stays(&self) -> bool {
        self.config.detection == ActivityDetection::Automatic && !self.input.speaking && !self.covers_all_input()
    }

    /// Appends pictures and sound that no speech has taken up, so that ordered content comes behind them.
    pub(super) fn take_media_outside_speech(&mut self) {
        if self.input.speaking {
            return;
        }
        let sound_stays = self.sound_stays();
        if let Some((content, tokens)) = self.input.take(sound_stays) {
            self.context.append(content, tokens);
        }
    }
}

fn is_sound(mime: &str) -> bool {
    kind(mime) == Kind::Audio
}

/// Checks that the model takes what flows.
fn check_inputs(
    profile: &ModelProfile,
    chunks: &[Blob],
    audio: Option<&Blob>,
    video: Option<&Blob>,
    text: Option<&str>,
) -> Result<(), Violation> {
    let Inputs { text: reads, audio: hears, video: sees } = profile.inputs;
    let wrong = |rule, path: &str| Err(Violation::new(rule, path));
    if !chunks.is_empty() && !profile.media_chunks {
        return wrong(Rule::MediaChunks, "realtimeInput.mediaChunks");
    }
    let chunk_of = |kind| chunks.iter().any(|blob| is_sound(blob.mime_type.as_str()) == kind);
    match () {
        () if !hears && audio.is_some() => wrong(Rule::AudioNotTaken, "realtimeInput.audio"),
        () if !hears && chunk_of(true) => wrong(Rule::AudioNotTaken, "realtimeInput.mediaChunks"),
        () if !sees && video.is_some() => wrong(Rule::VideoNotTaken, "realtimeInput.video"),
        () if !sees && chunk_of(false) => wrong(Rule::VideoNotTaken, "realtimeInput.mediaChunks"),
        () if !reads && text.is_some() => wrong(Rule::TextNotTaken, "realtimeInput.text"),
        () => Ok(()),
    }
}

/// Checks what kinds of media there are before anything is made of them.
fn check_media(chunks: &[Blob], audio: Option<&Blob>, video: Option<&Blob>) -> Result<(), Violation> {
    let chunks = chunks.iter().map(|blob| ("realtimeInput.mediaChunks.mimeType", blob, None));
    let audio = audio.into_iter().map(|blob| ("realtimeInput.audio.mimeType", blob, Some(true)));
    let video = video.into_iter().map(|blob| ("realtimeInput.video.mimeType", blob, Some(false)));
    for (path, blob, has_to_sound) in chunks.chain(audio).chain(video) {
        let mime_type = blob.mime_type.as_str();
        let wrong = |rule| Violation::new(rule, path).found(mime_type);
        return Err(match (has_to_sound.unwrap_or_else(|| is_sound(mime_type)), kind(mime_type)) {
            (true, Kind::Audio) => match mime_type.parse::<InputFormat>() {
                Ok(_) => continue,
                Err(error) => format_violation(&error, path, mime_type),
            },
            (false, _) if PICTURES.iter().any(|it| essence(mime_type).eq_ignore_ascii_case(it)) => continue,
            (true, _) => wrong(Rule::AudioType),
            (false, Kind::Image) => wrong(Rule::PictureFormat).found(PICTURES.join(", ")),
            (false, _) if has_to_sound.is_none() => wrong(Rule::MediaKind),
            (false, _) => wrong(Rule::VideoType),
        });
    }
    Ok(())
}

pub(super) fn format_violation(error: &PcmFormatError, path: &str, mime_type: &str) -> Violation {
    let wrong = |rule| Violation::new(rule, path).found(mime_type);
    let rates = PcmFormat::RATES_HZ;
    match error {
        PcmFormatError::Rate(_) => wrong(Rule::AudioRate).found(rates.start()).found(rates.end()),
        PcmFormatError::RateTwice => wrong(Rule::AudioRateTwice),
        PcmFormatError::Channels(_) => wrong(Rule::AudioChannels),
        PcmFormatError::Type(_) | _ => wrong(Rule::AudioFormat),
    }
}

fn essence(mime_type: &str) -> &str {
    mime_type.split(';').next().unwrap_or_default().trim()
}

/// The pictures that models of the service are documented to see.
const PICTURES: [&str; 6] = ["image/jpeg", "image/jpg", "image/png", "image/webp", "image/heic", "image/heif"];
