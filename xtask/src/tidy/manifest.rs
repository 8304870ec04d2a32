//! Checks of the manifests of our crates and of the clippy configuration beside them.
//! What the crates depend on is checked in `dependency`.

use toml::{Table, Value};

use super::{Finding, PURE};
use crate::repository::Files;

pub(super) fn inheritance(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, file) in files.iter().filter(|(path, _)| is_member(path)) {
        let manifest: Table = match file.text().unwrap_or_default().parse() {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.push(Finding::file(path, error.message(), "write it as cargo reads it"));
                continue;
            }
        };
        for key in ["edition", "license"] {
            if !inherits(manifest.get("package").and_then(|package| package.get(key))) {
                findings.push(Finding::file(path, format!("own {key}"), "inherit it: `.workspace = true`"));
            }
        }
        if !inherits(manifest.get("lints")) {
            findings.push(Finding::file(path, "own lints", "inherit them: `[lints] workspace = true`"));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, dependency) in manifest.get(kind).and_then(Value::as_table).into_iter().flatten() {
                if !inherits(Some(dependency)) {
                    let what = format!("own version of {name}");
                    findings.push(Finding::file(path, what, "state it once, in [workspace.dependencies]"));
                }
            }
        }
    }
    findings
}

pub(super) fn disallowed(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in PURE {
        let path = format!("crates/{name}/clippy.toml");
        let text = files.get(&path).and_then(|file| file.text()).unwrap_or_default();
        let config: Table = text.parse().unwrap_or_default();
        let lists =
            ["disallowed-methods", "disallowed-types"].into_iter().filter_map(|key| config.get(key)?.as_array());
        let listed: Vec<_> = lists.flatten().filter_map(|entry| entry.get("path")?.as_str()).collect();
        for item in MUST_BE_DISALLOWED.iter().filter(|item| !listed.contains(*item)) {
            findings.push(Finding::file(&path, format!("{item} is not disallowed"), "copy the list of its neighbours"));
        }
    }
    findings
}

/// `fuzz/` is a workspace of its own and can inherit nothing.
fn is_member(path: &str) -> bool {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["crates", _, "Cargo.toml"] | ["xtask" | "benches", "Cargo.toml"] => true,
        [..] => false,
    }
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// One of each kind; the files list the others.
const MUST_BE_DISALLOWED: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::spawn",
    "std::thread::sleep",
    "std::fs::read",
    "std::fs::File::open",
    "std::net::TcpStream::connect",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::sample;

    const GOOD: &str = "[package]\nname = 'a'\nedition.workspace = true\nlicense.workspace = true\n\
                        [dependencies]\nbytes.workspace = true\nserde = { workspace = true, optional = true }\n\
                        [lints]\nworkspace = true\n";

    fn whats(files: &[(&str, &str)]) -> Vec<String> {
        inheritance(&sample(files)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_member_that_inherits_is_fine() {
        assert!(whats(&[("crates/a/Cargo.toml", GOOD)]).is_empty());
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        let edition = GOOD.replace("edition.workspace = true", "edition = '2021'");
        assert_eq!(whats(&[("xtask/Cargo.toml", &edition)]), ["own edition"]);
        let lints = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(whats(&[("crates/a/Cargo.toml", &lints)]), ["own lints"]);
        let version = GOOD.replace("bytes.workspace = true", "bytes = '1'");
        assert_eq!(whats(&[("benches/Cargo.toml", &version)]), ["own version of bytes"]);
    }

    #[test]
    fn the_fuzz_workspace_is_left_alone() {
        assert!(whats(&[("fuzz/Cargo.toml", "[package]\n"), ("Cargo.toml", "[workspace]\n")]).is_empty());
    }

    #[test]
    fn a_pure_crate_without_its_list_is_found() {
        let entries: Vec<_> = MUST_BE_DISALLOWED.iter().map(|path| format!("{{ path = '{path}' }}")).collect();
        let full = format!("disallowed-methods = [{}]", entries.join(", "));
        let short = full.replace("std::time::Instant::now", "std::time::Instant::elapsed");
        let files = sample(&[
            ("crates/live-proto/clippy.toml", full.as_str()),
            ("crates/live-audio/clippy.toml", short.as_str()),
        ]);
        let findings = disallowed(&files);
        assert_eq!(findings[0].at, "crates/live-audio/clippy.toml");
        assert_eq!(findings.len(), 1 + MUST_BE_DISALLOWED.len());
    }
}
