//! Whether the user is between `activityStart` and `activityEnd`, and whether the server that the session goes on with knows.
//!
//! A server that was never told of the start takes the end for a fault and closes the connection. What is sent and said
//! again is decided in [`super::speak`].

use live_proto::{ClientMessage, RealtimeInput};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Activity {
    #[default]
    None,
    /// The start was sent: by this index over the connection, or before the latest handle came.
    Told { unsaved: Option<u64> },
    /// The start was lost with its connection.
    Untold,
}

/// What comes before a message can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// The start is told again, for what is left of the activity.
    Start,
    /// The message is the end of an activity of which the server has nothing, and is not sent.
    Drop,
}

impl Activity {
    pub(super) fn is_going_on(self) -> bool {
        self != Self::None
    }

    /// What a message of the host needs.
    pub(super) fn before(&mut self, message: &ClientMessage) -> Before {
        let (Self::Untold, ClientMessage::RealtimeInput(input)) = (*self, message) else { return Before::Nothing };
        let RealtimeInput { media_chunks, audio, video, activity_start, activity_end, text: _, audio_stream_end: _ } =
            input;
        if activity_start.is_some() {
            return Before::Nothing;
        }
        if !media_chunks.is_empty() || audio.is_some() || video.is_some() {
            return Before::Start;
        }
        if activity_end.is_none() {
            return Before::Nothing;
        }
        *self = Self::None;
        Before::Drop
    }

    /// A message is sent, by this index.
    pub(super) fn note_sent(&mut self, message: &ClientMessage, index: u64) {
        let ClientMessage::RealtimeInput(input) = message else { return };
        if input.activity_start.is_some() {
            *self = Self::Told { unsaved: Some(index) };
        }
        if input.activity_end.is_some() {
            *self = Self::None;
        }
    }

    /// A handle came that covers what was sent up to `index`, or everything.
    pub(super) fn note_consumed(&mut self, index: Option<u64>) {
        if let Self::Told { unsaved } = self {
            unsaved.take_if(|unsaved| index.is_none_or(|index| *unsaved <= index));
        }
    }

    /// The session goes on by a handle, and what was sent after it is not sent again.
    pub(super) fn note_unsaved_lost(&mut self) {
        if matches!(self, Self::Told { unsaved: Some(_) }) {
            *self = Self::Untold;
        }
    }

    /// The session begins anew.
    pub(super) fn note_lost(&mut self) {
        if self.is_going_on() {
            *self = Self::Untold;
        }
    }
}
