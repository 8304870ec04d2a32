//! The methods that a Live session can be opened with, by their paths.
//!
//! Vertex AI's `LlmBidiService` is not among them: its package numbers the same fields otherwise.

/// `BidiGenerateContent` of one API version. The versions share their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent`
    V1Beta,
    /// `google.ai.generativelanguage.v1alpha.GenerativeService/BidiGenerateContent`
    V1Alpha,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::V1Beta, Self::V1Alpha];

    /// The method that `path` names, if it is one.
    pub fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.path() == path)
    }

    /// The path of the HTTP/2 request.
    pub fn path(self) -> &'static str {
        match self {
            Self::V1Beta => "/google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent",
            Self::V1Alpha => "/google.ai.generativelanguage.v1alpha.GenerativeService/BidiGenerateContent",
        }
    }

    /// `v1beta` or `v1alpha`; error texts repeat it.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1Beta => "v1beta",
            Self::V1Alpha => "v1alpha",
        }
    }
}
