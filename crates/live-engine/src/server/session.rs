//! An open session: whose turn it is, what is remembered, and the steps from one turn to the next.
//!
//! Not here: what each message means ([`super::content`], [`super::realtime`], [`super::tool`]) and how an answer becomes
//! frames ([`super::answer`]).

use std::sync::Arc;
use std::time::Instant;

use live_proto::{Content, ServerContent, ServerMessage, TurnCompleteReason};

use super::answer::Answer;
use super::realtime::Input;
use super::setup::SessionConfig;
use super::{ServerConfig, ServerEvent, TurnCompletePacing, Warning};
use crate::context::{Context, Tokens};
use crate::engine::{Output, Outputs, TurnId};
use crate::prompt::{EndReason, Prompt};
use crate::timer::{Timer, Timers};
use crate::tools::{CallIds, Calls};
use crate::turn::{Signal, Turn};
use crate::violation::Violation;

/// What every step may read and write beside the session.
pub(super) struct Cx<'a> {
    pub(super) config: &'a ServerConfig,
    pub(super) timers: &'a mut Timers,
    pub(super) outputs: &'a mut Outputs<ServerMessage, ServerEvent>,
    pub(super) now: Instant,
}

impl Cx<'_> {
    pub(super) fn send(&mut self, message: impl Into<ServerMessage>) {
        self.outputs.push_back(Output::Send(message.into()));
    }

    pub(super) fn event(&mut self, event: ServerEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.event(ServerEvent::Warning(warning));
    }
}

/// An open session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: Arc<SessionConfig>,
    pub(super) context: Context,
    pub(super) turn: Turn,
    /// What the model said in the turn that is open; there is one exactly while a turn is.
    pub(super) answer: Option<Answer>,
    pub(super) input: Input,
    /// What came while the model could not be interrupted.
    pub(super) waiting: Vec<Waiting>,
    pub(super) calls: Calls,
    pub(super) call_ids: CallIds,
    pub(super) last_turn: TurnId,
    /// Whether `clientContent` still seeds the history.
    pub(super) seeding: bool,
}

/// Input that is kept back until the turn is over.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) content: Content,
    pub(super) tokens: Tokens,
    /// Whether it calls for an answer.
    pub(super) asks: bool,
}

impl Session {
    pub(super) fn new(config: Arc<SessionConfig>, call_id_seed: u64) -> Self {
        Self {
            seeding: config.seeds_history,
            config,
            context: Context::default(),
            turn: Turn::Idle,
            answer: None,
            input: Input::default(),
            waiting: Vec::new(),
            calls: Calls::default(),
            call_ids: CallIds::new(call_id_seed),
            last_turn: TurnId::default(),
        }
    }

    /// Walks the table. What a peer can cause is checked before, so a refusal here is a fault of this crate.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.turn = self.turn.after(signal).expect("the engine signals only what the table allows");
    }

    /// Whether the client is in the middle of an answer.
    pub(super) fn is_answering(&self) -> bool {
        self.turn.open().is_some()
    }

    /// Asks the model to answer the context, as a new turn or as the standing turn taken up again.
    pub(super) fn prompt(&mut self, cx: &mut Cx<'_>) {
        self.last_turn = self.last_turn.next();
        let generation = self.last_turn;
        let mut prompt_tokens = self.config.tokens();
        prompt_tokens += self.context.tokens();
        match &mut self.answer {
            Some(answer) => {
                answer.resume(generation, prompt_tokens);
                self.signal(Signal::Resumed(generation));
            }
            None => {
                self.answer = Some(Answer::new(generation, prompt_tokens));
                self.signal(Signal::Prompted(generation));
            }
        }
        cx.event(ServerEvent::Generate(
            generation,
            Prompt {
                session: Arc::clone(&self.config),
                history: self.context.history(),
                unanswered: self.context.unanswered(),
            },
        ));
    }

    /// Makes room for the user: ends an open turn as interrupted, withdraws calls nobody needs the answers of any more.
    pub(super) fn interrupt(&mut self, cx: &mut Cx<'_>) {
        match self.turn {
            Turn::Generating(generation) => {
                cx.event(ServerEvent::Cancel(generation));
                self.commit_answer();
                self.cut_short(cx);
            }
            Turn::Suspended(_) => {
                self.withdraw_calls(cx);
                self.cut_short(cx);
            }
            Turn::Playing(_) => self.cut_short(cx),
            Turn::AwaitingAnswers(_) => {
                self.withdraw_calls(cx);
                self.signal(Signal::Withdrawn);
            }
            Turn::Idle | Turn::Listening | Turn::Interrupted(_) => {}
        }
        // Whatever was kept for the end of the turn comes before what cut it short.
        self.append_waiting();
        self.listen();
    }

    fn append_waiting(&mut self) -> bool {
        let mut asks = false;
        for waiting in self.waiting.drain(..) {
            asks |= waiting.asks;
            self.context.append(waiting.content, waiting.tokens);
        }
        asks
    }

    /// Speech that ran on through a turn has the floor when the turn is over.
    fn listen(&mut self) {
        if self.turn == Turn::Idle && self.input.is_speaking() {
            self.signal(Signal::SpeechStarted);
        }
    }

    fn cut_short(&mut self, cx: &mut Cx<'_>) {
        self.signal(Signal::Interrupted);
        cx.send(ServerContent { interrupted: true, ..ServerContent::default() });
        self.complete_turn(EndReason::Complete, cx);
    }

    fn withdraw_calls(&mut self, cx: &mut Cx<'_>) {
        let ids = self.calls.withdraw_blocking(cx.config.limits.remembered_calls_max);
        cx.send(ServerMessage::tool_call_cancellation(ids));
    }

    /// Takes what the model said into the history: all of it was sent, for output is sent as it comes.
    pub(super) fn commit_answer(&mut self) {
        let answer = self.answer.as_mut().expect("a turn that is open has an answer");
        if let Some((content, tokens)) = answer.take_content() {
            self.context.append_answer(content, tokens);
        }
    }

    /// Says that everything is generated, and completes the turn when it is played.
    pub(super) fn complete_generation(&mut self, reason: EndReason, cx: &mut Cx<'_>) {
        self.commit_answer();
        self.context.answered();
        self.signal(Signal::GenerationComplete);
        cx.send(ServerContent { generation_complete: true, ..ServerContent::default() });
        let answer = self.answer.as_mut().expect("a turn that is open has an answer");
        answer.reason = reason;
        match answer.played_at {
            Some(end) if cx.config.pacing == TurnCompletePacing::Playback && end > cx.now => {
                cx.timers.arm_at(Timer::Playback, end);
            }
            Some(_) | None => self.finish_turn(cx),
        }
    }

    /// Completes a turn that is played, then turns to what waited for its end.
    pub(super) fn finish_turn(&mut self, cx: &mut Cx<'_>) {
        let reason = self.answer.as_ref().expect("a turn that is open has an answer").reason;
        self.complete_turn(reason, cx);
        self.turn_to_waiting(cx);
    }

    /// Says that the turn is over, and what it cost, in one frame: clients look for the usage nowhere else.
    pub(super) fn complete_turn(&mut self, reason: EndReason, cx: &mut Cx<'_>) {
        let interrupted = matches!(self.turn, Turn::Interrupted(_));
        self.signal(Signal::TurnComplete);
        cx.timers.stop(Timer::Playback);
        let answer = self.answer.take().expect("a turn that is open has an answer");
        let usage = answer.usage();
        let turn_complete = ServerContent {
            turn_complete: true,
            turn_complete_reason: match reason {
                EndReason::Complete => TurnCompleteReason::Unspecified,
                EndReason::NeedMoreInput => TurnCompleteReason::NeedMoreInput,
                EndReason::Rejected => TurnCompleteReason::ResponseRejected,
                EndReason::MalformedFunctionCall => TurnCompleteReason::MalformedFunctionCall,
            },
            waiting_for_input: reason == EndReason::NeedMoreInput,
            ..ServerContent::default()
        };
        cx.send(ServerMessage::from(turn_complete).with_usage(usage.metadata(self.config.backend)));
        cx.event(ServerEvent::TurnFinished { turn: answer.generation, usage, interrupted });
    }

    fn turn_to_waiting(&mut self, cx: &mut Cx<'_>) {
        if self.turn != Turn::Idle {
            return;
        }
        let asks = self.append_waiting();
        self.listen();
        if asks {
            self.prompt(cx);
        }
    }

    /// Forgets what would begin another turn.
    pub(super) fn refuse_input(&mut self) {
        self.waiting.clear();
        self.input = Input::default();
    }

    /// Appends what calls for an answer, or keeps it until the running answer is over if that may not be cut short.
    pub(super) fn ask(&mut self, content: Content, tokens: Tokens, cx: &mut Cx<'_>) {
        if self.is_answering() && !self.config.interrupts {
            self.waiting.push(Waiting { content, tokens, asks: true });
        } else {
            self.interrupt(cx);
            self.context.append(content, tokens);
            self.prompt(cx);
        }
    }

    /// Checks the session against its bounds, after a peer added to it.
    pub(super) fn check_bounds(&self, config: &ServerConfig) -> Result<(), Violation> {
        let waiting_bytes: usize =
            self.waiting.iter().map(|waiting| crate::context::content_bytes(&waiting.content)).sum();
        let bounds = [
            ("contents", self.context.len() + self.waiting.len(), config.limits.history_contents_max as u64),
            (
                "bytes",
                self.context.bytes() + waiting_bytes + self.input.bytes(),
                config.limits.history_bytes_max as u64,
            ),
        ];
        for (what, found, max) in bounds {
            let found = found as u64;
            if found > max {
                return Err(Violation::ContextExhausted { what, found, max });
            }
        }
        let (found, max) = (self.context.tokens().total(), self.config.profile.context_tokens);
        if found > max {
            return Err(Violation::ContextExhausted { what: "tokens", found, max });
        }
        Ok(())
    }
}
