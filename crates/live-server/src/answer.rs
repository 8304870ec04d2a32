//! What an HTTP request is answered: a WebSocket upgrade, or plain words that say what to do instead.
//!
//! Pure over request heads; bytes are moved by `handshake`, tokens issued by `mint`, sessions held by `session`. Errors have the JSON form of
//! Google's APIs, which SDKs and people expect.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, CONNECTION, CONTENT_TYPE, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::Stats;
use crate::auth::{Credential, credentials};
use crate::origin::Origins;
use crate::route::{self, Route};

/// An upgrade that was agreed to.
#[derive(Debug)]
pub(crate) struct Opening {
    /// What was asked for.
    pub(crate) route: Route,
    /// Every credential that came along.
    pub(crate) credentials: Vec<Credential>,
}

/// Goes with the answer to a client that means this API and calls it wrongly, for the log: its SDK may not show the body.
#[derive(Debug, Clone)]
pub(crate) struct Misled {
    /// What the answer says: what is wrong and what to do.
    pub(crate) message: String,
}

pub(crate) type Reply = Response<Full<Bytes>>;

/// What a request comes to, by its head.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A response, and that is all.
    Reply(Reply),
    /// A response, and the session that begins once it is sent.
    Upgrade(Reply, Opening),
    /// An ephemeral token is asked for, in the body.
    Mint(Ask),
}

/// Somebody asks for an ephemeral token.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Every credential that came along.
    pub(crate) credentials: Vec<Credential>,
    /// Where the page comes from that asks, if it is one.
    pub(crate) origin: Option<HeaderValue>,
}

/// Answers a request by its head. `origins` are the web pages that may open sessions, if not all may.
pub(crate) fn answer<B>(request: &Request<B>, stats: Stats, origins: Option<&Origins>) -> Answer {
    if !asks_for_websocket(request.headers()) {
        return match names_tokens(request.uri().path()) {
            true => tokens(request, origins),
            false => Answer::Reply(plain(request, stats)),
        };
    }
    match upgrade(request, origins) {
        Ok((response, opening)) => Answer::Upgrade(response, opening),
        Err(response) => Answer::Reply(*response),
    }
}

/// Whether a path ends in `v1alpha/auth_tokens`, whatever base URL stands before it.
fn names_tokens(path: &str) -> bool {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    segments.next() == Some("auth_tokens") && segments.next().is_some_and(|version| VERSIONS.contains(&version))
}

/// A request to where tokens are issued.
fn tokens<B>(request: &Request<B>, origins: Option<&Origins>) -> Answer {
    if let Some(origin) = origins.and_then(|origins| origins.refused(request.headers())) {
        return Answer::Reply(misled(StatusCode::FORBIDDEN, "PERMISSION_DENIED", &unwelcome(&origin)));
    }
    let origin = request.headers().get(ORIGIN).cloned();
    match *request.method() {
        Method::POST => {
            let credentials = credentials(request.uri().query(), request.headers());
            Answer::Mint(Ask { credentials, origin })
        }
        // A browser asks first whether its page may.
        Method::OPTIONS => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            if let Some(asked) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
            Answer::Reply(for_page(response, origin))
        }
        _ => {
            let message = "an ephemeral token is asked for with POST";
            let mut response = misled(StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED", message);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            Answer::Reply(response)
        }
    }
}

/// Lets the page that asked read the answer.
pub(crate) fn for_page(mut response: Reply, origin: Option<HeaderValue>) -> Reply {
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
    }
    response
}

fn unwelcome(origin: &str) -> String {
    format!(
        "web pages from {origin:?} may not open sessions on a server that asks for no key: \
         allow them with --allow-origin, or give keys with --api-key"
    )
}

fn upgrade<B>(request: &Request<B>, origins: Option<&Origins>) -> Result<(Reply, Opening), Box<Reply>> {
    let refuse = |status, reason, message: &str| Box::new(misled(status, reason, message));
    let route = Route::parse(request.uri().path());
    // A token is as good as a key: whoever has none is let in nowhere by this method.
    let origins = origins.filter(|_| !route.as_ref().is_ok_and(|it| it.method == route::Method::ContentConstrained));
    if let Some(origin) = origins.and_then(|origins| origins.refused(request.headers())) {
        return Err(refuse(StatusCode::FORBIDDEN, "PERMISSION_DENIED", &unwelcome(&origin)));
    }
    let route = route.map_err(|error| refuse(StatusCode::NOT_FOUND, "NOT_FOUND", &error.to_string()))?;
    if route.method == route::Method::Music {
        let message = "BidiGenerateMusic (Lyria RealTime) is not served here; Live sessions are BidiGenerateContent";
        return Err(refuse(StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED", message));
    }
    if request.method() != Method::GET || request.version() < Version::HTTP_11 {
        let mut response =
            refuse(StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED", "a WebSocket is opened with GET and HTTP/1.1");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return Err(response);
    }
    if request.headers().get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut response =
            refuse(StatusCode::UPGRADE_REQUIRED, "FAILED_PRECONDITION", "Sec-WebSocket-Version must be 13");
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(response);
    }
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", "the header Sec-WebSocket-Key is missing"));
    };
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).expect("base64 is a valid header value");
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    // Sec-WebSocket-Extensions stays away: audio in base64 hardly deflates, and every SDK accepts a refusal.
    Ok((response, Opening { route, credentials: credentials(request.uri().query(), request.headers()) }))
}

/// What plain HTTP on the TLS port is told, whatever it asks for.
pub(crate) fn plain_on_tls_port() -> Reply {
    let message = "this port speaks TLS: use https:// or wss://, and trust the server's CA certificate; plain HTTP has a port of its own";
    error(StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", message)
}

/// A request that wants no WebSocket.
fn plain<B>(request: &Request<B>, stats: Stats) -> Reply {
    let path = request.uri().path();
    if matches!(path, "/" | "/healthz") {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "UNIMPLEMENTED", "only GET is answered here");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        return status(stats);
    }
    if path.trim_end_matches('/').ends_with("auth_tokens") {
        let message = "ephemeral tokens are asked for with POST at /v1alpha/auth_tokens; v1beta and v1 are known too";
        return misled(StatusCode::NOT_FOUND, "NOT_FOUND", message);
    }
    match Route::parse(path) {
        Ok(route) if route.is_named => {
            let message = "this method is a WebSocket: connect with ws:// or wss://, or send `Connection: Upgrade` and `Upgrade: websocket`";
            let mut response = misled(StatusCode::UPGRADE_REQUIRED, "FAILED_PRECONDITION", message);
            response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade, close"));
            response
        }
        Ok(_) => error(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "this server speaks the Live API only: open a WebSocket at \
             /ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent (an SDK does so when its base URL is this server)",
        ),
        Err(why) => misled(StatusCode::NOT_FOUND, "NOT_FOUND", &why.to_string()),
    }
}

fn status(stats: Stats) -> Reply {
    let Stats { sessions_open, sessions_total, refused, violations, failures } = stats;
    json_response(
        StatusCode::OK,
        &json!({
            "status": "ok",
            "service": "live-server",
            "version": env!("CARGO_PKG_VERSION"),
            "sessionsOpen": sessions_open,
            "sessionsTotal": sessions_total,
            "refused": refused,
            "violations": violations,
            "failures": failures,
        }),
    )
}

pub(crate) fn misled(status: StatusCode, reason: &str, message: &str) -> Reply {
    let mut response = error(status, reason, message);
    response.extensions_mut().insert(Misled { message: message.to_owned() });
    response
}

fn error(status: StatusCode, reason: &str, message: &str) -> Reply {
    json_response(status, &json!({ "error": { "code": status.as_u16(), "message": message, "status": reason } }))
}

pub(crate) fn json_response(status: StatusCode, body: &serde_json::Value) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body:#}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    // One request a connection: whoever wants more than a session comes back.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Versions that issue tokens.
const VERSIONS: [&str; 3] = ["v1alpha", "v1beta", "v1"];

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &CONNECTION, "upgrade") && has_token(headers, &UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::Secret;
    use crate::auth::CredentialKind;

    const CONTENT: &str = "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=K";

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut builder = Request::builder().method(method).uri(format!("http://host{target}"));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    }

    fn websocket(method: &str, target: &str, drop: &str) -> Request<()> {
        let all = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
        ];
        let kept: Vec<_> = all.into_iter().filter(|(name, _)| *name != drop).collect();
        request(method, target, &kept)
    }

    fn replied(answer: Answer) -> (Reply, Option<Opening>) {
        match answer {
            Answer::Reply(response) => (response, None),
            Answer::Upgrade(response, opening) => (response, Some(opening)),
            Answer::Mint(_) => panic!("a token is asked for"),
        }
    }

    fn body(response: Reply) -> serde_json::Value {
        let body = futures_util::FutureExt::now_or_never(response.into_body().collect()).unwrap().unwrap();
        serde_json::from_slice(&body.to_bytes()).unwrap()
    }

    #[test]
    fn an_upgrade_is_accepted_without_extensions() {
        let (response, opening) = replied(answer(&websocket("GET", CONTENT, ""), Stats::default(), None));
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        // The example of RFC 6455, section 1.3.
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        let opening = opening.expect("a session begins");
        assert_eq!(opening.credentials, [Credential { secret: Secret::new("K"), kind: CredentialKind::Key }]);
        assert_eq!(opening.route.api_version, "v1beta");
    }

    #[test]
    fn everything_else_is_told_what_to_do() {
        let health = |method| request(method, "/healthz", &[]);
        let table = [
            (health("GET"), 200, ""),
            (request("HEAD", "/", &[]), 200, ""),
            (health("POST"), 405, "only GET"),
            (request("GET", CONTENT, &[]), 426, "Upgrade: websocket"),
            (request("GET", "/v1beta/models", &[]), 404, "speaks the Live API only"),
            (request("POST", "/v1beta/models/gemini-3:generateContent", &[]), 404, "speaks the Live API only"),
            (request("GET", "/v1alpha/auth_tokens", &[]), 405, "with POST"),
            (request("POST", "/v2/auth_tokens", &[]), 404, "/v1alpha/auth_tokens"),
            (request("POST", "/auth_tokens/", &[]), 404, "/v1alpha/auth_tokens"),
            (
                request("GET", "/ws/google.cloud.aiplatform.v9.LlmBidiService/BidiGenerateContent", &[]),
                404,
                "version \"v9\"",
            ),
            (
                websocket("GET", "/ws/google.cloud.aiplatform.v9.LlmBidiService/BidiGenerateContent", ""),
                404,
                "version \"v9\"",
            ),
            (
                websocket("GET", "//ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic", ""),
                501,
                "Music",
            ),
            (websocket("POST", CONTENT, ""), 405, "GET"),
            (websocket("GET", CONTENT, "sec-websocket-version"), 426, "must be 13"),
            (websocket("GET", CONTENT, "sec-websocket-key"), 400, "Sec-WebSocket-Key"),
            (websocket("GET", CONTENT, "connection"), 426, "Upgrade: websocket"),
        ];
        for (request, status, says) in table {
            let what = format!("{} {}", request.method(), request.uri());
            let (response, opening) = replied(answer(&request, Stats::default(), None));
            assert!(opening.is_none(), "{what}");
            assert_eq!(response.status(), status, "{what}");
            let told = response.extensions().get::<Misled>().map(|Misled { message }| message.clone());
            // Who wants something else altogether is no news.
            assert_eq!(
                told.is_some(),
                status != 200 && !["only GET", "speaks the Live"].iter().any(|it| says.starts_with(it)),
                "{what}"
            );
            let body = body(response);
            let message = body["error"]["message"].as_str().unwrap_or("");
            assert!(message.contains(says), "{what}: {body}");
            assert!(!body.to_string().contains("key=K"), "{what}: {body}");
            assert!(status == 200 || body["error"]["code"] == status, "{what}: {body}");
            assert!(told.is_none_or(|told| message == told), "{what}: {body}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_is_refused_unless_it_is_allowed() {
        let mut page = websocket("GET", CONTENT, "");
        page.headers_mut().insert("origin", HeaderValue::from_static("https://app.example"));
        let (response, opening) = replied(answer(&page, Stats::default(), Some(&Origins::default())));
        assert!(opening.is_none() && response.status() == 403);
        let told = response.extensions().get::<Misled>().unwrap().message.clone();
        assert!(told.contains("https://app.example") && told.contains("--allow-origin"), "{told}");
        let allowed = Origins(vec!["https://app.example".parse().unwrap()]);
        for origins in [Some(&allowed), None] {
            assert!(replied(answer(&page, Stats::default(), origins)).1.is_some());
        }
        let constrained = CONTENT.replace("BidiGenerateContent", "BidiGenerateContentConstrained");
        let mut page = websocket("GET", &constrained, "");
        page.headers_mut().insert("origin", HeaderValue::from_static("https://app.example"));
        let (_, opening) = replied(answer(&page, Stats::default(), Some(&Origins::default())));
        assert!(opening.is_some(), "there a token decides");
    }

    #[test]
    fn tokens_are_asked_for_wherever_the_sdks_do() {
        for path in [
            "/v1alpha/auth_tokens",
            "/v1beta/auth_tokens?key=K",
            "/v1/auth_tokens",
            "//v1alpha/auth_tokens",
            "/a/b/v1alpha//auth_tokens/",
        ] {
            let answer = answer(&request("POST", path, &[("x-goog-api-key", "K")]), Stats::default(), None);
            let Answer::Mint(Ask { credentials, origin }) = answer else { panic!("{path}: {answer:?}") };
            assert!(credentials.iter().all(|it| it.secret == Secret::new("K")) && origin.is_none(), "{path}");
            assert!(!credentials.is_empty(), "{path}");
        }
    }

    #[test]
    fn pages_ask_for_tokens_where_they_may_open_sessions() {
        let origins = Origins::default();
        let ask = |method, origin| {
            let headers = [("origin", origin), ("access-control-request-headers", "x-goog-api-key,content-type")];
            answer(&request(method, "/v1alpha/auth_tokens", &headers), Stats::default(), Some(&origins))
        };
        for method in ["POST", "OPTIONS"] {
            let (response, _) = replied(ask(method, "https://evil.example"));
            assert_eq!(response.status(), 403, "{method}");
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{method}");
        }
        let (response, _) = replied(ask("OPTIONS", "http://localhost:5173"));
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-origin"], "http://localhost:5173");
        assert_eq!(response.headers()["access-control-allow-headers"], "x-goog-api-key,content-type");
        let Answer::Mint(Ask { origin, .. }) = ask("POST", "http://localhost:5173") else { panic!("no token") };
        assert_eq!(
            for_page(Reply::default(), origin).headers()["access-control-allow-origin"],
            "http://localhost:5173"
        );
    }

    #[test]
    fn health_counts_sessions() {
        let stats = Stats { sessions_open: 2, sessions_total: 5, ..Stats::default() };
        let (response, _) = replied(answer(&request("GET", "/", &[]), stats, None));
        let body = body(response);
        assert_eq!((&body["sessionsOpen"], &body["sessionsTotal"]), (&json!(2), &json!(5)));
    }
}
