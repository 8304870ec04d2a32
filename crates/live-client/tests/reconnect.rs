//! A session over several connections to a scripted server on loopback, which sends `goAway` and updates and cuts the link.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use live_client::{
    Cause, Client, ConnectError, Event, GaveUp, Pcm, PcmFormat, Reconnect, ReconnectPolicy, SessionResumptionConfig,
    Setup, TurnEnd,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

struct Server(TcpListener);

struct Link(WebSocketStream<TcpStream>);

async fn listen() -> (Server, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    (Server(listener), Client::gemini("sesame").base_url(format!("http://{address}")))
}

fn setup(transparent: bool) -> Setup {
    let mut setup = Setup::new("m");
    setup.session_resumption = Some(SessionResumptionConfig { transparent, handle: None });
    setup
}

impl Server {
    async fn upgrade(&self) -> Link {
        let (tcp, _) = self.0.accept().await.expect("a client dials");
        Link(accept_async(tcp).await.expect("a client asks for a WebSocket"))
    }

    /// Opens a connection and gives the setup it was opened with.
    async fn accept(&self) -> (Link, String) {
        let mut link = self.upgrade().await;
        let setup = link.hear().await;
        link.say(r#"{"setupComplete":{}}"#).await;
        (link, setup)
    }
}

impl Link {
    async fn hear(&mut self) -> String {
        let message = self.0.next().await.expect("the client goes on").expect("the client speaks WebSocket");
        message.into_text().expect("a client sends text").to_string()
    }

    async fn say(&mut self, json: &str) {
        self.0.send(Message::binary(json.to_owned())).await.expect("the client listens");
    }

    async fn handle(&mut self, handle: &str, consumed: u64) {
        self.say(&format!(
            r#"{{"sessionResumptionUpdate":{{"newHandle":"{handle}","resumable":true,"lastConsumedClientMessageIndex":"{consumed}"}}}}"#
        ))
        .await;
    }

    async fn text(&mut self, text: &str) {
        self.say(&format!(r#"{{"serverContent":{{"modelTurn":{{"parts":[{{"text":"{text}"}}]}}}}}}"#)).await;
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        // The client may have gone first.
        let _ = self.0.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await;
        self.until_gone().await;
    }

    async fn until_gone(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(Ok(message)) = self.0.next().await {
            if let Ok(text) = message.into_text() {
                rest.push(text.to_string());
            }
        }
        rest
    }
}

fn quick() -> ReconnectPolicy {
    // The loopback is as fast as the machine; waits are what the engine's own tests are about.
    ReconnectPolicy {
        backoff_min: Duration::from_millis(250),
        stable_after: Duration::ZERO,
        ..ReconnectPolicy::default()
    }
}

#[tokio::test]
async fn after_go_away_the_session_goes_on_over_the_next_connection() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, first) = server.accept().await;
        assert!(first.contains(r#""sessionResumption":{}"#), "{first}");
        assert!(link.hear().await.contains("hi"));
        link.say(r#"{"goAway":{"timeLeft":"50s"}}"#).await;
        link.text("Hello").await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.handle("h1", 0).await;
        // The client closes, and dials when it is through.
        assert_eq!(link.until_gone().await, [""]);
        let (mut link, second) = server.accept().await;
        assert!(second.contains(r#""sessionResumption":{"handle":"h1"}"#), "{second}");
        assert!(link.hear().await.contains("more"));
        link.text("Yes").await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.until_gone().await;
    };
    let host = async {
        let mut session = client.connect(setup(false)).await.unwrap();
        session.send_text("hi").unwrap();
        assert_eq!(session.turn().await.text, "Hello");
        let mut events = Vec::new();
        loop {
            let event = session.next().await.unwrap();
            let is_resumed = matches!(event, Event::Resumed { .. });
            events.push(event);
            if is_resumed {
                break;
            }
        }
        assert!(events.contains(&Event::Reconnecting { attempt: 2, why: Reconnect::GoAway }), "{events:?}");
        assert!(events.contains(&Event::Resumed { restored: true, replayed: 0, answer_lost: false }), "{events:?}");
        session.send_text("more").unwrap();
        assert_eq!(session.turn().await.text, "Yes");
        let counters = session.counters();
        assert_eq!((counters.dials, counters.restored, counters.dropped.messages), (2, 1, 0));
        assert!(session.traffic().messages_in > 5, "both connections count");
        assert_eq!(session.close().await.cause, Cause::Local);
    };
    tokio::join!(server, host);
}

#[tokio::test]
async fn speech_that_a_lost_session_heard_is_not_waited_for() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        link.hear().await;
        link.close(1011, "Internal error encountered.").await;
        let (mut link, _) = server.accept().await;
        assert!(link.hear().await.contains("hi"));
        link.text("Hello").await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.until_gone().await;
    };
    let host = async {
        let mut session = client.reconnect(quick()).connect(setup(false)).await.unwrap();
        session.send_audio(Pcm::from_samples(PcmFormat::INPUT, &[1])).unwrap();
        assert_eq!(session.turn().await.end, TurnEnd::AnswerLost);
        session.send_text("hi").unwrap();
        assert_eq!(session.turn().await.text, "Hello");
        session.close().await;
    };
    tokio::join!(server, host);
}

#[tokio::test]
async fn a_cut_link_loses_and_doubles_nothing_in_transparent_mode() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        let mut heard = vec![link.hear().await, link.hear().await];
        link.handle("h1", 1).await;
        link.text("x").await;
        heard.push(link.hear().await);
        drop(link);
        let (mut link, _) = server.accept().await;
        let again = [link.hear().await, link.hear().await];
        let held = link.hear().await;
        assert_eq!(again, heard[1..], "all but the first, which the snapshot holds");
        link.until_gone().await;
        held
    };
    let host = async {
        let mut session = client.reconnect(quick()).connect(setup(true)).await.unwrap();
        let sound = |byte: i16| Pcm::from_samples(PcmFormat::INPUT, &[byte]);
        session.send_audio(sound(1)).unwrap();
        session.send_audio(sound(2)).unwrap();
        while !matches!(session.next().await.unwrap(), Event::Text { .. }) {}
        session.send_audio(sound(3)).unwrap();
        while !matches!(session.next().await.unwrap(), Event::Reconnecting { .. }) {}
        assert!(!session.is_open());
        session.send_audio(sound(4)).unwrap();
        let mut heard = Vec::new();
        while session.counters().restored == 0 {
            heard.push(session.next().await.unwrap());
        }
        assert!(heard.contains(&Event::Resumed { restored: true, replayed: 2, answer_lost: true }), "{heard:?}");
        session.close().await
    };
    let (held, cause) = tokio::join!(server, host);
    assert!(held.contains("BAA="), "sound 4 was held and sent once: {held}");
    assert_eq!(cause.cause, Cause::Local);
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_is_gathered_once() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        link.handle("h1", 0).await;
        link.hear().await;
        link.text("Hel").await;
        link.close(1011, "Internal error encountered.").await;
        let (mut link, _) = server.accept().await;
        assert!(link.hear().await.contains("hi"), "it is asked again");
        link.text("Hello").await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.until_gone().await;
    };
    let host = async {
        let mut session = client.reconnect(quick()).connect(setup(false)).await.unwrap();
        assert!(matches!(session.next().await, Some(Event::ResumptionUpdate(_))));
        session.send_text("hi").unwrap();
        let turn = session.turn().await;
        assert_eq!((turn.text.as_str(), turn.end, turn.interrupted), ("Hello", TurnEnd::Complete, false));
        session.close().await;
    };
    tokio::join!(server, host);
}

#[tokio::test]
async fn without_a_handle_the_words_are_told_again() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        link.hear().await;
        link.text("Hello").await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.close(1001, "").await;
        let (mut link, second) = server.accept().await;
        assert!(!second.contains("handle"), "{second}");
        let history = link.hear().await;
        link.until_gone().await;
        history
    };
    let host = async {
        let mut session = client.reconnect(quick()).connect(Setup::new("m")).await.unwrap();
        session.send_text("hi").unwrap();
        assert_eq!(session.turn().await.text, "Hello");
        while !matches!(session.next().await.unwrap(), Event::Resumed { restored: false, .. }) {}
        // Another poll sends what follows.
        session.close().await;
    };
    let (history, ()) = tokio::join!(server, host);
    assert_eq!(
        history,
        r#"{"clientContent":{"turns":[{"parts":[{"text":"hi"}],"role":"user"},{"parts":[{"text":"Hello"}],"role":"model"}]}}"#
    );
}

/// The clock is paused once the server is gone: it jumps over the waits.
#[tokio::test]
async fn a_server_that_is_gone_for_good_ends_the_session_and_gives_back_what_was_not_sent() {
    let (server, client) = listen().await;
    let server = async {
        let (link, _) = server.accept().await;
        drop((link, server));
    };
    let host = async {
        let mut session = client.connect(setup(false)).await.unwrap();
        while !matches!(session.next().await.unwrap(), Event::Reconnecting { .. }) {}
        tokio::time::pause();
        session.send_text("anybody?").unwrap();
        let lost = loop {
            let event = session.next().await.unwrap();
            if let Event::Lost(loss) = event {
                break loss;
            }
            assert!(matches!(event, Event::Reconnecting { .. }), "{event:?}");
        };
        assert_eq!((lost.gave_up, lost.dials, lost.unsent.len()), (GaveUp::Budget, 8, 1));
        assert_eq!(lost.cause.cause, Cause::Lost);
        assert!(lost.last_frames.iter().any(|frame| frame.kind == "setupComplete"));
        assert_eq!(session.next().await, None);
    };
    tokio::join!(server, host);
}

#[tokio::test]
async fn without_reconnect_a_session_ends_with_its_connection() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        link.handle("h1", 0).await;
        link.close(1011, "Internal error encountered.").await;
    };
    let host = async {
        let mut session = client.without_reconnect().connect(setup(false)).await.unwrap();
        let mut last = None;
        while let Some(event) = session.next().await {
            last = Some(event);
        }
        let Some(Event::Closed(cause)) = last else { panic!("{last:?}") };
        assert_eq!(cause.cause, Cause::Unavailable);
    };
    tokio::join!(server, host);
}

#[tokio::test]
async fn the_first_connection_is_dialled_once() {
    let (server, client) = listen().await;
    let server = async {
        let link = server.upgrade().await;
        link.close(1011, "The service is currently unavailable.").await;
    };
    let (result, ()) = tokio::join!(client.connect(setup(false)), server);
    let Err(ConnectError::Closed { cause }) = result else { panic!("{result:?}") };
    assert_eq!(cause.cause, Cause::Unavailable);
}

#[tokio::test]
async fn many_hands_say_things_and_one_listens() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        let mut heard = Vec::new();
        for _ in 0..2 {
            heard.push(link.hear().await);
        }
        link.handle("h1", 0).await;
        link.text("both").await;
        drop(link);
        let (mut link, _) = server.accept().await;
        link.say(r#"{"serverContent":{"turnComplete":true}}"#).await;
        link.until_gone().await;
        heard.sort();
        heard
    };
    let host = async {
        let (one, mut events) = client.reconnect(quick()).connect(setup(false)).await.unwrap().spawn();
        let two = one.clone();
        let other = tokio::spawn(async move { two.send_text("b").map_err(|error| error.why) });
        one.send_text("a").unwrap();
        other.await.unwrap().unwrap();
        let mut heard = Vec::new();
        while let Some(event) = events.next().await {
            if matches!(event, Event::TurnComplete { .. }) {
                one.close();
            }
            heard.push(event);
        }
        assert!(heard.iter().any(|event| matches!(event, Event::Text { .. })), "{heard:?}");
        assert!(heard.iter().any(|event| matches!(event, Event::Resumed { restored: true, .. })), "{heard:?}");
        assert!(matches!(heard.last(), Some(Event::Closed(_))), "{heard:?}");
        assert_eq!(one.counters().dials, 2);
        assert!(one.send_text("late").is_err());
    };
    let (heard, ()) = tokio::join!(server, host);
    assert!(heard[0].contains(r#""a""#) && heard[1].contains(r#""b""#), "{heard:?}");
}

#[tokio::test]
async fn dropping_the_events_ends_a_spawned_session_in_good_order() {
    let (server, client) = listen().await;
    let server = async {
        let (mut link, _) = server.accept().await;
        loop {
            match link.0.next().await {
                Some(Ok(Message::Close(frame))) => break frame.expect("a code").code,
                Some(Ok(_)) => {}
                end => panic!("{end:?}"),
            }
        }
    };
    let host = async {
        let (session, events) = client.connect(setup(false)).await.unwrap().spawn();
        drop(events);
        session
    };
    let (code, _session) = tokio::join!(server, host);
    assert_eq!(u16::from(code), 1000);
}
