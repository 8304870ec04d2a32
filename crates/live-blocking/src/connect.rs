//! The client's side of a WebSocket: TCP, TLS, HTTP upgrade, all within one deadline.
//!
//! Which URL and which credentials to send is the host's business.

use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use live_engine::Engine;
use live_proto::json::Message;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tungstenite::HandshakeError;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::HandshakeRole;

use crate::stream::{Stream, Timed};
use crate::{Connection, Error, Options};

/// Opens a WebSocket at the `ws://` or `wss://` URL of `request`, adding the headers of the upgrade to its own, and hands
/// it to `engine`.
///
/// # Errors
/// One variant of [`Error`] for each step that can fail; [`Error::Silent`] when they take longer than
/// [`Options::open_deadline`]. Looking up a name is the system's and has deadlines of its own.
pub fn connect<E>(
    request: Request<()>,
    connector: &Connector,
    engine: E,
    options: Options,
) -> Result<Connection<E>, Error>
where
    E: Engine,
    E::Inbound: Message,
    E::Outbound: Message,
{
    let (head, ()) = request.into_parts();
    let secure = match head.uri.scheme_str() {
        Some("ws") => false,
        Some("wss") => true,
        Some(_) => return Err(Error::Url { reason: "the scheme is neither ws nor wss" }),
        None => return Err(Error::Url { reason: "the URL has no scheme" }),
    };
    let host = head.uri.host().filter(|host| !host.is_empty()).ok_or(Error::Url { reason: "the URL has no host" })?;
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
    let port = head.uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let address = format!("{host}:{port}");
    let mut request = head.uri.into_client_request().map_err(|error| Error::Upgrade(error.into()))?;
    request.headers_mut().extend(head.headers);

    let deadline = Instant::now() + options.open_deadline;
    let tcp = dial(&host, port, deadline).and_then(Timed::new);
    let tcp = tcp.map_err(|source| Error::Unreachable { address: address.clone(), source })?;
    let mut stream = if secure {
        let name = ServerName::try_from(host).map_err(|_| Error::Url { reason: "the host is not a valid name" })?;
        let tls = ClientConnection::new(Arc::clone(&connector.config), name)
            .map_err(|error| Error::Tls { address: address.clone(), source: io::Error::other(error) })?;
        Stream::Tls(Box::new(StreamOwned::new(tls, tcp)))
    } else {
        Stream::Plain(tcp)
    };
    stream.read_until(Some(deadline));
    if let Stream::Tls(tls) = &mut stream {
        while tls.conn.is_handshaking() {
            match tls.conn.complete_io(&mut tls.sock) {
                Ok(_) => {}
                Err(error) if is_wait(&error) => in_time(deadline, &options)?,
                Err(source) => return Err(Error::Tls { address, source }),
            }
        }
    }
    let opening = tungstenite::client::client_with_config(request, stream, Some(options.web_socket()));
    let (socket, _) = finish(opening, deadline, &options)?;
    Ok(Connection::new(socket, engine, options))
}

/// Tries every address of the name.
fn dial(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Takes a handshake to its end, or to the deadline.
pub(crate) fn finish<R: HandshakeRole>(
    mut round: Result<R::FinalResult, HandshakeError<R>>,
    deadline: Instant,
    options: &Options,
) -> Result<R::FinalResult, Error> {
    loop {
        match round {
            Ok(done) => return Ok(done),
            Err(HandshakeError::Interrupted(unfinished)) => {
                in_time(deadline, options)?;
                round = unfinished.handshake();
            }
            Err(HandshakeError::Failure(error)) => return Err(upgrade_error(error)),
        }
    }
}

fn in_time(deadline: Instant, options: &Options) -> Result<(), Error> {
    if Instant::now() < deadline { Ok(()) } else { Err(Error::Silent { deadline: options.open_deadline }) }
}

pub(crate) fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the library's errors only one says more than that the upgrade failed"
)]
fn upgrade_error(error: tungstenite::Error) -> Error {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES_MAX)]).into_owned();
            Error::Status { status: response.status(), body }
        }
        error => Error::Upgrade(error.into()),
    }
}

/// Whom to trust when dialling `wss://`. Cheap to clone; make one and keep it.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// Trusts Mozilla's roots and the platform's. `SSL_CERT_FILE` and `SSL_CERT_DIR` stand in for the platform's, as they do for OpenSSL.
    ///
    /// # Errors
    /// Only if the TLS library itself cannot be set up; a platform without certificates is no error.
    pub fn new() -> Result<Self, Error> {
        Self::with_roots(default_roots())
    }

    /// Trusts the certificates in `pem` besides those of [`new`](Self::new).
    ///
    /// # Errors
    /// [`Error::Roots`] when `pem` holds no certificate, or one that cannot be read.
    pub fn with_ca_pem(pem: &[u8]) -> Result<Self, Error> {
        let unreadable = |reason: String| Error::Roots { reason };
        let mut roots = default_roots();
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(unreadable("no certificate in the PEM".into()));
        }
        Self::with_roots(roots)
    }

    /// Trusts nobody: for `ws://`, where there is nobody to trust. Reads no certificates.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn without_roots() -> Result<Self, Error> {
        Self::with_roots(RootCertStore::empty())
    }

    fn with_roots(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Roots { reason: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }
}

fn default_roots() -> RootCertStore {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some certificates of the platform could not be read");
    }
    roots.add_parsable_certificates(native.certs);
    roots
}

/// Bytes kept of the body of a refusal: enough for Google's JSON error, too little to fill a log.
const BODY_BYTES_MAX: usize = 1024;
