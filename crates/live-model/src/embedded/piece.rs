//! Text cut into token-sized pieces and into short quotations; what is said lives in `plan`.

/// Characters of a word that one piece may hold; a longer word goes out in several pieces, as tokens do.
const PIECE_CHARS_MAX: usize = 10;

/// The pieces of `text`: a word with the space before it, or a part of a long word. Joined they give `text` back.
pub(super) fn pieces(text: &str) -> Pieces<'_> {
    Pieces { rest: text }
}

/// Iterator of [`pieces`].
pub(super) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let word = self.rest.find(|c: char| !c.is_whitespace()).unwrap_or(self.rest.len());
        let mut chars = self.rest[word..].char_indices().take(PIECE_CHARS_MAX + 1);
        let end = chars
            .find(|&(_, c)| c.is_whitespace())
            .or_else(|| self.rest[word..].char_indices().nth(PIECE_CHARS_MAX))
            .map_or(self.rest.len(), |(at, _)| word + at);
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(piece)
    }
}

/// `text` with every run of white space made one space, cut after a word to at most `chars_max` characters (and `…`).
pub(super) fn excerpt(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut chars = 0;
    for word in text.split_whitespace() {
        let space = usize::from(!out.is_empty());
        let room = chars_max.saturating_sub(chars + space);
        let word_chars = word.chars().take(room + 1).count();
        if word_chars > room {
            // A first word that does not fit is cut inside: an excerpt is never empty.
            if out.is_empty() {
                out.extend(word.chars().take(room));
            }
            out.push('…');
            return out;
        }
        if space == 1 {
            out.push(' ');
        }
        out.push_str(word);
        chars += space + word_chars;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_piece_is_a_word_with_its_space() {
        assert_eq!(pieces("You said: hi").collect::<Vec<_>>(), ["You", " said:", " hi"]);
    }

    #[test]
    fn a_long_word_goes_out_in_parts() {
        assert_eq!(pieces("a Donaudampfschifffahrt").collect::<Vec<_>>(), ["a", " Donaudampf", "schifffahr", "t"]);
        assert_eq!(pieces("一二三四五六七八九十百").collect::<Vec<_>>(), ["一二三四五六七八九十", "百"]);
    }

    #[test]
    fn an_excerpt_ends_at_a_word() {
        assert_eq!(excerpt("  the quick\n\nbrown  fox ", 100), "the quick brown fox");
        assert_eq!(excerpt("the quick brown fox", 12), "the quick…");
        assert_eq!(excerpt("incomprehensibilities", 6), "incomp…");
        assert_eq!(excerpt("the quick", 9), "the quick");
    }

    proptest! {
        #[test]
        fn pieces_lose_nothing(text in any::<String>()) {
            prop_assert_eq!(pieces(&text).collect::<String>(), text.clone());
            for piece in pieces(&text) {
                prop_assert!(!piece.is_empty());
                prop_assert!(piece.trim_start().chars().count() <= PIECE_CHARS_MAX);
            }
        }

        #[test]
        fn an_excerpt_is_short_and_never_empty(text in any::<String>(), chars_max in 1_usize..40) {
            let out = excerpt(&text, chars_max);
            prop_assert!(out.chars().count() <= chars_max + 1);
            prop_assert_eq!(out.is_empty(), text.trim().is_empty());
        }
    }
}
