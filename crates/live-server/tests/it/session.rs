//! Sessions as they should go, and as they should not.

use futures_util::SinkExt as _;
use live_server::Strictness;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{AUDIO_SETUP, Client, GEMINI, Heard, TEXT_SETUP, VERTEX, parts, text};
use crate::running::start;

#[tokio::test]
async fn a_text_turn_is_answered_in_text() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    for words in ["hello", "and again"] {
        client.say(words).await;
        let turn = client.hear_turn().await;
        assert_eq!(text(&turn), format!("you said {words}"));
        let Some(Heard::Json(last)) = turn.last() else { panic!("{turn:?}") };
        assert!(last["usageMetadata"]["responseTokenCount"].as_u64().is_some_and(|tokens| tokens > 0), "{last}");
    }
    client.0.close(None).await.unwrap();
    assert_eq!(client.hear_close().await.0, 1005);
    drop(client);
    let stats = server.stop().await;
    assert_eq!((stats.sessions_total, stats.sessions_open, stats.violations), (1, 0, 0));
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_rule_the_place_and_the_way_out() {
    let server = start(|server| server).await;
    let mut client = Client::open(server.address, GEMINI, &[]).await;
    let setup = json!({"setup": {"model": "models/gemini-3.8-live", "generationConfig": {
        "temperature": 7, "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "a-voice-of-this-test"}}}}}});
    client.send(&setup.to_string()).await;
    let told = (1007, "No matching speaker voice found for name: a-voice-of-this-test".to_owned());
    assert_eq!(client.hear_close().await, told, "the first of what is wrong");
    server.stop().await;
    let line = crate::log::line("a-voice-of-this-test", "the client broke a rule");
    for part in [
        "id=\"setup.voice-unknown\"",
        "path=\"setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName\"",
        "rule=\"the model has no voice \\\"a-voice-of-this-test\\\"\"",
        "fix=\"use one of its voices, such as Puck; names are case-sensitive\"",
        "code=1007",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn an_audio_turn_is_answered_in_sound_one_part_a_message() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, AUDIO_SETUP).await;
    client.say("sing").await;
    let turn = client.hear_turn().await;
    let mut bytes = 0;
    for part in parts(&turn) {
        assert_eq!(part["inlineData"]["mimeType"], "audio/pcm;rate=24000");
        bytes += part["inlineData"]["data"].as_str().unwrap().len() / 4 * 3;
    }
    assert_eq!(bytes, 2 * 1920);
    for heard in &turn {
        let Heard::Json(message) = heard else { panic!("{turn:?}") };
        assert!(
            message["serverContent"]["modelTurn"]["parts"].as_array().is_none_or(|parts| parts.len() == 1),
            "{message}"
        );
    }
}

#[tokio::test]
async fn spoken_input_between_activity_marks_is_a_turn() {
    let server = start(|server| server).await;
    let setup = r#"{"setup": {"model": "models/gemini-2.0-flash-live-001", "generation_config": {"response_modalities": ["TEXT"]},
        "realtimeInputConfig": {"automatic_activity_detection": {"disabled": true}}}}"#;
    let mut client = Client::ready(server.address, setup).await;
    client.send(r#"{"realtime_input": {"activityStart": {}}}"#).await;
    // What Python sends: snake_case inside, the URL-safe alphabet.
    client.send(r#"{"realtime_input": {"audio": {"data": "_-8AAA==", "mime_type": "audio/pcm;rate=16000"}}}"#).await;
    client.send(r#"{"realtimeInput": {"activityEnd": {}}}"#).await;
    assert_eq!(text(&client.hear_turn().await), "you said 4 bytes of audio/pcm;rate=16000");
}

#[tokio::test]
async fn a_new_turn_interrupts_the_one_that_runs() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("hold").await;
    assert_eq!(text(&[client.hear().await]), "holding");
    client.say("go on").await;
    let interrupted = client.hear_turn().await;
    assert_eq!(interrupted[0], Heard::Json(json!({ "serverContent": { "interrupted": true } })));
    assert_eq!(text(&client.hear_turn().await), "you said go on");
}

#[tokio::test]
async fn the_path_decides_the_dialect() {
    let server = start(|server| server).await;
    for path in [VERTEX, "/some/gateway?project=p"] {
        let mut client = Client::open(server.address, path, &[("authorization", "Bearer ya29.any")]).await;
        let setup = TEXT_SETUP.replace(
            "models/gemini-2.0-flash-live-001",
            "publishers/google/models/gemini-2.0-flash-live-preview-04-09",
        );
        client.send(&setup).await;
        let Heard::Json(complete) = client.hear().await else { panic!("refused on {path}") };
        let id = complete["setupComplete"]["sessionId"].as_str().unwrap_or_default();
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "{path}: {complete}");
        client.say("hello").await;
        let turn = client.hear_turn().await;
        let Some(Heard::Json(last)) = turn.last() else { panic!("{turn:?}") };
        assert!(last["usageMetadata"]["candidatesTokenCount"].is_u64(), "{path}: {last}");
    }
}

#[tokio::test]
async fn what_a_client_does_wrong_is_told_with_the_services_text() {
    let server = start(|server| server.message_bytes_max(64 << 10)).await;
    let huge = format!(r#"{{"clientContent": {{"turns": [{{"parts": [{{"text": "{}"}}]}}]}}}}"#, "x".repeat(70 << 10));
    let table = [
        // (after setup?, message, code, text)
        (
            false,
            r#"{"clientContent": {"turnComplete": true}}"#,
            1007,
            "setup must be the first message and only the first",
        ),
        (true, TEXT_SETUP, 1007, "setup must be the first message and only the first"),
        (false, r#"{"setup": {"model": "models/gpt"}}"#, 1008, "models/gpt is not found for API version v1beta"),
        (false, r#"{"setup""#, 1007, "Invalid JSON payload received."),
        (
            false,
            r#"{"setup": {"modle": "m"}}"#,
            1007,
            "Invalid JSON payload received. Unknown name \"modle\" at 'setup'",
        ),
        (
            true,
            r#"{"realtimeInput": {"audio": {"data": "*", "mimeType": "audio/pcm"}}}"#,
            1007,
            "Invalid value at 'realtime_input.audio.data'",
        ),
        (true, &huge, 1007, ""),
    ];
    for (is_after_setup, message, code, text) in table {
        let mut client = match is_after_setup {
            true => Client::ready(server.address, TEXT_SETUP).await,
            false => Client::open(server.address, GEMINI, &[]).await,
        };
        client.send(message).await;
        let (found, reason) = client.hear_close().await;
        assert_eq!(found, code, "{message:.80}: {reason}");
        assert!(reason.starts_with(text), "{message:.80}: {reason}");
    }
    assert_eq!(server.stop().await.violations, 7);
}

#[tokio::test]
async fn a_lenient_server_passes_over_unknown_fields() {
    let server = start(|server| server.strictness(Strictness::Lenient)).await;
    let setup = TEXT_SETUP.replace(r#""setup": {"#, r#""setup": {"fieldOfTomorrow": {"a": 1}, "#);
    let mut client = Client::ready(server.address, &setup).await;
    client.say("hello").await;
    assert_eq!(text(&client.hear_turn().await), "you said hello");
}

#[tokio::test]
async fn binary_and_fragmented_messages_are_read_and_pings_answered() {
    let server = start(|server| server).await;
    let mut client = Client::open(server.address, GEMINI, &[]).await;
    client.0.send(Message::binary(TEXT_SETUP.as_bytes().to_vec())).await.unwrap();
    assert_eq!(client.hear().await, Heard::Json(json!({ "setupComplete": {} })));
    client.0.send(Message::Ping("are you there".into())).await.unwrap();
    let pong = crate::client::within(futures_util::StreamExt::next(&mut client.0)).await;
    assert_eq!(pong.unwrap().unwrap(), Message::Pong("are you there".into()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_sends_its_setup_is_closed() {
    let server = start(|server| server).await;
    let mut client = Client::open(server.address, GEMINI, &[]).await;
    assert_eq!(client.hear_close().await, (1011, "Deadline expired before operation could complete.".to_owned()));
}
