//! How a server is found out that has gone without a word, and one that has not is left alone.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use live_blocking::{Connector, Liveness, Next, Options, connect};
use live_engine::{Cause, ClientConfig, ClientEngine, ClientEvent};
use live_proto::Setup;

use crate::world::{MODEL, hear, request};

const BRISK: Liveness = Liveness { ping_after: Duration::from_millis(40), gone_after: Duration::from_millis(80) };

/// A server that accepts a setup, and then reads, and so answers pings, or does not.
fn server(reads: bool) -> (SocketAddr, mpsc::Receiver<tungstenite::Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let (sender, heard) = mpsc::channel();
    thread::spawn(move || {
        let (tcp, _) = listener.accept().expect("a client comes");
        let mut socket = tungstenite::accept(tcp).expect("it asks for a WebSocket");
        socket.read().expect("a setup");
        socket.send(r#"{"setupComplete": {}}"#.into()).expect("it listens");
        if reads {
            while let Ok(message) = socket.read() {
                _ = sender.send(message);
            }
        }
        // It is there, deaf and dumb, until the client cuts the connection.
        _ = std::io::Read::read_to_end(socket.get_mut(), &mut Vec::new());
    });
    (address, heard)
}

fn client(address: SocketAddr, liveness: Liveness) -> live_blocking::Connection<ClientEngine> {
    let engine = ClientEngine::new(ClientConfig::new(Setup::new(MODEL)), Instant::now());
    let options = Options { liveness: Some(liveness), ..Options::client() };
    let connector = Connector::without_roots().expect("TLS works");
    let mut client = connect(request(address), &connector, engine, options).expect("it connects");
    hear(&mut client, |event| matches!(event, ClientEvent::Ready { .. }));
    client
}

#[test]
fn a_server_that_is_gone_is_lost_after_a_bound() {
    let (address, _heard) = server(false);
    let mut client = client(address, BRISK);
    let began = Instant::now();
    let heard = hear(&mut client, |event| matches!(event, ClientEvent::Closed(_)));
    let Some(ClientEvent::Closed(cause)) = heard.last() else { unreachable!("it ends so") };
    assert_eq!((&cause.cause, cause.reason.as_str()), (&Cause::Lost, "no sign of life for 0 s"));
    assert!(began.elapsed() >= Duration::from_millis(110), "{:?}", began.elapsed());
    assert_eq!(client.next(None), Next::Over);
}

#[test]
fn a_pong_is_a_sign_of_life() {
    let (address, heard) = server(true);
    // A machine that is busy may well take a second for a pong.
    let mut client = client(address, Liveness { gone_after: Duration::from_secs(30), ..BRISK });
    assert_eq!(client.next(Some(Duration::from_millis(400))), Next::TimedOut);
    let pings = heard.try_iter().filter(tungstenite::Message::is_ping).count();
    assert!((2..=10).contains(&pings), "{pings} pings in 400 ms");
}
