//! `live doctor`: which engines there are on this machine, whether they work, and the flags that use them.
//!
//! It changes nothing, installs nothing, and asks no service unless told to.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use live_audio::Resampler;
use live_model::config::ENGINE_KEY;
use live_model::exec::preset::{PRESETS, Preset, Role};
use live_model::exec::{ListeningProgram, SpeakingProgram};
use live_model::http::{ApiKey, Patience, Service};
use live_model::{BuiltIns, EmbeddedVoice, Fault, Recogniser, Script, Synthesiser, Utterance};

use crate::serve::lookup::LookupArgs;

/// What `live doctor` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask the usual ports of this machine for services of OpenAI's API: Ollama, vLLM, the server of llama.cpp, LocalAI, LM Studio
    #[arg(long)]
    probe: bool,

    /// Ask this service, as in http://127.0.0.1:8000/v1, with the key in $LIVE_ENGINE_KEY if there is one; may be given several times
    #[arg(long, value_name = "URL")]
    service: Vec<String>,

    #[command(flatten)]
    lookup: LookupArgs,
}

/// Looks, tries, and prints.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let (mut speaks, mut hears) = (None, None);
        say("Programs:\n");
        for preset in PRESETS {
            let works = look(preset).await;
            let choice = match preset.role {
                Role::Speaks => &mut speaks,
                Role::Listens => &mut hears,
            };
            // Of several the last one is proposed: the table has the more natural ones behind.
            if works {
                *choice = Some(preset.name);
            }
        }
        say("\nTools:\n");
        look_at_tools().await;
        look_things_up(args.lookup).await;
        let mut models = Vec::new();
        let asked =
            PORTS.iter().filter(|_| args.probe).map(|(port, who)| (format!("http://127.0.0.1:{port}/v1"), *who));
        let asked: Vec<_> = asked.chain(args.service.iter().map(|url| (url.clone(), "as given"))).collect();
        say("\nServices:\n");
        if asked.is_empty() {
            say("  not looked for: --probe asks the usual ports of this machine, --service URL another one\n");
        }
        for (url, who) in asked {
            models.extend(ask(&url, who).await);
        }
        say(&propose(hears, speaks, &models));
        Ok(())
    })
}

/// Whether what models would search and read by works, as the flags choose it.
async fn look_things_up(lookup: LookupArgs) {
    let mut built_ins = BuiltIns::default();
    match lookup.add_to(&mut built_ins) {
        Ok(told) => told.lines().for_each(|line| say(&format!("  {line}\n"))),
        Err(error) => return say(&format!("  {error}\n")),
    }
    match &built_ins.search {
        Some(engine) => {
            let begun = Instant::now();
            match engine.search("test", 1).await {
                Ok(_) => say(&format!("  search answers in {:?}\n", rounded(begun))),
                Err(fault) => say(&format!("  search does not work: {fault}\n")),
            }
        }
        None => say("  search: not chosen; --search-folder DIR, or --search-url URL of a SearXNG\n"),
    }
    if built_ins.urls.is_none() {
        say("  url context: not chosen; --url-allow HOST, or the beginning of a URL\n");
    }
}

/// Which tools a model has here by itself.
async fn look_at_tools() {
    #[cfg(feature = "code")]
    {
        let begun = Instant::now();
        match crate::serve::code::working(live_code::Limits::default()).await {
            Ok(_) => say(&format!("  code execution runs Python in {:?}\n", rounded(begun))),
            Err(error) => say(&format!("  code execution does not work: {error:#}\n")),
        }
    }
    #[cfg(not(feature = "code"))]
    say("  code execution is not built in (cargo build --features code)\n");
}

/// Whether a program is there and works.
async fn look(preset: &Preset) -> bool {
    let Preset { name, packages, remark, .. } = preset;
    let Some(path) = preset.installed() else {
        say(&format!("  {name:<14}not installed ({remark}; Debian: {packages})\n"));
        return false;
    };
    let begun = Instant::now();
    let (config, voices) = preset.config();
    let tried = match preset.role {
        Role::Speaks => match SpeakingProgram::new(config, voices) {
            Ok(program) => speech(&program, "One, two, three.")
                .await
                .map(|samples| format!("speaks {:.1} s in {:?}", samples.len() as f64 / 24_000., rounded(begun))),
            Err(error) => Err(Fault::new(*name, error.to_string())),
        },
        Role::Listens => match ListeningProgram::new(config) {
            Ok(program) => listen(&program).await.map(|text| format!("hears {text:?} in {:?}", rounded(begun))),
            Err(error) => Err(Fault::new(*name, error.to_string())),
        },
    };
    match tried {
        Ok(how) => {
            say(&format!("  {name:<14}{} {how} ({remark})\n", path.display()));
            true
        }
        Err(fault) => {
            say(&format!("  {name:<14}{} does not work: {fault}\n", path.display()));
            false
        }
    }
}

async fn speech(synthesiser: &impl Synthesiser, text: &str) -> Result<Vec<i16>, Fault> {
    let script = Script { text: text.to_owned(), voice: "Puck".to_owned(), language: None };
    let pieces: Vec<_> = synthesiser.speak(script).collect().await;
    let pieces: Vec<_> = pieces.into_iter().collect::<Result<_, _>>()?;
    Ok(pieces.into_iter().flat_map(|piece| piece.samples).collect())
}

/// What a recogniser understands of the embedded voice, which is little; that it answers is what counts.
async fn listen(recogniser: &impl Recogniser) -> Result<String, Fault> {
    let mut samples = Vec::new();
    let mut resampler = Resampler::new(24_000, Utterance::RATE_HZ);
    resampler.push(&speech(&EmbeddedVoice, "One, two, three.").await?, &mut samples);
    resampler.finish(&mut samples);
    let pieces: Vec<_> = recogniser.recognise(Utterance { samples, language: None }).collect().await;
    pieces.into_iter().collect()
}

/// The models that a service lists, as flags name them.
async fn ask(url: &str, who: &str) -> Vec<String> {
    let key = std::env::var(ENGINE_KEY).ok().map(|key| ApiKey::new(&key));
    let second = Duration::from_secs(1);
    let patience =
        Patience { connect: second, response: 5 * second, silence: 5 * second, retries: 0, ..Patience::default() };
    let listed = match Service::new(url, key, patience) {
        Ok(service) => service.models().await.map(|models| (service, models)).map_err(|fault| fault.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match listed {
        Ok((service, models)) => {
            say(&format!("  {url} ({who}) has {} models\n", models.len()));
            let flags: Vec<_> = models.iter().map(|model| format!("{}#{model}", service.base_url())).collect();
            flags.iter().take(MODELS_SHOWN_MAX).for_each(|flag| say(&format!("    {flag}\n")));
            if flags.len() > MODELS_SHOWN_MAX {
                say(&format!("    and {} more\n", flags.len() - MODELS_SHOWN_MAX));
            }
            flags
        }
        Err(why) => {
            say(&format!("  {url} ({who}): {why}\n"));
            Vec::new()
        }
    }
}

/// The command that uses what was found.
fn propose(hears: Option<&str>, speaks: Option<&str>, models: &[String]) -> String {
    let mut flags = String::new();
    let mut add = |flag: &str, value: Option<&str>| {
        if let Some(value) = value {
            flags += &format!(" --{flag} {value}");
        }
    };
    add("recogniser", hears);
    add("language-model", models.first().map(String::as_str));
    add("synthesiser", speaks);
    if flags.is_empty() {
        return "\nNothing found that the embedded model could use:\n  live serve\n".to_owned();
    }
    let which = if models.len() > 1 { "\nAny other chat model above does as well.\n" } else { "" };
    format!("\nTo use them:\n  live serve{flags}\n{which}")
}

/// A time that people can read.
fn rounded(since: Instant) -> Duration {
    Duration::from_millis(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
}

fn say(text: &str) {
    // Whoever closed the pipe has read enough.
    _ = std::io::stdout().write_all(text.as_bytes());
}

/// Where services listen if nobody says otherwise.
const PORTS: &[(u16, &str)] =
    &[(11_434, "Ollama"), (8_000, "vLLM, speaches"), (8_080, "llama.cpp, LocalAI"), (1_234, "LM Studio")];
/// Models of one service that are printed.
const MODELS_SHOWN_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_proposed() {
        let models = ["http://h/v1#a".to_owned(), "http://h/v1#b".to_owned()];
        let proposed = propose(Some("pocketsphinx"), Some("flite"), &models);
        let line = "  live serve --recogniser pocketsphinx --language-model http://h/v1#a --synthesiser flite";
        assert!(proposed.lines().any(|printed| printed == line) && proposed.contains("Any other"), "{proposed}");
        assert!(propose(None, Some("espeak-ng"), &[]).contains("live serve --synthesiser espeak-ng\n"));
        assert!(propose(None, None, &[]).contains("embedded model"));
    }
}
