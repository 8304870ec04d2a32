//! Functions that a session runs by itself: how long each takes, what it says, and whether it heeds that it is given up.
//!
//! When one runs and whether its answer is sent is the session's, what of it is right the oracle's ([`crate::oracle`]).

use std::time::{Duration, Instant};

use live_engine::{RunId, ToolOutput};
use live_proto::FunctionCall;

use crate::oracle::{Kind, Outcome};
use crate::plan::WATCH;
use crate::stamp;
use crate::world::World;

/// A function that runs for a session.
#[derive(Debug)]
pub(crate) struct Running {
    run: RunId,
    /// When it says something; some never do.
    pub(crate) at: Option<Instant>,
    /// What it says before its end.
    pieces: u8,
    gap: Duration,
    end: Outcome,
}

impl World<'_> {
    /// A session asks for a run.
    pub(crate) fn run_function(&mut self, c: usize, run: RunId, call: FunctionCall) {
        self.note(format_args!("client {c} has {run} of {} {}", call.name, call.id));
        self.oracle.run_begins(c, run, &call, self.now);
        let delay = self.entropy.millis(&[100, 0, 1_000, 15_000]);
        let gap = self.entropy.millis(&[100, 0, 1_000]);
        let (pieces, ends) = if call.name == WATCH {
            let ends = [Outcome::End, Outcome::Answer, Outcome::Failure, Outcome::TooLong];
            (self.entropy.pick(&[1, 0, 3, 12]), ends)
        } else {
            (0, [Outcome::Answer, Outcome::Answer, Outcome::Failure, Outcome::TooLong])
        };
        let end = self.entropy.pick(&ends);
        let is_lost = self.entropy.one_in(10);
        let at = (!is_lost).then_some(self.now + delay);
        self.clients[c].app.running.push(Running { run, at, pieces, gap, end });
    }

    /// A session gives up a run. Some functions cannot be stopped.
    pub(crate) fn abort_function(&mut self, c: usize, run: RunId) {
        self.note(format_args!("client {c} gives up {run}"));
        self.oracle.run_is_aborted(c, run);
        if !self.entropy.one_in(2) {
            self.clients[c].app.running.retain(|running| running.run != run);
        }
    }

    /// A function says what it has to say next.
    pub(crate) fn function_speaks(&mut self, c: usize, nth: usize) {
        let now = self.now;
        let client = &mut self.clients[c];
        let running = &mut client.app.running[nth];
        let run = running.run;
        let outcome = match running.pieces.checked_sub(1) {
            Some(_) if !client.session.takes_piece(run) => {
                running.at = Some(now + Duration::from_millis(200));
                return;
            }
            Some(left) => {
                (running.pieces, running.at) = (left, Some(now + running.gap));
                Outcome::Piece
            }
            None => {
                let Running { end, .. } = client.app.running.remove(nth);
                end
            }
        };
        let said = client.app.take_number();
        let bytes_max = client.plan.config.limits.tool_response_bytes_max;
        let output = match outcome {
            Outcome::Piece => ToolOutput::Piece(stamp::result(said)),
            Outcome::Answer => ToolOutput::Answer(stamp::result(said)),
            Outcome::End => ToolOutput::End,
            Outcome::Failure => ToolOutput::Failed(stamp::words(said, 0)),
            Outcome::TooLong => ToolOutput::Answer(stamp::long_result(said, bytes_max)),
        };
        self.oracle.said(c, said, Kind::Answer);
        self.oracle.run_says(c, run, said.number, outcome);
        self.clients[c].session.handle_tool_output(run, output, now);
        self.note(format_args!("client {c}: {run} says {outcome:?} <{}.{}>", said.session, said.number));
    }
}
