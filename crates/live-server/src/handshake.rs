//! From an accepted TCP connection to an upgraded stream: TLS, one HTTP request, and the switch to WebSocket.
//!
//! What a request is answered is `answer`'s decision; the session that follows is `session`'s.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use live_tokio::NetStream;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::answer::{self, Answer, Misled, Opening};
use crate::{Shared, mint};

/// A stream that speaks WebSocket from here on.
pub(crate) struct Upgraded {
    pub(crate) stream: NetStream,
    /// What was read past the request; it belongs to the WebSocket.
    pub(crate) read: Bytes,
    pub(crate) opening: Opening,
}

/// Why no WebSocket came of a connection.
#[derive(Debug, Error)]
pub(crate) enum HandshakeError {
    /// The client said nothing.
    #[error("the client hung up without a word")]
    Silent,
    /// The request means this API, and cannot be served.
    #[error("{method} {path} was answered with {status}: {message}")]
    Refused {
        method: Method,
        /// Without the query, which holds keys.
        path: String,
        status: StatusCode,
        message: String,
    },
    /// TLS was spoken to a plain port.
    #[error("the client speaks TLS to the plain port; give it the https:// address (the Python SDK always uses TLS)")]
    TlsToPlain,
    /// Plain HTTP was spoken to the TLS port.
    #[error(
        "the client speaks plain HTTP to the TLS port; give it the http:// address, or https:// with the CA certificate"
    )]
    PlainToTls,
    /// The TLS handshake failed.
    #[error("TLS failed: {0}; does the client trust the CA certificate?")]
    Tls(io::Error),
    /// TCP failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// HTTP failed.
    #[error("HTTP failed: {0}")]
    Http(#[from] hyper::Error),
}

/// Serves one request; `None` when it was answered and asked for no WebSocket.
pub(crate) async fn open(
    tcp: TcpStream,
    tls: Option<&TlsAcceptor>,
    shared: &Shared,
) -> Result<Option<Upgraded>, HandshakeError> {
    let mut first = [0];
    if tcp.peek(&mut first).await? == 0 {
        return Err(HandshakeError::Silent);
    }
    let speaks_tls = first[0] == TLS_HANDSHAKE_RECORD;
    let stream = match tls {
        None if speaks_tls => {
            // A ClientHello is bad HTTP, and is answered as such: the client's TLS library then says "wrong version
            // number", where a silent end would leave it waiting.
            _ = exchange(NetStream::Plain(tcp), Some(shared)).await;
            return Err(HandshakeError::TlsToPlain);
        }
        None => NetStream::Plain(tcp),
        Some(acceptor) if speaks_tls => {
            let tls = acceptor.accept(tcp).await.map_err(HandshakeError::Tls)?;
            NetStream::Tls(Box::new(tls.into()))
        }
        Some(_) => {
            exchange(NetStream::Plain(tcp), None).await?;
            return Err(HandshakeError::PlainToTls);
        }
    };
    exchange(stream, Some(shared)).await
}

/// What a request comes to, unless it was answered and that was all.
type Outcome = Result<(OnUpgrade, Opening), HandshakeError>;

/// Reads one request, sends its answer, and takes the stream back when the answer was an upgrade. `None` answers plain HTTP
/// where TLS should be.
async fn exchange(stream: NetStream, shared: Option<&Shared>) -> Result<Option<Upgraded>, HandshakeError> {
    let outcome: Arc<Mutex<Option<Outcome>>> = Arc::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        let outcome = Arc::clone(&outcome);
        async move {
            let answer = match shared {
                Some(shared) => answer::answer(&request, shared.counters.read(), shared.origins()),
                None => Answer::Reply(answer::plain_on_tls_port()),
            };
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let (response, upgrade) = match answer {
                Answer::Reply(response) => (response, None),
                Answer::Upgrade(response, opening) => {
                    debug_assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
                    (response, Some((hyper::upgrade::on(&mut request), opening)))
                }
                Answer::Mint(ask) => {
                    let shared = shared.expect("a request is judged only where it may be served");
                    (mint::mint(ask, request.into_body(), shared).await, None)
                }
            };
            let misled = response.extensions().get();
            let refused = misled.map(|Misled { message }| Err(refused(method, path, response.status(), message)));
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = upgrade.map(Ok).or(refused);
            Ok::<Response<Full<Bytes>>, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    let outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A client that does not wait for the whole of its refusal was refused all the same.
    let upgrade = outcome.transpose()?;
    served?;
    let Some((upgraded, opening)) = upgrade else { return Ok(None) };
    let parts = upgraded.await?.downcast::<TokioIo<NetStream>>().expect("the stream that was served comes back");
    Ok(Some(Upgraded { stream: parts.io.into_inner(), read: parts.read_buf, opening }))
}

fn refused(method: Method, mut path: String, status: StatusCode, message: &str) -> HandshakeError {
    path.truncate(path.floor_char_boundary(PATH_LOGGED_MAX));
    HandshakeError::Refused { method, path, status, message: message.to_owned() }
}

/// The first byte of a TLS connection; no HTTP method begins with it.
const TLS_HANDSHAKE_RECORD: u8 = 0x16;
/// Bytes of a request head. 16 KiB: tokens of OAuth run to a few, and a cookie jar may come along.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Bytes of a path that are logged; Firebase's, the longest, has some 200.
const PATH_LOGGED_MAX: usize = 512;
