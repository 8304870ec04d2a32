//! Language models that are services and search and read here: what they are told, and which of their sentences stand on what.

use std::sync::Arc;

use expect_test::expect;
use futures_util::future::{BoxFuture, ready};
use futures_util::{FutureExt as _, StreamExt as _};
use live_engine::ModelOutput;
use live_model::http::{Chat, ChatConfig};
use live_model::{BuiltIns, Cascade, EmbeddedVoice, Fault, Hit, Model, Page, SearchEngine, Unread, UrlReader};
use live_proto::{GroundingMetadata, ThinkingLevel, UrlRetrievalStatus};
use serde_json::Value;

use crate::code::{calls, messages, text};
use crate::server::{Server, chunks};
use crate::service::{EVENTS, STOP, says, service};
use crate::talk::{Talk, answer};

const SETUP: &str =
    r#""generationConfig": {"responseModalities": ["TEXT"]}, "tools": [{"googleSearch": {}}, {"urlContext": {}}]"#;

/// Finds two things, or nothing, or fails.
struct Library;

impl SearchEngine for Library {
    fn search(&self, query: &str, hits_max: usize) -> BoxFuture<'static, Result<Vec<Hit>, Fault>> {
        let hit = |title: &str, uri: &str, text: &str| Hit { title: title.into(), uri: uri.into(), text: text.into() };
        let hits = vec![
            hit("Die Brücke", "de/brücke.md", "Die Brücke in Zürich ist 120 Meter lang und steht seit 1838."),
            hit("橋", "jp/橋.md", "チューリッヒの橋は長さ百二十メートルです。"),
        ];
        ready(match query {
            "broken" => Err(Fault::new("library", "it burns: secret-address")),
            "nothing" => Ok(Vec::new()),
            _ => Ok(hits.into_iter().take(hits_max).collect()),
        })
        .boxed()
    }
}

struct Web;

impl UrlReader for Web {
    fn read(&self, url: &str) -> BoxFuture<'static, Result<Page, Unread>> {
        ready(if url == "https://a.example/" {
            let (title, text) = ("A".to_owned(), "Solar panels yield 400 watts at noon.".to_owned());
            Ok(Page { title, uri: "https://a.example/home".to_owned(), text })
        } else {
            Err(Unread { status: UrlRetrievalStatus::Unsafe, why: "the list does not have it".to_owned() })
        })
        .boxed()
    }
}

fn chat(server: &Server) -> Chat {
    let built_ins = BuiltIns { search: Some(Arc::new(Library)), urls: Some(Arc::new(Web)), ..BuiltIns::default() };
    Chat::new(service(server), ChatConfig { model: "m".to_owned(), ..ChatConfig::default() }).built_ins(built_ins)
}

#[tokio::test]
async fn what_is_found_is_told_to_the_model_and_its_sentences_are_compared_with_it() {
    let server = Server::start(vec![
        calls("Moment. ", &[("google_search", r#"{"query": "länge der brücke"}"#)]),
        chunks(
            EVENTS,
            [
                says("Die Brücke in Zü"),
                says("rich ist 120 Meter lang. Sie ist 130 Meter lang. "),
                says("チューリッヒの橋です。"),
            ]
            .iter()
            .map(String::as_bytes)
            .chain([STOP.as_bytes()]),
        ),
    ])
    .await;
    let shown = answer(&chat(&server), Talk::new(SETUP).ask("Wie lang ist sie?")).await;
    expect![[r#"
        text "Moment. "
        read 238 bytes
        text "Die Brücke in Zü"
        text "rich ist 120 Meter lang. Sie ist 130 Meter lang. "
        text "チューリッヒの橋です。"
        grounding {"groundingChunks":[{"web":{"uri":"de/brücke.md","title":"Die Brücke"}},{"web":{"uri":"jp/橋.md","title":"橋"}}],"groundingSupports":[{"segment":{"startIndex":8,"endIndex":50,"text":"Die Brücke in Zürich ist 120 Meter lang."},"groundingChunkIndices":[0]},{"segment":{"startIndex":75,"endIndex":108,"text":"チューリッヒの橋です。"},"groundingChunkIndices":[1]}],"webSearchQueries":["länge der brücke"]}
        end Complete
    "#]].assert_eq(&shown);
    let asked: Vec<Value> = server.asked().iter().map(|asked| asked.json()).collect();
    expect![[r#"
        [{"function":{"description":"Searches, and returns the best passages with their titles and addresses.","name":"google_search","parameters":{"properties":{"query":{"description":"The words to search for.","type":"string"}},"required":["query"],"type":"object"}},"type":"function"},{"function":{"description":"Reads a page of the web, and returns its text. Some pages may not be read.","name":"read_url","parameters":{"properties":{"url":{"description":"The address, with http:// or https://.","type":"string"}},"required":["url"],"type":"object"}},"type":"function"}]
        {"content":"Wie lang ist sie?","role":"user"}
        {"content":"Moment. ","role":"assistant","tool_calls":[{"function":{"arguments":"{\"query\": \"länge der brücke\"}","name":"google_search"},"id":"call_1_0","type":"function"}]}
        {"content":"{\"results\":[{\"text\":\"Die Brücke in Zürich ist 120 Meter lang und steht seit 1838.\",\"title\":\"Die Brücke\",\"uri\":\"de/brücke.md\"},{\"text\":\"チューリッヒの橋は長さ百二十メートルです。\",\"title\":\"橋\",\"uri\":\"jp/橋.md\"}]}","role":"tool","tool_call_id":"call_1_0"}
    "#]].assert_eq(&format!("{}\n{}", asked[0]["tools"], messages(&asked[1])));
}

#[tokio::test]
async fn pages_are_read_and_those_that_are_not_are_told_with_their_reason() {
    let server = Server::start(vec![
        calls("", &[("read_url", r#"{"url": "https://a.example/"}"#), ("read_url", r#"{"url": "http://10.0.0.1/"}"#)]),
        text("A solar panel yields 400 watts."),
    ])
    .await;
    let shown = answer(&chat(&server), Talk::new(SETUP).ask("Read.")).await;
    expect![[r#"
        read 91 bytes
        read 37 bytes
        text "A solar panel yields 400 watts."
        urls {"urlMetadata":[{"retrievedUrl":"https://a.example/","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_SUCCESS"},{"retrievedUrl":"http://10.0.0.1/","urlRetrievalStatus":"URL_RETRIEVAL_STATUS_UNSAFE"}]}
        grounding {"groundingChunks":[{"web":{"uri":"https://a.example/home","title":"A"}}],"groundingSupports":[{"segment":{"endIndex":31,"text":"A solar panel yields 400 watts."},"groundingChunkIndices":[0]}]}
        end Complete
    "#]].assert_eq(&shown);
    let asked = server.asked()[1].json();
    expect![[r#"
        {"content":"Read.","role":"user"}
        {"content":"","role":"assistant","tool_calls":[{"function":{"arguments":"{\"url\": \"https://a.example/\"}","name":"read_url"},"id":"call_1_0","type":"function"},{"function":{"arguments":"{\"url\": \"http://10.0.0.1/\"}","name":"read_url"},"id":"call_1_1","type":"function"}]}
        {"content":"{\"text\":\"Solar panels yield 400 watts at noon.\",\"title\":\"A\",\"url\":\"https://a.example/home\"}","role":"tool","tool_call_id":"call_1_0"}
        {"content":"{\"error\":\"the list does not have it\"}","role":"tool","tool_call_id":"call_1_1"}
    "#]].assert_eq(&messages(&asked));
}

#[tokio::test]
async fn a_search_that_fails_or_cannot_be_meant_is_told_to_the_model_alone() {
    let server = Server::start(vec![
        calls(
            "",
            &[
                ("google_search", r#"{"query": "broken"}"#),
                ("google_search", "[]"),
                ("google_search", r#"{"query": "nothing"}"#),
            ],
        ),
        text("I do not know."),
    ])
    .await;
    let shown = answer(&chat(&server), Talk::new(SETUP).ask("Search.")).await;
    expect![[r#"
        read 29 bytes
        read 14 bytes
        text "I do not know."
        grounding {"webSearchQueries":["broken","nothing"]}
        end Complete
    "#]]
    .assert_eq(&shown);
    let asked = messages(&server.asked()[1].json());
    assert!(asked.contains("the search failed") && !asked.contains("secret"), "{asked}");
    assert!(asked.contains("a string \\\"query\\\"") || asked.contains("query"), "{asked}");
    assert!(asked.contains(r#"{\"results\":[]}"#), "{asked}");
}

#[tokio::test]
async fn a_model_is_offered_what_the_session_has_set_up() {
    let server = Server::start(vec![text("Yes.")]).await;
    for (tool, expected) in [("googleSearch", vec!["google_search"]), ("urlContext", vec!["read_url"])] {
        let setup = format!(r#""generationConfig": {{"responseModalities": ["TEXT"]}}, "tools": [{{"{tool}": {{}}}}]"#);
        let shown = answer(&chat(&server), Talk::new(&setup).ask("Hello?")).await;
        assert_eq!(shown, "text \"Yes.\"\nend Complete\n", "nothing was looked up");
        let body = server.asked().last().expect("it was asked").json();
        let names: Vec<&str> = body["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .filter_map(|tool| tool["function"]["name"].as_str())
            .collect();
        assert_eq!(names, expected);
    }
    let offered = chat(&server).built_in_tools();
    assert!(offered.google_search && offered.url_context && !offered.code_execution);
}

#[tokio::test]
async fn in_speech_the_segments_are_bytes_of_the_transcript() {
    let said = "Gern, **sofort**! Die Brücke in Zürich ist 120 Meter lang.\n\n- チューリッヒの橋です。\n- Ende.";
    let server = Server::start(vec![calls("", &[("google_search", r#"{"query": "brücke"}"#)]), text(said)]).await;
    let setup = SETUP.replace("TEXT", "AUDIO");
    let cascade = Cascade::new(chat(&server), EmbeddedVoice);
    let outputs: Vec<ModelOutput> = cascade.generate(Talk::new(&setup).ask("Wie lang?")).collect().await;
    let (mut transcript, mut grounding) = (String::new(), None::<GroundingMetadata>);
    for output in outputs {
        if let ModelOutput::Speech { text, .. } = output {
            assert!(grounding.is_none(), "it comes behind the words");
            transcript += &text;
        } else if let ModelOutput::Grounding(metadata) = output {
            grounding = Some(*metadata);
        }
    }
    let supports = grounding.expect("there are sources").grounding_supports;
    assert_eq!(supports.len(), 2, "{supports:?}");
    for support in supports {
        let segment = support.segment.expect("a support has a segment");
        let at = usize::try_from(segment.start_index).unwrap()..usize::try_from(segment.end_index).unwrap();
        assert_eq!(transcript.get(at), Some(segment.text.as_str()), "{transcript}");
    }
}

#[tokio::test]
async fn how_much_to_think_is_said_in_the_words_of_the_api() {
    let server = Server::start(vec![text("Yes.")]).await;
    for (budget, expected) in
        [(-1, Value::Null), (0, "none".into()), (500, "low".into()), (5_000, "medium".into()), (20_000, "high".into())]
    {
        let mut prompt = Talk::new(r#""generationConfig": {"responseModalities": ["TEXT"]}"#).ask("Hello?");
        let session = Arc::make_mut(&mut prompt.session);
        session.generation.thinking_config.get_or_insert_default().thinking_budget = Some(budget);
        answer(&chat(&server), prompt.clone()).await;
        assert_eq!(server.asked().last().expect("it was asked").json()["reasoning_effort"], expected, "{budget}");
        let config = ChatConfig { is_told_no_effort: true, ..ChatConfig::default() };
        answer(&Chat::new(service(&server), config), prompt).await;
        assert_eq!(server.asked().last().expect("it was asked").json()["reasoning_effort"], Value::Null);
    }
    for (level, expected) in [
        (ThinkingLevel::Minimal, "minimal"),
        (ThinkingLevel::Low, "low"),
        (ThinkingLevel::Medium, "medium"),
        (ThinkingLevel::High, "high"),
    ] {
        let mut prompt = Talk::new(r#""generationConfig": {"responseModalities": ["TEXT"]}"#).ask("Hello?");
        let session = Arc::make_mut(&mut prompt.session);
        session.generation.thinking_config.get_or_insert_default().thinking_level = level;
        answer(&chat(&server), prompt).await;
        assert_eq!(server.asked().last().expect("it was asked").json()["reasoning_effort"], expected);
    }
}
