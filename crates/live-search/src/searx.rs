//! A search service with the interface of SearXNG: `GET /search?q=..&format=json`.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use crate::fetch::{Bounds, addresses, get};
use crate::hit::{Hit, SearchError, one_line};

/// Where the service is, and what it may cost to ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearxConfig {
    /// Its address, as in `http://127.0.0.1:8888`; `/search` is put behind it unless it ends so.
    pub base_url: String,
    /// The language of results, such as `de`; without one the service chooses.
    pub language: Option<String>,
    /// Categories of engines, such as `general`; without any the service chooses.
    pub categories: Option<String>,
    /// Until a connection is there.
    pub connect: Duration,
    /// For a whole search.
    pub time: Duration,
    /// Bytes of an answer.
    pub answer_bytes_max: usize,
}

impl SearxConfig {
    /// The service at `base_url`; 5 s to connect, 10 s for a search, 4 MiB of answer.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            language: None,
            categories: None,
            connect: Duration::from_secs(5),
            time: Duration::from_secs(10),
            answer_bytes_max: 4 << 20,
        }
    }
}

/// A search service.
#[derive(Clone, Debug)]
pub struct Searx {
    url: Url,
    config: SearxConfig,
}

impl Searx {
    /// Searches by the service that `config` describes. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SearchError`] if its address cannot be used.
    pub fn new(config: SearxConfig) -> Result<Self, SearchError> {
        let bad = |why: &str| {
            let fix = "write it as in http://127.0.0.1:8888";
            SearchError::new(format!("{:?}", config.base_url), format!("{why}; {fix}"))
        };
        let mut url = Url::parse(config.base_url.trim()).map_err(|_| bad("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("it has to begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SearchError::new("the address of the search service", "it has to name a host, without a user"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("a query is put behind it, so it can have none"));
        }
        if !url.path().trim_end_matches('/').ends_with("/search") {
            let path = format!("{}/search", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Self { url, config })
    }

    /// The address that is asked, for messages.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Asks for what fits `query`, the best first, `max` findings at most. Needs a tokio runtime with I/O and time; dropping the
    /// future ends the request.
    ///
    /// # Errors
    /// [`SearchError`] if the service does not answer, or not in its documented form.
    pub async fn search(&self, query: &str, max: usize) -> Result<Vec<Hit>, SearchError> {
        let mut url = self.url.clone();
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("q", &one_line(query, QUERY_BYTES_MAX)).append_pair("format", "json");
            if let Some(language) = &self.config.language {
                pairs.append_pair("language", language);
            }
            if let Some(categories) = &self.config.categories {
                pairs.append_pair("categories", categories);
            }
        }
        let found = match timeout(self.config.time, self.ask(&url)).await {
            Ok(found) => found,
            Err(_) => Err(format!("no answer within {:?}", self.config.time)),
        };
        found.map(|hits| hits.into_iter().take(max).collect()).map_err(|why| SearchError::new(self.url.as_str(), why))
    }

    async fn ask(&self, url: &Url) -> Result<Vec<Hit>, String> {
        let addresses = addresses(url).await.map_err(|error| format!("its name cannot be resolved: {error}"))?;
        let bounds = Bounds { connect: self.config.connect, bytes_max: self.config.answer_bytes_max };
        let fetched = get(url, &addresses, "application/json", bounds).await?;
        if fetched.status.is_redirection() {
            let to = fetched.headers.get(http::header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            return Err(format!(
                "it redirects to {to}, and redirects are not followed; give that address if it is the right one"
            ));
        }
        if fetched.status == http::StatusCode::FORBIDDEN {
            return Err("it answers 403 Forbidden, as SearXNG does until `json` stands under `search: formats:` in its settings.yml".to_owned());
        }
        if !fetched.status.is_success() {
            return Err(format!("it answers {}", fetched.status));
        }
        read(&fetched.body)
    }
}

/// The findings in an answer.
fn read(body: &[u8]) -> Result<Vec<Hit>, String> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| "what it answers is no JSON".to_owned())?;
    let results = answer["results"].as_array().ok_or("its answer has no `results`")?;
    let hits: Vec<Hit> = results.iter().filter_map(hit).collect();
    let silent: Vec<String> =
        answer["unresponsive_engines"].as_array().into_iter().flatten().filter_map(engine).collect();
    if hits.is_empty() && !silent.is_empty() {
        // That nothing was found would not be true.
        return Err(format!("its engines did not answer: {}", one_line(&silent.join(", "), TITLE_BYTES_MAX)));
    }
    Ok(hits)
}

fn hit(result: &Value) -> Option<Hit> {
    let text_of = |key: &str, max| one_line(result[key].as_str().unwrap_or_default(), max);
    let url = Url::parse(result["url"].as_str()?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let (title, text) = (text_of("title", TITLE_BYTES_MAX), text_of("content", TEXT_BYTES_MAX));
    // A finding that says nothing cannot be quoted, but its title can.
    let text = if text.is_empty() { title.clone() } else { text };
    (!text.is_empty() && url.as_str().len() <= URL_BYTES_MAX).then(|| Hit { title, uri: url.into(), text })
}

/// The name of an engine that did not answer, and why if that is told.
fn engine(told: &Value) -> Option<String> {
    let parts = told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice);
    let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// Bytes of a query that are sent.
const QUERY_BYTES_MAX: usize = 512;
const TITLE_BYTES_MAX: usize = 300;
const TEXT_BYTES_MAX: usize = 2_000;
const URL_BYTES_MAX: usize = 2_000;

#[cfg(test)]
mod tests;
