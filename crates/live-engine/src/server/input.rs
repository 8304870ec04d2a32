//! What flowed in and has not become a turn yet: sound, pictures and text in the order in which they came.
//!
//! Not here: when it becomes a turn ([`super::realtime`]), and what the sound says ([`super::ear`]).

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use live_audio::samples_of;
use live_proto::{Blob, Content, MimeType, Part, PartData};

use super::content::USER;
use crate::context::{ITEM_BYTES, Kind, Tokens, kind, label_bytes};

/// Input that has not become a turn yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) speaking: bool,
    /// Whether media outside an activity were complained of since the last one.
    pub(super) complained: bool,
    pieces: Vec<Piece>,
    bytes: usize,
    /// Those of sound.
    sound_bytes: usize,
    /// What the pieces take beside their bytes.
    overhead: usize,
    /// When the last frame came that was not too early.
    frame_at: Option<Instant>,
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

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn sound_bytes(&self) -> usize {
        self.sound_bytes
    }

    /// What the input holds in memory.
    pub(super) fn held_bytes(&self) -> usize {
        self.bytes + self.overhead
    }

    /// Appends sound: samples of 16 kHz.
    pub(super) fn hear(&mut self, samples: &[i16]) {
        if samples.is_empty() {
            return;
        }
        if !matches!(self.pieces.last(), Some(Piece::Sound(mime_type, _)) if *mime_type == MimeType::PCM_16K) {
            self.push(Piece::Sound(MimeType::PCM_16K, BytesMut::new()));
        }
        if let Some(Piece::Sound(_, data)) = self.pieces.last_mut() {
            data.reserve(samples.len() * 2);
            data.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        self.bytes += samples.len() * 2;
        self.sound_bytes += samples.len() * 2;
    }

    /// Appends a frame of video. A frame that comes within `gap` of the one before takes its place, or, if that has become a
    /// part of a turn, has come in vain.
    pub(super) fn see(&mut self, blob: Blob, gap: Duration, frames_max: usize, now: Instant) {
        if self.frame_at.is_some_and(|at| now.duration_since(at) < gap) {
            let Some(last) = self.pieces.iter().rposition(|piece| matches!(piece, Piece::Frame(_))) else { return };
            self.remove(last);
        } else {
            self.frame_at = Some(now);
        }
        self.push(Piece::Frame(blob));
        // A camera runs while nobody speaks.
        while self.pieces.iter().filter(|piece| matches!(piece, Piece::Frame(_))).count() > frames_max {
            let oldest = self.pieces.iter().position(|piece| matches!(piece, Piece::Frame(_)));
            self.remove(oldest.expect("there are too many of them"));
        }
    }

    pub(super) fn read(&mut self, text: String) {
        self.push(Piece::Text(text));
    }

    fn push(&mut self, piece: Piece) {
        self.bytes += piece.bytes();
        if matches!(piece, Piece::Sound(..)) {
            self.sound_bytes += piece.bytes();
        }
        self.overhead += piece.overhead();
        self.pieces.push(piece);
    }

    fn remove(&mut self, at: usize) -> Piece {
        let piece = self.pieces.remove(at);
        self.bytes -= piece.bytes();
        if matches!(piece, Piece::Sound(..)) {
            self.sound_bytes -= piece.bytes();
        }
        self.overhead -= piece.overhead();
        piece
    }

    /// Forgets all sound but the last `kept` bytes of it, and the pictures from before these unless they are worth more.
    pub(super) fn forget_sound(&mut self, kept: usize, keeps_frames: bool) {
        let mut excess = self.sound_bytes.saturating_sub(kept);
        let mut at = 0;
        while excess > 0 {
            match &mut self.pieces[at] {
                Piece::Sound(_, data) if data.len() <= excess => {
                    excess -= data.len();
                    self.remove(at);
                }
                Piece::Sound(_, data) => {
                    data.advance(excess);
                    self.bytes -= excess;
                    self.sound_bytes -= excess;
                    excess = 0;
                }
                Piece::Frame(_) if !keeps_frames => drop(self.remove(at)),
                Piece::Frame(_) | Piece::Text(_) => at += 1,
            }
        }
    }

    /// Takes up what a snapshot holds.
    pub(super) fn restore(parts: Vec<Part>, speaking: bool) -> Self {
        let mut input = Self { speaking, ..Self::default() };
        for part in parts {
            match part.data {
                Some(PartData::InlineData(Blob { mime_type, data, .. })) if kind(mime_type.as_str()) == Kind::Audio => {
                    input.push(Piece::Sound(mime_type, BytesMut::from(&data[..])));
                }
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

    /// The last of all samples there are, `count` of them or fewer.
    pub(super) fn tail(&self, count: usize) -> Vec<i16> {
        let mut samples: Vec<i16> = Vec::new();
        for piece in &self.pieces {
            if let Piece::Sound(mime_type, data) = piece
                && *mime_type == MimeType::PCM_16K
            {
                samples.extend(samples_of(data));
            }
        }
        samples.split_off(samples.len().saturating_sub(count))
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

    /// Takes everything as one content of the user; sound stays if no speech was heard in it yet.
    pub(super) fn take(&mut self, sound_stays: bool) -> Option<(Content, Tokens)> {
        let mut tokens = Tokens::default();
        let mut parts = Vec::with_capacity(self.pieces.len());
        let mut at = 0;
        while at < self.pieces.len() {
            if sound_stays && matches!(self.pieces[at], Piece::Sound(..)) {
                at += 1;
                continue;
            }
            let (part, cost) = self.remove(at).into_part();
            tokens += cost;
            parts.push(part);
        }
        (!parts.is_empty()).then(|| (Content { parts: parts.into(), role: USER.into() }, tokens))
    }
}
