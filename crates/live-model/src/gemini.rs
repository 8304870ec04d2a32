//! The Live API itself as a model: a server in front of Google's, or of another one of ours.
//!
//! A [`Prompt`] brings its whole conversation, and an upstream session remembers one. So an upstream that has heard exactly what a
//! prompt's history says is asked to go on, and where there is none a new one is told the history first. Which upstream is
//! kept for how long is in `pool`, what a prompt is upstream in `told`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use live_client::{Client, ConnectError, Event};
use live_engine::{BuiltInTools, EndReason, ModelOutput, Prompt, ResponseModality, TurnId};
use live_proto::{Behavior, Blob, FunctionCall, PartData, TurnCompleteReason};
use tokio::time::timeout;

use self::pool::{Parked, Pool};
use self::told::Ask;
use crate::fault::Fault;
use crate::model::Model;

mod pool;
mod told;

/// How an upstream is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeminiConfig {
    /// The model that is asked for upstream; `None` for the one that the client asked for.
    pub model: Option<String>,
    /// How long an upstream session is kept that nobody asks anything. A session that goes on later is told to a new one.
    pub idle: Duration,
    /// The longest that an upstream may say nothing at all while an answer is due.
    pub silence: Duration,
    /// Upstream sessions that are kept at once; beyond, the one that was idle longest is closed.
    pub idle_max: usize,
}

impl Default for GeminiConfig {
    /// The client's model; 1 min; 1 min; 1000 sessions.
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { model: None, idle: minute, silence: minute, idle_max: 1000 }
    }
}

/// A Live API server as a model.
#[derive(Clone)]
pub struct Gemini {
    client: Client,
    config: GeminiConfig,
    pool: Arc<Pool>,
}

impl Gemini {
    /// Answers by sessions that `client` opens.
    pub fn new(client: Client, config: GeminiConfig) -> Self {
        let pool = Arc::new(Pool::new(config.idle, config.idle_max));
        Self { client, config, pool }
    }

    /// An upstream that knows the prompt's history, and what of the prompt it has still to be told.
    async fn upstream(&self, prompt: &Prompt) -> Result<(Parked, Ask), ConnectError> {
        if let Some((mut upstream, known)) = self.pool.take(prompt)
            && upstream.settle().await
        {
            let ask = Ask::new(&prompt.history[known..], &mut upstream.calls);
            return Ok((upstream, ask));
        }
        let setup = told::setup(&prompt.session, self.config.model.as_deref());
        let session = self.client.connect(setup).await?;
        let mut upstream = Parked::new(session, prompt);
        let answered = prompt.history.len() - prompt.unanswered().len();
        let history = told::history(&prompt.history[..answered]);
        let ask = Ask::new(&prompt.history[answered..], &mut upstream.calls).after(history);
        Ok((upstream, ask))
    }
}

impl Model for Gemini {
    /// Answers by an upstream. Needs a tokio runtime when polled and when dropped.
    fn generate(&self, prompt: Prompt) -> BoxStream<'static, ModelOutput> {
        let run = Run::Waiting(Box::new((self.clone(), prompt)));
        stream::unfold(run, async |run| run.next().await).boxed()
    }

    /// All: what the upstream cannot do it refuses by itself.
    fn built_in_tools(&self) -> BuiltInTools {
        BuiltInTools::ALL
    }
}

impl fmt::Debug for Gemini {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gemini").field("client", &self.client).field("config", &self.config).finish_non_exhaustive()
    }
}

enum Run {
    Waiting(Box<(Gemini, Prompt)>),
    Running(Box<Answer>),
    Over,
}

impl Run {
    async fn next(self) -> Option<(ModelOutput, Self)> {
        let mut answer = match self {
            Self::Waiting(asked) => {
                let (gemini, prompt) = *asked;
                match Answer::begin(&gemini, &prompt).await {
                    Ok(answer) => Box::new(answer),
                    Err(fault) => return Some((ModelOutput::Failed(fault.to_string()), Self::Over)),
                }
            }
            Self::Running(answer) => answer,
            Self::Over => return None,
        };
        match answer.next().await {
            Ok(output @ ModelOutput::End(_)) => Some((output, Self::Over)),
            Ok(output) => Some((output, Self::Running(answer))),
            Err(fault) => Some((ModelOutput::Failed(fault.to_string()), Self::Over)),
        }
    }
}

/// An answer under way.
struct Answer {
    /// `None` once it is parked again, or of no use any more.
    upstream: Option<Parked>,
    pool: Arc<Pool>,
    modality: ResponseModality,
    silence: Duration,
    /// Functions that are run while the model goes on.
    unblocking: Vec<String>,
    outputs: VecDeque<ModelOutput>,
    /// What came together with calls.
    events: VecDeque<Event>,
    /// The end of the turn that made the calls before this answer may be still to come.
    owes_end: bool,
    has_said: bool,
    /// Of generations after this one.
    after: TurnId,
}

impl Answer {
    async fn begin(gemini: &Gemini, prompt: &Prompt) -> Result<Self, Fault> {
        let (mut upstream, ask) = gemini.upstream(prompt).await.map_err(|error| Fault::new(NAME, error.to_string()))?;
        ask.send(&upstream.handle).map_err(|error| Fault::new(NAME, format!("it takes nothing any more: {error}")))?;
        upstream.known.clone_from(&prompt.history);
        let functions = prompt.session.functions().filter(|function| function.behavior == Behavior::NonBlocking);
        Ok(Self {
            after: upstream.generation,
            owes_end: std::mem::take(&mut upstream.owes_end),
            upstream: Some(upstream),
            pool: Arc::clone(&gemini.pool),
            modality: prompt.session.modality,
            silence: gemini.config.silence,
            unblocking: functions.map(|function| function.name.clone()).collect(),
            outputs: VecDeque::new(),
            events: VecDeque::new(),
            has_said: false,
        })
    }

    async fn next(&mut self) -> Result<ModelOutput, Fault> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Ok(output);
            }
            let Some(upstream) = &mut self.upstream else { return Ok(ModelOutput::End(EndReason::Complete)) };
            let event = match self.events.pop_front() {
                Some(event) => Some(event),
                None => timeout(self.silence, upstream.events.next()).await.map_err(|_| {
                    self.upstream = None;
                    Fault::new(NAME, format!("it said nothing for {:?}", self.silence))
                })?,
            };
            let Some(event) = event else {
                self.upstream = None;
                return Err(Fault::new(NAME, "its session ended"));
            };
            self.hear(event).await?;
        }
    }

    async fn hear(&mut self, event: Event) -> Result<(), Fault> {
        let outputs = self.outputs.len();
        match event {
            Event::Text { generation, text } if generation > self.after && !self.is_spoken() => {
                self.outputs.push_back(ModelOutput::Text(text));
            }
            Event::Thought { generation, text } if generation > self.after => {
                self.outputs.push_back(ModelOutput::Thought(text));
            }
            Event::Audio { generation, blob } if generation > self.after && self.is_spoken() => {
                let pcm = at_output_rate(&blob)?;
                self.outputs.push_back(ModelOutput::Speech { pcm, text: String::new() });
            }
            Event::OutputTranscription { generation, transcription } if generation > self.after && self.is_spoken() => {
                self.outputs.push_back(ModelOutput::Speech { pcm: Bytes::new(), text: transcription.text });
            }
            Event::Part { generation, part } if generation > self.after => match part.data {
                Some(PartData::ExecutableCode(code)) => self.outputs.push_back(ModelOutput::ExecutableCode(*code)),
                Some(PartData::CodeExecutionResult(result)) => {
                    self.outputs.push_back(ModelOutput::CodeExecutionResult(*result));
                }
                Some(_) | None => {}
            },
            Event::Grounding { generation, metadata } if generation > self.after => {
                self.outputs.push_back(ModelOutput::Grounding(metadata));
            }
            Event::UrlContext { generation, metadata } if generation > self.after => {
                self.outputs.push_back(ModelOutput::UrlContext(metadata));
            }
            Event::InputTranscription(transcription) => {
                let (text, finished) = (transcription.text, transcription.finished);
                self.outputs.push_back(ModelOutput::Heard { text, finished });
            }
            Event::ToolCall(call) => self.call(call).await,
            Event::GenerationComplete { .. } | Event::Interrupted { .. } if self.owes_end && !self.has_said => {}
            Event::TurnComplete { .. } if self.owes_end && !self.has_said => self.owes_end = false,
            Event::GenerationComplete { generation } if generation > self.after => {
                self.end(generation, EndReason::Complete);
            }
            Event::Interrupted { generation } if generation > self.after => {
                self.end(generation, EndReason::Complete);
            }
            Event::TurnComplete { generation, reason } if generation > self.after => {
                let ends = [
                    (TurnCompleteReason::NeedMoreInput, EndReason::NeedMoreInput),
                    (TurnCompleteReason::ResponseRejected, EndReason::Rejected),
                    (TurnCompleteReason::MalformedFunctionCall, EndReason::MalformedFunctionCall),
                ];
                let known = ends.into_iter().find(|(theirs, _)| *theirs == reason);
                let reason = known.map_or(EndReason::Complete, |(_, ours)| ours);
                self.end(generation, reason);
            }
            Event::Closed(cause) => {
                self.upstream = None;
                return Err(Fault::new(NAME, format!("its session ended: {cause}")));
            }
            Event::Lost(loss) => {
                self.upstream = None;
                return Err(Fault::new(NAME, format!("its session is lost: {loss:?}")));
            }
            // Of former generations, of connections, and of what is decided on our side.
            Event::Text { .. }
            | Event::Thought { .. }
            | Event::Audio { .. }
            | Event::OutputTranscription { .. }
            | Event::Part { .. }
            | Event::Grounding { .. }
            | Event::GenerationComplete { .. }
            | Event::Interrupted { .. }
            | Event::TurnComplete { .. }
            | Event::Ready { .. }
            | Event::InterimInputTranscription(_)
            | Event::UrlContext { .. }
            | Event::WaitingForInput
            | Event::Idle
            | Event::Usage(_)
            | Event::ToolCallCancellation(_)
            | Event::ToolRun { .. }
            | Event::GoAway { .. }
            | Event::ResumptionUpdate(_)
            | Event::VoiceActivity(_)
            | Event::Other(_)
            | Event::Malformed(_)
            | Event::Reconnecting { .. }
            | Event::Resumed { .. }
            | Event::Dropped(_) => {}
        }
        self.has_said |= self.outputs.len() > outputs;
        Ok(())
    }

    fn is_spoken(&self) -> bool {
        self.modality == ResponseModality::Audio
    }

    /// Gathers the calls that came together, since a model that is waited for ends with them.
    async fn call(&mut self, call: FunctionCall) {
        let Some(upstream) = &mut self.upstream else { return };
        let mut calls = vec![call];
        let mut turn_over = None;
        while self.events.len() < TOGETHER_MAX
            && let Ok(Some(event)) = timeout(TOGETHER, upstream.events.next()).await
        {
            if let Event::ToolCall(call) = event {
                calls.push(call);
                continue;
            }
            if let Event::TurnComplete { generation, .. } = event {
                turn_over = Some(generation);
            }
            self.events.push_back(event);
        }
        upstream.calls.extend(calls.iter().map(|call| call.id.clone()));
        let stands_still = calls.iter().any(|call| !self.unblocking.contains(&call.name));
        self.outputs.push_back(ModelOutput::ToolCalls(calls));
        if stands_still {
            // Parked before the calls are taken: whoever takes them may drop the rest of the answer.
            upstream.owes_end = turn_over.is_none();
            self.end(turn_over.unwrap_or(self.after), EndReason::Complete);
        }
    }

    fn end(&mut self, generation: TurnId, reason: EndReason) {
        self.outputs.push_back(ModelOutput::End(reason));
        if let Some(mut upstream) = self.upstream.take() {
            upstream.generation = generation;
            self.pool.park(upstream);
        }
    }
}

impl Drop for Answer {
    /// Cuts the upstream short and keeps it: it will be asked for more.
    fn drop(&mut self) {
        if let Some(mut upstream) = self.upstream.take()
            && upstream.interrupt()
        {
            self.pool.park(upstream);
        }
    }
}

/// Sound as the engine takes it.
fn at_output_rate(blob: &Blob) -> Result<Bytes, Fault> {
    let mime_type = blob.mime_type.as_str();
    let format: live_audio::PcmFormat =
        mime_type.parse().map_err(|error| Fault::new(NAME, format!("it speaks what cannot be played: {error}")))?;
    if format != live_audio::PcmFormat::OUTPUT || !blob.data.len().is_multiple_of(2) {
        return Err(Fault::new(NAME, format!("it speaks {mime_type} of {} bytes, and 24 kHz is due", blob.data.len())));
    }
    Ok(blob.data.clone())
}

/// What faults call the upstream.
const NAME: &str = "upstream";
/// How long calls that come together may be apart: they are one message, taken apart.
const TOGETHER: Duration = Duration::from_millis(20);
/// Other events among them: what ends a turn and what it cost. Whoever says more is not done with its turn.
const TOGETHER_MAX: usize = 4;
