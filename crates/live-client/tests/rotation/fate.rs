//! What is done to a connection, and when.
//!
//! How a server or a network does it is [`crate::world`]'s and [`crate::link`]'s.

use serde_json::json;

use crate::link::Way;
use crate::world::{End, World};

/// What is done to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// `goAway` with time to find a good moment.
    SentAway,
    /// `goAway` without any time.
    SentAwayAtOnce,
    /// Its ten minutes pass.
    Aged,
    /// Cut by the server.
    Dropped,
    /// Cut by the network, somewhere in a message of the client.
    CutUp,
    /// Cut by the network, somewhere in a message of the server.
    CutDown,
    /// The server shuts down, another starts with what it left on the disk.
    Shutdown,
    /// The same without a good-bye.
    Killed,
}

pub(crate) const FATES: [Fate; 8] = [
    Fate::SentAway,
    Fate::SentAwayAtOnce,
    Fate::Aged,
    Fate::Dropped,
    Fate::CutUp,
    Fate::CutDown,
    Fate::Shutdown,
    Fate::Killed,
];

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing is going on.
    AtRest,
    /// Amid what the user says.
    Speaking,
    /// The user has spoken.
    Asked,
    /// The answer has begun.
    Answering,
    /// The answer is there and is being played.
    Playing,
}

pub(crate) const MOMENTS: [Moment; 5] =
    [Moment::AtRest, Moment::Speaking, Moment::Asked, Moment::Answering, Moment::Playing];

impl Fate {
    pub(crate) async fn happen(self, world: &mut World, at: usize) {
        match self {
            Self::SentAway => world.tell("goAway", json!({ "timeLeft": "30s" })).await,
            Self::SentAwayAtOnce => world.tell("goAway", json!({ "timeLeft": "0s" })).await,
            Self::Aged => world.advance("10m").await,
            Self::Dropped => world.tell("drop", json!({})).await,
            Self::CutUp => world.network.cut_after(Way::Up, at * 37 % 400),
            Self::CutDown => world.network.cut_after(Way::Down, at * 53 % 700),
            Self::Shutdown => restart(world, End::Shutdown).await,
            Self::Killed => restart(world, End::Killed).await,
        }
    }
}

async fn restart(world: &mut World, end: End) {
    world.end(end).await;
    world.open(|server| server).await;
}
