//! An open session: whose turn it is, what is remembered, and the steps from one turn to the next.
//!
//! Not here: what each message means ([`super::content`], [`super::realtime`], [`super::tool`]) and how an answer becomes
//! frames ([`super::answer`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use live_proto::{Content, ServerContent, ServerMessage, Tool, TurnCompleteReason};

use super::answer::Answer;
use super::constraint::Kept;
use super::ear::Ear;
use super::input::Input;
use super::lifetime::Times;
use super::renewal::Renewal;
use super::setup::{ActivityDetection, SessionConfig};
use super::usage::TurnUsage;
use super::{ServerConfig, ServerEvent, TurnCompletePacing, Warning};
use crate::context::{Compression, Context, OUTPUT_RATE, Room, Tokens};
use crate::engine::{Output, Outputs, TurnId};
use crate::prompt::{EndReason, Prompt};
use crate::resumption::Snapshot;
use crate::timer::{Timer, Timers};
use crate::tools::{CallIds, Calls};
use crate::turn::{Signal, Turn};
use crate::violation::{Rule, Violation};

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
    pub(super) ear: Ear,
    /// What came while the model could not be interrupted.
    pub(super) waiting: Vec<Waiting>,
    pub(super) calls: Calls,
    pub(super) call_ids: CallIds,
    pub(super) last_turn: TurnId,
    /// Whether `clientContent` still seeds the history.
    pub(super) seeding: bool,
    /// What the latest setup said of what can be changed since.
    pub(super) setup: SetUp,
    /// Rises with every such change.
    pub(super) config_revision: u64,
    /// Tokens of the instruction and the declarations.
    config_tokens: Tokens,
    /// Their bytes in memory.
    config_bytes: usize,
    /// Messages taken in on this connection after `setup`, up to the first that was not.
    pub(super) consumed: u64,
    /// Whether one was not.
    pub(super) has_dropped: bool,
    pub(super) turns_finished: u64,
    /// The bound that kept the model from being asked.
    pub(super) overflow: Option<Violation>,
    /// What all turns so far cost together.
    pub(super) usage: TurnUsage,
    pub(super) times: Times,
    /// There is one exactly if the client asked for resumption.
    pub(super) renewal: Option<Renewal>,
}

/// The part of a setup that a client can change later.
#[derive(Clone, Debug)]
pub(super) struct SetUp {
    pub(super) instruction: Option<Content>,
    pub(super) tools: Vec<Tool>,
}

/// Input that is kept back until the turn is over.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) content: Content,
    pub(super) tokens: Tokens,
    /// Whether it calls for an answer.
    pub(super) asks: bool,
}

/// Whether a client that resumes may say this itself: what is decided for it is decided of what it resumes, too.
fn is_free(field: Kept, server: &ServerConfig) -> bool {
    !server.constraint.as_deref().is_some_and(|constraint| constraint.keeps(field))
}

/// Whether a session that was set up with `setup_tools` keeps the tools it had in the end, or takes those of the new setup.
pub(super) fn takes_tools(config: &SessionConfig, setup_tools: &[Tool], server: &ServerConfig) -> bool {
    is_free(Kept::Tools, server) && (config.tools.is_empty() || config.tools == setup_tools)
}

impl Session {
    /// Begins a session, on a connection that began at `connected`.
    pub(super) fn new(config: Arc<SessionConfig>, connected: Instant, cx: &mut Cx<'_>) -> Self {
        let is_limited = config.compression.is_none();
        let (config_tokens, config_bytes) = (config.tokens(), config.bytes());
        Self {
            seeding: config.seeds_history,
            setup: SetUp { instruction: config.system_instruction.clone(), tools: config.tools.clone() },
            renewal: config.resumption.map(|resumption| Renewal::new(resumption.transparent)),
            config,
            context: Context::default(),
            turn: Turn::Idle,
            answer: None,
            input: Input::default(),
            ear: Ear::default(),
            waiting: Vec::new(),
            calls: Calls::default(),
            call_ids: CallIds::new(cx.config.call_id_seed),
            last_turn: TurnId::default(),
            config_revision: 0,
            config_tokens,
            config_bytes,
            consumed: 0,
            has_dropped: false,
            turns_finished: 0,
            overflow: None,
            usage: TurnUsage::default(),
            times: Times::new(connected, Duration::ZERO, None, is_limited, cx),
        }
    }

    /// Takes a session up again. What the new setup says is in force, except where it only repeats the latest setup or
    /// leaves out what that one said: then what was changed since stays changed.
    pub(super) fn resume(config: Arc<SessionConfig>, snapshot: Snapshot, connected: Instant, cx: &mut Cx<'_>) -> Self {
        let Snapshot {
            model: _,
            setup_instruction,
            setup_tools,
            system_instruction,
            tools,
            history,
            unanswered,
            mut pending_input,
            speaking,
            pending_calls,
            settled_calls,
            next_call,
            seeding,
            usage,
            session_elapsed,
            video_began,
            // Messages of this connection are counted anew.
            last_consumed: _,
        } = snapshot;
        let takes_tools = takes_tools(&config, &setup_tools, cx.config);
        let mut session = Self::new(config, connected, cx);
        let config = Arc::make_mut(&mut session.config);
        if is_free(Kept::SystemInstruction, cx.config)
            && (config.system_instruction.is_none() || config.system_instruction == setup_instruction)
        {
            config.system_instruction = system_instruction;
            session.setup.instruction = setup_instruction;
        }
        if takes_tools {
            config.tools = tools;
            session.setup.tools = setup_tools;
        }
        let is_limited = config.compression.is_none();
        session.config_tokens = session.config.tokens();
        session.config_bytes = session.config.bytes();
        session.context = Context::restore(history, unanswered);
        session.ear = Ear::resume(&mut pending_input);
        session.input = Input::restore(pending_input, speaking);
        session.calls = Calls::restore(pending_calls, settled_calls);
        session.call_ids = CallIds::branch(next_call, cx.config.call_id_seed);
        session.seeding = seeding;
        session.usage = usage;
        session.times = Times::new(connected, session_elapsed, video_began, is_limited, cx);
        session.listen();
        if session.config.detection == ActivityDetection::Automatic {
            session.ear.listen_again(&session.input, session.config.activity, cx);
            if speaking {
                cx.timers.arm(Timer::StreamPause, session.patience(cx), cx.now);
            }
        }
        session
    }

    /// Walks the table. What a peer can cause is checked before, so a refusal here is a fault of this crate.
    pub(super) fn signal(&mut self, signal: Signal) {
        self.turn = self.turn.after(signal).expect("the engine signals only what the table allows");
    }

    /// Whether the client is in the middle of an answer.
    pub(super) fn is_answering(&self) -> bool {
        self.turn.open().is_some()
    }

    /// Asks the model to answer the context, as a new turn or as the standing turn taken up again; unless the context does
    /// not fit the model's window.
    pub(super) fn prompt(&mut self, cx: &mut Cx<'_>) {
        let has_triggered = |compression: Compression| self.tokens().total() >= compression.trigger;
        if self.config.compression.is_some_and(has_triggered) || self.exceeded(cx.config).is_err() {
            self.compress(cx);
        }
        if let Err(violation) = self.exceeded(cx.config) {
            // The connection closes for it; a model that is asked now would work for nobody.
            self.overflow = Some(violation);
            return;
        }
        let generation = self.last_turn.next();
        self.last_turn = generation;
        let prompt_tokens = self.tokens();
        match &mut self.answer {
            Some(answer) => {
                answer.resume(generation, prompt_tokens, Arc::clone(&self.config));
                self.signal(Signal::Resumed(generation));
            }
            None => {
                self.answer = Some(Answer::new(generation, prompt_tokens, Arc::clone(&self.config)));
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

    /// Changes the configuration, from the next prompt on.
    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut SessionConfig)) {
        change(Arc::make_mut(&mut self.config));
        self.config_tokens = self.config.tokens();
        self.config_bytes = self.config.bytes();
        self.config_revision += 1;
    }

    /// Tokens of a prompt, were the model asked now.
    fn tokens(&self) -> Tokens {
        let mut tokens = self.config_tokens;
        tokens += self.context.tokens();
        tokens
    }

    /// Cuts the oldest turns, if the client asked for that.
    fn compress(&mut self, cx: &mut Cx<'_>) {
        let Some(compression) = self.config.compression else { return };
        let limits = &cx.config.limits;
        let room = Room {
            tokens: compression.target.saturating_sub(self.config_tokens.total()),
            bytes: limits.history_bytes_max / 2,
            contents: limits.history_contents_max / 2,
        };
        if let Some(evicted) = self.context.evict(room) {
            cx.event(ServerEvent::Compressed { evicted, kept: self.tokens() });
        }
    }

    /// Makes room for the user: ends an open turn as interrupted, withdraws calls nobody needs the answers of any more.
    pub(super) fn interrupt(&mut self, cx: &mut Cx<'_>) {
        match self.turn {
            Turn::Generating(generation) => {
                if !self.is_generated() {
                    cx.event(ServerEvent::Cancel(generation));
                }
                self.open_answer().drop_unsent();
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

    /// Whether the model of the open turn has said all there is, sent or not.
    pub(super) fn is_generated(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.generated.is_some())
    }

    fn cut_short(&mut self, cx: &mut Cx<'_>) {
        if cx.config.pacing == TurnCompletePacing::Playback {
            let (text_bytes, pcm_bytes) = self.open_answer().speech.take_unheard(cx.now);
            self.context.forget_unheard(text_bytes, Tokens::of_pcm_bytes(pcm_bytes, OUTPUT_RATE));
        }
        self.finish_transcript(cx);
        self.signal(Signal::Interrupted);
        cx.send(ServerContent { interrupted: true, ..ServerContent::default() });
        self.complete_turn(EndReason::Complete, cx);
    }

    fn withdraw_calls(&mut self, cx: &mut Cx<'_>) {
        cx.timers.stop(Timer::Answers);
        let withdrawn = self.calls.withdraw_blocking(cx.config.limits.remembered_calls_max);
        cx.send(ServerMessage::tool_call_cancellation(withdrawn.into_iter().map(|call| call.id).collect()));
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
        let answer = self.open_answer();
        if !answer.speech.is_sent() {
            answer.generated = Some(reason);
            return;
        }
        self.finish_transcript(cx);
        self.commit_answer();
        self.context.answered();
        self.signal(Signal::GenerationComplete);
        cx.send(ServerContent { generation_complete: true, ..ServerContent::default() });
        let answer = self.answer.as_mut().expect("a turn that is open has an answer");
        answer.reason = reason;
        match answer.speech.played_at {
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
        cx.timers.stop(Timer::Pace);
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
        self.usage += usage;
        self.turns_finished += 1;
        let session_usage = self.usage;
        cx.event(ServerEvent::TurnFinished { turn: answer.generation, usage, session_usage, interrupted });
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

    /// Forgets what would begin another turn. What was taken in and is lost so can be in no snapshot any more. What flowed in
    /// begins nothing by itself.
    pub(super) fn refuse_input(&mut self) {
        if let Some(renewal) = &mut self.renewal
            && !self.waiting.is_empty()
        {
            renewal.finish();
        }
        self.waiting.clear();
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

    /// Checks the session against its bounds, after a peer added to it; cuts its history first if that is allowed.
    pub(super) fn check_bounds(&mut self, cx: &mut Cx<'_>) -> Result<(), Violation> {
        self.exceeded(cx.config).or_else(|_| {
            self.compress(cx);
            self.exceeded(cx.config)
        })
    }

    /// The bound that is exceeded, as an error.
    fn exceeded(&self, config: &ServerConfig) -> Result<(), Violation> {
        let waiting_bytes: usize =
            self.waiting.iter().map(|waiting| crate::context::content_bytes(&waiting.content)).sum();
        let bytes = self.context.bytes() + waiting_bytes + self.input.held_bytes() + self.config_bytes;
        let bounds = [
            (Rule::ContextContents, self.context.len() + self.waiting.len(), config.limits.history_contents_max),
            (Rule::ContextBytes, bytes, config.limits.history_bytes_max),
        ];
        for (rule, found, max) in bounds {
            if found > max {
                return Err(Violation::new(rule, "the whole context").found(found).found(max));
            }
        }
        let (found, max) = (self.tokens().total(), self.config.profile.context_tokens);
        if found > max {
            let rule = if self.config.compression.is_none() { Rule::ContextTokens } else { Rule::ContextTurn };
            return Err(Violation::new(rule, "the whole context").found(found).found(max));
        }
        Ok(())
    }
}
