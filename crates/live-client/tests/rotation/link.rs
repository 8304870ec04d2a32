//! The network between a client and its server: one address that stays while servers come and go, and that can be cut
//! after any byte.
//!
//! What is said over it is none of its business.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Where connections lead; nowhere while there is no server.
    server: Option<SocketAddr>,
    dials: u64,
    /// The connection is cut after so many bytes more.
    cut: Option<(Way, usize)>,
}

impl Network {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let network = Self { address: listener.local_addr().expect("a bound address"), state: Arc::default() };
        let state = network.state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                lock(&state).dials += 1;
                let server = lock(&state).server;
                tokio::spawn(carry(client, server, state.clone()));
            }
        });
        network
    }

    pub(crate) fn lead_to(&self, server: Option<SocketAddr>) {
        lock(&self.state).server = server;
    }

    /// Connections that were asked for so far.
    pub(crate) fn dials(&self) -> u64 {
        lock(&self.state).dials
    }

    pub(crate) fn cut_after(&self, way: Way, bytes: usize) {
        lock(&self.state).cut = Some((way, bytes));
    }
}

async fn carry(client: TcpStream, server: Option<SocketAddr>, state: Arc<Mutex<State>>) {
    let Some(server) = server else { return };
    let Ok(server) = TcpStream::connect(server).await else { return };
    // A byte that waits for an acknowledgement waits in real time, which tests do not have.
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a stream on loopback");
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Whichever way ends takes the other with it.
    tokio::select! {
        () = copy(from_client, to_server, Way::Up, &state) => {}
        () = copy(from_server, to_client, Way::Down, &state) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, state: &Mutex<State>) {
    let mut buffer = [0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let passes = pass(&mut lock(state).cut, way, read);
        if to.write_all(&buffer[..passes]).await.is_err() || passes < read {
            return;
        }
    }
}

/// How many of `read` bytes pass before the cut.
fn pass(cut: &mut Option<(Way, usize)>, way: Way, read: usize) -> usize {
    let Some((_, left)) = cut.as_mut().filter(|(cut_way, _)| *cut_way == way) else { return read };
    if let Some(rest) = left.checked_sub(read) {
        *left = rest;
        return read;
    }
    let passes = *left;
    *cut = None;
    passes
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
