//! Numbers as English words.

/// Digits beyond this many are no longer read as one number but one by one.
pub(super) const CARDINAL_DIGITS_MAX: usize = 15;
/// Digits beyond this many are not read out at all, only counted.
pub(super) const SPELLED_DIGITS_MAX: usize = 30;

/// Zero to nineteen.
pub(crate) const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 4] =
    [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];

/// Appends the words of a row of ASCII digits: "2000" is two thousand, "007" is zero zero seven.
pub(super) fn digits(digits: &str, out: &mut Vec<&'static str>) {
    let is_spelled = digits.len() > CARDINAL_DIGITS_MAX || (digits.len() > 1 && digits.starts_with('0'));
    if digits.len() > SPELLED_DIGITS_MAX {
        out.extend(["a", "number", "of"]);
        cardinal(digits.len() as u64, out);
        out.push("digits");
    } else if is_spelled {
        one_by_one(digits, out);
    } else {
        cardinal(digits.parse().expect("fifteen digits fit in 64 bits"), out);
    }
}

/// Appends the name of each digit.
pub(super) fn one_by_one(digits: &str, out: &mut Vec<&'static str>) {
    out.extend(digits.bytes().filter(u8::is_ascii_digit).map(|digit| SMALL[usize::from(digit - b'0')]));
}

/// Appends the words of a number.
pub(super) fn cardinal(mut number: u64, out: &mut Vec<&'static str>) {
    if number == 0 {
        out.push(SMALL[0]);
        return;
    }
    for (scale, name) in SCALES {
        if number >= scale {
            cardinal(number / scale, out);
            out.push(name);
            number %= scale;
        }
    }
    if number >= 100 {
        out.extend([SMALL[(number / 100) as usize], "hundred"]);
        number %= 100;
    }
    if number >= 20 {
        out.push(TENS[(number / 10) as usize]);
        number %= 10;
    }
    if number > 0 {
        out.push(SMALL[number as usize]);
    }
}

/// Turns the last word of a number into its ordinal: "one" into "first".
pub(super) fn ordinal(word: &'static str) -> &'static str {
    ORDINALS.iter().find(|(cardinal, _)| *cardinal == word).map_or(word, |(_, ordinal)| ordinal)
}

const ORDINALS: &[(&str, &str)] = &[
    ("zero", "zeroth"),
    ("one", "first"),
    ("two", "second"),
    ("three", "third"),
    ("four", "fourth"),
    ("five", "fifth"),
    ("six", "sixth"),
    ("seven", "seventh"),
    ("eight", "eighth"),
    ("nine", "ninth"),
    ("ten", "tenth"),
    ("eleven", "eleventh"),
    ("twelve", "twelfth"),
    ("thirteen", "thirteenth"),
    ("fourteen", "fourteenth"),
    ("fifteen", "fifteenth"),
    ("sixteen", "sixteenth"),
    ("seventeen", "seventeenth"),
    ("eighteen", "eighteenth"),
    ("nineteen", "nineteenth"),
    ("twenty", "twentieth"),
    ("thirty", "thirtieth"),
    ("forty", "fortieth"),
    ("fifty", "fiftieth"),
    ("sixty", "sixtieth"),
    ("seventy", "seventieth"),
    ("eighty", "eightieth"),
    ("ninety", "ninetieth"),
    ("hundred", "hundredth"),
    ("thousand", "thousandth"),
    ("million", "millionth"),
    ("billion", "billionth"),
    ("trillion", "trillionth"),
];

#[cfg(test)]
mod tests {
    use super::{digits, ordinal};

    fn read(number: &str) -> String {
        let mut out = Vec::new();
        digits(number, &mut out);
        out.join(" ")
    }

    #[test]
    fn numbers_are_read_as_words() {
        assert_eq!(read("0"), "zero");
        assert_eq!(read("2000"), "two thousand");
        assert_eq!(read("1999"), "one thousand nine hundred ninety nine");
        assert_eq!(read("70013"), "seventy thousand thirteen");
        assert_eq!(read("1000001"), "one million one");
        assert_eq!(read("007"), "zero zero seven");
        assert_eq!(read("1234567890123456").split(' ').count(), 16);
        assert_eq!(read(&"9".repeat(300)), "a number of three hundred digits");
    }

    #[test]
    fn ordinals_change_the_last_word_only() {
        assert_eq!(ordinal("three"), "third");
        assert_eq!(ordinal("twenty"), "twentieth");
    }
}
