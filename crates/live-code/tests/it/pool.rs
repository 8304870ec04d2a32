//! Many programs at once, programs that nobody waits for, and workers that are not what they should be.

use std::fs;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use live_code::{Limits, WorkerCommand, Workers};
use live_model::CodeExecutor as _;
use live_proto::{CodeExecutionResult, ExecutableCode, Language, Outcome};

use crate::bench::{WORKER, python, run, workers};

/// What a worker says first.
const HELLO: &str = "live-code worker 1\\n";

/// A worker made of a few lines of shell, which is to take its 28 bytes of limits first.
fn shell(script: &str, limits: Limits) -> Workers {
    let script = format!("head() {{ /usr/bin/head \"$@\" > /dev/null; }}; head -c 28; {script}");
    Workers::new(WorkerCommand::new("/bin/sh", ["-c", &script]), limits).expect("this is no worker")
}

#[tokio::test]
async fn a_worker_works() {
    workers(Limits::default()).check().await.expect("it does");
}

#[tokio::test]
async fn no_run_knows_of_another() {
    let workers = workers(Limits::default());
    let marks = "import math, json\nx = 'mine'\nmath.pi = 3\nprint(math.pi)";
    run(&workers, marks).await;
    let found = run(&workers, "import math\nprint(math.pi)\nx").await;
    assert_eq!(found.outcome, Outcome::Failed);
    assert!(found.output.starts_with("3.14159") && found.output.contains("NameError"), "{}", found.output);
}

#[tokio::test]
async fn what_cannot_be_run_is_told() {
    let workers = workers(Limits { code_bytes_max: 20, ..Limits::default() });
    let other = ExecutableCode { language: Language::from_number(7), ..python("print(1)") };
    let found = workers.run(other).await;
    assert_eq!(
        (found.outcome, found.output.as_str()),
        (Outcome::Failed, "SystemError: the language is not known: write Python\n")
    );
    let fits = run(&workers, "print('12345678901')").await;
    assert_eq!(fits.output, "12345678901\n", "20 bytes");
    let found = run(&workers, "print('123456789012')").await;
    assert_eq!(found.outcome, Outcome::Failed, "{}", found.output);
    let named = ExecutableCode { id: "a".to_owned(), ..python("1") };
    assert_eq!(workers.run(named).await.id, "a");
}

#[tokio::test]
async fn programs_run_side_by_side_and_the_queue_has_an_end() {
    let workers = workers(Limits { runs_max: 2, waiting_max: 3, ..Limits::default() });
    let mut asked: Vec<_> = (0..6).map(|number| workers.run(python(format!("print({number})")))).collect();
    // Polled in order, so that the last one finds no place.
    let last = asked.pop().expect("six");
    let (answers, refused) = futures_util::future::join(join_all(asked), last).await;
    let said: Vec<&str> = answers.iter().map(|answer| answer.output.as_str()).collect();
    assert_eq!(said, ["0\n", "1\n", "2\n", "3\n", "4\n"]);
    assert_eq!(refused.outcome, Outcome::Failed);
    assert!(refused.output.contains("2 are running and 3 are waiting; try again later"), "{}", refused.output);
    assert_eq!(run(&workers, "1").await.output, "1\n", "places are given back");
}

#[tokio::test]
async fn one_that_waits_too_long_for_its_turn_is_told() {
    let workers = workers(Limits { runs_max: 1, time: Duration::from_millis(700), ..Limits::default() });
    let endless = workers.run(python("while True: pass"));
    let (stopped, busy) = futures_util::future::join(endless, workers.run(python("1"))).await;
    assert_eq!(stopped.outcome, Outcome::DeadlineExceeded);
    // It ends as the other's patience does: either is told.
    assert!(busy.output == "1\n" || busy.output.contains("none ended within 700ms"), "{}", busy.output);
}

/// Where the workers of one test say their number.
struct Notes(tempfile::TempDir);

impl Notes {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> String {
        self.0.path().join("pids").display().to_string()
    }

    /// The processes that said so.
    fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.0.path().join("pids")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

/// Whether a process runs; one that ended and that nobody has asked about since does not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}

/// Lets the runtime work until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_run_that_is_dropped_is_killed() {
    if !Path::new("/proc/self/stat").exists() {
        return;
    }
    let notes = Notes::new();
    let script = format!("printf '{HELLO}'; head -c 4; echo $$ >> {}; exec /bin/sleep 1000", notes.path());
    let workers = shell(&script, Limits { runs_max: 1, ..Limits::default() });
    let mut asked = workers.run(python("1"));
    until("it says its number", || {
        assert!((&mut asked).now_or_never().is_none(), "it sleeps");
        !notes.pids().is_empty()
    })
    .await;
    let pids = notes.pids();
    assert!(pids.iter().all(|pid| is_running(*pid)));
    drop(asked);
    until("it is gone", || !pids.iter().any(|pid| is_running(*pid))).await;
    drop(workers);
}

#[tokio::test]
async fn workers_that_misbehave_do_no_harm() {
    let limits = Limits { time: Duration::from_millis(300), output_bytes_max: 1000, ..Limits::default() };
    let ready = |rest: &str| format!("printf '{HELLO}'; head -c 4; {rest}");
    let cases = [
        // Not workers.
        ("exit 3".to_owned(), Outcome::Failed, "no interpreter"),
        ("printf 'Usage: sh\\n'".to_owned(), Outcome::Failed, "no interpreter"),
        ("printf 'live-code worker 2\\n'".to_owned(), Outcome::Failed, "no interpreter"),
        // Workers that end.
        (ready("exit 3"), Outcome::Failed, "interpreter failed"),
        (ready("kill -9 $$"), Outcome::Failed, "interpreter failed"),
        (ready("kill -11 $$"), Outcome::Failed, "interpreter failed"),
        (ready("printf 'o\\0\\0\\0\\003abc'; exit 1"), Outcome::Failed, "abc\nSystemError: the interpreter failed"),
        (ready("printf 'o\\0\\0\\0\\003ab'; exit 1"), Outcome::Failed, "interpreter failed"),
        // Workers that hang.
        (ready("exec /bin/sleep 1000"), Outcome::DeadlineExceeded, "stopped after 300ms"),
        (ready("printf 'o\\0\\0\\0\\003abc'; exec /bin/sleep 1000"), Outcome::DeadlineExceeded, "abc\nTimeoutError"),
        // Workers that say what workers do not.
        (ready("printf 'what else is there'"), Outcome::Failed, "interpreter failed"),
        (ready("printf 'o\\377\\377\\377\\377'"), Outcome::Failed, "interpreter failed"),
        (ready("printf 'd\\0\\0\\377\\377'"), Outcome::Failed, "interpreter failed"),
        (ready("while :; do printf 'o\\0\\0\\0\\003abc'; done"), Outcome::Failed, "abcabcabc"),
        (ready("while :; do printf 'much to complain about\\n' >&2; done"), Outcome::DeadlineExceeded, "stopped"),
        // One that is as it should be.
        (ready("printf 'o\\0\\0\\0\\003abcd\\0\\0\\0\\0'"), Outcome::Ok, "abc"),
    ];
    for (script, outcome, says) in cases {
        let workers = shell(&script, limits);
        // The second one finds a worker that was started before it was needed.
        for round in 0..2 {
            let found = run(&workers, "1").await;
            assert!(found.outcome == outcome && found.output.contains(says), "{script}, {round}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_spare_worker_that_is_gone_is_replaced() {
    let notes = Notes::new();
    let path = notes.path();
    // The second one ends at once.
    let script = format!(
        "echo $$ >> {path}; n=0; while read -r _; do n=$((n + 1)); done < {path}; [ $n != 2 ] || exit 1; \
         printf '{HELLO}'; head -c 4; printf 'd\\0\\0\\0\\0'"
    );
    let workers = shell(&script, Limits::default());
    for _ in 0..3 {
        let CodeExecutionResult { outcome, output, .. } = run(&workers, "1").await;
        assert_eq!(outcome, Outcome::Ok, "{output}");
    }
}

#[tokio::test]
async fn a_spare_worker_that_was_ready_and_is_gone_costs_no_program() {
    if !Path::new("/proc/self/stat").exists() {
        return;
    }
    let notes = Notes::new();
    let script = format!("printf '{HELLO}'; echo $$ >> {}; head -c 4; printf 'd\\0\\0\\0\\0'", notes.path());
    let workers = shell(&script, Limits::default());
    for round in 1..4 {
        let CodeExecutionResult { outcome, output, .. } = run(&workers, "1").await;
        assert_eq!(outcome, Outcome::Ok, "{output}");
        // Each run starts one for itself and one to spare.
        until("the spare one is ready", || notes.pids().len() == 2 * round).await;
        let spare = notes.pids()[2 * round - 1];
        let killed = std::process::Command::new("/bin/kill").args(["-9", &spare.to_string()]).status();
        assert!(killed.expect("kill runs").success());
        until("it is gone", || !is_running(spare)).await;
    }
}

#[tokio::test]
async fn a_program_ends_with_its_host() {
    let program = "while True: pass";
    // It hears of its limits and its program, and then that nobody is there.
    let bytes = 28 + 4 + program.len();
    let script = format!("dd bs=1 count={bytes} 2> /dev/null | {WORKER}");
    let limits = Limits { time: Duration::from_secs(20), ..Limits::default() };
    let command = WorkerCommand::new("/bin/sh", ["-c", &script]);
    let workers = Workers::new(command, limits).expect("this is no worker");
    let CodeExecutionResult { outcome, output, .. } = run(&workers, program).await;
    assert_eq!((outcome, output.as_str()), (Outcome::Failed, "SystemError: the interpreter failed\n"));
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let workers = Workers::new(WorkerCommand::new("/no/such/worker", [""; 0]), Limits::default()).expect("no worker");
    let why = workers.check().await.expect_err("it is not there");
    assert!(why.contains("/no/such/worker cannot be run"), "{why}");
    let sh = Workers::new(WorkerCommand::new("/bin/sh", ["-c", "exit 0"]), Limits::default()).expect("no worker");
    let why = sh.check().await.expect_err("it is no worker");
    assert!(why.contains("live_code::run_worker()"), "{why}");
}
