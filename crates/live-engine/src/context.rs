//! What a session remembers and what that costs: the history with its tokens, by modality.
//!
//! The counting rule is ours, stated here, and stands in for a tokenizer that is not public:
//!
//! | what | tokens | modality |
//! |---|---|---|
//! | text, of anyone | 1 per 4 bytes of UTF-8, rounded up for each part | TEXT |
//! | PCM, in and out | 25 per second, rounded up for each part | AUDIO |
//! | other audio, PCM of several channels or an unusable rate too | as PCM, at an assumed 64 kbit/s | AUDIO |
//! | a frame of realtime video | 258 | VIDEO |
//! | an inline picture | 258 | IMAGE |
//! | an inline film | 258 | VIDEO |
//! | any other file | 258 | DOCUMENT |
//! | a function call or response | as text: its name, its keys and its values | TEXT |
//!
//! Not here: the history itself, and cutting it when it grows too large (the room for the window).

use std::ops::{AddAssign, SubAssign};

use live_audio::PcmFormat;
use live_proto::{
    Blob, Content, FunctionCall, FunctionResponse, MediaModality, ModalityTokenCount, Part, PartData, Struct, Value,
};

mod held;
mod window;

pub(crate) use self::held::{ITEM_BYTES, content_bytes, label_bytes, part_bytes, tools_bytes};
pub use self::window::{Compression, Entry, Evicted};
pub(crate) use self::window::{Context, Room};

/// Tokens of sound in a second.
pub const AUDIO_TOKENS_PER_SECOND: u64 = 25;
/// Tokens of a picture.
pub const FRAME_TOKENS: u64 = 258;
/// Bytes of text in a token.
pub const TEXT_BYTES_PER_TOKEN: u64 = 4;
/// Sample rate of the model's speech, in Hz.
pub const OUTPUT_RATE: u64 = 24_000;

/// Token counts by modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Words, calls, code.
    pub text: u64,
    /// Sound.
    pub audio: u64,
    /// Pictures.
    pub image: u64,
    /// Frames of video.
    pub video: u64,
    /// Other files.
    pub document: u64,
}

impl Tokens {
    /// All modalities together.
    pub fn total(&self) -> u64 {
        self.text + self.audio + self.image + self.video + self.document
    }

    /// The modalities that occur, as the wire lists them.
    pub fn details(&self) -> Vec<ModalityTokenCount> {
        let Self { text, audio, image, video, document } = *self;
        [
            (MediaModality::Text, text),
            (MediaModality::Audio, audio),
            (MediaModality::Image, image),
            (MediaModality::Video, video),
            (MediaModality::Document, document),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(modality, count)| ModalityTokenCount { modality, token_count: wire_count(count) })
        .collect()
    }

    /// Counts the parts of a content.
    pub fn of(content: &Content) -> Self {
        let mut tokens = Self::default();
        for part in &content.parts {
            tokens += Self::of_part(part);
        }
        tokens
    }

    /// Counts one part.
    pub fn of_part(part: &Part) -> Self {
        match &part.data {
            None => Self::default(),
            Some(PartData::Text(text)) => Self::of_text_bytes(text.len()),
            Some(PartData::InlineData(blob)) => Self::of_blob(blob),
            Some(PartData::FunctionCall(call)) => Self::of_text_bytes(call_bytes(call)),
            Some(PartData::FunctionResponse(response)) => Self::of_text_bytes(response_bytes(response)),
            Some(PartData::FileData(file)) => Self::of_file(&file.mime_type),
            Some(PartData::ExecutableCode(code)) => Self::of_text_bytes(code.code.len()),
            Some(PartData::CodeExecutionResult(result)) => Self::of_text_bytes(result.output.len()),
        }
    }

    /// Counts a frame of realtime video.
    pub fn of_frame() -> Self {
        Self { video: FRAME_TOKENS, ..Self::default() }
    }

    /// Counts text by its length.
    pub fn of_text_bytes(bytes: usize) -> Self {
        Self { text: (bytes as u64).div_ceil(TEXT_BYTES_PER_TOKEN), ..Self::default() }
    }

    /// Counts 16-bit mono PCM by its length.
    pub fn of_pcm_bytes(bytes: u64, rate: u64) -> Self {
        Self { audio: (bytes / 2 * AUDIO_TOKENS_PER_SECOND).div_ceil(rate.max(1)), ..Self::default() }
    }

    fn of_blob(blob: &Blob) -> Self {
        let mime = blob.mime_type.as_str();
        match kind(mime) {
            Kind::Audio => {
                let bytes = blob.data.len() as u64;
                if let Ok(format) = mime.parse::<PcmFormat>() {
                    return Self::of_pcm_bytes(bytes, format.rate_hz().into());
                }
                let bytes_per_second = 64_000 / 8;
                let audio = (bytes * AUDIO_TOKENS_PER_SECOND).div_ceil(bytes_per_second);
                Self { audio, ..Self::default() }
            }
            Kind::Text => Self::of_text_bytes(blob.data.len()),
            Kind::Image | Kind::Video | Kind::Other => Self::of_file(mime),
        }
    }

    fn of_file(mime: &str) -> Self {
        match kind(mime) {
            Kind::Image => Self { image: FRAME_TOKENS, ..Self::default() },
            Kind::Video => Self { video: FRAME_TOKENS, ..Self::default() },
            Kind::Audio | Kind::Text | Kind::Other => Self { document: FRAME_TOKENS, ..Self::default() },
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        let Self { text, audio, image, video, document } = other;
        self.text += text;
        self.audio += audio;
        self.image += image;
        self.video += video;
        self.document += document;
    }
}

impl SubAssign for Tokens {
    fn sub_assign(&mut self, other: Self) {
        let Self { text, audio, image, video, document } = other;
        self.text -= text;
        self.audio -= audio;
        self.image -= image;
        self.video -= video;
        self.document -= document;
    }
}

/// A count as the wire holds it.
pub(crate) fn wire_count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What a MIME type means to the counting rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Image,
    Video,
    Text,
    Other,
}

pub(crate) fn kind(mime: &str) -> Kind {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    let Some((top, _)) = essence.split_once('/') else { return Kind::Other };
    if top.eq_ignore_ascii_case("audio") {
        Kind::Audio
    } else if top.eq_ignore_ascii_case("image") {
        Kind::Image
    } else if top.eq_ignore_ascii_case("video") {
        Kind::Video
    } else if top.eq_ignore_ascii_case("text") {
        Kind::Text
    } else {
        Kind::Other
    }
}

fn call_bytes(call: &FunctionCall) -> usize {
    call.name.len() + call.args.as_ref().map_or(0, struct_bytes)
}

fn response_bytes(response: &FunctionResponse) -> usize {
    response.name.len() + response.response.as_ref().map_or(0, struct_bytes)
}

fn struct_bytes(object: &Struct) -> usize {
    object.0.iter().map(|(key, value)| key.len() + value_bytes(value)).sum()
}

/// Decoders bound the depth of a value, so recursion ends.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(value_bytes).sum(),
        Value::Struct(object) => struct_bytes(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mime: &str, bytes: usize, expected: Tokens) {
        assert_eq!(Tokens::of_part(&Part::inline(Blob::new(mime, vec![0; bytes]))), expected, "{mime}");
    }

    #[test]
    fn blobs_are_counted_by_their_type() {
        let audio = |audio| Tokens { audio, ..Tokens::default() };
        check("audio/pcm;rate=16000", 32_000, audio(25));
        check("audio/pcm; Rate=8000", 32_000, audio(50));
        check("audio/pcm", 32_000, audio(25));
        check("audio/pcm;channels=1", 32_000, audio(25));
        check("audio/pcm;rate=16000;channels=2", 32_000, audio(100));
        check("audio/pcm;rate=0", 32_000, audio(100));
        check("audio/pcm;rate=loud", 1, audio(1));
        check("audio/l16;rate=24000", 2, audio(1));
        check("AUDIO/ogg", 8_000, audio(25));
        check("image/png", 1, Tokens { image: 258, ..Tokens::default() });
        check("video/mp4", 1, Tokens { video: 258, ..Tokens::default() });
        check("text/plain", 5, Tokens { text: 2, ..Tokens::default() });
        check("application/pdf", 1, Tokens { document: 258, ..Tokens::default() });
        check("", 1, Tokens { document: 258, ..Tokens::default() });
    }

    #[test]
    fn calls_are_counted_as_their_text() {
        let inner: Struct = [("b", Value::List(vec![Value::Null, Value::from(1.0)]))].into_iter().collect();
        let args: Struct = [("city", Value::from("Rome")), ("in", Value::Struct(inner))].into_iter().collect();
        let call = FunctionCall { name: "weather".into(), args: Some(args), ..FunctionCall::default() };
        // weather + city + Rome + in + b + null + a number of 8
        assert_eq!(Tokens::of_part(&Part::function_call(call)).text, u64::div_ceil(7 + 4 + 4 + 2 + 1 + 4 + 8, 4));
    }

    #[test]
    fn details_name_what_occurs() {
        let tokens = Tokens { text: 3, video: 1, ..Tokens::default() };
        let details: Vec<_> = tokens.details().into_iter().map(|it| (it.modality, it.token_count)).collect();
        assert_eq!(details, [(MediaModality::Text, 3), (MediaModality::Video, 1)]);
        assert_eq!(tokens.total(), 4);
    }
}
