//! Sessions that outlive their connections, and handles that are not honoured.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime};

use live_server::store::{DiskStore, HandleHash, MemoryStore, Saved, SessionStore, StoreError, Swept};
use live_server::{Lifetimes, Secret};

use crate::client::{Client, GEMINI, TEXT_SETUP, resumable, text};
use crate::log;
use crate::running::start;

#[tokio::test]
async fn a_session_goes_on_where_its_connection_was_lost() {
    let server = start(|server| server).await;
    let mut first = Client::ready(server.address, &resumable("")).await;
    let early = first.converse("one").await;
    let late = first.converse("two").await;
    assert_ne!(early, late);
    // No close frame.
    drop(first);
    let mut second = Client::ready(server.address, &resumable(&late)).await;
    second.say("recall").await;
    assert_eq!(text(&second.hear_turn().await), "one, two, recall");
    // Several handles are valid, each for what was said until then.
    let mut third = Client::ready(server.address, &resumable(&early)).await;
    third.say("recall").await;
    assert_eq!(text(&third.hear_turn().await), "one, recall");
    assert!(!log::text().contains(&early) && !log::text().contains(&late), "a handle is a secret");
}

#[tokio::test]
async fn who_resumes_takes_the_session_from_the_connection_that_has_it() {
    let server = start(|server| server).await;
    let mut first = Client::ready(server.address, &resumable("")).await;
    let mut bystander = Client::ready(server.address, &resumable("")).await;
    let handle = first.converse("mine").await;
    let mut second = Client::ready(server.address, &resumable(&handle)).await;
    assert_eq!(first.hear_close().await, (1008, "The operation was aborted.".to_owned()));
    second.say("recall").await;
    assert_eq!(text(&second.hear_turn().await), "mine, recall");
    bystander.say("recall").await;
    assert_eq!(text(&bystander.hear_turn().await), "recall");
}

#[tokio::test]
async fn servers_with_one_store_hand_sessions_on() {
    let directory = tempfile::tempdir().unwrap();
    let memory: Arc<dyn SessionStore> = Arc::new(MemoryStore::default());
    let disk: Arc<dyn SessionStore> = Arc::new(DiskStore::open(&directory.path().join("sessions.redb")).unwrap());
    for store in [memory, disk] {
        let one = start(|server| server.store(Arc::clone(&store))).await;
        let mut client = Client::ready(one.address, &resumable("")).await;
        let handle = client.converse("to the first server").await;
        drop(client);
        assert_eq!(one.stop().await.failures, 0);
        let other = start(|server| server.store(Arc::clone(&store))).await;
        let mut client = Client::ready(other.address, &resumable(&handle)).await;
        client.say("recall").await;
        assert_eq!(text(&client.hear_turn().await), "to the first server, recall", "{store:?}");
    }
}

#[tokio::test]
async fn nothing_is_kept_of_who_does_not_ask_for_it() {
    let store = Arc::new(MemoryStore::default());
    let server = start(|server| server.store(Arc::clone(&store))).await;
    let mut client = Client::ready(server.address, TEXT_SETUP).await;
    client.say("keep this to yourself").await;
    client.hear_turn().await;
    client.0.close(None).await.unwrap();
    assert_eq!(client.hear_close().await.0, 1005);
    drop(client);
    server.stop().await;
    assert!(store.is_empty(), "{store:?}");
}

#[tokio::test]
async fn of_a_long_session_only_the_last_points_are_kept() {
    let store = Arc::new(MemoryStore::default());
    let server = start(|server| server.store(Arc::clone(&store))).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    let mut handles = Vec::new();
    for turn in 0..20 {
        handles.push(client.converse(&format!("turn {turn}")).await);
    }
    assert!((2..=10).contains(&store.len()), "{store:?}");
    drop(client);
    let mut refused = Client::open(server.address, GEMINI, &[("x-goog-api-key", "any")]).await;
    refused.send(&resumable(&handles[0])).await;
    assert_eq!(refused.hear_close().await, (1008, "BidiGenerateContent session not found".to_owned()));
    Client::ready(server.address, &resumable(&handles[18])).await;
}

#[tokio::test]
async fn a_handle_that_is_not_honoured_closes_with_the_services_text() {
    let server = start(|server| server).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    let handle = client.converse("mine").await;
    let unknown = format!("{}.1", "5a".repeat(32));
    let table = [
        ("any", unknown.as_str(), 1008, "BidiGenerateContent session not found"),
        ("any", "no handle at all", 1007, "Invalid session handle"),
        ("another key", &handle, 1008, "Requested entity was not found."),
        ("", &handle, 1008, "Requested entity was not found."),
    ];
    for (key, handle, code, says) in table {
        let mut client = Client::open(server.address, GEMINI, &[("x-goog-api-key", key)]).await;
        client.send(&resumable(handle)).await;
        assert_eq!(client.hear_close().await, (code, says.to_owned()), "{key:?}");
    }
    // Who was refused has taken nothing from the owner.
    client.say("still here").await;
    assert_eq!(text(&client.hear_turn().await), "you said still here");
}

#[tokio::test]
async fn a_client_that_never_pauses_gets_handles_all_the_same() {
    let (gated, gate) = Gated::new();
    let server = start(|server| server.store(gated)).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    for words in ["one", "two", "three"] {
        client.say(words).await;
        // The server has every chance to hear it before the point is saved.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        gate.send(()).expect("the store waits");
        client.hear_handle().await;
        assert_eq!(text(&client.hear_turn().await), format!("you said {words}"));
    }
}

#[tokio::test]
async fn a_store_that_hangs_holds_nobody_up() {
    let (gated, gate) = Gated::new();
    let server = start(|server| server.store(gated)).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    client.say("is anybody there").await;
    assert_eq!(text(&client.hear_turn().await), "you said is anybody there");
    // Lets the thread that saves come to its end.
    drop(gate);
}

/// A memory that saves when it is let.
#[derive(Debug)]
struct Gated {
    memory: MemoryStore,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Gated {
    fn new() -> (Self, mpsc::Sender<()>) {
        let (gate, waits) = mpsc::channel();
        (Self { memory: MemoryStore::default(), gate: Mutex::new(waits) }, gate)
    }
}

impl SessionStore for Gated {
    fn save(&self, handle: HandleHash, saved: &Saved, forget: &[HandleHash]) -> Result<(), StoreError> {
        // An error means that nobody minds any more.
        _ = self.gate.lock().expect("no save panics").recv();
        self.memory.save(handle, saved, forget)
    }

    fn load(&self, handle: HandleHash) -> Result<Option<Saved>, StoreError> {
        self.memory.load(handle)
    }

    fn remove(&self, handle: HandleHash) -> Result<(), StoreError> {
        self.memory.remove(handle)
    }

    fn sweep(&self, now: SystemTime) -> Result<Swept, StoreError> {
        self.memory.sweep(now)
    }
}

#[tokio::test]
async fn a_handle_may_be_valid_for_ever() {
    let for_ever = |backend| Lifetimes { handle_validity: Duration::MAX, ..Lifetimes::of(backend) };
    let server = start(|server| server.lifetimes(for_ever)).await;
    let mut client = Client::ready(server.address, &resumable("")).await;
    let handle = client.converse("keep it").await;
    drop(client);
    let mut client = Client::ready(server.address, &resumable(&handle)).await;
    client.say("recall").await;
    assert_eq!(text(&client.hear_turn().await), "keep it, recall");
}

#[tokio::test]
async fn a_project_is_a_key_wherever_it_is_put() {
    let server = start(|server| server.api_keys([Secret::new("first"), Secret::new("second")])).await;
    let mut client = Client::open(server.address, &format!("{GEMINI}?key=first"), &[]).await;
    client.send(&resumable("")).await;
    let handle = client.converse("hello").await;
    drop(client);
    let mut foreign = Client::open(server.address, GEMINI, &[("x-goog-api-key", "second")]).await;
    foreign.send(&resumable(&handle)).await;
    assert_eq!(foreign.hear_close().await.0, 1008);
    let mut own = Client::open(server.address, GEMINI, &[("authorization", "Bearer first")]).await;
    own.send(&resumable(&handle)).await;
    own.say("recall").await;
    assert_eq!(text(&own.hear_turn().await), "hello, recall");
}

#[tokio::test]
async fn a_session_goes_on_without_a_store_that_fails() {
    for fault in [Fault::Error, Fault::Panic] {
        let server = start(|server| server.store(fault)).await;
        let mut client = Client::ready(server.address, &resumable("")).await;
        for words in ["hello", "and again"] {
            client.say(words).await;
            let turn = client.hear_turn().await;
            assert_eq!(text(&turn), format!("you said {words}"));
            let heard = format!("{turn:?}");
            assert!(!heard.contains("newHandle"), "a handle that nobody keeps was given out: {heard}");
        }
        let mut refused = Client::open(server.address, GEMINI, &[("x-goog-api-key", "any")]).await;
        refused.send(&resumable("some.handle")).await;
        // Not that there is no such session: a client that is told so gives it up.
        assert_eq!(refused.hear_close().await, (1011, "Internal error encountered.".to_owned()));
    }
}

#[tokio::test]
async fn a_session_that_is_damaged_is_not_found() {
    let server = start(|server| server.store(Fault::Damage)).await;
    let mut refused = Client::open(server.address, GEMINI, &[("x-goog-api-key", "any")]).await;
    refused.send(&resumable("some.handle")).await;
    assert_eq!(refused.hear_close().await, (1008, "BidiGenerateContent session not found".to_owned()));
}

/// A store that never does as it is told.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Error,
    Panic,
    Damage,
}

impl Fault {
    fn happen<T>(self) -> Result<T, StoreError> {
        match self {
            Self::Error => Err(StoreError::Medium("no space left".into())),
            Self::Panic => panic!("told to panic"),
            Self::Damage => Err(StoreError::Corrupt("told to be")),
        }
    }
}

impl SessionStore for Fault {
    fn save(&self, _: HandleHash, _: &Saved, _: &[HandleHash]) -> Result<(), StoreError> {
        self.happen()
    }

    fn load(&self, _: HandleHash) -> Result<Option<Saved>, StoreError> {
        self.happen()
    }

    fn remove(&self, _: HandleHash) -> Result<(), StoreError> {
        self.happen()
    }

    fn sweep(&self, _: SystemTime) -> Result<Swept, StoreError> {
        self.happen()
    }
}
