//! The reader of pages: what it reads, and all the ways to make it read what it may not.

use std::collections::BTreeMap;

use super::*;
use crate::server::{HANG, Server, answer_of, page, redirect};

fn reader(entries: &[&str]) -> Reader {
    Reader::new(AllowList::new(entries.iter().copied()).expect("good entries"), ReaderLimits::default())
}

/// A reader that may read all of a server of this machine.
fn reader_of(server: &Server) -> Reader {
    reader(&[&server.address.to_string()])
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

/// Names with the addresses that a test gives them, a new list each time they are asked for.
struct Scripted(std::sync::Mutex<BTreeMap<String, Vec<Vec<SocketAddr>>>>);

impl Names for Scripted {
    fn addresses<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let mut names = self.0.lock().expect("no test panics with it");
        let found = names.get_mut(url.host_str().unwrap_or_default()).map(|lists| lists.remove(0));
        Box::pin(std::future::ready(found.ok_or_else(|| io::Error::other("no such name"))))
    }
}

#[tokio::test]
async fn pages_are_read_as_text() {
    let html = "<title>A page</title><script>bad()</script><p>One.<p>Two &amp; three.";
    let server = Server::start([
        ("/page", page("text/html; charset=UTF-8", html)),
        ("/text", page("text/plain", " plain \n text ")),
        ("/json", page("application/json;charset=\"utf-8\"", "{\"a\": 1}")),
        ("/moved", redirect("/page#part")),
        ("/paid", answer_of("402 Payment Required", "", b"")),
    ])
    .await;
    let reader = reader_of(&server);
    let read = reader.read(&url(&server, "/page?x=1#top")).await.expect("it may be read");
    let expected = Page {
        url: url(&server, "/page?x=1"),
        title: "A page".into(),
        text: "One.\nTwo & three.".into(),
        is_cut: false,
    };
    assert_eq!(read, expected);
    assert!(server.asked()[0].starts_with("GET /page?x=1 HTTP/1.1\r\n"), "{:?}", server.asked());
    assert_eq!(reader.read(&url(&server, "/text")).await.expect("it is text").text, "plain \n text");
    assert_eq!(reader.read(&url(&server, "/json")).await.expect("it is text").text, "{\"a\": 1}");
    assert_eq!(reader.read(&url(&server, "/moved")).await.expect("it is followed").url, url(&server, "/page"));
    assert_eq!(reader.read(&url(&server, "/paid")).await, Err(ReadError::Paid));
}

#[tokio::test]
async fn what_cannot_be_had_is_told() {
    let server = Server::start([
        ("/big", page("text/plain", &"x".repeat((2 << 20) + 1))),
        ("/loop", redirect("/loop")),
        ("/lost", answer_of("302 Found", "", b"")),
        ("/image", page("image/png", "x")),
        ("/untyped", answer_of("200 OK", "", b"x")),
        ("/latin", page("text/html; charset=iso-8859-1", "x")),
        ("/bytes", answer_of("200 OK", "content-type: text/plain\r\n", b"\xff\xfe")),
        ("/nul", page("text/plain", "a\0b")),
        ("/zip", answer_of("200 OK", "content-type: text/plain\r\ncontent-encoding: gzip\r\n", b"x")),
    ])
    .await;
    let reader = reader_of(&server);
    for (path, says) in [
        ("/big", "more than 2097152 bytes"),
        ("/loop", "more than 5 times"),
        ("/lost", "without a place"),
        ("/image", "image/png"),
        ("/untyped", "Content-Type"),
        ("/latin", "iso-8859-1"),
        ("/bytes", "no UTF-8"),
        ("/nul", "no text"),
        ("/zip", "compressed"),
        ("/none", "404"),
    ] {
        match reader.read(&url(&server, path)).await {
            Err(ReadError::Failed(why)) => assert!(why.contains(says), "{path}: {why}"),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn text_is_cut_between_characters() {
    let server = Server::start([("/", page("text/plain", &"語".repeat(20_000)))]).await;
    let read = reader_of(&server).read(&url(&server, "/")).await.expect("it may be read");
    assert!(read.is_cut && read.text.len() == 32_766 && read.text.ends_with('語'), "{}", read.text.len());
}

#[tokio::test]
async fn a_page_that_does_not_come_is_given_up() {
    let server = Server::start([("/", HANG.to_vec())]).await;
    let mut reader = reader_of(&server);
    reader.limits.time = Duration::from_millis(20);
    let read = reader.read(&url(&server, "/")).await;
    assert_eq!(read, Err(ReadError::Failed("it was not there within 20ms".to_owned())));
}

#[track_caller]
fn refused(read: Result<Page, ReadError>, what: &str) {
    assert!(matches!(read, Err(ReadError::Refused(_))), "{what}: {read:?}");
}

#[tokio::test]
async fn this_machine_is_not_read_however_it_is_spelled() {
    let server = Server::start([("/", page("text/plain", "secret"))]).await;
    let port = server.address.port();
    // Everything public may be read, on this very port.
    let entries = [format!("*.example:{port}"), format!("localhost.example:{port}"), "*".to_owned()];
    let reader = reader(&entries.each_ref().map(String::as_str));
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "１２７.0.0.1",
        "127。0。0。1",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "example.com:80@127.0.0.1",
        "127.0.0.1#@example.com",
    ] {
        for url in [format!("http://{host}:{port}/"), format!("http://{host}/")] {
            let read = reader.read(&url).await;
            assert!(read.is_err(), "{url}: {read:?}");
            assert!(!format!("{read:?}").contains("cannot connect"), "{url}: nothing is sent: {read:?}");
        }
    }
    for url in [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://127.0.0.1:70/",
        "data:text/plain,x",
        "javascript:1",
        "/etc/passwd",
        "",
    ] {
        refused(reader.read(url).await, url);
    }
    assert_eq!(server.asked(), [""; 0]);
}

#[tokio::test]
async fn only_listed_places_of_a_host_are_read() {
    let server = Server::start([("/open/", page("text/plain", "open")), ("/", page("text/plain", "secret"))]).await;
    let reader = reader(&[&url(&server, "/open/")]);
    assert_eq!(reader.read(&url(&server, "/open/x")).await.expect("it is listed").text, "open");
    for path in ["/", "/other", "/open", "/open/../other", "/open/%2e%2e/other", "/open/..%2fother", "/open\\..\\other"]
    {
        refused(reader.read(&url(&server, path)).await, path);
    }
    refused(reader.read(&url(&server, "/open/").replace("http:", "https:")).await, "another scheme");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn redirects_are_compared_with_the_list() {
    let secret = Server::start([("/", page("text/plain", "secret"))]).await;
    let inside = url(&secret, "/");
    let server = Server::start([
        ("/in", redirect(&inside)),
        ("/decimal", redirect(&inside.replace("127.0.0.1", "2130706433"))),
        ("/mapped", redirect(&inside.replace("127.0.0.1", "[::ffff:127.0.0.1]"))),
        ("/scheme", redirect("file:///etc/passwd")),
        ("/user", redirect(&inside.replace("127", "example.com@127"))),
        ("/relative", redirect(&format!("//{}/", secret.address))),
    ])
    .await;
    let reader = reader_of(&server);
    for path in ["/in", "/decimal", "/mapped", "/scheme", "/user", "/relative"] {
        refused(reader.read(&url(&server, path)).await, path);
    }
    assert_eq!(secret.asked(), [""; 0]);
}

#[tokio::test]
async fn names_are_connected_to_where_they_were_checked() {
    let server = Server::start([("/", page("text/plain", "answer")), ("/again", redirect("/"))]).await;
    let here = server.address;
    let outside: SocketAddr = "93.184.215.14:80".parse().expect("an address");
    let entry = format!("trap.example:{}", here.port());
    let with = |lists: Vec<Vec<SocketAddr>>, entries: &[&str]| {
        let names = BTreeMap::from([("trap.example".to_owned(), lists)]);
        Reader { names: Arc::new(Scripted(names.into())), ..reader(entries) }
    };
    let trap = format!("http://{entry}/again");
    refused(with(vec![vec![here]], &[&entry]).read(&trap).await, "a name for this machine");
    refused(with(vec![vec![outside, here]], &[&entry]).read(&trap).await, "one address of two");
    refused(
        with(vec![Vec::from([SocketAddr::from(([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1], here.port()))])], &[&entry])
            .read(&trap)
            .await,
        "mapped",
    );
    assert_eq!(server.asked(), [""; 0]);
    // The list names the address too: the first hop is read at it, and the second, whose name has moved, is not.
    let address = here.to_string();
    let moved = "10.0.0.1:80".parse().expect("an address");
    refused(with(vec![vec![here], vec![moved]], &[&entry, &address]).read(&trap).await, "it moved between hops");
    assert_eq!(server.asked().len(), 1, "asked where it was checked");
    assert!(server.asked()[0].to_lowercase().contains(&format!("host: {entry}\r\n")), "{:?}", server.asked());
    let read = with(vec![vec![here], vec![here]], &[&entry, &address]).read(&trap).await;
    assert_eq!(read.expect("both hops are permitted").text, "answer");
}
