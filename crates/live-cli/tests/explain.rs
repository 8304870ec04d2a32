//! `live explain` as its user meets it: a file or standard input, what it prints, and the exit code.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Runs `live explain` with the words of `args`; `-` reads `input`.
fn explain(args: &[&str], input: &str) -> (i32, String, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_live"))
        .arg("explain")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // A program that does not read it may be gone.
    _ = process.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
    let done = process.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (done.status.code().expect("no signal"), text(done.stdout), text(done.stderr))
}

fn file(dir: &TempDir, name: &str, text: &str) -> String {
    let path: PathBuf = dir.path().join(name);
    std::fs::write(&path, text).expect("a directory of ours");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_setup_that_is_accepted_shows_what_its_defaults_become() {
    let dir = tempfile::tempdir().unwrap();
    let setup = file(
        &dir,
        "setup.json",
        r#"{"model": "models/gemini-3.1-flash-live-preview", "tools": [{"function_declarations": [{"name": "f"}]}]}"#,
    );
    let (code, out, _) = explain(&[&setup], "");
    assert_eq!(code, 0, "{out}");
    for line in [
        "  model          gemini-3.1-flash-live-preview, of the family live-3.1",
        "  answers in     AUDIO (by default)",
        "  voice          Puck (by default)",
        "  thinking       level MINIMAL (by default); thoughts are not shown",
        "  speech         found by the server: start HIGH, after 100 ms; end HIGH, after 500 ms of silence (by default)",
        "  turn covers    TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO (by default)",
        "  function       f: BLOCKING (by default)",
        "  window         131072 tokens; a longer session is closed",
    ] {
        assert!(out.lines().any(|it| it == line), "{line}\nin {out}");
    }
}

#[test]
fn everything_that_is_refused_is_told_at_once_in_either_spelling_and_form() {
    let frame = r#"{"setup": {"model": "models/gemini-2.0-flash-live-001", "generation_config": {"temperature": 3, "speechConfig":
        {"voice_config": {"prebuiltVoiceConfig": {"voice_name": "alloy"}}}}, "sessionResumption": {"transparent": true}}}"#;
    let (code, out, _) = explain(&["-"], frame);
    assert_eq!(code, 1, "{out}");
    let ids: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("         ")?.split(',').next()).collect();
    assert_eq!(ids, ["setup.field-of-other-backend", "setup.voice-unknown", "setup.number-out-of-range"], "{out}");
    assert!(out.contains("closes with 1007 No matching speaker voice found for name: alloy"), "{out}");

    let (_, out, _) = explain(
        &["-"],
        r#"{"model": "models/gemini-3.8-live", "tools": [{"functionDeclarations": [{"name": "1"}, {"name": "f",
        "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "strin"}, "b": {"enum": []}}}}]}]}"#,
    );
    let ids: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("         ")?.split(',').next()).collect();
    assert_eq!(ids, ["tools.function-name-begins", "schema.type-unknown", "schema.enum-empty"], "{out}");

    // On Vertex the handle may be transparent, and another model has another temper.
    let (code, out, _) = explain(&["-", "--backend", "vertex", "--json"], frame);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told["refused"].as_array().unwrap().len()), (1, 2), "{out}");
    assert_eq!(told["refused"][0]["id"], "setup.voice-unknown");
}

#[test]
fn the_model_and_a_file_of_profiles_can_be_given() {
    let dir = tempfile::tempdir().unwrap();
    let thinks = r#"{"model": "models/gemini-live-2.5-flash-preview", "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}"#;
    assert_eq!(explain(&["-"], thinks).0, 0);
    let (code, out, _) = explain(&["-", "--model", "gemini-3.8-live"], thinks);
    assert!(code == 1 && out.contains("setup.thinking-budget-unsupported"), "{out}");
    let profiles = file(
        &dir,
        "p.toml",
        "[[family]]\nname = \"house\"\ninherits = \"live-3.8\"\nmodels = [\"gemini-3.8-live\"]\nthinking = { budget = [0, 9] }\n",
    );
    assert_eq!(explain(&["-", "--model", "gemini-3.8-live", "--profiles", &profiles], thinks).0, 0);
    let wrong =
        file(&dir, "w.toml", "[[family]]\nname = \"house\"\ninherits = \"live-3.8\"\nmodels = [\"h\"]\nvoice = []\n");
    let (code, _, error) = explain(&["-", "--profiles", &wrong], thinks);
    assert!(code == 2 && error.contains("w.toml: line 5, family[0].voice: unknown field `voice`"), "{error}");
}

#[test]
fn bad_json_is_told_with_line_and_column() {
    let (code, out, _) = explain(&["-"], "{\n  \"model\": \"m\",\n  \"tools\": [}\n");
    assert_eq!(code, 1, "{out}");
    assert!(out.starts_with("line 3, column 13\nrefused: "), "{out}");
    let (code, out, _) = explain(&["-"], r#"{"model": "m", "generationConfig": {"temprature": 1}}"#);
    assert!(code == 1 && out.contains("setup.generationConfig: a strict reader takes known fields only"), "{out}");
    let (_, out, _) = explain(&["-"], "\u{feff}{\"model\": ");
    assert!(out.starts_with("line 1, column 11\n") && out.contains("at byte 10;"), "{out}");
    assert_eq!(explain(&["-", "--model", "gemini-3.8-live"], "{}").0, 0);
    let (code, _, error) = explain(&["-"], r#"{"clientContent": {}}"#);
    assert!(code == 2 && error.contains("no setup"), "{error}");
}

#[test]
fn what_is_refused_is_not_said_to_be_taken() {
    let frame = r#"{"model": "models/gemini-live-2.5-flash-preview", "proactivity": {"proactiveAudio": true}, "safetySettings":
        [{"category": "HARM_CATEGORY_HARASSMENT"}]}"#;
    let (code, out, _) = explain(&["-"], frame);
    let warned: Vec<&str> = out.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(
        (code, warned),
        (1, vec!["warning: setup.safetySettings: taken, and without effect on a server of ours"]),
        "{out}"
    );
}

#[test]
fn a_close_is_explained() {
    let (code, out, _) = explain(&["1007", "No matching speaker voice found for name: alloy"], "");
    assert_eq!(code, 0);
    for part in
        ["wrong:  the request\n", "rule:   setup.voice-unknown: ", "retry:  once, as a new session without the handle"]
    {
        assert!(out.contains(part), "{part}\nin {out}");
    }
    let (_, out, _) =
        explain(&["1008", "Connection aborted because the client failed to close the conn", "--open"], "");
    assert!(out.contains("goAway had said when") && out.contains("retry:  yes, at once"), "{out}");
    let (_, out, _) = explain(&["1011", "--json"], "");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["culprit"], "the server");
    let (code, _, error) = explain(&["1007", "--model", "m"], "");
    assert!(code == 2 && error.contains("--model goes with a setup"), "{error}");
    let (code, _, error) = explain(&["70000"], "");
    assert!(code == 2 && error.contains("70000 is no close code"), "{error}");
    let (_, out, _) = explain(&["1007", "Request contains an inv"], "");
    assert!(out.contains("rules:  ") && out.contains("context.tokens"), "{out}");
}

#[test]
fn the_models_are_listed_with_their_sources() {
    let (code, out, _) = explain(&["--models"], "");
    assert_eq!(code, 0);
    assert!(out.contains("extended-thinking-3.8: gemini-3.8-live-extended-thinking*\n"), "{out}");
    assert!(out.contains("  refused_behaviors      BLOCKING [D I]\n"), "{out}");
    let (_, out, _) = explain(&["--models", "--json"], "");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told.as_array().unwrap().len(), 8);
}
