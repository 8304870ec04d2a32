//! The rules of docs/embedded-model.md, one by one: `rules` on what is said, `code` on what is run, `look` on what is looked up,
//! `speech` on how. Parts are tested where they are.

mod code;
mod look;
mod rules;
mod session;
mod speech;
mod talk;

/// Every rule has a test that cites it, and every citation a rule.
#[test]
fn every_rule_is_tested() {
    let doc = include_str!("../../../../docs/embedded-model.md");
    let tests = [include_str!("code.rs"), include_str!("look.rs"), include_str!("rules.rs"), include_str!("speech.rs")]
        .concat();
    let rules: Vec<&str> =
        doc.lines().filter_map(|line| line.strip_prefix("**E")?.split_once('.')).map(|(rule, _)| rule).collect();
    let numbers: Vec<String> = (1..=rules.len()).map(|number| number.to_string()).collect();
    assert_eq!(rules, numbers, "rules are numbered one by one");
    let mut cited: Vec<&str> = tests.lines().filter_map(|line| line.trim().strip_prefix("// rule: E")).collect();
    cited.sort_by_key(|rule| rule.parse::<usize>().ok());
    cited.dedup();
    assert_eq!(cited, rules);
}
