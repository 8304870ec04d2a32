//! Sessions with our own server, whose connections are taken from them a hundred times, in every way and at every moment
//! that matters: what the server has heard in the end is what was said, to the byte.
//!
//! All is in one process: servers live by a clock that stands still until it is moved, and the runtime's clock jumps
//! over every wait. What the engines decide is tested in `live-engine`.

mod fate;
mod ledger;
mod link;
mod speaker;
#[cfg(feature = "typed-tools")]
mod tools;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use live_client::{
    Cause, Client, Event, GaveUp, Modality, ReconnectPolicy, Retracted, Session, SessionResumptionConfig, Setup,
};
use live_engine::{Family, ModelProfile, Profiles};
use live_proto::ClientMessage;
use live_server::Secret;
use serde_json::json;

use crate::fate::{FATES, Fate, MOMENTS, Moment};
use crate::ledger::Said;
use crate::speaker::{Heard, Resumed, Speaker};
use crate::world::{End, World};

const MODEL: &str = "gemini-live-2.5-flash";

/// Connections may follow each other as fast as the machine can; the engine's own tests are about waits.
fn quick() -> ReconnectPolicy {
    ReconnectPolicy { stable_after: Duration::ZERO, ..ReconnectPolicy::default() }
}

fn resumable(setup: Setup, transparent: bool) -> Setup {
    Setup { session_resumption: Some(SessionResumptionConfig { transparent, handle: None }), ..setup }
}

fn spoken() -> Setup {
    Setup::new(MODEL).with_modality(Modality::Audio).with_output_transcription().with_manual_activity()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_rotations_lose_nothing_and_double_nothing_in_transparent_mode() {
    let mut world = World::start().await;
    let policy = ReconnectPolicy { retracted: Retracted::FallBack, ..quick() };
    let client = Client::vertex("p", "us-central1", "sesame").base_url(world.url()).reconnect(policy);
    let mut speaker = Speaker::new(client.connect(resumable(spoken(), true)).await.unwrap());
    let rounds = (0..3).flat_map(|_| FATES).flat_map(|fate| MOMENTS.map(|moment| (fate, moment)));
    for (turn, (fate, moment)) in rounds.enumerate() {
        let dials = speaker.counters().dials;
        let mut is_due = true;
        let mut strike = async |world: &mut World, now| {
            // Once, however often an answer begins anew.
            if moment == now && std::mem::take(&mut is_due) {
                fate.happen(world, turn).await;
            }
        };
        strike(&mut world, Moment::AtRest).await;
        if turn % 4 == 3 {
            speaker.say_words(&format!("turn {turn}"));
            strike(&mut world, Moment::Speaking).await;
        } else {
            speaker.session.send_activity_start().unwrap();
            for piece in 0..6 {
                speaker.say_sound();
                if piece == 1 {
                    // Long enough for the server to keep what it has of this.
                    world.advance("2s").await;
                }
                if piece == 3 {
                    strike(&mut world, Moment::Speaking).await;
                }
                speaker.hear_for(Duration::from_millis(2), &world).await;
            }
            speaker.session.send_activity_end().unwrap();
        }
        strike(&mut world, Moment::Asked).await;
        while !speaker.is_answered() {
            match speaker.hear(&world).await {
                Heard::Beginning => strike(&mut world, Moment::Answering).await,
                Heard::Generated => strike(&mut world, Moment::Playing).await,
                Heard::Complete | Heard::Other => {}
            }
        }
        assert!(!is_due, "{fate:?} {moment:?}");
        speaker.hear_for(Duration::from_secs(1), &world).await;
        let has_moved = speaker.counters().dials > dials;
        // What is cut after so many bytes may have to wait for them.
        assert!(has_moved || matches!(fate, Fate::CutUp | Fate::CutDown), "{fate:?} {moment:?}");
    }

    let Speaker { session, said, answers, resumed, reconnecting, .. } = speaker;
    for prompt in world.ledger.prompts() {
        assert_eq!(prompt[..], said[..prompt.len()], "what a model is told is what was said until then");
    }
    assert_eq!(world.ledger.prompts().last(), Some(&said));
    let counters = session.counters();
    assert!(resumed.len() >= 100 && resumed.iter().all(|resumed| resumed.restored), "{counters:?}");
    assert_eq!((counters.renewed, counters.dropped.messages), (0, 0));
    assert_eq!((counters.dials, world.network.dials()), (1 + reconnecting, 1 + reconnecting), "each dial was told");
    // A handle that is fallen back to may not know of an answer that was heard: it is given again, the same as before.
    let mut once = answers.clone();
    once.dedup();
    assert_eq!(once.len(), 120, "{answers:?}");
    assert!(answers.len() - once.len() <= 3 * FATES.len(), "only what was cut off while it was played");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_times_sent_away_nothing_is_said_or_heard_twice_even_if_the_server_does_not_tell_what_it_consumed() {
    let world = World::start().await;
    let client = Client::gemini("sesame").base_url(world.url()).reconnect(quick());
    let setup = Setup::new(MODEL).with_modality(Modality::Text);
    let mut speaker = Speaker::new(client.connect(resumable(setup, false)).await.unwrap());
    let mut due = Vec::new();
    for turn in 0..100 {
        let time_left = ["300s", "50s", "1.5s"][turn % 3];
        let send_away = async |speaker: &Speaker| {
            assert_eq!(speaker.counters().dials, 1 + turn as u64);
            world.tell("goAway", json!({ "timeLeft": time_left })).await;
        };
        // Before the question, or behind it.
        if turn % 2 == 0 {
            send_away(&speaker).await;
        }
        speaker.say_words(&format!("turn {turn}"));
        if turn % 2 == 1 {
            send_away(&speaker).await;
        }
        due.push(speaker.due());
        speaker.hear_answer(&world).await;
        // It does not wait for the end that was announced.
        speaker.hear_for(Duration::from_secs(1), &world).await;
    }
    assert_eq!(world.ledger.prompts().last(), Some(&speaker.said));
    assert_eq!(speaker.answers, due);
    let counters = speaker.counters();
    assert_eq!((counters.dials, counters.restored, counters.renewed), (101, 100, 0));
    // With 1.5 s left it cannot wait for the answer, and asks again.
    assert!(speaker.resumed.iter().all(|resumed| resumed.restored && !resumed.answer_lost && resumed.replayed <= 1));
}

/// What was answered to the end is not asked again, and a handle that is fallen back to may not know of it.
#[tokio::test(start_paused = true)]
async fn of_words_that_are_cut_off_a_hundred_times_none_is_doubled_and_each_that_is_forgotten_is_told() {
    let mut world = World::start().await;
    let client = Client::gemini("sesame").base_url(world.url()).reconnect(quick());
    let setup = Setup::new(MODEL).with_modality(Modality::Text);
    let mut speaker = Speaker::new(client.connect(resumable(setup, false)).await.unwrap());
    let cuts = [Fate::Dropped, Fate::CutUp, Fate::CutDown, Fate::Shutdown, Fate::Killed];
    let moments = [Moment::AtRest, Moment::Asked, Moment::Answering];
    let rounds = (0..9).flat_map(|_| cuts).flat_map(|fate| moments.map(|moment| (fate, moment)));
    let (mut turns, mut asked_again) = (0, 0);
    for (turn, (fate, moment)) in rounds.enumerate() {
        turns += 1;
        let question = format!("turn {turn}");
        let mut is_due = true;
        let mut strike = async |world: &mut World, now| {
            if moment == now && std::mem::take(&mut is_due) {
                fate.happen(world, turn).await;
            }
        };
        strike(&mut world, Moment::AtRest).await;
        let (mut resumed, answers) = (speaker.resumed.len(), speaker.answers.len());
        speaker.say_words(&question);
        strike(&mut world, Moment::Asked).await;
        while speaker.answers.len() == answers {
            if speaker.hear(&world).await == Heard::Beginning {
                strike(&mut world, Moment::Answering).await;
            }
            if speaker.resumed[resumed..].iter().any(|resumed| resumed.answer_lost) {
                resumed = speaker.resumed.len();
                asked_again += 1;
                speaker.session.send_text(&question).unwrap();
            }
        }
        speaker.hear_for(Duration::from_secs(1), &world).await;
    }
    speaker.say_words("the end");
    let answers = speaker.answers.len();
    while speaker.answers.len() == answers {
        speaker.hear(&world).await;
    }
    let prompts = world.ledger.prompts();
    let told = prompts.last().unwrap();
    let (asked, known): (BTreeSet<String>, Vec<String>) =
        (speaker.said.iter().map(words).collect(), told.iter().map(words).collect());
    let once: BTreeSet<String> = known.iter().cloned().collect();
    let counters = speaker.counters();
    let forgotten = asked.difference(&once).count();
    assert_eq!(counters.dropped.messages, forgotten as u64, "what no server knows was told");
    assert!(known.len() - once.len() <= asked_again, "{asked_again} asked again: {known:?}");
    assert!(counters.dials > 100, "{counters:?} in {turns} turns");
}

/// Servers that do not know the handle any more, by the reason why.
#[tokio::test(start_paused = true)]
async fn a_handle_that_is_refused_is_given_up_and_the_words_are_told_anew() {
    let mut world = World::start().await;
    let client = Client::gemini("sesame").base_url(world.url()).reconnect(quick());
    let setup = Setup::new(MODEL).with_modality(Modality::Text);
    for expires in [false, true] {
        let mut speaker = Speaker::new(client.connect(resumable(setup.clone(), false)).await.unwrap());
        speaker.say_words("remember this");
        speaker.hear_answer(&world).await;
        speaker.hear_for(Duration::from_secs(1), &world).await;
        if expires {
            // Both the connection's time and the handle's are up.
            world.advance("3h").await;
        } else {
            world.end(End::Killed).await;
            world.forget();
            world.open(|server| server).await;
        }
        speaker.say_words("and this");
        speaker.hear_answer(&world).await;
        assert_eq!(world.ledger.prompts().last(), Some(&speaker.said), "told once, by whichever way");
        assert_eq!(speaker.resumed, [Resumed { restored: false, replayed: 1, answer_lost: false }]);
        let counters = speaker.counters();
        assert_eq!((counters.dials, counters.restored, counters.renewed), (3, 0, 1), "by the handle, and then without");
        speaker.session.close().await;
    }
}

/// A server that came back different: what it refuses for good is asked once.
#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_not_asked_twice() {
    for (what, cause) in [("key", Cause::Unauthorized), ("model", Cause::ModelNotFound)] {
        let mut world = World::start().await;
        let house = ModelProfile::of(Family::HalfCascade25).clone();
        world.end(End::Killed).await;
        world.open(|server| server.profiles(Profiles::default().with("house-model", house))).await;
        let client = Client::gemini("sesame").base_url(world.url()).reconnect(quick());
        let setup = Setup::new("house-model").with_modality(Modality::Text);
        let mut speaker = Speaker::new(client.connect(resumable(setup, false)).await.unwrap());
        speaker.say_words("hello");
        speaker.hear_answer(&world).await;
        world.end(End::Killed).await;
        world.open(|server| if what == "key" { server.api_keys([Secret::new("another")]) } else { server }).await;
        let mut session = speaker.session;
        let lost = lost(&mut session).await;
        assert_eq!((lost.cause.cause, lost.gave_up), (cause, GaveUp::Hopeless), "{what}");
        assert_eq!((session.counters().dials, world.network.dials()), (2, 2), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_a_rule_is_not_sent_again() {
    let world = World::start().await;
    for transparent in [false, true] {
        let policy = ReconnectPolicy { stable_after: Duration::MAX, ..quick() };
        let client = Client::vertex("p", "us-central1", "sesame").base_url(world.url()).reconnect(policy);
        let setup = Setup::new(MODEL).with_modality(Modality::Text);
        let mut speaker = Speaker::new(client.connect(resumable(setup, transparent)).await.unwrap());
        speaker.say_words("before");
        speaker.hear_answer(&world).await;
        speaker.hear_for(Duration::from_secs(1), &world).await;
        let before = world.network.dials();
        // There is automatic detection.
        let wrong = ClientMessage::activity_start();
        speaker.session.send(wrong.clone()).unwrap();
        speaker.hear_for(Duration::from_secs(1), &world).await;
        assert_eq!(world.network.dials(), before + 1, "it goes on by the handle, once");
        assert!(matches!(speaker.resumed[..], [Resumed { restored: true, replayed: 0, .. }]), "{:?}", speaker.resumed);
        speaker.say_words("after");
        speaker.hear_answer(&world).await;
        assert_eq!(world.ledger.prompts().last(), Some(&speaker.said));
        // Who does it again is told.
        speaker.session.send(wrong).unwrap();
        let lost = lost(&mut speaker.session).await;
        assert_eq!((lost.cause.cause, lost.gave_up), (Cause::InvalidArgument, GaveUp::Hopeless));
        assert_eq!(world.network.dials(), before + 1);
    }
}

/// The server knows nothing of an activity whose beginning was lost, and takes its end for a fault.
#[tokio::test(start_paused = true)]
async fn an_activity_goes_on_over_another_connection_whatever_the_server_knows_of_it() {
    for (forgets, speaks_on) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut world = World::start().await;
        let client = Client::gemini("sesame").base_url(world.url()).reconnect(quick());
        let mut speaker = Speaker::new(client.connect(resumable(spoken(), false)).await.unwrap());
        speaker.hear_for(Duration::from_secs(1), &world).await;
        speaker.session.send_activity_start().unwrap();
        speaker.say_sound();
        speaker.hear_for(Duration::from_secs(1), &world).await;
        world.end(End::Killed).await;
        if forgets {
            world.forget();
        }
        world.open(|server| server).await;
        let lost = std::mem::take(&mut speaker.said);
        speaker.hear_for(Duration::from_secs(5), &world).await;
        assert_eq!(speaker.resumed.len(), 1, "{forgets} {speaks_on}");
        if speaks_on {
            speaker.say_sound();
        }
        speaker.session.send_activity_end().unwrap();
        if speaks_on {
            speaker.hear_answer(&world).await;
        } else {
            speaker.hear_for(Duration::from_secs(1), &world).await;
            assert_eq!(world.ledger.prompts(), Vec::<Vec<Said>>::new(), "there is nothing to answer");
        }
        assert_eq!(speaker.counters().dials, if forgets { 3 } else { 2 }, "no rule was broken");
        assert!(speaker.counters().dropped.messages >= u64::from(!speaks_on), "{:?}", speaker.counters());
        assert!(!lost.is_empty());
        // The next one is as ever.
        speaker.session.send_activity_start().unwrap();
        speaker.say_sound();
        speaker.session.send_activity_end().unwrap();
        speaker.hear_answer(&world).await;
        assert_eq!(world.ledger.prompts().last(), Some(&speaker.said));
    }
}

async fn lost(session: &mut Session) -> Box<live_client::Loss> {
    loop {
        if let Event::Lost(loss) = session.next().await.expect("it is lost first") {
            assert_eq!(session.next().await, None);
            return loss;
        }
    }
}

fn words(said: &Said) -> String {
    let Said::Words(words) = said else { panic!("{said:?}") };
    words.clone()
}
