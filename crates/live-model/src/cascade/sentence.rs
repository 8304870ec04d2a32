//! Text cut into portions to be spoken, as it comes: sentences, and parts of those that are too long.
//!
//! Joined, the portions are the text, blanks included. Nothing here speaks.

/// Bytes of a portion beyond which it is cut at a clause or, failing that, between words.
const PORTION_BYTES_MAX: usize = 300;
/// Bytes of a word beyond which it is cut anywhere.
const WORD_BYTES_MAX: usize = 2 * PORTION_BYTES_MAX;

/// Text on its way to be spoken.
#[derive(Debug, Default)]
pub(crate) struct Sentences {
    rest: String,
    /// Bytes of `rest` in which no end was found.
    searched: usize,
}

impl Sentences {
    pub(crate) fn push(&mut self, text: &str) {
        self.rest.push_str(text);
    }

    /// The next portion that is surely complete. What follows a full stop decides whether it ends a sentence, so the last
    /// sentence waits for more text, or for [`finish`](Self::finish).
    pub(crate) fn next(&mut self) -> Option<String> {
        let end = match self.sentence_end() {
            Some(end) => end,
            None if self.rest.len() > PORTION_BYTES_MAX => self.clause_end()?,
            None => return None,
        };
        self.searched = 0;
        let rest = self.rest.split_off(end);
        Some(std::mem::replace(&mut self.rest, rest))
    }

    /// All that is left.
    pub(crate) fn finish(&mut self) -> Option<String> {
        self.searched = 0;
        Some(std::mem::take(&mut self.rest)).filter(|rest| !rest.is_empty())
    }

    fn sentence_end(&mut self) -> Option<usize> {
        let from = self.searched;
        self.searched = self.rest.len();
        for (at, c) in self.rest[from..].char_indices().map(|(at, c)| (from + at, c)) {
            let after = at + c.len_utf8();
            let is_end = match c {
                '\n' => !self.rest[..at].trim().is_empty(),
                // These scripts put no blank behind the end of a sentence.
                '。' | '！' | '？' | '।' | '॥' | '۔' => true,
                '.' | '!' | '?' | '…' => {
                    let closed = self.rest[after..].trim_start_matches(['"', '\'', ')', ']', '”', '’', '»', '*', '_']);
                    // What a sentence ends with belongs to it.
                    let end = self.rest.len() - closed.len();
                    let Some(next) = closed.chars().next() else {
                        self.searched = at;
                        return None;
                    };
                    if next.is_whitespace() && !self.is_abbreviation(at, c) {
                        return Some(end);
                    }
                    false
                }
                _ => false,
            };
            if is_end {
                return Some(after);
            }
        }
        None
    }

    /// Whether the full stop at `at` belongs to the word before it.
    fn is_abbreviation(&self, at: usize, stop: char) -> bool {
        if stop != '.' {
            return false;
        }
        let before = &self.rest[..at];
        let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let word = word.trim_start_matches(['(', '[', '"', '\'', '“', '*', '_']);
        let is_numbered = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        // `1.` begins an item of a list; `in 1999.` ends a sentence.
        let begins = before[..before.len() - word.len()].trim().is_empty();
        let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
        is_numbered && begins || is_initial || word.contains('.') || ABBREVIATIONS.contains(&word)
    }

    /// Where a long portion may be cut: behind the last clause that fits, else behind the last word.
    fn clause_end(&self) -> Option<usize> {
        let fits = &self.rest[..self.rest.floor_char_boundary(PORTION_BYTES_MAX)];
        let mut clauses = fits.match_indices([',', ';', ':', '–', '—', '،', '，', '、']).filter_map(|(at, mark)| {
            let end = at + mark.len();
            let is_wide = matches!(mark, "，" | "、");
            (is_wide || self.rest[end..].starts_with(char::is_whitespace)).then_some(end)
        });
        clauses
            .next_back()
            .or_else(|| fits.trim_end().rfind(char::is_whitespace).filter(|end| !fits[..*end].trim().is_empty()))
            .or_else(|| (self.rest.len() > WORD_BYTES_MAX).then_some(fits.len()))
    }
}

/// English words that are followed by a full stop, and then by what they belong to.
const ABBREVIATIONS: &[&str] = &[
    "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sr", "Jr", "vs", "etc", "approx", "Inc", "Ltd", "Co", "No", "Fig", "cf",
    "Mt",
];

/// What is said aloud of a portion: its words, without the marks of Markdown. Empty if there is nothing to say.
pub(super) fn aloud(portion: &str) -> String {
    let mut out = String::with_capacity(portion.len());
    for line in portion.lines() {
        let line = line.trim().trim_start_matches(['#', '>', '-', '•', '|']);
        for word in line.split_whitespace() {
            let word = word.trim_matches(['*', '_', '`', '~', '|']).replace(['*', '`'], "");
            if !word.is_empty() {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&word);
            }
        }
    }
    if !out.contains(char::is_alphanumeric) {
        out.clear();
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn portions(pieces: &[&str]) -> Vec<String> {
        let (mut sentences, mut out) = (Sentences::default(), Vec::new());
        for piece in pieces {
            sentences.push(piece);
            out.extend(std::iter::from_fn(|| sentences.next()));
        }
        out.extend(sentences.finish());
        out
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(portions(&[text]), expected);
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
        assert_eq!(portions(&characters), expected, "one character at a time");
    }

    #[test]
    fn sentences_end_where_they_end() {
        check("Hello. How are you?", &["Hello.", " How are you?"]);
        check("It costs 3.50 euros! Really.", &["It costs 3.50 euros!", " Really."]);
        check("She said \"Stop.\" Then she left.", &["She said \"Stop.\"", " Then she left."]);
        check(
            "Dr. Smith met J. Doe, e.g. in the U.S. embassy. Fine.",
            &["Dr. Smith met J. Doe, e.g. in the U.S. embassy.", " Fine."],
        );
        check("It was 1999. Then came 2000.", &["It was 1999.", " Then came 2000."]);
        check("Steps:\n1. Open it.\n2. Shut it.", &["Steps:\n", "1. Open it.", "\n2. Shut it."]);
        check("今天好。明天呢？", &["今天好。", "明天呢？"]);
    }

    #[test]
    fn a_sentence_is_complete_when_what_follows_is_known() {
        let mut sentences = Sentences::default();
        sentences.push("One.");
        assert_eq!(sentences.next(), None, "it might be 1.5");
        sentences.push(" Tw");
        assert_eq!(sentences.next().as_deref(), Some("One."));
        assert_eq!(sentences.next(), None);
        assert_eq!(sentences.finish().as_deref(), Some(" Tw"));
        assert_eq!(sentences.finish(), None);
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_clause_or_a_word() {
        let clause = format!("{}, {}", "word ".repeat(40).trim(), "and more ".repeat(40));
        let cut = portions(&[&clause]);
        assert!(cut[0].ends_with("word,"), "{cut:?}");
        assert!(cut.iter().all(|portion| portion.len() <= PORTION_BYTES_MAX), "{cut:?}");
        let word = "x".repeat(2000);
        assert!(portions(&[&word]).iter().all(|portion| portion.len() <= WORD_BYTES_MAX));
    }

    #[test]
    fn markdown_is_not_read_out() {
        for (portion, expected) in [
            ("**Very** _good_ `code`.", "Very good code."),
            ("## Title\n", "Title"),
            ("- one\n- two", "one two"),
            (" ---\n", ""),
            ("```", ""),
            ("…", ""),
            ("snake_case", "snake_case"),
        ] {
            assert_eq!(aloud(portion), expected, "{portion}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_however_text_comes(text in "[a-z.!?,\\n \"é。]{0,900}", cuts in prop::collection::vec(1_usize..40, 0..40)) {
            let (mut pieces, mut rest) = (Vec::new(), text.as_str());
            for cut in cuts {
                let (piece, later) = rest.split_at(rest.floor_char_boundary(cut));
                pieces.push(piece);
                rest = later;
            }
            pieces.push(rest);
            prop_assert_eq!(portions(&pieces).concat(), text);
        }
    }
}
