//! What one model name allows, requires and defaults to: a table, data and not code.
//!
//! Not here: the checks that read it (the setup and the content of [`crate::server`]) and the texts they close with
//! ([`crate::violation`]).

use live_proto::{Behavior, ThinkingLevel, TurnCoverage};

use crate::built_in::BuiltInTools;

/// Whose dialect a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The Gemini API: `models/{m}`, `responseTokenCount`, no role in `modelTurn`.
    Gemini,
    /// Vertex AI: `projects/../models/{m}`, `candidatesTokenCount`, role `model`, a session id in `setupComplete`.
    Vertex,
}

/// What a session answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseModality {
    /// Words.
    Text,
    /// Speech.
    Audio,
}

/// Models that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 2.0 Flash Live.
    Live20,
    /// 2.5 Flash Live, which reads its text answers aloud.
    HalfCascade25,
    /// 2.5 Flash with native audio.
    NativeAudio25,
    /// 3.1 Flash Live.
    Live31,
    /// 3.5 Live for translation and transcription.
    Live35,
    /// 3.8 Live.
    Live38,
    /// 3.8 Live with extended thinking.
    ExtendedThinking38,
}

/// What happens to the turn in which functions were called that the model waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCall {
    /// `generationComplete` and `turnComplete` follow `toolCall` at once; the answers begin the next turn.
    CompletesTurn,
    /// The turn stands still until the answers are there, goes on with them, and is completed once.
    HoldsTurn,
}

/// Which kinds of `thinkingConfig` a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinking {
    /// Whether `thinkingBudget` is taken.
    pub budget: bool,
    /// The values of `thinkingLevel` that are taken.
    pub levels: &'static [ThinkingLevel],
}

/// The rules of one family.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelProfile {
    /// The family.
    pub family: Family,
    /// What sessions may answer in.
    pub modalities: &'static [ResponseModality],
    /// Whether a Gemini session that names no modality, and sets nothing about speech either, answers in text.
    ///
    /// The recorded 2.5 sessions that name none have their answers counted as TEXT, while the one that asks for
    /// `outputAudioTranscription` receives transcripts, so it speaks; we let `speechConfig` mean the same. Everywhere else
    /// the default is AUDIO; the Vertex SDK always says so itself.
    pub text_by_default: bool,
    /// The names of its voices, the default one first.
    pub voices: &'static [&'static str],
    /// The codes that `languageCode` may have; `None` when the model picks the language itself and takes any.
    pub languages: Option<&'static [&'static str]>,
    /// Which media a turn includes when the client does not say.
    pub turn_coverage: TurnCoverage,
    /// Which thinking it can be told to do.
    pub thinking: Thinking,
    /// What a call does to its turn.
    pub after_call: AfterCall,
    /// The kinds of built-in tools it has.
    pub built_in_tools: BuiltInTools,
    /// How a function behaves whose declaration does not say. Models of 3.8 are documented not to wait; clients of 3.x names
    /// rely on a turn that stands still, so only the one that refuses `BLOCKING` goes on by itself.
    pub default_behavior: Behavior,
    /// The function behaviour it refuses.
    pub refused_behavior: Option<Behavior>,
    /// Whether `proactivity.proactiveAudio: false` is refused, the model being proactive always.
    pub always_proactive: bool,
    /// Whether the last content before `turnComplete` must be the user's.
    pub last_turn_is_user: bool,
    /// Whether every content must name its role.
    pub role_required: bool,
    /// Whether `historyConfig.initialHistoryInClientContent` is followed; a model that does not know it answers the seed.
    pub seeds_history: bool,
    /// Whether `inputTranscription` comes once for each stretch of speech, whole, instead of piece by piece.
    pub transcribes_at_once: bool,
    /// Tokens that a session may hold.
    pub context_tokens: u64,
}

use ResponseModality::{Audio, Text};

const VOICES_8: &[&str] = &["Puck", "Charon", "Kore", "Fenrir", "Aoede", "Leda", "Orus", "Zephyr"];

const VOICES_30: &[&str] = &[
    "Puck",
    "Charon",
    "Kore",
    "Fenrir",
    "Aoede",
    "Leda",
    "Orus",
    "Zephyr",
    "Callirrhoe",
    "Autonoe",
    "Enceladus",
    "Iapetus",
    "Umbriel",
    "Algieba",
    "Despina",
    "Erinome",
    "Algenib",
    "Rasalgethi",
    "Laomedeia",
    "Achernar",
    "Alnilam",
    "Schedar",
    "Gacrux",
    "Pulcherrima",
    "Achird",
    "Zubenelgenubi",
    "Vindemiatrix",
    "Sadachbia",
    "Sadaltager",
    "Sulafat",
];

/// The 30 codes that the public API definition lists for `languageCode`, and the four more of the newer guide's 24
/// (ar-EG, bn-BD, ro-RO, uk-UA).
const LANGUAGES_34: &[&str] = &[
    "ar-EG", "ar-XA", "bn-BD", "bn-IN", "cmn-CN", "de-DE", "en-AU", "en-GB", "en-IN", "en-US", "es-ES", "es-US",
    "fr-CA", "fr-FR", "gu-IN", "hi-IN", "id-ID", "it-IT", "ja-JP", "kn-IN", "ko-KR", "ml-IN", "mr-IN", "nl-NL",
    "pl-PL", "pt-BR", "ro-RO", "ru-RU", "ta-IN", "te-IN", "th-TH", "tr-TR", "uk-UA", "vi-VN",
];

const LIVE_20: ModelProfile = ModelProfile {
    family: Family::Live20,
    modalities: &[Text, Audio],
    text_by_default: true,
    voices: VOICES_8,
    languages: Some(LANGUAGES_34),
    turn_coverage: TurnCoverage::IncludesOnlyActivity,
    thinking: Thinking { budget: false, levels: &[] },
    after_call: AfterCall::CompletesTurn,
    built_in_tools: BuiltInTools::ALL,
    default_behavior: Behavior::Blocking,
    refused_behavior: None,
    always_proactive: false,
    last_turn_is_user: false,
    role_required: false,
    seeds_history: false,
    transcribes_at_once: false,
    context_tokens: 32_768,
};

const HALF_CASCADE_25: ModelProfile = ModelProfile {
    family: Family::HalfCascade25,
    thinking: Thinking { budget: true, levels: &[] },
    last_turn_is_user: true,
    ..LIVE_20
};

const NATIVE_AUDIO_25: ModelProfile = ModelProfile {
    family: Family::NativeAudio25,
    modalities: &[Audio],
    text_by_default: false,
    voices: VOICES_30,
    languages: None,
    // Documented to search and to call functions, and no more; what else a host hands on is for the service to judge.
    built_in_tools: BuiltInTools { code_execution: false, url_context: false, ..BuiltInTools::ALL },
    context_tokens: 131_072,
    ..HALF_CASCADE_25
};

const LIVE_31: ModelProfile = ModelProfile {
    family: Family::Live31,
    turn_coverage: TurnCoverage::IncludesAudioActivityAndAllVideo,
    thinking: Thinking {
        budget: true,
        levels: &[ThinkingLevel::Minimal, ThinkingLevel::Low, ThinkingLevel::Medium, ThinkingLevel::High],
    },
    after_call: AfterCall::HoldsTurn,
    last_turn_is_user: false,
    role_required: true,
    seeds_history: true,
    transcribes_at_once: true,
    ..NATIVE_AUDIO_25
};

const LIVE_35: ModelProfile = ModelProfile {
    family: Family::Live35,
    thinking: Thinking { budget: false, levels: &[] },
    role_required: false,
    ..LIVE_31
};

const LIVE_38: ModelProfile = ModelProfile {
    family: Family::Live38,
    thinking: Thinking { budget: false, levels: &[] },
    always_proactive: true,
    ..LIVE_31
};

const EXTENDED_THINKING_38: ModelProfile = ModelProfile {
    family: Family::ExtendedThinking38,
    thinking: Thinking { budget: false, levels: &[ThinkingLevel::Low, ThinkingLevel::Medium, ThinkingLevel::High] },
    default_behavior: Behavior::NonBlocking,
    refused_behavior: Some(Behavior::Blocking),
    ..LIVE_38
};

/// Names and their rules; the first pattern that fits decides. `*` stands for any text.
const BUILT_IN: &[(&str, &ModelProfile)] = &[
    ("gemini-2.0-flash-live*", &LIVE_20),
    ("gemini-2.0-flash-exp", &LIVE_20),
    ("gemini-*2.5-flash*native-audio*", &NATIVE_AUDIO_25),
    ("gemini-live-2.5-flash*", &HALF_CASCADE_25),
    ("gemini-2.5-flash-live*", &HALF_CASCADE_25),
    ("gemini-3.1-flash-live*", &LIVE_31),
    ("gemini-3.5-live-translate*", &LIVE_35),
    ("gemini-3.5-transcribe-live*", &LIVE_35),
    ("gemini-3.8-live-extended-thinking*", &EXTENDED_THINKING_38),
    ("gemini-3.8-live*", &LIVE_38),
];

/// The models that a server knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles(Vec<(String, ModelProfile)>);

impl Default for Profiles {
    /// The public models.
    fn default() -> Self {
        Self(BUILT_IN.iter().map(|(pattern, profile)| ((*pattern).into(), (*profile).clone())).collect())
    }
}

impl Profiles {
    /// Puts names of the host's own before those already known; `*` in `pattern` stands for any text.
    #[must_use]
    pub fn with(mut self, pattern: impl Into<String>, profile: ModelProfile) -> Self {
        self.0.insert(0, (pattern.into(), profile));
        self
    }

    /// Finds the rules for a model by its name without resource prefix.
    pub fn find(&self, name: &str) -> Option<&ModelProfile> {
        self.0.iter().find(|(pattern, _)| fits(pattern, name)).map(|(_, profile)| profile)
    }

    /// The patterns, in the order in which they are tried.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &ModelProfile)> {
        self.0.iter().map(|(pattern, profile)| (pattern.as_str(), profile))
    }
}

impl ModelProfile {
    /// The rules of a family.
    pub fn of(family: Family) -> &'static Self {
        match family {
            Family::Live20 => &LIVE_20,
            Family::HalfCascade25 => &HALF_CASCADE_25,
            Family::NativeAudio25 => &NATIVE_AUDIO_25,
            Family::Live31 => &LIVE_31,
            Family::Live35 => &LIVE_35,
            Family::Live38 => &LIVE_38,
            Family::ExtendedThinking38 => &EXTENDED_THINKING_38,
        }
    }

    /// What a session answers in that does not say.
    pub fn default_modality(&self, backend: Backend, speech_is_set_up: bool) -> ResponseModality {
        match backend {
            Backend::Gemini if self.text_by_default && !speech_is_set_up => Text,
            Backend::Gemini | Backend::Vertex => Audio,
        }
    }
}

/// Strips the resource prefix of a model: `models/{m}`, `publishers/google/models/{m}`, `projects/../models/{m}`.
pub fn model_name(resource: &str) -> &str {
    resource.rsplit_once('/').map_or(resource, |(_, name)| name)
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(head) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| fits(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, family: Option<Family>) {
        assert_eq!(Profiles::default().find(model_name(name)).map(|profile| profile.family), family, "{name}");
    }

    #[test]
    fn every_published_name_finds_its_family() {
        check("models/gemini-2.0-flash-live-001", Some(Family::Live20));
        check("gemini-2.0-flash-live-preview-04-09", Some(Family::Live20));
        check("models/gemini-live-2.5-flash-preview", Some(Family::HalfCascade25));
        check("models/gemini-2.5-flash-native-audio-preview-12-2025", Some(Family::NativeAudio25));
        check("models/gemini-2.5-flash-native-audio-latest", Some(Family::NativeAudio25));
        check("models/gemini-2.5-flash-preview-native-audio-dialog", Some(Family::NativeAudio25));
        check(
            "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash-native-audio",
            Some(Family::NativeAudio25),
        );
        check("models/gemini-3.1-flash-live-preview", Some(Family::Live31));
        check("models/gemini-3.5-live-translate-preview", Some(Family::Live35));
        check("models/gemini-3.5-transcribe-live", Some(Family::Live35));
        check("publishers/google/models/gemini-3.8-live", Some(Family::Live38));
        check("models/gemini-3.8-live-extended-thinking", Some(Family::ExtendedThinking38));
        check("models/gemini-1.5-pro", None);
        check("models/", None);
    }

    #[test]
    fn a_hosts_own_name_comes_first() {
        let profiles = Profiles::default().with("gemini-3.8-live", ModelProfile::of(Family::Live20).clone());
        assert_eq!(profiles.find("gemini-3.8-live").map(|profile| profile.family), Some(Family::Live20));
        assert_eq!(profiles.find("gemini-3.8-live-001").map(|profile| profile.family), Some(Family::Live38));
    }

    #[test]
    fn every_language_of_the_older_and_the_newer_list_is_spoken() {
        let spoken = ModelProfile::of(Family::HalfCascade25).languages.expect("it has a list");
        assert_eq!(spoken.len(), 34);
        assert!(spoken.is_sorted_by(|a, b| a < b), "each once");
        assert!(ModelProfile::of(Family::NativeAudio25).languages.is_none(), "it chooses by itself");
    }

    #[test]
    fn every_pattern_can_be_reached() {
        let profiles = Profiles::default();
        for (pattern, profile) in profiles.patterns() {
            assert_eq!(
                profiles.find(&pattern.replace('*', "")).map(|found| found.family),
                Some(profile.family),
                "{pattern}"
            );
        }
    }
}
