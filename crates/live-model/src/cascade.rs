//! The cascade: a recogniser, a model that answers in text, and a synthesiser, as one model that hears and speaks.
//!
//! Which programs or services those are is not its business: see `exec`, `http` and the embedded ones. The parts know
//! nothing of each other.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use futures_util::{Stream, future, ready};
use live_engine::{BuiltInTools, EndReason, ModelOutput, Prompt, ResponseModality};

use self::hearing::Hearing;
use self::speaking::Speaking;
use crate::fault::Fault;
use crate::model::Model;
use crate::recogniser::Recogniser;
use crate::synthesiser::Synthesiser;

mod frame;
mod hearing;
mod sentence;
mod speaking;

pub(crate) use self::sentence::Sentences;

/// What becomes of a turn in which an engine fails. Either way the log is told which and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFault {
    /// The connection is closed with 1011, as the service does. A client may resume its session.
    #[default]
    Close,
    /// The turn ends with `turnCompleteReason` RESPONSE_REJECTED; the session goes on.
    Reject,
}

impl OnFault {
    /// The last output of a generation in which `part` of the cascade failed.
    fn end(self, part: &str, fault: &Fault) -> ModelOutput {
        self.end_of(format!("{part} {fault}"))
    }

    fn end_of(self, why: String) -> ModelOutput {
        match self {
            Self::Close => ModelOutput::Failed(why),
            Self::Reject => {
                tracing::error!(why, "an engine failed; its turn is rejected");
                ModelOutput::End(EndReason::Rejected)
            }
        }
    }
}

/// A model made of engines that each do one thing.
///
/// The answerer is any [`Model`]; it is asked for text in every session, and given speech with its transcript beside it. In a
/// session that answers in text the synthesiser is not used. Without a recogniser speech has a caption that says how long it
/// was, and is given to the answerer as it is.
///
/// ```
/// use live_model::{Cascade, Embedded, EmbeddedVoice};
///
/// let model = Cascade::new(Embedded::default(), EmbeddedVoice);
/// # _ = model;
/// ```
#[derive(Clone)]
pub struct Cascade {
    recogniser: Option<Arc<dyn Recogniser>>,
    answerer: Arc<dyn Model>,
    synthesiser: Arc<dyn Synthesiser>,
    on_fault: OnFault,
}

impl Cascade {
    /// Answers by `answerer`, speaks by `synthesiser`, and recognises nothing.
    pub fn new(answerer: impl Model, synthesiser: impl Synthesiser) -> Self {
        Self::shared(None, Arc::new(answerer), Arc::new(synthesiser))
    }

    /// The same of engines that others may use too.
    pub fn shared(
        recogniser: Option<Arc<dyn Recogniser>>,
        answerer: Arc<dyn Model>,
        synthesiser: Arc<dyn Synthesiser>,
    ) -> Self {
        Self { recogniser, answerer, synthesiser, on_fault: OnFault::default() }
    }

    /// Sets who recognises speech.
    #[must_use]
    pub fn recogniser(mut self, recogniser: impl Recogniser) -> Self {
        self.recogniser = Some(Arc::new(recogniser));
        self
    }

    /// Sets what becomes of a turn in which an engine fails.
    #[must_use]
    pub fn on_fault(mut self, on_fault: OnFault) -> Self {
        self.on_fault = on_fault;
        self
    }

    /// Begins to answer a prompt in which all speech is also text.
    fn answer(&self, mut prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let on_fault = self.on_fault;
        let session = Arc::clone(&prompt.session);
        if session.modality == ResponseModality::Audio {
            Arc::make_mut(&mut prompt.session).modality = ResponseModality::Text;
        }
        let caption = prompt.caption().filter(|_| self.recogniser.is_none()).map(ModelOutput::Caption);
        let words = self.answerer.generate(prompt);
        // The embedded model makes captions too.
        let words = words.filter(|output| future::ready(!matches!(output, ModelOutput::Caption(_))));
        let words = stream::iter(caption).chain(words).map(move |output| {
            if let ModelOutput::Failed(why) = output {
                on_fault.end_of(format!("language model {why}"))
            } else {
                output
            }
        });
        match session.modality {
            ResponseModality::Text => words.boxed(),
            ResponseModality::Audio => {
                let synthesiser = Arc::clone(&self.synthesiser);
                let (voice, language) = (session.voice.clone(), session.language.clone());
                Speaking::new(words.boxed(), synthesiser, voice, language, on_fault).boxed()
            }
        }
    }
}

impl Model for Cascade {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let stage = match &self.recogniser {
            Some(recogniser) => Stage::Hearing(Hearing::new(prompt, Arc::clone(recogniser))),
            None => Stage::Answering(self.answer(prompt)),
        };
        Run { cascade: self.clone(), stage }.boxed()
    }

    fn built_in_tools(&self) -> BuiltInTools {
        self.answerer.built_in_tools()
    }
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade").field("on_fault", &self.on_fault).finish_non_exhaustive()
    }
}

/// One answer.
struct Run {
    cascade: Cascade,
    stage: Stage,
}

enum Stage {
    Hearing(Hearing),
    Answering(BoxStream<'static, ModelOutput>),
    Over,
}

impl Stream for Run {
    type Item = ModelOutput;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ModelOutput>> {
        let this = self.get_mut();
        loop {
            match &mut this.stage {
                Stage::Hearing(hearing) => match ready!(Pin::new(hearing).poll_next(cx)) {
                    Some(Ok(output)) => return Poll::Ready(Some(output)),
                    Some(Err(fault)) => {
                        this.stage = Stage::Over;
                        return Poll::Ready(Some(this.cascade.on_fault.end("recogniser", &fault)));
                    }
                    None => {
                        let Stage::Hearing(hearing) = std::mem::replace(&mut this.stage, Stage::Over) else { continue };
                        this.stage = Stage::Answering(this.cascade.answer(hearing.into_prompt()));
                    }
                },
                Stage::Answering(answer) => {
                    let output = ready!(answer.as_mut().poll_next(cx));
                    if output.is_none() {
                        this.stage = Stage::Over;
                    }
                    return Poll::Ready(output);
                }
                Stage::Over => return Poll::Ready(None),
            }
        }
    }
}
