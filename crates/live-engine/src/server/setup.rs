//! What a client's `setup` comes to: after this there is nothing left to check about it.
//!
//! Not here: the rules themselves, which are data ([`crate::profile`]).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use live_proto::{
    ActivityHandling, Content, ContextWindowCompressionConfig, FunctionDeclaration, GenerationConfig, HarmCategory,
    Modality, PartData, ProactivityConfig, SessionResumptionConfig, Setup, SlidingWindow, SpeechConfig, ThinkingConfig,
    ThinkingLevel, Tool, TurnCoverage, VoiceChoice,
};

use super::declaration::check_tools;
use super::{ServerConfig, Warning, effect, field};
use crate::activity::ActivitySettings;
use crate::built_in::{BuiltIn, BuiltInTools};
use crate::context::{Compression, Tokens, content_bytes, tools_bytes};
use crate::profile::{Backend, ModelProfile, Proactivity, ResponseModality, Translation, model_name};
use crate::resumption::Handle;
use crate::violation::{Findings, Rule, Violation};

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
    pub profile: Arc<ModelProfile>,
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
    /// How much the model thinks: what was asked for or the model's default; `Unspecified` leaves it to the model or to the budget.
    pub thinking_level: ThinkingLevel,
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
        let Judged { accepted, violations, warnings } = Self::judge(setup, config);
        match (violations.into_iter().next(), accepted) {
            (Some(violation), _) => Err(violation),
            (None, Some((config, handle))) => Ok(Accepted { config, handle, warnings }),
            (None, None) => unreachable!("a setup that breaks no rule is a session"),
        }
    }

    /// Finds all that is wrong with `setup`, and goes on with the default where something is.
    pub(super) fn judge(setup: Setup, config: &ServerConfig) -> Judged {
        let mut findings = Findings::default();
        let backend = config.backend;
        check_fields(&setup, config, &mut findings);
        let Some(profile) = findings.take(find_profile(&setup.model, config)) else {
            return Judged { accepted: None, violations: findings.all(), warnings: Vec::new() };
        };
        let mut warnings = effect::of_setup(&setup, profile);
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
            avatar_config,
            safety_settings,
            labels,
            prefix_turns: _,
        } = setup;

        let (resumption, handle) = findings.take(choose_resumption(session_resumption)).unwrap_or_default();
        let compression = choose_compression(context_window_compression, profile);
        let compression = findings.take(compression).unwrap_or_default();
        findings.check(check_proactivity(proactivity.as_ref(), profile.proactivity));
        let generation = generation_config.map(|generation| *generation).unwrap_or_default();
        let speaks = output_audio_transcription.is_some() || generation.speech_config.is_some();
        let default = profile.default_modality(backend, speaks);
        let modality = choose_modality(&generation, profile, &model, default);
        let modality = findings.take(modality).unwrap_or(default);
        let voice = choose_voice(generation.speech_config.as_deref(), profile, modality);
        let (voice, language) = findings.take(voice).unwrap_or_default();
        let thinking_level = findings.take(choose_thinking(&generation, profile)).unwrap_or_default();
        check_generation(&generation, profile, &mut findings);
        check_instruction(system_instruction.as_ref(), "setup", profile, &mut findings);
        check_labels(&labels, &mut findings);
        for (s, setting) in safety_settings.iter().enumerate() {
            if setting.category == HarmCategory::Unspecified {
                findings.add(Violation::new(Rule::SafetyCategory, format!("setup.safetySettings[{s}].category")));
            }
        }
        if avatar_config.is_some() && !profile.avatar {
            findings.add(Violation::new(Rule::AvatarUnsupported, "setup.avatarConfig"));
        }
        check_tool_kinds(&tools, "setup", profile, config.built_in_tools, &mut findings);
        warnings.extend(effect::of_tools(&tools, "setup", config.built_in_tools));
        warnings.extend(check_tools(&tools, "setup", profile, &config.limits, &mut findings));

        let realtime = realtime_input_config.map(|realtime| *realtime).unwrap_or_default();
        let defaults = config.profiles.backend(backend);
        let activity = ActivitySettings::choose(realtime.automatic_activity_detection.as_deref(), defaults);
        let activity = findings.take(activity).unwrap_or(defaults.activity);
        let disabled = realtime.automatic_activity_detection.and_then(|detection| detection.disabled);
        let coverage = realtime.turn_coverage.filter(|coverage| *coverage != TurnCoverage::Unspecified);
        if let Some(asked) = coverage.as_ref().filter(|asked| !profile.takes_turn_coverage(backend, asked)) {
            let violation = Violation::new(Rule::TurnCoverage, "setup.realtimeInputConfig.turnCoverage");
            findings.add(violation.found(asked.name().unwrap_or_default()));
        }
        let session = Self {
            backend,
            model: model_name(&model).into(),
            profile: Arc::clone(profile),
            modality,
            voice,
            language,
            system_instruction,
            tools,
            include_thoughts: generation.thinking_config.as_ref().and_then(|it| it.include_thoughts).unwrap_or(false),
            thinking_level,
            generation,
            detection: if disabled.unwrap_or(false) { ActivityDetection::Manual } else { ActivityDetection::Automatic },
            activity,
            explicit_vad_signal,
            interrupts: realtime.activity_handling != Some(ActivityHandling::NoInterruption),
            turn_coverage: coverage.unwrap_or_else(|| profile.turn_coverage.clone()),
            input_transcription: input_audio_transcription.is_some(),
            output_transcription: output_audio_transcription.is_some(),
            seeds_history: profile.seeds_history
                && history_config.is_some_and(|history| history.initial_history_in_client_content),
            resumption,
            compression,
        };
        Judged { accepted: Some((Arc::new(session), handle)), violations: findings.all(), warnings }
    }
}

/// What a setup comes to, right or wrong.
pub(super) struct Judged {
    /// The session and the one it is to go on from; there is none for a model that nobody knows.
    pub(super) accepted: Option<(Arc<SessionConfig>, Option<Handle>)>,
    pub(super) violations: Vec<Violation>,
    pub(super) warnings: Vec<Warning>,
}

/// Fields that this backend, or this version of its API, does not have.
fn check_fields(setup: &Setup, config: &ServerConfig, findings: &mut Findings) {
    let backend = config.profiles.backend(config.backend);
    for field in &backend.unknown_fields {
        if let Some((message, name)) = field::find(setup, field) {
            let violation = Violation::new(Rule::FieldOfOtherBackend, format!("{message}.{name}"));
            let (ours, other) = match config.backend {
                Backend::Gemini => ("the Gemini API", "Vertex AI"),
                Backend::Vertex => ("Vertex AI", "the Gemini API"),
            };
            findings.add(violation.found(name).found(field::snake(&message)).found(ours).found(other));
        }
    }
    for (field, versions) in &backend.only_in {
        if let Some((message, name)) = field::find(setup, field).filter(|_| !versions.contains(&config.api_version)) {
            let violation = Violation::new(Rule::FieldOfOtherVersion, format!("{message}.{name}"));
            let violation = violation.found(name).found(field::snake(&message));
            findings.add(violation.found(&config.api_version).found(versions.join(" or ")));
        }
    }
}

fn find_profile<'a>(model: &str, config: &'a ServerConfig) -> Result<&'a Arc<ModelProfile>, Violation> {
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
) -> Result<(Option<Resumption>, Option<Handle>), Violation> {
    let Some(SessionResumptionConfig { handle, transparent }) = asked else { return Ok((None, None)) };
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
    profile: &ModelProfile,
) -> Result<Option<Compression>, Violation> {
    let Some(ContextWindowCompressionConfig { trigger_tokens, sliding_window }) = asked else { return Ok(None) };
    let window = profile.context_tokens;
    if !profile.compression {
        return Err(Violation::new(Rule::CompressionUnsupported, "setup.contextWindowCompression"));
    }
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

fn choose_modality(
    generation: &GenerationConfig,
    profile: &ModelProfile,
    model: &str,
    default: ResponseModality,
) -> Result<ResponseModality, Violation> {
    let path = "setup.generationConfig.responseModalities";
    let asked: Vec<&Modality> =
        generation.response_modalities.iter().filter(|modality| **modality != Modality::Unspecified).collect();
    let modality = match asked.as_slice() {
        [] => return Ok(default),
        [Modality::Text] => Some(ResponseModality::Text),
        [Modality::Audio] => Some(ResponseModality::Audio),
        [_] => None,
        several => {
            let names: Vec<&str> = several.iter().map(|modality| modality.name().unwrap_or("?")).collect();
            return Err(Violation::new(Rule::ModalitiesCombined, path).found(names.join("|")));
        }
    };
    match modality {
        Some(modality) if profile.modalities.contains(&modality) => Ok(modality),
        Some(ResponseModality::Text) => Err(Violation::new(Rule::TextFromNativeAudio, path).found(model_name(model))),
        Some(ResponseModality::Audio) | None => {
            let ours: Vec<&str> = profile.modalities.iter().map(|modality| modality.name()).collect();
            let violation = Violation::new(Rule::ModalityUnsupported, path);
            Err(violation.found(asked[0].name().unwrap_or("?")).found(ours.join(" or ")))
        }
    }
}

/// The voice's name and the language.
fn choose_voice(
    speech: Option<&SpeechConfig>,
    profile: &ModelProfile,
    modality: ResponseModality,
) -> Result<(String, Option<String>), Violation> {
    let default = || profile.voices.first().cloned().unwrap_or_default();
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
        name if profile.voices.iter().any(|voice| voice == name) => name.to_owned(),
        name => {
            let path = "setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName";
            return Err(Violation::new(Rule::VoiceUnknown, path).found(name).found(default()));
        }
    };
    let language = match language_code.as_str() {
        "" => None,
        code if profile.languages.as_ref().is_none_or(|spoken| spoken.iter().any(|it| it == code)) => {
            Some(code.to_owned())
        }
        code => {
            let path = "setup.generationConfig.speechConfig.languageCode";
            return Err(Violation::new(Rule::LanguageUnsupported, path).found(code));
        }
    };
    Ok((voice, language))
}

/// The level at which the model thinks; `Unspecified` leaves it to the model.
fn choose_thinking(generation: &GenerationConfig, profile: &ModelProfile) -> Result<ThinkingLevel, Violation> {
    let root = "setup.generationConfig.thinkingConfig";
    let config = generation.thinking_config.as_ref();
    let Some(thinking) = &profile.thinking else {
        return if config.is_none_or(|config| *config == ThinkingConfig::default()) {
            Ok(ThinkingLevel::Unspecified)
        } else {
            Err(Violation::new(Rule::ThinkingUnsupported, root))
        };
    };
    let level = config.map(|config| config.thinking_level.clone()).unwrap_or_default();
    if let Some(found) = config.and_then(|config| config.thinking_budget) {
        let path = format!("{root}.thinkingBudget");
        let Some(range) = &thinking.budget else {
            return Err(Violation::new(Rule::ThinkingBudgetUnsupported, path));
        };
        if level != ThinkingLevel::Unspecified {
            return Err(Violation::new(Rule::ThinkingTwice, path));
        }
        if !range.contains(&found) {
            return Err(Violation::new(Rule::ThinkingBudgetRange, path)
                .found(found)
                .found(range.start())
                .found(range.end()));
        }
        // A budget says how much; no level is assumed beside it.
        return Ok(ThinkingLevel::Unspecified);
    }
    let path = format!("{root}.thinkingLevel");
    let known = || thinking.levels.iter().filter_map(ThinkingLevel::name).collect::<Vec<_>>().join(", ");
    if level == ThinkingLevel::Unspecified {
        return if thinking.level_required {
            Err(Violation::new(Rule::ThinkingLevelMissing, path).found(known()))
        } else {
            Ok(thinking.default_level.clone().unwrap_or_default())
        };
    }
    match thinking.levels.contains(&level) {
        true => Ok(level),
        false => {
            let fix =
                if thinking.levels.is_empty() { "leave it out".into() } else { format!("use one of {}", known()) };
            let violation = Violation::new(Rule::ThinkingLevelUnsupported, path);
            Err(violation.found(level.name().unwrap_or("?")).found(fix))
        }
    }
}

fn check_proactivity(asked: Option<&ProactivityConfig>, ours: Proactivity) -> Result<(), Violation> {
    let Some(ProactivityConfig { proactive_audio, proactive_video }) = asked else { return Ok(()) };
    let path = "setup.proactivity.proactiveAudio";
    match ours {
        Proactivity::Always if !proactive_audio => Err(Violation::new(Rule::ProactivityAlways, path)),
        Proactivity::Refused if *proactive_audio => Err(Violation::new(Rule::ProactivityUnsupported, path)),
        Proactivity::Refused | Proactivity::Optional | Proactivity::Always if *proactive_video && !proactive_audio => {
            Err(Violation::new(Rule::ProactiveVideoAlone, "setup.proactivity.proactiveVideo"))
        }
        Proactivity::Refused | Proactivity::Optional | Proactivity::Always => Ok(()),
    }
}

/// Checks what of the generation does not depend on what else is set.
fn check_generation(generation: &GenerationConfig, profile: &ModelProfile, findings: &mut Findings) {
    let at = |field: &str| format!("setup.generationConfig.{field}");
    if let Some(found) = generation.max_output_tokens {
        let max = profile.output_tokens_max.filter(|max| found > *max);
        if found <= 0 {
            findings.add(Violation::new(Rule::MaxOutputTokens, at("maxOutputTokens")).found(found));
        } else if let Some(max) = max {
            findings
                .add(Violation::new(Rule::NumberOutOfRange, at("maxOutputTokens")).found(found).found(1).found(max));
        }
    }
    let numbers = [
        ("temperature", generation.temperature, 0.0..=2.0),
        ("topP", generation.top_p, 0.0..=1.0),
        ("presencePenalty", generation.presence_penalty, -2.0..=2.0),
        ("frequencyPenalty", generation.frequency_penalty, -2.0..=2.0),
    ];
    for (field, number, range) in numbers {
        if let Some(found) = number.filter(|number| !range.contains(number)) {
            let violation = Violation::new(Rule::NumberOutOfRange, at(field));
            findings.add(violation.found(found).found(range.start()).found(range.end()));
        }
    }
    if let Some(found) = generation.top_k.filter(|top_k| *top_k < 1) {
        findings.add(Violation::new(Rule::TopK, at("topK")).found(found));
    }
    if let Some(found) = generation.candidate_count.filter(|count| *count != 1) {
        findings.add(Violation::new(Rule::CandidateCount, at("candidateCount")).found(found));
    }
    let not_live = [
        ("responseMimeType", !generation.response_mime_type.is_empty()),
        ("responseSchema", generation.response_schema.is_some()),
        ("responseJsonSchema", generation.response_json_schema.is_some()),
        ("responseJsonSchema", generation.response_json_schema_ordered.is_some()),
        ("responseLogprobs", generation.response_logprobs.is_some()),
        ("logprobs", generation.logprobs.is_some()),
        ("stopSequences", !generation.stop_sequences.is_empty()),
        ("routingConfig", generation.routing_config.is_some()),
        ("audioTimestamp", generation.audio_timestamp.is_some()),
    ];
    for (field, is_set) in not_live {
        if is_set {
            findings.add(Violation::new(Rule::GenerationFieldNotLive, at(field)).found(field));
        }
    }
    if generation.enable_affective_dialog && !profile.affective_dialog {
        findings.add(Violation::new(Rule::AffectiveDialogUnsupported, at("enableAffectiveDialog")));
    }
    if generation.translation_config.is_some() && profile.translation == Translation::Refused {
        findings.add(Violation::new(Rule::TranslationUnsupported, at("translationConfig")));
    }
}

/// Checks an instruction wherever it comes from.
pub(super) fn check_instruction(
    instruction: Option<&Content>,
    root: &str,
    profile: &ModelProfile,
    findings: &mut Findings,
) {
    let Some(instruction) = instruction else { return };
    let path = format!("{root}.systemInstruction");
    if !profile.instruction {
        findings.add(Violation::new(Rule::InstructionUnsupported, path));
    } else if let Some(p) =
        instruction.parts.iter().position(|part| !matches!(part.data, None | Some(PartData::Text(_))))
    {
        findings.add(Violation::new(Rule::InstructionNotText, format!("{path}.parts[{p}]")));
    }
}

fn check_labels(labels: &BTreeMap<String, String>, findings: &mut Findings) {
    for key in labels.keys() {
        let starts_well = key.chars().next().is_some_and(char::is_alphabetic);
        let may_stand = |c: char| c.is_alphanumeric() && !c.is_uppercase() || c == '_' || c == '-';
        if !starts_well || key.chars().count() > LABEL_CHARS_MAX || !key.chars().all(may_stand) {
            findings.add(Violation::new(Rule::LabelKey, "setup.labels").found(key).found(LABEL_CHARS_MAX));
        }
    }
}

/// Characters of a label's key, as SDKs document it.
const LABEL_CHARS_MAX: usize = 63;

/// Checks of what kinds tools are, wherever they come from. No built-in one is ever accepted and left to lie: a model that
/// believes it can search makes results up.
pub(super) fn check_tool_kinds(
    tools: &[Tool],
    root: &str,
    profile: &ModelProfile,
    host: BuiltInTools,
    findings: &mut Findings,
) {
    for (t, tool) in tools.iter().enumerate() {
        let path = format!("{root}.tools[{t}]");
        if !tool.function_declarations.is_empty() && !profile.functions {
            findings.add(Violation::new(Rule::FunctionsUnsupported, format!("{path}.functionDeclarations")));
        }
        if tool.function_declarations.is_empty() && BuiltIn::of(tool).next().is_none() && !profile.empty_tools {
            findings.add(Violation::new(Rule::ToolEmpty, path.as_str()));
        }
        for kind in BuiltIn::of(tool) {
            let rule = if !profile.built_in_tools.has(&kind) {
                Rule::BuiltInNotOfModel
            } else if !host.has(&kind) {
                Rule::BuiltInNotRun
            } else {
                continue;
            };
            findings.add(Violation::new(rule, format!("{path}.{}", kind.name())));
        }
    }
}
