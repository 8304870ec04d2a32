//! A folder of documents, indexed when it is opened: Markdown, HTML and plain text in UTF-8.
//!
//! The index is kept in memory and knows the folder as it was then. How files are found is in `walk`, how they are read in
//! `document`, how text is cut into words in `words`.

use std::fmt;
use std::path::{Path, PathBuf};

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};
use url::Url;

use self::document::Document;
use self::walk::Walk;
use crate::hit::{Hit, SearchError, one_line};

mod document;
mod walk;
mod words;

/// Which folder, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderConfig {
    /// The folder.
    pub path: PathBuf,
    /// Put before the path of a document in it, as in `https://docs.example.com/`. Without one a document is known by its path
    /// within the folder.
    pub base_url: Option<String>,
    /// What is too much.
    pub limits: FolderLimits,
}

impl FolderConfig {
    /// The folder at `path`, within the usual limits.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), base_url: None, limits: FolderLimits::default() }
    }
}

/// What is too much for an index in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderLimits {
    /// Documents; a folder with more is not opened.
    pub documents_max: usize,
    /// Bytes of all documents; a folder with more is not opened.
    pub bytes_max: u64,
    /// Bytes of one document; a larger one is left out.
    pub document_bytes_max: u64,
    /// Folders within folders; deeper ones are left out.
    pub depth_max: usize,
}

impl Default for FolderLimits {
    /// 10,000 documents of 4 MiB each and 256 MiB together, 16 folders deep.
    fn default() -> Self {
        Self { documents_max: 10_000, bytes_max: 256 << 20, document_bytes_max: 4 << 20, depth_max: 16 }
    }
}

/// What became of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Documents that can be found.
    pub documents: usize,
    /// Passages of them.
    pub passages: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// Entries that look like documents and were left out.
    pub left_out: usize,
    /// Which, and why; the first 20 of them.
    pub left_out_told: Vec<String>,
}

impl Indexed {
    fn leave_out(&mut self, path: &Path, why: impl fmt::Display) {
        self.left_out += 1;
        if self.left_out_told.len() < LEFT_OUT_TOLD_MAX {
            self.left_out_told.push(format!("{}: {why}", path.display()));
        }
    }
}

impl fmt::Display for Indexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, passages, left_out, .. } = self;
        write!(f, "{documents} documents in {passages} passages")?;
        if *left_out > 0 { write!(f, ", {left_out} left out") } else { Ok(()) }
    }
}

/// A folder that cannot be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderError {
    /// The folder, or what was in the way.
    pub path: PathBuf,
    /// Why, and what would help.
    pub why: String,
}

impl FolderError {
    fn new(path: &Path, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for FolderError {}

/// A folder that can be searched. Clones share the index.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
    indexed: Indexed,
    fields: Fields,
    searcher: Searcher,
}

#[derive(Clone, Copy, Debug)]
struct Fields {
    title: Field,
    text: Field,
    uri: Field,
}

impl Folder {
    /// Reads the folder and indexes what is in it. Takes a while, for large folders some seconds.
    ///
    /// # Errors
    /// [`FolderError`] if it is no folder that can be read, holds more than the limits allow, or holds no document.
    pub fn open(config: &FolderConfig) -> Result<Self, FolderError> {
        let FolderConfig { path, base_url, limits } = config;
        let base = base_url.as_deref().map(base).transpose().map_err(|why| FolderError::new(path, why))?;
        let root = path.canonicalize().map_err(|error| FolderError::new(path, error.to_string()))?;
        let fault = |error: TantivyError| FolderError::new(path, error.to_string());
        let (fields, index) = index().map_err(fault)?;
        // One thread, so that the same folder makes the same index.
        let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES).map_err(fault)?;
        let mut indexed = Indexed::default();
        for entry in Walk::new(&root, *limits, &mut indexed)? {
            let relative = entry.strip_prefix(&root).unwrap_or(&entry);
            let document = match Document::read(&entry, limits.document_bytes_max) {
                Ok(document) => document,
                Err(why) => {
                    indexed.leave_out(relative, why);
                    continue;
                }
            };
            indexed.bytes += document.bytes;
            if indexed.bytes > limits.bytes_max {
                let why = format!("its documents have more than {} bytes; search a part of it", limits.bytes_max);
                return Err(FolderError::new(path, why));
            }
            let uri = uri(base.as_ref(), relative);
            indexed.documents += 1;
            for text in &document.passages {
                indexed.passages += 1;
                let mut passage = TantivyDocument::default();
                passage.add_text(fields.title, &document.title);
                passage.add_text(fields.text, text);
                passage.add_text(fields.uri, &uri);
                writer.add_document(passage).map_err(fault)?;
            }
        }
        writer.commit().map_err(fault)?;
        writer.wait_merging_threads().map_err(fault)?;
        let reader: IndexReader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(fault)?;
        if indexed.documents == 0 {
            let why = "it holds no document; .md, .markdown, .html, .htm, .txt and .text in UTF-8 are read";
            return Err(FolderError::new(path, why));
        }
        Ok(Self { path: path.clone(), indexed, fields, searcher: reader.searcher() })
    }

    /// What was found in it.
    pub fn indexed(&self) -> &Indexed {
        &self.indexed
    }

    /// Finds the passages that fit `query` best, the best first: `max` at most, and no more than two of one document.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn search(&self, query: &str, max: usize) -> Result<Vec<Hit>, SearchError> {
        let fault = |error: TantivyError| SearchError::new(self.path.display().to_string(), error.to_string());
        let words = words::of_query(&one_line(query, QUERY_BYTES_MAX));
        if words.is_empty() || max == 0 {
            return Ok(Vec::new());
        }
        let term = |field, word: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs))
        };
        let clauses = words.iter().flat_map(|word| {
            let title = BoostQuery::new(term(self.fields.title, word), TITLE_BOOST);
            [(Occur::Should, Box::new(title) as Box<dyn Query>), (Occur::Should, term(self.fields.text, word))]
        });
        let query = BooleanQuery::new(clauses.collect());
        // More than is asked for, since some may be of the same document.
        let top = TopDocs::with_limit(max.saturating_mul(8)).order_by_score();
        let found = self.searcher.search(&query, &top).map_err(fault)?;
        let good = found.first().map_or(0.0, |(score, _)| score * SCORE_MIN);
        let mut hits: Vec<Hit> = Vec::new();
        for (_, address) in found.into_iter().take_while(|(score, _)| *score >= good) {
            let document: TantivyDocument = self.searcher.doc(address).map_err(fault)?;
            let text_of =
                |field| document.get_first(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            let hit = Hit {
                title: text_of(self.fields.title),
                uri: text_of(self.fields.uri),
                text: text_of(self.fields.text),
            };
            if hits.iter().filter(|other| other.uri == hit.uri).count() < OF_ONE_MAX {
                hits.push(hit);
            }
            if hits.len() == max {
                break;
            }
        }
        Ok(hits)
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).field("indexed", &self.indexed).finish_non_exhaustive()
    }
}

/// The address before all documents, ending in a slash.
fn base(text: &str) -> Result<Url, String> {
    let bad = |why: &str| format!("its base URL {text:?} {why}; write it as in https://docs.example.com/");
    let mut url = Url::parse(text).map_err(|_| bad("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err(bad("is none that a path could stand behind"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// What a document is known by.
fn uri(base: Option<&Url>, relative: &Path) -> String {
    let nowhere = || Url::parse("http://localhost/").expect("it is a URL");
    let mut url = base.cloned().unwrap_or_else(nowhere);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        for part in relative.components() {
            segments.push(&part.as_os_str().to_string_lossy());
        }
    }
    // Without a base it is the path alone, with the escapes of a URL.
    if base.is_some() { url.into() } else { url.path().trim_start_matches('/').to_owned() }
}

/// An index of nothing yet.
fn index() -> Result<(Fields, Index), TantivyError> {
    let indexing =
        TextFieldIndexing::default().set_tokenizer(words::NAME).set_index_option(IndexRecordOption::WithFreqs);
    let searched = TextOptions::default().set_indexing_options(indexing).set_stored();
    let mut schema = Schema::builder();
    let fields = Fields {
        title: schema.add_text_field("title", searched.clone()),
        text: schema.add_text_field("text", searched),
        uri: schema.add_text_field("uri", STORED),
    };
    let index = Index::builder().schema(schema.build()).tokenizers(words::manager()).create_in_ram()?;
    Ok((fields, index))
}

/// Entries that were left out and are named.
const LEFT_OUT_TOLD_MAX: usize = 20;
/// Passages of one document among the findings of one search.
const OF_ONE_MAX: usize = 2;
/// Findings that fit worse than this share of the best one are none.
const SCORE_MIN: f32 = 0.3;
/// How much more a word counts in a title.
const TITLE_BOOST: f32 = 1.5;
/// Bytes of a query that are looked at.
const QUERY_BYTES_MAX: usize = 512;
/// What is kept of new passages before they are put into the index.
const WRITER_BYTES: usize = 50_000_000;

#[cfg(test)]
mod tests;
