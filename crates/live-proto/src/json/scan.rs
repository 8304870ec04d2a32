//! The grammar of JSON over text: white space, strings, numbers. What a value means is the reader's business.

use std::borrow::Cow;

use super::ReadError;
use crate::error::DecodeErrorKind;

/// A place in a text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is not white space, without passing it; 0 at the end, which no valid text holds outside strings.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Passes the byte that [`peek`](Self::peek) returned.
    #[inline]
    pub(crate) fn pass(&mut self) {
        self.at += 1;
    }

    pub(crate) fn at_end(&mut self) -> bool {
        self.peek() == 0 && self.at == self.text.len()
    }

    #[cold]
    pub(crate) fn syntax(&self, expected: &'static str) -> ReadError {
        Box::new(DecodeErrorKind::Syntax { offset: self.at, expected })
    }

    /// The word `true`, `false` or `null`.
    pub(crate) fn take_word(&mut self, word: &'static str) -> Result<(), ReadError> {
        let rest = &self.text.as_bytes()[self.at..];
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax(word));
        }
        self.at += word.len();
        Ok(())
    }

    /// The string that begins with the quote which [`peek`](Self::peek) returned; borrowed unless it holds an escape.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let start = self.at + 1;
        self.at = start;
        self.skip_plain();
        let end = self.at;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.escaped_string(start)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<Cow<'a, str>, ReadError> {
        let mut owned = self.text[start..self.at].to_owned();
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(owned));
                }
                Some(b'\\') => {
                    self.at += 1;
                    owned.push(self.escape()?);
                }
                Some(_) => return Err(self.syntax("no control character inside a string")),
                None => return Err(self.syntax("the end of the string")),
            }
            let start = self.at;
            self.skip_plain();
            owned.push_str(&self.text[start..self.at]);
        }
    }

    /// A string that is likely long and without escapes, such as base64: its end is searched for, its content not looked at.
    pub(crate) fn opaque_string(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let start = self.at + 1;
        let rest = &self.text.as_bytes()[start..];
        if let Some(length) = memchr::memchr2(b'"', b'\\', rest).filter(|&length| rest[length] == b'"') {
            self.at = start + length + 1;
            return Ok(Cow::Borrowed(&self.text[start..start + length]));
        }
        self.string()
    }

    /// Passes everything up to a quote, a backslash, a control character or the end.
    #[inline]
    fn skip_plain(&mut self) {
        self.at += plain_length(&self.text.as_bytes()[self.at..]);
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let Some(&byte) = self.text.as_bytes().get(self.at) else { return Err(self.syntax("an escape")) };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => {
                self.at -= 1;
                return Err(self.syntax("one of \"\\/bfnrtu after a backslash"));
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, ReadError> {
        let first = self.hex4()?;
        let code = match first {
            0xD800..=0xDBFF => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(self.syntax("the second half of a surrogate pair"));
                }
                self.at += 2;
                let second = self.hex4()?;
                if !(0xDC00..=0xDFFF).contains(&second) {
                    return Err(self.syntax("the second half of a surrogate pair"));
                }
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.syntax("the first half of a surrogate pair"))
    }

    fn hex4(&mut self) -> Result<u32, ReadError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let Some(digits) = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) else {
            return Err(self.syntax("four hexadecimal digits"));
        };
        let code = digits.iter().fold(0, |code, &digit| code << 4 | char::from(digit).to_digit(16).unwrap_or(0));
        self.at += 4;
        Ok(code)
    }

    /// The text of a number.
    pub(crate) fn number(&mut self) -> Result<&'a str, ReadError> {
        self.peek();
        let rest = &self.text[self.at..];
        let Some(length) = number_length(rest.as_bytes()) else { return Err(self.syntax("a number")) };
        self.at += length;
        Ok(&rest[..length])
    }
}

/// The number of bytes before a quote, a backslash, a control character or the end; looked at eight at a time.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some((word, _)) = bytes[at..].split_first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(rest.len())
}

/// The high bit of each byte that is a quote, a backslash or a control character; bits above the first such byte may be
/// set without cause, because the subtractions borrow.
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    let zero_quote = quote.wrapping_sub(ONES) & !quote;
    let zero_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (below_space | zero_quote | zero_backslash) & HIGH
}

/// The length of the number that the bytes begin with.
pub(crate) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match (bytes.get(at), digits(at)) {
        (_, 0) => return None,
        (Some(b'0'), _) => 1,
        (_, count) => count,
    };
    if bytes.get(at) == Some(&b'.') {
        let count = digits(at + 1);
        if count == 0 {
            return None;
        }
        at += 1 + count;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let from = (at + 1 + sign).min(bytes.len());
        let count = digits(from);
        if count == 0 {
            return None;
        }
        at = from + count;
    }
    Some(at)
}
