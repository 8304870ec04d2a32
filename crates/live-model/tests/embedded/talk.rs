//! A conversation to put before the model, written turn by turn, and its answers as lines to read.

use std::sync::Arc;

use futures_util::StreamExt;
use live_engine::server::{ActivityDetection, SessionConfig};
use live_engine::{ActivitySettings, Backend, Family, ModelOutput, ModelProfile, Prompt, ResponseModality};
use live_model::embedded::{EmbeddedConfig, Plan, Say, plan};
use live_model::{Embedded, Model};
use live_proto::json::{self, DecodeOptions};
use live_proto::{
    CodeExecution, Content, FunctionCall, FunctionResponse, GenerationConfig, Part, ThinkingConfig, ThinkingLevel,
    Tool, TurnCoverage,
};

/// A conversation under way.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) session: SessionConfig,
    history: Vec<Arc<Content>>,
    unanswered: usize,
}

impl Talk {
    /// One answered in text.
    pub(crate) fn new() -> Self {
        let session = SessionConfig {
            backend: Backend::Gemini,
            model: "gemini-live-2.5-flash-preview".to_owned(),
            profile: Arc::new(ModelProfile::of(Family::HalfCascade25).clone()),
            modality: ResponseModality::Text,
            voice: String::new(),
            language: None,
            system_instruction: None,
            tools: Vec::new(),
            generation: GenerationConfig::default(),
            include_thoughts: false,
            thinking_level: ThinkingLevel::Unspecified,
            detection: ActivityDetection::Automatic,
            activity: ActivitySettings::of(Backend::Gemini),
            explicit_vad_signal: false,
            interrupts: true,
            turn_coverage: TurnCoverage::IncludesOnlyActivity,
            input_transcription: false,
            output_transcription: true,
            seeds_history: false,
            resumption: None,
            compression: None,
        };
        Self { session, history: Vec::new(), unanswered: 0 }
    }

    pub(crate) fn in_speech(mut self, voice: &str) -> Self {
        self.session.modality = ResponseModality::Audio;
        self.session.voice = voice.to_owned();
        self
    }

    /// With transcripts of what the user says.
    pub(crate) fn transcribed(mut self) -> Self {
        self.session.input_transcription = true;
        self
    }

    pub(crate) fn instructed(mut self, instruction: &str) -> Self {
        self.session.system_instruction = Some(Content::user(instruction));
        self
    }

    /// With code execution.
    pub(crate) fn code_execution(mut self) -> Self {
        self.session.tools.push(Tool { code_execution: Some(CodeExecution::default()), ..Tool::default() });
        self
    }

    /// With functions, as JSON declarations.
    pub(crate) fn functions(mut self, declarations: &str) -> Self {
        let tool = format!("{{\"functionDeclarations\": {declarations}}}");
        let tool = json::decode::<Tool>(tool.as_bytes(), &DecodeOptions::strict()).expect("declarations are valid");
        self.session.tools.push(tool.message);
        self
    }

    /// With a built-in tool, by the name of its field.
    pub(crate) fn tool(mut self, name: &str) -> Self {
        let tool = format!("{{\"{name}\": {{}}}}");
        let tool = json::decode::<Tool>(tool.as_bytes(), &DecodeOptions::strict()).expect("there is such a tool");
        self.session.tools.push(tool.message);
        self
    }

    pub(crate) fn generating(mut self, change: impl FnOnce(&mut GenerationConfig)) -> Self {
        change(&mut self.session.generation);
        self
    }

    pub(crate) fn thinking(mut self, thinking: ThinkingConfig) -> Self {
        self.session.include_thoughts = thinking.include_thoughts == Some(true);
        self.session.thinking_level = thinking.thinking_level.clone();
        self.session.generation.thinking_config = Some(thinking);
        self
    }

    pub(crate) fn say(mut self, content: Content) -> Self {
        self.history.push(Arc::new(content));
        self.unanswered += 1;
        self
    }

    pub(crate) fn user(self, text: &str) -> Self {
        self.say(Content::user(text))
    }

    /// The model's answer to all so far.
    pub(crate) fn answered(mut self, text: &str) -> Self {
        self = self.say(Content::model(text));
        self.unanswered = 0;
        self
    }

    /// The model's call, which answers all so far.
    pub(crate) fn called(mut self, name: &str, id: &str) -> Self {
        let call = FunctionCall { name: name.to_owned(), id: id.to_owned(), ..FunctionCall::default() };
        self = self.say(Content::model(Part::function_call(call)));
        self.unanswered = 0;
        self
    }

    /// A function's answer, as JSON.
    pub(crate) fn function(self, response: &str) -> Self {
        let response = json::decode::<FunctionResponse>(response.as_bytes(), &DecodeOptions::strict());
        self.say(Content::user(Part::function_response(response.expect("a response is valid").message)))
    }

    pub(crate) fn prompt(&self) -> Prompt {
        Prompt { session: Arc::new(self.session.clone()), history: self.history.clone(), unanswered: self.unanswered }
    }

    /// The plan of the answer, a line for each thing said or done.
    pub(crate) fn planned(&self) -> String {
        let Plan { thoughts, say, calls } = plan(&self.prompt());
        let thoughts = thoughts
            .iter()
            .map(|thought| format!("thinks{}{thought}\n", if thought.starts_with(' ') { "" } else { " " }));
        let say = say.iter().map(|say| match say {
            Say::Text(text) => format!("says {text}\n"),
            Say::Count(count) => format!("counts {count}\n"),
            Say::Run(program) => format!("runs {:?}\n", program.code),
            Say::Look(look) => format!("looks {look:?}\n"),
        });
        let calls = calls.iter().map(|call| format!("calls {}\n", json::to_string(call)));
        thoughts.chain(say).chain(calls).collect()
    }

    /// All that the model puts out at `pieces_per_second`.
    pub(crate) async fn outputs(&self, pieces_per_second: u32) -> Vec<ModelOutput> {
        let model = Embedded::new(EmbeddedConfig { pieces_per_second, ..EmbeddedConfig::default() });
        model.generate(self.prompt()).collect().await
    }
}
