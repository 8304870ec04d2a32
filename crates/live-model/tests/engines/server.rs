//! A server of HTTP that answers as it is scripted, byte for byte, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the server does with one request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends nothing more until the client goes, and tells that it went.
    Hang,
    /// Sends this chunk each second until the client goes.
    Repeat(Vec<u8>),
    /// Resets the connection.
    Cut,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request line and the headers, names in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// A server under a test.
pub(crate) struct Server {
    pub(crate) base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Clients that went while the server hung.
    gone: mpsc::UnboundedReceiver<()>,
}

impl Server {
    /// Answers one request after the other by the next script; the last one serves all further ones.
    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let base_url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let scripts = Arc::new(Mutex::new(VecDeque::from(scripts)));
        let (left, gone) = mpsc::unbounded_channel();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&scripts), Arc::clone(&log), left.clone()));
            }
        });
        Self { base_url, asked, gone }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics with it").clone()
    }

    /// Waits until a client went while the server hung.
    pub(crate) async fn left_alone(&mut self) {
        self.gone.recv().await.expect("the server lives");
    }
}

async fn serve(
    mut stream: TcpStream,
    scripts: Arc<Mutex<VecDeque<Vec<Step>>>>,
    log: Arc<Mutex<Vec<Asked>>>,
    left: mpsc::UnboundedSender<()>,
) {
    while let Some(asked) = read(&mut stream).await {
        log.lock().expect("no test panics with it").push(asked);
        let script = {
            let mut scripts = scripts.lock().expect("no test panics with it");
            if scripts.len() > 1 { scripts.pop_front() } else { scripts.front().cloned() }
        };
        for step in script.expect("there is a script") {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Repeat(bytes) => {
                    let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                    let mut second = tokio::time::interval(Duration::from_secs(1));
                    while stream.write_all(&chunk).await.is_ok() {
                        second.tick().await;
                    }
                    return;
                }
                Step::Hang => {
                    let mut rest = [0; 64];
                    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
                    _ = left.send(());
                    return;
                }
                Step::Cut => {
                    stream.set_zero_linger().expect("it is a socket");
                    return;
                }
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = bytes.split_off(head_end);
    while body.len() < length.unwrap_or(0) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked { head, body })
}

/// A whole answer.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    vec![Step::Send([head.as_bytes(), body].concat())]
}

/// An answer that comes in these chunks, then is complete.
pub(crate) fn chunks<'a>(content_type: &str, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let mut steps = begun(content_type, chunks);
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// The same without its end.
pub(crate) fn begun<'a>(content_type: &str, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut steps = vec![Step::Send(head.into_bytes())];
    for chunk in chunks {
        steps.push(Step::Send([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()));
    }
    steps
}
