//! A record of fields that a lenient reader ignored.
//!
//! Refusing them is the decoder's strict mode.

use std::collections::BTreeSet;

/// The unknown fields met on one connection.
#[derive(Clone, Debug, Default)]
pub struct UnknownFields {
    paths: BTreeSet<String>,
    count: u64,
}

impl UnknownFields {
    /// Distinct paths remembered. 64: a peer of another version adds a few; more is noise, and still counted.
    pub const PATHS_MAX: usize = 64;

    /// Distinct JSON paths, at most [`PATHS_MAX`](Self::PATHS_MAX) of them.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Unknown fields met, repetitions included.
    pub fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn note(&mut self, paths: Vec<String>) {
        for path in paths {
            self.count += 1;
            if self.paths.len() < Self::PATHS_MAX && !self.paths.contains(&path) {
                tracing::debug!(%path, "the peer sent a field that we do not know");
                self.paths.insert(path);
            }
        }
    }
}
