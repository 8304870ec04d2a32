//! Programs as engines: one run for each sentence to be spoken, or for each stretch of speech to be recognised.
//!
//! Any program that reads and writes its standard streams will do; docs/engines.md says how, [`preset`] knows some. Which engine
//! answers what is the [`Cascade`](crate::Cascade)'s business.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::Semaphore;

pub use self::process::Limits;
use self::process::{Process, Start};
pub use self::template::TemplateError;
use self::template::{Place, Template, Values};
use crate::fault::Fault;
use crate::names::Names;
use crate::recogniser::{Recogniser, Utterance};
use crate::sound::{Decoder, SoundFormat};
use crate::synthesiser::{Script, Sound, Synthesiser};

pub mod preset;
mod process;
mod template;

/// How a program is called, whatever it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    /// The program, found as a shell would find it, and its arguments. In arguments stand `{voice}`, `{language}`, `{rate}` and, if a
    /// synthesiser does not read its standard input, `{text}`. `{{` is a brace.
    pub command: Vec<String>,
    /// Variables for the program. Of the server's own it sees only where things are and which language is spoken.
    pub environment: BTreeMap<String, String>,
    /// What it calls languages; a session that names none speaks `en-US`.
    pub languages: Names,
    /// How its sound is framed: what a synthesiser writes, what a recogniser reads.
    pub format: SoundFormat,
    /// What it may take.
    pub limits: Limits,
}

impl ProgramConfig {
    /// A program that is told nothing but its arguments.
    pub fn new<S: Into<String>>(command: impl IntoIterator<Item = S>, format: SoundFormat) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            environment: BTreeMap::new(),
            languages: Names::default(),
            format,
            limits: Limits::default(),
        }
    }
}

#[derive(Clone, Debug)]
struct Program {
    template: Template,
    environment: Vec<(String, String)>,
    languages: Names,
    format: SoundFormat,
    limits: Limits,
    permits: Arc<Semaphore>,
}

impl Program {
    fn new(config: ProgramConfig, places: &[Place]) -> Result<Self, TemplateError> {
        let ProgramConfig { command, environment, languages, format, limits } = config;
        Ok(Self {
            template: Template::parse(&command, places)?,
            environment: environment.into_iter().collect(),
            languages,
            format,
            limits,
            permits: Arc::new(Semaphore::new(limits.processes_max.clamp(1, Semaphore::MAX_PERMITS))),
        })
    }

    fn start(&self, voice: &str, language: Option<&str>, text: &str, input: Bytes) -> Start {
        let language = self.languages.find(language.unwrap_or(LANGUAGE));
        let values = Values { voice, language, rate_hz: self.format.rate_hz(), text };
        Start {
            name: self.template.program().to_owned(),
            program: self.template.program().to_owned(),
            arguments: self.template.arguments(&values),
            environment: self.environment.clone(),
            input,
            limits: self.limits,
            permits: Arc::clone(&self.permits),
        }
    }
}

/// A program that speaks: text in by its standard input or by `{text}`, sound out by its standard output.
#[derive(Clone, Debug)]
pub struct SpeakingProgram {
    program: Program,
    voices: Names,
}

impl SpeakingProgram {
    /// Prepares to call the program, which calls voices as in `voices`.
    ///
    /// # Errors
    /// [`TemplateError`] if the command line cannot be used. Whether there is such a program shows when it is run.
    pub fn new(config: ProgramConfig, voices: Names) -> Result<Self, TemplateError> {
        let program = Program::new(config, &[Place::Voice, Place::Language, Place::Rate, Place::Text])?;
        Ok(Self { program, voices })
    }
}

impl Synthesiser for SpeakingProgram {
    fn speak(&self, script: Script) -> BoxStream<'static, Result<Sound, Fault>> {
        let Script { text, voice, language } = script;
        let input =
            if self.program.template.has(Place::Text) { Bytes::new() } else { Bytes::from(format!("{text}\n")) };
        let start = self.program.start(self.voices.find(&voice), language.as_deref(), &text, input);
        let run = Speaking::Waiting(start, Decoder::new(self.program.format));
        stream::unfold(run, async |run| run.next().await).boxed()
    }
}

enum Speaking {
    Waiting(Start, Decoder),
    Running(Box<Process>, Decoder),
    Over,
}

impl Speaking {
    async fn next(self) -> Option<(Result<Sound, Fault>, Self)> {
        let (mut process, mut decoder) = match self {
            Self::Waiting(start, decoder) => match Process::start(start).await {
                Ok(process) => (Box::new(process), decoder),
                Err(fault) => return Some((Err(fault), Self::Over)),
            },
            Self::Running(process, decoder) => (process, decoder),
            Self::Over => return None,
        };
        loop {
            let decoded = match process.read().await {
                Ok(Some(bytes)) => decoder.push(&bytes),
                Ok(None) if decoder.is_empty() => {
                    Err("it made no sound; it has to write it to its standard output".to_owned())
                }
                Ok(None) => {
                    let sound = decoder.finish().map_err(|why| process.fault(why));
                    return Some((sound.map(|samples| Sound { samples, text: None }), Self::Over));
                }
                Err(fault) => return Some((Err(fault), Self::Over)),
            };
            match decoded {
                Ok(samples) if samples.is_empty() => {}
                Ok(samples) => return Some((Ok(Sound { samples, text: None }), Self::Running(process, decoder))),
                Err(why) => return Some((Err(process.fault(why)), Self::Over)),
            }
        }
    }
}

/// A program that recognises: sound in by its standard input, text out by its standard output, line by line.
#[derive(Clone, Debug)]
pub struct ListeningProgram {
    program: Program,
}

impl ListeningProgram {
    /// Prepares to call the program.
    ///
    /// # Errors
    /// [`TemplateError`] if the command line cannot be used. Whether there is such a program shows when it is run.
    pub fn new(config: ProgramConfig) -> Result<Self, TemplateError> {
        Ok(Self { program: Program::new(config, &[Place::Language, Place::Rate])? })
    }
}

impl Recogniser for ListeningProgram {
    fn recognise(&self, speech: Utterance) -> BoxStream<'static, Result<String, Fault>> {
        let input = Bytes::from(self.program.format.encode(&speech));
        let start = self.program.start("", speech.language.as_deref(), "", input);
        let lines = Lines { rest: Vec::new(), has_some: false };
        stream::unfold(Listening::Waiting(start, lines), async |run| run.next().await).boxed()
    }
}

enum Listening {
    Waiting(Start, Lines),
    Running(Box<Process>, Lines),
    Over,
}

impl Listening {
    async fn next(self) -> Option<(Result<String, Fault>, Self)> {
        let (mut process, mut lines) = match self {
            Self::Waiting(start, lines) => match Process::start(start).await {
                Ok(process) => (Box::new(process), lines),
                Err(fault) => return Some((Err(fault), Self::Over)),
            },
            Self::Running(process, lines) => (process, lines),
            Self::Over => return None,
        };
        loop {
            match process.read().await {
                Ok(Some(bytes)) => {
                    if let Some(text) = lines.push(&bytes) {
                        return Some((Ok(text), Self::Running(process, lines)));
                    }
                }
                Ok(None) => return lines.push(b"\n").map(|text| (Ok(text), Self::Over)),
                Err(fault) => return Some((Err(fault), Self::Over)),
            }
        }
    }
}

/// Lines of text as they come, joined by blanks.
struct Lines {
    rest: Vec<u8>,
    has_some: bool,
}

impl Lines {
    /// What the bytes complete.
    fn push(&mut self, bytes: &[u8]) -> Option<String> {
        self.rest.extend_from_slice(bytes);
        let end = self.rest.iter().rposition(|byte| *byte == b'\n')?;
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let mut out = String::new();
        for word in String::from_utf8_lossy(&whole).split_whitespace() {
            if self.has_some {
                out.push(' ');
            }
            out.push_str(word);
            self.has_some = true;
        }
        (!out.is_empty()).then_some(out)
    }
}

/// What a session speaks that names no language.
const LANGUAGE: &str = "en-US";
