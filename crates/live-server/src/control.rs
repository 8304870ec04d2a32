//! The control endpoint: HTTP on a port of its own, by which a test moves the clock and does to connections what the
//! network and the service do to them.
//!
//! It needs no key, hence its place is loopback; it tells and changes nothing of what is said in a session.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use crate::Shared;
use crate::clock::ClockKind;
use crate::origin::names_this_machine;
use crate::registry::{Info, Order};

type Reply = Response<Full<Bytes>>;

/// Serves the requests of one client.
pub(crate) async fn serve(tcp: TcpStream, shared: Arc<Shared>) {
    // Other machines that can reach it know it by whatever name.
    let is_local = tcp.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let service = service_fn(|request: Request<Incoming>| {
        let shared = &shared;
        async move {
            let (head, body) = request.into_parts();
            let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
            let reply = match body {
                // Pages of a browser on this machine reach loopback too.
                _ if head.headers.contains_key(ORIGIN) => {
                    Err(Fault(StatusCode::FORBIDDEN, "browsers are not answered here".into()))
                }
                // So do pages whose name was made to mean this machine, and they need not say where they come from.
                _ if is_local && !names_this_machine(&head.headers) => Err(Fault(
                    StatusCode::FORBIDDEN,
                    "requests to this machine name it by its address or localhost".into(),
                )),
                Ok(body) => answer(&head.method, head.uri.path(), &body.to_bytes(), shared),
                Err(_) => Err(Fault::bad("the body could not be read, or is too long")),
            };
            Ok::<Reply, Infallible>(reply.map_or_else(Fault::reply, |body| response(StatusCode::OK, &body)))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_MAX)
        .serve_connection(TokioIo::new(tcp), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a control connection failed");
    }
}

fn answer(method: &Method, path: &str, body: &[u8], shared: &Shared) -> Result<Value, Fault> {
    let path: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is_post = match *method {
        Method::GET => false,
        Method::POST => true,
        _ => return Err(Fault(StatusCode::METHOD_NOT_ALLOWED, "only GET and POST are answered here".into())),
    };
    let tell = |id: &str, order| match shared.registry.order(id, order) {
        0 => Err(Fault(StatusCode::NOT_FOUND, format!("no connection has an id that begins with {id:?}"))),
        told => Ok(json!({ "connections": told })),
    };
    match (is_post, path.as_slice()) {
        (false, ["clock"]) => Ok(clock(shared)),
        (true, ["clock", "advance"]) => {
            let by = Arguments::read(body, &["by"])?.duration("by")?.ok_or_else(|| Fault::bad("`by` is missing"))?;
            if by > ADVANCE_MAX {
                return Err(Fault::bad("`by` is more than a year"));
            }
            if shared.clock.kind() == ClockKind::Real {
                let message = "real time cannot be moved: start the server with --clock virtual, or xN";
                return Err(Fault(StatusCode::CONFLICT, message.into()));
            }
            shared.clock.advance(by);
            Ok(clock(shared))
        }
        (false, ["sessions"]) => {
            let now = shared.clock.elapsed();
            let sessions: Vec<Value> = shared.registry.list().into_iter().map(|info| session(info, now)).collect();
            Ok(json!({ "sessions": sessions }))
        }
        (true, ["sessions", id, "goAway"]) => {
            let left = Arguments::read(body, &["timeLeft"])?.duration("timeLeft")?;
            tell(id, Order::GoAway(left))
        }
        (true, ["sessions", id, "drop"]) => Arguments::read(body, &[]).and_then(|_| tell(id, Order::Drop)),
        (true, ["sessions", id, "stall"]) => Arguments::read(body, &[]).and_then(|_| tell(id, Order::Stall(true))),
        (true, ["sessions", id, "unstall"]) => Arguments::read(body, &[]).and_then(|_| tell(id, Order::Stall(false))),
        _ => Err(Fault(StatusCode::NOT_FOUND, format!("what there is: {PATHS}"))),
    }
}

fn clock(shared: &Shared) -> Value {
    json!({ "kind": shared.clock.kind().to_string(), "elapsed": seconds(shared.clock.elapsed()) })
}

fn session(info: Info, now: Duration) -> Value {
    let Info {
        id,
        session,
        peer,
        project,
        opened,
        backend,
        model,
        is_resumed,
        is_stalled,
        turns,
        saves,
        prompt_tokens,
    } = info;
    json!({
        "id": id.to_string(),
        "session": session.to_string(),
        "peer": peer.to_string(),
        "project": project.to_string(),
        "backend": match backend {
            live_engine::Backend::Gemini => "gemini",
            live_engine::Backend::Vertex => "vertex",
        },
        "model": model,
        "age": seconds(now.saturating_sub(opened)),
        "isResumed": is_resumed,
        "isStalled": is_stalled,
        "turns": turns,
        "saves": saves,
        "promptTokens": prompt_tokens,
    })
}

/// A duration as proto3's JSON has it.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}s", duration.as_secs(), duration.subsec_millis())
}

/// The members of a JSON object, all of them known.
struct Arguments(Map<String, Value>);

impl Arguments {
    fn read(body: &[u8], known: &[&str]) -> Result<Self, Fault> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return Err(Fault::bad("the body is no JSON object"));
        };
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Fault::bad(&format!("`{name}` means nothing here"))),
            None => Ok(Self(members)),
        }
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, Fault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Fault::bad(&format!("`{name}` is no string, such as \"9m 30s\"")))?;
        let duration = humantime::parse_duration(text);
        duration
            .map(Some)
            .map_err(|error| Fault::bad(&format!("`{name}`: {error}; expected a duration such as 9m 30s")))
    }
}

/// An error, in the form of Google's APIs.
struct Fault(StatusCode, String);

impl Fault {
    fn bad(message: &str) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn reply(self) -> Reply {
        let Self(status, message) = self;
        response(status, &json!({ "error": { "code": status.as_u16(), "message": message } }))
    }
}

fn response(status: StatusCode, body: &Value) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body:#}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

const PATHS: &str = "GET /clock, POST /clock/advance {\"by\"}, GET /sessions, \
    POST /sessions/{id}/goAway {\"timeLeft\"}, POST /sessions/{id}/drop, /stall, /unstall";
/// A year: more is a mistake, and far less than what would overflow a clock.
const ADVANCE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// A body holds one duration.
const BODY_BYTES_MAX: usize = 4 << 10;
/// How long a client may keep a connection without asking for anything.
const IDLE_MAX: Duration = Duration::from_secs(60);
