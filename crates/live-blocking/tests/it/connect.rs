//! Opening: what can go wrong, and TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use live_blocking::{Connector, Error, Next, Options, connect};
use live_engine::{ClientConfig, ClientEngine, ClientEvent};
use live_proto::Setup;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::world::MODEL;

fn dial(url: &str, connector: &Connector, options: Options) -> Result<live_blocking::Connection<ClientEngine>, Error> {
    let engine = ClientEngine::new(ClientConfig::new(Setup::new(MODEL)), Instant::now());
    connect(http::Request::get(url).body(()).expect("a valid request"), connector, engine, options)
}

fn plain(url: &str) -> Result<live_blocking::Connection<ClientEngine>, Error> {
    let options = Options { open_deadline: Duration::from_millis(200), ..Options::client() };
    dial(url, &Connector::without_roots()?, options)
}

/// Accepts one connection, and says `answer` once it has read a request.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a client comes");
        let mut head = [0; 4096];
        let _ = tcp.read(&mut head).expect("it asks");
        tcp.write_all(answer.as_bytes()).expect("it listens");
        if answer.is_empty() {
            // Silent until the client gives up.
            while tcp.read(&mut head).is_ok_and(|bytes| bytes > 0) {}
        }
    });
    address
}

#[test]
fn each_step_that_fails_has_an_error_of_its_own() {
    for url in ["http://x/", "/path", "ws:///"] {
        // Some of these are no URL to begin with.
        if url.parse::<http::Uri>().is_ok() {
            assert!(matches!(plain(url), Err(Error::Url { .. })), "{url}");
        }
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(plain(&format!("ws://{nobody}/")), Err(Error::Unreachable { .. })));

    let refusing = answering("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nbusy");
    let refused = plain(&format!("ws://{refusing}/"));
    assert!(matches!(refused, Err(Error::Status { status, .. }) if status == 429), "{refused:?}");

    let other = answering("220 mail.example ESMTP\r\n\r\n");
    assert!(matches!(plain(&format!("ws://{other}/")), Err(Error::Upgrade(_))));

    let silent = answering("");
    let started = Instant::now();
    let timed_out = plain(&format!("ws://{silent}/"));
    assert!(matches!(timed_out, Err(Error::Silent { .. })), "{timed_out:?}");
    assert!((Duration::from_millis(200)..Duration::from_secs(10)).contains(&started.elapsed()));
}

/// A certificate for loopback, and a server that speaks TLS with it, accepts a WebSocket and answers one message.
fn tls_server() -> (SocketAddr, String) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("it can be signed");
    let pem = certified.cert.pem();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .expect("the key fits");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for tcp in listener.incoming() {
            let tls = ServerConnection::new(Arc::clone(&config)).expect("the config is good");
            let stream = StreamOwned::new(tls, tcp.expect("a client comes"));
            // A client that does not trust us hangs up.
            let Ok(mut socket) = tungstenite::accept(stream) else { continue };
            assert!(socket.read().expect("a setup").to_text().expect("text").contains(MODEL));
            socket.send(r#"{"setupComplete": {}}"#.into()).expect("it listens");
            while socket.read().is_ok() {}
        }
    });
    (address, pem)
}

#[test]
fn tls_with_a_ca_that_is_trusted_and_one_that_is_not() {
    let (address, pem) = tls_server();
    let url = format!("wss://{address}/");
    let connector = Connector::with_ca_pem(pem.as_bytes()).unwrap();
    let mut connection = dial(&url, &connector, Options::client()).unwrap();
    let first = connection.next(Some(Duration::from_secs(30)));
    assert!(matches!(first, Next::Event(ClientEvent::Ready { .. })), "{first:?}");
    assert!(connection.close().is_some());

    let stranger = dial(&url, &Connector::without_roots().unwrap(), Options::client());
    assert!(matches!(stranger, Err(Error::Tls { .. })), "{stranger:?}");
    assert!(matches!(Connector::with_ca_pem(b"no pem"), Err(Error::Roots { .. })));
}
