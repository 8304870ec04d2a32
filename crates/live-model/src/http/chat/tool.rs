//! The tools that run here, as a service knows them: functions among functions, whose calls are answered by us.
//!
//! Not here: when they are called and how their answers go back, which is `run`'s business.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live_engine::ModelOutput;
use live_engine::server::SessionConfig;
use live_proto::{CodeExecutionResult, ExecutableCode, Language, Tool};
use serde_json::{Map, Value, json};

use super::lookup::{self, Found, Looked};
use crate::tool::BuiltIns;

/// The tools of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnTools {
    built_ins: BuiltIns,
    /// The names by which the service knows them.
    offered: Vec<(Own, String)>,
}

/// A kind of tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Code,
    Search,
    Read,
}

/// A call on its way.
pub(super) struct Work {
    /// What is told before it is done.
    pub(super) announced: Option<ModelOutput>,
    pub(super) done: BoxFuture<'static, Done>,
}

/// A call that is done.
pub(super) struct Done {
    pub(super) output: ModelOutput,
    /// What the model is told.
    pub(super) told: String,
    /// What its answer may stand on.
    pub(super) found: Option<Found>,
}

impl OwnTools {
    /// Those that the session has set up and the host has.
    pub(super) fn of(built_ins: &BuiltIns, session: &SessionConfig) -> Self {
        let declared: Vec<&str> = session.functions().map(|function| function.name.as_str()).collect();
        let wants = |is_asked: fn(&Tool) -> bool| session.tools.iter().any(is_asked);
        let kinds = [
            (Own::Code, wants(|tool| tool.code_execution.is_some()) && built_ins.code.is_some()),
            (Own::Search, wants(|tool| tool.google_search.is_some()) && built_ins.search.is_some()),
            (Own::Read, wants(|tool| tool.url_context.is_some()) && built_ins.urls.is_some()),
        ];
        let kinds = kinds.into_iter().filter_map(|(own, is_offered)| is_offered.then_some(own));
        // A client may have a function of that name.
        let offered = kinds.map(|own| {
            let mut name = own.name().to_owned();
            while declared.contains(&name.as_str()) {
                name.push('_');
            }
            (own, name)
        });
        let offered = offered.collect();
        Self { built_ins: built_ins.clone(), offered }
    }

    /// What the service calls a tool, if there is one of that kind.
    pub(super) fn name(&self, kind: Own) -> Option<&str> {
        self.offered.iter().find(|(own, _)| *own == kind).map(|(_, name)| name.as_str())
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.offered.iter().map(|(_, name)| name.as_str())
    }

    /// The tools as the request has them.
    pub(super) fn declared(&self) -> impl Iterator<Item = Value> {
        self.offered.iter().map(|(own, name)| {
            let (description, parameters) = match own {
                Own::Code => {
                    let notes = self.built_ins.code.as_ref().map(|code| code.notes()).unwrap_or_default();
                    let description = format!("Runs Python and returns what it prints. {notes}");
                    let code = json!({ "type": "string", "description": "The program. It has to print its results." });
                    (description.trim().to_owned(), json!({ "code": code }))
                }
                Own::Search => {
                    let description = "Searches, and returns the best passages with their titles and addresses.";
                    let query = json!({ "type": "string", "description": "The words to search for." });
                    (description.to_owned(), json!({ "query": query }))
                }
                Own::Read => {
                    let description = "Reads a page of the web, and returns its text. Some pages may not be read.";
                    let url = json!({ "type": "string", "description": "The address, with http:// or https://." });
                    (description.to_owned(), json!({ "url": url }))
                }
            };
            let required: Vec<&String> = parameters.as_object().map(|all| all.keys().collect()).unwrap_or_default();
            let parameters = json!({ "type": "object", "properties": parameters, "required": required });
            json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } })
        })
    }

    /// Begins with a call; `Err` is what the model is told if it cannot be meant.
    pub(super) fn call(&self, name: &str, arguments: &str) -> Result<Work, String> {
        let own = self.offered.iter().find(|(_, known)| known == name).map(|(own, _)| *own);
        match own {
            Some(Own::Code) => {
                let executor = self.built_ins.code.as_ref().ok_or_else(|| told_error("nothing here runs code"))?;
                let code = ExecutableCode {
                    language: Language::Python,
                    code: text(arguments, "code")?,
                    ..ExecutableCode::default()
                };
                let result = executor.run(code.clone());
                let done = result.map(|result| {
                    let told = told_result(&result);
                    Done { output: ModelOutput::CodeExecutionResult(result), told, found: None }
                });
                Ok(Work { announced: Some(ModelOutput::ExecutableCode(code)), done: done.boxed() })
            }
            Some(Own::Search) => {
                let engine = self.built_ins.search.as_ref().ok_or_else(|| told_error("nothing here searches"))?;
                Ok(Work::looks_up(lookup::search(&**engine, text(arguments, "query")?)))
            }
            Some(Own::Read) => {
                let reader = self.built_ins.urls.as_ref().ok_or_else(|| told_error("nothing here reads pages"))?;
                Ok(Work::looks_up(lookup::read(&**reader, text(arguments, "url")?)))
            }
            None => Err(told_error(&format!("there is no tool {name}"))),
        }
    }
}

impl Work {
    fn looks_up(looked: Looked) -> Self {
        let done =
            looked.map(|(told, found)| Done { output: ModelOutput::ToolUse(told.len()), told, found: Some(found) });
        Self { announced: None, done: done.boxed() }
    }
}

impl Own {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "run_python",
            Self::Search => "google_search",
            Self::Read => "read_url",
        }
    }
}

/// What the model is told of a result.
pub(super) fn told_result(result: &CodeExecutionResult) -> String {
    let outcome = result.outcome.name().unwrap_or("OUTCOME_UNSPECIFIED");
    json!({ "outcome": outcome, "output": result.output }).to_string()
}

pub(super) fn told_error(why: &str) -> String {
    json!({ "error": why }).to_string()
}

/// The argument of a call that is one text.
fn text(arguments: &str, key: &str) -> Result<String, String> {
    let mut arguments: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
    match arguments.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(_) | None => Err(told_error(&format!("the arguments are to be a JSON object with a string {key:?}"))),
    }
}
