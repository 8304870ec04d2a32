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

/// What became of a signal that could not be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The state after it.
    pub turn: Turn,
    /// Whether a turn was opened for it, which may be over again.
    pub opened: bool,
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

            // States are not named here: the table in the documentation shows what becomes of each.
            (
                turn,
                S::SpeechStarted
                | S::SpeechDropped
                | S::Prompted(_)
                | S::Spoke
                | S::Called
                | S::Resumed(_)
                | S::Withdrawn
                | S::GenerationComplete
                | S::Interrupted
                | S::TurnComplete,
            ) => Err(Unexpected { turn, signal }),
        }
    }

    /// Where a peer's signal leads, which cannot be refused: as the table says; or, if only a turn was missing, through a
    /// turn `next` opened for it; or nowhere. The service is known to send every such order.
    #[must_use]
    pub fn observe(self, signal: Signal, next: TurnId) -> Observed {
        if let Ok(turn) = self.after(signal) {
            return Observed { turn, opened: false };
        }
        // A turn that was cut short may never be completed; the next one begins all the same.
        let from = if matches!(self, Self::Interrupted(_)) { Self::Idle } else { self };
        match from.after(Signal::Prompted(next)).and_then(|opened| opened.after(signal)) {
            Ok(turn) => Observed { turn, opened: true },
            Err(_) => Observed { turn: self, opened: false },
        }
    }

    /// Each state once, in the order of the documentation.
    pub const EACH: [Self; 7] = [
        Self::Idle,
        Self::Listening,
        Self::Generating(TurnId(1)),
        Self::Suspended(TurnId(1)),
        Self::AwaitingAnswers(TurnId(1)),
        Self::Playing(TurnId(1)),
        Self::Interrupted(TurnId(1)),
    ];

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
    /// Each signal once, in the order of the documentation.
    pub const EACH: [Self; 10] = [
        Self::SpeechStarted,
        Self::SpeechDropped,
        Self::Prompted(TurnId(2)),
        Self::Spoke,
        Self::Called,
        Self::Resumed(TurnId(2)),
        Self::Withdrawn,
        Self::GenerationComplete,
        Self::Interrupted,
        Self::TurnComplete,
    ];

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
