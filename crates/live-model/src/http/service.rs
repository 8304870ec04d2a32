//! A service that is spoken to by HTTP: requests with their key, retries, deadlines and bounds.
//!
//! What is asked and answered lives in `chat`, `speech` and `transcription`.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::fault::Fault;

/// A key that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key; blanks around it, which files and shells leave behind, are not part of it.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// How long a service may take, and how often it is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until a connection is there.
    pub connect: Duration,
    /// From a request to the head of its answer.
    pub response: Duration,
    /// From one piece of an answer to the next.
    pub silence: Duration,
    /// For all pieces of one answer together, as far as somebody waits for them: signs of life are no answer.
    pub answer: Duration,
    /// How often a request is made again that failed before the first byte of an answer; none is made again after it.
    pub retries: u32,
    /// Time before the first of these; it doubles for each further one, and half of it is left to chance.
    pub backoff: Duration,
    /// The longest wait that a service may ask for (`Retry-After`); if it asks for more, the request has failed.
    pub retry_after_max: Duration,
}

impl Default for Patience {
    /// 5 s to connect, 60 s to begin, 30 s of silence, 10 min for all of an answer, 2 retries from 250 ms, 10 s if the service asks for it.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            answer: Duration::from_secs(600),
            retries: 2,
            backoff: Duration::from_millis(250),
            retry_after_max: Duration::from_secs(10),
        }
    }
}

/// Where a service is, and how it is spoken to. Clones share their connections.
#[derive(Clone)]
pub struct Service {
    /// Without a slash at its end.
    base: Arc<str>,
    key: Option<ApiKey>,
    patience: Patience,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Service {
    /// The service whose paths begin with `base_url`, such as `http://127.0.0.1:11434/v1`.
    ///
    /// # Errors
    /// [`ServiceError`] if the address cannot be used, the key cannot be sent, or TLS has no roots to trust. Nothing is sent yet.
    pub fn new(base_url: &str, key: Option<ApiKey>, patience: Patience) -> Result<Self, ServiceError> {
        let bad = |why| ServiceError::Address { found: base_url.to_owned(), why };
        let uri: Uri = base_url.trim().parse().map_err(|_| bad("it is no URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) | None => return Err(bad("it has to begin with http:// or https://")),
        };
        if uri.authority().is_none_or(|authority| authority.host().is_empty() || authority.as_str().contains('@')) {
            return Err(bad("it has to name a host, without a user"));
        }
        if uri.query().is_some() {
            return Err(bad("paths are put behind it, so it can have no query"));
        }
        if key.as_ref().is_some_and(|key| key.0.is_empty() || key.header().is_none()) {
            return Err(ServiceError::Key);
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(patience.connect));
        connector.set_nodelay(true);
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls(is_tls)?);
        let connector = tls.https_or_http().enable_http1().wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { base: base_url.trim().trim_end_matches('/').into(), key, patience, client })
    }

    /// The address, for messages.
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Names the models that the service lists.
    ///
    /// # Errors
    /// [`Fault`] if it does not answer, or not in the documented form.
    pub async fn models(&self) -> Result<Vec<String>, Fault> {
        let mut reply = self.send(Method::GET, "models", "application/json", Bytes::new()).await?;
        let body = reply.whole().await?;
        let list: serde_json::Value =
            serde_json::from_slice(&body).map_err(|_| reply.fault("what it lists as models is no JSON"))?;
        let models = list["data"].as_array().ok_or_else(|| reply.fault("it lists no models"))?;
        Ok(models.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect())
    }

    pub(super) async fn post(&self, path: &str, content_type: &str, body: Vec<u8>) -> Result<Reply, Fault> {
        self.send(Method::POST, path, content_type, body.into()).await
    }

    /// Sends a request, again if need be, until an answer begins.
    async fn send(&self, method: Method, path: &str, content_type: &str, body: Bytes) -> Result<Reply, Fault> {
        let url = format!("{}/{path}", self.base);
        let mut attempt = 0;
        loop {
            let trouble = match self.try_send(&method, &url, content_type, body.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(trouble) => trouble,
            };
            let wait = match trouble.again {
                Again::Never => None,
                Again::Later(Some(wait)) => Some(wait).filter(|wait| *wait <= self.patience.retry_after_max),
                Again::Later(None) => Some(self.pause(attempt)),
            };
            let Some(wait) = wait.filter(|_| attempt < self.patience.retries) else {
                let tries = if attempt == 0 { String::new() } else { format!(" ({} tries)", attempt + 1) };
                return Err(Fault::new(url, format!("{}{tries}", trouble.why)));
            };
            tracing::warn!(url, why = trouble.why, again_in = ?wait, "a service did not answer");
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn try_send(&self, method: &Method, url: &str, content_type: &str, body: Bytes) -> Result<Reply, Trouble> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(CONTENT_TYPE, content_type)
            .header(ACCEPT, "*/*")
            .header(USER_AGENT, concat!("live-model/", env!("CARGO_PKG_VERSION")));
        if let Some(key) = self.key.as_ref().and_then(ApiKey::header) {
            request = request.header(AUTHORIZATION, key);
        }
        let request = request.body(Full::new(body)).map_err(|error| Trouble::final_(error.to_string()))?;
        let response = match timeout(self.patience.response, self.client.request(request)).await {
            Err(_) => return Err(Trouble::final_(format!("no answer within {:?}", self.patience.response))),
            Ok(Err(error)) => return Err(Trouble { why: explain(&error), again: Again::Later(None) }),
            Ok(Ok(response)) => response,
        };
        let (head, body) = response.into_parts();
        let is_event_stream = has_type(&head.headers, "text/event-stream");
        let is_json = has_type(&head.headers, "application/json");
        let (url, key, patience) = (url.to_owned(), self.key.clone(), self.patience);
        let mut reply = Reply { url, key, body, patience, waited: Duration::ZERO, is_event_stream, is_json };
        if head.status.is_success() {
            return Ok(reply);
        }
        let said = reply.complaint().await;
        let why = format!("{}{}{said}", head.status, if said.is_empty() { "" } else { ": " });
        let again = match head.status {
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Again::Later(retry_after(&head.headers, SystemTime::now())),
            _ => Again::Never,
        };
        Err(Trouble { why, again })
    }

    fn pause(&self, attempt: u32) -> Duration {
        let whole = self.patience.backoff.saturating_mul(1 << attempt.min(6));
        // Randomly seeded, which is all that is asked of it here.
        let chance = RandomState::new().build_hasher().finish() % 1000;
        whole / 2 + whole.mul_f64(0.0005 * chance as f64)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("base", &self.base).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Why there is no answer.
struct Trouble {
    why: String,
    again: Again,
}

enum Again {
    Never,
    /// After so long, if the service says it.
    Later(Option<Duration>),
}

impl Trouble {
    fn final_(why: String) -> Self {
        Self { why, again: Again::Never }
    }
}

/// An answer that has begun.
#[derive(Debug)]
pub(super) struct Reply {
    url: String,
    key: Option<ApiKey>,
    body: Incoming,
    patience: Patience,
    /// For how long it was waited for.
    waited: Duration,
    pub(super) is_event_stream: bool,
    pub(super) is_json: bool,
}

impl Reply {
    /// The next bytes; `None` when that was all.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let Patience { silence, answer, .. } = self.patience;
        loop {
            let (begun, left) = (Instant::now(), answer.saturating_sub(self.waited));
            let too_long = format!("its answer took longer than {answer:?}");
            if left.is_zero() {
                return Err(self.fault(too_long));
            }
            let frame = timeout(silence.min(left), self.body.frame()).await;
            self.waited += begun.elapsed();
            match frame {
                Err(_) if left < silence => return Err(self.fault(too_long)),
                Err(_) => return Err(self.fault(format!("it said nothing for {silence:?}"))),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(self.fault(format!("its answer broke off: {}", deepest(&error)))),
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// All of an answer that is not a stream.
    pub(super) async fn whole(&mut self) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
            if whole.len() > WHOLE_BYTES_MAX {
                return Err(self.fault(format!("its answer has more than {WHOLE_BYTES_MAX} bytes")));
            }
        }
        Ok(whole)
    }

    /// What an answer says that is an error: the message in it, where it has the form of OpenAI's or FastAPI's.
    async fn complaint(&mut self) -> String {
        let mut body = Vec::new();
        let until = Instant::now() + self.patience.silence.min(COMPLAINT_TIME_MAX);
        while body.len() < COMPLAINT_BYTES_MAX
            && let Ok(Ok(Some(bytes))) = timeout_at(until, self.next()).await
        {
            body.extend_from_slice(&bytes);
        }
        let message = serde_json::from_slice(&body).ok().and_then(|body| message_of(&body));
        let text = message.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned());
        let text: Vec<&str> = text.split_whitespace().collect();
        let text = self.without_key(text.join(" "));
        text[..text.floor_char_boundary(COMPLAINT_SHOWN_MAX)].to_owned()
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> Fault {
        Fault::new(&self.url, self.without_key(why.into()))
    }

    /// A service may repeat a key that it does not accept.
    fn without_key(&self, text: String) -> String {
        match &self.key {
            Some(ApiKey(key)) => text.replace(key.as_str(), "(the key)"),
            None => text,
        }
    }
}

/// The message of an error.
pub(super) fn message_of(body: &serde_json::Value) -> Option<String> {
    let error = body.get("error").or_else(|| body.get("detail")).unwrap_or(body);
    let message = error.as_str().or_else(|| error["message"].as_str());
    message.map(str::to_owned)
}

fn has_type(headers: &HeaderMap, essence: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(essence)
}

/// How long the service asks to be left alone: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn explain(error: &hyper_util::client::legacy::Error) -> String {
    let what = if error.is_connect() { "cannot connect" } else { "the connection broke before an answer" };
    format!("{what}: {}", deepest(error))
}

/// The innermost cause, which is the one that says something.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn tls(is_needed: bool) -> Result<rustls::ClientConfig, ServiceError> {
    let mut roots = rustls::RootCertStore::empty();
    if is_needed {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(ServiceError::Roots);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions of TLS");
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Why a service cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceError {
    /// Its address.
    Address {
        /// As it was given.
        found: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Its key is empty, or holds what no header may.
    Key,
    /// The system trusts no certificate authority.
    Roots,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { found, why } => {
                write!(f, "{why}, found {found:?}; write it as in http://127.0.0.1:11434/v1")
            }
            Self::Key => f.write_str("a key is printable ASCII and not empty; look at where it comes from"),
            Self::Roots => f.write_str(
                "this machine trusts no certificate authority; install ca-certificates, or set SSL_CERT_FILE",
            ),
        }
    }
}

impl std::error::Error for ServiceError {}

/// Bytes of an answer that is taken as a whole: a transcript, a list, an answer that is not streamed.
const WHOLE_BYTES_MAX: usize = 4 << 20;
/// Bytes of an error that are read, and characters of it that are told.
const COMPLAINT_BYTES_MAX: usize = 16 * 1024;
const COMPLAINT_SHOWN_MAX: usize = 500;
/// How long an error may take to be told.
const COMPLAINT_TIME_MAX: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_sent() {
        for (url, says) in [
            ("127.0.0.1:8000", "http:// or https://"),
            ("ftp://host/v1", "http:// or https://"),
            ("http://user:secret@host/v1", "without a user"),
            ("http://host/v1?key=1", "no query"),
            ("http://a b", "no URL"),
            ("", "no URL"),
        ] {
            let error = Service::new(url, None, Patience::default()).expect_err("refused").to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
        let service = Service::new(" http://localhost:1/v1/ ", None, Patience::default()).expect("a good address");
        assert_eq!(service.base_url(), "http://localhost:1/v1");
    }

    #[test]
    fn a_key_is_never_shown() {
        let service = Service::new("http://h", Some(ApiKey::new(" sk-secret\n")), Patience::default()).unwrap();
        assert!(!format!("{service:?} {:?}", service.key).contains("secret"));
        assert_eq!(
            Service::new("http://h", Some(ApiKey::new("a\nb")), Patience::default()).err(),
            Some(ServiceError::Key)
        );
        assert_eq!(
            Service::new("http://h", Some(ApiKey::new(" ")), Patience::default()).err(),
            Some(ServiceError::Key)
        );
    }

    #[test]
    fn waits_are_given_in_seconds_or_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let after = |value: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).expect("ASCII"))]);
            retry_after(&headers, now)
        };
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after("Sun, 09 Sep 2001 01:46:50 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(after("Sun, 09 Sep 2001 01:46:00 GMT"), Some(Duration::ZERO), "it is over");
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn messages_are_found_in_the_usual_places() {
        let message = |body| message_of(&serde_json::from_str(body).expect("JSON"));
        assert_eq!(message(r#"{"error": {"message": "no"}}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"error": "no"}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"detail": "no"}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"message": "no"}"#).as_deref(), Some("no"));
        assert_eq!(message(r#"{"detail": [{"msg": "no"}]}"#), None);
    }
}
