//! Which addresses of the web may be read: a list of hosts and of beginnings of URLs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::address::is_public;

/// What may be read. An empty list allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// As it was written.
    text: String,
    scheme: Option<String>,
    host: Pattern,
    /// `None` stands for the usual one of the scheme.
    port: Option<u16>,
    /// Begins with a slash.
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// `*`: every host with a public address.
    Any,
    /// `*.example.com`: what ends with this, dot included.
    Under(String),
    Name(String),
    Address(IpAddr),
}

impl AllowList {
    /// Reads entries, each of one of the forms `example.com`, `*.example.com`, `example.com:8080`, `127.0.0.1:8080`,
    /// `https://example.com/guide/`, or `*` for all public hosts.
    ///
    /// # Errors
    /// [`AllowError`] for the first entry that has none of these forms.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, AllowError> {
        let entries = entries.into_iter().map(Entry::parse).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the list has this URL. Where its host is comes later: [`Self::permits`].
    pub(crate) fn lists(&self, url: &Url) -> bool {
        self.entries.iter().any(|entry| entry.lists(url))
    }

    /// Whether this may be connected to for a URL that is listed: it is public, or the list names the address itself, and of what is
    /// there this path. `localhost` names the addresses of this machine.
    pub(crate) fn permits(&self, url: &Url, address: SocketAddr) -> bool {
        is_public(address.ip()) || self.entries.iter().any(|entry| entry.names(address) && entry.has_path(url))
    }
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.entries.iter().map(|entry| entry.text.as_str()).collect();
        f.write_str(&texts.join(", "))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, AllowError> {
        let bad = |why| AllowError { entry: text.to_owned(), why };
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
            Some(_) => return Err(bad("only http:// and https:// are read")),
            None => (None, text),
        };
        let (subdomains, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if rest.starts_with('*') {
            return match rest {
                "*" if scheme.is_none() && !subdomains => Ok(Self {
                    text: text.to_owned(),
                    scheme: None,
                    host: Pattern::Any,
                    port: None,
                    path: "/".to_owned(),
                }),
                _ => Err(bad("* stands alone, or in front as in *.example.com")),
            };
        }
        // The scheme decides nothing here but that the usual port of it is left out.
        let url = Url::parse(&format!("{}://{rest}", scheme.unwrap_or("http"))).map_err(|_| bad("it names no host"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it names a user"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a query or a fragment, where only the beginning of a path is compared"));
        }
        let host = match url.host().ok_or_else(|| bad("it names no host"))? {
            Host::Domain(name) if subdomains => Pattern::Under(format!(".{}", name.trim_end_matches('.'))),
            Host::Domain(name) => Pattern::Name(name.trim_end_matches('.').to_owned()),
            Host::Ipv4(_) | Host::Ipv6(_) if subdomains => return Err(bad("an address has no subdomains")),
            Host::Ipv4(address) => Pattern::Address(address.into()),
            Host::Ipv6(address) => Pattern::Address(IpAddr::V6(address).to_canonical()),
        };
        let (scheme, path) = (scheme.map(str::to_owned), url.path().to_owned());
        Ok(Self { text: text.to_owned(), scheme, host, port: url.port(), path })
    }

    fn lists(&self, url: &Url) -> bool {
        if self.scheme.as_deref().is_some_and(|scheme| scheme != url.scheme()) || self.port != url.port() {
            return false;
        }
        let is_host = match (&self.host, url.host()) {
            (Pattern::Any, Some(_)) => true,
            (Pattern::Under(suffix), Some(Host::Domain(name))) => name.trim_end_matches('.').ends_with(suffix),
            (Pattern::Name(own), Some(Host::Domain(name))) => name.trim_end_matches('.') == own,
            (Pattern::Address(own), Some(Host::Ipv4(address))) => *own == IpAddr::V4(address),
            (Pattern::Address(own), Some(Host::Ipv6(address))) => *own == IpAddr::V6(address).to_canonical(),
            (_, _) => false,
        };
        is_host && self.has_path(url)
    }

    fn has_path(&self, url: &Url) -> bool {
        begins_path(url.path(), &self.path)
    }

    fn names(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_host = match &self.host {
            Pattern::Address(own) => *own == ip,
            Pattern::Name(name) => {
                let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                name == "localhost" && loopback.contains(&ip)
            }
            Pattern::Any | Pattern::Under(_) => false,
        };
        let usual: &[u16] = match self.scheme.as_deref() {
            Some("http") => &[80],
            Some("https") => &[443],
            Some(_) | None => &[80, 443],
        };
        is_host && self.port.map_or_else(|| usual.contains(&address.port()), |port| port == address.port())
    }
}

/// Whether `path` begins with the segments of `prefix`: `/a` has `/a` and `/a/b`, not `/ab`.
fn begins_path(path: &str, prefix: &str) -> bool {
    // What servers may read as a slash or a dot after all is left to nobody's guess.
    let lower = path.to_ascii_lowercase();
    if prefix != "/" && ["%2f", "%5c", "%2e"].iter().any(|escape| lower.contains(escape)) {
        return false;
    }
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

/// An entry that says nothing that can be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowError {
    /// The entry.
    pub entry: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl fmt::Display for AllowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, why } = self;
        write!(
            f,
            "{entry:?}: {why}; write it as example.com, *.example.com, 127.0.0.1:8080 or https://example.com/guide/"
        )
    }
}

impl std::error::Error for AllowError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(entry: &str, url: &str) -> bool {
        let list = AllowList::new([entry]).expect("a good entry");
        list.lists(&Url::parse(url).expect("a good URL"))
    }

    #[test]
    fn urls_are_compared_by_what_their_entry_names() {
        for (entry, url, expected) in [
            ("example.com", "https://example.com/a?b#c", true),
            ("example.com", "http://EXAMPLE.com./", true),
            ("example.com", "https://example.com:443/", true),
            ("example.com", "https://example.com:8443/", false),
            ("example.com", "https://example.com.evil.org/", false),
            ("example.com", "https://notexample.com/", false),
            ("example.com", "https://www.example.com/", false),
            ("*.example.com", "https://a.b.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("*.example.com", "https://badexample.com/", false),
            ("example.com:8080", "http://example.com:8080/", true),
            ("example.com:8080", "http://example.com/", false),
            ("https://example.com/guide", "https://example.com/guide/one", true),
            ("https://example.com/guide", "https://example.com/guide", true),
            ("https://example.com/guide", "https://example.com/guidelines", false),
            ("https://example.com/guide/", "https://example.com/guide/../secret", false),
            ("https://example.com/guide/", "https://example.com/guide/%2e%2e/secret", false),
            ("https://example.com/guide/", "https://example.com/guide/..%2fsecret", false),
            ("https://example.com/guide/", "http://example.com/guide/", false),
            ("127.0.0.1:8080", "http://2130706433:8080/", true),
            ("127.0.0.1:8080", "http://0x7f000001:8080/", true),
            ("127.0.0.1:8080", "http://[::ffff:127.0.0.1]:8080/", true),
            ("127.0.0.1:8080", "http://127.0.0.2:8080/", false),
            ("bücher.example", "https://xn--bcher-kva.example/", true),
            ("*", "https://anything.example/", true),
            ("*", "https://anything.example:22/", false),
        ] {
            assert_eq!(lists(entry, url), expected, "{entry} {url}");
        }
    }

    #[test]
    fn what_is_not_public_has_to_be_named_itself() {
        let permits = |entry, address: &str| {
            let url = Url::parse("http://name.example/a").expect("a good URL");
            AllowList::new([entry]).expect("a good entry").permits(&url, address.parse().expect("an address"))
        };
        for (entry, address, expected) in [
            ("example.com", "93.184.215.14:443", true),
            ("*", "127.0.0.1:80", false),
            ("intranet.example", "10.0.0.7:80", false),
            ("10.0.0.7", "10.0.0.7:443", true),
            ("10.0.0.7", "10.0.0.7:22", false),
            ("http://10.0.0.7", "10.0.0.7:443", false),
            ("10.0.0.7:22", "10.0.0.7:22", true),
            ("10.0.0.7", "10.0.0.8:80", false),
            ("localhost:3000", "127.0.0.1:3000", true),
            ("localhost:3000", "[::1]:3000", true),
            ("localhost:3000", "127.0.0.1:3001", false),
            ("localhost:3000", "169.254.169.254:3000", false),
            ("127.0.0.1:1", "[::ffff:127.0.0.1]:1", true),
            ("http://10.0.0.7/a", "10.0.0.7:80", true),
            ("http://10.0.0.7/guide/", "10.0.0.7:80", false),
        ] {
            assert_eq!(permits(entry, address), expected, "{entry} {address}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (entry, says) in [
            ("", "no host"),
            ("ftp://example.com", "http://"),
            ("https://*.*", "*"),
            ("*.10.0.0.1", "subdomains"),
            ("user@example.com", "user"),
            ("example.com/?q=1", "query"),
            ("exa mple.com", "no host"),
            ("*example.com", "stands alone"),
        ] {
            let error = AllowList::new([entry]).expect_err(entry).to_string();
            assert!(error.contains(says), "{entry}: {error}");
        }
    }
}
