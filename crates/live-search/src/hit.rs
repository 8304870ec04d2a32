//! What a search finds, and why it could not.

use std::fmt;

/// One finding: a passage that can be quoted, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The title of the document.
    pub title: String,
    /// Where the document is; not empty.
    pub uri: String,
    /// The passage, in one line; not empty.
    pub text: String,
}

/// A search that could not be made: which engine, and why. For the log; it holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchError {
    /// The engine, as its configuration names it.
    pub engine: String,
    /// What went wrong.
    pub why: String,
}

impl SearchError {
    pub(crate) fn new(engine: impl Into<String>, why: impl Into<String>) -> Self {
        Self { engine: engine.into(), why: why.into() }
    }
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.engine, self.why)
    }
}

impl std::error::Error for SearchError {}

/// `text` in one line, of at most `max` bytes, cut between characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for word in text.split_whitespace() {
        let space = usize::from(!line.is_empty());
        if line.len() + space + word.len() > max {
            let left = max.saturating_sub(line.len() + space);
            // Scripts without spaces are cut anywhere; a word of another is left out rather than cut.
            if line.is_empty() || word.len() > 64 {
                line.extend(std::iter::repeat_n(' ', space));
                line.push_str(&word[..word.floor_char_boundary(left)]);
            }
            break;
        }
        line.extend(std::iter::repeat_n(' ', space));
        line.push_str(word);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_between_words_or_characters() {
        assert_eq!(one_line(" a \n b\tc ", 100), "a b c");
        assert_eq!(one_line("one two three", 8), "one two");
        assert_eq!(one_line("日本語", 7), "日本");
        assert_eq!(one_line(&format!("x {}", "語".repeat(40)), 9), "x 語語");
        assert_eq!(one_line("   ", 9), "");
        assert_eq!(one_line("é", 1), "");
    }
}
