//! Code that is written, run and told: rules E22 to E24.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::{Expect, expect};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use live_engine::ModelOutput;
use live_model::embedded::EmbeddedConfig;
use live_model::{BuiltIns, CodeExecutor, Embedded, Model as _};
use live_proto::{CodeExecutionResult, ExecutableCode, Outcome};

use crate::talk::Talk;

#[track_caller]
fn check(prompt: &str, expected: Expect) {
    expected.assert_eq(&Talk::new().code_execution().user(prompt).planned());
}

#[test]
fn code_that_is_to_be_run_is_run() {
    // rule: E22
    check(
        "run: print(1)",
        expect![[r#"
        runs "print(1)"
    "#]],
    );
    check(
        "run: x = 1\nprint(x)",
        expect![[r#"
            runs "x = 1\nprint(x)"
        "#]],
    );
    check(
        "Please Execute :\n\nx = 1\nif x:\n    print(x)\n\n",
        expect![[r#"
        runs "x = 1\nif x:\n    print(x)"
    "#]],
    );
    check(
        "run: this\n```python\nprint(1)\n```\nand tell me",
        expect![[r#"
        runs "print(1)"
    "#]],
    );
    check(
        "```\n  print(1)\n  print(2)\n```\nCan you run that?",
        expect![[r#"
        runs "  print(1)\n  print(2)"
    "#]],
    );
    check(
        "```py\nprint(1)",
        expect![[r#"
        says You said: "```py print(1)"
    "#]],
    );
    check(
        "run ```js\nalert(1)\n```",
        expect![[r#"
        says You said: "run ```js alert(1) ```"
    "#]],
    );
    check(
        "run:  ",
        expect![[r#"
        says You said: "run:"
    "#]],
    );
    check(
        "I run a lot",
        expect![[r#"
        says You said: "I run a lot"
    "#]],
    );
}

#[test]
fn arithmetic_is_computed_by_code() {
    // rule: E23
    check(
        "what is 17*23 + 4?",
        expect![[r#"
        runs "print(17 * 23 + 4)"
    "#]],
    );
    check(
        "How much is two plus two, and 10% of 50?",
        expect![[r#"
        runs "print(2 + 2)\nprint(10 / 100 * 50)"
    "#]],
    );
    check(
        "It was 2 - 1.",
        expect![[r#"
        says You said: "It was 2 - 1."
    "#]],
    );
    let ten: Vec<String> = (0..10).map(|number| format!("{number} + 1")).collect();
    let planned = Talk::new().code_execution().user(&format!("compute {}", ten.join(", "))).planned();
    assert_eq!(planned.matches("print").count(), 8, "{planned}");
}

#[test]
fn nothing_is_run_where_no_code_execution_is_set_up() {
    // rule: E22
    // rule: E23
    for prompt in ["run: print(1)", "what is 1 + 1"] {
        let planned = Talk::new().user(prompt).planned();
        assert_eq!(planned, format!("says You said: \"{prompt}\"\n"));
    }
}

#[test]
fn functions_come_first_and_their_answers_are_told_before() {
    // rule: E5
    let talk = Talk::new().functions(r#"[{"name": "get_time"}]"#).code_execution();
    expect![[r#"
        calls {"name":"get_time","args":{}}
    "#]]
    .assert_eq(&talk.clone().user("call get_time and run: print(1)").planned());
    let told = talk.function(r#"{"name": "get_time", "response": {"output": "noon"}}"#).user("and what is 1 + 1?");
    expect![[r#"
        says get_time says: noon.
        runs "print(1 + 1)"
    "#]]
    .assert_eq(&told.planned());
}

/// Gives what it is told to, or nothing, and counts runs that were begun and that came to an end.
#[derive(Clone, Default)]
struct Gives {
    result: Option<(Outcome, &'static str)>,
    begun: Arc<AtomicUsize>,
    alive: Arc<()>,
}

impl CodeExecutor for Gives {
    fn run(&self, code: ExecutableCode) -> BoxFuture<'static, CodeExecutionResult> {
        let Self { result, begun, alive } = self.clone();
        Box::pin(async move {
            let _alive = alive;
            begun.fetch_add(1, Ordering::Relaxed);
            let Some((outcome, output)) = result else { return std::future::pending().await };
            let output = if output.is_empty() { code.code } else { output.to_owned() };
            CodeExecutionResult { outcome, output, ..CodeExecutionResult::default() }
        })
    }
}

fn model(executor: Gives) -> Embedded {
    let built_ins = BuiltIns { code: Some(Arc::new(executor)), ..BuiltIns::default() };
    Embedded::new(EmbeddedConfig { pieces_per_second: 0, ..EmbeddedConfig::default() }).built_ins(built_ins)
}

async fn answer(talk: Talk, outcome: Outcome, output: &'static str) -> String {
    let model = model(Gives { result: Some((outcome, output)), ..Gives::default() });
    let outputs: Vec<_> = model.generate(talk.prompt()).collect().await;
    let mut shown = String::new();
    let mut words = String::new();
    for output in outputs {
        if let ModelOutput::Text(text) | ModelOutput::Speech { text, .. } = output {
            words += &text;
        } else if let ModelOutput::ExecutableCode(code) = output {
            shown += &format!("{words}[{:?} {}]", code.language, code.code);
        } else if let ModelOutput::CodeExecutionResult(result) = output {
            shown += &format!("[{:?} {}] ", result.outcome, result.output);
        } else {
            shown += &format!("{}{output:?}", std::mem::take(&mut words));
        }
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn code_is_shown_run_and_told() {
    // rule: E24
    let asks = |prompt: &str| Talk::new().code_execution().user(prompt);
    let table = [
        (
            asks("what is 17*23 + 4?"),
            Outcome::Ok,
            "395\n",
            "[Python print(17 * 23 + 4)][Ok 395\n] The result is 395.End(Complete)",
        ),
        (
            asks("what is 1+1, 2+2"),
            Outcome::Ok,
            "2\n4\n",
            "[Python print(1 + 1)\nprint(2 + 2)][Ok 2\n4\n] The results are 2 and 4.End(Complete)",
        ),
        (
            asks("run: x"),
            Outcome::Ok,
            "hello,\nyou!\n",
            "[Python x][Ok hello,\nyou!\n] The code says: hello, you!End(Complete)",
        ),
        (asks("run: x"), Outcome::Ok, "\n", "[Python x][Ok \n] The code has run, and put out nothing.End(Complete)"),
        (
            asks("run: x"),
            Outcome::Failed,
            "Traceback:\nNameError: no x\n",
            "[Python x][Failed Traceback:\nNameError: no x\n] The code failed: NameError: no x.End(Complete)",
        ),
        (
            asks("run: x"),
            Outcome::DeadlineExceeded,
            "so far",
            "[Python x][DeadlineExceeded so far] The code took too long, and was stopped.End(Complete)",
        ),
        (asks("run: x").in_speech("Puck"), Outcome::Ok, "1", "[Python x][Ok 1] The code says: 1.End(Complete)"),
    ];
    for (talk, outcome, output, expected) in table {
        assert_eq!(answer(talk, outcome, output).await, expected);
    }
    let long = answer(asks("run: x"), Outcome::Ok, "word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word ").await;
    assert!(long.ends_with("word…End(Complete)"), "{long}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_ends_the_run() {
    // rule: E24
    let executor = Gives::default();
    let mut answer =
        model(executor.clone()).generate(Talk::new().code_execution().user("run: while True: pass").prompt());
    assert!(matches!(answer.next().await, Some(ModelOutput::ExecutableCode(_))));
    assert_eq!(executor.begun.load(Ordering::Relaxed), 0, "code is shown before it is run");
    assert!(answer.next().now_or_never().is_none(), "it runs");
    assert_eq!(executor.begun.load(Ordering::Relaxed), 1);
    let alive = Arc::strong_count(&executor.alive);
    drop(answer);
    // The executor in the model is one holder, and this one another.
    assert!(Arc::strong_count(&executor.alive) < alive, "the run is gone");
}
