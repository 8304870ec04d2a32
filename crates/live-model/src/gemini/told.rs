//! What an upstream is told: the setup of a session, a history, and what is asked now.

use std::collections::BTreeSet;
use std::sync::Arc;

use live_audio::{Input, InputFormat, PcmFormat};
use live_client::{Pcm, SendError, SessionHandle};
use live_engine::ResponseModality;
use live_engine::prompt::transcript;
use live_engine::server::SessionConfig;
use live_proto::{
    AudioTranscriptionConfig, Content, ContextWindowCompressionConfig, FunctionResponse, Modality, Part, PartData,
    SessionResumptionConfig, Setup, SlidingWindow,
};

/// The setup of an upstream session: the client's own, but that we find the user's turns, and want to know all that is said.
pub(super) fn setup(session: &SessionConfig, model: Option<&str>) -> Setup {
    let mut setup = Setup::new(model.unwrap_or(&session.model)).with_manual_activity();
    let mut generation = session.generation.clone();
    generation.response_modalities = vec![match session.modality {
        ResponseModality::Text => Modality::Text,
        ResponseModality::Audio => Modality::Audio,
    }];
    setup.generation_config = Some(generation.into());
    setup.system_instruction.clone_from(&session.system_instruction);
    setup.tools.clone_from(&session.tools);
    setup.input_audio_transcription = Some(Box::new(AudioTranscriptionConfig::default()));
    if session.modality == ResponseModality::Audio {
        setup.output_audio_transcription = Some(Box::new(AudioTranscriptionConfig::default()));
    }
    // Its connections end when it likes, and it outlives the context window that its client chose.
    setup.session_resumption = Some(SessionResumptionConfig::default());
    let sliding_window = Some(SlidingWindow::default());
    setup.context_window_compression = Some(ContextWindowCompressionConfig { sliding_window, trigger_tokens: None });
    setup
}

/// A history in words and pictures, for an upstream that did not hear it.
pub(super) fn history(contents: &[Arc<Content>]) -> Vec<Content> {
    let told = contents.iter().map(|content| {
        let parts: Vec<Part> = content.parts.iter().filter(|part| !part.thought).filter_map(retold).collect();
        Content { role: if content.role == "model" { "model".into() } else { "user".into() }, parts: parts.into() }
    });
    told.filter(|content| !content.parts.is_empty()).collect()
}

fn retold(part: &Part) -> Option<Part> {
    Some(match part.data.as_ref()? {
        PartData::Text(text) if text.is_empty() => return None,
        PartData::Text(_) | PartData::FileData(_) | PartData::ExecutableCode(_) | PartData::CodeExecutionResult(_) => {
            part.clone()
        }
        PartData::InlineData(blob) => match (transcript(part), blob.mime_type.as_str().parse::<PcmFormat>()) {
            (Some(text), _) => Part::text(text),
            (None, Ok(format)) => {
                Part::text(format!("[speech {:.1} s]", format.duration_of(blob.data.len()).as_secs_f64()))
            }
            (None, Err(_)) => part.clone(),
        },
        // Calls belong to the session in which they were made.
        PartData::FunctionCall(call) => Part::text(format!("[called {}]", call.name)),
        PartData::FunctionResponse(response) => Part::text(reported(response)),
    })
}

fn reported(response: &FunctionResponse) -> String {
    let value = serde_json::Value::Object(response.response.clone().unwrap_or_default().into());
    format!("[{} returned: {value}]", response.name)
}

/// What an upstream is asked.
pub(super) struct Ask {
    history: Vec<Content>,
    responses: Vec<FunctionResponse>,
    contents: Vec<Arc<Content>>,
}

impl Ask {
    /// All that is new; answers to `calls` of this upstream are told as such.
    pub(super) fn new(contents: &[Arc<Content>], calls: &mut BTreeSet<String>) -> Self {
        let mut ask = Self { history: Vec::new(), responses: Vec::new(), contents: Vec::new() };
        for content in contents {
            let mut rest = Vec::new();
            for part in &content.parts {
                match &part.data {
                    Some(PartData::FunctionResponse(response)) if calls.contains(&response.id) => {
                        if !response.will_continue {
                            calls.remove(&response.id);
                        }
                        ask.responses.push((**response).clone());
                    }
                    Some(PartData::FunctionResponse(response)) => rest.push(Part::text(reported(response))),
                    Some(_) | None => rest.push(part.clone()),
                }
            }
            if !rest.is_empty() {
                let content = Content { role: content.role.clone(), parts: rest.into() };
                ask.contents.push(Arc::new(content));
            }
        }
        ask
    }

    pub(super) fn after(mut self, history: Vec<Content>) -> Self {
        self.history = history;
        self
    }

    pub(super) fn send(self, upstream: &SessionHandle) -> Result<(), SendError> {
        let Self { history, responses, contents } = self;
        if !history.is_empty() {
            upstream.send_turns(history, false)?;
        }
        let only_answers = contents.is_empty() && !responses.is_empty();
        if !responses.is_empty() {
            upstream.send_tool_response(responses)?;
        }
        if only_answers {
            return Ok(());
        }
        if !contents.iter().flat_map(|content| &content.parts).any(|part| samples_of(part).is_some()) {
            let contents = contents.iter().map(|content| Content::clone(content)).collect();
            return upstream.send_turns(contents, true);
        }
        // Speech goes the way of speech, so that it is heard and transcribed as such.
        upstream.send_activity_start()?;
        for part in contents.iter().flat_map(|content| &content.parts) {
            match (&part.data, samples_of(part)) {
                (_, Some(samples)) => {
                    for second in samples.chunks(PIECE_SAMPLES) {
                        upstream.send_audio(Pcm::from_samples(PcmFormat::INPUT, second))?;
                    }
                }
                (Some(PartData::InlineData(blob)), None) if blob.mime_type.as_str() == "image/jpeg" => {
                    upstream.send_video(blob.data.clone())?;
                }
                (_, None) => {
                    if let Some(text) = retold(part).as_ref().and_then(Part::as_text) {
                        upstream.send_realtime_text(text)?;
                    }
                }
            }
        }
        upstream.send_activity_end()
    }
}

/// The sound of a part that can be sent as such, at 16 kHz.
fn samples_of(part: &Part) -> Option<Vec<i16>> {
    let blob = part.as_inline()?;
    let format: InputFormat = blob.mime_type.as_str().parse().ok()?;
    let (mut input, mut samples) = (Input::new(format), Vec::new());
    input.push(&blob.data, &mut samples).ok()?;
    input.finish(&mut samples);
    Some(samples)
}

/// Samples in one message: half a second.
const PIECE_SAMPLES: usize = 8_000;
