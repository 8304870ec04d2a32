//! Pages by their URL, as far as a list allows: each hop is compared with the list, and connected to where it was checked.
//!
//! What becomes of a page in an answer is `live-model`'s business.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use tokio::time::timeout;
use url::Url;

use crate::allow::AllowList;
use crate::fetch::{Bounds, Fetched, addresses, get};
use crate::hit::one_line;
use crate::html;

/// What reading one page may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Until a connection is there.
    pub connect: Duration,
    /// For everything: names, redirects, the page.
    pub time: Duration,
    /// Bytes of a page; a longer one is not read.
    pub page_bytes_max: usize,
    /// Bytes of text that are given of a page; the rest is cut off.
    pub text_bytes_max: usize,
    /// Redirects that are followed.
    pub redirects_max: usize,
}

impl Default for ReaderLimits {
    /// 5 s to connect, 15 s in all, 2 MiB of page, 32 KiB of text, 5 redirects.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            time: Duration::from_secs(15),
            page_bytes_max: 2 << 20,
            text_bytes_max: 32 << 10,
            redirects_max: 5,
        }
    }
}

/// Reads pages that an [`AllowList`] allows.
#[derive(Clone)]
pub struct Reader {
    allowed: AllowList,
    limits: ReaderLimits,
    names: Arc<dyn Names>,
}

/// A page that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it was found in the end.
    pub url: String,
    /// Its title; empty if it has none.
    pub title: String,
    /// What it says, a line for each paragraph.
    pub text: String,
    /// Whether there was more.
    pub is_cut: bool,
}

/// Why a page was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// It may not be read; nothing was sent to its host.
    Refused(String),
    /// Its host wants money for it (402).
    Paid,
    /// It could not be had, or is no text.
    Failed(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::Failed(why) => f.write_str(why),
            Self::Paid => f.write_str("its host answers that it has to be paid for (402)"),
        }
    }
}

impl std::error::Error for ReadError {}

impl Reader {
    /// Reads what `allowed` allows, within `limits`.
    pub fn new(allowed: AllowList, limits: ReaderLimits) -> Self {
        Self { allowed, limits, names: Arc::new(System) }
    }

    /// What may be read.
    pub fn allowed(&self) -> &AllowList {
        &self.allowed
    }

    /// Reads the page at `url`. Needs a tokio runtime with I/O and time; dropping the future ends the request.
    ///
    /// # Errors
    /// [`ReadError`], with a reason to tell.
    pub async fn read(&self, url: &str) -> Result<Page, ReadError> {
        let Ok(page) = timeout(self.limits.time, self.follow(url)).await else {
            return Err(ReadError::Failed(format!("it was not there within {:?}", self.limits.time)));
        };
        page
    }

    async fn follow(&self, url: &str) -> Result<Page, ReadError> {
        let mut url = Url::parse(url.trim()).map_err(|_| ReadError::Refused("it is no URL".to_owned()))?;
        for _ in 0..=self.limits.redirects_max {
            let fetched = self.fetch(&url).await?;
            if fetched.status.is_redirection() {
                let to = fetched.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.ok_or_else(|| failed(format!("it answers {} without a place to go", fetched.status)))?;
                url = url.join(to).map_err(|_| failed("it redirects to what is no URL"))?;
                continue;
            }
            return match fetched.status {
                StatusCode::PAYMENT_REQUIRED => Err(ReadError::Paid),
                status if status.is_success() => self.page(url, &fetched),
                status => Err(failed(format!("its host answers {status}"))),
            };
        }
        Err(failed(format!("it redirects more than {} times", self.limits.redirects_max)))
    }

    /// Asks for one URL, at an address that was checked.
    async fn fetch(&self, url: &Url) -> Result<Fetched, ReadError> {
        let refused = |why: &str| Err(ReadError::Refused(why.to_owned()));
        if !matches!(url.scheme(), "http" | "https") {
            return refused("only http:// and https:// are read");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("it names a user");
        }
        if !self.allowed.lists(url) {
            return refused("this server's list does not have it");
        }
        if !url.has_host() {
            return refused("it names no host");
        }
        let addresses = self.names.addresses(url).await;
        let addresses = addresses.map_err(|error| failed(format!("its name cannot be resolved: {error}")))?;
        // A name with one address inside and one outside is a trick, so one that may not be used is enough.
        if !addresses.iter().all(|address| self.allowed.permits(url, *address)) {
            return refused(
                "its host has an address that is not public, and this server's list does not name that address",
            );
        }
        let bounds = Bounds { connect: self.limits.connect, bytes_max: self.limits.page_bytes_max };
        get(url, &addresses, "text/html, text/plain, text/*;q=0.9, application/json;q=0.8", bounds)
            .await
            .map_err(failed)
    }

    fn page(&self, mut url: Url, fetched: &Fetched) -> Result<Page, ReadError> {
        let kind = fetched.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let (essence, parameters) = kind.split_once(';').unwrap_or((&kind, ""));
        let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
        let charset = charset.map(|charset| charset.trim_matches('"'));
        if let Some(charset) = charset.filter(|charset| !matches!(*charset, "utf-8" | "utf8" | "us-ascii")) {
            return Err(failed(format!("it is written in {charset}; only UTF-8 is read")));
        }
        let text = std::str::from_utf8(&fetched.body).map_err(|_| failed("it is no UTF-8"))?;
        let (title, mut text) = match essence.trim() {
            "text/html" | "application/xhtml+xml" => {
                let found = html::extract(text.as_bytes());
                (one_line(&found.title, TITLE_BYTES_MAX), found.text)
            }
            essence if essence.starts_with("text/") || essence == "application/json" => {
                (String::new(), text.trim().to_owned())
            }
            "" => return Err(failed("it does not say what it is (Content-Type)")),
            essence => return Err(failed(format!("it is {essence}; only text is read"))),
        };
        if text.contains('\0') {
            return Err(failed("it is no text"));
        }
        let is_cut = text.len() > self.limits.text_bytes_max;
        text.truncate(text.floor_char_boundary(self.limits.text_bytes_max));
        url.set_fragment(None);
        Ok(Page { url: url.into(), title, text, is_cut })
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("allowed", &self.allowed).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Who knows the addresses of hosts.
trait Names: Send + Sync {
    fn addresses<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
struct System;

impl Names for System {
    fn addresses<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        addresses(url).boxed()
    }
}

fn failed(why: impl Into<String>) -> ReadError {
    ReadError::Failed(why.into())
}

/// Bytes of a title.
const TITLE_BYTES_MAX: usize = 300;

#[cfg(test)]
mod tests;
