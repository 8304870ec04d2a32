//! Ephemeral tokens: asked for over HTTP, used over WebSocket, and never good for more than they say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use live_server::store::DiskStore;
use live_server::token::MemoryTokens;
use live_server::{ClockKind, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, VERTEX, resumable, text, within};
use crate::control::post;
use crate::http::exchange;
use crate::log;
use crate::running::{Running, start};

const USED_UP: (u16, &str) = (1011, "Token has been used too many times");
const EXPIRED: (u16, &str) = (1011, "auth token has expired");
const WRONG: (u16, &str) = (1007, "API key not valid. Please pass a valid API key.");

/// Asks for a token as the SDKs do; says the status and what was answered.
async fn ask(address: SocketAddr, key: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    let request = format!(
        "POST //v1alpha/auth_tokens HTTP/1.1\r\nhost: {address}\r\nx-goog-api-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    parsed(&exchange(address, &request).await)
}

fn parsed(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head[9..12].parse().expect("a status"), serde_json::from_str(body).expect("JSON"))
}

async fn mint(server: &Running, body: Value) -> String {
    let (status, answer) = ask(server.address, "any", &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer["name"].as_str().expect("a name").to_owned()
}

fn constrained() -> String {
    GEMINI.replace("v1beta", "v1alpha") + "Constrained"
}

/// Opens the constrained method with a token, as JavaScript does.
async fn dial(address: SocketAddr, token: &str) -> Client {
    Client::open(address, &format!("{}?access_token={token}", constrained()), &[]).await
}

/// How a session begins that a client asks for with `setup`.
async fn begin(address: SocketAddr, token: &str, setup: &str) -> Result<Client, (u16, String)> {
    let mut client = dial(address, token).await;
    client.send(setup).await;
    match client.hear().await {
        Heard::Json(message) => {
            assert_eq!(message, json!({ "setupComplete": {} }));
            Ok(client)
        }
        Heard::Close(code, reason) => Err((code, reason)),
        Heard::Cut => panic!("cut without a reason"),
    }
}

#[track_caller]
fn assert_refused(begun: Result<Client, (u16, String)>, told: (u16, &str)) {
    match begun {
        Ok(_) => panic!("a session began"),
        Err((code, reason)) => assert_eq!((code, reason.as_str()), told),
    }
}

async fn start_controlled() -> Running {
    start(|server| server.clock(ClockKind::Virtual).control("127.0.0.1:0".parse().expect("an address"))).await
}

async fn advance(server: &Running, by: &str) {
    post(server, "/clock/advance", json!({ "by": by })).await;
}

#[tokio::test]
async fn a_token_opens_a_session_wherever_the_sdks_put_it() {
    let server = start(|server| server.api_keys([Secret::new("any")])).await;
    let token = mint(&server, json!({ "uses": 0 })).await;
    assert!(token.starts_with("auth_tokens/") && token.len() == 76, "{token}");
    let scheme = format!("Token {token}");
    let table: [(String, Vec<(&'static str, &str)>); 6] = [
        (format!("{}?access_token={token}", constrained()), vec![]),
        (format!("{}?access_token={}", constrained(), token.replace('/', "%2F")), vec![]),
        (format!("{}?key={token}", constrained()), vec![]),
        (constrained(), vec![("authorization", &scheme)]),
        (constrained(), vec![("x-goog-api-key", &token)]),
        (constrained(), vec![("x-goog-api-key", &token), ("authorization", &scheme)]),
    ];
    for (path, headers) in table {
        let mut client = Client::open(server.address, &path, &headers).await;
        client.send(TEXT_SETUP).await;
        client.hear().await;
        client.say("hello").await;
        assert_eq!(text(&client.hear_turn().await), "you said hello", "{path} {headers:?}");
    }
    assert_eq!(server.stop().await.refused, 0);
}

#[tokio::test]
async fn an_empty_body_is_a_token_for_one_session() {
    let server = start(|server| server).await;
    for request in [
        "POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        "POST /v1/auth_tokens HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /some/gateway//v1beta/auth_tokens?key=any HTTP/1.1\r\nhost: x\r\n\
         transfer-encoding: chunked\r\n\r\n3\r\n{ \n\r\n1\r\n}\r\n0\r\n\r\n",
    ] {
        let (status, answer) = parsed(&exchange(server.address, request).await);
        assert_eq!((status, &answer["uses"]), (200, &json!(1)), "{answer}");
        let token = answer["name"].as_str().unwrap();
        begin(server.address, token, TEXT_SETUP).await.unwrap();
        assert_refused(begin(server.address, token, TEXT_SETUP).await, USED_UP);
    }
}

#[tokio::test]
async fn who_may_not_open_sessions_gets_no_token() {
    let server = start(|server| server.api_keys([Secret::new("right")])).await;
    let post = |headers: &str| {
        format!("POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\n{headers}content-length: 2\r\n\r\n{{}}")
    };
    let token = {
        let (status, answer) = ask(server.address, "right", "").await;
        assert_eq!(status, 200, "{answer}");
        answer["name"].as_str().unwrap().to_owned()
    };
    let by_token = format!("authorization: Token {token}\r\n");
    for (headers, status, name, says) in [
        ("", 403, "PERMISSION_DENIED", "unregistered callers"),
        ("x-goog-api-key: wrong\r\n", 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        ("authorization: Bearer ya29.x\r\n", 401, "UNAUTHENTICATED", "invalid authentication credentials"),
        (by_token.as_str(), 401, "UNAUTHENTICATED", "ephemeral tokens ask for no others"),
    ] {
        let (answered, answer) = parsed(&exchange(server.address, &post(headers)).await);
        let error = &answer["error"];
        assert_eq!((answered, &error["code"], &error["status"]), (status, &json!(status), &json!(name)), "{answer}");
        assert!(error["message"].as_str().unwrap().contains(says), "{answer}");
    }
    let (status, _) = parsed(&exchange(server.address, &post("authorization: Bearer right\r\n")).await);
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_as_the_service_does() {
    let server = start(|server| server).await;
    for (body, says) in [
        (
            r#"{"liveConnectConstraints": {"model": "m"}}"#,
            "Invalid JSON payload received. Unknown name \"liveConnectConstraints\": Cannot find field.",
        ),
        (r#"{"fieldMask": "generationConfig.top_q"}"#, "\"generationConfig.top_q\""),
        (r#"{"uses": -1}"#, "uses: "),
        (r#"{"expireTime": "2001-01-01T00:00:00Z"}"#, "expireTime: it must be in the future"),
        (
            r#"{"bidiGenerateContentSetup": {"generationConfig": {"topK": "many"}}}"#,
            "bidi_generate_content_setup.generation_config.top_k",
        ),
    ] {
        let (status, answer) = ask(server.address, "any", body).await;
        let expected = (400, &json!(400), &json!("INVALID_ARGUMENT"));
        assert_eq!((status, &answer["error"]["code"], &answer["error"]["status"]), expected, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{body}: {answer}");
    }
    server.stop().await;
    let line = log::line("Unknown name \\\"liveConnectConstraints", "no session");
    assert!(line.contains("WARN") && line.contains("/v1alpha/auth_tokens\" status=400"), "{line}");
}

#[tokio::test]
async fn a_project_whose_tokens_fill_its_share_is_told_so_and_others_go_on() {
    let server = start(|server| server).await;
    let instruction = json!({ "parts": [{ "text": "x".repeat(900_000) }] });
    let large = json!({ "bidiGenerateContentSetup": { "systemInstruction": instruction } }).to_string();
    for _ in 0..18 {
        assert_eq!(ask(server.address, "key-one", &large).await.0, 200);
    }
    let (status, answer) = ask(server.address, "key-one", &large).await;
    assert_eq!((status, &answer["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")), "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("its share (16 MiB): wait until some have expired"), "{message}");
    let (status, answer) = ask(server.address, "key-one", "").await;
    assert_eq!(status, 200, "a small one has room: {answer}");
    assert_eq!(ask(server.address, "key-two", &large).await.0, 200);
}

#[tokio::test]
async fn a_token_is_for_its_method_and_a_key_for_the_other() {
    let server = start(|server| server).await;
    let token = mint(&server, json!({ "uses": 0 })).await;
    for path in [GEMINI, VERTEX, "/gateway"] {
        let mut client = Client::open(server.address, &format!("{path}?access_token={token}"), &[]).await;
        client.send(TEXT_SETUP).await;
        assert_eq!(client.hear_close().await, (WRONG.0, WRONG.1.to_owned()), "{path}");
    }
    let mut keyed = Client::open(server.address, &constrained(), &[("x-goog-api-key", "any")]).await;
    keyed.send(TEXT_SETUP).await;
    assert_eq!(keyed.hear_close().await.0, 1007);
    let mut bare = Client::open(server.address, &constrained(), &[]).await;
    bare.send(TEXT_SETUP).await;
    assert_eq!(bare.hear_close().await.0, 1008);
    let unknown = format!("auth_tokens/{}", "0".repeat(64));
    assert_refused(begin(server.address, &unknown, TEXT_SETUP).await, EXPIRED);
    assert_refused(begin(server.address, "auth_tokens/", TEXT_SETUP).await, EXPIRED);
    begin(server.address, &token, TEXT_SETUP).await.unwrap();
    drop((keyed, bare));
    assert_eq!(server.stop().await.refused, 7);
}

#[tokio::test]
async fn of_those_who_use_the_last_of_a_token_at_once_one_gets_in() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(DiskStore::open(&directory.path().join("sessions.redb")).unwrap());
    for uses in [1, 3] {
        for server in [start(|server| server).await, start(|server| server.tokens(Arc::clone(&disk))).await] {
            let token = mint(&server, json!({ "uses": uses })).await;
            let mut attempts = tokio::task::JoinSet::new();
            for _ in 0..12 {
                let (address, token) = (server.address, token.clone());
                attempts.spawn(async move { begin(address, &token, TEXT_SETUP).await });
            }
            let mut begun = Vec::new();
            while let Some(attempt) = within(attempts.join_next()).await {
                match attempt.unwrap() {
                    Ok(client) => begun.push(client),
                    Err((code, reason)) => assert_eq!((code, reason.as_str()), USED_UP),
                }
            }
            assert_eq!(begun.len(), uses);
        }
    }
}

#[tokio::test]
async fn a_setup_that_is_refused_costs_no_use() {
    let server = start(|server| server).await;
    let token = mint(&server, json!({ "uses": 1 })).await;
    let unknown = TEXT_SETUP.replace("gemini-2.0-flash-live-001", "no-such-model");
    assert_eq!(begin(server.address, &token, &unknown).await.err().unwrap().0, 1008);
    assert_eq!(begin(server.address, &token, r#"{"clientContent": {}}"#).await.err().unwrap().0, 1007);
    assert_eq!(begin(server.address, &token, &resumable("no handle")).await.err().unwrap().0, 1007);
    drop(dial(server.address, &token).await);
    begin(server.address, &token, TEXT_SETUP).await.unwrap();
}

#[tokio::test]
async fn resuming_is_no_use_and_needs_no_new_session_time() {
    let server = start_controlled().await;
    let token = mint(&server, json!({ "uses": 1 })).await;
    let mut first = begin(server.address, &token, &resumable("")).await.unwrap();
    let handle = first.converse("one").await;
    assert_refused(begin(server.address, &token, TEXT_SETUP).await, USED_UP);
    advance(&server, "2m").await;
    assert_refused(begin(server.address, &token, TEXT_SETUP).await, EXPIRED);
    let mut second = begin(server.address, &token, &resumable(&handle)).await.unwrap();
    second.say("recall").await;
    assert_eq!(text(&second.hear_turn().await), "one, recall");
    let handle = second.hear_handle().await;
    let mut third = begin(server.address, &token, &resumable(&handle)).await.unwrap();
    third.say("recall").await;
    assert_eq!(text(&third.hear_turn().await), "one, recall, recall");
    advance(&server, "28m").await;
    assert_refused(begin(server.address, &token, &resumable(&handle)).await, EXPIRED);
}

#[tokio::test]
async fn the_end_of_a_token_is_the_end_of_its_sessions() {
    let server = start_controlled().await;
    let token = mint(&server, json!({ "uses": 0, "expireTime": soon(90) })).await;
    let mut client = begin(server.address, &token, TEXT_SETUP).await.unwrap();
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;
    client.say("hold").await;
    assert_eq!(text(&[client.hear().await]), "holding");
    advance(&server, "88s").await;
    client.say("still here").await;
    let turn = client.hear_turn().await;
    assert!(!matches!(turn.last(), Some(Heard::Close(..))), "{turn:?}");
    let mut waiting = dial(server.address, &token).await;
    advance(&server, "2s").await;
    assert_eq!(client.hear_close().await, (EXPIRED.0, EXPIRED.1.to_owned()));
    bystander.say("and here").await;
    assert_eq!(text(&bystander.hear_turn().await), "you said and here");
    // Who has not said anything yet hears of it after its setup, which is when SDKs listen.
    waiting.send(TEXT_SETUP).await;
    assert_eq!(waiting.hear_close().await, (EXPIRED.0, EXPIRED.1.to_owned()));
}

/// A time so many seconds ahead, as JavaScript writes it. The virtual clock began a moment ago.
fn soon(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let at = now + Duration::from_secs(seconds);
    let time = live_proto::Timestamp { seconds: at.as_secs().cast_signed(), nanos: 0 };
    time.to_string()
}

#[tokio::test]
async fn a_locked_setup_is_the_tokens_and_stays_so() {
    let server = start(|server| server).await;
    let locked = json!({
        "model": "models/gemini-2.0-flash-live-001",
        "generationConfig": { "responseModalities": ["TEXT"] },
        "systemInstruction": { "parts": [{ "text": "ours" }] },
        "sessionResumption": {},
    });
    let theirs = r#"{"setup": {"model": "models/gemini-2.0-flash-exp", "generationConfig": {"responseModalities": ["AUDIO"]}, "systemInstruction": {"parts": [{"text": "theirs"}]}}}"#;
    let change = r#"{"contextUpdate": {"systemInstruction": {"parts": [{"text": "theirs"}]}}}"#;
    let tools = r#"{"contextUpdate": {"tools": {"tools": []}}}"#;

    let all = mint(&server, json!({ "uses": 0, "bidiGenerateContentSetup": locked })).await;
    let mut client = begin(server.address, &all, theirs).await.unwrap();
    let handle = client.converse("recall").await;
    client.send(tools).await;
    assert_eq!(client.hear_close().await.0, 1007);
    // A client that resumes says so in a setup that is replaced.
    let resume = json!({ "setup": { "model": "models/x", "sessionResumption": { "handle": handle } } });
    let mut client = begin(server.address, &all, &resume.to_string()).await.unwrap();
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "[ours], recall, recall");

    let mask = "model,generation_config.response_modalities,systemInstruction";
    let some = mint(&server, json!({ "uses": 0, "bidiGenerateContentSetup": locked, "field_mask": mask })).await;
    let mut client = begin(server.address, &some, theirs).await.unwrap();
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "[ours], recall");
    client.send(tools).await;
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "[ours], recall, recall", "tools are not locked");
    client.send(change).await;
    assert_eq!(client.hear_close().await, (1007, "Request contains an invalid argument.".to_owned()));

    let reset = mint(&server, json!({ "fieldMask": "systemInstruction" })).await;
    let mut client = begin(server.address, &reset, &theirs.replace("AUDIO", "TEXT")).await.unwrap();
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "recall");
    drop(client);
    server.stop().await;
    let log = log::text();
    let told =
        "path=\"contextUpdate.systemInstruction\" rule=\"the ephemeral token that opened the session decides this\"";
    assert!(log.contains(told) && log.contains("path=\"contextUpdate.tools\""), "{log}");
}

#[tokio::test]
async fn a_tokens_project_is_that_of_who_asked_for_it() {
    let server = start(|server| server.sessions_per_project(1)).await;
    let (_, answer) = ask(server.address, "key-one", r#"{"uses": 0}"#).await;
    let token = answer["name"].as_str().unwrap();
    let mut client = begin(server.address, token, &resumable("")).await.unwrap();
    let handle = client.converse("mine").await;
    let mut other = Client::open(server.address, GEMINI, &[("x-goog-api-key", "key-one")]).await;
    other.send(TEXT_SETUP).await;
    assert_eq!(other.hear_close().await.0, 1011, "they have one quota");
    drop(client);
    let resumed = async |key: &'static str| {
        let mut client = Client::open(server.address, GEMINI, &[("x-goog-api-key", key)]).await;
        client.send(&resumable(&handle)).await;
        client.hear().await
    };
    assert_eq!(resumed("key-two").await, Heard::Close(1008, "Requested entity was not found.".to_owned()));
    // Its place is free once the server has seen that the first is gone.
    within(async { while !matches!(resumed("key-one").await, Heard::Json(_)) {} }).await;
}

#[tokio::test]
async fn tokens_outlive_a_server_and_uses_are_never_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.redb");
    let disk = Arc::new(DiskStore::open(&path).unwrap());
    let first = start(|server| server.tokens(Arc::clone(&disk))).await;
    let once = mint(&first, json!({ "uses": 1 })).await;
    let twice = mint(&first, json!({ "uses": 2, "fieldMask": "systemInstruction" })).await;
    let _open = begin(first.address, &once, TEXT_SETUP).await.unwrap();
    let _too = begin(first.address, &twice, TEXT_SETUP).await.unwrap();
    // What a process leaves that was killed at this moment.
    let left = directory.path().join("left.redb");
    std::fs::copy(&path, &left).unwrap();
    let second = start(|server| server.tokens(DiskStore::open(&left).unwrap())).await;
    assert_refused(begin(second.address, &once, TEXT_SETUP).await, USED_UP);
    let instructed =
        TEXT_SETUP.replace("\"setup\": {", "\"setup\": {\"systemInstruction\": {\"parts\": [{\"text\": \"x\"}]}, ");
    let mut client = begin(second.address, &twice, &instructed).await.unwrap();
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "recall", "what it locks is kept too");
    assert_refused(begin(second.address, &twice, TEXT_SETUP).await, USED_UP);
    let file = std::fs::read(&left).unwrap();
    let secret = once.split_once('/').unwrap().1.as_bytes();
    assert!(!file.windows(secret.len()).any(|bytes| bytes == secret), "the file has a token in clear");
}

#[tokio::test(start_paused = true)]
async fn tokens_that_have_expired_are_forgotten() {
    let tokens = Arc::new(MemoryTokens::default());
    let server = start(|server| {
        let server = server.clock(ClockKind::Virtual).tokens(Arc::clone(&tokens));
        server.control("127.0.0.1:0".parse().expect("an address"))
    })
    .await;
    mint(&server, json!({})).await;
    advance(&server, "29m").await;
    assert_eq!(tokens.len(), 1);
    advance(&server, "2m").await;
    for _ in 0..10_000 {
        if tokens.is_empty() {
            return;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        // Lets the sweeper's thread go on meanwhile.
        advance(&server, "0s").await;
    }
    panic!("{tokens:?} are not forgotten");
}

#[tokio::test]
async fn no_token_is_ever_logged() {
    let server = start(|server| server).await;
    let token = mint(&server, json!({ "uses": 1, "bidiGenerateContentSetup": { "model": "models/gemini-2.0-flash-live-001",
        "generationConfig": { "responseModalities": ["TEXT"] }, "systemInstruction": { "parts": [{ "text": "LockedSecretWords" }] } } }))
    .await;
    let mut client = begin(server.address, &token, TEXT_SETUP).await.unwrap();
    client.send(r#"{"contextUpdate": {"tools": {}}}"#).await;
    client.hear_close().await;
    drop(client);
    assert_refused(begin(server.address, &token, TEXT_SETUP).await, USED_UP);
    let scheme = format!("Token {token}");
    for (path, headers) in [
        (GEMINI.to_owned(), vec![("authorization", scheme.as_str())]),
        (format!("{GEMINI}?access_token={token}"), vec![]),
        (constrained(), vec![("x-goog-api-key", &token), ("origin", "https://evil.example")]),
    ] {
        let mut client = Client::open(server.address, &path, &headers).await;
        client.send(TEXT_SETUP).await;
        client.hear_close().await;
    }
    ask(server.address, &token, "{").await;
    // Of another server.
    assert_refused(begin(server.address, "auth_tokens/DistinctiveToken9b1c", TEXT_SETUP).await, EXPIRED);
    server.stop().await;
    let log = log::text();
    let secret = token.split_once('/').unwrap().1;
    for secret in [secret, "DistinctiveToken9b1c", "LockedSecretWords"] {
        assert!(!log.contains(secret), "{log}");
    }
    for expected in ["an ephemeral token was issued", "TokenUsedUp", "came without its method"] {
        assert!(log.contains(expected), "{expected} is missing, so this test sees no log:\n{log}");
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_gets_no_token_of_an_open_server() {
    let server = start(|server| server).await;
    let request = |origin: &str| {
        format!(
            "POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n"
        )
    };
    let answer = exchange(server.address, &request("https://evil.example")).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("auth_tokens/"), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("access-control-allow-origin"), "{answer}");
    let answer = exchange(server.address, &request("http://localhost:5173")).await;
    assert!(answer.contains("access-control-allow-origin: http://localhost:5173\r\n"), "{answer}");
    // With a token a page may come from anywhere, as with a key.
    let token = parsed(&answer).1["name"].as_str().unwrap().to_owned();
    let path = format!("{}?access_token={token}", constrained());
    let mut page = Client::open(server.address, &path, &[("origin", "https://evil.example")]).await;
    page.send(TEXT_SETUP).await;
    assert!(matches!(page.hear().await, Heard::Json(_)));

    let keyed = start(|server| server.api_keys([Secret::new("K")])).await;
    let preflight = "OPTIONS /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\n\
                     access-control-request-method: POST\r\naccess-control-request-headers: x-goog-api-key\r\n\r\n";
    let answer = exchange(keyed.address, preflight).await;
    assert!(
        answer.starts_with("HTTP/1.1 204 ") && answer.contains("access-control-allow-headers: x-goog-api-key"),
        "{answer}"
    );
}

#[tokio::test]
async fn bodies_are_bounded_and_whole() {
    let server = start(|server| server).await;
    let post =
        |head: &str, body: &str| format!("POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n{body}");
    // A gigabyte is refused before any of it comes.
    let (status, answer) = parsed(&exchange(server.address, &post("content-length: 1073741824", "")).await);
    assert!(status == 413 && answer.to_string().contains("1048576"), "{answer}");
    let large = format!("{{\"fieldMask\": \"{}\"}}", "x".repeat(1 << 20));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = post("transfer-encoding: chunked", &format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    // The server may answer and hang up before it has read all.
    _ = within(stream.write_all(request.as_bytes())).await;
    let mut answer = Vec::new();
    _ = within(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // A body that ends early issues nothing.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(post("content-length: 100", "{}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(!answer.contains("auth_tokens/") && !answer.contains("200 OK"), "{answer}");
    // What is sent behind a request is no second one.
    let twice = post("content-length: 2", "{}").repeat(2);
    let answer = exchange(server.address, &twice).await;
    assert_eq!(answer.matches("auth_tokens/").count(), 1, "{answer}");
    for body in ["null", "[]", "\"x\"", "{\"uses\": 1e400}", "{\"uses\":1}{}", &"[".repeat(100_000)] {
        let (status, answer) = ask(server.address, "any", body).await;
        assert_eq!(status, 400, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = start(|server| server.handshake_deadline(Duration::from_secs(3))).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"POST /v1alpha/auth_tokens HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{").await.unwrap();
    let mut answer = Vec::new();
    _ = within(slow.read_to_end(&mut answer)).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}
