//! `live demo` as a program: what it prints, what it writes, and when it fails.

use std::path::Path;
use std::process::{Command, Output};

fn demo(args: &[&str], out: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_live"));
    command.arg("demo").args(args).arg("--out").arg(out).output().expect("the program starts")
}

#[test]
fn the_demo_shows_three_turns_and_writes_what_was_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("demo.wav");
    let Output { status, stdout, stderr } = demo(&["--quick", "--voice", "Kore"], &out);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}\n{stderr}");
    for shown in [
        "→ setup",
        "← setupComplete",
        "voice Kore",
        "“You said: \"Hello!",
        "→ activityStart",
        "→ activityEnd",
        "← interrupted",
        "“You asked:",
        "→ close 1000",
        "Measured",
        "first sound",
    ] {
        assert!(stdout.contains(shown), "{shown} is not in\n{stdout}");
    }
    assert_eq!(stdout.matches("← turnComplete").count(), 4, "one a turn, cut short or not:\n{stdout}");
    for line in stdout.lines() {
        assert!(line.chars().count() <= 100, "longer than 100 characters: {line}");
        assert!(!line.contains('\x1b'), "colours are for terminals: {line:?}");
    }

    let wav = live_audio::Wav::decode(&std::fs::read(&out).expect("the file is written")).expect("it is a WAV file");
    assert_eq!(wav.rate_hz, 24_000);
    assert!(wav.samples.len() > 10 * 24_000, "{} samples", wav.samples.len());
    let loudest = wav.samples.iter().map(|sample| sample.unsigned_abs()).max();
    assert!(loudest > Some(3_000), "the loudest sample is {loudest:?}");
}

#[test]
fn an_unknown_voice_is_refused_with_those_there_are() {
    let Output { status, stderr, .. } = demo(&["--voice", "Nobody"], Path::new("unused.wav"));
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!status.success());
    assert!(stderr.contains("no such voice") && stderr.contains("Zephyr"), "{stderr}");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let Output { status, stderr, .. } = demo(&["--quick"], &directory.path().join("no/such/directory/demo.wav"));
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(!status.success());
    assert!(stderr.contains("cannot write"), "{stderr}");
}
