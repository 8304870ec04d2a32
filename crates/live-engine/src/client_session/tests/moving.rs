//! `goAway`: when a session moves to another connection, and what comes first.

use super::*;

#[test]
fn an_idle_session_moves_at_once() {
    check_open(
        config(),
        "S 1 goaway 50
         H sound 640
         gone 1
         H sound 320
         ready 2
         H text hi",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              1 > close 1000
            H sound 640
            gone 1
              dial 2 (attempt 1, by h1)
            H sound 320
            ready 2
              2 > setup, by h1
              ! Resumed restored, 0 replayed
              2 > sound 640
              2 > sound 320
            H text hi
              2 > clientContent user 'hi'
        "#]],
    );
}

#[test]
fn the_former_connection_may_have_for_ever_to_close() {
    check_open(
        with_policy(config(), |policy| policy.parting_max = std::time::Duration::MAX),
        "S 1 goaway 50
         wait 60
         gone 1",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              1 > close 1000
            wait 60
            gone 1
              dial 2 (attempt 1, by h1)
        "#]],
    );
}

#[test]
fn a_session_in_a_turn_moves_when_the_turn_is_over_and_the_server_has_a_snapshot() {
    check_open(
        config(),
        "H text hi
         S 1 unresumable
         S 1 goaway 50
         S 1 text:Hel
         S 1 text:lo generationComplete
         S 1 turnComplete
         S 1 handle h2
         gone 1
         ready 2",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 goaway 50
              ! GoAway 50s
            S 1 text:Hel
              ! Text #1 'Hel'
            S 1 text:lo generationComplete
              ! Text #1 'lo'
              ! GenerationComplete #1
            S 1 turnComplete
              ! TurnComplete #1
              ! Idle
            S 1 handle h2
              ! ResumptionUpdate true
              ! Reconnecting 1: goAway
              1 > close 1000
            gone 1
              dial 2 (attempt 1, by h2)
            ready 2
              2 > setup, by h2
              ! Resumed restored, 0 replayed
        "#]],
    );
}

#[test]
fn a_question_without_an_answer_yet_is_no_good_moment() {
    check_open(
        config(),
        "H text hi
         S 1 goaway 50
         S 1 text:Hello turnComplete",
        expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 goaway 50
              ! GoAway 50s
            S 1 text:Hello turnComplete
              ! Text #1 'Hello'
              ! TurnComplete #1
              ! Idle
              ! Reconnecting 1: goAway
              1 > close 1000
        "#]],
    );
}

#[test]
fn speech_and_open_calls_are_no_good_moment_either() {
    check_open(
        config(),
        "S 1 call f#1
         H begin
         S 1 goaway 50
         S 1 turnComplete
         H answer f#1
         H end
         S 1 text:Hello turnComplete",
        expect![[r#"
            S 1 call f#1
              ! ToolCall f#1
            H begin
              1 > activityStart
            S 1 goaway 50
              ! GoAway 50s
            S 1 turnComplete
              ! TurnComplete #1
            H answer f#1
              1 > toolResponse f
            H end
              1 > activityEnd
            S 1 text:Hello turnComplete
              ! Text #2 'Hello'
              ! TurnComplete #2
              ! Idle
              ! Reconnecting 1: goAway
              1 > close 1000
        "#]],
    );
}

/// No frame follows any of them.
#[test]
fn time_runs_out_for_a_session_in_a_turn() {
    for (time_left, expected) in [
        (
            "300",
            expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:He
              ! Text #1 'He'
            S 1 goaway 300
              ! GoAway 300s
            wait 400
              +295.00 s ! Interrupted #1
              +295.00 s ! Reconnecting 1: goAway
              +295.00 s 1 > close 1000
              +297.00 s dial 2 (attempt 1, by h1)
              +307.00 s 2 > close 1000
              +307.00 s ! Lost, Budget after 1 dials: no connection was made in time; unsent: []
        "#]],
        ),
        (
            "50",
            expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:He
              ! Text #1 'He'
            S 1 goaway 50
              ! GoAway 50s
            wait 400
              +45.00 s ! Interrupted #1
              +45.00 s ! Reconnecting 1: goAway
              +45.00 s 1 > close 1000
              +47.00 s dial 2 (attempt 1, by h1)
              +57.00 s 2 > close 1000
              +57.00 s ! Lost, Budget after 1 dials: no connection was made in time; unsent: []
        "#]],
        ),
        (
            "1.5",
            expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:He
              ! Text #1 'He'
            S 1 goaway 1.5
              ! GoAway 1.5s
              ! Interrupted #1
              ! Reconnecting 1: goAway
              1 > close 1000
            wait 400
              +2.00 s dial 2 (attempt 1, by h1)
              +12.00 s 2 > close 1000
              +12.00 s ! Lost, Budget after 1 dials: no connection was made in time; unsent: []
        "#]],
        ),
        (
            "0",
            expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:He
              ! Text #1 'He'
            S 1 goaway 0
              ! GoAway 0ns
              ! Interrupted #1
              ! Reconnecting 1: goAway
              1 > close 1000
            wait 400
              +2.00 s dial 2 (attempt 1, by h1)
              +12.00 s 2 > close 1000
              +12.00 s ! Lost, Budget after 1 dials: no connection was made in time; unsent: []
        "#]],
        ),
        (
            "",
            expect![[r#"
            H text hi
              1 > clientContent user 'hi'
            S 1 text:He
              ! Text #1 'He'
            S 1 goaway
              ! GoAway 0ns
              ! Interrupted #1
              ! Reconnecting 1: goAway
              1 > close 1000
            wait 400
              +2.00 s dial 2 (attempt 1, by h1)
              +12.00 s 2 > close 1000
              +12.00 s ! Lost, Budget after 1 dials: no connection was made in time; unsent: []
        "#]],
        ),
    ] {
        let patient = with_policy(config(), |policy| (policy.silence_max, policy.dials_max) = (None, 1));
        check_open(patient, &format!("H text hi\nS 1 text:He\nS 1 goaway {time_left}\nwait 400"), expected);
    }
}

#[test]
fn an_old_connection_that_does_not_close_is_not_waited_for() {
    check_open(
        config(),
        "S 1 goaway 50\nwait 10",
        expect![[r#"
        S 1 goaway 50
          ! GoAway 50s
          ! Reconnecting 1: goAway
          1 > close 1000
        wait 10
          +2.00 s dial 2 (attempt 1, by h1)
    "#]],
    );
}

#[test]
fn where_the_server_permits_the_new_connection_comes_first() {
    let overlapping = with_policy(config(), |policy| policy.overlap = Overlap::DialFirst);
    check_open(
        overlapping.clone(),
        "S 1 goaway 50
         H text hi
         S 1 in:ähm
         ready 2
         S 1 text:late
         gone 1
         S 2 text:Hello",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              dial 2 (attempt 1, by h1)
            H text hi
            S 1 in:ähm
              ! InputTranscription 'ähm'
            ready 2
              2 > setup, by h1
              1 > close 1000
              ! Resumed restored, 0 replayed
              2 > clientContent user 'hi'
            S 1 text:late
            gone 1
            S 2 text:Hello
              ! Text #1 'Hello'
        "#]],
    );
}

#[test]
fn a_server_that_does_not_permit_it_is_left_first() {
    let overlapping = with_policy(config(), |policy| policy.overlap = Overlap::DialFirst);
    check_open(
        overlapping,
        "S 1 goaway 50
         H sound 640
         dialed 2
         closed 2 1011 Internal error encountered.
         wait 0.2
         gone 1
         wait 1
         ready 3",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              dial 2 (attempt 1, by h1)
            H sound 640
            dialed 2
              2 > setup, by h1
            closed 2 1011 Internal error encountered.
              1 > sound 640
              ! Reconnecting 1: goAway
              1 > close 1000
            wait 0.2
            gone 1
            wait 1
              +0.05 s dial 3 (attempt 1, by h1)
            ready 3
              3 > setup, by h1
              ! Resumed restored, 0 replayed
        "#]],
    );
}

/// A quota counts both connections, so a client that has used its own up has no room for a second.
#[test]
fn a_client_at_its_quota_leaves_first_as_soon_as_nothing_is_lost_by_it() {
    let overlapping = with_policy(config(), |policy| policy.overlap = Overlap::DialFirst);
    check_open(
        overlapping,
        "S 1 goaway 50
         H text hi
         dialed 2
         closed 2 1011 You exceeded your current quota, please check your plan and billing details.
         S 1 text:Hello turnComplete
         gone 1
         wait 1
         ready 3
         wait 60
         S 3 goaway 50",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              dial 2 (attempt 1, by h1)
            H text hi
            dialed 2
              2 > setup, by h1
            closed 2 1011 You exceeded your current quota, please check your plan and billing details.
              1 > clientContent user 'hi'
            S 1 text:Hello turnComplete
              ! Text #1 'Hello'
              ! TurnComplete #1
              ! Idle
              ! Reconnecting 1: goAway
              1 > close 1000
            gone 1
            wait 1
              +0.25 s dial 3 (attempt 1, by h1)
            ready 3
              3 > setup, by h1
              ! Dropped 1 messages, 2 bytes
              ! Resumed restored, 0 replayed
            wait 60
            S 3 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              3 > close 1000
        "#]],
    );
}

#[test]
fn a_handle_given_and_taken_back_while_another_connection_is_dialled_is_worth_what_it_always_is() {
    let overlapping = with_policy(config(), |policy| {
        (policy.overlap, policy.retracted) = (Overlap::DialFirst, Retracted::Forget);
    });
    check_open(
        overlapping,
        "S 1 goaway 50
         H text hi
         S 1 handle h2
         S 1 unresumable
         S 1 unresumable
         refused 2
         lost 1
         wait 1",
        expect![[r#"
            S 1 goaway 50
              ! GoAway 50s
              ! Reconnecting 1: goAway
              dial 2 (attempt 1, by h1)
            H text hi
            S 1 handle h2
              ! ResumptionUpdate true
            S 1 unresumable
              ! ResumptionUpdate false
            S 1 unresumable
              ! ResumptionUpdate false
            refused 2
              1 > clientContent user 'hi'
            lost 1
              ! Reconnecting 1: connection lost: reset
            wait 1
              +0.25 s dial 3 (attempt 1)
        "#]],
    );
}

#[test]
fn a_server_that_says_go_away_each_time_is_not_dialled_for_ever() {
    let mut world = World::new(config());
    for link in 1..20 {
        world.run(&format!("ready {link}\nS {link} handle h\nS {link} goaway 300\ngone {link}\nwait 0.3"));
    }
    assert_eq!(world.log.matches("dial ").count(), 8);
}

#[test]
fn without_reconnecting_go_away_is_only_told() {
    check_open(
        ClientSessionConfig { reconnect: None, ..config() },
        "S 1 goaway 0
         wait 60
         S 1 text:Hello
         closed 1 1008 The operation was aborted.
         H text hi",
        expect![[r#"
            S 1 goaway 0
              ! GoAway 0ns
            wait 60
            S 1 text:Hello
              ! Text #1 'Hello'
            closed 1 1008 The operation was aborted.
              ! Closed: the connection reached the end of its life (1008): The operation was aborted. [0 open calls]
            H text hi
              rejected: the connection is over
        "#]],
    );
}
