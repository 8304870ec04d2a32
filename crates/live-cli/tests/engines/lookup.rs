//! Search and pages through the server: refused where nobody set them up, and told with the bytes they are about where somebody did.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Live, answer, live, service, transcript};

fn documents() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "# Die Brücke\n\nDie Brücke in Zürich ist 120 m lang — „viel“ für 橋. Sie steht seit 1838.";
    fs::write(folder.path().join("brücke.md"), text).expect("a file");
    fs::write(folder.path().join("solar.txt"), "A solar panel yields 400 watts at noon.").expect("a file");
    folder
}

fn setup(modality: &str, tool: &str) -> Value {
    json!({ "generationConfig": { "responseModalities": [modality] }, "tools": [{ tool: {} }] })
}

/// What was said, in words, whatever the modality.
fn said(messages: &[Value]) -> String {
    let text = messages.iter().filter_map(|it| it["serverContent"]["modelTurn"]["parts"][0]["text"].as_str());
    text.collect::<String>() + &transcript(messages, "outputTranscription")
}

fn grounding(messages: &[Value]) -> &Value {
    let found = messages.iter().map(|message| &message["serverContent"]["groundingMetadata"]);
    found.into_iter().find(|metadata| metadata.is_object()).expect("there is grounding")
}

/// Checks each segment against what was said, and tells how many there are.
fn check_segments(messages: &[Value]) -> usize {
    let said = said(messages);
    let supports = grounding(messages)["groundingSupports"].as_array().expect("there are supports");
    for support in supports {
        let segment = &support["segment"];
        let index = |key: &str| usize::try_from(segment[key].as_u64().unwrap_or_default()).expect("a small number");
        let bytes = said.get(index("startIndex")..index("endIndex"));
        assert_eq!(bytes, segment["text"].as_str(), "{said}");
        assert!(!support["groundingChunkIndices"].as_array().expect("a list").is_empty());
    }
    supports.len()
}

#[test]
fn without_an_engine_search_and_pages_are_refused_with_a_reason() {
    let data = tempfile::tempdir().expect("a directory");
    for tool in ["googleSearch", "urlContext", "googleSearchRetrieval"] {
        let mut live = Live::serve(data.path(), &["--log", "info"]);
        let (code, reason) = live.talk(setup("TEXT", tool)).next().expect_err("it is refused");
        assert_eq!(
            (code, reason.as_str()),
            (1008, "Operation is not implemented, or supported, or enabled."),
            "{tool}"
        );
        let logged = std::iter::from_fn(|| Some(live.logged())).take(20).find(|line| line.contains(tool));
        assert!(logged.is_some(), "the log says which");
    }
}

#[test]
fn what_a_folder_holds_is_quoted_with_its_bytes_in_text_and_in_speech() {
    let (data, documents) = (tempfile::tempdir().expect("a directory"), documents());
    let folder = documents.path().to_str().expect("UTF-8");
    // With and without the cascade.
    for more in [&[][..], &["--recogniser", "none"]] {
        let base = ["--search-folder", folder, "--search-base-url", "https://docs.example.com/"];
        let mut live = Live::serve(data.path(), &[&base[..], more].concat());
        assert_eq!(live.announced("search: "), format!("folder {folder}, 2 documents in 2 passages"));
        for modality in ["TEXT", "AUDIO"] {
            let mut talk = live.talk(setup(modality, "googleSearch"));
            talk.next().expect("setupComplete");
            talk.ask("Wie lang ist die Brücke in Zürich?");
            let messages = talk.turn().expect("it answers");
            assert!(said(&messages).contains("120 m lang"), "{messages:?}");
            assert!(check_segments(&messages) >= 1);
            let chunk = &grounding(&messages)["groundingChunks"][0]["web"];
            assert_eq!(chunk["uri"], "https://docs.example.com/br%C3%BCcke.md");
            assert_eq!(chunk["title"], "Die Brücke");
            assert_eq!(grounding(&messages)["webSearchQueries"], json!(["Wie lang ist die Brücke in Zürich"]));
            let usage = &messages.last().expect("turnComplete")["usageMetadata"];
            assert!(usage["toolUsePromptTokenCount"].as_u64() > Some(10), "{usage}");
        }
    }
}

#[test]
fn the_doctor_tries_a_search_and_tells_what_fails() {
    let printed = |args: &[&str]| {
        let output = live(&[&["doctor"], args].concat()).output().expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let none = printed(&[]);
    assert!(none.contains("  search: not chosen;") && none.contains("  url context: not chosen;"), "{none}");
    let documents = documents();
    let folder = documents.path().to_str().expect("UTF-8");
    let some = printed(&["--search-folder", folder, "--url-allow", "docs.example.com"]);
    let works = some.contains("2 documents in 2 passages") && some.contains("  search answers in ");
    assert!(works && some.contains("  url context: pages of docs.example.com\n"), "{some}");
    let (url, asked) = service(vec![answer("text/html", "no JSON")]);
    let broken = printed(&["--search-url", &url]);
    assert!(broken.contains("search does not work: http://127.0.0.1") && broken.contains("no JSON"), "{broken}");
    assert!(asked.join().expect("it was asked")[0].starts_with("GET /v1/search?q=test&format=json "));
    assert!(printed(&["--search-folder", "/no/such"]).contains("  --search-folder: path: /no/such: "));
}

#[test]
fn pages_of_the_list_are_read_and_others_are_not() {
    let page =
        answer("text/html; charset=utf-8", "<title>Ätna</title><script>x</script><p>Der Ätna ist 3357 m hoch.</p>");
    let (url, asked) = service(vec![page]);
    let base = url.trim_end_matches("/v1");
    let data = tempfile::tempdir().expect("a directory");
    let mut live = Live::serve(data.path(), &["--url-allow", &url]);
    assert_eq!(live.announced("url context: "), format!("pages of {url}"));
    let mut talk = live.talk(setup("TEXT", "urlContext"));
    talk.next().expect("setupComplete");
    talk.ask(&format!("Compare {url}/etna with {base}/secret and http://169.254.169.254/latest/meta-data/"));
    let messages = talk.turn().expect("it answers");
    assert!(said(&messages).contains("Ätna says: \"Der Ätna ist 3357 m hoch.\""), "{messages:?}");
    assert_eq!(check_segments(&messages), 1);
    let urls = messages.iter().find_map(|it| it["serverContent"]["urlContextMetadata"]["urlMetadata"].as_array());
    let statuses: Vec<&str> =
        urls.expect("it is told").iter().filter_map(|url| url["urlRetrievalStatus"].as_str()).collect();
    let [success, refused] = ["URL_RETRIEVAL_STATUS_SUCCESS", "URL_RETRIEVAL_STATUS_UNSAFE"];
    assert_eq!(statuses, [success, refused, refused]);
    let asked = asked.join().expect("the page was served");
    assert!(asked[0].starts_with("GET /v1/etna HTTP/1.1\r\n"), "{asked:?}");
}
