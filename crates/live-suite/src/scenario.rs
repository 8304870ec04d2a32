//! The scenarios: sessions from `setup` to the end, as a client sees them.
//!
//! Each is one claim, and panics where it does not hold. Those of tools are in [`tools`](crate::tools), those of sessions that
//! outlive their connections in [`lasting`](crate::lasting).

use std::time::Instant;

use live_engine::{
    Backend, Cause, ClientCommand, ClientConfig, ClientEngine, ClientEvent, CloseCause, Disconnect, Phase, Refusal,
    ServerConfig, TurnCompletePacing,
};
use live_proto::{Blob, ClientMessage, Modality, Setup};

use crate::blurt::{Blurt, Heard};
use crate::{Connection, Wire, model};

const MODEL: &str = "models/gemini-live-2.5-flash-preview";

/// A session of a client.
pub(crate) struct Client<W: Wire>(pub(crate) W::Connection<ClientEngine>);

impl<W: Wire> Client<W> {
    pub(crate) fn dial(wire: &W, setup: Setup) -> Self {
        Self(wire.dial(ClientEngine::new(ClientConfig::new(setup), Instant::now())))
    }

    pub(crate) fn say(&mut self, message: ClientMessage) {
        assert_eq!(self.0.command(ClientCommand::Send(message)), Ok(()));
    }

    /// The events up to one that `ends`.
    pub(crate) fn hear(&mut self, ends: impl Fn(&ClientEvent) -> bool) -> Vec<ClientEvent> {
        let mut heard = Vec::new();
        loop {
            match self.0.next() {
                Some(event) => heard.push(event),
                None => panic!("the connection is over after {heard:?}"),
            }
            if heard.last().is_some_and(&ends) {
                return heard;
            }
        }
    }

    pub(crate) fn hear_turn(&mut self) -> Vec<ClientEvent> {
        self.hear(|event| matches!(event, ClientEvent::TurnComplete { .. }))
    }

    /// The cause of the end, behind which nothing comes.
    pub(crate) fn hear_end(&mut self) -> CloseCause {
        let heard = self.hear(|event| matches!(event, ClientEvent::Closed(_)));
        assert!(self.0.next().is_none(), "something after the end");
        let Some(ClientEvent::Closed(cause)) = heard.into_iter().last() else { unreachable!("it ends so") };
        cause
    }
}

pub(crate) fn start<W: Wire>() -> W {
    W::start(ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) })
}

pub(crate) fn setup(modality: Modality) -> Setup {
    let mut setup = Setup::new(MODEL);
    setup.generation_config.get_or_insert_default().response_modalities = vec![modality];
    setup
}

pub(crate) fn text(heard: &[ClientEvent]) -> String {
    let text = |event: &ClientEvent| if let ClientEvent::Text { text, .. } = event { Some(text.clone()) } else { None };
    heard.iter().filter_map(text).collect()
}

pub(crate) fn has(heard: &[ClientEvent], is: impl Fn(&ClientEvent) -> bool) -> bool {
    heard.iter().any(is)
}

/// Two turns, each with its text, its end and its usage.
pub fn a_text_turn_is_answered<W: Wire>() {
    let wire = start::<W>();
    let mut client = Client::dial(&wire, setup(Modality::Text));
    for words in ["hello", "and again"] {
        client.say(ClientMessage::text_turn(words));
        let heard = client.hear_turn();
        assert_eq!(text(&heard), format!("you said {words}"));
        assert!(has(&heard, |event| matches!(event, ClientEvent::GenerationComplete { .. })), "{heard:?}");
        assert!(
            has(&heard, |event| matches!(event, ClientEvent::Usage(usage) if usage.total_token_count > 0)),
            "{heard:?}"
        );
    }
}

/// `turnComplete` comes when the sound has been played, and not before.
pub fn sound_is_complete_when_it_was_played<W: Wire>() {
    let wire = W::start(ServerConfig::new(Backend::Gemini));
    let mut client = Client::dial(&wire, setup(Modality::Audio));
    client.hear(|event| matches!(event, ClientEvent::Ready { .. }));
    client.say(ClientMessage::text_turn("hello"));
    let asked = Instant::now();
    let heard = client.hear_turn();
    assert!(asked.elapsed() >= model::SPOKEN, "{:?}", asked.elapsed());
    let sound = |event: &ClientEvent| if let ClientEvent::Audio { blob, .. } = event { blob.data.len() } else { 0 };
    let bytes: usize = heard.iter().map(sound).sum();
    assert_eq!(bytes as u128, model::SPOKEN.as_millis() * 48);
}

/// Bytes of sound arrive as they were sent, in order.
pub fn speech_between_marks_is_a_turn<W: Wire>() {
    let wire = start::<W>();
    let mut setup = setup(Modality::Text);
    let realtime = setup.realtime_input_config.get_or_insert_default();
    realtime.automatic_activity_detection.get_or_insert_default().disabled = Some(true);
    let mut client = Client::dial(&wire, setup);
    client.say(ClientMessage::activity_start());
    for _ in 0..50 {
        client.say(ClientMessage::audio(Blob::pcm16k(vec![1; 640])));
    }
    client.say(ClientMessage::activity_end());
    assert_eq!(text(&client.hear_turn()), "you said 32000 bytes of audio/pcm;rate=16000");
}

/// A turn cuts short the one that runs; nothing of that one follows.
pub fn a_new_turn_interrupts<W: Wire>() {
    let wire = start::<W>();
    let mut client = Client::dial(&wire, setup(Modality::Text));
    client.say(ClientMessage::text_turn("forever"));
    client.hear(|event| matches!(event, ClientEvent::Text { .. }));
    client.say(ClientMessage::text_turn("stop"));
    let cut = client.hear_turn();
    assert!(has(&cut, |event| matches!(event, ClientEvent::Interrupted { .. })), "no interruption");
    assert!(!has(&cut, |event| matches!(event, ClientEvent::GenerationComplete { .. })), "it was not complete");
    assert_eq!(text(&client.hear_turn()), "you said stop");
}

/// The close code and the service's text, whatever came first.
pub fn what_comes_before_setup_is_refused<W: Wire>() {
    let wire = start::<W>();
    for first in [ClientMessage::text_turn("hello?"), ClientMessage::audio(Blob::pcm16k(vec![0; 640]))] {
        let mut connection = wire.dial(Blurt::new([first]));
        let reason = "setup must be the first message and only the first".to_owned();
        let end = Heard::End(Disconnect::Closed { code: Some(1007), reason });
        assert_eq!(connection.next(), Some(end));
        assert_eq!(connection.next(), None);
    }
    let twice = || ClientMessage::setup(setup(Modality::Text));
    let mut connection = wire.dial(Blurt::new([twice(), twice()]));
    assert!(matches!(connection.next(), Some(Heard::Message(_))), "the first one is accepted");
    assert!(matches!(connection.next(), Some(Heard::End(Disconnect::Closed { code: Some(1007), .. }))));
}

/// 1008 with the model's name.
pub fn an_unknown_model_is_named<W: Wire>() {
    let wire = start::<W>();
    let cause = Client::dial(&wire, Setup::new("models/unheard-of")).hear_end();
    assert_eq!((cause.code, cause.phase, &cause.cause), (Some(1008), Phase::Setup, &Cause::ModelNotFound));
    assert!(cause.reason.starts_with("models/unheard-of is not found for API version v1beta"), "{cause}");
}

/// 1007 with the service's text, once the setup was read.
pub fn a_refused_key_is_told<W: Wire>() {
    let wire = W::start(ServerConfig { refusal: Some(Refusal::KeyNotValid), ..ServerConfig::new(Backend::Gemini) });
    let cause = Client::dial(&wire, setup(Modality::Text)).hear_end();
    assert_eq!((cause.code, &cause.cause), (Some(1007), &Cause::Unauthorized));
    assert_eq!(cause.reason, "API key not valid. Please pass a valid API key.");
}

/// Its own end is the last thing it hears.
pub fn a_client_that_closes_parts_in_good_order<W: Wire>() {
    let wire = start::<W>();
    let mut client = Client::dial(&wire, setup(Modality::Text));
    client.say(ClientMessage::text_turn("hello"));
    client.hear_turn();
    assert_eq!(client.0.command(ClientCommand::Close), Ok(()));
    assert_eq!(client.hear_end().cause, Cause::Local);
}

/// What is being said is said to its end; then the session is closed as unavailable.
pub fn a_shutdown_lets_the_turn_end<W: Wire>() {
    let wire = W::start(ServerConfig::new(Backend::Gemini));
    let mut client = Client::dial(&wire, setup(Modality::Audio));
    client.say(ClientMessage::text_turn("hello"));
    client.hear(|event| matches!(event, ClientEvent::Audio { .. }));
    wire.shut_down();
    let heard = client.hear_turn();
    assert!(has(&heard, |event| matches!(event, ClientEvent::GenerationComplete { .. })), "{heard:?}");
    let cause = client.hear_end();
    assert_eq!((cause.code, &cause.cause), (Some(1011), &Cause::Unavailable));
    assert_eq!(cause.reason, "The service is currently unavailable.");
}

/// Every client hears its own answers.
pub fn many_sessions_do_not_mix<W: Wire>() {
    let wire = start::<W>();
    let mut clients: Vec<_> = (0..6).map(|_| Client::dial(&wire, setup(Modality::Text))).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.say(ClientMessage::text_turn(at.to_string()));
    }
    for (at, client) in clients.iter_mut().enumerate().rev() {
        assert_eq!(text(&client.hear_turn()), format!("you said {at}"));
    }
}
