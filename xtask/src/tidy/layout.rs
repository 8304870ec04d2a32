//! Checks of where files lie, how long they are and what they are called.
//! What stands in them is checked elsewhere.

use std::collections::BTreeSet;

use super::Finding;
use crate::repository::Files;

/// A new name at the top level is a decision, not an accident.
pub(super) fn top_level(files: &Files) -> Vec<Finding> {
    let names: BTreeSet<_> = files.keys().map(|path| path.split('/').next().unwrap_or(path)).collect();
    let unknown = names.into_iter().filter(|name| !TOP_LEVEL.contains(name));
    unknown.map(|name| Finding::file(name, "unknown at the top level", "move it into one of the rooms")).collect()
}

pub(super) fn file_length(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, file) in files {
        let is_code = [".rs", ".py", ".js", ".mjs", ".sh"].iter().any(|end| path.ends_with(end));
        let Some(text) = file.text() else { continue };
        let lines = text.lines().count();
        if is_code && !is_generated(path) && lines > LINES_MAX {
            findings.push(Finding::line(path, LINES_MAX, format!("{lines} lines"), "give it a second room"));
        }
    }
    findings
}

pub(super) fn module_names(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in files.keys().filter(|path| path.ends_with(".rs")) {
        let words: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
        for word in &words {
            if BANNED_NAMES.contains(word) {
                findings.push(Finding::file(path, format!("`{word}` says nothing"), "name it after what it is"));
            }
        }
        if words.last() == Some(&"mod") {
            findings.push(Finding::file(path, "a `mod.rs`", "call it after its directory, beside it"));
        }
    }
    findings
}

/// Whether a generator wrote this file.
pub(super) fn is_generated(path: &str) -> bool {
    path.split('/').any(|name| name == "generated")
}

const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "fuzz",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "xtask",
];

const LINES_MAX: usize = 800;

const BANNED_NAMES: &[&str] =
    &["common", "helper", "helpers", "manager", "managers", "misc", "util", "utilities", "utils"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::sample;

    #[test]
    fn a_new_name_at_the_top_is_found() {
        let files = sample(&[("Cargo.toml", ""), ("crates/live-x/src/lib.rs", ""), ("scripts/run.sh", "")]);
        let findings = top_level(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].at, "scripts");
    }

    #[test]
    fn a_long_file_is_found_unless_generated() {
        let long = "x\n".repeat(801);
        let files = sample(&[
            ("crates/a/src/long.rs", &long),
            ("crates/a/src/generated/long.rs", &long),
            ("crates/a/src/fits.rs", &"x\n".repeat(800)),
        ]);
        let findings = file_length(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].at, "crates/a/src/long.rs:800");
    }

    #[test]
    fn empty_names_are_found_as_files_and_as_directories() {
        let files = sample(&[("a/src/util.rs", ""), ("a/src/helpers/x.rs", ""), ("a/src/utility_bill.rs", "")]);
        assert_eq!(module_names(&files).len(), 2);
    }

    #[test]
    fn a_mod_rs_is_found() {
        assert_eq!(module_names(&sample(&[("a/src/turn/mod.rs", "")])).len(), 1);
        assert_eq!(module_names(&sample(&[("a/src/turn.rs", "")])), []);
    }
}
