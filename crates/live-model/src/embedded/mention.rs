//! Where a prompt names a declared function, and which JSON objects it holds; what is called lives in `call`.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value};

/// Opening braces tried for an object; a prompt that is one long run of braces must not cost more than its length.
const BRACES_TRIED_MAX: usize = 64;

/// One place where a prompt names a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Which name, by its place in the list given.
    pub(super) name: usize,
    /// Where in the prompt, in bytes.
    pub(super) at: Range<usize>,
}

/// The first place where `text` names each of `names`, in order of place.
///
/// Case does not matter, and `_`, `-`, `.`, `:` and white space inside a name stand for each other. The name must be
/// whole: `get_weather_now` does not mention `get_weather`. Of names that overlap the longest counts. Text inside
/// `objects` is data and mentions nothing.
///
/// However many names there are, no word of the text is looked at more often than the longest name has words.
pub(super) fn mentions(text: &str, names: &[&str], objects: &[Object]) -> Vec<Mention> {
    let names_by_words = Names::read(names);
    let text_words = names_by_words.words_of(text);
    let mut is_found = vec![false; names.len()];
    let mut found: Vec<Mention> = Vec::new();
    let mut end = 0;
    for (place, &TextWord { at: Range { start, .. }, .. }) in text_words.iter().enumerate() {
        let object = objects.partition_point(|object| object.at.end <= start);
        if start < end || objects.get(object).is_some_and(|object| object.at.contains(&start)) {
            continue;
        }
        if let Some((name, name_end)) = names_by_words.longest(text, &text_words[place..]) {
            end = name_end;
            if !std::mem::replace(&mut is_found[name], true) {
                found.push(Mention { name, at: start..name_end });
            }
        }
    }
    found
}

/// Names as a tree: what they begin with in common is compared once.
struct Names {
    /// The words that occur, in small ASCII letters.
    words: HashMap<String, usize>,
    /// From a node and a word to the next node.
    edges: HashMap<(usize, usize), usize>,
    /// For each node the name that ends there, by its place; the first of those that are spelled alike. The root is 0.
    ends: Vec<Option<usize>>,
}

/// A word of a text.
struct TextWord {
    at: Range<usize>,
    /// Which word of [`Names`]; none of them mentions nothing.
    word: Option<usize>,
    /// Whether nothing but a joint is between it and the word before.
    is_joined: bool,
}

impl Names {
    fn read(names: &[&str]) -> Self {
        let mut tree = Self { words: HashMap::new(), edges: HashMap::new(), ends: vec![None] };
        for (index, name) in names.iter().enumerate() {
            let mut node = 0;
            for (_, word) in words(name) {
                let new = tree.words.len();
                let word = *tree.words.entry(word.to_ascii_lowercase()).or_insert(new);
                node = *tree.edges.entry((node, word)).or_insert(tree.ends.len());
                if node == tree.ends.len() {
                    tree.ends.push(None);
                }
            }
            if node != 0 {
                tree.ends[node].get_or_insert(index);
            }
        }
        tree
    }

    fn words_of(&self, text: &str) -> Vec<TextWord> {
        let mut end = 0;
        let word = |(start, word): (usize, &str)| {
            let is_joined = is_joint(&text[end..start]);
            end = start + word.len();
            TextWord { at: start..end, word: self.words.get(&word.to_ascii_lowercase()).copied(), is_joined }
        };
        words(text).map(word).collect()
    }

    /// The longest whole name that `text_words` begins with, and where it ends.
    fn longest(&self, text: &str, text_words: &[TextWord]) -> Option<(usize, usize)> {
        let start = text_words.first()?.at.start;
        let mut longest = None;
        let mut node = 0;
        for (index, TextWord { at, word, is_joined }) in text_words.iter().enumerate() {
            if index > 0 && !is_joined {
                break;
            }
            let Some(next) = word.and_then(|word| self.edges.get(&(node, word))) else { break };
            node = *next;
            if let Some(name) = self.ends[node]
                && is_whole(text, start..at.end)
            {
                longest = Some((name, at.end));
            }
        }
        longest
    }
}

fn is_joint(gap: &str) -> bool {
    matches!(gap, "_" | "-" | "." | ":") || gap.chars().all(char::is_whitespace)
}

/// Whether no identifier goes on before or after: `x_` before or `_x` after would make it a part of another name.
fn is_whole(text: &str, at: Range<usize>) -> bool {
    let mut before = text[..at.start].chars().rev();
    let mut after = text[at.end..].chars();
    let continues = |joint: Option<char>, next: Option<char>| {
        matches!(joint, Some('_' | '-')) && next.is_some_and(char::is_alphanumeric)
    };
    !continues(before.next(), before.next()) && !continues(after.next(), after.next())
}

/// Runs of letters and digits, with where they start.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(char::is_alphanumeric)?;
        let len = text[start..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - start);
        rest = start + len;
        Some((start, &text[start..rest]))
    })
}

/// A JSON object written out in a prompt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// Where in the prompt, in bytes.
    pub(super) at: Range<usize>,
    /// What it says.
    pub(super) fields: Map<String, Value>,
}

/// The JSON objects in `text`, outermost ones, in order.
pub(super) fn objects(text: &str) -> Vec<Object> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut tried = 0;
    while let Some(brace) = text[from..].find('{')
        && tried < BRACES_TRIED_MAX
    {
        let start = from + brace;
        let mut stream = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Map<String, Value>>();
        if let Some(Ok(fields)) = stream.next() {
            from = start + stream.byte_offset();
            found.push(Object { at: start..from, fields });
        } else {
            from = start + 1;
            tried += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 5] = ["get_weather", "get-time", "get", "lookUp", "lights.turn_on"];

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> =
            mentions(text, &NAMES, &objects(text)).iter().map(|mention| NAMES[mention.name]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_name_is_found_however_it_is_joined() {
        check("call get_weather", &["get_weather"]);
        check("Get Weather, please", &["get_weather"]);
        check("GET-WEATHER!", &["get_weather"]);
        check("default_api.get_weather()", &["get_weather"]);
        check("lights turn on", &["lights.turn_on"]);
        check("lookup", &["lookUp"]);
        check("_get_weather_", &["get_weather"]);
    }

    #[test]
    fn a_part_of_another_name_is_no_name() {
        check("get_weather_now", &[]);
        check("forget weather", &[]);
        check("pre-get_time", &[]);
        check("get: weather. get the time", &["get"]);
    }

    #[test]
    fn several_names_are_found_once_each_in_order() {
        check("get time, get_weather, then get_time", &["get-time", "get_weather"]);
    }

    #[test]
    fn the_longest_name_counts() {
        check("get weather", &["get_weather"]);
        check("get", &["get"]);
    }

    #[test]
    fn of_names_spelled_alike_the_first_counts() {
        let found = mentions("get time", &["get-time", "get_time", "GET TIME", "get"], &[]);
        assert_eq!(found, [Mention { name: 0, at: 0..8 }]);
    }

    #[test]
    fn names_that_begin_alike_are_compared_once() {
        // Name by name this is half a billion words; as a tree a million.
        let names: Vec<String> = (0..512).map(|name| format!("{}{name}", "g_".repeat(60))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let tree = Names::read(&names);
        // The words in common, and one for each name.
        assert_eq!(tree.edges.len(), 60 + 512);
        let text = format!("{}511", "g_".repeat(16_000));
        assert_eq!(mentions(&text, &names, &[]), []);
        let text = format!("{}{}", "g ".repeat(16_000), names[511]);
        assert_eq!(mentions(&text, &names, &[]), [Mention { name: 511, at: 32_000..text.len() }]);
    }

    #[test]
    fn data_mentions_nothing() {
        check(r#"say {"tool": "get_weather"}"#, &[]);
    }

    #[test]
    fn objects_are_outermost_and_valid() {
        let found = objects(r#"{ {"a": {"b": 1}} {bad} {"c": [{}]}{}"#);
        let texts: Vec<String> = found.iter().map(|object| Value::from(object.fields.clone()).to_string()).collect();
        assert_eq!(texts, [r#"{"a":{"b":1}}"#, r#"{"c":[{}]}"#, "{}"]);
    }

    #[test]
    fn a_run_of_braces_is_given_up() {
        let text = format!("{}{{\"a\":1}}", "{".repeat(BRACES_TRIED_MAX + 1));
        assert_eq!(objects(&text), []);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), names in proptest::collection::vec("[a-z_.:-]{1,6}", 0..4)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            mentions(&text, &names, &objects(&text));
        }

        #[test]
        fn any_object_is_found(key in any::<String>(), value in any::<i32>(), before in "[a-z ]{0,9}") {
            let fields = Map::from_iter([(key, Value::from(value))]);
            let text = format!("{before}{}", Value::from(fields.clone()));
            prop_assert_eq!(&objects(&text)[0].fields, &fields);
        }
    }
}
