//! Settings that have no effect are named, and those that are wrong are refused with the way out.

use super::*;
use crate::built_in::BuiltIn;

/// What a session says to this setup.
fn told(setup: Setup) -> String {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    world.engine.handle_message(ClientMessage::setup(setup), world.now);
    world.drain();
    trimmed(&world.log)
}

fn trimmed(log: &str) -> String {
    log.lines().map(|line| format!("{}\n", line.trim())).collect()
}

fn generating(set: impl FnOnce(&mut GenerationConfig)) -> Setup {
    let mut setup = Setup::new("models/gemini-2.0-flash-live-001");
    set(setup.generation_config.get_or_insert_default());
    setup
}

fn every_tool() -> Tool {
    Tool {
        google_search: Some(Box::default()),
        code_execution: Some(CodeExecution::default()),
        url_context: Some(UrlContext::default()),
        google_maps: Some(Box::default()),
        computer_use: Some(Box::default()),
        file_search: Some(Box::default()),
        mcp_servers: vec![McpServer::default()],
        ..Tool::default()
    }
}

#[test]
fn everything_without_effect_is_named() {
    let mut setup = generating(|it| {
        it.media_resolution = MediaResolution::from_name("MEDIA_RESOLUTION_LOW");
        it.image_config = Some(ImageConfig::default());
        it.response_format = vec![ResponseFormat::default()];
        it.audio_transcription_config = Some(Box::default());
        it.enable_enhanced_civic_answers = Some(true);
        // These are the model's.
        it.temperature = Some(0.5);
        it.seed = Some(1);
    });
    setup.output_audio_transcription = Some(Box::new(AudioTranscriptionConfig {
        language_codes: vec!["en-US".into()],
        word_timestamp: true,
        ..AudioTranscriptionConfig::default()
    }));
    setup.history_config = Some(HistoryConfig { initial_history_in_client_content: true });
    setup.realtime_input_config.get_or_insert_default().interim_transcript_timestamp_enabled = true;
    expect![[r#"
        < setupComplete
        ! SetupAccepted Live20 Audio Puck
        ! Warning NoEffect { path: "setup.historyConfig.initialHistoryInClientContent" }
        ! Warning NoEffect { path: "setup.realtimeInputConfig.interimTranscriptTimestampEnabled" }
        ! Warning NoEffect { path: "setup.generationConfig.enableEnhancedCivicAnswers" }
        ! Warning NoEffect { path: "setup.generationConfig.mediaResolution" }
        ! Warning NoEffect { path: "setup.generationConfig.imageConfig" }
        ! Warning NoEffect { path: "setup.generationConfig.responseFormat" }
        ! Warning NoEffect { path: "setup.generationConfig.audioTranscriptionConfig" }
        ! Warning NoEffect { path: "setup.outputAudioTranscription.languageCodes" }
        ! Warning NoEffect { path: "setup.outputAudioTranscription.wordTimestamp" }
    "#]]
    .assert_eq(&told(setup));
}

#[test]
fn a_setup_without_wishes_is_not_complained_of() {
    let mut setup = Setup::new("models/gemini-3.8-live").with_output_transcription().with_manual_activity();
    setup.history_config = Some(HistoryConfig { initial_history_in_client_content: true });
    setup.tools = vec![Tool {
        function_declarations: vec![FunctionDeclaration { name: "f".into(), ..Default::default() }],
        ..Tool::default()
    }];
    assert!(!told(setup).contains("Warning"));
}

#[test]
fn what_no_search_of_ours_follows_is_named_unless_the_service_searches() {
    let log = |host: BuiltInTools| {
        let mut world = World::new(ServerConfig { built_in_tools: host, ..ServerConfig::new(Backend::Gemini) });
        let mut setup = Setup::new("models/gemini-3.8-live");
        let search = GoogleSearch {
            time_range_filter: Some(Interval::default()),
            search_types: Some(SearchTypes::default()),
            exclude_domains: vec!["example.com".into()],
            ..GoogleSearch::default()
        };
        setup.tools = vec![Tool { google_search: Some(Box::new(search)), ..Tool::default() }];
        world.engine.handle_message(ClientMessage::setup(setup.clone()), world.now);
        let update =
            ContextUpdate { tools: Some(ContextUpdateTools { tools: setup.tools }), ..ContextUpdate::default() };
        world.engine.handle_message(ClientMessage::ContextUpdate(update.into()), world.now);
        world.drain();
        trimmed(&world.log)
    };
    expect![[r#"
        < setupComplete
        ! SetupAccepted Live38 Audio Puck
        ! Warning NoEffect { path: "setup.tools[0].googleSearch.timeRangeFilter" }
        ! Warning NoEffect { path: "setup.tools[0].googleSearch.searchTypes" }
        ! Warning NoEffect { path: "contextUpdate.tools.tools[0].googleSearch.timeRangeFilter" }
        ! Warning NoEffect { path: "contextUpdate.tools.tools[0].googleSearch.searchTypes" }
    "#]]
    .assert_eq(&log(BuiltInTools { google_search: true, ..BuiltInTools::NONE }));
    assert!(!log(BuiltInTools::ALL).contains("NoEffect"));
}

#[test]
fn a_session_does_not_bring_a_tool_along_that_the_next_server_cannot_run() {
    let with =
        |host: BuiltInTools| World::new(ServerConfig { built_in_tools: host, ..ServerConfig::new(Backend::Gemini) });
    let mut setup = Setup::new("models/gemini-3.8-live");
    setup.session_resumption = Some(SessionResumptionConfig::default());
    setup.tools = vec![Tool { google_search: Some(Box::default()), ..Tool::default() }];
    let mut before = with(BuiltInTools { google_search: true, ..BuiltInTools::NONE });
    before.engine.handle_message(ClientMessage::setup(setup.clone()), before.now);
    before.drain();
    let (handle, snapshot) = before.saved.pop().expect("a session is kept from the start");

    let resumed = |host: BuiltInTools, tools: Vec<Tool>| {
        let mut world = with(host);
        let mut setup = Setup { tools, ..setup.clone() };
        setup.session_resumption =
            Some(SessionResumptionConfig { handle: Some(handle.as_str().into()), ..Default::default() });
        world.engine.handle_message(ClientMessage::setup(setup), world.now);
        world.drain();
        world.command(ServerCommand::Resumed(Box::new(Snapshot::clone(&snapshot))));
        world.drain();
        trimmed(&world.log)
    };
    let refused = resumed(BuiltInTools::NONE, Vec::new());
    assert!(
        refused.contains("! Violation setup.tools[0].googleSearch: this server has nothing to run the tool with"),
        "{refused}"
    );
    assert!(refused.contains("< close 1008") && !refused.contains("setupComplete"), "{refused}");
    let functions = vec![Tool {
        function_declarations: vec![FunctionDeclaration { name: "f".into(), ..Default::default() }],
        ..Tool::default()
    }];
    assert!(resumed(BuiltInTools::NONE, functions).contains("setupComplete"), "its own tools go before");
    assert!(resumed(BuiltInTools::ALL, Vec::new()).contains("setupComplete"));
}

#[test]
fn built_in_tools_are_run_or_refused() {
    let check = |model: &str, host: BuiltInTools, tool: Tool, expect: expect_test::Expect| {
        let mut world = World::new(ServerConfig { built_in_tools: host, ..ServerConfig::new(Backend::Gemini) });
        let mut setup = Setup::new(model);
        setup.tools = vec![Tool::default(), tool];
        world.engine.handle_message(ClientMessage::setup(setup), world.now);
        world.drain();
        expect.assert_eq(&trimmed(&world.log));
    };
    let search = || Tool { google_search: Some(Box::default()), ..Tool::default() };
    let code = || Tool { code_execution: Some(CodeExecution::default()), ..Tool::default() };
    check(
        "models/gemini-2.0-flash-live-001",
        BuiltInTools { code_execution: true, ..BuiltInTools::NONE },
        search(),
        expect![[r#"
            ! Violation setup.tools[1].googleSearch: this server has nothing to run the tool with; leave it out, or let the server have an engine for it (docs/tools.md)
            < close 1008 Operation is not implemented, or supported, or enabled.
            ! Closed: setup.tools[1].googleSearch: this server has nothing to run the tool with; leave it out, or let the server have an engine for it (docs/tools.md)
        "#]],
    );
    check(
        "models/gemini-3.8-live",
        BuiltInTools::ALL,
        code(),
        expect![[r#"
            ! Violation setup.tools[1].codeExecution: the model does not have this built-in tool; leave it out, or name a model that has it
            < close 1008 Operation is not implemented, or supported, or enabled.
            ! Closed: setup.tools[1].codeExecution: the model does not have this built-in tool; leave it out, or name a model that has it
        "#]],
    );
    let accepted = |host, tool| {
        check(
            "models/gemini-2.0-flash-live-001",
            host,
            tool,
            expect![[r#"
                < setupComplete
                ! SetupAccepted Live20 Text
            "#]],
        );
    };
    accepted(BuiltInTools { google_search: true, ..BuiltInTools::NONE }, search());
    accepted(BuiltInTools::ALL, every_tool());
}

#[test]
fn each_kind_of_built_in_tool_is_told_apart() {
    let kinds: Vec<&str> = BuiltIn::of(&every_tool()).map(BuiltIn::name).collect();
    assert_eq!(
        kinds,
        ["codeExecution", "googleSearch", "urlContext", "computerUse", "fileSearch", "googleMaps", "mcpServers"]
    );
    for kind in BuiltIn::of(&every_tool()) {
        let others = kind.name() != "codeExecution" && kind.name() != "googleSearch" && kind.name() != "urlContext";
        assert_eq!(BuiltInTools { others: true, ..BuiltInTools::NONE }.has(&kind), others, "{kind:?}");
        assert!(BuiltInTools::ALL.has(&kind) && !BuiltInTools::NONE.has(&kind), "{kind:?}");
    }
}

#[test]
fn tools_of_an_update_are_refused_too() {
    let mut world = World::new(ServerConfig::new(Backend::Gemini));
    world.step("C setup models/gemini-2.0-flash-live-001");
    let update = ContextUpdate {
        system_instruction: None,
        tools: Some(ContextUpdateTools {
            tools: vec![Tool { google_search: Some(Box::default()), ..Tool::default() }],
        }),
    };
    world.engine.handle_message(ClientMessage::ContextUpdate(Box::new(update)), world.now);
    world.drain();
    expect![[r#"
        < setupComplete
        ! SetupAccepted Live20 Text
        ! Violation contextUpdate.tools.tools[0].googleSearch: this server has nothing to run the tool with; leave it out, or let the server have an engine for it (docs/tools.md)
        < close 1008 Operation is not implemented, or supported, or enabled.
        ! Closed: contextUpdate.tools.tools[0].googleSearch: this server has nothing to run the tool with; leave it out, or let the server have an engine for it (docs/tools.md)
    "#]]
    .assert_eq(&trimmed(&world.log));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let refused = [
        told(generating(|it| it.max_output_tokens = Some(0))),
        told(generating(|it| it.max_output_tokens = Some(-1))),
        told(generating(|it| it.temperature = Some(2.5))),
        told(generating(|it| it.temperature = Some(f32::NAN))),
        told(generating(|it| it.top_p = Some(-0.5))),
    ];
    expect![[r#"
          ! Violation setup.generationConfig.maxOutputTokens: an answer has at least one token; found 0; raise it, or leave it out for no limit
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.maxOutputTokens: an answer has at least one token; found 0; raise it, or leave it out for no limit
          ! Violation setup.generationConfig.maxOutputTokens: an answer has at least one token; found -1; raise it, or leave it out for no limit
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.maxOutputTokens: an answer has at least one token; found -1; raise it, or leave it out for no limit
          ! Violation setup.generationConfig.temperature: it takes 0 to 2; found 2.5; choose a number in that range, or leave it out
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.temperature: it takes 0 to 2; found 2.5; choose a number in that range, or leave it out
          ! Violation setup.generationConfig.temperature: it takes 0 to 2; found NaN; choose a number in that range, or leave it out
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.temperature: it takes 0 to 2; found NaN; choose a number in that range, or leave it out
          ! Violation setup.generationConfig.topP: it takes 0 to 1; found -0.5; choose a number in that range, or leave it out
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.topP: it takes 0 to 1; found -0.5; choose a number in that range, or leave it out
    "#]].assert_eq(&refused.concat());
    for setup in [
        generating(|it| it.max_output_tokens = Some(1)),
        generating(|it| (it.temperature, it.top_p) = (Some(0.0), Some(1.0))),
        generating(|it| (it.temperature, it.top_p) = (Some(2.0), Some(0.0))),
    ] {
        assert!(told(setup).contains("SetupAccepted"));
    }
}

#[test]
fn an_empty_first_message_is_told_where_setup_belongs() {
    check(
        "C nothing",
        expect![[r#"
        C nothing
          ! Violation setup: setup is the first message; send setup, wait for setupComplete, then go on
          < close 1007 setup must be the first message and only the first
          ! Closed: setup: setup is the first message; send setup, wait for setupComplete, then go on
    "#]],
    );
}

#[test]
fn a_resumed_stream_that_never_goes_on_ends_without_blame() {
    check(
        "C setup models/gemini-2.0-flash-live-001 manual resumable
         saved
         C start
         wait 11000ms
         saved
         lost
         reconnect
         C setup models/gemini-2.0-flash-live-001 resumable handle=1.2
         resumed
         wait 1000ms
         C text hi",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 manual resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            C start
            wait 11000ms
              after 10000 ms
              ! Save 1.2 |
            saved
              < resumable 1.2
            lost
              ! Closed: the peer vanished without a close frame
            reconnect
            C setup models/gemini-2.0-flash-live-001 resumable handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 |
            wait 1000ms
              after 800 ms
            C text hi
              ! Generate #1 | user:'hi'
        "#]],
    );
}
