//! Transcripts of sessions over several connections, in virtual time: what links, server and host do, and what comes of it.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use live_proto::*;

use super::*;
use crate::client::tests::{call, server, told};

/// A policy without jitter worth speaking of in transcripts: the seed is fixed, and waits are printed.
fn config() -> ClientSessionConfig {
    let mut setup = Setup::new("models/m");
    setup.session_resumption = Some(SessionResumptionConfig::default());
    ClientSessionConfig::new(setup)
}

fn transparent() -> ClientSessionConfig {
    let mut config = config();
    config.setup.session_resumption = Some(SessionResumptionConfig { transparent: true, handle: None });
    config
}

fn with_policy(mut config: ClientSessionConfig, change: impl FnOnce(&mut ReconnectPolicy)) -> ClientSessionConfig {
    change(config.reconnect.as_mut().unwrap());
    config
}

/// Runs a script from before the first dial. Links are numbered as they are dialled.
///
/// `dialed N`, `refused N`, `ready N` (dialed, and the server accepts the setup), `S N ..` (a frame of the server), `garbage N` (bytes that are
/// none), `closed N CODE ..`, `lost N`, `gone N` (our close is through), `H ..` (our host), `wait SECONDS`,
/// `run N ..` (what a run says), `functions ..` (those that are registered from now on).
#[track_caller]
fn check(config: ClientSessionConfig, script: &str, expected: Expect) {
    let mut world = World::new(config);
    world.run(script);
    expected.assert_eq(&world.log);
}

/// The same, in a session that is open over link 1, has been for a minute, and holds handle `h1`.
#[track_caller]
fn check_open(config: ClientSessionConfig, script: &str, expected: Expect) {
    let mut world = World::new(config);
    world.run("ready 1\nwait 60\nS 1 handle h1");
    world.log.clear();
    world.run(script);
    expected.assert_eq(&world.log);
}

struct World {
    session: ClientSession,
    began: Instant,
    now: Instant,
    log: String,
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
    fn new(config: ClientSessionConfig) -> Self {
        let now = Instant::now();
        let mut world = Self { session: ClientSession::new(config, now), began: now, now, log: String::new() };
        world.show(now);
        world
    }

    fn run(&mut self, script: &str) {
        for step in script.trim().lines().map(str::trim) {
            let _ = writeln!(self.log, "{step}");
            let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
            let (nth, words) = rest.split_once(' ').unwrap_or((rest, ""));
            let link = LinkId(nth.parse().unwrap_or_default());
            let began = self.now;
            match verb {
                "dialed" => self.session.handle_dialed(link, self.now),
                "refused" => self.session.handle_dial_failed(link, Cause::Lost, "refused".into(), self.now),
                "ready" => {
                    self.session.handle_dialed(link, self.now);
                    self.session.handle_message(link, server("ready"), self.now);
                }
                "S" => self.session.handle_message(link, frame(words), self.now),
                "closed" => {
                    let (code, reason) = words.split_once(' ').unwrap_or((words, ""));
                    let why = Disconnect::Closed { code: code.parse().ok(), reason: reason.into() };
                    self.session.handle_disconnect(link, why, self.now);
                }
                "garbage" => {
                    let kind = DecodeErrorKind::Syntax { offset: 0, expected: "an object" };
                    self.session.handle_malformed(link, DecodeError { path: JsonPath::default(), kind }, self.now);
                }
                "run" => self.session.handle_tool_output(RunId(link.0), output(words), self.now),
                "functions" => {
                    let functions = rest.split_whitespace().map(function).collect();
                    if let Err((_, why)) = self.session.set_functions(functions, self.now) {
                        let _ = writeln!(self.log, "  rejected: {why}");
                    }
                }
                "lost" => self.session.handle_disconnect(link, Disconnect::Lost("reset".into()), self.now),
                "gone" => self.session.handle_disconnect(link, Disconnect::Eof, self.now),
                "H" => {
                    if let Err(rejected) = self.session.handle_command(host(rest), self.now) {
                        let _ = writeln!(self.log, "  rejected: {rejected}");
                    }
                }
                "wait" => {
                    let until = self.now + std::time::Duration::from_secs_f64(rest.parse().unwrap());
                    while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
                        assert!(at >= self.now, "a timer in the past is never served");
                        self.now = at;
                        self.session.handle_timeout(at);
                        assert!(self.session.poll_timeout().is_none_or(|next| next > at), "what was due is done");
                        self.show(began);
                    }
                    self.now = until;
                }
                _ => panic!("no such step: {step}"),
            }
            self.show(began);
        }
    }

    fn show(&mut self, began: Instant) {
        while let Some(output) = self.session.poll_output() {
            let line = match output {
                SessionOutput::Dial { link, attempt, setup } => {
                    format!("dial {} (attempt {attempt}{})", link.0, resumes(&setup))
                }
                SessionOutput::Send(link, message) => format!("{} > {}", link.0, sent(&message)),
                SessionOutput::Close(link, close) => format!("{} > close {}", link.0, close.code),
                SessionOutput::RunTool { run, call } => format!("run {} {}#{}", run.0, call.name, call.id),
                SessionOutput::AbortTool(run) => format!("abort {}", run.0),
                SessionOutput::Event(event) => format!("! {}", heard(event)),
            };
            let after = self.now - began;
            let at = if after.is_zero() { String::new() } else { format!("+{:.2} s ", after.as_secs_f64()) };
            let _ = writeln!(self.log, "  {at}{line}");
        }
        let _ = self.began;
    }
}

fn resumes(setup: &Setup) -> String {
    let handle = setup.session_resumption.as_ref().and_then(|resumption| resumption.handle.as_deref());
    handle.map_or(String::new(), |handle| format!(", by {handle}"))
}

/// As of one connection, and `handle H [INDEX]`, `unresumable`, `resumable` (without a handle), `goaway [SECONDS]`.
fn frame(words: &str) -> ServerMessage {
    let mut parts = words.split_whitespace();
    let (verb, first, second) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let update = |new_handle: &str, resumable, index| {
        ServerPayload::from(SessionResumptionUpdate {
            new_handle: new_handle.into(),
            resumable,
            last_consumed_client_message_index: index,
        })
        .into()
    };
    match verb {
        "handle" => update(first.unwrap(), true, second.map_or(0, |index| index.parse().unwrap())),
        "unresumable" => update("", false, 0),
        "resumable" => update("", true, 0),
        "goaway" => {
            let time_left = first.map(|seconds| std::time::Duration::from_secs_f64(seconds.parse().unwrap()).into());
            ServerPayload::from(GoAway { time_left }).into()
        }
        _ => server(words),
    }
}

fn declared(tools: &[Tool]) -> String {
    let names = tools.iter().map(|tool| {
        let search = tool.google_search.as_ref().map(|_| "googleSearch".to_owned());
        let names = tool.function_declarations.iter().map(|declaration| match declaration.behavior {
            Behavior::NonBlocking => format!("{}+", declaration.name),
            _ => declaration.name.clone(),
        });
        names.chain(search).collect::<Vec<_>>().join(" ")
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { String::new() } else { format!(" [{}]", names.join("; ")) }
}

fn host(words: &str) -> ClientCommand {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    ClientCommand::Send(match verb {
        "text" => ClientMessage::text_turn(rest),
        "sound" => ClientMessage::audio(Blob::pcm16k(vec![0; rest.parse().unwrap()])),
        "begin" => ClientMessage::activity_start(),
        "end" => ClientMessage::activity_end(),
        "instruct" => ClientMessage::ContextUpdate(Box::new(ContextUpdate {
            system_instruction: Some(Content::user(rest).into()),
            tools: None,
        })),
        "answer" => ClientMessage::tool_response(
            rest.split_whitespace()
                .map(|words| {
                    let FunctionCall { name, id, .. } = call(words);
                    FunctionResponse::new(id, name, Struct::new())
                })
                .collect(),
        ),
        "tools" => {
            let declaration = |name: &str| function(name).declaration;
            let tool =
                Tool { function_declarations: rest.split_whitespace().map(declaration).collect(), ..Tool::default() };
            let tools = if rest.is_empty() { Vec::new() } else { vec![tool] };
            ClientMessage::ContextUpdate(Box::new(ContextUpdate {
                system_instruction: None,
                tools: Some(ContextUpdateTools { tools }),
            }))
        }
        "close" => return ClientCommand::Close,
        _ => panic!("no such command: {words}"),
    })
}

/// `f`, `f+` declared NON_BLOCKING, `f*` a generator; behind a comma its scheduling and its time limit in seconds.
fn function(words: &str) -> Function {
    let mut words = words.split(',');
    let name = words.next().unwrap();
    let mut function = Function::new(FunctionDeclaration {
        name: name.trim_end_matches(['+', '*']).into(),
        behavior: if name.ends_with('+') { Behavior::NonBlocking } else { Behavior::Unspecified },
        ..FunctionDeclaration::default()
    });
    function.is_generator = name.ends_with('*');
    for word in words {
        match word.parse() {
            Ok(seconds) => function.time_limit = Some(std::time::Duration::from_secs(seconds)),
            Err(_) => function.scheduling = Scheduling::from_name(word),
        }
    }
    function
}

fn with_functions(mut config: ClientSessionConfig, functions: &str) -> ClientSessionConfig {
    config.functions = functions.split_whitespace().map(function).collect();
    config
}

/// `answer WORD`, `piece WORD`, `end`, `fail WORDS`, `bytes N` (an answer that long).
fn output(words: &str) -> ToolOutput {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let response = |text: String| -> Struct { [("output", text)].into_iter().collect() };
    match verb {
        "answer" => ToolOutput::Answer(response(rest.into())),
        "piece" => ToolOutput::Piece(response(rest.into())),
        "bytes" => ToolOutput::Answer(response("x".repeat(rest.parse().unwrap()))),
        "end" => ToolOutput::End,
        "fail" => ToolOutput::Failed(rest.into()),
        _ => panic!("no such output: {words}"),
    }
}

/// A response in a line: function, result, and what is out of the ordinary.
fn response(response: &FunctionResponse) -> String {
    let fields = response.response.iter().flat_map(|response| &response.0);
    let fields: Vec<String> =
        fields.map(|(key, value)| format!(" {key} {:?}", value.as_str().unwrap_or("?"))).collect();
    let more = if response.will_continue { " .." } else { "" };
    let scheduling =
        response.scheduling.as_ref().map(|it| format!(" {}", it.name().unwrap_or("?"))).unwrap_or_default();
    format!("{}{}{scheduling}{more}", response.name, fields.concat())
}

fn sent(message: &ClientMessage) -> String {
    match message {
        ClientMessage::Setup(setup) => {
            let instruction = setup.system_instruction.as_ref().map(|content| format!(" '{}'", content.text()));
            format!("setup{}{}{}", resumes(setup), instruction.unwrap_or_default(), declared(&setup.tools))
        }
        ClientMessage::ClientContent(content) => {
            let turns: Vec<String> =
                content.turns.iter().map(|turn| format!("{} '{}'", turn.role, turn.text())).collect();
            let more = if content.turn_complete { "" } else { " .." };
            format!("clientContent {}{more}", turns.join(", "))
        }
        ClientMessage::RealtimeInput(RealtimeInput { audio: Some(blob), .. }) => format!("sound {}", blob.data.len()),
        ClientMessage::RealtimeInput(input) if input.activity_start.is_some() => "activityStart".into(),
        ClientMessage::RealtimeInput(_) => "activityEnd".into(),
        ClientMessage::ToolResponse(response) => {
            let responses: Vec<String> = response.function_responses.iter().map(self::response).collect();
            format!("toolResponse {}", responses.join(" "))
        }
        ClientMessage::ContextUpdate(update) => {
            let instruction = update.system_instruction.as_ref().map(|content| format!(" '{}'", content.text()));
            let tools = update.tools.as_ref().map(|update| declared(&update.tools));
            format!("contextUpdate{}{}", instruction.unwrap_or_default(), tools.unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

fn heard(event: ClientEvent) -> String {
    match event {
        ClientEvent::Reconnecting { attempt, why: Reconnect::GoAway } => format!("Reconnecting {attempt}: goAway"),
        ClientEvent::Reconnecting { attempt, why: Reconnect::Ended(cause) } => {
            format!("Reconnecting {attempt}: {cause}")
        }
        ClientEvent::Resumed { restored, replayed, answer_lost } => {
            let how = if restored { "restored" } else { "anew" };
            let lost = if answer_lost { ", answer lost" } else { "" };
            format!("Resumed {how}, {replayed} replayed{lost}")
        }
        ClientEvent::Dropped(dropped) => format!("Dropped {} messages, {} bytes", dropped.messages, dropped.bytes),
        ClientEvent::Lost(loss) => {
            let unsent: Vec<String> = loss.unsent.iter().map(sent).collect();
            format!(
                "Lost, {:?} after {} dials: {}; unsent: [{}]",
                loss.gave_up,
                loss.dials,
                loss.cause,
                unsent.join(", ")
            )
        }
        ClientEvent::ToolRun { id, name, step } => {
            let step = match step {
                ToolStep::Called { blocking } => format!("called{}", if blocking { "" } else { "+" }),
                ToolStep::Failed(words) => format!("failed: {words}"),
                ToolStep::Finished | ToolStep::Aborted => format!("{step:?}").to_lowercase(),
            };
            format!("{name}#{id} {step}")
        }
        ClientEvent::ResumptionUpdate(update) => format!("ResumptionUpdate {}", update.resumable),
        other => told(other),
    }
}

mod ending;
mod moving;
mod orders;
mod outliving;
mod replaying;
mod running;
