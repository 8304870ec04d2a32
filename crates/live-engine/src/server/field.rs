//! Fields of a setup that not every backend and version of the API has, by their paths, and where in a setup they stand.
//!
//! Not here: which backend has which, which is data ([`crate::profile`]), and fields that all have.

use live_proto::{GenerationConfig, HarmBlockMethod, Setup};

use crate::built_in::BuiltIn;

/// The paths that a table of profiles may name, without indices.
pub(crate) const FIELDS: &[&str] = &[
    "setup.avatarConfig",
    "setup.explicitVadSignal",
    "setup.generationConfig.audioTimestamp",
    "setup.generationConfig.enableAffectiveDialog",
    "setup.generationConfig.enableEnhancedCivicAnswers",
    "setup.generationConfig.modelConfig",
    "setup.generationConfig.routingConfig",
    "setup.generationConfig.translationConfig",
    "setup.historyConfig",
    "setup.labels",
    "setup.proactivity",
    "setup.safetySettings.method",
    "setup.sessionResumption.transparent",
    "setup.tools.computerUse",
    "setup.tools.enterpriseWebSearch",
    "setup.tools.exaAiSearch",
    "setup.tools.fileSearch",
    "setup.tools.googleMaps",
    "setup.tools.googleSearchRetrieval",
    "setup.tools.mcpServers",
    "setup.tools.parallelAiSearch",
    "setup.tools.retrieval",
];

/// Where `setup` sets the field: the path of its message and its name.
pub(super) fn find(setup: &Setup, field: &str) -> Option<(String, &'static str)> {
    let field = FIELDS.iter().find(|known| **known == field)?;
    if let Some(kind) = field.strip_prefix("setup.tools.") {
        let t = setup.tools.iter().position(|tool| BuiltIn::of(tool).any(|asked| asked.name() == kind))?;
        return Some((format!("setup.tools[{t}]"), kind));
    }
    let generates = |is_set: fn(&GenerationConfig) -> bool| setup.generation_config.as_deref().is_some_and(is_set);
    let is_set = match *field {
        "setup.avatarConfig" => setup.avatar_config.is_some(),
        "setup.explicitVadSignal" => setup.explicit_vad_signal,
        "setup.generationConfig.audioTimestamp" => generates(|it| it.audio_timestamp.is_some()),
        "setup.generationConfig.enableAffectiveDialog" => generates(|it| it.enable_affective_dialog),
        "setup.generationConfig.enableEnhancedCivicAnswers" => {
            generates(|it| it.enable_enhanced_civic_answers.is_some())
        }
        "setup.generationConfig.modelConfig" => generates(|it| it.model_config.is_some()),
        "setup.generationConfig.routingConfig" => generates(|it| it.routing_config.is_some()),
        "setup.generationConfig.translationConfig" => generates(|it| it.translation_config.is_some()),
        "setup.historyConfig" => setup.history_config.is_some(),
        "setup.labels" => !setup.labels.is_empty(),
        "setup.proactivity" => setup.proactivity.is_some(),
        "setup.sessionResumption.transparent" => setup.session_resumption.as_ref().is_some_and(|it| it.transparent),
        "setup.safetySettings.method" => {
            let s = setup.safety_settings.iter().position(|it| it.method != HarmBlockMethod::Unspecified)?;
            return Some((format!("setup.safetySettings[{s}]"), "method"));
        }
        other => unreachable!("{other} is in the list above, and has no look here"),
    };
    let (message, name) = field.rsplit_once('.').expect("a path has a message");
    is_set.then(|| (message.to_owned(), name))
}

/// The path as the service's parser spells it.
pub(super) fn snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_list_is_looked_at() {
        for field in FIELDS {
            assert_eq!(find(&Setup::new("m"), field), None, "{field}");
        }
        assert!(FIELDS.is_sorted());
    }

    #[test]
    fn paths_are_spelled_as_the_service_does() {
        assert_eq!(snake("setup.generationConfig"), "setup.generation_config");
        assert_eq!(snake("setup.tools[0]"), "setup.tools[0]");
    }
}
