//! Worlds by seeds and by bytes: all is well in each, and the same bytes give the same world.

use std::fs;
use std::path::Path;

use live_sim::{Failure, Figures, Rule, Trace, bytes_of_seed, run};
use proptest::prelude::*;

#[track_caller]
fn check(bytes: &[u8]) -> Figures {
    let (figures, failure) = run(bytes, &mut Trace::off());
    if failure.is_some() {
        let mut trace = Trace::on();
        let (_, failure) = run(bytes, &mut trace);
        let failure = failure.map_or_else(|| "not the second time".to_owned(), |failure| failure.to_string());
        panic!("{}\n{failure}\nbytes: {bytes:?}", trace.text());
    }
    figures
}

#[test]
fn all_is_well_in_hundreds_of_worlds() {
    let mut sum = Figures::default();
    for seed in 0..300 {
        sum += &check(&bytes_of_seed(seed));
    }
    assert_eq!(sum.worlds, 300);
    let untested: Vec<_> = sum.untested().map(Rule::name).collect();
    assert_eq!(untested, [""; 0], "every rule was put to the test");
    assert!(sum.faults.iter().all(|count| *count > 0), "everything went wrong at least once: {sum}");
}

#[test]
fn a_clock_that_leaps_over_an_announced_end_leaves_no_time_to_give() {
    // goAway with 90 s, a frame of video that brings the end nearer, and a leap of five minutes before that is told.
    check(&bytes_of_seed(8_500_447));
}

#[test]
fn what_was_sent_before_its_run_was_aborted_may_be_said_again() {
    // A piece of a generator is told in words, and asked again of a new session.
    check(&bytes_of_seed(1_015_774));
    // Pieces are sent, and then again behind a handle, as messages that the server did not consume.
    check(&bytes_of_seed(1_018_436));
}

#[test]
fn what_was_sent_before_its_call_was_withdrawn_stays_in_the_history() {
    check(&bytes_of_seed(1_021_148));
}

#[test]
fn the_same_bytes_give_the_same_world() {
    for seed in [0, 1, 7, 42, 1_000_003] {
        let bytes = bytes_of_seed(seed);
        let (mut one, mut other) = (Trace::on(), Trace::on());
        let (first, second) = (run(&bytes, &mut one), run(&bytes, &mut other));
        assert_eq!(first, second, "seed {seed}");
        assert_eq!(one.text(), other.text(), "seed {seed}");
        assert!(one.text().lines().count() > 10, "something happened");
    }
}

#[test]
fn a_world_without_bytes_is_calm() {
    let figures = check(&[]);
    assert_eq!((figures.sessions, figures.connections, figures.lost, figures.dropped), (1, 1, 0, 0));
    assert!(figures.turns >= 1, "its last question was answered");
}

#[test]
fn all_is_well_in_the_worlds_of_the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/world");
    let mut count = 0;
    for file in fs::read_dir(folder).expect("the corpus is committed") {
        check(&fs::read(file.expect("it can be listed").path()).expect("it can be read"));
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}

/// A judge that cannot find fault proves nothing.
#[test]
fn a_failure_names_its_rule() {
    let failure = Failure { rule: Some(Rule::CallOnce), what: "session 0 is told call (1, 1000) twice".into() };
    assert_eq!(
        failure.to_string(),
        "call-once: session 0 is told call (1, 1000) twice\n  the rule: No call is told twice."
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_is_well_whatever_the_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&bytes);
    }
}
