//! Every bound of an engine: named, with its unit, default and reason.
//!
//! Not here: bounds on the bytes of one message ([`live_proto::DecodeLimits`]) and what a model's name implies
//! ([`crate::profile`]).

use std::time::Duration;

/// Declares the bounds once: the struct, its defaults and the table of the documentation.
macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $shown:literal;)+) => {
        /// Bounds on what a peer or a host can make an engine keep or wait for.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Each bound with its default and its reason, in the order of the documentation.
            pub const TABLE: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($name), $shown, concat!($($doc),+)),)+];
        }
    };
}

limits! {
    /// Time a peer has for its part of the setup; past it the connection is closed. SDKs give up on opening after 10 s.
    setup_deadline: Duration = Duration::from_secs(10), "10 s";
    /// Pause of the stream that ends speech under automatic detection, if the session asks for no longer silence. Frameworks configure 500-800 ms of silence; jitter needs the upper end.
    stream_pause: Duration = Duration::from_millis(800), "800 ms";
    /// Time a turn may go on after the host asked for shutdown. Long enough for a spoken sentence.
    drain: Duration = Duration::from_secs(5), "5 s";
    /// Time a model may go on unheard beyond `maxOutputTokens`, in case it still calls a function. It says its words first, at a pace one can follow.
    overrun: Duration = Duration::from_secs(5), "5 s";
    /// Outputs not yet taken, above which commands are refused. Forty seconds of 20 ms audio: a host that far ahead should wait.
    outputs_max: usize = 2_000, "2000";
    /// Messages an end keeps while the setup is not answered. Two seconds of 20 ms audio plus slack.
    queued_messages_max: usize = 128, "128";
    /// Contents kept as history. Ten messages a second for an hour.
    history_contents_max: usize = 36_000, "36000";
    /// Bytes a session keeps in memory as history, input and configuration, with a share for what each part takes itself. The largest context window holds 87 min of speech, 160 MiB; few need it.
    history_bytes_max: usize = 64 << 20, "64 MiB";
    /// Bytes of sound in one part of speech. Ten minutes at 16 kHz, the length of a connection of the service.
    speech_bytes_max: usize = 20 << 20, "20 MiB";
    /// Frames of video kept until the user says something. The service's limit for sound with video is two minutes, at one frame a second.
    frames_max: usize = 120, "120";
    /// Shortest time between two frames of video that a turn takes; one that comes earlier takes the place of the one before. The service processes one a second.
    frame_gap: Duration = Duration::from_secs(1), "1 s";
    /// Functions declared in a session. The service's documented limit.
    declarations_max: usize = 512, "512";
    /// Bytes of a function's name. The service's documented limit.
    function_name_bytes_max: usize = 128, "128";
    /// How deep the schemas of a function may stand within each other, and references behind references. No form that a person fills in is as deep.
    schema_depth_max: usize = 32, "32";
    /// Schemas within each other in one function. Ten times the largest tools that are generated from the definition of an API.
    schemas_max: usize = 4_096, "4096";
    /// Time a model stands still for its functions; past it those that are not answered are withdrawn and it goes on without. Nobody on a call waits longer in silence; a function that takes longer is declared `NON_BLOCKING`.
    call_deadline: Duration = Duration::from_secs(120), "120 s";
    /// Calls that wait for an answer at once; the oldest that nobody stands still for give way. Far above what a model calls in parallel.
    outstanding_calls_max: usize = 64, "64";
    /// Registered functions a client runs at once; further calls wait. More than a model calls in parallel, and few enough for one machine.
    running_tools_max: usize = 16, "16";
    /// Calls of registered functions that have no answer yet, above which a client answers with an error at once. As many as servers keep waiting.
    tool_calls_max: usize = 64, "64";
    /// Bytes of one answer of a registered function; a longer one becomes an error. 64,000 tokens, half of a small context window.
    tool_response_bytes_max: usize = 256 << 10, "256 KiB";
    /// Call ids a client remembers, to run no call twice. A model that repeats itself does so within a turn or two.
    remembered_calls_max: usize = 1_024, "1024";
    /// Shortest time between two snapshots of a session, but for one at the end of every turn. The service is measured to send one every 1.2-2 s.
    renewal_gap: Duration = Duration::from_secs(1), "1 s";
    /// Time after which a session that took in messages is snapshot again though nothing else has changed. A client keeps at most as much to send again.
    renewal_period: Duration = Duration::from_secs(10), "10 s";
    /// Handles of a connection that stay valid at once. A client uses the last or, when that was on its way, the one before.
    handles_max: usize = 8, "8";
    /// Bytes of sound in one message to the client, before base64: 200 ms at 24 kHz, as the service sends. The first frames of a turn are smaller.
    audio_frame_bytes_max: usize = 9_600, "9600";
    /// Speech that is sent ahead of its playing. Bridges a stall of the path; more would be wasted when the user interrupts.
    speech_lead: Duration = Duration::from_secs(1), "1 s";
    /// Speech that a model may be ahead of what is sent; past it the model waits. A long paragraph, 1.4 MB.
    speech_ahead_max: Duration = Duration::from_secs(30), "30 s";
    /// Bytes of text in one message to the client. Escaped six-fold it still fits the 1 MiB at which SDKs close.
    text_frame_bytes_max: usize = 128 << 10, "128 KiB";
}
