//! What a world is made of: who takes part, on which terms, and how good its network is. Drawn once, before time begins.
//!
//! What happens in it is drawn as it goes: [`crate::workload`] and [`crate::fault`].

use std::time::Duration;

use live_audio::Vad;
use live_engine::{
    Backend, ClientSessionConfig, Cut, Fresh, Function, LateAnswers, Lifetimes, Limits, Overlap, ReconnectPolicy,
    Replay, Retracted, TurnCompletePacing,
};
use live_proto::{
    ActivityHandling, AutomaticActivityDetection, Behavior, ContextWindowCompressionConfig, FunctionDeclaration,
    Modality, RealtimeInputConfig, Scheduling, SessionResumptionConfig, Setup, SlidingWindow, Tool,
};

use crate::entropy::Entropy;
use crate::everything::Everything;
use crate::oracle::DEADLINES_MS;
use crate::stamp::{self, Said};

/// A world, as drawn.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sessions: Vec<SessionPlan>,
    pub(crate) servers: usize,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) limits: Limits,
    /// What finds speech.
    pub(crate) vad: fn() -> Box<dyn Vad>,
    pub(crate) pacing: TurnCompletePacing,
    /// Sessions of a project at once.
    pub(crate) quota: u32,
    pub(crate) latency: Duration,
    /// Packets in a pipe.
    pub(crate) window: usize,
    /// As JSON, in pieces of so many bytes; 0 for messages as they are.
    pub(crate) piece_bytes: usize,
    /// How long the store takes.
    pub(crate) store_delay: Duration,
    /// The model's host hands pieces to an engine that has no room.
    pub(crate) is_pushy: bool,
    /// How slow the model is.
    pub(crate) model_delay: Duration,
}

/// One session of a client, as drawn.
#[derive(Clone, Debug)]
pub(crate) struct SessionPlan {
    pub(crate) config: ClientSessionConfig,
    pub(crate) backend: Backend,
    pub(crate) project: u8,
    /// The user marks where speech begins and ends.
    pub(crate) is_manual: bool,
    pub(crate) is_text: bool,
    pub(crate) has_functions: bool,
    pub(crate) text_bytes: usize,
    pub(crate) sound_bytes: usize,
    /// It begins with a handle that it has from another project's session.
    pub(crate) is_thief: bool,
}

impl SessionPlan {
    pub(crate) fn policy(&self) -> Option<&ReconnectPolicy> {
        self.config.reconnect.as_ref()
    }

    pub(crate) fn resumption(&self) -> Option<&SessionResumptionConfig> {
        self.config.setup.session_resumption.as_ref()
    }

    /// Whether the session runs a function of this name by itself.
    pub(crate) fn registers(&self, name: &str) -> bool {
        self.config.functions.iter().any(|function| function.declaration.name == name)
    }

    pub(crate) fn is_transparent(&self) -> bool {
        self.resumption().is_some_and(|resumption| resumption.transparent)
    }
}

impl Plan {
    pub(crate) fn draw(entropy: &mut Entropy<'_>) -> Self {
        let sessions = entropy.pick(&[1, 1, 1, 2, 3]);
        let servers = entropy.pick(&[1, 1, 2]);
        let latency = entropy.millis(&[10, 1, 50, 300]);
        let window = entropy.pick(&[64, 64, 8, 1]);
        let piece_bytes = entropy.pick(&[0, 0, 0, 200, 4_096]);
        let plan = Self {
            sessions: Vec::new(),
            servers,
            lifetimes: lifetimes(entropy),
            limits: limits(entropy),
            vad: Everything::sample_by_sample,
            pacing: entropy.pick(&[TurnCompletePacing::Playback, TurnCompletePacing::Immediate]),
            quota: entropy.pick(&[1_000, 1_000, 1_000, 2]),
            latency,
            window,
            piece_bytes,
            store_delay: entropy.millis(&[1, 0, 200, 3_000]),
            is_pushy: entropy.one_in(4),
            model_delay: entropy.millis(&[50, 0, 1_000, 10_000]),
        };
        let sessions = (0..sessions).map(|number| session(number, &plan.limits, entropy)).collect();
        Self { sessions, ..plan }
    }
}

fn lifetimes(entropy: &mut Entropy<'_>) -> Lifetimes {
    let mut lifetimes = Lifetimes::of(Backend::Gemini);
    lifetimes.connection = entropy.millis(&[600_000, 600_000, 60_000, 20_000, 5_000]);
    lifetimes.go_away_notice = entropy.millis(&[60_000, 10_000, 2_000, 0]);
    if entropy.one_in(4) {
        lifetimes.session_audio = entropy.pick(&[None, Some(Duration::from_secs(40))]);
        lifetimes.session_video = entropy.pick(&[None, Some(Duration::from_secs(15))]);
        lifetimes.cut = Cut::DeadlineExpired;
        lifetimes.handle_validity = entropy.millis(&[7_200_000, 60_000, 2_000]);
    }
    lifetimes
}

/// Bounds as they are, or small enough to be met.
/// Automatic detection that takes the first frame of speech for its beginning.
pub(crate) fn detection() -> RealtimeInputConfig {
    let detection = AutomaticActivityDetection { prefix_padding_ms: Some(0), ..AutomaticActivityDetection::default() };
    RealtimeInputConfig { automatic_activity_detection: Some(Box::new(detection)), ..RealtimeInputConfig::default() }
}

fn limits(entropy: &mut Entropy<'_>) -> Limits {
    // Every frame counts: each holds a number.
    let mut limits = Limits { frame_gap: Duration::ZERO, ..Limits::default() };
    if entropy.one_in(3) {
        limits.outputs_max = entropy.pick(&[2_000, 100, 8]);
        limits.queued_messages_max = entropy.pick(&[128, 16, 2]);
        limits.handles_max = entropy.pick(&[8, 2, 1]);
        limits.outstanding_calls_max = entropy.pick(&[64, 3, 1]);
        limits.remembered_calls_max = entropy.pick(&[1_024, 32]);
        limits.call_deadline = entropy.millis(&DEADLINES_MS);
        // Whole records, of any of their sizes: a server cuts speech that is too long wherever it is.
        limits.speech_bytes_max = entropy.pick(&[20 << 20, 1_920]);
        limits.frames_max = entropy.pick(&[120, 2]);
        limits.audio_frame_bytes_max = entropy.pick(&[46_080, 960]);
        limits.history_contents_max = entropy.pick(&[36_000, 200]);
        limits.renewal_gap = entropy.millis(&[1_000, 100]);
        limits.renewal_period = entropy.millis(&[10_000, 1_000]);
    }
    limits
}

const MODELS: [(&str, bool); 4] = [
    ("gemini-live-2.5-flash-preview", true),
    ("gemini-2.0-flash-live-001", true),
    ("gemini-2.5-flash-native-audio-preview-12-2025", false),
    ("gemini-3.1-flash-live-preview", false),
];

fn session(number: u8, limits: &Limits, entropy: &mut Entropy<'_>) -> SessionPlan {
    let backend = entropy.pick(&[Backend::Gemini, Backend::Vertex]);
    let (model, can_text) = entropy.pick(&MODELS);
    let is_text = can_text && entropy.pick(&[true, true, false]);
    let model = match backend {
        Backend::Gemini => format!("models/{model}"),
        Backend::Vertex => format!("projects/p/locations/l/publishers/google/models/{model}"),
    };
    let mut setup = Setup::new(model).with_modality(if is_text { Modality::Text } else { Modality::Audio });
    if !is_text && entropy.one_in(2) {
        setup = setup.with_output_transcription();
    }
    setup = setup.with_system_instruction(stamp::words(Said { session: number, number: 0 }, 0));
    let is_manual = entropy.one_in(3);
    if is_manual {
        setup = setup.with_manual_activity();
    } else {
        setup.realtime_input_config = Some(Box::new(detection()));
    }
    if entropy.one_in(6) {
        setup.realtime_input_config.get_or_insert_default().activity_handling = Some(ActivityHandling::NoInterruption);
    }
    setup.session_resumption = match (entropy.pick(&[1, 1, 2, 2, 0]), backend) {
        (0, _) => None,
        (1, _) | (_, Backend::Gemini) => Some(SessionResumptionConfig::default()),
        (_, Backend::Vertex) => Some(SessionResumptionConfig { transparent: true, handle: None }),
    };
    let has_functions = entropy.one_in(2);
    let mut limits = limits.clone();
    let mut functions = Vec::new();
    if has_functions {
        let look = declaration(LOOK, if entropy.one_in(2) { Behavior::Blocking } else { Behavior::Unspecified });
        let mut own = vec![look, declaration(SEND, Behavior::NonBlocking)];
        if entropy.one_in(2) {
            functions = registered(&mut own, &mut limits, entropy);
        }
        if !own.is_empty() {
            setup.tools = vec![Tool { function_declarations: own, ..Tool::default() }];
        }
    }
    let compresses = entropy.one_in(4);
    if compresses {
        setup.context_window_compression = Some(ContextWindowCompressionConfig {
            trigger_tokens: entropy.pick(&[None, Some(5_000), Some(8_000)]),
            sliding_window: Some(SlidingWindow { target_tokens: entropy.pick(&[None, Some(2_000), Some(0)]) }),
        });
    }
    if entropy.one_in(12) {
        setup.generation_config.get_or_insert_default().max_output_tokens = Some(4);
    }
    let reconnect = (!entropy.one_in(16)).then(|| policy(entropy));
    let seed = u64::from(entropy.byte());
    SessionPlan {
        config: ClientSessionConfig { setup, functions, limits, reconnect, seed },
        backend,
        project: entropy.pick(&[0, 0, 1]),
        is_manual,
        is_text,
        has_functions,
        text_bytes: if compresses { entropy.pick(&[4_000, 8_000, 0]) } else { entropy.pick(&[0, 0, 0, 0, 0, 2_000]) },
        sound_bytes: entropy.pick(&[64, 640, 0]),
        is_thief: number > 0 && entropy.one_in(8),
    }
}

fn declaration(name: &str, behavior: Behavior) -> FunctionDeclaration {
    FunctionDeclaration {
        name: name.into(),
        behavior,
        parameters: Some(Box::new(stamp::parameters())),
        ..FunctionDeclaration::default()
    }
}

/// Functions that the session runs by itself, within bounds of their own. What of them the host does not declare too is taken
/// from its `own`.
fn registered(own: &mut Vec<FunctionDeclaration>, limits: &mut Limits, entropy: &mut Entropy<'_>) -> Vec<Function> {
    let candidates = own.drain(..).chain([declaration(WATCH, Behavior::NonBlocking)]).collect::<Vec<_>>();
    let mut functions = Vec::new();
    for declaration in candidates {
        let is_generator = declaration.name == WATCH;
        let (stays_the_hosts, is_declared_too) = (entropy.one_in(4), entropy.one_in(4));
        let mut function = Function::new(declaration.clone());
        function.is_generator = is_generator;
        function.time_limit = entropy.pick(&[function.time_limit, None, Some(Duration::from_secs(2))]);
        if declaration.name != LOOK {
            function.scheduling = match entropy.below(4) {
                0 => None,
                1 => Some(Scheduling::Silent),
                2 => Some(Scheduling::WhenIdle),
                _ => Some(Scheduling::Interrupt),
            };
        }
        let is_hosts = stays_the_hosts && !is_generator;
        if is_hosts || is_declared_too && !is_generator {
            own.push(declaration);
        }
        if !is_hosts {
            functions.push(function);
        }
    }
    if entropy.one_in(3) {
        limits.running_tools_max = entropy.pick(&[16, 1, 2]);
        limits.tool_calls_max = entropy.pick(&[64, 1, 3]);
        limits.tool_response_bytes_max = entropy.pick(&[256 << 10, FEW_BYTES]);
    }
    functions
}

fn policy(entropy: &mut Entropy<'_>) -> ReconnectPolicy {
    let mut policy = ReconnectPolicy {
        overlap: entropy.pick(&[Overlap::CloseFirst, Overlap::CloseFirst, Overlap::DialFirst]),
        retracted: entropy.pick(&[Retracted::Forget, Retracted::FallBack]),
        fresh: entropy.pick(&[Fresh::Reseed, Fresh::Reseed, Fresh::Empty, Fresh::End]),
        replay: entropy.pick(&[Replay::Words, Replay::Everything, Replay::Nothing]),
        late_answers: entropy.pick(&[LateAnswers::AsText, LateAnswers::AsCall]),
        ..ReconnectPolicy::default()
    };
    if entropy.one_in(3) {
        policy.dials_max = entropy.pick(&[8, 20, 3]);
        policy.stable_after = entropy.millis(&[10_000, 1_000]);
        policy.parting_max = entropy.millis(&[2_000, 100]);
        policy.go_away_margin = entropy.millis(&[5_000, 1_000]);
        policy.silence_max = entropy.pick(&[Some(Duration::from_secs(120)), Some(Duration::from_secs(30)), None]);
        policy.held_media_bytes_max = entropy.pick(&[1 << 20, 4_000]);
        policy.unconsumed_bytes_max = entropy.pick(&[4 << 20, 8_000]);
        policy.history_bytes_max = entropy.pick(&[256 << 10, 4_000]);
    }
    policy
}

/// The function that the model waits for.
pub(crate) const LOOK: &str = "look";
/// The function that it does not wait for.
pub(crate) const SEND: &str = "send";
/// The function that answers in pieces, which only a session runs.
pub(crate) const WATCH: &str = "watch";
/// Enough for a result, and not for two.
const FEW_BYTES: usize = 40;
