//! `live chat`: a conversation from a terminal, in words, with recordings, or by microphone and loudspeaker.
//!
//! The session is `live-client`'s; here are the flags, and what they make of a session. The conversation itself is `talk`'s, what is
//! printed `screen`'s, what is heard `loudspeaker`'s, what is said `script`'s.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use live_client::{Client, Modality, SessionResumptionConfig, Setup};
use live_proto::{ActivityHandling, ContextWindowCompressionConfig, SlidingWindow};

mod loudspeaker;
mod screen;
mod script;
#[cfg(feature = "mic")]
mod sound_card;
mod talk;
mod voice;

use self::loudspeaker::Loudspeaker;
use self::screen::Screen;
use self::script::{Line, Lines};
use self::talk::{Manners, Talk};
use self::voice::Voice;
use crate::serve::Signals;

/// What `live chat` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to: a server such as `live serve`, by http:// or https:// (default: Google's). The key is taken from
    /// `GOOGLE_API_KEY` or `GEMINI_API_KEY`
    #[arg(long, value_name = "URL", env = "GOOGLE_GEMINI_BASE_URL", hide_env_values = true)]
    url: Option<String>,

    /// A certificate authority to trust besides the public ones, as PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The model
    #[arg(long, value_name = "NAME", default_value = "gemini-live-2.5-flash-preview")]
    model: String,

    /// Answer in text, not in speech
    #[arg(long, conflicts_with_all = ["out", "voice"])]
    text: bool,

    /// The model's voice
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,

    /// The language spoken, such as de-DE
    #[arg(long, value_name = "CODE")]
    language: Option<String>,

    /// The system instruction
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// Speak a recording (16-bit PCM WAV) instead of reading lines; several are spoken one after the other
    #[arg(long = "in", value_name = "FILE")]
    input: Vec<PathBuf>,

    /// Write what is heard of the answers, as WAV
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Talk by the microphone and the loudspeaker of this machine
    #[cfg(feature = "mic")]
    #[arg(long, conflicts_with_all = ["input", "out", "text"])]
    mic: bool,

    /// Show what the model thinks, if it does
    #[arg(long)]
    thoughts: bool,

    /// Do not let speech and typed words interrupt an answer
    #[arg(long)]
    no_interruption: bool,

    /// Have the server keep the session, so that it goes on where it was when its connection is lost
    #[arg(long)]
    resume: bool,

    /// How long to wait for an answer before the next line of a script
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    patience: Duration,
}

/// Holds the conversation; an error if it ended otherwise than it should.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(converse(args));
    // A thread that reads the terminal cannot be woken.
    runtime.shutdown_background();
    done
}

async fn converse(args: Args) -> anyhow::Result<()> {
    let mut signals = Signals::watch().context("cannot watch for signals")?;
    let (voice, loudspeaker) = devices(&args)?;
    let (lines, is_interactive) = if args.input.is_empty() {
        Lines::of_input()
    } else {
        (Lines::of(args.input.iter().map(|file| Line::recording(file)).collect()), false)
    };
    let client = client(&args)?;
    let url = client.url()?;
    let connecting = client.connect(setup(&args));
    let session = tokio::select! {
        session = connecting => session.with_context(|| format!("cannot open a session with {url}"))?,
        () = signals.next() => return Ok(()),
    };
    let mut screen = Screen::new(is_interactive);
    screen.note(&format!(
        "talking with {} at {}",
        args.model,
        url.authority().map_or("", |authority| authority.as_str())
    ));
    if is_interactive {
        screen.note("type and press Enter; /say FILE speaks a recording, /stop ends an answer, /quit or Ctrl-D the conversation");
    }
    let manners = Manners { is_interactive, is_strict: !args.input.is_empty(), patience: args.patience };
    Talk::new(session, lines, voice, loudspeaker, screen, manners).hold(signals).await
}

/// What is spoken into and heard from.
fn devices(args: &Args) -> anyhow::Result<(Voice, Loudspeaker)> {
    #[cfg(feature = "mic")]
    if args.mic {
        let (microphone, loudspeaker) = sound_card::open()?;
        return Ok((Voice::with_microphone(microphone), loudspeaker));
    }
    Ok((Voice::default(), Loudspeaker::paced(args.out.as_deref().map(Path::new))?))
}

fn client(args: &Args) -> anyhow::Result<Client> {
    let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let key = read("GOOGLE_API_KEY").or_else(|| read("GEMINI_API_KEY"));
    let client = match (&args.url, key) {
        (None, None) => anyhow::bail!(
            "Google's service wants a key in GOOGLE_API_KEY or GEMINI_API_KEY; for another server say --url"
        ),
        (None, Some(key)) => Client::gemini(key),
        // Servers of one's own may need none.
        (Some(url), key) => Client::gemini(key.unwrap_or_else(|| "none".to_owned())).base_url(url),
    };
    Ok(match &args.ca {
        Some(file) => client.ca_file(file),
        None => client,
    })
}

fn setup(args: &Args) -> Setup {
    let modality = if args.text { Modality::Text } else { Modality::Audio };
    let mut setup = Setup::new(&args.model).with_modality(modality).with_input_transcription();
    if !args.text {
        setup = setup.with_output_transcription();
    }
    if let Some(voice) = &args.voice {
        setup = setup.with_voice(voice);
    }
    if let Some(language) = &args.language {
        let generation = setup.generation_config.get_or_insert_default();
        generation.speech_config.get_or_insert_default().language_code.clone_from(language);
    }
    if let Some(instruction) = &args.system {
        setup = setup.with_system_instruction(instruction.as_str());
    }
    if args.thoughts {
        let generation = setup.generation_config.get_or_insert_default();
        generation.thinking_config.get_or_insert_default().include_thoughts = Some(true);
    }
    if args.no_interruption {
        setup.realtime_input_config.get_or_insert_default().activity_handling = Some(ActivityHandling::NoInterruption);
    }
    if args.resume {
        setup.session_resumption = Some(SessionResumptionConfig::default());
        // Without it a session ends for good after a quarter of an hour.
        let sliding_window = Some(SlidingWindow::default());
        let compression =
            ContextWindowCompressionConfig { sliding_window, ..ContextWindowCompressionConfig::default() };
        setup.context_window_compression = Some(compression);
    }
    setup
}
