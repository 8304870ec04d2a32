//! Text as the words that are looked for: letters and digits, lower-cased and without accents, in any script.
//!
//! Scripts that put no space between words are taken by characters, and by pairs of neighbours.

use tantivy::tokenizer::{AsciiFoldingFilter, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

/// What the index calls this way of reading.
pub(super) const NAME: &str = "words";
/// Bytes of a word; longer ones are not looked for.
const WORD_BYTES_MAX: usize = 64;
/// Words of a query.
const QUERY_WORDS_MAX: usize = 32;

/// The way of reading, under its name.
pub(super) fn manager() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(NAME, analyzer(Words { is_query: false, ..Words::default() }));
    manager
}

/// The words of a query, each once.
pub(super) fn of_query(query: &str) -> Vec<String> {
    let mut analyzer = analyzer(Words { is_query: true, ..Words::default() });
    let mut stream = analyzer.token_stream(query);
    let mut words: Vec<String> = Vec::new();
    while words.len() < QUERY_WORDS_MAX && stream.advance() {
        let word = &stream.token().text;
        if !words.contains(word) {
            words.push(word.clone());
        }
    }
    words
}

fn analyzer(words: Words) -> TextAnalyzer {
    TextAnalyzer::builder(words).filter(AsciiFoldingFilter).build()
}

#[derive(Clone, Debug, Default)]
struct Words {
    /// Of a query the single characters are left out where there are pairs: a pair says more.
    is_query: bool,
    found: Vec<Token>,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.found.clear();
        let mut rest = text.char_indices().peekable();
        while let Some((start, c)) = rest.next() {
            if !c.is_alphanumeric() {
                continue;
            }
            let is_dense = is_dense(c);
            let mut starts = vec![start];
            let mut end = start + c.len_utf8();
            while let Some((at, next)) =
                rest.next_if(|(_, next)| next.is_alphanumeric() && self::is_dense(*next) == is_dense)
            {
                if is_dense {
                    starts.push(at);
                }
                end = at + next.len_utf8();
            }
            if !is_dense {
                self.push(&text[start..end], start);
                continue;
            }
            let end_of = |index: usize| starts.get(index).copied().unwrap_or(end);
            for (index, start) in starts.iter().enumerate() {
                if !self.is_query || starts.len() == 1 {
                    self.push(&text[*start..end_of(index + 1)], *start);
                }
                if index + 1 < starts.len() {
                    self.push(&text[*start..end_of(index + 2)], *start);
                }
            }
        }
        Stream { found: &mut self.found, next: 0 }
    }
}

impl Words {
    fn push(&mut self, word: &str, offset_from: usize) {
        if word.len() > WORD_BYTES_MAX {
            return;
        }
        let (position, offset_to) = (self.found.len(), offset_from + word.len());
        self.found.push(Token { offset_from, offset_to, position, text: word.to_lowercase(), position_length: 1 });
    }
}

/// Whether the letter is of a script that puts no space between words, or joins what English would not.
fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7ff}' // Hangul
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // kana
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // ideographs
    )
}

struct Stream<'a> {
    found: &'a mut Vec<Token>,
    /// One more than the token that was given last.
    next: usize,
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.found.len()
    }

    fn token(&self) -> &Token {
        &self.found[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.found[self.next - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexed(text: &str) -> Vec<String> {
        let mut analyzer = manager().get(NAME).expect("it is registered");
        let mut stream = analyzer.token_stream(text);
        let mut words = Vec::new();
        while stream.advance() {
            words.push(stream.token().text.clone());
        }
        words
    }

    #[test]
    fn words_are_read_in_every_script() {
        assert_eq!(indexed("Zürich's café, 3.5 km!"), ["zurich", "s", "cafe", "3", "5", "km"]);
        assert_eq!(indexed("Привет МИР"), ["привет", "мир"]);
        assert_eq!(indexed("天気は"), ["天", "天気", "気", "気は", "は"]);
        assert_eq!(indexed("Rust言語"), ["rust", "言", "言語", "語"]);
        assert_eq!(indexed(&"x".repeat(65)), [""; 0]);
    }

    #[test]
    fn a_query_is_each_of_its_words_once() {
        assert_eq!(of_query("the cat, THE hat"), ["the", "cat", "hat"]);
        assert_eq!(of_query("天気予報"), ["天気", "気予", "予報"]);
        assert_eq!(of_query("水"), ["水"]);
        assert_eq!(of_query(" … "), [""; 0]);
        assert_eq!(of_query(&(0..99).map(|n| format!("w{n} ")).collect::<String>()).len(), QUERY_WORDS_MAX);
    }
}
