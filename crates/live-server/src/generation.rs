//! The model at work: the one generation of a session, as a stream that outlives panics of the model.
//!
//! What its pieces become on the wire is the engine's business; when it is polled, the connection's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::BoxStream;
use live_engine::{ModelOutput, Prompt, TurnId};
use live_model::Model;

/// What the model says. Pending while it has nothing to say; never ends.
pub(crate) struct Generation {
    model: Arc<dyn Model>,
    running: Option<Running>,
    /// A piece that the engine had no room for.
    returned: Option<(TurnId, ModelOutput)>,
    /// It stays here until the engine asks for it.
    is_held: bool,
}

struct Running {
    turn: TurnId,
    pieces: BoxStream<'static, ModelOutput>,
    /// The last piece was one that an answer ends with.
    is_complete: bool,
}

impl Generation {
    pub(crate) fn new(model: Arc<dyn Model>) -> Self {
        Self { model, running: None, returned: None, is_held: false }
    }

    /// Asks the model. What it still had to say of an earlier generation is dropped.
    pub(crate) fn start(&mut self, turn: TurnId, prompt: Prompt) {
        self.stop();
        let pieces = catch_unwind(AssertUnwindSafe(|| self.model.generate(prompt)));
        // The panic hook has told where it was; a stream of this one piece tells the engine.
        let pieces = pieces.unwrap_or_else(|_| Box::pin(futures_util::stream::once(async { panicked() })));
        self.running = Some(Running { turn, pieces, is_complete: false });
    }

    /// Stops generation `turn`, if it is the one that runs.
    pub(crate) fn cancel(&mut self, turn: TurnId) {
        if self.running.as_ref().is_some_and(|running| running.turn == turn) {
            self.stop();
        }
        if self.returned.take_if(|(returned, _)| *returned == turn).is_some() {
            self.is_held = false;
        }
    }

    /// Stops whatever runs.
    pub(crate) fn stop(&mut self) {
        self.running = None;
        self.returned = None;
        self.is_held = false;
    }

    /// Takes back a piece, to be given again later.
    pub(crate) fn put_back(&mut self, turn: TurnId, piece: ModelOutput) {
        self.returned = Some((turn, piece));
    }

    /// Takes back a piece, and gives nothing until [`release`](Self::release).
    pub(crate) fn hold(&mut self, turn: TurnId, piece: ModelOutput) {
        self.put_back(turn, piece);
        self.is_held = true;
    }

    /// Goes on. The session polls again after whatever made it say so.
    pub(crate) fn release(&mut self) {
        self.is_held = false;
    }
}

impl Stream for Generation {
    type Item = (TurnId, ModelOutput);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_held {
            return Poll::Pending;
        }
        if let Some(piece) = this.returned.take() {
            return Poll::Ready(Some(piece));
        }
        let Some(running) = &mut this.running else { return Poll::Pending };
        let turn = running.turn;
        let piece = match catch_unwind(AssertUnwindSafe(|| running.pieces.as_mut().poll_next(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(piece))) => {
                running.is_complete = matches!(piece, ModelOutput::End(_) | ModelOutput::Failed(_));
                piece
            }
            Ok(Poll::Ready(None)) => {
                let is_complete = running.is_complete;
                this.running = None;
                if is_complete {
                    return Poll::Pending;
                }
                ModelOutput::Failed("the model stopped in the middle of an answer".to_owned())
            }
            Err(_) => {
                this.running = None;
                panicked()
            }
        };
        Poll::Ready(Some((turn, piece)))
    }
}

fn panicked() -> ModelOutput {
    ModelOutput::Failed("the model panicked".to_owned())
}
