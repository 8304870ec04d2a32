//! Programs that are known here: how each is called, and what it calls the voices of the Live API.

use std::path::PathBuf;

use super::ProgramConfig;
use crate::names::Names;
use crate::sound::SoundFormat;
use crate::voice::Voice;

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It turns text into speech.
    Speaks,
    /// It turns speech into text.
    Listens,
}

/// A known program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is chosen by.
    pub name: &'static str,
    /// What is run.
    pub program: &'static str,
    /// What it does.
    pub role: Role,
    /// The packages of Debian that bring it.
    pub packages: &'static str,
    /// What it is good for.
    pub remark: &'static str,
}

/// All known programs.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "espeak-ng",
        program: "espeak-ng",
        role: Role::Speaks,
        packages: "espeak-ng",
        remark: "about a hundred languages, a voice of a machine",
    },
    Preset {
        name: "flite",
        program: "flite",
        role: Role::Speaks,
        packages: "flite",
        remark: "English, natural voices",
    },
    Preset {
        name: "pocketsphinx",
        program: "pocketsphinx_continuous",
        role: Role::Listens,
        packages: "pocketsphinx pocketsphinx-en-us",
        remark: "English, clean speech",
    },
];

impl Preset {
    /// The program of that name that does that.
    pub fn find(name: &str, role: Role) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name && preset.role == role)
    }

    /// How it is called, and what it calls voices.
    pub fn config(&self) -> (ProgramConfig, Names) {
        let wav = |rate_hz| SoundFormat::Wav { rate_hz };
        let called = |command: &[&str], format| ProgramConfig::new(command.iter().copied(), format);
        match self.name {
            "espeak-ng" => {
                let command = ["espeak-ng", "--stdin", "--stdout", "-v", "{language}+{voice}"];
                let (high, low) = (["f1", "f2", "f3", "f4", "f5"], ["m1", "m3", "m7", "m2", "m4", "m8", "m6", "m5"]);
                (called(&command, wav(22_050)), by_pitch(&high, &low))
            }
            "flite" => {
                // A text that it reads from a file makes it open its output once for every sentence.
                let command = ["flite", "-voice", "{voice}", "-t", "{text}", "-o", "/dev/stdout"];
                (called(&command, wav(16_000)), by_pitch(&["slt"], &["rms", "awb", "kal16"]))
            }
            "pocketsphinx" => {
                let command = ["pocketsphinx_continuous", "-infile", "/dev/stdin"];
                (called(&command, wav(16_000)), Names::default())
            }
            name => unreachable!("{name} has no command"),
        }
    }

    /// Where the program is on this machine.
    pub fn installed(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|directory| directory.join(self.program)).find(|file| file.is_file())
    }
}

/// The Live API's voices, high ones and low ones, each on the next of the engine's in turn.
fn by_pitch(high: &[&str], low: &[&str]) -> Names {
    let (mut highs, mut lows) = (high.iter().cycle(), low.iter().cycle());
    let voices = Voice::names().filter_map(Voice::named);
    let own = voices.filter_map(|voice| {
        let own = if voice.is_high() { highs.next() } else { lows.next() }?;
        Some((voice.name(), *own))
    });
    Names::new(own, low.first().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{ListeningProgram, SpeakingProgram};

    #[test]
    fn every_known_program_can_be_called() {
        for preset in PRESETS {
            let (config, voices) = preset.config();
            assert_eq!(config.command[0], preset.program);
            match preset.role {
                Role::Speaks => {
                    SpeakingProgram::new(config, voices.clone()).expect("a good template");
                    assert_eq!(voices.known.len(), 30, "{}", preset.name);
                    assert_ne!(voices.find("Puck"), voices.find("Kore"));
                }
                Role::Listens => {
                    ListeningProgram::new(config).expect("a good template");
                }
            }
        }
    }
}
