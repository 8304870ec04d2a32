//! "count from A to B", understood and counted; how fast it is said lives in `speaker`.

use std::fmt;

use crate::voice::SMALL_NUMBER_WORDS;

/// A count to say aloud, both ends included, up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The first number said.
    pub from: i64,
    /// The last number said.
    pub to: i64,
}

impl Count {
    /// The numbers in the order they are said; lazy, since a count may be longer than any session.
    pub fn numbers(self) -> impl Iterator<Item = i64> + Send + 'static {
        let mut next = Some(self.from);
        std::iter::from_fn(move || {
            let number = next?;
            next = match number.cmp(&self.to) {
                std::cmp::Ordering::Less => Some(number + 1),
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Greater => Some(number - 1),
            };
            Some(number)
        })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

/// Every count that `text` asks for, in order.
///
/// `count [up|down|backwards] [from A] to B`, where `from` left out means from 1, and `count down from A`, to 1.
pub(super) fn counts(text: &str) -> Vec<Count> {
    let tokens: Vec<&str> = text.split_whitespace().map(bare).collect();
    (0..tokens.len()).filter_map(|at| count_at(&tokens[at..])).collect()
}

fn count_at(tokens: &[&str]) -> Option<Count> {
    let (verb, mut rest) = tokens.split_first()?;
    if !is_any(verb, &["count", "counting"]) {
        return None;
    }
    let mut is_down = false;
    let mut from = None;
    if let Some((direction, after)) = rest.split_first()
        && is_any(direction, &["up", "down", "backward", "backwards"])
    {
        is_down = !is_any(direction, &["up"]);
        rest = after;
    }
    if let [word, number, after @ ..] = rest
        && is_any(word, &["from"])
    {
        from = Some(parse_number(number)?);
        rest = after;
    }
    if let Some((direction, after)) = rest.split_first()
        && is_any(direction, &["up", "down"])
    {
        rest = after;
    }
    match (rest, from) {
        ([word, number, ..], _) if is_any(word, &["to", "till", "until", "through"]) => {
            Some(Count { from: from.unwrap_or(1), to: parse_number(number)? })
        }
        (_, Some(from)) if is_down => Some(Count { from, to: 1 }),
        (_, _) => None,
    }
}

/// A number in digits (`7`, `-3`, `2,000`) or a word from zero to twenty.
fn parse_number(token: &str) -> Option<i64> {
    let words = SMALL_NUMBER_WORDS.into_iter().chain(["twenty"]);
    if let Some(number) = (0..).zip(words).find_map(|(number, word)| word.eq_ignore_ascii_case(token).then_some(number))
    {
        return Some(number);
    }
    let mut groups = token.split(',');
    let mut digits = groups.next()?.to_owned();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    let is_number = digits.strip_prefix('-').unwrap_or(&digits).bytes().all(|b| b.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// A token without the punctuation around it; a minus sign stays.
fn bare(token: &str) -> &str {
    token
        .trim_start_matches(|c: char| !c.is_alphanumeric() && c != '-')
        .trim_end_matches(|c: char| !c.is_alphanumeric())
}

fn is_any(token: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(i64, i64)]) {
        let found: Vec<_> = counts(text).into_iter().map(|count| (count.from, count.to)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn counts_are_found_in_digits_and_words() {
        check("count from 1 to 5", &[(1, 5)]);
        check("Please COUNT from one to Twenty!", &[(1, 20)]);
        check("count from 10 down to 1.", &[(10, 1)]);
        check("count to 2,000", &[(1, 2000)]);
        check("count down from ten", &[(10, 1)]);
        check("count backwards from -3 to \"-7\"", &[(-3, -7)]);
        check("count from 1 to 3, then count from 3 to 1", &[(1, 3), (3, 1)]);
    }

    #[test]
    fn what_is_no_count_is_left_alone() {
        for text in [
            "count the sheep",
            "I count on you to help",
            "count from here to there",
            "count from 1",
            "count from 1 to 99999999999999999999",
            "account from 1 to 5",
            "count to 1,00",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_count_includes_both_ends_and_does_not_overflow() {
        assert_eq!(Count { from: 3, to: 1 }.numbers().collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(Count { from: 7, to: 7 }.numbers().collect::<Vec<_>>(), [7]);
        let last = Count { from: i64::MAX - 1, to: i64::MAX };
        assert_eq!(last.numbers().collect::<Vec<_>>(), [i64::MAX - 1, i64::MAX]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            counts(&text);
        }

        #[test]
        fn any_count_in_digits_is_found(from in any::<i64>(), to in any::<i64>()) {
            prop_assert_eq!(counts(&format!("count from {from} to {to}")), [Count { from, to }]);
        }
    }
}
