//! An open session as its client sees it: frames become events, each with the number of its generation.
//!
//! Every order of frames that the service was seen to send is legal here, so nothing a server says can be out of place.

use std::time::Duration;

use live_proto::{
    Content, FunctionCall, FunctionResponse, GoAway, InteractionStatus, Part, PartData, Scheduling, ServerContent,
    ServerMessage, ServerPayload, ToolCall, ToolResponse, TurnCompleteReason,
};

use super::ClientEvent;
use crate::context::{Kind, kind};
use crate::engine::TurnId;
use crate::tools::{Calls, Known, Waiting};
use crate::turn::{Observed, Signal, Turn};

/// An open session. It outlives its connection: its generations go on counting, and its calls stay known.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Session {
    turn: Turn,
    /// The generation that is heard, or was heard last.
    generation: TurnId,
    calls: Calls,
    /// With this model a turn that calls functions is complete before they are answered.
    completes_with_calls: bool,
    /// A call was answered, and nothing was heard of it yet.
    owes_answer: bool,
}

impl Session {
    pub(crate) fn new(completes_with_calls: bool) -> Self {
        Self { completes_with_calls, ..Self::default() }
    }

    /// The same with the model of another.
    pub(crate) fn of_model_like(self, other: &Self) -> Self {
        Self { completes_with_calls: other.completes_with_calls, ..self }
    }

    pub(crate) fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// The calls that wait for an answer.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.calls.waiting()
    }

    /// The call that a response would answer.
    pub(crate) fn answers(&self, response: &FunctionResponse) -> Option<&Waiting> {
        self.calls.find(&response.id, &response.name)
    }

    /// The generation that is heard, or was heard last.
    pub(crate) fn generation(&self) -> TurnId {
        self.generation
    }

    /// Whether the server is saying something.
    pub(crate) fn is_speaking(&self) -> bool {
        matches!(self.turn, Turn::Generating(_))
    }

    /// Whether nothing would be lost with the connection: no turn is open and no call waits.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.turn, Turn::Idle) && self.calls.is_empty()
    }

    /// Ends what the loss of the connection leaves open, and gives what the next one begins with: no turn, but the count of
    /// generations and the calls. True if an answer was cut that had more to come.
    ///
    /// A generation that was sent in full only lacks the end of its turn, which is told so that nobody waits for it.
    pub(crate) fn break_off(self, tell: &mut impl FnMut(ClientEvent)) -> (Self, bool) {
        let generation = self.generation;
        let cut = match self.turn {
            Turn::Idle | Turn::Listening | Turn::AwaitingAnswers(_) | Turn::Interrupted(_) => false,
            Turn::Playing(_) => {
                tell(ClientEvent::TurnComplete { generation, reason: TurnCompleteReason::default() });
                false
            }
            Turn::Generating(_) | Turn::Suspended(_) => {
                tell(ClientEvent::Interrupted { generation });
                self.calls.is_empty()
            }
        };
        let Self { turn: _, generation, calls, completes_with_calls, owes_answer: _ } = self;
        (Self { generation, calls, completes_with_calls, ..Self::default() }, cut)
    }

    /// Notes an answer of our host.
    pub(crate) fn answer(&mut self, response: &ToolResponse, remembered_max: usize) {
        for response in &response.function_responses {
            if let Some(call) = self.calls.find(&response.id, &response.name).cloned() {
                self.owes_answer |= self.completes_with_calls && response.scheduling != Some(Scheduling::Silent);
                if !response.will_continue {
                    self.calls.settle(&call, remembered_max);
                }
            }
        }
    }

    /// Tells whether every response answers a call that waits for one, and none twice.
    pub(crate) fn can_answer(&self, response: &ToolResponse) -> bool {
        let mut answered = Vec::new();
        response.function_responses.iter().all(|response| {
            let Some(call) = self.calls.find(&response.id, &response.name) else { return false };
            let first = !answered.contains(&call);
            answered.push(call);
            first
        })
    }

    pub(crate) fn receive(
        &mut self,
        message: ServerMessage,
        remembered_max: usize,
        tell: &mut impl FnMut(ClientEvent),
    ) {
        let ServerMessage { payload, usage_metadata } = message;
        // A consumer that stops at the end of the turn must have the usage by then, which rides on the same frame.
        let mut usage = usage_metadata.map(ClientEvent::Usage);
        match payload {
            Some(ServerPayload::ServerContent(content)) => self.content(content, remembered_max, &mut usage, tell),
            Some(ServerPayload::ToolCall(ToolCall { function_calls })) => {
                for call in function_calls {
                    self.call(call, true, remembered_max, tell);
                }
            }
            Some(ServerPayload::ToolCallCancellation(cancellation)) => {
                self.cancel(&cancellation.ids, remembered_max);
                tell(ClientEvent::ToolCallCancellation(cancellation.ids));
            }
            Some(ServerPayload::GoAway(GoAway { time_left })) => {
                let time_left = time_left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default();
                tell(ClientEvent::GoAway { time_left });
            }
            Some(ServerPayload::SessionResumptionUpdate(update)) => tell(ClientEvent::ResumptionUpdate(*update)),
            Some(ServerPayload::VoiceActivity(activity)) => tell(ClientEvent::VoiceActivity(activity)),
            Some(payload @ (ServerPayload::SetupComplete(_) | ServerPayload::VoiceActivityDetectionSignal(_))) => {
                tell(ClientEvent::Other(Box::new(payload.into())));
            }
            None if usage.is_none() => tell(ClientEvent::Other(Box::default())),
            None => {}
        }
        if let Some(usage) = usage {
            tell(usage);
        }
    }

    fn content(
        &mut self,
        content: ServerContent,
        remembered_max: usize,
        usage: &mut Option<ClientEvent>,
        tell: &mut impl FnMut(ClientEvent),
    ) {
        let ServerContent {
            model_turn,
            turn_complete,
            interrupted,
            grounding_metadata,
            generation_complete,
            input_transcription,
            output_transcription,
            url_context_metadata,
            waiting_for_input,
            turn_complete_reason,
            interim_input_transcription,
            interaction_status,
        } = content;

        if let Some(transcription) = interim_input_transcription {
            tell(ClientEvent::InterimInputTranscription(*transcription));
        }
        if let Some(transcription) = input_transcription {
            tell(ClientEvent::InputTranscription(*transcription));
        }
        // What shares a frame with `interrupted` is the tail of what was cut: its words still belong to the transcript, its
        // sound would be played behind the cut.
        if let (Some(transcription), true) = (&output_transcription, interrupted) {
            let generation = self.observe(Signal::Spoke);
            tell(ClientEvent::OutputTranscription { generation, transcription: (**transcription).clone() });
        }
        if interrupted {
            let generation = self.observe(Signal::Interrupted);
            tell(ClientEvent::Interrupted { generation });
        } else {
            if let Some(Content { parts, role: _ }) = model_turn {
                for part in parts {
                    self.part(part, remembered_max, tell);
                }
            }
            if let Some(transcription) = output_transcription {
                let generation = self.observe(Signal::Spoke);
                tell(ClientEvent::OutputTranscription { generation, transcription: *transcription });
            }
        }
        if let Some(metadata) = grounding_metadata {
            tell(ClientEvent::Grounding { generation: self.generation, metadata });
        }
        if let Some(metadata) = url_context_metadata {
            tell(ClientEvent::UrlContext { generation: self.generation, metadata });
        }
        if generation_complete {
            let generation = self.observe(Signal::GenerationComplete);
            tell(ClientEvent::GenerationComplete { generation });
        }
        if waiting_for_input {
            tell(ClientEvent::WaitingForInput);
        }
        // A function may be answered before the end of the turn that called it has come. The model has yet to speak of it.
        let was_call = self.owes_answer && matches!(self.turn, Turn::Suspended(_));
        if turn_complete {
            self.owes_answer = false;
            if let Some(usage) = usage.take() {
                tell(usage);
            }
            let generation = self.observe(Signal::TurnComplete);
            tell(ClientEvent::TurnComplete { generation, reason: turn_complete_reason });
        }
        // Models that think between turns say themselves when they are done.
        let done = match interaction_status {
            InteractionStatus::Unspecified => turn_complete,
            InteractionStatus::Idle | InteractionStatus::RequiresAction => true,
            InteractionStatus::InProgress | InteractionStatus::Unrecognized(_) => false,
        };
        if done && !was_call && self.calls.is_empty() {
            tell(ClientEvent::Idle);
        }
    }

    fn part(&mut self, part: Part, remembered_max: usize, tell: &mut impl FnMut(ClientEvent)) {
        let generation = self.observe(Signal::Spoke);
        let thought = part.thought;
        tell(match part {
            Part { data: Some(PartData::Text(text)), .. } if thought => ClientEvent::Thought { generation, text },
            Part { data: Some(PartData::Text(text)), .. } => ClientEvent::Text { generation, text },
            Part { data: Some(PartData::InlineData(blob)), .. } if is_sound(blob.mime_type.as_str()) => {
                ClientEvent::Audio { generation, blob }
            }
            Part { data: Some(PartData::FunctionCall(call)), .. } => {
                return self.call(*call, false, remembered_max, tell);
            }
            part => ClientEvent::Part { generation, part: Box::new(part) },
        });
    }

    /// Tells of a call unless it is known: some models send one in both shapes, some twice.
    fn call(&mut self, call: FunctionCall, alone: bool, remembered_max: usize, tell: &mut impl FnMut(ClientEvent)) {
        let known = if call.id.is_empty() {
            // Without ids a repetition shows only while the call waits, and only in the shape that repeats another.
            if !alone && self.calls.find("", &call.name).is_some() { Known::Waiting } else { Known::New }
        } else {
            self.calls.knows(&call.id)
        };
        if known != Known::New {
            return;
        }
        self.observe(Signal::Called);
        // A server that never hears answers could call for ever; the oldest calls are given up.
        while self.calls.len() >= remembered_max {
            self.calls.settle_oldest(remembered_max);
        }
        self.calls.open(Waiting { id: call.id.clone(), name: call.name.clone(), blocking: true });
        tell(ClientEvent::ToolCall(call));
    }

    fn cancel(&mut self, ids: &[String], remembered_max: usize) {
        for id in ids.iter().filter(|id| !id.is_empty()) {
            if let Some(call) = self.calls.find(id, "").cloned() {
                self.calls.settle(&call, remembered_max);
            }
        }
        self.rest();
    }

    /// Notes that the server has nothing to say to the last answers. True if the turn and the calls are over with them.
    pub(crate) fn rest(&mut self) -> bool {
        if self.calls.is_empty() && matches!(self.turn, Turn::AwaitingAnswers(_)) {
            self.observe(Signal::Withdrawn);
        }
        self.is_at_rest()
    }

    /// Settles a call that nobody will answer: the session that made it is gone.
    pub(crate) fn withdraw(&mut self, id: &str, name: &str, remembered_max: usize) {
        if let Some(call) = self.calls.find(id, name).cloned() {
            self.calls.settle(&call, remembered_max);
        }
    }

    /// Takes in a signal of the server and gives the generation it belongs to.
    fn observe(&mut self, signal: Signal) -> TurnId {
        let next = self.generation.next();
        // A turn that stood still for calls which are all answered goes on with what comes now.
        self.owes_answer &= signal != Signal::Spoke;
        let resumes = signal == Signal::Spoke && matches!(self.turn, Turn::Suspended(_)) && self.calls.is_empty();
        let Observed { turn, opened } = self.turn.observe(if resumes { Signal::Resumed(next) } else { signal }, next);
        self.turn = turn;
        if resumes || opened {
            self.generation = next;
        }
        self.generation
    }
}

fn is_sound(mime: &str) -> bool {
    kind(mime) == Kind::Audio
}
