//! What `live demo` prints: one line a message, in three columns, in at most 100 characters.
//!
//! Messages of sound come by the hundred; unless all are asked for, those in a row share a line, which tells how many they are.

use std::io::IsTerminal as _;
use std::time::Duration;

use live_client::PcmFormat;
use tokio::time::Instant;

/// Prints lines with the time since it started.
pub(super) struct Timeline {
    start: Instant,
    shows_all: bool,
    is_coloured: bool,
    sound: Option<Sound>,
    sections: u32,
}

/// Messages of sound in a row.
struct Sound {
    direction: Direction,
    first_at: Duration,
    messages: u32,
    bytes: usize,
    words: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Sent,
    Heard,
}

/// A row of the closing table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) first_sound: Option<Duration>,
    pub(super) speech: Duration,
    pub(super) prompt_tokens: i32,
    pub(super) response_tokens: i32,
}

impl Timeline {
    pub(super) fn start(shows_all: bool) -> Self {
        // https://no-color.org
        let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { start: Instant::now(), shows_all, is_coloured, sound: None, sections: 0 }
    }

    pub(super) fn section(&mut self, title: &str) {
        self.flush();
        let title = if self.sections == 0 { title.to_owned() } else { format!("{}  {title}", self.sections) };
        println!("\n{}", self.paint(BOLD, &title));
        self.sections += 1;
    }

    pub(super) fn sent(&mut self, name: &str, detail: impl AsRef<str>) {
        self.flush();
        self.line(self.start.elapsed(), Direction::Sent, name, detail.as_ref());
    }

    pub(super) fn heard(&mut self, name: &str, detail: impl AsRef<str>) {
        self.flush();
        self.line(self.start.elapsed(), Direction::Heard, name, detail.as_ref());
    }

    /// A remark on the message before.
    pub(super) fn note(&mut self, text: impl AsRef<str>) {
        self.flush();
        println!("{:10}{}", "", self.paint(DIM, &format!("^ {}", text.as_ref())));
    }

    pub(super) fn sent_sound(&mut self, bytes: usize) {
        self.sound(Direction::Sent, bytes, "");
    }

    pub(super) fn heard_sound(&mut self, bytes: usize) {
        self.sound(Direction::Heard, bytes, "");
    }

    /// Words of a transcript, which come between the sound that says them.
    pub(super) fn heard_words(&mut self, words: &str) {
        self.sound(Direction::Heard, 0, words);
    }

    fn sound(&mut self, direction: Direction, bytes: usize, words: &str) {
        let now = self.start.elapsed();
        let is_full = self.sound.as_ref().is_some_and(|sound| {
            sound.direction != direction
                || self.shows_all
                || now - sound.first_at >= SOUND_LINE_MAX
                // A line breaks before a word, not before the full stop after one.
                || words.starts_with(' ') && sound.words.chars().count() + words.chars().count() > WORDS_MAX
        });
        if is_full {
            self.flush();
        }
        let new = || Sound { direction, first_at: now, messages: 0, bytes: 0, words: String::new() };
        let sound = self.sound.get_or_insert_with(new);
        sound.messages += 1;
        sound.bytes += bytes;
        sound.words += words;
    }

    /// Prints the sound that was gathered.
    pub(super) fn flush(&mut self) {
        let Some(Sound { direction, first_at, messages, bytes, words }) = self.sound.take() else { return };
        let name = match direction {
            Direction::Sent => "realtimeInput",
            Direction::Heard => "serverContent",
        };
        let name = if messages > 1 { format!("{name} ×{messages}") } else { name.to_owned() };
        let mut detail = String::new();
        if bytes > 0 {
            detail = format!("{} {:>6}", seconds(PcmFormat::OUTPUT.duration_of(bytes)), kilobytes(bytes as u64));
        }
        if !words.is_empty() {
            detail = format!("{detail:15} “{}”", words.trim());
        }
        self.line(first_at, direction, &name, &detail);
    }

    fn line(&self, at: Duration, direction: Direction, name: &str, detail: &str) {
        let (arrow, colour) = match direction {
            Direction::Sent => ("→", CYAN),
            Direction::Heard => ("←", GREEN),
        };
        let mut detail = detail.to_owned();
        if let Some((cut, _)) = detail.char_indices().nth(DETAIL_MAX) {
            detail.truncate(cut);
            detail.push('…');
        }
        let line = format!("{:7.3} {} {name:<19} {detail}", at.as_secs_f64(), self.paint(colour, arrow));
        println!("{}", line.trim_end());
    }

    pub(super) fn table(&mut self, rows: &[Row]) {
        self.flush();
        let head = format!(
            "{:20} {:>12} {:>10} {:>12} {:>12}",
            "Measured", "first sound", "speech", "tokens in", "tokens out"
        );
        println!("\n{}", self.paint(BOLD, &head));
        for Row { name, first_sound, speech, prompt_tokens, response_tokens } in rows {
            let first_sound = first_sound.map_or("-".to_owned(), millis);
            let speech = seconds(*speech);
            println!("  {name:18} {first_sound:>12} {speech:>10} {prompt_tokens:>12} {response_tokens:>12}");
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:5.2} s", duration.as_secs_f64())
}

pub(super) fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.)
}

pub(super) fn kilobytes(bytes: u64) -> String {
    format!("{:.0} kB", bytes as f64 / 1000.)
}

/// Sound that goes on is printed at least so often.
const SOUND_LINE_MAX: Duration = Duration::from_secs(1);

/// Characters of transcript on one line.
const WORDS_MAX: usize = 44;

/// Characters of the last column.
const DETAIL_MAX: usize = 70;

const BOLD: &str = "1";
const DIM: &str = "2";
const CYAN: &str = "36";
const GREEN: &str = "32";
