//! What a function's declaration may say, wherever it comes from: a setup or an update of the context.
//!
//! Not here: the built-in tools, which are the model's ([`super::setup`]), and what a call does ([`super::tool`]).

use live_proto::{Behavior, Tool};

use crate::limits::Limits;
use crate::profile::ModelProfile;
use crate::violation::Violation;

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
            let wrong = |field: &str, rule: &str, fix: &str| {
                Err(Violation::Declaration {
                    path: format!("{root}.tools[{t}].functionDeclarations[{f}]{field}"),
                    rule: rule.into(),
                    fix: fix.into(),
                })
            };
            let name = function.name.as_str();
            if name.is_empty() {
                return wrong(".name", "a function has a name", "name it");
            }
            if name.len() > limits.function_name_bytes_max {
                return wrong(".name", "a function's name has a limit of length", "shorten it to 128 characters");
            }
            if !names.insert(name) {
                return wrong(".name", "a function is declared once", "remove the other declaration of this name");
            }
            if names.len() > limits.declarations_max {
                return wrong("", "a session has a limit of declared functions", "declare at most 512");
            }
            if function.behavior != Behavior::Unspecified
                && profile.refused_behavior.as_ref() == Some(&function.behavior)
            {
                return wrong(".behavior", "the model refuses this behavior", "leave it out");
            }
        }
    }
    Ok(())
}
