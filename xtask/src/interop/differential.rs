//! The differential check: our JSON codec and protobuf's own are asked the same questions, and their answers compared.
//! What is asked and which disagreements are allowed is written in xtask/interop/differential.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Result;

use super::client::watch;
use super::environment::{Environment, Workshop, python_of};
use crate::shell;
use crate::tally::Tally;

const NAME: &str = "differential";

/// Python with protobuf alone.
pub(super) fn environment(workshop: &Workshop<'_>) -> Result<Environment> {
    workshop.python(NAME, "differential/requirements.txt")
}

/// Compares as many generated messages as asked for, and the vectors.
pub(super) fn run(messages: u64, seed: u64, workshop: &Workshop<'_>) -> Result<Tally> {
    let python = match environment(workshop)? {
        Ok(directory) => python_of(&directory),
        Err(why) => {
            let mut tally = Tally::default();
            tally.skip(1, format!("the differential check: {why}"));
            return Ok(tally);
        }
    };
    let codec = codec(workshop)?;
    println!("comparing {messages} generated messages from seed {seed}");
    let mut command = shell::command(python, &workshop.repository.root);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(workshop.source("differential/check.py"));
    command.arg("--codec").arg(codec);
    command.arg("--descriptors").arg(workshop.repository.root.join("crates/live-proto/src/generated/descriptors.bin"));
    command.arg("--vectors").arg(workshop.source("differential/vectors.jsonl"));
    command.arg("--messages").arg(messages.to_string()).arg("--seed").arg(seed.to_string());
    Ok(watch(NAME, command.stdin(Stdio::null()))?.tally)
}

/// Our side of the comparison.
fn codec(workshop: &Workshop<'_>) -> Result<PathBuf> {
    let mut cargo = shell::cargo(&workshop.repository.root);
    cargo.args(["build", "--package", "live-proto", "--example", NAME, "--features", "json,pb"]);
    shell::check(&mut cargo)?;
    Ok(workshop.target.join("debug/examples").join(NAME))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::repository::Repository;

    #[test]
    fn every_rule_is_explained_in_the_documents() {
        let root = Repository::open().root;
        let rules = fs::read_to_string(root.join("xtask/interop/differential/rules.py")).expect("the rules are there");
        let document = fs::read_to_string(root.join("docs/interop.md")).expect("the document is there");
        let names: Vec<_> = rules
            .split("    Rule(\n")
            .skip(1)
            .filter_map(|rule| rule.lines().next()?.trim().strip_prefix('"')?.strip_suffix("\","))
            .collect();
        assert!(names.contains(&"the sign of zero"));
        for name in names {
            assert!(document.contains(&format!("| {name} |")), "docs/interop.md does not explain the rule \"{name}\"");
        }
    }
}
