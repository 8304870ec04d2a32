//! Which of the tools that a model runs by itself there are: a name for each, and no tool.
//!
//! Not here: which of them a model's profile has, and what becomes of a setup that asks for another ([`crate::server`]); the tools
//! are the host's.

/// The tools that a model runs by itself, without the client; each is there or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuiltInTools {
    /// `codeExecution`: runs the Python that the model writes.
    pub code_execution: bool,
    /// `googleSearch`: grounds the answer on what a search finds.
    pub google_search: bool,
    /// `urlContext`: reads the pages that the conversation names.
    pub url_context: bool,
}

impl BuiltInTools {
    /// All of them: for a host whose model is somewhere else, and judges by itself what it is asked for.
    pub const ALL: Self = Self { code_execution: true, google_search: true, url_context: true };
    /// None of them.
    pub const NONE: Self = Self { code_execution: false, google_search: false, url_context: false };
}
