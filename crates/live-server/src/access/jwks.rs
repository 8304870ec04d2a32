//! The public keys of an issuer, by URL or from a file: read when they are needed, and again when they were changed.
//!
//! What a key is for is `jwt`'s. However many tokens name a key that is not there, the set is read at most every half minute.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::Instant;

use super::jwt::Key;

/// A set of keys.
pub(super) struct Jwks {
    source: Source,
    cache: Mutex<Cache>,
    /// Held by who reads the set; others go on with what there is, or wait if that does not help them.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cache {
    keys: Arc<Vec<Key>>,
    read: Option<Instant>,
    tried: Option<Instant>,
}

enum Source {
    File(PathBuf),
    Url(Uri, Box<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>),
}

impl Jwks {
    pub(super) fn of_file(path: PathBuf) -> Self {
        Self::new(Source::File(path))
    }

    /// A set that is fetched from `url`: over TLS, or from this machine.
    pub(super) fn of_url(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match uri.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if is_here => {}
            Some("http") => return Err("keys that come without TLS are anybody's; use https://".into()),
            Some(_) | None => return Err("it has to begin with https://".into()),
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector =
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self::new(Source::Url(uri, Box::new(client))))
    }

    fn new(source: Source) -> Self {
        Self { source, cache: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The keys, among them that of `kid` if the issuer has it.
    pub(super) async fn get(&self, kid: Option<&str>) -> Arc<Vec<Key>> {
        if let Some(keys) = self.serving(kid) {
            return keys;
        }
        let _reading = self.reading.lock().await;
        if let Some(keys) = self.serving(kid) {
            return keys;
        }
        if self.cache().tried.is_some_and(|at| at.elapsed() < READ_PAUSE) {
            return Arc::clone(&self.cache().keys);
        }
        self.cache().tried = Some(Instant::now());
        match tokio::time::timeout(READ_DEADLINE, self.read()).await.unwrap_or_else(|_| Err("no answer in time".into()))
        {
            Ok(keys) => {
                let mut cache = self.cache();
                cache.keys = Arc::new(keys);
                cache.read = Some(Instant::now());
            }
            Err(error) => {
                tracing::error!(source = %self.source, error, "the keys of an issuer of OAuth tokens cannot be read")
            }
        }
        let cache = self.cache();
        Arc::clone(&cache.keys)
    }

    /// The keys, if they need not be read again.
    fn serving(&self, kid: Option<&str>) -> Option<Arc<Vec<Key>>> {
        let mut cache = self.cache();
        let age = |at: Option<Instant>| at.map(|at| at.elapsed());
        if age(cache.read).is_some_and(|age| age > KEPT_MAX) {
            cache.keys = Arc::default();
        }
        let serves = match kid {
            Some(_) => cache.keys.iter().any(|key| key.kid.as_deref() == kid),
            None => !cache.keys.is_empty(),
        };
        let is_fresh = age(cache.read).is_some_and(|age| age < FRESH);
        (serves && is_fresh).then(|| Arc::clone(&cache.keys))
    }

    async fn read(&self) -> Result<Vec<Key>, String> {
        let text = match &self.source {
            Source::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let file = std::fs::File::open(path)?;
                    let mut text = Vec::new();
                    std::io::Read::read_to_end(&mut std::io::Read::take(file, SET_BYTES_MAX as u64 + 1), &mut text)?;
                    Ok::<_, std::io::Error>(text)
                });
                let text = read.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                if text.len() > SET_BYTES_MAX {
                    return Err(format!("it has more than {SET_BYTES_MAX} bytes"));
                }
                Bytes::from(text)
            }
            Source::Url(uri, client) => {
                let request = Request::get(uri).body(Full::default()).map_err(|error| error.to_string())?;
                let response = client.request(request).await.map_err(|error| error.to_string())?;
                if !response.status().is_success() {
                    return Err(format!("answered with {}", response.status()));
                }
                let body = Limited::new(response.into_body(), SET_BYTES_MAX).collect().await;
                body.map_err(|error| error.to_string())?.to_bytes()
            }
        };
        let set: Value = serde_json::from_slice(&text).map_err(|_| "it is no JSON".to_owned())?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("it has no list of keys")?;
        let keys: Vec<Key> = keys.iter().take(KEYS_MAX).filter_map(Key::read).collect();
        if keys.is_empty() { Err("it has no key for RS256 or ES256".into()) } else { Ok(keys) }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(uri, _) => write!(f, "{}{}", uri.authority().map_or("", |it| it.as_str()), uri.path()),
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwks({})", self.source)
    }
}

/// For how long a set serves before it is read again. An hour: Google lets its keys be kept for several.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// For how long a set serves that cannot be read again. A day: longer than an outage, and shorter than keys are rotated.
const KEPT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two attempts to read a set, whoever asks.
const READ_PAUSE: Duration = Duration::from_secs(30);
const READ_DEADLINE: Duration = Duration::from_secs(5);
const SET_BYTES_MAX: usize = 256 << 10;
/// Keys of one set. A token that does not name its key costs as many signatures.
const KEYS_MAX: usize = 32;

#[cfg(test)]
mod tests;
