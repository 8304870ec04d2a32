//! Sessions over the gRPC port, held by our own client.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue};
use live_engine::{Cause, ClientCommand, ClientConfig, ClientEngine, ClientEvent, CloseCause, CloseReason};
use live_grpc::{Certificate, ClientTlsConfig, Connection, Endpoint, Method, Options, connect};
use live_proto::{ClientMessage, Modality, SessionResumptionConfig, Setup};
use live_server::tls::LocalCa;
use live_server::{ClockKind, Secret};

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, within};
use crate::control::{CUT, post};
use crate::running::start;

const ANY_PORT: &str = "127.0.0.1:0";

fn dial(address: SocketAddr, key: Option<&'static str>, model: &str) -> Connection<ClientEngine> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    dial_with(endpoint, key, Setup::new(model).with_modality(Modality::Text))
}

fn dial_with(endpoint: Endpoint, key: Option<&'static str>, setup: Setup) -> Connection<ClientEngine> {
    let channel = endpoint.connect_lazy();
    let metadata: HeaderMap = key
        .into_iter()
        .map(|key| (http::HeaderName::from_static("x-goog-api-key"), HeaderValue::from_static(key)))
        .collect();
    let engine = ClientEngine::new(ClientConfig::new(setup), Instant::now());
    connect(channel, Method::V1Alpha, metadata, engine, Options::default())
}

const MODEL: &str = "models/gemini-2.0-flash-live-001";

/// Dials a session that may be resumed; by `handle`, if there is one.
fn resume(address: SocketAddr, key: &'static str, handle: Option<&str>) -> Connection<ClientEngine> {
    let resumption =
        SessionResumptionConfig { handle: handle.map(str::to_owned), ..SessionResumptionConfig::default() };
    let setup = Setup { session_resumption: Some(resumption), ..Setup::new(MODEL).with_modality(Modality::Text) };
    dial_with(Endpoint::from_shared(format!("http://{address}")).expect("an address"), Some(key), setup)
}

/// Waits for an event that `wanted` finds something in.
async fn find<T>(client: &mut Connection<ClientEngine>, wanted: impl Fn(&ClientEvent) -> Option<T>) -> T {
    let mut passed = Vec::new();
    while let Some(event) = within(client.next()).await {
        if let Some(found) = wanted(&event) {
            return found;
        }
        passed.push(event);
    }
    panic!("over after {passed:?}")
}

fn handle_of(event: &ClientEvent) -> Option<String> {
    let ClientEvent::ResumptionUpdate(update) = event else { return None };
    update.resumable.then(|| update.new_handle.clone())
}

fn end_of(event: &ClientEvent) -> Option<CloseCause> {
    if let ClientEvent::Closed(cause) = event { Some(cause.clone()) } else { None }
}

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

#[tokio::test]
async fn tls_is_spoken_with_the_authority_of_the_other_ports() {
    let directory = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(&directory.path().join("a"), SystemTime::now()).unwrap();
    let other = LocalCa::open(&directory.path().join("b"), SystemTime::now()).unwrap();
    let config = ca.server_config(&[], SystemTime::now()).unwrap();
    let any = || ANY_PORT.parse().unwrap();
    let server = start(|server| server.listen_grpc(any()).listen_grpc_tls(any(), &config)).await;
    let (plain, tls) = (server.grpc_address.unwrap(), server.grpc_tls_address.unwrap());
    let secure = |address: SocketAddr, trusted: &LocalCa| {
        let pem = std::fs::read(trusted.certificate_path()).unwrap();
        let trust = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
        Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(trust).unwrap()
    };
    let setup = || Setup::new(MODEL).with_modality(Modality::Text);
    let mut client = dial_with(secure(tls, &ca), None, setup());
    assert_eq!(client.command(ClientCommand::Send(ClientMessage::text_turn("in secret"))), Ok(()));
    assert_eq!(heard(&mut client).await, "you said in secret");

    // Whoever does not trust it, or comes to the wrong port, is lost at once.
    for endpoint in [secure(tls, &other), secure(plain, &ca), Endpoint::from_shared(format!("http://{tls}")).unwrap()] {
        let cause = find(&mut dial_with(endpoint, None, setup()), end_of).await;
        assert_eq!(cause.cause, Cause::Lost, "{cause}");
    }
    drop(client);
    assert_eq!(server.stop().await.sessions_total, 1);
}

#[tokio::test]
async fn a_handle_is_good_on_either_wire_for_the_key_that_got_it() {
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap())).await;
    let address = server.grpc_address.unwrap();
    let mut websocket = Client::open(server.address, GEMINI, &[("x-goog-api-key", "ann")]).await;
    websocket.send(&crate::client::resumable("")).await;
    assert!(matches!(websocket.hear().await, Heard::Json(_)));
    let first = websocket.converse("over WebSocket").await;

    let mut grpc = resume(address, "ann", Some(&first));
    assert_eq!(grpc.command(ClientCommand::Send(ClientMessage::text_turn("recall"))), Ok(()));
    assert_eq!(heard(&mut grpc).await, "over WebSocket, recall");
    let told = CloseReason::TakenOver.told();
    assert_eq!(websocket.hear_close().await, (told.code, told.text.as_str().to_owned()));

    let second = find(&mut grpc, handle_of).await;
    for (key, handle, says) in
        [("bob", second.as_str(), "Requested entity was not found."), ("ann", "unheard-of", "session not found")]
    {
        let cause = find(&mut resume(address, key, Some(handle)), end_of).await;
        assert_eq!(cause.code, Some(1008), "{cause}");
        assert!(cause.reason.contains(says), "{cause}");
    }
    drop(grpc);
    let mut again = resume(address, "ann", Some(&second));
    assert_eq!(again.command(ClientCommand::Send(ClientMessage::text_turn("recall"))), Ok(()));
    assert_eq!(heard(&mut again).await, "over WebSocket, recall, recall");
}

#[tokio::test]
async fn go_away_comes_before_the_cut_and_both_are_told() {
    let any = || ANY_PORT.parse().unwrap();
    let server = start(|server| server.listen_grpc(any()).clock(ClockKind::Virtual).control(any())).await;
    let mut client = resume(server.grpc_address.unwrap(), "any", None);
    let handle = find(&mut client, handle_of).await;
    post(&server, "/clock/advance", serde_json::json!({ "by": "9m" })).await;
    let left =
        |event: &ClientEvent| if let ClientEvent::GoAway { time_left } = event { Some(*time_left) } else { None };
    assert_eq!(find(&mut client, left).await, Duration::from_secs(60));
    post(&server, "/clock/advance", serde_json::json!({ "by": "1m" })).await;
    let cause = find(&mut client, end_of).await;
    assert_eq!((cause.cause, cause.code, cause.reason.as_str()), (Cause::Expired, Some(1008), CUT));
    let ready = |event: &ClientEvent| matches!(event, ClientEvent::Ready { .. }).then_some(());
    find(&mut resume(server.grpc_address.unwrap(), "any", Some(&handle)), ready).await;
}

#[tokio::test]
async fn a_quota_counts_the_sessions_of_all_wires() {
    let server = start(|server| server.listen_grpc(ANY_PORT.parse().unwrap()).sessions_per_project(2)).await;
    let address = server.grpc_address.unwrap();
    let _websocket = Client::ready(server.address, TEXT_SETUP).await;
    let mut grpc = dial(address, Some("any"), MODEL);
    let ready = |event: &ClientEvent| matches!(event, ClientEvent::Ready { .. }).then_some(());
    find(&mut grpc, ready).await;
    let refused = |cause: &CloseCause| (cause.cause == Cause::Quota).then_some(cause.code);
    let cause = find(&mut dial(address, Some("any"), MODEL), end_of).await;
    assert_eq!(refused(&cause), Some(Some(1011)), "{cause}");
    find(&mut dial(address, Some("another"), MODEL), ready).await;
    drop(grpc);
    // Room again, once the server has seen that it is gone.
    within(async {
        loop {
            let opened = |event: &ClientEvent| ready(event).map(|()| true).or(end_of(event).map(|_| false));
            if find(&mut dial(address, Some("any"), MODEL), opened).await {
                break;
            }
        }
    })
    .await;
}
