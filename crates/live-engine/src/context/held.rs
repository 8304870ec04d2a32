//! Bytes that a history holds in memory: an estimate from above, so that nothing a peer can send is free.
//!
//! Not here: what the same content costs the model ([`super::Tokens`]).

use live_proto::{
    Blob, BuiltInToolCall, BuiltInToolResponse, Content, DocumentMetadata, FileData, FunctionCall, FunctionDeclaration,
    FunctionResponse, FunctionResponsePart, FunctionResponsePartData, Part, PartData, PartialArg, PartialArgDelta,
    Schema, SpeechMetadata, SpreadsheetMetadata, Struct, Tool, Transcription, Value, VideoMetadata,
};

/// What a content, a part or a piece of input takes before it holds anything.
pub(crate) const ITEM_BYTES: usize = 256;
/// What a value takes before it holds anything, a share of its list's spare room included.
const VALUE_BYTES: usize = 128;
/// What the first key of an object takes: a node of a B-tree has room for eleven.
const OBJECT_BYTES: usize = 640;

pub(crate) fn content_bytes(content: &Content) -> usize {
    let Content { parts, role } = content;
    ITEM_BYTES + role.len() + parts.iter().map(part_bytes).sum::<usize>()
}

/// What a session holds of its declarations. A message replaces all of them, so that other tools are bounded by its size.
pub(crate) fn tools_bytes(tools: &[Tool]) -> usize {
    let functions = tools.iter().flat_map(|tool| &tool.function_declarations);
    size_of_val(tools) + functions.map(function_bytes).sum::<usize>()
}

fn function_bytes(function: &FunctionDeclaration) -> usize {
    let FunctionDeclaration {
        name,
        description,
        parameters,
        response,
        behavior: _,
        parameters_json_schema,
        response_json_schema,
    } = function;
    let schemas = parameters.iter().chain(response).map(|schema| schema_bytes(schema)).sum::<usize>();
    let json_schemas = parameters_json_schema.iter().chain(response_json_schema).map(value_bytes).sum::<usize>();
    size_of::<FunctionDeclaration>() + name.len() + description.len() + schemas + json_schemas
}

/// Decoders bound the depth of a schema, so recursion ends.
fn schema_bytes(schema: &Schema) -> usize {
    let Schema {
        r#type: _,
        format,
        description,
        nullable: _,
        r#enum,
        items,
        properties,
        required,
        min_properties: _,
        max_properties: _,
        minimum: _,
        maximum: _,
        min_length: _,
        max_length: _,
        pattern,
        example,
        any_of,
        max_items: _,
        min_items: _,
        property_ordering,
        title,
        default,
        additional_properties,
        defs,
        r#ref,
    } = schema;
    let texts = [format, description, pattern, title, r#ref];
    let lists = r#enum.iter().chain(required).chain(property_ordering);
    let values = example.iter().chain(default).chain(additional_properties);
    let named = properties.iter().chain(defs);
    size_of::<Schema>()
        + texts.into_iter().map(String::len).sum::<usize>()
        + lists.map(|text| size_of::<String>() + text.len()).sum::<usize>()
        + values.map(value_bytes).sum::<usize>()
        + named.map(|(name, schema)| name.len() + schema_bytes(schema)).sum::<usize>()
        + items.iter().map(|schema| schema_bytes(schema)).sum::<usize>()
        + any_of.iter().map(schema_bytes).sum::<usize>()
}

/// A blob, without its bytes.
pub(crate) fn label_bytes(blob: &Blob) -> usize {
    blob.mime_type.as_str().len() + blob.display_name.len()
}

pub(crate) fn part_bytes(part: &Part) -> usize {
    let Part {
        data,
        part_metadata,
        thought: _,
        thought_signature,
        video_metadata,
        media_resolution,
        tool_call,
        tool_response,
        audio_transcription,
        media_processing: _,
        speech_metadata,
        document_metadata,
        spreadsheet_metadata,
        audio_metadata,
    } = part;
    ITEM_BYTES
        + data.as_ref().map_or(0, data_bytes)
        + thought_signature.len()
        + part_metadata.as_ref().map_or(0, struct_bytes)
        + video_metadata.as_deref().map_or(0, video_bytes)
        + media_resolution.as_ref().map_or(0, |_| VALUE_BYTES)
        + tool_call.as_deref().map_or(0, |BuiltInToolCall { id, tool_type: _, args }| {
            VALUE_BYTES + id.len() + args.as_ref().map_or(0, struct_bytes)
        })
        + tool_response.as_deref().map_or(0, |BuiltInToolResponse { id, tool_type: _, response }| {
            VALUE_BYTES + id.len() + response.as_ref().map_or(0, struct_bytes)
        })
        + audio_transcription.as_deref().map_or(0, transcription_bytes)
        + speech_metadata
            .as_deref()
            .map_or(0, |SpeechMetadata { speaker, style }| VALUE_BYTES + speaker.len() + style.len())
        + document_metadata.as_deref().map_or(0, document_bytes)
        + spreadsheet_metadata.as_deref().map_or(0, spreadsheet_bytes)
        + audio_metadata.as_ref().map_or(0, |_| VALUE_BYTES)
}

fn data_bytes(data: &PartData) -> usize {
    match data {
        PartData::Text(text) => text.len(),
        PartData::InlineData(blob) => blob.data.len() + label_bytes(blob),
        PartData::FunctionCall(it) => {
            let FunctionCall { name, args, id, partial_args, will_continue: _ } = it.as_ref();
            name.len()
                + id.len()
                + args.as_ref().map_or(0, struct_bytes)
                + partial_args.iter().map(partial_bytes).sum::<usize>()
        }
        PartData::FunctionResponse(it) => {
            let FunctionResponse { name, response, id, will_continue: _, scheduling: _, parts } = it.as_ref();
            name.len()
                + id.len()
                + response.as_ref().map_or(0, struct_bytes)
                + parts.iter().map(response_part_bytes).sum::<usize>()
        }
        PartData::FileData(it) => {
            let FileData { mime_type, file_uri, display_name } = it.as_ref();
            mime_type.len() + file_uri.len() + display_name.len()
        }
        PartData::ExecutableCode(code) => code.code.len() + code.id.len(),
        PartData::CodeExecutionResult(result) => result.output.len() + result.id.len(),
    }
}

fn response_part_bytes(part: &FunctionResponsePart) -> usize {
    let FunctionResponsePart {
        data,
        media_processing: _,
        media_resolution,
        video_metadata,
        document_metadata,
        spreadsheet_metadata,
        audio_metadata,
    } = part;
    let data = match data {
        None => 0,
        Some(FunctionResponsePartData::InlineData(blob)) => {
            blob.data.len() + blob.mime_type.len() + blob.display_name.len()
        }
        Some(FunctionResponsePartData::FileData(file)) => {
            file.file_uri.len() + file.mime_type.len() + file.display_name.len()
        }
    };
    ITEM_BYTES
        + data
        + media_resolution.as_ref().map_or(0, |_| VALUE_BYTES)
        + video_metadata.as_deref().map_or(0, video_bytes)
        + document_metadata.as_ref().map_or(0, document_bytes)
        + spreadsheet_metadata.as_deref().map_or(0, spreadsheet_bytes)
        + audio_metadata.as_ref().map_or(0, |_| VALUE_BYTES)
}

fn video_bytes(VideoMetadata { start_offset: _, end_offset: _, fps: _, content_layers }: &VideoMetadata) -> usize {
    VALUE_BYTES + content_layers.len() * VALUE_BYTES
}

fn document_bytes(DocumentMetadata { start_page: _, end_page: _, content_layers }: &DocumentMetadata) -> usize {
    VALUE_BYTES + content_layers.len() * VALUE_BYTES
}

fn spreadsheet_bytes(metadata: &SpreadsheetMetadata) -> usize {
    let SpreadsheetMetadata { visible_cells, sheet_index: _, content_layers } = metadata;
    VALUE_BYTES + visible_cells.len() + content_layers.len() * VALUE_BYTES
}

fn transcription_bytes(transcription: &Transcription) -> usize {
    let Transcription { text, finished: _, language_code, speaker_label, words, start_offset: _, end_offset: _ } =
        transcription;
    let words = words.iter().map(|word| VALUE_BYTES + word.word.len()).sum::<usize>();
    ITEM_BYTES + text.len() + language_code.len() + speaker_label.len() + words
}

fn partial_bytes(PartialArg { delta, json_path, will_continue: _ }: &PartialArg) -> usize {
    let delta = match delta {
        Some(PartialArgDelta::StringValue(text)) => text.len(),
        Some(PartialArgDelta::BoolValue(_) | PartialArgDelta::NullValue(_) | PartialArgDelta::NumberValue(_))
        | None => 0,
    };
    VALUE_BYTES + delta + json_path.len()
}

fn struct_bytes(object: &Struct) -> usize {
    let first = if object.0.is_empty() { 0 } else { OBJECT_BYTES };
    first + object.0.iter().map(|(key, value)| key.len() + value_bytes(value)).sum::<usize>()
}

/// Decoders bound the depth of a value, so recursion ends.
fn value_bytes(value: &Value) -> usize {
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(value_bytes).sum(),
        Value::Struct(object) => struct_bytes(object),
    };
    VALUE_BYTES + inside
}

#[cfg(test)]
mod tests {
    use live_proto::FunctionResponseBlob;

    use super::*;

    #[track_caller]
    fn check(part: Part, at_least: usize) {
        let bytes = content_bytes(&Content::unsigned(part));
        let plain = content_bytes(&Content::unsigned(Part::default()));
        assert!((at_least..4 * at_least + 2_048).contains(&(bytes - plain)), "{bytes} for {at_least}");
    }

    #[test]
    fn nothing_is_free() {
        assert!(size_of::<Part>() <= ITEM_BYTES && size_of::<Content>() <= 2 * ITEM_BYTES);
        assert!(content_bytes(&Content::default()) >= ITEM_BYTES);
        assert!(content_bytes(&Content::user("")) >= 2 * ITEM_BYTES);
        assert!(size_of::<Value>() + size_of::<String>() <= VALUE_BYTES);
    }

    #[test]
    fn whatever_a_part_holds_is_counted() {
        let kilobyte = "x".repeat(1_000);
        let object = |value: Value| [("key", value)].into_iter().collect::<Struct>();
        let response = |response| FunctionResponse::new("", "f", response);
        check(Part { thought_signature: vec![0; 1_000].into(), ..Part::default() }, 1_000);
        check(Part { part_metadata: Some(object(kilobyte.as_str().into())), ..Part::default() }, 1_000);
        check(Part { video_metadata: Some(Box::new(VideoMetadata::default())), ..Part::default() }, VALUE_BYTES);
        check(Part::inline(Blob { display_name: kilobyte.clone(), ..Blob::default() }), 1_000);
        check(Part::from(PartData::from(FileData { display_name: kilobyte.clone(), ..FileData::default() })), 1_000);
        check(Part::function_call(FunctionCall { id: kilobyte.clone(), ..FunctionCall::default() }), 1_000);
        check(Part::function_response(response(object(kilobyte.as_str().into()))), 1_000);
        check(Part::function_response(response(object(Value::List(vec![Value::List(Vec::new()); 1_000])))), 100_000);
        let empty = Value::Struct(Struct::default());
        check(Part::function_response(response(object(Value::List(vec![empty; 1_000])))), 100_000);
        let blob = FunctionResponseBlob { data: vec![0; 1_000].into(), ..FunctionResponseBlob::default() };
        let part = FunctionResponsePart {
            data: Some(FunctionResponsePartData::InlineData(Box::new(blob))),
            ..FunctionResponsePart::default()
        };
        let parts = vec![part; 3];
        check(Part::function_response(FunctionResponse { parts, ..FunctionResponse::default() }), 3_000);
    }

    #[test]
    fn declarations_are_counted_with_their_schemas() {
        let schema = Schema { any_of: vec![Schema::default(); 100], ..Schema::default() };
        let function = FunctionDeclaration { parameters: Some(Box::new(schema)), ..FunctionDeclaration::default() };
        let tool = Tool { function_declarations: vec![function], ..Tool::default() };
        assert!(tools_bytes(&[tool]) >= 100 * size_of::<Schema>());
    }
}
