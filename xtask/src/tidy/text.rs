//! Checks of plain text, whatever the language: white space, and places that exist on one machine only.
//! Fuzz seeds and test vectors may hold anything and are left alone.

use super::Finding;
use crate::repository::Files;

pub(super) fn whitespace(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in prose_and_code(files) {
        for (index, line) in text.lines().enumerate() {
            if line.contains('\t') {
                findings.push(Finding::line(path, index + 1, "a tab", "indent with spaces"));
            }
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::line(path, index + 1, "trailing blanks", "remove them"));
            }
        }
        let last = text.lines().count();
        if !text.is_empty() && !text.ends_with('\n') {
            findings.push(Finding::line(path, last, "no newline at the end", "add one"));
        }
        if text.ends_with("\n\n") {
            findings.push(Finding::line(path, last, "empty lines at the end", "remove them"));
        }
    }
    findings
}

/// A path that only the author has, or a lock file that names the author's mirror, breaks the next machine.
pub(super) fn foreign_places(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in prose_and_code(files) {
        for (index, line) in text.lines().enumerate() {
            if let Some(place) = MACHINE_PATHS.iter().find(|place| starts_a_path(line, place)) {
                let what = format!("a path of one machine: {place}");
                findings.push(Finding::line(path, index + 1, what, "write it relative to the root"));
            }
            if path.ends_with(".md") && starts_a_path(line, TEMPORARY) {
                let what = format!("a path of one machine: {TEMPORARY}");
                findings.push(Finding::line(path, index + 1, what, "let the reader choose the directory"));
            }
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
                let what = format!("a registry host: {host}");
                findings.push(Finding::line(path, index + 1, what, "name packages and versions only"));
            }
        }
    }
    findings
}

fn prose_and_code(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    let ours = files.iter().filter(|(path, _)| {
        let is_data = path.starts_with("fuzz/corpus/") || path.contains("/vectors/");
        !is_data && KINDS.iter().any(|kind| path.ends_with(kind))
    });
    ours.filter_map(|(path, file)| Some((path.as_str(), file.text()?)))
}

/// Whether an absolute path begins here, rather than a relative one going on.
fn starts_a_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | ')' | '*' | '~'))
    })
}

const KINDS: &[&str] = &[
    ".js", ".json", ".lock", ".md", ".mjs", ".proto", ".py", ".rs", ".sh", ".toml", ".ts", ".txt", ".yaml", ".yml",
    "/run",
];

/// In pieces, so that this file passes its own check.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

const TEMPORARY: &str = concat!("/t", "mp/");

const REGISTRY_HOSTS: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("pypi.", "org/simple"),
    concat!("files.", "pythonhosted.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("proxy.", "golang.org"),
    concat!("arti", "factory"),
    concat!("/ne", "xus/"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::sample;

    fn whats(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| format!("{}: {}", finding.at, finding.what)).collect()
    }

    #[test]
    fn untidy_white_space_is_found() {
        let files = sample(&[("a.rs", "x\ty\nz \nend"), ("b.md", "fine\n"), ("c.toml", "x\n\n"), ("d.rs", "")]);
        assert_eq!(
            whats(whitespace(&files)),
            [
                "a.rs:1: a tab",
                "a.rs:2: trailing blanks",
                "a.rs:3: no newline at the end",
                "c.toml:2: empty lines at the end"
            ]
        );
    }

    #[test]
    fn seeds_and_vectors_are_left_alone() {
        let files =
            sample(&[("fuzz/corpus/a/x.json", "\t "), ("crates/a/tests/vectors/x.json", "\t "), ("x.bin", "\t ")]);
        assert_eq!(whitespace(&files), []);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for place in MACHINE_PATHS {
            let line = format!("open(\"{place}x\")\n");
            assert_eq!(foreign_places(&sample(&[("a.rs", &line)])).len(), 1, "{place}");
        }
        let relative = format!("see ..{0}x and a{0}b\n", MACHINE_PATHS[0]);
        assert_eq!(foreign_places(&sample(&[("a.rs", &relative)])), []);
    }

    #[test]
    fn a_temporary_path_is_found_in_documents_alone() {
        let line = format!("look at {TEMPORARY}x\n");
        let files = sample(&[("a.rs", line.as_str()), ("docs/a.md", line.as_str())]);
        assert_eq!(whats(foreign_places(&files)), [format!("docs/a.md:1: a path of one machine: {TEMPORARY}")]);
    }

    #[test]
    fn a_registry_host_is_found() {
        for host in REGISTRY_HOSTS {
            let line = format!("resolved https://{host}/x\n");
            assert_eq!(foreign_places(&sample(&[("package-lock.json", &line)])).len(), 1, "{host}");
        }
    }
}
