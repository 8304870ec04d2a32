//! One session is nobody else's problem.

use std::sync::atomic::Ordering;

use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, text, within};
use crate::model::Obedient;
use crate::running::start;

#[tokio::test]
async fn sessions_run_side_by_side() {
    let server = start(|server| server).await;
    let address = server.address;
    let sessions: Vec<_> = (0..50)
        .map(|number| {
            tokio::spawn(async move {
                let mut client = Client::ready(address, TEXT_SETUP).await;
                for turn in 0..3 {
                    client.say(&format!("{number}.{turn}")).await;
                    assert_eq!(text(&client.hear_turn().await), format!("you said {number}.{turn}"));
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    assert_eq!(server.stop().await.sessions_total, 50);
}

#[tokio::test]
async fn a_model_that_panics_or_stops_fails_one_session_only() {
    let server = start(|server| server).await;
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;
    for words in ["panic", "panic at once", "stop"] {
        let mut client = Client::ready(server.address, TEXT_SETUP).await;
        client.say(words).await;
        assert_eq!(client.hear_close().await, (1011, "Internal error encountered.".to_owned()), "{words}");
        bystander.say("still here").await;
        assert_eq!(text(&bystander.hear_turn().await), "you said still here");
    }
    drop(bystander);
    assert_eq!(server.stop().await.failures, 3);
}

#[tokio::test]
async fn garbage_on_one_connection_does_not_reach_another() {
    let server = start(|server| server).await;
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;

    // Not HTTP at all.
    let mut garbage = TcpStream::connect(server.address).await.unwrap();
    garbage.write_all(&[0xff; 64]).await.unwrap();
    let mut answer = Vec::new();
    // How the server hangs up is up to it, that it does is not.
    _ = within(garbage.read_to_end(&mut answer)).await;

    // HTTP, a session, then bytes that are no frames: reserved bits, from RFC 6455 5.2.
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.0.get_mut().write_all(&[0xf1, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(client.hear_close().await.0, 1002);
    drop(client);

    // Gone in the middle of a turn.
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("hold").await;
    assert_eq!(text(&[client.hear().await]), "holding");
    drop(client);

    bystander.say("still here").await;
    assert_eq!(text(&bystander.hear_turn().await), "you said still here");
    drop(bystander);
    let stats = server.stop().await;
    assert_eq!((stats.sessions_open, stats.failures), (0, 0));
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_model() {
    let model = Obedient::default();
    let server = start(|server| server.model(model.clone())).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("flood").await;
    // Another session is answered meanwhile, turn after turn, until the flood has stood still for several of them.
    let mut bystander = Client::ready(server.address, TEXT_SETUP).await;
    let (mut seen, mut still) = (0, 0);
    while still < 20 {
        bystander.say("go on").await;
        assert_eq!(text(&bystander.hear_turn().await), "you said go on");
        let flooded = model.flooded.load(Ordering::Relaxed);
        still = if flooded == seen { still + 1 } else { 0 };
        seen = flooded;
        // Loopback sockets hold a few megabytes; ten times that means that nothing holds the model back.
        assert!(flooded < 64_000, "{flooded} pieces of 1000 bytes for a client that reads nothing");
    }
    assert!(seen > 0);
    // It is only held back, not dead: what was sent is all there.
    for _ in 0..50 {
        assert_eq!(text(&[client.hear().await]).len(), 1000);
    }
}

#[tokio::test]
async fn a_full_server_refuses_with_a_reason() {
    let server = start(|server| server.sessions_max(1)).await;
    let first = Client::ready(server.address, TEXT_SETUP).await;
    let mut second = Client::open(server.address, GEMINI, &[]).await;
    second.send(TEXT_SETUP).await;
    assert_eq!(second.hear_close().await, (1011, "The service is currently unavailable.".to_owned()));
    drop((first, second));
    // Room again, once the server has seen that the first is gone.
    let reopened = async {
        loop {
            let mut third = Client::open(server.address, GEMINI, &[]).await;
            third.send(TEXT_SETUP).await;
            if matches!(third.hear().await, Heard::Json(_)) {
                return;
            }
        }
    };
    within(reopened).await;
    assert!(server.stop().await.refused >= 1);
}

#[tokio::test]
async fn a_frame_that_claims_to_be_huge_is_refused_before_it_is_read() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    // A text frame of 2^62 bytes, masked.
    let head = [0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    client.0.get_mut().write_all(&head).await.unwrap();
    let (code, reason) = client.hear_close().await;
    assert_eq!(code, 1007, "{reason}");
    client.0.send(Message::text("{}")).await.unwrap_err();
}
