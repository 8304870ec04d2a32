//! Ends of connections: which are the end of the session, and how the others are survived.

use super::*;

#[test]
fn the_first_connection_is_tried_once() {
    check(
        config(),
        "refused 1",
        expect![[r#"
          dial 1 (attempt 1)
        refused 1
          ! Closed: connection lost while dialling: refused [0 open calls]
    "#]],
    );
    check(
        config(),
        "dialed 1\nclosed 1 1011 The service is currently unavailable.",
        expect![[r#"
          dial 1 (attempt 1)
        dialed 1
          1 > setup
        closed 1 1011 The service is currently unavailable.
          ! Closed: the server is not available during setup (1011): The service is currently unavailable. [0 open calls]
    "#]],
    );
    check(
        config(),
        "wait 20",
        expect![[r#"
          dial 1 (attempt 1)
        wait 20
          +10.00 s 1 > close 1000
          +10.00 s ! Closed: no connection was made in time [0 open calls]
    "#]],
    );
    check(
        config(),
        "wait 4\ndialed 1\nwait 20",
        expect![[r#"
          dial 1 (attempt 1)
        wait 4
        dialed 1
          1 > setup
        wait 20
          +6.00 s 1 > close 1011
          +6.00 s ! Closed: the server did not answer the setup in time [0 open calls]
    "#]],
    );
}

#[test]
fn a_lost_connection_is_resumed_at_once_and_then_with_growing_patience() {
    check_open(
        config(),
        "lost 1
         refused 2
         wait 1
         refused 3
         wait 2
         ready 4",
        expect![[r#"
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            refused 2
              ! Reconnecting 2: connection lost while dialling: refused
            wait 1
              +0.47 s dial 3 (attempt 2, by h1)
            refused 3
              ! Reconnecting 3: connection lost while dialling: refused
            wait 2
              +0.72 s dial 4 (attempt 3, by h1)
            ready 4
              4 > setup, by h1
              ! Resumed restored, 0 replayed
        "#]],
    );
}

#[test]
fn the_budget_ends_it_and_what_was_not_sent_comes_back() {
    let quick = with_policy(config(), |policy| policy.dials_max = 2);
    check_open(
        quick,
        "lost 1
         H text hi
         H sound 640
         refused 2
         wait 2
         refused 3
         H text again",
        expect![[r#"
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            H text hi
            H sound 640
            refused 2
              ! Reconnecting 2: connection lost while dialling: refused
            wait 2
              +0.47 s dial 3 (attempt 2, by h1)
            refused 3
              ! Lost, Budget after 2 dials: connection lost while dialling: refused; unsent: [clientContent user 'hi', sound 640]
            H text again
              rejected: the connection is over
        "#]],
    );
}

#[test]
fn a_refused_message_is_not_sent_again() {
    check_open(
        transparent(),
        "H text bad
         closed 1 1007 Request contains an invalid argument.
         wait 1
         ready 2
         closed 2 1007 Request contains an invalid argument.",
        expect![[r#"
            H text bad
              1 > clientContent user 'bad'
            closed 1 1007 Request contains an invalid argument.
              ! Reconnecting 1: the server refused an argument (1007): Request contains an invalid argument.
            wait 1
              +0.47 s dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Dropped 1 messages, 3 bytes
              ! Resumed restored, 0 replayed, answer lost
            closed 2 1007 Request contains an invalid argument.
              ! Lost, Hopeless after 1 dials: the server refused an argument (1007): Request contains an invalid argument.; unsent: []
        "#]],
    );
}

#[test]
fn a_refused_setup_is_not_sent_again() {
    check_open(
        config(),
        "lost 1
         dialed 2
         closed 2 1007 Request contains an invalid argument.
         wait 1
         dialed 3
         closed 3 1007 Request contains an invalid argument.",
        expect![[r#"
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            dialed 2
              2 > setup, by h1
            closed 2 1007 Request contains an invalid argument.
              ! Reconnecting 2: the server refused an argument during setup (1007): Request contains an invalid argument.
            wait 1
              +0.47 s dial 3 (attempt 2)
            dialed 3
              3 > setup
            closed 3 1007 Request contains an invalid argument.
              ! Lost, Hopeless after 2 dials: the server refused an argument during setup (1007): Request contains an invalid argument.; unsent: []
        "#]],
    );
}

#[test]
fn a_handle_that_the_server_does_not_know_is_given_up_for_the_words() {
    check_open(
        config(),
        "H text My name is Ann.
         S 1 text:Hi text:Ann.
         S 1 turnComplete
         H text And yours?
         S 1 text:My
         lost 1
         dialed 2
         closed 2 1008 BidiGenerateContent session not found
         wait 1
         ready 3",
        expect![[r#"
            H text My name is Ann.
              1 > clientContent user 'My name is Ann.'
            S 1 text:Hi text:Ann.
              ! Text #1 'Hi'
              ! Text #1 'Ann.'
            S 1 turnComplete
              ! TurnComplete #1
              ! Idle
            H text And yours?
              1 > clientContent user 'And yours?'
            S 1 text:My
              ! Text #2 'My'
            lost 1
              ! Interrupted #2
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            dialed 2
              2 > setup, by h1
            closed 2 1008 BidiGenerateContent session not found
              ! Reconnecting 2: the server does not have this session during setup (1008): BidiGenerateContent session not found
            wait 1
              +0.47 s dial 3 (attempt 2)
            ready 3
              3 > setup
              ! Resumed anew, 1 replayed
              3 > clientContent user 'My name is Ann.', model 'HiAnn.' ..
              3 > clientContent user 'And yours?'
        "#]],
    );
}

#[test]
fn a_model_that_wants_its_history_announced_gets_it_so() {
    let mut config = config();
    config.setup.model = "models/gemini-3.1-flash-live-preview".into();
    config.setup.session_resumption = None;
    let mut world = World::new(config);
    world.run("ready 1\nwait 60\nH text hi\nS 1 text:Hello turnComplete\nlost 1");
    world.session.handle_dialed(LinkId(2), world.now);
    let Some(SessionOutput::Send(_, ClientMessage::Setup(setup))) = world.session.poll_output() else { panic!() };
    assert!(setup.history_config.unwrap().initial_history_in_client_content);
    world.session.handle_message(LinkId(2), server("ready"), world.now);
    world.log = "ready 2\n".into();
    world.show(world.now);
    expect![[r#"
        ready 2
          ! Resumed anew, 0 replayed
          2 > clientContent user 'hi', model 'Hello'
    "#]]
    .assert_eq(&world.log);
}

#[test]
fn without_a_handle_a_session_ends_begins_empty_or_tells_the_words() {
    let script = "ready 1
         wait 60
         H text hi
         S 1 text:Hello turnComplete
         H text more
         lost 1
         ready 2";
    let without = |fresh| {
        let mut config = with_policy(config(), |policy| policy.fresh = fresh);
        config.setup.session_resumption = None;
        config
    };
    check(
        without(Fresh::End),
        script,
        expect![[r#"
          dial 1 (attempt 1)
        ready 1
          1 > setup
          ! Ready
        wait 60
        H text hi
          1 > clientContent user 'hi'
        S 1 text:Hello turnComplete
          ! Text #1 'Hello'
          ! TurnComplete #1
          ! Idle
        H text more
          1 > clientContent user 'more'
        lost 1
          ! Lost, NoHandle after 0 dials: connection lost: reset; unsent: []
        ready 2
          2 > close 1000
    "#]],
    );
    check(
        without(Fresh::Empty),
        script,
        expect![[r#"
          dial 1 (attempt 1)
        ready 1
          1 > setup
          ! Ready
        wait 60
        H text hi
          1 > clientContent user 'hi'
        S 1 text:Hello turnComplete
          ! Text #1 'Hello'
          ! TurnComplete #1
          ! Idle
        H text more
          1 > clientContent user 'more'
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
        ready 2
          2 > setup
          ! Resumed anew, 0 replayed, answer lost
    "#]],
    );
    check(
        without(Fresh::Reseed),
        script,
        expect![[r#"
          dial 1 (attempt 1)
        ready 1
          1 > setup
          ! Ready
        wait 60
        H text hi
          1 > clientContent user 'hi'
        S 1 text:Hello turnComplete
          ! Text #1 'Hello'
          ! TurnComplete #1
          ! Idle
        H text more
          1 > clientContent user 'more'
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
        ready 2
          2 > setup
          ! Resumed anew, 1 replayed
          2 > clientContent user 'hi', model 'Hello' ..
          2 > clientContent user 'more'
    "#]],
    );
}

#[test]
fn what_the_host_seeded_is_told_anew_too() {
    let mut seeding = config();
    seeding.setup.session_resumption = None;
    seeding.setup.history_config = Some(HistoryConfig { initial_history_in_client_content: true });
    check(
        seeding,
        "ready 1
         H text before
         H text hi
         S 1 text:Hello turnComplete
         H text more
         lost 1
         wait 1
         ready 2",
        expect![[r#"
              dial 1 (attempt 1)
            ready 1
              1 > setup
              ! Ready
            H text before
              1 > clientContent user 'before'
            H text hi
              1 > clientContent user 'hi'
            S 1 text:Hello turnComplete
              ! Text #1 'Hello'
              ! TurnComplete #1
              ! Idle
            H text more
              1 > clientContent user 'more'
            lost 1
              ! Reconnecting 2: connection lost: reset
            wait 1
              +0.47 s dial 2 (attempt 2)
            ready 2
              2 > setup
              ! Resumed anew, 1 replayed
              2 > clientContent user 'before', user 'hi', model 'Hello'
              2 > clientContent user 'more'
        "#]],
    );
}

#[test]
fn a_history_that_is_told_asks_for_no_answer() {
    let mut config = config();
    config.setup.session_resumption = None;
    config.setup.model = "models/gemini-3.8-live".into();
    check(
        config,
        "ready 1
         H text hi
         S 1 out:Hello
         S 1 turnComplete
         lost 1
         wait 1
         ready 2
         S 2 goaway 50",
        expect![[r#"
              dial 1 (attempt 1)
            ready 1
              1 > setup
              ! Ready
            H text hi
              1 > clientContent user 'hi'
            S 1 out:Hello
              ! OutputTranscription #1 'Hello'
            S 1 turnComplete
              ! TurnComplete #1
              ! Idle
            lost 1
              ! Reconnecting 2: connection lost: reset
            wait 1
              +0.47 s dial 2 (attempt 2)
            ready 2
              2 > setup
              ! Resumed anew, 0 replayed
              2 > clientContent user 'hi', model 'Hello'
            S 2 goaway 50
              ! GoAway 50s
              ! Reconnecting 3: goAway
              2 > close 1000
        "#]],
    );
}

#[test]
fn a_handle_is_measured_by_the_history_of_its_own_connection() {
    check(
        transparent(),
        "ready 1
         H text hi
         S 1 text:Hello turnComplete
         lost 1
         wait 1
         ready 2
         S 2 handle h2 1
         lost 2
         wait 1
         ready 3
         S 3 handle h3 0
         lost 3
         wait 2",
        expect![[r#"
              dial 1 (attempt 1)
            ready 1
              1 > setup
              ! Ready
            H text hi
              1 > clientContent user 'hi'
            S 1 text:Hello turnComplete
              ! Text #1 'Hello'
              ! TurnComplete #1
              ! Idle
            lost 1
              ! Reconnecting 2: connection lost: reset
            wait 1
              +0.47 s dial 2 (attempt 2)
            ready 2
              2 > setup
              ! Resumed anew, 0 replayed
              2 > clientContent user 'hi', model 'Hello' ..
            S 2 handle h2 1
              ! ResumptionUpdate true
            lost 2
              ! Reconnecting 3: connection lost: reset
            wait 1
              +0.72 s dial 3 (attempt 3, by h2)
            ready 3
              3 > setup, by h2
              ! Resumed restored, 0 replayed
            S 3 handle h3 0
              ! ResumptionUpdate true
            lost 3
              ! Reconnecting 4: connection lost: reset
            wait 2
              +1.03 s dial 4 (attempt 4, by h3)
        "#]],
    );
}

#[test]
fn bytes_that_are_no_message_end_a_connection_that_is_not_open_yet_at_once() {
    check(
        config(),
        "dialed 1\ngarbage 1",
        expect![[r#"
          dial 1 (attempt 1)
        dialed 1
          1 > setup
        garbage 1
          1 > close 1011
          ! Closed: the server's first message cannot be read: expected an object at byte 0 [0 open calls]
    "#]],
    );
}

#[test]
fn an_empty_update_changes_nothing() {
    check_open(
        config(),
        "S 1 resumable\nlost 1",
        expect![[r#"
        S 1 resumable
          ! ResumptionUpdate true
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1, by h1)
    "#]],
    );
}

#[test]
fn a_retracted_handle_is_worth_nothing_where_the_host_says_so() {
    check_open(
        with_policy(config(), |policy| policy.retracted = Retracted::Forget),
        "S 1 unresumable\nlost 1",
        expect![[r#"
        S 1 unresumable
          ! ResumptionUpdate false
        lost 1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
    "#]],
    );
}

#[test]
fn a_retracted_handle_is_better_than_none() {
    check_open(
        config(),
        "H text hi
         S 1 unresumable
         S 1 text:Hel
         lost 1
         ready 2",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 text:Hel
              ! Text #1 'Hel'
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            ready 2
              2 > setup, by h1
              ! Resumed restored, 1 replayed
              2 > clientContent user 'hi'
        "#]],
    );
    // But no reason to leave early.
    check_open(
        config(),
        "S 1 unresumable\nS 1 goaway 50\nwait 45",
        expect![[r#"
        S 1 unresumable
          ! ResumptionUpdate false
        S 1 goaway 50
          ! GoAway 50s
        wait 45
          +45.00 s ! Reconnecting 1: goAway
          +45.00 s 1 > close 1000
    "#]],
    );
}

#[test]
fn a_retracted_handle_that_is_refused_costs_a_dial() {
    check_open(
        config(),
        "H text hi
         S 1 unresumable
         S 1 text:Hel
         lost 1
         dialed 2
         closed 2 1008 BidiGenerateContent session not found
         wait 1
         ready 3",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 text:Hel
              ! Text #1 'Hel'
            lost 1
              ! Interrupted #1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            dialed 2
              2 > setup, by h1
            closed 2 1008 BidiGenerateContent session not found
              ! Reconnecting 2: the server does not have this session during setup (1008): BidiGenerateContent session not found
            wait 1
              +0.47 s dial 3 (attempt 2)
            ready 3
              3 > setup
              ! Resumed anew, 1 replayed
              3 > clientContent user 'hi'
        "#]],
    );
}

#[test]
fn causes_differ_in_what_comes_of_them() {
    let after = |close: &str| {
        let mut world = World::new(config());
        world.run("ready 1\nwait 60\nS 1 handle h1");
        world.log.clear();
        world.run(close);
        world.log
    };
    expect![[r#"
        closed 1 1000
          ! Reconnecting 1: closed by the server (1000)
          dial 2 (attempt 1, by h1)
        closed 1 1001
          ! Reconnecting 1: the connection reached the end of its life (1001)
          dial 2 (attempt 1, by h1)
        closed 1 1008 The operation was aborted.
          ! Reconnecting 1: the connection reached the end of its life (1008): The operation was aborted.
          dial 2 (attempt 1, by h1)
        closed 1 1011 Deadline expired before operation could complete.
          ! Reconnecting 1: the connection reached the end of its life (1011): Deadline expired before operation could complete.
          dial 2 (attempt 1, by h1)
        closed 1 1011 You exceeded your current quota, please check
          ! Reconnecting 1: the quota is used up (1011): You exceeded your current quota, please check
        wait 20
          +9.42 s dial 2 (attempt 1, by h1)
          +19.42 s 2 > close 1000
          +19.42 s ! Reconnecting 2: no connection was made in time
          +19.77 s dial 3 (attempt 2, by h1)
        closed 1 1007 API key expired. Please renew the API key.
          ! Lost, Hopeless after 0 dials: the server refused the credential (1007): API key expired. Please renew the API key.; unsent: []
        closed 1 1008 Operation is not implemented, or supported, or enabled.
          ! Reconnecting 1: the server closed the connection (1008): Operation is not implemented, or supported, or enabled.
        wait 1
          +0.47 s dial 2 (attempt 1, by h1)
    "#]].assert_eq(
        &[
            after("closed 1 1000"),
            after("closed 1 1001"),
            after("closed 1 1008 The operation was aborted."),
            after("closed 1 1011 Deadline expired before operation could complete."),
            after("closed 1 1011 You exceeded your current quota, please check\nwait 20"),
            after("closed 1 1007 API key expired. Please renew the API key."),
            after("closed 1 1008 Operation is not implemented, or supported, or enabled.\nwait 1"),
        ]
        .concat(),
    );
}

#[test]
fn a_server_that_owes_words_and_is_silent_counts_as_lost() {
    check_open(
        config(),
        "wait 600
         H text hi
         wait 119
         S 1 handle h2
         wait 119
         garbage 1
         wait 119
         S 1 text:Hello
         wait 121",
        expect![[r#"
            wait 600
            H text hi
              1 > clientContent user 'hi'
            wait 119
            S 1 handle h2
              ! ResumptionUpdate true
            wait 119
            garbage 1
              ! Malformed(DecodeError { path: JsonPath([]), kind: Syntax { offset: 0, expected: "an object" } })
            wait 119
            S 1 text:Hello
              ! Text #1 'Hello'
            wait 121
              +120.00 s 1 > close 1000
              +120.00 s ! Interrupted #1
              +120.00 s ! Reconnecting 1: connection lost: nothing was heard for 120 s
              +120.00 s dial 2 (attempt 1, by h2)
        "#]],
    );
}

#[test]
fn closing_meanwhile_is_closing() {
    check_open(
        config(),
        "lost 1\nH text hi\nH close\ndialed 2\nwait 100",
        expect![[r#"
            lost 1
              ! Reconnecting 1: connection lost: reset
              dial 2 (attempt 1, by h1)
            H text hi
            H close
              2 > close 1000
              ! Dropped 1 messages, 2 bytes
              ! Closed: closed by us [0 open calls]
            dialed 2
              2 > close 1000
            wait 100
        "#]],
    );
    check_open(
        config(),
        "S 1 goaway 50\nH close\ngone 1",
        expect![[r#"
        S 1 goaway 50
          ! GoAway 50s
          ! Reconnecting 1: goAway
          1 > close 1000
        H close
          ! Closed: closed by us [0 open calls]
        gone 1
    "#]],
    );
    check_open(
        config(),
        "H close\ngone 1",
        expect![[r#"
        H close
          1 > close 1000
          ! Closed: closed by us [0 open calls]
        gone 1
    "#]],
    );
}

#[test]
fn the_last_frames_tell_the_story_without_its_words() {
    let mut world = World::new(with_policy(config(), |policy| policy.dials_max = 0));
    world.run("ready 1\nH text secret\nS 1 text:secret\nS 1 text:secret\nS 1 text:secret\nwait 2\nS 1 turnComplete");
    world.session.handle_disconnect(LinkId(1), Disconnect::Eof, world.now);
    let loss = std::iter::from_fn(|| world.session.poll_output()).find_map(|output| match output {
        SessionOutput::Event(ClientEvent::Lost(loss)) => Some(loss),
        _ => None,
    });
    let frames: Vec<String> = loss.unwrap().last_frames.iter().map(Frame::to_string).collect();
    expect![[r#"
        0.000 s link 1 > setup
        0.000 s link 1 < setupComplete
        0.000 s link 1 > clientContent
        0.000 s link 1 < serverContent.modelTurn
        0.000 s link 1 < serverContent.modelTurn
        2.000 s link 1 < serverContent.turnComplete
        2.000 s link 1 < disconnect"#]]
    .assert_eq(&frames.join("\n"));
}

#[test]
fn a_question_behind_a_call_is_lost_with_its_connection() {
    let check_lost = |script: &str, expected: Expect| {
        let config = with_policy(config(), |policy| (policy.fresh, policy.replay) = (Fresh::Empty, Replay::Nothing));
        check(config, script, expected);
    };
    check_lost(
        "ready 1\nwait 60\nH text hi\nS 1 call f#1\nH text more\nlost 1\nready 2",
        expect![[r#"
          dial 1 (attempt 1)
        ready 1
          1 > setup
          ! Ready
        wait 60
        H text hi
          1 > clientContent user 'hi'
        S 1 call f#1
          ! ToolCall f#1
        H text more
          1 > clientContent user 'more'
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
        ready 2
          2 > setup
          ! Resumed anew, 0 replayed, answer lost
    "#]],
    );
    check_lost(
        "ready 1\nwait 60\nH text hi\nS 1 call f#1\nlost 1\nready 2",
        expect![[r#"
          dial 1 (attempt 1)
        ready 1
          1 > setup
          ! Ready
        wait 60
        H text hi
          1 > clientContent user 'hi'
        S 1 call f#1
          ! ToolCall f#1
        lost 1
          ! Interrupted #1
          ! Reconnecting 1: connection lost: reset
          dial 2 (attempt 1)
        ready 2
          2 > setup
          ! Resumed anew, 0 replayed
    "#]],
    );
}
