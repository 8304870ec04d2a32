//! `realtimeInput`: sound, pictures and text that flow, and how they become turns of the user.
//!
//! Under manual activity a turn is what lies between `activityStart` and `activityEnd`. Under automatic detection a running
//! audio stream counts as speech: its first sound begins the turn, its end or a pause in it ends the turn, and typed text
//! is a turn at once. Not here: hearing speech and silence within a stream that never pauses.

use bytes::{Bytes, BytesMut};
use live_proto::{Blob, Content, MimeType, Part, PartData, RealtimeInput, TurnCoverage};

use super::Warning;
use super::content::USER;
use super::session::{Cx, Session};
use super::setup::ActivityDetection;
use crate::context::{ITEM_BYTES, Kind, Tokens, kind, label_bytes};
use crate::timer::Timer;
use crate::turn::{Signal, Turn};
use crate::violation::Violation;

/// Input that has not become a turn yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    speaking: bool,
    /// Whether media outside an activity were complained of since the last one.
    complained: bool,
    pieces: Vec<Piece>,
    bytes: usize,
    /// What the pieces take beside their bytes.
    overhead: usize,
}

#[derive(Debug)]
enum Piece {
    /// Consecutive sound of one type, joined.
    Sound(MimeType, BytesMut),
    Frame(Blob),
    Text(String),
}

impl Piece {
    fn bytes(&self) -> usize {
        match self {
            Self::Sound(_, data) => data.len(),
            Self::Frame(blob) => blob.data.len(),
            Self::Text(text) => text.len(),
        }
    }

    fn overhead(&self) -> usize {
        ITEM_BYTES
            + match self {
                Self::Sound(mime_type, _) => mime_type.as_str().len(),
                Self::Frame(blob) => label_bytes(blob),
                Self::Text(_) => 0,
            }
    }

    fn into_part(self) -> (Part, Tokens) {
        let frame = matches!(self, Self::Frame(_));
        let part = match self {
            Self::Sound(mime_type, data) => Part::inline(Blob::new(mime_type, data.freeze())),
            Self::Frame(blob) => Part::inline(blob),
            Self::Text(text) => Part::text(text),
        };
        let tokens = if frame { Tokens::of_frame() } else { Tokens::of_part(&part) };
        (part, tokens)
    }
}

impl Input {
    pub(super) fn is_speaking(&self) -> bool {
        self.speaking
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What the input holds in memory.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes + self.overhead
    }

    fn hear(&mut self, blob: Blob) {
        match self.pieces.last_mut() {
            Some(Piece::Sound(mime_type, data)) if *mime_type == blob.mime_type => {
                self.bytes += blob.data.len();
                data.extend_from_slice(&blob.data);
            }
            Some(_) | None => self.push(Piece::Sound(blob.mime_type, BytesMut::from(&blob.data[..]))),
        }
    }

    fn push(&mut self, piece: Piece) {
        self.bytes += piece.bytes();
        self.overhead += piece.overhead();
        self.pieces.push(piece);
    }

    /// Forgets the oldest frames beyond `frames_max`: a camera runs while nobody speaks.
    fn forget_frames(&mut self, frames_max: usize) {
        while self.pieces.iter().filter(|piece| matches!(piece, Piece::Frame(_))).count() > frames_max {
            let oldest = self.pieces.iter().position(|piece| matches!(piece, Piece::Frame(_)));
            let piece = self.pieces.remove(oldest.expect("there are too many of them"));
            self.bytes -= piece.bytes();
            self.overhead -= piece.overhead();
        }
    }

    /// Takes up what a snapshot holds.
    pub(super) fn restore(parts: Vec<Part>, speaking: bool) -> Self {
        let mut input = Self { speaking, ..Self::default() };
        for part in parts {
            match part.data {
                Some(PartData::InlineData(blob)) if is_sound(blob.mime_type.as_str()) => input.hear(blob),
                Some(PartData::InlineData(blob)) => input.push(Piece::Frame(blob)),
                Some(PartData::Text(text)) => input.push(Piece::Text(text)),
                // Nothing else flows.
                Some(
                    PartData::FunctionCall(_)
                    | PartData::FunctionResponse(_)
                    | PartData::FileData(_)
                    | PartData::ExecutableCode(_)
                    | PartData::CodeExecutionResult(_),
                )
                | None => {}
            }
        }
        input
    }

    /// Copies everything, for a snapshot.
    pub(super) fn parts(&self) -> Vec<Part> {
        let part = |piece: &Piece| match piece {
            Piece::Sound(mime_type, data) => Part::inline(Blob::new(mime_type.clone(), Bytes::copy_from_slice(data))),
            Piece::Frame(blob) => Part::inline(blob.clone()),
            Piece::Text(text) => Part::text(text.as_str()),
        };
        self.pieces.iter().map(part).collect()
    }

    /// Takes everything as one content of the user.
    fn take(&mut self) -> Option<(Content, Tokens)> {
        (self.bytes, self.overhead) = (0, 0);
        let mut tokens = Tokens::default();
        let mut parts = Vec::with_capacity(self.pieces.len());
        for (part, cost) in self.pieces.drain(..).map(Piece::into_part) {
            tokens += cost;
            parts.push(part);
        }
        (!parts.is_empty()).then(|| (Content { parts: parts.into(), role: USER.into() }, tokens))
    }
}

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
                    return Err(Violation::ActivityUnderAutomaticDetection { path });
                }
            }
        }
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
            self.hear(blob, cx)?;
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
                ActivityDetection::Automatic if self.input.speaking => self.end_speech(cx)?,
                ActivityDetection::Automatic => {}
                ActivityDetection::Manual => cx.warn(Warning::NoEffect { path: "realtimeInput.audioStreamEnd".into() }),
            }
        }
        if activity_end.is_some() {
            said_nothing = false;
            if !self.input.speaking {
                return Err(Violation::NothingToAnswer { path: "realtimeInput.activityEnd" });
            }
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

    fn hear(&mut self, blob: Blob, cx: &mut Cx<'_>) -> Result<(), Violation> {
        if blob.data.is_empty() {
            return Ok(());
        }
        let max = cx.config.limits.speech_bytes_max;
        match self.config.detection {
            ActivityDetection::Automatic => {
                if !self.input.speaking {
                    self.start_speech(cx);
                }
                self.input.hear(blob);
                cx.timers.arm(Timer::StreamPause, cx.config.limits.stream_pause, cx.now);
                // A stream that never pauses is answered when it is as long as a turn may be.
                if self.input.bytes >= max { self.end_speech(cx) } else { Ok(()) }
            }
            ActivityDetection::Manual if self.input.speaking || self.covers_all_input() => {
                self.input.hear(blob);
                let found = self.input.bytes;
                if found > max {
                    return Err(Violation::ContextExhausted {
                        what: "bytes of speech",
                        found: found as u64,
                        max: max as u64,
                        fix: "end the activity sooner",
                    });
                }
                Ok(())
            }
            ActivityDetection::Manual => {
                self.complain(&blob, cx);
                Ok(())
            }
        }
    }

    fn see(&mut self, blob: Blob, cx: &mut Cx<'_>) {
        self.times.see(cx);
        let included = match self.config.detection {
            // Nobody can say yet where speech is, so no picture is outside it.
            ActivityDetection::Automatic => true,
            ActivityDetection::Manual => {
                self.input.speaking || self.config.turn_coverage != TurnCoverage::IncludesOnlyActivity
            }
        };
        if included {
            self.input.push(Piece::Frame(blob));
            self.input.forget_frames(cx.config.limits.frames_max);
        } else {
            self.complain(&blob, cx);
        }
    }

    fn read(&mut self, text: String, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.input.push(Piece::Text(text));
        match (self.config.detection, self.input.speaking) {
            (ActivityDetection::Manual, true) => Ok(()),
            (ActivityDetection::Automatic, true) => self.end_speech(cx),
            (ActivityDetection::Automatic | ActivityDetection::Manual, false) => {
                self.ask_input(cx);
                Ok(())
            }
        }
    }

    fn covers_all_input(&self) -> bool {
        self.config.turn_coverage == TurnCoverage::IncludesAllInput
    }

    fn complain(&mut self, blob: &Blob, cx: &mut Cx<'_>) {
        if !self.input.complained {
            self.input.complained = true;
            cx.warn(Warning::OutsideActivity { mime_type: blob.mime_type.as_str().into() });
        }
    }

    /// Begins the user's turn, unless the model may not be cut short: then the speech is kept and nobody hears of it yet.
    fn start_speech(&mut self, cx: &mut Cx<'_>) {
        self.input.complained = false;
        if self.config.interrupts || !self.is_answering() {
            self.interrupt(cx);
            self.signal(Signal::SpeechStarted);
        }
        self.input.speaking = true;
    }

    /// Ends the user's turn and answers what was said.
    pub(super) fn end_speech(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.input.speaking = false;
        cx.timers.stop(Timer::StreamPause);
        if !self.input.pieces.is_empty() {
            self.ask_input(cx);
            return Ok(());
        }
        match self.turn {
            Turn::Listening if self.context.unanswered() > 0 => self.prompt(cx),
            Turn::Listening => {
                self.signal(Signal::SpeechDropped);
                // A stream ends by itself, in a resumed session even before its first sound; an activity is what the client says.
                return match self.config.detection {
                    ActivityDetection::Automatic => Ok(()),
                    ActivityDetection::Manual => Err(Violation::NothingToAnswer { path: "realtimeInput.activityEnd" }),
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
        let (content, tokens) = self.input.take().expect("there is input");
        self.ask(content, tokens, cx);
    }

    /// Appends pictures and sound that no speech has taken up, so that ordered content comes behind them.
    pub(super) fn take_media_outside_speech(&mut self) {
        if self.input.speaking {
            return;
        }
        if let Some((content, tokens)) = self.input.take() {
            self.context.append(content, tokens);
        }
    }
}

fn is_sound(mime: &str) -> bool {
    kind(mime) == Kind::Audio
}

fn check_media(chunks: &[Blob], audio: Option<&Blob>, video: Option<&Blob>) -> Result<(), Violation> {
    let is_picture = |mime: &str| matches!(kind(mime), Kind::Image | Kind::Video);
    if let Some(blob) = audio.filter(|blob| !is_sound(blob.mime_type.as_str())) {
        return Err(Violation::MimeType {
            path: "realtimeInput.audio.mimeType",
            found: blob.mime_type.as_str().into(),
            rule: "audio takes an audio type",
            fix: "send audio/pcm;rate=16000",
        });
    }
    if let Some(blob) = video.filter(|blob| !is_picture(blob.mime_type.as_str())) {
        return Err(Violation::MimeType {
            path: "realtimeInput.video.mimeType",
            found: blob.mime_type.as_str().into(),
            rule: "video takes an image type",
            fix: "send image/jpeg",
        });
    }
    let neither = |blob: &&Blob| !is_sound(blob.mime_type.as_str()) && !is_picture(blob.mime_type.as_str());
    if let Some(blob) = chunks.iter().find(neither) {
        return Err(Violation::MimeType {
            path: "realtimeInput.mediaChunks.mimeType",
            found: blob.mime_type.as_str().into(),
            rule: "media are sound or pictures",
            fix: "send audio/pcm;rate=16000 or image/jpeg",
        });
    }
    Ok(())
}
