//! How the calls of registered functions go through a session: from the server's message to the host and back.
//!
//! The order of answers and the bounds are kept in [`super::runs`].

use live_proto::{ContextUpdate, ContextUpdateTools, FunctionCall, FunctionResponse, Scheduling, ToolResponse};

use super::runs::{Accepted, Ended, News};
use super::tools::{Function, RunId, ToolOutput, ToolStep, declared, normalise, with_functions};
use super::{ClientCommand, ClientEvent, ClientMessage, ClientSession, Instant, SessionOutput, State, Why};

impl ClientSession {
    /// Takes in what a run has to say, as [`SessionOutput::RunTool`] asked for it. News of a run that was aborted, or is
    /// over, changes nothing.
    pub fn handle_tool_output(&mut self, run: RunId, output: ToolOutput, now: Instant) {
        let now = self.clock.advance(now);
        let Some(News { call_id, name, end, is_cut }) =
            self.runs.tell(run, output, self.limits.tool_response_bytes_max)
        else {
            return;
        };
        if is_cut {
            self.outputs.push_back(SessionOutput::AbortTool(run));
        }
        if let Some(end) = end {
            self.tell_run(call_id, name, end.map_or_else(ToolStep::Failed, |()| ToolStep::Finished));
        }
        self.move_runs(now);
        self.consider_moving(now);
    }

    /// Tells whether a generator may be asked for its next piece. Until then the pieces before it wait to be sent.
    pub fn takes_piece(&self, run: RunId) -> bool {
        self.runs.takes_piece(run)
    }

    /// The functions that the session runs by itself.
    pub fn functions(&self) -> &[Function] {
        self.runs.functions()
    }

    /// Registers these functions in place of those before, and tells the server with `contextUpdate`. Calls that are under
    /// way are answered as ever.
    ///
    /// # Errors
    /// Gives the functions back when the session is over, or too much waits to be sent.
    pub fn set_functions(&mut self, functions: Vec<Function>, now: Instant) -> Result<(), (Vec<Function>, Why)> {
        let now = self.clock.advance(now);
        let former = self.runs.set_functions(normalise(functions));
        let tools = Some(ContextUpdateTools { tools: self.own_tools.clone() });
        let update = ContextUpdate { system_instruction: None, tools };
        let command = ClientCommand::Send(ClientMessage::ContextUpdate(update.into()));
        self.handle_command(command, now).map_err(|rejected| {
            let functions = self.runs.set_functions(former);
            (functions, rejected.why)
        })
    }

    /// The update with the registered functions among its tools, which are otherwise the host's own from now on.
    pub(super) fn with_registered(&mut self, update: &mut ContextUpdate) {
        if let Some(tools) = &mut update.tools {
            self.own_tools.clone_from(&tools.tools);
            tools.tools = with_functions(&self.own_tools, self.runs.functions());
        }
    }

    /// Whether a response would answer a call that the session runs by itself.
    pub(super) fn is_run_here(&self, response: &ToolResponse) -> bool {
        response.function_responses.iter().any(|response| self.runs.answers(&response.id, &response.name))
    }

    /// Takes a call of the server, if its function is registered; gives it back otherwise.
    pub(super) fn take_call(&mut self, call: FunctionCall, now: Instant) -> Option<FunctionCall> {
        if !self.runs.knows(&call.name) {
            return Some(call);
        }
        let (id, name) = (call.id.clone(), call.name.clone());
        // What the host declared itself says how the model takes the answer.
        let behavior = declared(&self.own_tools, &name).map(|own| own.behavior.clone());
        let Accepted { blocking, refusal } = self.runs.accept(call, behavior, self.messages_heard, &self.limits);
        self.tell_run(id.clone(), name.clone(), ToolStep::Called { blocking });
        if let Some(words) = refusal {
            self.tell_run(id, name, ToolStep::Failed(words));
        }
        // The ledger of calls may have given up its oldest to make room.
        if self.heard().open_calls() >= self.limits.remembered_calls_max {
            let waiting: Vec<(String, String)> =
                self.heard().waiting().map(|call| (call.id.clone(), call.name.clone())).collect();
            let ended =
                self.runs.abort(|id, name| !waiting.iter().any(|(known, called)| known == id && called == name));
            self.note_aborted(ended);
        }
        self.move_runs(now);
        None
    }

    /// The server withdrew calls.
    pub(super) fn cancel_runs(&mut self, ids: &[String], now: Instant) {
        let ended = self.runs.abort(|id, _| !id.is_empty() && ids.iter().any(|known| known == id));
        self.note_aborted(ended);
        self.move_runs(now);
    }

    /// The session begins anew: who called before does not wait any more. Results that are there are told all the same.
    /// True if an answer of the model will not come because of it.
    pub(super) fn renew_runs(&mut self) -> bool {
        let ended = self.runs.abort_unfinished();
        let remembered_max = self.limits.remembered_calls_max;
        let heard = if let State::Open(open) = &mut self.state { open.engine.session_mut() } else { &mut self.heard };
        for Ended { call_id, name, running: _ } in &ended {
            heard.withdraw(call_id, name, remembered_max);
        }
        let is_lost = !ended.is_empty() && self.runs.is_empty();
        self.note_aborted(ended);
        is_lost
    }

    /// What the model called since the latest handle is asked for again, so that it will call again: what still runs of it is aborted. The
    /// results that are there.
    pub(super) fn supersede_runs(&mut self) -> Vec<FunctionResponse> {
        let since = std::mem::take(&mut self.since_handle);
        let is_since = |id: &str, name: &str| since.iter().any(|(called, function)| called == id && function == name);
        let (ended, answers) = self.runs.supersede(is_since);
        let remembered_max = self.limits.remembered_calls_max;
        let heard = if let State::Open(open) = &mut self.state { open.engine.session_mut() } else { &mut self.heard };
        let settled = ended.iter().map(|ended| (&ended.call_id, &ended.name));
        for (id, name) in settled.chain(answers.iter().map(|answer| (&answer.id, &answer.name))) {
            heard.withdraw(id, name, remembered_max);
        }
        self.since_handle = since;
        self.note_aborted(ended);
        answers
    }

    /// Notes a call that no snapshot holds yet.
    pub(super) fn note_call(&mut self, call: &FunctionCall) {
        if self.since_handle.len() >= self.limits.remembered_calls_max {
            self.since_handle.remove(0);
        }
        self.since_handle.push((call.id.clone(), call.name.clone()));
    }

    /// The session is over. What was not sent of the answers comes back.
    pub(super) fn end_runs(&mut self) -> Option<ClientMessage> {
        let ended = self.runs.abort_unfinished();
        self.note_aborted(ended);
        let answers = self.runs.take_answers();
        (!answers.is_empty()).then(|| ClientMessage::tool_response(answers))
    }

    /// Ends the runs whose time is up.
    pub(super) fn time_runs(&mut self, now: Instant) {
        let due = self.runs.take_due(now);
        if due.is_empty() {
            return;
        }
        for (Ended { call_id, name, running }, words) in due {
            let run = running.expect("only what runs takes time");
            self.outputs.push_back(SessionOutput::AbortTool(run));
            self.tell_run(call_id, name, ToolStep::Failed(words));
        }
        self.move_runs(now);
    }

    /// Starts what there is room for and sends what is ready.
    pub(super) fn move_runs(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        for (run, call) in self.runs.start(self.limits.running_tools_max, now) {
            self.outputs.push_back(SessionOutput::RunTool { run, call });
        }
        if !self.is_open() {
            return;
        }
        let mut answers = self.runs.take_answers();
        answers.retain(|answer| self.heard().answers(answer).is_some());
        if answers.is_empty() {
            return;
        }
        let is_unheard = answers.iter().all(|answer| is_silent(answer) && !answer.will_continue);
        if !answers.iter().all(is_silent) {
            self.told_after = Some(self.heard().generation());
        }
        self.say(ClientMessage::ToolResponse(ToolResponse { function_responses: answers }), now);
        // Nobody answers what is silent, so that nothing of the server will say that this was all.
        if let State::Open(open) = &mut self.state
            && is_unheard
            && open.owed.is_none()
            && self.told_after.is_none_or(|after| after < open.engine.session().generation())
            && open.engine.session_mut().rest()
        {
            self.tell(ClientEvent::Idle);
        }
    }

    fn note_aborted(&mut self, ended: Vec<Ended>) {
        for Ended { call_id, name, running } in ended {
            if let Some(run) = running {
                self.outputs.push_back(SessionOutput::AbortTool(run));
            }
            self.tell_run(call_id, name, ToolStep::Aborted);
        }
    }

    fn tell_run(&mut self, id: String, name: String, step: ToolStep) {
        self.tell(ClientEvent::ToolRun { id, name, step });
    }
}

fn is_silent(answer: &FunctionResponse) -> bool {
    answer.scheduling == Some(Scheduling::Silent)
}
