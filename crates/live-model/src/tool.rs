//! The tools that a model runs by itself, as models see them: what each takes and gives.
//!
//! Not here: the tools, which a host brings along ([`BuiltIns`]), and when a model uses them, which is each model's business.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live_engine::BuiltInTools;
use live_proto::{CodeExecutionResult, ExecutableCode, Tool, UrlRetrievalStatus};

use crate::fault::Fault;

/// Runs code: `codeExecution`.
pub trait CodeExecutor: Send + Sync + 'static {
    /// Runs a program; whatever becomes of it, the result says so. Dropping the future ends the run.
    ///
    /// No run knows of another: two runs share no variable, no file and no process state that a program could see.
    fn run(&self, code: ExecutableCode) -> BoxFuture<'static, CodeExecutionResult>;

    /// What a language model has to know of the interpreter, in a few sentences.
    fn notes(&self) -> &str {
        ""
    }
}

/// Searches: `googleSearch`.
pub trait SearchEngine: Send + Sync + 'static {
    /// The best `hits_max` places for a query, the best one first; none if nothing fits.
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>>;
}

/// A place that a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub uri: String,
    /// What of it fits the query, as plain text.
    pub text: String,
}

/// Reads pages: `urlContext`.
pub trait UrlReader: Send + Sync + 'static {
    /// What stands at an address.
    fn read(&self, url: &str) -> BoxFuture<'static, Result<Page, Unread>>;
}

/// A page that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What a client is told.
    pub status: UrlRetrievalStatus,
    /// Why, in a few words that a model and the log may be told.
    pub why: String,
}

/// A page that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What it is called; may be empty.
    pub title: String,
    /// Where it was in the end.
    pub uri: String,
    /// What it says, as plain text.
    pub text: String,
}

/// The tools that a host has for its models. One that is not there is not offered: a session that asks for it is refused.
#[derive(Clone, Default)]
pub struct BuiltIns {
    /// Runs code.
    pub code: Option<Arc<dyn CodeExecutor>>,
    /// Searches.
    pub search: Option<Arc<dyn SearchEngine>>,
    /// Reads pages.
    pub urls: Option<Arc<dyn UrlReader>>,
}

impl BuiltIns {
    /// Which of them there are.
    pub fn offered(&self) -> BuiltInTools {
        BuiltInTools {
            code_execution: self.code.is_some(),
            google_search: self.search.is_some(),
            url_context: self.urls.is_some(),
            others: false,
        }
    }

    /// The tools as a session asks for them: a search leaves out what lies in `excludeDomains`.
    pub(crate) fn within(&self, asked: &[Tool]) -> Self {
        let searches = asked.iter().filter_map(|tool| tool.google_search.as_deref());
        let domains: Vec<String> = searches.flat_map(|search| &search.exclude_domains).map(|it| bare(it)).collect();
        let search = match &self.search {
            Some(engine) if !domains.is_empty() => {
                Some(Arc::new(Excluding { engine: Arc::clone(engine), domains: domains.into() })
                    as Arc<dyn SearchEngine>)
            }
            given => given.clone(),
        };
        Self { search, ..self.clone() }
    }
}

/// A domain as it is compared.
fn bare(domain: &str) -> String {
    domain.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// A search that leaves domains out.
struct Excluding {
    engine: Arc<dyn SearchEngine>,
    domains: Arc<[String]>,
}

/// How many times as much is asked for, since some of it will be left out.
const EXCLUDING_ASKS_FOR: usize = 4;

impl SearchEngine for Excluding {
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
        let found = self.engine.search(query, hits_max.saturating_mul(EXCLUDING_ASKS_FOR));
        let domains = Arc::clone(&self.domains);
        let left = async move {
            let is_allowed = |hit: &Hit| !domains.iter().any(|domain| lies_in(&hit.uri, domain));
            Ok(found.await?.into_iter().filter(is_allowed).take(hits_max).collect())
        };
        left.boxed()
    }
}

/// Whether an address is of a domain or below it. One without a host, such as a document's in a folder, is of none.
fn lies_in(uri: &str, domain: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = bare(host.split(':').next().unwrap_or_default());
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl fmt::Debug for BuiltIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BuiltIns").field(&self.offered()).finish()
    }
}

/// An address as the log may have it: neither a name and password nor a query, which may be secrets of whoever asked.
pub(crate) fn shown(url: &str) -> String {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = place.split_once("://") else { return "what is no URL".to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut shown = format!("{scheme}://{host}{path}");
    shown.truncate(shown.floor_char_boundary(SHOWN_BYTES_MAX));
    shown
}

/// Bytes of an address in the log.
const SHOWN_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use live_proto::GoogleSearch;

    use super::*;

    #[test]
    fn an_address_lies_in_its_domain_and_in_those_above() {
        let check =
            |uri: &str, domain: &str, expect: bool| assert_eq!(lies_in(uri, &bare(domain)), expect, "{uri} {domain}");
        check("https://example.com/a", "example.com", true);
        check("https://News.Example.com:8443?q", "EXAMPLE.com.", true);
        check("https://user@example.com#a", "example.com", true);
        check("https://notexample.com/", "example.com", false);
        check("https://example.com.net/", "example.com", false);
        check("https://other.net/example.com", "example.com", false);
        check("notes/example.com.md", "example.com", false);
    }

    /// Finds the same places whatever it is asked.
    struct Finds;

    impl SearchEngine for Finds {
        fn search(&self, _: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
            let place = |number: usize| {
                let host = if number < 3 { "www.example.com" } else { "other.net" };
                Hit { uri: format!("https://{host}/{number}"), ..Hit::default() }
            };
            async move { Ok((0..hits_max).map(place).collect()) }.boxed()
        }
    }

    fn found(exclude_domains: &[&str]) -> Vec<String> {
        let exclude_domains = exclude_domains.iter().map(|it| (*it).to_owned()).collect();
        let search = GoogleSearch { exclude_domains, ..GoogleSearch::default() };
        let asked = [Tool { google_search: Some(Box::new(search)), ..Tool::default() }];
        let built_ins = BuiltIns { search: Some(Arc::new(Finds)), ..BuiltIns::default() };
        let engine = built_ins.within(&asked).search.expect("it searches");
        let hits = engine.search("anything", 2).now_or_never().expect("nothing to wait for").expect("it finds");
        hits.into_iter().map(|hit| hit.uri).collect()
    }

    #[test]
    fn what_a_session_excludes_is_not_found() {
        assert_eq!(found(&[]), ["https://www.example.com/0", "https://www.example.com/1"]);
        assert_eq!(found(&["example.com"]), ["https://other.net/3", "https://other.net/4"]);
        assert_eq!(found(&["example.com", "other.net"]), [""; 0]);
    }

    #[test]
    fn the_log_has_no_secrets_of_addresses() {
        for (url, expected) in [
            ("http://h.example:80/a/b?key=secret#secret", "http://h.example:80/a/b"),
            ("https://me:secret@h.example/@a", "https://h.example/@a"),
            ("http://me:sec@ret@h.example", "http://h.example"),
            ("http://h.example\\@secret", "http://h.example\\@secret"),
            ("http:me:secret@h.example", "what is no URL"),
            ("", "what is no URL"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        assert_eq!(shown(&format!("http://h/{}", "é".repeat(500))).len(), 199);
    }
}
