//! `connect` always resolves, and says which of the ways to fail it was; a session moves messages both ways.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use live_client::{
    Cause, Client, ConfigError, ConnectError, Event, FunctionResponse, Modality, Pcm, PcmFormat, SendError, Setup,
    Stage, Struct, TurnEnd, Why,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

type Socket = WebSocketStream<TcpStream>;

async fn listen() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    (listener, Client::gemini("sesame").base_url(format!("http://{address}")))
}

async fn upgrade(listener: &TcpListener) -> Socket {
    let (tcp, _) = listener.accept().await.expect("a client dials");
    accept_async(tcp).await.expect("a client asks for a WebSocket")
}

async fn hear(socket: &mut Socket) -> String {
    let message = socket.next().await.expect("the client goes on").expect("the client speaks WebSocket");
    message.into_text().expect("a client sends text").to_string()
}

async fn say(socket: &mut Socket, json: &str) {
    socket.send(Message::binary(json.to_owned())).await.expect("the client listens");
}

/// What `connect` makes of a server that answers the setup so, and the setup it saw.
async fn answered(answer: Message) -> (ConnectError, String) {
    let (listener, client) = listen().await;
    let server = async {
        let mut socket = upgrade(&listener).await;
        let setup = hear(&mut socket).await;
        socket.send(answer).await.expect("the client listens");
        while let Some(Ok(_)) = socket.next().await {}
        setup
    };
    let (result, setup) = tokio::join!(client.connect(Setup::new("m")), server);
    (result.expect_err("no session came of it"), setup)
}

#[tokio::test]
async fn nobody_listens() {
    let (listener, client) = listen().await;
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client.connect(Setup::new("m")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }));
    assert_eq!(
        error.to_string(),
        format!("no connection to {address}: check host and port, and that a server listens there")
    );
}

#[tokio::test]
async fn the_certificate_is_not_trusted() {
    let (listener, client) = listen().await;
    let client = client.base_url(format!("https://{}", listener.local_addr().unwrap()));
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(tcp).await.is_err());
    };
    let (result, ()) = tokio::join!(client.connect(Setup::new("m")), server);
    let error = result.unwrap_err();
    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
    assert!(error.to_string().contains("Client::ca_file or SSL_CERT_FILE"));

    let trusting = client.ca_pem(made.cert.pem());
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(acceptor.accept(tcp).await.unwrap()).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().into_text().unwrap().starts_with("{\"setup\""));
        socket.send(Message::binary(&b"{\"setupComplete\":{}}"[..])).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    };
    let client = async { trusting.connect(Setup::new("m")).await.unwrap().close().await };
    let (cause, ()) = tokio::join!(client, server);
    assert_eq!(cause.cause, Cause::Local);
}

#[tokio::test]
async fn the_server_answers_with_a_status() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        tcp.write_all(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nwait").await.unwrap();
        String::from_utf8(head).unwrap()
    };
    let client = client.header("x-tenant", "seven");
    let (result, head) = tokio::join!(client.connect(Setup::new("m")), server);
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered HTTP 429 Too Many Requests in place of a WebSocket: check the URL; it says \"wait\""
    );
    assert!(head.contains("x-goog-api-key: sesame\r\n"), "{head}");
    assert!(head.contains("x-tenant: seven\r\n"), "{head}");
    assert!(!head.lines().next().unwrap().contains("sesame"), "the key is not in the URL");
}

#[tokio::test]
async fn the_server_speaks_something_else() {
    let (listener, client) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"220 mail.example.org ESMTP\r\n").await.unwrap();
    };
    let (result, ()) = tokio::join!(client.connect(Setup::new("m")), server);
    let error = result.unwrap_err();
    assert!(matches!(error, ConnectError::NotWebSocket { .. }), "{error:?}");
}

#[tokio::test]
async fn the_server_closes_before_the_session_is_open() {
    let frame = CloseFrame { code: 1007.into(), reason: "API key not valid. Please pass a valid API key.".into() };
    let (error, setup) = answered(Message::Close(Some(frame))).await;
    assert_eq!(setup, "{\"setup\":{\"model\":\"models/m\"}}");
    assert_eq!(
        error.to_string(),
        "the server refused the credential during setup (1007): API key not valid. Please pass a valid API key.; \
         check the key or token"
    );
    let ConnectError::Closed { cause } = error else { panic!("{error:?}") };
    assert_eq!((cause.code, cause.cause), (Some(1007), Cause::Unauthorized));
}

#[tokio::test]
async fn the_first_message_is_another() {
    for answer in ["{\"serverContent\":{}}", "{\"error\":{\"code\":400}}", "not JSON"] {
        let (error, _) = answered(Message::binary(answer)).await;
        assert!(matches!(error, ConnectError::WrongFirstMessage { .. }), "{answer}: {error:?}");
    }
}

/// The clock is paused: it jumps to the deadline once there is nothing else to do.
#[tokio::test(start_paused = true)]
async fn nobody_answers_the_upgrade() {
    // The operating system accepts TCP connections by itself.
    let (_listener, client) = listen().await;
    let error = client.deadline(Duration::from_secs(60)).connect(Setup::new("m")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Silent { stage: Stage::Upgrade, .. }), "{error:?}");
    assert_eq!(error.to_string(), "no WebSocket within 60 s: the server is silent; see Client::deadline");
}

#[tokio::test]
async fn nobody_answers_the_setup() {
    let (listener, client) = listen().await;
    let server = async {
        let mut socket = upgrade(&listener).await;
        assert!(hear(&mut socket).await.starts_with("{\"setup\""));
        tokio::time::pause();
        while let Some(Ok(_)) = socket.next().await {}
    };
    let client = client.deadline(Duration::from_secs(60));
    let (result, ()) = tokio::join!(client.connect(Setup::new("m")), server);
    let error = result.unwrap_err();
    assert!(matches!(error, ConnectError::Silent { stage: Stage::Setup, .. }), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_dialled_is_not() {
    let connect = async |client: Client| match client.connect(Setup::new("m")).await {
        Err(ConnectError::Config(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(connect(Client::gemini("k").base_url("localhost:80")).await, ConfigError::Url { .. }));
    assert_eq!(connect(Client::gemini("")).await, ConfigError::EmptyCredential);
    assert!(matches!(connect(Client::gemini("k").header("no header", "v")).await, ConfigError::Header { .. }));
    assert!(matches!(connect(Client::gemini("k").ca_file("no/such/file")).await, ConfigError::Ca { .. }));
}

#[tokio::test]
async fn a_session_talks_both_ways() {
    let (listener, client) = listen().await;
    let server = async {
        let mut socket = upgrade(&listener).await;
        let mut heard = vec![hear(&mut socket).await];
        say(&mut socket, "{\"setupComplete\":{\"sessionId\":\"s\"}}").await;
        for _ in 0..4 {
            heard.push(hear(&mut socket).await);
        }
        say(&mut socket, r#"{"serverContent":{"modelTurn":{"parts":[{"text":"Hel"}]},"newField":1}}"#).await;
        say(&mut socket, r#"{"serverContent":{"modelTurn":{"parts":[{"text":"lo"}]}}}"#).await;
        say(&mut socket, r#"{"serverContent":{"generationComplete":true}}"#).await;
        say(&mut socket, r#"{"serverContent":{"turnComplete":true},"usageMetadata":{"totalTokenCount":7}}"#).await;
        say(&mut socket, r#"{"toolCall":{"functionCalls":[{"id":"1","name":"f"},{"id":"2","name":"g"}]}}"#).await;
        heard.push(hear(&mut socket).await);
        say(&mut socket, r#"{"serverContent":{"turnComplete":true,"turnCompleteReason":"RESPONSE_REJECTED"}}"#).await;
        socket.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
        heard
    };
    let host = async {
        let setup = Setup::new("models/m").with_modality(Modality::Text);
        let mut session = client.connect(setup).await.unwrap();
        assert_eq!(session.id(), "s");
        session.send_activity_start().unwrap();
        session.send_audio(Pcm::from_samples(PcmFormat::INPUT, &[1, 2])).unwrap();
        session.send_activity_end().unwrap();
        session.send_text("hi").unwrap();

        let turn = session.turn().await;
        assert_eq!((turn.text.as_str(), &turn.end), ("Hello", &TurnEnd::Complete));
        assert_eq!(turn.usage.unwrap().total_token_count, 7);
        assert_eq!(session.unknown_fields().paths().collect::<Vec<_>>(), ["serverContent.newField"]);

        let turn = session.turn().await;
        assert_eq!(turn.end, TurnEnd::ToolCalls);
        let answers = |ids: &[&str]| ids.iter().map(|id| FunctionResponse::new(*id, "f", Struct::default())).collect();
        let SendError { why, .. } = session.send_tool_response(answers(&["3"])).unwrap_err();
        assert_eq!(why, Why::NoSuchCall);
        session.send_tool_response(answers(&["1", "2"])).unwrap();

        assert!(matches!(session.turn().await.end, TurnEnd::Because(_)));
        let mut last = None;
        while let Some(event) = session.next().await {
            last = Some(event);
        }
        let Some(Event::Closed(cause)) = last else { panic!("{last:?}") };
        assert_eq!((cause.code, cause.cause), (Some(1000), Cause::Normal));
        assert_eq!(
            session.send_text("too late").unwrap_err().to_string(),
            "not sent: the connection is over; connect again"
        );
    };
    let (heard, ()) = tokio::join!(server, host);
    assert_eq!(
        heard[..5],
        [
            r#"{"setup":{"model":"models/m","generationConfig":{"responseModalities":["TEXT"]}}}"#,
            r#"{"realtimeInput":{"activityStart":{}}}"#,
            r#"{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"AQACAA=="}}}"#,
            r#"{"realtimeInput":{"activityEnd":{}}}"#,
            r#"{"clientContent":{"turns":[{"parts":[{"text":"hi"}],"role":"user"}],"turnComplete":true}}"#,
        ]
    );
    assert!(heard[5].starts_with(r#"{"toolResponse":{"functionResponses":[{"#), "{}", heard[5]);
}

#[test]
fn no_debug_output_holds_a_credential() {
    let clients = [
        Client::gemini("hunter2"),
        Client::gemini_token("hunter2"),
        Client::vertex("p", "l", "hunter2"),
        Client::vertex_express("hunter2"),
        Client::gateway("https://gateway/path?key=hunter2"),
        Client::gateway("https://gateway/path").header("authorization", "hunter2"),
    ];
    for client in clients {
        assert!(!format!("{client:?}").contains("hunter2"), "{client:?}");
    }
}
