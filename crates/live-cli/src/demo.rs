//! `live demo`: a server and a client of this machine hold a session over a real WebSocket, and the session is shown.
//!
//! The parts are the public ones, `live-server`, `live-model` and `live-client`; here is the play, and what it must show.
//! What is printed is laid out in `timeline`, what would be heard is kept by `player`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use live_client::{Cause, Client, Event, Modality, Pcm, PcmFormat, Session, Setup, UsageMetadata};
use live_engine::TurnCompletePacing;
use live_model::voice::Voice;
use live_server::{Server, Stats};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

mod player;
mod timeline;

use self::player::Player;
use self::timeline::{Row, Timeline, kilobytes, millis, seconds};

/// What `live demo` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to write what the model said, as WAV
    #[arg(long, value_name = "FILE", default_value = "demo.wav")]
    out: PathBuf,

    /// The model's voice, one of the thirty of the Live API
    #[arg(long, value_name = "NAME", default_value = "Puck", value_parser = voice)]
    voice: &'static Voice,

    /// Do not wait where people would: speak the question at once, and let turns end without being played
    #[arg(long)]
    quick: bool,

    /// Print every message, also the many of sound
    #[arg(long)]
    all: bool,
}

fn voice(name: &str) -> Result<&'static Voice, String> {
    let unknown = || format!("no such voice; there are {}", Voice::names().collect::<Vec<_>>().join(", "));
    Voice::named(name).ok_or_else(unknown)
}

/// Plays the demo; an error if anything it must show did not happen.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let pacing = if args.quick { TurnCompletePacing::Immediate } else { TurnCompletePacing::Playback };
    let (tell_address, address) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    // The server has a thread and a runtime to itself, as it would have in a process of its own: what is measured is then
    // the way through the socket, not how one scheduler shares its time between both ends.
    let serving = std::thread::spawn(move || -> anyhow::Result<Stats> {
        runtime()?.block_on(async {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let server = Server::builder().listen(listen).pacing(pacing).bind().await?;
            // Either end of these channels is dropped only when the client's side has failed, which says so itself.
            _ = tell_address.send(server.endpoints()[0].address);
            Ok(server.serve_until(async { _ = stopped.await }).await)
        })
    });
    runtime()?.block_on(async {
        let address = address.await.context("the demo needs a free port on 127.0.0.1")?;
        play(args, address, stop, serving).await
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn play(
    args: Args,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<anyhow::Result<Stats>>,
) -> anyhow::Result<()> {
    println!("A server with the embedded model and a client hold a session over ws://{address}.");
    println!("Times are in seconds; → is what the client says, ← what the server says.");
    let mut demo = Demo::connect(&args, address).await?;
    let rows = [
        demo.text_turn().await.context("in the text turn")?,
        demo.spoken_turn().await.context("in the spoken turn")?,
        demo.interruption().await.context("in the interruption")?,
    ];
    let Demo { session, mut timeline, player, silence, mut missing, .. } = demo;

    let traffic = session.traffic();
    timeline.sent("close 1000", "");
    let cause = timeout(PATIENCE, session.close()).await.context("the server did not answer the close")?;
    timeline.heard("close", "the connection is over");
    check(&mut missing, cause.cause == Cause::Local, "the session ends when the client closes it");
    _ = stop.send(());
    let stats = timeout(PATIENCE, tokio::task::spawn_blocking(move || serving.join()));
    let stats = stats.await.context("the server did not stop")??.map_err(|_| anyhow!("the server panicked"))??;
    check(&mut missing, stats.sessions_total == 1, "the server saw one session");
    check(&mut missing, stats.violations + stats.failures == 0, "the server saw no violation and no failure");

    timeline.table(&rows);
    if let Some(silence) = silence {
        println!("  The count was interrupted {} after the new turn was sent.", millis(silence));
    }
    println!("  Sent {} messages, {}.", traffic.messages_out, kilobytes(traffic.bytes_out));
    println!("  Received {} messages, {}.", traffic.messages_in, kilobytes(traffic.bytes_in));
    let build =
        if cfg!(debug_assertions) { "an unoptimised build (--release is faster)" } else { "an optimised build" };
    println!("  Bytes are those of JSON; {build}, over loopback.");
    let wav = player.into_wav();
    let mut file = Vec::new();
    wav.encode(&mut file);
    std::fs::write(&args.out, &file).with_context(|| format!("cannot write {}", args.out.display()))?;
    let played = Duration::from_secs_f64(wav.samples.len() as f64 / f64::from(wav.rate_hz));
    println!("\nWrote {}: what the model said, {:.1} s at 24 kHz.", args.out.display(), played.as_secs_f64());

    if missing.is_empty() {
        return Ok(());
    }
    for claim in &missing {
        eprintln!("did not happen: {claim}");
    }
    bail!("{} of the things this demo must show did not happen", missing.len());
}

fn check(missing: &mut Vec<String>, happened: bool, claim: impl Into<String>) {
    if !happened {
        missing.push(claim.into());
    }
}

/// The session and what was seen of it.
struct Demo {
    session: Session,
    timeline: Timeline,
    player: Player,
    /// The model's voice, and another one for the user.
    user_voice: &'static Voice,
    is_quick: bool,
    /// How long it took until the interruption was heard.
    silence: Option<Duration>,
    /// What should have happened and did not.
    missing: Vec<String>,
}

/// What was heard since something was asked.
struct Heard {
    asked_at: Instant,
    first_sound: Option<Duration>,
    bytes: usize,
    transcript: String,
    interrupted: Option<Duration>,
    usage: Option<UsageMetadata>,
}

impl Heard {
    fn since(asked_at: Instant) -> Self {
        Self { asked_at, first_sound: None, bytes: 0, transcript: String::new(), interrupted: None, usage: None }
    }

    fn row(&self, name: &'static str) -> Row {
        Row {
            name,
            first_sound: self.first_sound,
            speech: PcmFormat::OUTPUT.duration_of(self.bytes),
            prompt_tokens: self.usage.as_ref().map_or(0, |usage| usage.prompt_token_count),
            response_tokens: self.usage.as_ref().map_or(0, UsageMetadata::response_tokens),
        }
    }
}

/// Why [`Demo::hear`] returned.
#[derive(PartialEq)]
enum Stop {
    TurnComplete,
    Time,
}

impl Demo {
    async fn connect(args: &Args, address: SocketAddr) -> anyhow::Result<Self> {
        let name = args.voice.name();
        let user_voice = Voice::named(if name == "Kore" { "Puck" } else { "Kore" }).context("both are voices")?;
        let setup = Setup::new(MODEL)
            .with_modality(Modality::Audio)
            .with_voice(name)
            .with_output_transcription()
            .with_manual_activity();
        let mut timeline = Timeline::start(args.all);
        timeline.section("Setup");
        timeline.sent("setup", format!("{MODEL}, AUDIO, voice {name}, manual activity"));
        let client = Client::gemini("any key will do").base_url(format!("http://{address}"));
        let session = client.connect(setup).await?;
        timeline.heard("setupComplete", "");
        let player = Player::default();
        Ok(Self { session, timeline, player, user_voice, is_quick: args.quick, silence: None, missing: Vec::new() })
    }

    async fn text_turn(&mut self) -> anyhow::Result<Row> {
        self.timeline.section("A text turn, answered in speech");
        let mut heard = self.ask("Hello! Who is there?")?;
        self.hear(&mut heard, None).await?;
        self.check_answer("text turn", &heard);
        Ok(heard.row("text turn"))
    }

    async fn spoken_turn(&mut self) -> anyhow::Result<Row> {
        self.timeline.section("A spoken turn, by a synthetic voice");
        let question = "How long did I speak, and what did you hear?";
        self.session.send_activity_start()?;
        self.timeline.sent("activityStart", format!("{} says “{question}”", self.user_voice.name()));
        let mut pace = interval(CHUNK);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut spoken = Duration::ZERO;
        for chunk in self.user_voice.speak(question).with_chunk_ms(CHUNK.as_millis() as u32) {
            if !self.is_quick {
                self.wait_for(&mut pace).await?;
            }
            let pcm = Pcm::from_samples(PcmFormat::OUTPUT, &chunk.pcm);
            spoken += pcm.duration();
            self.timeline.sent_sound(pcm.bytes().len());
            self.session.send_audio(pcm)?;
        }
        self.session.send_activity_end()?;
        self.timeline.sent("activityEnd", format!("after {} of speech", seconds(spoken).trim_start()));

        let mut heard = Heard::since(Instant::now());
        self.hear(&mut heard, None).await?;
        self.check_answer("spoken turn", &heard);
        let length = format!("{:.1} s of speech", spoken.as_secs_f64());
        self.check(heard.transcript.contains(&length), format!("the answer tells that it heard {length}"));
        Ok(heard.row("spoken turn"))
    }

    async fn interruption(&mut self) -> anyhow::Result<Row> {
        self.timeline.section("An interruption");
        let mut count = self.ask("Please count from 1 to 2000.")?;
        let stop = self.hear(&mut count, Some(COUNT_FOR)).await?;
        self.check(stop == Stop::Time, "a count to 2000 is still running after a second");
        self.check(count.first_sound.is_some(), "the count is heard");

        let mut heard = self.ask("Stop! What did I ask?")?;
        self.hear(&mut heard, None).await?;
        self.silence = heard.interrupted;
        self.check(heard.interrupted.is_some(), "the new turn interrupts the count");
        // The turn that was cut short is complete too; then comes the one that was asked for.
        heard.usage = None;
        self.hear(&mut heard, None).await?;
        self.check_answer("turn after the interruption", &heard);
        let recalled = heard.transcript.contains("count from 1 to 2000");
        self.check(recalled, "the model recalls what it was asked before");
        Ok(heard.row("after interruption"))
    }

    fn ask(&mut self, text: &str) -> anyhow::Result<Heard> {
        self.session.send_text(text)?;
        self.timeline.sent("clientContent", format!("“{text}”, turnComplete"));
        Ok(Heard::since(Instant::now()))
    }

    /// Keeps the session going until the next tick.
    async fn wait_for(&mut self, pace: &mut tokio::time::Interval) -> anyhow::Result<()> {
        let mut heard = Heard::since(Instant::now());
        loop {
            tokio::select! {
                biased;
                event = self.session.next() => self.take(event.context("the session ended early")?, &mut heard)?,
                _ = pace.tick() => return Ok(()),
            };
        }
    }

    /// Listens to the end of a turn, or until the first sound was heard that long ago.
    async fn hear(&mut self, heard: &mut Heard, stop_after: Option<Duration>) -> anyhow::Result<Stop> {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let stop_at = stop_after.zip(heard.first_sound).map(|(after, first)| heard.asked_at + first + after);
            let wake_at = give_up_at.min(stop_at.unwrap_or(give_up_at)).min(Instant::now() + LULL);
            match timeout_at(wake_at, self.session.next()).await {
                Ok(event) => {
                    if self.take(event.context("the session ended early")?, heard)? {
                        return Ok(Stop::TurnComplete);
                    }
                }
                Err(_) => self.timeline.flush(),
            }
            let now = Instant::now();
            if stop_at.is_some_and(|stop_at| stop_at <= now) {
                self.timeline.flush();
                return Ok(Stop::Time);
            }
            if give_up_at <= now {
                bail!("nothing more came for {} s", PATIENCE.as_secs());
            }
        }
    }

    /// Shows an event and notes what it tells. True if it ends a turn.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what the play does not bring about is shown as it is")]
    fn take(&mut self, event: Event, heard: &mut Heard) -> anyhow::Result<bool> {
        match event {
            Event::Audio { generation, blob } => {
                let now = Instant::now();
                self.timeline.heard_sound(blob.data.len());
                if heard.first_sound.is_none() {
                    let after = now - heard.asked_at;
                    heard.first_sound = Some(after);
                    self.timeline.note(format!("first sound {} after the question", millis(after)));
                }
                heard.bytes += blob.data.len();
                let is_expected = blob.mime_type == "audio/pcm;rate=24000";
                self.check(is_expected, format!("sound comes as audio/pcm;rate=24000, not {}", blob.mime_type));
                let is_current = self.player.play(generation, &blob.data, now);
                self.check(is_current, "nothing of a generation follows its interruption");
            }
            Event::OutputTranscription { transcription, .. } => {
                self.timeline.heard_words(&transcription.text);
                heard.transcript += &transcription.text;
            }
            Event::Interrupted { generation } => {
                let after = heard.asked_at.elapsed();
                heard.interrupted = Some(after);
                let unheard = self.player.interrupt(generation, Instant::now());
                let unheard = PcmFormat::OUTPUT.duration_of(unheard);
                self.timeline.heard(
                    "interrupted",
                    format!("{} after asking; {} not played", millis(after), seconds(unheard).trim_start()),
                );
            }
            Event::GenerationComplete { .. } => {
                self.timeline.heard("generationComplete", "");
            }
            Event::Usage(usage) => {
                self.timeline.heard("usageMetadata", tokens(&usage));
                heard.usage = Some(*usage);
            }
            Event::TurnComplete { .. } => {
                self.player.pause();
                let played = heard.first_sound.map(|first| heard.asked_at.elapsed() - first);
                let played = played.map(|played| format!("{} after the first sound", seconds(played).trim_start()));
                self.timeline.heard("turnComplete", played.unwrap_or_default());
                return Ok(true);
            }
            Event::Idle => {}
            Event::Closed(cause) => bail!("{cause}"),
            event => self.timeline.heard("", format!("{event:?}")),
        }
        Ok(false)
    }

    fn check(&mut self, happened: bool, claim: impl Into<String>) {
        check(&mut self.missing, happened, claim);
    }

    fn check_answer(&mut self, name: &str, heard: &Heard) {
        self.check(heard.first_sound.is_some(), format!("the {name} is answered in speech"));
        self.check(!heard.transcript.trim().is_empty(), format!("the {name}'s answer is transcribed"));
        let usage = heard.usage.as_ref();
        let counted = usage.is_some_and(|usage| usage.prompt_token_count > 0 && usage.response_tokens() > 0);
        self.check(counted, format!("the {name}'s tokens are counted"));
    }
}

/// Tokens in and out, each by modality.
fn tokens(usage: &UsageMetadata) -> String {
    let split = |details: &[live_proto::ModalityTokenCount]| {
        let parts = details.iter().map(|part| format!("{:?} {}", part.modality, part.token_count).to_lowercase());
        parts.collect::<Vec<_>>().join(", ")
    };
    format!(
        "prompt {} ({}), response {} ({})",
        usage.prompt_token_count,
        split(&usage.prompt_tokens_details),
        usage.response_tokens(),
        split(&usage.response_tokens_details),
    )
}

/// A name that the service has, too.
const MODEL: &str = "gemini-live-2.5-flash-preview";

/// How long the count may be heard before it is interrupted.
const COUNT_FOR: Duration = Duration::from_secs(1);

/// How much of the spoken question goes into one message.
const CHUNK: Duration = Duration::from_millis(40);

/// How long sound may rest before its line is printed.
const LULL: Duration = Duration::from_millis(250);

/// How long anything may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(60);
