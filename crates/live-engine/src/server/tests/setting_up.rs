//! The setup: what is accepted with which defaults, and what is refused how.

use super::*;

#[test]
fn defaults_follow_model_and_backend() {
    check(
        "C setup models/gemini-live-2.5-flash-preview",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview
              < setupComplete
              ! SetupAccepted HalfCascade25 Text
        "#]],
    );
    check(
        "C setup models/gemini-live-2.5-flash-preview transcripts",
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview transcripts
          < setupComplete
          ! SetupAccepted HalfCascade25 Audio Puck
    "#]],
    );
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest",
        expect![[r#"
        C setup models/gemini-2.5-flash-native-audio-latest
          < setupComplete
          ! SetupAccepted NativeAudio25 Audio Puck
    "#]],
    );
    check_with(
        vertex(),
        "C setup publishers/google/models/gemini-live-2.5-flash-preview",
        expect![[r#"
        C setup publishers/google/models/gemini-live-2.5-flash-preview
          < setupComplete a-uuid
          ! SetupAccepted HalfCascade25 Audio Puck
    "#]],
    );
    check(
        "C setup models/gemini-3.8-live voice=Sulafat lang=tlh",
        expect![[r#"
        C setup models/gemini-3.8-live voice=Sulafat lang=tlh
          < setupComplete
          ! SetupAccepted Live38 Audio Sulafat
    "#]],
    );
}

#[test]
fn setup_comes_first_and_once() {
    check(
        "C text hi\nC setup models/gemini-3.8-live",
        expect![[r#"
        C text hi
          ! Violation clientContent: setup is the first message; send setup, wait for setupComplete, then go on
          < close 1007 setup must be the first message and only the first
          ! Closed: clientContent: setup is the first message; send setup, wait for setupComplete, then go on
        C setup models/gemini-3.8-live
    "#]],
    );
    check(
        "C setup models/gemini-3.8-live\nC setup models/gemini-3.8-live",
        expect![[r#"
        C setup models/gemini-3.8-live
          < setupComplete
          ! SetupAccepted Live38 Audio Puck
        C setup models/gemini-3.8-live
          ! Violation setup: setup is sent once; open another connection to change the configuration
          < close 1007 setup must be the first message and only the first
          ! Closed: setup: setup is sent once; open another connection to change the configuration
    "#]],
    );
    check(
        "wait 20000ms",
        expect![[r#"
        wait 20000ms
          after 10000 ms
          < close 1011 Deadline expired before operation could complete.
          ! Closed: the peer did not finish the setup in time
    "#]],
    );
    check(
        "M text hi\nshutdown",
        expect![[r#"
        M text hi
          rejected: no session is open yet
        shutdown
          < close 1011 The service is currently unavailable.
          ! Closed: the host shuts down
    "#]],
    );
}

#[test]
fn models_are_known_by_name() {
    check(
        "C setup",
        expect![[r#"
        C setup
          ! Violation setup.model: a model is named; name one, such as models/gemini-3.8-live
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.model: a model is named; name one, such as models/gemini-3.8-live
    "#]],
    );
    check(
        "C setup models/gpt-4o",
        expect![[r#"
        C setup models/gpt-4o
          ! Violation setup.model: "models/gpt-4o" is no model that this server knows; use a name that matches one of its model profiles
          < close 1008 models/gpt-4o is not found for API version v1beta, or is not supported for bidiGenerateContent.
          ! Closed: setup.model: "models/gpt-4o" is no model that this server knows; use a name that matches one of its model profiles
    "#]],
    );
    check_with(
        vertex(),
        "C setup projects/p/locations/l/publishers/google/models/gpt-4o",
        expect![[r#"
        C setup projects/p/locations/l/publishers/google/models/gpt-4o
          ! Violation setup.model: "projects/p/locations/l/publishers/google/models/gpt-4o" is no model that this server knows; use a name that matches one of its model profiles
          < close 1008 Publisher Model `projects/p/locations/l/publishers/google/models/gpt-4o` not found.
          ! Closed: setup.model: "projects/p/locations/l/publishers/google/models/gpt-4o" is no model that this server knows; use a name that matches one of its model profiles
    "#]],
    );
}

#[test]
fn one_modality_that_the_model_has() {
    check(
        "C setup models/gemini-live-2.5-flash-preview TEXT AUDIO",
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT AUDIO
          ! Violation setup.generationConfig.responseModalities: TEXT|AUDIO is not one modality that the model answers in; ask for exactly one of TEXT and AUDIO
          < close 1007 The requested combination of response modalities (TEXT|AUDIO) is not supported by the model
          ! Closed: setup.generationConfig.responseModalities: TEXT|AUDIO is not one modality that the model answers in; ask for exactly one of TEXT and AUDIO
    "#]],
    );
    check(
        "C setup models/gemini-live-2.5-flash-preview IMAGE",
        expect![[r#"
            C setup models/gemini-live-2.5-flash-preview IMAGE
              ! Violation setup.generationConfig.responseModalities: the model does not answer in IMAGE; ask for TEXT or AUDIO
              < close 1007 The requested combination of response modalities (IMAGE) is not supported by the model
              ! Closed: setup.generationConfig.responseModalities: the model does not answer in IMAGE; ask for TEXT or AUDIO
        "#]],
    );
    check(
        "C setup models/gemini-3.8-live TEXT",
        expect![[r#"
        C setup models/gemini-3.8-live TEXT
          ! Violation setup.generationConfig.responseModalities: gemini-3.8-live answers in AUDIO only; ask for AUDIO and read setup.outputAudioTranscription
          < close 1007 Text output is not supported for native audio output model.
          ! Closed: setup.generationConfig.responseModalities: gemini-3.8-live answers in AUDIO only; ask for AUDIO and read setup.outputAudioTranscription
    "#]],
    );
}

#[test]
fn voices_and_languages_are_the_models() {
    check(
        "C setup models/gemini-3.8-live voice=alloy",
        expect![[r#"
        C setup models/gemini-3.8-live voice=alloy
          ! Violation setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName: the model has no voice "alloy"; use one of its voices, such as Puck; names are case-sensitive
          < close 1007 No matching speaker voice found for name: alloy
          ! Closed: setup.generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName: the model has no voice "alloy"; use one of its voices, such as Puck; names are case-sensitive
    "#]],
    );
    check(
        "C setup models/gemini-live-2.5-flash-preview TEXT voice=Puck",
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview TEXT voice=Puck
          ! Violation setup.generationConfig.speechConfig: a session that answers in TEXT has no voice; drop speechConfig, or ask for AUDIO
          < close 1007 Cannot extract voices from a non-audio request.
          ! Closed: setup.generationConfig.speechConfig: a session that answers in TEXT has no voice; drop speechConfig, or ask for AUDIO
    "#]],
    );
    check(
        "C setup models/gemini-live-2.5-flash-preview AUDIO lang=es",
        expect![[r#"
        C setup models/gemini-live-2.5-flash-preview AUDIO lang=es
          ! Violation setup.generationConfig.speechConfig.languageCode: the model does not speak "es"; use one of its codes with a region, such as es-US
          < close 1007 Unsupported language code 'es'
          ! Closed: setup.generationConfig.speechConfig.languageCode: the model does not speak "es"; use one of its codes with a region, such as es-US
    "#]],
    );
}

#[test]
fn thinking_and_behavior_are_the_models() {
    check(
        "C setup models/gemini-3.8-live budget",
        expect![[r#"
        C setup models/gemini-3.8-live budget
          ! Violation setup.generationConfig.thinkingConfig.thinkingBudget: the model has no thinking budget; leave it out
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.generationConfig.thinkingConfig.thinkingBudget: the model has no thinking budget; leave it out
    "#]],
    );
    check(
        "C setup models/gemini-3.8-live-extended-thinking level=LOW fn=weather:now",
        expect![[r#"
            C setup models/gemini-3.8-live-extended-thinking level=LOW fn=weather:now
              ! Violation setup.tools[0].functionDeclarations[0].behavior: the model refuses this behavior; leave it out
              < close 1007 Request contains an invalid argument.
              ! Closed: setup.tools[0].functionDeclarations[0].behavior: the model refuses this behavior; leave it out
        "#]],
    );
    check(
        "C setup models/gemini-3.8-live fn=weather fn=weather",
        expect![[r#"
        C setup models/gemini-3.8-live fn=weather fn=weather
          ! Violation setup.tools[1].functionDeclarations[0].name: a function is declared once; remove the other declaration of this name
          < close 1007 Request contains an invalid argument.
          ! Closed: setup.tools[1].functionDeclarations[0].name: a function is declared once; remove the other declaration of this name
    "#]],
    );
}

#[test]
fn a_wish_without_effect_is_named() {
    check(
        "C setup models/gemini-2.5-flash-native-audio-latest proactive",
        expect![[r#"
            C setup models/gemini-2.5-flash-native-audio-latest proactive
              < setupComplete
              ! SetupAccepted NativeAudio25 Audio Puck
              ! Warning NoEffect { path: "setup.proactivity" }
        "#]],
    );
}

#[test]
fn a_refusal_waits_for_the_setup() {
    let config = || ServerConfig { refusal: Some(Refusal::KeyNotValid), ..ServerConfig::new(Backend::Gemini) };
    check_with(
        config(),
        "C setup models/gemini-3.8-live",
        expect![[r#"
        C setup models/gemini-3.8-live
          < close 1007 API key not valid. Please pass a valid API key.
          ! Closed: refused: KeyNotValid
    "#]],
    );
    check_with(
        config(),
        "wait 20000ms",
        expect![[r#"
        wait 20000ms
          after 10000 ms
          < close 1011 Deadline expired before operation could complete.
          ! Closed: the peer did not finish the setup in time
    "#]],
    );
}
