//! Dialling: every step that can fail says which one it was, and TLS trusts whom it was told to.

use std::sync::Arc;

use http::{Request, StatusCode};
use live_engine::Engine;
use live_tokio::{Connector, Error, Options, accept, connect, dial};
use rustls::ServerConfig;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::toy::{Toy, close, rest, say, server_options};

fn get(url: &str) -> Request<()> {
    Request::get(url).header("x-goog-api-key", "a key").body(()).expect("a valid request")
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address").to_string();
    (listener, address)
}

/// A certificate for 127.0.0.1, and an acceptor that shows it.
fn certificate() -> (Vec<u8>, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("key and certificate fit");
    (made.cert.pem().into_bytes(), TlsAcceptor::from(Arc::new(config)))
}

/// Answers one word with the same word, then lets the peer close.
async fn echo_one<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let mut server = accept(stream, Toy::default(), server_options()).await.expect("a client asks for an upgrade");
    let word = server.next().await.expect("the client says a word");
    say(&mut server, word);
    rest(&mut server).await;
}

async fn ask(url: &str, connector: &Connector) -> String {
    let mut client = connect(get(url), connector, Toy::default(), Options::client()).await.expect("a server listens");
    say(&mut client, "over the wire");
    let answer = client.next().await.expect("the server answers");
    close(&mut client, 1000, "");
    assert!(client.next().await.is_none());
    assert!(client.engine().is_closed());
    answer
}

#[tokio::test]
async fn a_word_goes_there_and_back_over_tcp() {
    let (listener, address) = listen().await;
    let server = async { echo_one(listener.accept().await.unwrap().0).await };
    let url = format!("ws://{address}//ws/path?key=k");
    let connector = Connector::new().unwrap();
    let (answer, ()) = tokio::join!(ask(&url, &connector), server);
    assert_eq!(answer, "over the wire");
}

#[tokio::test]
async fn a_word_goes_there_and_back_over_tls() {
    let (pem, acceptor) = certificate();
    let (listener, address) = listen().await;
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        echo_one(acceptor.accept(tcp).await.unwrap()).await;
    };
    let url = format!("wss://{address}/ws");
    let connector = Connector::with_ca_pem(&pem).unwrap();
    let (answer, ()) = tokio::join!(ask(&url, &connector), server);
    assert_eq!(answer, "over the wire");
}

#[tokio::test]
async fn an_unknown_authority_is_a_tls_error() {
    let (_, acceptor) = certificate();
    let (listener, address) = listen().await;
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(tcp).await.is_err());
    };
    let (url, connector) = (format!("wss://{address}/ws"), Connector::new().unwrap());
    let options = Options::client();
    let (error, ()) = tokio::join!(dial(get(&url), &connector, &options), server);
    let error = error.unwrap_err();
    assert_eq!(error.to_string(), format!("failed to agree on TLS with {address}"));
    assert!(matches!(error, Error::Tls { .. }));
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let (listener, address) = listen().await;
    drop(listener);
    let url = format!("ws://{address}/ws");
    let error = dial(get(&url), &Connector::new().unwrap(), &Options::client()).await.unwrap_err();
    let Error::Unreachable { address: dialled, source } = error else { panic!("{error:?}") };
    assert_eq!(dialled, address);
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// What a client makes of a server that answers its request with `answer`; also what the server saw.
async fn answered(answer: &'static [u8]) -> (Error, String) {
    let (listener, address) = listen().await;
    let server = async {
        let (mut tcp, _) = listener.accept().await.expect("a client dials");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.expect("the client sends its request"));
        }
        tcp.write_all(answer).await.expect("the client listens");
        String::from_utf8(head).expect("a request is ASCII")
    };
    let url = format!("ws://{address}/ws?key=k");
    let (connector, options) = (Connector::new().expect("ring works"), Options::client());
    let (result, head) = tokio::join!(dial(get(&url), &connector, &options), server);
    (result.expect_err("no WebSocket came of it"), head)
}

#[tokio::test]
async fn a_refusal_keeps_status_and_body() {
    let (error, head) = answered(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\n\r\nno luck").await;
    let Error::Status { status, body } = error else { panic!("{error:?}") };
    assert_eq!((status, body.as_str()), (StatusCode::FORBIDDEN, "no luck"));
    assert!(head.starts_with("GET /ws?key=k HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-goog-api-key: a key\r\n"), "{head}");
}

#[tokio::test]
async fn a_server_that_hangs_up_or_talks_otherwise_is_no_websocket() {
    for answer in [&b""[..], b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"] {
        let (error, _) = answered(answer).await;
        assert!(matches!(error, Error::Upgrade(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_url_must_be_a_websocket_url() {
    let connector = Connector::new().unwrap();
    for (url, want) in [("https://localhost/ws", "the scheme is neither ws nor wss"), ("/ws", "the URL has no scheme")]
    {
        let error = dial(get(url), &connector, &Options::client()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{want}: use ws://host[:port]/path or wss://host[:port]/path"));
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_an_error() {
    let error = Connector::with_ca_pem(b"not PEM at all").unwrap_err();
    assert_eq!(error.to_string(), "failed to read a CA certificate: no certificate in the PEM");
    let error = Connector::with_ca_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap_err();
    assert!(matches!(error, Error::Roots { .. }));
}
