//! What a client asks for in vain: fields that are accepted, because clients send them, and that nothing here acts on.
//!
//! Each message is taken apart field by field, so that a new field stops the build until it is either used or named here.
//! Fields that only the model can act on (sampling, instructions, schemas) are handed to it and not named. Not here: fields
//! that are refused ([`super::setup`]).

use live_proto::{
    AudioTranscriptionConfig, AudioTranscriptionMode, AutomaticActivityDetection, GenerationConfig, GoogleSearch,
    HistoryConfig, MediaResolution, RealtimeInputConfig, Setup, Tool,
};

use super::Warning;
use crate::built_in::BuiltInTools;
use crate::profile::{ModelProfile, Translation};

/// Names the fields of a setup.
pub(super) fn of_setup(setup: &Setup, profile: &ModelProfile) -> Vec<Warning> {
    let Setup {
        model: _,
        generation_config,
        system_instruction: _,
        tools: _,
        realtime_input_config,
        session_resumption: _,
        context_window_compression: _,
        input_audio_transcription,
        output_audio_transcription,
        proactivity,
        explicit_vad_signal,
        history_config,
        avatar_config,
        safety_settings,
        labels,
        prefix_turns,
    } = setup;
    let seeds_in_vain = !profile.seeds_history
        && history_config.as_ref().is_some_and(|HistoryConfig { initial_history_in_client_content: asked }| *asked);
    let is_manual = realtime_input_config
        .as_ref()
        .and_then(|realtime| realtime.automatic_activity_detection.as_ref()?.disabled)
        .unwrap_or(false);
    let translates = generation_config.as_ref().and_then(|it| it.translation_config.as_ref());
    let is_silent = profile.translation == Translation::Expected
        && translates.is_none_or(|translation| translation.target_language_code.is_empty());
    let mut warnings = name(
        "setup",
        [
            // A model that is always proactive here is not, either.
            (proactivity.is_some(), "proactivity"),
            (*explicit_vad_signal && is_manual, "explicitVadSignal"),
            (seeds_in_vain, "historyConfig.initialHistoryInClientContent"),
            (avatar_config.is_some() && profile.avatar, "avatarConfig"),
            (!safety_settings.is_empty(), "safetySettings"),
            (!labels.is_empty(), "labels"),
            (!prefix_turns.is_empty(), "prefixTurns"),
        ],
    );
    if is_silent {
        let path = "setup.generationConfig.translationConfig.targetLanguageCode".into();
        warnings.push(Warning::TranslationWithoutLanguage { path });
    }
    warnings.extend(realtime_input_config.iter().flat_map(|config| of_realtime(config)));
    warnings.extend(generation_config.iter().flat_map(|config| of_generation(config)));
    let transcriptions = [
        (input_audio_transcription, "setup.inputAudioTranscription"),
        (output_audio_transcription, "setup.outputAudioTranscription"),
    ];
    for (config, root) in transcriptions {
        warnings.extend(config.iter().flat_map(|config| of_transcription(config, root)));
    }
    warnings
}

/// Names the fields of built-in tools, wherever they come from: `root` is the path of the message that holds them. A host
/// that hands tools to the service has every field followed there.
pub(super) fn of_tools(tools: &[Tool], root: &str, host: BuiltInTools) -> Vec<Warning> {
    let of_search = |(index, tool): (usize, &Tool)| {
        let asked = tool.google_search.as_deref().map(|search| {
            // Whoever searches leaves `excludeDomains` out of what it finds.
            let GoogleSearch { time_range_filter, search_types, blocking_confidence, exclude_domains: _ } = search;
            name(
                &format!("{root}.tools[{index}].googleSearch"),
                [
                    (time_range_filter.is_some(), "timeRangeFilter"),
                    (search_types.is_some(), "searchTypes"),
                    (blocking_confidence.is_some(), "blockingConfidence"),
                ],
            )
        });
        asked.unwrap_or_default()
    };
    if host.others { Vec::new() } else { tools.iter().enumerate().flat_map(of_search).collect() }
}

fn of_realtime(config: &RealtimeInputConfig) -> Vec<Warning> {
    let RealtimeInputConfig {
        automatic_activity_detection,
        activity_handling: _,
        turn_coverage: _,
        interim_transcript_timestamp_enabled,
    } = config;
    let tunes_in_vain = automatic_activity_detection.as_deref().is_some_and(|detection| {
        let AutomaticActivityDetection {
            disabled,
            start_of_speech_sensitivity,
            prefix_padding_ms,
            end_of_speech_sensitivity,
            silence_duration_ms,
        } = detection;
        disabled.unwrap_or(false)
            && (start_of_speech_sensitivity.is_some()
                || prefix_padding_ms.is_some()
                || end_of_speech_sensitivity.is_some()
                || silence_duration_ms.is_some())
    });
    name(
        "setup.realtimeInputConfig",
        [
            (tunes_in_vain, "automaticActivityDetection"),
            (*interim_transcript_timestamp_enabled, "interimTranscriptTimestampEnabled"),
        ],
    )
}

fn of_generation(config: &GenerationConfig) -> Vec<Warning> {
    let GenerationConfig {
        candidate_count: _,
        stop_sequences: _,
        max_output_tokens: _,
        temperature: _,
        top_p: _,
        top_k: _,
        seed: _,
        response_mime_type: _,
        response_schema: _,
        presence_penalty: _,
        frequency_penalty: _,
        response_logprobs: _,
        logprobs: _,
        enable_enhanced_civic_answers,
        response_modalities: _,
        speech_config: _,
        thinking_config: _,
        media_resolution,
        response_json_schema: _,
        image_config,
        response_json_schema_ordered: _,
        model_config,
        audio_timestamp: _,
        enable_affective_dialog,
        routing_config: _,
        response_format,
        translation_config,
        audio_transcription_config,
    } = config;
    name(
        "setup.generationConfig",
        [
            (enable_enhanced_civic_answers.is_some(), "enableEnhancedCivicAnswers"),
            (media_resolution.as_ref().is_some_and(|it| *it != MediaResolution::Unspecified), "mediaResolution"),
            (image_config.is_some(), "imageConfig"),
            (model_config.is_some(), "modelConfig"),
            (*enable_affective_dialog, "enableAffectiveDialog"),
            (!response_format.is_empty(), "responseFormat"),
            (translation_config.is_some(), "translationConfig"),
            (audio_transcription_config.is_some(), "audioTranscriptionConfig"),
        ],
    )
}

fn of_transcription(config: &AudioTranscriptionConfig, root: &str) -> Vec<Warning> {
    let AudioTranscriptionConfig {
        language_codes,
        language_auto,
        language_hints,
        custom_vocabulary,
        adaptation_phrases,
        word_timestamp,
        diarization,
        mode,
        source_text,
    } = config;
    name(
        root,
        [
            (!language_codes.is_empty(), "languageCodes"),
            (language_auto.is_some(), "languageAuto"),
            (language_hints.is_some(), "languageHints"),
            (!custom_vocabulary.is_empty(), "customVocabulary"),
            (!adaptation_phrases.is_empty(), "adaptationPhrases"),
            (*word_timestamp, "wordTimestamp"),
            (*diarization, "diarization"),
            (*mode != AudioTranscriptionMode::Unspecified, "mode"),
            (!source_text.is_empty(), "sourceText"),
        ],
    )
}

/// Those of the fields that are asked for, with their paths.
fn name<const N: usize>(root: &str, fields: [(bool, &str); N]) -> Vec<Warning> {
    let asked = fields.into_iter().filter(|(asked, _)| *asked);
    asked.map(|(_, field)| Warning::NoEffect { path: format!("{root}.{field}") }).collect()
}
