//! Thoughts over the wire: shown to who asks, counted for all, and in nothing that is said, transcribed, remembered or resumed.

use serde_json::{Value, json};

use live_server::Server;

use crate::client::{Client, Heard, parts, text};
use crate::running::start;

fn setup(modality: &str, thinking: &Value, handle: Option<&str>) -> String {
    let generation = json!({ "responseModalities": [modality], "thinkingConfig": thinking });
    json!({ "setup": {
        "model": "models/gemini-live-2.5-flash-preview",
        "generationConfig": generation,
        "outputAudioTranscription": {},
        "sessionResumption": { "handle": handle },
    } })
    .to_string()
}

/// What was thought and what was said, in text or in speech, and the usage.
fn told(turn: &[Heard]) -> (String, String, Value) {
    let (mut thoughts, mut said, mut usage) = (String::new(), String::new(), Value::Null);
    for heard in turn {
        let Heard::Json(message) = heard else { panic!("{heard:?}") };
        for part in message["serverContent"]["modelTurn"]["parts"].as_array().into_iter().flatten() {
            let words = part["text"].as_str().unwrap_or_default();
            if part["thought"] == true { &mut thoughts } else { &mut said }.push_str(words);
        }
        said += message["serverContent"]["outputTranscription"]["text"].as_str().unwrap_or_default();
        if message["usageMetadata"].is_object() {
            usage = message["usageMetadata"].clone();
        }
    }
    (thoughts, said, usage)
}

#[tokio::test]
async fn thoughts_are_shown_to_who_asks_and_counted_for_all() {
    let server = start(|_| Server::builder().listen("127.0.0.1:0".parse().unwrap())).await;
    for modality in ["TEXT", "AUDIO"] {
        let mut counted = Vec::new();
        for include in [true, false] {
            let thinking = json!({ "includeThoughts": include, "thinkingBudget": 1024 });
            let mut client = Client::ready(server.address, &setup(modality, &thinking, None)).await;
            client.say("newts").await;
            let (thoughts, said, usage) = told(&client.hear_turn().await);
            let form = if modality == "TEXT" { "text." } else { "speech, with the voice Puck." };
            let all = format!("No rule of mine fits the prompt, so I quote it. I received 1 word. I answer in {form}");
            assert_eq!(thoughts, if include { all.as_str() } else { "" });
            assert_eq!(said.trim(), "You said: \"newts\"");
            assert_eq!(usage["thoughtsTokenCount"], all.len().div_ceil(4), "{usage}");
            counted.push(usage);
        }
        assert_eq!(counted[0], counted[1], "they cost the same, shown or not");

        let mut client = Client::ready(server.address, &setup(modality, &json!({ "thinkingBudget": 0 }), None)).await;
        client.say("newts").await;
        let (_, said, usage) = told(&client.hear_turn().await);
        assert_eq!((said.trim(), &usage["thoughtsTokenCount"]), ("You said: \"newts\"", &Value::Null));
        assert_eq!(usage["responseTokenCount"], counted[0]["responseTokenCount"]);
    }
}

#[tokio::test]
async fn thoughts_are_not_remembered_and_not_resumed() {
    let server = start(|_| Server::builder().listen("127.0.0.1:0".parse().unwrap())).await;
    let mut prompts = Vec::new();
    for (thinking, is_resumed) in [
        (json!({ "thinkingBudget": 0 }), false),
        (json!({ "includeThoughts": true, "thinkingBudget": 1024 }), false),
        (json!({ "includeThoughts": true, "thinkingBudget": 1024 }), true),
    ] {
        let mut client = Client::ready(server.address, &setup("TEXT", &thinking, None)).await;
        let handle = client.converse("newts").await;
        if is_resumed {
            client = Client::ready(server.address, &setup("TEXT", &thinking, Some(&handle))).await;
        }
        client.say("what did I ask?").await;
        let (_, said, usage) = told(&client.hear_turn().await);
        assert_eq!(said, "You asked: \"newts\".");
        prompts.push(usage["promptTokenCount"].clone());
    }
    assert_eq!(prompts, vec![prompts[0].clone(); 3], "a prompt holds no thought");
}

#[tokio::test]
async fn a_thought_can_be_interrupted() {
    let server = start(|server| server).await;
    let thinking = json!({ "includeThoughts": true });
    for modality in ["TEXT", "AUDIO"] {
        let mut client = Client::ready(server.address, &setup(modality, &thinking, None)).await;
        client.say("brood").await;
        while !matches!(client.hear().await, Heard::Json(message) if parts(&[Heard::Json(message.clone())]).any(|part| part["thought"] == true))
        {
        }
        client.say("recall").await;
        let cut = client.hear_turn().await;
        assert!(
            cut.iter().any(|it| matches!(it, Heard::Json(it) if it["serverContent"]["interrupted"] == true)),
            "{cut:?}"
        );
        let (_, said, usage) = told(&cut);
        assert_eq!((said.as_str(), &usage["thoughtsTokenCount"]), ("", &json!(1)), "{cut:?}");
        let next = client.hear_turn().await;
        let (thoughts, said, usage) = told(&next);
        assert_eq!((thoughts.as_str(), said.trim()), ("", "brood, recall"), "{}", text(&next));
        assert_eq!(usage["thoughtsTokenCount"], Value::Null, "of the turn before");
    }
}
