//! `cargo xtask setup`: what a machine needs beyond Rust, checked and, where it is ours to make, made.
//! It installs no system package; it says which one is missing.

use anyhow::{Result, bail};

use crate::interop;
use crate::repository::Repository;
use crate::shell;
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also installs cargo-fuzz, which takes a few minutes to build.
    #[arg(long)]
    fuzz: bool,
}

/// Checks the foreign tools, creates the environments of the interop tests, installs cargo-fuzz if asked.
pub(crate) fn run(args: &Args, repository: &Repository) -> Result<Tally> {
    let missing = report(TOOLS, shell::version);
    // Tests that need one of these skip themselves by name without it.
    report(ENGINES, shell::place);
    if args.fuzz {
        shell::check(shell::cargo(&repository.root).args(["install", "--locked", "cargo-fuzz"]))?;
    }
    interop::setup(repository)?;
    if !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    Ok(Tally::default())
}

/// A program that the tests against foreign SDKs run.
struct Tool {
    name: &'static str,
    used_for: &'static str,
    fix: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "python3",
        used_for: "the Python SDKs and the comparison with protobuf's own JSON",
        fix: "install Python 3.11 or newer with its venv module",
    },
    Tool { name: "node", used_for: "the JavaScript SDK", fix: "install Node.js 20 or newer" },
    Tool { name: "npm", used_for: "installing the JavaScript SDK", fix: "install npm; it usually comes with Node.js" },
];

/// Programs that speak and recognise, for the tests of engines.
const ENGINES: &[Tool] = &[
    Tool { name: "espeak-ng", used_for: "the tests of a program that speaks many languages", fix: "install espeak-ng" },
    Tool { name: "flite", used_for: "the tests of a program that speaks English", fix: "install flite" },
    Tool {
        name: "pocketsphinx_continuous",
        used_for: "the tests of a program that recognises speech",
        fix: "install pocketsphinx and pocketsphinx-en-us (Debian 12)",
    },
];

/// Prints one line per tool and returns the names of those that are missing.
fn report(tools: &[Tool], version: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for Tool { name, used_for, fix } in tools {
        match version(name) {
            Some(found) => println!("{name}: {found}"),
            None => {
                println!("{name}: missing; needed for {used_for}; {fix}");
                missing.push(*name);
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_tool_is_named() {
        let missing = report(TOOLS, |name| (name == "python3").then(|| "Python 3.12.1".to_owned()));
        assert_eq!(missing, ["node", "npm"]);
    }

    #[test]
    fn a_complete_machine_misses_nothing() {
        assert!(report(TOOLS, |name| Some(name.to_owned())).is_empty());
    }
}
