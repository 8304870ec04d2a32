//! Reads the table of model profiles, the built-in one and a host's own, and says where a file is wrong.
//!
//! Not here: what the facts mean ([`super::ModelProfile`]).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use live_proto::{Behavior, EndSensitivity, StartSensitivity, ThinkingLevel, TurnCoverage};
use serde::Deserialize;
use toml::Spanned;

use super::{
    AfterCall, Backend, BackendProfile, Family, Inputs, ModelProfile, Proactivity, Profiles, ResponseModality, Row,
    Thinking, Translation,
};
use crate::activity::ActivitySettings;
use crate::built_in::BuiltInTools;
use crate::server::FIELDS;

/// What is wrong with a file of profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// The line, counted from 1.
    pub line: usize,
    /// Where in the table, such as `family[0].thinking`.
    pub path: String,
    /// The rule that is broken.
    pub rule: String,
    /// What to do instead.
    pub fix: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, path, rule, fix } = self;
        let at = if path.is_empty() { String::new() } else { format!(", {path}") };
        write!(f, "line {line}{at}: {rule}; {fix}")
    }
}

impl std::error::Error for ProfileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    backend: BackendRows,
    #[serde(default)]
    family: Vec<FamilyRow>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendRows {
    gemini: Option<BackendRow>,
    vertex: Option<BackendRow>,
}

/// Which facts each family states itself.
#[derive(Deserialize)]
struct Stated {
    #[serde(default)]
    family: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendRow {
    start_sensitivity: Option<Spanned<String>>,
    end_sensitivity: Option<Spanned<String>>,
    prefix_padding_ms: Option<u32>,
    silence_ms: Option<Silence>,
    unknown_fields: Option<Vec<Spanned<String>>>,
    only_in: Option<BTreeMap<Spanned<String>, Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Silence {
    high: u32,
    low: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyRow {
    name: Spanned<String>,
    inherits: Option<Spanned<String>>,
    models: Vec<String>,
    modalities: Option<Spanned<Vec<Spanned<String>>>>,
    text_by_default: Option<bool>,
    voices: Option<Spanned<Vec<String>>>,
    languages: Option<Spanned<Languages>>,
    context_tokens: Option<Spanned<u64>>,
    output_tokens_max: Option<Spanned<i32>>,
    inputs: Option<Spanned<Vec<Spanned<String>>>>,
    media_chunks: Option<bool>,
    turn_coverage: Option<Spanned<String>>,
    refused_turn_coverage: Option<RefusedCoverage>,
    instruction: Option<bool>,
    thinking: Option<Spanned<toml::Value>>,
    functions: Option<bool>,
    built_in_tools: Option<Vec<Spanned<String>>>,
    empty_tools: Option<bool>,
    after_call: Option<Spanned<String>>,
    default_behavior: Option<Spanned<String>>,
    refused_behaviors: Option<Vec<Spanned<String>>>,
    scheduling: Option<bool>,
    proactivity: Option<Spanned<String>>,
    affective_dialog: Option<bool>,
    avatar: Option<bool>,
    translation: Option<Spanned<String>>,
    initial_history: Option<bool>,
    last_turn_is_user: Option<bool>,
    role_required: Option<bool>,
    mid_session_content: Option<bool>,
    transcripts: Option<Spanned<String>>,
    compression: Option<bool>,
    #[serde(default)]
    source: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Languages {
    Word(String),
    Codes(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedCoverage {
    #[serde(default)]
    gemini: Vec<Spanned<String>>,
    #[serde(default)]
    vertex: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThinkingFacts {
    budget: Option<[i32; 2]>,
    #[serde(default)]
    levels: Vec<String>,
    default_level: Option<String>,
    #[serde(default)]
    level_required: bool,
}

/// Where in the file we are.
struct Place<'a> {
    text: &'a str,
    path: String,
}

impl Place<'_> {
    fn wrong(&self, span: &Range<usize>, key: &str, rule: impl Into<String>, fix: impl Into<String>) -> ProfileError {
        let path = if key.is_empty() { self.path.clone() } else { format!("{}.{key}", self.path) };
        ProfileError { line: line(self.text, span.start), path, rule: rule.into(), fix: fix.into() }
    }

    /// One of the words that a fact may be.
    fn word<T: Copy>(&self, found: &Spanned<String>, key: &str, words: &[(&str, T)]) -> Result<T, ProfileError> {
        let choice = words.iter().find(|(word, _)| word == found.get_ref()).map(|(_, value)| *value);
        choice.ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let rule = format!("\"{}\" is no word of this fact", found.get_ref());
            self.wrong(&found.span(), key, rule, format!("use one of {}", known.join(", ")))
        })
    }

    /// A name of an enum of the wire.
    fn name<T>(
        &self,
        found: &Spanned<String>,
        key: &str,
        read: impl Fn(&str) -> Option<T>,
        such_as: &str,
    ) -> Result<T, ProfileError> {
        read(found.get_ref()).ok_or_else(|| {
            let rule = format!("\"{}\" is no value that the wire has", found.get_ref());
            self.wrong(&found.span(), key, rule, format!("use a name such as {such_as}"))
        })
    }
}

impl Place<'_> {
    /// A field that the engine looks for.
    fn field(&self, found: &Spanned<String>, key: &str) -> Result<String, ProfileError> {
        let field = found.get_ref();
        if FIELDS.contains(&field.as_str()) {
            return Ok(field.clone());
        }
        let rule = format!("\"{field}\" is no field that a backend may lack");
        Err(self.wrong(&found.span(), key, rule, format!("use one of {}", FIELDS.join(", "))))
    }
}

fn line(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

impl Profiles {
    /// Reads a file: its families come before those already known, in its own order, and each begins with the facts of the one it
    /// `inherits` from; what it says of a backend takes the place of what was said before.
    ///
    /// # Errors
    /// The first thing that is wrong with the file.
    pub fn with_toml(&self, text: &str) -> Result<Self, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| malformed(text, &error))?;
        let mut profiles = self.clone();
        for (backend, row) in [(Backend::Gemini, file.backend.gemini), (Backend::Vertex, file.backend.vertex)] {
            if let Some(row) = row {
                let place = Place { text, path: format!("backend.{}", backend.name()) };
                row.apply(profiles.backend_mut(backend), &place)?;
            }
        }
        let resolved = resolve(text, &file.family, self)?;
        for (i, row) in file.family.iter().enumerate().rev() {
            let place = Place { text, path: format!("family[{i}]") };
            if row.models.is_empty() {
                let (rule, fix) = ("a family has models", "name at least one pattern, such as \"my-model*\"");
                return Err(place.wrong(&row.name.span(), "models", rule, fix));
            }
            let patterns = row.models.iter().cloned();
            let rows = patterns.map(|pattern| Row { pattern, profile: Arc::clone(&resolved[i]) });
            profiles.rows.splice(0..0, rows);
        }
        Ok(profiles)
    }

    /// Reads the built-in table, which inherits from nothing.
    pub(super) fn from_built_in(text: &str) -> Result<Self, ProfileError> {
        Self::empty().with_toml(text)
    }
}

/// Works out each family's facts, in whatever order the file has them.
fn resolve(text: &str, rows: &[FamilyRow], known: &Profiles) -> Result<Vec<Arc<ModelProfile>>, ProfileError> {
    let mut done: Vec<Option<Arc<ModelProfile>>> = vec![None; rows.len()];
    let stated: Stated = toml::from_str(text).map_err(|error| malformed(text, &error))?;
    for (i, row) in rows.iter().enumerate() {
        let place = Place { text, path: format!("family[{i}]") };
        if rows[..i].iter().any(|other| other.name.get_ref() == row.name.get_ref()) {
            let rule = format!("\"{}\" is the name of another family of this file", row.name.get_ref());
            return Err(place.wrong(&row.name.span(), "name", rule, "choose another name"));
        }
    }
    // Each round resolves at least one, or what is left inherits in a circle.
    while done.iter().any(Option::is_none) {
        let mut has_moved = false;
        for (i, row) in rows.iter().enumerate().filter(|(i, _)| done[*i].is_none()).collect::<Vec<_>>() {
            let place = Place { text, path: format!("family[{i}]") };
            let base = match &row.inherits {
                None if known.rows.is_empty() => None,
                None => {
                    let fix = "add inherits = \"live-3.8\", or another family's name";
                    return Err(place.wrong(&row.name.span(), "inherits", "a family begins with another's facts", fix));
                }
                Some(name) => {
                    let within = rows.iter().position(|other| other.name.get_ref() == name.get_ref());
                    match within {
                        // Its own name means the family that it takes the place of.
                        Some(at) if at != i => match &done[at] {
                            Some(base) => Some(Arc::clone(base)),
                            None => continue,
                        },
                        Some(_) | None => Some(known.family(name.get_ref()).ok_or_else(|| {
                            let rule = format!("no family is called \"{}\"", name.get_ref());
                            let fix = format!("inherit from one of {}", known.families().join(", "));
                            place.wrong(&name.span(), "inherits", rule, fix)
                        })?),
                    }
                }
            };
            done[i] = Some(Arc::new(row.profile(base.as_deref(), &stated.family[i], &place)?));
            has_moved = true;
        }
        if !has_moved {
            let (i, row) = rows.iter().enumerate().find(|(i, _)| done[*i].is_none()).expect("one is left");
            let place = Place { text, path: format!("family[{i}]") };
            let rule = "families do not inherit in a circle";
            return Err(place.wrong(&row.name.span(), "inherits", rule, "inherit from a built-in family"));
        }
    }
    Ok(done.into_iter().map(|profile| profile.expect("all are done")).collect())
}

impl BackendRow {
    fn apply(&self, backend: &mut BackendProfile, place: &Place<'_>) -> Result<(), ProfileError> {
        let Self { start_sensitivity, end_sensitivity, prefix_padding_ms, silence_ms, unknown_fields, only_in } = self;
        if let Some(found) = start_sensitivity {
            let such_as = "START_SENSITIVITY_HIGH";
            let value = place.name(found, "start_sensitivity", StartSensitivity::from_name, such_as)?;
            backend.activity.starts_eagerly = value == StartSensitivity::High;
        }
        if let Some(Silence { high, low }) = silence_ms {
            backend.silence_ms = (*high, *low);
        }
        if let Some(found) = end_sensitivity {
            let value = place.name(found, "end_sensitivity", EndSensitivity::from_name, "END_SENSITIVITY_HIGH")?;
            backend.activity.ends_eagerly = value == EndSensitivity::High;
        }
        backend.activity.silence_duration_ms = backend.silence(backend.activity.ends_eagerly);
        if let Some(ms) = prefix_padding_ms {
            backend.activity.prefix_padding_ms = *ms;
        }
        if let Some(fields) = unknown_fields {
            backend.unknown_fields =
                fields.iter().map(|it| place.field(it, "unknown_fields")).collect::<Result<_, _>>()?;
        }
        if let Some(fields) = only_in {
            let pairs = fields.iter().map(|(it, versions)| Ok((place.field(it, "only_in")?, versions.clone())));
            backend.only_in = pairs.collect::<Result<_, ProfileError>>()?;
        }
        Ok(())
    }
}

impl FamilyRow {
    /// The facts of `base`, and over them those of the row; without a base the row has them all.
    fn profile(
        &self,
        base: Option<&ModelProfile>,
        stated: &toml::Table,
        place: &Place<'_>,
    ) -> Result<ModelProfile, ProfileError> {
        /// The fact of the row, or that of its base.
        macro_rules! fact {
            ($key:ident, $read:expr) => {
                match (&self.$key, base) {
                    (Some(found), _) => $read(found)?,
                    (None, Some(base)) => base.$key.clone(),
                    (None, None) => return Err(self.missing(stringify!($key), place)),
                }
            };
            ($key:ident) => {
                fact!($key, |found: &_| Ok::<_, ProfileError>(Clone::clone(found)))
            };
        }
        let behavior = |key: &'static str| {
            move |found: &Spanned<String>| {
                let read = |name: &str| Behavior::from_name(name).filter(|it| *it != Behavior::Unspecified);
                place.name(found, key, read, "NON_BLOCKING")
            }
        };
        let coverage = |found: &Spanned<String>| {
            place.name(found, "turn_coverage", TurnCoverage::from_name, "TURN_INCLUDES_ONLY_ACTIVITY")
        };
        let refused_coverage = |found: &RefusedCoverage| {
            let sides = [(Backend::Gemini, &found.gemini), (Backend::Vertex, &found.vertex)];
            let pairs = sides.into_iter().flat_map(|(backend, names)| names.iter().map(move |name| (backend, name)));
            pairs.map(|(backend, name)| Ok((backend, coverage(name)?))).collect::<Result<Vec<_>, _>>()
        };
        let name = self.name.get_ref().clone();
        let family = match base {
            Some(base) if !Family::ALL.iter().any(|family| family.name() == name) => base.family,
            Some(_) | None => Family::named(&name).ok_or_else(|| {
                let rule = format!("\"{name}\" is no family of the engine");
                place.wrong(&self.name.span(), "name", rule, "inherit from a family of the engine")
            })?,
        };
        Ok(ModelProfile {
            name,
            family,
            modalities: fact!(modalities, |found: &Spanned<Vec<Spanned<String>>>| {
                let words = [("TEXT", ResponseModality::Text), ("AUDIO", ResponseModality::Audio)];
                if found.get_ref().is_empty() {
                    return Err(place.wrong(
                        &found.span(),
                        "modalities",
                        "a model answers in something",
                        "name TEXT or AUDIO",
                    ));
                }
                found.get_ref().iter().map(|name| place.word(name, "modalities", &words)).collect::<Result<Vec<_>, _>>()
            }),
            text_by_default: fact!(text_by_default),
            voices: fact!(voices, |found: &Spanned<Vec<String>>| {
                if found.get_ref().is_empty() {
                    return Err(place.wrong(
                        &found.span(),
                        "voices",
                        "a model has a voice",
                        "name one, the default first",
                    ));
                }
                Ok(found.get_ref().as_slice().into())
            }),
            languages: fact!(languages, |found: &Spanned<Languages>| match found.get_ref() {
                Languages::Codes(codes) => Ok(Some(codes.as_slice().into())),
                Languages::Word(word) if word == "any" => Ok(None),
                Languages::Word(_) => {
                    let (rule, fix) =
                        ("languages are a list of codes, or any", "write \"any\" or a list such as [\"en-US\"]");
                    Err(place.wrong(&found.span(), "languages", rule, fix))
                }
            }),
            context_tokens: fact!(context_tokens, |found: &Spanned<u64>| match *found.get_ref() {
                0 => Err(place.wrong(&found.span(), "context_tokens", "a window holds something", "give its tokens")),
                tokens => Ok(tokens),
            }),
            output_tokens_max: match &self.output_tokens_max {
                Some(found) if *found.get_ref() <= 0 => {
                    let rule = "an answer has at least one token";
                    return Err(place.wrong(&found.span(), "output_tokens_max", rule, "raise it, or leave it out"));
                }
                Some(found) => Some(*found.get_ref()),
                None => base.and_then(|base| base.output_tokens_max),
            },
            inputs: fact!(inputs, |found: &Spanned<Vec<Spanned<String>>>| {
                let words = [("TEXT", 0), ("AUDIO", 1), ("VIDEO", 2)];
                let mut inputs = [false; 3];
                for name in found.get_ref() {
                    inputs[place.word(name, "inputs", &words)?] = true;
                }
                match inputs {
                    [false, false, false] => Err(place.wrong(
                        &found.span(),
                        "inputs",
                        "a model takes something",
                        "name TEXT, AUDIO or VIDEO",
                    )),
                    [text, audio, video] => Ok(Inputs { text, audio, video }),
                }
            }),
            media_chunks: fact!(media_chunks),
            turn_coverage: fact!(turn_coverage, coverage),
            refused_turn_coverage: fact!(refused_turn_coverage, refused_coverage),
            instruction: fact!(instruction),
            thinking: fact!(thinking, |found: &Spanned<toml::Value>| read_thinking(found, place)),
            functions: fact!(functions),
            built_in_tools: fact!(built_in_tools, |found: &Vec<Spanned<String>>| {
                let words = [("codeExecution", 0), ("googleSearch", 1), ("urlContext", 2), ("others", 3)];
                let mut kinds = [false; 4];
                for name in found {
                    kinds[place.word(name, "built_in_tools", &words)?] = true;
                }
                let [code_execution, google_search, url_context, others] = kinds;
                Ok::<_, ProfileError>(BuiltInTools { code_execution, google_search, url_context, others })
            }),
            empty_tools: fact!(empty_tools),
            after_call: fact!(after_call, |found| {
                let words = [("completes-turn", AfterCall::CompletesTurn), ("holds-turn", AfterCall::HoldsTurn)];
                place.word(found, "after_call", &words)
            }),
            default_behavior: fact!(default_behavior, behavior("default_behavior")),
            refused_behaviors: fact!(refused_behaviors, |found: &Vec<Spanned<String>>| {
                found.iter().map(behavior("refused_behaviors")).collect::<Result<Vec<_>, _>>()
            }),
            scheduling: fact!(scheduling),
            proactivity: fact!(proactivity, |found| place.word(found, "proactivity", &Proactivity::WORDS)),
            affective_dialog: fact!(affective_dialog),
            avatar: fact!(avatar),
            translation: fact!(translation, |found| place.word(found, "translation", &Translation::WORDS)),
            seeds_history: match (self.initial_history, base) {
                (Some(found), _) => found,
                (None, Some(base)) => base.seeds_history,
                (None, None) => return Err(self.missing("initial_history", place)),
            },
            last_turn_is_user: fact!(last_turn_is_user),
            role_required: fact!(role_required),
            mid_session_content: fact!(mid_session_content),
            transcribes_at_once: match (&self.transcripts, base) {
                (Some(found), _) => place.word(found, "transcripts", &[("in-pieces", false), ("at-once", true)])?,
                (None, Some(base)) => base.transcribes_at_once,
                (None, None) => return Err(self.missing("transcripts", place)),
            },
            compression: fact!(compression),
            sources: self.sources(base, stated, place)?,
        })
    }

    fn missing(&self, key: &str, place: &Place<'_>) -> ProfileError {
        place.wrong(&self.name.span(), key, "a family that inherits nothing has every fact", format!("add {key}"))
    }

    fn sources(
        &self,
        base: Option<&ModelProfile>,
        stated: &toml::Table,
        place: &Place<'_>,
    ) -> Result<BTreeMap<String, String>, ProfileError> {
        let mut sources = base.map(|base| base.sources.clone()).unwrap_or_default();
        // A source is of one statement, and does not vouch for another.
        sources.retain(|fact, _| !stated.contains_key(fact));
        for (fact, tags) in &self.source {
            let is_known = |tag: &str| ["P", "S", "C", "R", "D", "I", "?"].contains(&tag);
            if fact.get_ref() != "models" && !FACTS.contains(&fact.get_ref().as_str()) {
                let rule = format!("\"{}\" is no fact of a family", fact.get_ref());
                return Err(place.wrong(&fact.span(), "source", rule, "name the fact that the source is of"));
            }
            if tags.get_ref().is_empty() || !tags.get_ref().split(' ').all(is_known) {
                let rule = format!("\"{}\" is no list of sources", tags.get_ref());
                let fix = "write tags such as \"D I\"; there are P, S, C, R, D, I and ?";
                return Err(place.wrong(&tags.span(), &format!("source.{}", fact.get_ref()), rule, fix));
            }
            sources.insert(fact.get_ref().clone(), tags.get_ref().clone());
        }
        Ok(sources)
    }
}

fn read_thinking(found: &Spanned<toml::Value>, place: &Place<'_>) -> Result<Option<Thinking>, ProfileError> {
    let wrong = |rule: String, fix: &str| place.wrong(&found.span(), "thinking", rule, fix);
    let value = found.get_ref();
    if value.as_str() == Some("none") {
        return Ok(None);
    }
    let Some(facts) = value.as_table() else {
        return Err(wrong(format!("{value} is no thinking"), "write \"none\" or a table of levels and budget"));
    };
    let ThinkingFacts { budget, levels, default_level, level_required } = ThinkingFacts::deserialize(facts.clone())
        .map_err(|error| wrong(error.message().replace('\n', " "), "remove it, or check its spelling"))?;
    let level = |name: &String| {
        ThinkingLevel::from_name(name)
            .filter(|level| *level != ThinkingLevel::Unspecified)
            .ok_or_else(|| wrong(format!("\"{name}\" is no value that the wire has"), "use a name such as MINIMAL"))
    };
    let levels = levels.iter().map(level).collect::<Result<Vec<_>, _>>()?;
    let default_level = default_level.as_ref().map(level).transpose()?;
    if default_level.as_ref().is_some_and(|level| !levels.contains(level)) || level_required && levels.is_empty() {
        return Err(wrong("a level that is needed is one of the levels".into(), "add it to levels"));
    }
    if budget.is_some_and(|[least, most]| least > most) {
        return Err(wrong("a range goes from the least to the most".into(), "swap the two"));
    }
    let budget = budget.map(|[least, most]| least..=most);
    Ok(Some(Thinking { budget, levels, default_level, level_required }))
}

/// What the parser found, with the place that it does not name itself.
fn malformed(text: &str, error: &toml::de::Error) -> ProfileError {
    let at = error.span().map_or(0, |span| span.start);
    let rule = error.message().replace('\n', " ");
    let fix = if rule.starts_with("unknown field") { "remove it, or check its spelling" } else { "correct the line" };
    ProfileError { line: line(text, at), path: path_of(text, at), rule, fix: fix.into() }
}

/// The table that a place of the file belongs to, and the key on its line.
fn path_of(text: &str, at: usize) -> String {
    let line_end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    let mut header = String::new();
    let mut families = 0_usize;
    let mut key = "";
    for line in text[..line_end].lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.split_once("]]")).map(|(name, _)| name) {
            header = format!("{name}[{families}]");
            families += 1;
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
            header = match name.strip_prefix("family.") {
                Some(inner) => format!("family[{}].{inner}", families.saturating_sub(1)),
                None => name.to_owned(),
            };
        }
        key = line.split_once('=').map_or("", |(key, _)| key.trim());
    }
    if key.is_empty() || header.is_empty() { format!("{header}{key}") } else { format!("{header}.{key}") }
}

/// The names of all facts, as the file spells them; the patterns of `models` are none.
pub(super) const FACTS: &[&str] = &[
    "modalities",
    "text_by_default",
    "voices",
    "languages",
    "context_tokens",
    "output_tokens_max",
    "inputs",
    "media_chunks",
    "turn_coverage",
    "refused_turn_coverage",
    "instruction",
    "thinking",
    "functions",
    "built_in_tools",
    "empty_tools",
    "after_call",
    "default_behavior",
    "refused_behaviors",
    "scheduling",
    "proactivity",
    "affective_dialog",
    "avatar",
    "translation",
    "initial_history",
    "last_turn_is_user",
    "role_required",
    "mid_session_content",
    "transcripts",
    "compression",
];

impl BackendProfile {
    /// Before anything is read.
    pub(super) fn empty() -> Self {
        Self {
            activity: ActivitySettings {
                starts_eagerly: false,
                ends_eagerly: false,
                prefix_padding_ms: 0,
                silence_duration_ms: 0,
            },
            silence_ms: (0, 0),
            unknown_fields: Vec::new(),
            only_in: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Profiles::built_in().with_toml(text).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_family_of_a_file_begins_with_anothers_facts_and_comes_first() {
        let text = r#"
            [[family]]
            name = "house"
            inherits = "house-base"
            models = ["gemini-3.8-live", "our-*"]
            voices = ["Ann", "Bob"]

            [[family]]
            name = "house-base"
            inherits = "half-cascade-2.5"
            models = ["house-base"]
            output_tokens_max = 100
            thinking = { levels = ["LOW"] }

            [backend.vertex]
            silence_ms = { high = 1, low = 2 }
        "#;
        let profiles = Profiles::built_in().with_toml(text).expect("it is right");
        let house = profiles.find("gemini-3.8-live").expect("it is there");
        assert_eq!((house.name.as_str(), house.family), ("house", Family::HalfCascade25));
        assert_eq!((&*house.voices, house.output_tokens_max), (&["Ann".into(), "Bob".into()][..], Some(100)));
        assert_eq!(house.thinking.as_ref().map(|it| it.levels.clone()), Some(vec![ThinkingLevel::Low]));
        assert_eq!(
            profiles.find("house-base").map(|it| it.voices.len()),
            Some(8),
            "the voices of the other are not its own"
        );
        assert_eq!(profiles.find("gemini-3.8-live-001").map(|it| it.family), Some(Family::Live38));
        assert_eq!(profiles.backend(Backend::Vertex).activity.silence_duration_ms, 2);
        assert_eq!(profiles.backend(Backend::Gemini), Profiles::built_in().backend(Backend::Gemini));
    }

    #[test]
    fn a_built_in_family_can_be_changed_under_its_own_name() {
        let text = "[[family]]\nname = \"live-3.1\"\ninherits = \"live-3.1\"\nmodels = [\"gemini-3.1-*\"]\nmid_session_content = false";
        let profiles = Profiles::built_in().with_toml(text).expect("it is right");
        let changed = profiles.find("gemini-3.1-flash-live-preview").expect("it is there");
        assert!(!changed.mid_session_content && changed.seeds_history);
        assert!(!changed.sources.contains_key("mid_session_content"), "the table's source is of what the table says");
        assert!(changed.sources.contains_key("initial_history"));
    }

    #[test]
    fn what_is_wrong_is_named_with_line_path_rule_and_fix() {
        let family = "[[family]]\nname = \"f\"\ninherits = \"live-3.8\"\nmodels = [\"f\"]\n";
        for (text, told) in [
            ("x = 1", "line 1, x: unknown field `x`, expected `backend` or `family`; remove it, or check its spelling"),
            ("[[family]\n", "line 1, "),
            (&format!("{family}voice = [\"Ann\"]"), "line 5, family[0].voice: unknown field `voice`, expected one of "),
            (&format!("{family}context_tokens = 0"), "line 5, family[0].context_tokens: a window holds something; "),
            (
                &format!("{family}output_tokens_max = 0"),
                "line 5, family[0].output_tokens_max: an answer has at least one token; ",
            ),
            (&format!("{family}inputs = []"), "line 5, family[0].inputs: a model takes something; "),
            (
                &format!("{family}functions = 1"),
                "line 5, family[0].functions: invalid type: integer `1`, expected a boolean; ",
            ),
            (
                &format!("{family}proactivity = \"often\""),
                "line 5, family[0].proactivity: \"often\" is no word of this fact; use one of refused, optional, always",
            ),
            (
                &format!("{family}turn_coverage = \"ALL\""),
                "line 5, family[0].turn_coverage: \"ALL\" is no value that the wire has; use a name such as TURN_INCLUDES_ONLY_ACTIVITY",
            ),
            (
                &format!("{family}thinking = {{ level = 1 }}"),
                "line 5, family[0].thinking: unknown field `level`, expected one of `budget`, `levels`, `default_level`, `level_required`; ",
            ),
            (
                &format!("{family}thinking = {{ levels = [\"LOW\"], default_level = \"HIGH\" }}"),
                "line 5, family[0].thinking: a level that is needed is one of the levels; add it to levels",
            ),
            (
                &format!("{family}thinking = {{ budget = [2, 1] }}"),
                "line 5, family[0].thinking: a range goes from the least",
            ),
            (&format!("{family}voices = []"), "line 5, family[0].voices: a model has a voice; "),
            (&format!("{family}modalities = []"), "line 5, family[0].modalities: a model answers in something; "),
            (
                &format!("{family}languages = \"all\""),
                "line 5, family[0].languages: languages are a list of codes, or any; ",
            ),
            (
                &format!("{family}source = {{ voices = \"X\" }}"),
                "line 5, family[0].source.voices: \"X\" is no list of sources; ",
            ),
            (
                &format!("{family}source = {{ voice = \"D\" }}"),
                "line 5, family[0].source: \"voice\" is no fact of a family; ",
            ),
            (
                &format!("{family}{family}"),
                "line 6, family[1].name: \"f\" is the name of another family of this file; ",
            ),
            (
                "[[family]]\nname = \"f\"\nmodels = [\"f\"]",
                "line 2, family[0].inherits: a family begins with another's facts; add inherits = \"live-3.8\"",
            ),
            (
                "[[family]]\nname = \"f\"\ninherits = \"g\"\nmodels = [\"f\"]",
                "line 3, family[0].inherits: no family is called \"g\"; inherit from one of live-2.0, native-audio-2.5, ",
            ),
            (
                "[[family]]\nname = \"f\"\ninherits = \"g\"\nmodels = [\"f\"]\n[[family]]\nname = \"g\"\ninherits = \"f\"\nmodels = [\"g\"]",
                "line 2, family[0].inherits: families do not inherit in a circle; ",
            ),
            (
                "[[family]]\nname = \"f\"\ninherits = \"live-3.8\"\nmodels = []",
                "line 2, family[0].models: a family has models; ",
            ),
            (
                "[backend.gemini]\nunknown_fields = [\"setup.model\"]",
                "line 2, backend.gemini.unknown_fields: \"setup.model\" is no field that a backend may lack; use one of setup.avatarConfig, ",
            ),
            (
                "[backend.gemini]\nstart_sensitivity = \"HIGH\"",
                "line 2, backend.gemini.start_sensitivity: \"HIGH\" is no value",
            ),
        ] {
            let found = wrong(text);
            assert!(found.starts_with(told), "{text}\nsays  {found}\nnot   {told}");
        }
    }

    #[test]
    fn every_fact_of_the_built_in_table_names_its_source() {
        let file: toml::Table = include_str!("models.toml").parse().expect("it is TOML");
        for family in file["family"].as_array().expect("a list") {
            let family = family.as_table().expect("a table");
            let sources = family["source"].as_table().expect("a table");
            let facts: Vec<&str> =
                family.keys().map(String::as_str).filter(|key| !["name", "inherits", "source"].contains(key)).collect();
            for fact in &facts {
                assert!(sources.contains_key(*fact), "{}: {fact} has no source", family["name"]);
            }
            for fact in sources.keys() {
                assert!(
                    facts.contains(&fact.as_str()),
                    "{}: a source for {fact}, which it does not state",
                    family["name"]
                );
            }
        }
    }
}
