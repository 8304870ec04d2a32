//! Programs as engines: small ones of the shell that misbehave in every way, and the real ones where they are installed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use live_engine::{EndReason, ModelOutput};
use live_model::exec::preset::{Preset, Role};
use live_model::exec::{Limits, ListeningProgram, ProgramConfig, SpeakingProgram};
use live_model::{
    Cascade, Embedded, EmbeddedVoice, Fault, Model as _, Names, Recogniser, Script, SoundFormat, Synthesiser, Utterance,
};

use crate::talk::{SPOKEN, Talk, spoken};

const WAV: SoundFormat = SoundFormat::Wav { rate_hz: 16_000 };

/// The program that a line of shell makes.
fn shell(script: &str, format: SoundFormat) -> ProgramConfig {
    ProgramConfig::new(["sh", "-c", script, "engine", "{voice}", "{language}", "{rate}"], format)
}

fn speaking(script: &str, format: SoundFormat) -> SpeakingProgram {
    SpeakingProgram::new(shell(script, format), Names::default()).expect("a good template")
}

fn listening(script: &str, format: SoundFormat) -> ListeningProgram {
    let command = ["sh", "-c", script, "engine", "{language}", "{rate}"];
    ListeningProgram::new(ProgramConfig::new(command, format)).expect("a good template")
}

fn script(text: &str) -> Script {
    Script { text: text.to_owned(), voice: "Kore".to_owned(), language: Some("de-DE".to_owned()) }
}

fn speech(samples: usize) -> Utterance {
    Utterance { samples: vec![256; samples], language: None }
}

/// All that was spoken, and how it ended.
async fn sound_of(program: &impl Synthesiser, text: &str) -> (Vec<i16>, Option<Fault>) {
    let mut samples = Vec::new();
    let mut pieces = program.speak(script(text));
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => samples.extend(piece.samples),
            Err(fault) => return (samples, Some(fault)),
        }
    }
    (samples, None)
}

async fn text_of(program: &impl Recogniser, speech: Utterance) -> Result<String, Fault> {
    let pieces: Vec<_> = program.recognise(speech).collect().await;
    pieces.into_iter().collect()
}

#[tokio::test]
async fn text_goes_in_and_sound_comes_out() {
    let pcm = SoundFormat::Pcm { rate_hz: 24_000 };
    let (samples, fault) = sound_of(&speaking("cat", pcm), "abc").await;
    assert_eq!((samples, fault), (vec![i16::from_le_bytes(*b"ab"), i16::from_le_bytes(*b"c\n")], None));
    let (samples, _) = sound_of(&speaking("printf '%s %s %s' \"$1\" \"$2\" \"$3\"", pcm), "abc").await;
    let mut bytes = Vec::new();
    live_audio::bytes_of(&samples, &mut bytes);
    assert_eq!(String::from_utf8_lossy(&bytes), "Kore de-DE 24000".get(..16).unwrap());
}

#[tokio::test]
async fn text_may_be_an_argument() {
    let config = ProgramConfig::new(["printf", "%s", "{text}"], SoundFormat::Pcm { rate_hz: 24_000 });
    let program = SpeakingProgram::new(config, Names::default()).unwrap();
    let (samples, fault) = sound_of(&program, "-$(id)").await;
    let mut bytes = Vec::new();
    live_audio::bytes_of(&samples, &mut bytes);
    assert_eq!((String::from_utf8_lossy(&bytes).into_owned(), fault), (" -$(id".to_owned(), None));
}

#[tokio::test]
async fn sound_goes_in_and_text_comes_out() {
    let program = listening("head -c 44 | wc -c; cat >/dev/null; echo; echo ' two  words '; printf end", WAV);
    assert_eq!(text_of(&program, speech(100_000)).await, Ok("44 two words end".to_owned()));
    let program = listening("wc -c; echo \"$1 $2\"", SoundFormat::Pcm { rate_hz: 8_000 });
    assert_eq!(text_of(&program, speech(1600)).await, Ok("1600 en-US 8000".to_owned()));
    assert_eq!(text_of(&listening("cat >/dev/null", WAV), speech(1600)).await, Ok(String::new()), "nothing understood");
}

#[tokio::test]
async fn a_program_sees_no_key_of_the_server() {
    // Cargo sets these for tests, as a shell sets keys for a server.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let mut config = shell("env | cut -d= -f1 | sort | tr '\\n' ' '", WAV);
    config.environment.insert("OWN".to_owned(), "1".to_owned());
    config.command.truncate(3);
    let names = text_of(&ListeningProgram::new(config).unwrap(), speech(16)).await.expect("it runs");
    assert!(names.contains("OWN") && names.contains("PATH") && !names.contains("CARGO"), "{names}");
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_the_programs_own_words() {
    for (script, says) in [
        ("echo no such voice >&2; exit 3", "sh: it failed with exit status: 3; it says: no such voice"),
        ("true", "made no sound"),
        ("printf RIFF", "within the header"),
        ("echo an error page", "expected a WAV file, found what begins with \"an error page"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let (_, fault) = sound_of(&speaking(script, WAV), "abc").await;
        let fault = fault.expect("a fault").to_string();
        assert!(fault.contains(says), "{script}: {fault}");
    }
    let config = ProgramConfig::new(["no-such-program-here"], WAV);
    let (_, fault) = sound_of(&SpeakingProgram::new(config, Names::default()).unwrap(), "abc").await;
    assert!(fault.unwrap().to_string().contains("install it"));
    let complaint = text_of(&listening("yes complaint | head -c 100000 >&2; exit 1", WAV), speech(16)).await;
    let complaint = complaint.expect_err("it fails").to_string();
    assert!(complaint.len() < 4096 && complaint.contains("complaint / complaint"), "{} bytes", complaint.len());
}

#[tokio::test]
async fn a_program_that_puts_out_too_much_is_ended() {
    let mut config = shell("yes", SoundFormat::Pcm { rate_hz: 24_000 });
    config.limits.output_bytes_max = 100_000;
    let program = SpeakingProgram::new(config, Names::default()).unwrap();
    let (samples, fault) = sound_of(&program, "abc").await;
    assert!(samples.len() <= 50_000 && !samples.is_empty());
    assert!(fault.expect("a fault").to_string().contains("more than 100000 bytes"));
}

/// Whether the process whose number is in the file is there, zombies aside.
fn is_alive(file: &Path) -> Option<bool> {
    let number = std::fs::read_to_string(file).ok().filter(|number| number.ends_with('\n'))?;
    let status = std::fs::read_to_string(format!("/proc/{}/stat", number.trim())).unwrap_or_default();
    Some(status.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).is_some_and(|state| state != "Z"))
}

/// Waits until the file says so; fails with its test if that never is.
async fn until(file: &Path, alive: bool) {
    while is_alive(file) != Some(alive) {
        tokio::task::yield_now().await;
    }
}

/// A program that starts another, and both wait for ever.
fn forever(number: &Path, head: &str) -> String {
    format!("{head} sleep 1000 & echo $! >{}; wait", number.display())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn whoever_stops_listening_ends_the_program_and_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let number = directory.path().join("number");
    let program = speaking(&forever(&number, ""), WAV);
    let mut pieces = program.speak(script("abc"));
    assert!(!number.exists(), "nothing is run before it is asked for");
    tokio::select! {
        piece = pieces.next() => panic!("it says nothing: {piece:?}"),
        () = until(&number, true) => {}
    }
    drop(pieces);
    until(&number, false).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_program_that_hangs_is_ended_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let number: PathBuf = directory.path().join("number");
    let limits = Limits { silence: Duration::from_secs(3600), time: Duration::from_secs(7200), ..Limits::default() };
    let config = ProgramConfig { limits, ..shell(&forever(&number, ""), WAV) };
    let program = SpeakingProgram::new(config, Names::default()).unwrap();
    let begun = tokio::time::Instant::now();
    let (_, fault) = sound_of(&program, "abc").await;
    assert!(fault.expect("a fault").to_string().contains("gave nothing for 3600s"));
    assert_eq!(begun.elapsed(), Duration::from_secs(3600));
    let deaf = text_of(&listening("exec sleep 1000", WAV), speech(1_000_000)).await.expect_err("it never reads");
    assert!(deaf.to_string().contains("gave nothing for 30s"), "{deaf}");
}

/// In real time: what the program does would not wait for any other.
#[tokio::test]
async fn neither_complaints_nor_blank_lines_keep_anyone_waiting() {
    let short = Duration::from_millis(50);
    let complaining = shell("while echo so it goes >&2; do :; done", WAV);
    let limits = Limits { silence: short, ..Limits::default() };
    let program = SpeakingProgram::new(ProgramConfig { limits, ..complaining }, Names::default()).unwrap();
    let (_, fault) = sound_of(&program, "abc").await;
    let fault = fault.expect("a fault").to_string();
    assert!(fault.contains("gave nothing for 50ms; it says: ") && fault.contains("so it goes"), "{fault}");

    let limits = Limits { time: short, ..Limits::default() };
    let blank = ProgramConfig::new(["sh", "-c", "while echo; do :; done"], WAV);
    let program = ListeningProgram::new(ProgramConfig { limits, ..blank }).unwrap();
    let fault = text_of(&program, speech(16)).await.expect_err("it never ends").to_string();
    assert!(fault.contains("not done within 50ms"), "{fault}");
}

#[tokio::test]
async fn no_more_runs_at_once_than_allowed() {
    let limits = Limits { processes_max: 1, ..Limits::default() };
    let config = ProgramConfig { limits, ..shell("cat; exec sleep 1000", SoundFormat::Pcm { rate_hz: 24_000 }) };
    let program = SpeakingProgram::new(config, Names::default()).unwrap();
    let mut first = program.speak(script("first"));
    first.next().await.expect("it speaks").expect("it can");
    let mut second = program.speak(script("second"));
    assert!(second.next().now_or_never().is_none(), "it waits for its turn");
    drop(first);
    second.next().await.expect("it speaks").expect("it can");
}

/// The program, or a line that says that the test is skipped.
fn installed(name: &str, role: Role) -> Option<&'static Preset> {
    let preset = Preset::find(name, role).expect("it is known");
    if preset.installed().is_none() {
        use std::io::Write as _;
        // Past the test harness, which keeps what tests print to itself; `cargo xtask test` counts these lines.
        let line = format!("\ntest skipped: {} is not installed (Debian: {})\n", preset.program, preset.packages);
        _ = std::io::stdout().write_all(line.as_bytes());
        return None;
    }
    Some(preset)
}

fn speaker(preset: &Preset) -> SpeakingProgram {
    let (config, voices) = preset.config();
    SpeakingProgram::new(config, voices).expect("a good template")
}

#[tokio::test]
async fn installed_programs_speak_through_the_cascade() {
    for name in ["espeak-ng", "flite"] {
        let Some(preset) = installed(name, Role::Speaks) else { continue };
        let model = Cascade::new(Embedded::default(), speaker(preset));
        let (said, sound, last) = spoken(&model, Talk::spoken().ask("Count from 1 to 10.")).await;
        assert_eq!(last, ModelOutput::End(EndReason::Complete), "{name}");
        assert!(said.contains("9, 10."), "{said}");
        let seconds = sound.len() as f64 / 24_000.;
        assert!((3. ..20.).contains(&seconds), "{name}: {seconds} s");
        let loudest = sound.iter().map(|sample| sample.unsigned_abs()).max();
        assert!(loudest > Some(3000), "{name}: {loudest:?}");
    }
}

#[tokio::test]
async fn voices_and_languages_reach_espeak() {
    let Some(preset) = installed("espeak-ng", Role::Speaks) else { return };
    let program = speaker(preset);
    let mut heard = Vec::new();
    for (voice, language) in [("Puck", "en-US"), ("Kore", "en-US"), ("Puck", "de-DE"), ("Puck", "cmn-CN")] {
        let script =
            Script { text: "Hallo, 1 2 3.".to_owned(), voice: voice.to_owned(), language: Some(language.to_owned()) };
        let pieces: Vec<_> = program.speak(script).collect().await;
        let samples: Vec<i16> = pieces.into_iter().flat_map(|piece| piece.expect("it speaks").samples).collect();
        assert!(samples.len() > 12_000, "{voice} {language}: {}", samples.len());
        assert!(!heard.contains(&samples), "{voice} {language} sounds like another");
        heard.push(samples);
    }
}

/// The speech of a program, at 16 kHz, with silence around it.
async fn utterance(preset: &Preset, voice: &str, text: &str) -> Utterance {
    let script = Script { text: text.to_owned(), voice: voice.to_owned(), language: None };
    let pieces: Vec<_> = speaker(preset).speak(script).collect().await;
    let mut input = live_audio::Resampler::new(24_000, 16_000);
    let mut samples = vec![0; 4_000];
    for piece in pieces {
        input.push(&piece.expect("it speaks").samples, &mut samples);
    }
    input.finish(&mut samples);
    samples.extend([0; 8_000]);
    Utterance { samples, language: None }
}

#[tokio::test]
async fn pocketsphinx_understands_flite() {
    let (Some(flite), Some(sphinx)) = (installed("flite", Role::Speaks), installed("pocketsphinx", Role::Listens))
    else {
        return;
    };
    let recogniser = ListeningProgram::new(sphinx.config().0).expect("a good template");
    let speech = utterance(flite, "Puck", "go forward ten meters").await;
    assert_eq!(text_of(&recogniser, speech.clone()).await, Ok("go forward ten meters".to_owned()));

    let model = Cascade::new(Embedded::default(), EmbeddedVoice).recogniser(recogniser);
    let setup = format!("{SPOKEN}, \"inputAudioTranscription\": {{}}");
    let mut outputs = model.generate(Talk::new(&setup).speak(&speech.samples));
    let first = outputs.next().await;
    assert_eq!(first, Some(ModelOutput::Heard { text: "go forward ten meters".to_owned(), finished: false }));
}
