//! The flag that puts a file over the built-in table of models.
//!
//! What the file says is `live_engine::Profiles::with_toml` to read.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use live_engine::Profiles;

/// What is told of models.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ProfileArgs {
    /// A TOML file of model profiles, put over the built-in table (docs/profiles.md)
    #[arg(long, value_name = "FILE")]
    profiles: Option<PathBuf>,
}

impl ProfileArgs {
    /// The models there are.
    pub(crate) fn read(&self) -> anyhow::Result<Profiles> {
        let Some(path) = &self.profiles else { return Ok(Profiles::default()) };
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Profiles::built_in().with_toml(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
    }
}
