//! What the voice is worth, in figures: `cargo xtask voice` makes a labelled set of speech in noise, measures, and prints tables.
//!
//! The set is made of the embedded voices, and of those programs that speak and are installed; it has fixed seeds and is kept
//! nowhere. What the figures mean, and what came out, is in docs/voice.md. Nothing here is shipped.

mod barge_in;
mod cost;
mod detection;
mod events;
mod latency;
mod noise;
mod recognition;
mod scene;
mod speech;
mod synthesis;
mod table;

use anyhow::{Result, ensure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
    for name in &asked {
        ensure!(names.contains(&name.as_str()), "no section {name}; there are: {}", names.join(", "));
    }
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let speakers = speech::speakers()?;
    println!("Speakers: {}.\n", speech::list(&speakers));
    let scripted = [Section::Detection, Section::Events, Section::Latency, Section::BargeIn];
    let chosen = || SECTIONS.iter().filter(|(name, _)| is_asked(name)).map(|(_, section)| *section);
    let voices = if chosen().any(|section| scripted.contains(&section)) {
        speech::Voices::record(&speakers).await?
    } else {
        speech::Voices::default()
    };
    for section in chosen() {
        match section {
            Section::Detection => detection::report(&voices),
            Section::Events => events::report(&voices),
            Section::Latency => latency::report(&voices),
            Section::BargeIn => barge_in::report(&voices),
            Section::Cost => cost::report(),
            Section::Synthesis => synthesis::report(&speakers).await?,
            Section::Recognition => recognition::report(&speakers).await?,
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Detection,
    Events,
    Latency,
    BargeIn,
    Cost,
    Synthesis,
    Recognition,
}

const SECTIONS: &[(&str, Section)] = &[
    ("detection", Section::Detection),
    ("events", Section::Events),
    ("latency", Section::Latency),
    ("barge-in", Section::BargeIn),
    ("cost", Section::Cost),
    ("synthesis", Section::Synthesis),
    ("recognition", Section::Recognition),
];
