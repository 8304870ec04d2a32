//! The model behind the server's engine: what of its answers reaches a client, as frames.

use std::sync::Arc;
use std::time::Instant;

use expect_test::expect;
use futures_util::StreamExt;
use live_engine::{
    Backend, Engine, Output, ServerCommand, ServerConfig, ServerEngine, ServerEvent, TurnCompletePacing,
};
use live_model::embedded::EmbeddedConfig;
use live_model::{Embedded, Model};
use live_proto::ClientMessage;
use live_proto::json::{self, DecodeOptions};

use crate::talk::Talk;

/// Sends each frame of a client, lets the model answer to its end, and shows what the client receives.
async fn frames(client: &[&str]) -> String {
    let now = Instant::now();
    let model = Embedded::new(EmbeddedConfig { pieces_per_second: 0, ..EmbeddedConfig::default() });
    let config = ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) };
    let mut engine = ServerEngine::new(config, now);
    let mut shown = String::new();
    for frame in client {
        let message = json::decode::<ClientMessage>(frame.as_bytes(), &DecodeOptions::strict()).expect("a valid frame");
        engine.handle_message(message.message, now);
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Send(message) => shown += &format!("{}\n", json::to_string(&message)),
                Output::Event(ServerEvent::Generate(turn, prompt)) => {
                    let mut answer = model.generate(prompt);
                    while let Some(output) = answer.next().await {
                        engine.handle_command(ServerCommand::Model(turn, output), now).expect("the engine has room");
                    }
                }
                Output::Event(_) => {}
                Output::Close(close) => shown += &format!("close {}\n", close.code),
            }
        }
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn a_prompt_is_read_when_its_answer_is_first_polled() {
    let prompt = Talk::new().user("Hello.").prompt();
    let content = Arc::clone(&prompt.history[0]);
    let mut answer = Embedded::default().generate(prompt);
    assert_eq!(Arc::strong_count(&content), 2, "the prompt is kept to be read");
    assert!(answer.next().await.is_some());
    assert_eq!(Arc::strong_count(&content), 1, "what was read is let go");
}

fn text_turn(text: &str) -> String {
    json::to_string(&ClientMessage::text_turn(text))
}

#[tokio::test(start_paused = true)]
async fn a_function_is_called_and_its_answer_told_once() {
    let setup = r#"{"setup": {"model": "models/gemini-live-2.5-flash-preview", "generationConfig": {"responseModalities": ["TEXT"]},
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}}]}]}}"#;
    let called = frames(&[setup, &text_turn("get_weather in 'Oslo'")]).await;
    let id = called.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a call has an id");
    let response = format!(
        r#"{{"toolResponse": {{"functionResponses": [{{"id": "{id}", "name": "get_weather", "response": {{"output": "rain"}}}}]}}}}"#
    );
    let all = frames(&[setup, &text_turn("get_weather in 'Oslo'"), &response, &text_turn("thanks")]).await;
    expect![[r#"
        {"setupComplete":{}}
        {"toolCall":{"functionCalls":[{"name":"get_weather","args":{"city":"Oslo"},"id":"ID"}]}}
        {"serverContent":{"generationComplete":true}}
        {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":9,"responseTokenCount":5,"totalTokenCount":14,"promptTokensDetails":[{"modality":"TEXT","tokenCount":9}],"responseTokensDetails":[{"modality":"TEXT","tokenCount":5}]}}
        {"serverContent":{"modelTurn":{"parts":[{"text":"get_weathe"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":"r"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" says:"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" rain."}]}}}
        {"serverContent":{"generationComplete":true}}
        {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":20,"responseTokenCount":6,"totalTokenCount":26,"promptTokensDetails":[{"modality":"TEXT","tokenCount":20}],"responseTokensDetails":[{"modality":"TEXT","tokenCount":6}]}}
        {"serverContent":{"modelTurn":{"parts":[{"text":"You"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" said:"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" \"thanks\""}]}}}
        {"serverContent":{"generationComplete":true}}
        {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":28,"responseTokenCount":5,"totalTokenCount":33,"promptTokensDetails":[{"modality":"TEXT","tokenCount":28}],"responseTokensDetails":[{"modality":"TEXT","tokenCount":5}]}}
    "#]].assert_eq(&all.replace(id, "ID"));
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_tokens_holds_for_what_is_counted() {
    let setup = r#"{"setup": {"model": "models/gemini-live-2.5-flash-preview", "generationConfig": {"responseModalities": ["TEXT"], "maxOutputTokens": 8}}}"#;
    expect![[r#"
        {"setupComplete":{}}
        {"serverContent":{"modelTurn":{"parts":[{"text":"You"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" said:"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" \"one"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" two"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" three"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" four"}]}}}
        {"serverContent":{"generationComplete":true}}
        {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":7,"responseTokenCount":8,"totalTokenCount":15,"promptTokensDetails":[{"modality":"TEXT","tokenCount":7}],"responseTokensDetails":[{"modality":"TEXT","tokenCount":8}]}}
    "#]].assert_eq(&frames(&[setup, &text_turn("one two three four five six")]).await);
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_tokens_leaves_calls_alone() {
    let setup = r#"{"setup": {"model": "models/gemini-live-2.5-flash-preview", "generationConfig": {"responseModalities": ["TEXT"], "maxOutputTokens": 3}, "tools": [{"functionDeclarations": [{"name": "get_time"}]}]}}"#;
    let ask = r#"{"clientContent": {"turns": [{"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "rain all day long"}}}, {"text": "get_time"}]}], "turnComplete": true}}"#;
    expect![[r#"
        {"setupComplete":{}}
        {"serverContent":{"modelTurn":{"parts":[{"text":"weather"}]}}}
        {"serverContent":{"modelTurn":{"parts":[{"text":" says:"}]}}}
        {"toolCall":{"functionCalls":[{"name":"get_time","args":{},"id":"function-call-8294208416658607535"}]}}
        {"serverContent":{"generationComplete":true}}
        {"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":12,"responseTokenCount":6,"totalTokenCount":18,"promptTokensDetails":[{"modality":"TEXT","tokenCount":12}],"responseTokensDetails":[{"modality":"TEXT","tokenCount":6}]}}
    "#]].assert_eq(&frames(&[setup, ask]).await);
}
