//! Opening connections for a session, the first and those after it.
//!
//! When to dial is decided by the engine, where to and as whom by [`Client`](crate::Client).

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Request;
use live_engine::{Cause, LinkId};
use live_tokio::{Connector, Error, NetStream, Options, WebSocketStream};

/// What every dial of a session has in common.
#[derive(Debug)]
pub(crate) struct Dialer {
    request: Request<()>,
    connector: Connector,
    pub(crate) options: Options,
}

impl Dialer {
    pub(crate) fn new(request: Request<()>, connector: Connector, options: Options) -> Self {
        Self { request, connector, options }
    }

    pub(crate) fn dial(&self, link: LinkId) -> Dial {
        let Self { request, connector, options } = self;
        let (request, connector, options) = (request.clone(), connector.clone(), options.clone());
        Dial { link, future: Box::pin(async move { live_tokio::dial(request, &connector, &options).await }) }
    }
}

/// A dial under way. Dropping it gives it up.
pub(crate) struct Dial {
    pub(crate) link: LinkId,
    future: Pin<Box<dyn Future<Output = Result<WebSocketStream<NetStream>, Error>> + Send>>,
}

impl Dial {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<WebSocketStream<NetStream>, Error>> {
        self.future.as_mut().poll(cx)
    }
}

/// What a failure to dial means for the next one.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left cannot be told apart, and gets another chance")]
pub(crate) fn cause_of(error: &Error) -> Cause {
    match error {
        Error::Unreachable { .. } | Error::Upgrade(_) => Cause::Lost,
        Error::Status { status, .. } => Cause::of_http(status.as_u16()),
        _ => Cause::Other,
    }
}
