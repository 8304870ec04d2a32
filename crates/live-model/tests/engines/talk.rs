//! Prompts as the server's engine makes them of a client's frames, and answers as lines to read.

use std::fmt::Write as _;
use std::time::Instant;

use futures_util::StreamExt as _;
use live_engine::{
    Backend, BuiltInTools, Engine as _, ModelOutput, Output, Prompt, ServerConfig, ServerEngine, ServerEvent,
};
use live_model::Model;
use live_proto::json::{self, DecodeOptions};
use live_proto::{Blob, ClientMessage, Content, Part};

/// A session under way.
pub(crate) struct Talk {
    engine: ServerEngine,
    now: Instant,
    prompt: Option<Prompt>,
}

impl Talk {
    /// A session with this `setup`, in JSON, without its model.
    pub(crate) fn new(setup: &str) -> Self {
        let now = Instant::now();
        let config = ServerConfig { built_in_tools: BuiltInTools::ALL, ..ServerConfig::new(Backend::Gemini) };
        let mut talk = Self { engine: ServerEngine::new(config, now), now, prompt: None };
        let rest = if setup.is_empty() { String::new() } else { format!(", {setup}") };
        talk.send(&format!("{{\"setup\": {{\"model\": \"models/gemini-2.0-flash-live-001\"{rest}}}}}"));
        talk
    }

    /// One that answers in speech.
    pub(crate) fn spoken() -> Self {
        Self::new(SPOKEN)
    }

    /// Sends one frame.
    pub(crate) fn send(&mut self, frame: &str) {
        let message = json::decode::<ClientMessage>(frame.as_bytes(), &DecodeOptions::strict()).expect("a valid frame");
        self.engine.handle_message(message.message, self.now);
        self.drain();
    }

    /// Says contents and asks for an answer.
    pub(crate) fn say(mut self, contents: Vec<Content>) -> Prompt {
        self.engine.handle_message(ClientMessage::turns(contents, true), self.now);
        self.drain();
        self.prompt.take().expect("an answer is asked for")
    }

    /// Says a text and asks for an answer.
    pub(crate) fn ask(self, text: &str) -> Prompt {
        self.say(vec![Content::user(text)])
    }

    /// Speaks, at 16 kHz, and asks for an answer.
    pub(crate) fn speak(self, samples: &[i16]) -> Prompt {
        let mut bytes = Vec::new();
        live_audio::bytes_of(samples, &mut bytes);
        self.say(vec![Content::user(Part::inline(Blob::pcm16k(bytes)))])
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Event(ServerEvent::Generate(_, prompt)) => self.prompt = Some(prompt),
                Output::Close(close) => panic!("closed: {close:?}"),
                Output::Send(_) | Output::Event(_) => {}
            }
        }
    }
}

/// Settings of a session that answers in speech.
pub(crate) const SPOKEN: &str = r#""generationConfig": {"responseModalities": ["AUDIO"]}"#;

/// The whole answer, one line for each output, speech in milliseconds.
pub(crate) async fn answer(model: &impl Model, prompt: Prompt) -> String {
    let mut shown = String::new();
    let mut outputs = model.generate(prompt);
    while let Some(output) = outputs.next().await {
        show(&output, &mut shown);
    }
    shown
}

pub(crate) fn show(output: &ModelOutput, out: &mut String) {
    let shown = match output {
        ModelOutput::Heard { text, finished } => {
            write!(out, "heard {text:?}{}", if *finished { " finished" } else { "" })
        }
        ModelOutput::Caption(text) => write!(out, "caption {text:?}"),
        ModelOutput::Text(text) => write!(out, "text {text:?}"),
        ModelOutput::Thought(text) => write!(out, "thought {text:?}"),
        ModelOutput::Speech { pcm, text } => write!(out, "speech {} ms {text:?}", pcm.len() / 48),
        ModelOutput::ToolCalls(calls) => {
            let calls: Vec<String> = calls.iter().map(json::to_string).collect();
            write!(out, "calls {}", calls.join(" "))
        }
        ModelOutput::End(reason) => write!(out, "end {reason:?}"),
        ModelOutput::Failed(why) => write!(out, "failed {why}"),
        ModelOutput::Grounding(metadata) => write!(out, "grounding {}", json::to_string(&**metadata)),
        ModelOutput::UrlContext(metadata) => write!(out, "urls {}", json::to_string(&**metadata)),
        ModelOutput::ToolUse(bytes) => write!(out, "read {bytes} bytes"),
        ModelOutput::ExecutableCode(code) => write!(out, "code {:?}", code.code),
        ModelOutput::CodeExecutionResult(result) => write!(out, "gave {:?} {:?}", result.outcome, result.output),
    };
    shown.expect("a string takes all");
    out.push('\n');
}

/// What was said in speech, and its sound.
pub(crate) async fn spoken(model: &impl Model, prompt: Prompt) -> (String, Vec<i16>, ModelOutput) {
    let (mut said, mut sound) = (String::new(), Vec::new());
    let mut outputs = model.generate(prompt);
    loop {
        let output = outputs.next().await.expect("an answer has an end");
        if let ModelOutput::Speech { pcm, text } = output {
            said += &text;
            sound.extend(live_audio::samples_of(&pcm));
        } else if matches!(output, ModelOutput::End(_) | ModelOutput::Failed(_)) {
            return (said, sound, output);
        }
    }
}
