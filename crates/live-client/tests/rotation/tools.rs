//! Functions that are under way when the connection is taken from the session that runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use live_client::{
    Call, Client, Event, LateAnswers, Modality, ReconnectPolicy, Scheduling, Session, Setup, ToolStep, Tools,
};
use live_engine::{EndReason, ModelOutput, Prompt};
use live_model::Model;
use live_proto::{FunctionCall, PartData, Value};
use tokio::sync::Notify;

use crate::fate::{FATES, Fate};
use crate::world::World;
use crate::{MODEL, quick, resumable};

/// Calls `work` for every job, and says what it hears of its results, in whichever way.
struct Foreman;

impl Model for Foreman {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let (mut calls, mut said) = (Vec::new(), String::new());
        for part in prompt.unanswered().iter().flat_map(|content| &content.parts) {
            match &part.data {
                Some(PartData::Text(text)) if text == "job" => {
                    calls.push(FunctionCall { name: "work".into(), ..FunctionCall::default() });
                }
                Some(PartData::Text(text)) if text.contains("done") => said += "it is done. ",
                Some(PartData::FunctionResponse(response)) => {
                    let output = response.response.as_ref().and_then(|response| response.get("output"));
                    let is_done = output.and_then(Value::as_str) == Some("done");
                    said += if is_done { "it is done. " } else { "it is late. " };
                }
                _ => {}
            }
        }
        let words = (!said.is_empty()).then_some(ModelOutput::Text(said));
        let calls = (!calls.is_empty()).then_some(ModelOutput::ToolCalls(calls));
        let end = ModelOutput::End(EndReason::Complete);
        stream::iter(words.into_iter().chain(calls).chain([end])).boxed()
    }
}

/// When a function has its result.
#[derive(Clone, Copy, Debug)]
enum Result {
    /// As soon as its connection is gone.
    Meanwhile,
    /// When there is another.
    Afterwards,
}

#[tokio::test(start_paused = true)]
async fn a_function_runs_once_whatever_becomes_of_its_connection_and_the_model_hears_of_it() {
    let mut rotations = 0;
    // A server forgets the calls that held up a turn with its connection, and knows the others by their ids.
    for (late_answers, blocking) in
        [(LateAnswers::AsText, true), (LateAnswers::AsText, false), (LateAnswers::AsCall, false)]
    {
        {
            let mut world = World::of(|server| server.model(Foreman)).await;
            let policy = ReconnectPolicy { late_answers, ..quick() };
            let (opens, starts) = (Arc::new(Notify::new()), Arc::new(Mutex::new(BTreeMap::<String, u32>::new())));
            let (gate, begun) = (opens.clone(), starts.clone());
            let work = move |(): (), call: Call| {
                let gate = gate.clone();
                *begun.lock().unwrap().entry(call.id).or_default() += 1;
                async move {
                    gate.notified().await;
                    Ok::<_, String>("done")
                }
            };
            let tools = Tools::new().function("work", "Works.", work);
            let tools = if blocking { tools } else { tools.non_blocking(Scheduling::WhenIdle) };
            let client = Client::gemini("sesame").base_url(world.url()).reconnect(policy);
            let setup = resumable(Setup::new(MODEL).with_modality(Modality::Text), false);
            let mut session = client.connect_with(setup, tools.time_limit(None)).await.unwrap();
            for (nth, (fate, result)) in FATES
                .into_iter()
                .flat_map(|fate| [Result::Meanwhile, Result::Afterwards].map(|result| (fate, result)))
                .enumerate()
            {
                let dials = session.counters().dials;
                session.send_text("job").unwrap();
                let is_called = |event: &Event| matches!(event, Event::ToolRun { step: ToolStep::Called { .. }, .. });
                hear(&mut session, is_called).await;
                fate.happen(&mut world, nth).await;
                // What is cut after so many bytes waits for them, and who has time takes it.
                let is_sudden = !matches!(fate, Fate::CutUp | Fate::CutDown | Fate::SentAway | Fate::Aged);
                if matches!(result, Result::Afterwards) && is_sudden {
                    hear(&mut session, |event| matches!(event, Event::Resumed { .. })).await;
                }
                opens.notify_waiters();
                opens.notify_one();
                let mut said = String::new();
                while !said.contains("it is done.") {
                    // Words that are asked again make the model call again.
                    opens.notify_waiters();
                    match next(&mut session).await {
                        Some(Event::Text { text, .. }) => said += &text,
                        Some(Event::ToolRun { step: ToolStep::Called { .. }, .. }) => opens.notify_one(),
                        Some(Event::Resumed { answer_lost: true, .. }) => session.send_text("job").unwrap(),
                        Some(Event::Closed(cause)) => panic!("{fate:?} {result:?}: {cause}"),
                        Some(Event::Lost(loss)) => panic!("{fate:?} {result:?}: {loss:?}"),
                        Some(_) => {}
                        None => panic!("{fate:?} {result:?}: silence"),
                    }
                }
                // Whatever else was asked for is told, and the session comes to rest.
                while next(&mut session).await.is_some() {
                    opens.notify_one();
                }
                while tokio::time::timeout(Duration::ZERO, opens.notified()).await.is_ok() {}
                rotations += session.counters().dials - dials;
            }
            let twice: BTreeSet<String> =
                starts.lock().unwrap().iter().filter(|(_, times)| **times > 1).map(|(id, _)| id.clone()).collect();
            assert_eq!(twice, BTreeSet::new(), "{late_answers:?} {blocking}");
            session.close().await;
        }
    }
    assert!(rotations >= 40, "{rotations}");
}

async fn hear(session: &mut Session, is_it: impl Fn(&Event) -> bool) {
    loop {
        let event = next(session).await.expect("it comes");
        assert!(!matches!(event, Event::Closed(_) | Event::Lost(_)), "{event:?}");
        if is_it(&event) {
            return;
        }
    }
}

/// The next event, if there is any for a while by the runtime's clock, which jumps.
async fn next(session: &mut Session) -> Option<Event> {
    tokio::time::timeout(Duration::from_secs(3), session.next()).await.ok().flatten()
}
