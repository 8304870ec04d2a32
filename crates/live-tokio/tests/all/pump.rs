//! What the pump owes to any engine: order, cancel safety, back-pressure, timers, and an end in good order.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use live_tokio::{Frames, Options, Step, UnknownFields};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::toy::{self, arm, bare_client, close, pair, rest, say, server_options};

/// Both pipes are far smaller than what each side has to say before it listens, and no future lives longer than one poll.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_reordered_when_every_future_is_dropped_after_one_poll() {
    let (mut client, mut server) = pair(64).await;
    let words: Vec<String> = (0..200).map(|n| format!("{n}:{}", "x".repeat(n * 7 % 300))).collect();
    for word in &words {
        say(&mut client, word);
        say(&mut server, word);
    }
    let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
    while at_client.len() < words.len() || at_server.len() < words.len() {
        at_client.extend(client.next().now_or_never().flatten());
        at_server.extend(server.next().now_or_never().flatten());
        tokio::task::yield_now().await;
    }
    assert_eq!(at_client, words);
    assert_eq!(at_server, words);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_words_is_written_at_once() {
    let (client, mut server) = tokio::io::duplex(4096);
    let mut client = toy::toy(client, Role::Client, Options::client()).await;
    for word in ["one", "two", "three"] {
        say(&mut client, word);
    }
    assert!(client.next().now_or_never().is_none());
    assert_eq!((client.traffic().messages_out, client.traffic().bytes_out), (3, 11));
    let mut bytes = [0; 4096];
    // Header of 2, mask of 4, then the word: three frames in one read.
    assert_eq!(server.read(&mut bytes).await.unwrap(), 3 * 6 + "onetwothree".len());
}

#[tokio::test(start_paused = true)]
async fn a_client_sends_text_a_server_binary_and_both_read_both() {
    let (mut peer, mut server) = bare_client(4096, server_options()).await;
    peer.send(Message::text("as text")).await.unwrap();
    peer.send(Message::binary("as binary")).await.unwrap();
    assert_eq!(server.next().await.unwrap(), "as text");
    assert_eq!(server.next().await.unwrap(), "as binary");
    assert_eq!((server.traffic().messages_in, server.traffic().bytes_in), (2, 7 + 9));
    say(&mut server, "hello");
    assert!(server.next().now_or_never().is_none());
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::binary("hello"));

    let (mut peer, mut server) = bare_client(4096, Options { frames: Frames::Text, ..server_options() }).await;
    say(&mut server, "hello");
    assert!(server.next().now_or_never().is_none());
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::text("hello"));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_rings_at_its_instant() {
    let (mut client, _server) = pair(4096).await;
    let start = Instant::now();
    arm(&mut client, Duration::from_secs(10));
    assert_eq!(client.next().await.unwrap(), "alarm");
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_may_move_both_ways_while_it_is_waited_for() {
    let (mut client, _server) = pair(4096).await;
    let start = Instant::now();
    for after_s in [5, 9, 2, 7] {
        arm(&mut client, Duration::from_secs(after_s));
        assert!(client.next().now_or_never().is_none());
    }
    assert_eq!(client.next().await.unwrap(), "alarm");
    assert_eq!(start.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered() {
    let (mut peer, mut server) = bare_client(4096, server_options()).await;
    peer.send(Message::Ping("are you there".into())).await.unwrap();
    assert!(server.next().now_or_never().is_none());
    assert_eq!(peer.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
}

#[tokio::test(start_paused = true)]
async fn a_close_reaches_the_peer_with_code_and_text() {
    let (mut client, mut server) = pair(64).await;
    say(&mut server, "before");
    close(&mut server, 1008, "models/x is not found");
    let (at_client, at_server) = tokio::join!(rest(&mut client), rest(&mut server));
    assert_eq!(at_client, ["before", "disconnected: Closed { code: Some(1008), reason: \"models/x is not found\" }"]);
    assert_eq!(at_server, [""; 0]);
    assert!(server.next().await.is_none(), "the end stays the end");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_close_first() {
    let (mut client, mut server) = pair(64).await;
    close(&mut client, 1000, "");
    let (at_client, at_server) = tokio::join!(rest(&mut client), rest(&mut server));
    assert_eq!(at_client, [""; 0]);
    assert_eq!(at_server, ["disconnected: Closed { code: Some(1000), reason: \"\" }"]);
}

#[tokio::test(start_paused = true)]
async fn both_may_close_at_once() {
    let start = Instant::now();
    let (mut client, mut server) = pair(64).await;
    close(&mut client, 1000, "");
    close(&mut server, 1011, "going down");
    tokio::join!(rest(&mut client), rest(&mut server));
    assert_eq!(start.elapsed(), Duration::ZERO, "neither waits for a deadline");
}

#[tokio::test(start_paused = true)]
async fn a_close_without_a_code_is_told_as_such() {
    let (mut peer, mut server) = bare_client(4096, server_options()).await;
    peer.close(None).await.unwrap();
    let (events, _) = tokio::join!(rest(&mut server), peer.next());
    assert_eq!(events, ["disconnected: Closed { code: None, reason: \"\" }"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_closes_is_cut() {
    let (_peer, mut server) = bare_client(4096, server_options()).await;
    close(&mut server, 1011, "internal");
    let start = Instant::now();
    assert!(server.next().await.is_none());
    assert_eq!(start.elapsed(), server_options().close_deadline);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_cut_too() {
    let (_peer, mut server) = bare_client(64, server_options()).await;
    say(&mut server, "x".repeat(100_000));
    say(&mut server, "a word that waits in front of the close");
    close(&mut server, 1011, "internal");
    let start = Instant::now();
    assert!(server.next().await.is_none());
    assert_eq!(start.elapsed(), server_options().close_deadline);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_is_told() {
    let (peer, mut server) = bare_client(4096, server_options()).await;
    drop(peer);
    assert_eq!(rest(&mut server).await, ["disconnected: Eof"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_over_the_limit_is_malformed_and_its_sender_still_reads_why() {
    let mut options = server_options();
    options.decode.limits.message_bytes_max = 100;
    let (mut peer, mut server) = bare_client(64, options).await;
    let sender = async {
        // The pipe holds 64 bytes: the rest of the message is still on its way when the server has made up its mind.
        let _ = peer.send(Message::text("x".repeat(1000))).await;
        peer.next().await
    };
    let (events, close) = tokio::join!(rest(&mut server), sender);
    assert_eq!(events, ["malformed: message of 1000 bytes exceeds 100"]);
    let frame = CloseFrame { code: CloseCode::Invalid, reason: "malformed".into() };
    assert_eq!(close.unwrap().unwrap(), Message::Close(Some(frame)));
}

/// Frames that no library would write.
async fn raw(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut peer, server) = tokio::io::duplex(4096);
    let mut server = toy::toy(server, Role::Server, server_options()).await;
    peer.write_all(bytes).await.expect("the pipe is open");
    let reader = async {
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.expect("the pipe ends in order");
        drop(peer);
        answer
    };
    tokio::join!(rest(&mut server), reader)
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_utf8_is_malformed() {
    let (events, answer) = raw(&[0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28]).await;
    assert_eq!(events, ["malformed: text is not UTF-8"]);
    assert_eq!(answer, [&[0x88, 11, 0x03, 0xEF][..], b"malformed"].concat());
}

#[tokio::test(start_paused = true)]
async fn a_broken_frame_ends_the_connection_with_1002() {
    // A client must mask.
    let (events, answer) = raw(&[0x81, 0x01, b'x']).await;
    assert!(events[0].starts_with("disconnected: Lost("), "{events:?}");
    assert_eq!(answer[..1], [0x88]);
    assert_eq!(answer[2..4], 1002_u16.to_be_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_source_waits_while_the_peer_does_not_read() {
    let (mut peer, mut server) = bare_client(64, server_options()).await;
    let mut source = stream::iter((0..1000).map(|n| format!("{n}:{}", "x".repeat(100))));
    let mut taken = 0;
    while !server.is_congested() {
        // Between two items other tasks have their turn, so that every other poll has nothing.
        let Some(step) = server.next_or(&mut source).now_or_never() else { continue };
        let Step::Item(Some(word)) = step else { panic!("only items were on their way") };
        say(&mut server, word);
        taken += 1;
    }
    assert!(server.next_or(&mut source).now_or_never().is_none());
    let bound = (64 + server_options().write_buffer_bytes) / 100 + 2;
    assert!((1..=bound).contains(&taken), "{taken} words of 100 bytes were taken");

    let reader = async {
        for n in 0..1000 {
            let word = peer.next().await.unwrap().unwrap().into_text().unwrap();
            assert!(word.starts_with(&format!("{n}:")), "{word} came in place of {n}");
        }
    };
    let writer = async {
        loop {
            match server.next_or(&mut source).await {
                Step::Item(Some(word)) => say(&mut server, word),
                Step::Item(None) => break server.next().await,
                Step::Event(_) => panic!("the peer says nothing"),
            }
        }
    };
    tokio::select! {
        () = reader => {}
        event = writer => panic!("the writer ended with {event:?}"),
    }
}

#[tokio::test]
async fn a_source_that_is_always_ready_leaves_turns_to_others() {
    let (_client, mut server) = pair(1 << 20).await;
    let turns = Rc::new(Cell::new(0));
    let counter = Rc::clone(&turns);
    let others = async move {
        loop {
            counter.set(counter.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    let local = tokio::task::LocalSet::new();
    local.spawn_local(others);
    let busy = async {
        for word in 0..50 {
            let step = server.next_or(&mut stream::repeat(word)).await;
            assert_eq!(step, Step::Item(Some(word)));
        }
    };
    local.run_until(busy).await;
    assert!(turns.get() >= 49, "others had {} turns during 50 items", turns.get());
}

#[tokio::test(start_paused = true)]
async fn reading_stops_when_nothing_can_be_written() {
    let options = Options { congested_reads_max: 10, ..server_options() };
    let (mut peer, mut server) = bare_client(1 << 16, options).await;
    say(&mut server, "x".repeat(100_000));
    say(&mut server, "and one that has to wait");
    assert!(server.next().now_or_never().is_none());
    assert!(server.is_congested());
    for n in 0..100 {
        peer.feed(Message::text(format!("{n}"))).await.unwrap();
    }
    peer.flush().await.unwrap();
    // Events queue behind the message that waits, so that as many words are read as the bound says, and none is told.
    assert!(server.next().now_or_never().is_none());
    assert_eq!(server.engine().queued(), 10);

    let (first, event) = tokio::join!(peer.next(), server.next());
    assert_eq!(first.unwrap().unwrap().len(), 100_000);
    assert_eq!(event.unwrap(), "0");
    for n in 1..100 {
        assert_eq!(server.next().await.unwrap(), n.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_counted_and_remembered_up_to_a_bound() {
    let (mut client, mut server) = pair(4096).await;
    for n in 0..100 {
        say(&mut client, format!("?field{}", n % 90));
    }
    for _ in 0..100 {
        tokio::select! {
            event = server.next() => assert!(event.unwrap().starts_with('?')),
            _ = client.next() => panic!("the server says nothing"),
        }
    }
    assert_eq!(server.unknown_fields().count(), 100);
    assert_eq!(server.unknown_fields().paths().count(), UnknownFields::PATHS_MAX);
    assert!(server.unknown_fields().paths().any(|path| path == "?field0"));
}
