//! Whose turn it is: every state a conversation can be in and every transition between them.
//!
//! The table knows no role: a server walks it with what it does, a client with what it sees. What a transition makes either
//! of them send is in [`crate::server`] and [`crate::client`].

use std::fmt;

use crate::engine::TurnId;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// Nobody speaks and nothing waits.
    #[default]
    Idle,
    /// The user speaks.
    Listening,
    /// The model answers.
    Generating(TurnId),
    /// The model has called functions and its turn stands still until they are answered.
    Suspended(TurnId),
    /// The model has called functions and its turn is over; their answers begin the next one.
    AwaitingAnswers(TurnId),
    /// Everything is generated, the user still hears it.
    Playing(TurnId),
    /// The user cut the turn short; its `turnComplete` is still to come.
    Interrupted(TurnId),
}

/// What can happen to a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The user began to speak.
    SpeechStarted,
    /// The user's speech came to nothing: it ended without anything to answer.
    SpeechDropped,
    /// The model was asked; generation `TurnId` begins.
    Prompted(TurnId),
    /// A piece of the answer.
    Spoke,
    /// Functions were called that the model waits for.
    Called,
    /// Every function is answered and generation `TurnId` takes the standing turn up again.
    Resumed(TurnId),
    /// The calls were withdrawn before they were answered.
    Withdrawn,
    /// `generationComplete`.
    GenerationComplete,
    /// `interrupted`.
    Interrupted,
    /// `turnComplete`.
    TurnComplete,
}

/// A signal that has no place in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The state.
    pub turn: Turn,
    /// The signal.
    pub signal: Signal,
}

impl Turn {
    /// The transition table.
    ///
    /// # Errors
    /// The signal has no place in this state; the state stands.
    pub fn after(self, signal: Signal) -> Result<Self, Unexpected> {
        use Signal as S;
        match (self, signal) {
            (Self::Idle, S::SpeechStarted) => Ok(Self::Listening),
            (Self::Idle | Self::Listening | Self::AwaitingAnswers(_), S::Prompted(next)) => Ok(Self::Generating(next)),

            (Self::Listening, S::SpeechDropped) => Ok(Self::Idle),

            (Self::Generating(id), S::Spoke) => Ok(Self::Generating(id)),
            (Self::Generating(id), S::Called) => Ok(Self::Suspended(id)),
            (Self::Generating(id), S::GenerationComplete) => Ok(Self::Playing(id)),
            (Self::Generating(_) | Self::Playing(_) | Self::Interrupted(_), S::TurnComplete) => Ok(Self::Idle),

            // Some models go on speaking after a call; 2.x models complete both the generation and the turn behind it.
            (Self::Suspended(id), S::Spoke | S::Called | S::GenerationComplete) => Ok(Self::Suspended(id)),
            (Self::Suspended(_), S::Resumed(next)) => Ok(Self::Generating(next)),
            (Self::Suspended(id), S::TurnComplete) => Ok(Self::AwaitingAnswers(id)),

            (Self::AwaitingAnswers(_), S::Withdrawn) => Ok(Self::Idle),

            (Self::Generating(id) | Self::Suspended(id) | Self::Playing(id), S::Interrupted) => {
                Ok(Self::Interrupted(id))
            }

            (turn @ Self::Idle, S::SpeechDropped)
            | (turn @ (Self::Idle | Self::Listening | Self::AwaitingAnswers(_)), S::Interrupted | S::TurnComplete)
            | (
                turn @ (Self::Idle
                | Self::Listening
                | Self::AwaitingAnswers(_)
                | Self::Playing(_)
                | Self::Interrupted(_)),
                S::Spoke | S::Called | S::GenerationComplete,
            )
            | (
                turn @ (Self::Idle
                | Self::Listening
                | Self::Generating(_)
                | Self::AwaitingAnswers(_)
                | Self::Playing(_)
                | Self::Interrupted(_)),
                S::Resumed(_),
            )
            | (
                turn @ (Self::Idle
                | Self::Listening
                | Self::Generating(_)
                | Self::Suspended(_)
                | Self::Playing(_)
                | Self::Interrupted(_)),
                S::Withdrawn,
            )
            | (
                turn @ (Self::Generating(_) | Self::Suspended(_) | Self::Playing(_) | Self::Interrupted(_)),
                S::Prompted(_) | S::SpeechDropped,
            )
            | (turn @ Self::AwaitingAnswers(_), S::SpeechStarted | S::SpeechDropped)
            | (
                turn @ (Self::Listening
                | Self::Generating(_)
                | Self::Suspended(_)
                | Self::Playing(_)
                | Self::Interrupted(_)),
                S::SpeechStarted,
            )
            | (turn @ Self::Interrupted(_), S::Interrupted) => Err(Unexpected { turn, signal }),
        }
    }

    /// Where a peer's signal leads, which cannot be refused: as the table says, after a turn `next` was opened if only that
    /// was missing, and nowhere if the table still says nothing. The service is known to send every such order.
    #[must_use]
    pub fn observe(self, signal: Signal, next: TurnId) -> Self {
        self.after(signal).unwrap_or_else(|_| {
            self.after(Signal::Prompted(next)).and_then(|opened| opened.after(signal)).unwrap_or(match self {
                // A turn that was cut short may never be completed; the next one begins all the same.
                Self::Interrupted(_) => Self::Idle.observe(signal, next),
                Self::Idle
                | Self::Listening
                | Self::Generating(_)
                | Self::Suspended(_)
                | Self::AwaitingAnswers(_)
                | Self::Playing(_) => self,
            })
        })
    }

    /// The generation that is open: begun and not yet completed for the peer.
    pub fn open(self) -> Option<TurnId> {
        match self {
            Self::Generating(id) | Self::Suspended(id) | Self::Playing(id) => Some(id),
            Self::Idle | Self::Listening | Self::AwaitingAnswers(_) | Self::Interrupted(_) => None,
        }
    }

    /// The name of the state, without its data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Listening => "Listening",
            Self::Generating(_) => "Generating",
            Self::Suspended(_) => "Suspended",
            Self::AwaitingAnswers(_) => "AwaitingAnswers",
            Self::Playing(_) => "Playing",
            Self::Interrupted(_) => "Interrupted",
        }
    }
}

impl Signal {
    /// The name of the signal, without its data.
    pub fn name(self) -> &'static str {
        match self {
            Self::SpeechStarted => "SpeechStarted",
            Self::SpeechDropped => "SpeechDropped",
            Self::Prompted(_) => "Prompted",
            Self::Spoke => "Spoke",
            Self::Called => "Called",
            Self::Resumed(_) => "Resumed",
            Self::Withdrawn => "Withdrawn",
            Self::GenerationComplete => "GenerationComplete",
            Self::Interrupted => "Interrupted",
            Self::TurnComplete => "TurnComplete",
        }
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no place in {}", self.signal.name(), self.turn.name())
    }
}

impl std::error::Error for Unexpected {}

#[cfg(test)]
mod tests;
