//! One HTTP request to addresses that were chosen before, within bounds of time and size.
//!
//! Redirects are reported, not followed: whether they may be is the caller's to say.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HOST, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Bytes of the head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What came.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Empty unless the status is a success.
    pub(crate) body: Vec<u8>,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Until a connection is there.
    pub(crate) connect: Duration,
    /// Bytes of the body; with more the request has failed.
    pub(crate) bytes_max: usize,
}

/// Asks for `url` at one of `addresses`. Dropping the future ends the request.
///
/// The caller bounds the time of the whole.
pub(crate) async fn get(url: &Url, addresses: &[SocketAddr], accept: &str, bounds: Bounds) -> Result<Fetched, String> {
    let stream = connect(addresses, bounds.connect).await?;
    if url.scheme() == "https" {
        let name = match url.host() {
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|_| "its name is none for TLS".to_owned())?
            }
            Some(Host::Ipv4(address)) => ServerName::from(std::net::IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => ServerName::from(std::net::IpAddr::V6(address)),
            None => return Err("it names no host".to_owned()),
        };
        let stream =
            TlsConnector::from(tls()?).connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))?;
        exchange(url, stream, accept, bounds).await
    } else {
        exchange(url, stream, accept, bounds).await
    }
}

/// The addresses of the host of `url`, as the system resolves its name.
pub(crate) async fn addresses(url: &Url) -> io::Result<Vec<SocketAddr>> {
    let port = url.port_or_known_default().unwrap_or(80);
    match url.host() {
        Some(Host::Domain(name)) => Ok(tokio::net::lookup_host((name.to_owned(), port)).await?.collect()),
        Some(Host::Ipv4(address)) => Ok(vec![(address, port).into()]),
        Some(Host::Ipv6(address)) => Ok(vec![(address, port).into()]),
        None => Ok(Vec::new()),
    }
}

async fn connect(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, String> {
    let mut why = "its name has no address".to_owned();
    for address in addresses {
        match timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => why = format!("cannot connect to {address}: {error}"),
            Err(_) => why = format!("cannot connect to {address} within {patience:?}"),
        }
    }
    Err(why)
}

async fn exchange<S>(url: &Url, stream: S, accept: &str, bounds: Bounds) -> Result<Fetched, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|error| format!("HTTP failed: {error}"))?;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::get(target)
        .header(HOST, host)
        .header(USER_AGENT, concat!("live-search/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, accept)
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("it makes no request: {error}"))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| format!("no answer: {}", deepest(&error)))?;
        let (head, body) = response.into_parts();
        let body =
            if head.status.is_success() { read(&head.headers, body, bounds.bytes_max).await? } else { Vec::new() };
        Ok(Fetched { status: head.status, headers: head.headers, body })
    };
    // Whatever is still to be read is read by the connection, so both are driven here.
    let (mut answer, mut connection) = (pin!(answer), pin!(connection.fuse()));
    loop {
        tokio::select! {
            biased;
            fetched = &mut answer => return fetched,
            // Why it ended is known to who waits for the answer.
            _ = &mut connection => {}
        }
    }
}

async fn read(headers: &HeaderMap, mut body: Incoming, bytes_max: usize) -> Result<Vec<u8>, String> {
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(format!("it is compressed ({encoding:?}), though that was not asked for"));
    }
    let too_long = || format!("it has more than {bytes_max} bytes");
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("it broke off: {}", deepest(&error)))?;
        if let Ok(bytes) = frame.into_data() {
            if whole.len() + bytes.len() > bytes_max {
                return Err(too_long());
            }
            whole.extend_from_slice(&bytes);
        }
    }
    Ok(whole)
}

/// The innermost cause, which is the one that says something.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// TLS as the system trusts it.
fn tls() -> Result<Arc<rustls::ClientConfig>, String> {
    static CONFIG: OnceLock<Option<Arc<rustls::ClientConfig>>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions of TLS");
        (!roots.is_empty()).then(|| Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    });
    config.clone().ok_or_else(|| {
        "this machine trusts no certificate authority; install ca-certificates, or set SSL_CERT_FILE".to_owned()
    })
}
