//! `cargo xtask tidy`: the invariants of the repository that neither the compiler nor clippy can see, each one a check that can fail.
//! The checks are pure functions over what was read beforehand; they live in `tidy/`, one subject a file.

mod dependency;
mod document;
mod layout;
mod licence;
mod manifest;
mod source;
mod text;

use anyhow::Result;

use crate::codegen;
use crate::repository::{Files, Metadata, Repository};
use crate::tally::Tally;

pub(crate) use self::dependency::PURE;

/// Runs all checks, prints what each one found, and counts each as one test.
pub(crate) fn run(repository: &Repository) -> Result<Tally> {
    let input = Input {
        files: repository.files()?,
        metadata: repository.metadata()?,
        trees: dependency::read_trees(repository)?,
        generated: stale(codegen::run(&repository.root, &codegen::Args { check: true })),
    };
    let mut tally = Tally::default();
    for check in CHECKS {
        let findings = (check.find)(&input);
        println!("{} {}: {}", if findings.is_empty() { "ok  " } else { "FAIL" }, check.name, check.rule);
        for Finding { at, what, fix } in &findings {
            println!("  {at}: {what}; {fix}");
        }
        tally.add(Tally::one(findings.is_empty()));
    }
    Ok(tally)
}

fn stale(outcome: Result<usize>) -> Vec<Finding> {
    let error = outcome.err().map(|error| format!("{error:#}"));
    error.map(|what| Finding::file("crates/live-proto", what, "commit what it writes")).into_iter().collect()
}

/// Everything that the checks look at.
struct Input {
    files: Files,
    metadata: Metadata,
    trees: Vec<dependency::Tree>,
    /// What `codegen --check` found.
    generated: Vec<Finding>,
}

/// One invariant.
struct Check {
    name: &'static str,
    rule: &'static str,
    find: fn(&Input) -> Vec<Finding>,
}

/// One place where an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// `path` or `path:line`.
    at: String,
    what: String,
    fix: &'static str,
}

impl Finding {
    fn file(path: &str, what: impl Into<String>, fix: &'static str) -> Self {
        Self { at: path.to_owned(), what: what.into(), fix }
    }

    fn line(path: &str, line: usize, what: impl Into<String>, fix: &'static str) -> Self {
        Self { at: format!("{path}:{line}"), what: what.into(), fix }
    }
}

const CHECKS: &[Check] = &[
    Check {
        name: "top-level",
        rule: "the top level holds only the names that the layout knows",
        find: |input| layout::top_level(&input.files),
    },
    Check {
        name: "file-length",
        rule: "no file of code is longer than 800 lines, generated ones aside",
        find: |input| layout::file_length(&input.files),
    },
    Check {
        name: "module-names",
        rule: "modules are named after what they are, and `foo.rs` stands beside `foo/`",
        find: |input| layout::module_names(&input.files),
    },
    Check {
        name: "pure-crates",
        rule: "messages, audio and engines depend on nothing that does I/O or draws randomness",
        find: |input| dependency::pure_crates(&input.trees),
    },
    Check {
        name: "without-runtime",
        rule: "the blocking adapter depends on no runtime",
        find: |input| dependency::without_runtime(&input.trees),
    },
    Check {
        name: "engine-codec",
        rule: "the engine turns on neither JSON nor protobuf",
        find: |input| dependency::engine_codec(&input.trees),
    },
    Check {
        name: "who-may-know-whom",
        rule: "our crates depend on each other in one direction",
        find: |input| dependency::directions(&input.metadata),
    },
    Check {
        name: "licences",
        rule: "every dependency has a licence that deny.toml allows",
        find: |input| licence::licences(&input.files, &input.metadata),
    },
    Check {
        name: "bans",
        rule: "no dependency is one that deny.toml bans",
        find: |input| licence::bans(&input.files, &input.metadata),
    },
    Check {
        name: "inheritance",
        rule: "members inherit edition, licence, lints and the versions of dependencies",
        find: |input| manifest::inheritance(&input.files),
    },
    Check {
        name: "disallowed",
        rule: "the pure crates disallow clocks, threads, files, sockets and unordered maps",
        find: |input| manifest::disallowed(&input.files),
    },
    Check {
        name: "adapters-decide-nothing",
        rule: "adapters never name a message variant",
        find: |input| source::adapters(&input.files),
    },
    Check {
        name: "module-docs",
        rule: "every Rust file says first what it is",
        find: |input| source::module_docs(&input.files),
    },
    Check {
        name: "banned-code",
        rule: "no silenced lints, unfinished code, ignored tests, or sleeping tests",
        find: |input| source::banned_code(&input.files),
    },
    Check {
        name: "generated-header",
        rule: "generated files say so",
        find: |input| source::generated_header(&input.files),
    },
    Check {
        name: "generated-code",
        rule: "generated files are what the generator writes",
        find: |input| input.generated.clone(),
    },
    Check { name: "turn-table", rule: "turns change only in turn.rs", find: |input| source::turn_table(&input.files) },
    Check {
        name: "turn-diagram",
        rule: "docs/engine.md shows the generated diagram of the turn table",
        find: |input| document::turn_diagram(&input.files),
    },
    Check {
        name: "links",
        rule: "every local link in the documents leads somewhere",
        find: |input| document::links(&input.files),
    },
    Check {
        name: "decisions",
        rule: "decisions are numbered from 0001 without gaps",
        find: |input| document::decisions(&input.files),
    },
    Check {
        name: "whitespace",
        rule: "no tabs, no trailing blanks, one newline at the end",
        find: |input| text::whitespace(&input.files),
    },
    Check {
        name: "foreign-places",
        rule: "no paths of one machine, no hosts of one registry",
        find: |input| text::foreign_places(&input.files),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_code_is_found() {
        assert_eq!(stale(Ok(3)), []);
        assert_eq!(stale(Err(anyhow::anyhow!("model.rs differs")))[0].what, "model.rs differs");
    }

    #[test]
    fn checks_have_names_of_their_own() {
        let mut names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}
