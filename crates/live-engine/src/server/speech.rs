//! The model's speech on its way out: cut into frames, kept back so as not to run far ahead of who listens, and transcribed as
//! it goes.
//!
//! Not here: the rest of an answer ([`super::answer`]), and speech that comes in ([`super::ear`]).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use live_proto::{Blob, Part, ServerContent, Transcription};

use super::answer::pieces;
use super::session::{Cx, Session};
use super::{ServerEvent, TurnCompletePacing};
use crate::context::OUTPUT_RATE;
use crate::engine::Why;
use crate::profile::Backend;
use crate::timer::Timer;

/// The speech of one turn.
#[derive(Debug, Default)]
pub(super) struct Speech {
    /// What is not sent yet, oldest first.
    unsent: VecDeque<Piece>,
    unsent_bytes: u64,
    /// What is to be sent once all that is unsent is sent.
    beside: Vec<ServerContent>,
    /// Frames sent.
    frames: usize,
    /// When a client that plays as it receives has played everything sent; `None` while there is nothing to play.
    pub(super) played_at: Option<Instant>,
    /// When text that was sent begins to be heard, and its length.
    unheard: VecDeque<(Instant, usize)>,
    /// Whether the model was told to wait.
    is_held_up: bool,
    /// Whether a transcript was sent that is not marked as finished.
    is_transcribing: bool,
}

/// A piece as the model made it.
#[derive(Debug)]
struct Piece {
    pcm: Bytes,
    /// How much of the sound is sent, and what it was altogether.
    sent: usize,
    whole: usize,
    text: String,
    /// How much of the text is sent.
    told: usize,
}

impl Piece {
    /// Takes the next sound, of `max` bytes at most, and the words that begin in it.
    fn take(&mut self, max: usize) -> (Bytes, String) {
        let pcm = self.pcm.split_to(max.min(self.pcm.len()));
        self.sent += pcm.len();
        let end = if self.pcm.is_empty() { self.text.len() } else { self.text_until() };
        let text = self.text[self.told..end].to_owned();
        self.told = end;
        (pcm, text)
    }

    /// Where in the text the first word begins that is not heard yet, if words take as long as they are written.
    fn text_until(&self) -> usize {
        let heard = self.text.len() as u64 * self.sent as u64;
        let is_heard = |at: usize| (at as u64 * self.whole as u64) < heard;
        let mut was_space = false;
        for (at, letter) in self.text.char_indices() {
            // A word is told with the space before it.
            let begins = at >= self.told && (letter.is_whitespace() && !was_space || is_a_word(letter));
            was_space = letter.is_whitespace();
            if begins && !is_heard(at) {
                return at;
            }
        }
        self.text.len()
    }
}

impl Speech {
    /// Whether everything is sent.
    pub(super) fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Bytes of the next frame: small at first, so that the voice is heard soon.
    fn frame_bytes(&self, max: usize) -> usize {
        let grown = FIRST_FRAME_BYTES.saturating_mul(self.frames + 1);
        (grown.min(max) & !1).max(2)
    }

    /// Puts sound at the end of what is still to be played.
    fn play(&mut self, bytes: usize, text: usize, now: Instant) {
        let from = self.played_at.map_or(now, |end| end.max(now));
        if text > 0 {
            self.unheard.push_back((from, text));
        }
        if bytes > 0 {
            self.frames += 1;
            self.played_at = from.checked_add(length(bytes as u64));
        }
    }

    /// Forgets what is not sent: its bytes of sound.
    pub(super) fn drop_unsent(&mut self) -> u64 {
        self.unsent.clear();
        self.beside.clear();
        std::mem::take(&mut self.unsent_bytes)
    }

    /// Forgets what was sent and not heard yet: bytes of text and of sound.
    pub(super) fn take_unheard(&mut self, now: Instant) -> (usize, u64) {
        let text = self.unheard.drain(..).filter(|(begins, _)| *begins > now).map(|(_, bytes)| bytes).sum();
        let left = self.played_at.map_or(Duration::ZERO, |end| end.saturating_duration_since(now));
        let samples = left.as_nanos() * u128::from(OUTPUT_RATE) / 1_000_000_000;
        (text, u64::try_from(samples).unwrap_or(u64::MAX) * 2)
    }
}

impl Session {
    /// Whether the model may say more.
    pub(super) fn check_lead(&mut self, max: Duration) -> Result<(), Why> {
        let speech = &mut self.open_answer().speech;
        if length(speech.unsent_bytes) < max {
            return Ok(());
        }
        speech.is_held_up = true;
        Err(Why::Ahead)
    }

    /// Takes a piece of speech and sends of it what may be sent.
    pub(super) fn say(&mut self, pcm: Bytes, text: String, cx: &mut Cx<'_>) {
        let answer = self.open_answer();
        answer.accept_sound(pcm.len() as u64);
        answer.speech.unsent_bytes += pcm.len() as u64;
        answer.speech.unsent.push_back(Piece { sent: 0, whole: pcm.len(), pcm, text, told: 0 });
        self.go_on_speaking(cx);
    }

    /// Sends what is due, and whatever follows once everything is sent.
    pub(super) fn go_on_speaking(&mut self, cx: &mut Cx<'_>) {
        let lead = cx.config.limits.speech_lead;
        let is_paced = cx.config.pacing == TurnCompletePacing::Playback;
        loop {
            let speech = &self.open_answer().speech;
            if speech.is_sent() {
                break;
            }
            let due = speech.played_at.and_then(|end| end.checked_sub(lead)).filter(|due| is_paced && *due > cx.now);
            if let Some(due) = due {
                cx.timers.arm_at(Timer::Pace, due);
                break;
            }
            self.send_speech(cx);
        }
        let generation = self.last_turn;
        let speech = &mut self.open_answer().speech;
        if speech.is_held_up && length(speech.unsent_bytes) <= cx.config.limits.speech_ahead_max / 2 {
            speech.is_held_up = false;
            cx.event(ServerEvent::Continue(generation));
        }
        let answer = self.open_answer();
        if !answer.speech.is_sent() {
            return;
        }
        let (beside, generated) = (std::mem::take(&mut answer.speech.beside), answer.generated.take());
        for content in beside {
            cx.send(content);
        }
        if let Some(reason) = generated {
            self.complete_generation(reason, cx);
        }
    }

    /// Sends what is about the speech before it, behind that: nobody shall hear of words that an interruption takes back.
    pub(super) fn say_beside(&mut self, content: ServerContent, cx: &mut Cx<'_>) {
        let speech = &mut self.open_answer().speech;
        if speech.is_sent() {
            return cx.send(content);
        }
        speech.beside.push(content);
        if speech.beside.len() > BESIDE_MAX {
            self.flush_speech(cx);
        }
    }

    /// Sends everything at once, because something else comes behind it.
    pub(super) fn flush_speech(&mut self, cx: &mut Cx<'_>) {
        while !self.open_answer().speech.is_sent() {
            self.send_speech(cx);
        }
        for content in std::mem::take(&mut self.open_answer().speech.beside) {
            cx.send(content);
        }
        cx.timers.stop(Timer::Pace);
    }

    /// Sends the next frame with its transcript.
    fn send_speech(&mut self, cx: &mut Cx<'_>) {
        let max = cx.config.limits.audio_frame_bytes_max;
        let answer = self.open_answer();
        let frame_bytes = answer.speech.frame_bytes(max);
        let piece = answer.speech.unsent.front_mut().expect("there is something to send");
        let (pcm, text) = piece.take(frame_bytes);
        if piece.pcm.is_empty() {
            answer.speech.unsent.pop_front();
        }
        answer.speech.unsent_bytes -= pcm.len() as u64;
        answer.speech.play(pcm.len(), text.len(), cx.now);
        answer.keep_speech(&text, pcm.len() as u64);
        // Vertex sends the transcript before its sound, Gemini behind it.
        let is_before = self.config.backend == Backend::Vertex;
        if is_before {
            self.send_transcript(&text, cx);
        }
        if !pcm.is_empty() {
            self.send_part(Part::inline(Blob::pcm24k(pcm)), cx);
        }
        if !is_before {
            self.send_transcript(&text, cx);
        }
    }

    fn send_transcript(&mut self, text: &str, cx: &mut Cx<'_>) {
        if !self.config.output_transcription {
            return;
        }
        for piece in pieces(text, cx.config.limits.text_frame_bytes_max) {
            self.open_answer().speech.is_transcribing = true;
            let language_code = self.config.language.clone().unwrap_or_default();
            let transcription = Transcription { language_code, ..Transcription::new(piece) };
            cx.send(ServerContent { output_transcription: Some(transcription.into()), ..ServerContent::default() });
        }
    }

    /// Marks the transcript as finished where the backend does that: Vertex, as far as is known.
    pub(super) fn finish_transcript(&mut self, cx: &mut Cx<'_>) {
        let is_open = std::mem::take(&mut self.open_answer().speech.is_transcribing);
        if is_open && self.config.backend == Backend::Vertex {
            let end = Transcription { finished: true, ..Transcription::default() };
            cx.send(ServerContent { output_transcription: Some(end.into()), ..ServerContent::default() });
        }
    }
}

/// Whether the letter is written without spaces around its words: kana and ideographs.
fn is_a_word(letter: char) -> bool {
    matches!(letter, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// How long bytes of sound last.
fn length(bytes: u64) -> Duration {
    let samples = bytes / 2;
    Duration::from_secs(samples / OUTPUT_RATE)
        + Duration::from_nanos(samples % OUTPUT_RATE * 1_000_000_000 / OUTPUT_RATE)
}

/// Messages about speech that is not sent yet; a model has one or two.
const BESIDE_MAX: usize = 16;
/// 40 ms.
const FIRST_FRAME_BYTES: usize = 1_920;
