//! How a peer is found out that has gone without a word, and one that has not is left alone.

use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use live_tokio::Options;
use tokio::io::DuplexStream;
use tokio::time::{Instant, advance};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::toy::{Toys, bare_client, rest, server_options, toy};

/// A toy client, and the server's end of its pipe with nothing but WebSocket on it.
async fn bare_server() -> (Toys, WebSocketStream<DuplexStream>) {
    let (client, server) = tokio::io::duplex(4096);
    (
        toy(client, Role::Client, Options::client()).await,
        WebSocketStream::from_raw_socket(server, Role::Server, None).await,
    )
}

const STEP: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_lost_after_a_bound() {
    let (mut client, _server) = bare_server().await;
    let start = Instant::now();
    assert_eq!(rest(&mut client).await, ["disconnected: Lost(\"no sign of life for 80 s\")"]);
    // Timers tick in milliseconds.
    assert_eq!(start.elapsed().as_secs(), 80);
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_is_late_is_a_sign_of_life() {
    let (mut client, mut server) = bare_server().await;
    for minute in 0..10 {
        for _ in 0..6 {
            advance(STEP).await;
            assert!(client.next().now_or_never().is_none(), "minute {minute}");
        }
        // The ping of this minute has waited for thirty seconds and more; reading it answers it.
        assert_eq!(server.next().await.unwrap().unwrap(), Message::Ping("".into()));
        server.flush().await.unwrap();
        assert!(client.next().now_or_never().is_none());
        assert!(server.next().now_or_never().is_none(), "one ping is enough");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_is_not_pinged() {
    let (mut client, mut server) = bare_server().await;
    for _ in 0..30 {
        advance(STEP).await;
        server.send(Message::text("still here")).await.unwrap();
        assert_eq!(client.next().await.unwrap(), "still here");
    }
    assert!(server.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_came_while_the_host_was_away_is_a_sign_of_life() {
    let (mut client, mut server) = bare_server().await;
    for _ in 0..3 {
        assert!(client.next().now_or_never().is_none());
        server.send(Message::text("still here")).await.unwrap();
        advance(30 * STEP).await;
        assert_eq!(client.next().await.unwrap(), "still here");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_not_pinged() {
    let (mut peer, mut server) = bare_client(4096, server_options()).await;
    for _ in 0..60 {
        advance(STEP).await;
        assert!(server.next().now_or_never().is_none());
    }
    assert!(peer.next().now_or_never().is_none());
}
