//! What a function's declaration may say, wherever it comes from: a setup or an update of the context.
//!
//! Not here: what a schema may say ([`crate::schema`]), the built-in tools, which are the model's ([`super::setup`]), and
//! what a call does ([`super::tool`]).

use std::collections::BTreeSet;

use live_proto::{Behavior, FunctionDeclaration, Schema, SchemaType, Tool, Value};

use super::Warning;
use crate::limits::Limits;
use crate::profile::ModelProfile;
use crate::schema::{At, Bounds, json, typed};
use crate::violation::{Findings, Rule, Violation};

/// Checks every declaration under `root`, the path of the message that holds them; also names what of the schemas only the
/// model can follow.
pub(super) fn check_tools(
    tools: &[Tool],
    root: &str,
    profile: &ModelProfile,
    limits: &Limits,
    findings: &mut Findings,
) -> Vec<Warning> {
    let mut hints = Vec::new();
    let mut names = BTreeSet::new();
    let mut declared = 0;
    for (t, tool) in tools.iter().enumerate() {
        for (f, function) in tool.function_declarations.iter().enumerate() {
            let path = format!("{root}.tools[{t}].functionDeclarations[{f}]");
            let at = At::root(&path);
            findings.check(check_name(&function.name, &at.field("name"), limits));
            if !names.insert(function.name.as_str()) && !function.name.is_empty() {
                findings.add(at.field("name").breaks(Rule::FunctionDeclaredTwice));
            }
            declared += 1;
            if declared > limits.declarations_max {
                findings.add(at.breaks(Rule::FunctionsTooMany).found(limits.declarations_max));
            }
            if declared > limits.declarations_max || findings.is_full() {
                return noted(hints);
            }
            findings.check(check_behavior(&function.behavior, profile, &at.field("behavior")));
            check_schemas(function, &at, limits, &mut hints, findings);
        }
    }
    noted(hints)
}

fn noted(hints: Vec<String>) -> Vec<Warning> {
    hints.into_iter().map(|path| Warning::NoEffect { path }).collect()
}

/// The rule is the one that Vertex documents; the Gemini API documents the same characters.
fn check_name(name: &str, at: &At<'_>, limits: &Limits) -> Result<(), Violation> {
    let max = limits.function_name_bytes_max;
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if name.is_empty() {
        Err(at.breaks(Rule::FunctionNameMissing))
    } else if name.len() > max {
        Err(at.breaks(Rule::FunctionNameTooLong).found(max))
    } else if !name.as_bytes().first().is_some_and(begins) {
        Err(at.breaks(Rule::FunctionNameBegins).found(name))
    } else if let Some(wrong) = name.chars().find(|it| !it.is_ascii_alphanumeric() && !"_.:-".contains(*it)) {
        Err(at.breaks(Rule::FunctionNameCharacters).found(format!("{wrong:?}")).found(name))
    } else {
        Ok(())
    }
}

fn check_behavior(behavior: &Behavior, profile: &ModelProfile, at: &At<'_>) -> Result<(), Violation> {
    match behavior {
        Behavior::Unrecognized(_) => Err(at.breaks(Rule::FunctionBehaviorUnknown)),
        _ if profile.refused_behaviors.contains(behavior) => Err(at.breaks(Rule::FunctionBehavior)),
        Behavior::Unspecified | Behavior::Blocking | Behavior::NonBlocking => Ok(()),
    }
}

fn check_schemas(
    function: &FunctionDeclaration,
    at: &At<'_>,
    limits: &Limits,
    hints: &mut Vec<String>,
    findings: &mut Findings,
) {
    let FunctionDeclaration {
        name: _,
        description: _,
        behavior: _,
        parameters,
        parameters_json_schema,
        response,
        response_json_schema,
    } = function;
    // A function without parameters may say so with an empty schema.
    let says_something = |schema: &&Schema| **schema != Schema::default();
    let (parameters, response) = (parameters.as_deref().filter(says_something), response.as_deref());
    if let Some(schema) = parameters {
        findings.check(check_is_object(schema, &at.field("parameters")));
    }
    if let Some(schema) = parameters_json_schema {
        findings.check(json::check_is_object(schema, &at.field("parametersJsonSchema")));
    }
    let forms: [(_, Option<&Schema>, _, Option<&Value>); 2] = [
        ("parameters", parameters, "parametersJsonSchema", parameters_json_schema.as_ref()),
        ("response", response, "responseJsonSchema", response_json_schema.as_ref()),
    ];
    let bounds = Bounds { depth_max: limits.schema_depth_max, schemas_max: limits.schemas_max };
    for (typed_field, typed_schema, json_field, json_schema) in forms {
        if typed_schema.is_some() && json_schema.is_some() {
            let twice = at.field(json_field).breaks(Rule::SchemaInBothForms);
            findings.add(twice.found(typed_field).found(json_field));
        }
        if let Some(schema) = typed_schema {
            typed::check(schema, &at.field(typed_field), bounds, findings);
        }
        if let Some(schema) = json_schema {
            json::check(schema, &at.field(json_field), bounds, hints, HINTS_MAX, findings);
        }
    }
}

fn check_is_object(schema: &Schema, at: &At<'_>) -> Result<(), Violation> {
    match &schema.r#type {
        SchemaType::Object | SchemaType::Unrecognized(_) => Ok(()),
        SchemaType::Unspecified if !schema.any_of.is_empty() || !schema.r#ref.is_empty() => Ok(()),
        SchemaType::Unspecified
        | SchemaType::String
        | SchemaType::Number
        | SchemaType::Integer
        | SchemaType::Boolean
        | SchemaType::Array
        | SchemaType::Null => Err(at.field("type").breaks(Rule::ArgumentsNotObject).found("OBJECT")),
    }
}

/// Warnings of schemas for one message: a person reads the first.
const HINTS_MAX: usize = 32;
