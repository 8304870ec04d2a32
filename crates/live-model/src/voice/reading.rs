//! From written text to spoken words: numbers, symbols, abbreviations, addresses, and the phrases that punctuation makes.
//!
//! What a single word sounds like is `reading/word.rs`; letters of other scripts are `script.rs`.

mod number;
mod symbol;
mod word;

use super::prosody::{Ending, Word};
use super::{lexicon, script};

/// Reads a text phrase by phrase; the text itself stays with the caller.
#[derive(Debug, Default)]
pub(super) struct Reader {
    at: usize,
    /// Inside a web or mail address, where punctuation is said.
    is_address: bool,
    /// The phrase began with a question word.
    asks: Option<bool>,
}

/// Words that are said in one go, and what ends them.
#[derive(Debug, PartialEq)]
pub(super) struct Phrase {
    pub(super) words: Vec<Word>,
    pub(super) ending: Ending,
}

/// A phrase longer than this gets a breath, so that the first sound of a text never waits for all of it.
const PHRASE_WORDS_MAX: usize = 18;
/// Letters of an unbroken run that are taken as one word, so that a transcript can still be cut.
const RUN_LETTERS_MAX: usize = 12;

impl Reader {
    /// Returns the next phrase, or `None` at the end of the text.
    pub(super) fn next_phrase(&mut self, text: &str) -> Option<Phrase> {
        let mut words: Vec<Word> = Vec::new();
        let mut marked: Option<usize> = None;
        while let Some(letter) = text[self.at..].chars().next() {
            if letter.is_whitespace() {
                let newlines = self.skip_blank(text);
                marked = None;
                self.is_address = false;
                if newlines > 0 && !words.is_empty() {
                    let ending = if newlines > 1 { Ending::Statement } else { Ending::Comma };
                    return Some(Phrase { words, ending });
                }
                if words.len() >= PHRASE_WORDS_MAX {
                    return Some(Phrase { words, ending: Ending::Breath });
                }
                continue;
            }
            let first = words.len();
            let ending = self.read(text, letter, &mut words);
            if let Some(word) = words.get_mut(first) {
                word.text_end = Some(self.at);
                marked = Some(first);
                self.asks.get_or_insert(false);
            }
            if let Some(ending) = ending
                && !words.is_empty()
            {
                self.skip_closers(text);
                extend(&mut words, marked, self.at);
                return Some(Phrase { words, ending: self.finish(ending) });
            }
            extend(&mut words, marked, self.at);
            if words.len() >= 2 * PHRASE_WORDS_MAX {
                return Some(Phrase { words, ending: Ending::Breath });
            }
        }
        let ending = self.finish(Ending::Statement);
        (!words.is_empty()).then_some(Phrase { words, ending })
    }

    /// Reads one element: a word, a number, a symbol or a punctuation mark.
    fn read(&mut self, text: &str, letter: char, words: &mut Vec<Word>) -> Option<Ending> {
        if number::begins(text, self.at) {
            let mut said = Vec::new();
            self.at = number::read(text, self.at, &mut said);
            self.say_all(&said, words);
            return None;
        }
        if word::is_latin(letter) {
            self.read_word(text, words);
            return None;
        }
        if letter.is_alphanumeric() {
            self.read_run(text, words);
            return None;
        }
        self.read_mark(text, letter, words)
    }

    fn read_word(&mut self, text: &str, words: &mut Vec<Word>) {
        let rest = &text[self.at..];
        if let Some(scheme) =
            ["https://", "http://", "wss://", "ws://"].iter().find(|scheme| rest.starts_with(**scheme))
        {
            self.at += scheme.len();
            self.is_address = true;
            return;
        }
        self.is_address |= rest.starts_with("www.");
        if let Some((length, said)) = word::abbreviation(text, self.at) {
            self.at += length;
            self.say_all(&said, words);
            return;
        }
        let read = word::scan(text, self.at);
        self.at = read.end;
        let sounds = word::pronounce(&read);
        self.push(&read.lower, sounds, words);
    }

    /// Reads letters of another script.
    fn read_run(&mut self, text: &str, words: &mut Vec<Word>) {
        let mut names = String::new();
        let mut inherent = false;
        for (index, letter) in text[self.at..].chars().enumerate() {
            let belongs = letter.is_alphanumeric() || script::is_vowel_sign(letter);
            if index > 0 && (!belongs || word::is_latin(letter) || index >= RUN_LETTERS_MAX) {
                break;
            }
            if inherent && !script::is_vowel_sign(letter) {
                names.push_str(" AX");
            }
            inherent = script::has_inherent_vowel(letter);
            for lower in letter.to_lowercase() {
                script::sounds(lower, &mut names);
            }
            self.at += letter.len_utf8();
            if script::is_ideograph(letter) {
                break;
            }
        }
        let mut sounds = Vec::new();
        super::letter::parse(if names.trim().is_empty() { "AX" } else { &names }, &mut sounds);
        if let Some(vowel) = sounds.iter_mut().find(|sound| sound.phone.is_vowel()) {
            vowel.stress = 1;
        }
        self.push("", sounds, words);
    }

    /// Reads a punctuation mark or a symbol, with its repetitions.
    fn read_mark(&mut self, text: &str, mark: char, words: &mut Vec<Word>) -> Option<Ending> {
        let around = symbol::Around::new(text, self.at, mark);
        self.at = around.end;
        if let Some(said) = symbol::said(&around, self.is_address) {
            self.is_address |= mark == '@';
            for said in said.split(' ') {
                self.say(said, words);
            }
            return None;
        }
        symbol::ending(&around, self.is_address)
    }

    fn say_all(&mut self, said: &[&str], words: &mut Vec<Word>) {
        for said in said {
            self.say(said, words);
        }
    }

    fn say(&mut self, said: &str, words: &mut Vec<Word>) {
        let sounds = word::pronounce_lower(said);
        self.push(said, sounds, words);
    }

    fn push(&mut self, lower: &str, mut sounds: Vec<super::letter::Spoken>, words: &mut Vec<Word>) {
        const ASKING: [&str; 11] =
            ["who", "whom", "whose", "what", "what's", "which", "when", "where", "why", "how", "who's"];
        self.asks.get_or_insert_with(|| ASKING.contains(&lower));
        if let Some(before) = words.last_mut() {
            word::join(before, &mut sounds);
        }
        words.push(Word { sounds, is_weak: lexicon::is_weak(lower), text_end: None });
    }

    /// Decides which way a question goes and forgets the sentence when it is over.
    fn finish(&mut self, ending: Ending) -> Ending {
        let asks = self.asks.unwrap_or(false);
        match ending {
            Ending::Question { .. } => {
                self.asks = None;
                Ending::Question { rises: !asks }
            }
            Ending::Statement | Ending::Exclamation => {
                self.asks = None;
                ending
            }
            Ending::Comma | Ending::Breath => ending,
        }
    }

    fn skip_blank(&mut self, text: &str) -> usize {
        let mut newlines = 0;
        for letter in text[self.at..].chars().take_while(|letter| letter.is_whitespace()) {
            newlines += usize::from(letter == '\n');
            self.at += letter.len_utf8();
        }
        newlines
    }

    fn skip_closers(&mut self, text: &str) {
        for letter in text[self.at..].chars().take_while(|letter| "\"'”’)]}*_`»」』".contains(*letter)) {
            self.at += letter.len_utf8();
        }
    }
}

fn extend(words: &mut [Word], marked: Option<usize>, end: usize) {
    if let Some(marked) = marked {
        words[marked].text_end = Some(end);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Reader};

    /// Shows the phrases of a text as sounds, words apart by `|`.
    fn read(text: &str) -> Vec<(String, Ending)> {
        let mut reader = Reader::default();
        let mut phrases = Vec::new();
        while let Some(phrase) = reader.next_phrase(text) {
            let words: Vec<String> = phrase
                .words
                .iter()
                .map(|word| word.sounds.iter().map(|sound| sound.phone.sound().name).collect::<Vec<_>>().join(" "))
                .collect();
            phrases.push((words.join(" | "), phrase.ending));
        }
        phrases
    }

    fn same(left: &str, right: &str) {
        let strip = |text: &str| read(text).into_iter().map(|(words, _)| words).collect::<Vec<_>>().join(" | ");
        assert_eq!(strip(left), strip(right), "{left:?} is read as {right:?}");
    }

    #[test]
    fn numbers_are_read_in_their_context() {
        same("2000", "two thousand");
        same("1,250,000", "one million two hundred fifty thousand");
        same("3.14", "three point one four");
        same("-5", "minus five");
        same("21st", "twenty first");
        same("$5", "five dollars");
        same("$1", "one dollar");
        same("$5.20", "five dollars twenty cents");
        same("€2.5 million", "two point five million euros");
        same("50%", "fifty percent");
        same("5-10", "five to ten");
        same("10:30", "ten thirty");
        same("9:05", "nine oh five");
        same("2.32.0", "two point three two point zero");
        same("12 km", "twelve kilometers");
        same("24kHz", "twenty four kilo hertz");
    }

    #[test]
    fn symbols_abbreviations_and_addresses_are_said() {
        same("Dr. Smith", "doctor smith");
        same("e.g. this", "for example this");
        same("R&D", "R and D");
        same("2 + 2 = 4", "two plus two equals four");
        same("https://example.com/docs", "example dot com slash docs");
        same("me@example.org", "me at example dot org");
        same("API", "A P I");
        assert_eq!(read("GPUs")[0].0, "JH IY P IY Y UW Z");
        same("BidiGenerateContent", "bidi generate content");
        same("snake_case", "snake case");
        same("**bold** and `code`", "bold and code");
        same("ok 👍👍👍", "ok thumbs up");
        same("naïve café", "naive cafe");
    }

    #[test]
    fn punctuation_makes_phrases() {
        let endings = |text: &str| read(text).into_iter().map(|(_, ending)| ending).collect::<Vec<_>>();
        assert_eq!(endings("Well, yes."), [Ending::Comma, Ending::Statement]);
        assert_eq!(endings("Is it? Go!"), [Ending::Question { rises: true }, Ending::Exclamation]);
        assert_eq!(endings("\"Where are you?\" he said"), [Ending::Question { rises: false }, Ending::Statement]);
        assert_eq!(endings("one\n\ntwo"), [Ending::Statement, Ending::Statement]);
        assert_eq!(endings("こんにちは。元気？"), [Ending::Statement, Ending::Question { rises: true }]);
        assert_eq!(endings("version 3.5 of it"), [Ending::Statement]);
        assert_eq!(endings("..."), []);
    }

    #[test]
    fn a_long_sentence_is_cut_for_breath() {
        assert!(read(&"word ".repeat(60)).len() > 2);
    }
}
