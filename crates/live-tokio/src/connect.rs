//! The client's side of a WebSocket: TCP, TLS, HTTP upgrade.
//!
//! Which URL and which credentials to send is `live-client`'s business.

use std::sync::Arc;

use http::Request;
use live_engine::Engine;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{Connection, Decode, Encode, Error, NetStream, Options};

/// Dials `request` and hands the open WebSocket to `engine`. See [`dial`].
///
/// # Errors
/// As [`dial`].
pub async fn connect<E>(
    request: Request<()>,
    connector: &Connector,
    engine: E,
    options: Options,
) -> Result<Connection<E, NetStream>, Error>
where
    E: Engine,
    E::Inbound: Decode,
    E::Outbound: Encode,
{
    let socket = dial(request, connector, &options).await?;
    Ok(Connection::from_socket(socket, engine, options))
}

/// Opens a WebSocket at the `ws://` or `wss://` URL of `request`, adding the headers of the upgrade to its own.
///
/// There is no deadline inside: wrap the call in [`tokio::time::timeout`].
///
/// # Errors
/// One variant of [`Error`] for each step that can fail.
pub async fn dial(
    request: Request<()>,
    connector: &Connector,
    options: &Options,
) -> Result<WebSocketStream<NetStream>, Error> {
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

    let mut request = head.uri.into_client_request().map_err(upgrade_error)?;
    request.headers_mut().extend(head.headers);

    let tcp = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(|source| Error::Unreachable { address: address.clone(), source })?;
    // A message is written when it is due; waiting to fill a packet would only add latency.
    tcp.set_nodelay(true).map_err(|source| Error::Unreachable { address: address.clone(), source })?;

    let stream = if secure {
        let name = ServerName::try_from(host).map_err(|_| Error::Url { reason: "the host is not a valid name" })?;
        let tls = TlsConnector::from(connector.config.clone())
            .connect(name, tcp)
            .await
            .map_err(|source| Error::Tls { address, source })?;
        NetStream::Tls(Box::new(tls.into()))
    } else {
        NetStream::Plain(tcp)
    };
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(options.web_socket()))
        .await
        .map_err(upgrade_error)?;
    Ok(socket)
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
        let mut roots = default_roots();
        let mut added = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| Error::Roots { reason: error.to_string() })?;
            roots.add(certificate).map_err(|error| Error::Roots { reason: error.to_string() })?;
            added += 1;
        }
        if added == 0 {
            return Err(Error::Roots { reason: "no certificate in the PEM".into() });
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

/// Bytes kept of the body of a refusal: enough for Google's JSON error, too little to fill a log.
const BODY_BYTES_MAX: usize = 1024;
