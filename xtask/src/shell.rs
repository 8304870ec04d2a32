//! Child processes: started from the root, shown live, and read line by line where something is counted.
//! What the lines mean is the business of each command.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command that runs in `directory` without what `cargo run` left in the environment:
/// build scripts that watch those variables would rebuild their crates on every change of caller.
pub(crate) fn command(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs us.
pub(crate) fn cargo(directory: &Path) -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), directory)
}

/// Prints the command, runs it to its end with our own output, and says whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    announce(command);
    let status = command.status().with_context(|| format!("failed to start {}", program(command)))?;
    Ok(status.success())
}

/// Like [`succeeds`], for commands that must.
pub(crate) fn check(command: &mut Command) -> Result<()> {
    if !succeeds(command)? {
        bail!("{} failed", line(command));
    }
    Ok(())
}

/// Runs the command quietly and returns what it printed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("failed to start {}", program(command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", line(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed what is not UTF-8", line(command)))
}

/// Which of the two streams of a child is read; the other one is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tee {
    Stdout,
    Stderr,
}

/// Prints the command, runs it with its output shown as it comes, hands each line of one stream to `seen`,
/// and says whether it succeeded.
pub(crate) fn tee(command: &mut Command, stream: Tee, mut seen: impl FnMut(&str)) -> Result<bool> {
    announce(command);
    match stream {
        Tee::Stdout => command.stdout(Stdio::piped()),
        Tee::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().with_context(|| format!("failed to start {}", program(command)))?;
    match stream {
        Tee::Stdout => each_line(child.stdout.take().expect("stdout was piped"), |text| {
            println!("{text}");
            seen(text);
        })?,
        Tee::Stderr => each_line(child.stderr.take().expect("stderr was piped"), |text| {
            eprintln!("{text}");
            seen(text);
        })?,
    }
    Ok(child.wait()?.success())
}

/// Whether a program of this name answers `--version`, with the first line of its answer.
pub(crate) fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    output.status.success().then_some(text)
}

/// Where a program is, for those that do not tell their version.
pub(crate) fn place(program: &str) -> Option<String> {
    let places = env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(program)).collect::<Vec<_>>();
    places.into_iter().find(|place| place.is_file()).map(|place| place.display().to_string())
}

fn each_line(stream: impl Read, mut seen: impl FnMut(&str)) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        seen(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']));
        bytes.clear();
    }
    Ok(())
}

fn is_set_by_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_CRATE_NAME"
}

fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
}

fn program(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    let mut line = program(command);
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_seen_once_without_its_end() {
        let mut lines = Vec::new();
        each_line(&b"one\r\n\ntwo \xff\nthree"[..], |line| lines.push(line.to_owned())).expect("a slice reads");
        assert_eq!(lines, ["one", "", "two \u{fffd}", "three"]);
    }

    #[test]
    fn only_what_cargo_run_sets_is_removed() {
        assert!(is_set_by_cargo_run("CARGO_PKG_NAME"));
        assert!(is_set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_TARGET_DIR"));
        assert!(!is_set_by_cargo_run("CARGO_HOME"));
    }

    #[test]
    fn tee_reports_failure_and_hands_over_the_lines() {
        let mut lines = Vec::new();
        let mut command = command("sh", Path::new("."));
        command.args(["-c", "echo heard; exit 3"]);
        let succeeded = tee(&mut command, Tee::Stdout, |line| lines.push(line.to_owned())).expect("sh starts");
        assert!(!succeeded);
        assert_eq!(lines, ["heard"]);
    }

    #[test]
    fn a_program_that_does_not_exist_has_no_version() {
        assert_eq!(version("a-program-that-nobody-would-write"), None);
    }
}
