//! From the spelling of an English word to its sounds, by rule; words that no rule gets right are in `lexicon.rs`.
//!
//! A rule rewrites some letters between a left and a right context; the first that fits at a position wins. The table is
//! `letter/rule.rs`.

mod rule;

use super::phone::Phone;
use rule::{RULES, Rule};

/// One sound of a word and how strongly its syllable is said: 0 unstressed, 1 stressed, 2 second stress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spoken {
    pub(super) phone: Phone,
    pub(super) stress: u8,
}

/// Appends the sounds of `word`, which is in lower-case ASCII letters.
pub(super) fn sound_out(word: &str, out: &mut Vec<Spoken>) {
    let letters = word.as_bytes();
    let first = out.len();
    let mut at = 0;
    while at < letters.len() {
        let Some(rule) = rules_of(letters[at]).iter().find(|rule| fits(rule, letters, at)) else {
            at += 1;
            continue;
        };
        parse(rule.3, out);
        at += rule.1.len();
    }
    collapse_doubles(out, first);
    stress(letters, &mut out[first..]);
}

/// Appends the sounds that a table writes as ARPAbet names, where a digit after a vowel is its stress.
pub(super) fn parse(sounds: &str, out: &mut Vec<Spoken>) {
    for name in sounds.split_ascii_whitespace() {
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let stress = name.as_bytes()[bare.len()..].first().map_or(0, |digit| digit - b'0');
        let phone = Phone::named(bare).expect("tables hold known sounds only");
        out.push(Spoken { phone, stress });
    }
}

fn rules_of(letter: u8) -> &'static [Rule] {
    match letter {
        b'a'..=b'z' => RULES[usize::from(letter - b'a')],
        _ => &[],
    }
}

fn fits(rule: &Rule, letters: &[u8], at: usize) -> bool {
    let (left, body, right, _) = rule;
    letters[at..].starts_with(body.as_bytes())
        && fits_right(right.as_bytes(), letters, at + body.len())
        && fits_left(left.as_bytes(), letters, at)
}

/// Matches a context rightwards from `at`.
///
/// `_` the word's edge, `#` vowels, `^` a consonant, `:` any consonants, `.` a voiced consonant, `+` a front vowel, `&` a hissing
/// consonant, `%` an ending with a silent or short e (e, es, ed, er, ers, ing, ely, ...); letters stand for themselves.
fn fits_right(pattern: &[u8], letters: &[u8], mut at: usize) -> bool {
    for (index, symbol) in pattern.iter().enumerate() {
        let here = letters.get(at).copied();
        match symbol {
            b'_' => {
                if here.is_some() {
                    return false;
                }
            }
            b'#' => {
                let count = letters[at.min(letters.len())..].iter().take_while(|letter| is_vowel(**letter)).count();
                if count == 0 {
                    return false;
                }
                at += count;
            }
            b':' => {
                // The consonants are taken greedily: what follows in a rule is never a consonant.
                at += letters[at.min(letters.len())..].iter().take_while(|letter| !is_vowel(**letter)).count();
            }
            b'%' => {
                let rest = &letters[at.min(letters.len())..];
                return index + 1 == pattern.len() && ENDINGS.iter().any(|ending| rest == ending.as_bytes());
            }
            _ => {
                if !here.is_some_and(|letter| is_in(*symbol, letter)) {
                    return false;
                }
                at += 1;
            }
        }
    }
    true
}

/// Matches a context leftwards from before `at`.
fn fits_left(pattern: &[u8], letters: &[u8], mut at: usize) -> bool {
    for symbol in pattern.iter().rev() {
        match symbol {
            b'_' => {
                if at != 0 {
                    return false;
                }
            }
            b'#' => {
                let count = letters[..at].iter().rev().take_while(|letter| is_vowel(**letter)).count();
                if count == 0 {
                    return false;
                }
                at -= count;
            }
            b':' => at -= letters[..at].iter().rev().take_while(|letter| !is_vowel(**letter)).count(),
            _ => {
                if at == 0 || !is_in(*symbol, letters[at - 1]) {
                    return false;
                }
                at -= 1;
            }
        }
    }
    true
}

fn is_in(symbol: u8, letter: u8) -> bool {
    match symbol {
        b'^' => !is_vowel(letter),
        b'.' => b"bdgjlmnrvwz".contains(&letter),
        b'+' => b"eiy".contains(&letter),
        b'&' => b"scgzxj".contains(&letter),
        _ => symbol == letter,
    }
}

fn is_vowel(letter: u8) -> bool {
    b"aeiouy".contains(&letter)
}

const ENDINGS: &[&str] =
    &["e", "es", "ed", "er", "ers", "ing", "ings", "ely", "eless", "eful", "ement", "ements", "en", "able"];

/// Two letters that wrote one sound twice, as in "accept" or "bookkeeper", are said once.
fn collapse_doubles(out: &mut Vec<Spoken>, first: usize) {
    let mut kept = first;
    for index in first..out.len() {
        if kept > first && out[kept - 1].phone == out[index].phone && !out[index].phone.is_vowel() {
            continue;
        }
        out[kept] = out[index];
        kept += 1;
    }
    out.truncate(kept);
}

/// Endings that put the stress on the syllable before them, and how many syllables they are.
const STRESS_BEFORE: &[(&str, usize)] = &[
    ("tion", 1),
    ("tions", 1),
    ("sion", 1),
    ("sions", 1),
    ("cian", 1),
    ("cial", 1),
    ("tial", 1),
    ("cious", 1),
    ("tious", 1),
    ("geous", 1),
    ("ience", 2),
    ("ient", 2),
    ("tional", 2),
    ("sional", 2),
    ("ic", 1),
    ("ics", 1),
    ("ical", 2),
    ("ically", 2),
    ("ity", 2),
    ("ities", 2),
    ("ify", 2),
    ("ogy", 2),
    ("ologies", 2),
    ("aphy", 2),
    ("cracy", 2),
    ("ian", 2),
    ("ial", 2),
    ("ious", 2),
    ("eous", 2),
    ("ium", 2),
    ("ior", 2),
];
/// Endings that take the stress themselves.
const STRESS_ON: &[&str] = &["ee", "eer", "eers", "ese", "ette", "esque", "ique", "oon", "self", "selves"];
/// Beginnings that leave the stress to what follows.
const STRESS_AFTER: &[&str] = &[
    "acc", "aff", "all", "ann", "app", "arr", "ass", "att", "adm", "adv", "be", "de", "dis", "em", "en", "ex", "for",
    "im", "mis", "ob", "occ", "off", "opp", "per", "pre", "re", "se", "sub", "succ", "sugg", "supp", "sur", "sus",
    "trans", "un", "con", "com",
];
/// Of these, the ones that do so in words of two syllables too, which are otherwise nouns more often than not.
const STRESS_AFTER_ALWAYS: &[&str] = &[
    "acc", "aff", "all", "ann", "app", "arr", "ass", "att", "be", "de", "dis", "ex", "mis", "occ", "pre", "re", "se",
    "sub", "succ", "sugg", "supp", "trans", "un",
];

/// Chooses the stressed vowel and weakens the others.
fn stress(letters: &[u8], spoken: &mut [Spoken]) {
    let vowels: Vec<usize> = (0..spoken.len()).filter(|index| spoken[*index].phone.is_vowel()).collect();
    if spoken.iter().any(|sound| sound.stress > 0) || vowels.is_empty() {
        return;
    }
    let count = vowels.len();
    let ends = |ending: &str| letters.ends_with(ending.as_bytes());
    let chosen = if count == 1 {
        0
    } else if let Some((_, syllables)) =
        STRESS_BEFORE.iter().filter(|(ending, _)| ends(ending)).max_by_key(|(ending, _)| ending.len())
    {
        (count - 1).saturating_sub(*syllables)
    } else if STRESS_ON.iter().any(|ending| ends(ending)) {
        count - 1
    } else {
        // A weak first vowel leaves the stress to the next, unless that one is weak as well.
        let weak = |index: usize| matches!(spoken[vowels[index]].phone, Phone::AX | Phone::IX);
        let prefixes = if count == 2 { STRESS_AFTER_ALWAYS } else { STRESS_AFTER };
        let is_prefixed = prefixes.iter().any(|prefix| letters.starts_with(prefix.as_bytes()))
            || (count == 2 && (is_verb(letters) || has_weak_a(letters)));
        usize::from((weak(0) || is_prefixed) && !weak(1) && !matches!(spoken[vowels[1]].phone, Phone::ER | Phone::IY))
    };
    spoken[vowels[chosen]].stress = 1;
    for (index, at) in vowels.iter().enumerate() {
        if index == chosen {
            continue;
        }
        let sound = &mut spoken[*at];
        if chosen.abs_diff(index) >= 2 {
            sound.stress =
                if matches!(sound.phone, Phone::AX | Phone::IX | Phone::IH | Phone::IY | Phone::ER) { 0 } else { 2 };
        } else if loses_colour(sound.phone, index, chosen, letters) {
            sound.phone = if sound.phone == Phone::EH { Phone::IX } else { Phone::AX };
        }
    }
}

/// Whether an unstressed vowel next to the stressed one becomes a neutral one.
fn loses_colour(vowel: Phone, index: usize, chosen: usize, letters: &[u8]) -> bool {
    if index > 0 {
        return matches!(vowel, Phone::AE | Phone::AA | Phone::AH) || (vowel == Phone::EH && !keeps_colour(letters));
    }
    // A first syllable keeps its colour, unless it is one of the prefixes that never had any.
    chosen == 1
        && (matches!(vowel, Phone::AA | Phone::EH)
            || (vowel == Phone::AE && letters[0] == b'a')
            || (vowel == Phone::AH && letters[0] != b'u'))
}

/// Words of two syllables such as "connect" and "compare", against "contact" and "comment".
fn is_verb(letters: &[u8]) -> bool {
    const ENDS: [&str; 12] = ["e", "ed", "es", "ect", "ects", "ain", "ains", "irm", "irms", "ult", "eed", "ern"];
    (letters.starts_with(b"con") || letters.starts_with(b"com"))
        && ENDS.iter().any(|end| letters.ends_with(end.as_bytes()))
}

/// Words of two syllables such as "apart" and "afraid", against "atom" and "agent".
fn has_weak_a(letters: &[u8]) -> bool {
    const NOT: [&str; 10] = ["y", "er", "or", "om", "al", "id", "ic", "ow", "et", "ent"];
    let [b'a', second, third, ..] = letters else { return false };
    !is_vowel(*second)
        && (is_vowel(*third) || *third == b'r')
        && !NOT.iter().any(|end| letters.ends_with(end.as_bytes()))
}

/// Whether a last syllable with an e is heard as one, as in "success" and "respect".
fn keeps_colour(letters: &[u8]) -> bool {
    ["ess", "ect", "ects", "ept", "epts", "ext", "exts", "end", "ends", "est"]
        .iter()
        .any(|end| letters.ends_with(end.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::rule::RULES;
    use super::{Spoken, parse, sound_out};

    fn said(word: &str) -> String {
        let mut out: Vec<Spoken> = Vec::new();
        sound_out(word, &mut out);
        out.iter().map(|spoken| spoken.phone.sound().name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_rule_begins_with_its_letter_and_names_known_sounds() {
        for (index, rules) in RULES.iter().enumerate() {
            let letter = char::from(b'a' + u8::try_from(index).expect("26 letters"));
            assert!(rules.last().is_some_and(|rule| rule.0.is_empty() && rule.2.is_empty()), "{letter} has a default");
            for rule in *rules {
                assert!(rule.1.starts_with(letter), "{rule:?}");
                parse(rule.3, &mut Vec::new());
            }
        }
    }

    #[test]
    fn no_rule_hides_behind_an_earlier_one() {
        for rules in RULES {
            for (index, rule) in rules.iter().enumerate() {
                let hider = rules[..index].iter().find(|earlier| {
                    rule.1.starts_with(earlier.1)
                        && (earlier.2.is_empty() || (earlier.2 == rule.2 && earlier.1 == rule.1))
                        && (earlier.0.is_empty() || earlier.0 == rule.0)
                });
                assert!(hider.is_none(), "{rule:?} hides behind {hider:?}");
            }
        }
    }

    #[test]
    fn common_spellings_are_read() {
        for (word, sounds) in [
            ("make", "M EY K"),
            ("making", "M EY K IX NG"),
            ("station", "S T EY SH AX N"),
            ("night", "N AY T"),
            ("phone", "F OW N"),
            ("church", "CH ER CH"),
            ("knife", "N AY F"),
            ("question", "K W EH S CH AX N"),
            ("jumped", "JH AH M P T"),
            ("boxes", "B AA K S IX Z"),
        ] {
            assert_eq!(said(word), sounds, "{word}");
        }
    }
}
