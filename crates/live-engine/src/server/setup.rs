//! What a client's `setup` comes to: after this there is nothing left to check about it.
//!
//! Not here: the rules themselves, which are data ([`crate::profile`]).

use std::ops::RangeInclusive;
use std::sync::Arc;

use live_proto::{
    ActivityHandling, Content, ContextWindowCompressionConfig, DecodeError, DecodeErrorKind, FieldName,
    FunctionDeclaration, GenerationConfig, Modality, PathStep, SessionResumptionConfig, Setup, SlidingWindow,
    SpeechConfig, ThinkingLevel, Tool, TurnCoverage, VoiceChoice,
};

use super::declaration::check_tools;
use super::{ServerConfig, Warning, effect};
use crate::activity::ActivitySettings;
use crate::built_in::{BuiltIn, BuiltInTools};
use crate::context::{Compression, Tokens, content_bytes, tools_bytes};
use crate::profile::{Backend, ModelProfile, ResponseModality, model_name};
use crate::resumption::Handle;
use crate::violation::{Rule, Violation};

/// Who finds where a user's speech begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityDetection {
    /// The server.
    Automatic,
    /// The client, with `activityStart` and `activityEnd`.
    Manual,
}

/// How a session can be taken up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// Whether the client is told which of its messages a handle covers, so that it can send the others again.
    pub transparent: bool,
}

/// A setup that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) config: Arc<SessionConfig>,
    /// The session to take up again.
    pub(super) handle: Option<Handle>,
    /// What it asks for in vain.
    pub(super) warnings: Vec<Warning>,
}

/// A valid setup, with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionConfig {
    /// Whose dialect the session speaks.
    pub backend: Backend,
    /// The model's name without its resource prefix.
    pub model: String,
    /// The rules of that model.
    pub profile: ModelProfile,
    /// What the session answers in.
    pub modality: ResponseModality,
    /// The voice it answers with; empty when it answers in text.
    pub voice: String,
    /// The language it was told to speak, a BCP-47 code; `None` leaves it to the model.
    pub language: Option<String>,
    /// How the model is to behave.
    pub system_instruction: Option<Content>,
    /// What the model may use.
    pub tools: Vec<Tool>,
    /// Sampling and the rest; fields that have a place of their own here are repeated there as they were sent.
    pub generation: GenerationConfig,
    /// Whether the client wants to see thoughts.
    pub include_thoughts: bool,
    /// Who finds the user's turns.
    pub detection: ActivityDetection,
    /// How the server does it.
    pub activity: ActivitySettings,
    /// Whether the client is told when the server hears speech begin and end.
    pub explicit_vad_signal: bool,
    /// Whether a user who begins to speak cuts the model short.
    pub interrupts: bool,
    /// Which media a turn includes.
    pub turn_coverage: TurnCoverage,
    /// Whether the client is told what is understood of the user's speech.
    pub input_transcription: bool,
    /// Whether what the model says is transcribed.
    pub output_transcription: bool,
    /// Whether `clientContent` seeds the history, up to its first `turnComplete`, without being answered.
    pub seeds_history: bool,
    /// How the session can be taken up again; `None` keeps nothing of it.
    pub resumption: Option<Resumption>,
    /// When its history is cut; `None` ends the session where its window ends.
    pub compression: Option<Compression>,
}

impl SessionConfig {
    /// All declared functions.
    pub fn functions(&self) -> impl Iterator<Item = &FunctionDeclaration> {
        self.tools.iter().flat_map(|tool| &tool.function_declarations)
    }

    /// Tokens of the instruction, and of the names and descriptions of functions: they are part of every prompt.
    pub(super) fn tokens(&self) -> Tokens {
        let mut tokens = self.system_instruction.as_ref().map(Tokens::of).unwrap_or_default();
        for function in self.functions() {
            tokens += Tokens::of_text_bytes(function.name.len() + function.description.len());
        }
        tokens
    }

    /// What the session holds of its instruction and its declarations.
    pub(super) fn bytes(&self) -> usize {
        self.system_instruction.as_ref().map_or(0, content_bytes) + tools_bytes(&self.tools)
    }

    /// Checks `setup` and fills in what it leaves open; also names what it asks for in vain.
    pub(super) fn accept(setup: Setup, config: &ServerConfig) -> Result<Accepted, Violation> {
        let profile = find_profile(&setup.model, config)?;
        let backend = config.backend;
        let warnings = effect::of_setup(&setup, profile);
        let Setup {
            model,
            generation_config,
            system_instruction,
            tools,
            realtime_input_config,
            session_resumption,
            context_window_compression,
            input_audio_transcription,
            output_audio_transcription,
            proactivity,
            explicit_vad_signal,
            history_config,
            avatar_config: _,
            safety_settings: _,
            labels: _,
            prefix_turns: _,
        } = setup;

        let (resumption, handle) = choose_resumption(session_resumption, backend)?;
        let compression = choose_compression(context_window_compression, profile.context_tokens)?;
        if profile.always_proactive && proactivity.is_some_and(|proactivity| !proactivity.proactive_audio) {
            return Err(Violation::new(Rule::ProactivityAlways, "setup.proactivity.proactiveAudio"));
        }
        let generation = generation_config.map(|generation| *generation).unwrap_or_default();
        let modality = choose_modality(&generation, profile, || {
            profile
                .default_modality(backend, output_audio_transcription.is_some() || generation.speech_config.is_some())
        })
        .map_err(|asked| {
            let path = "setup.generationConfig.responseModalities";
            match asked.as_str() {
                "TEXT" => Violation::new(Rule::TextFromNativeAudio, path).found(model_name(&model)),
                _ => Violation::new(Rule::ModalitiesCombined, path).found(asked),
            }
        })?;
        let (voice, language) = choose_voice(generation.speech_config.as_deref(), profile, modality)?;
        check_thinking(&generation, profile)?;
        check_sampling(&generation)?;
        check_tools(&tools, "setup", profile, &config.limits)?;
        check_built_in(&tools, "setup", profile.built_in_tools, config.built_in_tools)?;

        let realtime = realtime_input_config.map(|realtime| *realtime).unwrap_or_default();
        let activity = ActivitySettings::choose(realtime.automatic_activity_detection.as_deref(), backend)?;
        let disabled = realtime.automatic_activity_detection.and_then(|detection| detection.disabled);
        let session = Self {
            backend,
            model: model_name(&model).into(),
            profile: profile.clone(),
            modality,
            voice,
            language,
            system_instruction,
            tools,
            include_thoughts: generation.thinking_config.as_ref().and_then(|it| it.include_thoughts).unwrap_or(false),
            generation,
            detection: if disabled.unwrap_or(false) { ActivityDetection::Manual } else { ActivityDetection::Automatic },
            activity,
            explicit_vad_signal,
            interrupts: realtime.activity_handling != Some(ActivityHandling::NoInterruption),
            turn_coverage: realtime
                .turn_coverage
                .filter(|coverage| *coverage != TurnCoverage::Unspecified)
                .unwrap_or_else(|| profile.turn_coverage.clone()),
            input_transcription: input_audio_transcription.is_some(),
            output_transcription: output_audio_transcription.is_some(),
            seeds_history: profile.seeds_history
                && history_config.is_some_and(|history| history.initial_history_in_client_content),
            resumption,
            compression,
        };
        Ok(Accepted { config: Arc::new(session), handle, warnings })
    }
}

fn find_profile<'a>(model: &str, config: &'a ServerConfig) -> Result<&'a ModelProfile, Violation> {
    if model.is_empty() {
        return Err(Violation::new(Rule::ModelMissing, "setup.model"));
    }
    config.profiles.find(model_name(model)).ok_or_else(|| match config.backend {
        Backend::Gemini => Violation::new(Rule::ModelUnknown, "setup.model").found(model).found(&config.api_version),
        Backend::Vertex => Violation::new(Rule::PublisherModelUnknown, "setup.model").found(model),
    })
}

/// Whether and how the session can be taken up again, and which one this is to be.
fn choose_resumption(
    asked: Option<SessionResumptionConfig>,
    backend: Backend,
) -> Result<(Option<Resumption>, Option<Handle>), Violation> {
    let Some(SessionResumptionConfig { handle, transparent }) = asked else { return Ok((None, None)) };
    if transparent && backend == Backend::Gemini {
        // The Gemini API has no such field; SDKs do not let it get that far.
        static SETUP: FieldName = FieldName { json: "setup", proto: "setup" };
        static RESUMPTION: FieldName = FieldName { json: "sessionResumption", proto: "session_resumption" };
        let path = [&SETUP, &RESUMPTION].into_iter().map(PathStep::Field).collect();
        let kind = DecodeErrorKind::UnknownField { name: "transparent".into() };
        return Err(DecodeError { path, kind }.into());
    }
    let handle = match handle.as_deref() {
        None | Some("") => None,
        Some(text) => Some(
            Handle::parse(text).ok_or_else(|| Violation::new(Rule::HandleInvalid, "setup.sessionResumption.handle"))?,
        ),
    };
    Ok((Some(Resumption { transparent }), handle))
}

/// The sliding window, with its defaults filled in and fitted to the model's.
fn choose_compression(
    asked: Option<ContextWindowCompressionConfig>,
    window: u64,
) -> Result<Option<Compression>, Violation> {
    let Some(ContextWindowCompressionConfig { trigger_tokens, sliding_window }) = asked else { return Ok(None) };
    let Some(SlidingWindow { target_tokens }) = sliding_window else {
        return Err(Violation::new(Rule::CompressionMechanism, "setup.contextWindowCompression.slidingWindow"));
    };
    let in_range = |path, found: i64, range: RangeInclusive<i64>| {
        u64::try_from(found).ok().filter(|_| range.contains(&found)).ok_or_else(|| {
            Violation::new(Rule::NumberOutOfRange, path).found(found).found(range.start()).found(range.end())
        })
    };
    let trigger = match trigger_tokens {
        None => Compression::default_trigger(window),
        // A trigger beyond the model's window could never be reached.
        Some(found) => {
            in_range("setup.contextWindowCompression.triggerTokens", found, Compression::TRIGGER_RANGE)?.min(window)
        }
    };
    let target_path = "setup.contextWindowCompression.slidingWindow.targetTokens";
    let target = match target_tokens {
        None => Compression::default_target(trigger),
        Some(found) => {
            let target = in_range(target_path, found, Compression::TARGET_RANGE)?;
            let asked_trigger = trigger_tokens.and_then(|asked| u64::try_from(asked).ok()).unwrap_or(trigger);
            if target >= asked_trigger {
                return Err(Violation::new(Rule::CompressionTarget, target_path).found(asked_trigger).found(found));
            }
            if target < trigger { target } else { Compression::default_target(trigger) }
        }
    };
    Ok(Some(Compression { trigger, target }))
}

/// The modality, or the names of those asked for when the model cannot do them.
fn choose_modality(
    generation: &GenerationConfig,
    profile: &ModelProfile,
    default: impl FnOnce() -> ResponseModality,
) -> Result<ResponseModality, String> {
    let asked: Vec<&Modality> =
        generation.response_modalities.iter().filter(|modality| **modality != Modality::Unspecified).collect();
    let modality = match asked.as_slice() {
        [] => Some(default()),
        [Modality::Text] => Some(ResponseModality::Text),
        [Modality::Audio] => Some(ResponseModality::Audio),
        _ => None,
    };
    modality.filter(|modality| profile.modalities.contains(modality)).ok_or_else(|| {
        let names: Vec<&str> = asked.iter().map(|modality| modality.name().unwrap_or("?")).collect();
        names.join("|")
    })
}

/// The voice's name and the language.
fn choose_voice(
    speech: Option<&SpeechConfig>,
    profile: &ModelProfile,
    modality: ResponseModality,
) -> Result<(String, Option<String>), Violation> {
    let default = || profile.voices.first().copied().unwrap_or_default().to_owned();
    let Some(SpeechConfig { voice_config, language_code, multi_speaker_voice_config }) = speech else {
        return Ok(match modality {
            ResponseModality::Text => (String::new(), None),
            ResponseModality::Audio => (default(), None),
        });
    };
    if modality == ResponseModality::Text {
        return Err(Violation::new(Rule::VoiceWithoutAudio, "setup.generationConfig.speechConfig"));
    }
    if multi_speaker_voice_config.is_some() {
        let path = "setup.generationConfig.speechConfig.multiSpeakerVoiceConfig";
        return Err(Violation::new(Rule::VoiceOfSeveral, path));
    }
    let asked = match voice_config.as_deref() {
        None => "",
        Some(voice) => match &voice.voice_config {
            Some(VoiceChoice::PrebuiltVoiceConfig(prebuilt)) => prebuilt.voice_name.as_deref().unwrap_or_default(),
            Some(VoiceChoice::ReplicatedVoiceConfig(_)) => {
                let path = "setup.generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig";
                return Err(Violation::new(Rule::VoiceCopied, path));
            }
            None => voice.voice.as_str(),
        },
    };
    let voice = match asked {
        "" => default(),
        name if profile.voices.contains(&name) => name.to_owned(),
        name => {
            let path = "setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName";
            return Err(Violation::new(Rule::VoiceUnknown, path).found(name).found(default()));
        }
    };
    let language = match language_code.as_str() {
        "" => None,
        code if profile.languages.is_none_or(|spoken| spoken.contains(&code)) => Some(code.to_owned()),
        code => {
            let path = "setup.generationConfig.speechConfig.languageCode";
            return Err(Violation::new(Rule::LanguageUnsupported, path).found(code));
        }
    };
    Ok((voice, language))
}

fn check_thinking(generation: &GenerationConfig, profile: &ModelProfile) -> Result<(), Violation> {
    let Some(thinking) = &generation.thinking_config else { return Ok(()) };
    if thinking.thinking_budget.is_some() && !profile.thinking.budget {
        let path = "setup.generationConfig.thinkingConfig.thinkingBudget";
        return Err(Violation::new(Rule::ThinkingBudgetUnsupported, path));
    }
    if thinking.thinking_level != ThinkingLevel::Unspecified
        && !profile.thinking.levels.contains(&thinking.thinking_level)
    {
        let path = "setup.generationConfig.thinkingConfig.thinkingLevel";
        return Err(Violation::new(Rule::ThinkingLevelUnsupported, path));
    }
    Ok(())
}

/// Checks the numbers of the generation that have a range whatever the model.
fn check_sampling(generation: &GenerationConfig) -> Result<(), Violation> {
    if let Some(found) = generation.max_output_tokens.filter(|max| *max <= 0) {
        return Err(Violation::new(Rule::MaxOutputTokens, "setup.generationConfig.maxOutputTokens").found(found));
    }
    let numbers = [
        ("setup.generationConfig.temperature", generation.temperature, 0.0..=2.0),
        ("setup.generationConfig.topP", generation.top_p, 0.0..=1.0),
    ];
    for (path, number, range) in numbers {
        if let Some(found) = number.filter(|number| !range.contains(number)) {
            let (least, most) = (range.start(), range.end());
            return Err(Violation::new(Rule::NumberOutOfRange, path).found(found).found(least).found(most));
        }
    }
    Ok(())
}

/// Checks the tools that run on the server's side, wherever they come from. None is ever accepted and left to lie: a model
/// that believes it can search makes results up.
pub(super) fn check_built_in(
    tools: &[Tool],
    root: &str,
    model: BuiltInTools,
    host: BuiltInTools,
) -> Result<(), Violation> {
    for (t, tool) in tools.iter().enumerate() {
        for kind in BuiltIn::of(tool) {
            let rule = if !model.has(&kind) {
                Rule::BuiltInNotOfModel
            } else if !host.has(&kind) {
                Rule::BuiltInNotRun
            } else {
                continue;
            };
            return Err(Violation::new(rule, format!("{root}.tools[{t}].{}", kind.name())));
        }
    }
    Ok(())
}
