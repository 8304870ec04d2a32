//! The table of profiles against the checks that read it: what a profile states is accepted, and what a setup breaks is found at once.
#![expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]

use std::sync::Arc;

use live_engine::profile::{Proactivity, Translation};
use live_engine::*;
use live_proto::{
    ContextWindowCompressionConfig, FunctionDeclaration, HistoryConfig, Modality, ProactivityConfig,
    SessionResumptionConfig, Setup, SlidingWindow, ThinkingConfig, Tool, TranslationConfig,
};

/// The families side by side: a row for each fact, and where it comes from in parentheses.
#[test]
fn the_documentation_shows_the_table() {
    use std::fmt::Write as _;
    let mut families: Vec<(Vec<&str>, &ModelProfile)> = Vec::new();
    for (pattern, profile) in Profiles::built_in().patterns() {
        match families.iter_mut().find(|(_, known)| known.name == profile.name) {
            Some((patterns, _)) => patterns.push(pattern),
            None => families.push((vec![pattern], profile)),
        }
    }
    let mut out = String::from("| fact |");
    for (_, profile) in &families {
        let _ = write!(out, " {} |", profile.name);
    }
    let _ = write!(out, "\n|---|{}\n| `models` |", "---|".repeat(families.len()));
    for (patterns, profile) in &families {
        let patterns: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
        let _ = write!(out, " {} ({}) |", patterns.join(", "), profile.sources["models"]);
    }
    let facts: Vec<Vec<(&str, String)>> = families.iter().map(|(_, profile)| profile.facts()).collect();
    for (at, (fact, _)) in facts[0].iter().enumerate() {
        let _ = write!(out, "\n| `{fact}` |");
        for (family, (_, profile)) in facts.iter().zip(&families) {
            let value = if family[at].1.is_empty() { "not known" } else { &family[at].1 };
            let source = profile.sources.get(*fact).map(|tags| format!(" ({tags})")).unwrap_or_default();
            let _ = write!(out, " {value}{source} |");
        }
    }
    crate::docs::check_in("profiles.md", "table", &(out + "\n"));
}

/// A setup that asks for all that the profile states.
fn whole(model: &str, profile: &ModelProfile, backend: Backend, modality: ResponseModality, variant: usize) -> Setup {
    let mut setup = Setup::new(format!("models/{model}"));
    let generation = setup.generation_config.get_or_insert_default();
    generation.response_modalities = vec![Modality::from_name(modality.name()).expect("a modality of the wire")];
    generation.max_output_tokens = profile.output_tokens_max.or(Some(1));
    if let Some(thinking) = &profile.thinking {
        let mut config = ThinkingConfig { include_thoughts: Some(true), ..ThinkingConfig::default() };
        match &thinking.budget {
            Some(budget) if variant.is_multiple_of(2) => {
                config.thinking_budget = Some(if variant.is_multiple_of(4) { *budget.start() } else { *budget.end() });
            }
            Some(_) | None if thinking.levels.is_empty() => {}
            Some(_) | None => config.thinking_level = thinking.levels[variant % thinking.levels.len()].clone(),
        }
        generation.thinking_config = Some(config);
    }
    if profile.affective_dialog {
        generation.enable_affective_dialog = true;
    }
    if profile.translation == Translation::Expected {
        generation.translation_config =
            Some(TranslationConfig { target_language_code: "pl".into(), ..TranslationConfig::default() });
    }
    if modality == ResponseModality::Audio {
        setup = setup.with_voice(profile.voices[variant % profile.voices.len()].as_str());
        let language = profile.languages.as_ref().map_or("tlh", |codes| &codes[variant % codes.len()]);
        let speech = &mut setup.generation_config.get_or_insert_default().speech_config;
        speech.get_or_insert_default().language_code = language.into();
    }
    if profile.proactivity != Proactivity::Refused {
        setup.proactivity = Some(ProactivityConfig { proactive_audio: true, proactive_video: true });
    }
    if profile.instruction {
        setup = setup.with_system_instruction("Be brief.");
    }
    if profile.functions {
        let behavior = profile.default_behavior.clone();
        let declared = FunctionDeclaration { name: "f".into(), behavior, ..FunctionDeclaration::default() };
        setup.tools.push(Tool { function_declarations: vec![declared], ..Tool::default() });
    }
    if profile.empty_tools {
        setup.tools.push(Tool::default());
    }
    let kinds = profile.built_in_tools;
    let asks = |has: bool, tool: Tool| has.then_some(tool);
    setup.tools.extend(asks(kinds.google_search, Tool { google_search: Some(Box::default()), ..Tool::default() }));
    setup.tools.extend(asks(kinds.code_execution, Tool { code_execution: Some(<_>::default()), ..Tool::default() }));
    setup.tools.extend(asks(kinds.url_context, Tool { url_context: Some(<_>::default()), ..Tool::default() }));
    if profile.takes_turn_coverage(backend, &profile.turn_coverage) {
        setup.realtime_input_config.get_or_insert_default().turn_coverage = Some(profile.turn_coverage.clone());
    }
    setup.history_config = Some(HistoryConfig { initial_history_in_client_content: profile.seeds_history });
    setup.session_resumption =
        Some(SessionResumptionConfig { transparent: backend == Backend::Vertex, ..SessionResumptionConfig::default() });
    if profile.compression {
        setup.context_window_compression = Some(ContextWindowCompressionConfig {
            sliding_window: Some(SlidingWindow::default()),
            ..ContextWindowCompressionConfig::default()
        });
    }
    setup
}

#[test]
fn a_setup_of_a_profiles_own_facts_is_accepted_everywhere() {
    for backend in Backend::ALL {
        for (pattern, profile) in Profiles::built_in().patterns() {
            for modality in &profile.modalities {
                for variant in 0..34 {
                    let mut config = ServerConfig { built_in_tools: BuiltInTools::ALL, ..ServerConfig::new(backend) };
                    config.api_version = "v1alpha".into();
                    let setup = whole(&pattern.replace('*', ""), profile, backend, *modality, variant);
                    let Lint { violations, session, .. } = lint(setup, &config);
                    assert_eq!(violations, [], "{pattern} on {backend:?} in {modality:?}, {variant}");
                    assert_eq!(session.expect("it is accepted").profile.name, profile.name);
                }
            }
        }
    }
}

#[test]
fn a_bare_setup_of_each_model_gets_its_defaults() {
    for backend in Backend::ALL {
        for (pattern, profile) in Profiles::built_in().patterns() {
            let Lint { violations, session, .. } =
                lint(Setup::new(format!("models/{}", pattern.replace('*', ""))), &ServerConfig::new(backend));
            let thinking = profile.thinking.as_ref();
            if thinking.is_some_and(|thinking| thinking.level_required) {
                let ids: Vec<&str> = violations.iter().map(Violation::id).collect();
                assert_eq!(ids, ["setup.thinking-level-missing"], "{pattern}");
                continue;
            }
            let session = session.expect("a bare setup is accepted");
            assert_eq!(session.turn_coverage, profile.turn_coverage, "{pattern}");
            assert_eq!(session.modality, profile.default_modality(backend, false), "{pattern}");
            let level = thinking.and_then(|thinking| thinking.default_level.clone()).unwrap_or_default();
            assert_eq!(session.thinking_level, level, "{pattern}");
            assert_eq!(session.activity, Profiles::built_in().backend(backend).activity, "{pattern}");
        }
    }
}

#[test]
fn all_that_a_setup_breaks_is_found_at_once_and_the_server_closes_with_the_first() {
    let mut setup = Setup::new("models/gemini-3.8-live").with_voice("alloy");
    setup.session_resumption =
        Some(SessionResumptionConfig { transparent: true, ..SessionResumptionConfig::default() });
    setup.proactivity = Some(ProactivityConfig::default());
    let generation = setup.generation_config.get_or_insert_default();
    generation.thinking_config = Some(ThinkingConfig { thinking_budget: Some(0), ..ThinkingConfig::default() });
    generation.temperature = Some(3.0);
    generation.stop_sequences = vec![".".into()];
    let config = ServerConfig::new(Backend::Gemini);
    let Lint { violations, warnings, session } = lint(setup.clone(), &config);
    let ids: Vec<&str> = violations.iter().map(Violation::id).collect();
    assert_eq!(
        ids,
        [
            "setup.field-of-other-backend",
            "setup.proactivity-always",
            "setup.voice-unknown",
            "setup.thinking-budget-unsupported",
            "setup.number-out-of-range",
            "setup.generation-field-not-live",
        ]
    );
    assert_eq!((warnings.len(), session), (1, None));

    let now = std::time::Instant::now();
    let mut server = ServerEngine::new(config, now);
    server.handle_message(live_proto::ClientMessage::setup(setup), now);
    let closed = std::iter::from_fn(|| server.poll_output()).find_map(|output| match output {
        Output::Close(close) => Some(close.reason),
        Output::Event(_) | Output::Send(_) => None,
    });
    assert_eq!(closed, Some(CloseReason::Violation(violations[0].clone())));
}

#[test]
fn a_file_changes_what_the_server_accepts() {
    let text = "[[family]]\nname = \"house\"\ninherits = \"live-3.8\"\nmodels = [\"house-*\"]\nvoices = [\"Ann\"]\n\
                [backend.vertex]\nunknown_fields = [\"setup.labels\"]\n";
    let profiles = Arc::new(Profiles::built_in().with_toml(text).expect("it is right"));
    let config = |backend| ServerConfig { profiles: Arc::clone(&profiles), ..ServerConfig::new(backend) };
    let spoken = lint(Setup::new("models/house-1").with_voice("Ann"), &config(Backend::Gemini));
    assert_eq!(spoken.session.expect("it is accepted").voice, "Ann");
    let mut labelled = Setup::new("models/house-1");
    labelled.labels.insert("team".into(), "a".into());
    assert_eq!(lint(labelled.clone(), &config(Backend::Gemini)).violations, []);
    let refused = lint(labelled, &config(Backend::Vertex)).violations;
    assert_eq!(
        refused[0].text(),
        "Invalid JSON payload received. Unknown name \"labels\" at 'setup': Cannot find field."
    );
}

#[test]
fn a_translator_without_a_language_is_warned_of_silence() {
    let told = lint(Setup::new("models/gemini-3.5-live-translate-preview"), &ServerConfig::new(Backend::Gemini));
    let path = "setup.generationConfig.translationConfig.targetLanguageCode".into();
    assert_eq!(told.warnings, [live_engine::Warning::TranslationWithoutLanguage { path }]);
    assert!(told.session.is_some());
}
