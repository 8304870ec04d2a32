//! The rules of the API's own form of a schema, and the same schema as JSON Schema.
//!
//! The words it may hold are the message's fields, so that an unknown one is refused when the message is read. Not here:
//! JSON Schema ([`super::json`]).

use live_proto::{Schema, SchemaType, Struct, Value};

use super::{At, Bounds, json, listed};
use crate::violation::{Findings, Rule, Violation};

/// Checks a schema; `at` is its place.
pub(crate) fn check(schema: &Schema, at: &At<'_>, bounds: Bounds, findings: &mut Findings) {
    let mut walk = Walk { root: schema, bounds, seen: 0, is_too_large: false, findings };
    walk.visit(schema, at, 1);
    if !walk.is_too_large && !walk.findings.is_full() {
        findings.check(json::check_finite(&to_json(schema), at, bounds));
    }
}

struct Walk<'a> {
    root: &'a Schema,
    bounds: Bounds,
    seen: usize,
    /// It has more schemas, or deeper ones, than are looked at.
    is_too_large: bool,
    findings: &'a mut Findings,
}

impl Walk<'_> {
    /// Looks at a schema and all within it; what is too large is left after its first excess.
    fn visit(&mut self, schema: &Schema, at: &At<'_>, depth: usize) {
        if self.is_too_large || self.findings.is_full() {
            return;
        }
        self.seen += 1;
        if let Err(excess) = json::check_size(self.seen, depth, self.bounds, at) {
            self.is_too_large = true;
            return self.findings.add(excess);
        }
        self.check_reference(schema, at);
        self.findings.check(check_type(schema, at));
        check_names(schema, at, self.findings);
        self.findings.check(check_enum(schema, at));
        check_ranges(schema, at, self.findings);
        for (name, property) in &schema.properties {
            self.visit(property, &at.field("properties").key(name), depth + 1);
        }
        for (name, definition) in &schema.defs {
            self.visit(definition, &at.field("defs").key(name), depth + 1);
        }
        for (index, alternative) in schema.any_of.iter().enumerate() {
            self.visit(alternative, &at.field("anyOf").index(index), depth + 1);
        }
        schema.items.iter().for_each(|items| self.visit(items, &at.field("items"), depth + 1));
    }

    fn check_reference(&mut self, schema: &Schema, at: &At<'_>) {
        let name = definition(&schema.r#ref);
        if !schema.r#ref.is_empty() && name.is_none_or(|name| !self.root.defs.contains_key(name)) {
            let unknown = at.field("ref").breaks(Rule::SchemaReferenceUnknown);
            self.findings.add(unknown.found(&schema.r#ref).found("defs"));
        }
    }
}

fn check_type(schema: &Schema, at: &At<'_>) -> Result<(), Violation> {
    let is_alternative = !schema.any_of.is_empty() || !schema.r#ref.is_empty();
    match &schema.r#type {
        SchemaType::Unrecognized(_) => {
            let found = schema.r#type.name().map_or_else(|| schema.r#type.number().to_string(), str::to_owned);
            let known = json::TYPES.join(", ").to_uppercase();
            return Err(at.field("type").breaks(Rule::SchemaTypeUnknown).found(found).found(known));
        }
        SchemaType::Unspecified if !is_alternative => {
            return Err(at.field("type").breaks(Rule::SchemaTypeMissing));
        }
        SchemaType::Array if schema.items.is_none() && !is_alternative => {
            return Err(at.field("items").breaks(Rule::SchemaItemsMissing));
        }
        SchemaType::Unspecified
        | SchemaType::String
        | SchemaType::Number
        | SchemaType::Integer
        | SchemaType::Boolean
        | SchemaType::Array
        | SchemaType::Object
        | SchemaType::Null => {}
    }
    // SDKs write OBJECT beside anyOf, whatever the alternatives are.
    if schema.r#type != SchemaType::Unspecified && !is_alternative {
        let misplaced = [
            ("items", SchemaType::Array, schema.items.is_some()),
            ("properties", SchemaType::Object, !schema.properties.is_empty()),
            ("required", SchemaType::Object, !schema.required.is_empty()),
        ];
        for (field, owner, is_set) in misplaced {
            if is_set && schema.r#type != owner {
                let (found, owner) = (schema.r#type.name().unwrap_or_default(), owner.name().unwrap_or_default());
                let misplaced = at.field(field).breaks(Rule::SchemaFieldMisplaced);
                return Err(misplaced.found(owner).found(field).found(found));
            }
        }
    }
    Ok(())
}

/// What `required` and `propertyOrdering` name is there.
fn check_names(schema: &Schema, at: &At<'_>, findings: &mut Findings) {
    for (field, names) in [("required", &schema.required), ("propertyOrdering", &schema.property_ordering)] {
        for (index, name) in names.iter().enumerate() {
            if !schema.properties.contains_key(name) && !findings.is_full() {
                let known = listed(schema.properties.keys().map(String::as_str));
                let at = at.field(field);
                findings.add(at.index(index).breaks(Rule::SchemaPropertyUnknown).found(name).found(known));
            }
        }
    }
}

/// The values of an enum are strings, or numbers written as strings: so Vertex shows it.
fn check_enum(schema: &Schema, at: &At<'_>) -> Result<(), Violation> {
    if schema.r#enum.is_empty() {
        return Ok(());
    }
    let (can_be, kind): (fn(&str) -> bool, _) = match schema.r#type {
        SchemaType::String | SchemaType::Unspecified => return Ok(()),
        SchemaType::Integer => (|text| text.parse::<i64>().is_ok(), "INTEGER"),
        SchemaType::Number => (|text| text.parse::<f64>().is_ok(), "NUMBER"),
        SchemaType::Boolean
        | SchemaType::Array
        | SchemaType::Object
        | SchemaType::Null
        | SchemaType::Unrecognized(_) => {
            let found = schema.r#type.name().unwrap_or_default();
            return Err(at.field("enum").breaks(Rule::SchemaEnumType).found(found));
        }
    };
    match schema.r#enum.iter().position(|text| !can_be(text)) {
        None => Ok(()),
        Some(wrong) => Err(at.field("enum").index(wrong).breaks(Rule::SchemaEnumValue).found(kind)),
    }
}

fn check_ranges(schema: &Schema, at: &At<'_>, findings: &mut Findings) {
    #[expect(clippy::cast_precision_loss, reason = "a bound this large is beyond all values")]
    let count = |count: i64| (count != 0).then_some(count as f64);
    let ranges = [
        (("minLength", count(schema.min_length)), ("maxLength", count(schema.max_length)), true),
        (("minItems", count(schema.min_items)), ("maxItems", count(schema.max_items)), true),
        (("minProperties", count(schema.min_properties)), ("maxProperties", count(schema.max_properties)), true),
        (("minimum", schema.minimum), ("maximum", schema.maximum), false),
    ];
    for (min, max, is_count) in ranges {
        findings.check(json::check_range(min, max, is_count, at));
    }
}

/// The name in `#/defs/NAME`.
fn definition(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/defs/").or_else(|| reference.strip_prefix("#/$defs/"))
}

/// The same schema in the words of JSON Schema, of which values are judged by: types, names, enums and alternatives.
pub(crate) fn to_json(schema: &Schema) -> Value {
    let mut out = Struct::new();
    let mut set = |name: &str, value: Value| {
        out.0.insert(name.into(), value);
    };
    let null = || -> Value { [("type", "null")].into_iter().collect::<Struct>().into() };
    if !schema.any_of.is_empty() {
        let mut alternatives: Vec<Value> = schema.any_of.iter().map(to_json).collect();
        alternatives.extend(schema.nullable.then(null));
        set("anyOf", Value::List(alternatives));
    } else if let Some(name) = schema.r#type.name().filter(|_| schema.r#type != SchemaType::Unspecified) {
        let mut types = vec![Value::from(name.to_lowercase())];
        types.extend(schema.nullable.then(|| Value::from("null")));
        set("type", Value::List(types));
    }
    if let Some(name) = definition(&schema.r#ref) {
        let reference =
            Value::from(format!("#/$defs/{}", name.replace('%', "%25").replace('~', "~0").replace('/', "~1")));
        if schema.nullable {
            let target: Struct = [("$ref", reference)].into_iter().collect();
            set("anyOf", Value::List(vec![target.into(), null()]));
        } else {
            set("$ref", reference);
        }
    }
    if !schema.r#enum.is_empty() {
        let is_number = matches!(schema.r#type, SchemaType::Integer | SchemaType::Number);
        let value = |text: &String| match text.parse::<f64>() {
            Ok(number) if is_number => Value::Number(number),
            Ok(_) | Err(_) => Value::from(text.as_str()),
        };
        let mut values: Vec<Value> = schema.r#enum.iter().map(value).collect();
        values.extend(schema.nullable.then_some(Value::Null));
        set("enum", Value::List(values));
    }
    if let Some(items) = &schema.items {
        set("items", to_json(items));
    }
    if let Some(additional) = &schema.additional_properties {
        set("additionalProperties", additional.clone());
    }
    if !schema.required.is_empty() {
        set("required", schema.required.clone().into());
    }
    for (field, schemas) in [("properties", &schema.properties), ("$defs", &schema.defs)] {
        if !schemas.is_empty() {
            let schemas: Struct = schemas.iter().map(|(name, schema)| (name.as_str(), to_json(schema))).collect();
            set(field, schemas.into());
        }
    }
    out.into()
}
