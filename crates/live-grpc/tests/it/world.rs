//! A client and a server joined by a pipe, each moved by hand.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::HeaderMap;
use hyper_util::rt::TokioIo;
use live_engine::{
    Backend, ClientCommand, ClientConfig, ClientEngine, ClientEvent, ModelOutput, Refusal, ServerCommand, ServerConfig,
    ServerEngine, ServerEvent, TurnId,
};
use live_grpc::{Channel, Connection, Endpoint, Method, Opening, Options, connect};
use live_proto::{ClientMessage, Setup};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) const MODEL: &str = "models/gemini-live-2.5-flash-preview";

/// What a client that does not read lets a server send.
const WINDOW_BYTES: u32 = 0xffff;

/// A server's HTTP/2 on one end of a pipe, and a channel on the other.
pub(crate) struct Pipe {
    pub(crate) channel: Channel,
    openings: BoxStream<'static, Opening>,
}

impl Pipe {
    pub(crate) fn new(options: Options) -> Self {
        let (client, server) = tokio::io::duplex(1024);
        let (opened, mut openings) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let open = move |opening| _ = opened.send(opening);
            // A client that goes away without a word ends it with an error.
            _ = live_grpc::serve(server, &options, open, std::future::pending()).await;
        });
        let client = Arc::new(Mutex::new(Some(TokioIo::new(client))));
        let connector = tower::service_fn(move |_| {
            let client = client.lock().expect("nobody panics with it").take();
            async move { client.ok_or_else(|| std::io::Error::other("a pipe is dialled once")) }
        });
        let channel = Endpoint::from_static("http://pipe")
            .initial_stream_window_size(WINDOW_BYTES)
            .connect_with_connector_lazy(connector);
        Self { channel, openings: futures_util::stream::poll_fn(move |cx| openings.poll_recv(cx)).boxed() }
    }

    /// The next stream that a client opens.
    pub(crate) async fn opening(&mut self) -> Opening {
        self.openings.next().await.expect("the server runs")
    }
}

/// Two engines, and what was heard on either side.
pub(crate) struct World {
    pipe: Pipe,
    pub(crate) client: Connection<ClientEngine>,
    pub(crate) server: Option<Connection<ServerEngine>>,
    pub(crate) at_client: Vec<String>,
    pub(crate) at_server: Vec<String>,
    pub(crate) over: (bool, bool),
    refusal: Option<Refusal>,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let pipe = Pipe::new(Options::default());
        let engine = ClientEngine::new(ClientConfig::new(setup), Instant::now().into_std());
        let mut metadata = HeaderMap::new();
        metadata.insert("x-goog-api-key", http::HeaderValue::from_static("K"));
        let client = connect(pipe.channel.clone(), Method::V1Beta, metadata, engine, Options::default());
        let (at_client, at_server) = (Vec::new(), Vec::new());
        Self { pipe, client, server: None, at_client, at_server, over: (false, false), refusal: None }
    }

    pub(crate) fn refusing(setup: Setup, refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::new(setup) }
    }

    /// Moves everything that can move without time passing.
    pub(crate) async fn settle(&mut self) {
        for _ in 0..2_000 {
            match self.client.next().now_or_never() {
                Some(Some(event)) => self.at_client.push(name(event)),
                Some(None) => self.over.0 = true,
                None => {}
            }
            if let Some(Some(opening)) = self.pipe.openings.next().now_or_never() {
                assert_eq!(
                    (opening.method(), &opening.headers()["x-goog-api-key"]),
                    (Method::V1Beta, &http::HeaderValue::from_static("K"))
                );
                let config = ServerConfig { refusal: self.refusal, ..ServerConfig::new(Backend::Gemini) };
                self.server = Some(opening.accept(ServerEngine::new(config, Instant::now().into_std())));
            }
            match self.server.as_mut().and_then(|server| server.next().now_or_never()) {
                Some(Some(event)) => self.at_server.push(server_name(event)),
                Some(None) => self.over.1 = true,
                None => {}
            }
            // The tasks of HTTP/2 get their turn; no time passes.
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn say(&mut self, message: ClientMessage) {
        assert_eq!(self.client.command(ClientCommand::Send(message)), Ok(()));
    }

    /// A piece of generation `turn`.
    pub(crate) fn answer(&mut self, turn: u64, piece: ModelOutput) {
        let server = self.server.as_mut().expect("a stream is open");
        assert_eq!(server.command(ServerCommand::Model(TurnId(turn), piece)), Ok(()));
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, at_client: &[&str], at_server: &[&str]) {
        assert_eq!(self.at_client, at_client, "at the client");
        assert_eq!(self.at_server, at_server, "at the server");
        self.at_client.clear();
        self.at_server.clear();
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other events show themselves in full")]
fn name(event: ClientEvent) -> String {
    match event {
        ClientEvent::Text { generation, text } => format!("{generation} {text:?}"),
        ClientEvent::Audio { generation, blob } => format!("{generation} {} of {}", blob.data.len(), blob.mime_type),
        ClientEvent::Usage(_) => "usage".into(),
        ClientEvent::TurnComplete { generation, .. } => format!("{generation} turnComplete"),
        ClientEvent::Interrupted { generation } => format!("{generation} interrupted"),
        ClientEvent::GenerationComplete { generation } => format!("{generation} generationComplete"),
        ClientEvent::Idle => "idle".into(),
        ClientEvent::Closed(cause) => cause.to_string(),
        event => format!("{event:?}"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other events show themselves in full")]
pub(crate) fn server_name(event: ServerEvent) -> String {
    match event {
        ServerEvent::SetupAccepted(_) => "accepted".into(),
        ServerEvent::Generate(turn, prompt) => format!("generate {turn} from {} contents", prompt.history.len()),
        ServerEvent::Cancel(turn) => format!("cancel {turn}"),
        ServerEvent::TurnFinished { turn, interrupted, .. } => format!("finished {turn} interrupted={interrupted}"),
        ServerEvent::Violation(violation) => format!("violation {}", violation.text()),
        ServerEvent::Closed(reason) => format!("closed: {reason}"),
        event => format!("{event:?}"),
    }
}
