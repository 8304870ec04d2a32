//! Functions that a session runs by itself, against our own server with its embedded model, over loopback.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use live_client::schemars::JsonSchema;
use live_client::{
    Call, Client, ConfigError, ConnectError, Event, FunctionDeclaration, Modality, Scheduling, Session, Setup, Tool,
    ToolError, ToolStep, Tools, TurnEnd, UpdateToolsError,
};
use live_engine::TurnCompletePacing;
use live_server::{Secret, Server};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

/// A turn that calls is complete at once with the one, and when it is answered with the other.
const MODELS: [&str; 2] = ["gemini-live-2.5-flash-preview", "gemini-3.8-live"];

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "live_client::schemars")]
struct City {
    /// The city.
    city: String,
    /// How many days ahead.
    days: Option<u8>,
}

#[derive(Debug, Serialize)]
struct Weather {
    sky: String,
    days: u8,
}

async fn weather(args: City, call: Call) -> Result<Weather, String> {
    assert_eq!(call.name, "get_weather");
    match args.city.as_str() {
        "Oslo" => Ok(Weather { sky: "blue".into(), days: args.days.unwrap_or_default() }),
        "Rome" => panic!("not Rome"),
        city => Err(format!("nobody measures in {city}")),
    }
}

/// Runs `play` with a client of a server that knows one key, and makes sure that the server saw no fault of its own.
async fn with_server(play: impl AsyncFnOnce(Client)) {
    let server = Server::builder()
        .listen("127.0.0.1:0".parse().expect("an address"))
        .api_keys([Secret::new("sesame")])
        .pacing(TurnCompletePacing::Immediate)
        .bind()
        .await
        .expect("a free port");
    let url = format!("http://{}", server.endpoints()[0].address);
    let (stop, stopped) = oneshot::channel::<()>();
    let play = async {
        play(Client::gemini("sesame").base_url(url)).await;
        drop(stop);
    };
    let ((), stats) = tokio::join!(play, server.serve_until(async { _ = stopped.await }));
    assert_eq!((stats.failures, stats.sessions_open), (0, 0), "{stats:?}");
}

fn setup(model: &str) -> Setup {
    Setup::new(model).with_output_transcription()
}

fn text() -> Setup {
    Setup::new(MODELS[0]).with_modality(Modality::Text)
}

async fn asked(session: &mut Session, question: &str) -> String {
    session.send_text(question).expect("the session goes on");
    let turn = session.turn().await;
    assert_eq!(turn.end, TurnEnd::Complete, "{turn:?}");
    assert!(turn.usage.is_some() && turn.tool_calls.is_empty());
    turn.text + &turn.transcript
}

async fn until(session: &mut Session, is_it: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut heard = Vec::new();
    loop {
        let event = tokio::time::timeout(Duration::from_secs(30), session.next()).await;
        let Ok(event) = event else { panic!("nothing more after {heard:?}") };
        let event = event.expect("the session goes on");
        assert!(!matches!(event, Event::Closed(_) | Event::Lost(_)), "{event:?} after {heard:?}");
        let is_end = is_it(&event);
        heard.push(event);
        if is_end {
            return heard;
        }
    }
}

fn is_called(event: &Event) -> bool {
    matches!(event, Event::ToolRun { step: ToolStep::Called { .. }, .. })
}

fn words(heard: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::Text { text, .. } => text.clone(),
        Event::OutputTranscription { transcription, .. } => transcription.text.clone(),
        _ => String::new(),
    };
    heard.iter().map(text).collect()
}

#[tokio::test]
async fn a_program_that_takes_turns_need_not_know_of_its_functions() {
    with_server(async |client| {
        for model in MODELS {
            let tools = Tools::new().function("get_weather", "Tells the weather.", weather);
            let mut session = client.connect_with(setup(model), tools).await.unwrap();
            let answer = asked(&mut session, r#"get_weather {"city": "Oslo", "days": 3}"#).await;
            assert_eq!(answer, "get_weather says: days: 3, sky: blue.", "{model}");
            assert_eq!(asked(&mut session, "And now?").await, "You said: \"And now?\"", "{model}");
            session.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn calls_of_one_message_run_beside_each_other_and_are_answered_in_their_order() {
    with_server(async |client| {
        for model in MODELS {
            let order = Arc::new(Mutex::new(Vec::new()));
            let second_is_done = Arc::new(Notify::new());
            let (noted, waits) = (order.clone(), second_is_done.clone());
            let first = move |(): (), call: Call| {
                let (noted, waits) = (noted.clone(), waits.clone());
                async move {
                    waits.notified().await;
                    noted.lock().unwrap().push(call.name);
                    Ok::<_, String>("one")
                }
            };
            let (noted, tells) = (order.clone(), second_is_done.clone());
            let second = move |(): (), call: Call| {
                noted.lock().unwrap().push(call.name);
                tells.notify_one();
                async { Ok::<_, String>("two") }
            };
            let tools = Tools::new().function("lamp_on", "", first).function("get_time", "", second);
            let mut session = client.connect_with(setup(model), tools).await.unwrap();
            let answer = asked(&mut session, "Please lamp_on and get_time").await;
            assert_eq!(answer, "lamp_on says: one. get_time says: two.", "{model}");
            assert_eq!(*order.lock().unwrap(), ["get_time", "lamp_on"]);
            session.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn whatever_goes_wrong_in_a_function_the_model_is_told() {
    with_server(async |client| {
        let tools = Tools::new().function("get_weather", "", weather);
        let mut session = client.connect_with(text(), tools).await.unwrap();
        for (question, answer) in [
            (r#"get_weather {"city": "Ys"}"#, "get_weather failed: nobody measures in Ys."),
            (r#"get_weather {"city": "Rome"}"#, "get_weather failed: it panicked."),
            (
                r#"get_weather {"city": "Oslo", "days": 300}"#,
                "get_weather failed: args.days: invalid value: integer `300`, expected u8.",
            ),
        ] {
            assert_eq!(asked(&mut session, question).await, answer);
        }
        session.close().await;
    })
    .await;
}

/// With no pause of the server's in between: the runtime's clock jumps when nobody has anything to do.
#[tokio::test(start_paused = true)]
async fn a_function_that_takes_too_long_is_dropped() {
    with_server(async |client| {
        let is_dropped = Arc::new(AtomicUsize::new(0));
        let tools = Tools::new().function("wait", "", hanging(is_dropped.clone())).time_limit(Duration::from_secs(5));
        let mut session = client.connect_with(text(), tools).await.unwrap();
        let began = tokio::time::Instant::now();
        assert_eq!(asked(&mut session, "wait").await, "wait failed: it took too long and was stopped.");
        assert_eq!(began.elapsed().as_secs(), 5);
        assert_eq!(is_dropped.load(Ordering::Relaxed), 1);
        session.close().await;
    })
    .await;
}

/// A function that never answers and counts how often it was dropped.
fn hanging(
    drops: Arc<AtomicUsize>,
) -> impl Fn((), Call) -> futures_util::future::BoxFuture<'static, Result<(), String>> {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    move |(), _| {
        let guard = Guard(drops.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_user_who_goes_on_drops_what_the_model_stood_still_for() {
    with_server(async |client| {
        for model in MODELS {
            let drops = Arc::new(AtomicUsize::new(0));
            let tools = Tools::new().function("wait", "", hanging(drops.clone()));
            let mut session = client.connect_with(setup(model), tools).await.unwrap();
            session.send_text("wait").unwrap();
            until(&mut session, is_called).await;
            session.send_text("Never mind.").unwrap();
            let is_aborted = |event: &Event| matches!(event, Event::ToolRun { step: ToolStep::Aborted, .. });
            until(&mut session, is_aborted).await;
            let heard = until(&mut session, |event| matches!(event, Event::Idle)).await;
            assert!(heard.iter().any(|event| matches!(event, Event::ToolCallCancellation(_))), "{heard:?}");
            assert_eq!(drops.load(Ordering::Relaxed), 1, "{model}");
            session.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn answers_that_nobody_stands_still_for_are_heard_as_they_are_scheduled() {
    with_server(async |client| {
        for scheduling in [Scheduling::Interrupt, Scheduling::WhenIdle, Scheduling::Silent] {
            let gate = Arc::new(Notify::new());
            let opened = gate.clone();
            let search = move |(): (), _: Call| {
                let opened = opened.clone();
                async move {
                    opened.notified().await;
                    Ok::<_, String>("found")
                }
            };
            let tools = Tools::new().function("search", "", search).non_blocking(scheduling.clone());
            let setup = Setup::new(MODELS[0]).with_modality(Modality::Audio).with_output_transcription();
            let mut session = client.connect_with(setup, tools).await.unwrap();
            session.send_text("search").unwrap();
            until(&mut session, is_called).await;
            session.send_text("Count to 500.").unwrap();
            until(&mut session, |event| matches!(event, Event::Audio { .. })).await;
            gate.notify_one();
            let is_interrupted = |event: &Event| matches!(event, Event::Interrupted { .. });
            let is_complete = |event: &Event| matches!(event, Event::TurnComplete { .. });
            match scheduling {
                Scheduling::Interrupt => {
                    until(&mut session, is_interrupted).await;
                    let heard = until(&mut session, is_complete).await;
                    let heard =
                        [heard, until(&mut session, |event| matches!(event, Event::GenerationComplete { .. })).await];
                    assert!(words(&heard.concat()).contains("search says: found."), "{heard:?}");
                }
                Scheduling::WhenIdle => {
                    // It is heard behind the count, which nobody wants to hear to its end.
                    let is_sent = |event: &Event| matches!(event, Event::ToolRun { step: ToolStep::Finished, .. });
                    let heard = until(&mut session, is_sent).await;
                    assert!(!heard.iter().any(is_interrupted), "{heard:?}");
                }
                _ => {
                    let is_sent = |event: &Event| matches!(event, Event::ToolRun { step: ToolStep::Finished, .. });
                    until(&mut session, is_sent).await;
                    session.send_text("Enough.").unwrap();
                    let heard = until(&mut session, is_interrupted).await;
                    assert!(!words(&heard).contains("search says"), "{heard:?}");
                    until(&mut session, is_complete).await;
                }
            }
            session.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_generator_is_heard_piece_by_piece() {
    with_server(async |client| {
        let watch = |(): (), _: Call| stream::iter(["one", "two"]).map(Ok::<_, String>);
        let fail = |(): (), _: Call| stream::iter([Ok("one"), Err("broken"), Ok("three")]);
        let tools = Tools::new().generator("watch", "", watch).generator("fail", "", fail);
        let mut session = client.connect_with(text(), tools).await.unwrap();
        for (question, last, answer) in
            [("watch", "two", ToolStep::Finished), ("fail", "broken", ToolStep::Failed("broken".into()))]
        {
            session.send_text(question).unwrap();
            let is_end = |event: &Event| matches!(event, Event::ToolRun { step, .. } if *step == answer);
            let mut heard = until(&mut session, is_end).await;
            while !words(&heard).contains(last) {
                heard.extend(until(&mut session, |event| matches!(event, Event::TurnComplete { .. })).await);
            }
            assert!(!words(&heard).contains("three"));
            until(&mut session, |event| matches!(event, Event::Idle)).await;
        }
        session.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_function_may_speak_in_the_session_that_runs_it() {
    with_server(async |client| {
        let (sender, handle) = oneshot::channel::<live_client::SessionHandle>();
        let handle = Arc::new(Mutex::new(Some(handle)));
        let remind = move |(): (), _: Call| {
            let handle = handle.lock().unwrap().take().expect("it is called once");
            async move {
                let session = handle.await.expect("the session is there");
                session.send_text("I was reminded.").map_err(|error| error.to_string())
            }
        };
        let tools = Tools::new().function("remind", "", remind).non_blocking(Scheduling::Silent);
        let (session, mut events) = client.connect_with(text(), tools).await.unwrap().spawn();
        assert!(sender.send(session.clone()).is_ok());
        session.send_text("remind").unwrap();
        let mut said = String::new();
        while !said.contains("You said: \"I was reminded.\"") {
            if let Event::Text { text, .. } = events.next().await.expect("the session goes on") {
                said += &text;
            }
        }
        let tools = Tools::new().function("get_time", "", async |(): (), _: Call| Ok::<_, String>("noon"));
        session.update_tools(tools).unwrap();
        session.send_text("get_time").unwrap();
        while !said.contains("get_time says: noon.") {
            if let Event::Text { text, .. } = events.next().await.expect("the session goes on") {
                said += &text;
            }
        }
        session.close();
        while events.next().await.is_some() {}
    })
    .await;
}

#[tokio::test]
async fn functions_are_replaced_beside_the_tools_of_the_host() {
    with_server(async |client| {
        let own = FunctionDeclaration { name: "own".into(), ..FunctionDeclaration::default() };
        let mut setup = text();
        setup.tools = vec![Tool { function_declarations: vec![own], ..Tool::default() }];
        let constant = |word: &'static str| move |(): (), _: Call| async move { Ok::<_, String>(word) };
        let mut session = client.connect_with(setup, Tools::new().function("before", "", constant("1"))).await.unwrap();
        assert_eq!(asked(&mut session, "before and after").await, "before says: 1.");
        session.update_tools(Tools::new().function("after", "", constant("2"))).unwrap();
        assert_eq!(asked(&mut session, "after and before").await, "after says: 2.");
        session.send_text("own").unwrap();
        let turn = session.turn().await;
        assert_eq!((turn.end, turn.tool_calls[0].name.as_str()), (TurnEnd::ToolCalls, "own"));
        let twice = Tools::new().function("f", "", constant("")).function("f", "", constant(""));
        let refused = session.update_tools(twice).unwrap_err();
        assert_eq!(refused, UpdateToolsError::Tool(ToolError::Twice { name: "f".into() }));
        session.close().await;
    })
    .await;
}

#[tokio::test]
async fn dropping_the_wait_for_an_event_drops_no_function() {
    with_server(async |client| {
        let steps = Arc::new(AtomicUsize::new(0));
        let counted = steps.clone();
        let count = move |(): (), _: Call| {
            let counted = counted.clone();
            async move {
                for _ in 0..100 {
                    counted.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
                Ok::<_, String>("done")
            }
        };
        let mut session = client.connect_with(text(), Tools::new().function("work", "", count)).await.unwrap();
        session.send_text("work").unwrap();
        let mut said = String::new();
        while !said.contains("work says: done.") {
            match session.next().now_or_never() {
                Some(Some(Event::Text { text, .. })) => said += &text,
                Some(event) => assert!(event.is_some()),
                None => tokio::task::yield_now().await,
            }
        }
        assert_eq!(steps.load(Ordering::Relaxed), 100, "it ran once, to its end");
        session.close().await;
    })
    .await;
}

#[tokio::test]
async fn functions_that_no_server_takes_are_refused_before_anything_is_dialled() {
    let nowhere = Client::gemini("key").base_url("http://127.0.0.1:1");
    let noop = async |(): (), _: Call| Ok::<_, String>(());
    let wrong = nowhere.connect_with(text(), Tools::new().function("no name", "", noop)).await.unwrap_err();
    assert!(matches!(wrong, ConnectError::Config(ConfigError::Tool(ToolError::Name { .. }))), "{wrong}");
    let listed = async |_: Vec<String>, _: Call| Ok::<_, String>(());
    let wrong = nowhere.connect_with(text(), Tools::new().function("f", "", listed)).await.unwrap_err();
    assert_eq!(wrong.to_string(), "the arguments of f are a list, and have to be a struct with a field for each");
    let generator = Tools::new().generator("g", "", |(): (), _: Call| stream::iter([Ok::<_, String>(1)]));
    let vertex = Client::vertex_express("key").base_url("http://127.0.0.1:1");
    let wrong = vertex.connect_with(text(), generator).await.unwrap_err();
    assert_eq!(wrong.to_string(), "g is a generator, and Vertex AI has no willContinue; register it as a function");
}
