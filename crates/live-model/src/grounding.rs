//! What an answer stands on: noted while it is said, told as `groundingMetadata` and `urlContextMetadata` at its end.
//!
//! Which model finds what, and when, is not its business. docs/tools.md has the rules.

use std::ops::Range;

use live_engine::ModelOutput;
use live_proto::{
    GroundingChunk, GroundingChunkWeb, GroundingMetadata, GroundingSupport, Segment, UrlContextMetadata, UrlMetadata,
    UrlRetrievalStatus,
};

use self::terms::Terms;
use crate::cascade::Sentences;
use crate::tool::{Hit, Page};

pub(crate) mod terms;

/// Sources of one answer.
const CHUNKS_MAX: usize = 64;
/// Supports of one answer.
const SUPPORTS_MAX: usize = 256;
/// Queries, and pages that were asked for.
const ASKED_MAX: usize = 64;
/// Bytes of an answer in which supports are told.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The sources of one answer, and which of its words stand on which.
#[derive(Debug, Default)]
pub(crate) struct Grounding {
    queries: Vec<String>,
    urls: Vec<UrlMetadata>,
    chunks: Vec<Chunk>,
    supports: Vec<Support>,
    /// What was said so far.
    text: String,
    /// Whether something was said beyond what is kept.
    is_full: bool,
}

#[derive(Debug)]
struct Chunk {
    title: String,
    uri: String,
    terms: Terms,
}

#[derive(Debug)]
struct Support {
    /// Bytes of the text.
    at: Range<usize>,
    chunks: Vec<usize>,
}

impl Grounding {
    /// Notes that something was searched for.
    pub(crate) fn searched(&mut self, query: &str) {
        if self.queries.len() < ASKED_MAX && !self.queries.iter().any(|known| known == query) {
            self.queries.push(query.to_owned());
        }
    }

    /// Notes that a page was asked for, and what came of it.
    pub(crate) fn read(&mut self, url: &str, status: UrlRetrievalStatus) {
        if self.urls.len() < ASKED_MAX {
            self.urls.push(UrlMetadata { retrieved_url: url.to_owned(), url_retrieval_status: status });
        }
    }

    /// Notes a source that a search found; its number, unless there are too many.
    pub(crate) fn found(&mut self, hit: &Hit) -> Option<usize> {
        self.chunk(&hit.title, &hit.uri, &hit.text)
    }

    /// Notes a page that was read, as a source.
    pub(crate) fn found_page(&mut self, page: &Page) -> Option<usize> {
        self.chunk(&page.title, &page.uri, &page.text)
    }

    fn chunk(&mut self, title: &str, uri: &str, text: &str) -> Option<usize> {
        let at = self.chunks.iter().position(|chunk| chunk.uri == uri).or_else(|| {
            let chunk = Chunk { title: title.to_owned(), uri: uri.to_owned(), terms: Terms::default() };
            (self.chunks.len() < CHUNKS_MAX).then(|| self.chunks.push(chunk))?;
            Some(self.chunks.len() - 1)
        })?;
        self.chunks[at].terms.add(text);
        Some(at)
    }

    /// Notes that this was said, behind all that was said before.
    pub(crate) fn say(&mut self, text: &str) {
        self.is_full |= self.text.len() + text.len() > TEXT_BYTES_MAX;
        if !self.is_full {
            self.text.push_str(text);
        }
    }

    /// Bytes that were said.
    pub(crate) fn said(&self) -> usize {
        self.text.len()
    }

    /// Notes that what is said at these bytes stands on a source.
    pub(crate) fn support(&mut self, at: Range<usize>, chunk: usize) {
        let is_full = self.supports.len() == SUPPORTS_MAX;
        match self.supports.iter_mut().find(|support| support.at == at) {
            Some(support) if support.chunks.contains(&chunk) => {}
            Some(support) => support.chunks.push(chunk),
            None if is_full => {}
            None => self.supports.push(Support { at, chunks: vec![chunk] }),
        }
    }

    #[cfg(any(feature = "http", test))]
    /// Finds out which sentences stand on which sources: those whose terms a source has, most of them and all numbers.
    pub(crate) fn compare(&mut self) {
        let text = std::mem::take(&mut self.text);
        for at in sentences(&text) {
            let terms = Terms::of(&text[at.clone()]);
            for chunk in 0..self.chunks.len() {
                if self.chunks[chunk].terms.cover(&terms) {
                    self.support(at.clone(), chunk);
                }
            }
        }
        self.text = text;
    }

    /// What is told of it; nothing if nothing was searched and read.
    pub(crate) fn outputs(&mut self) -> Vec<ModelOutput> {
        let Self { queries, urls, chunks, supports, text, is_full: _ } = std::mem::take(self);
        let mut outputs = Vec::new();
        if !urls.is_empty() {
            outputs.push(ModelOutput::UrlContext(Box::new(UrlContextMetadata { url_metadata: urls })));
        }
        if queries.is_empty() && chunks.is_empty() {
            return outputs;
        }
        let number = |at: usize| i32::try_from(at).expect("an answer and its sources have bounds");
        let support = |Support { at, chunks }: Support| {
            let segment = Segment {
                part_index: 0,
                start_index: number(at.start),
                end_index: number(at.end),
                text: text.get(at)?.to_owned(),
            };
            let grounding_chunk_indices = chunks.into_iter().map(number).collect();
            let segment = Some(Box::new(segment));
            Some(GroundingSupport { segment, grounding_chunk_indices, ..GroundingSupport::default() })
        };
        let web = |Chunk { title, uri, terms: _ }: Chunk| {
            let title = Some(title).filter(|title| !title.is_empty());
            GroundingChunk::Web(Box::new(GroundingChunkWeb { uri: Some(uri), title, ..GroundingChunkWeb::default() }))
        };
        let metadata = GroundingMetadata {
            grounding_supports: supports.into_iter().filter_map(support).collect(),
            grounding_chunks: chunks.into_iter().map(web).collect(),
            web_search_queries: queries,
            ..GroundingMetadata::default()
        };
        outputs.push(ModelOutput::Grounding(Box::new(metadata)));
        outputs
    }
}

/// Where the sentences of a text are, without the blanks around them. Long ones are in several parts.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Sentences::default();
    sentences.push(text);
    let mut portions: Vec<String> = std::iter::from_fn(|| sentences.next()).collect();
    portions.extend(sentences.finish());
    let mut start = 0;
    let mut found = Vec::new();
    for portion in portions {
        let trimmed = portion.trim();
        let begin = start + (portion.len() - portion.trim_start().len());
        if !trimmed.is_empty() {
            found.push(begin..begin + trimmed.len());
        }
        start += portion.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use live_proto::json;
    use proptest::prelude::*;

    use super::*;

    fn hit(uri: &str, text: &str) -> Hit {
        Hit { title: format!("About {uri}"), uri: uri.to_owned(), text: text.to_owned() }
    }

    fn metadata(mut grounding: Grounding) -> GroundingMetadata {
        let last = grounding.outputs().pop();
        let Some(ModelOutput::Grounding(metadata)) = last else { panic!("there is none: {last:?}") };
        *metadata
    }

    #[test]
    fn sentences_that_a_source_has_stand_on_it() {
        let mut grounding = Grounding::default();
        grounding.searched("vulkan höhe");
        grounding.found(&hit("a", "Der Ätna ist ein Vulkan auf Sizilien und 3357 Meter hoch."));
        grounding.found(&hit("b", "富士山は高さ三千メートルの山です。"));
        grounding.say("Gern! Der Ätna auf Sizilien ist ");
        grounding.say("3357 Meter hoch. Der Ätna auf Sizilien ist 3000 Meter hoch. 富士山は高い山です。");
        grounding.compare();
        expect![[r#"{"groundingChunks":[{"web":{"uri":"a","title":"About a"}},{"web":{"uri":"b","title":"About b"}}],"groundingSupports":[{"segment":{"startIndex":6,"endIndex":49,"text":"Der Ätna auf Sizilien ist 3357 Meter hoch."},"groundingChunkIndices":[0]},{"segment":{"startIndex":94,"endIndex":124,"text":"富士山は高い山です。"},"groundingChunkIndices":[1]}],"webSearchQueries":["vulkan höhe"]}"#]]
        .assert_eq(&json::to_string(&metadata(grounding)));
    }

    #[test]
    fn nothing_is_told_of_an_answer_that_stands_on_nothing() {
        let mut grounding = Grounding::default();
        grounding.say("Hello.");
        grounding.compare();
        assert_eq!(grounding.outputs(), []);
    }

    #[test]
    fn there_are_never_too_many() {
        let mut grounding = Grounding::default();
        for number in 0..1000 {
            grounding.searched(&number.to_string());
            grounding.read("http://x/", UrlRetrievalStatus::Success);
            if let Some(chunk) = grounding.found(&hit(&number.to_string(), "x")) {
                grounding.support(0..number, chunk);
            }
            grounding.say(&"x".repeat(10_000));
        }
        let outputs = grounding.outputs();
        let told = outputs.iter().map(|output| format!("{output:?}").len()).sum::<usize>();
        assert!(told < 100_000 && outputs.len() == 2, "{told}");
    }

    proptest! {
        #[test]
        fn every_segment_is_its_text(
            pieces in prop::collection::vec("[a-cé語。.!? \n]{0,40}", 0..12),
            sources in prop::collection::vec("[a-cé語 ]{0,60}", 1..4),
        ) {
            let mut grounding = Grounding::default();
            for (number, source) in sources.iter().enumerate() {
                grounding.found(&hit(&number.to_string(), source));
            }
            let mut said = String::new();
            for piece in &pieces {
                grounding.say(piece);
                said += piece;
            }
            grounding.compare();
            for support in metadata(grounding).grounding_supports {
                let segment = support.segment.expect("a support has a segment");
                let at = usize::try_from(segment.start_index).unwrap()..usize::try_from(segment.end_index).unwrap();
                prop_assert_eq!(&said[at], segment.text);
                prop_assert!(!support.grounding_chunk_indices.is_empty());
            }
        }
    }
}
