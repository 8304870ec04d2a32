//! The tables of docs/testing.md that the simulator knows better: equal, or this fails. `UPDATE_EXPECT=1` rewrites them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use live_sim::{Fault, Rule};

#[test]
fn the_documentation_lists_rules_and_mishaps() {
    let rules = Rule::ALL.iter().map(|rule| (rule.name(), rule.what()));
    let faults = Fault::ALL.iter().map(|fault| (fault.name(), fault.what()));
    check("rules", &table("rule", rules));
    check("mishaps", &table("mishap", faults));
}

fn table(title: &str, rows: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let mut text = format!("| {title} | |\n|---|---|\n");
    for (name, what) in rows {
        let _ = writeln!(text, "| `{name}` | {} |", what.trim_end_matches('.'));
    }
    text
}

#[track_caller]
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/testing.md");
    let doc = fs::read_to_string(&path).expect("the documentation is there");
    let (begin, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = doc.split_once(&begin).expect("it says where the table begins");
    let (listed, after) = rest.split_once(&end).expect("it says where the table ends");
    if listed != text && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, [before, &begin, text, &end, after].concat()).expect("the documentation can be written");
    } else {
        assert_eq!(listed, text, "UPDATE_EXPECT=1 rewrites docs/testing.md");
    }
}
