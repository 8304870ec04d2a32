//! Our JSON against what a Rust program would write by hand: serde derives, serde_json, the base64 crate.
//!
//! Each group holds the same work done by both; the ratio within the group is the figure. "20 ms in" is a client's audio of
//! 640 bytes, "40 ms out" a server's of 1,920 bytes, pretty-printed as the service prints it where it is read.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use live_proto::json::{self, DecodeOptions};
use live_proto::{Blob, ClientMessage, ServerMessage};

mod plain {
    //! The hand-written types, as SDKs have them: camelCase with snake_case aliases, owned strings, base64 in a second pass.

    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    pub(crate) struct ClientMessage {
        #[serde(skip_serializing_if = "Option::is_none", alias = "client_content")]
        pub(crate) client_content: Option<ClientContent>,
        #[serde(skip_serializing_if = "Option::is_none", alias = "realtime_input")]
        pub(crate) realtime_input: Option<RealtimeInput>,
        #[serde(skip_serializing_if = "Option::is_none", alias = "tool_response")]
        pub(crate) tool_response: Option<ToolResponse>,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    pub(crate) struct ClientContent {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub(crate) turns: Vec<Content>,
        #[serde(skip_serializing_if = "std::ops::Not::not", alias = "turn_complete")]
        pub(crate) turn_complete: bool,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    pub(crate) struct RealtimeInput {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) audio: Option<Blob>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", alias = "activity_start")]
        pub(crate) activity_start: Option<Empty>,
    }

    #[derive(Deserialize, Serialize, Default)]
    pub(crate) struct Empty {}

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    pub(crate) struct ToolResponse {
        #[serde(skip_serializing_if = "Vec::is_empty", alias = "function_responses")]
        pub(crate) function_responses: Vec<FunctionResponse>,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
    pub(crate) struct FunctionResponse {
        pub(crate) name: String,
        pub(crate) response: Option<serde_json::Value>,
        pub(crate) id: String,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct ServerMessage {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) server_content: Option<ServerContent>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) tool_call: Option<ToolCall>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) usage_metadata: Option<Usage>,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct ToolCall {
        pub(crate) function_calls: Vec<FunctionCall>,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct FunctionCall {
        pub(crate) name: String,
        pub(crate) args: BTreeMap<String, serde_json::Value>,
        pub(crate) id: String,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct Usage {
        pub(crate) prompt_token_count: i32,
        pub(crate) response_token_count: i32,
        pub(crate) total_token_count: i32,
        pub(crate) prompt_tokens_details: Vec<Count>,
        pub(crate) response_tokens_details: Vec<Count>,
    }

    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Count {
        pub(crate) modality: Modality,
        pub(crate) token_count: i32,
    }

    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "UPPERCASE")]
    pub(crate) enum Modality {
        Text,
        Audio,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct ServerContent {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) model_turn: Option<Content>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        pub(crate) turn_complete: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) output_transcription: Option<Transcription>,
    }

    #[derive(Deserialize, Serialize, Default)]
    pub(crate) struct Transcription {
        pub(crate) text: String,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(default)]
    pub(crate) struct Content {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub(crate) parts: Vec<Part>,
        #[serde(skip_serializing_if = "String::is_empty")]
        pub(crate) role: String,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct Part {
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none", alias = "inline_data")]
        pub(crate) inline_data: Option<Blob>,
    }

    #[derive(Deserialize, Serialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    pub(crate) struct Blob {
        #[serde(alias = "mime_type")]
        pub(crate) mime_type: String,
        pub(crate) data: String,
    }
}

const TEXT_TURN: &str = r#"{"clientContent":{"turns":[{"parts":[{"text":"What is the capital of France, and how many people live there?"}],"role":"user"}],"turnComplete":true}}"#;
const ACTIVITY_START: &str = r#"{"realtimeInput":{"activityStart":{}}}"#;
const TOOL_RESPONSE: &str = r#"{"toolResponse":{"functionResponses":[{"name":"get_weather","response":{"output":{"temperature":21.5,"unit":"celsius","sky":"clear"}},"id":"function-call-1234567890123456789"}]}}"#;
const TURN_COMPLETE: &str = r#"{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":515,"responseTokenCount":30,"totalTokenCount":545,"promptTokensDetails":[{"modality":"TEXT","tokenCount":515}],"responseTokensDetails":[{"modality":"AUDIO","tokenCount":30}]}}"#;
const TOOL_CALL: &str = r#"{"toolCall":{"functionCalls":[{"name":"get_weather","args":{"city":"Paris","days":3},"id":"function-call-1234567890123456789"}]}}"#;
const TRANSCRIPT: &str = r#"{"serverContent":{"outputTranscription":{"text":" Paris is the capital"}}}"#;

/// Sound enough: bytes without a pattern.
fn pcm(bytes: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..bytes).map(|_| next()).collect()
}

fn decode_audio(c: &mut Criterion) {
    let options = DecodeOptions::strict();
    let javascript = json::to_string(&ClientMessage::audio(Blob::pcm16k(pcm(640))));
    let python = format!(
        r#"{{"realtime_input": {{"audio": {{"data": "{}", "mime_type": "audio/pcm;rate=16000"}}}}}}"#,
        URL_SAFE.encode(pcm(640))
    );
    for (name, frame, alphabet) in [("20 ms in", &javascript, &STANDARD), ("20 ms in, Python", &python, &URL_SAFE)] {
        let mut group = c.benchmark_group(format!("decode {name}"));
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function("ours", |b| {
            b.iter(|| json::decode::<ClientMessage>(black_box(frame.as_bytes()), &options));
        });
        group.bench_function("serde_json", |b| {
            b.iter(|| {
                let message: plain::ClientMessage = serde_json::from_slice(black_box(frame.as_bytes())).expect("valid");
                let blob = message.realtime_input.and_then(|input| input.audio).expect("audio");
                (alphabet.decode(blob.data).expect("base64"), blob.mime_type)
            });
        });
        group.finish();
    }
    let data = STANDARD.encode(pcm(1920));
    let frame = format!(
        "{{\n  \"serverContent\": {{\n    \"modelTurn\": {{\n      \"parts\": [\n        {{\n          \"inlineData\": {{\n            \"mimeType\": \"audio/pcm;rate=24000\",\n            \"data\": \"{data}\"\n          }}\n        }}\n      ]\n    }}\n  }}\n}}\n"
    );
    let mut group = c.benchmark_group("decode 40 ms out");
    group.throughput(Throughput::Bytes(frame.len() as u64));
    group.bench_function("ours", |b| {
        b.iter(|| json::decode::<ServerMessage>(black_box(frame.as_bytes()), &options));
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            let message: plain::ServerMessage = serde_json::from_slice(black_box(frame.as_bytes())).expect("valid");
            let content = message.server_content.and_then(|content| content.model_turn).expect("content");
            let blob = content.parts.into_iter().next().and_then(|part| part.inline_data).expect("audio");
            (STANDARD.decode(blob.data).expect("base64"), blob.mime_type)
        });
    });
    group.finish();
}

fn encode_audio(c: &mut Criterion) {
    let pcm = pcm(1920);
    let message = ServerMessage::audio(Blob::pcm24k(pcm.clone()));
    let mut out = BytesMut::with_capacity(8192);
    let mut group = c.benchmark_group("encode 40 ms out");
    group.throughput(Throughput::Bytes(pcm.len() as u64));
    group.bench_function("ours", |b| {
        b.iter(|| {
            out.clear();
            json::encode(black_box(&message), &mut out);
            out.len()
        });
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            let blob = plain::Blob { mime_type: "audio/pcm;rate=24000".into(), data: STANDARD.encode(black_box(&pcm)) };
            let content = plain::Content {
                parts: vec![plain::Part { text: None, inline_data: Some(blob) }],
                role: String::new(),
            };
            let content = plain::ServerContent { model_turn: Some(content), ..Default::default() };
            let message = plain::ServerMessage { server_content: Some(content), ..Default::default() };
            serde_json::to_string(&message).expect("serializable")
        });
    });
    group.finish();
}

fn control(c: &mut Criterion) {
    let options = DecodeOptions::strict();
    let client = [("text turn", TEXT_TURN), ("activityStart", ACTIVITY_START), ("toolResponse", TOOL_RESPONSE)];
    for (name, frame) in client {
        let mut group = c.benchmark_group(format!("decode {name}"));
        group.bench_function("ours", |b| {
            b.iter(|| json::decode::<ClientMessage>(black_box(frame.as_bytes()), &options))
        });
        group.bench_function("serde_json", |b| {
            b.iter(|| serde_json::from_slice::<plain::ClientMessage>(black_box(frame.as_bytes())));
        });
        group.finish();
    }
    for (name, frame) in [("turnComplete", TURN_COMPLETE), ("toolCall", TOOL_CALL), ("transcript", TRANSCRIPT)] {
        let mut group = c.benchmark_group(format!("decode {name}"));
        group.bench_function("ours", |b| {
            b.iter(|| json::decode::<ServerMessage>(black_box(frame.as_bytes()), &options))
        });
        group.bench_function("serde_json", |b| {
            b.iter(|| serde_json::from_slice::<plain::ServerMessage>(black_box(frame.as_bytes())));
        });
        group.finish();
        let mut group = c.benchmark_group(format!("encode {name}"));
        let message = json::decode::<ServerMessage>(frame.as_bytes(), &options).expect("valid").message;
        let mut out = BytesMut::with_capacity(8192);
        group.bench_function("ours", |b| {
            b.iter(|| {
                out.clear();
                json::encode(black_box(&message), &mut out);
                out.len()
            });
        });
        let message: plain::ServerMessage = serde_json::from_str(frame).expect("valid");
        let mut out = Vec::with_capacity(8192);
        group.bench_function("serde_json", |b| {
            b.iter(|| {
                out.clear();
                serde_json::to_writer(&mut out, black_box(&message)).expect("serializable");
                out.len()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, decode_audio, encode_audio, control);
criterion_main!(benches);
