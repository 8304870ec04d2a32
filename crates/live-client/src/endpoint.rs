//! Where a client dials, and how it spells a model's name there.
//!
//! The URL forms are those of Google's SDKs; see docs/client.md.

use std::fmt;

use http::Uri;

use crate::ConfigError;

/// The kinds of service, which differ in their URLs and in the full names of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// `generativelanguage.googleapis.com`
    Gemini {
        /// An ephemeral token may call only the constrained method.
        constrained: bool,
    },
    /// `aiplatform.googleapis.com`
    Vertex {
        /// `None` in express mode, where the API key says which project pays.
        project: Option<Project>,
    },
    /// A URL that is dialled as it is.
    Gateway {
        /// The URL.
        url: GatewayUrl,
    },
}

/// A URL whose query may hold a key, and is therefore not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GatewayUrl(pub(crate) String);

impl fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split(['?', '#']).next().unwrap_or_default())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) location: String,
}

impl Service {
    /// The version of the API that the SDKs dial by default.
    pub(crate) fn default_version(&self) -> &'static str {
        match self {
            Self::Gemini { constrained: false } | Self::Gateway { .. } => "v1beta",
            Self::Gemini { constrained: true } => "v1alpha",
            Self::Vertex { .. } => "v1beta1",
        }
    }

    fn default_base(&self) -> String {
        match self {
            Self::Gemini { .. } => "https://generativelanguage.googleapis.com".into(),
            Self::Vertex { project: Some(Project { location, .. }) } if location != "global" => {
                format!("https://{location}-aiplatform.googleapis.com")
            }
            Self::Vertex { .. } => "https://aiplatform.googleapis.com".into(),
            Self::Gateway { url: GatewayUrl(url) } => url.clone(),
        }
    }

    /// The URL to dial: `base` (or the service's own) in WebSocket's scheme, then the path of the method.
    pub(crate) fn url(&self, base: Option<&str>, version: &str) -> Result<Uri, ConfigError> {
        let base = base.map_or_else(|| self.default_base(), str::to_owned);
        let invalid = |reason: &str| ConfigError::Url { reason: reason.to_owned() };
        let (scheme, rest) = base.split_once("://").ok_or_else(|| invalid("it has no scheme"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(invalid("its scheme is none of https, http, wss and ws")),
        };
        let url = match self {
            Self::Gateway { .. } => format!("{scheme}://{rest}"),
            Self::Gemini { .. } | Self::Vertex { .. } if rest.contains(['?', '#']) => {
                return Err(invalid("a base URL ends with its path; use Client::gateway to dial a URL with a query"));
            }
            Self::Gemini { constrained } => {
                let method = if *constrained { "BidiGenerateContentConstrained" } else { "BidiGenerateContent" };
                let rest = rest.trim_end_matches('/');
                format!("{scheme}://{rest}/ws/google.ai.generativelanguage.{version}.GenerativeService.{method}")
            }
            Self::Vertex { .. } => {
                let rest = rest.trim_end_matches('/');
                format!("{scheme}://{rest}/ws/google.cloud.aiplatform.{version}.LlmBidiService/BidiGenerateContent")
            }
        };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| invalid(&error.to_string()))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(invalid("it has no host"));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(invalid("it holds a user or password; send them with Client::header"));
        }
        Ok(uri)
    }

    /// The full name of a model, from whatever part of it the host gave.
    pub(crate) fn model(&self, name: String) -> String {
        match self {
            Self::Gemini { .. } if name.starts_with("models/") || name.starts_with("tunedModels/") => name,
            Self::Gemini { .. } => format!("models/{name}"),
            Self::Vertex { project } => {
                let name = match name.split('/').collect::<Vec<_>>()[..] {
                    ["projects" | "publishers" | "models", ..] => name,
                    [publisher, model] => format!("publishers/{publisher}/models/{model}"),
                    _ => format!("publishers/google/models/{name}"),
                };
                match project {
                    Some(Project { name: project, location }) if name.starts_with("publishers/") => {
                        format!("projects/{project}/locations/{location}/{name}")
                    }
                    Some(_) | None => name,
                }
            }
            Self::Gateway { .. } => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(location: &str) -> Service {
        Service::Vertex { project: Some(Project { name: "p".into(), location: location.into() }) }
    }

    #[track_caller]
    fn check(service: &Service, base: Option<&str>, want: &str) {
        assert_eq!(service.url(base, service.default_version()).unwrap().to_string(), want);
    }

    #[test]
    fn the_urls_are_those_of_the_sdks() {
        let gemini = Service::Gemini { constrained: false };
        let path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        check(&gemini, None, &format!("wss://generativelanguage.googleapis.com{path}"));
        check(
            &Service::Gemini { constrained: true },
            None,
            "wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained",
        );
        let path = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent";
        check(&vertex("us-central1"), None, &format!("wss://us-central1-aiplatform.googleapis.com{path}"));
        check(&vertex("global"), None, &format!("wss://aiplatform.googleapis.com{path}"));
        check(&Service::Vertex { project: None }, None, &format!("wss://aiplatform.googleapis.com{path}"));
    }

    #[test]
    fn a_base_url_keeps_its_port_and_prefix_and_gets_the_scheme_of_websocket() {
        let gemini = Service::Gemini { constrained: false };
        let path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        check(&gemini, Some("http://127.0.0.1:8080"), &format!("ws://127.0.0.1:8080{path}"));
        check(&gemini, Some("https://[::1]:8443/"), &format!("wss://[::1]:8443{path}"));
        check(&gemini, Some("ws://proxy/live/"), &format!("ws://proxy/live{path}"));
        check(&gemini, Some("WSS://proxy"), &format!("wss://proxy{path}"));
    }

    #[test]
    fn a_gateway_is_dialled_as_it_is() {
        let url = "https://gateway.example/any//path?tenant=7";
        check(&Service::Gateway { url: GatewayUrl(url.into()) }, None, "wss://gateway.example/any//path?tenant=7");
    }

    #[test]
    fn a_url_that_cannot_be_dialled_says_why() {
        let gemini = Service::Gemini { constrained: false };
        for (base, why) in [
            ("localhost:8080", "it has no scheme"),
            ("ftp://localhost", "its scheme is none of https, http, wss and ws"),
            ("http://", "invalid"),
            ("http://localhost?key=k", "a base URL ends with its path"),
            ("http://user:pass@localhost", "it holds a user or password"),
        ] {
            let error = gemini.url(Some(base), "v1beta").unwrap_err().to_string();
            assert!(error.contains(why), "{base}: {error}");
        }
    }

    #[test]
    fn models_get_their_full_names() {
        let gemini = Service::Gemini { constrained: false };
        assert_eq!(gemini.model("m".into()), "models/m");
        assert_eq!(gemini.model("models/m".into()), "models/m");
        assert_eq!(gemini.model("tunedModels/m".into()), "tunedModels/m");
        let long = "projects/p/locations/l/publishers/google/models/m";
        assert_eq!(vertex("l").model("m".into()), long);
        assert_eq!(vertex("l").model("publishers/google/models/m".into()), long);
        assert_eq!(vertex("l").model("meta/m".into()), "projects/p/locations/l/publishers/meta/models/m");
        assert_eq!(vertex("l").model(long.into()), long);
        assert_eq!(Service::Vertex { project: None }.model("m".into()), "publishers/google/models/m");
        assert_eq!(Service::Gateway { url: GatewayUrl(String::new()) }.model("any".into()), "any");
    }
}
