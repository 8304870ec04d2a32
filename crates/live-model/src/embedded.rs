//! The embedded model: small rules instead of weights, so that a server answers with nothing installed.
//!
//! docs/embedded-model.md lists the rules. What it says is decided in [`plan()`], which is pure; how it is said, in text or
//! speech and at which pace, in a stream over that.

use std::num::NonZeroU32;

use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use live_engine::{BuiltInTools, ModelOutput, Prompt, ResponseModality};

use crate::model::Model;
use crate::tool::BuiltIns;
use crate::voice::Voice;

mod args;
mod arithmetic;
mod code;
mod count;
mod found;
mod heard;
mod hint;
mod look;
mod media;
mod mention;
mod piece;
mod plan;
mod schema;
mod speaker;
mod thought;
mod told;

pub use self::code::Program;
pub use self::count::Count;
pub use self::look::Look;
pub use self::plan::{Plan, Say, plan};
use self::speaker::{Form, Speaker};

/// How fast the embedded model speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Pieces of text a second; 0 gives them as fast as they are taken. A piece is about a token.
    pub pieces_per_second: u32,
    /// Numbers a second when counting in text, if pieces are not slower: a count must last, whatever the rate of pieces.
    pub numbers_per_second: NonZeroU32,
}

impl Default for EmbeddedConfig {
    /// 50 pieces a second, the pace of a small hosted model, and 3 numbers a second, that of speech.
    fn default() -> Self {
        Self { pieces_per_second: 50, numbers_per_second: NonZeroU32::MIN.saturating_add(2) }
    }
}

/// The embedded model. Deterministic: the same prompt gets the same answer.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    config: EmbeddedConfig,
    built_ins: BuiltIns,
}

impl Embedded {
    /// A model that speaks as fast as `config` says.
    pub fn new(config: EmbeddedConfig) -> Self {
        Self { config, built_ins: BuiltIns::default() }
    }

    /// Sets the tools that it runs by itself. Default: none.
    #[must_use]
    pub fn built_ins(mut self, built_ins: BuiltIns) -> Self {
        self.built_ins = built_ins;
        self
    }
}

impl Model for Embedded {
    /// Answers by the rules. Needs a tokio runtime with time when polled.
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let (config, tools) = (self.config.clone(), self.built_ins.within(&prompt.session.tools));
        // It recognises nothing, and says so.
        let caption = stream::iter(prompt.caption().map(ModelOutput::Caption));
        caption.chain(said(move || Speaker::new(plan(&prompt), form(&prompt), &config, tools))).boxed()
    }

    fn built_in_tools(&self) -> BuiltInTools {
        self.built_ins.offered()
    }
}

/// Says what is planned at the first poll: a generation that is cancelled before it costs nothing.
fn said(plan: impl FnOnce() -> Speaker + Send) -> impl Stream<Item = ModelOutput> + Send {
    stream::once(async { plan() }).flat_map(|speaker| {
        stream::unfold(speaker, async |mut speaker| speaker.next().await.map(|output| (output, speaker)))
    })
}

fn form(prompt: &Prompt) -> Form {
    match prompt.session.modality {
        ResponseModality::Text => Form::Text,
        ResponseModality::Audio => Form::Speech(Voice::named(&prompt.session.voice).copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn nothing_is_planned_before_the_first_poll() {
        let is_planned = Arc::new(AtomicBool::new(false));
        let answer = || {
            let is_planned = Arc::clone(&is_planned);
            said(move || {
                is_planned.store(true, Ordering::Relaxed);
                let plan = Plan { thoughts: vec!["So.".to_owned()], say: Vec::new(), calls: Vec::new() };
                Speaker::new(plan, Form::Text, &EmbeddedConfig::default(), BuiltIns::default())
            })
        };
        drop(answer());
        assert!(!is_planned.load(Ordering::Relaxed), "dropped before it was polled");
        let mut answer = answer().boxed();
        assert!(!is_planned.load(Ordering::Relaxed), "not polled yet");
        assert_eq!(answer.next().now_or_never(), Some(Some(ModelOutput::Thought("So.".to_owned()))));
        assert!(is_planned.load(Ordering::Relaxed), "polled");
    }
}
