//! Speech to text by `POST /audio/transcriptions`, as OpenAI, vLLM, LocalAI and speaches serve it.

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde_json::Value;

use super::event::Events;
use super::service::{Reply, Service, message_of};
use crate::fault::Fault;
use crate::names::Names;
use crate::recogniser::{Recogniser, Utterance};
use crate::sound::SoundFormat;

/// What is asked of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscriptionConfig {
    /// The model, such as `whisper-1`.
    pub model: String,
    /// What it calls languages, if a session names one. By default the first part of the Live API's code: `de` for `de-DE`.
    pub languages: Names,
    /// Whether to ask for the transcript piece by piece.
    pub stream: bool,
    /// Further fields of the form, such as `temperature` or `prompt`.
    pub parameters: BTreeMap<String, String>,
}

/// A recogniser that is a service.
#[derive(Clone, Debug)]
pub struct Transcription {
    service: Service,
    config: TranscriptionConfig,
}

impl Transcription {
    /// Recognises by a model of `service`.
    pub fn new(service: Service, config: TranscriptionConfig) -> Self {
        Self { service, config }
    }

    /// The form, as `multipart/form-data`.
    fn form(&self, speech: &Utterance) -> Vec<u8> {
        let mut form = Vec::new();
        let mut field = |name: &str, value: &str| {
            let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            form.extend_from_slice(head.as_bytes());
        };
        field("model", &self.config.model);
        field("response_format", "json");
        if let Some(language) = &speech.language {
            let known = self.config.languages.find(language);
            let root = if known == language { language.split('-').next().unwrap_or(language) } else { known };
            field("language", root);
        }
        if self.config.stream {
            field("stream", "true");
        }
        for (name, value) in &self.config.parameters {
            field(name, value);
        }
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"speech.wav\"\r\n\
             content-type: audio/wav\r\n\r\n"
        );
        form.extend_from_slice(head.as_bytes());
        form.extend(SoundFormat::Wav { rate_hz: Utterance::RATE_HZ }.encode(speech));
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        form
    }
}

impl Recogniser for Transcription {
    fn recognise(&self, speech: Utterance) -> BoxStream<'static, Result<String, Fault>> {
        stream::unfold(Run::Waiting(Box::new(self.clone()), speech), async |run| run.next().await).boxed()
    }
}

enum Run {
    Waiting(Box<Transcription>, Utterance),
    Running(Box<Running>),
    Over,
}

struct Running {
    reply: Reply,
    events: Events,
    /// Data of events that were read and not looked at.
    ready: std::collections::VecDeque<String>,
    has_some: bool,
    is_done: bool,
}

impl Run {
    async fn next(self) -> Option<(Result<String, Fault>, Self)> {
        let mut running = match self {
            Self::Waiting(asked, speech) => {
                let form = asked.form(&speech);
                let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
                match asked.service.post("audio/transcriptions", &content_type, form).await {
                    Ok(reply) if !reply.is_event_stream => return Some((transcript(reply).await, Self::Over)),
                    Ok(reply) => {
                        let (events, ready) = Default::default();
                        Box::new(Running { reply, events, ready, has_some: false, is_done: false })
                    }
                    Err(fault) => return Some((Err(fault), Self::Over)),
                }
            }
            Self::Running(running) => running,
            Self::Over => return None,
        };
        match running.next().await {
            Ok(Some(text)) => Some((Ok(text), Self::Running(running))),
            Ok(None) => None,
            Err(fault) => Some((Err(fault), Self::Over)),
        }
    }
}

impl Running {
    /// The next piece of a transcript that comes as events.
    async fn next(&mut self) -> Result<Option<String>, Fault> {
        loop {
            while let Some(data) = self.ready.pop_front() {
                if data == "[DONE]" {
                    self.is_done = true;
                    continue;
                }
                let event: Value =
                    serde_json::from_str(&data).map_err(|_| self.reply.fault("it sent an event that is no JSON"))?;
                if event.get("error").is_some_and(|error| !error.is_null()) {
                    let why = message_of(&event).unwrap_or(data);
                    return Err(self.reply.fault(format!("it failed in the middle: {why}")));
                }
                let text = match event["type"].as_str() {
                    Some("transcript.text.delta") => event["delta"].as_str(),
                    Some("transcript.text.done") => {
                        self.is_done = true;
                        // The whole of it, which is news only if there were no pieces.
                        event["text"].as_str().filter(|_| !self.has_some)
                    }
                    // vLLM streams transcripts in the form of chat.
                    Some(_) | None => event["choices"][0]["delta"]["content"].as_str(),
                };
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    self.has_some = true;
                    return Ok(Some(text.to_owned()));
                }
            }
            match self.reply.next().await? {
                Some(bytes) => {
                    let mut ready = Vec::new();
                    self.events
                        .push(&bytes, &mut ready)
                        .map_err(|_| self.reply.fault("it sent an event without end"))?;
                    self.ready.extend(ready);
                }
                None if self.is_done => return Ok(None),
                None => return Err(self.reply.fault("its transcript broke off")),
            }
        }
    }
}

async fn transcript(mut reply: Reply) -> Result<String, Fault> {
    let body = reply.whole().await?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| reply.fault("its transcript is no JSON"))?;
    let text = body["text"].as_str().ok_or_else(|| reply.fault("its transcript has no text"))?;
    Ok(text.trim().to_owned())
}

/// What stands between the fields. Sound could hold it by chance once in 2^200 tries.
const BOUNDARY: &str = "----live-3f9a6c51e07b4d28";
