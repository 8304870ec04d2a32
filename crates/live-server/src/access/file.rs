//! The file that says who is let in: keys, OAuth tokens, and issuers of such, in TOML.
//!
//! Errors name the file, the line, the field and the fix, and never what is in it: it holds secrets.

use std::collections::hash_map::Entry;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::issuer::{Issuer, Payer};
use super::jwks::Jwks;
use super::key::Known;
use super::{Access, KeyHash};
use crate::project::Project;
use crate::{Secret, token};

/// Bytes of a file: some fifty thousand entries.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Why a file does not say who is let in.
#[derive(Debug, Error)]
#[error("{}{}: {why}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct AccessError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong and what to do; no secret.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Spanned<KeyEntry>>,
    #[serde(default)]
    bearer: Vec<Spanned<BearerEntry>>,
    #[serde(default)]
    issuer: Vec<Spanned<IssuerEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    /// Of whatever type, so that no error shows it.
    key: Option<toml::Value>,
    sha256: Option<toml::Value>,
    project: Option<String>,
    sessions: Option<u32>,
    expires: Option<toml::Value>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BearerEntry {
    token: Option<toml::Value>,
    sha256: Option<toml::Value>,
    project: Option<String>,
    sessions: Option<u32>,
    expires: Option<toml::Value>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerEntry {
    issuer: String,
    audience: OneOrMore,
    jwks: String,
    project: Option<String>,
    project_claim: Option<String>,
    sessions: Option<u32>,
    leeway: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A key or a bearer.
struct Credential {
    /// What it is called in the file: `key` or `token`.
    name: &'static str,
    secret: Option<toml::Value>,
    sha256: Option<toml::Value>,
    project: Option<String>,
    sessions: Option<u32>,
    expires: Option<toml::Value>,
    enabled: Option<bool>,
}

impl Access {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is wrong.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let fault = |why: String| AccessError { path: path.to_owned(), line: None, why };
        let mut text = String::new();
        let file = fs::File::open(path).map_err(|error| fault(format!("cannot read it: {error}")))?;
        let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
        read.map_err(|error| fault(format!("cannot read it: {error}")))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(fault(format!("it has more than {FILE_BYTES_MAX} bytes, which is more than keys take")));
        }
        Self::parse(&text, path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, AccessError> {
        let line_of = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let fault = |at: usize, why: String| AccessError { path: path.to_owned(), line: Some(line_of(at)), why };
        // Its own words show the line, with whatever secret is in it.
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            fault(at, untold(error.message()))
        })?;
        let mut access = Self { is_restricted: true, ..Self::default() };
        for (index, entry) in file.key.into_iter().enumerate() {
            let at = entry.span().start;
            let KeyEntry { key, sha256, project, sessions, expires, enabled } = entry.into_inner();
            let entry = Credential { name: "key", secret: key, sha256, project, sessions, expires, enabled };
            let known = access.take(entry).map_err(|why| fault(at, format!("key[{index}]{why}")))?;
            access.keys.push(known);
        }
        for (index, entry) in file.bearer.into_iter().enumerate() {
            let at = entry.span().start;
            let BearerEntry { token, sha256, project, sessions, expires, enabled } = entry.into_inner();
            let entry = Credential { name: "token", secret: token, sha256, project, sessions, expires, enabled };
            let known = access.take(entry).map_err(|why| fault(at, format!("bearer[{index}]{why}")))?;
            access.bearers.push(known);
        }
        let directory = path.parent().unwrap_or(Path::new(""));
        for (index, entry) in file.issuer.into_iter().enumerate() {
            let at = entry.span().start;
            let issuer = access.issuer(entry.into_inner(), directory);
            access.issuers.push(issuer.map_err(|why| fault(at, format!("issuer[{index}]{why}")))?);
        }
        Ok(access)
    }

    /// Reads a key or a bearer, and the limit of its project.
    fn take(&mut self, entry: Credential) -> Result<Known, String> {
        let Credential { name, secret, sha256, project, sessions, expires, enabled } = entry;
        let hash = match (secret, sha256) {
            (Some(_), Some(_)) => return Err(format!(": it has both {name} and sha256; leave one out")),
            (None, None) => return Err(format!(": it has neither {name} nor sha256; give one")),
            (Some(secret), None) => {
                let secret = secret.as_str().ok_or(format!(".{name}: it is no text; put it in quotes"))?;
                if secret.starts_with(token::PREFIX) {
                    return Err(format!(".{name}: ephemeral tokens are issued by the server; leave it out"));
                }
                let secret = Secret::new(secret);
                if secret.is_empty() {
                    return Err(format!(".{name}: it is empty; `live key` draws one"));
                }
                KeyHash::of(&secret)
            }
            (None, Some(sha256)) => {
                let digits = sha256.as_str().and_then(|digits| digits.trim().parse().ok());
                digits.ok_or(
                    ".sha256: it is no SHA-256 digest; 64 hexadecimal digits belong there, such as `live key` prints",
                )?
            }
        };
        if self.keys.iter().chain(&self.bearers).any(|known| known.hash == hash) {
            return Err(": it was given before; leave one out".into());
        }
        let expires_at = match expires {
            None => None,
            Some(expires) => Some(
                date(&expires)
                    .ok_or(".expires: it is no time with an offset; write one such as 2027-01-31T00:00:00Z")?,
            ),
        };
        let mut known = Known { expires_at, is_enabled: enabled.unwrap_or(true), ..Known::of(hash) };
        if let Some(project) = named(project)? {
            known.project = project;
        }
        self.limit_to(known.project, sessions)?;
        Ok(known)
    }

    fn issuer(&mut self, entry: IssuerEntry, directory: &Path) -> Result<Issuer, String> {
        let IssuerEntry { issuer: name, audience, jwks, project, project_claim, sessions, leeway } = entry;
        let audience = match audience {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        };
        if name.is_empty() {
            return Err(".issuer: it is empty; `iss` of the tokens belongs there".into());
        }
        if audience.is_empty() || audience.iter().any(String::is_empty) {
            return Err(".audience: it is empty; `aud` of tokens that are meant for this server belongs there".into());
        }
        let keys = match jwks.contains("://") {
            true => Jwks::of_url(&jwks).map_err(|why| format!(".jwks: {why}"))?,
            false => Jwks::of_file(directory.join(jwks)),
        };
        let payer = match (named(project)?, project_claim) {
            (Some(_), Some(_)) => return Err(": it has both project and project_claim; leave one out".into()),
            (Some(project), None) => Payer::Project(project),
            (None, Some(claim)) if claim.is_empty() => {
                return Err(".project_claim: it is empty; leave it out for `sub`".into());
            }
            (None, claim) => Payer::Claim(claim.unwrap_or_else(|| "sub".to_owned())),
        };
        if let Payer::Project(project) = payer {
            self.limit_to(project, sessions)?;
        }
        let leeway = match leeway.as_deref().map(humantime::parse_duration) {
            None => LEEWAY,
            Some(Ok(leeway)) if leeway <= LEEWAY_MAX => leeway,
            Some(Ok(_)) => return Err(".leeway: at most 10m".into()),
            Some(Err(_)) => return Err(".leeway: it is no time; write one such as 60s".into()),
        };
        Ok(Issuer { name, audience, keys, payer, sessions, leeway })
    }

    fn limit_to(&mut self, project: Project, sessions: Option<u32>) -> Result<(), String> {
        let Some(sessions) = sessions else { return Ok(()) };
        match self.sessions.entry(project) {
            Entry::Vacant(place) => _ = place.insert(sessions),
            Entry::Occupied(other) if *other.get() == sessions => {}
            Entry::Occupied(other) => {
                return Err(format!(".sessions: the project has another limit, {}; say it once", other.get()));
            }
        }
        Ok(())
    }
}

/// What is wrong in the words of the reader of TOML, but for the values that it quotes: a key may stand where none belongs.
fn untold(message: &str) -> String {
    if !message.starts_with("invalid ") || !message.contains(['`', '"']) {
        return message.lines().next().unwrap_or("it is no TOML").to_owned();
    }
    match message.rsplit_once(", expected ") {
        Some((_, kind)) if kind == "a sequence" || kind.starts_with("struct ") => {
            "this does not belong here; entries begin with [[key]], [[bearer]] or [[issuer]]".to_owned()
        }
        Some((_, kind)) => format!("this does not belong here, expected {kind}"),
        None => "this does not belong here".to_owned(),
    }
}

fn named(project: Option<String>) -> Result<Option<Project>, String> {
    match project.as_deref().map(str::trim) {
        Some("") => Err(".project: it is empty; leave it out for a project of its own".into()),
        Some(name) => Ok(Some(Project::named(name))),
        None => Ok(None),
    }
}

/// A time with an offset, bare or in quotes.
fn date(value: &toml::Value) -> Option<SystemTime> {
    let text = match value {
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => return None,
    };
    let time: live_proto::Timestamp = text.parse().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(time.seconds).ok()?))
}

/// How far clocks may differ, where nothing else is said.
const LEEWAY: Duration = Duration::from_secs(60);
/// More would be a longer life for every token.
const LEEWAY_MAX: Duration = Duration::from_secs(10 * 60);
