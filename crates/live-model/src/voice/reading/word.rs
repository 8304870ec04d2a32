//! Single words: where one ends, whether it is spelled out, and what it sounds like.

use crate::voice::letter::{Spoken, parse, sound_out};
use crate::voice::phone::{Kind, Phone};
use crate::voice::prosody::Word;
use crate::voice::{lexicon, script};

/// A word as it stands in the text.
#[derive(Debug)]
pub(super) struct Written {
    /// Folded to lower-case ASCII letters and apostrophes.
    pub(super) lower: String,
    /// Where it ends in the text, in bytes.
    pub(super) end: usize,
    /// All its letters are capitals, but for the s of a plural.
    is_upper: bool,
    is_plural: bool,
    /// Whether a longer word follows, which makes a lone "A" an article.
    leads_word: bool,
}

/// Whether the letter is one of ours, plain or with a diacritic.
pub(super) fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic() || folded(letter).is_some()
}

fn folded(letter: char) -> Option<&'static str> {
    letter.to_lowercase().next().and_then(script::fold)
}

/// Scans the word at `at`; humps such as in `camelCase` end a word.
pub(super) fn scan(text: &str, at: usize) -> Written {
    let mut lower = String::new();
    let mut end = at;
    let mut is_upper = true;
    let mut letters = text[at..].chars().peekable();
    let mut before: Option<char> = None;
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        if is_latin(letter) {
            let is_hump = before.is_some_and(char::is_lowercase) && letter.is_uppercase();
            let is_last_capital = before.is_some_and(char::is_uppercase)
                && letter.is_uppercase()
                && next.is_some_and(char::is_lowercase)
                && !is_plural(letters.clone());
            if is_hump || is_last_capital {
                break;
            }
            is_upper &=
                letter.is_uppercase() || (before.is_some_and(char::is_uppercase) && letter == 's' && !continues(next));
            match folded(letter) {
                Some(folded) => lower.push_str(folded),
                None => lower.push(letter.to_ascii_lowercase()),
            }
        } else if is_apostrophe(letter) && next.is_some_and(is_latin) && before.is_some() {
            lower.push('\'');
        } else if !('\u{300}'..='\u{36f}').contains(&letter) {
            break;
        }
        end += letter.len_utf8();
        before = Some(letter);
    }
    let following = text[end..].strip_prefix(' ').unwrap_or_default();
    let leads_word = following.chars().take_while(|letter| is_latin(*letter)).nth(1).is_some();
    let is_plural = is_upper && text[at..end].ends_with('s');
    Written { lower, end, is_upper, is_plural, leads_word }
}

/// Whether only the s of a plural is left of the word, as in "APIs".
fn is_plural(mut letters: impl Iterator<Item = char>) -> bool {
    letters.next() == Some('s') && !continues(letters.next())
}

fn continues(letter: Option<char>) -> bool {
    letter.is_some_and(is_latin)
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’' | 'ʼ')
}

/// Recognises an abbreviation at `at`: its length in bytes and the words it stands for.
pub(super) fn abbreviation(text: &str, at: usize) -> Option<(usize, Vec<&'static str>)> {
    let rest = &text[at..];
    if text[..at].chars().next_back().is_some_and(char::is_alphanumeric) {
        return None;
    }
    let known = ABBREVIATIONS.iter().find(|(short, _)| {
        rest.get(..short.len()).is_some_and(|head| head.eq_ignore_ascii_case(short))
            && !rest[short.len()..].starts_with(char::is_alphanumeric)
    });
    if let Some((short, long)) = known {
        return Some((short.len(), long.split(' ').collect()));
    }
    // Initials: letters with a full stop after each.
    let pairs =
        rest.as_bytes().chunks_exact(2).take_while(|pair| pair[0].is_ascii_alphabetic() && pair[1] == b'.').count();
    (pairs >= 2).then(|| {
        let names = rest
            .as_bytes()
            .iter()
            .step_by(2)
            .take(pairs)
            .map(|letter| SPELLED[usize::from(letter.to_ascii_lowercase() - b'a')]);
        (2 * pairs, names.collect())
    })
}

/// Letters as words of their own, upper case so that "a" is the letter and not the article.
const SPELLED: [&str; 26] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W",
    "X", "Y", "Z",
];

/// Longest first where one begins another.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("mrs.", "missus"),
    ("mr.", "mister"),
    ("ms.", "miz"),
    ("mrs", "missus"),
    ("mr", "mister"),
    ("dr", "doctor"),
    ("dr.", "doctor"),
    ("prof.", "professor"),
    ("jr.", "junior"),
    ("sr.", "senior"),
    ("e.g.", "for example"),
    ("i.e.", "that is"),
    ("etc.", "etcetera"),
    ("etc", "etcetera"),
    ("vs.", "versus"),
    ("vs", "versus"),
    ("approx.", "approximately"),
    ("a.m.", "A M"),
    ("p.m.", "P M"),
    ("inc.", "incorporated"),
    ("ltd.", "limited"),
    ("dept.", "department"),
    ("no.1", "number one"),
    ("ai", "A I"),
    ("tv", "T V"),
    ("pc", "P C"),
    ("url", "U R L"),
    ("ui", "U I"),
    ("api", "A P I"),
    ("sdk", "S D K"),
    ("cpu", "C P U"),
    ("usa", "U S A"),
    ("asap", "A S A P"),
];

/// Returns the sounds of a written word; never none.
pub(super) fn pronounce(written: &Written) -> Vec<Spoken> {
    let Written { lower, end: _, is_upper, is_plural, leads_word } = written;
    let stem = if *is_plural { &lower[..lower.len() - 1] } else { lower };
    let letters = stem.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_name = (2..=5).contains(&letters) && lexicon::look_up(stem).is_none() && (letters <= 3 || !has_vowel(stem));
    let is_letter = stem == "a" && !leads_word;
    if !is_upper || !(is_name || is_letter) {
        return pronounce_lower(lower);
    }
    let mut out = spell(stem);
    if *is_plural {
        add_s(&mut out);
    }
    out
}

/// Returns the sounds of a lower-case word, or of the name of an upper-case letter; never none.
pub(super) fn pronounce_lower(word: &str) -> Vec<Spoken> {
    let mut out = Vec::new();
    if let [letter] = word.as_bytes()
        && word != "a"
    {
        if letter.is_ascii_alphabetic() {
            parse(lexicon::letter_name(*letter), &mut out);
            return out;
        }
    } else if known(word, &mut out) || known_stem(word, &mut out) {
        flap(&mut out);
        return out;
    }
    let bare: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    if !has_vowel(&bare) && !bare.is_empty() && !is_hum(&bare) {
        return spell(&bare);
    }
    sound_out(&bare, &mut out);
    if out.is_empty() {
        parse("AX", &mut out);
    }
    flap(&mut out);
    out
}

fn known(word: &str, out: &mut Vec<Spoken>) -> bool {
    let Some(sounds) = lexicon::look_up(word) else { return false };
    parse(sounds, out);
    true
}

/// Tries a known word with an ending.
fn known_stem(word: &str, out: &mut Vec<Spoken>) -> bool {
    for (ending, sounds) in [("'ll", "AX L"), ("'re", "ER"), ("'ve", "V"), ("'d", "D"), ("n't", "AX N T"), ("'m", "M")]
    {
        if let Some(stem) = word.strip_suffix(ending)
            && !stem.is_empty()
        {
            out.extend(pronounce_lower(stem));
            let is_open = out.last().is_some_and(|sound| sound.phone.is_vowel());
            parse(if ending == "'ll" && is_open { "L" } else { sounds }, out);
            return true;
        }
    }
    if let Some(stem) = word.strip_suffix("'s").or_else(|| word.strip_suffix("s'"))
        && !stem.is_empty()
    {
        out.extend(pronounce_lower(stem));
        add_s(out);
        return true;
    }
    if let Some(stem) = word.strip_suffix('s')
        && (known(stem, out) || stem.strip_suffix('e').is_some_and(|stem| ends_hissing(stem) && known(stem, out)))
    {
        add_s(out);
        return true;
    }
    for (ending, sounds) in
        [("ing", "IX NG"), ("er", "ER"), ("ly", "L IY"), ("ness", "N AX S"), ("ful", "F AX L"), ("less", "L AX S")]
    {
        let Some(stem) = word.strip_suffix(ending).filter(|stem| stem.len() > 1) else { continue };
        let is_vowel_ending = ending == "ing" || ending == "er";
        if known(stem, out)
            || (is_vowel_ending
                && (known(&format!("{stem}e"), out) || undoubled(stem).is_some_and(|stem| known(stem, out))))
        {
            let is_doubled = ending == "ly" && out.last().is_some_and(|sound| sound.phone == Phone::L);
            parse(if is_doubled { "IY" } else { sounds }, out);
            return true;
        }
    }
    if let Some(stem) = word.strip_suffix("ed").filter(|stem| stem.len() > 1)
        && (known(stem, out) || known(&format!("{stem}e"), out) || undoubled(stem).is_some_and(|stem| known(stem, out)))
    {
        let last = out.last().map_or(Phone::AX, |sound| sound.phone);
        let sounds = if matches!(last, Phone::T | Phone::D) {
            "IX D"
        } else if last.sound().voiced {
            "D"
        } else {
            "T"
        };
        parse(sounds, out);
        return true;
    }
    known_compound(word, out)
}

/// Tries two known words in one, as in "somewhere".
fn known_compound(word: &str, out: &mut Vec<Spoken>) -> bool {
    let parts = (3..word.len().saturating_sub(2)).rev().filter_map(|middle| word.split_at_checked(middle));
    for (first, second) in parts {
        if let (Some(first), Some(second)) = (lexicon::look_up(first), lexicon::look_up(second)) {
            parse(first, out);
            let second_at = out.len();
            parse(second, out);
            for sound in &mut out[second_at..] {
                sound.stress = sound.stress.min(1) * 2;
            }
            return true;
        }
    }
    false
}

fn ends_hissing(stem: &str) -> bool {
    ["s", "x", "z", "ch", "sh"].iter().any(|ending| stem.ends_with(ending))
}

fn undoubled(stem: &str) -> Option<&str> {
    let [.., before, last] = stem.as_bytes() else { return None };
    (before == last).then(|| &stem[..stem.len() - 1])
}

fn add_s(out: &mut Vec<Spoken>) {
    let last = out.last().map_or(Phone::AX, |sound| sound.phone);
    let sounds = if matches!(last, Phone::S | Phone::Z | Phone::SH | Phone::ZH | Phone::CH | Phone::JH) {
        "IX Z"
    } else if last.sound().voiced {
        "Z"
    } else {
        "S"
    };
    parse(sounds, out);
}

fn spell(word: &str) -> Vec<Spoken> {
    let mut out = Vec::new();
    for letter in word.bytes().filter(u8::is_ascii_alphabetic) {
        parse(lexicon::letter_name(letter), &mut out);
    }
    out
}

fn has_vowel(word: &str) -> bool {
    word.bytes().any(|letter| b"aeiouy".contains(&letter))
}

/// Hums and hushes are said, though no vowel is written.
fn is_hum(word: &str) -> bool {
    word.bytes().all(|letter| b"hmsz".contains(&letter)) && word.len() > 1
}

/// Between vowels an American t is a tap unless the second vowel is stressed.
fn flap(sounds: &mut [Spoken]) {
    for index in 1..sounds.len().saturating_sub(1) {
        let (before, after) = (sounds[index - 1].phone, sounds[index + 1]);
        let is_open = before.is_vowel() || before == Phone::R;
        if sounds[index].phone == Phone::T && is_open && after.phone.is_vowel() && after.stress == 0 {
            sounds[index].phone = Phone::DX;
        }
    }
}

/// Adjusts the end of a word to the beginning of the next.
pub(super) fn join(before: &mut Word, after: &mut [Spoken]) {
    let Some(first) = after.first() else { return };
    // "the" has a clear vowel before another.
    if let [dh, vowel] = before.sounds.as_mut_slice()
        && dh.phone == Phone::DH
        && vowel.phone == Phone::AX
        && first.phone.sound().kind == Kind::Vowel
    {
        vowel.phone = Phone::IY;
    }
}
