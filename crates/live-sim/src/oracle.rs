//! The judge of a world: it watches what both ends say and tell, and knows the rules. It never asks an engine what it thinks.
//!
//! What clients do is watched in [`client`], what servers do in [`server`], what was said and where it went in [`content`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use live_engine::{Handle, Lifetimes, LinkId, TurnCompletePacing};
use live_proto::FunctionCall;

use crate::plan::Plan;
use crate::report::{Failure, Fault, Figures, Rule};

mod call;
mod client;
mod content;
mod run;
mod server;

pub(crate) use self::call::{DEADLINES_MS, OWN};
use self::client::SessionWatch;
use self::content::Point;
pub(crate) use self::run::Outcome;
use self::server::ConnWatch;

/// What a user said, by what must become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `clientContent`
    Turn,
    /// `realtimeInput.text`
    Text,
    /// `realtimeInput.audio`
    Sound,
    /// `realtimeInput.video`; old ones are forgotten by rule.
    Picture,
    /// `toolResponse`
    Answer,
    /// `contextUpdate`
    Update,
    /// What has no content.
    Mark,
}

impl Kind {
    /// Whether it must reach the model, and once.
    fn counts(self) -> bool {
        matches!(self, Self::Turn | Self::Text | Self::Sound)
    }

    fn is_words(self) -> bool {
        matches!(self, Self::Turn | Self::Text)
    }
}

/// A generation of a model, anywhere in the world.
#[derive(Clone, Copy, Debug)]
struct Generated {
    conn: usize,
    /// The highest number among what it was to answer.
    answers: u32,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    failure: Option<Failure>,
    figures: Figures,
    sessions: Vec<SessionWatch>,
    conns: Vec<ConnWatch>,
    points: BTreeMap<Handle, Point>,
    generations: Vec<Generated>,
    /// Time has leapt: what is late is not to blame.
    has_jumped: bool,
    /// A turn is complete when it is played.
    plays: bool,
    epoch: Instant,
    /// The number and the bytes of the sound that has been heard, where all of it is counted.
    heard: Option<(u32, u64)>,
    go_aways: u64,
}

impl Oracle {
    pub(crate) fn new(plan: &Plan, epoch: Instant) -> Self {
        let figures = Figures { worlds: 1, sessions: plan.sessions.len() as u64, ..Figures::default() };
        Self {
            failure: None,
            figures,
            sessions: plan.sessions.iter().map(SessionWatch::new).collect(),
            conns: Vec::new(),
            points: BTreeMap::new(),
            generations: Vec::new(),
            has_jumped: false,
            plays: plan.pacing == TurnCompletePacing::Playback,
            epoch,
            heard: None,
            go_aways: 0,
        }
    }

    /// Counts every byte of sound that comes to a prompt.
    pub(crate) fn watch_every_byte(&mut self) {
        self.heard = Some((0, 0));
    }

    /// The bytes of sound that have come to a prompt, and the `goAway`s that clients were told.
    pub(crate) fn heard_bytes(&self) -> (u64, u64) {
        (self.heard.map_or(0, |(_, bytes)| bytes), self.go_aways)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(crate) fn take_verdict(&mut self) -> (Figures, Option<Failure>) {
        (std::mem::take(&mut self.figures), self.failure.take())
    }

    /// The words are made only when the rule is broken.
    fn check(&mut self, rule: Rule, holds: bool, what: impl FnOnce() -> String) {
        self.figures.rules[rule as usize] += 1;
        if !holds && self.failure.is_none() {
            self.failure = Some(Failure { rule: Some(rule), what: what() });
        }
    }

    fn fail(&mut self, rule: Rule, what: fmt::Arguments<'_>) {
        self.check(rule, false, || what.to_string());
    }

    pub(crate) fn struck(&mut self, fault: Fault) {
        self.figures.faults[fault as usize] += 1;
        self.has_jumped |= fault == Fault::Jump;
    }

    /// Generations so far; the latest has the number before.
    pub(crate) fn generations(&self) -> u32 {
        self.generations.len() as u32
    }

    pub(crate) fn exercised_crossing(&mut self) {
        self.check(Rule::Crossing, true, String::new);
    }

    /// A client has a handle of another project.
    pub(crate) fn steals(&mut self) {
        self.check(Rule::Isolation, true, String::new);
    }

    pub(crate) fn exercised_full(&mut self) {
        self.figures.given_back += 1;
    }

    pub(crate) fn note_end(&mut self, steps: u64, now: Instant) {
        self.figures.steps = steps;
        self.figures.seconds = now.saturating_duration_since(self.epoch).as_secs();
    }

    /// A server took a connection in.
    pub(crate) fn accepted(&mut self, number: usize, c: usize, link: LinkId, lifetimes: Lifetimes, now: Instant) {
        debug_assert_eq!(number, self.conns.len());
        self.figures.connections += 1;
        self.conns.push(ConnWatch::new(c, link, lifetimes, now));
        self.sessions[c].connected(link, number);
    }

    pub(crate) fn does_not_end(&mut self) {
        self.fail(Rule::Ends, format_args!("there is no end to it"));
    }

    pub(crate) fn never_answered(&mut self, c: usize, number: u32) {
        self.fail(Rule::Ends, format_args!("session {c} never got an answer to its last question, <{c}.{number}>"));
    }
}

/// What a call is known by, whatever its id.
fn identity(call: &FunctionCall) -> Option<(u32, u32)> {
    let piece = crate::stamp::of_call(call)?;
    Some((piece.generation, piece.at))
}

/// The wire counts in milliseconds at best.
const GRAIN: Duration = Duration::from_millis(1);
