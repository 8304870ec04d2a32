//! Issues ephemeral tokens: who may ask is let in like a session, the body is read within bounds, and what was issued is kept
//! before it is told.
//!
//! What a body may say is [`request`](crate::token::request)'s.

use std::sync::Arc;

use http::StatusCode;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use live_engine::{CloseReason, Refusal};

use crate::Shared;
use crate::answer::{Ask, Reply, for_page, json_response, misled};
use crate::auth::{Credential, CredentialKind};
use crate::token::pass::guarded;
use crate::token::request::Asked;
use crate::token::{self, AddError, TokenHash};

/// Answers who asks for a token.
pub(crate) async fn mint(ask: Ask, body: Incoming, shared: &Shared) -> Reply {
    let Ask { credentials, origin } = ask;
    let reply = issue(&credentials, body, shared).await.unwrap_or_else(|refused| *refused);
    for_page(reply, origin)
}

async fn issue(credentials: &[Credential], body: Incoming, shared: &Shared) -> Result<Reply, Box<Reply>> {
    let now = shared.clock.date();
    let granted = shared.access.read().admit(credentials, now).await;
    let granted = granted.map_err(|why| Box::new(not_let_in(why, credentials)))?;

    let invalid = |message: &str| Box::new(misled(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message));
    let too_large = || {
        let message = format!("the body of a request for a token has at most {BODY_BYTES_MAX} bytes");
        Box::new(misled(StatusCode::PAYLOAD_TOO_LARGE, "INVALID_ARGUMENT", &message))
    };
    // Who announces more is not read at all.
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        Err(_) => return Err(invalid("the body ended before it was whole")),
    };
    let asked = Asked::read(&body, &shared.options.decode, granted, now).map_err(|why| invalid(&why))?;
    if !asked.unknown.is_empty() {
        tracing::warn!(paths = ?asked.unknown, "ignored fields that a request for a token does not have");
    }

    let name = token::draw(shared.random);
    let (tokens, issued) = (Arc::clone(&shared.tokens), asked.issued.clone());
    let hash = TokenHash::of(&name);
    let added = tokio::task::spawn_blocking(move || {
        guarded(|| match tokens.add(hash, &issued, now) {
            Ok(()) => Ok(Ok(())),
            Err(AddError::Full(full)) => Ok(Err(full)),
            Err(AddError::Store(error)) => Err(error),
        })
    });
    match added.await {
        Ok(Ok(Ok(()))) => {
            tracing::info!(project = %granted.project, token = ?hash, lock = ?asked.issued.lock, "an ephemeral token was issued");
            Ok(json_response(StatusCode::OK, &asked.answer(&name)))
        }
        Ok(Ok(Err(full))) => {
            Err(Box::new(misled(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", &full.to_string())))
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "an ephemeral token cannot be kept");
            Err(failed())
        }
        // Only a runtime that ends leaves it undone.
        Err(_) => Err(failed()),
    }
}

fn failed() -> Box<Reply> {
    Box::new(misled(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "Internal error encountered."))
}

/// As the service answers: a missing key is 403, a bad one 400, and a bad OAuth token 401.
fn not_let_in(why: Refusal, credentials: &[Credential]) -> Reply {
    let is_keyless = credentials.iter().all(|credential| credential.kind != CredentialKind::Key);
    if why == Refusal::KeyNotValid && is_keyless {
        let message = "Request had invalid authentication credentials. Expected an API key or an OAuth 2 access token that the \
                       server knows; ephemeral tokens ask for no others.";
        return misled(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    }
    let text = CloseReason::Refused(why).told().text;
    if why == Refusal::Unregistered {
        misled(StatusCode::FORBIDDEN, "PERMISSION_DENIED", text.as_str())
    } else {
        misled(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", text.as_str())
    }
}

/// Bytes of a request for a token. 1 MiB: more than the longest instruction that a context has room for.
const BODY_BYTES_MAX: usize = 1 << 20;
