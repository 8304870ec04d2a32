//! Language models that are services and run code here: rounds of calls and answers within one answer to the client.

use std::sync::Arc;

use expect_test::expect;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use live_engine::ModelOutput;
use live_model::http::{Chat, ChatConfig};
use live_model::{BuiltIns, Cascade, CodeExecutor, EmbeddedVoice, Model as _};
use live_proto::{CodeExecutionResult, Content, ExecutableCode, Outcome, Part, PartData};
use serde_json::{Value, json};

use crate::server::{Server, Step, chunks};
use crate::service::{EVENTS, STOP, says, service};
use crate::talk::{Talk, answer, spoken};

const SETUP: &str = r#""generationConfig": {"responseModalities": ["TEXT"]}, "tools": [{"codeExecution": {}}]"#;

/// Says that a program is the program, fails at `fail`, and never ends at `hang`.
#[derive(Clone, Default)]
struct Echo(Arc<()>);

impl CodeExecutor for Echo {
    fn run(&self, code: ExecutableCode) -> BoxFuture<'static, CodeExecutionResult> {
        let alive = Arc::clone(&self.0);
        Box::pin(async move {
            let _alive = alive;
            let outcome = match code.code.as_str() {
                "hang" => std::future::pending().await,
                "fail" => Outcome::Failed,
                _ => Outcome::Ok,
            };
            CodeExecutionResult { outcome, output: format!("<{}>", code.code), ..CodeExecutionResult::default() }
        })
    }

    fn notes(&self) -> &str {
        "It is an echo."
    }
}

fn chat(server: &Server, echo: Echo) -> Chat {
    let built_ins = BuiltIns { code: Some(Arc::new(echo)), ..BuiltIns::default() };
    Chat::new(service(server), ChatConfig { model: "m".to_owned(), ..ChatConfig::default() }).built_ins(built_ins)
}

/// An answer that says `text` and calls functions, by name and arguments.
pub(crate) fn calls(text: &str, functions: &[(&str, &str)]) -> Vec<Step> {
    let calls = functions.iter().enumerate().map(|(index, (name, arguments))| {
        json!({ "index": index, "id": "the same", "function": { "name": name, "arguments": arguments } })
    });
    let delta = json!({ "content": text, "tool_calls": calls.collect::<Vec<_>>() });
    let event = format!("data: {}\n\n", json!({ "choices": [{ "delta": delta, "finish_reason": "tool_calls" }] }));
    chunks(EVENTS, [event.as_bytes(), b"data: [DONE]\n\n"])
}

pub(crate) fn text(text: &str) -> Vec<Step> {
    chunks(EVENTS, [says(text).as_bytes(), STOP.as_bytes()])
}

/// The messages of a request, one a line.
pub(crate) fn messages(body: &Value) -> String {
    body["messages"].as_array().expect("messages").iter().map(|message| format!("{message}\n")).collect()
}

#[tokio::test]
async fn code_is_run_and_what_it_gave_goes_back() {
    let server = Server::start(vec![
        calls("Let me see. ", &[("run_python", r#"{"code": "1 + 1"}"#)]),
        calls("", &[("run_python", r#"{"code": "fail"}"#), ("run_python", r#"{"code": "2"}"#)]),
        text("It is done."),
    ])
    .await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    expect![[r#"
        text "Let me see. "
        code "1 + 1"
        gave Ok "<1 + 1>"
        code "fail"
        gave Failed "<fail>"
        code "2"
        gave Ok "<2>"
        text "It is done."
        end Complete
    "#]]
    .assert_eq(&shown);
    let asked: Vec<Value> = server.asked().iter().map(|asked| asked.json()).collect();
    let tools = asked[0]["tools"].to_string();
    expect![[r#"[{"function":{"description":"Runs Python and returns what it prints. It is an echo.","name":"run_python","parameters":{"properties":{"code":{"description":"The program. It has to print its results.","type":"string"}},"required":["code"],"type":"object"}},"type":"function"}]"#]]
    .assert_eq(&tools);
    assert_eq!(asked[2]["tools"].to_string(), tools);
    expect![[r#"
        {"content":"Compute.","role":"user"}
        {"content":"Let me see. ","role":"assistant","tool_calls":[{"function":{"arguments":"{\"code\": \"1 + 1\"}","name":"run_python"},"id":"call_1_0","type":"function"}]}
        {"content":"{\"outcome\":\"OUTCOME_OK\",\"output\":\"<1 + 1>\"}","role":"tool","tool_call_id":"call_1_0"}
        {"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"code\": \"fail\"}","name":"run_python"},"id":"call_2_0","type":"function"},{"function":{"arguments":"{\"code\": \"2\"}","name":"run_python"},"id":"call_2_1","type":"function"}]}
        {"content":"{\"outcome\":\"OUTCOME_FAILED\",\"output\":\"<fail>\"}","role":"tool","tool_call_id":"call_2_0"}
        {"content":"{\"outcome\":\"OUTCOME_OK\",\"output\":\"<2>\"}","role":"tool","tool_call_id":"call_2_1"}
    "#]]
    .assert_eq(&messages(&asked[2]));
}

#[tokio::test]
async fn functions_of_the_client_are_called_behind_it() {
    let server = Server::start(vec![calls("", &[("f", r#"{"n": 1}"#), ("run_python", r#"{"code": "1"}"#)])]).await;
    let setup = r#""generationConfig": {"responseModalities": ["TEXT"]},
        "tools": [{"codeExecution": {}}, {"functionDeclarations": [{"name": "f"}]}]"#;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(setup).ask("Compute.")).await;
    expect![[r#"
        code "1"
        gave Ok "<1>"
        calls {"name":"f","args":{"n":1}}
        end Complete
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn a_client_may_have_a_function_of_that_name() {
    let server = Server::start(vec![calls("", &[("run_python", "{}")])]).await;
    let setup = r#""generationConfig": {"responseModalities": ["TEXT"]},
        "tools": [{"codeExecution": {}, "functionDeclarations": [{"name": "run_python"}]}]"#;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(setup).ask("Compute.")).await;
    assert_eq!(shown, "calls {\"name\":\"run_python\",\"args\":{}}\nend Complete\n");
    let tools = server.asked().remove(0).json()["tools"].clone();
    assert_eq!([&tools[0]["function"]["name"], &tools[1]["function"]["name"]], ["run_python", "run_python_"]);
}

#[tokio::test]
async fn it_is_offered_only_where_it_is_set_up() {
    let server = Server::start(vec![calls("", &[("run_python", r#"{"code": "1"}"#)])]).await;
    let setup = r#""generationConfig": {"responseModalities": ["TEXT"]}"#;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(setup).ask("Compute.")).await;
    assert_eq!(shown, "end MalformedFunctionCall\n");
    assert!(server.asked().remove(0).json()["tools"].is_null());
}

#[tokio::test]
async fn arguments_that_cannot_be_meant_are_told_to_the_model() {
    let server =
        Server::start(vec![calls("", &[("run_python", "print(1)"), ("run_python", r#"{"code": 1}"#)]), text("Oh.")])
            .await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    assert_eq!(shown, "text \"Oh.\"\nend Complete\n");
    let told = messages(&server.asked().remove(1).json());
    assert_eq!(
        told.matches(r#"the arguments are to be a JSON object with a string \\\"code\\\""#).count(),
        2,
        "{told}"
    );
}

#[tokio::test]
async fn rounds_and_calls_have_an_end() {
    let call = || calls("", &[("run_python", r#"{"code": "1"}"#)]);
    let server = Server::start((0..8).map(|_| call()).chain([text("Enough.")]).collect()).await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    assert_eq!(shown.matches("gave").count(), 8, "{shown}");
    assert!(shown.ends_with("text \"Enough.\"\nend Complete\n"), "{shown}");
    let asked = server.asked();
    assert!(asked[7].json()["tools"].is_array() && asked[8].json()["tools"].is_null());
    // One that calls all the same has called what is not there.
    let server = Server::start((0..9).map(|_| call()).collect()).await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    assert!(shown.ends_with("end MalformedFunctionCall\n"), "{shown}");

    let many = vec![("run_python", r#"{"code": "1"}"#); 20];
    let server = Server::start(vec![calls("", &many), text("Many.")]).await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    assert_eq!(shown.matches("gave").count(), 16, "{shown}");
    let told = messages(&server.asked().remove(1).json());
    assert_eq!(told.matches("more than 16 calls at once").count(), 4, "{told}");
    let answered = (0..20).filter(|at| told.contains(&format!(r#""tool_call_id":"call_1_{at}""#))).count();
    assert_eq!(answered, 20, "each call is answered");
}

#[tokio::test]
async fn a_service_that_fails_in_a_later_round_has_failed() {
    let broken = chunks(EVENTS, [&b"data: {\"choices\":[]}\n\n"[..]]);
    let server = Server::start(vec![calls("", &[("run_python", r#"{"code": "1"}"#)]), broken]).await;
    let shown = answer(&chat(&server, Echo::default()), Talk::new(SETUP).ask("Compute.")).await;
    assert!(shown.starts_with("code \"1\"\ngave Ok \"<1>\"\nfailed ") && shown.contains("broke off"), "{shown}");
}

#[tokio::test]
async fn whoever_interrupts_ends_the_run() {
    let server = Server::start(vec![calls("", &[("run_python", r#"{"code": "hang"}"#)])]).await;
    let echo = Echo::default();
    let model = chat(&server, echo.clone());
    let mut answer = model.generate(Talk::new(SETUP).ask("Compute."));
    assert!(matches!(answer.next().await, Some(ModelOutput::ExecutableCode(_))));
    assert!(answer.next().now_or_never().is_none(), "it hangs");
    let alive = Arc::strong_count(&echo.0);
    drop((answer, model));
    assert!(Arc::strong_count(&echo.0) < alive && Arc::strong_count(&echo.0) == 1, "nothing is left of it");
}

#[tokio::test]
async fn programs_of_the_conversation_are_calls_again() {
    let server = Server::start(vec![text("x")]).await;
    let code =
        |code: &str| Part::from(PartData::from(ExecutableCode { code: code.to_owned(), ..ExecutableCode::default() }));
    let gave = |output: &str| {
        let output = output.to_owned();
        Part::from(PartData::from(CodeExecutionResult {
            outcome: Outcome::Ok,
            output,
            ..CodeExecutionResult::default()
        }))
    };
    let model = Content::model(vec![Part::text("See: "), code("1"), gave("one"), Part::text("One."), code("2")]);
    let prompt = Talk::new(SETUP).say(vec![Content::user("Hi."), model, Content::user("And?")]);
    answer(&chat(&server, Echo::default()), prompt).await;
    expect![[r#"
        {"content":"Hi.","role":"user"}
        {"content":"See: ","role":"assistant","tool_calls":[{"function":{"arguments":"{\"code\":\"1\"}","name":"run_python"},"id":"program_1","type":"function"}]}
        {"content":"{\"outcome\":\"OUTCOME_OK\",\"output\":\"one\"}","role":"tool","tool_call_id":"program_1"}
        {"content":"One.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"code\":\"2\"}","name":"run_python"},"id":"program_2","type":"function"}]}
        {"content":"{\"error\":\"the run was interrupted\"}","role":"tool","tool_call_id":"program_2"}
        {"content":"And?","role":"user"}
    "#]]
    .assert_eq(&messages(&server.asked().remove(0).json()));
}

#[tokio::test]
async fn in_speech_the_words_are_spoken_and_code_is_not() {
    let setup = r#""generationConfig": {"responseModalities": ["AUDIO"]}, "tools": [{"codeExecution": {}}]"#;
    let server = Server::start(vec![calls("Let me see.", &[("run_python", r#"{"code": "1"}"#)]), text("One.")]).await;
    let model = Cascade::new(chat(&server, Echo::default()), EmbeddedVoice);
    assert!(model.built_in_tools().code_execution);
    let outputs: Vec<_> = model.generate(Talk::new(setup).ask("Compute.")).collect().await;
    let shown: Vec<String> = outputs
        .iter()
        .filter_map(|output| {
            if let ModelOutput::Speech { text, .. } = output {
                (!text.is_empty()).then(|| text.clone())
            } else if let ModelOutput::ExecutableCode(code) = output {
                Some(format!("[{}]", code.code))
            } else if let ModelOutput::CodeExecutionResult(result) = output {
                Some(format!("[{}]", result.output))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(shown.concat(), "Let me see.[1][<1>] One.");
    let (text, samples, _) = spoken(
        &Cascade::new(chat(&Server::start(vec![text("One.")]).await, Echo::default()), EmbeddedVoice),
        Talk::new(setup).ask("Compute."),
    )
    .await;
    assert!(text == "One." && !samples.is_empty());
}
