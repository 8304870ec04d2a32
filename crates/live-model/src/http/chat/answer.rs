//! An answer read piece by piece: words, thoughts, calls that come in fragments, and the reason for its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use live_engine::{EndReason, ModelOutput};
use live_proto::{FunctionCall, Struct};
use serde_json::{Value, json};

use crate::http::service::message_of;

/// Bytes of arguments of one call beyond which a server is not believed.
const ARGUMENTS_BYTES_MAX: usize = 1 << 20;
/// Calls of one answer.
const CALLS_MAX: u64 = 128;
/// Bytes of what was said that a next round is reminded of; a piece may go beyond.
const SAID_BYTES_MAX: usize = 1 << 20;

/// What was read of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The functions that may be called at the client's.
    functions: BTreeSet<String>,
    /// Those that are ours.
    own: BTreeSet<String>,
    /// The words so far, for a next round that goes on from them.
    said: String,
    finish: Option<Finish>,
    thinking: Thinking,
    calls: BTreeMap<u64, Call>,
    reason: Option<EndReason>,
    has_said: bool,
}

/// How an answer ended.
#[derive(Debug)]
pub(super) enum Finish {
    /// It said nothing and called nothing.
    Nothing,
    /// The end is the last output.
    Ended,
    /// It called tools of ours, and maybe functions of the client's too.
    Calls(Calls),
}

/// What an answer called.
#[derive(Debug)]
pub(super) struct Calls {
    /// What it said before.
    pub(super) said: String,
    pub(super) own: Vec<OwnCall>,
    pub(super) calls: Vec<FunctionCall>,
}

/// A call of a tool of ours.
#[derive(Debug)]
pub(super) struct OwnCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

impl OwnCall {
    /// The call as the service made it.
    pub(super) fn told(&self) -> Value {
        let Self { id, name, arguments } = self;
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    }
}

#[derive(Debug, Default)]
struct Call {
    name: String,
    arguments: String,
}

/// Whether words are thoughts: models put them in front between `<think>` and `</think>`, where their server does not tell them apart.
#[derive(Debug)]
enum Thinking {
    /// What was said so far may be the start of `<think>`.
    Unknown(String),
    /// What was thought may hold the start of `</think>` at its end.
    Yes(String),
    No,
}

impl Answer {
    pub(super) fn new(functions: BTreeSet<String>, own: BTreeSet<String>) -> Self {
        Self {
            functions,
            own,
            said: String::new(),
            finish: None,
            thinking: Thinking::Unknown(String::new()),
            calls: BTreeMap::new(),
            reason: None,
            has_said: false,
        }
    }

    /// How it ended, once it has.
    pub(super) fn finished(&mut self) -> Option<Finish> {
        self.finish.take()
    }

    /// Whether the server gave a reason for the end.
    pub(super) fn has_reason(&self) -> bool {
        self.reason.is_some()
    }

    /// Takes the data of an event.
    pub(super) fn push(&mut self, data: &str, out: &mut VecDeque<ModelOutput>) -> Result<(), String> {
        if self.finish.is_some() {
            return Ok(());
        }
        if data.trim() == "[DONE]" {
            self.finish(out);
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|_| "it sent an event that is no JSON".to_owned())?;
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            let why = message_of(&chunk).unwrap_or_else(|| chunk["error"].to_string());
            return Err(format!("it failed in the middle: {why}"));
        }
        let choice = &chunk["choices"][0];
        // An answer that is not streamed has a message instead of deltas.
        let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
        for key in ["reasoning_content", "reasoning"] {
            if let Some(thought) = delta[key].as_str().filter(|thought| !thought.is_empty()) {
                out.push_back(ModelOutput::Thought(thought.to_owned()));
                break;
            }
        }
        if let Some(text) = delta["content"].as_str() {
            self.say(text, out);
        }
        for (at, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
            self.call(call, at as u64)?;
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.reason = Some(match reason {
                "content_filter" => EndReason::Rejected,
                // `length` looks complete: the wire has no reason for it.
                _ => EndReason::Complete,
            });
        }
        Ok(())
    }

    fn say(&mut self, text: &str, out: &mut VecDeque<ModelOutput>) {
        const BEGIN: &str = "<think>";
        const END: &str = "</think>";
        if let Thinking::Unknown(said) = &mut self.thinking {
            said.push_str(text);
            let begun = said.trim_start();
            if let Some(thought) = begun.strip_prefix(BEGIN) {
                let thought = thought.to_owned();
                self.thinking = Thinking::Yes(String::new());
                return self.say(&thought, out);
            }
            if !BEGIN.starts_with(begun) {
                let said = std::mem::take(said);
                self.thinking = Thinking::No;
                self.say(&said, out);
            }
            return;
        }
        if let Thinking::Yes(held) = &mut self.thinking {
            held.push_str(text);
            if let Some((thought, said)) = held.split_once(END) {
                let (thought, said) = (thought.to_owned(), said.trim_start().to_owned());
                self.thinking = Thinking::No;
                out.extend((!thought.is_empty()).then_some(ModelOutput::Thought(thought)));
                return self.say(&said, out);
            }
            let kept = (1..END.len()).rev().find(|length| held.ends_with(&END[..*length])).unwrap_or(0);
            let rest = held.split_off(held.len() - kept);
            let thought = std::mem::replace(held, rest);
            out.extend((!thought.is_empty()).then_some(ModelOutput::Thought(thought)));
            return;
        }
        if !text.is_empty() {
            self.has_said |= !text.trim().is_empty();
            if !self.own.is_empty() && self.said.len() < SAID_BYTES_MAX {
                self.said.push_str(text);
            }
            out.push_back(ModelOutput::Text(text.to_owned()));
        }
    }

    fn call(&mut self, call: &Value, at: u64) -> Result<(), String> {
        let index = call["index"].as_u64().unwrap_or(at);
        if index >= CALLS_MAX {
            return Err(format!("it calls more than {CALLS_MAX} functions"));
        }
        let entry = self.calls.entry(index).or_default();
        let function = &call["function"];
        entry.name.push_str(function["name"].as_str().unwrap_or_default());
        match &function["arguments"] {
            Value::String(fragment) => entry.arguments.push_str(fragment),
            // Some servers do not write them as a string.
            Value::Object(object) => entry.arguments = Value::Object(object.clone()).to_string(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
        }
        if entry.arguments.len() > ARGUMENTS_BYTES_MAX {
            return Err(format!("it calls a function with more than {ARGUMENTS_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    /// What is left to say at the end.
    fn finish(&mut self, out: &mut VecDeque<ModelOutput>) {
        match std::mem::replace(&mut self.thinking, Thinking::No) {
            Thinking::Unknown(said) => self.say(&said, out),
            Thinking::Yes(thought) => out.extend((!thought.is_empty()).then_some(ModelOutput::Thought(thought))),
            Thinking::No => {}
        }
        let (mut own, mut calls) = (Vec::new(), Vec::new());
        for Call { name, arguments } in std::mem::take(&mut self.calls).into_values() {
            if self.own.contains(&name) {
                // Whether the arguments are good is told to the model, which may call again.
                own.push(OwnCall { id: String::new(), name, arguments });
                continue;
            }
            let args = match arguments.trim() {
                "" => Some(Struct::new()),
                arguments => match serde_json::from_str(arguments) {
                    Ok(Value::Object(args)) => Some(args.into()),
                    Ok(_) | Err(_) => None,
                },
            };
            // The id is the engine's to give: servers are known to use the same ones again in every answer.
            match args.filter(|_| self.functions.contains(&name)) {
                Some(args) => calls.push(FunctionCall { name, args: Some(args), ..FunctionCall::default() }),
                None => {
                    tracing::warn!(name, arguments, "the model called a function that is not declared, or not in JSON");
                    out.push_back(ModelOutput::End(EndReason::MalformedFunctionCall));
                    self.finish = Some(Finish::Ended);
                    return;
                }
            }
        }
        let reason = self.reason.unwrap_or_default();
        self.finish = Some(if !own.is_empty() {
            Finish::Calls(Calls { said: std::mem::take(&mut self.said), own, calls })
        } else if calls.is_empty() && !self.has_said && reason != EndReason::Rejected {
            Finish::Nothing
        } else {
            if !calls.is_empty() {
                out.push_back(ModelOutput::ToolCalls(calls));
            }
            out.push_back(ModelOutput::End(reason));
            Finish::Ended
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[&str], expected: &str) {
        let mut answer = Answer::new(BTreeSet::from(["weather".to_owned()]), BTreeSet::new());
        let mut out = VecDeque::new();
        let mut shown = String::new();
        for data in data {
            if let Err(why) = answer.push(data, &mut out) {
                shown += &format!("fault {why}; ");
            }
        }
        for output in out {
            shown += &if let ModelOutput::Text(text) = output {
                format!("{text:?}; ")
            } else if let ModelOutput::Thought(text) = output {
                format!("thinks {text:?}; ")
            } else if let ModelOutput::ToolCalls(calls) = output {
                let args = |call: &FunctionCall| call.args.clone().map(|args| args.0);
                calls.iter().map(|call| format!("{}({:?}); ", call.name, args(call))).collect()
            } else if let ModelOutput::End(reason) = output {
                format!("{reason:?}")
            } else {
                format!("{output:?}")
            };
        }
        assert_eq!(shown, expected);
    }

    fn says(text: &str) -> String {
        serde_json::json!({ "choices": [{ "delta": { "content": text } }] }).to_string()
    }

    #[test]
    fn words_come_as_they_are_said() {
        let [hel, lo] = ["Hel", "lo."].map(says);
        let stop = r#"{"choices": [{"delta": {}, "finish_reason": "stop"}]}"#;
        let usage = r#"{"choices": [], "usage": {"total_tokens": 3}}"#;
        check(&[&hel, &lo, stop, usage, "[DONE]", &hel], r#""Hel"; "lo."; Complete"#);
        check(
            &[r#"{"choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]}"#, "[DONE]"],
            r#""Whole."; Complete"#,
        );
        check(&[&hel, r#"{"choices": [{"finish_reason": "content_filter"}]}"#, "[DONE]"], r#""Hel"; Rejected"#);
    }

    #[test]
    fn thoughts_are_told_apart() {
        let field = r#"{"choices": [{"delta": {"reasoning_content": "Hm."}}]}"#;
        check(&[field, &says("So."), "[DONE]"], r#"thinks "Hm."; "So."; Complete"#);
        let tagged = ["\n<th", "ink>I mu", "st </thin", "k no </th", "ink>\n\nYes", " <think> so."].map(says);
        let tagged: Vec<&str> = tagged.iter().map(String::as_str).chain(["[DONE]"]).collect();
        check(&tagged, r#"thinks "I mu"; thinks "st "; thinks "</think no "; "Yes"; " <think> so."; Complete"#);
        check(&[&says("<thin"), "[DONE]"], r#""<thin"; Complete"#);
        check(&[&says("<think>only"), "[DONE]"], r#"thinks "only"; "#);
    }

    #[test]
    fn calls_are_put_together() {
        let name = r#"{"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "call_0", "function": {"name": "weather", "arguments": ""}}]}}]}"#;
        let args = |fragment: &str| {
            serde_json::json!({ "choices": [{ "delta": { "tool_calls": [{ "index": 0, "function": { "arguments": fragment } }] } }] }).to_string()
        };
        let city = r#"weather(Some({"city": String("Oslo")})); Complete"#;
        check(&[name, &args("{\"ci"), &args("ty\": \"Oslo\"}"), "[DONE]"], city);
        check(&[name, "[DONE]"], "weather(Some({})); Complete");
        check(&[name, &args("{\"city\": "), "[DONE]"], "MalformedFunctionCall");
        let object = r#"{"choices": [{"message": {"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}}]}"#;
        check(&[object, "[DONE]"], city);
        check(&[&object.replace("weather", "launch"), "[DONE]"], "MalformedFunctionCall");
    }

    #[test]
    fn errors_and_nonsense_are_told() {
        check(&[r#"{"error": {"message": "out of memory"}}"#], "fault it failed in the middle: out of memory; ");
        check(&["oops"], "fault it sent an event that is no JSON; ");
        check(&["[DONE]"], "");
    }
}
