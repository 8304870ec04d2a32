//! The half of a stream that we write: a slot for one payload between the pump and the HTTP/2 stack.
//!
//! The stack takes a payload only when the peer's window has room, so that a full slot is back-pressure.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::Stream;
use tonic::Status;

/// What goes through the slot.
#[derive(Debug)]
pub(crate) enum Frame {
    Message(Bytes),
    /// Nothing more, and the status that a server ends with; `None` is `OK`.
    End(Option<Box<Status>>),
}

/// Makes the pump's and the stack's end of a slot.
pub(crate) fn slot() -> (mpsc::Sender<Frame>, Outgoing) {
    let (sender, frames) = mpsc::channel(0);
    (sender, Outgoing { frames, is_over: false })
}

/// The stack's end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    frames: mpsc::Receiver<Frame>,
    is_over: bool,
}

/// As a server writes. A pump that is dropped in the middle does not look like a session that ended well.
impl Stream for Outgoing {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.frames).poll_next(cx));
        if let Some(Frame::Message(payload)) = frame {
            return Poll::Ready(Some(Ok(payload)));
        }
        self.is_over = true;
        Poll::Ready(match frame {
            Some(Frame::End(status)) => status.map(|status| Err(*status)),
            None => Some(Err(Status::unavailable("the connection was cut"))),
            Some(Frame::Message(_)) => unreachable!("it was returned above"),
        })
    }
}

/// As a client writes: it has no status to give.
pub(crate) struct Payloads(pub(crate) Outgoing);

impl Stream for Payloads {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Pin::new(&mut self.0).poll_next(cx).map(|payload| payload?.ok())
    }
}
