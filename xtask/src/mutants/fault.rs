//! The faults: what is broken where, and which tests have to notice.
//! Each is found by its text, so that a change of the code it breaks shows at once.

use anyhow::{Context, Result};
use serde::Deserialize;

/// One fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) name: String,
    /// What the broken code does.
    pub(crate) does: String,
    /// The path from the root.
    pub(crate) file: String,
    /// Occurs once in the file.
    pub(crate) find: String,
    pub(crate) replace: String,
    /// Arguments of cargo, each for tests or worlds that pass, and fail with the fault.
    pub(crate) caught_by: Vec<String>,
}

impl Fault {
    /// All faults, in the order of the documentation.
    pub(crate) fn all() -> Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct List {
            fault: Vec<Fault>,
        }
        let mut faults = Vec::new();
        for (file, text) in FILES {
            let List { fault } = toml::from_str(text).with_context(|| format!("failed to read {file}"))?;
            faults.extend(fault);
        }
        Ok(faults)
    }

    /// The text with the fault in it.
    pub(crate) fn commit(&self, text: &str) -> Result<String> {
        let found = text.matches(&self.find).count();
        anyhow::ensure!(found == 1, "{}: its text occurs {found} times in {}, not once", self.name, self.file);
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

/// As docs/testing.md shows them.
pub(crate) fn table(faults: &[Fault]) -> String {
    let rows = faults.iter().map(|Fault { name, does, file, caught_by, .. }| {
        let place = file.strip_prefix("crates/").unwrap_or(file);
        let caught_by: Vec<String> = caught_by.iter().map(|command| format!("`{command}`")).collect();
        format!("| `{name}` | {does} | `{place}` | {} |\n", caught_by.join(", "))
    });
    ["| fault | what the broken code does | where | caught by `cargo ..` |\n|---|---|---|---|\n".to_owned()]
        .into_iter()
        .chain(rows)
        .collect()
}

const FILES: &[(&str, &str)] = &[
    ("calls.toml", include_str!("calls.toml")),
    ("builtin.toml", include_str!("builtin.toml")),
    ("client.toml", include_str!("client.toml")),
    ("server.toml", include_str!("server.toml")),
    ("keeping.toml", include_str!("keeping.toml")),
    ("access.toml", include_str!("access.toml")),
    ("adapter.toml", include_str!("adapter.toml")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::repository::Repository;

    #[test]
    fn each_fault_is_committed_in_one_place_and_changes_it() -> Result<()> {
        let repository = Repository::open();
        for fault in Fault::all()? {
            let text = fs::read_to_string(repository.root.join(&fault.file)).context(fault.name.clone())?;
            assert_ne!(fault.commit(&text)?, text, "{}", fault.name);
        }
        Ok(())
    }

    #[test]
    fn faults_have_names_of_their_own_and_words_that_fit_a_table() -> Result<()> {
        let mut names = BTreeSet::new();
        for fault in Fault::all()? {
            assert!(!fault.caught_by.is_empty(), "{}", fault.name);
            for text in [&fault.name, &fault.does].into_iter().chain(&fault.caught_by) {
                assert!(!text.is_empty() && !text.contains(['|', '\n']), "{}", fault.name);
            }
            assert!(names.insert(fault.name.clone()), "{} is there twice", fault.name);
        }
        Ok(())
    }

    #[test]
    fn a_text_that_is_not_there_once_is_no_place_for_a_fault() -> Result<()> {
        let fault = Fault { find: "a".into(), replace: "b".into(), ..Fault::all()?.swap_remove(0) };
        assert_eq!(fault.commit("xay")?, "xby");
        fault.commit("x").expect_err("it is not there");
        fault.commit("aa").expect_err("it is there twice");
        Ok(())
    }
}
