//! Claims about the JSON of messages, rule by rule.

use bytes::Bytes;
use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::{Blob, ClientMessage, GenerationConfig, RealtimeInput, ServerMessage, ServerPayload, Setup, Unrecognized};

fn strict<M: Message>(json: &str) -> M {
    match decode(json.as_bytes(), &DecodeOptions::strict()) {
        Ok(decoded) => decoded.message,
        Err(error) => panic!("{json}: {error}"),
    }
}

fn refused<M: Message>(json: &str) -> String {
    match decode::<M>(json.as_bytes(), &DecodeOptions::strict()) {
        Ok(_) => panic!("{json} was taken"),
        Err(error) => error.to_string(),
    }
}

/// What the message says when it is written again.
fn again<M: Message>(json: &str) -> String {
    to_string(&strict::<M>(json))
}

#[test]
fn keys_are_spelled_in_both_ways_at_every_level() {
    let mixed = r#"{"setup":{"model":"m","generation_config":{"responseModalities":["AUDIO"],"speech_config":{"voiceConfig":{"prebuilt_voice_config":{"voice_name":"Puck"}}}}}}"#;
    expect![[r#"{"setup":{"model":"m","generationConfig":{"responseModalities":["AUDIO"],"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Puck"}}}}}}"#]]
        .assert_eq(&again::<ClientMessage>(mixed));
}

#[test]
fn keys_of_structs_maps_and_schemas_are_data() {
    let json = r#"{"setup":{"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"snake_key":{"type":"STRING"},"camelKey":{"type":"NUMBER"}}},"parametersJsonSchema":{"additional_properties":{"any_of":[1]}}}]}],"labels":{"team_name":"x"}}}"#;
    assert_eq!(
        again::<ClientMessage>(json),
        r#"{"setup":{"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"camelKey":{"type":"NUMBER"},"snake_key":{"type":"STRING"}}},"parametersJsonSchema":{"additional_properties":{"any_of":[1]}}}]}],"labels":{"team_name":"x"}}}"#
    );
}

#[test]
fn base64_is_either_alphabet_with_or_without_padding() {
    for data in ["-__-_w==", "-__-_w", "+//+/w==", "+//+/w", "-_/+/w"] {
        let message: Blob = strict(&format!(r#"{{"data":"{data}"}}"#));
        assert_eq!(message.data, Bytes::from_static(&[0xFB, 0xFF, 0xFE, 0xFF]), "{data}");
    }
    for data in ["A", "AAAAA", "AA=A", "AA=", "A===", "AA AA", "AAA\\n"] {
        assert_eq!(refused::<Blob>(&format!(r#"{{"data":"{data}"}}"#)), "data: expected base64", "{data}");
    }
}

#[test]
fn integers_come_as_numbers_integral_floats_and_strings() {
    for top_k in ["40", "40.0", "4e1", "\"40\"", "\"40.0\""] {
        assert_eq!(strict::<GenerationConfig>(&format!(r#"{{"topK":{top_k}}}"#)).top_k, Some(40), "{top_k}");
    }
    for (top_k, why) in [
        ("9.5", "topK: 9.5 is not an int32"),
        ("2147483648", "topK: 2147483648 is not an int32"),
        ("\"x\"", "topK: x is not an int32"),
        ("\" 1\"", "topK:  1 is not an int32"),
        ("true", "topK: expected an int32, found a boolean"),
        ("01", "topK: expected a comma or the end of the object at byte 9"),
    ] {
        let error = refused::<GenerationConfig>(&format!(r#"{{"topK":{top_k}}}"#));
        assert!(error == why || top_k == "01", "{error}");
    }
}

#[test]
fn int64_is_written_as_a_string() {
    let json = r#"{"setup":{"contextWindowCompression":{"triggerTokens":25600,"slidingWindow":{"targetTokens":"9223372036854775807"}}}}"#;
    expect![[r#"{"setup":{"contextWindowCompression":{"triggerTokens":"25600","slidingWindow":{"targetTokens":"9223372036854775807"}}}}"#]]
        .assert_eq(&again::<ClientMessage>(json));
}

#[test]
fn floats_may_be_strings_and_special() {
    let config: GenerationConfig = strict(r#"{"temperature":"NaN","topP":"-Infinity","presencePenalty":"0.25"}"#);
    assert!(config.temperature.is_some_and(f32::is_nan));
    assert_eq!(to_string(&config), r#"{"temperature":"NaN","topP":"-Infinity","presencePenalty":0.25}"#);
    assert_eq!(refused::<GenerationConfig>(r#"{"temperature":1e39}"#), "temperature: 1e39 is not a float");
    assert_eq!(refused::<GenerationConfig>(r#"{"temperature":NaN}"#), "temperature: expected a float at byte 15");
}

#[test]
fn enums_come_by_name_or_number_and_keep_what_they_do_not_know() {
    let config: GenerationConfig = strict(r#"{"responseModalities":["TEXT",3,77]}"#);
    assert_eq!(
        config.response_modalities,
        [crate::Modality::Text, crate::Modality::Audio, crate::Modality::Unrecognized(Unrecognized::Number(77))]
    );
    assert_eq!(to_string(&config), r#"{"responseModalities":["TEXT","AUDIO",77]}"#);
    assert_eq!(
        refused::<GenerationConfig>(r#"{"responseModalities":["text"]}"#),
        r#"responseModalities[0]: "text" is no value of GenerationConfig.Modality"#
    );
    let lenient = decode::<GenerationConfig>(br#"{"responseModalities":["SMELL"]}"#, &DecodeOptions::lenient());
    let lenient = lenient.expect("a lenient reader keeps a name");
    assert_eq!(lenient.unknown, ["responseModalities[0]"]);
    assert_eq!(to_string(&lenient.message), r#"{"responseModalities":["SMELL"]}"#);
}

#[test]
fn null_is_absence_except_inside_values() {
    assert_eq!(
        again::<ClientMessage>(r#"{"setup":null,"realtimeInput":{"text":null,"audio":null}}"#),
        r#"{"realtimeInput":{}}"#
    );
    let json = r#"{"toolResponse":{"functionResponses":[{"response":{"a":null,"b":[null]},"id":"1"}]}}"#;
    assert_eq!(again::<ClientMessage>(json), json);
    assert_eq!(
        refused::<ClientMessage>(r#"{"clientContent":{"turns":[null]}}"#),
        "clientContent.turns[0]: expected an object, found null"
    );
}

#[test]
fn two_members_of_a_oneof_are_an_error() {
    assert_eq!(
        refused::<ClientMessage>(r#"{"clientContent":{},"realtimeInput":{}}"#),
        r#""realtimeInput" cannot stand beside another member of "message_type""#
    );
    assert_eq!(
        refused::<ClientMessage>(r#"{"clientContent":{"turns":[{"parts":[{"text":"a","inlineData":{}}]}]}}"#),
        r#"clientContent.turns[0].parts[0]: "inlineData" cannot stand beside another member of "data""#
    );
}

#[test]
fn a_key_given_twice_is_an_error_in_any_spelling() {
    assert_eq!(refused::<RealtimeInput>(r#"{"text":"a","text":"b"}"#), r#"field "text" is given twice"#);
    assert_eq!(
        refused::<RealtimeInput>(r#"{"audioStreamEnd":true,"audio_stream_end":true}"#),
        r#"field "audio_stream_end" is given twice"#
    );
    assert_eq!(
        refused::<ClientMessage>(r#"{"toolResponse":{"functionResponses":[{"response":{"a":1,"a":2}}]}}"#),
        r#"toolResponse.functionResponses[0].response: field "a" is given twice"#
    );
}

#[test]
fn an_unknown_field_is_an_error_or_is_reported() {
    let json = r#"{"setup":{"generation_config":{"tempratur":[{"x":1}]}},"zzz":1}"#;
    let error = decode::<ClientMessage>(json.as_bytes(), &DecodeOptions::strict()).expect_err("strict");
    assert_eq!(error.to_string(), r#"setup.generationConfig: unknown field "tempratur""#);
    assert_eq!(error.path.proto_spelling(), "setup.generation_config");
    assert_eq!(error.fix(), r#"remove "tempratur", or check its spelling and its parent"#);
    let lenient = decode::<ClientMessage>(json.as_bytes(), &DecodeOptions::lenient()).expect("lenient");
    assert_eq!(lenient.unknown, ["setup.generationConfig.tempratur", "zzz"]);
    assert_eq!(to_string(&lenient.message), r#"{"setup":{"generationConfig":{}}}"#);
}

#[test]
fn what_is_not_json_says_where() {
    for (json, why) in [
        ("", "expected an object at byte 0"),
        ("[]", "expected an object, found a list"),
        ("{", "expected a key in quotes at byte 1"),
        ("{\"text\"}", "expected a colon at byte 7"),
        ("{\"text\":\"a\"", "expected a comma or the end of the object at byte 11"),
        ("{\"text\":\"a\"}x", "expected nothing after the message at byte 12"),
        ("{\"text\":\"a\n\"}", "text: expected no control character inside a string at byte 10"),
        ("{\"text\":\"\\ud800\"}", "text: expected the second half of a surrogate pair at byte 15"),
        ("{\"text\":\"a\",}", "expected a key in quotes at byte 12"),
        ("{\"text\":tru}", "text: expected a string, found a boolean"),
    ] {
        assert_eq!(refused::<RealtimeInput>(json), why, "{json}");
    }
    let error = decode::<RealtimeInput>(b"{\"text\":\"\xFF\"}", &DecodeOptions::strict()).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "text is not UTF-8");
}

#[test]
fn limits_hold() {
    let with = |limits| DecodeOptions { strictness: Strictness::Lenient, limits };
    let limits = DecodeLimits::default();
    let decode = |json: &str, limits| {
        decode::<ClientMessage>(json.as_bytes(), &with(limits)).map(|_| ()).map_err(|error| error.kind)
    };
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert_eq!(decode(&deep, limits), Err(DecodeErrorKind::TooDeep { limit: 100 }));
    let many = format!("{{\"x\":[{}1]}}", "1,".repeat(200));
    assert_eq!(
        decode(&many, DecodeLimits { elements_max: 100, ..limits }),
        Err(DecodeErrorKind::TooManyElements { limit: 100 })
    );
    assert_eq!(
        decode("{}  ", DecodeLimits { message_bytes_max: 3, ..limits }),
        Err(DecodeErrorKind::TooLarge { size: 4, limit: 3 })
    );
}

#[test]
fn strings_keep_their_characters() {
    let json = r#"{"text":"a\"\\\/\b\f\n\r\t\u0001\u00e9\ud83d\ude00é😀"}"#;
    let input: RealtimeInput = strict(json);
    assert_eq!(input.text.as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\t\u{1}é😀é😀"));
    assert_eq!(to_string(&input), "{\"text\":\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0001é😀é😀\"}");
}

#[test]
fn server_messages_are_written_as_the_service_words_them() {
    let setup_complete = ServerMessage::from(ServerPayload::SetupComplete(Default::default()));
    assert_eq!(to_string(&setup_complete), r#"{"setupComplete":{}}"#);
    let audio = ServerMessage::audio(Blob::pcm24k(vec![0; 4]));
    assert_eq!(
        to_string(&audio),
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAAAAA=="}}]}}}"#
    );
    let go_away =
        ServerPayload::GoAway(crate::GoAway { time_left: Some(std::time::Duration::from_millis(57_500).into()) });
    assert_eq!(to_string(&ServerMessage::from(go_away)), r#"{"goAway":{"timeLeft":"57.500s"}}"#);
    let update = ServerPayload::SessionResumptionUpdate(Default::default());
    assert_eq!(to_string(&ServerMessage::from(update)), r#"{"sessionResumptionUpdate":{}}"#);
}

#[test]
fn a_secret_prints_as_redacted() {
    let setup: Setup = strict(r#"{"sessionResumption":{"handle":"hunter2"}}"#);
    let printed = format!("{setup:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(printed, "Setup { session_resumption: Some(SessionResumptionConfig { handle: redacted }) }");
}

/// A frame near the shapes of audio: spelled, spaced and broken in every way that the strategy knows.
fn audio_like() -> impl Strategy<Value = Vec<u8>> {
    let data = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| base64_simd::STANDARD.encode_to_string(bytes)),
        4 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)),
        1 => "[A-Za-z0-9+/=_ \\\\é-]{0,12}",
    ];
    let mime = prop::sample::select(vec![
        "audio/pcm;rate=16000",
        "audio/pcm;rate=24000",
        "audio/pcm",
        "audio/pcm;rate=8000",
        "a\\u0041",
        "",
    ]);
    let space = prop::sample::select(vec!["", "", " ", "\n  ", "\t\r\n"]);
    let extra = prop::sample::select(vec![
        "",
        "",
        "",
        ",\"displayName\":\"x\"",
        ",\"data\":\"\"",
        ",\"nope\":1",
        ",\"data\":null",
    ]);
    let tail = prop::sample::select(vec!["", "", "", "\n", "}", " x", ","]);
    (data, mime, space, extra, tail, any::<[bool; 4]>(), any::<prop::sample::Index>(), 0..12u8).prop_map(
        |(data, mime, space, extra, tail, [snake, swap, server, role], at, change)| {
            let (outer, inner, mime_key) = match (server, snake) {
                (false, false) => ("realtimeInput", "audio", "mimeType"),
                (false, true) => ("realtime_input", "audio", "mime_type"),
                (true, false) => ("serverContent", "inlineData", "mimeType"),
                (true, true) => ("server_content", "inline_data", "mime_type"),
            };
            let (a, b) = (format!("\"{mime_key}\":{space}\"{mime}\""), format!("\"data\":{space}\"{data}\""));
            let (a, b) = if swap { (b, a) } else { (a, b) };
            let blob = format!("{{{space}{a}{space},{b}{extra}{space}}}");
            let inside = if server {
                let role = if role { ",\"role\":\"model\"" } else { "" };
                format!("{{\"modelTurn\":{{\"parts\":{space}[{{\"{inner}\":{blob}}}]{role}}}}}")
            } else {
                format!("{{\"{inner}\":{space}{blob}}}")
            };
            let mut frame = format!("{space}{{{space}\"{outer}\":{inside}{space}}}{tail}").into_bytes();
            let at = at.index(frame.len());
            match change {
                0 => frame.truncate(at),
                1 => frame[at] = b'"',
                2 => frame.insert(at, b','),
                3 => frame[at] ^= 0x80,
                _ => {}
            }
            frame
        },
    )
}

/// What the short way writes, which must be what the general way writes.
fn written_alike<M: Message>(message: &M) -> Result<String, TestCaseError> {
    let (mut short, mut general) = (BytesMut::new(), BytesMut::new());
    prop_assert!(message.write_audio(&mut short), "the short way takes plain audio");
    encode_general(message, &mut general);
    prop_assert_eq!(&short, &general);
    Ok(String::from_utf8(short.to_vec()).expect("JSON is text"))
}

fn short_way<M: Message>(frame: &[u8]) -> Option<M> {
    let mut message = M::default();
    message.fill_audio(frame).then_some(message)
}

fn agrees<M: Message + PartialEq + std::fmt::Debug>(frame: &[u8]) -> Result<(), TestCaseError> {
    let Some(short) = short_way::<M>(frame) else { return Ok(()) };
    let mut general = Decoded { message: M::default(), unknown: Vec::new() };
    prop_assert_eq!(decode_general(frame, &DecodeOptions::strict(), &mut general), Ok(()));
    prop_assert_eq!(general, Decoded { message: short, unknown: Vec::new() });
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_short_way_for_audio_agrees_with_the_general_way(frame in audio_like()) {
        agrees::<ClientMessage>(&frame)?;
        agrees::<ServerMessage>(&frame)?;
    }

    #[test]
    fn audio_written_is_audio_read_by_the_short_way(pcm in proptest::collection::vec(any::<u8>(), 1..2000)) {
        let message = ServerMessage::audio(Blob::pcm24k(pcm.clone()));
        let frame = written_alike(&message)?;
        prop_assert_eq!(short_way::<ServerMessage>(frame.as_bytes()), Some(message));
        let message = ClientMessage::audio(Blob::pcm16k(pcm));
        let frame = written_alike(&message)?;
        prop_assert_eq!(short_way::<ClientMessage>(frame.as_bytes()), Some(message));
    }

    #[test]
    fn no_bytes_panic(frame in proptest::collection::vec(any::<u8>(), 0..60)) {
        for options in [DecodeOptions::strict(), DecodeOptions::lenient()] {
            let _ = decode::<ClientMessage>(&frame, &options);
            let _ = decode::<ServerMessage>(&frame, &options);
        }
    }
}
