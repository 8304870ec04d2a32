//! Who is let in, and that nobody's key is written down.

use live_server::{Secret, Strictness};

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, VERTEX};
use crate::log;
use crate::running::start;

const WRONG: (u16, &str) = (1007, "API key not valid. Please pass a valid API key.");
const MISSING: (u16, &str) =
    (1008, "Method doesn't allow unregistered callers (callers without established identity).");

#[tokio::test]
async fn without_keys_anybody_is_let_in() {
    let server = start(|server| server).await;
    for headers in [&[][..], &[("x-goog-api-key", "whatever")], &[("authorization", "Bearer ya29.x")]] {
        let mut client = Client::open(server.address, GEMINI, headers).await;
        client.send(TEXT_SETUP).await;
        assert!(matches!(client.hear().await, Heard::Json(_)), "{headers:?}");
    }
}

#[tokio::test]
async fn with_keys_a_client_is_let_in_wherever_it_puts_one() {
    let server = start(|server| server.api_keys([Secret::new("first"), Secret::new("second")])).await;
    let with = |query: &str| format!("{GEMINI}?{query}");
    let table: [(String, &[(&'static str, &str)]); 6] = [
        (with("key=first"), &[]),
        (with("access_token=second"), &[]),
        (GEMINI.to_owned(), &[("x-goog-api-key", "second")]),
        (GEMINI.to_owned(), &[("authorization", "Token first")]),
        (VERTEX.to_owned(), &[("authorization", "Bearer first")]),
        ("/gateway?key=first".to_owned(), &[]),
    ];
    for (path, headers) in table {
        let mut client = Client::open(server.address, &path, headers).await;
        client.send(&TEXT_SETUP.replace("gemini-2.0-flash-live-001", "gemini-live-2.5-flash")).await;
        assert!(matches!(client.hear().await, Heard::Json(_)), "{path}");
    }
    assert_eq!(server.stop().await.refused, 0);
}

#[tokio::test]
async fn a_client_that_is_not_let_in_hears_why_after_its_setup() {
    let server = start(|server| server.api_keys([Secret::new("right")])).await;
    type Attempt = (&'static str, &'static [(&'static str, &'static str)], (u16, &'static str));
    let table: [Attempt; 5] = [
        (GEMINI, &[], MISSING),
        (GEMINI, &[("x-goog-api-key", "wrong")], WRONG),
        (GEMINI, &[("x-goog-api-key", "righ")], WRONG),
        (VERTEX, &[("authorization", "Bearer ya29.oauth")], WRONG),
        ("/gateway?key=", &[], MISSING),
    ];
    for (path, headers, told) in table {
        let mut client = Client::open(server.address, path, headers).await;
        client.send(TEXT_SETUP).await;
        let (code, reason) = client.hear_close().await;
        assert_eq!((code, reason.as_str()), told, "{path} {headers:?}");
    }
    assert_eq!(server.stop().await.refused, 5);
}

#[tokio::test]
async fn the_log_says_why_a_client_is_not_let_in() {
    let server = start(|server| server.api_keys([Secret::new("right")])).await;
    let mut clients = Vec::new();
    for (query, rule, reason) in [
        ("", "a client presents a key, and none came along", "Unregistered"),
        ("?key=NotTheRightOne", "a client presents a key that the server knows", "KeyNotValid"),
    ] {
        let mut client = Client::open(server.address, &format!("{GEMINI}{query}"), &[]).await;
        client.send(TEXT_SETUP).await;
        client.hear_close().await;
        clients.push((client.0.get_ref().local_addr().unwrap(), rule, reason));
    }
    server.stop().await;
    for (peer, rule, reason) in clients {
        let line = log::line(&format!("peer={peer}}}"), "session over");
        let fix = "present one of the server's keys as ?key=, x-goog-api-key or Authorization: Bearer";
        assert!(line.contains("WARN") && line.contains(&format!("rule=\"{rule}\" fix=\"{fix}\"")), "{line}");
        assert!(line.contains(&format!("reason=refused: {reason}")) && !line.contains("NotTheRightOne"), "{line}");
    }
}

#[tokio::test]
async fn no_key_is_ever_logged() {
    let key = "DistinctiveKey7f3a";
    let server = start(|server| server.api_keys([Secret::new(key)]).strictness(Strictness::Lenient)).await;
    let query = format!("{GEMINI}?key={key}");
    let token = format!("{GEMINI}?access_token={key}");
    let bearer = format!("Bearer {key}");
    let places: [(&str, &[(&'static str, &str)]); 4] =
        [(&query, &[]), (&token, &[]), (GEMINI, &[("x-goog-api-key", key)]), (VERTEX, &[("authorization", &bearer)])];
    for (path, headers) in places {
        let mut client = Client::open(server.address, path, headers).await;
        client.send(r#"{"setup": {"model": "publishers/google/models/gemini-live-2.5-flash", "unknownField": 1, "generationConfig": {"responseModalities": ["TEXT"]}}}"#).await;
        client.hear().await;
        client.say("hello").await;
        client.hear_turn().await;
        client.send("{").await;
        client.hear_close().await;
    }
    // A wrong key is a secret too: of another server.
    let wrong = format!("{GEMINI}?key=Wrong{key}");
    let mut refused = Client::open(server.address, &wrong, &[]).await;
    refused.send(TEXT_SETUP).await;
    assert_eq!(refused.hear_close().await.0, WRONG.0);
    // Neither does an answer to plain HTTP repeat it, nor a path that leads nowhere.
    let nowhere = format!("/ws/google.ai.generativelanguage.v9.GenerativeService.BidiGenerateContent?key={key}");
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    assert!(Client::upgrade(stream, &nowhere, &[]).await.is_err());
    drop(refused);
    server.stop().await;

    let log = log::text();
    assert!(!log.contains(key), "{log}");
    for expected in ["session open", "the client broke a rule", "unknownField", "KeyNotValid", "draining"] {
        assert!(log.contains(expected), "{expected} is missing, so this test sees no log:\n{log}");
    }
}
