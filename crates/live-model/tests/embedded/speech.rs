//! How it is said: rules E14 to E20, in virtual time.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use live_engine::{EndReason, ModelOutput};
use live_model::embedded::EmbeddedConfig;
use live_model::voice::Voice;
use live_model::{Embedded, Model};
use live_proto::{Blob, Content, Part, ThinkingConfig, Transcription};
use proptest::prelude::*;
use tokio::time::{Instant, timeout};

use crate::talk::Talk;

/// Outputs in short: text as it is, speech as its length and text.
fn shown(outputs: &[ModelOutput]) -> Vec<String> {
    let show = |output: &ModelOutput| {
        if let ModelOutput::Text(text) = output {
            format!("{text:?}")
        } else if let ModelOutput::Speech { pcm, text } = output {
            format!("{} ms {text:?}", pcm.len() / 48)
        } else {
            format!("{output:?}")
        }
    };
    outputs.iter().map(show).collect()
}

fn text(outputs: &[ModelOutput]) -> String {
    let text = outputs.iter().filter_map(|output| {
        if let ModelOutput::Text(text) | ModelOutput::Speech { text, .. } = output { Some(text.as_str()) } else { None }
    });
    text.collect()
}

fn pcm(outputs: &[ModelOutput]) -> Vec<u8> {
    let pcm =
        outputs.iter().filter_map(|output| if let ModelOutput::Speech { pcm, .. } = output { Some(pcm) } else { None });
    pcm.flatten().copied().collect()
}

#[tokio::test(start_paused = true)]
async fn text_comes_piece_by_piece_at_its_rate() {
    // rule: E14
    let talk = Talk::new().user("tell me of thunderstorms");
    let start = Instant::now();
    let outputs = talk.outputs(10).await;
    assert_eq!(
        shown(&outputs),
        [
            r#""You""#,
            r#"" said:""#,
            r#"" \"tell""#,
            r#"" me""#,
            r#"" of""#,
            r#"" thundersto""#,
            r#""rms\"""#,
            "End(Complete)"
        ]
    );
    assert_eq!(start.elapsed().as_millis(), 600, "the first piece at once, then one every 100 ms");

    let start = Instant::now();
    assert_eq!(talk.outputs(0).await, outputs);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn speech_comes_in_growing_chunks_with_its_words() {
    // rule: E15
    let start = Instant::now();
    let outputs = Talk::new().in_speech("Kore").user("Tell me of the sea").outputs(10).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "as fast as it is taken");
    assert_eq!(text(&outputs), "You said: \"Tell me of the sea\"");
    let (end, chunks) = outputs.split_last().expect("an answer has an end");
    assert_eq!(*end, ModelOutput::End(EndReason::Complete));
    let lengths_ms: Vec<usize> = chunks.iter().map(|chunk| pcm(std::slice::from_ref(chunk)).len() / 48).collect();
    assert_eq!(lengths_ms[..5], [40, 80, 120, 160, 200]);
    let (last, full) = lengths_ms[4..].split_last().expect("the sentence lasts");
    assert!(full.iter().all(|ms| *ms == 200) && (40..=200).contains(last), "{lengths_ms:?}");
    assert!(shown(chunks).iter().skip(3).any(|chunk| chunk.ends_with("sea\\\"\"")), "words come with their sound");
}

#[tokio::test(start_paused = true)]
async fn speech_is_in_the_voice_of_the_session() {
    // rule: E15
    let talk = Talk::new().user("hello");
    let kore = pcm(&talk.clone().in_speech("Kore").outputs(0).await);
    let puck = pcm(&talk.clone().in_speech("Puck").outputs(0).await);
    assert_ne!(kore, puck);
    assert_eq!(puck, pcm(&talk.in_speech("").outputs(0).await));
    let alone: Vec<u8> =
        Voice::default().speak("You said: \"hello\"").flat_map(|chunk| chunk.pcm).flat_map(i16::to_le_bytes).collect();
    assert_eq!(puck[..alone.len()], alone);
}

#[tokio::test(start_paused = true)]
async fn a_count_in_text_lasts() {
    // rule: E16
    let start = Instant::now();
    let outputs = Talk::new().user("count from 1 to 10").outputs(0).await;
    assert_eq!(text(&outputs), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10.");
    assert_eq!(start.elapsed().as_millis(), 3000, "three numbers a second");

    let slow = EmbeddedConfig { pieces_per_second: 1, numbers_per_second: NonZeroU32::MAX };
    let start = Instant::now();
    let outputs: Vec<_> = Embedded::new(slow).generate(Talk::new().user("count to 4").prompt()).collect().await;
    assert_eq!(text(&outputs), "1, 2, 3, 4.");
    assert_eq!(start.elapsed().as_millis(), 3000, "no faster than pieces");
}

#[tokio::test(start_paused = true)]
async fn a_count_in_speech_keeps_pace_with_its_playback() {
    // rule: E16
    let talk = Talk::new().in_speech("Puck").user("count from 1 to 5");
    let start = Instant::now();
    let outputs = talk.outputs(0).await;
    assert_eq!(text(&outputs), "1, 2, 3, 4, 5.");
    let played = Duration::from_millis((pcm(&outputs).len() / 48) as u64);
    let ahead = played - start.elapsed();
    assert!(ahead < Duration::from_millis(1500), "all but the last number has been played: {ahead:?}");
    assert!(start.elapsed() > Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_count_to_2000_is_still_running_after_a_second() {
    // rule: E16
    for talk in [Talk::new(), Talk::new().in_speech("Puck")] {
        let talk = talk.user("count from 1 to 2000");
        assert!(timeout(Duration::from_secs(600), talk.outputs(0)).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_limit_is_not_the_models() {
    // rule: E17
    for talk in [Talk::new(), Talk::new().in_speech("Puck")] {
        let talk = talk.user("one two three four");
        let limited = talk.clone().generating(|it| it.max_output_tokens = Some(1));
        assert_eq!(limited.outputs(0).await, talk.outputs(0).await);
    }
}

#[tokio::test(start_paused = true)]
async fn sampling_changes_nothing() {
    // rule: E19
    let talk = Talk::new().user("hello");
    let sampled = talk.clone().generating(|it| {
        it.temperature = Some(2.0);
        it.top_p = Some(0.1);
        it.top_k = Some(1);
        it.seed = Some(42);
        it.presence_penalty = Some(1.0);
    });
    assert_eq!(sampled.outputs(0).await, talk.outputs(0).await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_thought_said_called_and_ended_in_that_order() {
    // rule: E20
    let talk = Talk::new()
        .functions(r#"[{"name": "f"}]"#)
        .thinking(ThinkingConfig { include_thoughts: Some(true), ..ThinkingConfig::default() })
        .function(r#"{"name": "g", "response": {"output": 1}}"#)
        .user("f");
    let outputs = shown(&talk.outputs(0).await);
    let kinds: Vec<&str> = outputs.iter().map(|output| output.split(['(', '{']).next().unwrap_or_default()).collect();
    assert_eq!(kinds, ["Thought", "\"g\"", "\" says:\"", "\" 1.\"", "ToolCalls", "End"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_stops() {
    // rule: E20
    let mut stream = Embedded::default().generate(Talk::new().user("count from 1 to 2000").prompt());
    assert_eq!(stream.next().await, Some(ModelOutput::Text("1,".to_owned())));
    assert_eq!(stream.next().now_or_never(), None, "the next number is not due");
    drop(stream);
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 0, "nothing runs on behind it");
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_loses_nothing() {
    // rule: E20
    let mut stream = Embedded::default().generate(Talk::new().user("count from 1 to 5").prompt());
    let mut outputs = Vec::new();
    loop {
        match timeout(Duration::from_millis(50), stream.next()).await {
            Ok(Some(output)) => outputs.push(output),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(text(&outputs), "1, 2, 3, 4, 5.");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_answer_is_said_whole_and_ends(prompt in any::<String>(), in_speech in any::<bool>()) {
        // rule: E20
        let talk = Talk::new().user(&prompt);
        let talk = if in_speech { talk.in_speech("Charon") } else { talk };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let outputs = runtime.expect("a runtime can be built").block_on(talk.outputs(50));
        let said = talk.planned();
        prop_assert_eq!(text(&outputs), said.trim_start_matches("says ").trim_end_matches('\n'));
        prop_assert_eq!(outputs.last(), Some(&ModelOutput::End(EndReason::Complete)));
        prop_assert_eq!(in_speech, !pcm(&outputs).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn speech_that_nobody_recognises_has_a_caption() {
    // rule: E21
    let spoken = |ms: usize| Content::user(Part::inline(Blob::pcm16k(vec![0; 32 * ms])));
    let captions = async |talk: Talk| {
        let outputs = talk.outputs(0).await;
        let is_caption = |output: &&ModelOutput| matches!(output, ModelOutput::Caption(_));
        let captions: Vec<String> = outputs.iter().filter(is_caption).map(|output| format!("{output:?}")).collect();
        assert!(captions.is_empty() || matches!(outputs[0], ModelOutput::Caption(_)), "it comes first");
        captions
    };
    let talk = || Talk::new().transcribed();
    assert_eq!(captions(talk().say(spoken(2_000))).await, [r#"Caption("[speech 2.0 s]")"#]);
    assert_eq!(captions(talk().say(spoken(2_000)).say(spoken(500))).await, [r#"Caption("[speech 0.5 s]")"#]);
    assert!(captions(talk().user("hello")).await.is_empty());
    assert!(captions(Talk::new().say(spoken(2_000))).await.is_empty(), "nobody asked");
    let mut heard = spoken(2_000);
    heard.parts[0].audio_transcription = Some(Transcription::new("hello").into());
    assert!(captions(talk().say(heard)).await.is_empty(), "it was recognised");
}
