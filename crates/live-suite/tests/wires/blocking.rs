//! live-blocking: server and clients on threads.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use live_blocking::{Connector, Memory, Next, Options, Request, Stop, connect, serve};
use live_engine::{Engine, Rejected, ServerConfig};
use live_proto::json::Strictness;
use live_suite::{ClientSide, Connection, Wire, model};

/// A server that stops when it is dropped.
pub(crate) struct Blocking {
    address: SocketAddr,
    stop: Stop,
}

impl Wire for Blocking {
    type Connection<E: ClientSide> = Waiting<E>;

    fn start(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let stop = Stop::default();
        let told = stop.clone();
        std::thread::spawn(move || {
            let admit = |_: &Request| config.clone();
            let options = Options::server(Strictness::Strict);
            serve(&listener, admit, model::answer, &Memory::default(), &options, &told).expect("loopback accepts");
        });
        Self { address, stop }
    }

    fn dial<E: ClientSide>(&self, engine: E) -> Waiting<E> {
        let request = http::Request::get(format!("ws://{}/ws", self.address)).body(()).expect("a valid request");
        let connector = Connector::without_roots().expect("TLS works");
        Waiting(connect(request, &connector, engine, Options::client()).expect("the server accepts"))
    }

    fn shut_down(&self) {
        self.stop.stop(self.address);
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.shut_down();
    }
}

pub(crate) struct Waiting<E: Engine>(live_blocking::Connection<E>);

impl<E: ClientSide> Connection<E> for Waiting<E> {
    fn next(&mut self) -> Option<E::Event> {
        match self.0.next(Some(Duration::from_secs(30))) {
            Next::Event(event) => Some(event),
            Next::Over => None,
            Next::TimedOut => panic!("nothing happens"),
        }
    }

    fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>> {
        self.0.command(command)
    }
}
