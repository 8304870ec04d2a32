//! What is looked up: rules E25 to E28, with a library and pages that tests put there.

use std::future::ready;
use std::sync::Arc;

use expect_test::{Expect, expect};
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use live_engine::ModelOutput;
use live_model::embedded::{EmbeddedConfig, plan};
use live_model::{BuiltIns, Embedded, Fault, Hit, Model as _, Page, SearchEngine, Unread, UrlReader};
use live_proto::{GroundingMetadata, UrlRetrievalStatus, json};
use proptest::prelude::*;

use crate::talk::Talk;

/// Finds the documents that have a word of the query, in their order; fails where it is told to.
struct Library(Vec<Hit>);

impl SearchEngine for Library {
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
        let has = |hit: &&Hit| query.to_lowercase().split(' ').any(|word| hit.text.to_lowercase().contains(word));
        let found = self.0.iter().filter(has).take(hits_max).cloned().collect();
        let is_broken = query.contains("broken");
        ready(if is_broken { Err(Fault::new("library", "it burns")) } else { Ok(found) }).boxed()
    }
}

/// One page, one wall, and nothing else.
struct Web;

impl UrlReader for Web {
    fn read(&self, url: &str) -> BoxFuture<'static, Result<Page, Unread>> {
        let unread = |status, why: &str| Err(Unread { status, why: why.to_owned() });
        ready(match url {
            "https://a.example/page" => Ok(Page {
                title: "A page".to_owned(),
                uri: "https://a.example/page/".to_owned(),
                text: "Welcome.\nThe Ätna erupts often. It is 3357 m high.\nGoodbye.".to_owned(),
            }),
            "https://paid.example/" => unread(UrlRetrievalStatus::Paywall, "it has to be paid for"),
            _ => unread(UrlRetrievalStatus::Unsafe, "this server's list does not have it"),
        })
        .boxed()
    }
}

fn hit(title: &str, uri: &str, text: &str) -> Hit {
    Hit { title: title.to_owned(), uri: uri.to_owned(), text: text.to_owned() }
}

fn built_ins() -> BuiltIns {
    let library = Library(vec![
        hit("Solar panels", "solar.md", "Rain cleans them. A panel yields 400 watts at noon. Snow does not."),
        hit("", "wind.md", "A turbine yields “more” at night: 3 MW — nicht wenig, 風。"),
        hit("Zürich", "de/zürich.md", "Die Brücke ist 120 m lang."),
    ]);
    BuiltIns { search: Some(Arc::new(library)), urls: Some(Arc::new(Web)), ..BuiltIns::default() }
}

fn model() -> Embedded {
    Embedded::new(EmbeddedConfig { pieces_per_second: 0, ..EmbeddedConfig::default() }).built_ins(built_ins())
}

async fn outputs(talk: &Talk) -> Vec<ModelOutput> {
    model().generate(talk.prompt()).collect().await
}

fn said(outputs: &[ModelOutput]) -> String {
    let text = outputs.iter().filter_map(|output| {
        if let ModelOutput::Text(text) | ModelOutput::Speech { text, .. } = output { Some(text.as_str()) } else { None }
    });
    text.collect()
}

fn grounding(outputs: &[ModelOutput]) -> Option<&GroundingMetadata> {
    outputs
        .iter()
        .find_map(|output| if let ModelOutput::Grounding(metadata) = output { Some(&**metadata) } else { None })
}

/// The answer, then everything beside it.
async fn check(talk: &Talk, expected: Expect) {
    let outputs = outputs(talk).await;
    let mut shown = format!("says {}", said(&outputs)).trim_end().to_owned() + "\n";
    for output in &outputs {
        if let ModelOutput::Grounding(metadata) = output {
            shown += &format!("grounding {}\n", json::to_string(&**metadata));
        } else if let ModelOutput::UrlContext(metadata) = output {
            shown += &format!("urls {}\n", json::to_string(&**metadata));
        } else if let ModelOutput::ToolUse(bytes) = output {
            shown += &format!("read {bytes} bytes\n");
        } else if let ModelOutput::ToolCalls(calls) = output {
            shown += &format!("calls {}\n", calls.len());
        }
    }
    expected.assert_eq(&shown);
}

#[tokio::test]
async fn asked_to_search_it_quotes_what_it_finds() {
    // rule: E25
    check(&Talk::new().tool("googleSearch").user("Please search for what yields at noon."), expect![[r#"
        says Solar panels says: "A panel yields 400 watts at noon." wind.md says: "A turbine yields “more” at night: 3 MW — nicht wenig, 風。"
        read 132 bytes
        grounding {"groundingChunks":[{"web":{"uri":"solar.md","title":"Solar panels"}},{"web":{"uri":"wind.md"}}],"groundingSupports":[{"segment":{"startIndex":20,"endIndex":53,"text":"A panel yields 400 watts at noon."},"groundingChunkIndices":[0]},{"segment":{"startIndex":70,"endIndex":136,"text":"A turbine yields “more” at night: 3 MW — nicht wenig, 風。"},"groundingChunkIndices":[1]}],"webSearchQueries":["what yields at noon"]}
    "#]]).await;
    check(
        &Talk::new().tool("googleSearch").user("Look up xylophones, please."),
        expect![[r#"
        says I searched for "xylophones" and found nothing.
        grounding {"webSearchQueries":["xylophones"]}
    "#]],
    )
    .await;
    check(
        &Talk::new().tool("googleSearch").user("Search the web for broken things"),
        expect![[r#"
        says I could not search for "broken things": the search failed.
        grounding {"webSearchQueries":["broken things"]}
    "#]],
    )
    .await;
    check(
        &Talk::new().user("Please search for panels."),
        expect![[r#"
        says You said: "Please search for panels."
    "#]],
    )
    .await;
    let both = Talk::new().tool("googleSearch").functions(r#"[{"name": "get_time"}]"#);
    check(
        &both.clone().user("Search for get_time"),
        expect![[r#"
        says
        calls 1
    "#]],
    )
    .await;
    check(&both.user("Search for “count to 3”"), expect![[r#"
        says wind.md says: "A turbine yields “more” at night: 3 MW — nicht wenig, 風。"
        read 66 bytes
        grounding {"groundingChunks":[{"web":{"uri":"wind.md"}}],"groundingSupports":[{"segment":{"startIndex":15,"endIndex":81,"text":"A turbine yields “more” at night: 3 MW — nicht wenig, 風。"},"groundingChunkIndices":[0]}],"webSearchQueries":["count to 3"]}
    "#]]).await;
}

#[tokio::test]
async fn a_question_is_answered_by_a_good_finding_only() {
    // rule: E26
    let talk = || Talk::new().tool("googleSearch");
    check(&talk().user("How long is die Brücke?"), expect![[r#"
        says Zürich says: "Die Brücke ist 120 m lang."
        read 27 bytes
        grounding {"groundingChunks":[{"web":{"uri":"de/zürich.md","title":"Zürich"}}],"groundingSupports":[{"segment":{"startIndex":15,"endIndex":42,"text":"Die Brücke ist 120 m lang."},"groundingChunkIndices":[0]}],"webSearchQueries":["How long is die Brücke"]}
    "#]]).await;
    check(
        &talk().user("What did the panel say about turbines and elephants?"),
        expect![[r#"
        says You said: "What did the panel say about turbines and elephants?"
        read 66 bytes
        grounding {"webSearchQueries":["What did the panel say about turbines and elephants"]}
    "#]],
    )
    .await;
    check(
        &talk().user("Can it be broken?"),
        expect![[r#"
        says You said: "Can it be broken?"
        grounding {"webSearchQueries":["Can it be broken"]}
    "#]],
    )
    .await;
    check(
        &talk().user("Die Brücke ist lang."),
        expect![[r#"
        says You said: "Die Brücke ist lang."
    "#]],
    )
    .await;
    check(
        &talk().user("What did I say?"),
        expect![[r#"
        says You have not asked me anything before.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn addresses_are_read_and_quoted() {
    // rule: E27
    let talk = || Talk::new().tool("urlContext");
    check(&talk().user("How high is the Ätna by https://a.example/page?"), expect![[r#"
        says A page says: "The Ätna erupts often. It is 3357 m high."
        read 60 bytes
        urls {"urlMetadata":[{"retrievedUrl":"https://a.example/page","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_SUCCESS"}]}
        grounding {"groundingChunks":[{"web":{"uri":"https://a.example/page/","title":"A page"}}],"groundingSupports":[{"segment":{"startIndex":14,"endIndex":37,"text":"The Ätna erupts often."},"groundingChunkIndices":[0]},{"segment":{"startIndex":38,"endIndex":56,"text":"It is 3357 m high."},"groundingChunkIndices":[0]}]}
    "#]]).await;
    let three = "Compare https://a.example/page, https://paid.example/ and http://127.0.0.1/secret.";
    check(&talk().user(three), expect![[r#"
        says A page says: "Welcome. The Ätna erupts often." I could not read https://paid.example/: it has to be paid for. I could not read http://127.0.0.1/secret: this server's list does not have it.
        read 60 bytes
        urls {"urlMetadata":[{"retrievedUrl":"https://a.example/page","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_SUCCESS"},{"retrievedUrl":"https://paid.example/","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_PAYWALL"},{"retrievedUrl":"http://127.0.0.1/secret","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_UNSAFE"}]}
        grounding {"groundingChunks":[{"web":{"uri":"https://a.example/page/","title":"A page"}}],"groundingSupports":[{"segment":{"startIndex":14,"endIndex":22,"text":"Welcome."},"groundingChunkIndices":[0]},{"segment":{"startIndex":23,"endIndex":46,"text":"The Ätna erupts often."},"groundingChunkIndices":[0]}]}
    "#]]).await;
    check(
        &Talk::new().tool("googleSearch").user("See https://a.example/page"),
        expect![[r#"
        says You said: "See https://a.example/page"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn segments_are_bytes_of_what_is_said_in_text_and_in_speech() {
    // rule: E28
    let talk = || Talk::new().tool("googleSearch").tool("urlContext");
    for prompt in ["Search for yields", "Search for Brücke 風", "Read https://a.example/page about Ätna m"] {
        for talk in [talk().user(prompt), talk().in_speech("Kore").user(prompt)] {
            let outputs = outputs(&talk).await;
            let supports = &grounding(&outputs).expect("there are sources").grounding_supports;
            assert!(!supports.is_empty(), "{prompt}");
            let said = said(&outputs);
            for support in supports {
                let segment = support.segment.as_deref().expect("a support has a segment");
                let at = usize::try_from(segment.start_index).unwrap()..usize::try_from(segment.end_index).unwrap();
                assert_eq!(said.get(at), Some(segment.text.as_str()), "{prompt}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn the_search_ends_with_the_answer() {
    let talk = Talk::new().tool("googleSearch").user("Search for panel");
    let outputs = outputs(&talk).await;
    let last: Vec<bool> =
        outputs.iter().rev().take(2).map(|output| matches!(output, ModelOutput::Grounding(_))).collect();
    assert_eq!(last, [false, true], "grounding comes last: {outputs:?}");
    let answers = "get_time says: noon.";
    let told = Talk::new()
        .tool("googleSearch")
        .functions(r#"[{"name": "get_time"}]"#)
        .user("get_time")
        .called("get_time", "1");
    let told =
        told.function(r#"{"id": "1", "name": "get_time", "response": {"output": "noon"}}"#).user("Search for panel");
    let outputs = self::outputs(&told).await;
    assert!(said(&outputs).starts_with(answers), "{}", said(&outputs));
    let support = &grounding(&outputs).expect("there are sources").grounding_supports[0];
    let segment = support.segment.as_deref().expect("a support has a segment");
    assert_eq!(&said(&outputs)[usize::try_from(segment.start_index).unwrap()..][..segment.text.len()], segment.text);
}

proptest! {
    #[test]
    fn any_findings_are_told_with_their_bytes(
        prompt in "(Search for )?[a-cé語 ?.\"]{0,30}( https://a.example/page)?",
        texts in prop::collection::vec("[a-cé語 .!?\n\"]{1,80}", 1..5),
        is_spoken in any::<bool>(),
    ) {
        let hits = texts.iter().enumerate().map(|(number, text)| hit(&text[..text.floor_char_boundary(5)], &number.to_string(), text));
        let library = BuiltIns { search: Some(Arc::new(Library(hits.collect()))), ..built_ins() };
        let model = Embedded::new(EmbeddedConfig { pieces_per_second: 0, ..EmbeddedConfig::default() }).built_ins(library);
        let mut talk = Talk::new().tool("googleSearch").tool("urlContext").user(&prompt);
        if is_spoken {
            talk = talk.in_speech("Puck");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let outputs: Vec<ModelOutput> = runtime.block_on(model.generate(talk.prompt()).collect());
        let said = said(&outputs);
        for support in grounding(&outputs).map(|metadata| &metadata.grounding_supports).into_iter().flatten() {
            let segment = support.segment.as_deref().expect("a support has a segment");
            let at = usize::try_from(segment.start_index).unwrap()..usize::try_from(segment.end_index).unwrap();
            prop_assert_eq!(said.get(at), Some(segment.text.as_str()), "{}", said);
        }
        prop_assert!(!plan(&talk.prompt()).say.is_empty());
    }
}
