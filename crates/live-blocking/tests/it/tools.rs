//! Functions that a session runs by itself, on threads, against our own server on threads.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use live_blocking::schemars::JsonSchema;
use live_blocking::{Aborted, Call, Connector, Next, Options, Session, ToolError, Tools, UpdateToolsError};
use live_engine::{
    ClientEvent, ClientSessionConfig, EndReason, LateAnswers, ModelOutput, Prompt, ReconnectPolicy, ToolStep,
};
use live_proto::{
    ClientMessage, FunctionCall, FunctionResponse, Modality, Part, PartData, Scheduling, SessionResumptionConfig,
    Setup, Struct, Value,
};
use serde::Deserialize;

use crate::resuming::Wire;
use crate::world::{Hears, MODEL, Running, config, hear, options, request, text};

/// Calls what it is told to, with `{"number": 7}` as arguments, and tells what it is answered.
fn caller(prompt: Prompt) -> std::vec::IntoIter<ModelOutput> {
    let (mut words, mut calls) = (String::new(), Vec::new());
    for Part { data, .. } in prompt.unanswered().iter().flat_map(|content| &content.parts) {
        match data {
            Some(PartData::FunctionResponse(response)) if response.scheduling == Some(Scheduling::Silent) => {}
            Some(PartData::FunctionResponse(response)) => words += &format!("{};", told(response)),
            Some(PartData::Text(text)) if text.starts_with("call ") => {
                let call = |name: &str| FunctionCall {
                    name: name.into(),
                    args: Some([("number", 7)].into_iter().collect()),
                    ..FunctionCall::default()
                };
                calls.extend(text.split(' ').skip(1).map(call));
            }
            Some(PartData::Text(text)) => words += &format!("heard {text};"),
            _ => {}
        }
    }
    let mut outputs = Vec::new();
    if !words.is_empty() {
        outputs.push(ModelOutput::Text(words));
    }
    if !calls.is_empty() {
        outputs.push(ModelOutput::ToolCalls(calls));
    }
    outputs.push(ModelOutput::End(EndReason::Complete));
    outputs.into_iter()
}

fn told(response: &FunctionResponse) -> String {
    let fields = response.response.iter().flat_map(|Struct(fields)| fields);
    let fields: Vec<String> = fields
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key} {text}"),
            Value::Number(number) => format!("{key} {number}"),
            other => panic!("{other:?}"),
        })
        .collect();
    let more = if response.will_continue { " .." } else { "" };
    format!("{} {}{more}", response.name, fields.join(", "))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "live_blocking::schemars")]
struct Args {
    number: i64,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "live_blocking::schemars")]
struct Other {
    #[serde(rename = "number")]
    _number: String,
}

fn session(address: SocketAddr, policy: ReconnectPolicy, tools: Tools) -> Session {
    let mut setup = Setup::new(MODEL).with_modality(Modality::Text);
    setup.session_resumption = Some(SessionResumptionConfig::default());
    let config = ClientSessionConfig { reconnect: Some(policy), ..ClientSessionConfig::new(setup) };
    let connector = Connector::without_roots().expect("TLS works");
    let mut session =
        Session::with_tools(request(address), connector, config, tools, Options::client()).expect("it is declared");
    hear(&mut session, |event| matches!(event, ClientEvent::Ready { .. }));
    session
}

fn is_idle(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Idle)
}

fn asked(session: &mut Session, words: &str) -> String {
    assert_eq!(session.send(ClientMessage::text_turn(words)), Ok(()));
    let heard = hear(session, is_idle);
    text(&heard)
}

fn stepped(to: ToolStep) -> impl Fn(&ClientEvent) -> bool {
    move |event| matches!(event, ClientEvent::ToolRun { step, .. } if *step == to)
}

#[test]
fn functions_run_beside_each_other_and_are_answered_in_order() {
    let server = Running::new(config(), options(), caller);
    let together = Arc::new(Barrier::new(2));
    let meets = |word: &'static str| {
        let together = together.clone();
        move |args: Args, call: &Call| {
            assert_eq!(call.name, word);
            assert!(!call.id.is_empty() && !call.is_aborted());
            together.wait();
            Ok::<_, String>(format!("{word}{}", args.number))
        }
    };
    let tools = Tools::new().function("first", "", meets("first")).function("second", "", meets("second"));
    let mut session = session(server.address, ReconnectPolicy::default(), tools);
    for _ in 0..10 {
        assert_eq!(asked(&mut session, "call first second"), "first output first7;second output second7;");
    }
    assert_eq!(asked(&mut session, "hello"), "heard hello;");
}

#[test]
fn failures_panics_and_misfits_are_told() {
    let server = Running::new(config(), options(), caller);
    let tools = Tools::new()
        .function("fails", "", |_: Args, _| Err::<(), _>("no"))
        .function("panics", "", |_: Args, _| -> Result<(), String> { panic!("told to panic") })
        .function("misfits", "", |_: Other, _| Ok::<_, String>("ran"))
        .raw(
            live_proto::FunctionDeclaration { name: "raw".into(), ..live_proto::FunctionDeclaration::default() },
            |args, _| Ok([("number", args.get("number").cloned().unwrap_or_default())].into_iter().collect()),
        );
    let mut session = session(server.address, ReconnectPolicy::default(), tools);
    assert_eq!(asked(&mut session, "call fails"), "fails error no;");
    assert_eq!(asked(&mut session, "call panics"), "panics error it panicked;");
    assert_eq!(asked(&mut session, "call raw"), "raw number 7;");
    let fault = Tools::new().function("f", "", |_: String, _| Ok::<_, String>(()));
    let refused = session.update_tools(fault).expect_err("arguments have names");
    assert!(matches!(refused, UpdateToolsError::Tool(ToolError::Arguments { .. })), "{refused}");
    // The server holds calls to what is declared, so that a misfit is of its own declaration's making.
    let misfit = Tools::new().raw(
        live_proto::FunctionDeclaration { name: "misfits".into(), ..live_proto::FunctionDeclaration::default() },
        |_, _| Err("args.number: invalid type: integer `7`, expected a string".into()),
    );
    assert_eq!(session.update_tools(misfit), Ok(()));
    let answer = asked(&mut session, "call misfits");
    assert_eq!(answer, "misfits error args.number: invalid type: integer `7`, expected a string;");
}

/// A function that waits for a word, and says whether it came before nobody listened any more.
fn gated() -> (Sender<&'static str>, Receiver<bool>, Tools) {
    let (gate, opens) = channel();
    let opens = Mutex::new(opens);
    let (tells, ended) = channel();
    let tools = Tools::new().function("wait", "", move |_: Args, call| {
        let opens = opens.lock().expect("nobody panics with it");
        loop {
            match opens.recv_timeout(Duration::from_millis(1)) {
                Ok(word) => {
                    _ = tells.send(true);
                    return Ok::<_, String>(word);
                }
                Err(_) if call.is_aborted() => {
                    _ = tells.send(false);
                    return Ok("late");
                }
                Err(_) => {}
            }
        }
    });
    (gate, ended, tools)
}

#[test]
fn a_user_who_goes_on_and_a_limit_tell_the_function_that_nobody_waits() {
    let server = Running::new(config(), options(), caller);
    let (gate, ended, tools) = gated();
    let mut waits = session(server.address, ReconnectPolicy::default(), tools);
    assert_eq!(waits.send(ClientMessage::text_turn("call wait")), Ok(()));
    hear(&mut waits, stepped(ToolStep::Called { blocking: true }));
    // While it runs, time passes as ever.
    while let Next::Event(_) = Hears::next(&mut waits, Some(Duration::ZERO)) {}
    assert!(waits.is_open());
    assert_eq!(asked(&mut waits, "never mind"), "heard never mind;");
    assert_eq!(ended.recv(), Ok(false));
    assert!(gate.send("on").is_ok());
    assert_eq!(asked(&mut waits, "call wait"), "wait output on;");
    assert_eq!(ended.recv(), Ok(true));

    let (_gate, ended, tools) = gated();
    let mut limited = session(server.address, ReconnectPolicy::default(), tools.time_limit(Duration::from_millis(20)));
    assert_eq!(asked(&mut limited, "call wait"), "wait error it took too long and was stopped;");
    assert_eq!(ended.recv(), Ok(false));

    let (_gate, ended, tools) = gated();
    let mut dropped = session(server.address, ReconnectPolicy::default(), tools);
    assert_eq!(dropped.send(ClientMessage::text_turn("call wait")), Ok(()));
    hear(&mut dropped, stepped(ToolStep::Called { blocking: true }));
    // It begins to run with the next look.
    while let Next::Event(_) = Hears::next(&mut dropped, Some(Duration::ZERO)) {}
    drop(dropped);
    assert_eq!(ended.recv(), Ok(false));
}

#[test]
fn a_generator_is_told_piece_by_piece_and_scheduling_is_kept() {
    let server = Running::new(config(), options(), caller);
    let (tells, ended) = channel();
    let tools = Tools::new()
        .generator("watch", "", |_: Args, _, say: &mut dyn FnMut(&u32) -> Result<(), Aborted>| {
            (1..=2).try_for_each(|number| say(&number))
        })
        .generator("for_ever", "", move |_: Args, call, say: &mut dyn FnMut(&u32) -> Result<(), Aborted>| {
            let mut said = 0;
            while say(&said).is_ok() {
                said += 1;
            }
            _ = tells.send(call.is_aborted());
            Err(Aborted)
        })
        .non_blocking(Scheduling::Silent)
        .function("hush", "", |_: Args, _| Ok::<_, String>("nobody hears it"))
        .non_blocking(Scheduling::Silent);
    let mut session = session(server.address, ReconnectPolicy::default(), tools);
    assert_eq!(session.send(ClientMessage::text_turn("call watch")), Ok(()));
    let mut heard = hear(&mut session, stepped(ToolStep::Finished));
    while !text(&heard).contains("output 2") {
        heard.extend(hear(&mut session, |event| matches!(event, ClientEvent::TurnComplete { .. })));
    }
    assert!(text(&heard).starts_with("watch output 1 ..;"), "{}", text(&heard));
    hear(&mut session, is_idle);

    assert_eq!(session.send(ClientMessage::text_turn("call hush")), Ok(()));
    let mut heard = hear(&mut session, stepped(ToolStep::Finished));
    heard.extend(hear(&mut session, is_idle));
    assert_eq!(text(&heard), "");

    assert_eq!(session.send(ClientMessage::text_turn("call for_ever")), Ok(()));
    hear(&mut session, stepped(ToolStep::Called { blocking: false }));
    session.close();
    assert_eq!(ended.recv(), Ok(true));
}

#[test]
fn a_function_outlives_the_connection_it_was_called_over() {
    for (late_answers, answer) in
        [(LateAnswers::AsText, "heard The function wait"), (LateAnswers::AsCall, "wait output on;")]
    {
        let memory: Arc<live_blocking::Memory> = Arc::default();
        let server = Running::keeping(memory, |_| config().into(), options(), caller);
        let wire = Wire::new(server.address);
        let (gate, ended, tools) = gated();
        let policy = ReconnectPolicy { late_answers, stable_after: Duration::ZERO, ..ReconnectPolicy::default() };
        let mut session = session(wire.address, policy, tools.non_blocking(Scheduling::WhenIdle));
        assert_eq!(session.send(ClientMessage::text_turn("call wait")), Ok(()));
        hear(&mut session, stepped(ToolStep::Called { blocking: false }));
        // The server keeps the call with what it keeps of the session.
        hear(&mut session, |event| matches!(event, ClientEvent::ResumptionUpdate(update) if update.resumable));
        wire.cut();
        hear(&mut session, |event| matches!(event, ClientEvent::Reconnecting { .. }));
        assert!(gate.send("on").is_ok());
        hear(&mut session, |event| matches!(event, ClientEvent::Resumed { restored: true, .. }));
        let mut heard = Vec::new();
        while !text(&heard).contains(answer) {
            heard.extend(hear(&mut session, |event| matches!(event, ClientEvent::TurnComplete { .. })));
        }
        assert_eq!(ended.recv(), Ok(true), "it ran once");
        session.close();
    }
}
