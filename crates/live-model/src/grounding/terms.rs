//! The words of a text that say what it is about, so that two texts can be compared; of any script.

use std::collections::BTreeSet;

/// Terms of one text.
const TERMS_MAX: usize = 20_000;
/// Terms that a text must have for its sources to be looked for: fewer fit anywhere.
#[cfg(any(feature = "http", test))]
const COMPARED_MIN: usize = 2;

/// The terms of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms(BTreeSet<String>);

impl Terms {
    pub(crate) fn of(text: &str) -> Self {
        let mut terms = Self::default();
        terms.add(text);
        terms
    }

    pub(crate) fn add(&mut self, text: &str) {
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let word = word.to_lowercase();
            if word.chars().any(is_dense) {
                // Without spaces between words, pairs of characters stand for them.
                let letters: Vec<char> = word.chars().collect();
                for pair in letters.windows(2) {
                    self.insert(pair.iter().collect());
                }
            } else if !FUNCTION_WORDS.contains(&word.as_str()) {
                self.insert(word);
            }
        }
    }

    fn insert(&mut self, term: String) {
        if !term.is_empty() && self.0.len() < TERMS_MAX {
            self.0.insert(term);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of these terms are in `other` too; forms of a word count as the word.
    pub(crate) fn shared(&self, other: &Self) -> usize {
        self.0.iter().filter(|term| other.has(term)).count()
    }

    #[cfg(any(feature = "http", test))]
    /// Whether a text with `claim` stands on this one: it has three of five of its terms, and all its numbers.
    pub(crate) fn cover(&self, claim: &Self) -> bool {
        let has_numbers = claim.0.iter().filter(|term| is_number(term)).all(|number| self.0.contains(number));
        claim.len() >= COMPARED_MIN && has_numbers && claim.shared(self) * 5 >= claim.len() * 3
    }

    fn has(&self, term: &str) -> bool {
        if self.0.contains(term) {
            return true;
        }
        // `panels` and `panel`: the shorter begins the longer, and little is left.
        let stem = &term[..term.floor_char_boundary(STEM_BYTES_MIN)];
        if stem.len() < STEM_BYTES_MIN || is_number(term) {
            return false;
        }
        let alike = self.0.range(stem.to_owned()..).take_while(|other| other.starts_with(stem));
        alike.into_iter().any(|other| {
            let (short, long) = if other.len() < term.len() { (other.as_str(), term) } else { (term, other.as_str()) };
            long.starts_with(short) && long.len() - short.len() <= ENDING_BYTES_MAX
        })
    }
}

fn is_number(term: &str) -> bool {
    term.starts_with(|c: char| c.is_numeric())
}

/// Whether the letter is of a script that puts no space between words.
fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

/// Bytes that two forms of a word begin with.
const STEM_BYTES_MIN: usize = 4;
/// Bytes of an ending.
const ENDING_BYTES_MAX: usize = 3;

/// English words that say nothing of what a text is about. Those of other languages are terms like all others.
const FUNCTION_WORDS: &[&str] = &[
    "", "a", "about", "an", "and", "are", "as", "at", "be", "been", "by", "can", "could", "did", "do", "does", "for",
    "from", "had", "has", "have", "how", "i", "in", "is", "it", "its", "many", "me", "much", "my", "of", "on", "or",
    "please", "s", "say", "tell", "than", "that", "the", "their", "there", "these", "they", "this", "to", "us", "was",
    "we", "were", "what", "when", "where", "which", "who", "whose", "why", "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_stands_on_what_has_most_of_its_words_and_all_its_numbers() {
        let source = Terms::of("Solar panels of two square metres yield 400 watts at noon.");
        for (claim, expected) in [
            ("A solar panel yields 400 watts.", true),
            ("A solar panel yields 500 watts.", false),
            ("At noon solar panels yield most.", true),
            ("Wind turbines yield more than solar panels do at sea.", false),
            ("Solar!", false),
            ("It is.", false),
        ] {
            assert_eq!(source.cover(&Terms::of(claim)), expected, "{claim}");
        }
    }

    #[test]
    fn forms_of_a_word_are_the_word() {
        let shared = |one, other| Terms::of(one).shared(&Terms::of(other));
        assert_eq!(shared("Häuser batteries", "Häusern battery"), 1);
        assert_eq!(shared("panels", "panel"), 1);
        assert_eq!(shared("cat", "cats"), 0, "too short to tell");
        assert_eq!(shared("1838", "18381"), 0, "numbers are not words");
        assert_eq!(shared("東京の天気", "天気は東京"), 2);
    }
}
