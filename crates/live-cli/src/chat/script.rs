//! What the user says, line by line: typed, or from a script.
//!
//! When a line is said is decided in [`super::talk`].

use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

/// One thing that is said or done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// It does not wait for the end of an answer, only for its beginning.
    pub(super) interrupts: bool,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Words(String),
    /// `/say`: a recording.
    Recording(PathBuf),
    /// `/stop`: the answer is cut short, and nothing is said instead.
    Stop,
    /// `/quit`.
    Quit,
    /// No command there is.
    Unknown(String),
}

impl Line {
    pub(super) fn recording(file: &Path) -> Self {
        Self { interrupts: false, what: What::Recording(file.to_owned()) }
    }

    /// Reads a line; nothing of an empty one.
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let (interrupts, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        if line.is_empty() {
            return None;
        }
        let Some(command) = line.strip_prefix('/') else {
            return Some(Self { interrupts, what: What::Words(line.to_owned()) });
        };
        let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
        let argument = argument.trim();
        let what = match (name, argument.is_empty()) {
            ("say", false) => What::Recording(argument.into()),
            ("stop", true) => return Some(Self { interrupts: true, what: What::Stop }),
            ("quit", true) => What::Quit,
            _ => What::Unknown(line.to_owned()),
        };
        Some(Self { interrupts, what })
    }
}

/// Lines, as they come.
#[derive(Debug)]
pub(super) struct Lines(mpsc::Receiver<Line>);

impl Lines {
    /// Those of the standard input, and whether somebody types them.
    pub(super) fn of_input() -> (Self, bool) {
        let (sender, lines) = mpsc::channel(LINES_MAX);
        // The standard input cannot be read without a thread that may wait for ever.
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok).filter_map(|line| Line::parse(&line)) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        (Self(lines), std::io::stdin().is_terminal())
    }

    pub(super) fn of(script: Vec<Line>) -> Self {
        let (sender, lines) = mpsc::channel(script.len().max(1));
        for line in script {
            sender.try_send(line).expect("there is room for the whole script");
        }
        Self(lines)
    }

    /// Waits for the next line; `None` after the last. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Line> {
        self.0.recv().await
    }
}

/// Lines that are read ahead.
const LINES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_words_or_commands() {
        let words = |words: &str| What::Words(words.to_owned());
        for (line, expected) in [
            ("hello there ", Some((false, words("hello there")))),
            ("! wait", Some((true, words("wait")))),
            ("", None),
            ("!", None),
            ("/say my file.wav", Some((false, What::Recording("my file.wav".into())))),
            ("!/say a.wav", Some((true, What::Recording("a.wav".into())))),
            ("/stop", Some((true, What::Stop))),
            ("/quit", Some((false, What::Quit))),
            ("/quit now", Some((false, What::Unknown("/quit now".to_owned())))),
            ("/say", Some((false, What::Unknown("/say".to_owned())))),
        ] {
            let expected = expected.map(|(interrupts, what)| Line { interrupts, what });
            assert_eq!(Line::parse(line), expected, "{line:?}");
        }
    }
}
