//! Every rule that a client can break, broken: `refusals.toml` has a message for each, what the server closes with, and what it says
//! about it. docs/refusals.md is made of the same table.
#![expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_engine::*;
use live_proto::json::{self, DecodeOptions};
use live_proto::{ClientMessage, DecodeError, DecodeErrorKind, FunctionCall, JsonPath, Setup};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

/// A message that breaks a rule, in its surroundings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    #[serde(default = "gemini")]
    backend: String,
    version: Option<String>,
    /// The setup of the session in which `message` is said. Without one, `message` is the first that is said.
    session: Option<String>,
    /// What is said before it.
    #[serde(default)]
    before: Vec<String>,
    /// What breaks the rule; without one, time or the host does.
    message: Option<String>,
    /// The same for what is no text, as bytes in hexadecimal.
    bytes: Option<String>,
    /// What the server's host is, does or is asked to allow; see `World`.
    #[serde(default)]
    host: Vec<String>,
    /// A file of profiles over the built-in table.
    profiles: Option<String>,
    close: u16,
    text: String,
    path: String,
    says: String,
    fix: String,
}

fn gemini() -> String {
    "gemini".into()
}

fn table() -> Vec<Case> {
    toml::from_str::<Table>(include_str!("refusals.toml")).expect("the table is right").case
}

/// A server, and the host that the case asks for.
struct World {
    engine: ServerEngine,
    options: DecodeOptions,
    now: Instant,
    refuses: Option<ResumeRefusal>,
    resumes: bool,
    calls: Option<String>,
    model: String,
    closed: Option<CloseReason>,
}

impl World {
    fn new(case: &Case) -> Self {
        let backend = Backend::ALL.into_iter().find(|it| it.name() == case.backend).expect("a backend");
        let now = Instant::now();
        let mut config = ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(backend) };
        let mut options = DecodeOptions::strict();
        if let Some(version) = &case.version {
            config.api_version.clone_from(version);
        }
        if let Some(profiles) = &case.profiles {
            let profiles = Profiles::built_in().with_toml(profiles);
            config.profiles = Arc::new(profiles.unwrap_or_else(|error| panic!("{}: {error}", case.rule)));
        }
        let (mut refuses, mut resumes, mut calls) = (None, false, None);
        for word in &case.host {
            let (word, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse::<usize>().expect("a number");
            match word {
                "knows-no-handle" => refuses = Some(ResumeRefusal::Unknown),
                "knows-an-old-handle" => refuses = Some(ResumeRefusal::Expired),
                "knows-anothers-handle" => refuses = Some(ResumeRefusal::Foreign),
                "knows-the-handle" => resumes = true,
                "is-slow-to-resume" => {}
                "runs-all-tools" => config.built_in_tools = BuiltInTools::ALL,
                "calls" => calls = Some(value.to_owned()),
                "refuses" => {
                    let named = |refusal: &Refusal| format!("{refusal:?}") == value;
                    config.refusal = Some(Refusal::ALL.into_iter().find(named).expect("a refusal"));
                }
                "token-locks-tools" => config.constraint = Some(Arc::new(Locks)),
                "queued_messages_max" => config.limits.queued_messages_max = number(),
                "history_contents_max" => config.limits.history_contents_max = number(),
                "history_bytes_max" => config.limits.history_bytes_max = number(),
                "speech_bytes_max" => config.limits.speech_bytes_max = number(),
                "schema_depth_max" => config.limits.schema_depth_max = number(),
                "schemas_max" => config.limits.schemas_max = number(),
                "declarations_max" => config.limits.declarations_max = number(),
                "message_bytes_max" => options.limits.message_bytes_max = number(),
                "depth_max" => options.limits.depth_max = number().try_into().expect("it is small"),
                "elements_max" => options.limits.elements_max = number().try_into().expect("it is small"),
                "connection_s" => config.lifetimes.connection = Duration::from_secs(number() as u64),
                "takes-over" | "waits" | "reads-protobuf" => {}
                other => panic!("{}: no host is {other}", case.rule),
            }
        }
        let engine = ServerEngine::new(config, now);
        let model = String::new();
        Self { engine, options, now, refuses, resumes, calls, model, closed: None }
    }

    fn say(&mut self, frame: &[u8]) {
        match json::decode::<ClientMessage>(frame, &self.options) {
            Ok(decoded) => self.engine.handle_message(decoded.message, self.now),
            Err(error) => self.engine.handle_malformed(error, self.now),
        }
        self.answer();
    }

    fn answer(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let command = match output {
                Output::Event(ServerEvent::SetupAccepted(session)) => {
                    self.model.clone_from(&session.model);
                    continue;
                }
                Output::Event(ServerEvent::Generate(turn, _)) => {
                    let output = match self.calls.take() {
                        Some(name) => ModelOutput::ToolCalls(vec![FunctionCall { name, ..FunctionCall::default() }]),
                        None => ModelOutput::Speech { pcm: vec![0; 4_800].into(), text: "yes".into() },
                    };
                    self.command(ServerCommand::Model(turn, output));
                    ServerCommand::Model(turn, ModelOutput::End(EndReason::Complete))
                }
                Output::Event(ServerEvent::Resume { .. }) => match (self.refuses, self.resumes) {
                    (Some(refusal), _) => ServerCommand::ResumeRefused(refusal),
                    (None, true) => ServerCommand::Resumed(Box::new(snapshot("gemini-2.0-flash-live-001"))),
                    (None, false) => continue,
                },
                Output::Event(ServerEvent::Admit) => ServerCommand::Admitted,
                Output::Event(ServerEvent::Closed(reason)) => {
                    self.closed = Some(reason);
                    continue;
                }
                Output::Event(_) | Output::Send(_) | Output::Close(_) => continue,
            };
            self.command(command);
        }
    }

    fn command(&mut self, command: ServerCommand) {
        // A generation that made a call is over before its end is told.
        _ = self.engine.handle_command(command, self.now);
    }

    fn wait(&mut self) {
        for _ in 0..100 {
            let Some(due) = self.engine.poll_timeout().filter(|_| self.closed.is_none()) else { return };
            self.now = due;
            self.engine.handle_timeout(due);
            self.answer();
        }
    }
}

/// A token whose session keeps its tools.
#[derive(Debug)]
struct Locks;

impl Constraint for Locks {
    fn apply(&self, sent: Setup) -> Result<Setup, DecodeError> {
        Ok(sent)
    }

    fn keeps(&self, field: Kept) -> bool {
        field == Kept::Tools
    }
}

/// What a session of `model` leaves behind.
fn snapshot(model: &str) -> Snapshot {
    let now = Instant::now();
    let mut engine = ServerEngine::new(ServerConfig::new(Backend::Gemini), now);
    let setup = format!(r#"{{"setup": {{"model": "models/{model}", "sessionResumption": {{}}}}}}"#);
    let decoded = json::decode::<ClientMessage>(setup.as_bytes(), &DecodeOptions::strict()).expect("a setup");
    engine.handle_message(decoded.message, now);
    std::iter::from_fn(|| engine.poll_output())
        .find_map(|output| match output {
            Output::Event(ServerEvent::Save { snapshot, .. }) => Some((*snapshot).clone()),
            Output::Event(_) | Output::Send(_) | Output::Close(_) => None,
        })
        .expect("a resumable session is saved when it opens")
}

/// How the session ends; `None` if it goes on.
fn run(case: &Case) -> Option<CloseReason> {
    let mut world = World::new(case);
    let opening = case.session.iter().map(|session| format!(r#"{{"setup": {session}}}"#));
    for message in opening.chain(case.before.iter().cloned()) {
        world.say(message.as_bytes());
        assert_eq!(world.closed, None, "{}: closed by what comes before", case.rule);
    }
    let has = |word: &str| case.host.iter().any(|it| it == word);
    if let Some(message) = &case.message {
        world.say(message.as_bytes());
    }
    if let Some(bytes) = &case.bytes {
        let bytes: Vec<u8> =
            bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect();
        if has("reads-protobuf") {
            let kind = DecodeErrorKind::Protobuf("invalid tag".into());
            world.engine.handle_malformed(DecodeError { path: JsonPath::default(), kind }, world.now);
            world.answer();
        } else {
            world.say(&bytes);
        }
    }
    if has("takes-over") {
        world.command(ServerCommand::TakeOver);
        world.answer();
    }
    if has("waits") {
        world.wait();
    }
    world.closed
}

#[test]
fn every_rule_is_broken_once_and_explained() {
    let mut wrong = String::new();
    for case in table() {
        let Some(reason) = run(&case) else {
            let _ = writeln!(
                wrong,
                "\n# {} is not refused\nclose = 0\ntext = \"\"\npath = \"\"\nsays = \"\"\nfix = \"\"",
                case.rule
            );
            continue;
        };
        let told = reason.told();
        let Explanation { path, rule: says, fix } =
            reason.explanation().unwrap_or_else(|| panic!("{}: {reason}", case.rule));
        let found = (reason.id().unwrap_or_default(), told.code, told.text.as_str(), &*path, &*says, &*fix);
        let expected = (&*case.rule, case.close, &*case.text, &*case.path, &*case.says, &*case.fix);
        if found != expected {
            let (id, close, text, ..) = found;
            let _ = writeln!(
                wrong,
                "\n# {} is {id}\nclose = {close}\ntext = {text:?}\npath = {path:?}\nsays = {says:?}\nfix = {fix:?}",
                case.rule
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_has_a_case() {
    let cases: BTreeSet<String> = table().into_iter().map(|case| case.rule).collect();
    let rules = Rule::ALL.iter().map(|rule| rule.id()).chain(Refusal::ALL.map(Refusal::id));
    let others =
        ["setup.timeout", "lifetime.connection", "lifetime.session", "lifetime.video", "resumption.taken-over"];
    let rules: BTreeSet<String> = rules.chain(others).map(str::to_owned).collect();
    assert_eq!(cases.difference(&rules).collect::<Vec<_>>(), Vec::<&String>::new(), "cases of no rule");
    assert_eq!(rules.difference(&cases).collect::<Vec<_>>(), Vec::<&String>::new(), "rules without a case");
}

#[test]
fn the_documentation_shows_every_rule_broken() {
    let mut rooms: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for case in table() {
        let room = case.rule.split('.').next().expect("an id has a room").to_owned();
        if !seen.insert(case.rule.clone()) {
            continue;
        }
        if !order.contains(&room) {
            order.push(room.clone());
        }
        rooms.entry(room).or_default().push(case);
    }
    let mut out = format!("{} rules.\n", seen.len());
    for room in order {
        let _ =
            write!(out, "\n### {room}\n\n| rule | broken by | close | because | instead |\n|---|---|---|---|---|\n");
        for case in &rooms[&room] {
            let message = match (&case.message, &case.bytes) {
                (Some(message), _) => message.split_whitespace().collect::<Vec<_>>().join(" "),
                (None, Some(bytes)) => format!("the bytes {bytes}"),
                (None, None) => String::new(),
            };
            let short: String = message.chars().take(EXAMPLE_CHARS_MAX).collect();
            let cut = if short.len() < message.len() { "…" } else { "" };
            let mut example = if message.is_empty() { String::new() } else { format!("`` {short}{cut} ``") };
            if case.backend != "gemini" {
                example += " on Vertex";
            }
            if !case.host.is_empty() {
                let _ = write!(example, " ({})", case.host.join(", "));
            }
            let at = if case.path.is_empty() { String::new() } else { format!("`{}`: ", case.path) };
            let row = format!(
                "`{}` | {} | {} `` {} `` | {at}{} | {}",
                case.rule,
                example.trim(),
                case.close,
                case.text,
                case.says,
                case.fix
            );
            let cells: Vec<String> = row.split(" | ").map(|cell| cell.replace('|', "\\|")).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
    }
    crate::docs::check_in("refusals.md", "rules", &out);
}

/// Characters of an example in a table that a person reads.
const EXAMPLE_CHARS_MAX: usize = 200;
