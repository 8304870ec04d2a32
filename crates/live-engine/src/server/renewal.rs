//! Snapshots of a session in time for its next connection: when they are taken, and when the client hears of them.
//!
//! A session is at rest while no turn is open and no call holds it up. Only then is a snapshot taken and a handle offered;
//! when rest ends the client is told that it cannot resume. Not here: what a snapshot is ([`crate::resumption`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use live_proto::{ServerPayload, SessionResumptionUpdate};

use super::ServerEvent;
use super::session::{Cx, Session};
use crate::engine::Why;
use crate::resumption::{Handle, Snapshot};
use crate::timer::Timer;
use crate::turn::Turn;

/// The snapshots of one connection.
#[derive(Debug)]
pub(super) struct Renewal {
    /// Whether the client is told which of its messages a snapshot holds.
    transparent: bool,
    /// The number of the last handle.
    number: u64,
    /// What the last snapshot held, and when it was taken.
    last: Option<(Mark, Instant)>,
    /// The snapshot that the host is keeping just now.
    saving: Option<Saving>,
    /// Handles that are kept, oldest first.
    kept: VecDeque<Handle>,
    /// Whether the client was last told that it can resume.
    offered: bool,
    /// Whether that was by the last snapshot.
    is_current: bool,
    /// Whether every change is worth a snapshot at once, since there will be no later one.
    is_hurried: bool,
    /// Whether what was taken in has been lost since, so that no later snapshot could say what it holds.
    is_final: bool,
}

#[derive(Debug)]
struct Saving {
    handle: Handle,
    turns: u64,
    last_consumed: u64,
}

/// What can make a snapshot differ from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    turns: u64,
    context: u64,
    config: u64,
    consumed: u64,
}

impl Renewal {
    pub(super) fn new(transparent: bool) -> Self {
        Self {
            transparent,
            number: 0,
            last: None,
            saving: None,
            kept: VecDeque::new(),
            offered: false,
            is_current: false,
            is_hurried: false,
            is_final: false,
        }
    }

    pub(super) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Loses no time from now on: there is none to lose.
    pub(super) fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// Takes no other snapshot.
    pub(super) fn finish(&mut self) {
        self.is_final = true;
    }

    /// When the next snapshot is due; `None` while it would be the last one again.
    fn due(&self, mark: Mark, cx: &Cx<'_>) -> Option<Instant> {
        let Some((last, at)) = self.last else { return Some(cx.now) };
        let limits = &cx.config.limits;
        if last.turns != mark.turns || self.is_hurried && last != mark {
            Some(cx.now)
        } else if (last.context, last.config) != (mark.context, mark.config) {
            at.checked_add(limits.renewal_gap)
        } else if last.consumed != mark.consumed || !self.is_current {
            at.checked_add(limits.renewal_period)
        } else {
            None
        }
    }
}

impl Session {
    /// Whether no turn is open, so that everything there is can be put down.
    fn is_at_rest(&self) -> bool {
        match self.turn {
            Turn::Idle | Turn::Listening => self.waiting.is_empty(),
            Turn::Generating(_)
            | Turn::Suspended(_)
            | Turn::AwaitingAnswers(_)
            | Turn::Playing(_)
            | Turn::Interrupted(_) => false,
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            turns: self.turns_finished,
            context: self.context.revision(),
            config: self.config_revision,
            consumed: self.consumed,
        }
    }

    /// Does what is due about snapshots, after anything that may have changed the session.
    pub(super) fn renew(&mut self, cx: &mut Cx<'_>) {
        let (is_at_rest, mark) = (self.is_at_rest(), self.mark());
        let Some(renewal) = &mut self.renewal else { return };
        if !is_at_rest {
            cx.timers.stop(Timer::Renewal);
            if std::mem::take(&mut renewal.offered) {
                cx.send(ServerPayload::from(SessionResumptionUpdate::default()));
            }
            return;
        }
        if renewal.is_saving() || renewal.is_final {
            return;
        }
        match renewal.due(mark, cx) {
            None => cx.timers.stop(Timer::Renewal),
            Some(due) if due > cx.now => cx.timers.arm_at(Timer::Renewal, due),
            Some(_) => {
                renewal.number += 1;
                renewal.is_current = false;
                let handle = cx.config.handle_seed.handle(renewal.number);
                renewal.last = Some((mark, cx.now));
                renewal.saving =
                    Some(Saving { handle: handle.clone(), turns: mark.turns, last_consumed: mark.consumed });
                cx.timers.stop(Timer::Renewal);
                let snapshot = Arc::new(self.snapshot(cx.now));
                cx.event(ServerEvent::Save { handle, snapshot });
            }
        }
    }

    /// Hears what became of a snapshot; one that is kept is offered if it is still worth it.
    pub(super) fn saved(&mut self, handle: &Handle, is_kept: bool, cx: &mut Cx<'_>) -> Result<(), Why> {
        let is_at_rest = self.is_at_rest();
        let renewal = self.renewal.as_mut().ok_or(Why::NoSuchHandle)?;
        let saving = renewal.saving.take_if(|saving| saving.handle == *handle).ok_or(Why::NoSuchHandle)?;
        if is_kept && is_at_rest && saving.turns == self.turns_finished {
            cx.send(ServerPayload::from(SessionResumptionUpdate {
                new_handle: handle.as_str().into(),
                resumable: true,
                last_consumed_client_message_index: if renewal.transparent {
                    i64::try_from(saving.last_consumed).unwrap_or(i64::MAX)
                } else {
                    0
                },
            }));
            renewal.offered = true;
            renewal.is_current = true;
            renewal.kept.push_back(saving.handle);
            if renewal.kept.len() > cx.config.limits.handles_max.max(1) {
                let handle = renewal.kept.pop_front().expect("there are too many");
                cx.event(ServerEvent::Forget { handle });
            }
        } else if is_kept {
            // Nobody will ever hear of it.
            cx.event(ServerEvent::Forget { handle: saving.handle });
        }
        Ok(())
    }

    fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            model: self.config.model.clone(),
            setup_instruction: self.setup.instruction.clone(),
            setup_tools: self.setup.tools.clone(),
            system_instruction: self.config.system_instruction.clone(),
            tools: self.config.tools.clone(),
            history: self.context.entries().to_vec(),
            unanswered: self.context.unanswered(),
            pending_input: self.input.parts().into_iter().chain(self.ear.put_down()).collect(),
            speaking: self.input.is_speaking(),
            pending_calls: self.calls.pending(),
            settled_calls: self.calls.settled(),
            next_call: self.call_ids.state(),
            seeding: self.seeding,
            usage: self.usage,
            session_elapsed: self.times.elapsed(now),
            video_began: self.times.video_began(),
            last_consumed: self.renewal.as_ref().filter(|it| it.transparent).map(|_| self.consumed),
        }
    }
}
