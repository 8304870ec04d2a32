//! The methods that say things, once for all that have them.
//!
//! Each needs no more than `send`.

/// Writes the methods for a type with a method `send`; `$this` is its receiver.
macro_rules! says {
    ($this:ident: $receiver:ty) => {
        /// Says a text as the user and asks for the answer: `clientContent` with one turn.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_text($this: $receiver, text: impl Into<String>) -> Result<(), SendError> {
            $this.send(ClientMessage::text_turn(text))
        }

        /// Appends turns to the context. With `turn_complete` they are answered; without, more is to come.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_turns($this: $receiver, turns: Vec<Content>, turn_complete: bool) -> Result<(), SendError> {
            $this.send(ClientMessage::turns(turns, turn_complete))
        }

        /// Types into the realtime stream, beside sound and video: `realtimeInput.text`.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_realtime_text($this: $receiver, text: impl Into<String>) -> Result<(), SendError> {
            $this.send(ClientMessage::text(text))
        }

        /// Sends a piece of the user's sound. Pieces of 20 to 100 ms keep the answer prompt.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_audio($this: $receiver, pcm: Pcm) -> Result<(), SendError> {
            $this.send(ClientMessage::audio(pcm.into()))
        }

        /// Sends a frame of video: a JPEG image, at most one a second.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_video($this: $receiver, jpeg: impl Into<Bytes>) -> Result<(), SendError> {
            $this.send(ClientMessage::video(Blob::jpeg(jpeg)))
        }

        /// Says that the user begins to speak. Only where the setup disabled automatic detection.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_activity_start($this: $receiver) -> Result<(), SendError> {
            $this.send(ClientMessage::activity_start())
        }

        /// Says that the user has spoken and wants the answer. Only where the setup disabled automatic detection.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_activity_end($this: $receiver) -> Result<(), SendError> {
            $this.send(ClientMessage::activity_end())
        }

        /// Says that the microphone is off for a while, so that automatic detection need not wait for silence.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn send_audio_stream_end($this: $receiver) -> Result<(), SendError> {
            $this.send(ClientMessage::audio_stream_end())
        }

        /// Answers function calls.
        ///
        /// # Errors
        /// As [`send`](Self::send); also when a call is not waiting for an answer.
        pub fn send_tool_response($this: $receiver, responses: Vec<FunctionResponse>) -> Result<(), SendError> {
            $this.send(ClientMessage::tool_response(responses))
        }

        /// Replaces the system instruction, the tools, or both.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub fn update_context($this: $receiver, update: ContextUpdate) -> Result<(), SendError> {
            $this.send(ClientMessage::ContextUpdate(update.into()))
        }
    };
}

pub(crate) use says;
