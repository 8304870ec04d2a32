//! The setup and the end: a connection is ready or over in bounded time, and says why.

use super::*;

#[test]
fn the_setup_goes_first_and_what_was_said_meanwhile_follows() {
    check(
        "H text hi\nS ready an-id\nH text again",
        expect![[r#"
        H text hi
          > setup models/m
        S ready an-id
          ! Ready an-id
          > clientContent hi
        H text again
          > clientContent again
    "#]],
    );
}

#[test]
fn only_so_much_is_kept_until_the_session_is_ready() {
    let mut config = ClientConfig::new(Setup::new("models/m"));
    config.limits.queued_messages_max = 1;
    let mut world = World::new(config);
    world.run("H text one\nH text two\nS ready");
    expect![[r#"
        H text one
          > setup models/m
        H text two
          rejected: the queue is full
        S ready
          ! Ready
          > clientContent one
    "#]]
    .assert_eq(&world.log);
}

#[test]
fn every_way_not_to_become_ready_has_its_cause() {
    check(
        "closed 1008 models/m is not found for API version v1beta, or is not supported",
        expect![[r#"
        closed 1008 models/m is not found for API version v1beta, or is not supported
          > setup models/m
          ! Closed: the server does not have this model during setup (1008): models/m is not found for API version v1beta, or is not supported [0 open calls]
    "#]],
    );
    check(
        "closed 1000",
        expect![[r#"
        closed 1000
          > setup models/m
          ! Closed: the server refused an argument during setup (1000) [0 open calls]
    "#]],
    );
    check(
        "lost connection reset",
        expect![[r#"
        lost connection reset
          > setup models/m
          ! Closed: connection lost during setup: connection reset [0 open calls]
    "#]],
    );
    check(
        "garbage",
        expect![[r#"
        garbage
          > setup models/m
          > close 1011 Handshake failure
          ! Closed: the server's first message cannot be read: expected an object at byte 0 [0 open calls]
    "#]],
    );
    check(
        "S text:hi\nS ready",
        expect![[r#"
            S text:hi
              > setup models/m
              > close 1011 Handshake failure
              ! Closed: the server's first message is not setupComplete [0 open calls]
            S ready
        "#]],
    );
    check(
        "wait 9\nwait 1\nwait 1",
        expect![[r#"
            wait 9
              > setup models/m
            wait 1
              > close 1011 Deadline expired before operation could complete.
              ! Closed: the server did not answer the setup in time [0 open calls]
            wait 1
        "#]],
    );
}

#[test]
fn an_open_session_ends_with_a_cause() {
    check_open(
        "closed 1011 Deadline expired before operation could complete.\nH text hi\nS text:hi",
        expect![[r#"
        closed 1011 Deadline expired before operation could complete.
          ! Closed: the connection reached the end of its life (1011): Deadline expired before operation could complete. [0 open calls]
        H text hi
          rejected: the connection is over
        S text:hi
    "#]],
    );
    check_open(
        "S call f#1\nlost",
        expect![[r#"
        S call f#1
          ! ToolCall f#1
        lost
          ! Closed: connection lost [1 open calls]
    "#]],
    );
    check_open(
        "H close\nclosed 1000\nH close",
        expect![[r#"
        H close
          > close 1000
          ! Closed: closed by us [0 open calls]
        closed 1000
        H close
          rejected: the connection is over
    "#]],
    );
}

#[test]
fn what_a_client_may_not_send_is_given_back() {
    check_open(
        "H setup models/other\nH nothing\nH answer f#1",
        expect![[r#"
        H setup models/other
          rejected: setup is sent once, by the engine
        H nothing
          rejected: an empty message says nothing
        H answer f#1
          rejected: no such function call is waiting for an answer
    "#]],
    );
}

#[test]
fn bytes_that_are_no_message_do_not_end_a_session() {
    check_open(
        "garbage\nS text:hi",
        expect![[r#"
        garbage
          ! Malformed(DecodeError { path: JsonPath([]), kind: Syntax { offset: 0, expected: "an object" } })
        S text:hi
          ! Text #1 'hi'
    "#]],
    );
}
