//! Arithmetic in a prompt, in signs or in words, as Python; that it is run, and what is said of the outcome, is `code`'s business.

use std::fmt::Write as _;
use std::ops::Range;

use crate::voice::SMALL_NUMBER_WORDS;

/// Tokens of one expression; a longer one is not taken for arithmetic.
const TOKENS_MAX: usize = 256;
/// Parentheses within each other.
const DEPTH_MAX: usize = 16;
/// Digits of one number.
const DIGITS_MAX: usize = 40;

/// Words that ask for what an expression comes to.
const QUESTIONS: [&[&str]; 11] = [
    &["what", "is"],
    &["what", "'", "s"],
    &["what", "’", "s"],
    &["whats"],
    &["what", "are"],
    &["how", "much", "is"],
    &["how", "much", "are"],
    &["calculate"],
    &["compute"],
    &["evaluate"],
    &["work", "out"],
];

/// The expressions of `text` that are asked for, in order, as Python: those behind a question, or the whole text if it is nothing else.
pub(super) fn expressions(text: &str, max: usize) -> Vec<String> {
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().map(|token| token.word(text)).collect();
    let asked = (0..tokens.len()).find_map(|at| {
        let question = QUESTIONS.iter().find(|question| {
            let words = words[at..].iter().take(question.len());
            words.len() == question.len() && words.zip(**question).all(|(word, asked)| word.eq_ignore_ascii_case(asked))
        });
        question.map(|question| at + question.len())
    });
    match asked {
        Some(from) => {
            let mut found = Vec::new();
            let mut at = from;
            while at < tokens.len() && found.len() < max {
                match expression(&tokens, at) {
                    Some((python, length)) => {
                        found.push(python);
                        at += length;
                    }
                    None => at += 1,
                }
            }
            found
        }
        None => match expression(&tokens, 0) {
            Some((python, length)) if tokens[length..].iter().all(|token| token.kind == Kind::Mark) => vec![python],
            Some(_) | None => Vec::new(),
        },
    }
}

/// What counts as an expression: at least one operation, no more than is read, and nothing beside it that would be part of it
/// (`twenty five plus three`, `(1 + 2`).
fn expression(tokens: &[Token], from: usize) -> Option<(String, usize)> {
    let rest = &tokens[from..tokens.len().min(from + TOKENS_MAX)];
    let mut parser = Parser { tokens: rest, at: 0, operations: 0 };
    let python = parser.sum(0)?;
    let before = from.checked_sub(1).and_then(|before| tokens.get(before));
    let behind = tokens.get(from + parser.at);
    let is_whole = [before, behind].into_iter().flatten().all(|token| matches!(token.kind, Kind::Mark | Kind::Other));
    (parser.operations > 0 && parser.at < TOKENS_MAX && is_whole).then_some((python, parser.at))
}

#[derive(Clone, Debug, PartialEq)]
struct Token {
    at: Range<usize>,
    kind: Kind,
}

impl Token {
    fn word<'t>(&self, text: &'t str) -> &'t str {
        &text[self.at.clone()]
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A number, as Python writes it.
    Number(String),
    /// A word of a number that is not read.
    Numeral,
    /// An operator between two values, as Python writes it.
    Operator(&'static str),
    Open,
    Close,
    /// Behind a value: `squared`.
    Power(&'static str),
    /// Between two values: `20% of 50`.
    PercentOf,
    /// In front of a value: `the square root of`.
    Root,
    /// Punctuation that ends or separates, and says nothing.
    Mark,
    /// Any other word.
    Other,
}

/// Signs, the longest first.
const SIGNS: [(&str, Kind); 19] = [
    ("**", Kind::Operator("**")),
    ("//", Kind::Operator("//")),
    ("+", Kind::Operator("+")),
    ("-", Kind::Operator("-")),
    ("−", Kind::Operator("-")),
    ("*", Kind::Operator("*")),
    ("×", Kind::Operator("*")),
    ("·", Kind::Operator("*")),
    ("/", Kind::Operator("/")),
    ("÷", Kind::Operator("/")),
    ("^", Kind::Operator("**")),
    ("%", Kind::Operator("%")),
    ("(", Kind::Open),
    (")", Kind::Close),
    ("²", Kind::Power("2")),
    ("³", Kind::Power("3")),
    ("√", Kind::Root),
    ("?", Kind::Mark),
    ("=", Kind::Mark),
];

/// Words and pairs of words that are signs.
const WORDS: [(&[&str], Kind); 21] = [
    (&["to", "the", "power", "of"], Kind::Operator("**")),
    (&["the", "square", "root", "of"], Kind::Root),
    (&["square", "root", "of"], Kind::Root),
    (&["multiplied", "by"], Kind::Operator("*")),
    (&["divided", "by"], Kind::Operator("/")),
    (&["percent", "of"], Kind::PercentOf),
    (&["%", "of"], Kind::PercentOf),
    (&["sqrt"], Kind::Root),
    (&["plus"], Kind::Operator("+")),
    (&["minus"], Kind::Operator("-")),
    (&["times"], Kind::Operator("*")),
    (&["x"], Kind::Operator("*")),
    (&["over"], Kind::Operator("/")),
    (&["modulo"], Kind::Operator("%")),
    (&["mod"], Kind::Operator("%")),
    (&["squared"], Kind::Power("2")),
    (&["cubed"], Kind::Power("3")),
    (&["negative"], Kind::Operator("-")),
    (&["exactly"], Kind::Mark),
    (&["equal"], Kind::Mark),
    (&["equals"], Kind::Mark),
];

fn tokens(text: &str) -> Vec<Token> {
    let mut plain: Vec<Token> = Vec::new();
    let mut from = 0;
    while let Some(c) = text[from..].chars().next() {
        let rest = &text[from..];
        let (length, kind) = if c.is_whitespace() {
            (c.len_utf8(), None)
        } else if let Some((length, number)) = number(rest) {
            (length, Some(Kind::Number(number)))
        } else if c.eq_ignore_ascii_case(&'x')
            && rest[1..].starts_with(|c: char| c.is_ascii_digit())
            && plain.last().is_some_and(|before| before.at.end == from && matches!(before.kind, Kind::Number(_)))
        {
            // `3x4`
            (1, Some(Kind::Operator("*")))
        } else if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            (sign.len(), Some(kind.clone()))
        } else if c.is_alphanumeric() {
            let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            (length, Some(word(&rest[..length])))
        } else {
            (c.len_utf8(), Some(if ".!,;:'’\"".contains(c) { Kind::Mark } else { Kind::Other }))
        };
        plain.extend(kind.map(|kind| Token { at: from..from + length, kind }));
        from += length;
    }
    joined(text, &plain)
}

/// Puts words together that are one sign.
fn joined(text: &str, plain: &[Token]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(plain.len());
    let mut at = 0;
    while at < plain.len() {
        let rest = &plain[at..];
        let sign = WORDS.iter().find(|(words, _)| {
            rest.len() >= words.len()
                && words.iter().zip(rest).all(|(word, token)| token.word(text).eq_ignore_ascii_case(word))
        });
        let length = sign.map_or(1, |(words, _)| words.len());
        let kind = sign.map_or_else(|| rest[0].kind.clone(), |(_, kind)| kind.clone());
        tokens.push(Token { at: rest[0].at.start..rest[length - 1].at.end, kind });
        at += length;
    }
    tokens
}

/// A number in digits: `17`, `2,000`, `0.5`, `.5`, `1e6`; not one that a letter follows, such as `3D`, but `3x4` is a product.
fn number(text: &str) -> Option<(usize, String)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    let mut python = text[..length].to_owned();
    if (1..=3).contains(&length) {
        while text[length..].starts_with(',') && digits(&text[length + 1..]) == 3 {
            python.push_str(&text[length + 1..length + 4]);
            length += 4;
        }
    }
    if text[length..].starts_with('.') {
        let fraction = digits(&text[length + 1..]);
        if fraction > 0 {
            // Python does not take a leading zero in front of other digits; zeros are told apart below.
            python.push_str(&text[length..=length + fraction]);
            length += 1 + fraction;
        }
    }
    if length == 0 || python.len() > DIGITS_MAX {
        return None;
    }
    let is_word = |c: char| c.is_alphabetic() && !c.eq_ignore_ascii_case(&'x');
    if text[length..].starts_with(is_word) {
        return None;
    }
    let significant = python.trim_start_matches('0');
    let needs_zero = significant.is_empty() || significant.starts_with('.');
    Some((length, if needs_zero { format!("0{significant}") } else { significant.to_owned() }))
}

/// A number from zero to twenty in a word, or another word.
fn word(word: &str) -> Kind {
    let small = (0..).zip(SMALL_NUMBER_WORDS.into_iter().chain(["twenty"]));
    let mut known = small.filter(|(_, known)| known.eq_ignore_ascii_case(word));
    if let Some((number, _)) = known.next() {
        let number: u8 = number;
        return Kind::Number(number.to_string());
    }
    let is_numeral = NUMERALS.iter().any(|numeral| numeral.eq_ignore_ascii_case(word));
    if is_numeral { Kind::Numeral } else { Kind::Other }
}

/// Words of numbers that are not read.
const NUMERALS: [&str; 13] = [
    "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "billion",
    "point", "half",
];

/// Reads tokens as an expression, as far as they are one.
struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    operations: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Values with operators between them; Python knows which go first.
    fn sum(&mut self, depth: usize) -> Option<String> {
        let mut python = self.value(depth)?;
        while let Some(kind) = self.peek() {
            let operator = match kind {
                Kind::Operator(operator) => *operator,
                Kind::PercentOf => "/ 100 *",
                Kind::Number(_)
                | Kind::Numeral
                | Kind::Open
                | Kind::Close
                | Kind::Power(_)
                | Kind::Root
                | Kind::Mark
                | Kind::Other => break,
            };
            let (before, operations) = (self.at, self.operations);
            self.at += 1;
            let Some(value) = self.value(depth) else {
                // `5 - what?` ends before the sign.
                (self.at, self.operations) = (before, operations);
                break;
            };
            self.operations += 1;
            write!(python, " {operator} {value}").expect("a string takes all");
        }
        Some(python)
    }

    fn value(&mut self, depth: usize) -> Option<String> {
        if depth > DEPTH_MAX {
            return None;
        }
        let kind = self.peek()?.clone();
        self.at += 1;
        let mut python = match kind {
            Kind::Number(number) => number,
            Kind::Operator("-") => format!("-{}", self.value(depth + 1)?),
            Kind::Open => {
                let inside = self.sum(depth + 1)?;
                if self.peek() != Some(&Kind::Close) {
                    return None;
                }
                self.at += 1;
                format!("({inside})")
            }
            Kind::Root => {
                self.operations += 1;
                format!("({}) ** 0.5", self.value(depth + 1)?)
            }
            Kind::Operator(_)
            | Kind::Numeral
            | Kind::Close
            | Kind::Power(_)
            | Kind::PercentOf
            | Kind::Mark
            | Kind::Other => return None,
        };
        while let Some(Kind::Power(power)) = self.peek() {
            python = format!("{python} ** {power}");
            self.at += 1;
            self.operations += 1;
        }
        Some(python)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(expressions(text, 8), expected, "{text}");
    }

    #[test]
    fn expressions_that_are_asked_for_are_python() {
        check("what is 17*23 + 4?", &["17 * 23 + 4"]);
        check("What's (1 + 2) × 3 ÷ 4?", &["(1 + 2) * 3 / 4"]);
        check("Please calculate 2,000 - 0.5 and 007^2.", &["2000 - 0.5", "7 ** 2"]);
        check("How much is -3 - -4 % 5 // 2", &["-3 - -4 % 5 // 2"]);
        check("1 + 1", &["1 + 1"]);
        check("1 + 1 = ?", &["1 + 1"]);
        check("compute 3x4", &["3 * 4"]);
        check("what is 2 ** 0.5 + .5", &["2 ** 0.5 + 0.5"]);
    }

    #[test]
    fn words_are_signs_too() {
        check("What is seventeen times twenty plus four?", &["17 * 20 + 4"]);
        check("what is 12 divided by 4 minus one", &["12 / 4 - 1"]);
        check("what is 3 squared plus 2 cubed", &["3 ** 2 + 2 ** 3"]);
        check("what is 2 to the power of 10", &["2 ** 10"]);
        check("what is the square root of 16?", &["(16) ** 0.5"]);
        check("what is 20% of 50, and 5 percent of 10?", &["20 / 100 * 50", "5 / 100 * 10"]);
    }

    #[test]
    fn what_is_no_arithmetic_is_left_alone() {
        for text in [
            "what is 17?",
            "call me at 555-1234",
            "it was 2 - 1 for them",
            "what is a 3D - 4K screen",
            "what is twenty five plus three",
            "what is two hundred plus three",
            "what is three point five plus one",
            "what is 5% of that",
            "what is (1 + 2",
            "what is + + ?",
            "",
        ] {
            check(text, &[]);
        }
        check("what is 5 - what 1 + 1", &["1 + 1"]);
        check(&format!("what is {}1 + 1{}", "(".repeat(100), ")".repeat(100)), &[]);
        check(&format!("what is 1{}", " + 1".repeat(TOKENS_MAX)), &[]);
        check(&format!("what is {} + 1", "9".repeat(DIGITS_MAX + 1)), &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(what is )?[0-9a-z+*/()%. ,²√-]{0,80}") {
            for python in expressions(&text, 3) {
                prop_assert!(python.len() < 400, "{}", python);
            }
        }
    }
}
