//! The scenarios of tools, as a client sees them: functions that run at its end, and what the model's own send.
//!
//! Each is one claim, and panics where it does not hold. What ends a function's wait beside these is the engine's to test.

use std::time::Duration;

use live_engine::{
    Backend, BuiltInTools, Cause, ClientCommand, ClientEvent, CloseReason, Limits, Phase, Rule, ServerConfig,
    TurnCompletePacing, Violation, Why,
};
use live_proto::{
    Behavior, ClientMessage, CodeExecution, FunctionCall, FunctionDeclaration, FunctionResponse, Modality, PartData,
    Scheduling, Schema, SchemaType, Setup, Struct, Tool, Value,
};

use crate::scenario::{Client, has, setup, start, text};
use crate::{Connection, Wire, model};

fn declare(name: &str, behavior: Behavior) -> FunctionDeclaration {
    FunctionDeclaration { name: name.into(), behavior, ..FunctionDeclaration::default() }
}

fn with_functions(functions: Vec<FunctionDeclaration>, setup: Setup) -> Setup {
    Setup { tools: vec![Tool { function_declarations: functions, ..Tool::default() }], ..setup }
}

fn weather(behavior: Behavior, modality: Modality) -> Setup {
    with_functions(vec![declare("weather", behavior)], setup(modality))
}

fn is_call(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::ToolCall(_))
}

fn is_interruption(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Interrupted { .. })
}

/// Waits for the next call.
fn hear_call<W: Wire>(client: &mut Client<W>) -> FunctionCall {
    let Some(ClientEvent::ToolCall(call)) = client.hear(is_call).pop() else { unreachable!("it ends so") };
    call
}

fn result(call: &FunctionCall) -> FunctionResponse {
    FunctionResponse::new(&call.id, &call.name, Struct::default())
}

fn answer<W: Wire>(client: &mut Client<W>, response: FunctionResponse) {
    client.say(ClientMessage::tool_response(vec![response]));
}

/// What is said from the next word on, to the end of its turn.
fn hear_text<W: Wire>(client: &mut Client<W>) -> String {
    let mut heard = client.hear(|event| matches!(event, ClientEvent::Text { .. }));
    heard.extend(client.hear_turn());
    text(&heard)
}

/// A session whose model has called `weather` and does not stand still for it.
fn call_and_go_on<W: Wire>(wire: &W, setup: Setup) -> (Client<W>, FunctionCall) {
    let mut client = Client::dial(wire, setup);
    client.say(ClientMessage::text_turn("call weather"));
    let call = hear_call(&mut client);
    client.hear_turn();
    (client, call)
}

/// A call with its arguments, and the answer under its id.
pub fn a_function_is_called_and_its_answer_said<W: Wire>() {
    let wire = start::<W>();
    let mut client = Client::dial(&wire, weather(Behavior::Unspecified, Modality::Text));
    client.say(ClientMessage::text_turn("call weather"));
    let call = hear_call(&mut client);
    let city = call.args.as_ref().and_then(|args| args.0.get("city"));
    assert_eq!((call.name.as_str(), city), ("weather", Some(&Value::String("Oslo".into()))));
    answer(&mut client, result(&call));
    assert_eq!(hear_text(&mut client), format!("you said weather for {}", call.id));
}

/// In any order; the model goes on with the last, and hears all of them.
pub fn calls_of_one_message_are_answered_one_by_one<W: Wire>() {
    let wire = start::<W>();
    let names = ["weather", "time", "news"];
    let functions = names.map(|name| declare(name, Behavior::Blocking)).to_vec();
    let mut client = Client::dial(&wire, with_functions(functions, setup(Modality::Text)));
    client.say(ClientMessage::text_turn("call weather time news"));
    let calls = names.map(|_| hear_call(&mut client));
    assert_eq!(calls.each_ref().map(|call| call.name.as_str()), names);
    for at in [1, 2, 0] {
        answer(&mut client, result(&calls[at]));
    }
    assert_eq!(hear_text(&mut client), format!("you said weather for {}", calls[0].id));
    client.say(ClientMessage::text_turn("count"));
    // The question, the calls, their answers, what was said to them, and this one.
    assert_eq!(hear_text(&mut client), "7 contents");
}

/// By its id, and its answer would come too late.
pub fn a_new_turn_withdraws_what_was_called<W: Wire>() {
    let wire = start::<W>();
    let mut client = Client::dial(&wire, weather(Behavior::Blocking, Modality::Text));
    client.say(ClientMessage::text_turn("call weather"));
    let call = hear_call(&mut client);
    client.say(ClientMessage::text_turn("stop"));
    let withdrawn = client.hear(|event| matches!(event, ClientEvent::ToolCallCancellation(_))).pop();
    assert_eq!(withdrawn, Some(ClientEvent::ToolCallCancellation(vec![call.id.clone()])));
    assert_eq!(hear_text(&mut client), "you said stop");
    let late = client.0.command(ClientCommand::Send(ClientMessage::tool_response(vec![result(&call)])));
    assert_eq!(late.expect_err("nobody waits for it").why, Why::NoSuchCall);
}

/// The model is told so in its place, and goes on.
pub fn a_function_that_does_not_answer_is_withdrawn<W: Wire>() {
    let limits = Limits { call_deadline: Duration::ZERO, ..Limits::default() };
    let pacing = TurnCompletePacing::Immediate;
    let wire = W::start(ServerConfig { pacing, limits, ..ServerConfig::new(Backend::Gemini) });
    let mut client = Client::dial(&wire, weather(Behavior::Blocking, Modality::Text));
    client.say(ClientMessage::text_turn("call weather"));
    let call = hear_call(&mut client);
    let withdrawn = client.hear(|event| matches!(event, ClientEvent::ToolCallCancellation(_))).pop();
    assert_eq!(withdrawn, Some(ClientEvent::ToolCallCancellation(vec![call.id.clone()])));
    let said = format!("you said weather failed: no answer came within 0 s for {}", call.id);
    assert_eq!(hear_text(&mut client), said);
}

/// `INTERRUPT`: what the model was saying ends there, and it speaks of the answer.
pub fn an_answer_that_is_to_interrupt_interrupts<W: Wire>() {
    let wire = start::<W>();
    let (mut client, call) = call_and_go_on(&wire, weather(Behavior::NonBlocking, Modality::Text));
    client.say(ClientMessage::text_turn("forever"));
    client.hear(|event| matches!(event, ClientEvent::Text { .. }));
    answer(&mut client, FunctionResponse { scheduling: Some(Scheduling::Interrupt), ..result(&call) });
    let cut = client.hear_turn();
    assert!(has(&cut, is_interruption), "{cut:?}");
    assert_eq!(hear_text(&mut client), format!("you said weather for {}", call.id));
}

/// `WHEN_IDLE`: the model says what it had to say, and then speaks of the answer by itself.
pub fn an_answer_for_when_the_model_is_idle_waits<W: Wire>() {
    let wire = W::start(ServerConfig::new(Backend::Gemini));
    let output_audio_transcription = Some(Box::default());
    let setup = Setup { output_audio_transcription, ..weather(Behavior::NonBlocking, Modality::Audio) };
    let (mut client, call) = call_and_go_on(&wire, setup);
    client.say(ClientMessage::text_turn("hello"));
    let mut spoken = client.hear(|event| matches!(event, ClientEvent::Audio { .. }));
    answer(&mut client, FunctionResponse { scheduling: Some(Scheduling::WhenIdle), ..result(&call) });
    spoken.extend(client.hear_turn());
    assert!(!has(&spoken, is_interruption), "{spoken:?}");
    assert_eq!(transcript(&spoken), "you said hello");
    assert_eq!(transcript(&client.hear_turn()), format!("you said weather for {}", call.id));
}

fn transcript(heard: &[ClientEvent]) -> String {
    let said = |event: &ClientEvent| {
        let ClientEvent::OutputTranscription { transcription, .. } = event else { return None };
        Some(transcription.text.clone())
    };
    heard.iter().filter_map(said).collect()
}

/// `SILENT`: the model knows of it when it is asked for something else.
pub fn a_silent_answer_begins_no_turn<W: Wire>() {
    let wire = start::<W>();
    let (mut client, call) = call_and_go_on(&wire, weather(Behavior::NonBlocking, Modality::Text));
    answer(&mut client, FunctionResponse { scheduling: Some(Scheduling::Silent), ..result(&call) });
    client.say(ClientMessage::text_turn("count"));
    let heard = client.hear_turn();
    // The question, the call, its answer, and this one.
    assert_eq!(text(&heard), "4 contents");
    assert!(!has(&heard, is_interruption), "{heard:?}");
}

/// With the code and the text of the rule that it breaks.
pub fn a_malformed_declaration_is_refused<W: Wire>() {
    let wire = start::<W>();
    let typed = |r#type| {
        let parameters = Some(Box::new(Schema { r#type, ..Schema::default() }));
        FunctionDeclaration { parameters, ..declare("weather", Behavior::Unspecified) }
    };
    let name = |name| declare(name, Behavior::Unspecified);
    for (functions, rule) in [
        (vec![name("")], Rule::FunctionNameMissing),
        (vec![name("the weather")], Rule::FunctionNameCharacters),
        (vec![name("weather"), name("weather")], Rule::FunctionDeclaredTwice),
        (vec![typed(SchemaType::String)], Rule::ArgumentsNotObject),
    ] {
        check_refused(&wire, with_functions(functions, setup(Modality::Text)), rule, Cause::InvalidArgument);
    }
}

/// The model has it, and this server does not.
pub fn a_tool_that_nothing_runs_is_refused<W: Wire>() {
    check_refused(&start::<W>(), with_code(), Rule::BuiltInNotRun, Cause::Other);
}

fn with_code() -> Setup {
    let tools = vec![Tool { code_execution: Some(CodeExecution::default()), ..Tool::default() }];
    Setup { tools, ..setup(Modality::Text) }
}

fn check_refused<W: Wire>(wire: &W, setup: Setup, rule: Rule, cause: Cause) {
    let found = Client::dial(wire, setup).hear_end();
    let told = CloseReason::Violation(Violation::new(rule, "")).told();
    assert_eq!((found.code, found.reason.as_str()), (Some(told.code), told.text.as_str()), "{rule:?}");
    assert_eq!((found.cause, found.phase), (cause, Phase::Setup), "{rule:?}");
}

/// In that order, and before what the model makes of them.
pub fn code_and_what_it_gave_are_parts_of_the_answer<W: Wire>() {
    let built_in_tools = BuiltInTools { code_execution: true, ..BuiltInTools::NONE };
    let pacing = TurnCompletePacing::Immediate;
    let wire = W::start(ServerConfig { pacing, built_in_tools, ..ServerConfig::new(Backend::Gemini) });
    let mut client = Client::dial(&wire, with_code());
    client.say(ClientMessage::text_turn("run"));
    let heard = client.hear_turn();
    let part = |event: &ClientEvent| {
        let ClientEvent::Part { part, .. } = event else { return None };
        part.data.clone()
    };
    let parts: Vec<PartData> = heard.iter().filter_map(part).collect();
    let (code, output) = model::code();
    assert_eq!(parts, [PartData::ExecutableCode(code.into()), PartData::CodeExecutionResult(output.into())]);
    assert_eq!(text(&heard), "it is 4");
    assert!(matches!(heard.iter().find(|event| is_of_answer(event)), Some(ClientEvent::Part { .. })), "{heard:?}");
}

fn is_of_answer(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Part { .. } | ClientEvent::Text { .. })
}
