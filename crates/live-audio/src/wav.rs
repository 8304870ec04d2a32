//! WAV files: the header of one, and the samples in one; reading and writing the file is the caller's.

use std::fmt;

use crate::g711::G711;
use crate::pcm::{PcmFormat, bytes_of, samples_of};

/// Length of the header that [`wav_header`] makes.
pub const WAV_HEADER_BYTES: usize = 44;

/// How many channels a file has; samples of two alternate, left first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavChannels {
    /// One.
    Mono,
    /// Two.
    Stereo,
}

impl WavChannels {
    fn count(self) -> u16 {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }
}

/// How many bytes of samples follow a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WavLength {
    /// That many; more than a file can hold are written as [`Streaming`](Self::Streaming).
    Bytes(usize),
    /// Not known yet. Readers take all that follows. Once it is known, the header can be written again over the first.
    Streaming,
}

/// Returns the header of a file of 16-bit samples.
pub fn wav_header(rate_hz: u32, channels: WavChannels, length: WavLength) -> [u8; WAV_HEADER_BYTES] {
    let data_bytes = match length {
        WavLength::Bytes(bytes) => u32::try_from(bytes).ok().filter(|bytes| *bytes < STREAMING_FROM),
        WavLength::Streaming => None,
    }
    .unwrap_or(u32::MAX);
    let frame_bytes = channels.count() * 2;
    let mut header = [0; WAV_HEADER_BYTES];
    header[0..4].copy_from_slice(b"RIFF");
    header[4..8].copy_from_slice(&data_bytes.saturating_add(36).to_le_bytes());
    header[8..16].copy_from_slice(b"WAVEfmt ");
    header[16..20].copy_from_slice(&16_u32.to_le_bytes());
    header[20..22].copy_from_slice(&FORMAT_PCM.to_le_bytes());
    header[22..24].copy_from_slice(&channels.count().to_le_bytes());
    header[24..28].copy_from_slice(&rate_hz.to_le_bytes());
    header[28..32].copy_from_slice(&rate_hz.saturating_mul(u32::from(frame_bytes)).to_le_bytes());
    header[32..34].copy_from_slice(&frame_bytes.to_le_bytes());
    header[34..36].copy_from_slice(&16_u16.to_le_bytes());
    header[36..40].copy_from_slice(b"data");
    header[40..44].copy_from_slice(&data_bytes.to_le_bytes());
    header
}

/// The sound in a file of 16-bit samples.
///
/// ```
/// use live_audio::{Wav, WavChannels};
///
/// let wav = Wav { rate_hz: 24_000, channels: WavChannels::Mono, samples: vec![0, 1, -1] };
/// let mut file = Vec::new();
/// wav.encode(&mut file);
/// assert_eq!(Wav::decode(&file)?, wav);
/// # Ok::<(), live_audio::WavError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second and channel.
    pub rate_hz: u32,
    /// How many channels there are.
    pub channels: WavChannels,
    /// The samples; those of two channels alternate.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Appends the file.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(wav_header(self.rate_hz, self.channels, WavLength::Bytes(self.samples.len() * 2)));
        bytes_of(&self.samples, out);
    }

    /// Reads a file: chunks in any order, unknown ones skipped, a streaming length taken to the end.
    ///
    /// # Errors
    ///
    /// [`WavError`] for anything but 16-bit PCM in one or two channels, and for a file that is cut short.
    pub fn decode(file: &[u8]) -> Result<Self, WavError> {
        let [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..] = file else {
            return Err(WavError::NotWav);
        };
        let (mut format, mut data, mut rest) = (None, None, chunks);
        while let [a, b, c, d, s0, s1, s2, s3, body @ ..] = rest {
            let (id, size) = ([*a, *b, *c, *d], u32::from_le_bytes([*s0, *s1, *s2, *s3]));
            let length = match usize::try_from(size) {
                Ok(length) if length <= body.len() => length,
                _ if id == *b"data" && size >= STREAMING_FROM => body.len(),
                _ => return Err(WavError::Truncated { chunk: id, bytes: size, found: body.len() }),
            };
            match &id {
                b"fmt " => format = Some(Format::parse(&body[..length])?),
                b"data" => data = data.or(Some(&body[..length])),
                _ => {}
            }
            // Chunks begin at even offsets; the last one may lack its padding.
            rest = body.get(length + length % 2..).unwrap_or_default();
        }
        let Format { rate_hz, channels, law: _ } = format.ok_or(WavError::Missing("fmt "))?;
        let mut samples: Vec<i16> = samples_of(data.ok_or(WavError::Missing("data"))?).collect();
        samples.truncate(samples.len() - samples.len() % usize::from(channels.count()));
        Ok(Self { rate_hz, channels, samples })
    }

    /// Mixes two channels down to one.
    #[must_use]
    pub fn into_mono(self) -> Self {
        let samples = match self.channels {
            WavChannels::Mono => self.samples,
            WavChannels::Stereo => {
                let (pairs, _) = self.samples.as_chunks();
                pairs.iter().map(|[left, right]| left.midpoint(*right)).collect()
            }
        };
        Self { rate_hz: self.rate_hz, channels: WavChannels::Mono, samples }
    }
}

/// Reads files that come in pieces; the first piece of each holds its whole header.
#[derive(Clone, Debug, Default)]
pub(crate) struct WavReader {
    file: Option<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    format: Format,
    /// Bytes of sound that are still to come.
    left: usize,
    /// The beginning of a frame that is not there yet.
    part: Vec<u8>,
}

impl WavReader {
    /// Appends the samples of the next piece, mixed down. Returns the rate if a file begins with it.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<i16>) -> Result<Option<u32>, WavError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        if let (Some(open), false) = (&mut self.file, bytes.starts_with(b"RIFF")) {
            open.take(bytes, out);
            return Ok(None);
        }
        let (format, left, sound) = Self::read_header(bytes)?;
        let rate_hz = format.rate_hz;
        self.file.insert(Open { format, left, part: Vec::new() }).take(sound, out);
        Ok(Some(rate_hz))
    }

    /// The format, how many bytes of sound there will be, and those that are here.
    fn read_header(file: &[u8]) -> Result<(Format, usize, &[u8]), WavError> {
        let [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', chunks @ ..] = file else {
            return Err(WavError::NotWav);
        };
        let (mut format, mut rest) = (None, chunks);
        while let [a, b, c, d, s0, s1, s2, s3, body @ ..] = rest {
            let (id, size) = ([*a, *b, *c, *d], u32::from_le_bytes([*s0, *s1, *s2, *s3]));
            if id == *b"data" {
                let format: Format = format.ok_or(WavError::Missing("fmt "))?;
                if !PcmFormat::RATES_HZ.contains(&format.rate_hz) {
                    return Err(WavError::RateNotTaken(format.rate_hz));
                }
                let left = if size >= STREAMING_FROM { usize::MAX } else { size as usize };
                return Ok((format, left, body));
            }
            let length = usize::try_from(size).ok().filter(|length| *length <= body.len());
            let length = length.ok_or(WavError::Truncated { chunk: id, bytes: size, found: body.len() })?;
            if id == *b"fmt " {
                format = Some(Format::parse_any(&body[..length])?);
            }
            rest = body.get(length + length % 2..).unwrap_or_default();
        }
        Err(WavError::Missing(if format.is_some() { "data" } else { "fmt " }))
    }
}

impl Open {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<i16>) {
        // Chunks behind the sound say nothing.
        let bytes = &bytes[..bytes.len().min(self.left)];
        self.left -= if self.left == usize::MAX { 0 } else { bytes.len() };
        self.part.extend_from_slice(bytes);
        let sample_bytes = if self.format.law.is_some() { 1 } else { 2 };
        let frame_bytes = sample_bytes * usize::from(self.format.channels.count());
        let whole = self.part.len() / frame_bytes * frame_bytes;
        let law = self.format.law;
        let sample = |bytes: &[u8]| match (law, bytes) {
            (Some(law), [byte, ..]) => law.expand(*byte),
            (None, [low, high, ..]) => i16::from_le_bytes([*low, *high]),
            (_, _) => 0,
        };
        out.extend(self.part[..whole].chunks_exact(frame_bytes).map(|frame| match self.format.channels {
            WavChannels::Mono => sample(frame),
            WavChannels::Stereo => sample(frame).midpoint(sample(&frame[sample_bytes..])),
        }));
        self.part.drain(..whole);
    }
}

/// Lengths from here on are what programs write when they do not know the length (2^31 and up, less a header).
const STREAMING_FROM: u32 = 0x7fff_ff00;
const FORMAT_PCM: u16 = 1;
const FORMAT_A_LAW: u16 = 6;
const FORMAT_MU_LAW: u16 = 7;
const FORMAT_EXTENSIBLE: u16 = 0xfffe;

#[derive(Clone, Copy, Debug)]
struct Format {
    rate_hz: u32,
    channels: WavChannels,
    /// `None` of 16-bit PCM.
    law: Option<G711>,
}

impl Format {
    /// Of 16-bit PCM only.
    fn parse(body: &[u8]) -> Result<Self, WavError> {
        let format = Self::parse_any(body)?;
        match format.law {
            None => Ok(format),
            Some(G711::ALaw) => Err(WavError::Encoding(FORMAT_A_LAW)),
            Some(G711::MuLaw) => Err(WavError::Encoding(FORMAT_MU_LAW)),
        }
    }

    fn parse_any(body: &[u8]) -> Result<Self, WavError> {
        let Some(([tag0, tag1, channels0, channels1, r0, r1, r2, r3, _, _, _, _, _, _, bits0, bits1], extension)) =
            body.split_first_chunk()
        else {
            return Err(WavError::Truncated { chunk: *b"fmt ", bytes: 16, found: body.len() });
        };
        let tag = match u16::from_le_bytes([*tag0, *tag1]) {
            // The extension names the real format in the first two bytes of a GUID.
            FORMAT_EXTENSIBLE => {
                extension.get(8..10).map_or(FORMAT_EXTENSIBLE, |tag| u16::from_le_bytes([tag[0], tag[1]]))
            }
            tag => tag,
        };
        let (law, bits_due) = match tag {
            FORMAT_PCM => (None, 16),
            FORMAT_A_LAW => (Some(G711::ALaw), 8),
            FORMAT_MU_LAW => (Some(G711::MuLaw), 8),
            tag => return Err(WavError::Encoding(tag)),
        };
        let bits = u16::from_le_bytes([*bits0, *bits1]);
        if bits != bits_due {
            return Err(WavError::Bits(bits));
        }
        let channels = match u16::from_le_bytes([*channels0, *channels1]) {
            1 => WavChannels::Mono,
            2 => WavChannels::Stereo,
            count => return Err(WavError::Channels(count)),
        };
        let rate_hz = u32::from_le_bytes([*r0, *r1, *r2, *r3]);
        if rate_hz == 0 {
            return Err(WavError::Rate);
        }
        Ok(Self { rate_hz, channels, law })
    }
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WavError {
    /// It does not begin with `RIFF....WAVE`.
    NotWav,
    /// A chunk is longer than what is left of the file.
    Truncated {
        /// Its four letters.
        chunk: [u8; 4],
        /// Bytes it says it has.
        bytes: u32,
        /// Bytes that are there.
        found: usize,
    },
    /// A chunk that every file has is not there.
    Missing(&'static str),
    /// Not PCM; the number is the format tag.
    Encoding(u16),
    /// Not 16 bits a sample.
    Bits(u16),
    /// Neither one nor two channels.
    Channels(u16),
    /// No samples a second.
    Rate,
    /// A rate outside [`PcmFormat::RATES_HZ`], in a stream.
    RateNotTaken(u32),
}

impl fmt::Display for WavError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => f.write_str("expected a file that begins with RIFF and WAVE; convert it to WAV"),
            Self::Truncated { chunk, bytes, found } => {
                write!(
                    f,
                    "chunk {} should have {bytes} bytes, found {found}; the file is cut short",
                    chunk.escape_ascii()
                )
            }
            Self::Missing(chunk) => write!(f, "expected a chunk {chunk:?}, found none; the file is incomplete"),
            Self::Encoding(tag) => write!(f, "expected PCM (format 1), found format {tag}; convert it to 16-bit PCM"),
            Self::Bits(bits) => write!(f, "expected 16 bits a sample, found {bits}; convert it to 16-bit PCM"),
            Self::Channels(count) => write!(f, "expected one or two channels, found {count}; mix it down"),
            Self::RateNotTaken(rate_hz) => {
                write!(f, "expected 8000 to 48000 samples a second, found {rate_hz}; resample it")
            }
            Self::Rate => f.write_str("expected a sample rate above 0, found 0; the file is damaged"),
        }
    }
}

impl std::error::Error for WavError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{WAV_HEADER_BYTES, Wav, WavChannels, WavError, WavLength, wav_header};

    fn file(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        for (id, body) in chunks {
            file.extend_from_slice(*id);
            file.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
            file.extend_from_slice(body);
            file.extend(std::iter::repeat_n(0, body.len() % 2));
        }
        file
    }

    fn format(tag: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(tag.to_le_bytes());
        body.extend(channels.to_le_bytes());
        body.extend(rate_hz.to_le_bytes());
        body.extend([0; 6]);
        body.extend(bits.to_le_bytes());
        body
    }

    #[test]
    fn the_header_is_the_canonical_one() {
        let header = wav_header(24_000, WavChannels::Mono, WavLength::Bytes(4));
        assert_eq!(
            header,
            *b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data\x04\0\0\0"
        );
    }

    #[test]
    fn chunks_come_in_any_order_and_unknown_ones_are_skipped() {
        let wav = Wav::decode(&file(&[
            (b"LIST", b"odd"),
            (b"data", &[1, 0, 2, 0, 3, 0, 4, 0]),
            (b"fact", &[]),
            (b"fmt ", &format(1, 2, 8_000, 16)),
        ]));
        let expected = Wav { rate_hz: 8_000, channels: WavChannels::Stereo, samples: vec![1, 2, 3, 4] };
        assert_eq!(wav, Ok(expected.clone()));
        assert_eq!(expected.into_mono().samples, [1, 3]);
    }

    #[test]
    fn an_extensible_format_is_what_its_extension_says() {
        let mut extensible = format(0xfffe, 1, 16_000, 16);
        extensible.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        extensible.extend([0; 14]);
        let wav = Wav::decode(&file(&[(b"fmt ", &extensible), (b"data", &[7, 0])]));
        assert_eq!(wav.map(|wav| wav.samples), Ok(vec![7]));
    }

    #[test]
    fn a_streamed_file_is_read_to_its_end() {
        let mut streamed = wav_header(16_000, WavChannels::Mono, WavLength::Streaming).to_vec();
        streamed.extend([1, 0, 2, 0, 3]);
        assert_eq!(Wav::decode(&streamed).map(|wav| wav.samples), Ok(vec![1, 2]));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let fmt = |body: &[u8]| Wav::decode(&file(&[(b"fmt ", body), (b"data", &[])]));
        assert_eq!(Wav::decode(b"OggS"), Err(WavError::NotWav));
        assert_eq!(Wav::decode(&file(&[(b"data", &[])])), Err(WavError::Missing("fmt ")));
        assert_eq!(Wav::decode(&file(&[(b"fmt ", &format(1, 1, 16_000, 16))])), Err(WavError::Missing("data")));
        assert_eq!(fmt(&format(3, 1, 16_000, 32)), Err(WavError::Encoding(3)));
        assert_eq!(fmt(&format(1, 1, 16_000, 24)), Err(WavError::Bits(24)));
        assert_eq!(fmt(&format(1, 6, 16_000, 16)), Err(WavError::Channels(6)));
        assert_eq!(fmt(&format(1, 1, 0, 16)), Err(WavError::Rate));
        assert_eq!(fmt(&[1, 0]), Err(WavError::Truncated { chunk: *b"fmt ", bytes: 16, found: 2 }));

        let mut cut = wav_header(16_000, WavChannels::Mono, WavLength::Bytes(100)).to_vec();
        cut.extend([0; 60]);
        let error = Wav::decode(&cut).expect_err("forty bytes are missing");
        assert_eq!(error.to_string(), "chunk data should have 100 bytes, found 60; the file is cut short");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = Wav::decode(&bytes);
        }

        #[test]
        fn no_damaged_file_makes_the_reader_panic(
            samples in prop::collection::vec(any::<i16>(), 0..32),
            damage in prop::collection::vec((0_usize..WAV_HEADER_BYTES, any::<u8>()), 0..4),
            length in 0_usize..120,
        ) {
            let mut file = Vec::new();
            Wav { rate_hz: 24_000, channels: WavChannels::Mono, samples }.encode(&mut file);
            for (at, byte) in damage {
                file[at] = byte;
            }
            file.truncate(length);
            if let Ok(wav) = Wav::decode(&file) {
                prop_assert!(wav.samples.len() * 2 <= file.len());
            }
        }

        #[test]
        fn what_is_written_is_read_back(rate_hz in 1_u32.., stereo: bool, samples in prop::collection::vec(any::<[i16; 2]>(), 0..64)) {
            let channels = if stereo { WavChannels::Stereo } else { WavChannels::Mono };
            let wav = Wav { rate_hz, channels, samples: samples.concat() };
            let mut file = Vec::new();
            wav.encode(&mut file);
            prop_assert_eq!(Wav::decode(&file), Ok(wav));
        }
    }
}
