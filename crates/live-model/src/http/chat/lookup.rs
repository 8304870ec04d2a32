//! Search and pages, as a language model that is a service knows them: what it is told of them, and what comes of a call.
//!
//! When calls are made is `run`'s business; which sentences stand on what was found is the grounding's.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live_proto::UrlRetrievalStatus;
use serde_json::{Value, json};

use crate::grounding::Grounding;
use crate::tool::{Hit, Page, SearchEngine, UrlReader, shown};

/// Findings of one search that a model is told.
const HITS_MAX: usize = 5;
/// Bytes of a query.
const QUERY_BYTES_MAX: usize = 512;

/// What came of looking something up.
#[derive(Debug)]
pub(super) enum Found {
    /// Of a search for this.
    Hits(String, Vec<Hit>),
    /// At this address.
    Page(String, Box<Page>),
    /// At this address, nothing.
    Unread(String, UrlRetrievalStatus),
}

impl Found {
    /// Notes it as what the answer may stand on.
    pub(super) fn note(self, grounding: &mut Grounding) {
        match self {
            Self::Hits(query, hits) => {
                grounding.searched(&query);
                for hit in &hits {
                    grounding.found(hit);
                }
            }
            Self::Page(url, page) => {
                grounding.read(&url, UrlRetrievalStatus::Success);
                grounding.found_page(&page);
            }
            Self::Unread(url, status) => grounding.read(&url, status),
        }
    }
}

/// What the model is told, and what is noted.
pub(super) type Looked = BoxFuture<'static, (String, Found)>;

/// Searches. A search that fails is told to the model as that, and to the log why.
pub(super) fn search(engine: &dyn SearchEngine, query: String) -> Looked {
    let query = query[..query.floor_char_boundary(QUERY_BYTES_MAX)].trim().to_owned();
    let found = engine.search(&query, HITS_MAX);
    let told = async move {
        match found.await {
            Ok(hits) => (told_hits(&hits), Found::Hits(query, hits)),
            Err(fault) => {
                tracing::error!(%fault, "a search failed");
                (json!({ "error": "the search failed" }).to_string(), Found::Hits(query, Vec::new()))
            }
        }
    };
    told.boxed()
}

/// Reads a page.
pub(super) fn read(reader: &dyn UrlReader, url: String) -> Looked {
    let page = reader.read(&url);
    let told = async move {
        match page.await {
            Ok(page) => {
                let told = json!({ "url": page.uri, "title": page.title, "text": page.text }).to_string();
                (told, Found::Page(url, Box::new(page)))
            }
            Err(unread) => {
                tracing::warn!(url = shown(&url), why = unread.why, status = ?unread.status, "a page was not read");
                (json!({ "error": unread.why }).to_string(), Found::Unread(url, unread.status))
            }
        }
    };
    told.boxed()
}

fn told_hits(hits: &[Hit]) -> String {
    let results: Vec<Value> =
        hits.iter().map(|Hit { title, uri, text }| json!({ "title": title, "uri": uri, "text": text })).collect();
    json!({ "results": results }).to_string()
}
