//! Which engines answer: one TOML file, or a few flags, to a [`Cascade`].
//!
//! docs/engines.md lists every key. Engines are not run or called here: whether they are there shows when they are used, and
//! by `live doctor`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use live_client::Client;
use toml::{Table, Value};

pub use self::lookup::LookupFlags;
pub use self::section::ConfigError;
use self::section::Section;
use crate::cascade::{Cascade, OnFault};
use crate::embedded::{Embedded, EmbeddedConfig};
use crate::exec::preset::{PRESETS, Preset, Role};
use crate::exec::{Limits, ListeningProgram, ProgramConfig, SpeakingProgram};
use crate::gemini::{Gemini, GeminiConfig};
use crate::http::{
    ApiKey, Chat, ChatConfig, Patience, Service, Speech, SpeechConfig, Transcription, TranscriptionConfig,
};
use crate::model::Model;
use crate::names::Names;
use crate::recogniser::Recogniser;
use crate::sound::SoundFormat;
use crate::synthesiser::{EmbeddedVoice, Synthesiser};
use crate::tool::BuiltIns;
use crate::voice::Voice;

mod lookup;
mod section;

/// The engines that were chosen.
#[derive(Clone)]
pub struct Engines {
    /// The model they make.
    pub model: Arc<dyn Model>,
    /// What each does and is, for people.
    pub summary: Vec<(&'static str, String)>,
}

impl Engines {
    /// Reads a file. The language model gets `built_ins`; an upstream has its own.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn read(path: &Path, built_ins: &BuiltIns) -> Result<Self, ConfigError> {
        let source = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            source: source.clone(),
            key: String::new(),
            rule: format!("it cannot be read: {error}"),
            fix: "name a file of TOML in UTF-8".to_owned(),
        })?;
        Self::parse(&text, &source, built_ins)
    }

    /// Reads the text of a file that errors call `source`.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn parse(text: &str, source: &str, built_ins: &BuiltIns) -> Result<Self, ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigError {
            source: source.to_owned(),
            key: String::new(),
            rule: format!("it is no TOML: {}", error.to_string().trim_end()),
            fix: "mend it there".to_owned(),
        })?;
        let mut file = Section::new(source, "", table);
        if let Some(section) = file.table("gemini")? {
            let engines = gemini(section)?;
            let others = ["on_failure", "recogniser", "language_model", "synthesiser", "search", "url_context"];
            if let Some(other) = others.into_iter().find(|other| file.has(other)) {
                let rule = "an upstream hears, answers and speaks by itself, so that nothing stands beside [gemini]";
                return Err(file.error(other, rule, "keep one of them"));
            }
            if built_ins.search.is_some() || built_ins.urls.is_some() {
                let rule = "an upstream searches and reads by itself, and flags chose what would";
                return Err(file.error("gemini", rule, "leave out --search-folder, --search-url and --url-allow"));
            }
            return file.finish().map(|()| engines);
        }
        let on_fault = match file.choice("on_failure", &["close", "reject"])? {
            Some("reject") => OnFault::Reject,
            Some(_) | None => OnFault::Close,
        };
        let mut built_ins = built_ins.clone();
        let looks_up = lookup::read(&mut file, &mut built_ins)?;
        let recogniser = file.table("recogniser")?.map_or_else(|| Ok(no_recogniser()), recogniser)?;
        let section = file.table("language_model")?;
        let language_model = language_model(section, &built_ins)?;
        let synthesiser = file.table("synthesiser")?.map_or_else(|| Ok(embedded_voice()), synthesiser)?;
        file.finish()?;
        let mut engines = Self::of(recogniser, language_model, synthesiser, on_fault);
        engines.summary.extend(looks_up);
        Ok(engines)
    }

    /// Reads what flags say: the name of an embedded engine or of a known program, or the address of a service with the model and,
    /// for a synthesiser, the voice behind it: `http://127.0.0.1:8000/v1#tts-1@alloy`. What is not given is embedded. Services get
    /// the key of [`ENGINE_KEY`], if the environment has one.
    ///
    /// # Errors
    /// [`ConfigError`] for the first thing that is wrong.
    pub fn of_flags(flags: Flags<'_>, built_ins: &BuiltIns) -> Result<Self, ConfigError> {
        let hears = flags.recogniser.map(|spec| of_flag("--recogniser", spec, "none", Some(Role::Listens)));
        let answers = flags.language_model.map(|spec| of_flag("--language-model", spec, "embedded", None));
        let speaks = flags.synthesiser.map(|spec| of_flag("--synthesiser", spec, "embedded", Some(Role::Speaks)));
        Ok(Self::of(
            hears.transpose()?.map_or_else(|| Ok(no_recogniser()), recogniser)?,
            language_model(answers.transpose()?, built_ins)?,
            speaks.transpose()?.map_or_else(|| Ok(embedded_voice()), synthesiser)?,
            OnFault::default(),
        ))
    }

    fn of(
        (recogniser, hears): (Option<Arc<dyn Recogniser>>, String),
        (language_model, answers): Made<dyn Model>,
        (synthesiser, speaks): Made<dyn Synthesiser>,
        on_fault: OnFault,
    ) -> Self {
        let model = Cascade::shared(recogniser, language_model, synthesiser).on_fault(on_fault);
        let summary = vec![("recogniser", hears), ("language model", answers), ("synthesiser", speaks)];
        Self { model: Arc::new(model), summary }
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engines").field("summary", &self.summary).finish_non_exhaustive()
    }
}

/// What flags say of the engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags<'a> {
    /// `none`, a program, or a service.
    pub recogniser: Option<&'a str>,
    /// `embedded`, or a service.
    pub language_model: Option<&'a str>,
    /// `embedded`, a program, or a service.
    pub synthesiser: Option<&'a str>,
}

/// The variable that holds the key of services given by flags.
pub const ENGINE_KEY: &str = "LIVE_ENGINE_KEY";

/// The section that a flag stands for.
fn of_flag(flag: &str, spec: &str, embedded: &str, role: Option<Role>) -> Result<Section, ConfigError> {
    let mut table = Table::new();
    let mut put = |key: &str, value: &str| _ = table.insert(key.to_owned(), value.into());
    if spec == embedded {
        put("kind", spec);
    } else if spec.starts_with("http://") || spec.starts_with("https://") {
        let Some((base_url, model)) = spec.split_once('#').filter(|(_, model)| !model.is_empty()) else {
            let fix = "put it behind #, as in http://127.0.0.1:11434/v1#qwen3:8b (`live doctor --probe` lists models)";
            return Err(Section::new(flag, "", table).error("", format!("{spec:?} names no model"), fix));
        };
        let (model, voice) = match model.split_once('@') {
            Some((model, voice)) if role == Some(Role::Speaks) => (model, Some(voice)),
            Some(_) | None => (model, None),
        };
        put("kind", "http");
        put("base_url", base_url);
        put("model", model);
        if let Some(voice) = voice {
            put("default_voice", voice);
        }
        if std::env::var_os(ENGINE_KEY).is_some() {
            put("key_env", ENGINE_KEY);
        }
    } else if role.is_some_and(|role| Preset::find(spec, role).is_some()) {
        put("kind", "exec");
        put("program", spec);
    } else {
        let programs = PRESETS.iter().filter(|preset| Some(preset.role) == role).map(|preset| preset.name);
        let known: Vec<&str> = [embedded].into_iter().chain(programs).collect();
        let rule = format!("it takes {} or the address of a service, found {spec:?}", known.join(", "));
        return Err(Section::new(flag, "", table).error(
            "",
            rule,
            "choose one of these, or describe the engine in a file for --models",
        ));
    }
    Ok(Section::new(flag, "", table))
}

/// An engine, and what it is.
type Made<T> = (Arc<T>, String);

fn no_recogniser() -> (Option<Arc<dyn Recogniser>>, String) {
    (None, "none; the transcript of speech is its length".to_owned())
}

fn embedded_model(built_ins: &BuiltIns) -> Made<dyn Model> {
    // How fast it says its words is the synthesiser's business.
    let config = EmbeddedConfig { pieces_per_second: 0, numbers_per_second: std::num::NonZeroU32::MAX };
    (Arc::new(Embedded::new(config).built_ins(built_ins.clone())), "embedded".to_owned())
}

fn embedded_voice() -> Made<dyn Synthesiser> {
    (Arc::new(EmbeddedVoice), "embedded".to_owned())
}

fn recogniser(mut section: Section) -> Result<(Option<Arc<dyn Recogniser>>, String), ConfigError> {
    let made: (Option<Arc<dyn Recogniser>>, String) = match kind(&mut section, &["none", "exec", "http"])? {
        "exec" => {
            let (config, _) = program(&mut section, Role::Listens)?;
            let what = format!("program {}", config.command.join(" "));
            let program = ListeningProgram::new(config).map_err(|error| in_command(&section, &error.to_string()))?;
            (Some(Arc::new(program)), what)
        }
        "http" => {
            let service = service(&mut section)?;
            let model = section.needed("model", "whisper-1")?;
            let what = format!("{}, {model}", service.base_url());
            let config = TranscriptionConfig {
                model,
                languages: names(&mut section, "languages", "default_language")?.unwrap_or_default(),
                stream: section.flag("stream")?.unwrap_or_default(),
                parameters: form_fields(&mut section)?,
            };
            (Some(Arc::new(Transcription::new(service, config))), what)
        }
        _ => no_recogniser(),
    };
    section.finish()?;
    Ok(made)
}

fn language_model(section: Option<Section>, built_ins: &BuiltIns) -> Result<Made<dyn Model>, ConfigError> {
    let Some(mut section) = section else { return Ok(embedded_model(built_ins)) };
    let made: Made<dyn Model> = match kind(&mut section, &["embedded", "http"])? {
        "http" => {
            let service = service(&mut section)?;
            let model = section.needed("model", "qwen3:8b")?;
            let what = format!("{}, {model}", service.base_url());
            let config = ChatConfig {
                model,
                instruction: section.text("instruction")?.unwrap_or_default(),
                images_max: section.number("images_max", 0..=1000)?.unwrap_or_default() as usize,
                is_told_no_effort: section.flag("reasoning_effort")? == Some(false),
                parameters: parameters(&mut section)?,
            };
            (Arc::new(Chat::new(service, config).built_ins(built_ins.clone())), what)
        }
        _ => embedded_model(built_ins),
    };
    section.finish()?;
    Ok(made)
}

fn synthesiser(mut section: Section) -> Result<Made<dyn Synthesiser>, ConfigError> {
    let made: Made<dyn Synthesiser> = match kind(&mut section, &["embedded", "exec", "http"])? {
        "exec" => {
            let (config, known) = program(&mut section, Role::Speaks)?;
            let voices = voices(&mut section)?.unwrap_or(known);
            let what = format!("program {}", config.command.join(" "));
            let program =
                SpeakingProgram::new(config, voices).map_err(|error| in_command(&section, &error.to_string()))?;
            (Arc::new(program), what)
        }
        "http" => {
            let service = service(&mut section)?;
            let model = section.needed("model", "tts-1")?;
            let what = format!("{}, {model}", service.base_url());
            let config = SpeechConfig {
                model,
                voices: voices(&mut section)?.unwrap_or_default(),
                languages: names(&mut section, "languages", "default_language")?,
                format: format(&mut section, SoundFormat::Wav { rate_hz: 24_000 })?,
                parameters: parameters(&mut section)?,
            };
            (Arc::new(Speech::new(service, config)), what)
        }
        _ => embedded_voice(),
    };
    section.finish()?;
    Ok(made)
}

fn gemini(mut section: Section) -> Result<Engines, ConfigError> {
    let base_url = section.text("base_url")?;
    let key = key(&mut section)?;
    if key.is_none() && base_url.is_none() {
        return Err(section.error(
            "key_env",
            "it is missing, and Google's service asks for a key",
            "add key_env = \"GOOGLE_API_KEY\"",
        ));
    }
    let mut client = Client::gemini(key.unwrap_or_else(|| "none".to_owned()));
    let mut what = "Google's".to_owned();
    if let Some(url) = base_url {
        client = client.base_url(&url);
        what = url;
    }
    if let Some(path) = section.text("ca_file")? {
        client = client.ca_file(path);
    }
    let default = GeminiConfig::default();
    let config = GeminiConfig {
        model: section.text("model")?,
        idle: section.duration("idle")?.unwrap_or(default.idle),
        silence: section.duration("silence")?.unwrap_or(default.silence),
        idle_max: section.number("idle_max", 1..=1_000_000)?.map_or(default.idle_max, |max| max as usize),
    };
    client
        .url()
        .map_err(|error| section.error("base_url", error.to_string(), "write it as in https://127.0.0.1:8443"))?;
    section.finish()?;
    let model = config.model.clone().unwrap_or_else(|| "the model that the client asks for".to_owned());
    let summary = vec![("upstream", format!("{what}, {model}"))];
    Ok(Engines { model: Arc::new(Gemini::new(client, config)), summary })
}

fn kind(section: &mut Section, kinds: &[&'static str]) -> Result<&'static str, ConfigError> {
    let found = section.choice("kind", kinds)?;
    let rule = || section.error("kind", "it is missing", format!("add kind = one of {}", kinds.join(", ")));
    found.ok_or_else(rule)
}

/// A program, known or not, and what a known one calls voices.
fn program(section: &mut Section, role: Role) -> Result<(ProgramConfig, Names), ConfigError> {
    let (mut config, voices) = match section.text("program")? {
        Some(name) => {
            let known = || PRESETS.iter().filter(|preset| preset.role == role).map(|preset| preset.name);
            let preset = Preset::find(&name, role).ok_or_else(|| {
                let rule = format!("known programs are {}, found {name:?}", known().collect::<Vec<_>>().join(", "));
                section.error("program", rule, "choose one of these, or say how to call yours by `command`")
            })?;
            preset.config()
        }
        None => {
            let command = section.texts("command")?.ok_or_else(|| {
                let fix = "add command = [\"espeak-ng\", \"--stdin\", \"--stdout\"], or program = a known one";
                section.error("command", "it is missing, and `program` too", fix)
            })?;
            let default = match role {
                Role::Speaks => SoundFormat::Wav { rate_hz: 24_000 },
                Role::Listens => SoundFormat::Wav { rate_hz: 16_000 },
            };
            let format = format(section, default)?;
            (ProgramConfig::new(command, format), Names::default())
        }
    };
    config.environment = section.names("environment")?.unwrap_or_default();
    if let Some(languages) = names(section, "languages", "default_language")? {
        config.languages = languages;
    }
    let default = Limits::default();
    config.limits = Limits {
        silence: section.duration("silence")?.unwrap_or(default.silence),
        time: section.duration("time")?.unwrap_or(default.time),
        output_bytes_max: section
            .number("output_bytes_max", 1..=i64::from(u32::MAX))?
            .map_or(default.output_bytes_max, |bytes| bytes as usize),
        processes_max: section.number("processes_max", 1..=10_000)?.map_or(default.processes_max, |runs| runs as usize),
    };
    Ok((config, voices))
}

fn in_command(section: &Section, error: &str) -> ConfigError {
    let (rule, fix) = error.split_once("; ").unwrap_or((error, "see docs/engines.md"));
    section.error("command", rule, fix)
}

/// The key, from where it is kept.
fn key(section: &mut Section) -> Result<Option<String>, ConfigError> {
    Ok(match (section.text("key_env")?, section.text("key_file")?) {
        (None, None) => None,
        (Some(_), Some(_)) => return Err(section.error("key_file", "`key_env` is given too", "keep one of them")),
        (Some(name), None) => {
            let key = std::env::var(&name).ok().filter(|key| !key.trim().is_empty());
            let fix = "set it before the server is started, or leave it out";
            let missing = || section.error("key_env", format!("the environment has no {name}"), fix);
            Some(key.ok_or_else(missing)?)
        }
        (None, Some(path)) => {
            let unread =
                |error| section.error("key_file", format!("{path} cannot be read: {error}"), "name a file with a key");
            Some(std::fs::read_to_string(&path).map_err(unread)?.trim().to_owned())
        }
    })
}

fn service(section: &mut Section) -> Result<Service, ConfigError> {
    let base_url = section.needed("base_url", "http://127.0.0.1:11434/v1")?;
    let key = key(section)?.map(|key| ApiKey::new(&key));
    let default = Patience::default();
    let patience = match section.table("patience")? {
        None => default,
        Some(mut own) => {
            let patience = Patience {
                connect: own.duration("connect")?.unwrap_or(default.connect),
                response: own.duration("response")?.unwrap_or(default.response),
                silence: own.duration("silence")?.unwrap_or(default.silence),
                answer: own.duration("answer")?.unwrap_or(default.answer),
                retries: own.number("retries", 0..=10)?.map_or(default.retries, |retries| retries as u32),
                backoff: own.duration("backoff")?.unwrap_or(default.backoff),
                retry_after_max: own.duration("retry_after_max")?.unwrap_or(default.retry_after_max),
            };
            own.finish()?;
            patience
        }
    };
    Service::new(&base_url, key, patience).map_err(|error| {
        let error = error.to_string();
        let (rule, fix) = error.rsplit_once("; ").unwrap_or((&error, "see docs/engines.md"));
        section.error("base_url", rule, fix)
    })
}

fn format(section: &mut Section, default: SoundFormat) -> Result<SoundFormat, ConfigError> {
    let is_rated = section.has("rate");
    let rate_hz = section.number("rate", 8_000..=48_000)?.map_or(default.rate_hz(), |rate| rate as u32);
    match section.choice("format", &["wav", "pcm"])? {
        Some("pcm") if !is_rated => {
            Err(section.error("rate", "bare PCM does not say its rate", "add rate = 24000, or what the engine uses"))
        }
        Some("pcm") => Ok(SoundFormat::Pcm { rate_hz }),
        Some(_) | None => Ok(SoundFormat::Wav { rate_hz }),
    }
}

/// A table of names and a default beside it; `None` if neither is given.
fn names(section: &mut Section, key: &'static str, default_key: &'static str) -> Result<Option<Names>, ConfigError> {
    let (known, default) = (section.names(key)?, section.text(default_key)?);
    Ok((known.is_some() || default.is_some()).then(|| Names { known: known.unwrap_or_default(), default }))
}

fn voices(section: &mut Section) -> Result<Option<Names>, ConfigError> {
    let voices = names(section, "voices", "default_voice")?;
    let unknown = voices.iter().flat_map(|voices| voices.known.keys()).find(|name| Voice::named(name).is_none());
    match unknown {
        None => Ok(voices),
        Some(name) => {
            let known: Vec<&str> = Voice::names().collect();
            let rule = format!("the Live API has no voice {name:?}");
            Err(section.error(&format!("voices.{name}"), rule, format!("choose from {}", known.join(", "))))
        }
    }
}

fn parameters(section: &mut Section) -> Result<serde_json::Map<String, serde_json::Value>, ConfigError> {
    let table = section.values("parameters")?.unwrap_or_default();
    Ok(table.into_iter().map(|(key, value)| (key, json(value))).collect())
}

fn form_fields(section: &mut Section) -> Result<std::collections::BTreeMap<String, String>, ConfigError> {
    let mut fields = std::collections::BTreeMap::new();
    for (key, value) in section.values("parameters")?.unwrap_or_default() {
        let text = match value {
            Value::String(text) => text,
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => value.to_string(),
            Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                let key = format!("parameters.{key}");
                return Err(section.error(
                    &key,
                    "a field of a form is a string, a number or a flag",
                    "write one of these",
                ));
            }
        };
        fields.insert(key, text);
    }
    Ok(fields)
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Boolean(flag) => flag.into(),
        Value::Datetime(time) => time.to_string().into(),
        Value::Array(list) => list.into_iter().map(json).collect(),
        Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(engines: &Engines) -> String {
        let parts: Vec<&str> = engines.summary.iter().map(|(_, what)| what.as_str()).collect();
        parts.join(" | ")
    }

    #[track_caller]
    fn summary(text: &str) -> String {
        Engines::parse(text, "models.toml", &BuiltIns::default())
            .map(|engines| joined(&engines))
            .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_is_the_embedded_engines() {
        assert_eq!(summary(""), "none; the transcript of speech is its length | embedded | embedded");
    }

    #[test]
    fn every_kind_can_be_chosen() {
        let text = r#"
            on_failure = "reject"
            [recogniser]
            kind = "http"
            base_url = "http://127.0.0.1:8000/v1/"
            model = "whisper"
            stream = true
            default_language = "en"
            parameters = { temperature = 0, prompt = "x" }
            [recogniser.patience]
            response = "2m"
            retries = 0
            [language_model]
            kind = "http"
            base_url = "http://127.0.0.1:11434/v1"
            model = "qwen3:8b"
            instruction = "Answer in a sentence."
            images_max = 3
            parameters = { think = false, options = { num_ctx = 8192 } }
            [synthesiser]
            kind = "exec"
            command = ["piper", "--output-raw", "--speaker", "{voice}"]
            format = "pcm"
            rate = 22050
            voices = { Puck = "3", Kore = "7" }
            default_voice = "0"
            environment = { OMP_NUM_THREADS = "1" }
            silence = "5s"
            processes_max = 2
        "#;
        assert_eq!(
            summary(text),
            "http://127.0.0.1:8000/v1, whisper | http://127.0.0.1:11434/v1, qwen3:8b | program piper --output-raw --speaker {voice}"
        );
        let upstream = "[gemini]\nbase_url = \"http://127.0.0.1:8080\"\nmodel = \"gemini-3.8-live\"\nidle = \"5s\"";
        assert_eq!(summary(upstream), "http://127.0.0.1:8080, gemini-3.8-live");
        let known = "[recogniser]\nkind = \"exec\"\nprogram = \"pocketsphinx\"\n[synthesiser]\nkind = \"exec\"\nprogram = \"flite\"\nsilence = \"1s\"";
        assert!(summary(known).starts_with("program pocketsphinx_continuous"), "{}", summary(known));
    }

    #[test]
    fn errors_name_file_key_rule_and_fix() {
        for (text, expected) in [
            ("x", "models.toml: it is no TOML"),
            (
                "on_failure = \"retry\"",
                "models.toml: on_failure: it is one of close, reject, found \"retry\"; choose one of these",
            ),
            (
                "[recognizer]\nkind = \"none\"",
                "models.toml: recognizer: there is no such key, or not together with the others here; known here: gemini, on_failure, search, url_context, recogniser, language_model, synthesiser",
            ),
            (
                "recogniser = 1",
                "models.toml: recogniser: it takes a table, found integer 1; write a table, or leave it out",
            ),
            ("[recogniser]", "models.toml: recogniser.kind: it is missing; add kind = one of none, exec, http"),
            ("[recogniser]\nkind = \"none\"\nmodel = \"x\"", "models.toml: recogniser.model: there is no such key"),
            (
                "[recogniser]\nkind = \"exec\"",
                "models.toml: recogniser.command: it is missing, and `program` too; add command",
            ),
            (
                "[recogniser]\nkind = \"exec\"\nprogram = \"flite\"",
                "models.toml: recogniser.program: known programs are pocketsphinx, found \"flite\"; choose",
            ),
            (
                "[recogniser]\nkind = \"exec\"\ncommand = [\"hear\", \"{text}\"]",
                "models.toml: recogniser.command: braces hold one of {language}, {rate}, found \"{text}\"; write {{",
            ),
            (
                "[recogniser]\nkind = \"exec\"\ncommand = [1]",
                "models.toml: recogniser.command: it takes a list of strings, found array [1]",
            ),
            (
                "[language_model]\nkind = \"http\"",
                "models.toml: language_model.base_url: it is missing; add it, as in base_url = \"http://127.0.0.1:11434/v1\"",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"localhost:1\"\nmodel = \"m\"",
                "models.toml: language_model.base_url: it has to begin with http:// or https://, found \"localhost:1\"; write it as in",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"http://h\"\nkey_env = \"NO_SUCH_KEY_HERE\"",
                "models.toml: language_model.key_env: the environment has no NO_SUCH_KEY_HERE; set it",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"http://h\"\nkey_file = \"/no/such/file\"",
                "models.toml: language_model.key_file: /no/such/file cannot be read",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"http://h\"\nkey = \"sk-1\"\nmodel = \"m\"",
                "models.toml: language_model.key: there is no such key",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"http://h\"\nmodel = \"m\"\npatience = { response = \"0s\" }",
                "models.toml: language_model.patience.response: it takes a time above 0, found \"0s\"; write it as in \"30s\"",
            ),
            (
                "[language_model]\nkind = \"http\"\nbase_url = \"http://h\"\nmodel = \"m\"\npatience = { retries = 11 }",
                "models.toml: language_model.patience.retries: it takes a whole number from 0 to 10, found integer 11",
            ),
            (
                "[synthesiser]\nkind = \"exec\"\ncommand = [\"x\"]\nformat = \"pcm\"",
                "models.toml: synthesiser.rate: bare PCM does not say its rate; add rate = 24000",
            ),
            (
                "[synthesiser]\nkind = \"exec\"\ncommand = [\"x\"]\nrate = 96000",
                "models.toml: synthesiser.rate: it takes a whole number from 8000 to 48000",
            ),
            (
                "[synthesiser]\nkind = \"exec\"\nprogram = \"flite\"\nvoices = { Pukc = \"slt\" }",
                "models.toml: synthesiser.voices.Pukc: the Live API has no voice \"Pukc\"; choose from Puck, ",
            ),
            (
                "[synthesiser]\nkind = \"exec\"\nprogram = \"flite\"\nvoices = { Puck = 1 }",
                "models.toml: synthesiser.voices.Puck: it takes a string, found integer 1",
            ),
        ] {
            let found = summary(text);
            assert!(found.starts_with(expected), "{text}\n  expected {expected}\n  found    {found}");
        }
        let missing = Engines::read(Path::new("/no/such/models.toml"), &BuiltIns::default())
            .expect_err("it is not there")
            .to_string();
        assert!(missing.starts_with("/no/such/models.toml: it cannot be read: "), "{missing}");
    }

    #[test]
    fn flags_choose_the_common_engines() {
        let engines = |hears, answers, speaks| {
            let flags = Flags { recogniser: hears, language_model: answers, synthesiser: speaks };
            Engines::of_flags(flags, &BuiltIns::default())
                .map(|engines| joined(&engines))
                .unwrap_or_else(|error| error.to_string())
        };
        assert_eq!(
            engines(Some("pocketsphinx"), Some("http://127.0.0.1:11434/v1#qwen3:8b"), Some("https://h/v1#tts@alloy")),
            "program pocketsphinx_continuous -infile /dev/stdin | http://127.0.0.1:11434/v1, qwen3:8b | https://h/v1, tts"
        );
        assert_eq!(engines(Some("none"), Some("embedded"), Some("embedded")), summary(""));
        for (hears, answers, speaks, says) in [
            (
                Some("flite"),
                None,
                None,
                "--recogniser: it takes none, pocketsphinx or the address of a service, found \"flite\"; choose",
            ),
            (None, Some("espeak-ng"), None, "--language-model: it takes embedded or the address of a service"),
            (
                None,
                Some("http://127.0.0.1:1/v1"),
                None,
                "--language-model: \"http://127.0.0.1:1/v1\" names no model; put it behind #",
            ),
            (None, None, Some("http://u@h/v1#m"), "--synthesiser: base_url: it has to name a host, without a user"),
        ] {
            let found = engines(hears, answers, speaks);
            assert!(found.starts_with(says), "{found}");
        }
    }

    #[test]
    fn what_is_documented_can_be_written_and_every_key_is_documented() {
        let doc = include_str!("../../../docs/engines.md");
        let mut examples = 0;
        for block in doc.split("```toml\n").skip(1) {
            let text = block.split("```").next().expect("a block has an end");
            Engines::parse(text, "docs/engines.md", &BuiltIns::default()).expect("an example is good");
            examples += 1;
        }
        assert!(examples > 1);
        // What is said about an unknown key lists the known ones.
        let http = "base_url = \"http://h\"\nmodel = \"m\"\nx = 1";
        let exec = "command = [\"x\"]\nx = 1";
        for (table, kind, keys) in [
            ("recogniser", "exec", exec),
            ("recogniser", "http", http),
            ("language_model", "http", http),
            ("synthesiser", "exec", exec),
            ("synthesiser", "http", http),
            ("language_model", "http", "base_url = \"http://h\"\npatience = { x = 1 }"),
            ("gemini", "", "base_url = \"http://h\"\nx = 1"),
            ("search", "http", "base_url = \"http://h\"\nx = 1"),
            ("url_context", "", "allow = [\"*\"]\nx = 1"),
        ] {
            let kind = if kind.is_empty() { String::new() } else { format!("kind = \"{kind}\"\n") };
            let text = format!("[{table}]\n{kind}{keys}");
            let error = Engines::parse(&text, "x", &BuiltIns::default()).expect_err("x is unknown");
            let known = error.fix.strip_prefix("known here: ").expect("the known keys are listed");
            for key in known.split(", ") {
                assert!(doc.contains(&format!("`{key}`")) || doc.contains(&format!("{key} = ")), "{key} of {table}");
            }
        }
    }
}
