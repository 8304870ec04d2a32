//! Values that stand plainly in a prompt: `name: value`, quoted strings, numbers; which argument takes them lives in `args`.

use std::ops::Range;

use serde_json::Value;

/// Marks that open a quotation, and those that close it.
const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];

/// Bytes of a stretch of prompt that are read: each argument searches them again, and what stands further is not plain.
const TEXT_BYTES_MAX: usize = 4096;

/// The values of a stretch of prompt; each is taken at most once.
#[derive(Clone, Debug)]
pub(super) struct Hints<'a> {
    /// The text in small ASCII letters, byte for byte.
    lower: String,
    found: Vec<Hint<'a>>,
    named: Vec<Named<'a>>,
}

#[derive(Clone, Debug)]
struct Hint<'a> {
    at: Range<usize>,
    value: HintValue<'a>,
    is_taken: bool,
}

/// What stands after a `:` or `=`.
#[derive(Clone, Debug)]
struct Named<'a> {
    /// Where the name before it ends.
    name_end: usize,
    at: Range<usize>,
    value: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum HintValue<'a> {
    Quoted(&'a str),
    Number(f64),
}

impl<'a> Hints<'a> {
    /// Reads `text`, which holds neither the function's name nor JSON objects.
    pub(super) fn read(text: &'a str) -> Self {
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        let mut found = Vec::new();
        let mut before = None;
        let mut from = 0;
        while let Some(c) = text[from..].chars().next() {
            let rest = &text[from..];
            let hint = if before.is_some_and(char::is_alphanumeric) {
                None
            } else {
                quoted(rest).or_else(|| number(rest, before))
            };
            let len = hint.map_or(c.len_utf8(), |(len, _)| len);
            if let Some((len, value)) = hint {
                found.push(Hint { at: from..from + len, value, is_taken: false });
            }
            before = text[from..from + len].chars().next_back();
            from += len;
        }
        let marks = text.char_indices().filter(|(_, c)| matches!(c, ':' | '='));
        let named = marks.filter_map(|(mark, _)| named(text, mark)).collect();
        Self { lower: text.to_ascii_lowercase(), found, named }
    }

    /// Whether nothing stands plainly in this stretch.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Numbers not taken yet.
    pub(super) fn numbers_left(&self) -> usize {
        self.found.iter().filter(|hint| !hint.is_taken && matches!(hint.value, HintValue::Number(_))).count()
    }

    /// Quoted strings not taken yet.
    pub(super) fn strings_left(&self) -> usize {
        self.found.iter().filter(|hint| !hint.is_taken && matches!(hint.value, HintValue::Quoted(_))).count()
    }

    /// Takes the first number that `fits`.
    pub(super) fn take_number(&mut self, fits: impl Fn(f64) -> bool) -> Option<f64> {
        self.found.iter_mut().filter(|hint| !hint.is_taken).find_map(|hint| match hint.value {
            HintValue::Number(number) if fits(number) => {
                hint.is_taken = true;
                Some(number)
            }
            HintValue::Number(_) | HintValue::Quoted(_) => None,
        })
    }

    /// Takes the first quoted string that `fits`.
    pub(super) fn take_string(&mut self, fits: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.found.iter_mut().filter(|hint| !hint.is_taken).find_map(|hint| match hint.value {
            HintValue::Quoted(text) if fits(text) => {
                hint.is_taken = true;
                Some(text)
            }
            HintValue::Number(_) | HintValue::Quoted(_) => None,
        })
    }

    /// Takes what is written as `name: value` or `name=value`: a quotation, or the run up to white space or `,;)`.
    pub(super) fn take_named(&mut self, name: &str) -> Option<&'a str> {
        let named = self.find_named(name)?;
        let (at, value) = (named.at.clone(), named.value);
        for hint in &mut self.found {
            hint.is_taken |= hint.at.start < at.end && at.start < hint.at.end;
        }
        Some(value)
    }

    /// Whether [`take_named`](Self::take_named) would take something.
    pub(super) fn has_named(&self, name: &str) -> bool {
        self.find_named(name).is_some()
    }

    fn find_named(&self, name: &str) -> Option<&Named<'a>> {
        let name = name.to_ascii_lowercase();
        self.named.iter().find(|named| {
            let before = &self.lower[..named.name_end];
            !name.is_empty() && before.ends_with(&name) && is_word(&self.lower, before.len() - name.len()..before.len())
        })
    }

    /// Whether `word` stands in the stretch as a word of its own, in whatever case.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        let mut places = self.lower.match_indices(&word).map(|(start, _)| start..start + word.len());
        !word.is_empty() && places.any(|at| is_word(&self.lower, at))
    }
}

/// A quotation at the start of `rest`; the closing mark must end a word, so that apostrophes open and close nothing.
fn quoted(rest: &str) -> Option<(usize, HintValue<'_>)> {
    let open = rest.chars().next()?;
    let &(_, close) = QUOTES.iter().find(|(mark, _)| *mark == open)?;
    let inside = &rest[open.len_utf8()..];
    let (end, _) = inside.match_indices(close).find(|(end, _)| {
        *end > 0 && !inside[end + close.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric)
    })?;
    Some((open.len_utf8() + end + close.len_utf8(), HintValue::Quoted(&inside[..end])))
}

/// A decimal number at the start of `rest`; letters right after it make it a name (`3d`), not a number.
fn number(rest: &str, before: Option<char>) -> Option<(usize, HintValue<'_>)> {
    let unsigned = rest.strip_prefix('-').unwrap_or(rest);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(unsigned);
    if whole == 0 || (before.is_some_and(|c| matches!(c, '_' | '-' | '.'))) {
        return None;
    }
    let fraction = unsigned[whole..].strip_prefix('.').map_or(0, digits);
    let len = rest.len() - unsigned.len() + whole + if fraction > 0 { fraction + 1 } else { 0 };
    if rest[len..].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let number: f64 = rest[..len].parse().ok()?;
    number.is_finite().then_some((len, HintValue::Number(number)))
}

/// The value after the mark at a byte of `text`, and where the name before it ends.
fn named(text: &str, mark: usize) -> Option<Named<'_>> {
    let name_end = text[..mark].trim_end_matches([' ', '"', '\'', '`']).len();
    let value = text[mark + 1..].trim_start();
    let start = text.len() - value.len();
    if let Some((len, HintValue::Quoted(inside))) = quoted(value) {
        return Some(Named { name_end, at: start..start + len, value: inside });
    }
    let run = value.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ')')).unwrap_or(value.len());
    let value = value[..run].trim_end_matches(['.', '?', '!', '"', '\'', '`']);
    (!value.is_empty()).then(|| Named { name_end, at: start..start + value.len(), value })
}

/// Whether no word goes on before or after.
fn is_word(text: &str, at: Range<usize>) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !text[..at.start].chars().next_back().is_some_and(is_part) && !text[at.end..].chars().next().is_some_and(is_part)
}

/// A whole number as JSON's integer, so that it prints without a fraction.
pub(super) fn json_number(number: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        let whole = number as i64;
        Value::from(whole)
    } else {
        Value::from(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Vec<String> {
        let values = Hints::read(text).found;
        values
            .into_iter()
            .map(|hint| match hint.value {
                HintValue::Quoted(text) => format!("{text:?}"),
                HintValue::Number(number) => json_number(number).to_string(),
            })
            .collect()
    }

    #[test]
    fn quotations_and_numbers_are_found_in_order() {
        assert_eq!(found("add 2 and -3.5, say 'it's 4', \"5 o'clock\""), ["2", "-3.5", "\"it's 4\"", "\"5 o'clock\""]);
        assert_eq!(found("“München” at 21°C on 2026-11-21."), ["\"München\"", "21", "2026"]);
    }

    #[test]
    fn names_and_apostrophes_are_no_values() {
        assert_eq!(found("don't call v2 or 3d or x_4, it's 5th"), Vec::<String>::new());
    }

    #[test]
    fn a_value_may_be_named() {
        let mut hints = Hints::read("with city: 'New York', days=3 and metric = true.");
        assert_eq!(hints.take_named("CITY"), Some("New York"));
        assert_eq!(hints.take_named("days"), Some("3"));
        assert_eq!(hints.take_named("metric"), Some("true"));
        assert_eq!(hints.take_named("ay"), None);
        assert_eq!((hints.numbers_left(), hints.strings_left()), (0, 0));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), name in any::<String>()) {
            let mut hints = Hints::read(&text);
            hints.take_named(&name);
            hints.has_word(&name);
        }

        #[test]
        fn any_number_is_found(number in -1e9..1e9_f64) {
            prop_assert_eq!(Hints::read(&format!("at {number} now")).take_number(|_| true), Some(number));
        }
    }
}
