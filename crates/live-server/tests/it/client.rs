//! A raw WebSocket client, which sends what no SDK would.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Where google-genai dials.
pub(crate) const GEMINI: &str = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
pub(crate) const VERTEX: &str = "//ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent";

/// A session that answers in text, on a model of the generation that can.
pub(crate) const TEXT_SETUP: &str =
    r#"{"setup": {"model": "models/gemini-2.0-flash-live-001", "generationConfig": {"responseModalities": ["TEXT"]}}}"#;
pub(crate) const AUDIO_SETUP: &str = r#"{"setup": {"model": "models/gemini-2.0-flash-live-001", "generationConfig": {"responseModalities": ["AUDIO"]}, "outputAudioTranscription": {}}}"#;

/// A session that answers in text and may be resumed; by `handle`, if there is one.
pub(crate) fn resumable(handle: &str) -> String {
    let handle = if handle.is_empty() { String::new() } else { format!(r#""handle": "{handle}""#) };
    let mut setup: Value = serde_json::from_str(TEXT_SETUP).expect("it is JSON");
    setup["setup"]["sessionResumption"] = serde_json::from_str(&format!("{{{handle}}}")).expect("it is JSON");
    setup.to_string()
}

/// What a server said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Json(Value),
    Close(u16, String),
    /// The stream ended without a close frame.
    Cut,
}

pub(crate) struct Client<S = TcpStream>(pub(crate) WebSocketStream<S>);

impl Client {
    /// Upgrades at `path`, with `headers`.
    pub(crate) async fn open(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        let stream = within(TcpStream::connect(address)).await.expect("the server listens");
        Self::upgrade(stream, path, headers).await.expect("the upgrade is accepted")
    }

    /// Opens a Gemini session and waits for `setupComplete`.
    pub(crate) async fn ready(address: SocketAddr, setup: &str) -> Self {
        let mut client = Self::open(address, GEMINI, &[("x-goog-api-key", "any")]).await;
        client.send(setup).await;
        assert_eq!(client.hear().await, Heard::Json(serde_json::json!({ "setupComplete": {} })));
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn upgrade(stream: S, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://localhost{path}").into_client_request().expect("a valid URL");
        for (name, value) in headers {
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a valid value"));
        }
        let (socket, _) = within(tokio_tungstenite::client_async(request, stream)).await?;
        Ok(Self(socket))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        within(self.0.send(Message::text(text))).await.expect("the server reads");
    }

    /// Says `text` as a whole turn.
    pub(crate) async fn say(&mut self, text: &str) {
        let turn = serde_json::json!({ "clientContent": { "turns": [{ "role": "user", "parts": [{ "text": text }] }], "turnComplete": true } });
        self.send(&turn.to_string()).await;
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let message = match within(self.0.next()).await {
                None | Some(Err(_)) => return Heard::Cut,
                Some(Ok(message)) => message,
            };
            match message {
                Message::Text(_) | Message::Binary(_) => {
                    let bytes = message.into_data();
                    return Heard::Json(serde_json::from_slice(&bytes).expect("the server speaks JSON"));
                }
                Message::Close(Some(frame)) => return Heard::Close(frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => return Heard::Close(1005, String::new()),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Listens until a turn is complete, or the session closed; that is the last of what is returned.
    pub(crate) async fn hear_turn(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        loop {
            let heard = self.hear().await;
            let is_last = match &heard {
                Heard::Json(message) => message["serverContent"]["turnComplete"] == true,
                Heard::Close(..) | Heard::Cut => true,
            };
            all.push(heard);
            if is_last {
                return all;
            }
        }
    }

    /// Listens until the session can be resumed, and tells by which handle.
    pub(crate) async fn hear_handle(&mut self) -> String {
        loop {
            let heard = self.hear().await;
            let Heard::Json(message) = heard else { panic!("{heard:?} before a handle") };
            if let Some(handle) = message["sessionResumptionUpdate"]["newHandle"].as_str() {
                assert_eq!(message["sessionResumptionUpdate"]["resumable"], true, "{message}");
                return handle.to_owned();
            }
        }
    }

    /// Says `text` and listens to the whole answer, then to the handle that names what the session knows since.
    pub(crate) async fn converse(&mut self, text: &str) -> String {
        self.say(text).await;
        self.hear_turn().await;
        self.hear_handle().await
    }

    /// Listens until the session closes, and tells how.
    pub(crate) async fn hear_close(&mut self) -> (u16, String) {
        loop {
            match self.hear().await {
                Heard::Json(_) => {}
                Heard::Close(code, reason) => return (code, reason),
                Heard::Cut => panic!("cut without a close frame"),
            }
        }
    }
}

/// All text of a turn.
pub(crate) fn text(turn: &[Heard]) -> String {
    parts(turn).filter_map(|part| part["text"].as_str()).collect()
}

/// All parts of a turn.
pub(crate) fn parts(turn: &[Heard]) -> impl Iterator<Item = &Value> {
    turn.iter().flat_map(|heard| match heard {
        Heard::Json(message) => {
            message["serverContent"]["modelTurn"]["parts"].as_array().map_or(&[][..], Vec::as_slice)
        }
        Heard::Close(..) | Heard::Cut => &[],
    })
}

/// A guard, so that a server that hangs fails its test instead of stopping it.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("the server answers in time")
}
