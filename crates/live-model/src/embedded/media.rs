//! Pictures, sound and files in a prompt, described; the embedded model looks at none of them.

use super::piece::excerpt;

/// Kinds of media told apart in one description; more are counted as files.
const KINDS_MAX: usize = 8;
/// Characters of a MIME type or an address that a description repeats.
const LABEL_CHARS_MAX: usize = 60;
/// Sample rate of `audio/pcm` that names none: what a client's microphone sends.
const PCM_RATE_HZ: u32 = 16_000;

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
    seconds: f64,
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
        let noun = Noun::of(mime);
        let seconds = if noun == Noun::Speech { pcm_seconds(mime, bytes) } else { 0.0 };
        self.add(mime, noun, bytes, seconds);
    }

    /// Adds media that lie elsewhere.
    pub(super) fn add_address(&mut self, mime: &str, address: &str) {
        let noun = match Noun::of(mime) {
            Noun::Speech => Noun::Recording,
            other @ (Noun::Recording | Noun::Image | Noun::Video | Noun::File) => other,
        };
        self.add(address, noun, 0, 0.0);
    }

    pub(super) fn append(&mut self, other: &Self) {
        for kind in &other.kinds {
            self.add(&kind.label, kind.noun, kind.bytes, kind.seconds);
            // One is counted by `add`.
            if let Some(own) = self.kinds.iter_mut().find(|own| own.is_same(&kind.label, kind.noun)) {
                own.count += kind.count - 1;
            }
        }
    }

    fn add(&mut self, label: &str, noun: Noun, bytes: usize, seconds: f64) {
        let is_full = self.kinds.len() >= KINDS_MAX;
        let known = self.kinds.iter_mut().find(|kind| kind.is_same(label, noun));
        if let Some(kind) = known {
            kind.count += 1;
            kind.bytes += bytes;
            kind.seconds += seconds;
        } else if !is_full {
            self.kinds.push(Kind { label: label.to_owned(), noun, count: 1, bytes, seconds });
        } else if let Some(last) = self.kinds.last_mut() {
            *last = Kind {
                label: String::new(),
                noun: Noun::File,
                count: last.count + 1,
                bytes: last.bytes + bytes,
                seconds: 0.0,
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
            Noun::Speech => return format!("{:.1} s of speech", self.seconds),
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
    fn of(mime: &str) -> Self {
        let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.split('/').next().unwrap_or_default() {
            "audio" if matches!(essence.as_str(), "audio/pcm" | "audio/l16") => Self::Speech,
            "audio" => Self::Recording,
            "image" => Self::Image,
            "video" => Self::Video,
            _ => Self::File,
        }
    }
}

/// Length of 16-bit mono samples, at the rate that the MIME type names.
fn pcm_seconds(mime: &str, bytes: usize) -> f64 {
    let rate = mime.split(';').find_map(|parameter| parameter.trim().strip_prefix("rate=")?.parse::<u32>().ok());
    let samples = (bytes / 2) as f64;
    samples / f64::from(rate.filter(|rate| *rate > 0).unwrap_or(PCM_RATE_HZ))
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
        check(&[("audio/PCM; rate=24000", 48_000)], "1.0 s of speech");
        check(&[("audio/pcm;rate=0", 16_000)], "0.5 s of speech");
    }

    #[test]
    fn many_kinds_are_folded_into_one() {
        let kinds = ["a/a", "a/b", "a/c", "a/d", "a/e", "a/f", "a/g", "a/h", "a/i", "a/j"];
        let mut media = Media::default();
        for mime in kinds {
            media.add(mime, Noun::File, 1, 0.0);
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
