//! What the host said and no server has for certain: messages that wait for a connection, and messages that were sent and
//! may have to be sent again.
//!
//! Every message is in one of them, was consumed, or is counted as dropped.

use std::collections::VecDeque;

use live_proto::{ClientMessage, Content, PartData, RealtimeInput};

use super::config::{MESSAGE_BYTES, Replay};
use crate::context::content_bytes;

/// Messages that reached no server, or none that remembers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub messages: u64,
    /// Their bytes: text, sound and pictures, without what is around them.
    pub bytes: u64,
}

impl Dropped {
    fn add(&mut self, message: &ClientMessage) {
        self.messages += 1;
        self.bytes += bytes_of(message) as u64;
    }
}

/// A message that was sent.
#[derive(Debug)]
struct Sent {
    /// Its index on its connection.
    index: u64,
    message: ClientMessage,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    held: VecDeque<ClientMessage>,
    held_media_bytes: usize,
    held_words: usize,
    sent: VecDeque<Sent>,
    sent_bytes: usize,
    /// Messages that would have to be sent again and are not kept any more, and the index of the last of them.
    missing: Dropped,
    missing_to: u64,
    next_index: u64,
    /// Messages before this index are being answered.
    answering_to: u64,
    /// Messages that were answered to the end, and that no handle is known to cover.
    answered: Dropped,
    dropped: Dropped,
}

impl Outbox {
    /// Whether there is room for a message: for words up to `words_max`, for sound and video always, since the oldest goes.
    pub(super) fn can_hold(&self, message: &ClientMessage, words_max: usize) -> bool {
        is_media(message) || self.held_words < words_max
    }

    /// Keeps a message until there is a connection. Of sound and video the oldest go when `media_bytes_max` is reached.
    pub(super) fn hold(&mut self, message: ClientMessage, media_bytes_max: usize) {
        if is_media(&message) {
            self.held_media_bytes += cost_of(&message);
        } else {
            self.held_words += 1;
        }
        self.held.push_back(message);
        while self.held_media_bytes > media_bytes_max {
            let at = self.held.iter().position(is_media).expect("bytes that are held belong to a message");
            let oldest = self.held.remove(at).expect("it was just found");
            self.held_media_bytes -= cost_of(&oldest);
            self.dropped.add(&oldest);
        }
    }

    /// Takes everything that is held, oldest first.
    pub(super) fn take_held(&mut self) -> VecDeque<ClientMessage> {
        (self.held_media_bytes, self.held_words) = (0, 0);
        std::mem::take(&mut self.held)
    }

    /// Counts a message as dropped.
    pub(super) fn drop(&mut self, message: &ClientMessage) {
        self.dropped.add(message);
    }

    /// Counts what is held as dropped: the session ends without it.
    pub(super) fn drop_held(&mut self) {
        for message in self.take_held() {
            self.dropped.add(&message);
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_media_bytes
    }

    /// What was dropped since this was last asked.
    pub(super) fn take_dropped(&mut self) -> Option<Dropped> {
        let dropped = std::mem::take(&mut self.dropped);
        (dropped.messages > 0).then_some(dropped)
    }

    /// The index of the message that is sent next.
    pub(super) fn next_index(&self) -> u64 {
        self.next_index
    }

    /// A new connection: its messages are counted from `first_index`.
    pub(super) fn renumber(&mut self, first_index: u64) {
        self.next_index = first_index;
        self.answering_to = 0;
    }

    /// An answer begins: it is to what was sent so far.
    pub(super) fn note_begun(&mut self) {
        self.answering_to = self.next_index;
    }

    /// The answer was heard to its end: nobody wants to hear it again.
    pub(super) fn note_answered(&mut self) {
        if let Some(last) = self.answering_to.checked_sub(1) {
            let mut answered = self.answered;
            self.forget_to(last, |message| answered.add(message));
            self.answered = answered;
        }
    }

    /// Notes a message that is sent, and keeps it if it may have to be sent again.
    pub(super) fn note_sent(&mut self, message: &ClientMessage, keeps: Option<Replay>, bytes_max: usize) {
        let index = self.next_index;
        self.next_index += 1;
        let kept = match keeps {
            None | Some(Replay::Nothing) => false,
            Some(Replay::Words) => is_words(message),
            Some(Replay::Everything) => true,
        };
        if !kept {
            return;
        }
        self.sent_bytes += cost_of(message);
        self.sent.push_back(Sent { index, message: message.clone() });
        while self.sent_bytes > bytes_max {
            let media = self.sent.iter().position(|sent| is_media(&sent.message));
            // Without the end of an activity, what was said in it would never be answered.
            let at = media.or_else(|| self.sent.iter().position(|sent| !is_mark(&sent.message))).unwrap_or(0);
            let sent = self.sent.remove(at).expect("bytes that are kept belong to a message");
            self.sent_bytes -= cost_of(&sent.message);
            self.missing.add(&sent.message);
            self.missing_to = self.missing_to.max(sent.index);
        }
    }

    /// The server has everything up to `index`, or, if it does not say, everything sent so far.
    pub(super) fn note_consumed(&mut self, index: Option<u64>) {
        self.forget_to(index.unwrap_or(u64::MAX), |_| {});
        self.answered = Dropped::default();
    }

    fn forget_to(&mut self, index: u64, mut with: impl FnMut(&ClientMessage)) {
        while self.sent.front().is_some_and(|sent| sent.index <= index) {
            let sent = self.sent.pop_front().expect("it was just seen");
            self.sent_bytes -= cost_of(&sent.message);
            with(&sent.message);
        }
        if self.missing_to <= index {
            self.missing = Dropped::default();
        }
    }

    /// Takes what the snapshot lacks, to be sent again. What should be there and is not kept any more counts as dropped, and
    /// so does what was answered: the host has the answer, and the server knows nothing of either.
    pub(super) fn take_unconsumed(&mut self) -> Vec<ClientMessage> {
        for lacking in [std::mem::take(&mut self.missing), std::mem::take(&mut self.answered)] {
            self.dropped.messages += lacking.messages;
            self.dropped.bytes += lacking.bytes;
        }
        self.missing_to = 0;
        self.sent_bytes = 0;
        std::mem::take(&mut self.sent).into_iter().map(|sent| sent.message).collect()
    }

    /// Counts what the snapshot lacks as dropped: it is not to be sent again.
    pub(super) fn drop_unconsumed(&mut self) {
        for message in self.take_unconsumed() {
            self.dropped.add(&message);
        }
    }

    /// Gives up what was sent, because the session it was said in does not go on. Words are remembered elsewhere; sound
    /// and video that nobody consumed count as dropped.
    pub(super) fn forget_sent(&mut self) {
        self.answered = Dropped::default();
        for message in self.take_unconsumed() {
            if is_media(&message) {
                self.dropped.add(&message);
            }
        }
    }
}

/// Sound and video of the realtime stream: the one kind of message that is worth less the older it is.
pub(super) fn is_media(message: &ClientMessage) -> bool {
    let ClientMessage::RealtimeInput(input) = message else { return false };
    let RealtimeInput { media_chunks, audio, audio_stream_end, video, text, activity_start, activity_end } = input;
    let has_media = !media_chunks.is_empty() || audio.is_some() || video.is_some();
    has_media && audio_stream_end.is_none() && text.is_none() && activity_start.is_none() && activity_end.is_none()
}

/// Where an activity or a stream begins or ends, and nothing else.
fn is_mark(message: &ClientMessage) -> bool {
    let ClientMessage::RealtimeInput(input) = message else { return false };
    let RealtimeInput { media_chunks, audio, audio_stream_end, video, text, activity_start, activity_end } = input;
    let says_nothing = media_chunks.is_empty() && audio.is_none() && video.is_none() && text.is_none();
    says_nothing && (audio_stream_end.is_some() || activity_start.is_some() || activity_end.is_some())
}

/// What the user or the host said in words.
fn is_words(message: &ClientMessage) -> bool {
    match message {
        ClientMessage::ClientContent(_) | ClientMessage::ContextUpdate(_) => true,
        ClientMessage::RealtimeInput(input) => input.text.is_some(),
        ClientMessage::Empty | ClientMessage::Setup(_) | ClientMessage::ToolResponse(_) => false,
    }
}

/// Bytes of what was said or shown, as the host is told of them.
fn bytes_of(message: &ClientMessage) -> usize {
    measure(message, payload_bytes)
}

/// Bytes that the message holds in memory.
fn cost_of(message: &ClientMessage) -> usize {
    measure(message, content_bytes) + MESSAGE_BYTES
}

fn measure(message: &ClientMessage, content: impl Fn(&Content) -> usize) -> usize {
    match message {
        ClientMessage::ClientContent(message) => message.turns.iter().map(content).sum(),
        ClientMessage::RealtimeInput(input) => {
            let blobs = input.media_chunks.iter().chain(&input.audio).chain(&input.video);
            blobs.map(|blob| blob.data.len()).sum::<usize>() + input.text.as_ref().map_or(0, String::len)
        }
        ClientMessage::ContextUpdate(update) => update.system_instruction.as_deref().map_or(0, content),
        ClientMessage::Empty | ClientMessage::Setup(_) | ClientMessage::ToolResponse(_) => 0,
    }
}

fn payload_bytes(content: &Content) -> usize {
    content
        .parts
        .iter()
        .map(|part| match &part.data {
            Some(PartData::Text(text)) => text.len(),
            Some(PartData::InlineData(blob)) => blob.data.len(),
            Some(
                PartData::FunctionCall(_)
                | PartData::FunctionResponse(_)
                | PartData::FileData(_)
                | PartData::ExecutableCode(_)
                | PartData::CodeExecutionResult(_),
            )
            | None => 0,
        })
        .sum()
}
