//! Sessions per project: how many there may be, and that the count is exact however they end.

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, within};
use crate::running::start;

const QUOTA: (u16, &str) = (1011, "You exceeded your current quota, please check your plan and billing details.");

/// Opens a session; `None` when it was refused for the quota.
async fn open(address: std::net::SocketAddr, key: &str) -> Option<Client> {
    let mut client = Client::open(address, GEMINI, &[("x-goog-api-key", key)]).await;
    client.send(TEXT_SETUP).await;
    match client.hear().await {
        Heard::Json(_) => Some(client),
        Heard::Close(code, reason) => {
            assert_eq!((code, reason.as_str()), QUOTA);
            None
        }
        Heard::Cut => panic!("cut without a reason"),
    }
}

#[tokio::test]
async fn each_project_has_its_own_places() {
    let server = start(|server| server.sessions_per_project(2)).await;
    let first = open(server.address, "a").await.unwrap();
    let second = open(server.address, "a").await.unwrap();
    assert!(open(server.address, "a").await.is_none());
    let other = open(server.address, "b").await.expect("another project has places of its own");
    drop(second);
    // Room again, once the server has seen that the second is gone.
    within(async { while open(server.address, "a").await.is_none() {} }).await;
    drop((first, other));
    assert!(server.stop().await.refused >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_is_lost_however_sessions_end() {
    let places = 3;
    let server = start(|server| server.sessions_per_project(places)).await;
    let address = server.address;
    let mut ends = tokio::task::JoinSet::new();
    for number in 0..60 {
        ends.spawn(async move {
            // Some never get as far as a setup.
            if number % 5 == 0 {
                drop(Client::open(address, GEMINI, &[("x-goog-api-key", "a")]).await);
                return;
            }
            let Some(mut client) = open(address, "a").await else { return };
            match number % 4 {
                0 => drop(client),
                1 => {
                    client.say("panic at once").await;
                    client.hear_close().await;
                }
                2 => {
                    client.say("panic").await;
                    client.hear_close().await;
                }
                _ => client.0.close(None).await.unwrap(),
            }
        });
    }
    while let Some(ended) = within(ends.join_next()).await {
        ended.unwrap();
    }
    // All places are free again, and there are no more than there were.
    let mut open_again = Vec::new();
    within(async {
        while open_again.len() < places as usize {
            open_again.extend(open(address, "a").await);
        }
    })
    .await;
    assert!(open(address, "a").await.is_none());
}
