//! What a client can do wrong: for each, the close code, the text the service closes with, and an explanation that helps.
//!
//! Not here: closes that are nobody's fault ([`crate::close`]), and the rules of the bytes ([`live_proto::DecodeError`]).

use std::fmt;

use live_proto::{DecodeError, DecodeErrorKind};

use crate::close::GrpcStatus;

/// A rule that the peer broke. Closed: whoever matches on it must decide for each.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the explanation of each variant says what its fields are")]
pub enum Violation {
    /// The bytes are no message.
    Malformed(DecodeError),
    /// Something was said before `setup`.
    SetupMissing { found: &'static str },
    /// A second `setup`.
    SetupRepeated,
    /// `setup.model` is empty.
    ModelMissing,
    /// No profile has this name.
    ModelUnknown { model: String, api_version: String },
    /// The same on Vertex, which words it differently.
    PublisherModelUnknown { model: String },
    /// The model does not answer in these modalities, or not in all of them at once.
    Modalities { asked: String },
    /// A native audio model was asked for text.
    TextFromNativeAudio { model: String },
    /// A voice was chosen for a session that does not speak.
    VoiceWithoutAudio,
    /// No voice has this name.
    VoiceUnknown { name: String },
    /// The model does not speak this language.
    LanguageUnsupported { code: String },
    /// A field that the model or the backend refuses.
    NotForThisModel { path: &'static str, rule: &'static str, fix: &'static str },
    /// A built-in tool that the model does not have, or that nobody here can run.
    ToolNotEnabled { path: String, rule: &'static str, fix: &'static str },
    /// A function is declared wrongly.
    Declaration { path: String, rule: String, fix: String },
    /// The handle names no session.
    SessionUnknown,
    /// The handle's time is over.
    SessionExpired,
    /// The handle belongs to another project.
    SessionForeign,
    /// The text is no handle at all.
    HandleInvalid,
    /// A session is resumed with another model.
    ModelChanged { held: String, asked: String },
    /// A setting with a value that the rules do not allow.
    Setting { path: &'static str, rule: String, fix: &'static str },
    /// A change of what the credential decides as long as the session lasts.
    Kept { path: String },
    /// `activityStart` or `activityEnd` under automatic detection.
    ActivityUnderAutomaticDetection { path: &'static str },
    /// A turn was completed that holds nothing.
    NothingToAnswer { path: &'static str },
    /// The last content before `turnComplete` is not the user's, on a model that insists.
    LastTurnNotUser { role: String },
    /// The role of a content is missing or unknown.
    Role { path: String, role: String, rule: &'static str },
    /// A content without parts.
    ContentEmpty { path: String },
    /// A blob of a type that the field does not take.
    MimeType { path: &'static str, found: String, rule: String, fix: &'static str },
    /// The conversation is larger than the model or the server can hold.
    ContextExhausted { what: &'static str, found: u64, max: u64, fix: &'static str },
}

/// What a person is told about a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Where, as a JSON path from the root of the message, or `the whole context` if no one message is too much.
    pub path: String,
    /// The rule that was broken.
    pub rule: String,
    /// What to do instead.
    pub fix: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, rule, fix } = self;
        if path.is_empty() { write!(f, "{rule}; {fix}") } else { write!(f, "{path}: {rule}; {fix}") }
    }
}

const INVALID_ARGUMENT: &str = "Request contains an invalid argument.";
const SETUP_FIRST: &str = "setup must be the first message and only the first";

impl Violation {
    /// WebSocket close code.
    pub fn code(&self) -> u16 {
        match self.status() {
            GrpcStatus::NotFound | GrpcStatus::Unimplemented => 1008,
            GrpcStatus::Ok
            | GrpcStatus::Cancelled
            | GrpcStatus::InvalidArgument
            | GrpcStatus::DeadlineExceeded
            | GrpcStatus::PermissionDenied
            | GrpcStatus::ResourceExhausted
            | GrpcStatus::FailedPrecondition
            | GrpcStatus::Aborted
            | GrpcStatus::Internal
            | GrpcStatus::Unavailable => 1007,
        }
    }

    /// gRPC status.
    pub fn status(&self) -> GrpcStatus {
        match self {
            Self::ModelUnknown { .. }
            | Self::PublisherModelUnknown { .. }
            | Self::SessionUnknown
            | Self::SessionExpired
            | Self::SessionForeign => GrpcStatus::NotFound,
            Self::ToolNotEnabled { .. } => GrpcStatus::Unimplemented,
            Self::Malformed(_)
            | Self::SetupMissing { .. }
            | Self::SetupRepeated
            | Self::ModelMissing
            | Self::Modalities { .. }
            | Self::TextFromNativeAudio { .. }
            | Self::VoiceWithoutAudio
            | Self::VoiceUnknown { .. }
            | Self::LanguageUnsupported { .. }
            | Self::NotForThisModel { .. }
            | Self::Declaration { .. }
            | Self::ActivityUnderAutomaticDetection { .. }
            | Self::NothingToAnswer { .. }
            | Self::LastTurnNotUser { .. }
            | Self::Role { .. }
            | Self::ContentEmpty { .. }
            | Self::MimeType { .. }
            | Self::HandleInvalid
            | Self::ModelChanged { .. }
            | Self::Setting { .. }
            | Self::Kept { .. }
            | Self::ContextExhausted { .. } => GrpcStatus::InvalidArgument,
        }
    }

    /// The text that the service closes with, before it is cut to fit a close frame.
    pub fn text(&self) -> String {
        match self {
            Self::Malformed(error) => malformed_text(error),
            Self::SetupMissing { .. } | Self::SetupRepeated => SETUP_FIRST.into(),
            Self::ModelUnknown { model, api_version } => format!(
                "{model} is not found for API version {api_version}, or is not supported for bidiGenerateContent."
            ),
            Self::PublisherModelUnknown { model } => format!("Publisher Model `{model}` not found."),
            Self::Modalities { asked } => {
                format!("The requested combination of response modalities ({asked}) is not supported by the model")
            }
            Self::TextFromNativeAudio { .. } => "Text output is not supported for native audio output model.".into(),
            Self::VoiceWithoutAudio => "Cannot extract voices from a non-audio request.".into(),
            Self::VoiceUnknown { name } => format!("No matching speaker voice found for name: {name}"),
            Self::LanguageUnsupported { code } => format!("Unsupported language code '{code}'"),
            Self::ToolNotEnabled { .. } => "Operation is not implemented, or supported, or enabled.".into(),
            Self::SessionUnknown | Self::SessionExpired => "BidiGenerateContent session not found".into(),
            Self::SessionForeign => "Requested entity was not found.".into(),
            Self::HandleInvalid => "Invalid session handle".into(),
            Self::ActivityUnderAutomaticDetection { .. } => {
                "Explicit activity control is not supported when automatic activity detection is enabled.".into()
            }
            Self::NothingToAnswer { .. } => "No turn to complete".into(),
            Self::LastTurnNotUser { .. } => "Last chunk before turn_complete must have role user.".into(),
            Self::ModelMissing
            | Self::NotForThisModel { .. }
            | Self::Declaration { .. }
            | Self::Role { .. }
            | Self::ContentEmpty { .. }
            | Self::MimeType { .. }
            | Self::ModelChanged { .. }
            | Self::Setting { .. }
            | Self::Kept { .. }
            | Self::ContextExhausted { .. } => INVALID_ARGUMENT.into(),
        }
    }

    /// Where, which rule, and what to do instead.
    pub fn explanation(&self) -> Explanation {
        let (path, rule, fix): (String, String, String) = match self {
            Self::Malformed(error) => {
                (error.path.to_string(), format!("{}: {}", error.rule(), error.kind), error.fix())
            }
            // An empty message has no path of its own.
            Self::SetupMissing { found } => (
                if found.is_empty() { "setup" } else { *found }.into(),
                "setup is the first message".into(),
                "send setup, wait for setupComplete, then go on".into(),
            ),
            Self::SetupRepeated => (
                "setup".into(),
                "setup is sent once".into(),
                "open another connection to change the configuration".into(),
            ),
            Self::ModelMissing => {
                ("setup.model".into(), "a model is named".into(), "name one, such as models/gemini-3.8-live".into())
            }
            Self::ModelUnknown { model, .. } | Self::PublisherModelUnknown { model } => (
                "setup.model".into(),
                format!("\"{model}\" is no model that this server knows"),
                "use a name that matches one of its model profiles".into(),
            ),
            Self::Modalities { asked } => (
                "setup.generationConfig.responseModalities".into(),
                format!("{asked} is not one modality that the model answers in"),
                "ask for exactly one of TEXT and AUDIO".into(),
            ),
            Self::TextFromNativeAudio { model } => (
                "setup.generationConfig.responseModalities".into(),
                format!("{model} answers in AUDIO only"),
                "ask for AUDIO and read setup.outputAudioTranscription".into(),
            ),
            Self::VoiceWithoutAudio => (
                "setup.generationConfig.speechConfig".into(),
                "a session that answers in TEXT has no voice".into(),
                "drop speechConfig, or ask for AUDIO".into(),
            ),
            Self::VoiceUnknown { name } => (
                "setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName".into(),
                format!("the model has no voice \"{name}\""),
                "use one of its voices, such as Puck; names are case-sensitive".into(),
            ),
            Self::LanguageUnsupported { code } => (
                "setup.generationConfig.speechConfig.languageCode".into(),
                format!("the model does not speak \"{code}\""),
                "use one of its codes with a region, such as es-US".into(),
            ),
            Self::NotForThisModel { path, rule, fix } => ((*path).into(), (*rule).into(), (*fix).into()),
            Self::ToolNotEnabled { path, rule, fix } => (path.clone(), (*rule).into(), (*fix).into()),
            Self::Declaration { path, rule, fix } => (path.clone(), rule.clone(), fix.clone()),
            Self::SessionUnknown => (
                "setup.sessionResumption.handle".into(),
                "the handle names no session of this server".into(),
                "start without a handle".into(),
            ),
            Self::SessionExpired => (
                "setup.sessionResumption.handle".into(),
                "the handle is too old".into(),
                "start without a handle, and resume sooner".into(),
            ),
            Self::SessionForeign => (
                "setup.sessionResumption.handle".into(),
                "the handle was given to another project".into(),
                "use the credential that the session was opened with, or start without a handle".into(),
            ),
            Self::HandleInvalid => (
                "setup.sessionResumption.handle".into(),
                "no server makes such a handle".into(),
                "send newHandle of a sessionResumptionUpdate unchanged, or start without a handle".into(),
            ),
            Self::ModelChanged { held, asked } => (
                "setup.model".into(),
                format!("a session keeps its model, {held}; asked for {asked}"),
                "name the same model, or start without a handle".into(),
            ),
            Self::Setting { path, rule, fix } => ((*path).into(), rule.clone(), (*fix).into()),
            Self::Kept { path } => (
                path.clone(),
                "the ephemeral token that opened the session decides this".into(),
                "leave it as it is, or ask for a token that does not lock it".into(),
            ),
            Self::ActivityUnderAutomaticDetection { path } => (
                (*path).into(),
                "the server detects activity itself".into(),
                "set setup.realtimeInputConfig.automaticActivityDetection.disabled to true to frame speech yourself"
                    .into(),
            ),
            Self::NothingToAnswer { path } => (
                (*path).into(),
                "a completed turn holds something to answer".into(),
                "send content before completing the turn".into(),
            ),
            Self::LastTurnNotUser { role } => (
                "clientContent.turns".into(),
                format!("the model answers a user, and the last content has the role \"{role}\""),
                "end the turns with one of role user".into(),
            ),
            Self::Role { path, role, rule } => {
                (path.clone(), format!("{rule}; found \"{role}\""), "use the role user or model".into())
            }
            Self::ContentEmpty { path } => {
                (path.clone(), "a content has parts".into(), "add a part, or leave the content out".into())
            }
            Self::MimeType { path, found, rule, fix } => {
                ((*path).into(), format!("{rule}; found \"{found}\""), (*fix).into())
            }
            Self::ContextExhausted { what, found, max, fix } => (
                "the whole context".into(),
                format!("the session holds {found} {what}, of {max} at most"),
                (*fix).into(),
            ),
        };
        Explanation { path, rule, fix }
    }
}

/// The service's parser names paths in snake_case and the message itself by nothing at all.
fn malformed_text(error: &DecodeError) -> String {
    let path = error.path.proto_spelling();
    if let DecodeErrorKind::UnknownField { name } = &error.kind {
        let at = if path.is_empty() { String::new() } else { format!(" at '{path}'") };
        format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.")
    } else if path.is_empty() {
        format!("Invalid JSON payload received. {}", error.kind)
    } else if error.kind == DecodeErrorKind::Base64 {
        format!("Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed")
    } else {
        format!("Invalid value at '{path}': {}", error.kind)
    }
}
