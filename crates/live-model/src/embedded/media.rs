//! Pictures, sound and files in a prompt, described; the embedded model looks at none of them.

use std::time::Duration;

use live_audio::PcmFormat;

use super::piece::excerpt;

/// Kinds of media told apart in one description; more are counted as files.
const KINDS_MAX: usize = 8;
/// Characters of a MIME type or an address that a description repeats.
const LABEL_CHARS_MAX: usize = 60;

/// What came beside the text, kind by kind in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Media {
    kinds: Vec<Kind>,
}

#[derive(Clone, Debug, PartialEq)]
struct Kind {
    /// MIME type, or address of a file that is elsewhere.
    label: String,
    noun: Noun,
    count: usize,
    bytes: usize,
    /// Only of sound whose length can be read off its size.
    length: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noun {
    Speech,
    Recording,
    Image,
    Video,
    File,
}

impl Media {
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Adds media that came inside the prompt.
    pub(super) fn add_bytes(&mut self, mime: &str, bytes: usize) {
        match mime.parse::<PcmFormat>() {
            Ok(format) => self.add(mime, Noun::Speech, bytes, format.duration_of(bytes)),
            Err(_) => self.add(mime, Noun::of(mime), bytes, Duration::ZERO),
        }
    }

    /// Adds media that lie elsewhere.
    pub(super) fn add_address(&mut self, mime: &str, address: &str) {
        self.add(address, Noun::of(mime), 0, Duration::ZERO);
    }

    pub(super) fn append(&mut self, other: &Self) {
        for kind in &other.kinds {
            self.add(&kind.label, kind.noun, kind.bytes, kind.length);
            // One is counted by `add`.
            if let Some(own) = self.kinds.iter_mut().find(|own| own.is_same(&kind.label, kind.noun)) {
                own.count += kind.count - 1;
            }
        }
    }

    fn add(&mut self, label: &str, noun: Noun, bytes: usize, length: Duration) {
        let is_full = self.kinds.len() >= KINDS_MAX;
        let known = self.kinds.iter_mut().find(|kind| kind.is_same(label, noun));
        if let Some(kind) = known {
            kind.count += 1;
            kind.bytes += bytes;
            kind.length += length;
        } else if !is_full {
            self.kinds.push(Kind { label: label.to_owned(), noun, count: 1, bytes, length });
        } else if let Some(last) = self.kinds.last_mut() {
            *last = Kind {
                label: String::new(),
                noun: Noun::File,
                count: last.count + 1,
                bytes: last.bytes + bytes,
                length: Duration::ZERO,
            };
        }
    }

    /// One noun phrase for each kind: `2.0 s of speech`, `an image (image/jpeg, 1.2 kB)`.
    pub(super) fn phrases(&self) -> Vec<String> {
        self.kinds.iter().map(Kind::phrase).collect()
    }
}

impl Kind {
    fn is_same(&self, label: &str, noun: Noun) -> bool {
        // Speech is one stretch whatever rates it came at.
        self.noun == noun && (noun == Noun::Speech || self.label == label)
    }

    fn phrase(&self) -> String {
        let (one, many) = match self.noun {
            Noun::Speech => return format!("{:.1} s of speech", self.length.as_secs_f64()),
            Noun::Recording => ("an audio recording", "audio recordings"),
            Noun::Image => ("an image", "images"),
            Noun::Video => ("a video", "videos"),
            Noun::File => ("a file", "files"),
        };
        let what = if self.count == 1 { one.to_owned() } else { format!("{} {many}", self.count) };
        let label = excerpt(&self.label, LABEL_CHARS_MAX);
        match (label.is_empty(), self.bytes) {
            (true, 0) => what,
            (true, bytes) => format!("{what} ({})", size(bytes)),
            (false, 0) => format!("{what} ({label})"),
            (false, bytes) => format!("{what} ({label}, {})", size(bytes)),
        }
    }
}

impl Noun {
    /// What it is if it is not PCM that can be measured.
    fn of(mime: &str) -> Self {
        let top = mime.split(['/', ';']).next().unwrap_or_default().trim();
        let of_top = [("audio", Self::Recording), ("image", Self::Image), ("video", Self::Video)];
        of_top.into_iter().find(|(name, _)| top.eq_ignore_ascii_case(name)).map_or(Self::File, |(_, noun)| noun)
    }
}

/// A size in decimal units, as file managers print it.
fn size(bytes: usize) -> String {
    let bytes_f = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes_f / 1e3),
        _ => format!("{:.1} MB", bytes_f / 1e6),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(blobs: &[(&'static str, usize)], expected: &str) {
        let mut media = Media::default();
        for (mime, bytes) in blobs {
            media.add_bytes(mime, *bytes);
        }
        assert_eq!(listed(&media.phrases()), expected);
    }

    #[test]
    fn media_are_described_by_kind() {
        check(&[("image/jpeg", 1234)], "an image (image/jpeg, 1.2 kB)");
        check(&[("image/png", 10), ("image/png", 20)], "2 images (image/png, 30 B)");
        check(&[("audio/mpeg", 3_400_000)], "an audio recording (audio/mpeg, 3.4 MB)");
        check(
            &[("application/pdf", 2000), ("video/mp4", 5)],
            "a file (application/pdf, 2.0 kB) and a video (video/mp4, 5 B)",
        );
        check(&[("", 0)], "a file");
    }

    #[test]
    fn speech_is_measured_in_seconds_at_its_rate() {
        check(&[("audio/pcm;rate=16000", 32_000), ("audio/pcm", 32_000)], "2.0 s of speech");
        check(&[("audio/PCM; Rate=24000", 48_000)], "1.0 s of speech");
        check(&[("audio/pcm;channels=1", 16_000)], "0.5 s of speech");
    }

    #[test]
    fn pcm_that_cannot_be_measured_is_a_recording() {
        check(&[("audio/pcm;channels=2", 16_000)], "an audio recording (audio/pcm;channels=2, 16.0 kB)");
        check(&[("audio/pcm;rate=0", 16_000)], "an audio recording (audio/pcm;rate=0, 16.0 kB)");
    }

    #[test]
    fn many_kinds_are_folded_into_one() {
        let kinds = ["a/a", "a/b", "a/c", "a/d", "a/e", "a/f", "a/g", "a/h", "a/i", "a/j"];
        let mut media = Media::default();
        for mime in kinds {
            media.add(mime, Noun::File, 1, Duration::ZERO);
        }
        assert_eq!(media.phrases().len(), KINDS_MAX);
        assert_eq!(media.phrases().last().map(String::as_str), Some("3 files (3 B)"));
    }

    #[test]
    fn a_file_elsewhere_is_named_by_its_address() {
        let mut media = Media::default();
        media.add_address("image/png", "gs://bucket/cat.png");
        assert_eq!(media.phrases(), ["an image (gs://bucket/cat.png)"]);
    }
}
