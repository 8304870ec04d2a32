//! What an engine calls what the Live API calls otherwise: voices, languages.

use std::collections::BTreeMap;

/// The names that one engine has for things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The engine's name for a name of the Live API.
    pub known: BTreeMap<String, String>,
    /// Its name for everything else; without one the Live API's name is passed on.
    pub default: Option<String>,
}

impl Names {
    /// The names in a table, and the one for all others.
    pub fn new<'a>(known: impl IntoIterator<Item = (&'a str, &'a str)>, default: &str) -> Self {
        let known = known.into_iter().map(|(name, own)| (name.to_owned(), own.to_owned())).collect();
        Self { known, default: Some(default.to_owned()) }
    }

    /// The engine's name for `name`. A language `de-AT` that it does not know may be known as `de`.
    pub(crate) fn find<'a>(&'a self, name: &'a str) -> &'a str {
        let root = name.split('-').next().unwrap_or(name);
        let known = self.known.get(name).or_else(|| self.known.get(root));
        match known.or(self.default.as_ref()) {
            Some(own) => own,
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_themselves_then_by_their_root() {
        let mut names = Names::new([("de", "german"), ("de-AT", "austrian")], "english");
        assert_eq!(
            ["de-AT", "de-CH", "de", "fr-FR", ""].map(|name| names.find(name)),
            ["austrian", "german", "german", "english", "english"]
        );
        names.default = None;
        assert_eq!(names.find("fr-FR"), "fr-FR");
    }
}
