//! `live explain`: what a setup would be refused for, what its defaults become, and what a close means.
//!
//! It dials nobody. The checks are the server's, `live_engine::lint`; what is known of closes is `live_engine::explain`.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use live_engine::server::ActivityDetection;
use live_engine::{
    Backend, BuiltInTools, Explained, Explanation, Lint, ModelProfile, Phase, Profiles, ServerConfig, SessionConfig,
    Violation, Warning,
};
use live_proto::json::{self, DecodeOptions};
use live_proto::{ClientMessage, DecodeError, DecodeErrorKind, Setup, ThinkingLevel};
use serde_json::{Value, json};

use crate::profiles::ProfileArgs;

/// What `live explain` is told.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "live explain [OPTIONS] <SETUP.json | ->\n       live explain [OPTIONS] <CLOSE CODE> [TEXT]\n       \
                            live explain --models"
)]
pub(crate) struct Args {
    /// A file with a setup, `-` for standard input, or the code of a close
    #[arg(required_unless_present = "models")]
    what: Option<String>,

    /// The text of the close, as far as it was shown
    text: Option<String>,

    /// Take this model in place of the setup's
    #[arg(long, value_name = "NAME")]
    model: Option<String>,

    /// Where the setup is sent: gemini or vertex
    #[arg(long, default_value = "gemini", value_parser = backend)]
    backend: Backend,

    /// The version of the API in the path that is dialled (default: v1beta, v1beta1 on Vertex)
    #[arg(long, value_name = "VERSION", value_parser = ["v1", "v1beta", "v1alpha", "v1beta1"])]
    api_version: Option<String>,

    /// `setupComplete` had come before the close
    #[arg(long)]
    open: bool,

    /// List the models and what each takes
    #[arg(long, conflicts_with_all = ["what", "text", "model"])]
    models: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    profiles: ProfileArgs,
}

fn backend(name: &str) -> Result<Backend, String> {
    Backend::ALL.into_iter().find(|backend| backend.name() == name).ok_or_else(|| "it is gemini or vertex".into())
}

/// Explains; fails when the service would refuse.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let profiles = args.profiles.read()?;
    let (text, is_fine) = match args.what.as_deref() {
        None => (list(&profiles, args.json), true),
        Some(code) if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()) => {
            match code.parse().ok().filter(|code| (1000..=4999).contains(code)) {
                Some(_) if args.model.is_some() => {
                    bail!("--model goes with a setup, and {code} is the code of a close")
                }
                Some(code) => (close(code, args), true),
                None => bail!("{code} is no close code: these are 1000 to 4999; a file of this name is ./{code}"),
            }
        }
        Some(what) => judge(what, args, profiles)?,
    };
    // Nobody may be there to read it.
    _ = std::io::stdout().write_all(text.as_bytes());
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn close(code: u16, args: &Args) -> String {
    let phase = if args.open { Phase::Open } else { Phase::Setup };
    let reason = args.text.as_deref().unwrap_or_default();
    let Explained { cause, culprit, meaning, advice, retry, rules } = live_engine::explain(Some(code), reason, phase);
    if args.json {
        let rules: Vec<Value> =
            rules.iter().map(|rule| json!({"id": rule.id, "rule": rule.sentence, "fix": rule.fix})).collect();
        let told = json!({"cause": format!("{cause:?}"), "culprit": culprit.name(), "meaning": meaning, "advice": advice,
            "retry": retry, "rules": rules});
        return format!("{told}\n");
    }
    let mut out = format!("means:  {meaning}\nwrong:  {}\ndo:     {advice}\nretry:  {retry}\n", culprit.name());
    if rules.len() > RULES_SHOWN_MAX {
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
        let _ = writeln!(out, "rules:  {}", ids.join(", "));
    } else {
        for rule in &rules {
            let _ = writeln!(out, "rule:   {}: {}; {}", rule.id, rule.sentence, rule.fix);
        }
    }
    out
}

/// Reads a setup and says what becomes of it, and whether it is accepted.
fn judge(path: &str, args: &Args, profiles: Profiles) -> anyhow::Result<(String, bool)> {
    if let Some(text) = &args.text {
        bail!("{path} is no close code, so \"{text}\" cannot be the text of a close");
    }
    if args.open {
        bail!("--open goes with the code of a close, and {path} is none");
    }
    let mut text = String::new();
    if path == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    }
    // Some editors begin a file with the mark of its encoding; no client sends that.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut setup = match read(text) {
        Ok(Some(setup)) => setup,
        Ok(None) => bail!("{path} holds a message that is no setup; give a setup, or a frame with one"),
        Err((error, at)) => {
            let violation = Violation::from(error);
            let place = at.map(|at| place(text, at));
            return Ok((refusals(&[violation], &[], None, place, args.json), false));
        }
    };
    if let Some(model) = &args.model {
        setup.model = if model.contains('/') { model.clone() } else { format!("models/{model}") };
    }
    let mut config = ServerConfig::new(args.backend);
    config.profiles = profiles.into();
    // What the service runs; a server of ours refuses tools that it has no engine for.
    config.built_in_tools = BuiltInTools::ALL;
    if let Some(version) = &args.api_version {
        config.api_version.clone_from(version);
    }
    let said = setup.clone();
    let Lint { violations, mut warnings, session } = live_engine::lint(setup, &config);
    // What is refused is not accepted in vain as well.
    let refused: Vec<String> = violations.iter().map(|violation| violation.explanation().path).collect();
    warnings.retain(|warning| {
        !matches!(warning, Warning::NoEffect { path } if refused.iter().any(|it| it.strip_prefix(&**path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))))
    });
    let defaults = session.map(|session| becomes(&said, &session));
    let is_fine = violations.is_empty();
    Ok((refusals(&violations, &warnings, defaults, None, args.json), is_fine))
}

/// Reads a whole frame, or what stands in its `setup`; an error says where in the text it is, if anywhere.
fn read(text: &str) -> Result<Option<Setup>, (DecodeError, Option<usize>)> {
    let options = DecodeOptions::strict();
    let decode = |frame: &str| json::decode::<ClientMessage>(frame.as_bytes(), &options).map(|decoded| decoded.message);
    let (message, shift) = match decode(text) {
        Err(DecodeError { path, kind: DecodeErrorKind::UnknownField { .. } }) if path.is_root() => {
            (decode(&format!("{WRAP}{text}}}")), WRAP.len())
        }
        message => (message, 0),
    };
    match message {
        Ok(ClientMessage::Setup(setup)) => Ok(Some(*setup)),
        Ok(ClientMessage::Empty) => Ok(Some(Setup::default())),
        Ok(
            ClientMessage::ClientContent(_)
            | ClientMessage::RealtimeInput(_)
            | ClientMessage::ToolResponse(_)
            | ClientMessage::ContextUpdate(_),
        ) => Ok(None),
        Err(mut error) => {
            let at = if let DecodeErrorKind::Syntax { offset, .. } = &mut error.kind {
                *offset = offset.saturating_sub(shift);
                Some(*offset)
            } else {
                None
            };
            Err((error, at))
        }
    }
}

const WRAP: &str = r#"{"setup":"#;

/// Line and column, counted from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

fn refusals(
    violations: &[Violation],
    warnings: &[Warning],
    defaults: Option<Vec<(&'static str, String)>>,
    place: Option<(usize, usize)>,
    as_json: bool,
) -> String {
    let warned: Vec<String> = warnings.iter().map(warning).collect();
    if as_json {
        let refused: Vec<Value> = violations
            .iter()
            .map(|violation| {
                let Explanation { path, rule, fix } = violation.explanation();
                let (id, code) = (violation.id(), violation.code());
                let mut told =
                    json!({"id": id, "close": code, "text": violation.text(), "path": path, "rule": rule, "fix": fix});
                if let Some((line, column)) = place {
                    told["line"] = line.into();
                    told["column"] = column.into();
                }
                told
            })
            .collect();
        let session: Option<serde_json::Map<String, Value>> =
            defaults.map(|all| all.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect());
        return format!("{}\n", json!({"refused": refused, "warnings": warned, "session": session}));
    }
    let mut out = String::new();
    if let Some((line, column)) = place {
        let _ = writeln!(out, "line {line}, column {column}");
    }
    for violation in violations {
        let _ = writeln!(out, "refused: {}", violation.explanation());
        let _ = writeln!(out, "         {}, closes with {} {}", violation.id(), violation.code(), violation.text());
    }
    for warned in warned {
        let _ = writeln!(out, "warning: {warned}");
    }
    if let Some(defaults) = defaults {
        out += "accepted:\n";
        for (name, value) in defaults {
            let _ = writeln!(out, "  {name:<14} {value}");
        }
    }
    out
}

fn warning(warning: &Warning) -> String {
    if let Warning::NoEffect { path } = warning {
        format!("{path}: taken, and without effect on a server of ours")
    } else if let Warning::TranslationWithoutLanguage { path } = warning {
        format!("{path}: without it the service accepts the session and sends silence; name a language such as pl")
    } else {
        format!("{warning:?}")
    }
}

/// What each default becomes, and what was said beside it.
fn becomes(setup: &Setup, session: &SessionConfig) -> Vec<(&'static str, String)> {
    let generation = setup.generation_config.as_deref();
    let realtime = setup.realtime_input_config.as_deref();
    let vad = realtime.and_then(|realtime| realtime.automatic_activity_detection.as_deref());
    let said = |is_said: bool, value: String| if is_said { value } else { format!("{value} (by default)") };
    let profile = &session.profile;
    let mut all = vec![
        ("model", format!("{}, of the family {}", session.model, profile.name)),
        (
            "answers in",
            said(generation.is_some_and(|it| !it.response_modalities.is_empty()), session.modality.name().to_owned()),
        ),
    ];
    let speech = generation.and_then(|it| it.speech_config.as_deref());
    if !session.voice.is_empty() {
        let is_said = speech.is_some_and(|speech| speech.voice_config.is_some());
        all.push(("voice", said(is_said, session.voice.clone())));
        let language = session.language.clone().unwrap_or_else(|| "as the model chooses".into());
        all.push(("language", said(session.language.is_some(), language)));
    }
    if profile.thinking.is_some() {
        let config = generation.and_then(|it| it.thinking_config.as_ref());
        let budget = config.and_then(|it| it.thinking_budget);
        let level = match (&session.thinking_level, budget) {
            (_, Some(budget)) => format!("budget {budget}"),
            (ThinkingLevel::Unspecified, None) => "as the model likes".into(),
            (level, None) => format!("level {}", level.name().unwrap_or("?")),
        };
        let shown = if session.include_thoughts { "thoughts are shown" } else { "thoughts are not shown" };
        let is_said = config.is_some_and(|it| it.thinking_level != ThinkingLevel::Unspecified || budget.is_some());
        all.push(("thinking", format!("{}; {shown}", said(is_said, level))));
    }
    let activity = session.activity;
    let eager = |is_eager: bool| if is_eager { "HIGH" } else { "LOW" };
    all.push((
        "speech",
        match session.detection {
            ActivityDetection::Manual => "framed by activityStart and activityEnd".into(),
            ActivityDetection::Automatic => said(
                vad.is_some(),
                format!(
                    "found by the server: start {}, after {} ms; end {}, after {} ms of silence",
                    eager(activity.starts_eagerly),
                    activity.prefix_padding_ms,
                    eager(activity.ends_eagerly),
                    activity.silence_duration_ms
                ),
            ),
        },
    ));
    let coverage = session.turn_coverage.name().unwrap_or_default().to_owned();
    all.push(("turn covers", said(realtime.is_some_and(|it| it.turn_coverage.is_some()), coverage)));
    let interrupts =
        if session.interrupts { "the user's speech cuts the model short" } else { "nothing cuts the model short" };
    all.push(("interruption", said(realtime.is_some_and(|it| it.activity_handling.is_some()), interrupts.into())));
    for function in session.functions() {
        let is_said = function.behavior != live_proto::Behavior::Unspecified;
        let behavior = if is_said { &function.behavior } else { &profile.default_behavior };
        let behavior = behavior.name().unwrap_or("?");
        all.push(("function", format!("{}: {}", function.name, said(is_said, behavior.to_owned()))));
    }
    all.push(("history", if session.seeds_history { "seeded by clientContent" } else { "begins empty" }.into()));
    all.push((
        "window",
        match session.compression {
            None => format!("{} tokens; a longer session is closed", profile.context_tokens),
            Some(it) => format!("cut at {} tokens to {}", it.trigger, it.target),
        },
    ));
    all.push((
        "resumption",
        match session.resumption {
            None => "none: the session ends with its connection".into(),
            Some(it) if it.transparent => "by handle, with the number of the last message that it covers".into(),
            Some(_) => "by handle".into(),
        },
    ));
    all
}

/// The table of models.
fn list(profiles: &Profiles, as_json: bool) -> String {
    let mut families: Vec<(Vec<&str>, &ModelProfile)> = Vec::new();
    for (pattern, profile) in profiles.patterns() {
        match families.iter_mut().find(|(_, known)| known.name == profile.name) {
            Some((patterns, _)) => patterns.push(pattern),
            None => families.push((vec![pattern], profile)),
        }
    }
    if as_json {
        let all: Vec<Value> = families
            .iter()
            .map(|(patterns, profile)| {
                let facts: serde_json::Map<String, Value> =
                    profile.facts().into_iter().map(|(fact, value)| (fact.to_owned(), value.into())).collect();
                json!({"family": profile.name, "models": patterns, "facts": facts, "sources": profile.sources})
            })
            .collect();
        return format!("{}\n", Value::from(all));
    }
    let mut out = String::new();
    for (patterns, profile) in families {
        let _ = writeln!(out, "{}: {}", profile.name, patterns.join(", "));
        for (fact, value) in profile.facts().into_iter().filter(|(_, value)| !value.is_empty()) {
            let source = profile.sources.get(fact).map(|tags| format!(" [{tags}]")).unwrap_or_default();
            let _ = writeln!(out, "  {fact:<22} {value}{source}");
        }
    }
    out
}

/// Beyond this a list of sentences is no help.
const RULES_SHOWN_MAX: usize = 6;
