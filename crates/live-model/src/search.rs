//! Folders, search services and readers of pages as the tools of models: what they find and how they fail, in the terms of models.
//!
//! The engines are `live-search`'s.

use std::future::ready;

use futures_util::future::{BoxFuture, FutureExt as _};
use live_proto::UrlRetrievalStatus;
use live_search::{Folder, ReadError, Reader, SearchError, Searx};

use crate::fault::Fault;
use crate::tool::{Hit, Page, SearchEngine, Unread, UrlReader};

impl SearchEngine for Folder {
    /// Needs a tokio runtime when polled. A search that nobody waits for any more runs to its end, some milliseconds later.
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
        if query.trim().is_empty() {
            return ready(Ok(Vec::new())).boxed();
        }
        let (folder, query) = (self.clone(), query.to_owned());
        async move {
            let found = tokio::task::spawn_blocking(move || Self::search(&folder, &query, hits_max)).await;
            found.map_err(|error| Fault::new("the folder", error.to_string()))?.map(hits).map_err(fault)
        }
        .boxed()
    }
}

impl SearchEngine for Searx {
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
        let (searx, query) = (self.clone(), query.to_owned());
        async move { Self::search(&searx, &query, hits_max).await.map(hits).map_err(fault) }.boxed()
    }
}

impl UrlReader for Reader {
    fn read(&self, url: &str) -> BoxFuture<'static, Result<Page, Unread>> {
        let (reader, url) = (self.clone(), url.to_owned());
        async move {
            let page = Self::read(&reader, &url).await.map_err(unread)?;
            let live_search::Page { url, title, text, is_cut: _ } = page;
            Ok(Page { title, uri: url, text })
        }
        .boxed()
    }
}

fn hits(hits: Vec<live_search::Hit>) -> Vec<Hit> {
    hits.into_iter().map(|live_search::Hit { title, uri, text }| Hit { title, uri, text }).collect()
}

fn fault(error: SearchError) -> Fault {
    let SearchError { engine, why } = error;
    Fault::new(engine, why)
}

/// What a client is told: nobody but the list says that a page is unsafe, and a page that is paid for is behind a wall.
fn unread(error: ReadError) -> Unread {
    let status = match &error {
        ReadError::Refused(_) => UrlRetrievalStatus::Unsafe,
        ReadError::Paid => UrlRetrievalStatus::Paywall,
        ReadError::Failed(_) => UrlRetrievalStatus::Error,
    };
    Unread { status, why: error.to_string() }
}
