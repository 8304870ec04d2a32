//! Bytes with a type: audio, images, and the types they come in.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::Blob;

/// A media type such as `audio/pcm;rate=16000`. The usual ones are static, so that a stream of audio does not allocate them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MimeType(Cow<'static, str>);

impl MimeType {
    /// 16-bit little-endian mono PCM at 16 kHz: what clients send.
    pub const PCM_16K: Self = Self(Cow::Borrowed("audio/pcm;rate=16000"));
    /// 16-bit little-endian mono PCM at 24 kHz: what servers send.
    pub const PCM_24K: Self = Self(Cow::Borrowed("audio/pcm;rate=24000"));
    /// PCM without a rate: 16 kHz from a client, 24 kHz from a server.
    pub const PCM: Self = Self(Cow::Borrowed("audio/pcm"));
    /// A JPEG image.
    pub const JPEG: Self = Self(Cow::Borrowed("image/jpeg"));
    /// A PNG image.
    pub const PNG: Self = Self(Cow::Borrowed("image/png"));

    /// The text of the type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for a blob that names no type.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The constant of a usual type.
    #[inline]
    pub(crate) fn usual(text: &[u8]) -> Option<Self> {
        match text {
            b"audio/pcm;rate=16000" => Some(Self::PCM_16K),
            b"audio/pcm;rate=24000" => Some(Self::PCM_24K),
            b"audio/pcm" => Some(Self::PCM),
            b"image/jpeg" => Some(Self::JPEG),
            b"image/png" => Some(Self::PNG),
            _ => None,
        }
    }
}

impl From<&str> for MimeType {
    fn from(text: &str) -> Self {
        Self::usual(text.as_bytes()).unwrap_or_else(|| Self(Cow::Owned(text.to_owned())))
    }
}

impl From<String> for MimeType {
    fn from(text: String) -> Self {
        Self::usual(text.as_bytes()).unwrap_or(Self(Cow::Owned(text)))
    }
}

impl From<MimeType> for String {
    fn from(mime_type: MimeType) -> Self {
        mime_type.0.into_owned()
    }
}

impl fmt::Display for MimeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for MimeType {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for MimeType {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl Blob {
    /// Bytes of a type.
    pub fn new(mime_type: impl Into<MimeType>, data: impl Into<Bytes>) -> Self {
        Self { mime_type: mime_type.into(), data: data.into(), display_name: String::new() }
    }

    /// 16-bit little-endian mono PCM at 16 kHz: 32 bytes a millisecond.
    pub fn pcm16k(data: impl Into<Bytes>) -> Self {
        Self { mime_type: MimeType::PCM_16K, data: data.into(), display_name: String::new() }
    }

    /// 16-bit little-endian mono PCM at 24 kHz: 48 bytes a millisecond.
    pub fn pcm24k(data: impl Into<Bytes>) -> Self {
        Self { mime_type: MimeType::PCM_24K, data: data.into(), display_name: String::new() }
    }

    /// A JPEG image, such as a frame of video.
    pub fn jpeg(data: impl Into<Bytes>) -> Self {
        Self { mime_type: MimeType::JPEG, data: data.into(), display_name: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_size_of_a_blob() {
        let blob = Blob::pcm16k(vec![7; 640]);
        assert_eq!(format!("{blob:?}"), r#"Blob { mime_type: MimeType("audio/pcm;rate=16000"), data: 640 bytes }"#);
    }

    #[test]
    fn a_usual_type_is_the_constant() {
        let MimeType(text) = MimeType::from("audio/pcm;rate=16000".to_owned());
        assert!(matches!(text, Cow::Borrowed(_)));
    }
}
