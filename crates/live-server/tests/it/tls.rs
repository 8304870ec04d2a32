//! The TLS port, with the authority that the server keeps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use live_server::tls::LocalCa;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, text, within};
use crate::running::{Running, start};

async fn start_with_tls(ca: &LocalCa) -> (Running, SocketAddr) {
    let config = ca.server_config(&[], SystemTime::now()).expect("a certificate");
    let server = start(|server| server.listen_tls("127.0.0.1:0".parse().expect("an address"), config)).await;
    let address = server.tls_address.expect("the TLS port");
    (server, address)
}

async fn dial(address: SocketAddr, trusted: &LocalCa) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.certificate().clone()).expect("a CA certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    within(TlsConnector::from(Arc::new(config)).connect(ServerName::from(address.ip()), stream)).await
}

#[tokio::test]
async fn both_ports_serve_the_same_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(directory.path(), SystemTime::now()).unwrap();
    let (server, tls_address) = start_with_tls(&ca).await;

    let stream = dial(tls_address, &ca).await.expect("a client that trusts the CA connects");
    let mut secure = Client::upgrade(stream, GEMINI, &[("x-goog-api-key", "any")]).await.unwrap();
    secure.send(TEXT_SETUP).await;
    assert!(matches!(secure.hear().await, Heard::Json(_)));
    let mut plain = Client::ready(server.address, TEXT_SETUP).await;
    secure.say("over TLS").await;
    plain.say("in the clear").await;
    assert_eq!(text(&plain.hear_turn().await), "you said in the clear");
    assert_eq!(text(&secure.hear_turn().await), "you said over TLS");
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_does_not_connect() {
    let directory = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(&directory.path().join("a"), SystemTime::now()).unwrap();
    let other = LocalCa::open(&directory.path().join("b"), SystemTime::now()).unwrap();
    let (_server, address) = start_with_tls(&ca).await;
    let error = dial(address, &other).await.expect_err("the certificate is not trusted");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn speaking_to_the_wrong_port_ends_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let ca = LocalCa::open(directory.path(), SystemTime::now()).unwrap();
    let (server, tls_address) = start_with_tls(&ca).await;

    // TLS to the plain port, as the Python SDK does with an http:// base URL: a hang would be ten seconds of its.
    let error = dial(server.address, &ca).await.expect_err("no TLS here");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");

    let mut stream = TcpStream::connect(tls_address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("this port speaks TLS"), "{answer}");
}
