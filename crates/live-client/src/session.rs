//! One open connection: say things, hear events.
//!
//! What survives the connection (dialling again, resuming) is not here.

use bytes::Bytes;
use futures_util::Stream;
use live_engine::profile::{AfterCall, model_name};
use live_engine::{Cause, ClientCommand, ClientEngine, ClientEvent, CloseCause, Phase, Profiles};
use live_proto::{Blob, ClientMessage, Content, ContextUpdate, FunctionResponse};
use live_tokio::{ClientStream, Connection, Step, Traffic, UnknownFields};

use crate::{Event, Pcm, SendError};

/// An open session. Call [`next`](Self::next) in a loop: it sends what was said and returns what is heard.
///
/// The `send_*` methods only queue, and return at once; while nobody calls `next`, nothing moves. Dropping a session cuts
/// the connection, [`close`](Self::close) ends it in good order.
#[derive(Debug)]
pub struct Session {
    connection: Connection<ClientEngine, ClientStream>,
    session_id: String,
    /// With this model a turn that calls functions is complete before they are answered.
    calls_complete_turns: bool,
    /// [`turn`](Self::turn) has returned calls of a turn whose completion was still on its way.
    completion_is_due: bool,
}

impl Session {
    pub(crate) fn new(connection: Connection<ClientEngine, ClientStream>, session_id: String, model: &str) -> Self {
        let profiles = Profiles::default();
        let profile = profiles.find(model_name(model));
        let calls_complete_turns = profile.is_some_and(|profile| profile.after_call == AfterCall::CompletesTurn);
        Self { connection, session_id, calls_complete_turns, completion_is_due: false }
    }

    /// The id that Vertex gives a session; empty on Gemini.
    pub fn id(&self) -> &str {
        &self.session_id
    }

    /// Waits for the next event. Turns end with an event, the stream only with the connection: after
    /// [`Event::Closed`] it is `None`.
    ///
    /// Cancel-safe: in a `select!`, no event and no message is lost.
    pub async fn next(&mut self) -> Option<Event> {
        let event = self.connection.next().await;
        if matches!(event, Some(Event::TurnComplete { .. })) {
            self.completion_is_due = false;
        }
        event
    }

    /// As [`next`](Self::next), or the next item of `source`, such as sound from a microphone. The source is not asked
    /// while the network is slower than it.
    pub async fn next_or<T>(&mut self, source: &mut (impl Stream<Item = T> + Unpin)) -> Step<Event, T> {
        let step = self.connection.next_or(source).await;
        if matches!(step, Step::Event(Some(Event::TurnComplete { .. }))) {
            self.completion_is_due = false;
        }
        step
    }

    /// Notes that calls were returned whose turn is not complete yet.
    pub(crate) fn await_completion(&mut self) {
        self.completion_is_due = self.calls_complete_turns;
    }

    pub(crate) fn completion_is_due(&self) -> bool {
        self.completion_is_due
    }

    /// True while what was said waits for the network, as far as the last [`next`](Self::next) saw.
    pub fn is_congested(&self) -> bool {
        self.connection.is_congested()
    }

    /// Messages and bytes so far.
    pub fn traffic(&self) -> Traffic {
        self.connection.traffic()
    }

    /// Fields that the server sent and this version does not know.
    pub fn unknown_fields(&self) -> &UnknownFields {
        self.connection.unknown_fields()
    }

    /// Says a text as the user and asks for the answer: `clientContent` with one turn.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: impl Into<String>) -> Result<(), SendError> {
        self.send(ClientMessage::text_turn(text))
    }

    /// Appends turns to the context. With `turn_complete` they are answered; without, more is to come.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_turns(&mut self, turns: Vec<Content>, turn_complete: bool) -> Result<(), SendError> {
        self.send(ClientMessage::turns(turns, turn_complete))
    }

    /// Types into the realtime stream, beside sound and video: `realtimeInput.text`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_realtime_text(&mut self, text: impl Into<String>) -> Result<(), SendError> {
        self.send(ClientMessage::text(text))
    }

    /// Sends a piece of the user's sound. Pieces of 20 to 100 ms keep the answer prompt.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_audio(&mut self, pcm: Pcm) -> Result<(), SendError> {
        self.send(ClientMessage::audio(pcm.into()))
    }

    /// Sends a frame of video: a JPEG image, at most one a second.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_video(&mut self, jpeg: impl Into<Bytes>) -> Result<(), SendError> {
        self.send(ClientMessage::video(Blob::jpeg(jpeg)))
    }

    /// Says that the user begins to speak. Only where the setup disabled automatic detection.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_activity_start(&mut self) -> Result<(), SendError> {
        self.send(ClientMessage::activity_start())
    }

    /// Says that the user has spoken and wants the answer. Only where the setup disabled automatic detection.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_activity_end(&mut self) -> Result<(), SendError> {
        self.send(ClientMessage::activity_end())
    }

    /// Says that the microphone is off for a while, so that automatic detection need not wait for silence.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_audio_stream_end(&mut self) -> Result<(), SendError> {
        self.send(ClientMessage::audio_stream_end())
    }

    /// Answers function calls.
    ///
    /// # Errors
    /// As [`send`](Self::send); also when a call is not waiting for an answer.
    pub fn send_tool_response(&mut self, responses: Vec<FunctionResponse>) -> Result<(), SendError> {
        self.send(ClientMessage::tool_response(responses))
    }

    /// Replaces the system instruction, the tools, or both.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn update_context(&mut self, update: ContextUpdate) -> Result<(), SendError> {
        self.send(ClientMessage::ContextUpdate(update.into()))
    }

    /// Sends any message but `setup`.
    ///
    /// # Errors
    /// The message and the reason: the session is over, or too much is queued because [`next`](Self::next) was not called.
    pub fn send(&mut self, message: ClientMessage) -> Result<(), SendError> {
        Ok(self.connection.command(ClientCommand::Send(message))?)
    }

    /// Sends what is queued, closes in the normal way, and tells how the session ended. Events on the way are dropped.
    pub async fn close(mut self) -> CloseCause {
        // Rejected only if the session is over, and then the cause is still to be heard, or was.
        let _ = self.connection.command(ClientCommand::Close);
        let mut end = None;
        while let Some(event) = self.connection.next().await {
            if let ClientEvent::Closed(cause) = event {
                end = Some(cause);
            }
        }
        end.unwrap_or_else(|| CloseCause {
            code: None,
            reason: String::new(),
            phase: Phase::Open,
            cause: Cause::Local,
            open_calls: 0,
        })
    }
}
