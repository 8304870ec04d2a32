//! Sessions between our client and our server, every future dropped after one poll.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use live_engine::{ClientCommand, EndReason, ModelOutput, Refusal, ServerCommand, TurnId};
use live_grpc::Step;
use live_proto::{Blob, ClientMessage, Modality, Setup};
use tokio::time::Instant;

use crate::world::{MODEL, World};

fn text() -> Setup {
    Setup::new(MODEL).with_modality(Modality::Text)
}

#[tokio::test(start_paused = true)]
async fn a_text_session_with_an_interruption() {
    let mut world = World::new(text());
    world.settle().await;
    world.expect(&["Ready { session_id: \"\" }"], &["accepted"]);

    world.say(ClientMessage::text_turn("count"));
    world.settle().await;
    world.expect(&[], &["generate #1 from 1 contents"]);
    world.answer(1, ModelOutput::Text("one".into()));
    world.answer(1, ModelOutput::Text(" two".into()));
    world.settle().await;
    world.expect(&["#1 \"one\"", "#1 \" two\""], &[]);

    world.say(ClientMessage::text_turn("stop"));
    world.settle().await;
    assert_eq!(world.at_client[0], "#1 interrupted");
    world.at_client.clear();
    world.expect(&[], &["cancel #1", "finished #1 interrupted=true", "generate #2 from 3 contents"]);

    // A piece that crossed the interruption is heard by nobody.
    world.answer(1, ModelOutput::Text(" three".into()));
    world.answer(2, ModelOutput::Text("Stopped.".into()));
    world.answer(2, ModelOutput::End(EndReason::Complete));
    world.settle().await;
    assert_eq!(world.at_client[..4], ["#2 \"Stopped.\"", "#2 generationComplete", "usage", "#2 turnComplete"]);
    let (sent, received) = (world.server.as_ref().unwrap().traffic(), world.client.traffic());
    assert_eq!((sent.messages_out, sent.bytes_out), (received.messages_in, received.bytes_in));
    world.at_client.clear();
    world.at_server.clear();

    assert_eq!(world.client.command(ClientCommand::Close), Ok(()));
    world.settle().await;
    world.expect(&["closed by us"], &["closed: the peer closed with 1000"]);
    assert_eq!(world.over, (true, true));
}

#[tokio::test(start_paused = true)]
async fn speech_is_complete_when_it_was_played() {
    let mut world = World::new(Setup::new(MODEL).with_modality(Modality::Audio).with_manual_activity());
    world.say(ClientMessage::activity_start());
    for _ in 0..50 {
        world.say(ClientMessage::audio(Blob::pcm16k(vec![1; 640])));
    }
    world.say(ClientMessage::activity_end());
    world.settle().await;
    world.expect(&["Ready { session_id: \"\" }"], &["accepted", "generate #1 from 1 contents"]);

    let start = Instant::now();
    world.answer(1, ModelOutput::Speech { pcm: vec![0; 2 * 48_000].into(), text: "two seconds".into() });
    world.answer(1, ModelOutput::End(EndReason::Complete));
    world.settle().await;
    // The second half is kept back until the first is nearly played.
    tokio::time::advance(Duration::from_secs(1)).await;
    world.settle().await;
    assert_eq!(world.at_client.last().unwrap(), "#1 generationComplete");
    let sound =
        |heard: &String| heard.strip_suffix(" of audio/pcm;rate=24000")?.strip_prefix("#1 ")?.parse::<usize>().ok();
    assert_eq!(world.at_client.iter().filter_map(sound).sum::<usize>(), 2 * 48_000);

    tokio::time::advance(Duration::from_millis(1999) - start.elapsed()).await;
    world.settle().await;
    assert_eq!(world.at_client.last().unwrap(), "#1 generationComplete");
    tokio::time::advance(Duration::from_millis(1)).await;
    world.settle().await;
    assert!(world.at_client.contains(&"#1 turnComplete".to_owned()), "{:?}", world.at_client);
}

#[tokio::test(start_paused = true)]
async fn refusals_reach_the_client_with_code_and_words() {
    let table = [
        (World::new(Setup::new("models/unheard-of")), "(1008): models/unheard-of is not found for API version v1beta"),
        (World::refusing(text(), Refusal::KeyNotValid), "(1007): API key not valid. Please pass a valid API key."),
        (World::refusing(text(), Refusal::Quota), "(1011): You exceeded your current quota"),
    ];
    for (mut world, says) in table {
        world.settle().await;
        assert_eq!(world.at_client.len(), 1, "{:?}", world.at_client);
        assert!(world.at_client[0].contains(says), "{:?}", world.at_client);
        assert_eq!(world.over, (true, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_the_turn_end_and_then_says_unavailable() {
    let mut world = World::new(text());
    world.say(ClientMessage::text_turn("hello"));
    world.settle().await;
    world.expect(&["Ready { session_id: \"\" }"], &["accepted", "generate #1 from 1 contents"]);
    assert_eq!(world.server.as_mut().unwrap().command(ServerCommand::Shutdown), Ok(()));
    world.answer(1, ModelOutput::Text("bye".into()));
    world.answer(1, ModelOutput::End(EndReason::Complete));
    world.settle().await;
    assert_eq!(world.at_client[0], "#1 \"bye\"");
    assert!(
        world.at_client.last().unwrap().contains("(1011): The service is currently unavailable."),
        "{:?}",
        world.at_client
    );
    assert_eq!(world.over, (true, true));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_in_the_middle_is_no_normal_end() {
    let mut world = World::new(text());
    world.settle().await;
    world.at_client.clear();
    world.server = None;
    world.settle().await;
    assert_eq!(world.at_client, ["the server is not available (1011): the connection was cut"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_dropped_in_the_middle_is_lost() {
    let mut world = World::new(text());
    world.settle().await;
    world.at_server.clear();
    let World { client, server, .. } = world;
    let mut server = server.unwrap();
    drop(client);
    let event = server.next().await.map(crate::world::server_name);
    assert!(event.as_ref().is_some_and(|event| event.starts_with("closed: connection lost: ")), "{event:?}");
    assert_eq!(server.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_source_waits_while_the_client_does_not_read() {
    let mut world = World::new(text());
    world.say(ClientMessage::text_turn("flood"));
    world.settle().await;
    let mut server = world.server.take().unwrap();
    let mut produced = 0;
    let mut source = stream::iter(0..10_000).inspect(|_| produced += 1);
    // The client is not polled any more. The window takes 64 KiB, and then the source is left alone.
    let filled = tokio::time::timeout(Duration::from_secs(1), async {
        loop {
            match server.next_or(&mut source).await {
                Step::Item(Some(_)) => {
                    let piece = ModelOutput::Text("x".repeat(1000));
                    assert_eq!(server.command(ServerCommand::Model(TurnId(1), piece)), Ok(()));
                }
                other @ (Step::Item(None) | Step::Event(_)) => panic!("{other:?}"),
            }
        }
    });
    assert!(filled.await.is_err(), "it waits for the client");
    assert!(server.is_congested());
    drop(source);
    assert!((32..1000).contains(&produced), "{produced}");

    // What was produced arrives once the client reads again.
    world.server = Some(server);
    world.at_client.clear();
    world.settle().await;
    assert_eq!(world.at_client.len(), produced);
}
