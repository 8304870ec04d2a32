//! Who `live serve` lets in: the flags, what is printed about it, and the file that is read again on SIGHUP.
//!
//! What the file may say is `live-server`'s.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser as _};
use live_server::{Access, AccessHandle, Secret};

/// Keys and OAuth tokens that are let in.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct AccessArgs {
    /// A key that is let in; may be given several times. Without one, and without --access-file, any key is accepted
    #[arg(
        long,
        value_name = "KEY",
        env = "LIVE_API_KEYS",
        hide_env_values = true,
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new().map(Secret::from)
    )]
    pub(super) api_key: Vec<Secret>,

    /// A TOML file of keys, hashed keys, OAuth tokens and their issuers, with projects and limits; read again on SIGHUP
    #[arg(long, value_name = "FILE", env = "LIVE_ACCESS_FILE")]
    pub(super) access_file: Option<PathBuf>,
}

impl AccessArgs {
    /// Reads the file, and adds the keys of the flags.
    pub(super) fn read(&self) -> anyhow::Result<Access> {
        let mut access = match self.file() {
            Some(path) => Access::read(path).context("cannot tell who is let in")?,
            None => Access::default(),
        };
        access.add_keys(self.api_key.iter().cloned());
        Ok(access)
    }

    /// An empty variable is none.
    fn file(&self) -> Option<&Path> {
        self.access_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// Reads the file again whenever the process is told to. A file that is wrong changes nothing. The signal is taken over at
    /// once, if there is a file.
    #[cfg(unix)]
    pub(super) fn reread(self, handle: AccessHandle) -> std::io::Result<impl Future<Output = ()> + Send> {
        use tokio::signal::unix::{SignalKind, signal};
        let hangups = self.file().map(|_| signal(SignalKind::hangup())).transpose()?;
        Ok(async move {
            let Some(mut hangups) = hangups else { return };
            while hangups.recv().await.is_some() {
                match self.read() {
                    Ok(access) => {
                        let who = told(&access);
                        handle.replace(access);
                        super::say(&format!("access file: read again\n{who}"));
                    }
                    Err(error) => super::say(&format!("access file: as before, because of an error: {error:#}\n")),
                }
            }
        })
    }

    #[cfg(not(unix))]
    pub(super) fn reread(self, _: AccessHandle) -> std::io::Result<impl Future<Output = ()> + Send> {
        Ok(std::future::ready(()))
    }
}

/// Who is let in, as it is printed at start.
pub(super) fn told(access: &Access) -> String {
    let mut out = String::new();
    let (keys, bearers, issuers) = access.counts();
    if access.is_open() {
        out.push_str("API keys: any is accepted (--api-key or --access-file restricts)\n");
        out.push_str("OAuth tokens: any is accepted, and none is verified (--access-file says which are)\n");
        return out;
    }
    _ = match keys {
        0 => writeln!(out, "API keys: none is accepted"),
        keys => writeln!(out, "API keys: only those given with --api-key or --access-file are accepted ({keys})"),
    };
    _ = match access.verifies_oauth() {
        false => writeln!(out, "OAuth tokens: none is accepted"),
        true => writeln!(out, "OAuth tokens: only verified ones are accepted ({bearers} listed, {issuers} issuers)"),
    };
    out
}
