//! The server's side: from a byte stream to HTTP/2, and from each of its streams to a connection.
//!
//! Ports, TLS, authentication and refusal are the host's business, before or inside the engine.

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_channel::mpsc;
use http::{HeaderMap, Request, Response};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use live_engine::Engine;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::{Status, Streaming};

use crate::connection::{Incoming, Side};
use crate::generated::v1alpha::generative_service_server as v1alpha_server;
use crate::generated::v1beta::generative_service_server as v1beta_server;
use crate::outgoing::{Frame, Outgoing, slot};
use crate::{Connection, Decode, Encode, Method, Options};

/// A stream that a client has opened. Dropping it ends the stream with `UNAVAILABLE`.
pub struct Opening {
    method: Method,
    headers: HeaderMap,
    incoming: Streaming<Bytes>,
    sender: mpsc::Sender<Frame>,
    options: Options,
}

impl Opening {
    /// The method that was called.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The metadata of the call, credentials included.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Hands the stream to `engine`.
    pub fn accept<E>(self, engine: E) -> Connection<E>
    where
        E: Engine,
        E::Inbound: Decode,
        E::Outbound: Encode,
    {
        let Self { method: _, headers: _, incoming, sender, options } = self;
        Connection::new(engine, Side::Server, sender, Incoming::Open(Box::new(incoming)), options)
    }
}

impl fmt::Debug for Opening {
    /// Without the headers, which hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Serves HTTP/2 on `stream` until the client ends it, or until `stop` resolves and the last stream on it has ended.
///
/// `open` gets every stream; it is to give it to a task of its own and return at once.
///
/// # Errors
/// When the client does not speak HTTP/2, or the connection breaks.
pub async fn serve<S>(
    stream: S,
    options: &Options,
    open: impl Fn(Opening) + Clone + Send + Sync + 'static,
    stop: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| {
        let (options, open) = (options.clone(), open.clone());
        async move { Ok::<_, Infallible>(respond(request, options, open).await) }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(HEADER_BYTES_MAX)
        .keep_alive_interval(Some(PING_INTERVAL))
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        () = stop => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}

/// Answers one request, for hosts that serve HTTP/2 themselves. `open` is called unless the path names no method of ours.
pub async fn respond<B>(
    request: Request<B>,
    options: Options,
    open: impl Fn(Opening) + Send + Sync + 'static,
) -> Response<Body>
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    let Some(method) = Method::find(request.uri().path()) else {
        let known = Method::ALL.map(Method::path).join(" and ");
        return Status::unimplemented(format!("this server has no such method, only {known}")).into_http();
    };
    let bytes_max = options.message_bytes_max;
    let service = Service { options, open };
    let Ok(response) = match method {
        Method::V1Beta => {
            v1beta_server::GenerativeServiceServer::new(service)
                .max_decoding_message_size(bytes_max)
                .call(request)
                .await
        }
        Method::V1Alpha => {
            v1alpha_server::GenerativeServiceServer::new(service)
                .max_decoding_message_size(bytes_max)
                .call(request)
                .await
        }
    };
    response
}

/// The service of all versions.
struct Service<F> {
    options: Options,
    open: F,
}

impl<F: Fn(Opening)> Service<F> {
    fn open(&self, method: Method, request: tonic::Request<Streaming<Bytes>>) -> tonic::Response<Outgoing> {
        let (metadata, _, incoming) = request.into_parts();
        let (sender, outgoing) = slot();
        let headers = metadata.into_headers();
        (self.open)(Opening { method, headers, incoming, sender, options: self.options.clone() });
        tonic::Response::new(outgoing)
    }
}

macro_rules! serves {
    ($($server:ident as $method:expr),*) => {$(
        #[tonic::async_trait]
        impl<F: Fn(Opening) + Send + Sync + 'static> $server::GenerativeService for Service<F> {
            type BidiGenerateContentStream = Outgoing;

            async fn bidi_generate_content(
                &self,
                request: tonic::Request<Streaming<Bytes>>,
            ) -> Result<tonic::Response<Outgoing>, Status> {
                Ok(self.open($method, request))
            }
        }
    )*};
}

serves!(v1beta_server as Method::V1Beta, v1alpha_server as Method::V1Alpha);

/// How often a client that may be gone is asked; a session can be silent for long.
const PING_INTERVAL: Duration = Duration::from_secs(60);

/// Bytes of a request's headers. 16 KiB: tokens of OAuth run to a few.
const HEADER_BYTES_MAX: u32 = 16 << 10;
