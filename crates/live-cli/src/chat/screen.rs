//! The conversation as text: what both sides say, as they say it, and beside it what becomes of the session.
//!
//! Words go to the standard output, news to the standard error, so that a transcript can be kept.

use std::io::Write as _;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    User,
    Model,
    /// What the model thinks and does not say.
    Thoughts,
}

#[derive(Debug)]
pub(super) struct Screen {
    /// Whose line is not ended.
    current: Option<Who>,
    /// Somebody types, and sees it.
    is_echoed: bool,
}

impl Screen {
    pub(super) fn new(is_echoed: bool) -> Self {
        Self { current: None, is_echoed }
    }

    /// Goes on with what somebody says.
    pub(super) fn words(&mut self, who: Who, words: &str) {
        if words.is_empty() {
            return;
        }
        if self.current != Some(who) {
            self.end_line();
            print(match who {
                Who::User => "you: ",
                Who::Model => "model: ",
                Who::Thoughts => "thinks: ",
            });
            self.current = Some(who);
        }
        print(&printable(words));
    }

    /// Something was typed.
    pub(super) fn typed(&mut self, words: &str) {
        self.end_line();
        if !self.is_echoed {
            self.words(Who::User, words);
            self.end_line();
        }
    }

    /// Marks what the model says as cut short, in a line of its own if somebody else has spoken since.
    pub(super) fn interrupted(&mut self) {
        if self.current != Some(Who::Model) {
            self.end_line();
            print("model:");
            self.current = Some(Who::Model);
        }
        print(" [interrupted]");
        self.end_line();
    }

    pub(super) fn end_line(&mut self) {
        if self.current.take().is_some() {
            print("\n");
        }
    }

    /// Tells what is not said.
    pub(super) fn note(&mut self, news: &str) {
        self.end_line();
        // Nobody may be there to read it, and the conversation goes on.
        _ = writeln!(std::io::stderr(), "({})", printable(news));
    }
}

/// A server's words without what would move the cursor or change the terminal.
fn printable(words: &str) -> String {
    words
        .chars()
        .map(|char| if char.is_control() && char != '\n' && char != '\t' { '\u{FFFD}' } else { char })
        .collect()
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_does_not_command_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n\tü"), "a\u{FFFD}[2Jb\u{FFFD}\n\tü");
    }
}
