//! The tools that run here, as a service knows them: functions among functions, whose calls are answered by us.
//!
//! Not here: when they are called and how their answers go back, which is `run`'s business.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live_engine::ModelOutput;
use live_engine::server::SessionConfig;
use live_proto::{CodeExecutionResult, ExecutableCode, Language};
use serde_json::{Map, Value, json};

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
}

/// A call on its way.
pub(super) struct Work {
    /// What is told before it is done.
    pub(super) announced: Option<ModelOutput>,
    /// What is told when it is done, and what the model is told.
    pub(super) done: BoxFuture<'static, (Vec<ModelOutput>, String)>,
}

impl OwnTools {
    /// Those that the session has set up and the host has.
    pub(super) fn of(built_ins: &BuiltIns, session: &SessionConfig) -> Self {
        let declared: Vec<&str> = session.functions().map(|function| function.name.as_str()).collect();
        let wants_code = session.tools.iter().any(|tool| tool.code_execution.is_some());
        let kinds = [(Own::Code, wants_code && built_ins.code.is_some())];
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
                    (vec![ModelOutput::CodeExecutionResult(result)], told)
                });
                Ok(Work { announced: Some(ModelOutput::ExecutableCode(code)), done: done.boxed() })
            }
            None => Err(told_error(&format!("there is no tool {name}"))),
        }
    }
}

impl Own {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "run_python",
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
