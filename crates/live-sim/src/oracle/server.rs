//! What a server's engine says to its client and asks of its host.
#![expect(clippy::wildcard_enum_match_arm, reason = "a rule looks at what it is about")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use live_engine::{CloseReason, Handle, Lifetimes, LinkId, ServerEvent, Warning, Why};
use live_proto::{ClientMessage, ServerContent, ServerMessage, ServerPayload};

use super::call::Ledger;
use super::{GRAIN, Generated, Oracle, identity};
use crate::end::Phase;
use crate::net::Arrival;
use crate::plan::LOOK;
use crate::report::Rule;
use crate::stamp::{self, Said};

/// One connection, as it is seen from outside.
#[derive(Debug)]
pub(super) struct ConnWatch {
    pub(super) client: usize,
    pub(super) link: LinkId,
    accepted: Instant,
    lifetimes: Lifetimes,
    pub(super) is_complete: bool,
    pub(super) is_closed: bool,
    /// The end that the client was told of.
    told: Option<Instant>,
    /// Whether the client may believe that it can resume.
    is_offered: bool,
    /// Generations up to this one are over.
    over_to: u32,
    /// The latest generation here.
    latest: u32,
    /// What each message behind setup bears.
    pub(super) received: Vec<Vec<Said>>,
    pub(super) got_setup: bool,
    /// What was in the snapshot that it went on from, by numbers.
    pub(super) base: Vec<u32>,
    /// Pieces of the past may be missing: cut to fit, or outside an activity.
    pub(super) is_lenient: bool,
    /// Calls that were made here and not withdrawn.
    open_calls: BTreeSet<String>,
    /// Answers to them that came in, and that no prompt had to hold yet.
    pub(super) answers: Vec<u32>,
    /// Of the calls that were made here and not withdrawn, those that the model stands still for.
    pub(super) waits_for: BTreeSet<String>,
    /// The last of them was answered: the model is to be asked again.
    pub(super) must_go_on: bool,
    /// When a client that plays as it receives has played everything.
    played_at: Option<Instant>,
    /// The turn was cut short, or it called and is complete without having been played.
    need_not_play: bool,
    pub(super) has_compressed: bool,
    /// It was told to shut down.
    pub(super) is_draining: bool,
    /// It was congested, so that what it says and tells may be late.
    pub(super) is_late: bool,
    /// The instruction that is in force.
    pub(super) instruction: u32,
    usage: u64,
    pub(super) is_resumed: bool,
    pub(super) ledger: Ledger,
}

impl ConnWatch {
    pub(super) fn new(client: usize, link: LinkId, lifetimes: Lifetimes, now: Instant) -> Self {
        Self {
            client,
            link,
            accepted: now,
            lifetimes,
            is_complete: false,
            is_closed: false,
            told: None,
            is_offered: false,
            over_to: 0,
            latest: 0,
            received: Vec::new(),
            got_setup: false,
            base: Vec::new(),
            is_lenient: false,
            open_calls: BTreeSet::new(),
            answers: Vec::new(),
            waits_for: BTreeSet::new(),
            must_go_on: false,
            played_at: None,
            need_not_play: false,
            has_compressed: false,
            is_draining: false,
            is_late: false,
            instruction: 0,
            usage: 0,
            is_resumed: false,
            ledger: Ledger::default(),
        }
    }
}

impl Oracle {
    /// A message arrives at a server.
    pub(crate) fn server_receives(
        &mut self,
        number: usize,
        arrival: &Arrival<ClientMessage>,
        phase: Phase,
        now: Instant,
    ) {
        let Arrival::Message(message) = arrival else { return };
        let conn = &mut self.conns[number];
        if phase != Phase::Open || conn.is_closed {
            return;
        }
        self.figures.messages_up += 1;
        if let ClientMessage::Setup(_) = **message {
            conn.got_setup = true;
            conn.instruction = self.sessions[conn.client].instruction_of(conn.link);
            return;
        }
        // A server that shuts down takes in no more.
        if let ClientMessage::ContextUpdate(update) = &**message
            && !conn.is_draining
        {
            let text = update.system_instruction.as_ref().map(|content| content.text()).unwrap_or_default();
            if let Some(said) = stamp::said_in(&text).last() {
                conn.instruction = said.number;
            }
        }
        if let ClientMessage::ToolResponse(response) = &**message {
            self.answers_arrive(number, &response.function_responses, now);
            let conn = &mut self.conns[number];
            for response in &response.function_responses {
                let was_waited_for = !response.will_continue && conn.waits_for.remove(&response.id);
                // While a server shuts down, it takes in only what a standing turn waits for.
                if conn.is_draining {
                    continue;
                }
                conn.must_go_on |= was_waited_for && conn.waits_for.is_empty();
                let number = stamp::of_response(response).map(|said| said.number);
                // What the model withdrew, or another connection made, may be passed over.
                let is_open = conn.open_calls.contains(&response.id);
                conn.answers.extend(number.filter(|_| is_open));
                if !response.will_continue {
                    conn.open_calls.remove(&response.id);
                }
            }
        }
        self.conns[number].received.push(stamps_of(message));
    }

    /// A server says something.
    pub(crate) fn server_says(
        &mut self,
        number: usize,
        message: &ServerMessage,
        is_kept: impl FnOnce(&str) -> bool,
        now: Instant,
    ) {
        self.figures.messages_down += 1;
        let conn = &mut self.conns[number];
        let is_setup_complete = matches!(message.payload, Some(ServerPayload::SetupComplete(_)));
        let was_complete = std::mem::replace(&mut conn.is_complete, true);
        let is_closed = conn.is_closed;
        let age = now.duration_since(conn.accepted);
        let (is_in_time, got_setup) = (age <= conn.lifetimes.connection + GRAIN, conn.got_setup);
        let told = conn.told;
        self.check(Rule::SetupFirst, is_setup_complete != was_complete && got_setup, || {
            format!("conn {number} says {} (complete {was_complete})", crate::words::of_server(message))
        });
        self.check(Rule::Absorbing, !is_closed, || format!("conn {number} is closed and speaks"));
        // A setup has a deadline of its own, and may be answered when the connection's time is already over.
        let conn = &mut self.conns[number];
        conn.is_late |= is_setup_complete && !is_in_time;
        if !conn.is_late && !self.has_jumped {
            let is_early = told.is_none_or(|end| now <= end + GRAIN);
            self.check(Rule::Lifetime, is_in_time && is_early, || {
                format!("conn {number} speaks after {age:?}, past its end")
            });
        }
        match &message.payload {
            Some(ServerPayload::ServerContent(content)) => {
                self.call_order(number, content);
                self.server_content(number, content, now);
            }
            Some(ServerPayload::ToolCall(call)) => {
                let client = self.conns[number].client;
                for call in &call.function_calls {
                    let identity = identity(call).unwrap_or_default();
                    let conn = &mut self.conns[number];
                    conn.open_calls.insert(call.id.clone());
                    if call.name == LOOK {
                        conn.waits_for.insert(call.id.clone());
                        conn.need_not_play = true;
                    }
                    let before = self.sessions[client].call_ids.insert(call.id.clone(), identity);
                    self.check(Rule::CallIds, !call.id.is_empty() && before.is_none(), || {
                        format!("conn {number} calls {identity:?} by the id {:?}, which {before:?} has", call.id)
                    });
                    self.call_is_made(number, call, now);
                }
            }
            Some(ServerPayload::ToolCallCancellation(cancellation)) => {
                for id in &cancellation.ids {
                    self.call_is_withdrawn(number, id);
                    self.conns[number].waits_for.remove(id);
                    let was_open = self.conns[number].open_calls.remove(id);
                    let is_known = was_open || self.conns[number].is_resumed || self.conns[number].is_late;
                    self.check(Rule::CallIds, is_known, || {
                        format!("conn {number} withdraws {id:?}, which it did not call or was answered")
                    });
                }
            }
            Some(ServerPayload::GoAway(go_away)) => {
                let left = go_away.time_left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default();
                let conn = &mut self.conns[number];
                let end = now + left;
                // A clock that leaps over the end leaves no time to give.
                let comes_nearer = conn.told.is_none_or(|told| end <= told.max(now) + GRAIN) || conn.is_late;
                conn.told = Some(end);
                self.check(Rule::GoAwayFirst, comes_nearer, || format!("conn {number} gives more time than before"));
            }
            Some(ServerPayload::SessionResumptionUpdate(update)) => {
                let conn = &mut self.conns[number];
                conn.is_offered = update.resumable;
                if update.resumable {
                    let handle = &update.new_handle;
                    self.check(Rule::HandleKept, !handle.is_empty() && is_kept(handle), || {
                        format!("conn {number} offers a handle that is not in the store")
                    });
                }
            }
            _ => {}
        }
    }

    fn server_content(&mut self, number: usize, content: &ServerContent, now: Instant) {
        let conn = &self.conns[number];
        let (over_to, is_offered) = (conn.over_to, conn.is_offered);
        let mut pieces = Vec::new();
        if let Some(turn) = &content.model_turn {
            for part in &turn.parts {
                if let Some(text) = part.as_text() {
                    pieces.extend(stamp::answers_in(text));
                } else if let Some(blob) = part.as_inline() {
                    pieces.extend(stamp::of_speech(&blob.data));
                    let conn = &mut self.conns[number];
                    let from = conn.played_at.map_or(now, |end| end.max(now));
                    conn.played_at = Some(from + Duration::from_micros(blob.data.len() as u64 * 1_000 / 48));
                }
            }
        }
        if let Some(transcription) = &content.output_transcription {
            pieces.extend(stamp::answers_in(&transcription.text));
        }
        for piece in &pieces {
            self.check(Rule::ServerCuts, piece.generation > over_to, || {
                format!("conn {number} says {piece:?}, though generations to {over_to} are over")
            });
        }
        if !pieces.is_empty() {
            self.check(Rule::Retracted, !is_offered, || {
                format!("conn {number} answers a client that may believe it can resume")
            });
        }
        let conn = &mut self.conns[number];
        conn.need_not_play |= content.interrupted;
        if content.turn_complete {
            let (end, need_not) = (conn.played_at.take(), std::mem::take(&mut conn.need_not_play));
            let is_played = end.is_none_or(|end| end <= now + GRAIN);
            let may = is_played || need_not || conn.is_late || !self.plays;
            self.check(Rule::PlayedOut, may, || format!("conn {number} completes a turn that is still heard"));
        }
        if content.interrupted || content.generation_complete || content.turn_complete {
            let conn = &mut self.conns[number];
            conn.over_to = conn.latest;
        }
    }

    pub(crate) fn server_closes(&mut self, number: usize, reason: &CloseReason, now: Instant) {
        let conn = &mut self.conns[number];
        conn.is_closed = true;
        let (told, client, is_late) = (conn.told, conn.client, conn.is_late);
        if let CloseReason::LifetimeOver(..) = reason {
            let is_announced = told.is_some_and(|end| end <= now + GRAIN || is_late);
            self.check(Rule::GoAwayFirst, is_announced, || {
                format!("conn {number} ends a lifetime; its client was told {told:?}, now is {now:?}")
            });
        }
        if let CloseReason::Violation(_) = reason {
            self.sessions[client].is_bare = true;
        }
    }

    /// A server's host hears of something.
    pub(crate) fn server_hears_of(&mut self, number: usize, event: &ServerEvent, now: Instant) {
        match event {
            ServerEvent::Generate(_, prompt) => {
                let mut answers = 0;
                for content in prompt.unanswered() {
                    stamp::each_said(content, |said| answers = answers.max(said.number));
                }
                self.generations.push(Generated { conn: number, answers });
                self.conns[number].latest = self.generations.len() as u32;
                self.reads_prompt(number, prompt);
            }
            ServerEvent::Save { handle, snapshot } => self.keeps(number, handle, snapshot),
            ServerEvent::Compressed { .. } => {
                self.figures.compressions += 1;
                self.conns[number].is_lenient = true;
                self.conns[number].has_compressed = true;
            }
            ServerEvent::TurnFinished { usage, session_usage, interrupted, .. } => {
                self.figures.turns += 1;
                self.turn_is_over(number, *interrupted);
                self.figures.interrupted += u64::from(*interrupted);
                let conn = &mut self.conns[number];
                let (before, total) = (conn.usage, session_usage.total());
                conn.usage = total;
                let adds_up = before + usage.total() == total;
                self.check(Rule::Usage, adds_up, || {
                    format!("conn {number} counts {total} tokens in all, {} more than {before}", usage.total())
                });
            }
            ServerEvent::Warning(Warning::UnmatchedResponse { call, why }) => self.complains(number, call, *why),
            ServerEvent::Warning(Warning::CallsOverdue { .. }) => self.calls_are_overdue(number, now),
            ServerEvent::Warning(Warning::OutsideActivity { .. }) => self.conns[number].is_lenient = true,
            _ => {}
        }
    }

    /// A connection goes on from what is kept under a handle.
    pub(crate) fn resumed_by(&mut self, number: usize, handle: &Handle) {
        let Some(point) = self.points.get(handle) else {
            return self.fail(Rule::HandleKept, format_args!("conn {number} goes on from a handle that nobody saved"));
        };
        let conn = &mut self.conns[number];
        conn.base.clone_from(&point.numbers);
        conn.is_lenient = point.is_lenient;
        conn.usage = point.usage;
        conn.is_resumed = true;
        conn.ledger = Ledger::restored(point.calls.clone());
        let (theirs, ours) = (self.sessions[point.client].plan.project, self.sessions[conn.client].plan.project);
        self.check(Rule::Isolation, theirs == ours, || {
            format!("conn {number} of project {ours} goes on with a session of project {theirs}")
        });
    }

    pub(crate) fn garbled(&mut self, number: Option<usize>) {
        if let Some(number) = number {
            let client = self.conns[number].client;
            self.sessions[client].is_bare = true;
        }
    }

    pub(crate) fn shuts_down(&mut self, number: usize) {
        self.conns[number].is_draining = true;
        // What waited for the end of the turn begins no other.
        self.conns[number].answers.clear();
    }

    pub(crate) fn is_congested(&mut self, number: usize) {
        self.conns[number].is_late = true;
    }

    pub(crate) fn conn_over(&mut self, number: usize) {
        self.conns[number].is_closed = true;
    }

    pub(crate) fn server_ticked(&mut self, number: usize, next: Option<Instant>, now: Instant) {
        self.check(Rule::Timers, next.is_none_or(|next| next > now), || {
            format!("conn {number} has a timer that is due again at once")
        });
    }

    /// A server has nothing more to do for now.
    pub(crate) fn conn_rests(&mut self, number: usize, now: Instant) {
        self.calls_rest(number, now);
        let conn = &mut self.conns[number];
        if std::mem::take(&mut conn.must_go_on) {
            let may = conn.is_late || conn.is_closed;
            self.check(Rule::GoesOn, may, || format!("conn {number} has all answers and does not ask its model"));
        }
    }

    /// A model is asked; it must have been told of the end of what it was asked before.
    pub(crate) fn model_asked(&mut self, number: usize, is_speaking: bool) {
        self.model_is_asked(number);
        if std::mem::take(&mut self.conns[number].must_go_on) {
            self.check(Rule::GoesOn, true, String::new);
        }
        let conn = &self.conns[number];
        let may = conn.waits_for.is_empty() || conn.is_late;
        self.check(Rule::GoesOn, may, || format!("conn {number} asks its model with calls unanswered"));
        self.check(Rule::OneGeneration, !is_speaking, || format!("conn {number} asks a model that is still speaking"));
    }

    pub(crate) fn model_rejected(&mut self, number: usize, why: Why) {
        self.fail(Rule::Crossing, format_args!("conn {number} refuses a piece of its model: {why}"));
    }
}

/// The numbers that a message bears, if what it says must reach the model.
fn stamps_of(message: &ClientMessage) -> Vec<Said> {
    let mut found = Vec::new();
    match message {
        ClientMessage::ClientContent(content) => {
            for turn in &content.turns {
                stamp::each_said(turn, |said| found.push(said));
            }
        }
        ClientMessage::RealtimeInput(input) => {
            if let Some(audio) = &input.audio {
                stamp::each_in_sound(&audio.data, &mut |said| found.push(said));
            }
            if let Some(text) = &input.text {
                found.extend(stamp::said_in(text));
            }
        }
        _ => {}
    }
    found
}
