//! A prompt written as a request: messages by role, functions as tools, sampling.
//!
//! Services are stricter than a conversation is: calls must be answered by the next messages, and some models' templates
//! take users' and models' messages in turns only.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use live_audio::PcmFormat;
use live_engine::Prompt;
use live_engine::prompt::transcript;
use live_proto::{Blob, Content, FunctionCall, FunctionResponse, Part, PartData, ThinkingConfig, ThinkingLevel};
use serde_json::{Map, Value, json};

use super::tool::{Own, OwnTools, told_error, told_result};
use super::{ChatConfig, schema};

/// The request; our own tools stand behind the client's functions.
pub(super) fn body(config: &ChatConfig, prompt: &Prompt, own: &OwnTools) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| _ = body.insert(key.to_owned(), value);
    put("model", config.model.as_str().into());
    put("stream", true.into());
    put("messages", Messages::new(config, prompt, own).write(&prompt.history).into());
    let tools: Vec<Value> = prompt
        .session
        .functions()
        .map(|function| {
            let function = json!({
                "name": function.name,
                "description": function.description,
                "parameters": schema::parameters(function),
            });
            json!({ "type": "function", "function": function })
        })
        .chain(own.declared())
        .collect();
    if !tools.is_empty() {
        put("tools", tools.into());
    }
    let generation = &prompt.session.generation;
    for (key, number) in [
        ("temperature", generation.temperature),
        ("top_p", generation.top_p),
        ("presence_penalty", generation.presence_penalty),
        ("frequency_penalty", generation.frequency_penalty),
    ] {
        if let Some(number) = number {
            // Through its shortest decimal form: 0.7 as a float is 0.699999988 as a double.
            put(key, number.to_string().parse::<f64>().map_or(Value::Null, Value::from));
        }
    }
    for (key, number) in [("max_tokens", generation.max_output_tokens), ("seed", generation.seed)] {
        if let Some(number) = number {
            put(key, number.into());
        }
    }
    if !generation.stop_sequences.is_empty() {
        put("stop", json!(generation.stop_sequences));
    }
    let effort = generation.thinking_config.as_ref().and_then(reasoning_effort);
    if let Some(effort) = effort.filter(|_| !config.is_told_no_effort) {
        put("reasoning_effort", effort.into());
    }
    body.extend(config.parameters.clone());
    Value::Object(body)
}

/// How much a model is to think, in the words of the chat API, if the session says anything of it. Budgets are put where the nearest level
/// has its own.
fn reasoning_effort(thinking: &ThinkingConfig) -> Option<&'static str> {
    match &thinking.thinking_level {
        ThinkingLevel::Minimal => return Some("minimal"),
        ThinkingLevel::Low => return Some("low"),
        ThinkingLevel::Medium => return Some("medium"),
        ThinkingLevel::High => return Some("high"),
        ThinkingLevel::Xhigh => return Some("xhigh"),
        ThinkingLevel::Unspecified | ThinkingLevel::Unrecognized(_) => {}
    }
    match thinking.thinking_budget? {
        0 => Some("none"),
        1..=1_024 => Some("low"),
        1_025..=8_192 => Some("medium"),
        8_193.. => Some("high"),
        // The model is to choose.
        ..0 => None,
    }
}

/// Takes all tools but the client's functions out of a request.
pub(super) fn withdraw(body: &mut Value, functions: &[String]) {
    let Some(body) = body.as_object_mut() else { return };
    let is_declared = |tool: &Value| functions.iter().any(|name| tool["function"]["name"] == *name);
    let is_empty = body.get_mut("tools").and_then(Value::as_array_mut).is_some_and(|tools| {
        tools.retain(is_declared);
        tools.is_empty()
    });
    if is_empty {
        body.remove("tools");
    }
}

/// The messages, as they are written.
struct Messages {
    /// What the service calls the tool that runs code, if it has it.
    runs_code: Option<String>,
    /// Programs of the conversation so far.
    programs: usize,
    messages: Vec<Value>,
    /// Pictures from this one on are shown.
    first_image: usize,
    /// Pictures met so far.
    images: usize,
    /// Calls that were answered in their place.
    answered: BTreeSet<String>,
}

impl Messages {
    fn new(config: &ChatConfig, prompt: &Prompt, tools: &OwnTools) -> Self {
        let parts = prompt.history.iter().flat_map(|content| &content.parts);
        let images = parts.filter(|part| part.as_inline().is_some_and(is_image)).count();
        let own = prompt.session.system_instruction.as_ref().map(Content::text).unwrap_or_default();
        let instructions = [config.instruction.trim(), own.trim()];
        let instructions: Vec<&str> = instructions.into_iter().filter(|text| !text.is_empty()).collect();
        let mut messages = Vec::new();
        if !instructions.is_empty() {
            messages.push(json!({ "role": "system", "content": instructions.join("\n\n") }));
        }
        Self {
            runs_code: tools.name(Own::Code).map(str::to_owned),
            programs: 0,
            messages,
            first_image: images.saturating_sub(config.images_max),
            images: 0,
            answered: BTreeSet::new(),
        }
    }

    fn write(mut self, history: &[Arc<Content>]) -> Vec<Value> {
        for (at, content) in history.iter().enumerate() {
            if content.role == "model" {
                self.write_model(content, &history[at + 1..]);
            } else {
                self.write_user(content);
            }
        }
        let role = self.messages.last().and_then(|message| message["role"].as_str());
        if !matches!(role, Some("user" | "tool")) {
            self.add_user(vec![json!({ "type": "text", "text": "(The user says nothing.)" })]);
        }
        self.messages
    }

    fn write_model(&mut self, content: &Content, later: &[Arc<Content>]) {
        let mut text = String::new();
        let mut calls: Vec<&FunctionCall> = Vec::new();
        let mut parts = content.parts.iter().filter(|part| !part.thought).peekable();
        while let Some(part) = parts.next() {
            match &part.data {
                Some(PartData::Text(said)) => text.push_str(said),
                Some(PartData::FunctionCall(call)) => calls.push(call),
                Some(PartData::ExecutableCode(code)) if self.runs_code.is_some() => {
                    let result = parts.peek().and_then(|next| match &next.data {
                        Some(PartData::CodeExecutionResult(result)) => Some(told_result(result)),
                        Some(_) | None => None,
                    });
                    if result.is_some() {
                        parts.next();
                    }
                    let result = result.unwrap_or_else(|| told_error("the run was interrupted"));
                    self.add_program(std::mem::take(&mut text), &code.code, result);
                }
                Some(PartData::ExecutableCode(code)) => text.push_str(&fenced(&code.code)),
                Some(PartData::CodeExecutionResult(result)) => text.push_str(&fenced(&result.output)),
                Some(PartData::InlineData(_) | PartData::FileData(_) | PartData::FunctionResponse(_)) | None => {}
            }
        }
        if text.is_empty() && calls.is_empty() {
            return;
        }
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), text.into());
        if !calls.is_empty() {
            let tool_calls = calls.iter().map(|call| {
                let arguments = Value::Object(call.args.clone().unwrap_or_default().into()).to_string();
                json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
            });
            message.insert("tool_calls".to_owned(), tool_calls.collect());
        }
        self.messages.push(Value::Object(message));

        // Answers that come at once stand in their place; to the others it is said that they are to come.
        let at_once = later.iter().take_while(|content| content.role != "model" && only_responses(content));
        let at_once: Vec<&FunctionResponse> = at_once.flat_map(|content| responses(content)).collect();
        for call in calls {
            let response = at_once.iter().find(|response| response.id == call.id && !response.will_continue);
            let content = match response {
                Some(response) => {
                    self.answered.insert(call.id.clone());
                    told(response)
                }
                None => r#"{"status":"no result yet"}"#.to_owned(),
            };
            self.messages.push(json!({ "role": "tool", "tool_call_id": call.id, "content": content }));
        }
    }

    /// A program that the model wrote, and what it gave, as the model knows them: as a call and its answer.
    fn add_program(&mut self, said: String, code: &str, result: String) {
        self.programs += 1;
        let id = format!("program_{}", self.programs);
        let arguments = json!({ "code": code }).to_string();
        let call = json!({ "name": self.runs_code, "arguments": arguments });
        let calls = json!([{ "id": id, "type": "function", "function": call }]);
        self.messages.push(json!({ "role": "assistant", "content": said, "tool_calls": calls }));
        self.messages.push(json!({ "role": "tool", "tool_call_id": id, "content": result }));
    }

    fn write_user(&mut self, content: &Content) {
        let mut parts = Vec::new();
        for part in content.parts.iter().filter(|part| !part.thought) {
            match &part.data {
                Some(PartData::FunctionResponse(response)) if self.answered.remove(&response.id) => {}
                Some(PartData::FunctionResponse(response)) => {
                    let progress = if response.will_continue { " so far" } else { "" };
                    let text = format!("[{} returned{progress}: {}]", response.name, told(response));
                    parts.push(json!({ "type": "text", "text": text }));
                }
                Some(PartData::InlineData(blob)) if is_image(blob) => {
                    let is_shown = self.images >= self.first_image;
                    self.images += 1;
                    parts.push(if is_shown { image(blob) } else { named(blob) });
                }
                Some(_) => parts.extend(words(part).map(|text| json!({ "type": "text", "text": text }))),
                None => {}
            }
        }
        if !parts.is_empty() {
            self.add_user(parts);
        }
    }

    /// Says something as the user, in one message with what was said just before.
    fn add_user(&mut self, parts: Vec<Value>) {
        let before = self.messages.pop_if(|message| message["role"] == "user");
        let mut whole: Vec<Value> = match before.map(|mut message| message["content"].take()) {
            Some(Value::Array(parts)) => parts,
            Some(Value::String(text)) => vec![json!({ "type": "text", "text": text })],
            Some(_) | None => Vec::new(),
        };
        whole.extend(parts);
        // Models that see nothing have templates that take nothing but a string.
        let texts: Option<Vec<&str>> = whole.iter().map(|part| part["text"].as_str()).collect();
        let content = match texts {
            Some(texts) => texts.join("\n").into(),
            None => Value::Array(whole),
        };
        self.messages.push(json!({ "role": "user", "content": content }));
    }
}

/// What a part says in words.
fn words(part: &Part) -> Option<String> {
    let text = match part.data.as_ref()? {
        PartData::Text(text) => text.trim().to_owned(),
        PartData::InlineData(blob) => match transcript(part) {
            Some(text) if text.trim().is_empty() => "[speech that was not understood]".to_owned(),
            Some(text) => text.trim().to_owned(),
            None => match blob.mime_type.as_str().parse::<PcmFormat>() {
                Ok(format) => format!("[speech {:.1} s]", format.duration_of(blob.data.len()).as_secs_f64()),
                Err(_) => return named(blob)["text"].as_str().map(str::to_owned),
            },
        },
        PartData::FileData(file) => format!("[{}]", file.file_uri),
        PartData::ExecutableCode(code) => fenced(&code.code),
        PartData::CodeExecutionResult(result) => fenced(&result.output),
        // A call that a client brings along as a user's is nobody's.
        PartData::FunctionCall(_) | PartData::FunctionResponse(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

fn told(response: &FunctionResponse) -> String {
    Value::Object(response.response.clone().unwrap_or_default().into()).to_string()
}

fn fenced(code: &str) -> String {
    format!("\n```\n{}\n```\n", code.trim_end())
}

fn is_image(blob: &Blob) -> bool {
    blob.mime_type.as_str().get(..6).is_some_and(|top| top.eq_ignore_ascii_case("image/"))
}

fn image(blob: &Blob) -> Value {
    let url = format!("data:{};base64,{}", blob.mime_type.as_str(), STANDARD.encode(&blob.data));
    json!({ "type": "image_url", "image_url": { "url": url } })
}

fn named(blob: &Blob) -> Value {
    json!({ "type": "text", "text": format!("[{}]", blob.mime_type.as_str()) })
}

fn responses(content: &Content) -> impl Iterator<Item = &FunctionResponse> {
    content.parts.iter().filter_map(|part| match &part.data {
        Some(PartData::FunctionResponse(response)) => Some(&**response),
        Some(_) | None => None,
    })
}

fn only_responses(content: &Content) -> bool {
    responses(content).count() == content.parts.len()
}
