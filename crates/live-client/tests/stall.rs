//! A host that does not listen for a while: nothing is lost, and nobody keeps what it has not heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use live_client::{Client, Event, Modality, Setup};
use live_engine::{EndReason, ModelOutput, Prompt, TurnCompletePacing};
use live_model::Model;
use live_server::Server;

/// Speaks for five minutes, a second at a time, as fast as it is listened to.
#[derive(Clone, Default)]
struct Orator {
    spoken: Arc<AtomicUsize>,
}

impl Model for Orator {
    fn generate(&self, _: Prompt) -> BoxStream<'static, ModelOutput> {
        let spoken = self.spoken.clone();
        let seconds = stream::iter(0..SECONDS).map(move |second| {
            spoken.fetch_add(1, Ordering::Relaxed);
            ModelOutput::Speech { pcm: second_of_sound(second), text: String::new() }
        });
        seconds.chain(stream::iter([ModelOutput::End(EndReason::Complete)])).boxed()
    }
}

/// All of its samples are its number.
fn second_of_sound(number: u16) -> Bytes {
    number.to_le_bytes().repeat(24_000).into()
}

#[tokio::test(start_paused = true)]
async fn who_listens_again_after_two_minutes_has_missed_nothing() {
    let model = Orator::default();
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::builder().model(model.clone()).pacing(TurnCompletePacing::Immediate).listen(listen);
    let server = server.bind().await.unwrap();
    let url = format!("http://{}", server.endpoints()[0].address);
    tokio::spawn(server.serve_until(std::future::pending()));
    let setup = Setup::new("gemini-live-2.5-flash-preview").with_modality(Modality::Audio);
    let mut session = Client::gemini("any").base_url(url).connect(setup).await.unwrap();

    session.send_text("Speak.").unwrap();
    let mut heard = Vec::new();
    while heard.is_empty() {
        heard.extend(sound(session.next().await.unwrap()));
    }
    // Longer than a connection that owes words may be silent.
    let stall = tokio::time::timeout(Duration::from_secs(125), std::future::pending::<()>());
    assert!(stall.await.is_err());
    let spoken = model.spoken.load(Ordering::Relaxed);
    // 19 MB in all, of which the system may hold some.
    assert!(spoken < usize::from(SECONDS) * 4 / 5, "the model is not asked for what nobody takes: {spoken} s");

    loop {
        let event = session.next().await.unwrap();
        if matches!(event, Event::TurnComplete { .. }) {
            break;
        }
        heard.extend(sound(event));
    }
    let due: Vec<u8> = (0..SECONDS).flat_map(second_of_sound).collect();
    assert!(heard == due, "{} bytes of {}", heard.len(), due.len());
    assert_eq!(session.counters().dials, 1, "over one connection");
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is silent")]
fn sound(event: Event) -> Bytes {
    match event {
        Event::Audio { blob, .. } => blob.data,
        Event::Interrupted { .. } | Event::Reconnecting { .. } | Event::Lost(_) | Event::Closed(_) => {
            panic!("{event:?}")
        }
        _ => Bytes::new(),
    }
}

const SECONDS: u16 = 300;
