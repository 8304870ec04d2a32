//! Which end of a connection leads to which attempt, as data, and how long to wait before it.
//!
//! What an attempt says when it is through is not decided here.

use std::time::Instant;

use super::config::{ReconnectPolicy, SPACING};
use super::later;
use crate::client::{Cause, Phase};

/// What to do after the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Dial: with the handle if there is one, otherwise anew. What the snapshot lacks is sent again.
    Again,
    /// Dial with the handle and send nothing again. Without a handle, give up.
    Bare,
    /// Give the handle up and begin anew. If there was none, give up: the same bytes would be refused again.
    Anew,
}

/// How long to wait before a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The first time not at all, then as `Backoff`.
    Soon,
    /// Doubled each time, half of it jitter.
    Backoff,
    /// As `Backoff`, from [`LONG_FACTOR`] times as much.
    Long,
}

/// A row of the table: what to do the first time, the second time and so on, until a connection holds again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The steps in order.
    pub steps: &'static [Step],
    /// After the last step: that step for ever, as far as the budget goes. Otherwise give up.
    pub repeats: bool,
    /// The wait before each.
    pub wait: Wait,
    /// What it rests on.
    pub because: &'static str,
}

impl Plan {
    /// The table.
    pub const fn of(cause: &Cause, phase: Phase) -> Self {
        use Step::{Again, Anew, Bare};
        match (cause, phase) {
            (Cause::Local, _) => plan(&[], false, Wait::Soon, "the host closed it"),
            (Cause::Normal, _) => {
                plan(&[Again], true, Wait::Soon, "the server is done with the connection, not with the session")
            }
            (Cause::Lost, _) => plan(&[Again], true, Wait::Soon, "a network that was lost comes back"),
            (Cause::SetupTimeout, _) => plan(&[Again], true, Wait::Backoff, "a server that is slow may be overloaded"),
            (Cause::NotALiveServer | Cause::Unreadable(_), _) => {
                plan(&[], false, Wait::Soon, "it is another server, and will be tomorrow")
            }
            (Cause::InvalidArgument, Phase::Dial | Phase::Setup) => {
                plan(&[Anew], false, Wait::Backoff, "the same setup is refused again; only the handle can be left out")
            }
            (Cause::InvalidArgument, Phase::Open) => plan(
                &[Bare],
                false,
                Wait::Backoff,
                "a message was refused: what was sent is not sent again, or it ends in a storm",
            ),
            (Cause::Unauthorized, _) => plan(&[], false, Wait::Soon, "the credential will not get better"),
            (Cause::ModelNotFound, _) => plan(&[], false, Wait::Soon, "the model will not appear"),
            (Cause::SessionNotFound, _) => plan(&[Anew], false, Wait::Soon, "the server forgot the session"),
            (Cause::Quota, _) => plan(&[Again], true, Wait::Long, "quotas are per minute; asking often makes it worse"),
            (Cause::Expired, _) => plan(&[Again], true, Wait::Soon, "a connection lives ten minutes"),
            (Cause::Unavailable, _) => plan(
                &[Again, Again, Anew, Again],
                true,
                Wait::Backoff,
                "a server's failure passes, unless it comes of the snapshot",
            ),
            (Cause::Other, _) => {
                plan(&[Again], false, Wait::Backoff, "what such a close means for another attempt is not known")
            }
        }
    }
}

const fn plan(steps: &'static [Step], repeats: bool, wait: Wait, because: &'static str) -> Plan {
    Plan { steps, repeats, wait, because }
}

/// The count of attempts since a connection last held, and the clock of the next.
#[derive(Debug)]
pub(super) struct Attempts {
    /// Dials since then.
    dials: u32,
    /// How often each plan was consulted since then.
    ends: Vec<(Plan, usize)>,
    dialled_at: Option<Instant>,
    jitter: u64,
}

impl Attempts {
    pub(super) fn new(seed: u64) -> Self {
        Self { dials: 0, ends: Vec::new(), dialled_at: None, jitter: seed }
    }

    pub(super) fn dials(&self) -> u32 {
        self.dials
    }

    pub(super) fn note_dial(&mut self, now: Instant) {
        self.dials += 1;
        self.dialled_at = Some(now);
    }

    /// A connection held: what was before it is forgotten.
    pub(super) fn settle(&mut self) {
        self.dials = 0;
        self.ends.clear();
    }

    /// The step after an end for which there is `plan`; `None` to give up.
    pub(super) fn step(&mut self, plan: Plan) -> Option<Step> {
        let at = self.ends.iter().position(|(known, _)| *known == plan).unwrap_or_else(|| {
            self.ends.push((plan, 0));
            self.ends.len() - 1
        });
        let times = &mut self.ends[at].1;
        let step = plan.steps.get(*times).or(if plan.repeats { plan.steps.last() } else { None });
        *times += 1;
        step.copied()
    }

    /// When to dial, if not for more reasons to wait than having dialled lately.
    pub(super) fn soonest(&self, now: Instant) -> Instant {
        self.dialled_at.map_or(now, |at| now.max(at + SPACING))
    }

    /// When to dial after a failure.
    pub(super) fn after(&mut self, wait: Wait, policy: &ReconnectPolicy, now: Instant) -> Instant {
        let base = match wait {
            Wait::Soon if self.dials == 0 => return self.soonest(now),
            Wait::Soon | Wait::Backoff => policy.backoff_min,
            Wait::Long => policy.backoff_min.saturating_mul(LONG_FACTOR),
        };
        let doublings = self.dials.saturating_sub(1).min(16);
        let longest = base.saturating_mul(1 << doublings).min(policy.backoff_max.max(base)).max(SPACING);
        let half = longest / 2;
        let jitter = half.mul_f64(self.draw());
        self.soonest(later(now, half.saturating_add(jitter)))
    }

    /// SplitMix64, as a number from 0 to 1.
    fn draw(&mut self) -> f64 {
        self.jitter = self.jitter.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.jitter;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }
}

/// How much longer a quota takes than a failure.
pub const LONG_FACTOR: u32 = 20;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_differ_by_seed() {
        let policy = ReconnectPolicy::default();
        let waits = |seed, wait| {
            let mut attempts = Attempts::new(seed);
            let mut now = Instant::now();
            let mut waits = Vec::new();
            for _ in 0..10 {
                attempts.note_dial(now);
                let next = attempts.after(wait, &policy, now);
                waits.push((next - now).as_millis());
                now = next;
            }
            waits
        };
        for wait in [Wait::Soon, Wait::Backoff] {
            let waits = waits(7, wait);
            for (nth, wait) in waits.iter().enumerate() {
                let longest = (500u128 << nth).min(20_000);
                assert!((longest / 2..=longest).contains(wait) && *wait >= 250, "{nth}: {wait} ms of {longest} ms");
            }
        }
        assert!(waits(7, Wait::Long)[0] >= 5_000);
        assert_ne!(waits(7, Wait::Backoff), waits(8, Wait::Backoff));
        assert_eq!(waits(7, Wait::Backoff), waits(7, Wait::Backoff));
    }

    #[test]
    fn waits_may_be_for_ever() {
        let for_ever =
            ReconnectPolicy { backoff_min: Duration::MAX, backoff_max: Duration::MAX, ..ReconnectPolicy::default() };
        let now = Instant::now();
        for wait in [Wait::Soon, Wait::Backoff, Wait::Long] {
            let mut attempts = Attempts::new(7);
            attempts.note_dial(now);
            assert!(attempts.after(wait, &for_ever, now) > now + Duration::from_secs(3_600), "{wait:?}");
        }
    }

    #[test]
    fn a_plan_goes_step_by_step_until_a_connection_holds() {
        let mut attempts = Attempts::new(0);
        let plan = Plan::of(&Cause::Unavailable, Phase::Open);
        let steps: Vec<_> = (0..5).map(|_| attempts.step(plan)).collect();
        assert_eq!(steps, [Step::Again, Step::Again, Step::Anew, Step::Again, Step::Again].map(Some));
        let other = Plan::of(&Cause::Other, Phase::Open);
        assert_eq!((attempts.step(other), attempts.step(other)), (Some(Step::Again), None));
        attempts.settle();
        assert_eq!(attempts.step(other), Some(Step::Again));
    }
}
