//! The model of a world: it answers whatever it is asked, by a script that is drawn when it is asked.
//!
//! When its pieces are handed to the engine is the server's part ([`crate::server`]).

use std::time::{Duration, Instant};

use live_engine::{EndReason, ModelOutput, TurnId};
use live_proto::FunctionCall;

use crate::entropy::Entropy;
use crate::oracle::OWN;
use crate::plan::{LOOK, SEND, SessionPlan, WATCH};
use crate::stamp::{self, Piece};

/// What is said in answer to one prompt.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pieces: u32,
    gap: Duration,
    piece_bytes: usize,
    /// Calls behind the pieces, by name.
    calls: Vec<&'static str>,
    /// How the model gets its calls wrong, or not.
    slip: Slip,
    end: End,
}

/// What a model can do to its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slip {
    None,
    /// It gives them ids, the same to all of one message.
    Ids,
    /// The last lacks an argument.
    Arguments,
    /// The last names a function that there is not.
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reason(EndReason),
    Failed,
}

/// A generation under way.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) turn: TurnId,
    /// Its number in this world.
    pub(crate) number: u32,
    /// When the next piece is there.
    pub(crate) at: Instant,
    next: u32,
    script: Script,
    /// Pieces that are still handed over after it was cancelled.
    pub(crate) crossing: Option<u8>,
}

impl Script {
    pub(crate) fn draw(session: &SessionPlan, delay: Duration, entropy: &mut Entropy<'_>) -> (Self, Duration) {
        let before = entropy.pick(&[1, 0, 3]) * delay;
        let pieces = entropy.pick(&[2, 1, 0, 5, 9]);
        let gap = entropy.millis(&[20, 0, 100, 800]);
        let piece_bytes = entropy.pick(&[960, 4_800, 96, 24_000]);
        let mut calls = Vec::new();
        if session.has_functions {
            for _ in 0..entropy.pick(&[0, 0, 1, 1, 2]) {
                let names = [LOOK, SEND, WATCH];
                calls.push(entropy.pick(if session.registers(WATCH) { &names } else { &names[..2] }));
            }
        }
        // A model that called for what it waits for is not heard any more, and need not know it.
        let end = if entropy.one_in(64) {
            End::Failed
        } else {
            End::Reason(entropy.pick(&[
                EndReason::Complete,
                EndReason::Complete,
                EndReason::Complete,
                EndReason::NeedMoreInput,
                EndReason::Rejected,
            ]))
        };
        let slip = match calls.is_empty() {
            true => Slip::None,
            false => {
                entropy.pick(&[Slip::None, Slip::None, Slip::None, Slip::Ids, Slip::Ids, Slip::Arguments, Slip::Name])
            }
        };
        (Self { pieces, gap, piece_bytes, calls, slip, end }, before)
    }

    /// As calm as can be.
    pub(crate) fn calm() -> Self {
        Self {
            pieces: 1,
            gap: Duration::from_millis(20),
            piece_bytes: 960,
            calls: Vec::new(),
            slip: Slip::None,
            end: End::Reason(EndReason::Complete),
        }
    }
}

impl Generation {
    pub(crate) fn new(turn: TurnId, number: u32, script: Script, at: Instant) -> Self {
        Self { turn, number, at, next: 0, script, crossing: None }
    }

    /// The piece that is next; `None` when all is said.
    pub(crate) fn piece(&self, is_text: bool) -> Option<ModelOutput> {
        let stamp = Piece { generation: self.number, at: self.next };
        let Script { pieces, piece_bytes, calls, slip, end, .. } = &self.script;
        if self.next < *pieces {
            return Some(if is_text {
                ModelOutput::Text(stamp::answer(stamp))
            } else {
                ModelOutput::Speech { pcm: stamp::speech(stamp, *piece_bytes), text: stamp::answer(stamp) }
            });
        }
        let behind = self.next - pieces;
        if behind == 0 && !calls.is_empty() {
            let call = |(nth, name): (usize, &&str)| FunctionCall {
                name: (*name).into(),
                args: Some(stamp::arguments(Piece { generation: self.number, at: CALLS_FROM + nth as u32 })),
                ..FunctionCall::default()
            };
            let mut calls: Vec<FunctionCall> = calls.iter().enumerate().map(call).collect();
            let last = calls.last_mut().expect("there is one");
            match slip {
                Slip::None => {}
                Slip::Ids => calls.iter_mut().for_each(|call| call.id = format!("{OWN}{}", self.number)),
                Slip::Arguments => last.args = None,
                Slip::Name => last.name.push('s'),
            }
            return Some(ModelOutput::ToolCalls(calls));
        }
        if behind > u32::from(!calls.is_empty()) {
            return None;
        }
        match end {
            End::Failed => Some(ModelOutput::Failed("scripted".into())),
            End::Reason(reason) => Some(ModelOutput::End(*reason)),
        }
    }

    /// The piece was taken.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.next += 1;
        self.at = now + self.script.gap;
    }
}

/// Calls are numbered apart from pieces.
pub(crate) const CALLS_FROM: u32 = 1_000;
