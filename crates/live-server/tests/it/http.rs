//! Plain HTTP on the same ports.

use std::net::SocketAddr;
use std::time::Duration;

use live_server::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, GEMINI, TEXT_SETUP, within};
use crate::log;
use crate::running::start;

/// Sends `request` as it is and returns all that comes back.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("the server answers");
    answer
}

#[tokio::test]
async fn health_is_told_to_plain_http() {
    let server = start(|server| server).await;
    let client = Client::ready(server.address, TEXT_SETUP).await;
    let answer = exchange(server.address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"sessionsOpen\": 1"), "{answer}");
    drop(client);
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_told_what_to_do() {
    let server = start(|server| server).await;
    let request = format!("GET {GEMINI}?key=k HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let answer = exchange(server.address, &request).await;
    assert!(
        answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n") && answer.contains("FAILED_PRECONDITION"),
        "{answer}"
    );
    let answer = exchange(
        server.address,
        "POST /v1beta/models/m:generateContent HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n") && answer.contains("Live API only"), "{answer}");
}

#[tokio::test]
async fn music_is_refused_at_the_upgrade() {
    let server = start(|server| server).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let path = GEMINI.replace("BidiGenerateContent", "BidiGenerateMusic");
    let Err(Error::Http(response)) = Client::upgrade(stream, &path, &[]).await else { panic!("upgraded") };
    assert_eq!(response.status(), 501);
    let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
    assert!(body.contains("BidiGenerateMusic"), "{body}");
}

#[tokio::test]
async fn a_web_page_from_elsewhere_needs_leave_or_a_key() {
    let page = [("origin", "https://page.example"), ("x-goog-api-key", "K")];
    let open = start(|server| server).await;
    let stream = TcpStream::connect(open.address).await.unwrap();
    let peer = stream.local_addr().unwrap();
    let Err(Error::Http(response)) = Client::upgrade(stream, GEMINI, &page).await else { panic!("upgraded") };
    assert_eq!(response.status(), 403);
    Client::open(open.address, GEMINI, &[("origin", "http://localhost:5173")]).await;
    open.stop().await;
    let line = log::line(&format!("peer={peer} "), "no session");
    assert!(line.contains("page.example") && line.contains("--allow-origin"), "{line}");

    let allowing = start(|server| server.allow_origins(["https://page.example".parse().unwrap()])).await;
    Client::open(allowing.address, GEMINI, &page).await;
    let keyed = start(|server| server.api_keys([Secret::new("K")])).await;
    Client::open(keyed.address, GEMINI, &page).await;
}

#[tokio::test]
async fn the_log_says_what_to_do_when_no_websocket_is_opened() {
    let server = start(|server| server).await;
    let old = GEMINI.replace("v1beta", "v1logged");
    let music = GEMINI.replace("BidiGenerateContent", "BidiGenerateMusic");
    let mut peers = Vec::new();
    for (path, status, fix) in
        [(&old, 404, "v1alpha and v1beta1"), (&music, 501, "Live sessions are BidiGenerateContent")]
    {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let peer = stream.local_addr().unwrap();
        assert!(Client::upgrade(stream, &format!("{path}?key=AKeyInAQuery"), &[]).await.is_err());
        peers.push((peer, path.clone(), "GET", status, fix));
    }
    // A proxy took the headers of the upgrade away.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let peer = stream.local_addr().unwrap();
    stream.write_all(format!("POST {GEMINI}?key=AKeyInAQuery HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    within(stream.read_to_end(&mut Vec::new())).await.unwrap();
    peers.push((peer, GEMINI.to_owned(), "POST", 426, "`Upgrade: websocket`"));
    // Somebody else's request is no news.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let stranger = stream.local_addr().unwrap();
    stream.write_all(b"GET /favicon.ico HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    within(stream.read_to_end(&mut Vec::new())).await.unwrap();
    server.stop().await;

    for (peer, path, method, status, fix) in peers {
        let line = log::line(&format!("peer={peer} "), "no session");
        let told = format!("method={method} path=\"{path}\" status={status} ");
        assert!(line.contains("WARN") && line.contains(&told) && line.contains(fix), "{line}");
        assert!(!line.contains("AKeyInAQuery"), "{line}");
    }
    assert!(!log::text().contains(&format!("peer={stranger} ")), "{}", log::text());
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = start(|server| server).await;
    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\r\n", "x".repeat(64 << 10));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may answer and hang up before it has read all.
    _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    _ = within(stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_dropped() {
    let server = start(|server| server.handshake_deadline(Duration::from_secs(3))).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    for stream in [&mut silent, &mut slow] {
        let mut answer = Vec::new();
        _ = within(stream.read_to_end(&mut answer)).await;
        assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    }
}
