//! The client against our own server with its embedded model, over loopback.

use live_client::{
    Cause, Client, ConnectError, ContextUpdate, Event, FunctionDeclaration, FunctionResponse, Modality, Pcm, PcmFormat,
    Setup, Struct, Tool, TurnEnd, Value,
};
use live_engine::TurnCompletePacing;
use live_server::{Secret, Server};

const MODEL: &str = "gemini-live-2.5-flash-preview";

/// Runs `play` with a client of a server that knows one key, and makes sure that the server saw no fault of its own.
async fn with_server(play: impl AsyncFnOnce(Client)) {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = Server::builder()
        .listen(listen)
        .api_keys([Secret::new("sesame")])
        .pacing(TurnCompletePacing::Immediate)
        .bind()
        .await
        .expect("a free port");
    let url = format!("http://{}", server.endpoints()[0].address);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let play = async {
        play(Client::gemini("sesame").base_url(url)).await;
        drop(stop);
    };
    let ((), stats) = tokio::join!(play, server.serve_until(async { _ = stopped.await }));
    assert_eq!((stats.failures, stats.sessions_open), (0, 0), "{stats:?}");
}

fn text() -> Setup {
    Setup::new(MODEL).with_modality(Modality::Text)
}

#[tokio::test]
async fn turns_have_words_tokens_and_a_memory() {
    with_server(async |client| {
        let mut session = client.connect(text()).await.unwrap();
        session.send_text("My name is Ann.").unwrap();
        let turn = session.turn().await;
        assert_eq!((turn.text.as_str(), &turn.end), ("You said: \"My name is Ann.\"", &TurnEnd::Complete));
        assert!(turn.usage.unwrap().prompt_token_count > 0);

        session.send_realtime_text("What did I ask?").unwrap();
        assert_eq!(session.turn().await.text, "You asked: \"My name is Ann.\".");
        assert_eq!(session.close().await.cause, Cause::Local);
    })
    .await;
}

#[tokio::test]
async fn thoughts_are_told_apart_from_the_answer() {
    with_server(async |client| {
        for setup in [text(), Setup::new(MODEL).with_modality(Modality::Audio).with_output_transcription()] {
            for include in [true, false] {
                let mut setup = setup.clone();
                let thinking = &mut setup.generation_config.get_or_insert_default().thinking_config;
                thinking.get_or_insert_default().include_thoughts = Some(include);
                thinking.get_or_insert_default().thinking_budget = Some(12);
                let mut session = client.connect(setup).await.unwrap();
                session.send_text("newts").unwrap();
                let turn = session.turn().await;
                let thought = if include { "No rule of mine fits the prompt, so I quote it." } else { "" };
                assert_eq!(turn.thoughts, thought);
                assert_eq!(format!("{}{}", turn.text, turn.transcript).trim(), "You said: \"newts\"");
                assert_eq!(turn.usage.unwrap().thoughts_token_count, 12);
                session.close().await;
            }
        }
    })
    .await;
}

/// 2.x models complete the turn that calls, 3.x models hold it until the calls are answered; a host need not know.
#[tokio::test]
async fn calls_are_answered_and_told_whatever_the_model_does_after_a_call() {
    with_server(async |client| {
        for model in [MODEL, "gemini-3.8-live"] {
            let mut setup = Setup::new(model).with_output_transcription();
            let declare = |name: &str| FunctionDeclaration { name: name.into(), ..FunctionDeclaration::default() };
            let functions = vec![declare("lamp_on"), declare("get_time")];
            setup.tools = vec![Tool { function_declarations: functions, ..Tool::default() }];
            let mut session = client.connect(setup).await.unwrap();
            session.send_text("Please lamp_on and get_time").unwrap();
            let turn = session.turn().await;
            let names: Vec<&str> = turn.tool_calls.iter().map(|call| call.name.as_str()).collect();
            assert_eq!((names, turn.end), (vec!["lamp_on", "get_time"], TurnEnd::ToolCalls));

            let noon = Struct([("output".to_owned(), Value::String("noon".into()))].into());
            let answer = |call: &live_client::FunctionCall| FunctionResponse::new(&call.id, &call.name, noon.clone());
            session.send_tool_response(turn.tool_calls.iter().map(answer).collect()).unwrap();
            let turn = session.turn().await;
            assert_eq!(turn.end, TurnEnd::Complete);
            assert_eq!(turn.text + &turn.transcript, "lamp_on says: noon. get_time says: noon.");
            assert!(turn.usage.is_some());
            session.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_instruction_can_be_replaced() {
    with_server(async |client| {
        let mut session = client.connect(text().with_system_instruction("Be brief.")).await.unwrap();
        session.send_text("What are your instructions?").unwrap();
        assert!(session.turn().await.text.contains("Be brief."));
        let instruction = live_client::Content::user("Be verbose.");
        session.update_context(ContextUpdate { system_instruction: Some(instruction.into()), tools: None }).unwrap();
        session.send_text("What are your instructions?").unwrap();
        let turn = session.turn().await;
        assert!(turn.text.contains("Be verbose."), "{turn:?}");
        session.close().await;
    })
    .await;
}

#[tokio::test]
async fn speech_is_answered_in_speech_and_can_be_cut_short() {
    with_server(async |client| {
        let setup = Setup::new(MODEL).with_modality(Modality::Audio).with_output_transcription().with_manual_activity();
        let mut session = client.connect(setup).await.unwrap();
        session.send_activity_start().unwrap();
        session.send_audio(Pcm::from_samples(PcmFormat::INPUT, &[100; 16_000])).unwrap();
        session.send_activity_end().unwrap();
        let turn = session.turn().await;
        assert_eq!(turn.transcript, "I received 1.0 s of speech.");
        assert!(turn.pcm().len() > 48_000);

        session.send_text("Count to 2000.").unwrap();
        let mut sound = None;
        while sound.is_none() {
            if let Event::Audio { generation, blob } = session.next().await.unwrap() {
                assert_eq!(blob.mime_type, "audio/pcm;rate=24000");
                sound = Some(generation);
            }
        }

        session.send_text("Enough.").unwrap();
        let turn = session.turn().await;
        assert!(turn.interrupted, "{:?}", turn.end);
        let next = loop {
            let event = session.next().await.unwrap();
            if let Event::Audio { generation, .. } = event {
                break generation;
            }
        };
        assert!(Some(next) > sound, "sound of {next} after it was cut short");
        session.close().await;
    })
    .await;
}

#[tokio::test]
async fn refusals_come_with_code_and_reason() {
    with_server(async |client| {
        let url = client.url().unwrap();
        let stranger = Client::gemini("guess").base_url(format!("ws://{}", url.authority().unwrap()));
        let refused = async |client: &Client, setup| match client.connect(setup).await {
            Err(ConnectError::Closed { cause }) => *cause,
            other => panic!("{other:?}"),
        };
        let cause = refused(&stranger, text()).await;
        assert_eq!((cause.code, cause.cause), (Some(1007), Cause::Unauthorized));
        let cause = refused(&client, Setup::new("unheard-of")).await;
        assert_eq!((cause.code, cause.cause), (Some(1008), Cause::ModelNotFound));
        let cause = refused(&client, Setup::new(MODEL).with_voice("Nobody")).await;
        assert_eq!((cause.code, cause.cause), (Some(1007), Cause::InvalidArgument));
    })
    .await;
}

#[tokio::test]
async fn vertex_and_gateway_paths_are_served_too() {
    with_server(async |client| {
        let base = format!("ws://{}", client.url().unwrap().authority().unwrap());
        let vertex = Client::vertex("p", "us-central1", "sesame").base_url(&base);
        let mut session = vertex.connect(text()).await.unwrap();
        assert!(!session.id().is_empty(), "Vertex names its sessions");
        session.send_text("hi").unwrap();
        let usage = session.turn().await.usage.unwrap();
        assert!(usage.candidates_token_count > 0, "in Vertex's spelling");
        session.close().await;

        let gateway = Client::gateway(format!("{base}/any/path?tenant=7")).header("x-goog-api-key", "sesame");
        let model = format!("publishers/google/models/{MODEL}");
        let session = gateway.connect(Setup { model, ..text() }).await.unwrap();
        session.close().await;
    })
    .await;
}
