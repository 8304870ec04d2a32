//! Checks of licences and bans: what `cargo deny check licenses bans` would say, from the same deny.toml, without another tool.
//! Advisories need a database from the network and are left to cargo-deny.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Finding;
use crate::repository::{Files, Metadata};

/// The part of deny.toml that is read here.
#[derive(Debug, Default, Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Debug, Default, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

pub(super) fn licences(files: &Files, metadata: &Metadata) -> Vec<Finding> {
    let deny = match read(files) {
        Ok(deny) => deny,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let package_name = format!("{} {}", package.name, package.version);
        let what = match package.license.as_deref().map(|text| allows(text, &deny.licenses.allow)) {
            Some(Ok(true)) => continue,
            Some(Ok(false)) => format!("licence {}", package.license.as_deref().unwrap_or_default()),
            Some(Err(error)) => format!("licence is no SPDX expression: {error}"),
            None => "no licence".to_owned(),
        };
        findings.push(Finding::file(&package_name, what, "take another crate"));
    }
    findings
}

pub(super) fn bans(files: &Files, metadata: &Metadata) -> Vec<Finding> {
    let deny = match read(files) {
        Ok(deny) => deny,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    for Ban { name, reason } in &deny.bans.deny {
        for package in metadata.packages.iter().filter(|package| package.name == *name) {
            let package_name = format!("{} {}", package.name, package.version);
            findings.push(Finding::file(&package_name, format!("banned: {reason}"), "find it with `cargo tree -i`"));
        }
    }
    for package in metadata.packages.iter().filter(|package| package.source.is_some()) {
        let from_registry = package.source.as_deref().is_some_and(|source| source.starts_with("registry+"));
        if !from_registry {
            let package_name = format!("{} {}", package.name, package.version);
            findings.push(Finding::file(&package_name, "does not come from the registry", "depend on a release"));
        }
    }
    findings
}

fn read(files: &Files) -> Result<Deny, Finding> {
    let text = files.get("deny.toml").and_then(|file| file.text()).unwrap_or_default();
    toml::from_str(text).map_err(|error| Finding::file("deny.toml", error.message(), "write it as cargo-deny reads it"))
}

/// Whether an SPDX expression can be satisfied with allowed licences alone.
fn allows(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    // Old crates write `MIT/Apache-2.0` for `MIT OR Apache-2.0`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    let result = parser.any_of()?;
    match parser.words {
        [] => Ok(result),
        [word, ..] => Err(format!("unexpected `{word}` in `{expression}`")),
    }
}

/// `AND` binds closer than `OR`, `WITH` closer than both.
struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn any_of(&mut self) -> Result<bool, String> {
        let mut result = self.all_of()?;
        while self.take("OR") {
            result |= self.all_of()?;
        }
        Ok(result)
    }

    fn all_of(&mut self) -> Result<bool, String> {
        let mut result = self.one()?;
        while self.take("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let result = self.any_of()?;
            return if self.take(")") { Ok(result) } else { Err("a parenthesis is not closed".to_owned()) };
        }
        let name = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok(self.allowed.contains(&format!("{name} WITH {exception}")));
        }
        Ok(self.allowed.contains(name))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.words.split_first() {
            Some((word, rest)) if !["AND", "OR", "WITH", "(", ")"].contains(word) => {
                self.words = rest;
                Ok(word)
            }
            Some((word, _)) => Err(format!("unexpected `{word}`")),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Package;
    use crate::repository::tests::sample;

    const DENY: &str = "[licenses]\nallow = ['MIT', 'Apache-2.0', 'Unicode-3.0']\n\
                        [bans]\ndeny = [{ crate = 'espeak-rs', reason = 'GPL' }]\n";

    fn package(name: &str, license: Option<&str>, source: &str) -> Metadata {
        let package = Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: Some(source.to_owned()),
            dependencies: Vec::new(),
        };
        Metadata { packages: vec![package], workspace_members: Vec::new() }
    }

    fn allowed(expression: &str) -> Result<bool, String> {
        allows(expression, &["MIT", "Apache-2.0", "Unicode-3.0", "X WITH Y"].map(str::to_owned).into())
    }

    #[test]
    fn expressions_are_judged_as_spdx_says() {
        assert_eq!(allowed("MIT"), Ok(true));
        assert_eq!(allowed("GPL-3.0"), Ok(false));
        assert_eq!(allowed("MIT/GPL-3.0"), Ok(true));
        assert_eq!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"), Ok(true));
        assert_eq!(allowed("(MIT OR Apache-2.0) AND GPL-3.0"), Ok(false));
        assert_eq!(allowed("MIT OR Apache-2.0 AND GPL-3.0"), Ok(true));
        assert_eq!(allowed("X WITH Y AND MIT"), Ok(true));
        assert_eq!(allowed("MIT WITH Y"), Ok(false));
    }

    #[test]
    fn a_broken_expression_is_no_licence() {
        assert!(allowed("MIT OR").is_err());
        assert!(allowed("(MIT").is_err());
        assert!(allowed("MIT Apache-2.0").is_err());
        assert!(allowed("").is_err());
    }

    #[test]
    fn a_licence_that_is_not_allowed_or_missing_is_found() {
        let files = sample(&[("deny.toml", DENY)]);
        assert_eq!(licences(&files, &package("fine", Some("MIT"), "registry+x")), []);
        assert_eq!(licences(&files, &package("sticky", Some("GPL-3.0"), "registry+x"))[0].what, "licence GPL-3.0");
        assert_eq!(licences(&files, &package("silent", None, "registry+x"))[0].what, "no licence");
    }

    #[test]
    fn a_banned_crate_is_found() {
        let files = sample(&[("deny.toml", DENY)]);
        assert_eq!(bans(&files, &package("espeak-rs", Some("MIT"), "registry+x"))[0].what, "banned: GPL");
        assert_eq!(bans(&files, &package("espeak", Some("MIT"), "registry+x")), []);
    }

    #[test]
    fn a_crate_from_git_is_found() {
        let files = sample(&[("deny.toml", DENY)]);
        assert_eq!(bans(&files, &package("fork", Some("MIT"), "git+https://x")).len(), 1);
    }

    #[test]
    fn a_missing_deny_toml_is_found() {
        assert_eq!(licences(&sample(&[]), &package("fine", Some("MIT"), "registry+x"))[0].at, "deny.toml");
    }
}
