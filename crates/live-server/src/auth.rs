//! The credentials of a request, wherever a client puts them.
//!
//! Who is let in with them is decided by [`access`](crate::access).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::{Secret, token};

/// What a client presents to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) secret: Secret,
    pub(crate) kind: CredentialKind,
}

/// What a credential can be, by its place and its first letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredentialKind {
    /// An API key.
    Key,
    /// An ephemeral token, of this server or another.
    Token,
    /// An OAuth token; some clients send a key as if it were one.
    Bearer,
}

/// Every credential that a request carries.
///
/// In the order of the query (`key`, `access_token`), `x-goog-api-key`, and `Authorization` with `Bearer` or `Token`:
/// the SDKs use each of them in some mode, and some send the same one twice.
pub(crate) fn credentials(query: Option<&str>, headers: &HeaderMap) -> Vec<Credential> {
    let from_query = form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .filter(|(name, _)| matches!(name.as_ref(), "key" | "access_token"))
        .map(|(name, value)| {
            let kind = if name == "key" { CredentialKind::Key } else { CredentialKind::Bearer };
            (Secret::new(&value), kind)
        });
    let from_key_header = headers
        .get_all("x-goog-api-key")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|key| (Secret::new(key), CredentialKind::Key));
    let from_authorization =
        headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok()).filter_map(|value| {
            let (scheme, secret) = value.split_once(' ')?;
            (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
                .then(|| (Secret::new(secret), CredentialKind::Bearer))
        });
    from_query
        .chain(from_key_header)
        .chain(from_authorization)
        .filter(|(secret, _)| !secret.is_empty())
        .map(|(secret, kind)| {
            // Python sends them as keys too.
            let is_token = secret.reveal().starts_with(token::PREFIX);
            Credential { kind: if is_token { CredentialKind::Token } else { kind }, secret }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn presented(query: &str, headers: &[(&'static str, &'static str)]) -> Vec<Secret> {
        found(query, headers).into_iter().map(|credential| credential.secret).collect()
    }

    fn found(query: &str, headers: &[(&'static str, &'static str)]) -> Vec<Credential> {
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
    fn keys_tokens_and_bearers_are_told_apart() {
        use CredentialKind::{Bearer, Key, Token};
        type Presented = (&'static str, &'static [(&'static str, &'static str)], CredentialKind);
        let table: [Presented; 9] = [
            ("key=K", &[], Key),
            ("key=auth_tokens/t", &[], Token),
            ("access_token=ya29.x", &[], Bearer),
            ("access_token=auth_tokens%2Ft", &[], Token),
            ("", &[("x-goog-api-key", "K")], Key),
            ("", &[("x-goog-api-key", "auth_tokens/t")], Token),
            ("", &[("authorization", "Bearer ya29.x")], Bearer),
            ("", &[("authorization", "Token auth_tokens/t")], Token),
            ("", &[("authorization", "Bearer auth_tokens/t")], Token),
        ];
        for (query, headers, kind) in table {
            assert_eq!(found(query, headers)[0].kind, kind, "{query} {headers:?}");
        }
    }
}
