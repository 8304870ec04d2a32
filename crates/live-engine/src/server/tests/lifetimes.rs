//! How connections and sessions end by themselves.

use super::*;

const TEXT: &str = "C setup models/gemini-2.0-flash-live-001 TEXT";

#[track_caller]
fn check_after_setup(config: ServerConfig, words: &str, steps: &str, expected: Expect) {
    check_with(config, &format!("{TEXT} {words}\n{steps}"), expected);
}

fn gemini(change: impl FnOnce(&mut Lifetimes)) -> ServerConfig {
    let mut config = ServerConfig::new(Backend::Gemini);
    change(&mut config.lifetimes);
    config
}

#[test]
fn a_connection_is_announced_to_end_and_cut_at_the_deadline() {
    check_after_setup(
        gemini(|_| ()),
        "",
        "wait 539999ms\nwait 60000ms\nwait 1ms\nC text too late",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 539999ms
        wait 60000ms
          after 1 ms
          < goAway in 60000 ms
        wait 1ms
          after 1 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the connection has lasted as long as it may
        C text too late
    "#]],
    );
}

#[test]
fn the_deadline_holds_in_the_middle_of_an_answer_and_of_a_drain() {
    check_after_setup(
        gemini(|_| ()),
        "",
        "wait 595000ms\nC text hi\nM text on and on\nwait 4000ms\nshutdown\nwait 5000ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT
              < setupComplete
              ! SetupAccepted Live20 Text
            wait 595000ms
              after 540000 ms
              < goAway in 60000 ms
            C text hi
              ! Generate #1 | user:'hi'
            M text on and on
              < :'on and on'
            wait 4000ms
            shutdown
            wait 5000ms
              after 1000 ms
              ! Cancel #1
              < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
              ! Closed: the connection has lasted as long as it may
        "#]],
    );
}

#[test]
fn another_notice_another_end_another_code() {
    let config = gemini(|it| {
        it.connection = Duration::from_secs(30);
        it.go_away_notice = Duration::from_millis(9_500);
        it.cut = Cut::DeadlineExpired;
    });
    check_after_setup(
        config,
        "",
        "wait 30000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 30000ms
          after 20500 ms
          < goAway in 9500 ms
          after 30000 ms
          < close 1011 Deadline expired before operation could complete.
          ! Closed: the connection has lasted as long as it may
    "#]],
    );
    let config = gemini(|it| it.connection = Duration::from_secs(30));
    check_after_setup(
        config,
        "",
        "wait 30000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 30000ms
          after 0 ms
          < goAway in 30000 ms
          after 30000 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the connection has lasted as long as it may
    "#]],
    );
}

#[test]
fn a_session_without_compression_ends_after_fifteen_minutes_over_all_its_connections() {
    check_after_setup(
        gemini(|_| ()),
        "resumable",
        &format!(
            "saved\nwait 500000ms\nC turns user:hi\nsaved\nreconnect\n{TEXT} handle=1.2\nresumed\nwait 340000ms\nwait 60000ms"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            wait 500000ms
            C turns user:hi
              ! Save 1.2 | user:'hi'
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 | user:'hi'
            wait 340000ms
              after 340000 ms
              < goAway in 60000 ms
            wait 60000ms
              after 60000 ms
              < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
              ! Closed: the session has lasted as long as it may without compression
        "#]],
    );
}

#[test]
fn with_compression_only_the_connection_ends() {
    let config = gemini(|it| it.connection = Duration::from_secs(86_400));
    check_after_setup(
        config.clone(),
        "",
        "wait 900000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 900000ms
          after 840000 ms
          < goAway in 60000 ms
          after 900000 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the session has lasted as long as it may without compression
    "#]],
    );
    check_after_setup(
        config,
        "window=/",
        "C see\nwait 86399999ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT window=/
          < setupComplete
          ! SetupAccepted Live20 Text
        C see
        wait 86399999ms
          after 86340000 ms
          < goAway in 60000 ms
    "#]],
    );
    let config = gemini(|it| {
        it.connection = Duration::MAX;
        it.session_audio = None;
    });
    check_after_setup(
        config,
        "",
        "wait 86400000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 86400000ms
    "#]],
    );
}

#[test]
fn video_brings_the_end_forward() {
    check_after_setup(
        gemini(|_| ()),
        "",
        "wait 300000ms\nC see\nwait 59999ms\nwait 1ms\nC see\nwait 60000ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT
              < setupComplete
              ! SetupAccepted Live20 Text
            wait 300000ms
            C see
            wait 59999ms
            wait 1ms
              after 1 ms
              < goAway in 60000 ms
            C see
            wait 60000ms
              after 60000 ms
              < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
              ! Closed: the session has lasted as long as it may with video and without compression
        "#]],
    );
    // What was said of the end is said again when it comes earlier.
    check_after_setup(
        gemini(|_| ()),
        "",
        "wait 545000ms\nC see\nwait 60000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        wait 545000ms
          after 540000 ms
          < goAway in 60000 ms
        C see
        wait 60000ms
          after 55000 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the connection has lasted as long as it may
    "#]],
    );
    check_after_setup(
        gemini(|it| it.session_video = Some(Duration::from_secs(10))),
        "",
        "wait 545000ms\nC see\nwait 60000ms",
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT
              < setupComplete
              ! SetupAccepted Live20 Text
            wait 545000ms
              after 540000 ms
              < goAway in 60000 ms
            C see
            wait 60000ms
              after 0 ms
              < goAway in 10000 ms
              after 10000 ms
              < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
              ! Closed: the session has lasted as long as it may with video and without compression
        "#]],
    );
}

#[test]
fn a_session_that_has_used_up_its_time_is_sent_away_at_once() {
    let config = gemini(|it| it.session_audio = Some(Duration::from_secs(10)));
    check_after_setup(
        config,
        "resumable",
        &format!(
            "saved\nwait 9999ms\nC turns user:hi\nsaved\nreconnect\n{TEXT} handle=1.2\nresumed\nwait 1ms\nC text hi"
        ),
        expect![[r#"
            C setup models/gemini-2.0-flash-live-001 TEXT resumable
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 1.1 |
            saved
              < resumable 1.1
            wait 9999ms
              after 0 ms
              < goAway in 10000 ms
            C turns user:hi
              ! Save 1.2 | user:'hi'
            saved
              < resumable 1.2
            reconnect
            C setup models/gemini-2.0-flash-live-001 TEXT handle=1.2
              ! Resume 1.2
            resumed
              < setupComplete
              ! SetupAccepted Live20 Text
              ! Save 2.1 | user:'hi'
            wait 1ms
              after 0 ms
              < goAway in 1 ms
              after 1 ms
              < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
              ! Closed: the session has lasted as long as it may without compression
            C text hi
        "#]],
    );
}

#[test]
fn a_host_sends_its_client_away() {
    check_after_setup(
        gemini(|_| ()),
        "",
        "goaway 1500ms\ngoaway 9000ms\nwait 1500ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        goaway 1500ms
          < goAway in 1500 ms
        goaway 9000ms
          < goAway in 1500 ms
        wait 1500ms
          after 1500 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the host ended the connection
    "#]],
    );
    check_after_setup(
        gemini(|_| ()),
        "",
        "goaway 700000ms\nwait 600000ms",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        goaway 700000ms
          < goAway in 600000 ms
        wait 600000ms
          after 600000 ms
          < close 1008 Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session durat
          ! Closed: the connection has lasted as long as it may
    "#]],
    );
    check(
        "goaway 0ms",
        expect![[r#"
        goaway 0ms
          rejected: no session is open yet
    "#]],
    );
}

#[test]
fn a_connection_gives_way_to_another() {
    check_after_setup(
        gemini(|_| ()),
        "",
        "C text hi\ntakeover\ntakeover",
        expect![[r#"
        C setup models/gemini-2.0-flash-live-001 TEXT
          < setupComplete
          ! SetupAccepted Live20 Text
        C text hi
          ! Generate #1 | user:'hi'
        takeover
          ! Cancel #1
          < close 1008 The operation was aborted.
          ! Closed: the session goes on over another connection
        takeover
          rejected: the connection is over
    "#]],
    );
}
