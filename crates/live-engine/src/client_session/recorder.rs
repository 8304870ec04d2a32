//! The last frames of a session, without what they say: enough to see what led to an end, safe to log.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use live_proto::{ClientMessage, ServerMessage, ServerPayload};

use super::LinkId;

/// One frame, or what became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Since the session began.
    pub at: Duration,
    /// The connection.
    pub link: LinkId,
    /// Whether we said it.
    pub is_ours: bool,
    /// Its kind, by the names of the wire.
    pub kind: &'static str,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.is_ours { '>' } else { '<' };
        write!(f, "{:.3} s {} {arrow} {}", self.at.as_secs_f64(), self.link, self.kind)
    }
}

/// Keeps the last [`FRAMES_MAX`] frames. Of frames alike in a row the first and the last are kept.
#[derive(Debug)]
pub(super) struct Recorder {
    began: Instant,
    frames: VecDeque<Frame>,
}

impl Recorder {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, frames: VecDeque::new() }
    }

    pub(super) fn note(&mut self, link: LinkId, is_ours: bool, kind: &'static str, now: Instant) {
        let frame = Frame { at: now.saturating_duration_since(self.began), link, is_ours, kind };
        // A minute of sound would push out everything that tells a story.
        let alike = |at: usize| {
            let nth = self.frames.len().checked_sub(at).and_then(|at| self.frames.get(at));
            nth.is_some_and(|nth| Frame { at: frame.at, ..*nth } == frame)
        };
        if alike(1) && alike(2) {
            self.frames.pop_back();
        }
        if self.frames.len() >= FRAMES_MAX {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
    }

    pub(super) fn frames(&self) -> Vec<Frame> {
        self.frames.iter().copied().collect()
    }
}

pub(super) fn kind_of_ours(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Empty => "{}",
        ClientMessage::Setup(_) => "setup",
        ClientMessage::ClientContent(_) => "clientContent",
        ClientMessage::RealtimeInput(input) => {
            if input.audio.is_some() || !input.media_chunks.is_empty() {
                "realtimeInput.audio"
            } else if input.video.is_some() {
                "realtimeInput.video"
            } else if input.text.is_some() {
                "realtimeInput.text"
            } else {
                "realtimeInput"
            }
        }
        ClientMessage::ToolResponse(_) => "toolResponse",
        ClientMessage::ContextUpdate(_) => "contextUpdate",
    }
}

pub(super) fn kind_of_theirs(message: &ServerMessage) -> &'static str {
    match &message.payload {
        None => "usageMetadata",
        Some(ServerPayload::SetupComplete(_)) => "setupComplete",
        Some(ServerPayload::ServerContent(content)) => {
            if content.turn_complete {
                "serverContent.turnComplete"
            } else if content.interrupted {
                "serverContent.interrupted"
            } else if content.generation_complete {
                "serverContent.generationComplete"
            } else if content.model_turn.is_some() {
                "serverContent.modelTurn"
            } else {
                "serverContent"
            }
        }
        Some(ServerPayload::ToolCall(_)) => "toolCall",
        Some(ServerPayload::ToolCallCancellation(_)) => "toolCallCancellation",
        Some(ServerPayload::GoAway(_)) => "goAway",
        Some(ServerPayload::SessionResumptionUpdate(_)) => "sessionResumptionUpdate",
        Some(ServerPayload::VoiceActivity(_)) => "voiceActivity",
        Some(ServerPayload::VoiceActivityDetectionSignal(_)) => "voiceActivityDetectionSignal",
    }
}

/// Frames kept: several turns of a conversation.
pub const FRAMES_MAX: usize = 32;
