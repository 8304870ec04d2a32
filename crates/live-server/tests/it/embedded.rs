//! The server as it comes, with the embedded model.

use live_server::Server;

use crate::client::{AUDIO_SETUP, Client, TEXT_SETUP, parts, text};
use crate::running::start;

#[tokio::test]
async fn a_question_is_answered_in_text_and_in_sound() {
    let server = start(|_| Server::builder().listen("127.0.0.1:0".parse().unwrap())).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("count from 1 to 4").await;
    let answer = text(&client.hear_turn().await);
    assert!(["1", "2", "3", "4"].iter().all(|number| answer.contains(number)), "{answer}");

    let mut client = Client::ready(server.address, AUDIO_SETUP).await;
    client.say("hi").await;
    let turn = client.hear_turn().await;
    let base64: usize = parts(&turn).map(|part| part["inlineData"]["data"].as_str().unwrap().len()).sum();
    assert!(base64 > 10_000, "{base64} characters of sound");
}
