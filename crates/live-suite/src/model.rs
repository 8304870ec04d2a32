//! A model that does as the last words of the prompt say, in pieces that are there at once.
//!
//! It never waits, so that hosts with and without a runtime can run it.

use std::time::Duration;

use live_engine::{EndReason, ModelOutput, Prompt};
use live_proto::{FunctionCall, PartData, Struct, Value};

/// The pieces of an answer.
pub type Pieces = Box<dyn Iterator<Item = ModelOutput> + Send>;

/// How long the sound of `speak` plays.
pub const SPOKEN: Duration = Duration::from_millis(120);

/// `speak` speaks, `call` calls a function, `forever` does not end, `count` tells how many contents the prompt has;
/// anything else is repeated.
///
/// # Panics
/// When it is prompted with nothing.
pub fn answer(prompt: Prompt) -> Pieces {
    let last = prompt.history.last().expect("a prompt has contents");
    let said = match last.parts.last().and_then(|part| part.data.as_ref()) {
        Some(PartData::Text(text)) => text.clone(),
        Some(PartData::InlineData(blob)) => format!("{} bytes of {}", blob.data.len(), blob.mime_type),
        Some(PartData::FunctionResponse(response)) => format!("{} for {}", response.name, response.id),
        other => format!("{other:?}"),
    };
    let end = ModelOutput::End(EndReason::Complete);
    match said.as_str() {
        "forever" => Box::new(std::iter::repeat_with(|| ModelOutput::Text("on ".into()))),
        "speak" => {
            let samples = usize::try_from(SPOKEN.as_millis()).expect("it is short") * 24;
            let pcm = vec![1; samples * 2].into();
            Box::new([ModelOutput::Speech { pcm, text: "spoken".into() }, end].into_iter())
        }
        "call" => {
            let args = Struct([("city".to_owned(), Value::String("Oslo".into()))].into());
            let call = FunctionCall { name: "weather".into(), args: Some(args), ..FunctionCall::default() };
            Box::new([ModelOutput::ToolCalls(vec![call]), end].into_iter())
        }
        "count" => {
            let counted = format!("{} contents", prompt.history.len());
            Box::new([ModelOutput::Text(counted), end].into_iter())
        }
        said => Box::new([ModelOutput::Text("you said ".into()), ModelOutput::Text(said.into()), end].into_iter()),
    }
}
