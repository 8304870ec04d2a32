//! What goes over the open connection: the first words after `setupComplete`, what the host says, and what the server's
//! words mean for the connections to come.
//!
//! Which connection that is, and when there is another, is decided in [`super`].

use super::activity::Before;
use live_proto::HistoryConfig;

use super::config::HELD_MEDIA_BYTES_MAX;
use super::recorder::kind_of_ours;
use super::{
    ClientCommand, ClientEvent, ClientMessage, ClientSession, Content, Entry, Fresh, FunctionResponse, Handle, Heard,
    Instant, LateAnswers, Open, Owed, Rejected, Replay, Retracted, SessionOutput, SessionResumptionUpdate, State,
    ToolResponse, Why, late,
};
use crate::engine::Engine as _;

impl ClientSession {
    /// Takes a command of the host. What cannot be sent now is held, as far as the policy allows.
    ///
    /// # Errors
    /// Gives the command back when it cannot be followed, with the reason.
    #[expect(clippy::result_large_err, reason = "a command that is refused goes back whole")]
    pub fn handle_command(&mut self, command: ClientCommand, now: Instant) -> Result<(), Rejected<ClientCommand>> {
        let now = self.clock.advance(now);
        if let Some(why) = self.objection(&command) {
            return Err(Rejected { command, why });
        }
        match command {
            ClientCommand::Close => self.part(now),
            ClientCommand::Send(mut message) => {
                if let ClientMessage::ContextUpdate(update) = &mut message {
                    self.with_registered(update);
                }
                self.say(message, now);
                self.consider_moving(now);
            }
        }
        Ok(())
    }

    /// Why a command cannot be followed, if it cannot.
    pub(super) fn objection(&self, command: &ClientCommand) -> Option<Why> {
        match (&self.state, command) {
            (State::Closed, _) => Some(Why::Closed),
            (_, ClientCommand::Close) => None,
            (_, ClientCommand::Send(ClientMessage::Setup(_))) => Some(Why::SetupIsSent),
            (_, ClientCommand::Send(ClientMessage::Empty)) => Some(Why::Empty),
            (_, ClientCommand::Send(ClientMessage::ToolResponse(response)))
                if !self.heard().can_answer(response) || self.is_run_here(response) =>
            {
                Some(Why::NoSuchCall)
            }
            (_, ClientCommand::Send(message)) => {
                let has_room = self.is_open() || self.outbox.can_hold(message, self.limits.queued_messages_max);
                (!has_room || self.outputs.len() >= self.limits.outputs_max).then_some(Why::Full)
            }
        }
    }

    pub(super) fn heard(&self) -> &Heard {
        if let State::Open(open) = &self.state { open.engine.session() } else { &self.heard }
    }

    /// Ends the session in the normal way.
    fn part(&mut self, now: Instant) {
        if let State::Open(open) = &mut self.state {
            open.engine.handle_command(ClientCommand::Close, now).expect("an open connection can be closed");
            return self.pump(now);
        }
        if let State::Opening(attempt) = &self.state {
            let link = attempt.link;
            self.close_link(link);
        }
        self.close(super::CloseCause {
            code: None,
            reason: String::new(),
            phase: super::Phase::Dial,
            cause: super::Cause::Local,
            open_calls: self.heard.open_calls(),
        });
    }

    /// Sends a message of the host, or holds it.
    pub(super) fn say(&mut self, message: ClientMessage, now: Instant) {
        let answers = if let ClientMessage::ToolResponse(response) = &message { Some(response.clone()) } else { None };
        if !self.is_open() {
            let bytes_max = self.policy.as_ref().map_or(HELD_MEDIA_BYTES_MAX, |policy| policy.held_media_bytes_max);
            self.outbox.hold(message, bytes_max);
        } else if let ClientMessage::ToolResponse(response) = message {
            self.answer(response, now);
        } else {
            self.send(message, now);
        }
        let Some(answers) = answers else { return };
        let remembered_max = self.limits.remembered_calls_max;
        let heard = if let State::Open(open) = &mut self.state { open.engine.session_mut() } else { &mut self.heard };
        heard.answer(&answers, remembered_max);
    }

    /// Says first what a connection was opened for, and then what was held.
    pub(super) fn open_with(&mut self, entry: Entry, session_id: String, now: Instant) {
        let mut again = Vec::new();
        let mut seed = None;
        let mut known = Vec::new();
        match entry {
            Entry::First => {}
            Entry::Resume => {
                self.counters.restored += 1;
                again = self.outbox.take_unconsumed();
                if again.iter().any(asks) {
                    known = self.supersede_runs();
                }
                if self.keeps() != Some(Replay::Everything) {
                    self.activity.note_unsaved_lost();
                }
            }
            Entry::Fresh => {
                self.counters.renewed += 1;
                (self.handle, self.retracted) = (None, None);
                self.outbox.forget_sent();
                self.activity.note_lost();
                self.is_answer_lost |= self.renew_runs();
                if self.policy.as_ref().is_some_and(|policy| policy.fresh == Fresh::Reseed) {
                    seed = Some(self.memory.turns()).filter(|turns| !turns.is_empty());
                    again = self.memory.take_unanswered();
                }
            }
        }
        let is_answer_lost = std::mem::take(&mut self.is_answer_lost) && !again.iter().any(asks);
        self.counters.replayed += again.len() as u64;
        self.report_dropped();
        self.tell(if entry == Entry::First {
            ClientEvent::Ready { session_id }
        } else {
            ClientEvent::Resumed {
                restored: entry == Entry::Resume,
                replayed: again.len(),
                answer_lost: is_answer_lost,
            }
        });
        if let Some(turns) = seed {
            self.tell_history(turns, now);
        }
        // So that the model need not call again.
        if let Some(words) = late::as_text(&known, false) {
            self.send(words, now);
        }
        for message in again {
            if entry == Entry::Resume {
                // The words are still remembered from the first time.
                let message = self.renewed(message);
                self.transmit(message, now);
            } else {
                self.send(message, now);
            }
        }
        // Answers among what was held are to calls of an earlier connection.
        let as_text = entry == Entry::Fresh || self.tells_late_answers_as_text();
        for message in self.outbox.take_held() {
            if let ClientMessage::ToolResponse(response) = &message
                && as_text
            {
                self.tell_late(&response.function_responses, now);
            } else {
                self.send(message, now);
            }
        }
        self.move_runs(now);
    }

    /// The message, which is to be said again. The setup of this connection has the latest of what was changed; a former
    /// change would take that back until it is changed again, and a snapshot from between would keep it so.
    fn renewed(&self, mut message: ClientMessage) -> ClientMessage {
        if let ClientMessage::ContextUpdate(update) = &mut message {
            if let (Some(changed), Some(latest)) = (&mut update.system_instruction, &self.setup.system_instruction) {
                changed.clone_from(&latest.clone().into());
            }
            if let Some(changed) = &mut update.tools {
                changed.tools.clone_from(&self.setup.tools);
            }
        }
        message
    }

    fn tells_late_answers_as_text(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.late_answers == LateAnswers::AsText)
    }

    /// Answers calls: those of this connection as they are, those of an earlier one as the policy says.
    fn answer(&mut self, response: ToolResponse, now: Instant) {
        let as_text = self.tells_late_answers_as_text();
        let (mut late, mut ours) = (Vec::new(), Vec::new());
        for response in response.function_responses {
            let call = self.heard().answers(&response);
            let foreign = self.foreign.iter().find(|foreign| Some(&foreign.call) == call);
            if foreign.is_some_and(|foreign| as_text || foreign.is_gone) {
                late.push(response);
            } else {
                ours.push(response);
            }
        }
        if !ours.is_empty() {
            self.send(ClientMessage::ToolResponse(ToolResponse { function_responses: ours }), now);
        }
        self.tell_late(&late, now);
    }

    /// Tells in words what calls of a connection that is gone have returned.
    fn tell_late(&mut self, responses: &[FunctionResponse], now: Instant) {
        if let Some(words) = late::as_text(responses, true) {
            self.send(words, now);
        }
    }

    /// Tells a new session what was said in the old one. No answer is asked for.
    fn tell_history(&mut self, turns: Vec<Content>, now: Instant) {
        // Where the setup announced it, the history ends with the first complete turn.
        let announces = |config: &HistoryConfig| config.initial_history_in_client_content;
        let is_announced = self.seeds_history || self.setup.history_config.as_ref().is_some_and(announces);
        self.history_index = Some(self.outbox.next_index());
        self.transmit(ClientMessage::turns(turns, is_announced), now);
        let State::Open(open) = &mut self.state else { unreachable!("history is told over an open connection") };
        open.owed = None;
    }

    /// Sends a message over the open connection, and remembers it.
    pub(super) fn send(&mut self, message: ClientMessage, now: Instant) {
        match self.activity.before(&message) {
            Before::Nothing => {}
            Before::Start => self.transmit(ClientMessage::activity_start(), now),
            Before::Drop => {
                self.outbox.drop(&message);
                return self.report_dropped();
            }
        }
        let State::Open(open) = &self.state else { unreachable!("messages are sent over an open connection") };
        let generation = open.engine.session().generation();
        let is_seed = self.memory.is_seeding() && matches!(message, ClientMessage::ClientContent(_));
        self.memory.note_sent(&message, generation);
        self.transmit(message, now);
        if is_seed && let State::Open(open) = &mut self.state {
            open.owed = None;
        }
    }

    /// What of the messages that are sent is kept, to be sent again.
    fn keeps(&self) -> Option<Replay> {
        match &self.policy {
            Some(_) if self.is_transparent() => Some(Replay::Everything),
            Some(policy) if self.resumption().is_some() => Some(policy.replay),
            Some(_) | None => None,
        }
    }

    /// Sends a message over the open connection, and notes what follows from having sent it.
    fn transmit(&mut self, message: ClientMessage, now: Instant) {
        let bytes_max = self.policy.as_ref().map_or(0, |policy| policy.unconsumed_bytes_max);
        self.activity.note_sent(&message, self.outbox.next_index());
        self.outbox.note_sent(&message, self.keeps(), bytes_max);
        if let ClientMessage::ContextUpdate(update) = &message {
            // The setup of a later connection would take it back.
            if let Some(instruction) = &update.system_instruction {
                self.setup.system_instruction = Some(Content::clone(instruction));
            }
            if let Some(tools) = &update.tools {
                self.setup.tools.clone_from(&tools.tools);
            }
        }
        let State::Open(open) = &mut self.state else { unreachable!("messages are sent over an open connection") };
        open.note_sent(&message, now);
        self.recorder.note(open.link, true, kind_of_ours(&message), now);
        self.outputs.push_back(SessionOutput::Send(open.link, message));
    }

    /// Takes in an event of the open connection and passes it on.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what bears on the next connection is looked at")]
    pub(super) fn hear(&mut self, event: ClientEvent, now: Instant) {
        self.memory.hear(&event);
        let State::Open(open) = &mut self.state else { unreachable!("events come of an open connection") };
        match &event {
            ClientEvent::GoAway { time_left } => {
                if let Some(policy) = &self.policy {
                    open.moves_by = now.checked_add(time_left.saturating_sub(policy.go_away_margin));
                    // An end that never comes still leaves room for a good moment.
                    open.moves_by = open.moves_by.or(Some(open.since + super::Duration::from_secs(86_400)));
                }
            }
            ClientEvent::ResumptionUpdate(update) => {
                let is_dialling = open.successor.is_some();
                let says_something = !update.resumable || !update.new_handle.is_empty();
                if !is_dialling {
                    self.note_update(update);
                } else if says_something {
                    self.defer(update);
                }
            }
            ClientEvent::WaitingForInput => open.owed = None,
            _ => {
                // An answer begins with a generation that was not there when it was asked for.
                let generation = open.engine.session().generation();
                if open.owed.is_some_and(|owed| owed.after < generation) {
                    open.owed = None;
                }
                if self.begun < generation {
                    self.begun = generation;
                    self.outbox.note_begun();
                }
            }
        }
        // What was heard to its end is not asked for again, even if no snapshot holds it: the user would hear it twice. A
        // server that tells what it consumed is taken at its word.
        let is_heard = matches!(event, ClientEvent::TurnComplete { .. } | ClientEvent::Interrupted { .. });
        if is_heard && !self.is_transparent() {
            self.outbox.note_answered();
        }
        match event {
            ClientEvent::ToolCall(call) => {
                self.note_call(&call);
                if let Some(call) = self.take_call(call, now) {
                    self.tell(ClientEvent::ToolCall(call));
                }
            }
            ClientEvent::ToolCallCancellation(ids) => {
                self.cancel_runs(&ids, now);
                self.tell(ClientEvent::ToolCallCancellation(ids));
            }
            event => self.tell(event),
        }
    }

    /// A handle makes what was deferred before it void; a retraction is kept behind the handle that it retracts.
    fn defer(&mut self, update: &SessionResumptionUpdate) {
        if update.resumable {
            self.deferred.clear();
        }
        if update.resumable || self.deferred.last().is_none_or(|last| last.resumable) {
            self.deferred.push(update.clone());
        }
    }

    /// A handle replaces the former one; its retraction leaves none. An update that is neither changes nothing.
    pub(super) fn note_update(&mut self, update: &SessionResumptionUpdate) {
        let SessionResumptionUpdate { new_handle, resumable, last_consumed_client_message_index } = update;
        if !resumable {
            let former = self.handle.take();
            if self.policy.as_ref().is_some_and(|policy| policy.retracted == Retracted::FallBack) {
                self.retracted = former.or(self.retracted.take());
            }
        } else if !new_handle.is_empty() {
            let index = u64::try_from(*last_consumed_client_message_index).unwrap_or(0);
            let index = self.is_transparent().then_some(index);
            // Resuming without the history would mean to tell it again beside the handle.
            if self.history_index.is_none_or(|history| index.is_none_or(|index| history <= index)) {
                self.handle = Some(Handle(new_handle.clone()));
                self.since_handle.clear();
                self.retracted = None;
                self.outbox.note_consumed(index);
                self.activity.note_consumed(index);
            }
        }
    }
}

impl Open {
    /// Notes whether a message asks for an answer.
    fn note_sent(&mut self, message: &ClientMessage, now: Instant) {
        if asks(message) {
            if self.owed.is_none() {
                // Silence counts from the question.
                self.heard_at = now;
            }
            let in_words = matches!(message, ClientMessage::ClientContent(_));
            self.owed = Some(Owed { after: self.engine.session().generation(), in_words });
        }
    }
}

/// Whether a message asks the model for an answer. Sound does only if a detector hears speech in it.
fn asks(message: &ClientMessage) -> bool {
    match message {
        ClientMessage::ClientContent(content) => content.turn_complete,
        ClientMessage::RealtimeInput(input) => input.text.is_some() || input.activity_end.is_some(),
        ClientMessage::ToolResponse(response) => response.function_responses.iter().any(is_heard),
        ClientMessage::Empty | ClientMessage::Setup(_) | ClientMessage::ContextUpdate(_) => false,
    }
}

fn is_heard(response: &FunctionResponse) -> bool {
    !response.will_continue && response.scheduling != Some(live_proto::Scheduling::Silent)
}
