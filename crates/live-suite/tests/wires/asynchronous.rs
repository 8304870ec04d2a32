//! live-tokio and live-grpc: server and clients on one runtime, which moves while somebody waits.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use live_blocking::{Keeper, Memory};
use live_engine::{
    Engine, HandleSeed, ModelOutput, Rejected, ServerCommand, ServerConfig, ServerEngine, ServerEvent, TurnId,
};
use live_proto::json::Strictness;
use live_suite::{ClientSide, Wire, model};
use live_tokio::Step;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// What both connections of tokio offer.
trait Pump<E: Engine> {
    fn next(&mut self) -> LocalBoxFuture<'_, Option<E::Event>>;
    fn next_or<'a>(&'a mut self, source: &'a mut Source) -> LocalBoxFuture<'a, Step<E::Event, Piece>>;
    fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>>;
}

type Piece = (TurnId, ModelOutput);
type Source = BoxStream<'static, Piece>;

macro_rules! pump {
    ($connection:ty where $($bound:tt)*) => {
        impl<E: Engine> Pump<E> for $connection
        where
            $($bound)*
        {
            fn next(&mut self) -> LocalBoxFuture<'_, Option<E::Event>> {
                self.next().boxed_local()
            }

            fn next_or<'a>(&'a mut self, source: &'a mut Source) -> LocalBoxFuture<'a, Step<E::Event, Piece>> {
                self.next_or(source).boxed_local()
            }

            fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>> {
                self.command(command)
            }
        }
    };
}

pump!(live_tokio::Connection<E, live_tokio::NetStream> where E::Inbound: live_tokio::Decode, E::Outbound: live_tokio::Encode);
pump!(live_tokio::Connection<E, tokio::net::TcpStream> where E::Inbound: live_tokio::Decode, E::Outbound: live_tokio::Encode);
pump!(live_grpc::Connection<E> where E::Inbound: live_grpc::Decode, E::Outbound: live_grpc::Encode);

/// Holds a session of the server.
async fn hold(mut connection: impl Pump<ServerEngine>, mut keeper: Keeper<'_>, mut stop: watch::Receiver<bool>) {
    let mut source: Source = stream::pending().boxed();
    let mut is_stopping = false;
    let mut is_taken_over = false;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        let step = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                is_stopping = true;
                _ = connection.command(ServerCommand::Shutdown);
                continue;
            }
            _ = looks.tick(), if !is_taken_over => {
                is_taken_over = keeper.is_superseded();
                if is_taken_over {
                    _ = connection.command(ServerCommand::TakeOver);
                }
                continue;
            }
            step = connection.next_or(&mut source) => step,
        };
        if let Step::Event(Some(event)) = &step
            && let Some(command) = keeper.answer(event, Instant::now())
        {
            _ = connection.command(command);
        }
        match step {
            Step::Event(Some(ServerEvent::Generate(turn, prompt))) => {
                let pieces = stream::iter(model::answer(prompt)).map(move |piece| (turn, piece));
                source = pieces.chain(stream::pending()).boxed();
            }
            Step::Event(Some(ServerEvent::Cancel(_))) => source = stream::pending().boxed(),
            Step::Event(Some(_)) => {}
            Step::Event(None) => return,
            Step::Item(piece) => {
                let (turn, piece) = piece.expect("the source is chained to one that never ends");
                // Refused when the session is over, which the next step finds out.
                _ = connection.command(ServerCommand::Model(turn, piece));
            }
        }
    }
}

/// What the engines of a server are made of, and where their sessions are kept.
#[derive(Clone)]
struct Kept {
    config: ServerConfig,
    memory: Rc<Memory>,
    connections: Rc<Cell<u8>>,
}

impl Kept {
    fn new(config: ServerConfig) -> Self {
        Self { config, memory: Rc::default(), connections: Rc::default() }
    }

    /// An engine whose handles and ids of calls are no other's.
    fn engine(&self) -> ServerEngine {
        self.connections.set(self.connections.get() + 1);
        let number = self.connections.get();
        let (handle_seed, call_id_seed) = (HandleSeed([number; 32]), number.into());
        ServerEngine::new(ServerConfig { handle_seed, call_id_seed, ..self.config.clone() }, Instant::now())
    }

    fn keeper(&self) -> Keeper<'_> {
        self.memory.keeper("", self.config.lifetimes.handle_validity)
    }
}

struct Server {
    runtime: Rc<Runtime>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Gives every connection of a new port to `serve`.
    fn start<F: Future<Output = ()> + 'static>(
        serve: impl Fn(tokio::net::TcpStream, watch::Receiver<bool>) -> F + 'static,
    ) -> (Self, Rc<tokio::task::LocalSet>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = watch::channel(false);
        let tasks = tokio::task::LocalSet::new();
        tasks.spawn_local(async move {
            loop {
                let (tcp, _) = listener.accept().await.expect("loopback accepts");
                tokio::task::spawn_local(serve(tcp, stopped.clone()));
            }
        });
        (Self { runtime: Rc::new(runtime), address, stop }, Rc::new(tasks))
    }
}

/// A connection, and the runtime that moves it.
pub(crate) struct Driven<E: Engine> {
    pump: Box<dyn Pump<E>>,
    runtime: Rc<Runtime>,
    tasks: Rc<tokio::task::LocalSet>,
}

impl<E: Engine> live_suite::Connection<E> for Driven<E> {
    fn next(&mut self) -> Option<E::Event> {
        let next = async { tokio::time::timeout(Duration::from_secs(30), self.pump.next()).await };
        self.runtime.block_on(self.tasks.run_until(next)).expect("something happens")
    }

    fn command(&mut self, command: E::Command) -> Result<(), Rejected<E::Command>> {
        self.pump.command(command)
    }
}

/// live-tokio.
pub(crate) struct WebSocket {
    server: Server,
    tasks: Rc<tokio::task::LocalSet>,
}

impl Wire for WebSocket {
    type Connection<E: ClientSide> = Driven<E>;

    fn start(config: ServerConfig) -> Self {
        let kept = Kept::new(config);
        let (server, tasks) = Server::start(move |tcp, stop| {
            let kept = kept.clone();
            async move {
                let options = live_tokio::Options::server(Strictness::Strict);
                let connection = live_tokio::accept(tcp, kept.engine(), options).await.expect("our client upgrades");
                hold(connection, kept.keeper(), stop).await;
            }
        });
        Self { server, tasks }
    }

    fn dial<E: ClientSide>(&self, engine: E) -> Driven<E> {
        let request = http::Request::get(format!("ws://{}/ws", self.server.address)).body(()).expect("a valid request");
        let connector = live_tokio::Connector::without_roots().expect("TLS works");
        let dialled = live_tokio::connect(request, &connector, engine, live_tokio::Options::client());
        let pump = self.server.runtime.block_on(self.tasks.run_until(dialled)).expect("the server accepts");
        Driven { pump: Box::new(pump), runtime: Rc::clone(&self.server.runtime), tasks: Rc::clone(&self.tasks) }
    }

    fn shut_down(&self) {
        self.server.stop.send_replace(true);
    }
}

/// live-grpc.
pub(crate) struct Grpc {
    server: Server,
    tasks: Rc<tokio::task::LocalSet>,
}

impl Wire for Grpc {
    type Connection<E: ClientSide> = Driven<E>;

    fn start(config: ServerConfig) -> Self {
        let kept = Kept::new(config);
        let (server, tasks) = Server::start(move |tcp, stop| {
            let kept = kept.clone();
            async move {
                let (opened, mut openings) = tokio::sync::mpsc::unbounded_channel();
                let open = move |opening| _ = opened.send(opening);
                tokio::task::spawn_local(async move {
                    // A client that drops its channel ends it with an error.
                    _ = live_grpc::serve(tcp, &live_grpc::Options::default(), open, std::future::pending()).await;
                });
                while let Some(opening) = openings.recv().await {
                    let (kept, stop) = (kept.clone(), stop.clone());
                    tokio::task::spawn_local(async move {
                        hold(opening.accept(kept.engine()), kept.keeper(), stop).await;
                    });
                }
            }
        });
        Self { server, tasks }
    }

    fn dial<E: ClientSide>(&self, engine: E) -> Driven<E> {
        let _runtime = self.server.runtime.enter();
        let url = format!("http://{}", self.server.address);
        let channel = live_grpc::Endpoint::from_shared(url).expect("a valid URL").connect_lazy();
        let (metadata, options) = (http::HeaderMap::new(), live_grpc::Options::default());
        let pump = live_grpc::connect(channel, live_grpc::Method::V1Beta, metadata, engine, options);
        Driven { pump: Box::new(pump), runtime: Rc::clone(&self.server.runtime), tasks: Rc::clone(&self.tasks) }
    }

    fn shut_down(&self) {
        self.server.stop.send_replace(true);
    }
}

/// How often a session looks whether another connection has it.
const LOOK: Duration = Duration::from_millis(20);
