//! What a client's session dials, says and tells its host.
#![expect(clippy::wildcard_enum_match_arm, reason = "a rule looks at what it is about")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use live_engine::client_session::{FRAMES_MAX, SPACING};
use live_engine::{ClientEvent, ClientSession, Fresh, LinkId, Overlap, Retracted, Why};
use live_proto::{ClientMessage, FunctionCall, ServerMessage, ServerPayload, Setup};

use super::run::Runs;
use super::{Kind, Oracle, identity};
use crate::plan::SessionPlan;
use crate::report::Rule;
use crate::stamp::{self, Piece, Said};

/// One session, as it is seen from outside.
#[derive(Debug)]
pub(super) struct SessionWatch {
    pub(super) plan: SessionPlan,
    /// By number, from 1.
    pub(super) said: Vec<Kind>,
    links: BTreeMap<LinkId, LinkWatch>,
    dialled_at: Option<Instant>,
    /// The connection that something was last received over while it was open.
    open_conn: Option<usize>,
    /// Since when the connection is open, and dials since one last held.
    open_since: Option<Instant>,
    dials: u32,
    /// Of everything heard so far, the latest piece, and its transcript's.
    heard: Option<Piece>,
    transcribed: Option<Piece>,
    /// Generations up to this one are over.
    over_to: Option<u32>,
    pub(super) told: BTreeSet<(u32, u32)>,
    pub(super) runs: Runs,
    /// Which of them were answered over which connection.
    pub(super) runs_answered: BTreeSet<(LinkId, usize)>,
    pub(super) untold: Vec<(u32, u32)>,
    withdrawn: BTreeSet<String>,
    pub(super) call_ids: BTreeMap<String, (u32, u32)>,
    /// The handle that was given last and not retracted, and the one before the retraction.
    handle: Option<String>,
    retracted: Option<String>,
    has_spoken: bool,
    is_ready: bool,
    pub(super) is_over: bool,
    pub(super) is_reconnecting: bool,
    pub(super) has_reconnected: bool,
    pub(super) has_renewed: bool,
    wants_to_close: bool,
    pub(super) has_its_answer: bool,
    pub(super) dropped: u64,
    /// Its program was busy, so that what it asked for was done late.
    pub(super) is_late: bool,
    /// A server was sent nonsense, or refused an argument: what was sent to it is given up.
    pub(super) is_bare: bool,
    /// Numbers in the last prompt, where all of them can be told.
    pub(super) last_prompt: Option<Vec<u32>>,
}

#[derive(Debug, Default)]
struct LinkWatch {
    has_handle: bool,
    /// The instruction of its setup.
    instruction: u32,
    says: u64,
    is_closed: bool,
    pub(super) conn: Option<usize>,
}

impl SessionWatch {
    pub(super) fn new(plan: &SessionPlan) -> Self {
        Self {
            plan: plan.clone(),
            said: Vec::new(),
            links: BTreeMap::new(),
            dialled_at: None,
            open_conn: None,
            open_since: None,
            dials: 0,
            heard: None,
            transcribed: None,
            over_to: None,
            told: BTreeSet::new(),
            runs: Runs::default(),
            runs_answered: BTreeSet::new(),
            untold: Vec::new(),
            withdrawn: BTreeSet::new(),
            call_ids: BTreeMap::new(),
            handle: None,
            retracted: None,
            has_spoken: false,
            is_ready: false,
            is_over: false,
            is_reconnecting: false,
            has_reconnected: false,
            has_renewed: false,
            wants_to_close: false,
            has_its_answer: false,
            dropped: 0,
            is_late: false,
            is_bare: false,
            last_prompt: None,
        }
    }

    pub(super) fn connected(&mut self, link: LinkId, conn: usize) {
        self.links.entry(link).or_default().conn = Some(conn);
    }

    pub(super) fn instruction_of(&self, link: LinkId) -> u32 {
        self.links.get(&link).map_or(0, |link| link.instruction)
    }

    fn overlaps(&self) -> bool {
        self.plan.policy().is_some_and(|policy| policy.overlap == Overlap::DialFirst)
    }
}

impl Oracle {
    pub(crate) fn said(&mut self, c: usize, said: Said, kind: Kind) {
        let session = &mut self.sessions[c];
        session.said.push(kind);
        debug_assert_eq!(session.said.len(), said.number as usize);
    }

    /// A session has no room for what its user says.
    pub(crate) fn refused(&mut self, c: usize, why: Why) {
        let is_over = self.sessions[c].is_over || self.sessions[c].wants_to_close;
        self.check(Rule::Bounds, why == Why::Full || why == Why::Closed && is_over, || {
            format!("session {c} refused what its user said: {why}")
        });
    }

    pub(crate) fn is_busy(&mut self, c: usize) {
        self.sessions[c].is_late = true;
    }

    pub(crate) fn wants_to_close(&mut self, c: usize) {
        self.sessions[c].wants_to_close = true;
    }

    pub(crate) fn dials(&mut self, c: usize, link: LinkId, setup: &Setup, now: Instant) {
        let session = &mut self.sessions[c];
        let apart = session.dialled_at.replace(now).is_none_or(|before| now.duration_since(before) >= SPACING);
        let handle = setup.session_resumption.as_ref().and_then(|resumption| resumption.handle.clone());
        let instruction = setup.system_instruction.as_ref().map(|content| content.text()).unwrap_or_default();
        let instruction = stamp::said_in(&instruction).map(|said| said.number).last().unwrap_or_default();
        let is_late = session.is_late;
        let is_known = session.links.contains_key(&link);
        let is_alone = session.overlaps() || session.links.values().all(|link| link.is_closed);
        let is_first = session.links.is_empty();
        let policy = session.plan.policy();
        let held = session.open_since.take().map(|since| now.duration_since(since));
        if policy.is_some_and(|policy| held.is_some_and(|held| held >= policy.stable_after)) {
            session.dials = 0;
        }
        session.dials += 1;
        let (dials, dials_max) = (session.dials, policy.map_or(1, |policy| policy.dials_max));
        let may = is_first || policy.is_some();
        let falls_back = policy.is_some_and(|policy| policy.retracted == Retracted::FallBack);
        let latest = session.handle.clone().or(session.retracted.clone().filter(|_| falls_back));
        // A handle that came while another connection was dialled may not count.
        let is_latest = handle.is_none() || handle == latest || session.overlaps() || is_first;
        let may_begin_anew = handle.is_some() || is_first || policy.is_some_and(|policy| policy.fresh != Fresh::End);
        let seeds = setup.history_config.as_ref().is_some_and(|history| history.initial_history_in_client_content);
        let has_handle = handle.is_some();
        session.links.insert(link, LinkWatch { has_handle, instruction, ..LinkWatch::default() });
        self.check(Rule::Dials, apart || is_late, || {
            format!("session {c} dials {link} less than {SPACING:?} after the dial before")
        });
        self.check(Rule::Dials, !is_known && is_alone && may && may_begin_anew, || {
            format!(
                "session {c} dials {link}: known {is_known}, alone {is_alone}, may {may}, may begin anew {may_begin_anew}"
            )
        });
        // Of a connection that is left while it is open, only its session knows when it decided.
        if !is_late && !self.sessions[c].overlaps() && !self.has_jumped {
            self.check(Rule::Dials, dials <= dials_max, || {
                format!("session {c} dials {dials} times without a connection that holds, of {dials_max} at most")
            });
        }
        if has_handle && !is_first {
            self.check(Rule::LatestHandle, is_latest, || {
                format!("session {c} dials {link} by a handle that is not its latest")
            });
            self.check(Rule::ResumeXorReseed, !seeds, || {
                format!("session {c} announces a history on {link}, which has a handle")
            });
        }
    }

    pub(crate) fn dial_failed(&mut self, c: usize, link: LinkId) {
        self.sessions[c].links.entry(link).or_default().is_closed = true;
    }

    /// A connection has ended, or was closed by its client.
    pub(crate) fn client_parts(&mut self, c: usize, link: LinkId) {
        self.sessions[c].links.entry(link).or_default().is_closed = true;
    }

    pub(crate) fn client_says(&mut self, c: usize, link: LinkId, message: &ClientMessage) {
        let watch = self.sessions[c].links.entry(link).or_default();
        watch.says += 1;
        let (says, has_handle, is_closed) = (watch.says, watch.has_handle, watch.is_closed);
        let is_setup = matches!(message, ClientMessage::Setup(_));
        self.check(Rule::SetupFirst, is_setup == (says == 1) && !is_closed, || {
            format!(
                "session {c} says as message {says} of {link} (closed {is_closed}): {}",
                crate::words::of_client(message)
            )
        });
        self.says_of_runs(c, link, message);
        if has_handle && let ClientMessage::ClientContent(content) = message {
            let tells_history = content.turns.iter().any(|turn| turn.role == "model");
            self.check(Rule::ResumeXorReseed, !tells_history, || {
                format!("session {c} tells the history over {link}, which has a handle")
            });
        }
    }

    /// A message reaches the session over a connection, open or not.
    pub(crate) fn client_receives(&mut self, c: usize, link: LinkId, message: &ServerMessage, is_open: bool) {
        if !is_open {
            return;
        }
        let session = &mut self.sessions[c];
        session.open_conn = session.links.get(&link).and_then(|link| link.conn);
        session.runs.receives(link);
        match &message.payload {
            Some(ServerPayload::ToolCall(call)) => {
                let new = call.function_calls.iter().filter_map(identity).filter(|it| !session.told.contains(it));
                session.untold = new.collect();
            }
            Some(ServerPayload::SessionResumptionUpdate(update)) => {
                if !update.resumable {
                    session.retracted = session.handle.take().or(session.retracted.take());
                } else if !update.new_handle.is_empty() {
                    session.handle = Some(update.new_handle.clone());
                }
            }
            _ => {}
        }
    }

    pub(crate) fn calls_are_told(&mut self, c: usize) {
        let session = &mut self.sessions[c];
        if session.untold.is_empty() {
            return;
        }
        let untold = std::mem::take(&mut session.untold);
        self.fail(Rule::CallTold, format_args!("session {c} was not told of calls {untold:?}"));
    }

    pub(crate) fn client_hears(&mut self, c: usize, event: &ClientEvent, now: Instant) {
        let session = &mut self.sessions[c];
        let (was_over, had_spoken) = (session.is_over, session.has_spoken);
        session.has_spoken = true;
        // What was said before there was a connection is dropped before the end is told.
        let is_first_word = matches!(
            event,
            ClientEvent::Ready { .. } | ClientEvent::Closed(_) | ClientEvent::Lost(_) | ClientEvent::Dropped(_)
        );
        self.check(Rule::Absorbing, !was_over, || {
            format!("session {c} is over and says {}", crate::words::of_event(event))
        });
        if !had_spoken {
            self.check(Rule::ReadyFirst, is_first_word, || {
                format!("session {c} says first {}", crate::words::of_event(event))
            });
        }
        self.hears_of_runs(c, event, now);
        match event {
            ClientEvent::Ready { .. } => {
                self.sessions[c].open_since = Some(now);
                let was_ready = std::mem::replace(&mut self.sessions[c].is_ready, true);
                self.check(Rule::ReadyFirst, !was_ready, || format!("session {c} is ready twice"));
            }
            ClientEvent::Text { text, .. } => {
                for piece in stamp::answers_in(text) {
                    self.hears_piece(c, piece);
                }
            }
            ClientEvent::Audio { blob, .. } => {
                if let Some(piece) = stamp::of_speech(&blob.data) {
                    self.hears_piece(c, piece);
                }
            }
            ClientEvent::OutputTranscription { transcription, .. } => {
                for piece in stamp::answers_in(&transcription.text) {
                    self.hears_transcript(c, piece);
                }
            }
            ClientEvent::Interrupted { .. } | ClientEvent::TurnComplete { .. } => {
                let session = &mut self.sessions[c];
                let latest = session.heard.max(session.transcribed).map(|piece| piece.generation);
                session.over_to = session.over_to.max(latest);
            }
            ClientEvent::ToolCall(call) => {
                self.figures.calls += 1;
                let Some(identity) = identity(call) else { return };
                let session = &mut self.sessions[c];
                session.untold.retain(|it| *it != identity);
                let is_new = session.told.insert(identity);
                self.check(Rule::CallOnce, is_new, || format!("session {c} is told call {identity:?} twice"));
                self.check(Rule::CallTold, true, String::new);
            }
            ClientEvent::ToolCallCancellation(ids) => self.sessions[c].withdrawn.extend(ids.iter().cloned()),
            ClientEvent::Reconnecting { .. } => {
                let session = &mut self.sessions[c];
                (session.is_reconnecting, session.has_reconnected) = (true, true);
                // It held until now.
                if let Some(since) = session.open_since.take() {
                    let held = now.duration_since(since);
                    let is_stable = session.plan.policy().is_some_and(|policy| held >= policy.stable_after);
                    session.dials = if is_stable { 0 } else { session.dials };
                }
            }
            ClientEvent::Resumed { restored, replayed, .. } => {
                self.figures.replayed += *replayed as u64;
                let session = &mut self.sessions[c];
                session.open_since = Some(now);
                let was_announced = std::mem::take(&mut session.is_reconnecting);
                session.has_renewed |= !restored;
                *(if *restored { &mut self.figures.restored } else { &mut self.figures.renewed }) += 1;
                self.check(Rule::ReadyFirst, was_announced, || {
                    format!("session {c} resumes what it did not reconnect")
                });
            }
            ClientEvent::Dropped(dropped) => {
                self.sessions[c].dropped += dropped.messages;
                self.figures.dropped += dropped.messages;
            }
            ClientEvent::GoAway { .. } => self.go_aways += 1,
            ClientEvent::Closed(_) => self.sessions[c].is_over = true,
            ClientEvent::Lost(loss) => {
                self.figures.lost += 1;
                let max = self.sessions[c].plan.config.limits.queued_messages_max;
                let words = loss.unsent.iter().filter(|message| !is_media(message));
                // Answers of functions that the session ran are kept apart.
                let last = self.sessions[c].runs.unsent(&loss.unsent);
                let words = words.count() - usize::from(last);
                self.check(Rule::Bounds, words <= max && loss.last_frames.len() <= FRAMES_MAX, || {
                    format!("session {c} held {words} messages of {max}, and {} frames", loss.last_frames.len())
                });
                self.sessions[c].is_over = true;
            }
            _ => {}
        }
    }

    fn hears_piece(&mut self, c: usize, piece: Piece) {
        let session = &mut self.sessions[c];
        let before = session.heard.replace(piece);
        let over_to = session.over_to;
        self.check(Rule::ClientCuts, over_to.is_none_or(|over| piece.generation > over), || {
            format!("session {c} hears {piece:?}, though generations to {over_to:?} are over")
        });
        let follows = match before {
            Some(before) if before.generation == piece.generation => piece.at == before.at + 1,
            Some(before) => piece.at == 0 && piece.generation > before.generation,
            None => piece.at == 0,
        };
        self.check(Rule::PiecesInOrder, follows, || format!("session {c} hears {piece:?} behind {before:?}"));
        self.is_of_open_connection(c, piece);
    }

    fn hears_transcript(&mut self, c: usize, piece: Piece) {
        let session = &mut self.sessions[c];
        let before = session.transcribed.replace(piece);
        let over_to = session.over_to;
        self.check(Rule::ClientCuts, over_to.is_none_or(|over| piece.generation > over), || {
            format!("session {c} reads {piece:?}, though generations to {over_to:?} are over")
        });
        let follows = match before {
            Some(before) if before.generation == piece.generation => piece.at == before.at + 1,
            Some(before) => piece.at == 0 && piece.generation > before.generation,
            None => piece.at == 0,
        };
        self.check(Rule::PiecesInOrder, follows, || format!("session {c} reads {piece:?} behind {before:?}"));
    }

    fn is_of_open_connection(&mut self, c: usize, piece: Piece) {
        let of = self.generations.get(piece.generation as usize - 1).map(|generated| generated.conn);
        let open = self.sessions[c].open_conn;
        self.check(Rule::OwnConnection, of.is_some() && of == open, || {
            format!("session {c} hears {piece:?} over conn {open:?}, which was said over {of:?}")
        });
    }

    /// Whether the answer to what was said has been heard.
    pub(crate) fn is_answered(&mut self, c: usize, number: u32) -> bool {
        let session = &mut self.sessions[c];
        let Some(piece) = session.heard else { return false };
        let answers = self.generations[piece.generation as usize - 1].answers;
        session.has_its_answer = answers >= number;
        session.has_its_answer
    }

    pub(crate) fn answered_call(&mut self, c: usize, _call: &FunctionCall, _will_continue: bool) {
        self.check(Rule::AnswerTaken, !self.sessions[c].is_over, || format!("session {c} is over and takes an answer"));
    }

    pub(crate) fn answer_refused(&mut self, c: usize, call: &FunctionCall, why: Why) {
        let session = &self.sessions[c];
        let is_forgotten = session.told.len() >= session.plan.config.limits.remembered_calls_max;
        let is_withdrawn = session.withdrawn.contains(&call.id);
        let is_over = session.is_over || session.wants_to_close;
        let may = match why {
            Why::Closed => is_over,
            Why::NoSuchCall => is_withdrawn || is_forgotten,
            _ => false,
        };
        self.check(Rule::AnswerTaken, may, || format!("session {c} refused the answer to {}: {why}", call.id));
    }

    /// A session has nothing more to do for now.
    pub(crate) fn session_rests(&mut self, c: usize, session: &ClientSession, _now: Instant) {
        self.runs_rest(c, session.is_open());
        let watch = &self.sessions[c];
        let held_max = watch.plan.policy().map_or(1 << 20, |policy| policy.held_media_bytes_max);
        let (held, is_over) = (session.held_media_bytes(), watch.is_over);
        self.check(Rule::Bounds, held <= held_max, || format!("session {c} holds {held} bytes of {held_max}"));
        self.check(Rule::Absorbing, session.is_closed() == is_over, || {
            format!("session {c} told its end: {is_over}; is closed: {}", session.is_closed())
        });
        if is_over {
            let is_still = session.poll_timeout().is_none() && session.link().is_none();
            self.check(Rule::Absorbing, is_still, || format!("session {c} is over and waits for something"));
        }
    }

    pub(crate) fn session_ticked(&mut self, c: usize, next: Option<Instant>, now: Instant) {
        self.check(Rule::Timers, next.is_none_or(|next| next > now), || {
            format!("session {c} has a timer that is due again at once")
        });
    }
}

/// Sound and video alone are held by their bytes, not by their number.
fn is_media(message: &ClientMessage) -> bool {
    matches!(message, ClientMessage::RealtimeInput(input) if input.audio.is_some() || input.video.is_some())
}
