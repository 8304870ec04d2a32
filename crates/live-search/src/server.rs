//! A server of HTTP on the loopback for tests: answers by path, byte for byte, and remembers what it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server under a test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers a request by the longest of these beginnings of its target; `HANG` never.
    pub(crate) async fn start<const N: usize>(answers: [(&str, Vec<u8>); N]) -> Self {
        let answers: BTreeMap<String, Vec<u8>> = answers.map(|(path, answer)| (path.to_owned(), answer)).into();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let (asked, answers) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answers));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answers), Arc::clone(&log)));
            }
        });
        Self { address, asked }
    }

    /// The heads of the requests, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics with it").clone()
    }
}

/// A request that is never answered.
pub(crate) const HANG: &[u8] = b"hang";

async fn serve(mut stream: TcpStream, answers: Arc<BTreeMap<String, Vec<u8>>>, log: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if matches!(stream.read_buf(&mut head).await, Err(_) | Ok(0)) {
            return;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().expect("no test panics with it").push(head);
    let answer = answers.iter().rev().find(|(path, _)| target.starts_with(*path)).map(|(_, answer)| answer.clone());
    let answer = answer.unwrap_or_else(|| answer_of("404 Not Found", "", b""));
    if answer == HANG {
        let mut rest = [0; 64];
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
        return;
    }
    _ = stream.write_all(&answer).await;
}

/// A whole answer.
pub(crate) fn answer_of(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A page of this type.
pub(crate) fn page(content_type: &str, body: &str) -> Vec<u8> {
    answer_of("200 OK", &format!("content-type: {content_type}\r\n"), body.as_bytes())
}

/// A redirect to this place.
pub(crate) fn redirect(to: &str) -> Vec<u8> {
    answer_of("302 Found", &format!("location: {to}\r\n"), b"")
}
