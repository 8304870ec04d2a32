//! Services of OpenAI's API as engines, against a server that answers as documented, and as nothing that is documented.

use std::time::Duration;

use expect_test::expect;
use futures_util::{FutureExt as _, StreamExt as _};
use live_audio::{Wav, WavChannels};
use live_engine::{EndReason, ModelOutput, Prompt};
use live_model::http::{
    ApiKey, Chat, ChatConfig, Patience, Service, Speech, SpeechConfig, Transcription, TranscriptionConfig,
};
use live_model::{
    Cascade, EmbeddedVoice, Fault, Model as _, Names, Recogniser as _, Script, SoundFormat, Synthesiser as _, Utterance,
};
use live_proto::{Blob, Content, Part};

use crate::server::{Server, Step, answer, begun, chunks};
use crate::talk::{SPOKEN, Talk, answer as answered, show, spoken};

/// Without a wait between tries.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    response: Duration::from_secs(60),
    silence: Duration::from_secs(30),
    answer: Duration::from_secs(600),
    retries: 2,
    backoff: Duration::ZERO,
    retry_after_max: Duration::from_secs(10),
};

pub(crate) fn service(server: &Server) -> Service {
    Service::new(&server.base_url, Some(ApiKey::new("sk-secret")), PATIENCE).expect("a good address")
}

fn chat(server: &Server) -> Chat {
    Chat::new(service(server), ChatConfig { model: "m".to_owned(), ..ChatConfig::default() })
}

pub(crate) fn says(text: &str) -> String {
    format!("data: {}\n\n", serde_json::json!({ "choices": [{ "delta": { "content": text } }] }))
}

pub(crate) const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
pub(crate) const EVENTS: &str = "text/event-stream; charset=utf-8";

#[tokio::test]
async fn an_answer_is_streamed_however_its_events_are_cut() {
    let stream = [says("Good "), says("dày."), STOP.to_owned()].concat();
    for size in [1, 2, 7, 1000] {
        let server = Server::start(vec![chunks(EVENTS, stream.as_bytes().chunks(size))]).await;
        let shown = answered(&chat(&server), Talk::new("").ask("Hello.")).await;
        assert_eq!(shown, "text \"Good \"\ntext \"dày.\"\nend Complete\n", "{size} bytes at once");
    }
}

#[tokio::test]
async fn the_request_is_the_documented_one() {
    let server = Server::start(vec![chunks(EVENTS, [STOP.replace("{}", "{\"content\":\"x\"}").as_bytes()])]).await;
    let setup = r#""systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"responseModalities": ["TEXT"], "temperature": 0.7, "maxOutputTokens": 99, "seed": 4},
        "tools": [{"functionDeclarations": [{"name": "f", "description": "does", "parameters": {"type": "OBJECT"}}]}]"#;
    let config = ChatConfig {
        model: "qwen3".to_owned(),
        instruction: "You are heard, not read.".to_owned(),
        images_max: 1,
        is_told_no_effort: false,
        parameters: serde_json::json!({ "seed": 5, "think": false }).as_object().cloned().expect("an object"),
    };
    let image = |byte| Part::inline(Blob::new("image/png", vec![byte; 3]));
    let prompt = Talk::new(setup).say(vec![
        Content::user("Hello."),
        Content::model("Hi!"),
        Content::user(vec![Part::text("Look:"), image(1), image(2)]),
    ]);
    let shown = answered(&Chat::new(service(&server), config), prompt).await;
    assert_eq!(shown, "text \"x\"\nend Complete\n");
    let asked = server.asked().remove(0);
    let head = asked.head.to_lowercase();
    assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer sk-secret\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    expect![[r#"{"max_tokens":99,"messages":[{"content":"You are heard, not read.\n\nBe brief.","role":"system"},{"content":"Hello.","role":"user"},{"content":"Hi!","role":"assistant"},{"content":[{"text":"Look:","type":"text"},{"text":"[image/png]","type":"text"},{"image_url":{"url":"data:image/png;base64,AgIC"},"type":"image_url"}],"role":"user"}],"model":"qwen3","seed":5,"stream":true,"temperature":0.7,"think":false,"tools":[{"function":{"description":"does","name":"f","parameters":{"type":"object"}},"type":"function"}]}"#]]
    .assert_eq(&asked.json().to_string());
}

/// The messages of a request for an answer to that, one a line.
async fn messages(prompt: Prompt) -> String {
    let server = Server::start(vec![chunks(EVENTS, [says("x").as_bytes(), STOP.as_bytes()])]).await;
    answered(&chat(&server), prompt).await;
    let body = server.asked().remove(0).json();
    let messages = body["messages"].as_array().expect("messages").clone();
    messages.iter().map(|message| format!("{message}\n")).collect()
}

/// A prompt with this history, in JSON, of which the last `unanswered` are new.
fn history(contents: &str, unanswered: usize) -> Prompt {
    let mut prompt = Talk::new("").ask("-");
    let message = format!("{{\"clientContent\": {{\"turns\": {contents}}}}}");
    let options = live_proto::json::DecodeOptions::strict();
    let message = live_proto::json::decode::<live_proto::ClientMessage>(message.as_bytes(), &options).expect("valid");
    let live_proto::ClientMessage::ClientContent(content) = message.message else { panic!("it is clientContent") };
    prompt.history = content.turns.into_iter().map(Into::into).collect();
    prompt.unanswered = unanswered;
    prompt
}

#[tokio::test]
async fn calls_are_answered_in_their_place() {
    let shown = messages(history(
        r#"[{"role": "user", "parts": [{"text": "Weather?"}]},
            {"role": "model", "parts": [{"text": "Let me see."}, {"functionCall": {"id": "1", "name": "f", "args": {"n": 1}}},
                {"functionCall": {"id": "2", "name": "g"}}, {"functionCall": {"id": "3", "name": "h"}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "2", "name": "g", "response": {"output": "two"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": {"output": 1}}}]},
            {"role": "model", "parts": [{"text": "So."}]},
            {"role": "user", "parts": [{"functionResponse": {"id": "3", "name": "h", "response": {"output": "late"}}}]},
            {"role": "user", "parts": [{"text": "And?"}]}]"#,
        2,
    ))
    .await;
    expect![[r#"
        {"content":"Weather?","role":"user"}
        {"content":"Let me see.","role":"assistant","tool_calls":[{"function":{"arguments":"{\"n\":1}","name":"f"},"id":"1","type":"function"},{"function":{"arguments":"{}","name":"g"},"id":"2","type":"function"},{"function":{"arguments":"{}","name":"h"},"id":"3","type":"function"}]}
        {"content":"{\"output\":1}","role":"tool","tool_call_id":"1"}
        {"content":"{\"output\":\"two\"}","role":"tool","tool_call_id":"2"}
        {"content":"{\"status\":\"no result yet\"}","role":"tool","tool_call_id":"3"}
        {"content":"So.","role":"assistant"}
        {"content":"[h returned: {\"output\":\"late\"}]\nAnd?","role":"user"}
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn speech_is_its_transcript_or_a_caption_and_silence_is_said() {
    let shown = messages(history(
        r#"[{"role": "user", "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"},
                "audioTranscription": {"text": " good day "}}]},
            {"role": "user", "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=8000", "data": "AAAA"}}]},
            {"role": "user", "parts": [{"inlineData": {"mimeType": "audio/ogg", "data": "AAAA"},
                "audioTranscription": {"text": ""}}]},
            {"role": "model", "parts": [{"text": "Hm.", "thought": true}, {"text": "Yes?"}]}]"#,
        0,
    ))
    .await;
    expect![[r#"
        {"content":"good day\n[speech 0.0 s]\n[speech that was not understood]","role":"user"}
        {"content":"Yes?","role":"assistant"}
        {"content":"(The user says nothing.)","role":"user"}
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn a_function_is_called_through_the_cascade() {
    let call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n";
    // It closes without `[DONE]`, which some do.
    let server = Server::start(vec![chunks(EVENTS, [says("Wait.").as_bytes(), call.as_bytes()])]).await;
    let model = Cascade::new(chat(&server), EmbeddedVoice);
    let setup = format!("{SPOKEN}, \"tools\": [{{\"functionDeclarations\": [{{\"name\": \"weather\"}}]}}]");
    let shown = answered(&model, Talk::new(&setup).ask("Weather?")).await;
    assert!(shown.ends_with("calls {\"name\":\"weather\",\"args\":{\"city\":\"Oslo\"}}\nend Complete\n"), "{shown}");
    assert!(shown.contains("\"Wait.\""), "{shown}");
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let body = br#"{"choices": [{"message": {"role": "assistant", "content": "Whole."}, "finish_reason": "stop"}]}"#;
    let server = Server::start(vec![answer("200 OK", "content-type: application/json\r\n", body)]).await;
    assert_eq!(answered(&chat(&server), Talk::new("").ask("Hi.")).await, "text \"Whole.\"\nend Complete\n");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_else() {
    let good = chunks(EVENTS, [says("Yes.").as_bytes(), STOP.as_bytes()]);
    let retry = "content-type: application/json\r\nretry-after: 0\r\n";
    let busy = answer("429 Too Many Requests", retry, br#"{"error": {"message": "slow down"}}"#);
    let server = Server::start(vec![busy.clone(), vec![Step::Cut], good.clone()]).await;
    assert_eq!(answered(&chat(&server), Talk::new("").ask("Hi.")).await, "text \"Yes.\"\nend Complete\n");
    assert_eq!(server.asked().len(), 3);

    let server = Server::start(vec![busy]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    let expected = format!("failed {}/chat/completions: 429 Too Many Requests: slow down (3 tries)\n", server.base_url);
    assert_eq!((shown, server.asked().len()), (expected, 3));

    let patient = answer("503 Service Unavailable", "retry-after: 3600\r\n", b"");
    let server = Server::start(vec![patient]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    assert!(shown.contains("503") && server.asked().len() == 1, "nobody waits an hour: {shown}");

    let server = Server::start(vec![answer("401 Unauthorized", "", b"bad key: sk-secret")]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    assert!(shown.contains("401 Unauthorized: bad key: (the key)") && server.asked().len() == 1, "{shown}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_a_failure_and_not_begun_again() {
    let broken = begun(EVENTS, [says("Half an ").as_bytes()]);
    for end in [vec![Step::Cut], vec![Step::Send(b"0\r\n\r\n".to_vec())]] {
        let server = Server::start(vec![[broken.clone(), end].concat()]).await;
        let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
        assert!(shown.starts_with("text \"Half an \"\nfailed ") && shown.contains("broke off"), "{shown}");
        assert_eq!(server.asked().len(), 1);
    }
    for (data, says) in [
        ("data: {\"error\": {\"message\": \"cuda\"}}\n\n", "failed in the middle: cuda"),
        ("data: {\"error\": \"not sk-secret\"}\n\n", "failed in the middle: not (the key)"),
        ("data: oops\n\n", "no JSON"),
        ("data: [DONE]\n\n", "says nothing"),
    ] {
        let server = Server::start(vec![chunks(EVENTS, [data.as_bytes()])]).await;
        let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
        assert!(shown.starts_with("failed ") && shown.contains(says), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_given_up() {
    let server = Server::start(vec![vec![Step::Hang]]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    assert!(shown.contains("no answer within 60s"), "{shown}");
    let server = Server::start(vec![[begun(EVENTS, [says("Well").as_bytes()]), vec![Step::Hang]].concat()]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    assert!(shown.starts_with("text \"Well\"\n") && shown.contains("said nothing for 30s"), "{shown}");
    let alive = Step::Repeat(b": still there\n\n".to_vec());
    let server = Server::start(vec![[begun(EVENTS, []), vec![alive]].concat()]).await;
    let shown = answered(&chat(&server), Talk::new("").ask("Hi.")).await;
    assert!(shown.contains("its answer took longer than 600s"), "{shown}");
}

#[tokio::test]
async fn whoever_stops_listening_ends_the_request() {
    let mut server = Server::start(vec![[begun(EVENTS, [says("Well").as_bytes()]), vec![Step::Hang]].concat()]).await;
    let mut outputs = chat(&server).generate(Talk::new("").ask("Hi."));
    assert_eq!(outputs.next().await, Some(ModelOutput::Text("Well".to_owned())));
    drop(outputs);
    server.left_alone().await;

    // Before there is an answer, too.
    let mut server = Server::start(vec![vec![Step::Hang]]).await;
    let mut outputs = chat(&server).generate(Talk::new("").ask("Hi."));
    while server.asked().is_empty() {
        assert_eq!(outputs.next().now_or_never(), None);
        tokio::task::yield_now().await;
    }
    drop(outputs);
    server.left_alone().await;
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let service = Service::new(&format!("{scheme}://{gone}"), None, PATIENCE).expect("a good address");
        let fault = service.models().await.expect_err("nobody is there").to_string();
        assert!(
            fault.starts_with(&format!("{scheme}://{gone}/models: cannot connect")) && fault.contains("(3 tries)"),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn models_are_listed() {
    let body = br#"{"object": "list", "data": [{"id": "a"}, {"id": "b", "object": "model"}]}"#;
    let server = Server::start(vec![answer("200 OK", "content-type: application/json\r\n", body)]).await;
    assert_eq!(service(&server).models().await, Ok(vec!["a".to_owned(), "b".to_owned()]));
}

fn transcription(server: &Server, stream: bool) -> Transcription {
    let parameters = [("temperature".to_owned(), "0".to_owned())].into();
    let config = TranscriptionConfig { model: "whisper".to_owned(), stream, parameters, ..Default::default() };
    Transcription::new(service(server), config)
}

fn utterance() -> Utterance {
    Utterance { samples: vec![7; 1600], language: Some("de-DE".to_owned()) }
}

async fn transcript(transcription: &Transcription) -> Vec<Result<String, Fault>> {
    transcription.recognise(utterance()).collect().await
}

#[tokio::test]
async fn speech_is_sent_as_a_form_and_comes_back_as_text() {
    let body = br#"{"text": " Good day. "}"#;
    let server = Server::start(vec![answer("200 OK", "content-type: application/json\r\n", body)]).await;
    assert_eq!(transcript(&transcription(&server, false)).await, [Ok("Good day.".to_owned())]);
    let asked = server.asked().remove(0);
    assert!(asked.head.starts_with("POST /v1/audio/transcriptions "), "{}", asked.head);
    let boundary = asked.head.lines().find_map(|line| line.split_once("boundary=")).expect("a boundary").1;
    let form = String::from_utf8_lossy(&asked.body).into_owned();
    let parts: Vec<&str> = form.split(&format!("--{boundary}")).collect();
    assert_eq!((parts[0], *parts.last().unwrap()), ("", "--\r\n"));
    let fields: Vec<String> = parts[1..5].iter().map(|part| part.trim().replace("\r\n\r\n", " = ")).collect();
    let field = |name: &str, value: &str| format!("content-disposition: form-data; name=\"{name}\" = {value}");
    let expected = [("model", "whisper"), ("response_format", "json"), ("language", "de"), ("temperature", "0")];
    assert_eq!(fields, expected.map(|(name, value)| field(name, value)));
    let sound = asked.body.windows(4).position(|bytes| bytes == b"RIFF").expect("a file");
    let end = asked.body.len() - boundary.len() - 8;
    let wav = Wav::decode(&asked.body[sound..end]).expect("a WAV file");
    assert_eq!((wav.rate_hz, wav.samples), (16_000, utterance().samples));
}

#[tokio::test]
async fn transcripts_may_come_in_pieces() {
    let done = "data: {\"type\":\"transcript.text.done\",\"text\":\"Good day.\"}\n\n";
    let delta = |text: &str| format!("data: {{\"type\":\"transcript.text.delta\",\"delta\":\"{text}\"}}\n\n");
    let stream = [delta("Good"), delta(" day."), done.to_owned()].concat();
    let server = Server::start(vec![
        chunks(EVENTS, stream.as_bytes().chunks(5)),
        chunks(EVENTS, [done.as_bytes()]),
        chunks(EVENTS, [[says("Good"), says(" day."), STOP.to_owned()].concat().as_bytes()]),
        chunks(EVENTS, [delta("Good").as_bytes()]),
    ])
    .await;
    let streamed = transcription(&server, true);
    let (good, day) = (Ok("Good".to_owned()), Ok(" day.".to_owned()));
    assert_eq!(transcript(&streamed).await, [good.clone(), day.clone()]);
    assert_eq!(transcript(&streamed).await, [Ok("Good day.".to_owned())]);
    assert_eq!(transcript(&streamed).await, [good.clone(), day]);
    let broken = transcript(&streamed).await;
    assert_eq!(broken[0], good);
    assert!(broken[1].as_ref().expect_err("no end").to_string().contains("broke off"));
}

#[tokio::test]
async fn a_transcript_that_is_none_is_told() {
    for (body, says) in [("<html>", "no JSON"), ("{}", "no text")] {
        let server = Server::start(vec![answer("200 OK", "", body.as_bytes())]).await;
        let pieces = transcript(&transcription(&server, false)).await;
        assert!(pieces[0].as_ref().expect_err("no transcript").to_string().contains(says));
    }
}

fn speech(server: &Server, format: SoundFormat) -> Speech {
    let config = SpeechConfig {
        model: "tts".to_owned(),
        voices: Names::new([("Kore", "nova")], "alloy"),
        languages: Some(Names::default()),
        format,
        parameters: serde_json::json!({ "speed": 1.5 }).as_object().cloned().expect("an object"),
    };
    Speech::new(service(server), config)
}

async fn sound_of(speech: &Speech, voice: &str) -> Result<Vec<i16>, Fault> {
    let script = Script { text: "Hello.".to_owned(), voice: voice.to_owned(), language: Some("de-DE".to_owned()) };
    let pieces: Vec<_> = speech.speak(script).collect().await;
    let pieces: Result<Vec<_>, _> = pieces.into_iter().collect();
    Ok(pieces?.into_iter().flat_map(|piece| piece.samples).collect())
}

#[tokio::test]
async fn text_is_spoken_as_a_file_or_as_bare_samples() {
    let mut file = Vec::new();
    Wav { rate_hz: 24_000, channels: WavChannels::Mono, samples: vec![5; 9] }.encode(&mut file);
    let server =
        Server::start(vec![chunks("audio/wav", file.chunks(10)), chunks("audio/pcm", [[0; 3201].as_slice()])]).await;
    assert_eq!(sound_of(&speech(&server, SoundFormat::Wav { rate_hz: 24_000 }), "Kore").await, Ok(vec![5; 9]));
    assert_eq!(sound_of(&speech(&server, SoundFormat::Pcm { rate_hz: 16_000 }), "Puck").await, Ok(vec![0; 2400]));
    let asked: Vec<String> = server.asked().iter().map(|asked| asked.json().to_string()).collect();
    assert_eq!(
        asked,
        [
            r#"{"input":"Hello.","language":"de-DE","model":"tts","response_format":"wav","speed":1.5,"voice":"nova"}"#,
            r#"{"input":"Hello.","language":"de-DE","model":"tts","response_format":"pcm","speed":1.5,"voice":"alloy"}"#,
        ]
    );
    assert!(server.asked()[0].head.starts_with("POST /v1/audio/speech "));
}

#[tokio::test]
async fn sound_that_is_none_is_told() {
    let wav = SoundFormat::Wav { rate_hz: 24_000 };
    for (script, says) in [
        (answer("200 OK", "content-type: application/json\r\n", b"{}"), "JSON"),
        (answer("200 OK", "content-type: audio/mpeg\r\n", b"ID3\x04"), "expected a WAV file"),
        (answer("200 OK", "content-type: audio/wav\r\n", b""), "no sound"),
        (answer("400 Bad Request", "", br#"{"error": {"message": "unknown voice"}}"#), "unknown voice"),
    ] {
        let server = Server::start(vec![script]).await;
        let fault = sound_of(&speech(&server, wav), "Kore").await.expect_err("no sound").to_string();
        assert!(fault.contains(says), "{fault}");
    }
}

#[tokio::test]
async fn the_first_sentence_is_spoken_before_the_second_is_there() {
    // A model that says a sentence and hangs, and a voice that is asked for that sentence.
    let words = [begun(EVENTS, [says("One. Two").as_bytes()]), vec![Step::Hang]].concat();
    let mut model_server = Server::start(vec![words]).await;
    let voice_server = Server::start(vec![chunks("audio/pcm", [[1; 9_600].as_slice()])]).await;
    let voice = speech(&voice_server, SoundFormat::Pcm { rate_hz: 24_000 });
    let model = Cascade::new(chat(&model_server), voice);
    let mut outputs = model.generate(Talk::spoken().ask("Count."));
    let mut shown = String::new();
    while !shown.contains("One.") {
        show(&outputs.next().await.expect("it speaks"), &mut shown);
    }
    assert_eq!(voice_server.asked()[0].json()["input"], "One.");
    drop(outputs);
    model_server.left_alone().await;
}

#[tokio::test]
async fn three_services_make_a_model() {
    let heard = br#"{"text": "What is one and one?"}"#;
    let recogniser = Server::start(vec![answer("200 OK", "content-type: application/json\r\n", heard)]).await;
    let answerer = Server::start(vec![chunks(EVENTS, [says("Two.").as_bytes(), STOP.as_bytes()])]).await;
    let voice = Server::start(vec![chunks("audio/pcm", [[1; 9_600].as_slice()])]).await;
    let model = Cascade::new(chat(&answerer), speech(&voice, SoundFormat::Pcm { rate_hz: 24_000 }))
        .recogniser(transcription(&recogniser, false));
    let (said, sound, last) = spoken(&model, Talk::spoken().speak(&[7; 1600])).await;
    assert_eq!((said.as_str(), sound.len(), last), ("Two.", 4_800, ModelOutput::End(EndReason::Complete)));
    assert_eq!(answerer.asked()[0].json()["messages"][0]["content"], "What is one and one?");
}
