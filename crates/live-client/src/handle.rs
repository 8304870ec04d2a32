//! A session with a task of its own, for programs of several parts: some say things, one listens.
//!
//! It is the same session behind a lock that is held for one poll or one message; nothing else is decided here.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::task::AtomicWaker;
use live_proto::{Blob, ClientMessage, Content, ContextUpdate, FunctionResponse};
use live_tokio::Traffic;
use tokio::sync::mpsc;

use crate::says::says;
use crate::{Counters, Event, Pcm, SendError, Session, Tools, UpdateToolsError};

/// Says things in a session that a task of its own drives. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    shared: Arc<Shared>,
}

/// What is heard in a session that a task of its own drives. Dropping it ends the session in good order.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

#[derive(Debug)]
struct Shared {
    session: Mutex<Session>,
    driver: AtomicWaker,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Session> {
        // A panic while it was held was in the engine, and the session goes on as far as it can.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Gives the session a task of its own, on the runtime of the caller: from now on nobody has to call `next` to send.
    ///
    /// The task stops reading from the server while [`EVENTS_MAX`] events wait to be taken.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(self) -> (SessionHandle, Events) {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        let shared = Arc::new(Shared { session: Mutex::new(self), driver: AtomicWaker::new() });
        tokio::spawn(drive(shared.clone(), sender));
        (SessionHandle { shared }, Events { events })
    }
}

async fn drive(shared: Arc<Shared>, events: mpsc::Sender<Event>) {
    let mut runner = shared.lock().take_runner();
    let mut next = async || {
        poll_fn(|cx| {
            shared.driver.register(cx.waker());
            loop {
                // A function may say something in the session that it is run for, and so neither it nor its end is under the lock.
                let (polled, orders) = shared.lock().poll_with_orders(cx);
                orders.into_iter().for_each(|order| runner.follow(order));
                if polled.is_ready() {
                    return polled;
                }
                match runner.poll(cx, |run| shared.lock().may_say(run)) {
                    Poll::Ready((run, output)) => shared.lock().tell_run(run, output),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    };
    loop {
        let Ok(room) = events.reserve().await else { break };
        tokio::select! {
            event = next() => match event {
                Some(event) => room.send(event),
                None => return,
            },
            () = events.closed() => break,
        }
    }
    shared.lock().part();
    while next().await.is_some() {}
}

impl SessionHandle {
    says!(self: &Self);

    /// Sends any message but `setup`. Returns at once; the session's task does the rest.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub fn send(&self, message: ClientMessage) -> Result<(), SendError> {
        let sent = self.shared.lock().send(message);
        self.shared.driver.wake();
        sent
    }

    /// As [`Session::update_tools`].
    ///
    /// # Errors
    /// As [`Session::update_tools`].
    pub fn update_tools(&self, tools: Tools) -> Result<(), UpdateToolsError> {
        let updated = self.shared.lock().update_tools(tools);
        self.shared.driver.wake();
        updated
    }

    /// Asks for the end of the session, in good order. The last of the [`Events`] tells when and how.
    pub fn close(&self) {
        self.shared.lock().part();
        self.shared.driver.wake();
    }

    /// As [`Session::is_congested`].
    pub fn is_congested(&self) -> bool {
        self.shared.lock().is_congested()
    }

    /// As [`Session::is_open`].
    pub fn is_open(&self) -> bool {
        self.shared.lock().is_open()
    }

    /// As [`Session::traffic`].
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic()
    }

    /// As [`Session::counters`].
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters()
    }
}

impl Events {
    /// Waits for the next event. After [`Event::Closed`] or [`Event::Lost`] it is `None`.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }
}

/// Events that wait to be taken. 4,096: at least a minute and a half of sound in pieces of 20 ms.
pub const EVENTS_MAX: usize = 4_096;
