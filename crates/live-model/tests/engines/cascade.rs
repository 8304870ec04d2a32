//! The cascade itself, with engines that do as they are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use expect_test::expect;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use live_engine::prompt::transcript;
use live_engine::{EndReason, ModelOutput, Prompt};
use live_model::{
    Cascade, Embedded, EmbeddedVoice, Fault, Model, OnFault, Recogniser, Script, Sound, Synthesiser, Utterance,
};
use live_proto::{Blob, Content, FunctionCall, Part};

use crate::talk::{Talk, answer};

/// Says these pieces, each after a second if it may not be at once.
#[derive(Clone)]
struct Says(Vec<ModelOutput>, Duration);

impl Says {
    fn texts(texts: &[&str]) -> Self {
        let end = ModelOutput::End(EndReason::Complete);
        Self(texts.iter().map(|text| ModelOutput::Text((*text).to_owned())).chain([end]).collect(), Duration::ZERO)
    }
}

impl Model for Says {
    fn generate(&self, _: Prompt) -> BoxStream<'static, ModelOutput> {
        let Self(outputs, pause) = self.clone();
        stream::iter(outputs)
            .then(move |output| async move {
                if !pause.is_zero() {
                    tokio::time::sleep_until(tokio::time::Instant::now() + pause).await;
                }
                output
            })
            .boxed()
    }
}

/// Repeats what it was told, roles and transcripts included.
struct Repeats;

impl Model for Repeats {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let parts = prompt.history.iter().flat_map(|content| &content.parts);
        let heard: Vec<&str> = parts.filter_map(|part| part.as_text().or(transcript(part))).collect();
        let outputs = [ModelOutput::Text(heard.join("|")), ModelOutput::End(EndReason::Complete)];
        stream::iter(outputs).boxed()
    }
}

/// Speaks 100 ms for each letter, and keeps account of itself.
#[derive(Clone, Default)]
struct Speaks {
    scripts: Arc<Mutex<Vec<String>>>,
    /// Utterances that were begun and not dropped.
    open: Arc<AtomicUsize>,
    /// Milliseconds made so far.
    made_ms: Arc<AtomicUsize>,
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Synthesiser for Speaks {
    fn speak(&self, script: Script) -> BoxStream<'static, Result<Sound, Fault>> {
        self.scripts.lock().expect("no test panics with it").push(format!("{}: {}", script.voice, script.text));
        self.open.fetch_add(1, Ordering::Relaxed);
        let (open, made_ms) = (Open(Arc::clone(&self.open)), Arc::clone(&self.made_ms));
        let is_bad = script.text.contains("unspeakable");
        stream::iter(script.text.into_bytes())
            .map(move |_| {
                _ = &open;
                made_ms.fetch_add(100, Ordering::Relaxed);
                match is_bad {
                    true => Err(Fault::new("tongue", "it is tied")),
                    false => Ok(Sound { samples: vec![1; 2400], text: None }),
                }
            })
            .boxed()
    }
}

/// Hears words, one for each tenth of a second.
struct Hears;

impl Recogniser for Hears {
    fn recognise(&self, speech: Utterance) -> BoxStream<'static, Result<String, Fault>> {
        let words = speech.samples.len() / 1600;
        if speech.samples.first() == Some(&-1) {
            return stream::iter([Ok("half".to_owned()), Err(Fault::new("ear", "it is deaf"))]).boxed();
        }
        stream::iter((0..words).map(|at| Ok(format!("{}w{at}", if at == 0 { "" } else { " " })))).boxed()
    }
}

#[tokio::test]
async fn an_answer_is_spoken_sentence_by_sentence_and_its_words_go_with_the_sound() {
    let speaks = Speaks::default();
    let model = Cascade::new(Says::texts(&["Yes. I d", "o **in", "deed**. ", "!"]), speaks.clone());
    let shown = answer(&model, Talk::spoken().ask("Do you?")).await;
    expect![[r#"
        speech 40 ms "Yes."
        speech 80 ms ""
        speech 120 ms ""
        speech 160 ms ""
        speech 200 ms " I"
        speech 200 ms " do"
        speech 200 ms " **indeed**."
        speech 200 ms ""
        speech 200 ms ""
        speech 200 ms ""
        speech 0 ms " !"
        end Complete
    "#]]
    .assert_eq(&shown);
    assert_eq!(*speaks.scripts.lock().unwrap(), ["Puck: Yes.", "Puck: I do indeed."]);
}

#[tokio::test(start_paused = true)]
async fn the_first_sentence_is_heard_while_the_model_thinks_about_the_next() {
    let begun = tokio::time::Instant::now();
    let Says(outputs, _) = Says::texts(&["One. ", "Two. ", "Three."]);
    let model = Cascade::new(Says(outputs, Duration::from_secs(1)), Speaks::default());
    let mut outputs = model.generate(Talk::spoken().ask("Count."));
    let mut times = Vec::new();
    while let Some(output) = outputs.next().await {
        if let ModelOutput::Speech { text, .. } = output
            && !text.is_empty()
        {
            times.push(format!("{text} at {} s", begun.elapsed().as_secs()));
        }
    }
    assert_eq!(times, ["One. at 1 s", " Two. at 2 s", " Three. at 4 s"], "the last one when the answer is complete");
}

#[tokio::test]
async fn no_more_is_made_than_twenty_seconds_ahead_in_two_voices() {
    let speaks = Speaks::default();
    let long = "x".repeat(280);
    let sentences: Vec<String> = (0..40).map(|_| format!("{long}. ")).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let model = Cascade::new(Says::texts(&sentences), speaks.clone());
    let mut outputs = model.generate(Talk::spoken().ask("Go on."));
    let (mut heard_ms, mut most_ahead_ms) = (0, 0);
    while heard_ms < 100_000 {
        let output = outputs.next().await.expect("it speaks");
        let ModelOutput::Speech { pcm, .. } = output else { panic!("it speaks: {output:?}") };
        let ahead_ms = speaks.made_ms.load(Ordering::Relaxed) - heard_ms;
        assert!(heard_ms > 0 || ahead_ms <= 2 * 400, "one poll makes {ahead_ms} ms");
        most_ahead_ms = most_ahead_ms.max(ahead_ms);
        heard_ms += pcm.len() / 48;
        assert!(speaks.open.load(Ordering::Relaxed) <= 2);
    }
    assert!((20_000..=2 * 20_100).contains(&most_ahead_ms), "{most_ahead_ms}");
    drop(outputs);
    assert_eq!(speaks.open.load(Ordering::Relaxed), 0, "whoever does not listen any more ends all");
}

#[tokio::test]
async fn in_text_nothing_is_spoken() {
    let speaks = Speaks::default();
    let model = Cascade::new(Says::texts(&["One. ", "Two."]), speaks.clone());
    let shown = answer(&model, Talk::new("").ask("Count.")).await;
    expect![[r#"
        text "One. "
        text "Two."
        end Complete
    "#]]
    .assert_eq(&shown);
    assert!(speaks.scripts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn speech_is_recognised_stretch_by_stretch_and_told_to_the_model() {
    let model = Cascade::new(Repeats, EmbeddedVoice).recogniser(Hears);
    let pcm = |ms: usize| Part::inline(Blob::pcm16k(vec![0; ms * 32]));
    let ogg = Part::inline(Blob::new("audio/ogg", vec![0; 9]));
    let prompt = Talk::new("").say(vec![Content::user(vec![pcm(200), Part::text("and"), pcm(100), ogg, pcm(10)])]);
    let shown = answer(&model, prompt).await;
    expect![[r#"
        heard "w0"
        heard " w1"
        heard "" finished
        heard "w0"
        heard "" finished
        heard "[audio/ogg]" finished
        heard "" finished
        text "w0 w1|and|w0|[audio/ogg]|"
        end Complete
    "#]]
    .assert_eq(&shown);
}

#[tokio::test]
async fn without_a_recogniser_speech_has_a_caption_and_goes_to_the_answerer_as_it_is() {
    let transcribed = r#""inputAudioTranscription": {}"#;
    let shown = answer(&Cascade::new(Repeats, EmbeddedVoice), Talk::new(transcribed).speak(&[0; 32_000])).await;
    expect![[r#"
        caption "[speech 2.0 s]"
        text ""
        end Complete
    "#]]
    .assert_eq(&shown);
    let model = Cascade::new(Embedded::default(), EmbeddedVoice);
    let shown = answer(&model, Talk::new(transcribed).speak(&[0; 32_000])).await;
    assert_eq!(shown.matches("caption").count(), 1, "{shown}");
    assert!(shown.starts_with("caption \"[speech 2.0 s]\"\ntext "), "{shown}");
    let shown = answer(&model, Talk::new("").speak(&[0; 32_000])).await;
    assert!(shown.starts_with("text "), "nobody asked for it: {shown}");
}

#[tokio::test]
async fn thoughts_and_calls_keep_their_place() {
    let call = FunctionCall { name: "f".to_owned(), ..FunctionCall::default() };
    let outputs = vec![
        ModelOutput::Thought("Hm.".to_owned()),
        ModelOutput::Text("Wait".to_owned()),
        ModelOutput::Thought("Still.".to_owned()),
        ModelOutput::Text(" a bit".to_owned()),
        ModelOutput::ToolCalls(vec![call]),
        ModelOutput::End(EndReason::NeedMoreInput),
    ];
    let model = Cascade::new(Says(outputs, Duration::ZERO), Speaks::default());
    let shown = answer(&model, Talk::spoken().ask("Hm?")).await;
    let order: Vec<&str> = shown.lines().filter(|line| !line.ends_with("\"\"")).collect();
    assert_eq!(order[..2], ["thought \"Hm.\"", "thought \"Still.\""]);
    assert_eq!(order[order.len() - 2..], ["calls {\"name\":\"f\"}", "end NeedMoreInput"]);
    assert!(shown.contains("\"Wait\"") && shown.contains("\" bit\""), "{shown}");
}

#[tokio::test]
async fn an_engine_that_fails_ends_the_turn_as_configured() {
    let speaking = |on_fault| {
        Cascade::new(Says::texts(&["Fine. ", "This is unspeakable. ", "More."]), Speaks::default()).on_fault(on_fault)
    };
    let shown = answer(&speaking(OnFault::Close), Talk::spoken().ask("Speak.")).await;
    assert!(shown.contains("Fine.") && !shown.contains("unspeakable"), "{shown}");
    assert!(shown.ends_with("failed synthesiser tongue: it is tied\n"), "{shown}");
    let shown = answer(&speaking(OnFault::Reject), Talk::spoken().ask("Speak.")).await;
    assert!(shown.ends_with("end Rejected\n"), "{shown}");

    let deaf = Cascade::new(Repeats, EmbeddedVoice).recogniser(Hears);
    let shown = answer(&deaf, Talk::new("").speak(&[-1; 1600])).await;
    expect![[r#"
        heard "half"
        failed recogniser ear: it is deaf
    "#]]
    .assert_eq(&shown);

    let mute = Says(vec![ModelOutput::Failed("llama: out of memory".to_owned())], Duration::ZERO);
    let shown = answer(&Cascade::new(mute, EmbeddedVoice), Talk::spoken().ask("Speak.")).await;
    assert_eq!(shown, "failed language model llama: out of memory\n");
}

#[tokio::test(start_paused = true)]
async fn embedded_engines_say_what_the_embedded_model_says() {
    let model = Cascade::new(Embedded::default(), EmbeddedVoice);
    let (said, sound, last) = crate::talk::spoken(&model, Talk::spoken().ask("Count from 1 to 3.")).await;
    let (expected, expected_sound, _) =
        crate::talk::spoken(&Embedded::default(), Talk::spoken().ask("Count from 1 to 3.")).await;
    assert_eq!((said, last), (expected, ModelOutput::End(EndReason::Complete)));
    let ratio = sound.len() as f64 / expected_sound.len() as f64;
    assert!((0.7..1.3).contains(&ratio), "{} against {}", sound.len(), expected_sound.len());
}

#[tokio::test]
async fn a_model_that_says_nothing_leaves_the_stream_waiting() {
    struct Silent;
    impl Model for Silent {
        fn generate(&self, _: Prompt) -> BoxStream<'static, ModelOutput> {
            stream::poll_fn(|_| Poll::Pending).boxed()
        }
    }
    let model = Cascade::new(Silent, EmbeddedVoice);
    let mut outputs = model.generate(Talk::spoken().ask("Hm?"));
    assert_eq!(outputs.next().now_or_never(), None);
}
