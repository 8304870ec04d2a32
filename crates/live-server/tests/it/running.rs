//! A server that runs beside a test.

use std::net::SocketAddr;

use live_server::{Builder, Server, Stats};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::within;
use crate::log;
use crate::model::Obedient;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) tls_address: Option<SocketAddr>,
    pub(crate) grpc_address: Option<SocketAddr>,
    pub(crate) grpc_tls_address: Option<SocketAddr>,
    pub(crate) control: Option<SocketAddr>,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<Stats>,
}

/// Starts a server on loopback with [`Obedient`] and whatever `build` adds.
pub(crate) async fn start(build: impl FnOnce(Builder) -> Builder) -> Running {
    log::gather();
    let builder = Server::builder().model(Obedient::default()).listen("127.0.0.1:0".parse().expect("an address"));
    let server = build(builder).bind().await.expect("loopback has a free port");
    let address_of = |is_tls, is_grpc| {
        server.endpoints().iter().find(|it| (it.is_tls, it.is_grpc) == (is_tls, is_grpc)).map(|it| it.address)
    };
    let (address, tls_address) = (address_of(false, false).expect("the plain one"), address_of(true, false));
    let (grpc_address, grpc_tls_address) = (address_of(false, true), address_of(true, true));
    let control = server.control();
    let (shutdown, told) = oneshot::channel();
    let served = tokio::spawn(server.serve_until(async {
        // A test that ends without stopping its server drops the sender.
        _ = told.await;
    }));
    Running { address, tls_address, grpc_address, grpc_tls_address, control, shutdown, served }
}

impl Running {
    /// Asks the server to drain, without waiting for it.
    pub(crate) fn begin_shutdown(self) -> JoinHandle<Stats> {
        self.shutdown.send(()).expect("the server runs");
        self.served
    }

    /// Drains the server.
    pub(crate) async fn stop(self) -> Stats {
        within(self.begin_shutdown()).await.expect("the server does not panic")
    }
}
