//! Sound that knows its rate, so that none can be sent without.
//!
//! Formats themselves are `live-audio`'s.

use bytes::Bytes;
use live_audio::{PcmFormat, bytes_of};
use live_proto::{Blob, MimeType};

/// 16-bit little-endian mono PCM and its rate.
#[derive(Clone, PartialEq, Eq)]
pub struct Pcm {
    format: PcmFormat,
    bytes: Bytes,
}

/// PCM whose last sample is cut in half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes are no whole number of 16-bit samples: keep the odd byte for the next piece")]
pub struct HalfSample(pub usize);

impl Pcm {
    /// Sound from bytes.
    ///
    /// # Errors
    /// When the last sample is cut.
    ///
    /// ```
    /// use live_client::{Pcm, PcmFormat};
    ///
    /// let ten_ms = Pcm::new(PcmFormat::INPUT, vec![0; 320])?;
    /// assert_eq!(ten_ms.duration().as_millis(), 10);
    /// # Ok::<(), live_client::HalfSample>(())
    /// ```
    pub fn new(format: PcmFormat, bytes: impl Into<Bytes>) -> Result<Self, HalfSample> {
        let bytes = bytes.into();
        if bytes.len() % 2 == 0 { Ok(Self { format, bytes }) } else { Err(HalfSample(bytes.len())) }
    }

    /// Sound from samples.
    pub fn from_samples(format: PcmFormat, samples: &[i16]) -> Self {
        let mut bytes = Vec::with_capacity(samples.len() * 2);
        bytes_of(samples, &mut bytes);
        Self { format, bytes: bytes.into() }
    }

    /// The rate.
    pub fn format(&self) -> PcmFormat {
        self.format
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How long it lasts.
    pub fn duration(&self) -> std::time::Duration {
        self.format.duration_of(self.bytes.len())
    }
}

impl From<Pcm> for Blob {
    fn from(Pcm { format, bytes }: Pcm) -> Self {
        let mime_type = match format {
            PcmFormat::INPUT => MimeType::PCM_16K,
            PcmFormat::OUTPUT => MimeType::PCM_24K,
            other => other.to_string().into(),
        };
        Self::new(mime_type, bytes)
    }
}

/// Prints rate and size, not samples.
impl std::fmt::Debug for Pcm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pcm({}, {} bytes)", self.format, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mime_type_names_the_rate() {
        let mime = |rate| Blob::from(Pcm::from_samples(PcmFormat::new(rate).unwrap(), &[1, -1])).mime_type;
        assert_eq!(mime(16_000), "audio/pcm;rate=16000");
        assert_eq!(mime(24_000), "audio/pcm;rate=24000");
        assert_eq!(mime(8_000), "audio/pcm;rate=8000");
    }

    #[test]
    fn samples_are_little_endian_and_whole() {
        assert_eq!(&Pcm::from_samples(PcmFormat::INPUT, &[1, -2]).bytes()[..], [1, 0, 0xFE, 0xFF]);
        assert_eq!(Pcm::new(PcmFormat::INPUT, vec![0; 3]), Err(HalfSample(3)));
    }
}
