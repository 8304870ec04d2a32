//! What is spoken into a session: a recording, and otherwise what a microphone hears.
//!
//! Where a microphone's sound comes from is `sound_card`'s.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use live_client::Pcm;
use live_client::audio::{Paced, Recording};
use tokio::sync::mpsc;

/// Sound as it is spoken. Pending while nobody speaks; never ends.
#[derive(Debug, Default)]
pub(super) struct Voice {
    recording: Option<Paced>,
    microphone: Option<mpsc::Receiver<Pcm>>,
}

#[derive(Debug)]
pub(super) enum Spoken {
    Piece(Pcm),
    /// The recording is over, or the microphone is gone.
    End,
}

impl Voice {
    #[cfg(any(test, feature = "mic"))]
    pub(super) fn with_microphone(microphone: mpsc::Receiver<Pcm>) -> Self {
        Self { recording: None, microphone: Some(microphone) }
    }

    /// Speaks a recording, in place of the one that is being spoken.
    pub(super) fn speak(&mut self, recording: Recording) {
        self.recording = Some(recording.paced());
    }

    pub(super) fn is_speaking(&self) -> bool {
        self.recording.is_some()
    }

    pub(super) fn has_microphone(&self) -> bool {
        self.microphone.is_some()
    }
}

impl Stream for Voice {
    type Item = Spoken;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Spoken>> {
        // The microphone is listened to all the while, so that what it hears does not pile up behind a recording.
        let heard = self.microphone.as_mut().map_or(Poll::Pending, |microphone| microphone.poll_recv(cx));
        if let Poll::Ready(None) = heard {
            self.microphone = None;
            return Poll::Ready(Some(Spoken::End));
        }
        if let Some(recording) = &mut self.recording {
            let piece = match Pin::new(recording).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => piece,
            };
            if piece.is_none() {
                self.recording = None;
            }
            return Poll::Ready(Some(piece.map_or(Spoken::End, Spoken::Piece)));
        }
        heard.map(|pcm| pcm.map(Spoken::Piece))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};
    use live_client::PcmFormat;

    use super::*;

    fn pcm(value: i16) -> Pcm {
        Pcm::from_samples(PcmFormat::INPUT, &[value; 320])
    }

    async fn next(voice: &mut Voice) -> Option<Pcm> {
        match voice.next().await.expect("a voice does not end") {
            Spoken::Piece(pcm) => Some(pcm),
            Spoken::End => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_recording_is_spoken_in_place_of_what_the_microphone_hears() {
        let (microphone, pieces) = mpsc::channel(8);
        let mut voice = Voice::with_microphone(pieces);
        assert!(voice.next().now_or_never().is_none(), "nobody speaks");
        microphone.try_send(pcm(1)).unwrap();
        assert_eq!(next(&mut voice).await, Some(pcm(1)));

        voice.speak(Recording::new(PcmFormat::INPUT, &[2; 640]));
        microphone.try_send(pcm(1)).unwrap();
        assert_eq!(next(&mut voice).await, Some(pcm(2)));
        assert_eq!(next(&mut voice).await, Some(pcm(2)));
        assert_eq!(next(&mut voice).await, None);
        assert!(!voice.is_speaking());
        assert!(voice.next().now_or_never().is_none(), "what was heard meanwhile is past");

        microphone.try_send(pcm(3)).unwrap();
        drop(microphone);
        assert_eq!(next(&mut voice).await, Some(pcm(3)));
        assert_eq!(next(&mut voice).await, None);
        assert!(!voice.has_microphone());
    }
}
