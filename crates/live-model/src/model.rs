//! The trait that every kind of model implements; the kinds have modules of their own.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use live_engine::{BuiltInTools, ModelOutput, Prompt};

/// Answers prompts.
///
/// One model serves all sessions at once: it keeps no conversation, since each [`Prompt`] brings the whole of it.
///
/// # Contract for implementers
///
/// * **Order.** A stream yields what is said in the order in which the client shall hear it. Of [`ModelOutput::Text`] and
///   [`ModelOutput::Speech`] it yields the kind that the session's modality asks for. [`ModelOutput::ToolCalls`] come after
///   all that is said: clients drop words that follow a call.
/// * **End.** The last output is [`ModelOutput::End`], or [`ModelOutput::Failed`] if the model cannot go on, after calls
///   too; then the stream ends. A stream that ends without either has failed.
/// * **No empty answers.** Something is said or called in every turn; a client waits for it.
/// * **Cancellation.** Dropping the stream cancels the generation, at any await, and frees all that it holds: there is no
///   other signal. A stream that has work elsewhere (a request, a task) must end it in its `Drop`. What was yielded before
///   stays said.
/// * **Back-pressure.** Work is done when the stream is polled. A host that does not poll does not want more: a stream
///   neither runs ahead into a buffer of its own without a bound nor drops output because nobody took it.
/// * **Pace.** A model may be faster than speech is played; the engine holds `turnComplete` back. One `poll_next` must not
///   block: some milliseconds of computing, and no waiting except through the runtime.
/// * **Faults.** What a client sent never makes `generate` or its stream panic.
pub trait Model: Send + Sync + 'static {
    /// Answers a prompt.
    ///
    /// Returns at once; the answer is made as the stream is polled. Dropping the stream cancels it.
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput>;

    /// The tools that it runs by itself where a session has them set up; a session that asks for another is refused.
    fn built_in_tools(&self) -> BuiltInTools {
        BuiltInTools::NONE
    }
}

/// A model that others have too.
impl Model for Arc<dyn Model> {
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        (**self).generate(prompt)
    }

    fn built_in_tools(&self) -> BuiltInTools {
        (**self).built_in_tools()
    }
}
