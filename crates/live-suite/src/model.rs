//! A model that does as the last words of the prompt say, in pieces that are there at once.
//!
//! It never waits, so that hosts with and without a runtime can run it.

use std::time::Duration;

use live_engine::{EndReason, ModelOutput, Prompt, ResponseModality};
use live_proto::{
    CodeExecutionResult, ExecutableCode, FunctionCall, FunctionResponse, Language, Outcome, PartData, Struct, Value,
};

/// The pieces of an answer.
pub type Pieces = Box<dyn Iterator<Item = ModelOutput> + Send>;

/// How long the sound plays that repeats something: two pieces.
pub const SPOKEN: Duration = Duration::from_millis(2 * PIECE_MS);

/// `call` with names calls these functions, `forever` does not end, `count` tells how many contents the prompt has, `run` runs
/// code of its own; anything else is repeated. Sessions that answer in speech hear it spoken.
///
/// # Panics
/// When it is prompted with nothing.
pub fn answer(prompt: Prompt) -> Pieces {
    let last = prompt.history.last().expect("a prompt has contents");
    let said = match last.parts.last().and_then(|part| part.data.as_ref()) {
        Some(PartData::Text(text)) => text.clone(),
        Some(PartData::InlineData(blob)) => format!("{} bytes of {}", blob.data.len(), blob.mime_type),
        Some(PartData::FunctionResponse(response)) => format!("{} for {}", outcome(response), response.id),
        other => format!("{other:?}"),
    };
    let modality = prompt.session.modality;
    let words: Vec<&str> = said.split(' ').collect();
    let pieces = match *words {
        ["forever"] => return Box::new(std::iter::repeat_with(move || say(modality, "on "))),
        ["call", ref functions @ ..] => vec![ModelOutput::ToolCalls(functions.iter().map(|name| call(name)).collect())],
        ["count"] => vec![say(modality, &format!("{} contents", prompt.history.len()))],
        ["run"] => {
            let (code, output) = code();
            vec![ModelOutput::ExecutableCode(code), ModelOutput::CodeExecutionResult(output), say(modality, "it is 4")]
        }
        _ => vec![say(modality, "you said "), say(modality, &said)],
    };
    Box::new(pieces.into_iter().chain([ModelOutput::End(EndReason::Complete)]))
}

/// The code of `run`, and what it gave.
pub fn code() -> (ExecutableCode, CodeExecutionResult) {
    let code = ExecutableCode { language: Language::Python, code: "print(2 + 2)".into(), id: "run-1".into() };
    (code, CodeExecutionResult { outcome: Outcome::Ok, output: "4\n".into(), id: "run-1".into() })
}

fn say(modality: ResponseModality, words: &str) -> ModelOutput {
    match modality {
        ResponseModality::Text => ModelOutput::Text(words.into()),
        ResponseModality::Audio => {
            let samples = usize::try_from(PIECE_MS).expect("it is short") * 24;
            ModelOutput::Speech { pcm: vec![1; samples * 2].into(), text: words.into() }
        }
    }
}

fn call(function: &str) -> FunctionCall {
    let args = Struct([("city".to_owned(), Value::String("Oslo".into()))].into());
    FunctionCall { name: function.into(), args: Some(args), ..FunctionCall::default() }
}

/// What a function was, and what it says of itself if it failed.
fn outcome(response: &FunctionResponse) -> String {
    let error = response.response.as_ref().and_then(|object| object.get("error")).and_then(Value::as_str);
    error.map_or_else(|| response.name.clone(), |error| format!("{} failed: {error}", response.name))
}

/// How long one piece of speech plays.
const PIECE_MS: u64 = 60;
