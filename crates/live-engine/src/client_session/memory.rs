//! The words of a conversation, kept for a server that has to be told them because it has no snapshot.
//!
//! Sound is remembered by its transcripts only. A session that is resumed by a handle never uses this.

use std::collections::VecDeque;

use live_proto::{ClientContent, ClientMessage, Content, RealtimeInput};

use crate::client::ClientEvent;
use crate::context::content_bytes;
use crate::engine::TurnId;

#[derive(Debug)]
pub(super) struct Memory {
    bytes_max: usize,
    /// The host seeds the session itself: what it says first asks for no answer.
    is_seeding: bool,
    turns: VecDeque<Content>,
    bytes: usize,
    /// Words whose answer has not begun, and the generation that was the latest when the last of them were said.
    asked: Vec<ClientMessage>,
    asked_after: TurnId,
    /// Words whose answer has begun.
    answering: Vec<ClientMessage>,
    user: String,
    model: String,
}

impl Memory {
    /// `bytes_max` of 0 remembers nothing.
    pub(super) fn new(bytes_max: usize, is_seeding: bool) -> Self {
        Self {
            bytes_max,
            is_seeding,
            turns: VecDeque::new(),
            bytes: 0,
            asked: Vec::new(),
            asked_after: TurnId::default(),
            answering: Vec::new(),
            user: String::new(),
            model: String::new(),
        }
    }

    /// Whether the host is still telling the history that the setup announced.
    pub(super) fn is_seeding(&self) -> bool {
        self.is_seeding
    }

    pub(super) fn note_sent(&mut self, message: &ClientMessage, generation: TurnId) {
        let is_history = self.is_seeding && matches!(message, ClientMessage::ClientContent(_));
        if let ClientMessage::ClientContent(content) = message
            && content.turn_complete
        {
            self.is_seeding = false;
        }
        if self.bytes_max == 0 {
        } else if is_history {
            self.commit(message);
        } else if !turns_of(message).is_empty() {
            self.asked.push(message.clone());
            self.asked_after = generation;
            let mut bytes: usize = self.asked.iter().map(message_bytes).sum();
            while bytes > self.bytes_max {
                bytes -= message_bytes(&self.asked.remove(0));
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only words and the ends of turns are remembered")]
    pub(super) fn hear(&mut self, event: &ClientEvent) {
        if self.bytes_max == 0 {
            return;
        }
        match event {
            ClientEvent::Text { generation, text } => {
                self.begin(*generation);
                self.model += text;
            }
            ClientEvent::OutputTranscription { generation, transcription } => {
                self.begin(*generation);
                self.model += &transcription.text;
            }
            ClientEvent::Audio { generation, .. } => self.begin(*generation),
            ClientEvent::InputTranscription(transcription) => self.user += &transcription.text,
            ClientEvent::TurnComplete { .. } | ClientEvent::Interrupted { .. } => self.end_turn(),
            _ => {}
        }
        // A turn without end must not grow without end.
        for words in [&mut self.user, &mut self.model] {
            if words.len() > self.bytes_max {
                words.clear();
            }
        }
    }

    /// The connection is gone, and with it an answer that was not complete: what it answers is asked again.
    pub(super) fn break_off(&mut self) {
        self.model.clear();
        let mut unanswered = std::mem::take(&mut self.answering);
        unanswered.append(&mut self.asked);
        self.asked = unanswered;
        self.end_turn();
    }

    /// The turns that are over, oldest first.
    pub(super) fn turns(&self) -> Vec<Content> {
        self.turns.iter().cloned().collect()
    }

    /// Takes the words that were not answered, to be said again.
    pub(super) fn take_unanswered(&mut self) -> Vec<ClientMessage> {
        let mut unanswered = std::mem::take(&mut self.answering);
        unanswered.append(&mut self.asked);
        unanswered
    }

    fn begin(&mut self, generation: TurnId) {
        if generation > self.asked_after && !self.asked.is_empty() {
            self.answering.append(&mut self.asked);
        }
    }

    fn end_turn(&mut self) {
        let user = std::mem::take(&mut self.user);
        if !user.trim().is_empty() {
            self.push(Content::user(user.as_str()));
        }
        for message in std::mem::take(&mut self.answering) {
            self.commit(&message);
        }
        let model = std::mem::take(&mut self.model);
        if !model.trim().is_empty() {
            self.push(Content::model(model.as_str()));
        }
    }

    fn commit(&mut self, message: &ClientMessage) {
        for turn in turns_of(message) {
            self.push(turn);
        }
    }

    fn push(&mut self, turn: Content) {
        self.bytes += content_bytes(&turn);
        self.turns.push_back(turn);
        while self.bytes > self.bytes_max {
            let oldest = self.turns.pop_front().expect("bytes belong to a turn");
            self.bytes -= content_bytes(&oldest);
        }
    }
}

/// What a message adds to the conversation in words.
fn turns_of(message: &ClientMessage) -> Vec<Content> {
    match message {
        ClientMessage::ClientContent(ClientContent { turns, turn_complete: _ }) => turns.clone(),
        ClientMessage::RealtimeInput(RealtimeInput { text: Some(text), .. }) => vec![Content::user(text.as_str())],
        ClientMessage::RealtimeInput(_)
        | ClientMessage::Empty
        | ClientMessage::Setup(_)
        | ClientMessage::ToolResponse(_)
        | ClientMessage::ContextUpdate(_) => Vec::new(),
    }
}

fn message_bytes(message: &ClientMessage) -> usize {
    turns_of(message).iter().map(content_bytes).sum()
}
