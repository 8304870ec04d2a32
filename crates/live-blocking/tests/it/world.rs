//! A server on threads, and clients of it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use live_blocking::{Admission, Connection, Connector, Memory, Next, Options, Request, Session, Stop, connect, serve};
use live_engine::{
    Backend, ClientConfig, ClientEngine, ClientEvent, ModelOutput, Prompt, ServerConfig, TurnCompletePacing,
};
use live_proto::json::Strictness;
use live_proto::{Modality, Setup};

pub(crate) const MODEL: &str = "models/gemini-live-2.5-flash-preview";

/// A server that is stopped when it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new<I>(
        config: ServerConfig,
        options: Options,
        model: impl Fn(Prompt) -> I + Send + Sync + 'static,
    ) -> Self
    where
        I: Iterator<Item = ModelOutput>,
    {
        Self::keeping(Arc::default(), move |_| config.clone().into(), options, model)
    }

    /// A server whose sessions are kept in `memory`, and that serves its clients as `admit` says.
    pub(crate) fn keeping<I>(
        memory: Arc<Memory>,
        admit: impl Fn(&Request) -> Admission + Send + Sync + 'static,
        options: Options,
        model: impl Fn(Prompt) -> I + Send + Sync + 'static,
    ) -> Self
    where
        I: Iterator<Item = ModelOutput>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let stop = Stop::default();
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            serve(&listener, admit, model, &memory, &options, &told).expect("loopback accepts");
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop(self.address);
        let ended = self.thread.take().expect("it is joined once").join();
        assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
    }
}

pub(crate) fn config() -> ServerConfig {
    ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) }
}

pub(crate) fn options() -> Options {
    Options::server(Strictness::Strict)
}

pub(crate) fn request(address: SocketAddr) -> http::Request<()> {
    http::Request::get(format!("ws://{address}/ws")).body(()).expect("a valid request")
}

/// A client in text.
pub(crate) fn client(address: SocketAddr) -> Connection<ClientEngine> {
    dial(request(address), Setup::new(MODEL).with_modality(Modality::Text))
}

pub(crate) fn dial(request: http::Request<()>, setup: Setup) -> Connection<ClientEngine> {
    let engine = ClientEngine::new(ClientConfig::new(setup), Instant::now());
    connect(request, &Connector::without_roots().expect("TLS works"), engine, Options::client()).expect("it connects")
}

/// Whatever has a next event.
pub(crate) trait Hears {
    fn next(&mut self, timeout: Option<Duration>) -> Next<ClientEvent>;
}

impl Hears for Connection<ClientEngine> {
    fn next(&mut self, timeout: Option<Duration>) -> Next<ClientEvent> {
        self.next(timeout)
    }
}

impl Hears for Session {
    fn next(&mut self, timeout: Option<Duration>) -> Next<ClientEvent> {
        self.next(timeout)
    }
}

/// What a client hears, up to an event that `ends`.
pub(crate) fn hear(client: &mut impl Hears, ends: impl Fn(&ClientEvent) -> bool) -> Vec<ClientEvent> {
    let mut heard = Vec::new();
    loop {
        match client.next(Some(Duration::from_secs(30))) {
            Next::Event(event) => {
                let is_end = ends(&event);
                heard.push(event);
                if is_end {
                    return heard;
                }
            }
            other @ (Next::TimedOut | Next::Over) => panic!("{other:?} after {heard:?}"),
        }
    }
}

pub(crate) fn text(heard: &[ClientEvent]) -> String {
    let text = |event: &ClientEvent| if let ClientEvent::Text { text, .. } = event { Some(text.clone()) } else { None };
    heard.iter().filter_map(text).collect()
}
