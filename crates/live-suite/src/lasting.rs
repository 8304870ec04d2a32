//! The scenarios of sessions that outlive their connections, as a client sees them.
//!
//! Each is one claim, and panics where it does not hold. Those of one connection are in [`scenario`](crate::scenario).

use std::time::Duration;

use live_engine::{
    Backend, Cause, ClientEvent, ClientSessionConfig, CloseReason, Lifetimes, Phase, Reconnect, Refusal, Rule,
    ServerConfig, TurnCompletePacing, Violation,
};
use live_proto::{ClientMessage, Modality, SessionResumptionConfig, Setup};

use crate::Wire;
use crate::host::Session;
use crate::scenario::{Client, has, setup, text};

fn start<W: Wire>(change: impl FnOnce(&mut Lifetimes)) -> W {
    let mut config = ServerConfig { pacing: TurnCompletePacing::Immediate, ..ServerConfig::new(Backend::Gemini) };
    change(&mut config.lifetimes);
    W::start(config)
}

fn resumable(handle: Option<&str>) -> Setup {
    let resumption =
        SessionResumptionConfig { handle: handle.map(str::to_owned), ..SessionResumptionConfig::default() };
    Setup { session_resumption: Some(resumption), ..setup(Modality::Text) }
}

fn open<W: Wire>(wire: &W) -> Session<'_, W> {
    Session::new(wire, ClientSessionConfig::new(resumable(None)))
}

/// The events up to one that `ends`.
fn hear<W: Wire>(session: &mut Session<'_, W>, ends: impl Fn(&ClientEvent) -> bool) -> Vec<ClientEvent> {
    let mut heard = Vec::new();
    loop {
        match session.next_event() {
            Some(event) => heard.push(event),
            None => panic!("the session is over after {heard:?}"),
        }
        if heard.last().is_some_and(&ends) {
            return heard;
        }
    }
}

fn is_handle(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::ResumptionUpdate(update) if update.resumable)
}

fn is_resumed(event: &ClientEvent) -> bool {
    matches!(event, ClientEvent::Resumed { .. })
}

/// Asks how many contents the model knows, and waits for the handle behind the answer.
fn count<W: Wire>(session: &mut Session<'_, W>) -> String {
    session.say(ClientMessage::text_turn("count"));
    let mut heard = hear(session, |event| matches!(event, ClientEvent::TurnComplete { .. }));
    heard.extend(hear(session, is_handle));
    text(&heard)
}

/// By the handle, with all that was said before, and as often as it takes.
pub fn a_session_resumes_after_a_cut<W: Wire>() {
    let wire = start::<W>(|_| {});
    let mut session = open(&wire);
    assert_eq!(count(&mut session), "1 contents");
    for counted in ["3 contents", "5 contents"] {
        session.cut();
        let heard = hear(&mut session, is_resumed);
        let is_lost = |event: &ClientEvent| matches!(event, ClientEvent::Reconnecting { why: Reconnect::Ended(cause), .. } if cause.cause == Cause::Lost);
        assert!(has(&heard, is_lost), "{heard:?}");
        assert!(matches!(heard.last(), Some(ClientEvent::Resumed { restored: true, .. })), "{heard:?}");
        assert_eq!(count(&mut session), counted);
    }
}

/// What was heard of it is over, and the question is asked again over the next connection.
pub fn an_answer_that_is_cut_comes_anew<W: Wire>() {
    let wire = start::<W>(|_| {});
    let mut session = open(&wire);
    assert_eq!(count(&mut session), "1 contents");
    session.say(ClientMessage::text_turn("forever"));
    let heard = hear(&mut session, |event| matches!(event, ClientEvent::Text { .. }));
    let Some(&ClientEvent::Text { generation: cut, .. }) = heard.last() else { unreachable!("it ends so") };
    session.cut();
    let heard = hear(&mut session, is_resumed);
    let is_over = |event: &ClientEvent| matches!(event, ClientEvent::Interrupted { generation } if *generation == cut);
    assert!(has(&heard, is_over), "{heard:?}");
    assert!(matches!(heard.last(), Some(ClientEvent::Resumed { answer_lost: false, .. })), "{heard:?}");
    let anew = |event: &ClientEvent| matches!(event, ClientEvent::Text { generation, .. } if *generation > cut);
    hear(&mut session, anew);
    session.say(ClientMessage::text_turn("count"));
    hear(&mut session, |event| matches!(event, ClientEvent::Interrupted { .. }));
    let counted = |event: &ClientEvent| matches!(event, ClientEvent::Text { text, .. } if text.ends_with("contents"));
    // The first turn and its answer, the question and what was said to it, and this one.
    assert_eq!(text(&hear(&mut session, counted)[..]), "5 contents");
}

/// `goAway` comes in time, and the session moves by its handle before the end.
pub fn go_away_moves_a_session<W: Wire>() {
    let wire = start::<W>(|lifetimes| {
        lifetimes.connection = Duration::from_secs(20);
        lifetimes.go_away_notice = Duration::from_millis(19_700);
    });
    let mut session = open(&wire);
    assert_eq!(count(&mut session), "1 contents");
    let heard = hear(&mut session, is_resumed);
    let in_time = |event: &ClientEvent| {
        let ClientEvent::GoAway { time_left } = event else { return false };
        (Duration::from_secs(19)..Duration::from_secs(20)).contains(time_left)
    };
    assert!(has(&heard, in_time), "{heard:?}");
    assert!(
        has(&heard, |event| matches!(event, ClientEvent::Reconnecting { why: Reconnect::GoAway, .. })),
        "{heard:?}"
    );
    assert!(matches!(heard.last(), Some(ClientEvent::Resumed { restored: true, .. })), "{heard:?}");
    session.say(ClientMessage::text_turn("count"));
    assert_eq!(text(&hear(&mut session, |event| matches!(event, ClientEvent::TurnComplete { .. }))), "3 contents");
}

/// Code and text are the service's; a session that has other means goes on by them.
pub fn a_handle_that_names_nothing_is_refused<W: Wire>() {
    let wire = start::<W>(|_| {});
    let cause = Client::dial(&wire, resumable(Some("unheard-of"))).hear_end();
    let told = CloseReason::Violation(Violation::new(Rule::SessionUnknown, "")).told();
    assert_eq!((cause.code, cause.reason.as_str()), (Some(told.code), told.text.as_str()));
    assert_eq!((cause.cause, cause.phase), (Cause::SessionNotFound, Phase::Setup));
}

/// The session begins anew, and is told what was said before.
pub fn an_expired_handle_is_refused_and_the_session_begins_anew<W: Wire>() {
    let wire = start::<W>(|lifetimes| lifetimes.handle_validity = Duration::ZERO);
    let mut session = open(&wire);
    assert_eq!(count(&mut session), "1 contents");
    session.cut();
    let heard = hear(&mut session, is_resumed);
    let is_unknown = |event: &ClientEvent| {
        let ClientEvent::Reconnecting { why: Reconnect::Ended(cause), .. } = event else { return false };
        cause.cause == Cause::SessionNotFound
    };
    assert!(has(&heard, is_unknown), "{heard:?}");
    assert!(matches!(heard.last(), Some(ClientEvent::Resumed { restored: false, .. })), "{heard:?}");
    assert_eq!(count(&mut session), "3 contents");
}

/// Who resumes a session takes it over; the connection that held it is closed and told why.
pub fn a_taken_session_closes_its_holder<W: Wire>() {
    let wire = start::<W>(|_| {});
    let mut holder = Client::dial(&wire, resumable(None));
    let heard = holder.hear(is_handle);
    let Some(ClientEvent::ResumptionUpdate(update)) = heard.last() else { unreachable!("it ends so") };
    let mut taker = Client::dial(&wire, resumable(Some(&update.new_handle)));
    taker.hear(|event| matches!(event, ClientEvent::Ready { .. }));
    let cause = holder.hear_end();
    let told = CloseReason::TakenOver.told();
    assert_eq!((cause.code, cause.reason.as_str()), (Some(told.code), told.text.as_str()));
    taker.say(ClientMessage::text_turn("mine"));
    assert_eq!(text(&taker.hear_turn()), "you said mine");
}

/// 1011 with the service's text, which a client takes for what it is and waits long.
pub fn a_spent_quota_is_told<W: Wire>() {
    let wire = W::start(ServerConfig { refusal: Some(Refusal::Quota), ..ServerConfig::new(Backend::Gemini) });
    let cause = Client::dial(&wire, resumable(None)).hear_end();
    assert_eq!((cause.code, &cause.cause, cause.phase), (Some(1011), &Cause::Quota, Phase::Setup));
    assert_eq!(cause.reason, CloseReason::Refused(Refusal::Quota).told().text.as_str());
}
