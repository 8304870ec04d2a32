//! A model that does as the last words of the prompt say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use live_engine::{EndReason, ModelOutput, Prompt, ResponseModality};
use live_model::Model;
use live_proto::PartData;

/// `brood` thinks and never says anything, `panic` panics while it answers, `panic at once` before, `stop` ends in the middle, `hold` never ends, `flood` never
/// stops, `recall` repeats all that the user has said; anything else is repeated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Obedient {
    /// Pieces of `flood` that were asked for.
    pub(crate) flooded: Arc<AtomicUsize>,
}

impl Model for Obedient {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let words = last_words(&prompt);
        let speaks = prompt.session.modality == ResponseModality::Audio;
        let say = move |text: &str| match speaks {
            true => ModelOutput::Speech { pcm: Bytes::from(vec![0; 1920]), text: text.to_owned() },
            false => ModelOutput::Text(text.to_owned()),
        };
        match words.as_str() {
            "recall" => stream::iter([say(&told(&prompt)), ModelOutput::End(EndReason::Complete)]).boxed(),
            "brood" => stream::iter([ModelOutput::Thought("hm".to_owned())]).chain(stream::pending()).boxed(),
            "panic at once" => panic!("told to panic at once"),
            "panic" => stream::iter([say("about to")]).chain(stream::once(async { panic!("told to panic") })).boxed(),
            "stop" => stream::iter([say("half an")]).boxed(),
            "hold" => stream::iter([say("holding")]).chain(stream::pending()).boxed(),
            "flood" => {
                let flooded = Arc::clone(&self.flooded);
                let piece = say(&"x".repeat(1000));
                stream::repeat_with(move || {
                    flooded.fetch_add(1, Ordering::Relaxed);
                    piece.clone()
                })
                .boxed()
            }
            words => stream::iter([say("you said "), say(words), ModelOutput::End(EndReason::Complete)]).boxed(),
        }
    }
}

/// What the user has said, and under which instruction.
fn told(prompt: &Prompt) -> String {
    let instruction = prompt.session.system_instruction.iter().map(|content| format!("[{}]", content.text()));
    let said = prompt.history.iter().filter(|content| content.role == "user").map(|content| content.text());
    instruction.chain(said).collect::<Vec<_>>().join(", ")
}

fn last_words(prompt: &Prompt) -> String {
    let part = prompt.history.last().and_then(|content| content.parts.last());
    match part.and_then(|part| part.data.as_ref()) {
        Some(PartData::Text(text)) => text.clone(),
        Some(PartData::InlineData(blob)) => format!("{} bytes of {}", blob.data.len(), blob.mime_type.as_str()),
        other => panic!("prompted with {other:?}"),
    }
}
