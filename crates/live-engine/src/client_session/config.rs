//! What a host decides about a session once: how hard it tries, what it says again, and what it holds meanwhile.
//!
//! Which end of a connection leads to which attempt is data of its own: [`super::retry`].

use std::time::Duration;

use live_proto::Setup;

use super::tools::Function;
use crate::limits::Limits;

/// What a session is told once, before anything is dialled.
#[derive(Clone, Debug)]
pub struct ClientSessionConfig {
    /// The first message of every connection. With `sessionResumption` the server keeps the session and it can be resumed;
    /// without, nothing is stored there and a session that loses its connection begins anew. A handle in it is the first
    /// one used.
    pub setup: Setup,
    /// Functions that the session runs by itself. Their declarations are added to the tools of the setup.
    pub functions: Vec<Function>,
    /// Bounds; [`Limits::setup_deadline`] is the longest a dial and its setup take together.
    pub limits: Limits,
    /// How the session survives its connections; `None` ends it with the first.
    pub reconnect: Option<ReconnectPolicy>,
    /// Where the jitter of the back-off comes from: random bytes of the host, or anything for a test.
    pub seed: u64,
}

impl ClientSessionConfig {
    /// A configuration with the defaults.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            functions: Vec::new(),
            limits: Limits::default(),
            reconnect: Some(ReconnectPolicy::default()),
            seed: 0,
        }
    }
}

/// How a session survives its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectPolicy {
    /// Dials before the session gives up, counted since a connection last held for [`stable_after`](Self::stable_after).
    /// 8: with the default back-off about half a minute.
    pub dials_max: u32,
    /// The first wait between dials, doubled each time; half of each wait is jitter. Never below [`SPACING`].
    /// 500 ms: an overloaded server needs at least that.
    pub backoff_min: Duration,
    /// The longest wait. 20 s: longer than that, people hang up.
    pub backoff_max: Duration,
    /// How long a connection lives before the dials behind it are forgotten. 10 s: servers that accept and hang up do it at once.
    pub stable_after: Duration,
    /// How long the next dial waits for the former connection to close. 2 s: a round trip on a bad link.
    pub parting_max: Duration,
    /// How long before the end that `goAway` announces the session moves, if it found no better moment. 5 s: a dial and a setup.
    pub go_away_margin: Duration,
    /// Silence after which a connection counts as lost while the server owes words: it was asked in text, or is amid an answer.
    /// 120 s: models that think are silent for long. `None` waits for ever.
    pub silence_max: Option<Duration>,
    /// What comes first when the session moves to another connection.
    pub overlap: Overlap,
    /// What a handle is worth that the server retracted.
    pub retracted: Retracted,
    /// What to do without a handle.
    pub fresh: Fresh,
    /// What is sent again to a server that does not tell what it consumed.
    pub replay: Replay,
    /// How a call is answered whose connection is gone.
    pub late_answers: LateAnswers,
    /// Bytes of sound and video held while there is no connection; the oldest go first, counted. Each message counts
    /// [`MESSAGE_BYTES`] besides. 1 MiB: 20 s of 20 ms pieces at 16 kHz.
    pub held_media_bytes_max: usize,
    /// Bytes of sent messages kept to be sent again; the oldest go first, counted if they are missed.
    /// 4 MiB: a minute and a half of 20 ms pieces at 16 kHz; servers tell every few seconds what they consumed.
    pub unconsumed_bytes_max: usize,
    /// Bytes of conversation kept for a new beginning; the oldest turns go first. 256 KiB: some 60,000 tokens.
    pub history_bytes_max: usize,
    /// The index of the first message behind `setup`, in `lastConsumedClientMessageIndex`. The service does not document it.
    /// 1: `setup` is message 0, and a zero, which proto3 cannot tell from nothing, means that nothing was consumed.
    pub first_index: u64,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self {
            dials_max: 8,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(20),
            stable_after: Duration::from_secs(10),
            parting_max: Duration::from_secs(2),
            go_away_margin: Duration::from_secs(5),
            silence_max: Some(Duration::from_secs(120)),
            overlap: Overlap::CloseFirst,
            retracted: Retracted::FallBack,
            fresh: Fresh::Reseed,
            replay: Replay::Words,
            late_answers: LateAnswers::AsText,
            held_media_bytes_max: HELD_MEDIA_BYTES_MAX,
            unconsumed_bytes_max: 4 << 20,
            history_bytes_max: 256 << 10,
            first_index: 1,
        }
    }
}

/// What comes first when a session moves to another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// The old connection closes, then the new one is dialled. The service refuses a handle whose connection is open.
    CloseFirst,
    /// The new connection is dialled while the old one is open, for servers that permit it. A session that is refused so
    /// once goes on over the old connection, and closes first from then on.
    DialFirst,
}

/// What a handle is worth that the server retracted, as it does while it generates or waits for calls. It is never a reason
/// to leave a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retracted {
    /// Nothing. A session that loses its connection amid an answer begins anew: what it was told in sound, and was not
    /// transcribed, is lost.
    Forget,
    /// More than none: a session that loses its connection, or runs out of time, dials by the last handle there was. Google
    /// documents that this loses some data, which is the turn since; its words are sent again as after any handle.
    FallBack,
}

/// What to do when the session must go on and there is no handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// The session is over.
    End,
    /// A new session that knows nothing.
    Empty,
    /// A new session that is told the words of the old one, as far as they are known here, and then what is unanswered.
    Reseed,
}

/// What is sent again after a handle was taken by a server that does not tell what it consumed. Only messages that were
/// sent after the handle had come are considered, since its snapshot cannot hold them: nothing is ever said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Nothing.
    Nothing,
    /// `clientContent`, `realtimeInput.text` and `contextUpdate`.
    Words,
    /// Sound and video too.
    Everything,
}

/// How a call is answered that was made over a connection which is gone. A server that takes the handle and makes the call
/// again, by the same id, is answered as ever. A new session never gets such an answer as a `toolResponse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateAnswers {
    /// As a turn of the user that names function and result. The service passes over responses to calls of another connection.
    AsText,
    /// As `toolResponse`, for servers that keep calls in their snapshots.
    AsCall,
}

/// No two dials are closer than this, whatever the policy says.
pub const SPACING: Duration = Duration::from_millis(250);

/// What a message costs to keep, besides its bytes, so that empty ones are not free.
pub const MESSAGE_BYTES: usize = 256;

/// The default of [`ReconnectPolicy::held_media_bytes_max`], and the bound without a policy.
pub(super) const HELD_MEDIA_BYTES_MAX: usize = 1 << 20;
