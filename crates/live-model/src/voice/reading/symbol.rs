//! Marks between words: which end a phrase, which are said, which are passed over in silence.

use crate::voice::prosody::Ending;

/// A mark, its repetitions and its neighbours.
#[derive(Debug)]
pub(super) struct Around {
    mark: char,
    /// The strongest sentence mark of a run such as "?!".
    strongest: char,
    count: usize,
    before: Option<char>,
    after: Option<char>,
    /// Where the run ends in the text, in bytes.
    pub(super) end: usize,
}

impl Around {
    pub(super) fn new(text: &str, at: usize, mark: char) -> Self {
        let is_stop = STOPS.contains(mark);
        let belongs = |letter: &char| *letter == mark || (is_stop && STOPS.contains(*letter)) || is_modifier(*letter);
        let run: Vec<char> = text[at..].chars().take_while(belongs).collect();
        let end = at + run.iter().map(|letter| letter.len_utf8()).sum::<usize>().max(mark.len_utf8());
        let strongest = run.iter().copied().max_by_key(|letter| "!！?？؟".find(*letter).map_or(0, |rank| rank + 1));
        Self {
            mark,
            strongest: strongest.unwrap_or(mark),
            count: run.len(),
            before: text[..at].chars().next_back(),
            after: text[end..].chars().next(),
            end,
        }
    }

    fn touches_both(&self) -> bool {
        let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
        is_word(self.before) && is_word(self.after)
    }

    fn stands_alone(&self) -> bool {
        self.count == 1 && self.before.is_some_and(char::is_whitespace) && self.after.is_some_and(char::is_whitespace)
    }

    fn precedes_digit(&self) -> bool {
        self.after.is_some_and(|next| next.is_ascii_digit())
    }
}

const STOPS: &str = ".!?…,;:。！？、，；：؟،।";

/// Variation selectors, joiners and skin tones, which change how an emoji looks and not what it is.
fn is_modifier(letter: char) -> bool {
    matches!(letter, '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Returns the words that a mark is read as, if it is read.
pub(super) fn said(around: &Around, is_address: bool) -> Option<&'static str> {
    let said = match around.mark {
        '.' if around.count == 1 && around.touches_both() && !begins_sentence(around) => "dot",
        '/' if is_address && around.touches_both() => "slash",
        '-' if is_address && around.touches_both() => "dash",
        '_' if is_address && around.touches_both() => "underscore",
        ':' if is_address && around.touches_both() => "colon",
        '?' if is_address && around.touches_both() => "question mark",
        '=' if is_address || around.stands_alone() => "equals",
        '@' if around.after.is_some_and(char::is_alphanumeric) => "at",
        '&' if around.count == 1 => "and",
        '+' if around.stands_alone() || around.precedes_digit() => "plus",
        '*' if around.stands_alone() => "times",
        '<' if around.stands_alone() => "less than",
        '>' if around.stands_alone() => "greater than",
        '#' if around.precedes_digit() => "number",
        '~' if around.precedes_digit() => "about",
        '%' => "percent",
        '‰' => "per thousand",
        '°' => "degrees",
        '$' => "dollar",
        '€' => "euro",
        '£' => "pound",
        '×' => "times",
        '÷' => "divided by",
        '±' => "plus or minus",
        '≈' => "about",
        '≠' => "is not",
        '≤' => "at most",
        '≥' => "at least",
        '∞' => "infinity",
        '√' => "root",
        '→' | '⇒' => "to",
        '½' => "one half",
        '¼' => "one quarter",
        '¾' => "three quarters",
        '²' => "squared",
        '³' => "cubed",
        '😀' | '😃' | '😄' | '😊' | '🙂' | '☺' | '😁' => "smile",
        '😂' | '🤣' => "laughing",
        '😢' | '😭' | '🙁' | '☹' => "sad",
        '😉' => "wink",
        '❤' | '💙' | '💚' | '💛' | '♥' => "heart",
        '👍' => "thumbs up",
        '👎' => "thumbs down",
        '👋' => "wave",
        '🎉' => "party",
        '🔥' => "fire",
        '🚀' => "rocket",
        '✅' | '✔' => "check",
        '❌' => "cross",
        '⚠' => "warning",
        _ => return None,
    };
    Some(said)
}

/// A full stop without its space: "end.Next".
fn begins_sentence(around: &Around) -> bool {
    around.before.is_some_and(char::is_lowercase) && around.after.is_some_and(char::is_uppercase)
}

/// Returns how a mark ends the phrase before it, if it does.
pub(super) fn ending(around: &Around, is_address: bool) -> Option<Ending> {
    let inside = around.touches_both();
    match around.strongest {
        '?' | '？' | '؟' if !(inside && is_address) => Some(Ending::Question { rises: true }),
        '!' | '！' if !(inside && is_address) => Some(Ending::Exclamation),
        '.' if around.count > 1 => Some(Ending::Comma),
        '.' if !inside || begins_sentence(around) => Some(Ending::Statement),
        '。' | '।' => Some(Ending::Statement),
        ',' | ';' | '、' | '，' | '；' | '،' | '…' => Some(Ending::Comma),
        ':' | '：' if !inside => Some(Ending::Comma),
        '—' | '–' => Some(Ending::Comma),
        '-' if around.stands_alone() || around.count > 1 => Some(Ending::Comma),
        '(' | '|' => Some(Ending::Comma),
        _ => None,
    }
}
