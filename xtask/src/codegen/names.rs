//! Where the Rust model is called otherwise than the .proto files, and the other facts about fields that descriptors cannot say.

pub(super) const PACKAGE: &str = "google.ai.generativelanguage.v1beta";

/// A message up to this estimate is held inline; a bigger one in a `Box`.
pub(super) const INLINE_BYTES: usize = 40;

/// Messages held inline though they are big: the path that audio takes.
pub(super) const INLINE: &[&str] = &[
    "BidiGenerateContentClientMessage.client_content",
    "BidiGenerateContentClientMessage.realtime_input",
    "BidiGenerateContentClientMessage.tool_response",
    "BidiGenerateContentRealtimeInput.audio",
    "BidiGenerateContentRealtimeInput.video",
    "BidiGenerateContentServerMessage.server_content",
    "BidiGenerateContentServerContent.model_turn",
    "BidiGenerateContentSetup.system_instruction",
    "Part.inline_data",
];

/// Messages held in a `Box` though they are small: rare, and in the way of audio.
pub(super) const BOXED: &[&str] = &[
    "BidiGenerateContentServerContent.url_context_metadata",
    "Part.audio_metadata",
    "Part.document_metadata",
    "Part.media_resolution",
];

/// The oneof whose biggest variant is the one that audio takes.
pub(super) const HOT_ONEOF: &str = "ServerPayload";

/// Strings held as `MimeType`, which does not allocate for the types that audio comes in.
pub(super) const MIME_TYPES: &[&str] = &["Blob.mime_type"];

/// Strings that never reach a log.
pub(super) const SECRETS: &[&str] = &[
    "ApiAuth.ApiKeyConfig.api_key_string",
    "AuthConfig.api_key",
    "AuthConfig.ApiKeyConfig.api_key_secret",
    "AuthConfig.ApiKeyConfig.api_key_string",
    "AuthConfig.HttpBasicAuthConfig.credential_secret",
    "AuthConfig.OauthConfig.access_token",
    "AuthConfig.OidcConfig.id_token",
    "AuthToken.name",
    "SessionResumptionConfig.handle",
    "SessionResumptionUpdate.new_handle",
    "StreamableHttpTransport.headers",
    "Tool.ExaAiSearch.api_key",
    "Tool.ParallelAiSearch.api_key",
];

/// Fields that prost boxes, because the message holds itself.
pub(super) const PB_BOXED: &[&str] = &["Schema.items"];

/// The last part of the protobuf name, without the service's prefix, unless this table knows better.
pub(super) fn message(proto: &str) -> String {
    let name = match proto {
        "ApiAuth.ApiKeyConfig" => "ApiAuthKeyConfig",
        "AudioTranscriptionConfig.LanguageAuto" => "LanguageAuto",
        "BidiGenerateContentContextUpdate.Tools" => "ContextUpdateTools",
        "FileSearch.RetrievalConfig" => "FileSearchRetrievalConfig",
        "FileSearch.RetrievalResource" => "FileSearchRetrievalResource",
        "GoogleMaps.GroundingTypes" => "GoogleMapsGroundingTypes",
        "GoogleMaps.Places" => "GoogleMapsPlaces",
        "GoogleMaps.Routing" => "GoogleMapsRouting",
        "GroundingChunk.Image" => "GroundingChunkImage",
        "GroundingChunk.Maps" => "GroundingChunkMaps",
        "GroundingChunk.Maps.Route" => "GroundingChunkRoute",
        "GroundingChunk.RetrievedContext" => "GroundingChunkRetrievedContext",
        "GroundingChunk.Web" => "GroundingChunkWeb",
        "RagRetrievalConfig.Filter" => "RagFilter",
        "RagRetrievalConfig.HybridSearch" => "RagHybridSearch",
        "RagRetrievalConfig.Ranking" => "RagRanking",
        "RagRetrievalConfig.Ranking.LlmRanker" => "RagLlmRanker",
        "RagRetrievalConfig.Ranking.RankService" => "RagRankService",
        "ResponseFormat.Audio" => "AudioResponseFormat",
        "ResponseFormat.Image" => "ImageResponseFormat",
        "ResponseFormat.Text" => "TextResponseFormat",
        "ResponseFormat.Video" => "VideoResponseFormat",
        "VertexAISearch" => "VertexAiSearch",
        _ => last(proto).trim_start_matches("BidiGenerateContent"),
    };
    name.to_owned()
}

/// As for messages.
pub(super) fn enumeration(proto: &str) -> String {
    let name = match proto {
        "AudioTranscriptionConfig.Mode" => "AudioTranscriptionMode",
        "DocumentMetadata.ContentLayer" => "DocumentContentLayer",
        "DynamicRetrievalConfig.Mode" => "DynamicRetrievalMode",
        "FunctionCallingConfig.Mode" => "FunctionCallingMode",
        "GenerationConfig.Modality" => "Modality",
        "Modality" => "MediaModality",
        "PartMediaResolution.Level" => "PartMediaResolutionLevel",
        "SpreadsheetMetadata.ContentLayer" => "SpreadsheetContentLayer",
        "Tool.ComputerUse.Environment" => "ComputerUseEnvironment",
        "Type" => "SchemaType",
        "VideoMetadata.ContentLayer" => "VideoContentLayer",
        "VoiceActivity.Type" => "VoiceActivityType",
        _ => last(proto),
    };
    name.to_owned()
}

/// The field and the enum of a oneof.
pub(super) fn oneof(message: &str, oneof: &str) -> (String, String) {
    match (message, oneof) {
        ("ServerMessage", "message_type") => ("payload".into(), "ServerPayload".into()),
        ("VoiceConfig", "voice_config") => ("voice_config".into(), "VoiceChoice".into()),
        _ => (oneof.to_owned(), format!("{message}{}", heck::ToUpperCamelCase::to_upper_camel_case(oneof))),
    }
}

fn last(proto: &str) -> &str {
    proto.rsplit('.').next().unwrap_or(proto)
}
