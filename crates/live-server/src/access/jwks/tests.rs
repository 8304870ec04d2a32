//! When a set of keys is read, and how often at most.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn set(kids: &[&str]) -> String {
    // Points need not be on the curve to be read.
    let coordinate = "A".repeat(43);
    let keys: Vec<Value> = kids
        .iter()
        .map(|kid| json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": coordinate, "y": coordinate }))
        .collect();
    json!({ "keys": keys }).to_string()
}

fn kids(keys: &[Key]) -> Vec<&str> {
    keys.iter().filter_map(|key| key.kid.as_deref()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_set_is_read_again_for_a_new_key_and_not_for_every_one_that_is_made_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, set(&["old"])).unwrap();
    let jwks = Jwks::of_file(path.clone());
    assert_eq!(kids(&jwks.get(Some("old")).await), ["old"]);
    std::fs::write(&path, set(&["old", "new"])).unwrap();
    assert_eq!(kids(&jwks.get(Some("new")).await), ["old"], "it was read a moment ago");
    tokio::time::advance(READ_PAUSE).await;
    assert_eq!(kids(&jwks.get(Some("old")).await), ["old"], "what is there serves");
    assert_eq!(kids(&jwks.get(Some("new")).await), ["old", "new"]);
    // A key that was withdrawn is so within the hour.
    std::fs::write(&path, set(&["new"])).unwrap();
    tokio::time::advance(FRESH).await;
    assert_eq!(kids(&jwks.get(Some("old")).await), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_serves_while_the_source_is_gone_but_not_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    std::fs::write(&path, set(&["k"])).unwrap();
    let jwks = Jwks::of_file(path.clone());
    assert_eq!(kids(&jwks.get(None).await), ["k"]);
    for bad in ["", "{}", "{\"keys\": []}", "{\"keys\": [{\"kty\": \"oct\"}]}", &" ".repeat(SET_BYTES_MAX + 1)] {
        std::fs::write(&path, bad).unwrap();
        tokio::time::advance(FRESH).await;
        assert_eq!(kids(&jwks.get(Some("k")).await), ["k"]);
    }
    std::fs::remove_file(&path).unwrap();
    tokio::time::advance(KEPT_MAX).await;
    assert!(jwks.get(Some("k")).await.is_empty());
}

/// Answers every request with `answer`, and counts them.
async fn serve(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", listener.local_addr().unwrap());
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            _ = stream.read(&mut head).await;
            count.fetch_add(1, Ordering::Relaxed);
            _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, served)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_set_is_fetched_once_however_many_ask_at_once() {
    let (url, served) = serve(ok(&set(&["k"]))).await;
    let jwks = Jwks::of_url(&url).unwrap();
    let asked = (0..20).map(|number| {
        let jwks = &jwks;
        async move { jwks.get(Some(if number % 2 == 0 { "k" } else { "made up" })).await }
    });
    for keys in futures_util::future::join_all(asked).await {
        assert_eq!(kids(&keys), ["k"]);
    }
    assert_eq!(served.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_none() {
    let large = ok(&format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(SET_BYTES_MAX)));
    let answers =
        [ok("nothing"), large, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(), String::new()];
    for answer in answers {
        let (url, served) = serve(answer).await;
        let jwks = Jwks::of_url(&url).unwrap();
        for _ in 0..3 {
            assert!(jwks.get(None).await.is_empty());
        }
        assert_eq!(served.load(Ordering::Relaxed), 1, "a source that fails has its rest too");
    }
}

#[test]
fn keys_come_over_tls_or_from_this_machine() {
    for (url, is_good) in [
        ("https://www.googleapis.com/oauth2/v3/certs", true),
        ("http://127.0.0.1:1/certs", true),
        ("http://[::1]:1/certs", true),
        ("http://localhost/certs", true),
        ("http://keys.example/certs", false),
        ("http://127.0.0.1.evil.example/certs", false),
        ("ftp://keys.example/", false),
        ("https:///certs", false),
        ("://", false),
    ] {
        assert_eq!(Jwks::of_url(url).is_ok(), is_good, "{url}");
    }
}
