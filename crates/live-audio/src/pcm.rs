//! Raw PCM: what a mime type says about it, how long it lasts, and how bytes become samples.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Raw audio as the Live API carries it: 16-bit signed little-endian samples, one channel.
///
/// ```
/// use std::time::Duration;
/// use live_audio::PcmFormat;
///
/// let format: PcmFormat = "audio/pcm;rate=24000".parse()?;
/// assert_eq!(format, PcmFormat::OUTPUT);
/// assert_eq!(format.duration_of(9_600), Duration::from_millis(200));
/// assert_eq!(format.to_string(), "audio/pcm;rate=24000");
/// # Ok::<(), live_audio::PcmFormatError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PcmFormat {
    rate_hz: u32,
}

impl PcmFormat {
    /// What clients send, and what a bare `audio/pcm` means: 16 kHz.
    pub const INPUT: Self = Self { rate_hz: 16_000 };
    /// What models speak: 24 kHz.
    pub const OUTPUT: Self = Self { rate_hz: 24_000 };
    /// Rates that are accepted, in samples a second.
    pub const RATES_HZ: RangeInclusive<u32> = 8_000..=48_000;

    /// Makes a format of the given rate.
    ///
    /// # Errors
    ///
    /// [`PcmFormatError::Rate`] for a rate outside [`RATES_HZ`](Self::RATES_HZ).
    pub fn new(rate_hz: u32) -> Result<Self, PcmFormatError> {
        if Self::RATES_HZ.contains(&rate_hz) {
            Ok(Self { rate_hz })
        } else {
            Err(PcmFormatError::Rate(rate_hz.to_string()))
        }
    }

    /// Samples a second.
    pub const fn rate_hz(self) -> u32 {
        self.rate_hz
    }

    /// Returns how long that many bytes last; half a sample at the end does not count.
    pub fn duration_of(self, bytes: usize) -> Duration {
        let samples = (bytes / SAMPLE_BYTES) as u64;
        let rate_hz = u64::from(self.rate_hz);
        let nanos = (samples % rate_hz) * 1_000_000_000 / rate_hz;
        Duration::from_secs(samples / rate_hz) + Duration::from_nanos(nanos)
    }

    /// Returns how many bytes the whole samples within `duration` take; saturates.
    pub fn bytes_in(self, duration: Duration) -> usize {
        let samples = duration.as_nanos() * u128::from(self.rate_hz) / 1_000_000_000;
        usize::try_from(samples).unwrap_or(usize::MAX / SAMPLE_BYTES).saturating_mul(SAMPLE_BYTES)
    }
}

impl fmt::Display for PcmFormat {
    /// Writes the mime type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audio/pcm;rate={}", self.rate_hz)
    }
}

impl FromStr for PcmFormat {
    type Err = PcmFormatError;

    /// Parses a mime type: `audio/pcm` or `audio/l16`, any case and spacing, with an optional `rate`; without it 16 kHz.
    ///
    /// Google's services write `audio/L16` for little-endian samples, against RFC 2586, so here it means the same as `audio/pcm`.
    /// Parameters other than `rate` and `channels` (such as `codec=pcm`) do not change what the bytes are and are passed over.
    fn from_str(mime_type: &str) -> Result<Self, Self::Err> {
        let essence = mime_type.split(';').next().unwrap_or_default().trim();
        if !["audio/pcm", "audio/l16"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
            return Err(PcmFormatError::Type(essence.to_owned()));
        }
        Ok(Self::parse_parameters(mime_type)?.unwrap_or(Self::INPUT))
    }
}

impl PcmFormat {
    /// The rate that the parameters of a mime type give, if they give one.
    pub(crate) fn parse_parameters(mime_type: &str) -> Result<Option<Self>, PcmFormatError> {
        let mut format = None;
        for parameter in mime_type.split(';').skip(1).map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("rate") {
                if format.is_some() {
                    return Err(PcmFormatError::RateTwice);
                }
                let rate_hz = value.parse().map_err(|_| PcmFormatError::Rate(value.to_owned()))?;
                format = Some(Self::new(rate_hz)?);
            } else if name.eq_ignore_ascii_case("channels") && value != "1" {
                return Err(PcmFormatError::Channels(value.to_owned()));
            }
        }
        Ok(format)
    }
}

/// Why a mime type is not a PCM format that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PcmFormatError {
    /// Neither `audio/pcm` nor `audio/l16`.
    Type(String),
    /// Not a number of samples a second, or one outside [`PcmFormat::RATES_HZ`].
    Rate(String),
    /// `rate` is given more than once.
    RateTwice,
    /// More than one channel.
    Channels(String),
}

impl fmt::Display for PcmFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(found) => {
                write!(f, "expected audio/pcm or audio/l16, found {found:?}; send 16-bit PCM as audio/pcm;rate=16000")
            }
            Self::Rate(found) => write!(
                f,
                "rate must be a whole number from {} to {}, found {found:?}; resample, or name the rate the samples have",
                PcmFormat::RATES_HZ.start(),
                PcmFormat::RATES_HZ.end(),
            ),
            Self::RateTwice => f.write_str("rate is given more than once; give it once"),
            Self::Channels(found) => write!(f, "channels must be 1, found {found:?}; mix down to mono"),
        }
    }
}

impl std::error::Error for PcmFormatError {}

const SAMPLE_BYTES: usize = size_of::<i16>();

/// Appends the little-endian bytes of the samples.
pub fn bytes_of(samples: &[i16], out: &mut Vec<u8>) {
    out.reserve(samples.len() * SAMPLE_BYTES);
    out.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
}

/// Iterates over the samples in little-endian bytes; half a sample at the end is left out.
pub fn samples_of(bytes: &[u8]) -> impl ExactSizeIterator<Item = i16> {
    bytes.as_chunks().0.iter().map(|pair| i16::from_le_bytes(*pair))
}

/// Keeps the odd byte of a chunk for the next one, for peers that cut their audio anywhere.
///
/// ```
/// let mut carry = live_audio::Carry::default();
/// let mut samples = Vec::new();
/// carry.push(&[1, 0, 2], &mut samples);
/// assert!(carry.is_odd());
/// carry.push(&[0], &mut samples);
/// assert_eq!(samples, [1, 2]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    byte: Option<u8>,
}

impl Carry {
    /// Appends all samples that `bytes` completes.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<i16>) {
        if let (Some(low), [high, rest @ ..]) = (self.byte, bytes) {
            out.push(i16::from_le_bytes([low, *high]));
            self.byte = None;
            bytes = rest;
        }
        out.extend(samples_of(bytes));
        if let [odd] = bytes.as_chunks::<SAMPLE_BYTES>().1 {
            self.byte = Some(*odd);
        }
    }

    /// Goes on behind half a sample.
    pub fn after(byte: Option<u8>) -> Self {
        Self { byte }
    }

    /// The half of a sample that is waiting for its other half.
    pub fn byte(self) -> Option<u8> {
        self.byte
    }

    /// Whether half a sample is waiting for its other half.
    pub fn is_odd(self) -> bool {
        self.byte.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Carry, PcmFormat, PcmFormatError, bytes_of, samples_of};

    #[test]
    fn mime_types_are_read_in_any_case_and_spacing() {
        for (mime_type, rate_hz) in [
            ("audio/pcm", 16_000),
            ("audio/pcm;rate=16000", 16_000),
            ("audio/pcm; rate=24000", 24_000),
            ("AUDIO/PCM ; Rate = 8000", 8_000),
            ("audio/l16; rate=24000", 24_000),
            ("audio/L16;codec=pcm;rate=24000", 24_000),
            ("audio/pcm;rate=\"48000\";channels=1;", 48_000),
        ] {
            assert_eq!(mime_type.parse::<PcmFormat>().map(PcmFormat::rate_hz), Ok(rate_hz), "{mime_type}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_refused_with_rule_and_fix() {
        for (mime_type, error) in [
            (
                "audio/wav",
                "expected audio/pcm or audio/l16, found \"audio/wav\"; send 16-bit PCM as audio/pcm;rate=16000",
            ),
            ("", "expected audio/pcm or audio/l16, found \"\"; send 16-bit PCM as audio/pcm;rate=16000"),
            (
                "audio/pcm;rate=7999",
                "rate must be a whole number from 8000 to 48000, found \"7999\"; resample, or name the rate the samples have",
            ),
            (
                "audio/pcm;rate=fast",
                "rate must be a whole number from 8000 to 48000, found \"fast\"; resample, or name the rate the samples have",
            ),
            (
                "audio/pcm;rate",
                "rate must be a whole number from 8000 to 48000, found \"\"; resample, or name the rate the samples have",
            ),
            ("audio/pcm;rate=16000;rate=16000", "rate is given more than once; give it once"),
            ("audio/pcm;channels=2", "channels must be 1, found \"2\"; mix down to mono"),
        ] {
            assert_eq!(mime_type.parse::<PcmFormat>().map_err(|error| error.to_string()), Err(error.to_owned()));
        }
        assert_eq!(PcmFormat::new(48_001), Err(PcmFormatError::Rate("48001".to_owned())));
    }

    #[test]
    fn bytes_and_durations_convert() {
        assert_eq!(PcmFormat::INPUT.duration_of(32_000), Duration::from_secs(1));
        assert_eq!(PcmFormat::INPUT.duration_of(641), Duration::from_millis(20));
        assert_eq!(PcmFormat::OUTPUT.bytes_in(Duration::from_millis(240)), 11_520);
        assert_eq!(PcmFormat::OUTPUT.bytes_in(Duration::from_nanos(41_666)), 0);
        assert_eq!(PcmFormat::OUTPUT.bytes_in(Duration::MAX) % 2, 0);
    }

    proptest! {
        #[test]
        fn every_whole_number_of_samples_has_a_duration_that_gives_it_back(samples in 0_usize..10_000_000, rate_hz in PcmFormat::RATES_HZ) {
            let format = PcmFormat::new(rate_hz).expect("in range");
            let duration = format.duration_of(samples * 2);
            // The duration is rounded down to a nanosecond, so the way back needs it rounded up.
            prop_assert_eq!(format.bytes_in(duration + Duration::from_nanos(1)), samples * 2);
        }

        #[test]
        fn samples_survive_the_way_through_bytes_cut_anywhere(samples in prop::collection::vec(any::<i16>(), 0..64), cuts in prop::collection::vec(0_usize..7, 0..64)) {
            let mut bytes = Vec::new();
            bytes_of(&samples, &mut bytes);
            prop_assert_eq!(&samples_of(&bytes).collect::<Vec<_>>(), &samples);

            let (mut carry, mut out, mut rest) = (Carry::default(), Vec::new(), bytes.as_slice());
            for cut in cuts {
                let (chunk, later) = rest.split_at(cut.min(rest.len()));
                carry.push(chunk, &mut out);
                rest = later;
            }
            carry.push(rest, &mut out);
            prop_assert!(!carry.is_odd());
            prop_assert_eq!(out, samples);
        }
    }
}
