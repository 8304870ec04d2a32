//! The first message of a session: constructors of what it commonly holds.

use crate::{
    AudioTranscriptionConfig, AutomaticActivityDetection, Modality, PrebuiltVoiceConfig, Setup, SpeechConfig,
    VoiceChoice, VoiceConfig,
};

impl Setup {
    /// Asks for one response modality; a session has exactly one.
    #[must_use]
    pub fn with_modality(mut self, modality: Modality) -> Self {
        self.generation_config.get_or_insert_default().response_modalities = vec![modality];
        self
    }

    /// Asks for one of the prebuilt voices, such as `Puck`.
    #[must_use]
    pub fn with_voice(mut self, name: impl Into<String>) -> Self {
        let speech = &mut self.generation_config.get_or_insert_default().speech_config;
        speech.get_or_insert_default().voice_config = Some(VoiceConfig::prebuilt(name).into());
        self
    }

    /// Asks for transcripts of what the model says.
    #[must_use]
    pub fn with_output_transcription(mut self) -> Self {
        self.output_audio_transcription = Some(AudioTranscriptionConfig::default().into());
        self
    }

    /// Asks for transcripts of what the user says.
    #[must_use]
    pub fn with_input_transcription(mut self) -> Self {
        self.input_audio_transcription = Some(AudioTranscriptionConfig::default().into());
        self
    }

    /// Leaves it to the client to say when the user speaks, by `activityStart` and `activityEnd`.
    #[must_use]
    pub fn with_manual_activity(mut self) -> Self {
        let realtime = self.realtime_input_config.get_or_insert_default();
        let detection = AutomaticActivityDetection { disabled: Some(true), ..AutomaticActivityDetection::default() };
        realtime.automatic_activity_detection = Some(detection.into());
        self
    }
}

impl VoiceConfig {
    /// One of the prebuilt voices.
    pub fn prebuilt(name: impl Into<String>) -> Self {
        let voice = PrebuiltVoiceConfig { voice_name: Some(name.into()) };
        Self { voice_config: Some(VoiceChoice::from(voice)), voice: String::new() }
    }
}

impl SpeechConfig {
    /// The name of the prebuilt voice, where one is asked for.
    pub fn voice_name(&self) -> Option<&str> {
        match &self.voice_config.as_ref()?.voice_config {
            Some(VoiceChoice::PrebuiltVoiceConfig(voice)) => voice.voice_name.as_deref(),
            Some(VoiceChoice::ReplicatedVoiceConfig(_)) | None => None,
        }
    }
}
