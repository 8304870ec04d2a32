//! The rules that a client can break: one row each, with a stable id, what the service closes with, and what a person is told.
//!
//! Not here: where a rule was broken and by what ([`super::Violation`]), and what is checked when (the server's rooms).

use crate::close::GrpcStatus;

/// What the rules have in common: a row of the table.
struct Row {
    id: &'static str,
    status: GrpcStatus,
    text: &'static str,
    rule: &'static str,
    fix: &'static str,
}

/// `{0}`, `{1}` in a text, a rule or a fix stand for what was found, in the order in which the check says it.
macro_rules! rules {
    ($($name:ident: $id:literal, $status:ident, $text:expr, $rule:literal, $fix:literal;)*) => {
        /// A rule that a client can break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "`: ", $rule)] $name,)*
        }

        impl Rule {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => {
                        Row { id: $id, status: GrpcStatus::$status, text: $text, rule: $rule, fix: $fix }
                    })*
                }
            }
        }
    };
}

/// What the service says of most faults.
const INVALID: &str = "Request contains an invalid argument.";
const SETUP_FIRST: &str = "setup must be the first message and only the first";
const NOT_ENABLED: &str = "Operation is not implemented, or supported, or enabled.";
const SESSION_NOT_FOUND: &str = "BidiGenerateContent session not found";
const INVALID_VALUE: &str = "Invalid value{0}: {1}";

rules! {
    // The bytes. Here {0} is ` at 'path'`, or nothing for the message itself; {1} is the fault and {2} the way out.
    JsonSyntax: "json.syntax", InvalidArgument, "Invalid JSON payload received. {1}",
        "a frame holds one JSON value (RFC 8259): {1}", "{2}";
    JsonUtf8: "json.utf8", InvalidArgument, "Invalid JSON payload received. {1}",
        "JSON text is UTF-8: {1}", "{2}";
    JsonUnknownField: "json.unknown-field", InvalidArgument,
        "Invalid JSON payload received. Unknown name \"{3}\"{0}: Cannot find field.",
        "a strict reader takes known fields only: {1}", "{2}";
    JsonDuplicate: "json.duplicate-field", InvalidArgument, INVALID_VALUE,
        "a field is given once, in one of its two spellings: {1}", "{2}";
    JsonOneof: "json.oneof", InvalidArgument, INVALID_VALUE,
        "at most one member of a oneof is set: {1}", "{2}";
    JsonType: "json.type", InvalidArgument, INVALID_VALUE,
        "a value has the JSON type that proto3 gives its field: {1}", "{2}";
    JsonNumber: "json.number", InvalidArgument, INVALID_VALUE,
        "a number fits its type; integers have no fraction: {1}", "{2}";
    JsonEnum: "json.enum", InvalidArgument, INVALID_VALUE,
        "an enum is an exact upper-case name or an integer: {1}", "{2}";
    JsonBase64: "json.base64", InvalidArgument, "Invalid value{0} (TYPE_BYTES), Base64 decoding failed",
        "bytes are base64, standard or URL-safe, padding optional: {1}", "{2}";
    JsonDuration: "json.duration", InvalidArgument, INVALID_VALUE,
        "a duration is a string of seconds with the suffix s: {1}", "{2}";
    JsonTimestamp: "json.timestamp", InvalidArgument, INVALID_VALUE,
        "a time is an RFC 3339 string: {1}", "{2}";
    Protobuf: "pb.malformed", InvalidArgument, "Invalid value{0}: {1}",
        "a binary message follows the protobuf wire format: {1}", "{2}";
    MessageTooLarge: "message.too-large", InvalidArgument, "Invalid JSON payload received. {1}",
        "a message has a size limit: {1}", "{2}";
    MessageTooDeep: "message.too-deep", InvalidArgument, "Invalid JSON payload received. {1}",
        "a message has a depth limit: {1}", "{2}";
    MessageTooManyElements: "message.too-many-elements", InvalidArgument, "Invalid JSON payload received. {1}",
        "a message has a limit of elements: {1}", "{2}";

    // The order of messages.
    SetupMissing: "setup.first", InvalidArgument, SETUP_FIRST,
        "setup is the first message", "send setup, wait for setupComplete, then go on";
    SetupRepeated: "setup.once", InvalidArgument, SETUP_FIRST,
        "setup is sent once", "open another connection to change the configuration";
    MessagesBeforeSetup: "setup.too-much-before-complete", InvalidArgument, INVALID,
        "the session holds {0} messages before setupComplete, of {1} at most", "wait for setupComplete";

    // The model.
    ModelMissing: "setup.model-missing", InvalidArgument, INVALID,
        "a model is named", "name one, such as models/gemini-3.8-live";
    ModelUnknown: "setup.model-unknown", NotFound,
        "{0} is not found for API version {1}, or is not supported for bidiGenerateContent.",
        "\"{0}\" is no model that this server knows", "use a name that matches one of its model profiles";
    PublisherModelUnknown: "setup.publisher-model-unknown", NotFound, "Publisher Model `{0}` not found.",
        "\"{0}\" is no model that this server knows", "use a name that matches one of its model profiles";

    // What it answers in, and with which voice.
    FieldOfOtherBackend: "setup.field-of-other-backend", InvalidArgument,
        "Invalid JSON payload received. Unknown name \"{0}\" at '{1}': Cannot find field.",
        "{2} has no such field; {3} has", "leave it out";
    FieldOfOtherVersion: "setup.field-of-other-version", InvalidArgument,
        "Invalid JSON payload received. Unknown name \"{0}\" at '{1}': Cannot find field.",
        "version {2} of the API has no such field", "leave it out, or dial version {3}";
    ModalitiesCombined: "setup.modalities-combined", InvalidArgument,
        "The requested combination of response modalities ({0}) is not supported by the model",
        "{0} is not one modality that the model answers in", "ask for exactly one of TEXT and AUDIO";
    ModalityUnsupported: "setup.modality-unsupported", InvalidArgument,
        "The requested combination of response modalities ({0}) is not supported by the model",
        "the model does not answer in {0}", "ask for {1}";
    TextFromNativeAudio: "setup.text-from-native-audio", InvalidArgument,
        "Text output is not supported for native audio output model.",
        "{0} answers in AUDIO only", "ask for AUDIO and read setup.outputAudioTranscription";
    VoiceWithoutAudio: "setup.voice-without-audio", InvalidArgument,
        "Cannot extract voices from a non-audio request.",
        "a session that answers in TEXT has no voice", "drop speechConfig, or ask for AUDIO";
    VoiceUnknown: "setup.voice-unknown", InvalidArgument, "No matching speaker voice found for name: {0}",
        "the model has no voice \"{0}\"", "use one of its voices, such as {1}; names are case-sensitive";
    VoiceOfSeveral: "setup.voice-of-several", InvalidArgument, INVALID,
        "a live session has one voice", "use voiceConfig";
    VoiceCopied: "setup.voice-copied", InvalidArgument, INVALID,
        "the model cannot copy a voice", "use prebuiltVoiceConfig";
    LanguageUnsupported: "setup.language-unsupported", InvalidArgument, "Unsupported language code '{0}'",
        "the model does not speak \"{0}\"", "use one of its codes with a region, such as es-US";

    // How it thinks and chooses its words.
    ThinkingUnsupported: "setup.thinking-unsupported", InvalidArgument, INVALID,
        "the model does not think", "leave thinkingConfig out";
    ThinkingBudgetUnsupported: "setup.thinking-budget-unsupported", InvalidArgument, INVALID,
        "the model has no thinking budget", "leave it out";
    ThinkingBudgetRange: "setup.thinking-budget-range", InvalidArgument, INVALID,
        "it takes {1} to {2}, 0 for no thinking and -1 for as much as the model likes; found {0}",
        "choose a number in that range, or leave it out";
    ThinkingTwice: "setup.thinking-budget-beside-level", InvalidArgument, INVALID,
        "thinking has a budget or a level, not both", "leave out one of thinkingBudget and thinkingLevel";
    ThinkingLevelUnsupported: "setup.thinking-level-unsupported", InvalidArgument, INVALID,
        "the model does not have the thinking level {0}", "{1}";
    ThinkingLevelMissing: "setup.thinking-level-missing", InvalidArgument, INVALID,
        "the model has to be told how much to think", "set it to one of {0}";
    MaxOutputTokens: "setup.max-output-tokens", InvalidArgument, INVALID,
        "an answer has at least one token; found {0}", "raise it, or leave it out for no limit";
    NumberOutOfRange: "setup.number-out-of-range", InvalidArgument, INVALID,
        "it takes {1} to {2}; found {0}", "choose a number in that range, or leave it out";
    TopK: "setup.top-k", InvalidArgument, INVALID,
        "at least one token is to choose from; found {0}", "raise it, or leave it out";
    CandidateCount: "setup.candidate-count", InvalidArgument, INVALID,
        "a live session has one answer to a turn; found {0}", "leave it out";
    GenerationFieldNotLive: "setup.generation-field-not-live", InvalidArgument, INVALID,
        "live sessions do not support {0}", "leave it out";
    AffectiveDialogUnsupported: "setup.affective-dialog-unsupported", InvalidArgument, INVALID,
        "the model has no affective dialog", "leave enableAffectiveDialog out, or name a 2.5 model with native audio";
    ProactivityUnsupported: "setup.proactivity-unsupported", InvalidArgument, INVALID,
        "the model cannot be proactive", "leave proactivity out";
    ProactiveVideoAlone: "setup.proactive-video-alone", InvalidArgument, INVALID,
        "proactive video needs proactive audio", "set proactiveAudio too";
    TranslationUnsupported: "setup.translation-unsupported", InvalidArgument, INVALID,
        "the model does not translate by configuration", "leave translationConfig out, or name a model that translates";
    AvatarUnsupported: "setup.avatar-unsupported", InvalidArgument, INVALID,
        "the model shows no avatar", "leave avatarConfig out";
    InstructionUnsupported: "setup.instruction-unsupported", InvalidArgument, INVALID,
        "the model takes no instruction", "leave systemInstruction out";
    InstructionNotText: "setup.instruction-not-text", InvalidArgument, INVALID,
        "an instruction is text", "send text parts only";
    LabelKey: "setup.label-key", InvalidArgument, INVALID,
        "a label's key begins with a letter and has at most {1} lower-case letters, digits, _ and -; found \"{0}\"",
        "rename it";
    SafetyCategory: "setup.safety-category-missing", InvalidArgument, INVALID,
        "a safety setting names its category", "name one, such as HARM_CATEGORY_HARASSMENT";
    TurnCoverage: "setup.turn-coverage-refused", InvalidArgument, INVALID,
        "the model refuses {0} on this backend", "leave it out, or choose another";
    ProactivityAlways: "setup.proactivity-always", InvalidArgument, INVALID,
        "the model is always proactive", "leave proactivity out";

    // Tools.
    FunctionNameMissing: "tools.function-name-missing", InvalidArgument, INVALID,
        "a function has a name", "name it";
    FunctionNameTooLong: "tools.function-name-too-long", InvalidArgument, INVALID,
        "a function's name has a limit of length", "shorten it to {0} characters";
    FunctionDeclaredTwice: "tools.function-declared-twice", InvalidArgument, INVALID,
        "a function is declared once", "remove the other declaration of this name";
    FunctionsTooMany: "tools.functions-too-many", InvalidArgument, INVALID,
        "a session has a limit of declared functions", "declare at most {0}";
    FunctionNameBegins: "tools.function-name-begins", InvalidArgument, INVALID,
        "a function's name begins with a letter or an underscore; found \"{0}\"", "put a letter before it";
    FunctionNameCharacters: "tools.function-name-characters", InvalidArgument, INVALID,
        "a function's name is of letters, digits, and _ . : - ; found {0} in \"{1}\"", "replace it by an underscore";
    FunctionBehavior: "tools.behavior-refused", InvalidArgument, INVALID,
        "the model refuses this behavior", "leave it out";
    FunctionsUnsupported: "tools.functions-unsupported", Unimplemented, NOT_ENABLED,
        "the model calls no functions", "leave them out, or name a model that does";
    ToolEmpty: "tools.empty", InvalidArgument, INVALID,
        "a tool holds something", "leave it out";
    SchedulingUnsupported: "tools.scheduling-refused", InvalidArgument, INVALID,
        "the model does not take scheduling", "leave it out";
    FunctionBehaviorUnknown: "tools.behavior-unknown", InvalidArgument, INVALID,
        "there is no such behavior", "use BLOCKING or NON_BLOCKING";
    SchemaInBothForms: "tools.schema-in-both-forms", InvalidArgument, INVALID,
        "{0} and {1} are two forms of one schema, of which a function has one", "leave one of them out";
    ArgumentsNotObject: "tools.arguments-not-object", InvalidArgument, INVALID,
        "the arguments of a function are an object", "set type to {0}, and put the rest into properties";

    // Schemas of functions, in both forms.
    SchemaTooDeep: "schema.too-deep", InvalidArgument, INVALID,
        "schemas stand at most {0} deep within each other", "flatten the schema";
    SchemasTooMany: "schema.too-many", InvalidArgument, INVALID,
        "a function has at most {0} schemas within each other", "declare fewer properties, or more functions";
    SchemaTypeMissing: "schema.type-missing", InvalidArgument, INVALID,
        "a schema without anyOf has a type", "set it, such as STRING";
    SchemaTypeUnknown: "schema.type-unknown", InvalidArgument, INVALID,
        "there is no type {0}", "use one of {1}";
    SchemaTypeForm: "schema.type-form", InvalidArgument, INVALID,
        "a type is a name or a list of names", "use one of {0}";
    SchemaItemsMissing: "schema.items-missing", InvalidArgument, INVALID,
        "an ARRAY says what its elements are", "add items, the schema of each element";
    SchemaFieldMisplaced: "schema.field-misplaced", InvalidArgument, INVALID,
        "only an {0} has {1}, and this is a {2}", "set type to {0}, or leave {1} out";
    SchemaPropertyUnknown: "schema.property-unknown", InvalidArgument, INVALID,
        "\"{0}\" is no property of this schema", "name one of its properties: {1}";
    SchemaNamesForm: "schema.names-form", InvalidArgument, INVALID,
        "{0} is a list of names", "list the names of properties at the object that has them";
    SchemaEnumType: "schema.enum-type", InvalidArgument, INVALID,
        "an enum has STRING values, and this is a {0}", "set type to STRING, or leave enum out";
    SchemaEnumEmpty: "schema.enum-empty", InvalidArgument, INVALID,
        "an enum lists at least one value", "list its values, or leave it out";
    SchemaEnumValue: "schema.enum-value", InvalidArgument, INVALID,
        "a value of the enum is not of type {0}", "correct the value, or type";
    SchemaRangeEmpty: "schema.range-empty", InvalidArgument, INVALID,
        "no value fits: {0} is {1} and {2} is {3}", "lower {0} or raise {2}";
    SchemaCount: "schema.count", InvalidArgument, INVALID,
        "it counts, from 0 on; found {0}", "send a whole number that is not negative";
    SchemaNumber: "schema.number", InvalidArgument, INVALID,
        "it is a number", "send a number, or leave it out";
    SchemaReferenceForm: "schema.reference-form", InvalidArgument, INVALID,
        "a reference is a string", "write it like #/$defs/Name";
    SchemaReferenceUnknown: "schema.reference-unknown", InvalidArgument, INVALID,
        "\"{0}\" is nowhere in this schema", "send it along in {1}, and refer to it like #/{1}/Name";
    SchemaReferencesTooDeep: "schema.references-too-deep", InvalidArgument, INVALID,
        "references are followed at most {0} deep, and \"{1}\" goes deeper", "write some of the schemas out where they are used";
    SchemaRequiresItself: "schema.requires-itself", InvalidArgument, INVALID,
        "\"{0}\" requires itself, so that no value is ever complete", "leave one of the properties on the way out of required";
    SchemaKeyword: "schema.keyword-unsupported", InvalidArgument, INVALID,
        "{0} of JSON Schema is not supported", "{1}";
    SchemaForm: "schema.form", InvalidArgument, INVALID,
        "a schema is an object, or true or false within another", "send an object, such as one with type and properties";
    SchemaMapForm: "schema.map-form", InvalidArgument, INVALID,
        "it holds schemas by their names", "send an object of schemas";
    SchemaListForm: "schema.list-form", InvalidArgument, INVALID,
        "it holds a list of schemas", "send a list with at least one schema";

    // What a server runs by itself.
    BuiltInNotOfModel: "tools.built-in-not-of-model", Unimplemented, NOT_ENABLED,
        "the model does not have this built-in tool", "leave it out, or name a model that has it";
    BuiltInNotRun: "tools.built-in-not-run", Unimplemented, NOT_ENABLED,
        "this server has nothing to run the tool with", "leave it out, or let the server have an engine for it (docs/tools.md)";

    // Sessions that go on.
    HandleInvalid: "resumption.handle-invalid", InvalidArgument, "Invalid session handle",
        "no server makes such a handle", "send newHandle of a sessionResumptionUpdate unchanged, or start without a handle";
    SessionUnknown: "resumption.session-unknown", NotFound, SESSION_NOT_FOUND,
        "the handle names no session of this server", "start without a handle";
    SessionExpired: "resumption.session-expired", NotFound, SESSION_NOT_FOUND,
        "the handle is too old", "start without a handle, and resume sooner";
    SessionForeign: "resumption.session-foreign", NotFound, "Requested entity was not found.",
        "the handle was given to another project",
        "use the credential that the session was opened with, or start without a handle";
    ModelChanged: "resumption.model-changed", InvalidArgument, INVALID,
        "a session keeps its model, {0}; asked for {1}", "name the same model, or start without a handle";

    // The window.
    CompressionMechanism: "compression.mechanism-missing", InvalidArgument, INVALID,
        "compression needs a mechanism, and there is one", "add slidingWindow, empty for its defaults";
    CompressionUnsupported: "compression.unsupported", InvalidArgument, INVALID,
        "the model's context is not compressed", "leave contextWindowCompression out";
    CompressionTarget: "compression.target-not-below-trigger", InvalidArgument, INVALID,
        "it is below the trigger of {0}; found {1}", "lower it, or leave it out for half of the trigger";
    ContextTokens: "context.tokens", InvalidArgument, INVALID,
        "the session holds {0} tokens, of {1} at most", "start a new session, with contextWindowCompression if it is to go on for long";
    ContextTurn: "context.turn-too-large", InvalidArgument, INVALID,
        "the session holds {0} tokens, of {1} at most", "start a new session, and say less in one turn";
    ContextBytes: "context.bytes", InvalidArgument, INVALID,
        "the session holds {0} bytes, of {1} at most", "start a new session";
    ContextContents: "context.contents", InvalidArgument, INVALID,
        "the session holds {0} contents, of {1} at most", "start a new session";
    SpeechTooLong: "realtime.speech-too-long", InvalidArgument, INVALID,
        "the session holds {0} bytes of speech, of {1} at most", "end the activity sooner";

    // What the credential decides.
    LockedByToken: "auth.locked-by-token", InvalidArgument, INVALID,
        "the ephemeral token that opened the session decides this",
        "leave it as it is, or ask for a token that does not lock it";

    // Ordered content.
    RoleMissing: "content.role-missing", InvalidArgument, INVALID,
        "the model requires a role; found \"\"", "use the role user or model";
    RoleUnknown: "content.role-unknown", InvalidArgument, INVALID,
        "a role is user or model; found \"{0}\"", "use the role user or model";
    RoleSystem: "content.role-system", InvalidArgument, INVALID,
        "the Gemini API takes no content of role system; contextUpdate changes the instruction; found \"system\"",
        "use the role user or model";
    ContentEmpty: "content.empty", InvalidArgument, INVALID,
        "a content has parts", "add a part, or leave the content out";
    ContentNotTaken: "content.not-taken", InvalidArgument, INVALID,
        "the model takes no ordered content", "send realtimeInput.audio";
    ContentMidSession: "content.mid-session", InvalidArgument, INVALID,
        "the model takes clientContent only before its first answer", "send realtimeInput.text";
    NothingToAnswer: "content.nothing-to-answer", InvalidArgument, "No turn to complete",
        "a completed turn holds something to answer", "send content before completing the turn";
    LastTurnNotUser: "content.last-turn-not-user", InvalidArgument,
        "Last chunk before turn_complete must have role user.",
        "the model answers a user, and the last content has the role \"{0}\"", "end the turns with one of role user";

    // What flows.
    ActivityUnderAutomaticDetection: "realtime.activity-under-automatic-detection", InvalidArgument,
        "Explicit activity control is not supported when automatic activity detection is enabled.",
        "the server detects activity itself",
        "set setup.realtimeInputConfig.automaticActivityDetection.disabled to true to frame speech yourself";
    ActivityEmpty: "realtime.activity-empty", InvalidArgument, "No turn to complete",
        "a completed turn holds something to answer", "send content before completing the turn";
    MediaChunks: "realtime.media-chunks", InvalidArgument, INVALID,
        "the model does not take mediaChunks", "send audio, video or text";
    AudioNotTaken: "realtime.audio-not-taken", InvalidArgument,
        "The audio content type (CONTENT_TYPE_AUDIO) is not supported for this model configuration",
        "the model does not hear", "send text";
    VideoNotTaken: "realtime.video-not-taken", InvalidArgument, INVALID,
        "the model does not see", "send audio";
    TextNotTaken: "realtime.text-not-taken", InvalidArgument, INVALID,
        "the model does not read", "send audio";
    AudioType: "realtime.audio-type", InvalidArgument, INVALID,
        "audio takes an audio type; found \"{0}\"", "send audio/pcm;rate=16000";
    AudioFormat: "realtime.audio-format", InvalidArgument, INVALID,
        "sound is 16-bit PCM, G.711 (audio/pcmu, audio/pcma) or WAV; found \"{0}\"", "send audio/pcm;rate=16000";
    AudioRate: "realtime.audio-rate", InvalidArgument, INVALID,
        "sound has {1} to {2} samples a second; found \"{0}\"", "send audio/pcm;rate=16000";
    AudioRateTwice: "realtime.audio-rate-twice", InvalidArgument, INVALID,
        "a rate is given once; found \"{0}\"", "send audio/pcm;rate=16000";
    AudioChannels: "realtime.audio-channels", InvalidArgument, INVALID,
        "sound has one channel; found \"{0}\"", "send audio/pcm;rate=16000";
    AudioBroken: "realtime.audio-broken", InvalidArgument, "Failed to parse WAV audio.",
        "{1}; found \"{0}\"", "send audio/pcm;rate=16000";
    VideoType: "realtime.video-type", InvalidArgument, INVALID,
        "video takes an image type; found \"{0}\"", "send image/jpeg";
    PictureFormat: "realtime.picture-format", InvalidArgument, INVALID,
        "pictures are {1}; found \"{0}\"", "send image/jpeg";
    MediaKind: "realtime.media-kind", InvalidArgument, INVALID,
        "media are sound or pictures; found \"{0}\"", "send audio/pcm;rate=16000 or image/jpeg";
}

impl Rule {
    /// A name that stays: for logs, tests and documents.
    pub fn id(self) -> &'static str {
        self.row().id
    }

    /// gRPC status, which decides the close code.
    pub fn status(self) -> GrpcStatus {
        self.row().status
    }

    /// WebSocket close code: what does not exist or is not offered is 1008, all else that a client says wrongly 1007.
    pub fn code(self) -> u16 {
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

    /// What the service closes with; `{0}` and the like stand for what was found.
    pub fn text(self) -> &'static str {
        self.row().text
    }

    /// The rule as a sentence, with the same places.
    pub fn sentence(self) -> &'static str {
        self.row().rule
    }

    /// What to do instead, with the same places.
    pub fn fix(self) -> &'static str {
        self.row().fix
    }
}

/// Puts what was found into the places of a text.
pub(super) fn fill(template: &str, found: &[String]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        out.push_str(before);
        let (index, after) = place[1..].split_once('}').expect("a place is closed");
        let index: usize = index.parse().expect("a place is a number");
        out.push_str(&found[index]);
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_spelled_alike() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for id in ids {
            let (room, name) = id.split_once('.').unwrap_or_else(|| panic!("{id}: room.name"));
            for word in [room, name] {
                assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{id}");
            }
        }
    }

    #[test]
    fn places_are_filled_in_order_and_what_was_found_is_data() {
        assert_eq!(fill("{0} of {1}: {0}", &["{1}".into(), "b".into()]), "{1} of b: {1}");
        assert_eq!(fill("nothing", &[]), "nothing");
    }

    #[test]
    fn a_text_that_stands_whole_fits_a_close_frame() {
        for rule in Rule::ALL.iter().filter(|rule| !rule.text().contains('{')) {
            assert!(rule.text().len() <= crate::close::CloseText::BYTES_MAX, "{rule:?}");
        }
    }
}
