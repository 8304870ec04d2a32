//! Text to speech by `POST /audio/speech`, as OpenAI, vLLM-Omni, LocalAI and speaches serve it.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use serde_json::{Map, Value};

use super::service::{Reply, Service};
use crate::fault::Fault;
use crate::names::Names;
use crate::sound::{Decoder, SoundFormat};
use crate::synthesiser::{Script, Sound, Synthesiser};

/// What is asked of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechConfig {
    /// The model, such as `tts-1`.
    pub model: String,
    /// What it calls voices.
    pub voices: Names,
    /// What it calls languages; with `None` it is not told of them, since OpenAI's API has no such field.
    pub languages: Option<Names>,
    /// In which form the sound is asked for. Bare PCM does not say its rate, so it has to be known here: 24 kHz for OpenAI's and most
    /// others, 44.1 or 16 kHz for some.
    pub format: SoundFormat,
    /// Further fields of the request, such as `speed` or `instructions`.
    pub parameters: Map<String, Value>,
}

/// A synthesiser that is a service.
#[derive(Clone, Debug)]
pub struct Speech {
    service: Service,
    config: SpeechConfig,
}

impl Speech {
    /// Speaks by a model of `service`.
    pub fn new(service: Service, config: SpeechConfig) -> Self {
        Self { service, config }
    }

    fn request(&self, script: &Script) -> Vec<u8> {
        let SpeechConfig { model, voices, languages, format, parameters } = &self.config;
        let mut request = parameters.clone();
        let format = match format {
            SoundFormat::Wav { .. } => "wav",
            SoundFormat::Pcm { .. } => "pcm",
        };
        request.insert("model".to_owned(), model.as_str().into());
        request.insert("input".to_owned(), script.text.as_str().into());
        request.insert("voice".to_owned(), voices.find(&script.voice).into());
        request.insert("response_format".to_owned(), format.into());
        if let (Some(languages), Some(language)) = (languages, &script.language) {
            request.insert("language".to_owned(), languages.find(language).into());
        }
        Value::Object(request).to_string().into_bytes()
    }
}

impl Synthesiser for Speech {
    fn speak(&self, script: Script) -> BoxStream<'static, Result<Sound, Fault>> {
        stream::unfold(Run::Waiting(Box::new(self.clone()), script), async |run| run.next().await).boxed()
    }
}

enum Run {
    Waiting(Box<Speech>, Script),
    Running(Box<Reply>, Decoder),
    Over,
}

impl Run {
    async fn next(self) -> Option<(Result<Sound, Fault>, Self)> {
        let (mut reply, mut decoder) = match self {
            Self::Waiting(speech, script) => {
                match speech.service.post("audio/speech", "application/json", speech.request(&script)).await {
                    Ok(reply) if reply.is_json || reply.is_event_stream => {
                        return Some((
                            Err(reply.fault("it answered with JSON or events instead of sound")),
                            Self::Over,
                        ));
                    }
                    Ok(reply) => (Box::new(reply), Decoder::new(speech.config.format)),
                    Err(fault) => return Some((Err(fault), Self::Over)),
                }
            }
            Self::Running(reply, decoder) => (reply, decoder),
            Self::Over => return None,
        };
        loop {
            let decoded = match reply.next().await {
                Ok(Some(bytes)) => decoder.push(&bytes),
                Ok(None) if decoder.is_empty() => Err("it sent no sound".to_owned()),
                Ok(None) => {
                    let sound = decoder.finish().map_err(|why| reply.fault(why));
                    return Some((sound.map(|samples| Sound { samples, text: None }), Self::Over));
                }
                Err(fault) => return Some((Err(fault), Self::Over)),
            };
            match decoded {
                Ok(samples) if samples.is_empty() => {}
                Ok(samples) => return Some((Ok(Sound { samples, text: None }), Self::Running(reply, decoder))),
                Err(why) => return Some((Err(reply.fault(why)), Self::Over)),
            }
        }
    }
}
