//! What one model name allows, requires and defaults to: a table, data and not code.
//!
//! The table is `profile/models.toml`; a host may put a file of its own over it. Not here: the checks that read it (the rooms of
//! [`crate::server`]) and the rules that they close with ([`crate::violation`]).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use live_proto::{Behavior, ThinkingLevel, TurnCoverage};

use crate::activity::ActivitySettings;
use crate::built_in::BuiltInTools;

mod table;

pub use self::table::ProfileError;

/// Whose dialect a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    /// The Gemini API: `models/{m}`, `responseTokenCount`, no role in `modelTurn`.
    Gemini,
    /// Vertex AI: `projects/../models/{m}`, `candidatesTokenCount`, role `model`, a session id in `setupComplete`.
    Vertex,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gemini, Self::Vertex];

    /// Its name in the table and on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gemini => "gemini",
            Self::Vertex => "vertex",
        }
    }
}

/// What a session answers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseModality {
    /// Words.
    Text,
    /// Speech.
    Audio,
}

impl ResponseModality {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Audio => "AUDIO",
        }
    }
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
    /// 3.5 Live for translation.
    Translate35,
    /// 3.5 Live for transcription.
    Transcribe35,
    /// 3.8 Live.
    Live38,
    /// 3.8 Live with extended thinking.
    ExtendedThinking38,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Live20,
        Self::HalfCascade25,
        Self::NativeAudio25,
        Self::Live31,
        Self::Translate35,
        Self::Transcribe35,
        Self::Live38,
        Self::ExtendedThinking38,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live20 => "live-2.0",
            Self::HalfCascade25 => "half-cascade-2.5",
            Self::NativeAudio25 => "native-audio-2.5",
            Self::Live31 => "live-3.1",
            Self::Translate35 => "translate-3.5",
            Self::Transcribe35 => "transcribe-3.5",
            Self::Live38 => "live-3.8",
            Self::ExtendedThinking38 => "extended-thinking-3.8",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinking {
    /// The values of `thinkingBudget` that are taken; `None` if none is.
    pub budget: Option<RangeInclusive<i32>>,
    /// The values of `thinkingLevel` that are taken.
    pub levels: Vec<ThinkingLevel>,
    /// The level at which it thinks when it is not told one.
    pub default_level: Option<ThinkingLevel>,
    /// Whether it has to be told one.
    pub level_required: bool,
}

/// What flows into a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Typed text, in `realtimeInput` and in `clientContent`.
    pub text: bool,
    /// Sound.
    pub audio: bool,
    /// Pictures.
    pub video: bool,
}

/// Whether a model speaks, or keeps silent, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proactivity {
    /// It does not, and cannot be told to.
    Refused,
    /// It does when it is told to.
    Optional,
    /// It always does, and cannot be told not to.
    Always,
}

impl Proactivity {
    const WORDS: [(&str, Self); 3] =
        [("refused", Self::Refused), ("optional", Self::Optional), ("always", Self::Always)];

    /// Its word in the table.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }
}

/// Whether a model translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Translation {
    /// It does not, and `translationConfig` is refused.
    Refused,
    /// It does nothing else: without a language to translate to it is silent.
    Expected,
}

impl Translation {
    const WORDS: [(&str, Self); 2] = [("refused", Self::Refused), ("expected", Self::Expected)];

    /// Its word in the table.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, it)| *it == self).map_or("", |(word, _)| word)
    }
}

/// The rules of one family.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelProfile {
    /// The family's name in its table.
    pub name: String,
    /// The family of the engine that it is, or that a file's family began with.
    pub family: Family,
    /// What sessions may answer in.
    pub modalities: Vec<ResponseModality>,
    /// Whether a Gemini session that names no modality, and sets nothing about speech either, answers in text.
    ///
    /// The recorded 2.5 sessions that name none have their answers counted as TEXT, while the one that asks for
    /// `outputAudioTranscription` receives transcripts, so it speaks; we let `speechConfig` mean the same. Everywhere else
    /// the default is AUDIO; the Vertex SDK always says so itself.
    pub text_by_default: bool,
    /// The names of its voices, the default one first.
    pub voices: Arc<[String]>,
    /// The codes that `languageCode` may have; `None` when the model picks the language itself and takes any.
    pub languages: Option<Arc<[String]>>,
    /// Tokens that a session may hold.
    pub context_tokens: u64,
    /// The largest `maxOutputTokens`, where one is known.
    pub output_tokens_max: Option<i32>,
    /// What flows into a session.
    pub inputs: Inputs,
    /// Whether `realtimeInput.mediaChunks`, the older field, is taken.
    pub media_chunks: bool,
    /// Which media a turn includes when the client does not say.
    pub turn_coverage: TurnCoverage,
    /// What a client must not say about it, and to whom.
    pub refused_turn_coverage: Vec<(Backend, TurnCoverage)>,
    /// Whether it takes a `systemInstruction`.
    pub instruction: bool,
    /// Which thinking it can be told to do; `None` if it does not think.
    pub thinking: Option<Thinking>,
    /// Whether functions can be declared.
    pub functions: bool,
    /// The kinds of built-in tools it has.
    pub built_in_tools: BuiltInTools,
    /// Whether a tool that holds nothing is passed over, and not refused.
    pub empty_tools: bool,
    /// What a call does to its turn.
    pub after_call: AfterCall,
    /// How a function behaves whose declaration does not say. Models of 3.8 are documented not to wait; clients of 3.x names
    /// rely on a turn that stands still, so only the one that refuses `BLOCKING` goes on by itself.
    pub default_behavior: Behavior,
    /// The function behaviours it refuses.
    pub refused_behaviors: Vec<Behavior>,
    /// Whether answers to functions may say when they are to be heard.
    pub scheduling: bool,
    /// Whether it speaks by itself.
    pub proactivity: Proactivity,
    /// Whether `enableAffectiveDialog` is taken.
    pub affective_dialog: bool,
    /// Whether `avatarConfig` is taken.
    pub avatar: bool,
    /// Whether it translates.
    pub translation: Translation,
    /// Whether `historyConfig.initialHistoryInClientContent` is followed; a model that does not know it answers the seed.
    pub seeds_history: bool,
    /// Whether the last content before `turnComplete` must be the user's.
    pub last_turn_is_user: bool,
    /// Whether every content must name its role.
    pub role_required: bool,
    /// Whether `clientContent` is taken once the model has answered.
    pub mid_session_content: bool,
    /// Whether `inputTranscription` comes once for each stretch of speech, whole, instead of piece by piece.
    pub transcribes_at_once: bool,
    /// Whether `contextWindowCompression` is taken.
    pub compression: bool,
    /// Where each fact comes from, by its name in the table.
    pub sources: BTreeMap<String, String>,
}

/// What a backend does, whatever the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendProfile {
    /// How speech is found when the client does not say.
    pub activity: ActivitySettings,
    /// The silence that ends speech, by sensitivity: the eager one, the patient one.
    silence_ms: (u32, u32),
    /// Fields of the other backend, by their paths without indices: here they are no fields.
    pub unknown_fields: Vec<String>,
    /// Fields that only some versions of the API have.
    pub only_in: BTreeMap<String, Vec<String>>,
}

impl BackendProfile {
    /// The silence that ends speech for this sensitivity, when the client names none.
    pub fn silence(&self, ends_eagerly: bool) -> u32 {
        if ends_eagerly { self.silence_ms.0 } else { self.silence_ms.1 }
    }

    /// Whether the API of this version has a field at all.
    pub fn has_field(&self, path: &str, api_version: &str) -> bool {
        !self.unknown_fields.iter().any(|unknown| unknown == path)
            && self.only_in.get(path).is_none_or(|versions| versions.iter().any(|version| version == api_version))
    }
}

/// The models that a server knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    rows: Vec<Row>,
    gemini: BackendProfile,
    vertex: BackendProfile,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    pattern: String,
    profile: Arc<ModelProfile>,
}

impl Default for Profiles {
    /// The public models.
    fn default() -> Self {
        Self::built_in().clone()
    }
}

impl Profiles {
    /// The public models.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Profiles> = LazyLock::new(|| {
            Profiles::from_built_in(include_str!("profile/models.toml")).expect("the built-in table is right")
        });
        &BUILT_IN
    }

    fn empty() -> Self {
        Self { rows: Vec::new(), gemini: BackendProfile::empty(), vertex: BackendProfile::empty() }
    }

    /// Puts names of the host's own before those already known; `*` in `pattern` stands for any text.
    #[must_use]
    pub fn with(mut self, pattern: impl Into<String>, profile: ModelProfile) -> Self {
        self.rows.insert(0, Row { pattern: pattern.into(), profile: Arc::new(profile) });
        self
    }

    /// Finds the rules for a model by its name without resource prefix.
    pub fn find(&self, name: &str) -> Option<&Arc<ModelProfile>> {
        self.rows.iter().find(|row| fits(&row.pattern, name)).map(|row| &row.profile)
    }

    /// The patterns, in the order in which they are tried.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, &ModelProfile)> {
        self.rows.iter().map(|row| (row.pattern.as_str(), &*row.profile))
    }

    /// What a backend does, whatever the model.
    pub fn backend(&self, backend: Backend) -> &BackendProfile {
        match backend {
            Backend::Gemini => &self.gemini,
            Backend::Vertex => &self.vertex,
        }
    }

    fn backend_mut(&mut self, backend: Backend) -> &mut BackendProfile {
        match backend {
            Backend::Gemini => &mut self.gemini,
            Backend::Vertex => &mut self.vertex,
        }
    }

    fn family(&self, name: &str) -> Option<Arc<ModelProfile>> {
        self.rows.iter().find(|row| row.profile.name == name).map(|row| Arc::clone(&row.profile))
    }

    fn families(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&row.profile.name.as_str()) {
                names.push(&row.profile.name);
            }
        }
        names
    }
}

impl ModelProfile {
    /// The rules of a family.
    pub fn of(family: Family) -> &'static Self {
        let rows = &Profiles::built_in().rows;
        let row = rows.iter().find(|row| row.profile.family == family);
        &row.expect("the built-in table has every family").profile
    }

    /// What a session answers in that does not say.
    pub fn default_modality(&self, backend: Backend, speech_is_set_up: bool) -> ResponseModality {
        match (self.modalities.as_slice(), backend) {
            ([only], _) => *only,
            (_, Backend::Gemini) if self.text_by_default && !speech_is_set_up => ResponseModality::Text,
            (_, Backend::Gemini | Backend::Vertex) => ResponseModality::Audio,
        }
    }

    /// Every fact by its name in the table, for a person to read; an empty text is a fact that is not known.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
        let names = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let thinking = self.thinking.as_ref().map_or("none".to_owned(), |thinking| {
            let Thinking { budget, levels, default_level, level_required } = thinking;
            let mut said = Vec::new();
            said.extend(budget.as_ref().map(|range| format!("budget {} to {}", range.start(), range.end())));
            if !levels.is_empty() {
                let named: Vec<&str> = levels.iter().filter_map(ThinkingLevel::name).collect();
                said.push(format!("level {}", named.join(", ")));
            }
            said.extend(
                default_level.as_ref().and_then(ThinkingLevel::name).map(|level| format!("by default {level}")),
            );
            said.extend(level_required.then(|| "a level has to be named".to_owned()));
            if said.is_empty() { "as the model likes".into() } else { said.join("; ") }
        });
        let Inputs { text, audio, video } = self.inputs;
        let inputs = [(text, "TEXT"), (audio, "AUDIO"), (video, "VIDEO")];
        let kinds = self.built_in_tools;
        let tools = [
            (kinds.code_execution, "codeExecution"),
            (kinds.google_search, "googleSearch"),
            (kinds.url_context, "urlContext"),
            (kinds.others, "others"),
        ];
        let those =
            |all: &[(bool, &'static str)]| names(all.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect());
        let refused_coverage = self.refused_turn_coverage.iter();
        let refused_coverage: Vec<String> = refused_coverage
            .map(|(backend, coverage)| format!("{} on {}", coverage.name().unwrap_or_default(), backend.name()))
            .collect();
        table::FACTS
            .iter()
            .map(|fact| {
                let value = match *fact {
                    "modalities" => names(self.modalities.iter().map(|modality| modality.name()).collect()),
                    "text_by_default" => word(self.text_by_default),
                    "voices" => format!("{}, {} by default", self.voices.len(), self.voices[0]),
                    "languages" => self.languages.as_ref().map_or("any".into(), |codes| codes.len().to_string()),
                    "context_tokens" => self.context_tokens.to_string(),
                    "output_tokens_max" => self.output_tokens_max.map_or(String::new(), |max| max.to_string()),
                    "inputs" => those(&inputs),
                    "media_chunks" => word(self.media_chunks),
                    "turn_coverage" => self.turn_coverage.name().unwrap_or_default().to_owned(),
                    "refused_turn_coverage" => names(refused_coverage.iter().map(String::as_str).collect()),
                    "instruction" => word(self.instruction),
                    "thinking" => thinking.clone(),
                    "functions" => word(self.functions),
                    "built_in_tools" => those(&tools),
                    "empty_tools" => word(self.empty_tools),
                    "after_call" => match self.after_call {
                        AfterCall::CompletesTurn => "completes-turn".into(),
                        AfterCall::HoldsTurn => "holds-turn".into(),
                    },
                    "default_behavior" => self.default_behavior.name().unwrap_or_default().to_owned(),
                    "refused_behaviors" => names(self.refused_behaviors.iter().filter_map(Behavior::name).collect()),
                    "scheduling" => word(self.scheduling),
                    "proactivity" => self.proactivity.name().to_owned(),
                    "affective_dialog" => word(self.affective_dialog),
                    "avatar" => word(self.avatar),
                    "translation" => self.translation.name().to_owned(),
                    "initial_history" => word(self.seeds_history),
                    "last_turn_is_user" => word(self.last_turn_is_user),
                    "role_required" => word(self.role_required),
                    "mid_session_content" => word(self.mid_session_content),
                    "transcripts" => if self.transcribes_at_once { "at-once" } else { "in-pieces" }.to_owned(),
                    "compression" => word(self.compression),
                    other => unreachable!("{other} is a fact without a text"),
                };
                (*fact, value)
            })
            .collect()
    }

    /// Whether a client of `backend` may name this coverage.
    pub fn takes_turn_coverage(&self, backend: Backend, coverage: &TurnCoverage) -> bool {
        !self.refused_turn_coverage.iter().any(|(of, refused)| *of == backend && refused == coverage)
    }
}

/// Strips the resource prefix of a model: `models/{m}`, `publishers/google/models/{m}`, `projects/../models/{m}`.
pub fn model_name(resource: &str) -> &str {
    resource.rsplit_once('/').map_or(resource, |(_, name)| name)
}

/// Whether `name` is `pattern`, where `*` stands for any text. Names are a peer's, of any length: each part is looked for once.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let head = parts.next().expect("a text has a first part");
    let Some(mut rest) = name.strip_prefix(head) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, family: Option<Family>) {
        assert_eq!(Profiles::default().find(model_name(name)).map(|profile| profile.family), family, "{name}");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "axbxb", true),
            ("a*b", "a", false),
            ("ab*bc", "abc", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b*", "xbxax", false),
            ("a**b", "ab", true),
            ("a*b*b", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
        // Each `a` could be where each star ends.
        assert!(!fits(&"*a".repeat(20), &format!("{}b", "a".repeat(1 << 20))));
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
        check("models/gemini-3.5-live-translate-preview", Some(Family::Translate35));
        check("models/gemini-3.5-transcribe-live", Some(Family::Transcribe35));
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
        let spoken = ModelProfile::of(Family::HalfCascade25).languages.as_ref().expect("it has a list");
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
