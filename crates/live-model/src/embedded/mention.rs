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
pub(super) fn mentions(text: &str, names: &[&str], objects: &[Object]) -> Vec<Mention> {
    let mut by_first_word: HashMap<String, Vec<(usize, Vec<String>)>> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let words: Vec<String> = words(name).map(|(_, word)| word.to_ascii_lowercase()).collect();
        if let Some(first) = words.first() {
            by_first_word.entry(first.clone()).or_default().push((index, words));
        }
    }
    let text_words: Vec<(usize, &str)> = words(text).collect();
    let mut found: Vec<Mention> = Vec::new();
    let mut end = 0;
    for (place, &(start, word)) in text_words.iter().enumerate() {
        let object = objects.partition_point(|object| object.at.end <= start);
        if start < end || objects.get(object).is_some_and(|object| object.at.contains(&start)) {
            continue;
        }
        let Some(candidates) = by_first_word.get(&word.to_ascii_lowercase()) else { continue };
        let longest = candidates
            .iter()
            .filter_map(|(name, words)| Some((*name, match_end(text, &text_words[place..], words)?)))
            .filter(|&(_, end)| is_whole(text, start..end))
            .max_by_key(|&(name, end)| (end, std::cmp::Reverse(name)));
        if let Some((name, match_end)) = longest {
            end = match_end;
            if found.iter().all(|mention| mention.name != name) {
                found.push(Mention { name, at: start..match_end });
            }
        }
    }
    found
}

/// Where the words of a name end if `text_words` begins with them, joined by nothing but joints.
fn match_end(text: &str, text_words: &[(usize, &str)], name_words: &[String]) -> Option<usize> {
    let mut end = None;
    for (index, name_word) in name_words.iter().enumerate() {
        let &(start, word) = text_words.get(index)?;
        if !word.eq_ignore_ascii_case(name_word) || end.is_some_and(|end| !is_joint(&text[end..start])) {
            return None;
        }
        end = Some(start + word.len());
    }
    end
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
