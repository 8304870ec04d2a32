//! Sound as clients send it, whatever its format, made into one stream of 16 kHz samples.
//!
//! Not here: the formats themselves ([`PcmFormat`], [`G711`], [`Wav`](crate::Wav)) and what the sound says ([`crate::vad`]).

use std::fmt;
use std::str::FromStr;

use crate::g711::G711;
use crate::pcm::{Carry, PcmFormat, PcmFormatError};
use crate::resample::Resampler;
use crate::wav::{WavError, WavReader};

/// A format that sound may be sent in: the allow-list.
///
/// ```
/// use live_audio::{G711, InputFormat};
///
/// assert_eq!("audio/pcm;rate=48000".parse::<InputFormat>()?.to_string(), "audio/pcm;rate=48000");
/// assert_eq!("audio/PCMU".parse(), Ok(InputFormat::G711(G711::MuLaw, 8_000)));
/// assert!("audio/ogg".parse::<InputFormat>().is_err());
/// # Ok::<(), live_audio::PcmFormatError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputFormat {
    /// `audio/pcm`, `audio/l16`: 16-bit little-endian samples.
    Pcm(PcmFormat),
    /// `audio/pcmu`, `audio/basic`, `audio/mulaw`, `audio/pcma`, `audio/alaw`, all with or without `x-`: one byte a sample, at the
    /// rate given or 8 kHz.
    G711(G711, u32),
    /// `audio/wav`, `audio/wave`, `audio/x-wav`, `audio/vnd.wave`: files of 16-bit PCM or G.711, one or two channels, whole or in
    /// pieces of which the first holds the header.
    Wav,
}

impl FromStr for InputFormat {
    type Err = PcmFormatError;

    fn from_str(mime_type: &str) -> Result<Self, Self::Err> {
        let essence = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let law = match essence.strip_prefix("audio/").map(|name| name.strip_prefix("x-").unwrap_or(name)) {
            Some("pcmu" | "basic" | "mulaw" | "ulaw") => G711::MuLaw,
            Some("pcma" | "alaw") => G711::ALaw,
            Some("wav" | "wave" | "vnd.wave") => return Ok(Self::Wav),
            Some("pcm" | "l16") => return Ok(Self::Pcm(mime_type.parse()?)),
            Some(_) | None => return Err(PcmFormatError::Type(essence)),
        };
        let rate_hz = PcmFormat::parse_parameters(mime_type)?.map_or(8_000, PcmFormat::rate_hz);
        Ok(Self::G711(law, rate_hz))
    }
}

impl fmt::Display for InputFormat {
    /// Writes the mime type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pcm(format) => format.fmt(f),
            Self::G711(G711::MuLaw, rate_hz) => write!(f, "audio/pcmu;rate={rate_hz}"),
            Self::G711(G711::ALaw, rate_hz) => write!(f, "audio/pcma;rate={rate_hz}"),
            Self::Wav => f.write_str("audio/wav"),
        }
    }
}

/// One stream of sound in one format, on its way to 16 kHz.
///
/// What comes out does not depend on how the stream is cut, except that a WAV header has to come in one piece.
#[derive(Clone, Debug)]
pub struct Input {
    format: InputFormat,
    carry: Carry,
    wav: WavReader,
    /// Of G.711 and PCM from the start, of a file from its header on.
    resampler: Option<Resampler>,
    samples: Vec<i16>,
}

impl Input {
    /// What comes out: 16 kHz.
    pub const RATE_HZ: u32 = PcmFormat::INPUT.rate_hz();

    /// Begins a stream.
    pub fn new(format: InputFormat) -> Self {
        let rate_hz = match format {
            InputFormat::Pcm(format) => Some(format.rate_hz()),
            InputFormat::G711(_, rate_hz) => Some(rate_hz),
            InputFormat::Wav => None,
        };
        Self {
            format,
            carry: Carry::default(),
            wav: WavReader::default(),
            resampler: rate_hz.map(|rate_hz| Resampler::new(rate_hz, Self::RATE_HZ)),
            samples: Vec::new(),
        }
    }

    /// Begins in the middle of a stream, behind half a sample.
    #[must_use]
    pub fn after(mut self, carry: Carry) -> Self {
        self.carry = carry;
        self
    }

    /// Half a sample that is waiting for its other half.
    pub fn carry(&self) -> Carry {
        self.carry
    }

    /// The format of the stream.
    pub fn format(&self) -> InputFormat {
        self.format
    }

    /// Takes a piece of the stream and appends all samples that are ready.
    ///
    /// # Errors
    ///
    /// [`WavError`] if a file cannot be read; nothing of the piece is taken then.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<i16>) -> Result<(), WavError> {
        self.samples.clear();
        match self.format {
            InputFormat::Pcm(_) => self.carry.push(bytes, &mut self.samples),
            InputFormat::G711(law, _) => self.samples.extend(bytes.iter().map(|byte| law.expand(*byte))),
            InputFormat::Wav => {
                if let Some(rate_hz) = self.wav.push(bytes, &mut self.samples)? {
                    // A new file.
                    if let Some(mut former) = self.resampler.replace(Resampler::new(rate_hz, Self::RATE_HZ)) {
                        former.finish(out);
                    }
                }
            }
        }
        if let Some(resampler) = &mut self.resampler {
            resampler.push(&self.samples, out);
        }
        Ok(())
    }

    /// Appends the rest and begins anew; half a sample is dropped.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(out);
        }
        self.carry = Carry::default();
        self.wav = WavReader::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Input, InputFormat};
    use crate::g711::G711::{self, ALaw, MuLaw};
    use crate::pcm::{PcmFormat, PcmFormatError, bytes_of};
    use crate::wav::{Wav, WavChannels, WavError};

    fn convert(format: InputFormat, pieces: &[&[u8]]) -> Result<Vec<i16>, WavError> {
        let (mut input, mut out) = (Input::new(format), Vec::new());
        for piece in pieces {
            input.push(piece, &mut out)?;
        }
        input.finish(&mut out);
        Ok(out)
    }

    fn pcm(rate_hz: u32) -> InputFormat {
        InputFormat::Pcm(PcmFormat::new(rate_hz).expect("in range"))
    }

    #[test]
    fn formats_are_named_by_their_mime_types() {
        for (mime_type, format) in [
            ("audio/pcm", pcm(16_000)),
            ("Audio/L16; rate=8000", pcm(8_000)),
            ("audio/PCMU", InputFormat::G711(MuLaw, 8_000)),
            ("audio/basic", InputFormat::G711(MuLaw, 8_000)),
            ("audio/x-mulaw;rate=16000", InputFormat::G711(MuLaw, 16_000)),
            ("audio/PCMA;channels=1", InputFormat::G711(ALaw, 8_000)),
            ("audio/x-alaw", InputFormat::G711(ALaw, 8_000)),
            ("audio/wav", InputFormat::Wav),
            ("audio/x-wav; codecs=1", InputFormat::Wav),
            ("audio/vnd.wave", InputFormat::Wav),
        ] {
            assert_eq!(mime_type.parse(), Ok(format), "{mime_type}");
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for mime_type in ["audio/ogg", "audio/mpeg", "audio/webm;codecs=opus", "audio", "", "x-wav", "video/mp4"] {
            let refused = mime_type.parse::<InputFormat>();
            assert!(matches!(refused, Err(PcmFormatError::Type(_))), "{mime_type}");
        }
        assert!(matches!("audio/pcmu;rate=96000".parse::<InputFormat>(), Err(PcmFormatError::Rate(_))));
        assert!(matches!("audio/pcma;channels=2".parse::<InputFormat>(), Err(PcmFormatError::Channels(_))));
    }

    #[test]
    fn a_file_in_two_pieces_and_another_behind_it_are_one_stream() {
        let mut file = Vec::new();
        Wav { rate_hz: 16_000, channels: WavChannels::Stereo, samples: vec![2, 4, 6, 8] }.encode(&mut file);
        let (first, second) = file.split_at(47);
        assert_eq!(convert(InputFormat::Wav, &[first, second, &file]), Ok(vec![3, 7, 3, 7]));
    }

    #[test]
    fn a_file_at_48_khz_comes_out_at_16() {
        let mut file = Vec::new();
        Wav { rate_hz: 48_000, channels: WavChannels::Mono, samples: vec![500; 4_800] }.encode(&mut file);
        let out = convert(InputFormat::Wav, &[&file]).expect("a good file");
        assert_eq!(out.len(), 1_600);
        assert!(out[100..1_500].iter().all(|sample| *sample == 500));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        assert_eq!(convert(InputFormat::Wav, &[b"OggS"]), Err(WavError::NotWav));
        assert_eq!(convert(InputFormat::Wav, &[b"RIFF\0\0\0\0WAVE"]), Err(WavError::Missing("fmt ")));
    }

    #[test]
    fn the_laws_are_expanded() {
        let law = |law: G711| convert(InputFormat::G711(law, 16_000), &[&[law.compress(1_000); 10]]).expect("no file");
        assert_eq!((law(MuLaw)[0], law(ALaw)[0]), (988, 1_008));
    }

    proptest! {
        #[test]
        fn cuts_do_not_show(
            samples in prop::collection::vec(any::<i16>(), 0..500),
            rate_hz in PcmFormat::RATES_HZ,
            kind in 0..3,
            cuts in prop::collection::vec(0_usize..99, 0..20),
        ) {
            let mut bytes = Vec::new();
            let format = match kind {
                0 => {
                    bytes_of(&samples, &mut bytes);
                    pcm(rate_hz)
                }
                1 => {
                    bytes.extend(samples.iter().map(|sample| ALaw.compress(*sample)));
                    InputFormat::G711(ALaw, rate_hz)
                }
                _ => {
                    Wav { rate_hz, channels: WavChannels::Mono, samples }.encode(&mut bytes);
                    InputFormat::Wav
                }
            };
            let (header, mut rest) = bytes.split_at(if kind == 2 { 44 } else { 0 });
            let mut pieces = vec![header];
            for cut in cuts {
                let (piece, later) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            pieces.push(rest);
            prop_assert_eq!(convert(format, &pieces), convert(format, &[&bytes]));
        }

        #[test]
        fn no_bytes_make_a_stream_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..4)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = convert(InputFormat::Wav, &pieces);
        }
    }
}
