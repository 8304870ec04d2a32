//! A server that is restarted, killed, moved through time and made to send clients away, behind one address.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use live_server::store::{DiskStore, SessionStore};
use live_server::{Builder, ClockKind, Lifetimes, Server, Stats};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ledger::Ledger;
use crate::link::Network;

pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) ledger: Ledger,
    /// What every server is built with besides.
    build: fn(Builder) -> Builder,
    directory: tempfile::TempDir,
    running: Option<Running>,
}

struct Running {
    control: SocketAddr,
    store: Arc<DiskStore>,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<Stats>,
}

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It drains and says good-bye.
    Shutdown,
    /// It is gone between two instructions.
    Killed,
}

impl World {
    /// A network with a server whose sessions are on disk.
    pub(crate) async fn start() -> Self {
        Self::of(|server| server).await
    }

    /// The same, with servers that are built so.
    pub(crate) async fn of(build: fn(Builder) -> Builder) -> Self {
        let directory = tempfile::tempdir().expect("a place for the sessions");
        let mut world =
            Self { network: Network::start().await, ledger: Ledger::default(), build, directory, running: None };
        world.open(|server| server).await;
        world
    }

    /// Where clients connect to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.network.address)
    }

    /// Starts a server, where there is none, with whatever `build` adds.
    pub(crate) async fn open(&mut self, build: impl FnOnce(Builder) -> Builder) {
        let store = Arc::new(DiskStore::open(&self.sessions()).expect("the sessions can be read"));
        let loopback = "127.0.0.1:0".parse().expect("an address");
        let server = Server::builder()
            .model(self.ledger.clone())
            .store(store.clone() as Arc<dyn SessionStore>)
            .clock(ClockKind::Virtual)
            .lifetimes(|backend| Lifetimes { session_audio: None, ..Lifetimes::of(backend) })
            .listen(loopback)
            .control(loopback);
        let server = build((self.build)(server)).bind().await.expect("loopback has a free port");
        let (address, control) = (server.endpoints()[0].address, server.control().expect("it was asked for"));
        let (shutdown, told) = oneshot::channel();
        let served = tokio::spawn(server.serve_until(async { _ = told.await }));
        self.network.lead_to(Some(address));
        self.running = Some(Running { control, store, shutdown, served });
    }

    /// Ends the server, and waits until it has let go of its sessions.
    pub(crate) async fn end(&mut self, how: End) {
        let Running { control: _, store, shutdown, served } = self.running.take().expect("a server runs");
        match how {
            End::Shutdown => {
                shutdown.send(()).expect("the server runs");
                let stats = served.await.expect("the server does not panic");
                assert_eq!((stats.failures, stats.sessions_open), (0, 0), "{stats:?}");
            }
            End::Killed => {
                served.abort();
                _ = served.await;
            }
        }
        self.network.lead_to(None);
        // Calls of the store that were under way have threads of their own.
        while Arc::strong_count(&store) > 1 {
            tokio::task::yield_now().await;
        }
    }

    /// Has the server forget all sessions.
    pub(crate) fn forget(&self) {
        assert!(self.running.is_none(), "a server that runs has the file");
        std::fs::remove_file(self.sessions()).expect("sessions were kept");
    }

    fn sessions(&self) -> PathBuf {
        self.directory.path().join("sessions.redb")
    }

    pub(crate) async fn advance(&self, by: &str) {
        self.ask("POST", "/clock/advance", &json!({ "by": by })).await;
    }

    pub(crate) async fn sessions_open(&self) -> Vec<Value> {
        self.ask("GET", "/sessions", &json!({})).await["sessions"].as_array().expect("a list").clone()
    }

    /// Tells every connection something.
    pub(crate) async fn tell(&self, order: &str, body: Value) {
        for session in self.sessions_open().await {
            let id = session["id"].as_str().expect("connections have ids").to_owned();
            self.try_ask("POST", &format!("/sessions/{id}/{order}"), &body).await;
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_ask(method, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn try_ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let address = self.running.as_ref().expect("a server runs").control;
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(address).await.expect("the endpoint listens");
        stream.write_all(request.as_bytes()).await.expect("the endpoint reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the endpoint answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        (head[9..12].parse().expect("a status"), serde_json::from_str(body).expect("JSON"))
    }
}
