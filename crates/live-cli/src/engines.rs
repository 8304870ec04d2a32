//! The flags that choose who hears, answers and speaks, and what is said of the choice.
//!
//! What a file or a flag means is in `live_model::config`.

use std::path::PathBuf;

use live_model::BuiltIns;
use live_model::config::{ConfigError, Engines, Flags};

/// What is told of engines; without any of it the embedded model answers.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct EngineArgs {
    /// A TOML file that chooses recogniser, language model and synthesiser (docs/engines.md)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["recogniser", "language_model", "synthesiser"])]
    models: Option<PathBuf>,

    /// Who turns the user's speech into text: none, pocketsphinx, or a service as in http://127.0.0.1:8000/v1#whisper-1.
    /// Services get the key in $LIVE_ENGINE_KEY
    #[arg(long, value_name = "ENGINE")]
    recogniser: Option<String>,

    /// Who answers: embedded, or a service as in http://127.0.0.1:11434/v1#qwen3:8b
    #[arg(long, value_name = "ENGINE")]
    language_model: Option<String>,

    /// Who speaks: embedded, espeak-ng, flite, or a service and its voice as in http://127.0.0.1:8000/v1#tts-1@alloy
    #[arg(long, value_name = "ENGINE")]
    synthesiser: Option<String>,
}

impl EngineArgs {
    /// The engines, if any are chosen; the language model gets the tools.
    pub(crate) fn choose(&self, built_ins: &BuiltIns) -> Result<Option<Engines>, ConfigError> {
        let Self { models, recogniser, language_model, synthesiser } = self;
        if let Some(path) = models {
            return Engines::read(path, built_ins).map(Some);
        }
        let flags = Flags {
            recogniser: recogniser.as_deref(),
            language_model: language_model.as_deref(),
            synthesiser: synthesiser.as_deref(),
        };
        if flags == Flags::default() { Ok(None) } else { Engines::of_flags(flags, built_ins).map(Some) }
    }
}

/// A line for each engine.
pub(crate) fn told(engines: &Engines) -> String {
    engines.summary.iter().map(|(role, what)| format!("{role}: {what}\n")).collect()
}
