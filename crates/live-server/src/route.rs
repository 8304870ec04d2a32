//! What a request path asks for: which backend to speak as, which API version, which method.
//!
//! Pure: it sees a path and nothing else. Credentials live in [`auth`](crate::auth), the answers to plain HTTP in
//! `answer`.
//!
//! Clients differ in how they glue a base URL to the method, so only the end of the path counts: empty segments
//! (`//ws/..`) and any prefix are skipped. A path that names no method at all is a *gateway* path: the SDKs dial a
//! custom base URL verbatim in exactly one case, Vertex mode without project and key, so such a session is spoken
//! in Vertex's dialect.

use live_engine::Backend;
use thiserror::Error;

/// The method that a client calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Method {
    /// `BidiGenerateContent`: a Live session.
    Content,
    /// `BidiGenerateContentConstrained`: a Live session opened with an ephemeral token.
    ContentConstrained,
    /// `BidiGenerateMusic`: a session of the sibling music service, which this server does not offer.
    Music,
}

/// Where a WebSocket was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Whose dialect the session is spoken in.
    pub(crate) backend: Backend,
    /// `v1`, `v1beta`, `v1alpha` or `v1beta1`; error texts repeat it.
    pub(crate) api_version: &'static str,
    /// The method.
    pub(crate) method: Method,
    /// Whether the path named the method, rather than being a gateway's own path.
    pub(crate) is_named: bool,
}

/// Why a path that names one of Google's services leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum RouteError {
    /// The version between package and service is none that the service has.
    #[error("unknown API version {version:?}; known are v1, v1beta, v1alpha and v1beta1")]
    Version {
        /// What stood there.
        version: String,
    },
    /// The service has no such method, or it is not a WebSocket method.
    #[error(
        "unknown method {method:?}; a Live session is BidiGenerateContent or BidiGenerateContentConstrained, \
         for example /ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    )]
    Method {
        /// What stood there.
        method: String,
    },
}

impl Route {
    /// Reads a request path (without query).
    ///
    /// # Errors
    /// When the path names one of Google's bidirectional services, but a version or method it does not have. A path
    /// that names none is a gateway path and always a [`Route`].
    pub(crate) fn parse(path: &str) -> Result<Self, RouteError> {
        let Some(named) = Named::find(path) else {
            return Ok(Self {
                backend: Backend::Vertex,
                api_version: "v1beta1",
                method: Method::Content,
                is_named: false,
            });
        };
        let Some(api_version) = VERSIONS.into_iter().find(|known| *known == named.version) else {
            return Err(RouteError::Version { version: named.version.to_owned() });
        };
        let method = match (named.backend, named.method) {
            (_, "BidiGenerateContent") => Method::Content,
            (_, "BidiGenerateContentConstrained") => Method::ContentConstrained,
            (Backend::Gemini, "BidiGenerateMusic") => Method::Music,
            (_, other) => return Err(RouteError::Method { method: other.to_owned() }),
        };
        Ok(Self { backend: named.backend, api_version, method, is_named: true })
    }
}

/// The pieces of `google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent`, unchecked.
struct Named<'a> {
    version: &'a str,
    backend: Backend,
    method: &'a str,
}

impl<'a> Named<'a> {
    /// Finds the service in `path`, wherever it stands; the method follows after `.` or `/`.
    ///
    /// What comes after the method (Firebase appends `/locations/{location}`) does not matter.
    fn find(path: &'a str) -> Option<Self> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        segments
            .find_map(|segment| {
                let name = PACKAGES.iter().find_map(|package| segment.strip_prefix(package))?;
                let (version, name) = name.split_once('.')?;
                let (service, method) = match name.split_once('.') {
                    Some((service, method)) => (service, Some(method)),
                    None => (name, None),
                };
                let backend = match service {
                    "GenerativeService" => Backend::Gemini,
                    "LlmBidiService" => Backend::Vertex,
                    _ => return None,
                };
                Some((version, backend, method))
            })
            .map(|(version, backend, method)| Self {
                version,
                backend,
                method: method.or_else(|| segments.next()).unwrap_or(""),
            })
    }
}

/// The packages that the services live in, with the dot that follows.
const PACKAGES: [&str; 3] = ["google.ai.generativelanguage.", "google.cloud.aiplatform.", "google.firebase.vertexai."];

/// SDKs default to v1 (Python), v1beta (JavaScript, Go), v1alpha (agent frameworks) and v1beta1 (Vertex); which of
/// them fits which service is not worth a refusal.
const VERSIONS: [&str; 4] = ["v1", "v1beta", "v1alpha", "v1beta1"];

#[cfg(test)]
mod tests {
    use super::Method::{Content, ContentConstrained, Music};
    use super::*;
    use live_engine::Backend::{Gemini, Vertex};

    #[test]
    fn every_path_the_sdks_dial_finds_its_method() {
        let table = [
            // Python and JavaScript put `/ws/..` after a base URL that ends in a slash.
            (
                "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
                Gemini,
                "v1beta",
                Content,
            ),
            ("/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", Gemini, "v1", Content),
            (
                "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContent",
                Gemini,
                "v1alpha",
                Content,
            ),
            (
                "//ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained",
                Gemini,
                "v1alpha",
                ContentConstrained,
            ),
            (
                "/ws/google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent",
                Gemini,
                "v1beta",
                Content,
            ),
            // Go keeps the path of the base URL in front.
            (
                "/a/b/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
                Gemini,
                "v1beta",
                Content,
            ),
            ("/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent/", Gemini, "v1beta", Content),
            ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent", Vertex, "v1beta1", Content),
            ("//ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", Vertex, "v1", Content),
            ("//ws//google.cloud.aiplatform.v1.LlmBidiService//BidiGenerateContent", Vertex, "v1", Content),
            ("/ws/google.cloud.aiplatform.v1beta1.LlmBidiService.BidiGenerateContent", Vertex, "v1beta1", Content),
            (
                "/ws/google.firebase.vertexai.v1beta.LlmBidiService/BidiGenerateContent/locations/us-central1",
                Vertex,
                "v1beta",
                Content,
            ),
            ("/ws/google.firebase.vertexai.v1beta.GenerativeService/BidiGenerateContent", Gemini, "v1beta", Content),
            ("//ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateMusic", Gemini, "v1alpha", Music),
        ];
        for (path, backend, api_version, method) in table {
            assert_eq!(Route::parse(path), Ok(Route { backend, api_version, method, is_named: true }), "{path}");
        }
    }

    #[test]
    fn a_path_that_names_no_service_is_a_vertex_gateway() {
        for path in
            ["/", "", "/live", "/gateway/v7/anything", "/ws", "/ws/google.example.v1.LlmBidiService/X", "/%2e%2e/"]
        {
            let route = Route { backend: Vertex, api_version: "v1beta1", method: Content, is_named: false };
            assert_eq!(Route::parse(path), Ok(route), "{path}");
        }
    }

    #[test]
    fn a_misspelt_version_or_method_is_named() {
        let table = [
            ("/ws/google.ai.generativelanguage.v2.GenerativeService.BidiGenerateContent", "unknown API version \"v2\""),
            (
                "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerate",
                "unknown method \"BidiGenerate\"",
            ),
            ("/ws/google.ai.generativelanguage.v1beta.GenerativeService", "unknown method \"\""),
            (
                "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateMusic",
                "unknown method \"BidiGenerateMusic\"",
            ),
        ];
        for (path, expected) in table {
            let error = Route::parse(path).expect_err(path).to_string();
            assert!(error.starts_with(expected), "{path}: {error}");
        }
    }
}
