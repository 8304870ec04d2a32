//! Sessions that outlive their connections, with both ends on threads and between them a wire that can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use live_blocking::{Admission, Connector, Memory, Next, Options, Session};
use live_engine::client_session::GaveUp;
use live_engine::{
    Cause, ClientEvent, ClientSessionConfig, CloseReason, EndReason, Lifetimes, Limits, ModelOutput, Overlap, Phase,
    Prompt, Reconnect, ReconnectPolicy, Rule, ServerConfig, Violation,
};
use live_proto::{ClientMessage, Modality, SessionResumptionConfig, Setup};

use crate::world::{MODEL, Running, config, dial, hear, options, request, text};

/// A wire to a server that can be cut, and laid to another one.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    to: SocketAddr,
    open: Vec<TcpStream>,
}

impl Wire {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Mutex::new(Shared { to, open: Vec::new() }));
        let lays = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("loopback accepts");
                let mut shared = lays.lock().expect("nobody panics with it");
                // With nobody there the client is dropped.
                let Ok(server) = TcpStream::connect(shared.to) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().expect("room"), to.try_clone().expect("room"));
                    thread::spawn(move || {
                        _ = io::copy(&mut from, &mut to);
                        _ = to.shutdown(Shutdown::Write);
                    });
                }
                shared.open.extend([client, server]);
            }
        });
        Self { address, shared }
    }

    pub(crate) fn cut(&self) {
        for stream in self.shared.lock().expect("nobody panics with it").open.drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn lay_to(&self, to: SocketAddr) {
        self.shared.lock().expect("nobody panics with it").to = to;
    }
}

/// Says how much it was told, and the last of it.
fn count(prompt: Prompt) -> impl Iterator<Item = ModelOutput> {
    let said = format!("{}: {}", prompt.history.len(), prompt.unanswered()[0].text());
    [ModelOutput::Text(said), ModelOutput::End(EndReason::Complete)].into_iter()
}

fn setup(handle: Option<String>) -> Setup {
    let session_resumption = Some(SessionResumptionConfig { transparent: false, handle });
    Setup { session_resumption, ..Setup::new(MODEL).with_modality(Modality::Text) }
}

fn session(address: SocketAddr, policy: ReconnectPolicy) -> Session {
    let config = ClientSessionConfig { reconnect: Some(policy), ..ClientSessionConfig::new(setup(None)) };
    Session::new(request(address), Connector::without_roots().expect("TLS works"), config, Options::client())
}

fn is_handle(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::ResumptionUpdate(update) if update.resumable)
}

fn is_end(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::TurnComplete { .. })
}

/// A turn, and the handle behind it.
fn turn(session: &mut Session, words: &str) -> Vec<ClientEvent> {
    assert_eq!(session.send(ClientMessage::text_turn(words)), Ok(()));
    let mut heard = hear(session, is_end);
    heard.extend(hear(session, is_handle));
    heard
}

fn is_restored(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Resumed { restored: true, .. })
}

#[test]
fn a_session_goes_on_after_a_cut_and_knows_what_was_before() {
    let server = Running::new(config(), options(), count);
    let wire = Wire::new(server.address);
    let mut session = session(wire.address, ReconnectPolicy::default());
    assert_eq!(text(&turn(&mut session, "one")), "1: one");
    for (round, said) in ["3: two", "5: three"].into_iter().enumerate() {
        wire.cut();
        let lost = hear(&mut session, |event| matches!(event, ClientEvent::Reconnecting { .. }));
        let Some(ClientEvent::Reconnecting { why: Reconnect::Ended(cause), .. }) = lost.last() else {
            panic!("{lost:?}")
        };
        assert_eq!((&cause.cause, cause.phase), (&Cause::Lost, Phase::Open));
        assert!(!session.is_open());
        // What is said meanwhile is held.
        let heard = turn(&mut session, &said[3..]);
        assert!(heard.iter().any(is_restored), "{heard:?}");
        assert_eq!(text(&heard), said);
        assert_eq!(session.counters().restored, round as u64 + 1);
    }
    assert_eq!((session.counters().dials, session.counters().renewed), (3, 0));
    assert_eq!(session.close().cause, Cause::Local);
}

#[test]
fn go_away_moves_a_session_to_its_next_connection() {
    let notice = Duration::from_millis(9_900);
    let lifetimes = Lifetimes { connection: Duration::from_secs(10), go_away_notice: notice, ..config().lifetimes };
    let server = Running::new(ServerConfig { lifetimes, ..config() }, options(), count);
    for overlap in [Overlap::CloseFirst, Overlap::DialFirst] {
        let mut session = session(server.address, ReconnectPolicy { overlap, ..ReconnectPolicy::default() });
        assert_eq!(text(&turn(&mut session, "one")), "1: one");
        let heard = hear(&mut session, is_restored);
        assert!(heard.iter().any(|event| matches!(event, ClientEvent::GoAway { .. })), "{heard:?}");
        let moves = |event: &ClientEvent| matches!(event, ClientEvent::Reconnecting { why: Reconnect::GoAway, .. });
        assert!(heard.iter().any(moves), "{heard:?}");
        assert_eq!(session.send(ClientMessage::text_turn("two")), Ok(()));
        assert_eq!(text(&hear(&mut session, is_end)), "3: two", "{overlap:?}");
        assert_eq!(session.close().cause, Cause::Local);
    }
}

#[test]
fn a_server_that_stops_hands_its_sessions_to_the_next() {
    let memory: Arc<Memory> = Arc::default();
    let start = || Running::keeping(Arc::clone(&memory), |_| config().into(), options(), count);
    let (first, second) = (start(), start());
    let wire = Wire::new(first.address);
    let mut session = session(wire.address, ReconnectPolicy::default());
    assert_eq!(text(&turn(&mut session, "one")), "1: one");
    assert!(!memory.is_empty());
    wire.lay_to(second.address);
    first.stop.stop(first.address);
    let heard = hear(&mut session, is_restored);
    let is_stop = |event: &ClientEvent| {
        let ClientEvent::Reconnecting { why: Reconnect::Ended(cause), .. } = event else { return false };
        cause.cause == Cause::Unavailable && cause.code == Some(1011)
    };
    assert!(heard.iter().any(is_stop), "{heard:?}");
    assert_eq!(text(&turn(&mut session, "two")), "3: two");
}

#[test]
fn a_session_that_finds_nobody_gives_up_and_gives_back() {
    let server = Running::new(config(), options(), count);
    let wire = Wire::new(server.address);
    let policy = ReconnectPolicy { dials_max: 2, backoff_min: Duration::ZERO, ..ReconnectPolicy::default() };
    let mut session = session(wire.address, policy);
    assert_eq!(text(&turn(&mut session, "one")), "1: one");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    wire.lay_to(nobody);
    wire.cut();
    hear(&mut session, |event| matches!(event, ClientEvent::Reconnecting { .. }));
    assert_eq!(session.send(ClientMessage::text_turn("two")), Ok(()));
    let heard = hear(&mut session, |event| matches!(event, ClientEvent::Lost(_)));
    let Some(ClientEvent::Lost(loss)) = heard.last() else { panic!("{heard:?}") };
    assert_eq!((&loss.cause.cause, loss.gave_up, loss.dials), (&Cause::Lost, GaveUp::Budget, 2));
    assert_eq!(loss.unsent, [ClientMessage::text_turn("two")]);
    assert_eq!(session.next(None), Next::Over);
}

#[test]
fn a_first_dial_always_comes_to_something_and_never_holds_its_host() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = |session: &mut Session| {
        let heard = hear(session, |event| matches!(event, ClientEvent::Closed(_)));
        let Some(ClientEvent::Closed(cause)) = heard.last() else { unreachable!("it ends so") };
        assert_eq!(session.next(None), Next::Over);
        cause.clone()
    };
    let unreachable = closed(&mut session(nobody, ReconnectPolicy::default()));
    assert_eq!((&unreachable.cause, unreachable.phase), (&Cause::Lost, Phase::Dial));
    assert!(unreachable.reason.starts_with(&format!("failed to reach {nobody}: ")), "{unreachable}");

    // It accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let limits = Limits { setup_deadline: Duration::from_millis(150), ..Limits::default() };
    let config = ClientSessionConfig { limits, ..ClientSessionConfig::new(setup(None)) };
    let connector = Connector::without_roots().unwrap();
    let began = Instant::now();
    let mut session = Session::new(request(address), connector, config, Options::client());
    assert_eq!(session.next(Some(Duration::ZERO)), Next::TimedOut);
    assert_eq!(session.next(Some(Duration::from_millis(5))), Next::TimedOut);
    assert_eq!(session.send(ClientMessage::text_turn("held")), Ok(()));
    let timed_out = closed(&mut session);
    assert_eq!(session.counters().dropped.messages, 1);
    assert_eq!((&timed_out.cause, timed_out.phase), (&Cause::SetupTimeout, Phase::Dial));
    assert!(began.elapsed() < Duration::from_secs(5), "the dial's own deadline is later");
}

#[test]
fn a_handle_is_its_owners() {
    let admit = |request: &live_blocking::Request| {
        let owner = request.headers().get("x-goog-api-key").map_or("", |key| key.to_str().unwrap());
        Admission { config: config(), owner: owner.to_owned() }
    };
    let server = Running::keeping(Arc::default(), admit, options(), count);
    let with_key = |key: &'static str, handle| {
        let mut request = request(server.address);
        request.headers_mut().insert("x-goog-api-key", http::HeaderValue::from_static(key));
        dial(request, setup(handle))
    };
    let mut ann = with_key("ann", None);
    let heard = hear(&mut ann, is_handle);
    let Some(ClientEvent::ResumptionUpdate(update)) = heard.last() else { unreachable!("it ends so") };
    let refused = [
        ("bob", update.new_handle.as_str(), CloseReason::Violation(Violation::new(Rule::SessionForeign, ""))),
        ("ann", "unheard-of", CloseReason::Violation(Violation::new(Rule::SessionUnknown, ""))),
    ];
    for (key, handle, reason) in refused {
        let mut other = with_key(key, Some(handle.to_owned()));
        let heard = hear(&mut other, |event| matches!(event, ClientEvent::Closed(_)));
        let [ClientEvent::Closed(cause)] = &heard[..] else { panic!("{heard:?}") };
        let told = reason.told();
        assert_eq!((cause.code, cause.reason.as_str()), (Some(told.code), told.text.as_str()), "{key}");
    }
    // Nobody has been disturbed, until the owner comes.
    assert_eq!(ann.next(Some(Duration::from_millis(120))), Next::TimedOut);
    let mut again = with_key("ann", Some(update.new_handle.clone()));
    hear(&mut again, |event| matches!(event, ClientEvent::Ready { .. }));
    let heard = hear(&mut ann, |event| matches!(event, ClientEvent::Closed(_)));
    let Some(ClientEvent::Closed(cause)) = heard.last() else { unreachable!("it ends so") };
    let told = CloseReason::TakenOver.told();
    assert_eq!((cause.code, cause.reason.as_str()), (Some(told.code), told.text.as_str()));
    assert_eq!(again.send(ClientMessage::text_turn("still here")), Ok(()));
    assert_eq!(text(&hear(&mut again, is_end)), "1: still here");
}
