//! Checks of README and docs/: links that lead somewhere, decisions in order, the diagram that is generated.
//! Whether what they say is true, only a reader can check.

use std::collections::BTreeSet;

use super::Finding;
use crate::repository::Files;

pub(super) fn links(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in documents(files) {
        for (number, line) in prose(text) {
            for target in link_targets(line).filter(|target| is_local(target)) {
                if let Err(what) = resolve(path, target, files) {
                    findings.push(Finding::line(path, number, what, "correct the link"));
                }
            }
        }
    }
    findings
}

pub(super) fn decisions(files: &Files) -> Vec<Finding> {
    let names = files.keys().filter_map(|path| path.strip_prefix("docs/decisions/"));
    let mut findings = Vec::new();
    for (index, name) in names.enumerate() {
        let expected = format!("{:04}-", index + 1);
        if !name.starts_with(&expected) || !name.ends_with(".md") {
            let what = format!("expected `{expected}*.md` here");
            findings.push(Finding::file(&format!("docs/decisions/{name}"), what, "give it the next free number"));
            break;
        }
    }
    findings
}

/// The engine's own test compares what stands between the markers with the turn table.
pub(super) fn turn_diagram(files: &Files) -> Vec<Finding> {
    let text = files.get("docs/engine.md").and_then(|file| file.text()).unwrap_or_default();
    let missing = DIAGRAM_MARKERS.iter().filter(|marker| !text.contains(**marker));
    missing
        .map(|marker| Finding::file("docs/engine.md", format!("no `{marker}`"), "mark where the diagram stands"))
        .collect()
}

fn documents(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    let documents = files.iter().filter(|(path, _)| path.ends_with(".md") && !path.starts_with("fuzz/corpus/"));
    documents.filter_map(|(path, file)| Some((path.as_str(), file.text()?)))
}

/// The numbered lines outside of code fences.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((index + 1, line))
    })
}

/// What stands in the round brackets of `[text](target)`.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

fn is_local(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

fn resolve(from: &str, target: &str, files: &Files) -> Result<(), String> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { from.to_owned() } else { join(from, file) };
    let is_directory = || files.keys().any(|known| known.starts_with(&format!("{path}/")));
    if !files.contains_key(&path) && !is_directory() {
        return Err(format!("`{target}` leads nowhere"));
    }
    let Some(text) = files.get(&path).and_then(|file| file.text()).filter(|_| path.ends_with(".md")) else {
        return Ok(());
    };
    match anchor {
        Some(anchor) if !anchors(text).contains(anchor) => Err(format!("`{path}` has no heading `#{anchor}`")),
        Some(_) | None => Ok(()),
    }
}

/// Follows a relative path from the directory of `from`.
fn join(from: &str, target: &str) -> String {
    let mut names: Vec<_> = from.split('/').collect();
    names.pop();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

/// The anchors that GitHub gives to headings; a heading that comes again gets a number.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = (1..).map(|number| format!("{anchor}-{number}")).find(|name| !anchors.contains(name));
        let anchor = if anchors.contains(&anchor) { again.unwrap_or(anchor) } else { anchor };
        anchors.insert(anchor);
    }
    anchors
}

const DIAGRAM_MARKERS: &[&str] = &["<!-- generated: turn diagram -->", "<!-- end: turn diagram -->"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::sample;

    fn places(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.at).collect()
    }

    #[test]
    fn a_link_to_nowhere_is_found() {
        let files = sample(&[
            ("README.md", "[good](docs/engine.md)\n[bad](docs/gone.md) and [also](docs)\n"),
            ("docs/engine.md", "[up](../README.md) [bad](README.md)\n"),
        ]);
        assert_eq!(places(links(&files)), ["README.md:2", "docs/engine.md:1"]);
    }

    #[test]
    fn a_link_to_a_missing_heading_is_found() {
        let files = sample(&[
            ("README.md", "[a](docs/engine.md#the-turn-table)\n[b](docs/engine.md#nowhere)\n[c](#here)\n"),
            ("docs/engine.md", "# Engine\n## The `turn` table\n"),
        ]);
        assert_eq!(places(links(&files)), ["README.md:2", "README.md:3"]);
    }

    #[test]
    fn addresses_and_code_are_no_local_links() {
        let files = sample(&[("README.md", "[x](https://example.com/a)\n```\n[y](gone.md)\n```\n")]);
        assert_eq!(links(&files), []);
    }

    #[test]
    fn headings_get_the_anchors_of_github() {
        let anchors = anchors("# What it is, exactly?\n## Run `live serve`\n## Run `live serve`\n");
        assert_eq!(
            anchors.into_iter().collect::<Vec<_>>(),
            ["run-live-serve", "run-live-serve-1", "what-it-is-exactly"]
        );
    }

    #[test]
    fn a_gap_between_decisions_is_found() {
        let good = sample(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0002-b.md", "")]);
        assert_eq!(decisions(&good), []);
        let gap = sample(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0003-b.md", "")]);
        assert_eq!(places(decisions(&gap)), ["docs/decisions/0003-b.md"]);
        let twice = sample(&[("docs/decisions/0001-a.md", ""), ("docs/decisions/0001-b.md", "")]);
        assert_eq!(places(decisions(&twice)), ["docs/decisions/0001-b.md"]);
    }

    #[test]
    fn a_page_without_the_diagram_is_found() {
        assert_eq!(turn_diagram(&sample(&[("docs/engine.md", "# Engine\n")])).len(), 2);
        let marked = DIAGRAM_MARKERS.join("\n");
        assert_eq!(turn_diagram(&sample(&[("docs/engine.md", &marked)])), []);
    }
}
