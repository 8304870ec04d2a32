//! The generated parts of docs/engine.md and docs/sessions.md: equal to the code they describe, or this fails. `UPDATE_EXPECT=1` rewrites them.
#![expect(clippy::disallowed_methods, reason = "the documentation is a file")]

use std::fmt::Write as _;
use std::path::Path;

use live_engine::client_session::retry::{Plan, Step, Wait};
use live_engine::timer::Timer;
use live_engine::*;
use live_proto::{DecodeError, DecodeErrorKind, JsonPath};

/// Compares what stands in docs/engine.md between the markers of `name` with `text`.
#[track_caller]
fn check(name: &str, text: &str) {
    check_in("engine.md", name, text);
}

#[track_caller]
pub(crate) fn check_in(file: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    let doc = std::fs::read_to_string(&path).expect("the documentation is there");
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let from = doc.find(&begin).unwrap_or_else(|| panic!("{begin} is in {file}")) + begin.len();
    let to = from + doc[from..].find(&end).unwrap_or_else(|| panic!("{end} is in {file}"));
    if &doc[from..to] == text {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{}{text}{}", &doc[..from], &doc[to..]))
            .expect("the documentation can be written");
    } else {
        panic!(
            "docs/{file} says of {name}:\n{}\nthe code says:\n{text}\n(UPDATE_EXPECT=1 rewrites it)",
            &doc[from..to]
        );
    }
}

/// One test, since the parts share a file.
#[test]
fn the_documentation_says_what_the_code_does() {
    check("turn diagram", &turn_diagram());
    check("turn table", &turn_table());
    check("observed table", &observed_table());
    check("timers", &timers());
    check("limits", &limits());
    check("closes", &closes());
}

#[test]
fn the_documentation_says_what_an_end_leads_to() {
    check_in("sessions.md", "retry", &retries());
}

fn retries() -> String {
    let malformed = DecodeError { path: JsonPath::default(), kind: DecodeErrorKind::Base64 };
    let rows = [
        ("closed by us", Cause::Local, Phase::Open),
        ("1000", Cause::Normal, Phase::Open),
        ("no close frame; nobody listens", Cause::Lost, Phase::Open),
        ("no connection or no `setupComplete` in time", Cause::SetupTimeout, Phase::Setup),
        ("another first message", Cause::NotALiveServer, Phase::Setup),
        ("bytes that are no message, first", Cause::Unreadable(malformed), Phase::Setup),
        ("1007, or 1000, before `setupComplete`", Cause::InvalidArgument, Phase::Setup),
        ("1007 later", Cause::InvalidArgument, Phase::Open),
        ("a key, a token, a project, a place", Cause::Unauthorized, Phase::Setup),
        ("1008 `.. is not found ..`", Cause::ModelNotFound, Phase::Setup),
        ("1008 `.. session not found`", Cause::SessionNotFound, Phase::Setup),
        ("1011 `.. quota ..`, HTTP 429", Cause::Quota, Phase::Setup),
        ("1001, 1008 `.. aborted ..`, 1011 `Deadline expired ..`", Cause::Expired, Phase::Open),
        ("1011-1013, HTTP 5xx", Cause::Unavailable, Phase::Open),
        ("any other", Cause::Other, Phase::Open),
    ];
    let mut out = String::from("| end | cause | first, then .. | waits | because |\n|---|---|---|---|---|\n");
    for (end, cause, phase) in rows {
        let Plan { steps, repeats, wait, because } = Plan::of(&cause, phase);
        let mut steps: Vec<&str> = steps
            .iter()
            .map(|step| match step {
                Step::Again => "again",
                Step::Bare => "bare",
                Step::Anew => "anew",
            })
            .collect();
        steps.push(if repeats { ".." } else { "give up" });
        let wait = match wait {
            _ if steps == ["give up"] => "",
            Wait::Soon => "not the first time",
            Wait::Backoff => "yes",
            Wait::Long => "20 times as long",
        };
        let cause = format!("{cause:?}");
        let cause: String = cause.chars().take_while(|c| c.is_alphanumeric()).collect();
        let _ = writeln!(out, "| {end} | `{cause}` | {} | {wait} | {because} |", steps.join(", "));
    }
    out
}

fn turn_diagram() -> String {
    let mut out = String::from("```mermaid\nstateDiagram-v2\n    [*] --> Idle\n");
    for from in Turn::EACH {
        for to in Turn::EACH {
            let signals: Vec<&str> = Signal::EACH
                .into_iter()
                .filter(|signal| from.after(*signal).is_ok_and(|turn| turn.name() == to.name()))
                .map(Signal::name)
                .collect();
            if !signals.is_empty() {
                let _ = writeln!(out, "    {} --> {}: {}", from.name(), to.name(), signals.join(", "));
            }
        }
    }
    out + "```\n"
}

/// A row for each state, a column for each signal; `next` gives a cell.
fn table(next: impl Fn(Turn, Signal) -> String) -> String {
    let mut out = String::from("| |");
    for signal in Signal::EACH {
        let _ = write!(out, " {} |", signal.name());
    }
    out += "\n|---|";
    out += &"---|".repeat(Signal::EACH.len());
    for turn in Turn::EACH {
        let _ = write!(out, "\n| **{}** |", turn.name());
        for signal in Signal::EACH {
            let _ = write!(out, " {} |", next(turn, signal));
        }
    }
    out + "\n"
}

fn turn_table() -> String {
    table(|turn, signal| turn.after(signal).map_or_else(|_| "·".into(), |turn| turn.name().into()))
}

fn observed_table() -> String {
    table(|turn, signal| {
        if turn.after(signal).is_ok() {
            return "·".into();
        }
        let observed = turn.observe(signal, TurnId(2));
        if observed.opened { format!("+ {}", observed.turn.name()) } else { "stays".into() }
    })
}

fn timers() -> String {
    let mut out = String::from("| timer | armed when | due | does |\n|---|---|---|---|\n");
    for timer in Timer::ALL {
        let [armed, due, does] = timer.row();
        let _ = writeln!(out, "| `{timer:?}` | {armed} | {due} | {does} |");
    }
    out
}

fn limits() -> String {
    let mut out = String::from("| limit | default | what it bounds, and why so |\n|---|---|---|\n");
    for (name, default, reason) in Limits::TABLE {
        let _ = writeln!(out, "| `{name}` | {default} | {} |", reason.trim());
    }
    out
}

fn closes() -> String {
    let mut out = String::from("| reason | code | gRPC | text |\n|---|---|---|---|\n");
    for (name, reason) in reasons() {
        let told = reason.told();
        let text = if told.text.as_str().is_empty() {
            String::new()
        } else {
            format!("`` {} ``", told.text).replace('|', "\\|")
        };
        let _ = writeln!(out, "| {name} | {} | {} | {text} |", told.code, told.status.name());
    }
    out
}

fn reasons() -> Vec<(String, CloseReason)> {
    let mut reasons: Vec<(String, CloseReason)> = Vec::new();
    reasons.extend(Refusal::ALL.map(|refusal| (format!("Refused: {refusal:?}"), CloseReason::Refused(refusal))));
    reasons.extend([
        ("SetupTimeout".into(), CloseReason::SetupTimeout),
        ("ModelFailed".into(), CloseReason::ModelFailed(String::new())),
        ("KeepingFailed".into(), CloseReason::KeepingFailed),
        ("Shutdown".into(), CloseReason::Shutdown),
        ("LifetimeOver: Aborted".into(), CloseReason::LifetimeOver(Lifetime::Connection, Cut::Aborted)),
        ("LifetimeOver: DeadlineExpired".into(), CloseReason::LifetimeOver(Lifetime::Connection, Cut::DeadlineExpired)),
        ("TakenOver".into(), CloseReason::TakenOver),
        ("PeerUnfit (client)".into(), CloseReason::PeerUnfit),
        ("Done (client)".into(), CloseReason::Done),
    ]);
    for (_, reason) in &reasons {
        assert!(is_listed(reason));
    }
    reasons
}

/// A reason that is new stops the build here until it is listed above.
fn is_listed(reason: &CloseReason) -> bool {
    match reason {
        CloseReason::Violation(_)
        | CloseReason::Refused(_)
        | CloseReason::SetupTimeout
        | CloseReason::ModelFailed(_)
        | CloseReason::KeepingFailed
        | CloseReason::Shutdown
        | CloseReason::LifetimeOver(..)
        | CloseReason::TakenOver
        | CloseReason::PeerUnfit
        | CloseReason::Done => true,
        // Nobody is left to be told.
        CloseReason::Disconnected(_) => false,
    }
}
