//! What a function's declaration may say, wherever it comes from: a setup or an update of the context.
//!
//! Not here: the built-in tools, which are the model's ([`super::setup`]), and what a call does ([`super::tool`]).

use live_proto::Tool;

use crate::limits::Limits;
use crate::profile::ModelProfile;
use crate::violation::{Rule, Violation};

/// Checks every declaration under `root`, the path of the message that holds them.
pub(super) fn check_tools(
    tools: &[Tool],
    root: &str,
    profile: &ModelProfile,
    limits: &Limits,
) -> Result<(), Violation> {
    let mut names = std::collections::BTreeSet::new();
    for (t, tool) in tools.iter().enumerate() {
        for (f, function) in tool.function_declarations.iter().enumerate() {
            let wrong =
                |rule, field: &str| Violation::new(rule, format!("{root}.tools[{t}].functionDeclarations[{f}]{field}"));
            let name = function.name.as_str();
            if name.is_empty() {
                return Err(wrong(Rule::FunctionNameMissing, ".name"));
            }
            if name.len() > limits.function_name_bytes_max {
                return Err(wrong(Rule::FunctionNameTooLong, ".name").found(limits.function_name_bytes_max));
            }
            if !names.insert(name) {
                return Err(wrong(Rule::FunctionDeclaredTwice, ".name"));
            }
            if names.len() > limits.declarations_max {
                return Err(wrong(Rule::FunctionsTooMany, "").found(limits.declarations_max));
            }
            if profile.refused_behaviors.contains(&function.behavior) {
                return Err(wrong(Rule::FunctionBehavior, ".behavior"));
            }
        }
    }
    Ok(())
}
