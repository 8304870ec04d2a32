//! What becomes of a setup under a lock.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

use super::*;

fn setup(value: &Value) -> Setup {
    setup_of(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// What `sent` comes to under a token with `locked` and `mask`.
#[track_caller]
fn decided(locked: &Value, mask: &str, sent: &Value) -> Value {
    let locked = (!locked.is_null()).then(|| setup(locked));
    let lock = Lock::new(locked.as_ref(), mask).unwrap();
    let once = lock.apply(setup(sent)).unwrap();
    assert_eq!(lock.apply(once.clone()).unwrap(), once, "applied twice");
    let (setup, mask) = lock.parts();
    assert_eq!(Lock::from_parts(setup.as_deref(), &mask), Some(lock), "as it is kept");
    Value::Object(object(&once))
}

fn sent() -> Value {
    json!({
        "model": "models/theirs",
        "generationConfig": { "temperature": 1.5, "responseModalities": ["TEXT"], "topK": 3 },
        "systemInstruction": { "role": "user", "parts": [{ "text": "theirs" }] },
        "inputAudioTranscription": {},
    })
}

fn locked() -> Value {
    json!({
        "model": "models/ours",
        "generationConfig": { "temperature": 0.25, "responseModalities": ["AUDIO"] },
        "systemInstruction": { "parts": [{ "text": "ours" }] },
        "sessionResumption": {},
    })
}

#[test]
fn without_setup_and_mask_nothing_is_decided() {
    assert_eq!(decided(&Value::Null, "", &sent()), sent());
    assert_eq!(decided(&Value::Null, "  ", &sent()), sent());
}

#[test]
fn a_setup_without_mask_replaces_the_clients() {
    assert_eq!(decided(&locked(), "", &sent()), locked());
    let nameless = json!({ "generationConfig": { "temperature": 0.25 } });
    let expected = json!({ "model": "models/theirs", "generationConfig": { "temperature": 0.25 } });
    assert_eq!(decided(&nameless, "", &sent()), expected, "a setup has a model");
}

#[test]
fn what_a_mask_lists_is_the_tokens_and_the_rest_the_clients() {
    let mask = "model,generationConfig.responseModalities,generation_config.top_k,output_audio_transcription,\
                generationConfig.thinking_config.thinkingBudget,systemInstruction.role";
    let expected = json!({
        "model": "models/ours",
        "generationConfig": { "temperature": 1.5, "responseModalities": ["AUDIO"] },
        "systemInstruction": { "parts": [{ "text": "theirs" }] },
        "inputAudioTranscription": {},
    });
    assert_eq!(decided(&locked(), mask, &sent()), expected);
    // What was listed and is nowhere in the token is reset, with or without a setup.
    let reset = json!({ "model": "models/theirs", "generationConfig": { "topK": 3, "responseModalities": ["TEXT"] },
        "inputAudioTranscription": {} });
    assert_eq!(decided(&Value::Null, "generationConfig.temperature,systemInstruction", &sent()), reset);
    let bare = json!({ "model": "models/theirs", "generationConfig": {} });
    assert_eq!(decided(&Value::Null, "generationConfig.speechConfig.languageCode", &bare), bare, "presence is kept");
}

#[test]
fn deep_fields_and_whole_messages_can_be_locked() {
    let locked = json!({ "generationConfig": { "speechConfig": {
        "languageCode": "de-DE", "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": "Puck" } } } } });
    let sent = json!({ "model": "models/m", "generationConfig": { "speechConfig": {
        "languageCode": "es-ES", "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": "Kore" } } } } });
    let voice = |language: &str, voice: &str| {
        json!({ "model": "models/m", "generationConfig": { "speechConfig": {
            "languageCode": language, "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": voice } } } } })
    };
    for (mask, expected) in [
        ("generationConfig.speechConfig", voice("de-DE", "Puck")),
        ("generation_config.speechConfig.language_code", voice("de-DE", "Kore")),
        ("generationConfig.speechConfig.voiceConfig.prebuilt_voice_config.voiceName", voice("es-ES", "Puck")),
        ("generationConfig.speechConfig,generationConfig.speechConfig.languageCode", voice("de-DE", "Puck")),
    ] {
        assert_eq!(decided(&locked, mask, &sent), expected, "{mask}");
    }
    let absent = json!({ "model": "models/m" });
    assert_eq!(decided(&locked, "generationConfig.speechConfig", &absent), voice("de-DE", "Puck"));
}

#[test]
fn what_cannot_stand_beside_each_other_is_an_error_that_says_where() {
    let ours = setup(&json!({ "generationConfig": { "speechConfig": { "voiceConfig": {
        "prebuiltVoiceConfig": { "voiceName": "Puck" } } } } }));
    let theirs = json!({ "model": "models/m", "generationConfig": { "speechConfig": { "voiceConfig": {
        "replicatedVoiceConfig": { "mimeType": "audio/pcm" } } } } });
    let lock = Lock::new(Some(&ours), "generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig").unwrap();
    let error = lock.apply(setup(&theirs)).unwrap_err();
    assert_eq!(error.path.to_string(), "setup.generationConfig.speechConfig.voiceConfig");
}

#[test]
fn a_handle_to_resume_by_is_the_clients() {
    let resuming = json!({ "model": "models/theirs", "sessionResumption": { "handle": "h" } });
    for (locked, mask) in [
        (locked(), ""),
        (json!({ "model": "models/ours" }), ""),
        (json!({ "model": "models/ours", "sessionResumption": { "handle": "old" } }), ""),
        (locked(), "model,sessionResumption"),
        (locked(), "model,sessionResumption.handle"),
        (json!({ "model": "models/ours" }), "model,session_resumption"),
    ] {
        let decided = decided(&locked, mask, &resuming);
        assert_eq!(decided["sessionResumption"]["handle"], "h", "{mask}: {decided}");
        assert_eq!(decided["model"], "models/ours", "{mask}");
    }
    let fixed = json!({ "model": "models/ours", "sessionResumption": { "handle": "old" } });
    assert_eq!(
        decided(&fixed, "", &json!({ "model": "models/theirs" })),
        fixed,
        "a client without one has the token's"
    );
    let asking = json!({ "model": "models/theirs", "sessionResumption": {} });
    let silent = json!({ "model": "models/ours" });
    assert_eq!(decided(&silent, "", &asking), silent, "whether it can be resumed is decided with the rest");
}

#[test]
fn a_path_that_names_nothing_is_named() {
    for (mask, path, says) in [
        ("model,generation_config.no_such", "generation_config.no_such", "no field generationConfig.noSuch"),
        ("temperature.high", "temperature.high", "no field generationConfig.temperature.high"),
        ("tools.functionDeclarations", "tools.functionDeclarations", "no field tools.functionDeclarations"),
        ("labels.team", "labels.team", "no field labels.team"),
        ("model.name", "model.name", "no field model.name"),
        ("setup.model", "setup.model", "no field setup"),
        ("model,,tools", "", "names of fields"),
        ("model,", "", "names of fields"),
        ("*", "*", "names of fields"),
        ("generationConfig.", "generationConfig.", "names of fields"),
        ("model\n", "model", ""),
        ("a.b.c.d.e.f.g.h.i.j.k", "a.b.c.d.e.f.g.h.i.j.k", "deeper"),
        ("\"}", "\"}", "names of fields"),
    ] {
        match Lock::new(None, mask) {
            Ok(_) => assert!(says.is_empty(), "{mask} is taken"),
            Err(error) => {
                assert_eq!(error.path, path, "{mask}");
                assert!(!says.is_empty() && error.why.contains(says), "{mask}: {error}");
            }
        }
    }
    Lock::new(None, &"model,".repeat(300)).unwrap_err();
    Lock::new(None, &"x".repeat(20 << 10)).unwrap_err();
}

#[test]
fn a_field_of_the_generation_may_go_without_its_name() {
    // As Python sends what it is told to lock of no configuration, and JavaScript what it does not know.
    let full = Lock::new(None, "generationConfig.temperature,generationConfig.mediaResolution").unwrap();
    assert_eq!(Lock::new(None, "temperature,mediaResolution").unwrap(), full);
    assert_eq!(Lock::new(None, "temperature,media_resolution").unwrap(), full);
    let deep = Lock::new(None, "generationConfig.speechConfig.languageCode").unwrap();
    assert_eq!(Lock::new(None, "speech_config.language_code").unwrap(), deep);
}

#[test]
fn what_the_sdks_send_is_taken() {
    for mask in [
        "model,generationConfig.responseModalities,generationConfig.temperature,systemInstruction.parts,\
         systemInstruction.role,sessionResumption,outputAudioTranscription,generationConfig.top_k,generationConfig.media_resolution",
        "model,tools,contextWindowCompression.triggerTokens,contextWindowCompression.slidingWindow,realtimeInputConfig,proactivity",
    ] {
        Lock::new(None, mask).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn instruction_and_tools_are_kept_where_they_are_decided() {
    let ours = setup(&locked());
    for (setup, mask, instruction, tools) in [
        (None, "", false, false),
        (Some(&ours), "", true, true),
        (Some(&ours), "model", false, false),
        (Some(&ours), "system_instruction.parts", true, false),
        (None, "tools", false, true),
        (None, "model,tools", false, true),
    ] {
        let lock = Lock::new(setup, mask).unwrap();
        assert_eq!((lock.keeps(Kept::SystemInstruction), lock.keeps(Kept::Tools)), (instruction, tools), "{mask}");
    }
}

#[test]
fn no_debug_output_tells_the_setup() {
    let shown = format!("{:?}", Lock::new(Some(&setup(&locked())), "model,tools").unwrap());
    assert!(shown.contains("tools") && !shown.contains("ours"), "{shown}");
}

/// Paths that are independent of each other, and values for each.
const FIELDS: &[(&str, &[&str])] = &[
    ("model", &[r#""models/a""#, r#""models/b""#]),
    ("generationConfig.temperature", &["0.1", "0.30000000000000004", "1.9999999999999998", "1e-7"]),
    ("generationConfig.topK", &["1", "40"]),
    ("generationConfig.responseModalities", &[r#"["AUDIO"]"#, r#"["TEXT"]"#]),
    ("generationConfig.speechConfig.languageCode", &[r#""en-US""#, r#""de-DE""#]),
    ("generationConfig.thinkingConfig.thinkingBudget", &["0", "128"]),
    ("systemInstruction.parts", &[r#"[{"text":"one"}]"#, r#"[{"text":"two"},{"text":"\u0000 ü"}]"#]),
    ("systemInstruction.role", &[r#""user""#]),
    (
        "tools",
        &[
            r#"[{"googleSearch":{}}]"#,
            r#"[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"z":[1.1,null],"a_b":{}}}]}]"#,
        ],
    ),
    ("outputAudioTranscription", &["{}", r#"{"languageCodes":["de"]}"#]),
    ("contextWindowCompression.triggerTokens", &[r#""25600""#]),
    ("labels", &[r#"{"a_b":"c"}"#]),
];

fn any_setup() -> impl Strategy<Value = Map<String, Value>> {
    let fields: Vec<_> = FIELDS
        .iter()
        .map(|(path, values)| {
            let value = proptest::option::of(proptest::sample::select(*values));
            value.prop_map(move |value| value.map(|value| (*path, value)))
        })
        .collect();
    fields.prop_map(|fields| {
        let mut object = Map::new();
        for (path, value) in fields.into_iter().flatten() {
            let value: Value = serde_json::from_str(value).unwrap();
            let inner = path.rsplit('.').fold(value, |inner, name| json!({ name: inner }));
            merge(&mut object, inner);
        }
        object
    })
}

fn merge(into: &mut Map<String, Value>, from: Value) {
    let Value::Object(from) = from else { unreachable!("it is an object") };
    for (name, value) in from {
        match into.get_mut(&name) {
            Some(Value::Object(inner)) => merge(inner, value),
            _ => _ = into.insert(name, value),
        }
    }
}

fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = object.get(names.next()?);
    names.fold(first, |value, name| value?.get(name))
}

fn snake(path: &str) -> String {
    path.chars().fold(String::new(), |out, c| match c.is_ascii_uppercase() {
        true => format!("{out}_{}", c.to_ascii_lowercase()),
        false => format!("{out}{c}"),
    })
}

proptest! {
    #[test]
    fn what_is_listed_is_the_tokens_and_nothing_else_is_touched(
        ours in any_setup(),
        theirs in any_setup(),
        listed in subsequence(FIELDS, 1..=FIELDS.len()),
        is_snake in any::<bool>(),
    ) {
        let (ours, theirs) = (object(&setup(&Value::Object(ours))), object(&setup(&Value::Object(theirs))));
        let spelled = |path: &str| if is_snake { snake(path) } else { path.to_owned() };
        let mask: Vec<String> = listed.iter().map(|(path, _)| spelled(path)).collect();
        let lock = Lock::new(Some(&setup(&Value::Object(ours.clone()))), &mask.join(",")).unwrap();
        let once = lock.apply(setup(&Value::Object(theirs.clone()))).unwrap();
        let decided = object(&once);
        for (path, _) in FIELDS {
            let from = if listed.iter().any(|(listed, _)| listed == path) { &ours } else { &theirs };
            prop_assert_eq!(at(&decided, path), at(from, path), "{}", path);
        }
        prop_assert_eq!(lock.apply(once.clone()).unwrap(), once);
    }

    #[test]
    fn no_mask_is_too_strange_to_be_judged(mask in "[a-zA-Z_.,\"{}\\\\ ]{0,60}") {
        if let Ok(lock) = Lock::new(None, &mask) {
            lock.apply(setup(&sent())).unwrap();
        }
    }
}
