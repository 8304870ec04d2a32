//! The real engines on both ends of a small pipe, in JSON, every future dropped after one poll.

use std::time::Duration;

use futures_util::FutureExt;
use live_engine::{
    Backend, ClientCommand, ClientConfig, ClientEngine, ClientEvent, EndReason, ModelOutput, ServerCommand,
    ServerConfig, ServerEngine, ServerEvent,
};
use live_proto::json::Strictness;
use live_proto::{Blob, ClientMessage, Modality, Setup};
use live_tokio::{Connection, Options, WebSocketStream};
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Role;

const MODEL: &str = "models/gemini-live-2.5-flash-preview";

/// Two engines, and what was heard on either side.
struct World {
    client: Connection<ClientEngine, DuplexStream>,
    server: Connection<ServerEngine, DuplexStream>,
    at_client: Vec<String>,
    at_server: Vec<String>,
    over: (bool, bool),
}

impl World {
    async fn new(setup: Setup, pipe_bytes: usize) -> Self {
        let (client, server) = tokio::io::duplex(pipe_bytes);
        let now = Instant::now().into_std();
        let options = Options::client();
        let socket = WebSocketStream::from_raw_socket(client, Role::Client, Some(options.web_socket())).await;
        let client = Connection::from_socket(socket, ClientEngine::new(ClientConfig::new(setup), now), options);
        let engine = ServerEngine::new(ServerConfig::new(Backend::Gemini), now);
        let server = live_tokio::from_upgraded(server, engine, Options::server(Strictness::Strict)).await;
        Self { client, server, at_client: Vec::new(), at_server: Vec::new(), over: (false, false) }
    }

    /// Moves everything that can move without time passing.
    async fn settle(&mut self) {
        for _ in 0..2_000 {
            match self.client.next().now_or_never() {
                Some(Some(event)) => self.at_client.push(name(event)),
                Some(None) => self.over.0 = true,
                None => {}
            }
            match self.server.next().now_or_never() {
                Some(Some(event)) => self.at_server.push(server_name(event)),
                Some(None) => self.over.1 = true,
                None => {}
            }
            // The runtime's budget for one poll is renewed by yielding; no time passes.
            tokio::task::yield_now().await;
        }
    }

    fn say(&mut self, message: ClientMessage) {
        assert_eq!(self.client.command(ClientCommand::Send(message)), Ok(()));
    }

    /// A piece of the latest generation.
    fn answer(&mut self, turn: u64, piece: ModelOutput) {
        assert_eq!(self.server.command(ServerCommand::Model(live_engine::TurnId(turn), piece)), Ok(()));
    }

    #[track_caller]
    fn expect(&mut self, at_client: &[&str], at_server: &[&str]) {
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
        ClientEvent::Usage(usage) => format!("usage {}", usage.total_token_count),
        ClientEvent::TurnComplete { generation, .. } => format!("{generation} turnComplete"),
        ClientEvent::Interrupted { generation } => format!("{generation} interrupted"),
        ClientEvent::GenerationComplete { generation } => format!("{generation} generationComplete"),
        ClientEvent::Closed(cause) => cause.to_string(),
        event => format!("{event:?}"),
    }
}

fn server_name(event: ServerEvent) -> String {
    match event {
        ServerEvent::SetupAccepted(_) => "accepted".into(),
        ServerEvent::Generate(turn, prompt) => format!("generate {turn} from {} contents", prompt.history.len()),
        ServerEvent::Cancel(turn) => format!("cancel {turn}"),
        ServerEvent::TurnFinished { turn, interrupted, .. } => format!("finished {turn} interrupted={interrupted}"),
        ServerEvent::Violation(violation) => violation.text().to_string(),
        ServerEvent::Warning(warning) => format!("{warning:?}"),
        event @ (ServerEvent::Admit
        | ServerEvent::Resume { .. }
        | ServerEvent::Save { .. }
        | ServerEvent::Forget { .. }
        | ServerEvent::Continue(_)
        | ServerEvent::Compressed { .. }) => format!("{event:?}"),
        ServerEvent::Closed(_) => "closed".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_session_with_an_interruption() {
    let mut world = World::new(Setup::new(MODEL).with_modality(Modality::Text), 64).await;
    world.settle().await;
    world.expect(&["Ready { session_id: \"\" }"], &["accepted"]);

    world.say(ClientMessage::text_turn("count"));
    world.settle().await;
    world.expect(&[], &["generate #1 from 1 contents"]);
    world.answer(1, ModelOutput::Text("one".into()));
    world.answer(1, ModelOutput::Text(" two".into()));
    world.settle().await;
    world.expect(&["#1 \"one\"", "#1 \" two\""], &[]);

    world.say(ClientMessage::text_turn("stop"));
    world.settle().await;
    let heard = std::mem::take(&mut world.at_client);
    assert_eq!(heard[0], "#1 interrupted");
    assert!(heard.contains(&"#1 turnComplete".to_owned()), "{heard:?}");
    world.expect(&[], &["cancel #1", "finished #1 interrupted=true", "generate #2 from 3 contents"]);

    // A piece that crossed the interruption is heard by nobody.
    world.answer(1, ModelOutput::Text(" three".into()));
    world.answer(2, ModelOutput::Text("Stopped.".into()));
    world.answer(2, ModelOutput::End(EndReason::Complete));
    world.settle().await;
    let heard = std::mem::take(&mut world.at_client);
    assert_eq!(heard[..2], ["#2 \"Stopped.\"", "#2 generationComplete"]);
    assert!(heard[2].starts_with("usage "), "{heard:?}");
    assert_eq!(heard[3], "#2 turnComplete");

    assert_eq!(world.client.command(ClientCommand::Close), Ok(()));
    world.settle().await;
    assert_eq!(world.at_client, ["closed by us"]);
    assert_eq!(world.at_server.last().unwrap(), "closed");
    assert_eq!(world.over, (true, true));
}

#[tokio::test(start_paused = true)]
async fn speech_is_complete_when_it_was_played() {
    let mut world = World::new(Setup::new(MODEL).with_modality(Modality::Audio).with_manual_activity(), 1024).await;
    world.say(ClientMessage::activity_start());
    for _ in 0..50 {
        world.say(ClientMessage::audio(Blob::pcm16k(vec![1; 640])));
    }
    world.say(ClientMessage::activity_end());
    world.settle().await;
    world.expect(&["Ready { session_id: \"\" }"], &["accepted", "generate #1 from 1 contents"]);

    let two_seconds = vec![0; 2 * 48_000];
    world.answer(1, ModelOutput::Speech { pcm: two_seconds.into(), text: "two seconds".into() });
    world.answer(1, ModelOutput::End(EndReason::Complete));
    let start = Instant::now();
    world.settle().await;
    // The second half is kept back until the first is nearly played.
    tokio::time::advance(Duration::from_secs(1)).await;
    world.settle().await;
    assert_eq!(world.at_client.last().unwrap(), "#1 generationComplete");
    let bytes: usize = world
        .at_client
        .iter()
        .filter_map(|heard| heard.strip_suffix(" of audio/pcm;rate=24000")?.strip_prefix("#1 ")?.parse::<usize>().ok())
        .sum();
    assert_eq!(bytes, 2 * 48_000);

    tokio::time::advance(Duration::from_millis(1999) - start.elapsed()).await;
    world.settle().await;
    assert_eq!(world.at_client.last().unwrap(), "#1 generationComplete");
    tokio::time::advance(Duration::from_millis(1)).await;
    world.settle().await;
    assert!(world.at_client.contains(&"#1 turnComplete".to_owned()), "{:?}", world.at_client);
}

#[tokio::test(start_paused = true)]
async fn a_refused_setup_reaches_the_client_with_the_servers_words() {
    let mut world = World::new(Setup::new("models/unheard-of"), 64).await;
    world.settle().await;
    assert_eq!(world.at_client.len(), 1);
    assert!(world.at_client[0].contains("(1008): models/unheard-of is not found"), "{:?}", world.at_client);
    assert_eq!(world.over, (true, true));
}

#[tokio::test(start_paused = true)]
async fn a_server_waits_for_a_setup_so_long_and_no_longer() {
    let (_client, server) = tokio::io::duplex(64);
    let start = Instant::now();
    let config = ServerConfig::new(Backend::Gemini);
    let deadline = config.limits.setup_deadline;
    let engine = ServerEngine::new(config, start.into_std());
    let mut server = live_tokio::from_upgraded(server, engine, Options::server(Strictness::Strict)).await;
    let event = server.next().await;
    assert!(matches!(event, Some(ServerEvent::Closed(_))), "{event:?}");
    assert_eq!(start.elapsed(), deadline);
}
