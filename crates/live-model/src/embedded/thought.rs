//! What the embedded model thinks before it answers: as much as the session's budget or level has room for.
//!
//! Whether a client sees it is the engine's to decide. Not here: which rule is applied ([`super::plan`]).

use live_engine::context::Tokens;
use live_engine::{Prompt, ResponseModality, SessionConfig};
use live_proto::ThinkingLevel;

use super::heard::Heard;
use super::media::listed;

/// The thoughts before an answer to which `rule` led; joined they are sentences.
pub(super) fn thoughts(prompt: &Prompt, rule: String, heard: &Heard<'_>) -> Vec<String> {
    let Measure { thoughts_max, tokens_max } = Measure::of(&prompt.session);
    let mut bytes = 0;
    [rule, format!(" {}", received(heard)), format!(" {}", form(&prompt.session))]
        .into_iter()
        .take(thoughts_max)
        .take_while(|thought| {
            bytes += thought.len();
            tokens_max.is_none_or(|max| Tokens::of_text_bytes(bytes).text <= max)
        })
        .collect()
}

/// How much is thought.
struct Measure {
    thoughts_max: usize,
    tokens_max: Option<u64>,
}

impl Measure {
    fn of(session: &SessionConfig) -> Self {
        let thoughts = |thoughts_max| Self { thoughts_max, tokens_max: None };
        if session.profile.thinking.is_none() {
            return thoughts(0);
        }
        let budget = session.generation.thinking_config.as_ref().and_then(|thinking| thinking.thinking_budget);
        match (budget.map(u64::try_from), &session.thinking_level) {
            (Some(Ok(tokens)), _) => Self { thoughts_max: usize::MAX, tokens_max: Some(tokens) },
            (None, ThinkingLevel::Minimal) => thoughts(0),
            (None, ThinkingLevel::Low) => thoughts(1),
            (None, ThinkingLevel::Medium) => thoughts(2),
            (None, ThinkingLevel::High | ThinkingLevel::Xhigh) => thoughts(usize::MAX),
            // A negative budget, or no word about it, leaves it to the model: to apply a rule takes no thought, unless to show it.
            (Some(Err(_)), _) | (None, ThinkingLevel::Unspecified | ThinkingLevel::Unrecognized(_)) => {
                thoughts(usize::from(session.include_thoughts))
            }
        }
    }
}

/// What there is to answer.
fn received(heard: &Heard<'_>) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let responses = heard.entries.iter().map(|entry| entry.responses.len()).sum();
    let words = counted(heard.recent().split_whitespace().count(), "word", "words");
    let answers = counted(responses, "answer of a function", "answers of functions");
    let phrases: Vec<String> = words.into_iter().chain(heard.media.phrases()).chain(answers).collect();
    if phrases.is_empty() { "There is nothing to answer.".into() } else { format!("I received {}.", listed(&phrases)) }
}

/// How it will be answered.
fn form(session: &SessionConfig) -> String {
    match session.modality {
        ResponseModality::Text => "I answer in text.".into(),
        ResponseModality::Audio => format!("I answer in speech, with the voice {}.", session.voice),
    }
}
