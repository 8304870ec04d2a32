//! What a function answered, as a sentence that can be read and spoken.

use live_proto::{FunctionResponse, FunctionResponsePartData, Scheduling};
use serde_json::{Map, Value};

use super::media::{Media, listed};
use super::piece::excerpt;
use super::schema::fields_from_proto;

/// Characters of one answer that are repeated.
const TOLD_CHARS_MAX: usize = 400;
/// Values inside each other that are read out; deeper ones are left out.
const DEPTH_MAX: usize = 8;

/// One sentence that says what the function `name` said.
pub(super) fn told(name: &str, response: &FunctionResponse) -> String {
    let mut fields = response.response.as_ref().map(fields_from_proto).unwrap_or_default();
    // The guides put it inside the answer as well as beside it; it is not news.
    fields.remove("scheduling");
    let attached = attached(response);
    let sentence = match (fields.get("error"), content(&fields)) {
        (Some(error), _) if !error.is_null() => format!("{name} failed: {}", readable(error, 0)),
        (_, Some(content)) if response.will_continue => format!("{name} says so far: {}", readable(&content, 0)),
        (_, Some(content)) => format!("{name} says: {}", readable(&content, 0)),
        (_, None) if !attached.is_empty() => format!("{name} sent {attached}"),
        (_, None) if response.will_continue => format!("{name} is at work"),
        (_, None) => format!("{name} is done"),
    };
    let sentence = excerpt(&sentence, TOLD_CHARS_MAX);
    if sentence.ends_with(['.', '!', '?', '…']) { sentence } else { format!("{sentence}.") }
}

/// Whether the answer is for the context only; the guides write the wish inside the answer too.
pub(super) fn is_silent(response: &FunctionResponse) -> bool {
    let inside = response.response.as_ref().and_then(|fields| fields.0.get("scheduling"));
    response.scheduling == Some(Scheduling::Silent)
        || matches!(inside, Some(live_proto::Value::String(wish)) if wish == "SILENT")
}

/// The output proper: under `output` or, when it stands alone, `result`; else the whole object; `None` if empty.
fn content(fields: &Map<String, Value>) -> Option<Value> {
    if let Some(output) = fields.get("output") {
        return Some(output.clone());
    }
    match fields.get("result") {
        Some(result) if fields.len() == 1 => Some(result.clone()),
        Some(_) | None => (!fields.is_empty()).then(|| Value::Object(fields.clone())),
    }
}

fn readable(value: &Value, depth: usize) -> String {
    if depth > DEPTH_MAX {
        return "…".to_owned();
    }
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => listed(&items.iter().map(|item| nested(item, depth)).collect::<Vec<_>>()),
        Value::Object(fields) if fields.is_empty() => "nothing".to_owned(),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{key}: {}", nested(value, depth))).collect();
            fields.join(", ")
        }
    }
}

/// Brackets tell where a value inside another ends.
fn nested(value: &Value, depth: usize) -> String {
    let text = readable(value, depth + 1);
    let is_compound = match value {
        Value::Array(items) => items.len() > 1,
        Value::Object(fields) => !fields.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_compound { format!("({text})") } else { text }
}

fn attached(response: &FunctionResponse) -> String {
    let mut media = Media::default();
    for part in &response.parts {
        match &part.data {
            Some(FunctionResponsePartData::InlineData(blob)) => media.add_bytes(&blob.mime_type, blob.data.len()),
            Some(FunctionResponsePartData::FileData(file)) => media.add_address(&file.mime_type, &file.file_uri),
            None => {}
        }
    }
    listed(&media.phrases())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::embedded::schema::fields_to_proto;

    #[track_caller]
    fn check(response: Value, expected: &str) {
        let fields = response.as_object().cloned().map(fields_to_proto);
        let response = FunctionResponse { response: fields, ..FunctionResponse::default() };
        assert_eq!(told("f", &response), expected);
    }

    #[test]
    fn an_answer_is_read_out() {
        check(json!({"output": "sunny"}), "f says: sunny.");
        check(json!({"result": 21}), "f says: 21.");
        check(
            json!({"temperature": 21.5, "sky": ["blue", "clear", "calm"]}),
            "f says: sky: (blue, clear and calm), temperature: 21.5.",
        );
        check(json!({"at": {"lat": 1, "tags": []}, "ok": true}), "f says: at: (lat: 1, tags: nothing), ok: true.");
        check(json!({"result": "ok", "scheduling": "INTERRUPT"}), "f says: ok.");
        check(json!({"output": "Done!"}), "f says: Done!");
    }

    #[test]
    fn a_failure_is_called_one() {
        check(json!({"error": "no such city"}), "f failed: no such city.");
        check(json!({"error": null, "output": 1}), "f says: 1.");
    }

    #[test]
    fn an_empty_answer_means_done() {
        check(json!({}), "f is done.");
        check(json!(null), "f is done.");
    }

    #[test]
    fn a_long_answer_is_cut_at_a_word() {
        let text = "word ".repeat(200);
        let fields = fields_to_proto(json!({"output": text}).as_object().cloned().unwrap());
        let response = FunctionResponse { response: Some(fields), ..FunctionResponse::default() };
        let told = told("f", &response);
        assert!(told.chars().count() <= TOLD_CHARS_MAX + 1 && told.ends_with("word…"), "{told}");
    }

    #[test]
    fn a_generator_says_so_far() {
        let fields = fields_to_proto(json!({"output": "half"}).as_object().cloned().unwrap());
        let response = FunctionResponse { response: Some(fields), will_continue: true, ..FunctionResponse::default() };
        assert_eq!(told("f", &response), "f says so far: half.");
    }
}
