//! A copy of the tree that can be broken, with builds of its own, and how a command ends in it.
//! What is broken, and whether the end is good news, is decided elsewhere.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::fault::Fault;
use crate::repository::Repository;
use crate::shell;

/// The copy.
pub(crate) struct Scratch {
    tree: PathBuf,
    target: PathBuf,
    log: PathBuf,
}

/// How a command of cargo ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The code does not compile.
    Unbuilt,
    /// So many tests ran and passed.
    Passed(u64),
    /// These tests failed; none if the program itself did.
    Failed(Vec<String>),
    /// It had to be stopped.
    Hung,
}

impl Scratch {
    /// Copies what git knows or would add. What is already there as it should be is left alone, so that it is not built again.
    pub(crate) fn copy_of(repository: &Repository) -> Result<Self> {
        #[derive(Deserialize)]
        struct Metadata {
            target_directory: PathBuf,
        }
        let mut cargo = shell::cargo(&repository.root);
        let metadata = shell::read(cargo.args(["metadata", "--format-version=1", "--no-deps"]))?;
        let Metadata { target_directory } = serde_json::from_str(&metadata).context("failed to read cargo metadata")?;
        let root = target_directory.join("mutants");
        let scratch = Self { tree: root.join("tree"), target: root.join("target"), log: root.join("log") };
        let mut git = shell::command("git", &repository.root);
        let list = shell::read(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let paths: Vec<&str> = list.split('\0').filter(|path| repository.root.join(path).is_file()).collect();
        for path in &paths {
            let bytes = fs::read(repository.root.join(path)).with_context(|| format!("failed to read {path}"))?;
            write_if_other(&scratch.tree.join(path), &bytes)?;
        }
        scratch.remove_others(&scratch.tree, &paths)?;
        Ok(scratch)
    }

    /// Removes files of an earlier copy.
    fn remove_others(&self, directory: &Path, paths: &[&str]) -> Result<()> {
        for entry in fs::read_dir(directory).with_context(|| format!("failed to list {}", directory.display()))? {
            let path = entry?.path();
            let name = path.strip_prefix(&self.tree).expect("it is in the tree");
            if path.is_dir() {
                self.remove_others(&path, paths)?;
            } else if !paths.iter().any(|known| Path::new(known) == name) {
                fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Does something with the fault committed, and takes it back.
    pub(crate) fn with<T>(&self, fault: &Fault, then: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.tree.join(&fault.file);
        let good = fs::read_to_string(&path).with_context(|| format!("failed to read {}", fault.file))?;
        fs::write(&path, fault.commit(&good)?)?;
        let result = then();
        fs::write(&path, good)?;
        result
    }

    /// Runs tests, quietly.
    pub(crate) fn attempt(&self, arguments: &str) -> Result<Outcome> {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        if self.run(&building(&words), Duration::MAX)? != Some(true) {
            return Ok(Outcome::Unbuilt);
        }
        let ended = self.run(&words, PATIENCE)?;
        let log = fs::read_to_string(&self.log)?;
        Ok(match ended {
            None => Outcome::Hung,
            Some(true) => Outcome::Passed(passed(&log)),
            Some(false) => Outcome::Failed(failed(&log)),
        })
    }

    /// Tells whether the command succeeded; `None` if it was stopped.
    fn run(&self, arguments: &[&str], patience: Duration) -> Result<Option<bool>> {
        let mut cargo = shell::cargo(&self.tree);
        let log = File::create(&self.log)?;
        cargo.args(arguments).env("CARGO_TARGET_DIR", &self.target).stderr(log.try_clone()?).stdout(log);
        cargo.stdin(Stdio::null());
        apart(&mut cargo);
        let mut child = cargo.spawn().context("failed to start cargo")?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status.success()));
            }
            if started.elapsed() > patience {
                stop(child.id())?;
                child.wait()?;
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbuilt => f.write_str("does not compile"),
            Self::Passed(tests) => write!(f, "passes, {tests} tests"),
            Self::Failed(tests) if tests.is_empty() => f.write_str("fails as a whole"),
            Self::Failed(tests) => {
                write!(f, "fails {}: {}", tests.len(), tests[0])?;
                if tests.len() > 1 { f.write_str(", ..") } else { Ok(()) }
            }
            Self::Hung => write!(f, "does not end in {} s", PATIENCE.as_secs()),
        }
    }
}

/// A program of its own and all it starts, to be stopped together.
#[cfg(unix)]
fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn apart(_: &mut Command) {}

fn stop(leader: u32) -> Result<()> {
    shell::read(shell::command("kill", Path::new(".")).args(["-KILL", "--", &format!("-{leader}")])).map(drop)
}

/// What builds all that a command runs, and runs nothing.
fn building<'a>(words: &[&'a str]) -> Vec<&'a str> {
    match words {
        ["run", rest @ ..] => {
            ["build"].into_iter().chain(rest.iter().copied().take_while(|word| *word != "--")).collect()
        }
        _ => words.iter().copied().chain(["--no-run"]).collect(),
    }
}

/// The sum of `test result: ok. 5 passed; ..` over all binaries, or `5 worlds passed, ..`.
fn passed(log: &str) -> u64 {
    let count = |line: &str| {
        let tests = line.strip_prefix("test result: ok. ").and_then(|rest| rest.split_once(" passed"));
        tests.or_else(|| line.split_once(" worlds passed"))?.0.parse::<u64>().ok()
    };
    log.lines().filter_map(count).sum()
}

/// The names in `test a::b ... FAILED`, or what is said of `seed 5: ..`.
fn failed(log: &str) -> Vec<String> {
    let name = |line: &str| {
        let test = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        test.or_else(|| line.starts_with("seed ").then_some(line)).map(ToOwned::to_owned)
    };
    log.lines().filter_map(name).collect()
}

fn write_if_other(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("a file is in a directory"))?;
    fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}

/// Longer than any of these tests takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_tests_is_read_from_what_they_print() {
        let log = "running 2 tests\ntest a::b ... ok\ntest a::c ... FAILED\n\ntest result: ok. 5 passed; 0 failed;\ntest result: ok. 2 passed; 0 failed;\n";
        assert_eq!(failed(log), ["a::c"]);
        assert_eq!(passed(log), 7);
        assert_eq!(passed("test result: FAILED. 5 passed; 1 failed;"), 0);
    }

    #[test]
    fn the_end_of_worlds_is_read_from_what_they_print() {
        let log = "seeds 0..199 in 1.6 s\nseed 61: call-ids: twice\n  the rule: once.\n199 worlds passed, 1 failed\n";
        assert_eq!(failed(log), ["seed 61: call-ids: twice"]);
        assert_eq!(passed(log), 199);
    }

    #[test]
    fn what_is_run_is_built_before() {
        let built = |command: &str| building(&command.split(' ').collect::<Vec<_>>()).join(" ");
        assert_eq!(built("test -p a --lib b"), "test -p a --lib b --no-run");
        assert_eq!(built("run -p a -- --seeds 9"), "build -p a");
    }

    #[test]
    fn outcomes_read_as_the_end_of_a_sentence() {
        let failed = |names: &[&str]| Outcome::Failed(names.iter().map(|&name| name.into()).collect()).to_string();
        assert_eq!(failed(&["a"]), "fails 1: a");
        assert_eq!(failed(&["a", "b"]), "fails 2: a, ..");
        assert_eq!(failed(&[]), "fails as a whole");
    }

    #[test]
    fn only_what_differs_is_written() {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let path = directory.path().join("a/b");
        write_if_other(&path, b"one").expect("it can be written");
        let written = fs::metadata(&path).and_then(|it| it.modified()).expect("it is there");
        write_if_other(&path, b"one").expect("it is there");
        assert_eq!(fs::metadata(&path).and_then(|it| it.modified()).expect("it is there"), written);
        write_if_other(&path, b"two").expect("it can be written");
        assert_eq!(fs::read(&path).expect("it is there"), b"two");
    }
}
