//! When an open connection is left for another: on `goAway`, and when a server that owes words is silent.
//!
//! What happens when it ends by itself is decided in [`super`].

use super::{
    Cause, ClientEvent, ClientSession, CloseCause, Entry, Fresh, Instant, Open, Overlap, Phase, Reconnect, State, later,
};

impl ClientSession {
    /// When the open connection has been silent for too long.
    pub(super) fn silent_at(&self, open: &Open) -> Option<Instant> {
        let silence = self.policy.as_ref()?.silence_max?;
        let owes = open.engine.session().is_speaking() || open.owed.is_some_and(|owed| owed.in_words);
        owes.then(|| open.heard_at.checked_add(silence)).flatten()
    }

    /// Gives up a connection that owes words and says nothing.
    pub(super) fn consider_silence(&mut self, now: Instant) {
        let State::Open(open) = &self.state else { return };
        if self.silent_at(open).is_none_or(|at| now < at) {
            return;
        }
        let (link, open_calls) = (open.link, open.engine.session().open_calls());
        let silence = now.saturating_duration_since(open.heard_at);
        self.close_link(link);
        let reason = format!("nothing was heard for {} s", silence.as_secs());
        let cause = CloseCause { code: None, reason, phase: Phase::Open, cause: Cause::Lost, open_calls };
        self.end_connection(cause, now);
    }

    /// Whether moving now would lose nothing: no turn is open, nothing is asked, nobody speaks, and the server, if it keeps
    /// the session, has a snapshot of it.
    pub(super) fn is_good_moment(&self, open: &Open) -> bool {
        let has_snapshot = self.resumption().is_none() || self.handle.is_some();
        has_snapshot && open.engine.session().is_at_rest() && open.owed.is_none() && !self.activity.is_going_on()
    }

    /// Moves to another connection after `goAway`: at the first good moment, or when it is time.
    pub(super) fn consider_moving(&mut self, now: Instant) {
        let State::Open(open) = &self.state else { return };
        let Some(policy) = &self.policy else { return };
        let (Some(moves_by), None) = (open.moves_by, &open.successor) else { return };
        let may = open.moves_after.is_none_or(|after| after <= now);
        if !may || !(self.is_good_moment(open) || moves_by <= now) {
            return;
        }
        let (since, policy) = (open.since, policy.clone());
        self.settle(since, now);
        // The time is up, or the handle is there.
        self.fall_back();
        let soonest = self.attempts.soonest(now);
        let dials = self.attempts.dials();
        let entry = self.entry();
        let State::Open(open) = &mut self.state else { unreachable!("it was open") };
        if dials >= policy.dials_max || entry == Entry::Fresh && policy.fresh == Fresh::End {
            // Nothing is gained by leaving early; the end of the connection decides.
            open.moves_by = None;
            return;
        }
        let overlaps = policy.overlap == Overlap::DialFirst && !self.is_overlap_refused;
        if overlaps && now < soonest {
            open.moves_after = Some(soonest);
            return;
        }
        let reconnecting = ClientEvent::Reconnecting { attempt: dials + 1, why: Reconnect::GoAway };
        if overlaps {
            self.tell(reconnecting);
            let attempt = self.dial(entry, now);
            let State::Open(open) = &mut self.state else { unreachable!("it was open") };
            open.successor = Some(attempt);
            return;
        }
        let State::Open(mut open) = std::mem::replace(&mut self.state, State::Closed) else {
            unreachable!("it was open")
        };
        self.heard = self.break_off(open.engine.take_session(), open.owed);
        self.tell(reconnecting);
        self.close_link(open.link);
        self.state = State::Parting { link: open.link, until: later(now, policy.parting_max), entry };
    }
}
