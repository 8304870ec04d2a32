//! Which web pages may open sessions: a browser lets any page connect to any WebSocket, this machine's too, and says only
//! where the page comes from.
//!
//! Whoever is no browser says nothing of the kind and is not looked at; who is let in by a key is decided by
//! [`auth`](crate::auth).

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Where web pages come from, in the words of browsers: `https://app.example:8443`, or `null` for a page without an
/// address. `*` is everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Box<str>);

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A slash is what one copies from an address bar.
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let is_origin = |text: &str| {
            text.split_once("://").is_some_and(|(scheme, authority)| {
                !scheme.is_empty()
                    && !authority.is_empty()
                    && !authority.contains(|c: char| c.is_whitespace() || "/?#@*".contains(c))
            })
        };
        if matches!(text.as_str(), "*" | "null") || is_origin(&text) {
            Ok(Self(text.into()))
        } else {
            Err("expected an origin such as https://app.example:8443, null for pages without one, or * for all")
        }
    }
}

/// The pages that may open sessions, beside those of this machine.
#[derive(Debug, Default)]
pub(crate) struct Origins(pub(crate) Vec<Origin>);

impl Origins {
    /// The origin of a page that may not open a session; `None` when no page asks, or one that may.
    ///
    /// Pages of this machine may, and those that come from where the server itself was found, if that is a number: a name
    /// can be made to mean this machine by whoever owns it.
    pub(crate) fn refused(&self, headers: &HeaderMap) -> Option<String> {
        let server = headers.get(HOST).and_then(|host| host.to_str().ok()).map(host_of);
        let may = |origin: &str| {
            let host = origin.split_once("://").map(|(_, authority)| host_of(authority));
            self.0.iter().any(|Origin(allowed)| **allowed == *"*" || origin.eq_ignore_ascii_case(allowed))
                || host.is_some_and(|host| is_here(host) || server == Some(host) && address(host).is_some())
        };
        headers
            .get_all(ORIGIN)
            .iter()
            .map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned())
            .find(|origin| !may(origin))
    }
}

/// Whether a request to this machine names it by number, or by a name that nobody can point elsewhere; one that names
/// nothing does too.
pub(crate) fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    hosts.all(|host| host.to_str().is_ok_and(|host| is_here(host_of(host)) || address(host_of(host)).is_some()))
}

/// `host` of `host:port`.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

fn is_here(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || address(&host).is_some_and(|address| address.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(headers: &[(HeaderName, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn pages_of_this_machine_may_and_others_must_be_allowed() {
        let origins = Origins(vec!["https://App.example:8443/".parse().unwrap()]);
        let table = [
            ("http://localhost:5173", "127.0.0.1:8080", true),
            ("http://127.0.0.1", "localhost:8080", true),
            ("https://[::1]:3000", "127.0.0.1:8080", true),
            ("http://app.localhost", "127.0.0.1:8080", true),
            ("tauri://localhost", "127.0.0.1:8080", true),
            ("http://192.168.1.5:3000", "192.168.1.5:8080", true),
            ("https://app.example:8443", "127.0.0.1:8080", true),
            ("https://app.example", "127.0.0.1:8080", false),
            ("https://localhost.evil.example", "127.0.0.1:8080", false),
            ("https://evil.example:8080", "evil.example:8080", false),
            ("http://192.168.1.6", "192.168.1.5:8080", false),
            ("null", "127.0.0.1:8080", false),
            ("", "127.0.0.1:8080", false),
            ("127.0.0.1", "127.0.0.1:8080", false),
        ];
        for (origin, host, may) in table {
            let refused = origins.refused(&headers(&[(HOST, host), (ORIGIN, origin)]));
            assert_eq!(refused, (!may).then(|| origin.to_owned()), "{origin} at {host}");
        }
        assert_eq!(origins.refused(&headers(&[(HOST, "evil.example")])), None, "no page");
        let mut two = headers(&[(ORIGIN, "http://localhost")]);
        two.append(ORIGIN, "https://evil.example".parse().unwrap());
        assert_eq!(origins.refused(&two).as_deref(), Some("https://evil.example"));
    }

    #[test]
    fn all_pages_may_where_that_is_asked_for() {
        for (allowed, origin) in [("*", "https://evil.example"), ("*", "null"), ("null", "null")] {
            let origins = Origins(vec![allowed.parse().unwrap()]);
            assert_eq!(origins.refused(&headers(&[(ORIGIN, origin)])), None, "{allowed} {origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_not_taken() {
        for text in ["", "app.example", "https://", "https://a/b", "https://*.example", "https://me@a", "://a", "a b"] {
            text.parse::<Origin>().expect_err(text);
        }
    }

    #[test]
    fn a_name_that_can_be_pointed_here_is_not_this_machine() {
        for (host, is_here) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("localhost", true),
            ("LOCALHOST:80", true),
            ("10.0.0.1:1", true),
            ("evil.example:1", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(names_this_machine(&headers(&[(HOST, host)])), is_here, "{host}");
        }
        assert!(names_this_machine(&HeaderMap::new()));
    }
}
