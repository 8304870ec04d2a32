//! Sound of any rate as it comes, made into pieces of the rate that sessions take best.
//!
//! Pace is the source's own: a microphone has one, a file gets one from [`Recording`](super::Recording).

use live_audio::{PcmFormat, Resampler, WavChannels};

use crate::Pcm;

/// Makes pieces of 20 ms at 16 kHz of one stream of samples. How the stream is cut does not change what comes out.
///
/// ```
/// use live_client::{PcmFormat, WavChannels, audio::Feed};
///
/// let mut feed = Feed::new(PcmFormat::new(48_000)?, WavChannels::Stereo);
/// let pieces: Vec<_> = feed.push(&[0; 48_000 * 2]).collect();
/// assert_eq!(pieces.len(), 49, "the last one waits for what follows");
/// assert_eq!((pieces[0].format(), pieces[0].duration().as_millis()), (PcmFormat::INPUT, 20));
/// assert_eq!(feed.finish().map(|rest| rest.duration().as_millis()), Some(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Feed {
    channels: WavChannels,
    /// The left one of two samples whose right one is still to come.
    left: Option<i16>,
    resampler: Option<Resampler>,
    /// One channel, at the rate that came in.
    mono: Vec<i16>,
    /// At the rate that goes out, not a whole piece yet.
    waiting: Vec<i16>,
}

impl Feed {
    /// Takes samples of this rate; those of two channels alternate.
    pub fn new(format: PcmFormat, channels: WavChannels) -> Self {
        let (from_hz, to_hz) = (format.rate_hz(), PcmFormat::INPUT.rate_hz());
        let resampler = (from_hz != to_hz).then(|| Resampler::new(from_hz, to_hz));
        Self { channels, left: None, resampler, mono: Vec::new(), waiting: Vec::new() }
    }

    /// Takes samples, and gives the pieces that they complete.
    pub fn push(&mut self, samples: &[i16]) -> impl Iterator<Item = Pcm> + use<> {
        self.mono.clear();
        match self.channels {
            WavChannels::Mono => self.mono.extend_from_slice(samples),
            WavChannels::Stereo => {
                for &sample in samples {
                    match self.left.take() {
                        None => self.left = Some(sample),
                        Some(left) => self.mono.push(i16::midpoint(left, sample)),
                    }
                }
            }
        }
        match &mut self.resampler {
            Some(resampler) => resampler.push(&self.mono, &mut self.waiting),
            None => self.waiting.extend_from_slice(&self.mono),
        }
        let whole = self.waiting.len() / PIECE_SAMPLES * PIECE_SAMPLES;
        let pieces: Vec<Pcm> = self.waiting[..whole].chunks(PIECE_SAMPLES).map(piece).collect();
        self.waiting.drain(..whole);
        pieces.into_iter()
    }

    /// Gives what is left, as if silence followed. The next samples begin another stream.
    pub fn finish(&mut self) -> Option<Pcm> {
        self.left = None;
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.waiting);
        }
        let rest = std::mem::take(&mut self.waiting);
        (!rest.is_empty()).then(|| piece(&rest))
    }
}

fn piece(samples: &[i16]) -> Pcm {
    Pcm::from_samples(PcmFormat::INPUT, samples)
}

/// 20 ms at 16 kHz: what detectors look at, and small enough for an answer to be prompt.
pub(super) const PIECE_SAMPLES: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(feed: &mut Feed, pieces: &[&[i16]]) -> Vec<u8> {
        let mut out: Vec<Pcm> = pieces.iter().flat_map(|piece| feed.push(piece)).collect();
        out.extend(feed.finish());
        out.iter().flat_map(|pcm| pcm.bytes().to_vec()).collect()
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing() {
        let wave: Vec<i16> = (0..9_001).map(|n| ((n * n) % 20_000 - 10_000) as i16).collect();
        for (rate_hz, channels) in [
            (8_000, WavChannels::Mono),
            (16_000, WavChannels::Stereo),
            (24_000, WavChannels::Mono),
            (44_100, WavChannels::Stereo),
        ] {
            let mut feed = Feed::new(PcmFormat::new(rate_hz).unwrap(), channels);
            let whole = all(&mut feed, &[&wave]);
            let cut: Vec<&[i16]> = wave.chunks(37).collect();
            assert_eq!(all(&mut feed, &cut), whole, "{rate_hz}");
            let frames = if channels == WavChannels::Stereo { 4_500 } else { 9_001 };
            assert_eq!(whole.len() / 2, (frames * 16_000_usize).div_ceil(rate_hz as usize), "{rate_hz}");
        }
    }

    #[test]
    fn two_channels_are_mixed() {
        let mut feed = Feed::new(PcmFormat::INPUT, WavChannels::Stereo);
        assert_eq!(all(&mut feed, &[&[100, 300, -4], &[-8]]), [200, 0, 0xFA, 0xFF]);
    }
}
