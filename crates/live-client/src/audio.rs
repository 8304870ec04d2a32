//! Sound on its way to and from a session: recordings spoken at the pace of speech, and answers played without a gap and
//! without what was cut short.
//!
//! No sound card is touched here; samples themselves are `live-audio`'s, and what is said when is the host's to decide.

mod feed;
mod playout;
mod recording;

pub use feed::Feed;
pub use playout::{Playout, PlayoutCounters, Pushed, WAITING_MAX};
pub use recording::{Paced, Recording, RecordingError};
