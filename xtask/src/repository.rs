//! The working tree as the checks see it: the files that git knows or would add, as text, and the crates that cargo knows.
//! Reading happens once here; the checks are pure functions over it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell;

/// Where the repository lies.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
}

/// Every file by its path from the root, with `/` between names.
pub(crate) type Files = BTreeMap<String, File>;

/// One file of the repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum File {
    Text(String),
    /// Not UTF-8: fuzz seeds and the like.
    Binary,
}

impl Repository {
    /// The repository that this program was built from.
    pub(crate) fn open() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a directory of the root");
        Self { root: root.to_owned() }
    }

    /// Reads all files that are tracked, or that `git add` would track.
    pub(crate) fn files(&self) -> Result<Files> {
        let mut git = shell::command("git", &self.root);
        let list = shell::read(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
        let mut files = Files::new();
        for path in list.split('\0').filter(|path| !path.is_empty()) {
            let full = self.root.join(path);
            // A tracked file may have been deleted, and a nested repository is listed as a directory.
            if !full.is_file() {
                continue;
            }
            let bytes = fs::read(&full).with_context(|| format!("failed to read {path}"))?;
            files.insert(path.to_owned(), String::from_utf8(bytes).map_or(File::Binary, File::Text));
        }
        Ok(files)
    }

    /// Everything that `cargo metadata` knows about our crates and what they depend on.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let text = shell::read(shell::cargo(&self.root).args(["metadata", "--format-version=1"]))?;
        serde_json::from_str(&text).context("failed to read the output of cargo metadata")
    }
}

impl File {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary => None,
        }
    }
}

/// The part of `cargo metadata` that the checks read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: Vec<String>,
}

/// One crate, ours or not.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a `[dependencies]` table.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or none for the normal kind.
    pub(crate) kind: Option<String>,
}

impl Metadata {
    /// Our own crates.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Files for a check to look at.
    pub(crate) fn sample(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), File::Text((*text).to_owned()))).collect()
    }

    #[test]
    fn the_files_are_what_git_knows_or_would_add() {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let repository = Repository { root: directory.path().to_owned() };
        let git = |arguments: &[&str]| shell::read(shell::command("git", &repository.root).args(arguments));
        git(&["init", "--quiet"]).expect("git starts a repository");
        for (path, bytes) in [
            (".gitignore", &b"out\n"[..]),
            ("deleted.rs", b""),
            ("out", b"ignored"),
            ("seed", b"\xff"),
            ("a b/\u{e9}.rs", b"//! E.\n"),
        ] {
            let path = repository.root.join(path);
            fs::create_dir_all(path.parent().expect("it has a directory")).expect("the directory is made");
            fs::write(path, bytes).expect("the file is written");
        }
        git(&["add", "deleted.rs"]).expect("git adds a file");
        fs::remove_file(repository.root.join("deleted.rs")).expect("the file is deleted");

        let files = repository.files().expect("git lists the files");
        let mut expected = sample(&[(".gitignore", "out\n"), ("a b/\u{e9}.rs", "//! E.\n")]);
        expected.insert("seed".to_owned(), File::Binary);
        assert_eq!(files, expected);
    }

    #[test]
    fn the_members_are_our_crates_alone() {
        let metadata = Repository::open().metadata().expect("cargo knows our crates");
        let names: Vec<_> = metadata.members().map(|package| package.name.as_str()).collect();
        assert!(names.contains(&"xtask"));
        assert!(!names.contains(&"anyhow"));
    }
}
