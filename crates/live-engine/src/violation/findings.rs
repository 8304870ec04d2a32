//! The rules that one message breaks, in the order of the checks: who closes takes the first, who asks beforehand all.
//!
//! Not here: what a finding is ([`super::Violation`]).

use super::Violation;

/// Violations of one message, the first of them.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Violation>);

impl Findings {
    /// Notes a violation, unless there are enough of them.
    pub(crate) fn add(&mut self, violation: Violation) {
        if !self.is_full() {
            self.0.push(violation);
        }
    }

    pub(crate) fn check(&mut self, result: Result<(), Violation>) {
        if let Err(violation) = result {
            self.add(violation);
        }
    }

    pub(crate) fn take<T>(&mut self, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.add(violation)).ok()
    }

    /// Whether looking on finds nothing more.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= VIOLATIONS_MAX
    }

    pub(crate) fn first(self) -> Result<(), Violation> {
        self.0.into_iter().next().map_or(Ok(()), Err)
    }

    pub(crate) fn all(self) -> Vec<Violation> {
        self.0
    }
}

/// Violations of one message: more than a person corrects at once, and a generated schema can break a rule everywhere.
const VIOLATIONS_MAX: usize = 64;
