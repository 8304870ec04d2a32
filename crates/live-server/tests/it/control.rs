//! The control endpoint: time that is moved by hand, and sessions that are disturbed on demand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use live_server::ClockKind;
use live_server::store::MemoryStore;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, resumable, text, within};
use crate::running::{Running, start};

pub(crate) const CUT: &str = "Connection aborted because the client failed to close the connection after receiving a GoAway signal \
                   once the session durat";

async fn start_controlled(clock: ClockKind) -> Running {
    start(|server| server.clock(clock).control("127.0.0.1:0".parse().expect("an address"))).await
}

/// One request, and what it was answered.
async fn ask(server: &Running, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let address: SocketAddr = server.control.expect("the server has a control endpoint");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.expect("the endpoint listens");
        stream.write_all(request.as_bytes()).await.expect("the endpoint reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the endpoint answers");
        answer
    };
    let answer = within(exchange).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    (head[9..12].parse().expect("a status"), serde_json::from_str(body).expect("JSON"))
}

pub(crate) async fn post(server: &Running, path: &str, body: Value) -> Value {
    let (status, answer) = ask(server, "POST", path, "", &body.to_string()).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn sessions(server: &Running) -> Vec<Value> {
    let (status, answer) = ask(server, "GET", "/sessions", "", "").await;
    assert_eq!(status, 200, "{answer}");
    answer["sessions"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn ten_minutes_pass_when_they_are_told_to() {
    let server = start_controlled(ClockKind::Virtual).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    let handle = client.converse("before").await;
    post(&server, "/clock/advance", json!({ "by": "8m 59s" })).await;
    client.say("nothing yet").await;
    let turn = client.hear_turn().await;
    assert!(!format!("{turn:?}").contains("goAway"), "{turn:?}");
    let moved = post(&server, "/clock/advance", json!({ "by": "1s" })).await;
    assert_eq!(moved, json!({ "kind": "virtual", "elapsed": "540.000s" }));
    let go_away = loop {
        match client.hear().await {
            Heard::Json(message) if message.get("goAway").is_some() => break message,
            Heard::Json(_) => {}
            heard @ (Heard::Close(..) | Heard::Cut) => panic!("{heard:?} before goAway"),
        }
    };
    assert_eq!(go_away, json!({ "goAway": { "timeLeft": "60s" } }));
    post(&server, "/clock/advance", json!({ "by": "60s" })).await;
    assert_eq!(client.hear_close().await, (1008, CUT.to_owned()));

    // The handle is good for two hours of the same clock.
    Client::ready(server.address, &resumable(&handle)).await;
    post(&server, "/clock/advance", json!({ "by": "2h" })).await;
    let mut late = Client::open(server.address, GEMINI, &[("x-goog-api-key", "any")]).await;
    late.send(&resumable(&handle)).await;
    assert_eq!(late.hear_close().await, (1008, "BidiGenerateContent session not found".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_forgotten() {
    let store = Arc::new(MemoryStore::default());
    let server = start(|server| {
        let server = server.clock(ClockKind::Virtual).store(Arc::clone(&store));
        server.control("127.0.0.1:0".parse().expect("an address"))
    })
    .await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    client.converse("hello").await;
    drop(client);
    within(async { while !sessions(&server).await.is_empty() {} }).await;
    post(&server, "/clock/advance", json!({ "by": "1h 59m" })).await;
    assert!(!store.is_empty());
    post(&server, "/clock/advance", json!({ "by": "2m" })).await;
    // The rest of the sweeper is on the runtime's time, and its work on a thread; requests let both go on meanwhile.
    for round in 0..10_000 {
        if store.is_empty() {
            return;
        }
        if round < 60 {
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        sessions(&server).await;
    }
    panic!("{store:?} is not forgotten");
}

#[tokio::test]
async fn the_sessions_are_shown() {
    let server = start_controlled(ClockKind::Virtual).await;
    assert_eq!(sessions(&server).await, [] as [Value; 0]);
    let mut client = Client::ready(server.address, &resumable("")).await;
    client.converse("hello").await;
    post(&server, "/clock/advance", json!({ "by": "90s" })).await;
    let shown = sessions(&server).await.remove(0);
    assert_eq!(shown["id"], shown["session"]);
    for (member, value) in [
        ("backend", json!("gemini")),
        ("model", json!("gemini-2.0-flash-live-001")),
        ("age", json!("90.000s")),
        ("turns", json!(1)),
        ("isResumed", json!(false)),
    ] {
        assert_eq!(shown[member], value, "{member}: {shown}");
    }
    assert!(shown["promptTokens"].as_u64().is_some_and(|tokens| tokens > 0), "{shown}");
    assert!(shown["saves"].as_u64().is_some_and(|saves| saves > 0), "{shown}");
    assert!(!shown.to_string().contains("any"), "the key is nobody's business: {shown}");
    drop(client);
    within(async { while !sessions(&server).await.is_empty() {} }).await;
}

#[tokio::test]
async fn a_session_is_sent_away_or_cut_on_demand() {
    let server = start_controlled(ClockKind::Virtual).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    let id = sessions(&server).await[0]["id"].as_str().unwrap().to_owned();
    post(&server, &format!("/sessions/{}/goAway", &id[..8]), json!({ "timeLeft": "5s" })).await;
    assert_eq!(client.hear().await, Heard::Json(json!({ "goAway": { "timeLeft": "5s" } })));
    post(&server, "/clock/advance", json!({ "by": "5s" })).await;
    assert_eq!(client.hear_close().await.0, 1008);
    drop(client);

    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;
    let shown = sessions(&server).await;
    let peer = client.0.get_ref().local_addr().unwrap().to_string();
    let id = shown.iter().find(|shown| shown["peer"] == peer).unwrap()["id"].as_str().unwrap();
    post(&server, &format!("/sessions/{id}/drop"), json!({})).await;
    assert_eq!(client.hear().await, Heard::Cut);
    bystander.say("still here").await;
    assert_eq!(text(&bystander.hear_turn().await), "you said still here");
}

#[tokio::test]
async fn a_session_that_stalls_goes_on_later() {
    let server = start_controlled(ClockKind::Real).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    let id = sessions(&server).await[0]["id"].as_str().unwrap().to_owned();
    post(&server, &format!("/sessions/{id}/stall"), json!({})).await;
    within(async { while sessions(&server).await[0]["isStalled"] != true {} }).await;
    client.say("wait for it").await;
    // Others are served meanwhile.
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;
    for _ in 0..5 {
        bystander.say("go on").await;
        assert_eq!(text(&bystander.hear_turn().await), "you said go on");
    }
    let shown = sessions(&server).await;
    let stalled = shown.iter().find(|shown| shown["id"] == id).unwrap();
    assert_eq!(stalled["turns"], 0, "{stalled}");
    post(&server, &format!("/sessions/{id}/unstall"), json!({})).await;
    assert_eq!(text(&client.hear_turn().await), "you said wait for it");
}

#[tokio::test]
async fn what_cannot_be_done_is_told() {
    let server = start_controlled(ClockKind::Virtual).await;
    let table = [
        ("GET", "/", "", "", 404, "GET /clock"),
        ("GET", "/clock/advance", "", "", 404, "POST /clock/advance"),
        ("DELETE", "/sessions", "", "", 405, "GET and POST"),
        ("POST", "/clock/advance", "", "", 400, "`by` is missing"),
        ("POST", "/clock/advance", "", "{", 400, "no JSON object"),
        ("POST", "/clock/advance", "", r#"{"by": "soon"}"#, 400, "such as 9m 30s"),
        ("POST", "/clock/advance", "", r#"{"by": 9}"#, 400, "no string"),
        ("POST", "/clock/advance", "", r#"{"by": "1s", "and": "2s"}"#, 400, "`and` means nothing"),
        ("POST", "/clock/advance", "", r#"{"by": "500years"}"#, 400, "more than a year"),
        ("POST", "/sessions/none/drop", "", "", 404, "no connection"),
        ("POST", "/clock/advance", "origin: https://example.com\r\n", r#"{"by": "1s"}"#, 403, "browsers"),
        ("GET", "/sessions", "host: rebound.example:80\r\n", "", 403, "its address or localhost"),
    ];
    for (method, path, headers, body, status, says) in table {
        let (answered, answer) = ask(&server, method, path, headers, body).await;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(answered == status && message.contains(says), "{method} {path} {body}: {answered} {answer}");
    }
    let (_, clock) = ask(&server, "GET", "/clock", "", "").await;
    assert_eq!(clock, json!({ "kind": "virtual", "elapsed": "0.000s" }), "nothing of that moved the clock");

    let real = start_controlled(ClockKind::Real).await;
    let (status, answer) = ask(&real, "POST", "/clock/advance", "", r#"{"by": "1s"}"#).await;
    assert!(status == 409 && answer.to_string().contains("--clock virtual"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_clock_stands_still_drains_all_the_same() {
    let server = start_controlled(ClockKind::Virtual).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("hold").await;
    assert_eq!(text(&[client.hear().await]), "holding");
    let served = server.begin_shutdown();
    assert_eq!(client.hear_close().await, (1011, "The service is currently unavailable.".to_owned()));
    drop(client);
    assert_eq!(within(served).await.unwrap().sessions_open, 0);
}
