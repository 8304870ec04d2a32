//! Pinned environments of foreign packages: made once, kept under the target directory by the hash of their pins.
//! Which packages, and what runs in them, is the business of `client` and `differential`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};

use crate::repository::Repository;
use crate::shell;

/// Where environments, logs and scratch files live, and where the suites come from.
pub(super) struct Workshop<'a> {
    pub(super) repository: &'a Repository,
    /// The directory of cargo's output.
    pub(super) target: PathBuf,
}

/// An environment, or why this machine cannot have it.
pub(super) type Environment = Result<PathBuf, String>;

impl<'a> Workshop<'a> {
    pub(super) fn open(repository: &'a Repository) -> Self {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        Self { repository, target: repository.root.join(target) }
    }

    /// A file of xtask/interop.
    pub(super) fn source(&self, path: &str) -> PathBuf {
        self.repository.root.join("xtask/interop").join(path)
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.target.join("interop")
    }

    /// An empty directory for one run of one server.
    pub(super) fn scratch(&self) -> Result<PathBuf> {
        let directory = self.directory().join(format!("run-{}", process::id()));
        if directory.exists() {
            fs::remove_dir_all(&directory).context("failed to empty the directory of the run")?;
        }
        fs::create_dir_all(&directory).context("failed to create the directory of the run")?;
        Ok(directory)
    }

    /// A Python environment with exactly the packages of `requirements`.
    pub(super) fn python(&self, name: &str, requirements: &str) -> Result<Environment> {
        let Some(version) = shell::version("python3") else {
            return Ok(Err("python3 is missing; install Python 3.11 or newer with its venv module".to_owned()));
        };
        if !is_at_least(&version, 3, 11) {
            return Ok(Err(format!("{version} is too old; install Python 3.11 or newer")));
        }
        let pins = self.source(requirements);
        self.made_once(name, &[&version], &[&pins], |directory| {
            let root = &self.repository.root;
            shell::check(shell::command("python3", root).args(["-m", "venv"]).arg(directory))?;
            // The pins name everything; a dependency that they forget must fail, not be chosen by the day's index.
            let mut pip = shell::command(python_of(directory), root);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
            shell::check(pip.arg(&pins))?;
            shell::check(shell::command(python_of(directory), root).args(["-m", "pip", "check"]))
        })
    }

    /// A directory of node packages, exactly those of the lock file beside `package.json`.
    pub(super) fn node(&self, name: &str, source: &str) -> Result<Environment> {
        let (Some(version), Some(_)) = (shell::version("node"), shell::version("npm")) else {
            return Ok(Err("node or npm is missing; install Node.js 20 or newer".to_owned()));
        };
        if !is_at_least(&version, 20, 0) {
            return Ok(Err(format!("node {version} is too old; install Node.js 20 or newer")));
        }
        let files = ["package.json", "package-lock.json", ".npmrc"].map(|file| self.source(source).join(file));
        self.made_once(name, &[&version], &files.each_ref().map(PathBuf::as_path), |directory| {
            for file in &files {
                let name = file.file_name().expect("the files have names");
                fs::copy(file, directory.join(name)).with_context(|| format!("failed to copy {}", name.display()))?;
            }
            shell::check(shell::command("npm", directory).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
        })
    }

    /// Runs `make` in an empty directory, unless it was made before from the same versions and files.
    fn made_once(
        &self,
        name: &str,
        versions: &[&str],
        files: &[&Path],
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Environment> {
        let mut hasher = DefaultHasher::new();
        versions.hash(&mut hasher);
        for file in files {
            fs::read(file).with_context(|| format!("failed to read {}", file.display()))?.hash(&mut hasher);
        }
        let directory = self.directory().join(format!("{name}-{:016x}", hasher.finish()));
        // Written last: without it the making was cut short.
        let complete = directory.join(".complete");
        if complete.exists() {
            return Ok(Ok(directory));
        }
        if directory.exists() {
            fs::remove_dir_all(&directory).context("failed to remove an unfinished environment")?;
        }
        fs::create_dir_all(&directory).context("failed to create the directory of an environment")?;
        make(&directory).with_context(|| format!("failed to make the environment {name}"))?;
        fs::write(&complete, "").context("failed to mark an environment as complete")?;
        Ok(Ok(directory))
    }
}

/// The interpreter of a Python environment.
pub(super) fn python_of(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// Reads `Python 3.11.7` and `v20.20.2` alike.
fn is_at_least(version: &str, major: u32, minor: u32) -> bool {
    let numbers = version.trim_start_matches(|character: char| !character.is_ascii_digit());
    let mut numbers = numbers.split('.').map_while(|number| number.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_at_least("Python 3.11.7", 3, 11));
        assert!(is_at_least("Python 3.100.0", 3, 11));
        assert!(!is_at_least("Python 3.9.18", 3, 11));
        assert!(is_at_least("v20.20.2", 20, 0));
        assert!(!is_at_least("v18.0.0", 20, 0));
        assert!(!is_at_least("", 3, 11));
    }

    #[test]
    fn an_environment_is_made_once_and_again_after_its_pins_changed() {
        let target = tempfile::tempdir().expect("a directory for the test");
        let repository = Repository { root: target.path().to_owned() };
        let workshop = Workshop { repository: &repository, target: target.path().to_owned() };
        let pins = target.path().join("pins");
        let mut made = 0;
        let mut make = |text: &str| {
            fs::write(&pins, text).expect("the pins are written");
            let make = |directory: &Path| {
                made += 1;
                fs::write(directory.join("made"), text).context("failed to write")
            };
            workshop
                .made_once("sample", &["1.0"], &[&pins], make)
                .expect("files are written")
                .expect("nothing is missing")
        };
        let first = make("a==1");
        assert_eq!(make("a==1"), first);
        assert_ne!(make("a==2"), first);
        assert_eq!(made, 2);
    }

    #[test]
    fn an_environment_that_was_cut_short_is_made_anew() {
        let target = tempfile::tempdir().expect("a directory for the test");
        let repository = Repository { root: target.path().to_owned() };
        let workshop = Workshop { repository: &repository, target: target.path().to_owned() };
        let fails = workshop.made_once("sample", &[], &[], |directory| {
            fs::write(directory.join("half"), "").expect("a file is written");
            anyhow::bail!("the network is down")
        });
        assert!(fails.is_err());
        let directory = workshop.made_once("sample", &[], &[], |_| Ok(())).expect("made").expect("nothing is missing");
        assert!(!directory.join("half").exists());
    }
}
