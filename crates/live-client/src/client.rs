//! Where to and as whom: everything a client knows before it dials.
//!
//! URLs are built in `endpoint`, headers in `credential`; what happens on the wire is `live-tokio`'s.

use std::path::Path;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use live_engine::{Backend, BuiltInTools, ClientSessionConfig, Limits, Lint, ReconnectPolicy, ServerConfig};
use live_proto::{Modality, Setup};
use live_tokio::{Connector, Options};

use crate::credential::Credential;
use crate::dial::Dialer;
use crate::endpoint::{GatewayUrl, Project, Service};
use crate::tools::check;
use crate::{ConfigError, ConnectError, Secret, Session, Tools};

/// A description of a server and of who calls it. Cheap to clone; [`connect`](Self::connect) opens any number of sessions.
///
/// ```
/// use std::time::Duration;
/// use live_client::Client;
///
/// let client = Client::gemini("an API key").base_url("http://127.0.0.1:8080").deadline(Duration::from_secs(3));
/// assert_eq!(
///     client.url()?.to_string(),
///     "ws://127.0.0.1:8080/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
/// );
/// # Ok::<(), live_client::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    service: Service,
    credential: Credential,
    base_url: Option<String>,
    api_version: Option<String>,
    /// Values are secret, because a host may well put a credential of its own there.
    headers: Vec<(String, Secret)>,
    ca: Option<Ca>,
    deadline: Duration,
    limits: Limits,
    reconnect: Option<ReconnectPolicy>,
    options: Options,
}

#[derive(Clone, Debug)]
enum Ca {
    Pem(Vec<u8>),
    File(std::path::PathBuf),
}

impl Client {
    /// The Gemini API with an API key.
    pub fn gemini(key: impl Into<Secret>) -> Self {
        Self::new(Service::Gemini { constrained: false }, Credential::Key(key.into()))
    }

    /// The Gemini API with an ephemeral token, `auth_tokens/..`, as a server of your own hands it to its clients.
    pub fn gemini_token(token: impl Into<Secret>) -> Self {
        Self::new(Service::Gemini { constrained: true }, Credential::Token(token.into()))
    }

    /// Vertex AI with an OAuth token: one project, one location such as `us-central1` or `global`.
    pub fn vertex(project: impl Into<String>, location: impl Into<String>, bearer: impl Into<Secret>) -> Self {
        let project = Project { name: project.into(), location: location.into() };
        Self::new(Service::Vertex { project: Some(project) }, Credential::Bearer(bearer.into()))
    }

    /// Vertex AI in express mode: an API key and no project.
    pub fn vertex_express(key: impl Into<Secret>) -> Self {
        Self::new(Service::Vertex { project: None }, Credential::Key(key.into()))
    }

    /// A URL that is dialled as it is, without a credential, and with model names as they are given.
    pub fn gateway(url: impl Into<String>) -> Self {
        Self::new(Service::Gateway { url: GatewayUrl(url.into()) }, Credential::Nothing)
    }

    /// The Gemini API as the environment says: the key in `GOOGLE_API_KEY` or `GEMINI_API_KEY`, and
    /// `GOOGLE_GEMINI_BASE_URL` if set, as for Google's SDKs.
    ///
    /// # Errors
    /// [`ConfigError::NoKey`] without a key.
    pub fn from_env() -> Result<Self, ConfigError> {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let key = read("GOOGLE_API_KEY").or_else(|| read("GEMINI_API_KEY")).ok_or(ConfigError::NoKey)?;
        let client = Self::gemini(key);
        Ok(match read("GOOGLE_GEMINI_BASE_URL") {
            Some(url) => client.base_url(url),
            None => client,
        })
    }

    fn new(service: Service, credential: Credential) -> Self {
        let limits = Limits::default();
        Self {
            service,
            credential,
            base_url: None,
            api_version: None,
            headers: Vec::new(),
            ca: None,
            deadline: limits.setup_deadline,
            limits,
            reconnect: Some(ReconnectPolicy::default()),
            options: Options::client(),
        }
    }

    /// Dials another server instead of Google's: `http://` and `ws://` without TLS, `https://` and `wss://` with. A path
    /// is kept as a prefix.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the version in the URL. The default is `v1beta` on Gemini, `v1alpha` with an ephemeral token, `v1beta1` on Vertex.
    #[must_use]
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = Some(version.into());
        self
    }

    /// Adds a header to the upgrade.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Secret::from(value.into())));
        self
    }

    /// Trusts the certificate authority in a PEM file, besides the public ones and those of `SSL_CERT_FILE`.
    #[must_use]
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca = Some(Ca::File(path.as_ref().to_owned()));
        self
    }

    /// As [`ca_file`](Self::ca_file), from memory.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(Ca::Pem(pem.into()));
        self
    }

    /// Sets how long [`connect`](Self::connect) takes at most, from dialling to `setupComplete`, and so does each later
    /// connection of a session. The default is 10 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the bounds of the engine.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Ends a session with its connection, instead of going on over another.
    #[must_use]
    pub fn without_reconnect(mut self) -> Self {
        self.reconnect = None;
        self
    }

    /// Sets how a session survives its connections.
    #[must_use]
    pub fn reconnect(mut self, policy: ReconnectPolicy) -> Self {
        self.reconnect = Some(policy);
        self
    }

    /// The URL that [`connect`](Self::connect) dials. It never holds a credential of this client.
    ///
    /// # Errors
    /// When it cannot be dialled.
    pub fn url(&self) -> Result<Uri, ConfigError> {
        self.service.url(self.base_url.as_deref(), self.version())
    }

    fn version(&self) -> &str {
        self.api_version.as_deref().unwrap_or_else(|| self.service.default_version())
    }

    /// Judges a setup by what is known of Google's service and its models, as this client would send it; dials nobody.
    ///
    /// A gateway is taken for the Gemini API. Another server may know other models and have other rules, so that
    /// [`connect`](Self::connect) sends whatever it is given. Functions of [`Tools`] are not in the setup yet.
    ///
    /// ```
    /// use live_client::{Client, Setup};
    ///
    /// let client = Client::gemini("an API key");
    /// let refused = client.check(&Setup::new("gemini-3.8-live").with_voice("alloy")).violations;
    /// assert_eq!(refused[0].id(), "setup.voice-unknown");
    /// assert_eq!(refused[0].text(), "No matching speaker voice found for name: alloy");
    /// ```
    pub fn check(&self, setup: &Setup) -> Lint {
        let backend = match self.service {
            Service::Gemini { .. } | Service::Gateway { .. } => Backend::Gemini,
            Service::Vertex { .. } => Backend::Vertex,
        };
        let config = ServerConfig {
            api_version: self.version().to_owned(),
            built_in_tools: BuiltInTools::ALL,
            ..ServerConfig::new(backend)
        };
        live_engine::lint(self.complete(setup.clone()), &config)
    }

    /// Opens a session: dials, sends `setup`, and waits until the server accepts it.
    ///
    /// The model's name may be short (`gemini-live-2.5-flash-preview`); it is completed as the service wants it.
    ///
    /// # Errors
    /// Always within the deadline, and one variant of [`ConnectError`] for each way to fail.
    pub async fn connect(&self, setup: Setup) -> Result<Session, ConnectError> {
        self.connect_with(setup, Tools::new()).await
    }

    /// As [`connect`](Self::connect), with functions that the session runs by itself. Their declarations are added to the
    /// tools of the setup.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); also when a function cannot be declared.
    pub async fn connect_with(&self, setup: Setup, tools: Tools) -> Result<Session, ConnectError> {
        let has_generators = !matches!(self.service, Service::Vertex { .. });
        let (functions, bodies) = check(tools, has_generators).map_err(ConfigError::from)?;
        let request = self.request()?;
        let connector = self.connector(request.uri())?;
        let config = ClientSessionConfig {
            setup: self.complete(setup),
            functions,
            limits: Limits { setup_deadline: self.deadline, ..self.limits.clone() },
            reconnect: self.reconnect.clone(),
            seed: seed(),
        };
        let dialer = Dialer::new(request, connector, self.options.clone());
        Session::open(dialer, config, bodies, has_generators).await
    }

    fn request(&self) -> Result<Request<()>, ConfigError> {
        let mut request = Request::new(());
        *request.uri_mut() = self.url()?;
        let headers = request.headers_mut();
        let agent = HeaderValue::from_static(concat!("live-client/", env!("CARGO_PKG_VERSION")));
        headers.insert(USER_AGENT, agent.clone());
        headers.insert(HeaderName::from_static("x-goog-api-client"), agent);
        if let Some((name, value)) = self.credential.header()? {
            headers.insert(name, value);
        }
        for (name, value) in &self.headers {
            let fault = || ConfigError::Header { name: name.clone() };
            let value = value.header_value().map_err(|_| fault())?;
            headers.insert(HeaderName::try_from(name.as_str()).map_err(|_| fault())?, value);
        }
        Ok(request)
    }

    /// Reading the platform's certificates takes a while, so that a client without TLS does not.
    fn connector(&self, uri: &Uri) -> Result<Connector, ConnectError> {
        let pem = match (&self.ca, uri.scheme_str()) {
            (_, Some("ws")) => return Ok(Connector::without_roots()?),
            (None, _) => return Ok(Connector::new()?),
            (Some(Ca::Pem(pem)), _) => pem.clone(),
            (Some(Ca::File(path)), _) => std::fs::read(path)
                .map_err(|error| ConfigError::Ca { reason: format!("{}: {error}", path.display()) })?,
        };
        Ok(Connector::with_ca_pem(&pem)?)
    }

    fn complete(&self, mut setup: Setup) -> Setup {
        setup.model = self.service.model(setup.model);
        // Vertex has no default modality; Google's SDKs ask for sound there when the host does not say.
        if matches!(self.service, Service::Vertex { .. }) {
            let modalities = &mut setup.generation_config.get_or_insert_default().response_modalities;
            if modalities.is_empty() {
                modalities.push(Modality::Audio);
            }
        }
        setup
    }
}

/// Random bits for the jitter of the back-off, so that clients which lost one server do not come back as one.
fn seed() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0)
}
