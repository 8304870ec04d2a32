//! A credential that cannot be printed and is compared in constant time.
//!
//! It is not an access decision: which secrets open the server is [`auth`](crate::auth).

use std::fmt;

use subtle::ConstantTimeEq;

/// An API key or token.
///
/// `Debug` shows only its length, there is no `Display`, and comparison takes the same time wherever two secrets of
/// one length differ.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps `text`; surrounding white space, which shells and env files leave behind, is not part of the secret.
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// Whether nothing is left of the text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, to be hashed.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_and_nothing_else() {
        assert_eq!(format!("{:?}", Secret::new("AIzaSyVerySecret")), "Secret(16 bytes)");
        assert_eq!(format!("{:#?}", Some(Secret::new("k"))), "Some(\n    Secret(1 bytes),\n)");
    }

    #[test]
    fn equality_is_of_the_whole_text_without_surrounding_white_space() {
        assert_eq!(Secret::new("key\n"), Secret::new(" key"));
        assert_ne!(Secret::new("key"), Secret::new("keys"));
        assert_ne!(Secret::new("key"), Secret::new("kez"));
        assert!(Secret::new(" \n").is_empty());
    }
}
