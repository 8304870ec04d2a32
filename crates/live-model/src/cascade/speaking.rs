//! An answer on its way from text to speech: while one portion is heard, the next is made.
//!
//! Nothing runs by itself: whoever polls drives the model and at most two portions of speech, and dropping ends them all.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use live_audio::bytes_of;
use live_engine::ModelOutput;

use super::OnFault;
use super::frame::{Framing, Portion};
use super::sentence::{Sentences, aloud};
use crate::fault::Fault;
use crate::synthesiser::{SAMPLES_PER_MS, Script, Sound, Synthesiser};

/// Portions that are known ahead of their being spoken; while there are as many, the model is not asked to go on.
const PORTIONS_MAX: usize = 8;
/// Portions that are being made at once: the one that is heard and the one behind it.
const VOICES_MAX: usize = 2;
/// Samples of a portion that are made ahead of their being heard: 20 s, which is most of the longest portion. An engine is done
/// with a sentence in a fraction of the time in which it is heard, and is then free for others.
const AHEAD_SAMPLES: usize = 20_000 * SAMPLES_PER_MS;
/// Pieces of sound that are taken from an engine in one poll, so that none takes long.
const PIECES_MAX: usize = 4;

/// The answer, as a stream of what goes to the client.
pub(super) struct Speaking {
    /// What the model says, in text; `None` when that is all.
    words: Option<BoxStream<'static, ModelOutput>>,
    sentences: Sentences,
    queue: VecDeque<Item>,
    synthesiser: Arc<dyn Synthesiser>,
    voice: String,
    language: Option<String>,
    framing: Framing,
    on_fault: OnFault,
    is_over: bool,
}

enum Item {
    Waiting(String),
    Speaking(Utterance),
    Output(ModelOutput),
}

struct Utterance {
    portion: Portion,
    /// `None` once the engine is done with it.
    sound: Option<BoxStream<'static, Result<Sound, Fault>>>,
    fault: Option<Fault>,
}

impl Speaking {
    pub(super) fn new(
        words: BoxStream<'static, ModelOutput>,
        synthesiser: Arc<dyn Synthesiser>,
        voice: String,
        language: Option<String>,
        on_fault: OnFault,
    ) -> Self {
        Self {
            words: Some(words),
            sentences: Sentences::default(),
            queue: VecDeque::new(),
            synthesiser,
            voice,
            language,
            framing: Framing::default(),
            on_fault,
            is_over: false,
        }
    }

    /// Takes what the model has to say, as far as there is room for it.
    fn read(&mut self, cx: &mut Context<'_>) {
        while self.queue.len() < PORTIONS_MAX
            && let Some(words) = &mut self.words
        {
            let output = match words.as_mut().poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => {
                    self.words = None;
                    self.flush();
                    return;
                }
                Poll::Ready(Some(output)) => output,
            };
            if let ModelOutput::Text(text) = output {
                self.sentences.push(&text);
                while let Some(portion) = self.sentences.next() {
                    self.queue.push_back(Item::Waiting(portion));
                }
                continue;
            }
            if is_last(&output) {
                self.words = None;
            }
            // Thoughts are not heard, so that they do not end a sentence.
            if !matches!(output, ModelOutput::Thought(_)) {
                self.flush();
            }
            self.queue.push_back(Item::Output(output));
        }
    }

    fn flush(&mut self) {
        self.queue.extend(self.sentences.finish().map(Item::Waiting));
    }

    /// Lets the engine speak the first portions.
    fn speak(&mut self, cx: &mut Context<'_>) {
        let mut voices = 0;
        for item in &mut self.queue {
            if let Item::Waiting(text) = item {
                let text = std::mem::take(text);
                let script = Script { text: aloud(&text), voice: self.voice.clone(), language: self.language.clone() };
                let sound = (!script.text.is_empty()).then(|| self.synthesiser.speak(script));
                *item = Item::Speaking(Utterance { portion: Portion::new(text), sound, fault: None });
            }
            if let Item::Speaking(utterance) = item {
                utterance.make(cx);
                voices += 1;
            }
            if voices == VOICES_MAX {
                break;
            }
        }
    }

    /// Ends the answer, since it cannot go on.
    fn fail(&mut self, fault: &Fault) -> ModelOutput {
        self.queue.clear();
        self.words = None;
        self.is_over = true;
        self.on_fault.end("synthesiser", fault)
    }
}

impl Utterance {
    fn make(&mut self, cx: &mut Context<'_>) {
        let mut pieces = 0;
        while let Some(sound) = &mut self.sound
            && self.portion.waiting() < AHEAD_SAMPLES
        {
            if pieces == PIECES_MAX {
                return cx.waker().wake_by_ref();
            }
            pieces += 1;
            match sound.as_mut().poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(sound))) => self.portion.push(sound),
                Poll::Ready(Some(Err(fault))) => {
                    self.fault = Some(fault);
                    self.sound = None;
                }
                Poll::Ready(None) => self.sound = None,
            }
        }
        // After a fault it is not known what of the text was spoken, so the rest is not told.
        self.portion.is_complete = self.sound.is_none() && self.fault.is_none();
    }
}

impl Stream for Speaking {
    type Item = ModelOutput;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ModelOutput>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        loop {
            this.read(cx);
            this.speak(cx);
            match this.queue.front_mut() {
                None if this.words.is_none() => {
                    this.is_over = true;
                    return Poll::Ready(None);
                }
                None => return Poll::Pending,
                Some(Item::Waiting(_)) => unreachable!("the first portion is being spoken"),
                Some(Item::Speaking(utterance)) => {
                    if let Some((samples, text)) = utterance.portion.next(&mut this.framing) {
                        return Poll::Ready(Some(ModelOutput::Speech { pcm: to_bytes(&samples), text }));
                    }
                    if let Some(fault) = utterance.fault.take() {
                        return Poll::Ready(Some(this.fail(&fault)));
                    }
                    if !utterance.portion.is_complete {
                        return Poll::Pending;
                    }
                    // There is room for more behind it now, so begin again.
                    this.queue.pop_front();
                }
                Some(Item::Output(_)) => {
                    let Some(Item::Output(output)) = this.queue.pop_front() else { continue };
                    this.is_over = is_last(&output);
                    return Poll::Ready(Some(output));
                }
            }
        }
    }
}

impl fmt::Debug for Speaking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaking")
            .field("queue", &self.queue.len())
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

fn is_last(output: &ModelOutput) -> bool {
    matches!(output, ModelOutput::End(_) | ModelOutput::Failed(_))
}

/// Samples as they go on the wire: s16le.
fn to_bytes(samples: &[i16]) -> Bytes {
    let mut bytes = Vec::new();
    bytes_of(samples, &mut bytes);
    bytes.into()
}
