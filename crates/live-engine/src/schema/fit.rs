//! Whether a model's arguments fit the schema of their function.
//!
//! Judged are types, the names of properties, enums and alternatives: what a function is broken by. Ranges, lengths, patterns
//! and formats are the function's to judge, which can tell the model what is wrong. Not here: what becomes of arguments
//! that do not fit (the server's room for tools).

use live_proto::{FunctionDeclaration, Struct, Value};

use super::{At, listed, resolve, typed};

/// Why arguments do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// From the arguments on.
    pub(crate) path: String,
    pub(crate) rule: String,
}

/// Checks arguments against the declaration of their function. One without a schema takes any.
pub(crate) fn check(function: &FunctionDeclaration, args: &Struct) -> Result<(), Misfit> {
    let FunctionDeclaration { parameters, parameters_json_schema, .. } = function;
    let written;
    let schema = match (parameters, parameters_json_schema) {
        (Some(schema), _) => {
            written = typed::to_json(schema);
            &written
        }
        (None, Some(schema)) => schema,
        (None, None) => return Ok(()),
    };
    let args = Value::Struct(args.clone());
    Judge { root: schema, steps_left: STEPS_MAX, depth: 0 }.value(schema, &args, &At::root("args"))
}

/// Whether a value is of the type of this name, in whatever case: clients mix both forms.
pub(super) fn is_of_type(value: &Value, name: &str) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    match value {
        Value::Null => is("null"),
        Value::Bool(_) => is("boolean"),
        Value::Number(number) => is("number") || (is("integer") && number.fract() == 0.0),
        Value::String(_) => is("string"),
        Value::List(_) => is("array"),
        Value::Struct(_) => is("object"),
    }
}

struct Judge<'a> {
    root: &'a Value,
    steps_left: usize,
    depth: usize,
}

impl<'a> Judge<'a> {
    /// Judges a value, unless that takes too long: references can go round in circles, and alternatives can multiply.
    fn value(&mut self, schema: &'a Value, value: &Value, at: &At<'_>) -> Result<(), Misfit> {
        if self.steps_left == 0 || self.depth == DEPTH_MAX {
            return Ok(());
        }
        self.steps_left -= 1;
        self.depth += 1;
        let judged = self.judge(schema, value, at);
        self.depth -= 1;
        judged
    }

    fn judge(&mut self, schema: &'a Value, value: &Value, at: &At<'_>) -> Result<(), Misfit> {
        let schema = match schema {
            Value::Struct(schema) => schema,
            Value::Bool(false) => return Err(misfit(at, "nothing may stand here")),
            Value::Bool(true) | Value::Null | Value::Number(_) | Value::String(_) | Value::List(_) => return Ok(()),
        };
        if *value == Value::Null && schema.get("nullable") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|it| resolve(self.root, it)) {
            self.value(target, value, at)?;
        }
        let list = |word| schema.get(word).and_then(Value::as_list).unwrap_or_default();
        if let Some(types) = schema.get("type") {
            let names: Vec<&str> = types.as_list().map_or_else(
                || types.as_str().into_iter().collect(),
                |types| types.iter().filter_map(Value::as_str).collect(),
            );
            if !names.iter().any(|name| is_of_type(value, name)) {
                return Err(misfit(at, format!("it is to be of type {}", names.join(" or "))));
            }
        }
        if schema.get("enum").is_some() && !list("enum").contains(value) {
            let values: Vec<String> = list("enum").iter().map(written).collect();
            let values = listed(values.iter().map(String::as_str));
            return Err(misfit(at, format!("it is to be a value of the enum: {values}")));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            return Err(misfit(at, "it is to be the one value of const"));
        }
        for part in list("allOf") {
            self.value(part, value, at)?;
        }
        for alternatives in [list("anyOf"), list("oneOf")] {
            if !alternatives.is_empty() && !alternatives.iter().any(|schema| self.value(schema, value, at).is_ok()) {
                return Err(misfit(at, "it fits none of the alternatives"));
            }
        }
        match value {
            Value::Struct(object) => self.properties(schema, object, at),
            Value::List(elements) => self.elements(schema, elements, at),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn properties(&mut self, schema: &'a Struct, object: &Struct, at: &At<'_>) -> Result<(), Misfit> {
        let declared = schema.get("properties").and_then(Value::as_struct);
        let required = schema.get("required").and_then(Value::as_list).unwrap_or_default();
        let is_required = |name: &str| required.iter().any(|it| it.as_str() == Some(name));
        if let Some(missing) = required.iter().filter_map(Value::as_str).find(|name| object.get(name).is_none()) {
            return Err(misfit(&at.key(missing), "it is required"));
        }
        let additional = schema.get("additionalProperties").filter(|_| schema.get("patternProperties").is_none());
        for (name, value) in &object.0 {
            let at = at.key(name);
            match (declared.and_then(|declared| declared.get(name)), additional) {
                // protobuf writes what is not set so.
                (Some(_), _) if *value == Value::Null && !is_required(name) => {}
                (Some(schema), _) => self.value(schema, value, &at)?,
                (None, Some(Value::Bool(false))) => {
                    let names = listed(declared.into_iter().flat_map(|it| it.0.keys()).map(String::as_str));
                    return Err(misfit(&at, format!("there is no such property; there are: {names}")));
                }
                (None, Some(schema)) => self.value(schema, value, &at)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn elements(&mut self, schema: &'a Struct, elements: &[Value], at: &At<'_>) -> Result<(), Misfit> {
        let items = schema.get("items");
        let (first, rest) = match items {
            Some(Value::List(first)) => (first.as_slice(), schema.get("additionalItems")),
            Some(_) | None => (schema.get("prefixItems").and_then(Value::as_list).unwrap_or_default(), items),
        };
        for (index, element) in elements.iter().enumerate() {
            if let Some(schema) = first.get(index).or(rest) {
                self.value(schema, element, &at.index(index))?;
            }
        }
        Ok(())
    }
}

/// A plain value as a person reads it.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::List(_) => "[..]".into(),
        Value::Struct(_) => "{..}".into(),
    }
}

fn misfit(at: &At<'_>, rule: impl Into<String>) -> Misfit {
    Misfit { path: at.to_string(), rule: rule.into() }
}

/// Schemas that are looked at for one call. Far above what honest ones take.
const STEPS_MAX: usize = 10_000;
/// How deep they may lead into each other. A message is not nested as deep.
const DEPTH_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use live_proto::json::{DecodeOptions, decode};
    use live_proto::{ClientMessage, ServerMessage, ServerPayload};

    use super::*;

    /// Judges arguments by the declaration of a function, both as they stand on the wire.
    fn judge(function: &str, args: &str) -> String {
        let setup = format!(r#"{{"setup": {{"tools": [{{"functionDeclarations": [{function}]}}]}}}}"#);
        let setup = decode::<ClientMessage>(setup.as_bytes(), &DecodeOptions::strict()).unwrap().message;
        let ClientMessage::Setup(setup) = setup else { unreachable!("it is a setup") };
        let call = format!(r#"{{"toolCall": {{"functionCalls": [{{"args": {args}}}]}}}}"#);
        let call = decode::<ServerMessage>(call.as_bytes(), &DecodeOptions::strict()).unwrap().message;
        let Some(ServerPayload::ToolCall(call)) = call.payload else { unreachable!("it is a call") };
        let args = call.function_calls[0].args.clone().unwrap_or_default();
        match check(&setup.tools[0].function_declarations[0], &args) {
            Ok(()) => "fits".into(),
            Err(Misfit { path, rule }) => format!("{path}: {rule}"),
        }
    }

    #[track_caller]
    fn fits(function: &str, args: &str) {
        assert_eq!(judge(function, args), "fits", "{args}");
    }

    #[track_caller]
    fn misfits(function: &str, args: &str, why: &str) {
        assert_eq!(judge(function, args), why, "{args}");
    }

    #[test]
    fn the_typed_form_is_judged_by_types_names_and_enums() {
        let f = r##"{"parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"},
            "unit": {"type": "STRING", "enum": ["C", "F"], "nullable": true}, "size": {"type": "INTEGER", "enum": ["1", "2"]},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}}, "either": {"type": "OBJECT", "anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
            "node": {"ref": "#/defs/Node", "nullable": true}}, "required": ["city", "unit"],
            "defs": {"Node": {"type": "OBJECT", "properties": {"next": {"ref": "#/defs/Node"}}}}}}"##;
        fits(f, r#"{"city": "Rome", "unit": null, "days": 3, "size": 2, "tags": [], "either": 1.5, "node": null}"#);
        fits(
            f,
            r#"{"city": "Rome", "unit": "C", "days": null, "other": 1, "either": "x", "node": {"next": {"next": {}}}}"#,
        );
        misfits(f, "{}", "args.city: it is required");
        misfits(f, r#"{"city": null, "unit": "C"}"#, "args.city: it is to be of type string");
        misfits(f, r#"{"city": "Rome", "unit": "K"}"#, "args.unit: it is to be a value of the enum: C, F, null");
        misfits(f, r#"{"city": "Rome", "unit": "C", "days": 1.5}"#, "args.days: it is to be of type integer");
        misfits(f, r#"{"city": "Rome", "unit": "C", "size": 3}"#, "args.size: it is to be a value of the enum: 1, 2");
        misfits(f, r#"{"city": "Rome", "unit": "C", "tags": ["a", 1]}"#, "args.tags[1]: it is to be of type string");
        misfits(f, r#"{"city": "Rome", "unit": "C", "either": true}"#, "args.either: it fits none of the alternatives");
        misfits(
            f,
            r#"{"city": "Rome", "unit": "C", "node": {"next": 7}}"#,
            "args.node: it fits none of the alternatives",
        );
    }

    #[test]
    fn json_schema_is_judged_likewise() {
        let f = r##"{"parametersJsonSchema": {"type": "object", "properties": {"kind": {"const": "x"}, "n": {"type": ["integer", "null"]},
            "pair": {"prefixItems": [{"type": "string"}, {"type": "number"}], "items": false}, "old": {"items": [{"type": "string"}], "additionalItems": {"type": "number"}},
            "both": {"allOf": [{"$ref": "#/$defs/A"}, {"required": ["b"]}]}, "never": false, "maybe": {"nullable": true, "type": "string"}},
            "required": ["kind"], "additionalProperties": false, "$defs": {"A": {"required": ["a"], "additionalProperties": {"type": "string"}}}}}"##;
        fits(
            f,
            r#"{"kind": "x", "n": null, "pair": ["a", 1], "old": ["a", 1, 2], "both": {"a": "1", "b": "2"}, "maybe": null}"#,
        );
        misfits(f, r#"{"kind": "y"}"#, "args.kind: it is to be the one value of const");
        misfits(
            f,
            r#"{"kind": "x", "extra": 1}"#,
            "args.extra: there is no such property; there are: both, kind, maybe, n, never, old, pair",
        );
        misfits(f, r#"{"kind": "x", "pair": ["a", "b"]}"#, "args.pair[1]: it is to be of type number");
        misfits(f, r#"{"kind": "x", "pair": ["a", 1, 2]}"#, "args.pair[2]: nothing may stand here");
        misfits(f, r#"{"kind": "x", "old": ["a", 1, "b"]}"#, "args.old[2]: it is to be of type number");
        misfits(f, r#"{"kind": "x", "both": {"a": "1"}}"#, "args.both.b: it is required");
        misfits(f, r#"{"kind": "x", "both": {"a": 1, "b": "2"}}"#, "args.both.a: it is to be of type string");
        misfits(f, r#"{"kind": "x", "never": 1}"#, "args.never: nothing may stand here");
    }

    #[test]
    fn references_are_read_as_generators_write_them() {
        let referring = |reference: &str| {
            format!(
                r#"{{"parametersJsonSchema": {{"properties": {{"a": {{"$ref": "{reference}"}}}},
                    "$defs": {{"Page<A/B~é>": {{"type": "string"}}, "50%": {{"type": "string"}}}}}}}}"#
            )
        };
        for reference in ["#/$defs/Page<A~1B~0é>", "#/$defs/Page%3CA~1B~0%c3%A9%3E", "#/%24defs/50%25", "#/$defs/50%"]
        {
            misfits(&referring(reference), r#"{"a": 1}"#, "args.a: it is to be of type string");
        }
    }

    #[test]
    fn what_nothing_is_said_of_fits() {
        fits("{}", r#"{"a": 1}"#);
        fits(
            r#"{"parametersJsonSchema": {"patternProperties": {"^x": {}}, "additionalProperties": false}}"#,
            r#"{"xy": 1}"#,
        );
    }

    #[test]
    fn a_schema_that_goes_round_in_circles_or_multiplies_ends() {
        let circle = r##"{"parametersJsonSchema": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}, {"type": "string"}]}}"##;
        fits(circle, "{}");
        let link = |n: usize| {
            format!(r##""d{n}": {{"anyOf": [{{"$ref": "#/$defs/d{0}"}}, {{"$ref": "#/$defs/d{0}"}}]}}"##, n + 1)
        };
        let links: Vec<String> = (0..40).map(link).collect();
        let tree = format!(
            r##"{{"parametersJsonSchema": {{"$ref": "#/$defs/d0", "$defs": {{{}, "d40": {{"type": "string"}}}}}}}}"##,
            links.join(",")
        );
        fits(&tree, "{}");
    }
}
