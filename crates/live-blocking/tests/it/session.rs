//! Sessions between our client and our server, each end on its thread.

use std::sync::mpsc;
use std::time::Duration;

use live_blocking::Next;
use live_engine::{Cause, ClientEvent, EndReason, Limits, ModelOutput, Prompt, ServerConfig};
use live_proto::ClientMessage;

use crate::world::{Running, client, config, hear, options, text};

/// Repeats what was said; `panic` panics, `stop` ends in the middle.
fn repeat(prompt: Prompt) -> Box<dyn Iterator<Item = ModelOutput>> {
    let said = prompt.unanswered()[0].text();
    match said.as_str() {
        "panic" => Box::new(std::iter::from_fn(|| panic!("told to panic"))),
        "panic at once" => panic!("told to panic at once"),
        "stop" => Box::new(std::iter::once(ModelOutput::Text("half an".into()))),
        _ => Box::new([ModelOutput::Text(said), ModelOutput::End(EndReason::Complete)].into_iter()),
    }
}

#[test]
fn sessions_have_their_threads_and_do_not_mix() {
    let server = Running::new(config(), options(), repeat);
    let mut clients: Vec<_> = (0..8).map(|_| client(server.address)).collect();
    for round in 0..3 {
        for (at, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.send(ClientMessage::text_turn(format!("{round} {at}"))), Ok(()));
        }
        for (at, client) in clients.iter_mut().enumerate() {
            let heard = hear(client, |event| matches!(event, ClientEvent::TurnComplete { .. }));
            assert_eq!(text(&heard), format!("{round} {at}"));
        }
    }
    for client in clients {
        assert_eq!(client.close().map(|cause| cause.cause), Some(Cause::Local));
    }
}

#[test]
fn a_timeout_of_zero_does_not_wait() {
    let server = Running::new(config(), options(), repeat);
    let mut client = client(server.address);
    hear(&mut client, |event| matches!(event, ClientEvent::Ready { .. }));
    assert_eq!(client.next(Some(Duration::ZERO)), Next::TimedOut);
    assert_eq!(client.next(Some(Duration::from_millis(1))), Next::TimedOut);
}

#[test]
fn a_model_that_panics_or_breaks_off_costs_its_session_only() {
    let server = Running::new(config(), options(), repeat);
    let mut healthy = client(server.address);
    for words in ["panic", "stop", "panic at once"] {
        let mut client = client(server.address);
        assert_eq!(client.send(ClientMessage::text_turn(words)), Ok(()));
        let heard = hear(&mut client, |event| matches!(event, ClientEvent::Closed(_)));
        let Some(ClientEvent::Closed(cause)) = heard.last() else { panic!("{heard:?}") };
        // A panic outside of the iterator takes the thread along, and the socket with it.
        let expected = if words == "panic at once" { Cause::Lost } else { Cause::Unavailable };
        assert_eq!(cause.cause, expected, "{words}: {cause}");
    }
    assert_eq!(healthy.send(ClientMessage::text_turn("still here")), Ok(()));
    let heard = hear(&mut healthy, |event| matches!(event, ClientEvent::TurnComplete { .. }));
    assert_eq!(text(&heard), "still here");
}

#[test]
fn the_engine_keeps_its_deadlines() {
    let limits = Limits { setup_deadline: Duration::from_millis(30), ..Limits::default() };
    let server = Running::new(ServerConfig { limits, ..config() }, options(), repeat);
    let tcp = std::net::TcpStream::connect(server.address).unwrap();
    let (mut socket, _) = tungstenite::client::client("ws://x/", tcp).unwrap();
    let tungstenite::Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("no close frame") };
    assert_eq!(u16::from(frame.code), 1011);
    assert_eq!(frame.reason.as_str(), "Deadline expired before operation could complete.");
}

#[test]
fn a_model_waits_while_the_client_does_not_read() {
    let (produced, pieces) = mpsc::channel();
    let piece = "x".repeat(64 << 10);
    let flood = move |_: Prompt| {
        let (produced, piece) = (produced.clone(), piece.clone());
        std::iter::repeat_with(move || {
            produced.send(()).expect("the test counts");
            ModelOutput::Text(piece.clone())
        })
    };
    let server = Running::new(config(), options(), flood);
    let mut client = client(server.address);
    hear(&mut client, |event| matches!(event, ClientEvent::Ready { .. }));
    assert_eq!(client.send(ClientMessage::text_turn("flood")), Ok(()));
    hear(&mut client, |event| matches!(event, ClientEvent::Text { .. }));
    // The client reads no more. Once the system's buffers are full, no piece is asked for.
    let mut count = 0;
    while pieces.recv_timeout(Duration::from_millis(300)).is_ok() {
        count += 1;
        assert!(count < 1 << 12, "256 MiB and no end");
    }
    // An interruption is heard all the same, and ends the flood for good.
    assert_eq!(client.send(ClientMessage::turns(Vec::new(), false)), Ok(()));
    hear(&mut client, |event| matches!(event, ClientEvent::Interrupted { .. }));
}

#[test]
fn a_server_that_stops_closes_its_sessions() {
    let server = Running::new(config(), options(), repeat);
    let mut client = client(server.address);
    hear(&mut client, |event| matches!(event, ClientEvent::Ready { .. }));
    server.stop.stop(server.address);
    let heard = hear(&mut client, |event| matches!(event, ClientEvent::Closed(_)));
    let Some(ClientEvent::Closed(cause)) = heard.last() else { panic!("{heard:?}") };
    assert_eq!((cause.code, cause.reason.as_str()), (Some(1011), "The service is currently unavailable."));
    assert_eq!(client.next(None), Next::Over);
}
