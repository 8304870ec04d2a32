//! Sessions over the gRPC port, held by our own client.

use std::net::SocketAddr;
use std::time::Instant;

use http::{HeaderMap, HeaderValue};
use live_engine::{ClientCommand, ClientConfig, ClientEngine, ClientEvent};
use live_grpc::{Connection, Endpoint, Method, Options, connect};
use live_proto::{ClientMessage, Modality, Setup};
use live_server::Secret;

use crate::client::within;
use crate::running::start;

const ANY_PORT: &str = "127.0.0.1:0";

fn dial(address: SocketAddr, key: Option<&'static str>, model: &str) -> Connection<ClientEngine> {
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("an address").connect_lazy();
    let setup = Setup::new(model).with_modality(Modality::Text);
    let metadata: HeaderMap = key
        .into_iter()
        .map(|key| (http::HeaderName::from_static("x-goog-api-key"), HeaderValue::from_static(key)))
        .collect();
    let engine = ClientEngine::new(ClientConfig::new(setup), Instant::now());
    connect(channel, Method::V1Alpha, metadata, engine, Options::default())
}

const MODEL: &str = "models/gemini-2.0-flash-live-001";

/// The text of a turn, or the words of the end.
#[expect(clippy::wildcard_enum_match_arm, reason = "of all events these end the listening")]
async fn heard(client: &mut Connection<ClientEngine>) -> String {
    let mut text = String::new();
    while let Some(event) = within(client.next()).await {
        match event {
            ClientEvent::Text { text: piece, .. } => text += &piece,
            ClientEvent::TurnComplete { .. } => return text,
            ClientEvent::Closed(cause) => return cause.to_string(),
            _other => {}
        }
    }
    panic!("no end after {text:?}")
}

#[tokio::test]
async fn sessions_of_both_wires_are_counted_together() {
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap())).await;
    let mut clients =
        [dial(server.grpc_address.unwrap(), None, MODEL), dial(server.grpc_address.unwrap(), None, MODEL)];
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.command(ClientCommand::Send(ClientMessage::text_turn(at.to_string()))), Ok(()));
    }
    for (at, client) in clients.iter_mut().enumerate() {
        assert_eq!(heard(client).await, format!("you said {at}"));
        assert_eq!(client.command(ClientCommand::Close), Ok(()));
        while within(client.next()).await.is_some() {}
    }
    let websocket = crate::client::Client::ready(server.address, crate::client::TEXT_SETUP).await;
    drop((clients, websocket));
    let stats = server.stop().await;
    assert_eq!((stats.sessions_total, stats.sessions_open, stats.violations), (3, 0, 0));
}

#[tokio::test]
async fn keys_are_read_from_metadata() {
    let server =
        start(|server| server.listen_grpc(ANY_PORT.parse().unwrap()).api_keys([Secret::new("a"), Secret::new("b")]))
            .await;
    let address = server.grpc_address.unwrap();
    for (key, told) in [
        (None, "(1008): Method doesn't allow unregistered callers (callers without established identity)."),
        (Some("c"), "(1007): API key not valid. Please pass a valid API key."),
    ] {
        let end = heard(&mut dial(address, key, MODEL)).await;
        assert!(end.ends_with(told), "{end}");
    }
    let mut client = dial(address, Some("b"), MODEL);
    assert_eq!(client.command(ClientCommand::Send(ClientMessage::text_turn("hi"))), Ok(()));
    assert_eq!(heard(&mut client).await, "you said hi");
    assert_eq!(server.stop().await.refused, 2);
}

#[tokio::test]
async fn an_unknown_model_is_named_with_the_version_that_was_called() {
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap())).await;
    let end = heard(&mut dial(server.grpc_address.unwrap(), None, "models/gpt")).await;
    assert!(end.contains("(1008): models/gpt is not found for API version v1alpha"), "{end}");
}

#[tokio::test]
async fn a_shutdown_closes_streams_and_the_port() {
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap())).await;
    let address = server.grpc_address.unwrap();
    let mut idle = dial(address, None, MODEL);
    let ready = within(idle.next()).await;
    assert!(matches!(ready, Some(ClientEvent::Ready { .. })), "{ready:?}");
    let served = server.begin_shutdown();
    let end = heard(&mut idle).await;
    assert!(end.ends_with("(1011): The service is currently unavailable."), "{end}");
    let stats = within(served).await.unwrap();
    assert_eq!((stats.sessions_total, stats.sessions_open), (1, 0));
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is still open");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_let_go() {
    use tokio::io::AsyncReadExt as _;
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap())).await;
    let mut silent = tokio::net::TcpStream::connect(server.grpc_address.unwrap()).await.unwrap();
    assert_eq!(within(silent.read(&mut [0; 1])).await.unwrap(), 0);
}
