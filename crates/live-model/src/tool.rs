//! The tools that a model runs by itself, as models see them: what each takes and gives.
//!
//! Not here: the tools, which a host brings along ([`BuiltIns`]), and when a model uses them, which is each model's business.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use live_engine::BuiltInTools;
use live_proto::{CodeExecutionResult, ExecutableCode, UrlRetrievalStatus};

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
}

impl fmt::Debug for BuiltIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BuiltIns").field(&self.offered()).finish()
    }
}
