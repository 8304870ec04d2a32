//! Items of a source that may never pause, beside a connection that must not starve.
//!
//! Whether the source is asked at all, for the peer keeps up or not, is its caller's decision.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_util::Stream;

/// Gives the other tasks of the runtime their turn between two items of a source.
#[derive(Debug, Default)]
pub struct Fair {
    /// An item was taken, and others have not had their turn since.
    owes_turn: bool,
}

impl Fair {
    /// The next item of `source`.
    pub fn poll_next<T>(
        &mut self,
        source: &mut (impl Stream<Item = T> + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Option<T>> {
        if std::mem::take(&mut self.owes_turn) {
            // Its first poll wakes us once the runtime has looked at its sockets and timers.
            return pin!(tokio::task::yield_now()).poll(cx).map(|()| unreachable!("it yields first"));
        }
        let item = Pin::new(source).poll_next(cx);
        self.owes_turn = item.is_ready();
        item
    }
}
