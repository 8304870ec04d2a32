//! What a loudspeaker would have played: sound in order, and nothing after an interruption.
//!
//! No sound card is touched; the result is a file.

use live_audio::{Wav, WavChannels, samples_of};
use live_client::{PcmFormat, TurnId};
use tokio::time::Instant;

/// Plays generations one after the other, as they come.
#[derive(Default)]
pub(super) struct Player {
    samples: Vec<i16>,
    current: Option<Playing>,
    /// The last generation that was cut short.
    cut: Option<TurnId>,
}

/// A generation that is being played.
struct Playing {
    generation: TurnId,
    /// Where its sound begins in `samples`.
    start: usize,
    since: Instant,
}

impl Player {
    /// Adds sound. False if its generation was cut short before, and so must not be heard.
    pub(super) fn play(&mut self, generation: TurnId, pcm: &[u8], now: Instant) -> bool {
        if self.cut.is_some_and(|cut| generation <= cut) {
            return false;
        }
        if self.current.as_ref().is_none_or(|playing| playing.generation != generation) {
            self.current = Some(Playing { generation, start: self.samples.len(), since: now });
        }
        self.samples.extend(samples_of(pcm));
        true
    }

    /// Drops what was not played yet of a generation. Returns the bytes dropped.
    pub(super) fn interrupt(&mut self, generation: TurnId, now: Instant) -> usize {
        self.cut = Some(generation);
        let Some(Playing { start, since, .. }) = self.current.take() else { return 0 };
        let played = start + PcmFormat::OUTPUT.bytes_in(now - since) / 2;
        let dropped = self.samples.len().saturating_sub(played);
        self.samples.truncate(played);
        dropped * 2
    }

    /// Ends a turn with a moment of silence.
    pub(super) fn pause(&mut self) {
        self.current = None;
        let silence = PcmFormat::OUTPUT.bytes_in(PAUSE) / 2;
        self.samples.resize(self.samples.len() + silence, 0);
    }

    /// All that was played.
    pub(super) fn into_wav(self) -> Wav {
        Wav { rate_hz: PcmFormat::OUTPUT.rate_hz(), channels: WavChannels::Mono, samples: self.samples }
    }
}

/// Silence between two turns.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(400);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_not_played_is_dropped_and_what_comes_late_is_not_heard() {
        let start = Instant::now();
        let mut player = Player::default();
        assert!(player.play(TurnId(1), &[1; 48_000], start));
        assert!(player.play(TurnId(1), &[1; 48_000], start));
        let dropped = player.interrupt(TurnId(1), start + Duration::from_millis(500));
        assert_eq!(dropped, 96_000 - 24_000);
        assert!(!player.play(TurnId(1), &[1; 100], start + Duration::from_millis(600)));
        assert!(player.play(TurnId(2), &[1; 100], start + Duration::from_millis(700)));
        assert_eq!(player.into_wav().samples.len(), 12_000 + 50);
    }
}
