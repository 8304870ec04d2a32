//! Who may open a session: the credentials of a request, and the keys that are let in.
//!
//! It decides, it does not answer: a request that is not let in is still upgraded, and its session closed after
//! `setup` has been read, since only then do the SDKs show the reason to their user.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use live_engine::Refusal;

use crate::Secret;
use crate::project::Project;

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

    /// The project of a client that presents one of the keys: that of the key.
    ///
    /// Where any key will do, so does any project; a client without a key, or with a token, which changes from hour to
    /// hour, then belongs to the one of those who have none. All pairs are compared, so that the time tells nothing of
    /// which key came close. Otherwise, why the client is not let in.
    pub(crate) fn admit(&self, presented: &[Credential]) -> Result<Project, Refusal> {
        if self.is_open() {
            let key = presented.iter().find(|credential| !credential.is_token);
            return Ok(key.map_or(Project::ANONYMOUS, |key| Project::of(&key.secret)));
        }
        let is_known = |secret: &Secret| self.0.iter().fold(false, |known, key| known | (key == secret));
        let known: Vec<&Credential> = presented.iter().filter(|credential| is_known(&credential.secret)).collect();
        let why = if presented.is_empty() { Refusal::Unregistered } else { Refusal::KeyNotValid };
        known.first().map(|key| Project::of(&key.secret)).ok_or(why)
    }
}

/// What a client presents to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) secret: Secret,
    /// Whether it is made for a while, and so names nobody in the long run.
    pub(crate) is_token: bool,
}

/// Every credential that a request carries.
///
/// In the order of the query (`key`, `access_token`), `x-goog-api-key`, and `Authorization` with `Bearer` or `Token`:
/// the SDKs use each of them in some mode, and some send the same one twice.
pub(crate) fn credentials(query: Option<&str>, headers: &HeaderMap) -> Vec<Credential> {
    let from_query = form_urlencoded::parse(query.unwrap_or("").as_bytes())
        .filter(|(name, _)| matches!(name.as_ref(), "key" | "access_token"))
        .map(|(name, value)| (Secret::new(&value), name == "access_token"));
    let from_key_header = headers
        .get_all("x-goog-api-key")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|key| (Secret::new(key), false));
    let from_authorization =
        headers.get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok()).filter_map(|value| {
            let (scheme, secret) = value.split_once(' ')?;
            (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
                .then(|| (Secret::new(secret), true))
        });
    from_query
        .chain(from_key_header)
        .chain(from_authorization)
        .filter(|(secret, _)| !secret.is_empty())
        .map(|(secret, is_token)| Credential {
            is_token: is_token || secret.reveal().starts_with(TOKEN_PREFIX),
            secret,
        })
        .collect()
}

/// What the names of ephemeral tokens begin with; Python sends them as keys too.
const TOKEN_PREFIX: &str = "auth_tokens/";

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

    fn key(text: &str) -> Credential {
        Credential { secret: Secret::new(text), is_token: false }
    }

    #[test]
    fn without_keys_everybody_is_let_in_and_keys_are_projects() {
        let admit = |query, headers| Keys::default().admit(&found(query, headers)).unwrap();
        let project = Project::of(&Secret::new("K"));
        assert_eq!(admit("key=K", &[]), project);
        assert_eq!(admit("", &[("authorization", "Bearer of-this-hour"), ("x-goog-api-key", "K")]), project);
        for (query, headers) in [
            ("", &[][..]),
            ("access_token=ya29.x", &[]),
            ("", &[("authorization", "Bearer ya29.x")]),
            ("", &[("x-goog-api-key", "auth_tokens/abc")]),
        ] {
            assert_eq!(admit(query, headers), Project::ANONYMOUS, "{query} {headers:?}");
        }
    }

    #[test]
    fn with_keys_one_of_them_must_be_presented() {
        let keys = Keys::new([Secret::new("a"), Secret::new("b")]);
        let project = Project::of(&Secret::new("b"));
        assert_eq!(keys.admit(&[key("b")]), Ok(project));
        assert_eq!(keys.admit(&[key("stale"), key("b")]), Ok(project));
        assert_eq!(keys.admit(&found("", &[("authorization", "Bearer b")])), Ok(project));
        assert_eq!(keys.admit(&[]), Err(Refusal::Unregistered));
        assert_eq!(keys.admit(&[key("c")]), Err(Refusal::KeyNotValid));
        let empty = found("key=", &[("x-goog-api-key", "")]);
        assert_eq!(Keys::new([Secret::new(" ")]).admit(&empty), Err(Refusal::Unregistered), "an empty key is no key");
    }
}
