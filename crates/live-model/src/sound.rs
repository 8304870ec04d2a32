//! Sound as engines give and take it: WAV or bare PCM of some rate in, 24 kHz out; WAV or PCM of some rate for recognisers.
//!
//! The formats of clients are in `live-audio`; how the bytes came here is the engine's business.

use live_audio::{Carry, PcmFormat, Resampler, Wav, WavChannels, bytes_of};

use crate::recogniser::Utterance;
use crate::voice::SAMPLE_RATE_HZ;

/// How an engine frames sound: 16-bit little-endian samples either way, at 8 to 48 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundFormat {
    /// A file whose header names rate and channels. What comes from an engine has one or two, and may be of unknown length; what
    /// goes to one has one channel and this rate.
    Wav {
        /// Samples a second of what goes to an engine.
        rate_hz: u32,
    },
    /// Bare samples of one channel at this rate.
    Pcm {
        /// Samples a second.
        rate_hz: u32,
    },
}

impl SoundFormat {
    /// Samples a second; of files from an engine the header decides.
    pub fn rate_hz(self) -> u32 {
        match self {
            Self::Wav { rate_hz } | Self::Pcm { rate_hz } => rate_hz,
        }
    }

    /// The utterance in this format.
    pub(crate) fn encode(self, speech: &Utterance) -> Vec<u8> {
        let rate_hz = self.rate_hz();
        let mut samples = Vec::new();
        let mut resampler = Resampler::new(Utterance::RATE_HZ, rate_hz);
        resampler.push(&speech.samples, &mut samples);
        resampler.finish(&mut samples);
        let mut out = Vec::new();
        match self {
            Self::Wav { .. } => Wav { rate_hz, channels: WavChannels::Mono, samples }.encode(&mut out),
            Self::Pcm { .. } => bytes_of(&samples, &mut out),
        }
        out
    }
}

/// A stream of bytes on its way to samples at 24 kHz.
#[derive(Debug)]
pub(crate) struct Decoder {
    stage: Stage,
    samples: Vec<i16>,
    received: bool,
}

#[derive(Debug)]
enum Stage {
    /// The bytes so far, none of which is a sample yet; the rate if there is no header.
    Head {
        bytes: Vec<u8>,
        bare_rate_hz: Option<u32>,
    },
    Body(Body),
}

#[derive(Debug)]
struct Body {
    channels: WavChannels,
    /// Bytes of sound still to come.
    left: usize,
    carry: Carry,
    /// The left sample of a pair whose right one is to come.
    unpaired: Option<i16>,
    resampler: Resampler,
}

impl Decoder {
    pub(crate) fn new(format: SoundFormat) -> Self {
        let bare_rate_hz = match format {
            SoundFormat::Wav { .. } => None,
            SoundFormat::Pcm { rate_hz } => Some(rate_hz),
        };
        Self { stage: Stage::Head { bytes: Vec::new(), bare_rate_hz }, samples: Vec::new(), received: false }
    }

    /// Whether nothing came yet.
    pub(crate) fn is_empty(&self) -> bool {
        !self.received
    }

    /// Takes the next bytes, and returns what became ready.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<i16>, String> {
        self.received |= !bytes.is_empty();
        let mut out = Vec::new();
        match &mut self.stage {
            Stage::Head { bytes: head, bare_rate_hz } => {
                head.extend_from_slice(bytes);
                // A file is a file even where bare samples were expected: services do not always do as they are asked.
                let may_be_file = b"RIFF".starts_with(&head[..head.len().min(4)]);
                let (mut body, at) = match bare_rate_hz {
                    Some(_) if may_be_file && head.len() < 4 => return Ok(out),
                    Some(rate_hz) if !may_be_file => (Body::new(*rate_hz, WavChannels::Mono, usize::MAX)?, 0),
                    Some(_) | None => match Body::read_header(head)? {
                        Some(found) => found,
                        None => return Ok(out),
                    },
                };
                body.take(&head[at..], &mut self.samples, &mut out);
                self.stage = Stage::Body(body);
            }
            Stage::Body(body) => body.take(bytes, &mut self.samples, &mut out),
        }
        Ok(out)
    }

    /// Returns the rest; an error if the sound ends within a header.
    pub(crate) fn finish(&mut self) -> Result<Vec<i16>, String> {
        let mut out = Vec::new();
        match &mut self.stage {
            Stage::Head { bytes, .. } if bytes.len() <= 1 => {}
            Stage::Head { .. } => return Err("the sound ends within the header of its WAV file".to_owned()),
            Stage::Body(body) => body.resampler.finish(&mut out),
        }
        Ok(out)
    }
}

impl Body {
    fn new(rate_hz: u32, channels: WavChannels, left: usize) -> Result<Self, String> {
        PcmFormat::new(rate_hz).map_err(|error| error.to_string())?;
        let resampler = Resampler::new(rate_hz, SAMPLE_RATE_HZ);
        Ok(Self { channels, left, carry: Carry::default(), unpaired: None, resampler })
    }

    /// What a file's header says and where its sound begins; `None` if more of it is needed.
    fn read_header(file: &[u8]) -> Result<Option<(Self, usize)>, String> {
        if !b"RIFF".starts_with(&file[..file.len().min(4)]) {
            let start = String::from_utf8_lossy(&file[..file.len().min(24)]).into_owned();
            return Err(format!("expected a WAV file, found what begins with {start:?}"));
        }
        let mut at = 12;
        while let Some([a, b, c, d, s0, s1, s2, s3]) = file.get(at..).and_then(|rest| rest.first_chunk()) {
            let size = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
            let body = at + 8;
            if [*a, *b, *c, *d] == *b"data" {
                // Read as a file of unknown length that has no sound yet.
                let mut header = file[..body].to_vec();
                header[at + 4..].fill(0xff);
                let wav = Wav::decode(&header).map_err(|error| error.to_string())?;
                let left = if size >= UNKNOWN_FROM { usize::MAX } else { size as usize };
                return Ok(Some((Self::new(wav.rate_hz, wav.channels, left)?, body)));
            }
            at = body + size as usize + size as usize % 2;
            if at > HEADER_BYTES_MAX {
                break;
            }
        }
        if at.max(file.len()) > HEADER_BYTES_MAX {
            return Err(format!("the WAV file has no sound within its first {HEADER_BYTES_MAX} bytes"));
        }
        Ok(None)
    }

    fn take(&mut self, bytes: &[u8], samples: &mut Vec<i16>, out: &mut Vec<i16>) {
        // Chunks behind the sound say nothing.
        let bytes = &bytes[..bytes.len().min(self.left)];
        if self.left != usize::MAX {
            self.left -= bytes.len();
        }
        samples.clear();
        self.carry.push(bytes, samples);
        if self.channels == WavChannels::Stereo {
            let mut mono = 0;
            for at in 0..samples.len() {
                match self.unpaired.take() {
                    None => self.unpaired = Some(samples[at]),
                    Some(left) => {
                        samples[mono] = left.midpoint(samples[at]);
                        mono += 1;
                    }
                }
            }
            samples.truncate(mono);
        }
        self.resampler.push(samples, out);
    }
}

/// Bytes of a header; files with pictures and lyrics in front of their sound are not what engines send.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Lengths from here on are what programs write when they do not know the length; espeak-ng writes 0x7ffff000.
const UNKNOWN_FROM: u32 = 0x7fff_0000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(format: SoundFormat, pieces: &[&[u8]]) -> Result<Vec<i16>, String> {
        let mut decoder = Decoder::new(format);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(decoder.push(piece)?);
        }
        out.extend(decoder.finish()?);
        Ok(out)
    }

    const WAV: SoundFormat = SoundFormat::Wav { rate_hz: 24_000 };

    fn file(rate_hz: u32, channels: WavChannels, samples: Vec<i16>) -> Vec<u8> {
        let mut file = Vec::new();
        Wav { rate_hz, channels, samples }.encode(&mut file);
        file
    }

    #[test]
    fn a_file_is_brought_to_24_khz_and_one_channel() {
        assert_eq!(decoded(WAV, &[&file(24_000, WavChannels::Mono, vec![1, 2, 3])]), Ok(vec![1, 2, 3]));
        assert_eq!(decoded(WAV, &[&file(24_000, WavChannels::Stereo, vec![2, 4, 6, 8])]), Ok(vec![3, 7]));
        assert_eq!(decoded(WAV, &[&file(8_000, WavChannels::Mono, vec![7; 800])]).map(|out| out.len()), Ok(2_400));
    }

    #[test]
    fn chunks_around_the_sound_and_unknown_lengths_are_taken() {
        let mut padded = file(24_000, WavChannels::Mono, vec![5, 6]);
        padded.splice(12..12, *b"LIST\x03\0\0\0abc\0");
        padded.extend(b"id3 \x02\0\0\0xx");
        assert_eq!(decoded(WAV, &[&padded]), Ok(vec![5, 6]));
        let mut streamed = file(24_000, WavChannels::Mono, vec![5, 6]);
        streamed[40..44].copy_from_slice(&0x7fff_f000_u32.to_le_bytes());
        assert_eq!(decoded(WAV, &[&streamed]), Ok(vec![5, 6]), "as espeak-ng writes it");
    }

    #[test]
    fn bare_samples_have_the_rate_that_was_agreed() {
        let pcm = SoundFormat::Pcm { rate_hz: 24_000 };
        assert_eq!(decoded(pcm, &[&[1], &[0, 2], &[0]]), Ok(vec![1, 2]));
        let slow = SoundFormat::Pcm { rate_hz: 16_000 };
        assert_eq!(decoded(slow, &[&[0; 3_200]]).map(|out| out.len()), Ok(2_400));
        assert_eq!(decoded(slow, &[&file(24_000, WavChannels::Mono, vec![9, 9])]), Ok(vec![9, 9]), "a file after all");
    }

    #[test]
    fn what_is_no_sound_is_told() {
        for (bytes, says) in [
            (b"{\"error\": 1}".as_slice(), "expected a WAV file"),
            (b"RIFF....WAVEfmt ", "within the header"),
            (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "fmt "),
        ] {
            let error = decoded(WAV, &[bytes]).expect_err("no sound");
            assert!(error.contains(says), "{error}");
        }
        let fast = decoded(WAV, &[&file(192_000, WavChannels::Mono, vec![1])]).expect_err("too fast");
        assert!(fast.contains("8000 to 48000"), "{fast}");
        assert_eq!(decoded(WAV, &[]), Ok(vec![]));
    }

    #[test]
    fn an_utterance_is_written_at_the_rate_asked_for() {
        let speech = Utterance { samples: vec![3; 1_600], language: None };
        assert_eq!(SoundFormat::Pcm { rate_hz: 8_000 }.encode(&speech).len(), 1_600);
        let wav = Wav::decode(&SoundFormat::Wav { rate_hz: 16_000 }.encode(&speech)).expect("a file");
        assert_eq!((wav.rate_hz, wav.samples), (16_000, speech.samples));
    }

    proptest! {
        #[test]
        fn how_a_file_is_cut_does_not_matter(
            samples in prop::collection::vec(any::<i16>(), 0..400),
            rate_hz in prop::sample::select(vec![8_000_u32, 22_050, 24_000, 44_100]),
            is_stereo in any::<bool>(),
            cuts in prop::collection::vec(1_usize..60, 0..60),
        ) {
            let channels = if is_stereo { WavChannels::Stereo } else { WavChannels::Mono };
            let whole = file(rate_hz, channels, samples);
            let (mut pieces, mut rest) = (Vec::new(), whole.as_slice());
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            pieces.push(rest);
            prop_assert_eq!(decoded(WAV, &pieces), decoded(WAV, &[&whole]));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), has_head in any::<bool>()) {
            let head = if has_head { b"RIFF\0\0\0\0WAVEfmt ".as_slice() } else { b"" };
            _ = decoded(WAV, &[head, &bytes]);
            _ = decoded(SoundFormat::Pcm { rate_hz: 22_050 }, &[head, &bytes]);
        }
    }
}
