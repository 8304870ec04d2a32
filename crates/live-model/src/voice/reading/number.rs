//! Numbers in their context: signs, thousands, decimals, money, times, ordinals, ranges and units.

use crate::voice::number::{digits, one_by_one, ordinal};

/// Whether a number begins at `at`.
pub(super) fn begins(text: &str, at: usize) -> bool {
    let rest = &text[at..];
    let mut letters = rest.chars();
    let follows_word = text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    match letters.next() {
        Some('0'..='9') => true,
        Some('$' | '€' | '£' | '¥' | '₹') => rest.chars().nth(1).is_some_and(|next| next.is_ascii_digit()),
        Some('-' | '−') => {
            !follows_word
                && (letters.next().is_some_and(|next| next.is_ascii_digit())
                    || currency(&rest[first_len(rest)..]).is_some())
        }
        Some('.') => !follows_word && letters.next().is_some_and(|next| next.is_ascii_digit()),
        _ => false,
    }
}

/// Appends the words of the number at `at` and returns where it ends.
pub(super) fn read(text: &str, mut at: usize, said: &mut Vec<&'static str>) -> usize {
    if text[at..].starts_with(['-', '−']) {
        said.push("minus");
        at += first_len(&text[at..]);
    }
    let money = currency(&text[at..]);
    if money.is_some() {
        at += first_len(&text[at..]);
    }
    let (whole, mut at) = integer(text, at);
    if whole.is_empty() {
        said.push("point");
        let fraction = digit_run(text, at + 1);
        one_by_one(capped(fraction), said);
        return at + 1 + fraction.len();
    }
    let first = said.len();
    digits(&whole, said);
    if let Some(end) = time(text, at, &whole, said) {
        return end;
    }
    if let Some(end) = ordinal_end(text, at) {
        if let Some(last) = said.last_mut() {
            *last = ordinal(last);
        }
        return end;
    }
    let mut cents = "";
    while text[at..].starts_with('.') {
        let fraction = digit_run(text, at + 1);
        if fraction.is_empty() {
            break;
        }
        at += 1 + fraction.len();
        if money.is_some() && fraction.len() == 2 && cents.is_empty() {
            cents = fraction;
            continue;
        }
        said.push("point");
        one_by_one(capped(fraction), said);
    }
    let is_one = said[first..] == ["one"];
    for scale in ["thousand", "million", "billion", "trillion"] {
        if money.is_some()
            && let Some(rest) = text[at..].strip_prefix(' ').and_then(|rest| rest.strip_prefix(scale))
            && !rest.starts_with(char::is_alphanumeric)
        {
            said.push(scale);
            at += 1 + scale.len();
        }
    }
    if let Some((one, many)) = money {
        said.push(if is_one { one } else { many });
        if cents.bytes().any(|digit| digit != b'0') {
            digits(cents.trim_start_matches('0'), said);
            said.push("cents");
        }
    } else if let Some((end, unit)) = unit(text, at) {
        said.extend(unit);
        return end;
    }
    range(text, at, said)
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn currency(text: &str) -> Option<(&'static str, &'static str)> {
    let mut letters = text.chars();
    let name = match letters.next()? {
        '$' => ("dollar", "dollars"),
        '€' => ("euro", "euros"),
        '£' => ("pound", "pounds"),
        '¥' => ("yen", "yen"),
        '₹' => ("rupee", "rupees"),
        _ => return None,
    };
    letters.next().is_some_and(|next| next.is_ascii_digit()).then_some(name)
}

fn digit_run(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()]
}

/// The first few digits of a fraction: nobody listens to more.
fn capped(fraction: &str) -> &str {
    &fraction[..fraction.len().min(10)]
}

/// Returns the digits of a whole number without the commas between its thousands.
fn integer(text: &str, at: usize) -> (String, usize) {
    let lead = digit_run(text, at);
    let mut whole = lead.to_owned();
    let mut end = at + lead.len();
    while (1..=3).contains(&lead.len()) && text[end..].starts_with(',') {
        let group = digit_run(text, end + 1);
        if group.len() != 3 {
            break;
        }
        whole.push_str(group);
        end += 4;
    }
    (whole, end)
}

/// Reads the minutes, and the seconds if any, of a time of day.
fn time(text: &str, at: usize, hours: &str, said: &mut Vec<&'static str>) -> Option<usize> {
    if hours.len() > 2 || !text[at..].starts_with(':') || digit_run(text, at + 1).len() != 2 {
        return None;
    }
    let mut end = at;
    while text[end..].starts_with(':') && digit_run(text, end + 1).len() == 2 {
        match digit_run(text, end + 1) {
            "00" => said.push(if end == at { "o'clock" } else { "zero" }),
            part if part.starts_with('0') => {
                said.push("oh");
                digits(&part[1..], said);
            }
            part => digits(part, said),
        }
        end += 3;
    }
    Some(end)
}

fn ordinal_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let suffix = ["st", "nd", "rd", "th"].iter().find(|suffix| rest.starts_with(**suffix))?;
    (!rest[2..].starts_with(char::is_alphanumeric)).then_some(at + suffix.len())
}

fn unit(text: &str, at: usize) -> Option<(usize, &'static [&'static str])> {
    let rest = &text[at..];
    let spaced = usize::from(rest.starts_with(' '));
    let rest = &rest[spaced..];
    let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    if length == 0 || rest[length..].starts_with(|next: char| next.is_alphanumeric() || next == '\'') {
        return None;
    }
    let (_, said) = UNITS.iter().find(|(unit, _)| *unit == &rest[..length])?;
    Some((at + spaced + length, said))
}

const UNITS: &[(&str, &[&str])] = &[
    ("km", &["kilometers"]),
    ("cm", &["centimeters"]),
    ("mm", &["millimeters"]),
    ("kg", &["kilograms"]),
    ("mg", &["milligrams"]),
    ("ms", &["milliseconds"]),
    ("Hz", &["hertz"]),
    ("kHz", &["kilo", "hertz"]),
    ("MHz", &["mega", "hertz"]),
    ("GHz", &["giga", "hertz"]),
    ("kB", &["kilobytes"]),
    ("KB", &["kilobytes"]),
    ("MB", &["megabytes"]),
    ("GB", &["gigabytes"]),
    ("TB", &["terabytes"]),
    ("mph", &["miles", "an", "hour"]),
    ("ft", &["feet"]),
    ("lb", &["pounds"]),
    ("lbs", &["pounds"]),
    ("x", &["times"]),
];

/// Says the hyphen of "5-10" or the stroke of "1/2"; a date such as "2026-11-21" is left as numbers in a row.
fn range(text: &str, at: usize, said: &mut Vec<&'static str>) -> usize {
    let rest = &text[at..];
    let Some(mark) = rest.chars().next() else { return at };
    let end = at + mark.len_utf8();
    if digit_run(text, end).is_empty() {
        return at;
    }
    let start = text[..at].rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let is_once = |marks: &[char]| {
        text[start..]
            .chars()
            .take_while(|letter| !letter.is_whitespace())
            .filter(|letter| marks.contains(letter))
            .count()
            == 1
    };
    match mark {
        '-' | '–' => {
            if is_once(&['-', '–']) {
                said.push("to");
            }
            end
        }
        '/' if is_once(&['/']) => {
            said.push("over");
            end
        }
        _ => at,
    }
}
