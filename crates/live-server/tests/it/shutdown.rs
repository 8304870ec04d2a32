//! The orderly end.

use tokio::net::TcpStream;

use crate::client::{Client, GEMINI, Heard, TEXT_SETUP, text, within};
use crate::running::start;

const GONE: (u16, &str) = (1011, "The service is currently unavailable.");

#[tokio::test]
async fn idle_sessions_are_closed_and_the_port_with_them() {
    let server = start(|server| server).await;
    let address = server.address;
    let mut idle = Client::ready(address, TEXT_SETUP).await;
    let mut unopened = Client::open(address, GEMINI, &[]).await;
    let served = server.begin_shutdown();
    for client in [&mut idle, &mut unopened] {
        let (code, reason) = client.hear_close().await;
        assert_eq!((code, reason.as_str()), GONE);
    }
    drop((idle, unopened));
    let stats = within(served).await.unwrap();
    assert_eq!((stats.sessions_total, stats.sessions_open), (2, 0));
    assert!(TcpStream::connect(address).await.is_err(), "the port is still open");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_end_is_cut_when_patience_does() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("hold").await;
    assert_eq!(text(&[client.hear().await]), "holding");
    let served = server.begin_shutdown();
    let (code, reason) = client.hear_close().await;
    assert_eq!((code, reason.as_str()), GONE);
    drop(client);
    assert_eq!(within(served).await.unwrap().sessions_open, 0);
}

#[tokio::test(start_paused = true)]
async fn clients_that_never_answer_the_close_do_not_hold_the_server_up() {
    let server = start(|server| server).await;
    let client = Client::ready(server.address, TEXT_SETUP).await;
    // Never reads again, so it never sees the close frame.
    assert_eq!(server.stop().await.sessions_open, 0);
    drop(client);
}

#[tokio::test]
async fn dropping_the_server_cuts_its_sessions() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    let served = server.begin_shutdown();
    served.abort();
    assert!(within(served).await.is_err_and(|error| error.is_cancelled()));
    assert!(matches!(client.hear().await, Heard::Cut | Heard::Close(..)));
}
