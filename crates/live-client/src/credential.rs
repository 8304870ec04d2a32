//! Who is calling: keys and tokens, and the headers that carry them.
//!
//! A credential never becomes part of a URL, an error or a log; that is why the SDKs' `?key=` is not used here.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};

use crate::ConfigError;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl Secret {
    /// The text as the value of a header, marked as sensitive.
    pub(crate) fn header_value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut value = HeaderValue::from_str(&self.0)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How a client shows who it is.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// To a gateway that needs nothing, or is told by headers of the host's own.
    Nothing,
    /// `x-goog-api-key`
    Key(Secret),
    /// `Authorization: Token`: an ephemeral token, `auth_tokens/..`
    Token(Secret),
    /// `Authorization: Bearer`: OAuth
    Bearer(Secret),
}

impl Credential {
    /// The header that carries the credential, marked as sensitive.
    pub(crate) fn header(&self) -> Result<Option<(HeaderName, HeaderValue)>, ConfigError> {
        let (name, text) = match self {
            Self::Nothing => return Ok(None),
            Self::Key(Secret(key)) => (HeaderName::from_static("x-goog-api-key"), key.clone()),
            Self::Token(Secret(token)) => (AUTHORIZATION, format!("Token {token}")),
            Self::Bearer(Secret(token)) => (AUTHORIZATION, format!("Bearer {token}")),
        };
        if text.is_empty() || text.ends_with(' ') {
            return Err(ConfigError::EmptyCredential);
        }
        let value = Secret(text).header_value().map_err(|_| ConfigError::CredentialNotPrintable)?;
        Ok(Some((name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_header() {
        let header = |credential: Credential| {
            let (name, value) = credential.header().unwrap().unwrap();
            format!("{name}: {}", value.to_str().unwrap())
        };
        assert_eq!(header(Credential::Key("k".into())), "x-goog-api-key: k");
        assert_eq!(header(Credential::Token("auth_tokens/t".into())), "authorization: Token auth_tokens/t");
        assert_eq!(header(Credential::Bearer("ya29.t".into())), "authorization: Bearer ya29.t");
        assert!(Credential::Nothing.header().unwrap().is_none());
    }

    #[test]
    fn a_credential_that_cannot_be_sent_is_an_error() {
        assert_eq!(Credential::Key("".into()).header(), Err(ConfigError::EmptyCredential));
        assert_eq!(Credential::Bearer("".into()).header(), Err(ConfigError::EmptyCredential));
        assert_eq!(Credential::Key("line\nbreak".into()).header(), Err(ConfigError::CredentialNotPrintable));
    }

    #[test]
    fn no_debug_output_holds_a_secret() {
        let credential = Credential::Key("hunter2".into());
        let header = credential.header().unwrap();
        assert!(!format!("{credential:?} {header:?}").contains("hunter2"));
    }
}
