//! The tools that run on the server's side: which kinds a model has, and which a host can run.
//!
//! Not here: functions, which run at the client's.

use live_proto::Tool;

/// Kinds of built-in tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuiltInTools {
    /// `codeExecution`
    pub code_execution: bool,
    /// `googleSearch`
    pub google_search: bool,
    /// `urlContext`
    pub url_context: bool,
    /// Every other kind (`googleMaps`, `fileSearch`, ..). No engine of ours runs one; a host that hands them to the service does.
    pub others: bool,
}

impl BuiltInTools {
    /// None: functions only.
    pub const NONE: Self = Self { code_execution: false, google_search: false, url_context: false, others: false };

    /// All of them, for a host whose model hands them to the service.
    pub const ALL: Self = Self { code_execution: true, google_search: true, url_context: true, others: true };

    /// Whether `kind` is among them.
    pub fn has(self, kind: &BuiltIn) -> bool {
        match kind {
            BuiltIn::CodeExecution => self.code_execution,
            BuiltIn::GoogleSearch => self.google_search,
            BuiltIn::UrlContext => self.url_context,
            BuiltIn::Other(_) => self.others,
        }
    }
}

/// A kind of tool that runs on the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// `codeExecution`
    CodeExecution,
    /// `googleSearch`
    GoogleSearch,
    /// `urlContext`
    UrlContext,
    /// Any other, by the name of its field.
    Other(&'static str),
}

impl BuiltIn {
    /// The kinds that `tool` asks for; one tool may hold several.
    pub fn of(tool: &Tool) -> impl Iterator<Item = Self> {
        let Tool {
            function_declarations: _,
            google_search_retrieval,
            code_execution,
            google_search,
            computer_use,
            url_context,
            file_search,
            google_maps,
            retrieval,
            enterprise_web_search,
            parallel_ai_search,
            mcp_servers,
            exa_ai_search,
        } = tool;
        [
            (code_execution.is_some(), Self::CodeExecution),
            (google_search.is_some(), Self::GoogleSearch),
            (url_context.is_some(), Self::UrlContext),
            (google_search_retrieval.is_some(), Self::Other("googleSearchRetrieval")),
            (computer_use.is_some(), Self::Other("computerUse")),
            (file_search.is_some(), Self::Other("fileSearch")),
            (google_maps.is_some(), Self::Other("googleMaps")),
            (retrieval.is_some(), Self::Other("retrieval")),
            (enterprise_web_search.is_some(), Self::Other("enterpriseWebSearch")),
            (parallel_ai_search.is_some(), Self::Other("parallelAiSearch")),
            (!mcp_servers.is_empty(), Self::Other("mcpServers")),
            (exa_ai_search.is_some(), Self::Other("exaAiSearch")),
        ]
        .into_iter()
        .filter_map(|(is_asked, kind)| is_asked.then_some(kind))
    }

    /// The name of its field.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeExecution => "codeExecution",
            Self::GoogleSearch => "googleSearch",
            Self::UrlContext => "urlContext",
            Self::Other(name) => name,
        }
    }
}
