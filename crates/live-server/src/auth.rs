//! Who may open a session: the credentials of a request, and the keys that are let in.
//!
//! It decides, it does not answer: a request that is not let in is still upgraded, and its session closed after
//! `setup` has been read, since only then do the SDKs show the reason to their user.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use live_engine::Refusal;

use crate::Secret;

/// The keys that open a server. None at all leaves it open to anybody who can reach it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Vec<Secret>);

impl Keys {
    /// Takes the keys. An empty one matches nothing, so that a server told to restrict itself to it lets nobody in.
    pub(crate) fn new(keys: impl IntoIterator<Item = Secret>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Whether every credential is let in, and no credential too.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Why a client that presents these is not let in, if it is not.
    ///
    /// All pairs are compared, so that the time tells nothing of which key came close.
    pub(crate) fn refusal(&self, presented: &[Secret]) -> Option<Refusal> {
        let is_known = |secret: &Secret| self.0.iter().fold(false, |known, key| known | (key == secret));
        let is_let_in = self.is_open() | presented.iter().fold(false, |known, secret| known | is_known(secret));
        match presented {
            _ if is_let_in => None,
            [] => Some(Refusal::Unregistered),
            [_, ..] => Some(Refusal::KeyNotValid),
        }
    }
}

/// Every credential that a request carries.
///
/// In the order of the query (`key`, `access_token`), `x-goog-api-key`, and `Authorization` with `Bearer` or `Token`:
/// the SDKs use each of them in some mode, and some send the same one twice.
pub(crate) fn credentials(query: Option<&str>, headers: &HeaderMap) -> Vec<Secret> {
    let from_query = form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .filter(|(name, _)| matches!(name.as_ref(), "key" | "access_token"))
        .map(|(_, value)| Secret::new(&value));
    let from_key_header =
        headers.get_all("x-goog-api-key").iter().filter_map(|value| value.to_str().ok()).map(Secret::new);
    let from_authorization =
        headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok()).filter_map(|value| {
            let (scheme, secret) = value.split_once(' ')?;
            (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")).then(|| Secret::new(secret))
        });
    from_query.chain(from_key_header).chain(from_authorization).filter(|secret| !secret.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn presented(query: &str, headers: &[(&'static str, &'static str)]) -> Vec<Secret> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        credentials(Some(query), &headers.collect())
    }

    #[test]
    fn a_key_is_found_wherever_an_sdk_puts_it() {
        let table: [(&str, &[(&str, &str)]); 8] = [
            ("key=K", &[]),
            ("alt=ws&access_token=K&x", &[]),
            ("", &[("x-goog-api-key", "K")]),
            ("", &[("authorization", "Bearer K")]),
            ("", &[("authorization", "Token K")]),
            ("", &[("authorization", "bearer  K")]),
            ("key=%4B", &[]),
            ("key=&access_token=", &[("x-goog-api-key", "K"), ("authorization", "Basic SzpL")]),
        ];
        for (query, headers) in table {
            assert_eq!(presented(query, headers), [Secret::new("K")], "{query} {headers:?}");
        }
    }

    #[test]
    fn a_token_with_an_unescaped_slash_is_one_token() {
        let token = || Secret::new("auth_tokens/abc");
        assert_eq!(presented("access_token=auth_tokens/abc", &[]), [token()]);
        let twice = [("x-goog-api-key", "auth_tokens/abc"), ("authorization", "Token auth_tokens/abc")];
        assert_eq!(presented("", &twice), [token(), token()]);
    }

    #[test]
    fn without_keys_everybody_is_let_in() {
        assert_eq!(Keys::default().refusal(&[]), None);
        assert_eq!(Keys::default().refusal(&[Secret::new("any")]), None);
    }

    #[test]
    fn with_keys_one_of_them_must_be_presented() {
        let keys = Keys::new([Secret::new("a"), Secret::new("b")]);
        assert_eq!(keys.refusal(&[Secret::new("b")]), None);
        assert_eq!(keys.refusal(&[Secret::new("stale"), Secret::new("a")]), None);
        assert_eq!(keys.refusal(&[]), Some(Refusal::Unregistered));
        assert_eq!(keys.refusal(&[Secret::new("c")]), Some(Refusal::KeyNotValid));
        let empty = Keys::new([Secret::new(" ")]).refusal(&presented("key=", &[("x-goog-api-key", "")]));
        assert_eq!(empty, Some(Refusal::Unregistered), "an empty key is no key");
    }
}
