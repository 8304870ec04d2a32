//! The context window and the cuts that keep a session within it.

use super::*;

const TEXT: &str = "C setup models/gemini-2.0-flash-live-001 TEXT";

/// A turn that costs a thousand tokens on each side.
fn turn(name: &str) -> String {
    format!("C text {}\nM text {}\nM end\n", name.repeat(4_000), "y".repeat(4_000))
}

/// Runs a script and shows what is cut from the context, what is asked, and what it costs, of the last turns.
#[track_caller]
fn check_cuts(config: ServerConfig, script: &str, expected: Expect) {
    let mut world = World::new(config);
    for step in script.trim().lines().map(str::trim) {
        world.step(step);
        world.drain();
    }
    let shorten = |line: &str| {
        let mut out = String::new();
        let mut last = (' ', 0);
        for c in line.trim().chars() {
            last = if c == last.0 && c.is_alphabetic() { (c, last.1 + 1) } else { (c, 1) };
            if last.1 < 4 {
                out.push(c);
            }
        }
        out
    };
    let shown = ["! Compressed", "! Generate", "< turnComplete", "< close", "! Violation"];
    let is_shown = |line: &&str| shown.iter().any(|it| line.trim_start().starts_with(it));
    let lines: Vec<String> = world.log.lines().filter(is_shown).map(|line| shorten(line) + "\n").collect();
    // The beginning of a long story tells nothing.
    let log = lines[lines.len().saturating_sub(9)..].concat();
    expected.assert_eq(&log);
}

#[test]
fn the_oldest_turns_go_when_the_trigger_is_reached() {
    let turns: String = ["a", "b", "c", "d", "e", "f"].map(turn).concat();
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} window=5000/3000 instruct=instructed\n{turns}"),
        expect![[r#"
            ! Generate #3 (user:'instructed') | user:'ccc'
            < turnComplete prompt 1003 TEXT, response 1000 TEXT, total 2003
            ! Generate #4 (user:'instructed') user:'ccc' model:'yyy' | user:'ddd'
            < turnComplete prompt 3003 TEXT, response 1000 TEXT, total 4003
            ! Compressed -4 contents -4000 tokens, 1003 left
            ! Generate #5 (user:'instructed') | user:'eee'
            < turnComplete prompt 1003 TEXT, response 1000 TEXT, total 2003
            ! Generate #6 (user:'instructed') user:'eee' model:'yyy' | user:'fff'
            < turnComplete prompt 3003 TEXT, response 1000 TEXT, total 4003
        "#]],
    );
}

#[test]
fn the_trigger_itself_is_reached_and_one_token_less_is_not() {
    for (bytes, expected) in [
        (
            8_000,
            expect![[r#"
        ! Generate #1 | user:'aaa'
        < turnComplete prompt 2000 TEXT, response 1000 TEXT, total 3000
        ! Compressed -2 contents -3000 tokens, 2000 left
        ! Generate #2 | user:'bbb'
    "#]],
        ),
        (
            7_996,
            expect![[r#"
        ! Generate #1 | user:'aaa'
        < turnComplete prompt 2000 TEXT, response 1000 TEXT, total 3000
        ! Generate #2 user:'aaa' model:'yyy' | user:'bbb'
    "#]],
        ),
    ] {
        let turns =
            format!("C text {}\nM text {}\nM end\nC text {}", "a".repeat(8_000), "y".repeat(4_000), "b".repeat(bytes));
        check_cuts(ServerConfig::new(Backend::Gemini), &format!("{TEXT} window=5000/\n{turns}"), expected);
    }
}

#[test]
fn without_compression_a_session_ends_where_its_window_does() {
    let turns: String = std::iter::repeat_n(turn("a"), 17).collect();
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT}\n{turns}"),
        expect![[r#"
            < turnComplete prompt 25000 TEXT, response 1000 TEXT, total 26000
            ! Generate #14 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
            < turnComplete prompt 27000 TEXT, response 1000 TEXT, total 28000
            ! Generate #15 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
            < turnComplete prompt 29000 TEXT, response 1000 TEXT, total 30000
            ! Generate #16 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
            < turnComplete prompt 31000 TEXT, response 1000 TEXT, total 32000
            ! Violation the whole context: the session holds 33000 tokens, of 32768 at most; start a new session, with contextWindowCompression if it is to go on for long
            < close 1007 Request contains an invalid argument.
        "#]],
    );
}

#[test]
fn the_defaults_are_four_fifths_of_the_window_and_half_of_that() {
    let turns: String = std::iter::repeat_n(turn("a"), 14).collect();
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} window=/\n{turns}"),
        expect![[r#"
        ! Generate #11 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
        < turnComplete prompt 21000 TEXT, response 1000 TEXT, total 22000
        ! Generate #12 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
        < turnComplete prompt 23000 TEXT, response 1000 TEXT, total 24000
        ! Generate #13 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
        < turnComplete prompt 25000 TEXT, response 1000 TEXT, total 26000
        ! Compressed -14 contents -14000 tokens, 13000 left
        ! Generate #14 user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' user:'aaa' model:'yyy' | user:'aaa'
        < turnComplete prompt 13000 TEXT, response 1000 TEXT, total 14000
    "#]],
    );
}

#[test]
fn a_cut_takes_whole_turns_with_their_calls_and_leaves_what_is_not_answered() {
    let x = "x".repeat(12_000);
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!(
            "{TEXT} window=5000/0 fn=f\nC text {x}\nM call f\nC answer f\nM text {x}\nM end\nC turns user:a user:b\nC text c\nM end\nC text d"
        ),
        expect![[r#"
            ! Generate #1 | user:'xxx'
            < turnComplete prompt 3001 TEXT, response 1 TEXT, total 3002
            ! Generate #2 user:'xxx' model:f() | user:f->
            < turnComplete prompt 3005 TEXT, response 3000 TEXT, total 6005
            ! Compressed -4 contents -6004 tokens, 4 left
            ! Generate #3 | user:'a' user:'b' user:'c'
            < turnComplete prompt 4 TEXT, total 4
            ! Generate #4 user:'a' user:'b' user:'c' | user:'d'
        "#]],
    );
}

#[test]
fn one_turn_that_outgrows_the_window_ends_the_session_all_the_same() {
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} window=5000/\nC text {}\nM end\nC text {}", "x".repeat(40_000), "x".repeat(140_000)),
        expect![[r#"
            ! Generate #1 | user:'xxx'
            < turnComplete prompt 10000 TEXT, total 10000
            ! Compressed -1 contents -10000 tokens, 35000 left
            ! Violation the whole context: the session holds 35000 tokens, of 32768 at most; start a new session, and say less in one turn
            < close 1007 Request contains an invalid argument.
        "#]],
    );
}

#[test]
fn what_waited_for_the_end_of_a_turn_may_be_too_much_for_the_next() {
    let long = "x".repeat(132_000);
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} nointerrupt\nC say a\nM text b\nC say {long}\nM end"),
        expect![[r#"
            ! Generate #1 | user:'a'
            < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
            ! Violation the whole context: the session holds 33002 tokens, of 32768 at most; start a new session, with contextWindowCompression if it is to go on for long
            < close 1007 Request contains an invalid argument.
        "#]],
    );
}

#[test]
fn seeds_are_cut_where_they_do_not_fit() {
    let seed = format!("C turns user:{0} model:{0}\n", "s".repeat(24_000)).repeat(3);
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} window=/\n{seed}C text hi"),
        expect![[r#"
        ! Compressed -4 contents -24000 tokens, 12000 left
        ! Generate #1 | user:'sss' model:'sss' user:'hi'
    "#]],
    );
}

#[test]
fn turns_that_the_model_passed_over_are_cut_one_by_one() {
    let turns = format!("C text {}\nM end\n", "p".repeat(8_000)).repeat(4);
    check_cuts(
        ServerConfig::new(Backend::Gemini),
        &format!("{TEXT} window=5000/\n{turns}"),
        expect![[r#"
        ! Generate #1 | user:'ppp'
        < turnComplete prompt 2000 TEXT, total 2000
        ! Generate #2 user:'ppp' | user:'ppp'
        < turnComplete prompt 4000 TEXT, total 4000
        ! Compressed -2 contents -4000 tokens, 2000 left
        ! Generate #3 | user:'ppp'
        < turnComplete prompt 2000 TEXT, total 2000
        ! Generate #4 user:'ppp' | user:'ppp'
        < turnComplete prompt 4000 TEXT, total 4000
    "#]],
    );
}

#[test]
fn bounds_on_memory_cut_too() {
    let config = || ServerConfig {
        limits: Limits { history_contents_max: 6, ..Limits::default() },
        ..ServerConfig::new(Backend::Gemini)
    };
    let turns = "C text a\nM text b\nM end\n".repeat(4);
    check_cuts(
        config(),
        &format!("{TEXT} window=/\n{turns}"),
        expect![[r#"
        ! Generate #1 | user:'a'
        < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
        ! Generate #2 user:'a' model:'b' | user:'a'
        < turnComplete prompt 3 TEXT, response 1 TEXT, total 4
        ! Generate #3 user:'a' model:'b' user:'a' model:'b' | user:'a'
        < turnComplete prompt 5 TEXT, response 1 TEXT, total 6
        ! Compressed -4 contents -4 tokens, 3 left
        ! Generate #4 user:'a' model:'b' | user:'a'
        < turnComplete prompt 3 TEXT, response 1 TEXT, total 4
    "#]],
    );
    check_cuts(
        config(),
        &format!("{TEXT}\n{turns}"),
        expect![[r#"
            ! Generate #1 | user:'a'
            < turnComplete prompt 1 TEXT, response 1 TEXT, total 2
            ! Generate #2 user:'a' model:'b' | user:'a'
            < turnComplete prompt 3 TEXT, response 1 TEXT, total 4
            ! Generate #3 user:'a' model:'b' user:'a' model:'b' | user:'a'
            < turnComplete prompt 5 TEXT, response 1 TEXT, total 6
            ! Violation the whole context: the session holds 7 contents, of 6 at most; start a new session
            < close 1007 Request contains an invalid argument.
        "#]],
    );
}

#[test]
fn what_a_cut_frees_is_there_for_later_turns() {
    let config = ServerConfig {
        limits: Limits { history_bytes_max: 16_000, ..Limits::default() },
        ..ServerConfig::new(Backend::Gemini)
    };
    let turns = format!("C text {}\nM text {}\nM end\n", "a".repeat(2_000), "b".repeat(2_000)).repeat(8);
    check_cuts(
        config,
        &format!("{TEXT} window=/\n{turns}"),
        expect![[r#"
        < turnComplete prompt 2500 TEXT, response 500 TEXT, total 3000
        ! Compressed -4 contents -2000 tokens, 1500 left
        ! Generate #6 user:'aaa' model:'bbb' | user:'aaa'
        < turnComplete prompt 1500 TEXT, response 500 TEXT, total 2000
        ! Generate #7 user:'aaa' model:'bbb' user:'aaa' model:'bbb' | user:'aaa'
        < turnComplete prompt 2500 TEXT, response 500 TEXT, total 3000
        ! Compressed -4 contents -2000 tokens, 1500 left
        ! Generate #8 user:'aaa' model:'bbb' | user:'aaa'
        < turnComplete prompt 1500 TEXT, response 500 TEXT, total 2000
    "#]],
    );
}

#[test]
fn triggers_and_targets_are_checked() {
    let setups = [
        "window",
        "window=4999/",
        "window=128001/",
        "window=-5/",
        "window=/128001",
        "window=/-1",
        "window=6000/6000",
        "window=/30000",
        "window=5000/0",
        "window=128000/127999",
    ];
    let mut log = String::new();
    for words in setups {
        let mut world = World::new(ServerConfig::new(Backend::Gemini));
        world.step(&format!("{TEXT} {words}"));
        let mut shown = String::new();
        while let Some(output) = world.engine.poll_output() {
            match output {
                Output::Event(ServerEvent::Violation(violation)) => shown = violation.explanation().to_string(),
                Output::Event(ServerEvent::SetupAccepted(session)) => shown = format!("{:?}", session.compression),
                _ => {}
            }
        }
        let _ = writeln!(log, "{words}: {shown}");
    }
    expect![[r#"
        window: setup.contextWindowCompression.slidingWindow: compression needs a mechanism, and there is one; add slidingWindow, empty for its defaults
        window=4999/: setup.contextWindowCompression.triggerTokens: it takes 5000 to 128000; found 4999; choose a number in that range, or leave it out
        window=128001/: setup.contextWindowCompression.triggerTokens: it takes 5000 to 128000; found 128001; choose a number in that range, or leave it out
        window=-5/: setup.contextWindowCompression.triggerTokens: it takes 5000 to 128000; found -5; choose a number in that range, or leave it out
        window=/128001: setup.contextWindowCompression.slidingWindow.targetTokens: it takes 0 to 128000; found 128001; choose a number in that range, or leave it out
        window=/-1: setup.contextWindowCompression.slidingWindow.targetTokens: it takes 0 to 128000; found -1; choose a number in that range, or leave it out
        window=6000/6000: setup.contextWindowCompression.slidingWindow.targetTokens: it is below the trigger of 6000; found 6000; lower it, or leave it out for half of the trigger
        window=/30000: setup.contextWindowCompression.slidingWindow.targetTokens: it is below the trigger of 26214; found 30000; lower it, or leave it out for half of the trigger
        window=5000/0: Some(Compression { trigger: 5000, target: 0 })
        window=128000/127999: Some(Compression { trigger: 32768, target: 16384 })
    "#]].assert_eq(&log);
}
