//! What was looked up, told in quotations; which prompts ask for it is decided in `plan`.

use std::ops::Range;

use live_proto::UrlRetrievalStatus;

use super::look::Look;
use super::piece::excerpt;
use crate::grounding::terms::Terms;
use crate::grounding::{Grounding, sentences};
use crate::tool::{BuiltIns, Hit, shown};

/// Findings that are told.
const HITS_MAX: usize = 3;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 80;
/// Sentences of a page that are quoted.
const QUOTES_MAX: usize = 2;
/// Sentences of a page that are compared.
const SENTENCES_MAX: usize = 2_000;

/// What is said of what was looked up.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) text: String,
    /// Bytes that the tool gave to read.
    pub(super) read: usize,
    /// Which bytes of the text stand on which source.
    supports: Vec<(Range<usize>, usize)>,
}

impl Told {
    /// Notes the supports, for a text that is said from the byte `start` on.
    pub(super) fn support(&self, start: usize, grounding: &mut Grounding) {
        for (at, chunk) in &self.supports {
            grounding.support(start + at.start..start + at.end, *chunk);
        }
    }

    fn say(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }

    /// Says what a source has, in its words.
    fn quote(&mut self, title: &str, uri: &str, quotes: &[&str], chunk: Option<usize>) {
        let title = if title.trim().is_empty() { uri } else { title };
        self.say(&format!("{} says: \"", excerpt(title, TITLE_CHARS_MAX)));
        for (number, quote) in quotes.iter().enumerate() {
            if number > 0 {
                self.text.push(' ');
            }
            let start = self.text.len();
            self.text.push_str(quote);
            self.supports.extend(chunk.map(|chunk| (start..self.text.len(), chunk)));
        }
        self.text.push('"');
    }
}

/// Looks up, and says what was found.
pub(super) async fn look_up(look: &Look, tools: &BuiltIns, grounding: &mut Grounding) -> Told {
    match look {
        Look::Search(query) => match search(query, tools, grounding).await {
            Some(hits) => told_hits(query, &hits, grounding).unwrap_or_else(|| Told {
                text: format!("I searched for \"{query}\" and found nothing."),
                ..Told::default()
            }),
            None => Told { text: format!("I could not search for \"{query}\": the search failed."), ..Told::default() },
        },
        Look::Answer { question, otherwise } => {
            let terms = Terms::of(question);
            let hits = search(question, tools, grounding).await.unwrap_or_default();
            let read = hits.iter().map(|hit| hit.text.len()).sum();
            // Better say nothing than what has half of the words.
            let good: Vec<Hit> = hits.into_iter().filter(|hit| is_good(&terms, &hit.text)).collect();
            let told = told_hits(question, &good, grounding);
            Told { read, ..told.unwrap_or_else(|| Told { text: otherwise.clone(), ..Told::default() }) }
        }
        Look::Read { urls, about } => read(urls, about, tools, grounding).await,
    }
}

/// The thought that goes before what is looked up.
pub(super) fn wants(look: &Look) -> &'static str {
    match look {
        Look::Search(_) => "I am asked to search, so I search and quote what I find.",
        Look::Answer { .. } => "I am asked what I have no rule for, so I search for an answer.",
        Look::Read { .. } => "The prompt names addresses, so I read what is there and quote it.",
    }
}

/// Searches; `None` if that failed.
async fn search(query: &str, tools: &BuiltIns, grounding: &mut Grounding) -> Option<Vec<Hit>> {
    let Some(engine) = &tools.search else {
        tracing::error!("a session that searches is on a server that has no search");
        return None;
    };
    grounding.searched(query);
    engine.search(query, HITS_MAX).await.map_err(|fault| tracing::error!(%fault, "a search failed")).ok()
}

/// Whether a passage has more than half of what a question asks for.
fn is_good(question: &Terms, text: &str) -> bool {
    question.len() > 0 && question.shared(&Terms::of(text)) * 2 > question.len()
}

/// Quotes each finding's sentence that fits best.
fn told_hits(query: &str, hits: &[Hit], grounding: &mut Grounding) -> Option<Told> {
    let terms = Terms::of(query);
    let mut told = Told::default();
    for hit in hits {
        told.read += hit.text.len();
        let quotes = best(&hit.text, &terms, 1);
        if !quotes.is_empty() {
            let chunk = grounding.found(hit);
            told.quote(&hit.title, &hit.uri, &quotes, chunk);
        }
    }
    (!told.text.is_empty()).then_some(told)
}

async fn read(urls: &[String], about: &str, tools: &BuiltIns, grounding: &mut Grounding) -> Told {
    let terms = Terms::of(about);
    let mut told = Told::default();
    for url in urls {
        let Some(reader) = &tools.urls else {
            tracing::error!("a session that reads pages is on a server that has no reader");
            told.say(&format!("I could not read {url}."));
            continue;
        };
        match reader.read(url).await {
            Ok(page) => {
                grounding.read(url, UrlRetrievalStatus::Success);
                told.read += page.text.len();
                let quotes = best(&page.text, &terms, QUOTES_MAX);
                let chunk = grounding.found_page(&page);
                match quotes.as_slice() {
                    [] => told.say(&format!("{url} says nothing.")),
                    quotes => told.quote(&page.title, url, quotes, chunk),
                }
            }
            Err(unread) => {
                tracing::warn!(url = shown(url), why = unread.why, status = ?unread.status, "a page was not read");
                grounding.read(url, unread.status);
                told.say(&format!("I could not read {url}: {}.", unread.why));
            }
        }
    }
    told
}

/// The sentences that have most of the terms, the first ones of those that have as many, in the order of the text.
fn best<'t>(text: &'t str, terms: &Terms, max: usize) -> Vec<&'t str> {
    let sentences = sentences(text);
    let mut places: Vec<(usize, usize)> = sentences
        .iter()
        .take(SENTENCES_MAX)
        .enumerate()
        .map(|(place, at)| (terms.shared(&Terms::of(&text[at.clone()])), place))
        .collect();
    places.sort_by_key(|(shared, place)| (std::cmp::Reverse(*shared), *place));
    let most = places.first().map_or(0, |(shared, _)| *shared);
    let mut places: Vec<usize> =
        places.into_iter().filter(|(shared, _)| *shared * 2 >= most).take(max).map(|(_, place)| place).collect();
    places.sort_unstable();
    places.into_iter().map(|place| &text[sentences[place].clone()]).collect()
}
