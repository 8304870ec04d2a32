//! Checks of what stands in Rust files, line by line: rustfmt makes lines predictable enough for that.
//! Where files lie and how long they are is checked in `layout`.

use super::Finding;
use super::layout::is_generated;
use crate::repository::Files;

/// Adapters carry messages; what a message means is the engine's business.
pub(super) fn adapters(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in rust(files).filter(|(path, _)| ADAPTERS.iter().any(|adapter| path.starts_with(adapter))) {
        for line in lines(path, text).filter(|line| !line.is_test) {
            if let Some(name) = VARIANTS.iter().find(|name| names_variant(line.text, name)) {
                let what = format!("names a variant of {name}");
                findings.push(Finding::line(path, line.number, what, "let the engine decide"));
            }
        }
    }
    findings
}

pub(super) fn module_docs(files: &Files) -> Vec<Finding> {
    let bare = rust(files).filter(|(path, text)| !is_generated(path) && !text.starts_with("//! "));
    bare.map(|(path, _)| Finding::line(path, 1, "no `//!` at the start", "say in one sentence what the file is"))
        .collect()
}

pub(super) fn banned_code(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in rust(files).filter(|(path, _)| !is_generated(path)) {
        for line in lines(path, text) {
            for Banned { code, only_in_tests, fix } in BANNED {
                if line.text.contains(code) && (line.is_test || !only_in_tests) {
                    findings.push(Finding::line(path, line.number, format!("`{code}`"), fix));
                }
            }
        }
    }
    findings
}

pub(super) fn generated_header(files: &Files) -> Vec<Finding> {
    let marker = concat!("@", "generated");
    let bare = rust(files)
        .filter(|(path, text)| is_generated(path) && !text.lines().take(3).any(|line| line.contains(marker)));
    bare.map(|(path, _)| Finding::line(path, 1, format!("no `{marker}`"), "let the generator write the file")).collect()
}

/// Elsewhere a turn is stored and asked about, never made or paired with a signal.
pub(super) fn turn_table(files: &Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !files.contains_key(TURN_TABLE) {
        findings.push(Finding::file(TURN_TABLE, "missing", "keep the turn table there"));
    }
    for (path, text) in
        rust(files).filter(|(path, _)| path.starts_with("crates/live-engine/src/") && *path != TURN_TABLE)
    {
        for line in lines(path, text).filter(|line| !line.is_test) {
            let assigns = line.text.contains(" = Turn::") || line.text.contains("replace(&mut self.turn, Turn::");
            let pairs = line.text.contains("Turn::") && line.text.contains("Signal::") && line.text.contains("=>");
            if assigns || pairs {
                findings.push(Finding::line(path, line.number, "a turn changes here", "give the turn table a signal"));
            }
        }
    }
    findings
}

fn rust(files: &Files) -> impl Iterator<Item = (&str, &str)> {
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    rust.filter_map(|(path, file)| Some((path.as_str(), file.text()?)))
}

/// `Name::Variant`, or the fields of a `Name { .. }`; a trait implemented for the type is neither.
fn names_variant(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(start, _)| {
        let before = &line[..start];
        let after = &line[start + name.len()..];
        let is_whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let variant = after.strip_prefix("::").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        let fields = after.starts_with(" {") && !before.ends_with("for ") && !before.ends_with("-> ");
        is_whole && (variant || fields)
    })
}

/// One line of code; comments are left out.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    /// Counted from one.
    number: usize,
    text: &'a str,
    /// In a test file, or in an item under `#[cfg(test)]`.
    is_test: bool,
}

fn lines<'a>(path: &str, text: &'a str) -> impl Iterator<Item = Line<'a>> {
    let is_test_file = path.contains("/tests/") || path.ends_with("/tests.rs");
    let mut region: Option<Region> = None;
    text.lines().enumerate().filter_map(move |(index, text)| {
        let is_test = is_test_file || region.is_some();
        match &mut region {
            Some(open) => {
                if open.ends_with(text) {
                    region = None;
                }
            }
            None => region = Region::start(text),
        }
        let is_comment = text.trim_start().starts_with("//");
        (!is_comment).then_some(Line { number: index + 1, text, is_test })
    })
}

/// An item under `#[cfg(test)]`: it ends at the brace that stands as deep as the attribute, or at once with a semicolon.
#[derive(Debug)]
struct Region {
    indent: usize,
    has_body: bool,
}

impl Region {
    fn start(line: &str) -> Option<Self> {
        let indent = line.len() - line.trim_start().len();
        (line.trim() == "#[cfg(test)]").then_some(Self { indent, has_body: false })
    }

    fn ends_with(&mut self, line: &str) -> bool {
        let indent = line.len() - line.trim_start().len();
        let ends_at_once = !self.has_body && (line.ends_with(';') || line.ends_with("{}"));
        self.has_body |= line.ends_with('{');
        ends_at_once || (indent == self.indent && line.trim() == "}")
    }
}

const ADAPTERS: &[&str] = &["crates/live-tokio/src/", "crates/live-blocking/src/", "crates/live-grpc/src/"];

const VARIANTS: &[&str] = &["ClientMessage", "ServerMessage", "ServerPayload", "PartData"];

const TURN_TABLE: &str = "crates/live-engine/src/turn.rs";

/// Code that does not stay.
struct Banned {
    code: &'static str,
    only_in_tests: bool,
    fix: &'static str,
}

/// In pieces, so that this file passes its own check.
const BANNED: &[Banned] = &[
    Banned { code: concat!("[al", "low("), only_in_tests: false, fix: "use `#[expect(.., reason = \"..\")]`" },
    Banned { code: concat!("to", "do!("), only_in_tests: false, fix: "write it" },
    Banned { code: concat!("unimplem", "ented!("), only_in_tests: false, fix: "write it" },
    Banned { code: concat!("db", "g!("), only_in_tests: false, fix: "remove it" },
    Banned { code: concat!("#[ig", "nore"), only_in_tests: false, fix: "make it run or delete it" },
    Banned { code: concat!("thread::sl", "eep("), only_in_tests: true, fix: "wait for the event, or use virtual time" },
    Banned { code: concat!("time::sl", "eep("), only_in_tests: true, fix: "wait for the event, or use virtual time" },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::tests::sample;

    fn places(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.at).collect()
    }

    #[test]
    fn an_adapter_that_looks_into_messages_is_found() {
        let code =
            "//! x\nmatch message {\n    ClientMessage::Setup(_) => {}\n    ServerMessage { payload, .. } => {}\n}\n";
        let files = sample(&[("crates/live-tokio/src/lib.rs", code), ("crates/live-engine/src/lib.rs", code)]);
        assert_eq!(places(adapters(&files)), ["crates/live-tokio/src/lib.rs:3", "crates/live-tokio/src/lib.rs:4"]);
    }

    #[test]
    fn an_adapter_may_name_types_and_use_variants_in_tests() {
        let code = "impl Wire for ServerMessage {\n}\nfn next() -> ServerMessage {\n}\nlet x = MyClientMessage::Setup;\n\
                    // ClientMessage::Setup\nClientMessage::decode(bytes);\n\
                    #[cfg(test)]\nmod tests {\n    use ClientMessage::Setup;\n}\n";
        assert_eq!(adapters(&sample(&[("crates/live-tokio/src/lib.rs", code)])), []);
    }

    #[test]
    fn code_after_a_test_module_is_code_again() {
        let code = "#[cfg(test)]\nmod tests {\n    fn f() {\n    }\n}\nuse ClientMessage::Setup;\n";
        assert_eq!(
            places(adapters(&sample(&[("crates/live-tokio/src/a.rs", code)]))),
            ["crates/live-tokio/src/a.rs:6"]
        );
        let code = "#[cfg(test)]\nmod tests;\nuse ClientMessage::Setup;\n";
        assert_eq!(
            places(adapters(&sample(&[("crates/live-tokio/src/a.rs", code)]))),
            ["crates/live-tokio/src/a.rs:3"]
        );
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        let files = sample(&[("a.rs", "use x;\n"), ("b.rs", "//! A b.\n"), ("src/generated/c.rs", "use x;\n")]);
        assert_eq!(places(module_docs(&files)), ["a.rs:1"]);
    }

    #[test]
    fn banned_code_is_found_everywhere_but_in_comments() {
        for banned in BANNED.iter().filter(|banned| !banned.only_in_tests) {
            let code = format!("//! x\n// {0}\n{0}\n", banned.code);
            assert_eq!(places(banned_code(&sample(&[("a.rs", &code)]))), ["a.rs:3"], "{}", banned.code);
        }
    }

    #[test]
    fn sleeping_is_found_in_tests_alone() {
        for banned in BANNED.iter().filter(|banned| banned.only_in_tests) {
            let code = format!("//! x\n{0}\n#[cfg(test)]\nmod tests {{\n    {0}\n}}\n", banned.code);
            let files = sample(&[("a/src/a.rs", &code), ("a/tests/b.rs", banned.code)]);
            assert_eq!(places(banned_code(&files)), ["a/src/a.rs:5", "a/tests/b.rs:1"]);
        }
    }

    #[test]
    fn a_generated_file_without_its_header_is_found() {
        let header = concat!("// @", "generated by x\n");
        let files = sample(&[("src/generated/a.rs", header), ("src/generated/b.rs", "struct B;\n")]);
        assert_eq!(places(generated_header(&files)), ["src/generated/b.rs:1"]);
    }

    #[test]
    fn a_turn_that_changes_outside_the_table_is_found() {
        let code = "self.turn = Turn::Idle;\nif self.turn == Turn::Idle {}\n(Turn::Idle, Signal::Text) => x,\nturn: Turn::Idle,\n";
        let files = sample(&[(TURN_TABLE, code), ("crates/live-engine/src/server.rs", code)]);
        assert_eq!(
            places(turn_table(&files)),
            ["crates/live-engine/src/server.rs:1", "crates/live-engine/src/server.rs:3"]
        );
    }

    #[test]
    fn a_missing_turn_table_is_found() {
        assert_eq!(places(turn_table(&sample(&[]))), [TURN_TABLE]);
    }
}
