//! What a prompt asks to be looked up: words to search for, addresses to read; what is found is told in `found`.

use super::mention::words;
use super::piece::excerpt;

/// Characters of a query.
const QUERY_CHARS_MAX: usize = 200;
/// Pages of one prompt that are read.
const URLS_MAX: usize = 5;
/// Bytes of an address.
const URL_BYTES_MAX: usize = 2_000;

/// How a wish to search begins, word by word. Of those that fit the longest is meant.
const WISHES: [&str; 14] = [
    "search for",
    "search the web for",
    "search the internet for",
    "search the documents for",
    "search online for",
    "search",
    "look up",
    "look for",
    "find information on",
    "find information about",
    "find out about",
    "find out",
    "google for",
    "google",
];
/// What may stand before a wish in its sentence.
const COURTESIES: [&str; 12] =
    ["please", "can", "could", "would", "will", "you", "now", "then", "and", "to", "ok", "okay"];
/// How a question begins.
const QUESTIONS: [&str; 26] = [
    "who", "whom", "whose", "what", "when", "where", "which", "why", "how", "is", "are", "was", "were", "do", "does",
    "did", "can", "could", "has", "have", "had", "should", "would", "will", "may", "must",
];

/// Something to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Words to search for, because the prompt says so.
    Search(String),
    /// A question to search an answer for, and what is said if there is no good one.
    Answer {
        /// The question.
        question: String,
        /// Said instead.
        otherwise: String,
    },
    /// Pages to read, and what the prompt says of them.
    Read {
        /// Their addresses, as they were written.
        urls: Vec<String>,
        /// The prompt without them.
        about: String,
    },
}

/// The query of a prompt that asks to search: what stands behind the wish, to the end of its sentence.
pub(super) fn wished(text: &str) -> Option<String> {
    let all: Vec<(usize, String)> = words(text).map(|(at, word)| (at, word.to_ascii_lowercase())).collect();
    for place in 0..all.len() {
        let fits = |wish: &str| {
            let wish: Vec<&str> = wish.split(' ').collect();
            all.get(place..place + wish.len()).is_some_and(|found| found.iter().map(|(_, word)| word).eq(wish.iter()))
        };
        let Some(length) = WISHES.iter().filter(|wish| fits(wish)).map(|wish| wish.split(' ').count()).max() else {
            continue;
        };
        // Before a wish its sentence holds courtesies at most: "I look up to him" is none.
        let mut before = all[..place].iter().rev().zip(all[..=place].iter().rev());
        let is_wish = before
            .find_map(|((at, word), (next, _))| {
                let begins = ends_sentence(&text[at + word.len()..*next]);
                (begins || !COURTESIES.contains(&word.as_str())).then_some(begins)
            })
            .unwrap_or(true);
        if !is_wish {
            continue;
        }
        let (at, word) = &all[place + length - 1];
        let rest = &text[at + word.len()..];
        let end = rest.char_indices().find(|(at, _)| ends_sentence_at(rest, *at)).map_or(rest.len(), |(at, _)| at);
        let query = query(&rest[..end]);
        if !query.is_empty() {
            return Some(query);
        }
    }
    None
}

/// The query of a prompt that is a question.
pub(super) fn question(text: &str) -> Option<String> {
    let first = words(text).next().map(|(_, word)| word.to_ascii_lowercase())?;
    let ends = text.trim_end().trim_end_matches(['"', '\'', ')']);
    let is_question = ends.ends_with(['?', '？', '؟']) || QUESTIONS.contains(&first.as_str());
    is_question.then(|| query(text)).filter(|query| !query.is_empty())
}

/// The addresses in a prompt, and the prompt without them.
pub(super) fn urls(text: &str) -> (Vec<String>, String) {
    let (mut urls, mut about): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    for word in text.split_whitespace() {
        let begin = ["http://", "https://"].into_iter().filter_map(|scheme| find_ignoring_case(word, scheme)).min();
        let Some(begin) = begin else {
            about.push(word);
            continue;
        };
        // What a sentence puts behind an address or around it is not part of it.
        let mut url = &word[begin..];
        loop {
            let trimmed = url.trim_end_matches(|c: char| ".,;:!?\"'>]}»”’".contains(c));
            let is_open = trimmed.matches(')').count() > trimmed.matches('(').count();
            match trimmed.strip_suffix(')').filter(|_| is_open) {
                Some(shorter) => url = shorter,
                None => {
                    url = trimmed;
                    break;
                }
            }
        }
        let is_new = !urls.iter().any(|known| known == url);
        if is_new && urls.len() < URLS_MAX && url.len() <= URL_BYTES_MAX {
            urls.push(url.to_owned());
        }
    }
    (urls, about.join(" "))
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes().windows(ascii.len()).position(|window| window.eq_ignore_ascii_case(ascii.as_bytes()))
}

fn query(text: &str) -> String {
    let bare =
        |text: &'_ str| text.trim_matches(|c: char| c.is_whitespace() || ".,;:!?¿¡？。\"'“”„«»".contains(c)).to_owned();
    let text = bare(text);
    let text = text.strip_suffix(" please").map_or_else(|| text.clone(), bare);
    excerpt(&text, QUERY_CHARS_MAX).trim_end_matches('…').to_owned()
}

fn ends_sentence(between: &str) -> bool {
    between.char_indices().any(|(at, _)| ends_sentence_at(between, at))
}

/// Whether a sentence ends at this byte: `3.5` does not end one.
fn ends_sentence_at(text: &str, at: usize) -> bool {
    let mut chars = text[at..].chars();
    match chars.next() {
        Some('\n' | '。' | '？' | '！') => true,
        Some('.' | '!' | '?') => chars.next().is_none_or(char::is_whitespace),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wish_is_what_stands_behind_it() {
        for (text, expected) in [
            ("Search for solar panels.", Some("solar panels")),
            ("Could you please look up \"Zürich\", please?", Some("Zürich")),
            ("Hi there. Search the web for the price of 3.5 mm plugs. Thanks.", Some("the price of 3.5 mm plugs")),
            ("google 天気", Some("天気")),
            ("Now find out who built it", Some("who built it")),
            ("My search for love", None),
            ("I look up to him", None),
            ("Search!", None),
            ("researching for it", None),
        ] {
            assert_eq!(wished(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_question_is_one_by_its_mark_or_its_first_word() {
        assert_eq!(question("How long is the bridge?").as_deref(), Some("How long is the bridge"));
        assert_eq!(question("where is Rome").as_deref(), Some("where is Rome"));
        assert_eq!(question("天気は？").as_deref(), Some("天気は"));
        assert_eq!(question("Rome is where I live."), None);
        assert_eq!(question("?"), None);
    }

    #[test]
    fn addresses_are_told_from_the_words_around_them() {
        let (urls, about) = urls(
            "Read https://a.example/x?y=1, (see http://b.example/(c)) and HTTPS://D.example. Again: https://a.example/x?y=1 !",
        );
        assert_eq!(urls, ["https://a.example/x?y=1", "http://b.example/(c)", "HTTPS://D.example"]);
        assert_eq!(about, "Read (see and Again: !");
        assert_eq!(super::urls("no address").0, [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through(text in "(search for |look up |https://|[a-zé語\"'(). ?\n]){0,60}") {
            for query in [wished(&text), question(&text)].into_iter().flatten() {
                prop_assert!(!query.is_empty() && query.chars().count() <= QUERY_CHARS_MAX);
            }
            prop_assert!(urls(&text).0.len() <= URLS_MAX);
        }
    }
}
