//! Answers to calls of a connection that is gone, told in words.
//!
//! Which answers are late is known to the session; see [`LateAnswers`](super::LateAnswers).

use std::fmt::Write as _;

use live_proto::{ClientMessage, Content, FunctionResponse, Scheduling, Struct, Value};

/// One turn of the user that tells every result; the model is to answer, if it `may`, unless all of them are SILENT. `None` where
/// there is no result: the end of a generator says nothing.
pub(super) fn as_text(responses: &[FunctionResponse], may: bool) -> Option<ClientMessage> {
    let is_silent = |response: &&FunctionResponse| response.scheduling == Some(Scheduling::Silent);
    let is_mere_end =
        |response: &&FunctionResponse| is_silent(response) && response.response.as_ref().is_none_or(Struct::is_empty);
    let told: Vec<&FunctionResponse> = responses.iter().filter(|response| !is_mere_end(response)).collect();
    let mut text = String::new();
    for response in &told {
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = write!(text, "The function {} that was called earlier has returned: ", response.name);
        spell_struct(response.response.as_ref().unwrap_or(&Struct::default()), &mut text);
    }
    let asks = may && !told.iter().all(is_silent);
    (!told.is_empty()).then(|| ClientMessage::turns(vec![Content::user(text)], asks))
}

fn spell_struct(Struct(fields): &Struct, out: &mut String) {
    out.push('{');
    for (nth, (name, value)) in fields.iter().enumerate() {
        out.push_str(if nth == 0 { "" } else { ", " });
        spell_string(name, out);
        out.push_str(": ");
        spell(value, out);
    }
    out.push('}');
}

fn spell(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(it) => out.push_str(if *it { "true" } else { "false" }),
        Value::Number(it) => {
            let _ = write!(out, "{it}");
        }
        Value::String(it) => spell_string(it, out),
        Value::List(items) => {
            out.push('[');
            for (nth, item) in items.iter().enumerate() {
                out.push_str(if nth == 0 { "" } else { ", " });
                spell(item, out);
            }
            out.push(']');
        }
        Value::Struct(it) => spell_struct(it, out),
    }
}

/// For a model to read, not for a parser: quotes are kept apart, everything else stands as it is.
fn spell_string(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(&text.replace('"', "\\\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_reads_as_a_sentence() {
        let result = Struct(
            [
                ("sky".to_owned(), Value::String("\"blue\"".into())),
                ("degrees".to_owned(), Value::List(vec![Value::Number(21.5), Value::Null, Value::Bool(true)])),
            ]
            .into(),
        );
        let response = FunctionResponse::new("1", "weather", result);
        let Some(ClientMessage::ClientContent(content)) = as_text(std::slice::from_ref(&response), true) else {
            panic!("a turn")
        };
        assert_eq!(
            content.turns[0].text(),
            r#"The function weather that was called earlier has returned: {"degrees": [21.5, null, true], "sky": "\"blue\""}"#
        );
        assert!(content.turn_complete);
        let silent = FunctionResponse { scheduling: Some(Scheduling::Silent), ..response.clone() };
        let asks = |responses: &[FunctionResponse]| match as_text(responses, true) {
            Some(ClientMessage::ClientContent(content)) => Some(content.turn_complete),
            _ => None,
        };
        assert_eq!(asks(std::slice::from_ref(&silent)), Some(false));
        assert_eq!(asks(&[silent.clone(), response]), Some(true));
        assert_eq!(asks(&[FunctionResponse { response: Some(Struct::new()), ..silent }]), None);
    }
}
