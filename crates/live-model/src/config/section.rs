//! A table of a TOML file whose keys are taken one by one: what is left at the end is unknown.
//!
//! What the keys mean is in `config`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

/// What is wrong with a configuration: where, which rule it breaks, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or the flag.
    pub source: String,
    /// The key with the tables it is in; empty for the file as a whole.
    pub key: String,
    /// What is expected, and what was found.
    pub rule: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, key, rule, fix } = self;
        let colon = if key.is_empty() { "" } else { ": " };
        write!(f, "{source}: {key}{colon}{rule}; {fix}")
    }
}

impl std::error::Error for ConfigError {}

/// A table on its way to be read.
pub(super) struct Section {
    source: String,
    /// Where it is, with a full stop behind it; empty for the file as a whole.
    path: String,
    table: Table,
    asked: Vec<&'static str>,
}

impl Section {
    pub(super) fn new(source: &str, path: &str, table: Table) -> Self {
        let path = if path.is_empty() { String::new() } else { format!("{path}.") };
        Self { source: source.to_owned(), path, table, asked: Vec::new() }
    }

    pub(super) fn error(&self, key: &str, rule: impl Into<String>, fix: impl Into<String>) -> ConfigError {
        let key = format!("{}{key}", self.path);
        ConfigError { source: self.source.clone(), key, rule: rule.into(), fix: fix.into() }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.table.remove(key)
    }

    fn mismatch(&self, key: &str, expected: &str, found: &Value) -> ConfigError {
        let found = format!("it takes {expected}, found {} {found}", found.type_str());
        self.error(key, found, format!("write {expected}, or leave it out"))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Self>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Self::new(&self.source, &format!("{}{key}", self.path), table))),
            Some(found) => Err(self.mismatch(key, "a table", &found)),
        }
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(Value::String(_)) => Err(self.error(key, "it is empty", "write something, or leave it out")),
            Some(found) => Err(self.mismatch(key, "a string", &found)),
        }
    }

    /// A text that has to be there.
    pub(super) fn needed(&mut self, key: &'static str, example: &str) -> Result<String, ConfigError> {
        let found = self.text(key)?;
        found.ok_or_else(|| self.error(key, "it is missing", format!("add it, as in {key} = \"{example}\"")))
    }

    /// One of a few words.
    pub(super) fn choice(
        &mut self,
        key: &'static str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ConfigError> {
        let Some(found) = self.text(key)? else { return Ok(None) };
        let known = words.iter().find(|word| **word == found);
        let rule = || format!("it is one of {}, found {found:?}", words.join(", "));
        known.map(|word| Some(*word)).ok_or_else(|| self.error(key, rule(), "choose one of these"))
    }

    pub(super) fn number(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) if range.contains(&number) => Ok(Some(number)),
            Some(found) => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.mismatch(key, &expected, &found))
            }
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Boolean(flag)) => Ok(Some(flag)),
            Some(found) => Err(self.mismatch(key, "true or false", &found)),
        }
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Result<Option<Duration>, ConfigError> {
        let Some(found) = self.text(key)? else { return Ok(None) };
        match humantime::parse_duration(&found) {
            Ok(duration) if !duration.is_zero() => Ok(Some(duration)),
            Ok(_) | Err(_) => {
                let rule = format!("it takes a time above 0, found {found:?}");
                Err(self.error(key, rule, "write it as in \"30s\" or \"250ms\""))
            }
        }
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        let Some(found) = self.take(key) else { return Ok(None) };
        let texts = found.as_array().and_then(|list| list.iter().map(|it| it.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| self.mismatch(key, "a list of strings", &found))
    }

    /// A table from names to texts.
    pub(super) fn names(&mut self, key: &'static str) -> Result<Option<BTreeMap<String, String>>, ConfigError> {
        let Some(section) = self.table(key)? else { return Ok(None) };
        let mut names = BTreeMap::new();
        for (name, value) in &section.table {
            let Value::String(text) = value else { return Err(section.mismatch(name, "a string", value)) };
            names.insert(name.clone(), text.clone());
        }
        Ok(Some(names))
    }

    /// A table whose keys and values are passed on.
    pub(super) fn values(&mut self, key: &'static str) -> Result<Option<Table>, ConfigError> {
        Ok(self.table(key)?.map(|section| section.table))
    }

    /// All keys were taken.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(unknown) => {
                let known = format!("known here: {}", self.asked.join(", "));
                Err(self.error(unknown, "there is no such key, or not together with the others here", known))
            }
        }
    }
}
