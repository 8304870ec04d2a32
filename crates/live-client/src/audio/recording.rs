//! A recording, spoken into a session as fast as it was spoken once.
//!
//! Time is the runtime's: a test that pauses it hears an hour in no time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use live_audio::{PcmFormat, PcmFormatError, Wav, WavChannels, WavError};
use tokio::time::{Instant, Sleep};

use super::feed::Feed;
use crate::Pcm;

/// Sound that is all there, at 16 kHz in one channel.
///
/// ```
/// # async fn example(session: &mut live_client::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use live_client::{Step, audio::Recording};
///
/// let mut speech = Recording::from_wav(&std::fs::read("speech.wav")?)?.paced();
/// loop {
///     match session.next_or(&mut speech).await {
///         Step::Item(Some(pcm)) => session.send_audio(pcm)?,
///         Step::Item(None) => break,
///         Step::Event(_) => {}
///     }
/// }
/// session.send_audio_stream_end()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pieces: Vec<Pcm>,
}

/// Why a file is no recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is no WAV file of 16-bit PCM.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// Its rate is none that sound can be sent at.
    #[error(transparent)]
    Format(#[from] PcmFormatError),
}

impl Recording {
    /// Takes samples of one channel.
    pub fn new(format: PcmFormat, samples: &[i16]) -> Self {
        Self::of(format, WavChannels::Mono, samples)
    }

    /// Reads a WAV file: 16-bit PCM of one or two channels, at 8 to 48 kHz.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_wav(file: &[u8]) -> Result<Self, RecordingError> {
        let Wav { rate_hz, channels, samples } = Wav::decode(file)?;
        Ok(Self::of(PcmFormat::new(rate_hz)?, channels, &samples))
    }

    fn of(format: PcmFormat, channels: WavChannels, samples: &[i16]) -> Self {
        let mut feed = Feed::new(format, channels);
        let mut pieces: Vec<Pcm> = feed.push(samples).collect();
        pieces.extend(feed.finish());
        Self { pieces }
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        self.pieces.iter().map(Pcm::duration).sum()
    }

    /// Speaks it: each piece comes when it would have been spoken, counted from the first. The stream ends when the last piece has been
    /// spoken. Pieces that are taken late are made up for, so that no delay adds up.
    pub fn paced(self) -> Paced {
        Paced { pieces: self.pieces.into_iter(), due: None }
    }
}

/// A recording that is being spoken.
#[derive(Debug)]
pub struct Paced {
    pieces: std::vec::IntoIter<Pcm>,
    /// When the next piece is due; nothing before the first.
    due: Option<Pin<Box<Sleep>>>,
}

impl Stream for Paced {
    type Item = Pcm;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Pcm>> {
        let due = match &mut self.due {
            None => Instant::now(),
            Some(sleep) => {
                ready!(sleep.as_mut().poll(cx));
                sleep.deadline()
            }
        };
        let piece = self.pieces.next();
        if let Some(piece) = &piece {
            let next = due + piece.duration();
            match &mut self.due {
                None => self.due = Some(Box::pin(tokio::time::sleep_until(next))),
                Some(sleep) => sleep.as_mut().reset(next),
            }
        }
        Poll::Ready(piece)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_recording_takes_as_long_as_it_lasts() {
        let recording = Recording::new(PcmFormat::OUTPUT, &vec![7; 24_000 * 60 + 240]);
        assert_eq!(recording.duration(), Duration::from_millis(60_010));
        let began = Instant::now();
        let mut paced = recording.paced();
        let mut at = Vec::new();
        let mut bytes = 0;
        while let Some(pcm) = paced.next().await {
            at.push(began.elapsed().as_millis());
            bytes += pcm.bytes().len();
        }
        assert_eq!((at[0], at[1], at[2], at[3_000], at.len()), (0, 20, 40, 60_000, 3_001));
        assert_eq!(began.elapsed().as_millis(), 60_010, "it ends when it is over");
        assert_eq!(bytes, 60_010 * 32);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_is_not_late_for_ever() {
        let mut paced = Recording::new(PcmFormat::INPUT, &[1; 320 * 10]).paced();
        let began = Instant::now();
        paced.next().await;
        tokio::time::advance(Duration::from_millis(70)).await;
        for _ in 0..3 {
            assert!(paced.next().now_or_never().is_some(), "what is due by now");
        }
        assert!(paced.next().now_or_never().is_none(), "and no more");
        assert_eq!(paced.count().await, 6);
        assert_eq!(began.elapsed().as_millis(), 200);
    }

    #[test]
    fn files_are_mixed_down_and_resampled_and_the_rest_is_refused() {
        let mut file = Vec::new();
        Wav { rate_hz: 44_100, channels: WavChannels::Stereo, samples: vec![9; 88_200] }.encode(&mut file);
        assert_eq!(Recording::from_wav(&file).unwrap().duration(), Duration::from_secs(1));
        let mut file = Vec::new();
        Wav { rate_hz: 96_000, channels: WavChannels::Mono, samples: vec![9; 96] }.encode(&mut file);
        assert!(matches!(Recording::from_wav(&file), Err(RecordingError::Format(_))));
        assert!(matches!(Recording::from_wav(b"ID3"), Err(RecordingError::Wav(_))));
    }
}
