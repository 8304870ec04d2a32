//! The rules of JSON Schema, as functions are declared with it: which words are followed, which are only passed on to the
//! model, and which are refused.
//!
//! Not here: the API's own form ([`super::typed`]) and values ([`super::fit`]). `docs/tools.md` gives the reasons.

use std::collections::BTreeSet;

use live_proto::{Struct, Value};

use super::{At, Bounds, listed, resolve};
use crate::violation::{Findings, Rule, Violation};

/// What becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// It is understood, or says nothing about values.
    Known,
    /// It narrows what a value may be: the model is told and nobody else looks.
    Hint,
    /// Nobody could be told.
    Refused(&'static str),
}

const WRITE_OUT: &str = "declare each case as an alternative in anyOf, or say it in the description";
const RESOLVE_FIRST: &str = "use $ref and $defs";

/// Every word of JSON Schema up to draft 2020-12, and those that others add to it; any other word is a hint.
const WORDS: &[(&str, Word)] = &[
    // As the API documents them.
    ("$id", Word::Known),
    ("$defs", Word::Known),
    ("$ref", Word::Known),
    ("$anchor", Word::Known),
    ("type", Word::Known),
    ("format", Word::Known),
    ("title", Word::Known),
    ("description", Word::Known),
    ("enum", Word::Known),
    ("items", Word::Known),
    ("prefixItems", Word::Known),
    ("minItems", Word::Known),
    ("maxItems", Word::Known),
    ("minimum", Word::Known),
    ("maximum", Word::Known),
    ("anyOf", Word::Known),
    ("oneOf", Word::Known),
    ("properties", Word::Known),
    ("additionalProperties", Word::Known),
    ("required", Word::Known),
    ("propertyOrdering", Word::Known),
    // As its own form of a schema has them.
    ("nullable", Word::Known),
    ("default", Word::Known),
    ("example", Word::Known),
    ("pattern", Word::Known),
    ("minLength", Word::Known),
    ("maxLength", Word::Known),
    ("minProperties", Word::Known),
    ("maxProperties", Word::Known),
    // As generators write them: pydantic, zod, schemars.
    ("definitions", Word::Known),
    ("id", Word::Known),
    ("const", Word::Known),
    ("allOf", Word::Known),
    ("examples", Word::Known),
    ("not", Word::Known),
    ("discriminator", Word::Known),
    ("$schema", Word::Known),
    ("$comment", Word::Known),
    ("deprecated", Word::Known),
    ("readOnly", Word::Known),
    ("writeOnly", Word::Known),
    ("contentEncoding", Word::Known),
    ("contentMediaType", Word::Known),
    ("contentSchema", Word::Known),
    ("additionalItems", Word::Known),
    // What they write and nothing of the API says.
    ("exclusiveMinimum", Word::Hint),
    ("exclusiveMaximum", Word::Hint),
    ("multipleOf", Word::Hint),
    ("uniqueItems", Word::Hint),
    ("patternProperties", Word::Hint),
    ("propertyNames", Word::Hint),
    ("unevaluatedProperties", Word::Hint),
    ("unevaluatedItems", Word::Hint),
    ("$vocabulary", Word::Hint),
    // What makes one part of a value depend on another: no form of the API can say it, no generator writes it.
    ("if", Word::Refused(WRITE_OUT)),
    ("then", Word::Refused(WRITE_OUT)),
    ("else", Word::Refused(WRITE_OUT)),
    ("dependentSchemas", Word::Refused(WRITE_OUT)),
    ("dependentRequired", Word::Refused(WRITE_OUT)),
    ("dependencies", Word::Refused(WRITE_OUT)),
    ("contains", Word::Refused("say it in the description")),
    ("minContains", Word::Refused("say it in the description")),
    ("maxContains", Word::Refused("say it in the description")),
    ("$dynamicRef", Word::Refused(RESOLVE_FIRST)),
    ("$dynamicAnchor", Word::Refused(RESOLVE_FIRST)),
    ("$recursiveRef", Word::Refused(RESOLVE_FIRST)),
    ("$recursiveAnchor", Word::Refused(RESOLVE_FIRST)),
];

/// Checks a schema at `at`. Appends the places of its hints to `hints`, up to `hints_max` of them in all.
pub(crate) fn check(
    schema: &Value,
    at: &At<'_>,
    bounds: Bounds,
    hints: &mut Vec<String>,
    hints_max: usize,
    findings: &mut Findings,
) {
    if schema.as_struct().is_none() {
        return findings.add(at.breaks(Rule::SchemaForm));
    }
    let mut walk = Walk { root: schema, bounds, seen: 0, is_too_large: false, hints, hints_max, findings };
    walk.visit(schema, at, 1);
    if !walk.is_too_large && !walk.findings.is_full() {
        findings.check(check_finite(schema, at, bounds));
    }
}

/// Checks that the schema is of objects, as the arguments of a function are.
pub(crate) fn check_is_object(schema: &Value, at: &At<'_>) -> Result<(), Violation> {
    let Some(types) = schema.as_struct().and_then(|schema| schema.get("type")) else { return Ok(()) };
    if types_of(types).any(|name| name.eq_ignore_ascii_case("object")) {
        return Ok(());
    }
    Err(at.field("type").breaks(Rule::ArgumentsNotObject).found("object"))
}

struct Walk<'a> {
    root: &'a Value,
    bounds: Bounds,
    seen: usize,
    /// It has more schemas, or deeper ones, than are looked at.
    is_too_large: bool,
    hints: &'a mut Vec<String>,
    hints_max: usize,
    findings: &'a mut Findings,
}

impl Walk<'_> {
    /// Looks at a schema and all within it; what is too large is left after its first excess.
    fn visit(&mut self, schema: &Value, at: &At<'_>, depth: usize) {
        if self.is_too_large || self.findings.is_full() {
            return;
        }
        self.seen += 1;
        if let Err(excess) = check_size(self.seen, depth, self.bounds, at) {
            self.is_too_large = true;
            return self.findings.add(excess);
        }
        let schema = match schema {
            Value::Struct(schema) => schema,
            Value::Bool(_) => return,
            Value::Null | Value::Number(_) | Value::String(_) | Value::List(_) => {
                return self.findings.add(at.breaks(Rule::SchemaForm));
            }
        };
        for (word, value) in &schema.0 {
            self.read(word, value, &at.key(word), depth);
        }
        check_names(schema, at, self.findings);
        self.findings.check(check_enum(schema, at));
        check_ranges(schema, at, self.findings);
    }

    fn read(&mut self, word: &str, value: &Value, at: &At<'_>, depth: usize) {
        match WORDS.iter().find(|(name, _)| *name == word).map(|(_, word)| *word) {
            Some(Word::Known) => {}
            Some(Word::Refused(fix)) => {
                return self.findings.add(at.breaks(Rule::SchemaKeyword).found(word).found(fix));
            }
            // Vendors mark their own words so.
            None if word.starts_with("x-") => {}
            Some(Word::Hint) | None => {
                if self.hints.len() < self.hints_max {
                    self.hints.push(at.to_string());
                }
            }
        }
        match word {
            "type" => self.findings.check(check_types(value, at)),
            "$ref" => {
                let is_there = self.check_reference(value, at);
                self.findings.check(is_there);
            }
            "not" => match value {
                // A generator's way to write that nothing fits.
                Value::Struct(schema) if schema.is_empty() => {}
                Value::Bool(_) => {}
                Value::Struct(_) | Value::Null | Value::Number(_) | Value::String(_) | Value::List(_) => {
                    let refused = at.breaks(Rule::SchemaKeyword).found(word);
                    self.findings.add(refused.found("say what a value is, in anyOf or enum"));
                }
            },
            "properties" | "patternProperties" | "$defs" | "definitions" => {
                let Value::Struct(schemas) = value else {
                    return self.findings.add(at.breaks(Rule::SchemaMapForm));
                };
                schemas.0.iter().for_each(|(name, schema)| self.visit(schema, &at.key(name), depth + 1));
            }
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
                let Some(schemas) = value.as_list().filter(|schemas| !schemas.is_empty()) else {
                    return self.findings.add(at.breaks(Rule::SchemaListForm));
                };
                self.visit_each(schemas, at, depth);
            }
            // Lists are how drafts before 2020 wrote prefixItems.
            "items" => match value {
                Value::List(schemas) => self.visit_each(schemas, at, depth),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Struct(_) => {
                    self.visit(value, at, depth + 1);
                }
            },
            "additionalProperties"
            | "additionalItems"
            | "propertyNames"
            | "unevaluatedProperties"
            | "unevaluatedItems" => self.visit(value, at, depth + 1),
            _ => {}
        }
    }

    fn visit_each(&mut self, schemas: &[Value], at: &At<'_>, depth: usize) {
        schemas.iter().enumerate().for_each(|(index, schema)| self.visit(schema, &at.index(index), depth + 1));
    }

    fn check_reference(&self, reference: &Value, at: &At<'_>) -> Result<(), Violation> {
        let Some(reference) = reference.as_str() else {
            return Err(at.breaks(Rule::SchemaReferenceForm));
        };
        if resolve(self.root, reference).is_some() {
            return Ok(());
        }
        Err(at.breaks(Rule::SchemaReferenceUnknown).found(reference).found("$defs"))
    }
}

pub(super) fn check_size(seen: usize, depth: usize, bounds: Bounds, at: &At<'_>) -> Result<(), Violation> {
    if depth > bounds.depth_max {
        return Err(at.breaks(Rule::SchemaTooDeep).found(bounds.depth_max));
    }
    if seen > bounds.schemas_max {
        return Err(at.breaks(Rule::SchemasTooMany).found(bounds.schemas_max));
    }
    Ok(())
}

fn types_of(value: &Value) -> impl Iterator<Item = &str> {
    let list = match value {
        Value::List(list) => list.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Struct(_) => {
            std::slice::from_ref(value)
        }
    };
    list.iter().filter_map(Value::as_str)
}

fn check_types(value: &Value, at: &At<'_>) -> Result<(), Violation> {
    let (known, count) = (TYPES.join(", "), value.as_list().map_or(1, <[Value]>::len));
    let wrong = types_of(value).find(|name| !TYPES.iter().any(|it| it.eq_ignore_ascii_case(name)));
    match wrong {
        Some(name) => Err(at.breaks(Rule::SchemaTypeUnknown).found(format!("\"{name}\"")).found(known)),
        None if count == 0 || types_of(value).count() != count => Err(at.breaks(Rule::SchemaTypeForm).found(known)),
        None => Ok(()),
    }
}

pub(super) const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];

/// What `required` and `propertyOrdering` name is there, unless properties may come from elsewhere.
fn check_names(schema: &Struct, at: &At<'_>, findings: &mut Findings) {
    let no_properties = Struct::new();
    let properties = schema.get("properties").and_then(Value::as_struct).unwrap_or(&no_properties);
    let elsewhere = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"];
    let is_open = elsewhere.iter().any(|word| schema.get(word).is_some())
        || schema.get("additionalProperties").is_some_and(|additional| *additional != Value::Bool(false));
    for field in ["required", "propertyOrdering"] {
        let Some(names) = schema.get(field) else { continue };
        // Draft 3 wrote a flag at the property.
        let strings = names.as_list().filter(|names| names.iter().all(|name| name.as_str().is_some()));
        let Some(names) = strings else {
            findings.add(at.field(field).breaks(Rule::SchemaNamesForm).found(field));
            continue;
        };
        for (index, name) in names.iter().filter_map(Value::as_str).enumerate() {
            if !is_open && properties.get(name).is_none() && !findings.is_full() {
                let known = listed(properties.0.keys().map(String::as_str));
                let at = at.field(field);
                findings.add(at.index(index).breaks(Rule::SchemaPropertyUnknown).found(name).found(known));
            }
        }
    }
}

/// An enum lists values, of the type that is named beside it.
fn check_enum(schema: &Struct, at: &At<'_>) -> Result<(), Violation> {
    let Some(values) = schema.get("enum") else { return Ok(()) };
    let Some(values) = values.as_list().filter(|values| !values.is_empty()) else {
        return Err(at.field("enum").breaks(Rule::SchemaEnumEmpty));
    };
    let Some(types) = schema.get("type") else { return Ok(()) };
    let is_nullable = schema.get("nullable") == Some(&Value::Bool(true));
    let fits = |value: &Value| {
        (is_nullable && *value == Value::Null) || types_of(types).any(|name| super::fit::is_of_type(value, name))
    };
    match values.iter().position(|value| !fits(value)) {
        None => Ok(()),
        Some(wrong) => {
            let names: Vec<&str> = types_of(types).collect();
            Err(at.field("enum").index(wrong).breaks(Rule::SchemaEnumValue).found(names.join(" or ")))
        }
    }
}

fn check_ranges(schema: &Struct, at: &At<'_>, findings: &mut Findings) {
    let ranges = [
        ("minimum", "maximum", false),
        ("minLength", "maxLength", true),
        ("minItems", "maxItems", true),
        ("minProperties", "maxProperties", true),
    ];
    for (min, max, is_count) in ranges {
        for word in [min, max] {
            if schema.get(word).is_some_and(|value| value.as_f64().is_none()) {
                findings.add(at.field(word).breaks(Rule::SchemaNumber));
            }
        }
        let number = |word| (word, schema.get(word).and_then(Value::as_f64));
        findings.check(check_range(number(min), number(max), is_count, at));
    }
}

/// Checks that a range holds something; a count is whole and not negative.
pub(super) fn check_range(
    (min_name, min): (&str, Option<f64>),
    (max_name, max): (&str, Option<f64>),
    is_count: bool,
    at: &At<'_>,
) -> Result<(), Violation> {
    for (name, number) in [(min_name, min), (max_name, max)] {
        if let Some(number) = number.filter(|number| is_count && (*number < 0.0 || number.fract() != 0.0)) {
            return Err(at.field(name).breaks(Rule::SchemaCount).found(number));
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if min > max => {
            let empty = at.field(min_name).breaks(Rule::SchemaRangeEmpty);
            Err(empty.found(min_name).found(min).found(max_name).found(max))
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Checks that the schema does not require itself within itself, so that no finite value fits. Lists, alternatives and
/// properties that may be missing end a value.
pub(crate) fn check_finite(schema: &Value, at: &At<'_>, bounds: Bounds) -> Result<(), Violation> {
    let mut search = Search { root: schema, depth_max: bounds.depth_max, open: vec!["#"], done: BTreeSet::new() };
    let (reference, is_endless) = match search.visit(schema) {
        Ok(()) => return Ok(()),
        Err(found) => found,
    };
    Err(if is_endless {
        at.breaks(Rule::SchemaRequiresItself).found(reference)
    } else {
        at.breaks(Rule::SchemaReferencesTooDeep).found(bounds.depth_max).found(reference)
    })
}

struct Search<'a> {
    root: &'a Value,
    depth_max: usize,
    /// The references that are being followed.
    open: Vec<&'a str>,
    /// Those that are known to end.
    done: BTreeSet<&'a str>,
}

impl<'a> Search<'a> {
    /// Follows what every value of the schema has in it; gives the reference that does not end, and whether it leads to itself.
    fn visit(&mut self, schema: &'a Value) -> Result<(), (&'a str, bool)> {
        let Some(schema) = schema.as_struct() else { return Ok(()) };
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str)
            && !self.done.contains(reference)
        {
            if self.open.contains(&reference) {
                return Err((reference, true));
            }
            if self.open.len() >= self.depth_max {
                return Err((reference, false));
            }
            self.open.push(reference);
            if let Some(target) = resolve(self.root, reference) {
                self.visit(target)?;
            }
            self.open.pop();
            self.done.insert(reference);
        }
        let list = |word| schema.get(word).and_then(Value::as_list).unwrap_or_default();
        let alternatives = ["anyOf", "oneOf"].into_iter().map(list).filter(|list| list.len() == 1).flatten();
        alternatives.chain(list("allOf")).try_for_each(|part| self.visit(part))?;
        let may_be_other =
            schema.get("type").is_some_and(|types| types_of(types).any(|name| !name.eq_ignore_ascii_case("object")))
                || schema.get("nullable") == Some(&Value::Bool(true));
        if may_be_other {
            return Ok(());
        }
        let properties = schema.get("properties").and_then(Value::as_struct);
        let required = list("required").iter().filter_map(Value::as_str);
        required.filter_map(|name| properties?.get(name)).try_for_each(|property| self.visit(property))
    }
}
