//! Clients that do it wrong, seen from their side: statuses and texts.

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::stream;
use live_engine::{Backend, ServerConfig, ServerEngine};
use live_grpc::{Channel, Method, Options};
use live_proto::{ClientMessage, Content, Modality, Setup, pb};
use prost::Message as _;
use tokio::time::Instant;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

use crate::world::{MODEL, Pipe};

/// Bytes as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}

/// Sends `messages`, says no more if `ends`, and returns the messages and the status that come back.
async fn exchange(channel: Channel, path: &'static str, messages: Vec<Bytes>, ends: bool) -> (Vec<Bytes>, Status) {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("a pipe is there");
    let request: stream::BoxStream<'static, Bytes> = match ends {
        true => Box::pin(stream::iter(messages)),
        false => Box::pin(futures_util::StreamExt::chain(stream::iter(messages), stream::pending())),
    };
    let path = http::uri::PathAndQuery::from_static(path);
    let mut incoming = match grpc.streaming(tonic::Request::new(request), path, Raw).await {
        Ok(response) => response.into_inner(),
        Err(status) => return (Vec::new(), status),
    };
    let mut heard = Vec::new();
    loop {
        match incoming.message().await {
            Ok(Some(message)) => heard.push(message),
            Ok(None) => return (heard, Status::ok("")),
            Err(status) => return (heard, status),
        }
    }
}

/// What a client hears that sends these bytes to a server of Gemini's dialect.
async fn told(messages: Vec<Bytes>, ends: bool) -> (usize, Code, String) {
    let options = Options { message_bytes_max: 1 << 16, elements_max: 1000, ..Options::default() };
    let mut pipe = Pipe::new(options);
    let channel = pipe.channel.clone();
    tokio::spawn(async move {
        let engine = ServerEngine::new(ServerConfig::new(Backend::Gemini), Instant::now().into_std());
        let mut server = pipe.opening().await.accept(engine);
        while server.next().await.is_some() {}
        // The channel of the pipe lives on until the client has heard everything.
        std::future::pending::<()>().await;
    });
    let (heard, status) = exchange(channel, Method::V1Alpha.path(), messages, ends).await;
    (heard.len(), status.code(), status.message().to_owned())
}

fn bytes(message: ClientMessage) -> Bytes {
    pb::BidiGenerateContentClientMessage::from(message).encode_to_vec().into()
}

fn setup() -> Bytes {
    bytes(ClientMessage::setup(Setup::new(MODEL).with_modality(Modality::Text)))
}

#[tokio::test(start_paused = true)]
async fn what_a_client_does_wrong_is_told_with_the_services_text() {
    const FIRST: &str = "setup must be the first message and only the first";
    let huge = bytes(ClientMessage::text_turn("x".repeat(1 << 17)));
    let bomb = bytes(ClientMessage::turns(vec![Content::default(); 2000], true));
    let table = [
        (vec![bytes(ClientMessage::text_turn("hi"))], 0, FIRST),
        (vec![setup(), setup()], 1, FIRST),
        (vec![bytes(ClientMessage::setup(Setup::default()))], 0, "Request contains an invalid argument."),
        (vec![Bytes::from_static(b"\xff\xff\xff")], 0, "protobuf"),
        (vec![setup(), Bytes::from_static(b"\x0a\x7f")], 1, "protobuf"),
        (vec![setup(), huge], 1, "too large"),
        (vec![setup(), bomb], 1, "more than 1000 elements"),
    ];
    for (at, (messages, heard, says)) in table.into_iter().enumerate() {
        let (count, code, text) = told(messages, false).await;
        assert_eq!((count, code), (heard, Code::InvalidArgument), "{at}: {text}");
        assert!(text.contains(says), "{at}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_no_more_to_say_ends_the_session() {
    assert_eq!(told(vec![setup()], true).await, (1, Code::Ok, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_server_waits_for_a_setup_so_long_and_no_longer() {
    let start = Instant::now();
    let (heard, code, text) = told(Vec::new(), false).await;
    assert_eq!((heard, code), (0, Code::DeadlineExceeded));
    assert_eq!(text, "Deadline expired before operation could complete.");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn other_methods_are_told_which_there_are() {
    for path in ["/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent", "/", "/ws"] {
        let (_, status) = exchange(Pipe::new(Options::default()).channel, path, Vec::new(), false).await;
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
        assert!(status.message().contains("v1beta.GenerativeService/BidiGenerateContent"), "{path}: {status}");
    }
}
