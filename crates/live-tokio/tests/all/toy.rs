//! A toy engine, so that the pump is tested with nothing behind it: it says words, hears words and rings alarms.
//!
//! The real engines are met in `engines.rs`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use live_engine::{Close, CloseReason, CloseText, Disconnect, Engine, Output, Rejected};
use live_proto::DecodeError;
use live_proto::json::{DecodeOptions, Decoded, Strictness};
use live_tokio::{Connection, Decode, Encode, Options, WebSocketStream};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio_tungstenite::tungstenite::protocol::Role;

/// A message: any text.
pub(crate) struct Word(pub(crate) String);

impl Decode for Word {
    fn decode(frame: &[u8], _: &DecodeOptions) -> Result<Decoded<Self>, DecodeError> {
        let word = String::from_utf8(frame.to_vec()).expect("words are UTF-8");
        let unknown = word.starts_with('?').then(|| word.clone()).into_iter().collect();
        Ok(Decoded { message: Self(word), unknown })
    }
}

impl Encode for Word {
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

pub(crate) enum Command {
    /// Sends a word.
    Say(String),
    /// Rings at an instant; a later command replaces it.
    Arm(Instant),
    Close(u16, &'static str),
}

/// Turns everything that happens to it into text.
#[derive(Default)]
pub(crate) struct Toy {
    outputs: VecDeque<Output<Word, String>>,
    alarm: Option<Instant>,
    closed: bool,
}

impl Toy {
    fn tell(&mut self, event: impl Into<String>) {
        self.outputs.push_back(Output::Event(event.into()));
    }

    /// Outputs that nobody has taken yet.
    pub(crate) fn queued(&self) -> usize {
        self.outputs.len()
    }

    fn close(&mut self, code: u16, text: &str) {
        if !self.closed {
            self.closed = true;
            let (text, reason) = (CloseText::cut(text), CloseReason::Done);
            self.outputs.push_back(Output::Close(Close { code, text, reason }));
        }
    }
}

impl Engine for Toy {
    type Inbound = Word;
    type Outbound = Word;
    type Command = Command;
    type Event = String;

    fn handle_message(&mut self, Word(word): Word, _: Instant) {
        self.tell(word);
    }

    fn handle_malformed(&mut self, error: DecodeError, _: Instant) {
        self.tell(format!("malformed: {error}"));
        self.close(1007, "malformed");
    }

    fn handle_disconnect(&mut self, why: Disconnect, _: Instant) {
        self.tell(format!("disconnected: {why:?}"));
        self.closed = true;
    }

    fn handle_command(&mut self, command: Command, _: Instant) -> Result<(), Rejected<Command>> {
        match command {
            Command::Say(word) => self.outputs.push_back(Output::Send(Word(word))),
            Command::Arm(at) => self.alarm = Some(at),
            Command::Close(code, text) => self.close(code, text),
        }
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.alarm.take_if(|at| *at <= now).is_some() {
            self.tell("alarm");
        }
    }

    fn poll_output(&mut self) -> Option<Output<Word, String>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.alarm
    }

    fn is_closed(&self) -> bool {
        self.closed
    }
}

pub(crate) type Toys = Connection<Toy, DuplexStream>;

/// A client and a server with `pipe_bytes` between them in each direction.
pub(crate) async fn pair(pipe_bytes: usize) -> (Toys, Toys) {
    let (client, server) = tokio::io::duplex(pipe_bytes);
    (toy(client, Role::Client, Options::client()).await, toy(server, Role::Server, server_options()).await)
}

pub(crate) fn server_options() -> Options {
    Options::server(Strictness::Lenient)
}

pub(crate) async fn toy(stream: DuplexStream, role: Role, options: Options) -> Toys {
    let socket = WebSocketStream::from_raw_socket(stream, role, Some(options.web_socket())).await;
    Connection::from_socket(socket, Toy::default(), options)
}

/// A toy server, and the client's end of its pipe with nothing but WebSocket on it.
pub(crate) async fn bare_client(pipe_bytes: usize, options: Options) -> (WebSocketStream<DuplexStream>, Toys) {
    let (client, server) = tokio::io::duplex(pipe_bytes);
    (WebSocketStream::from_raw_socket(client, Role::Client, None).await, toy(server, Role::Server, options).await)
}

pub(crate) fn say<S: AsyncRead + AsyncWrite + Unpin>(toy: &mut Connection<Toy, S>, word: impl Into<String>) {
    assert!(toy.command(Command::Say(word.into())).is_ok());
}

pub(crate) fn close<S: AsyncRead + AsyncWrite + Unpin>(toy: &mut Connection<Toy, S>, code: u16, text: &'static str) {
    assert!(toy.command(Command::Close(code, text)).is_ok());
}

pub(crate) fn arm(toy: &mut Toys, after: Duration) {
    let at = tokio::time::Instant::now().into_std() + after;
    assert!(toy.command(Command::Arm(at)).is_ok());
}

/// All that a connection tells from here to its end.
pub(crate) async fn rest<S: AsyncRead + AsyncWrite + Unpin>(toy: &mut Connection<Toy, S>) -> Vec<String> {
    let mut events = Vec::new();
    while let Some(event) = toy.next().await {
        events.push(event);
    }
    events
}
