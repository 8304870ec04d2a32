//! The search service: what it is asked, what it may answer, and what is said when it does neither.

use super::*;
use crate::server::{HANG, Server, answer_of, page, redirect};

async fn start(answer: Vec<u8>) -> (Server, Searx) {
    let server = Server::start([("/sx/search", answer)]).await;
    let config =
        SearxConfig { language: Some("de".to_owned()), ..SearxConfig::new(format!("http://{}/sx/", server.address)) };
    (server, Searx::new(config).expect("a good address"))
}

#[tokio::test]
async fn findings_are_read_in_their_order() {
    let body = r#"{"query": "q", "results": [
        {"url": "https://a.example/1", "title": " A  title ", "content": "First\n finding.", "engine": "x", "score": 2.0},
        {"url": "javascript:alert(1)", "title": "t", "content": "c"},
        {"url": "https://b.example/2", "title": "Only a title", "content": ""},
        {"title": "no address", "content": "c"},
        {"url": "https://c.example/", "title": "", "content": ""},
        {"url": "https://d.example/", "title": "日本", "content": "天気"}]}"#;
    let (server, searx) = start(page("application/json", body)).await;
    let hits = searx.search("was  ist\nlos & wo?", 9).await.expect("it answers");
    let shown: Vec<String> = hits.iter().map(|hit| format!("{}|{}|{}", hit.title, hit.uri, hit.text)).collect();
    assert_eq!(
        shown,
        [
            "A title|https://a.example/1|First finding.",
            "Only a title|https://b.example/2|Only a title",
            "日本|https://d.example/|天気",
        ]
    );
    assert_eq!(searx.search("x", 1).await.expect("it answers").len(), 1, "no more than is asked for");
    let asked = server.asked();
    let head = asked[0].to_lowercase();
    assert!(head.starts_with("get /sx/search?q=was+ist+los+%26+wo%3f&format=json&language=de http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", server.address)), "{head}");
}

#[tokio::test]
async fn what_failed_is_named() {
    let many = format!("{{\"results\": \"{}\"}}", "x".repeat(5 << 20));
    for (answer, says) in [
        (answer_of("403 Forbidden", "", b""), "settings.yml"),
        (answer_of("500 Oops", "", b"secret"), "it answers 500"),
        (redirect("https://elsewhere.example/"), "https://elsewhere.example/"),
        (page("text/html", "<p>"), "no JSON"),
        (page("application/json", "{}"), "no `results`"),
        (page("application/json", &many), "more than 4194304 bytes"),
        (
            page(
                "application/json",
                r#"{"results": [], "unresponsive_engines": [["bing", "timeout"], ["brave", "CAPTCHA"]]}"#,
            ),
            "bing: timeout, brave: CAPTCHA",
        ),
        (answer_of("200 OK", "content-encoding: gzip\r\n", b"x"), "compressed"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec(), "broke off"),
        (b"nonsense\r\n\r\n".to_vec(), "no answer"),
    ] {
        let (server, searx) = start(answer).await;
        let error = searx.search("q", 3).await.expect_err(says).to_string();
        assert!(error.contains(says) && error.contains(&server.address.to_string()), "{says}: {error}");
        assert!(!error.contains("secret") && !error.contains("?q="), "{error}");
    }
}

#[tokio::test]
async fn nothing_found_is_no_failure() {
    let (_server, searx) = start(page("application/json", r#"{"results": [], "unresponsive_engines": []}"#)).await;
    assert_eq!(searx.search("q", 3).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let server = Server::start([("/search", HANG.to_vec())]).await;
    let time = Duration::from_millis(20);
    let config = SearxConfig { time, ..SearxConfig::new(format!("http://{}", server.address)) };
    let error = Searx::new(config).expect("a good address").search("q", 3).await.expect_err("it hangs");
    assert!(error.to_string().contains("no answer within 20ms"), "{error}");
    let config = SearxConfig::new("http://127.0.0.1:1/search/");
    let searx = Searx::new(config).expect("a good address");
    assert_eq!(searx.url(), "http://127.0.0.1:1/search/");
    let error = searx.search("q", 3).await.expect_err("nobody is there");
    assert!(error.to_string().contains("cannot connect to 127.0.0.1:1"), "{error}");
}

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    for (url, says) in [
        ("127.0.0.1:8888", "http://"),
        ("file:///etc/passwd", "http://"),
        ("http://me:secret@h/", "without a user"),
        ("http://h/?a=b", "can have none"),
        ("", "no URL"),
    ] {
        let error = Searx::new(SearxConfig::new(url)).expect_err("refused").to_string();
        assert!(error.contains(says) && !error.contains("secret"), "{url}: {error}");
    }
}
