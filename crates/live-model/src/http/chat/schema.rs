//! The schemas of the Live API as JSON Schema, which services take.

use live_proto::{FunctionDeclaration, Schema};
use serde_json::{Map, Value, json};

/// The parameters of a function.
pub(super) fn parameters(function: &FunctionDeclaration) -> Value {
    if let Some(schema) = &function.parameters_json_schema {
        return schema.clone().into();
    }
    match &function.parameters {
        Some(schema) => json_schema(schema),
        None => json!({ "type": "object", "properties": {} }),
    }
}

fn json_schema(schema: &Schema) -> Value {
    let Schema {
        r#type,
        format,
        description,
        nullable,
        r#enum,
        items,
        properties,
        required,
        min_properties,
        max_properties,
        minimum,
        maximum,
        min_length,
        max_length,
        pattern,
        example,
        any_of,
        max_items,
        min_items,
        // JSON objects have no order.
        property_ordering: _,
        title,
        default,
        additional_properties,
        defs,
        r#ref,
    } = schema;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| _ = out.insert(key.to_owned(), value);
    if let Some(name) = r#type.name().filter(|name| *name != "TYPE_UNSPECIFIED") {
        let name = name.to_lowercase();
        put("type", if *nullable { json!([name, "null"]) } else { name.into() });
    }
    for (key, text) in
        [("format", format), ("description", description), ("pattern", pattern), ("title", title), ("$ref", r#ref)]
    {
        // `enum` is a format of the Live API; JSON Schema has none of that name.
        let says_nothing = text.is_empty() || key == "format" && text == "enum";
        if !says_nothing {
            put(key, text.as_str().into());
        }
    }
    for (key, number) in [
        ("minProperties", min_properties),
        ("maxProperties", max_properties),
        ("minLength", min_length),
        ("maxLength", max_length),
        ("minItems", min_items),
        ("maxItems", max_items),
    ] {
        if *number != 0 {
            put(key, (*number).into());
        }
    }
    for (key, number) in [("minimum", minimum), ("maximum", maximum)] {
        if let Some(number) = number {
            put(key, live_proto::Value::Number(*number).into());
        }
    }
    for (key, value) in [("default", default), ("additionalProperties", additional_properties)] {
        if let Some(value) = value {
            put(key, value.clone().into());
        }
    }
    if let Some(example) = example {
        put("examples", json!([Value::from(example.clone())]));
    }
    if !r#enum.is_empty() {
        put("enum", json!(r#enum));
    }
    if !required.is_empty() {
        put("required", json!(required));
    }
    if let Some(items) = items {
        put("items", json_schema(items));
    }
    if !any_of.is_empty() {
        put("anyOf", any_of.iter().map(json_schema).collect());
    }
    for (key, schemas) in [("properties", properties), ("$defs", defs)] {
        if !schemas.is_empty() {
            let schemas: Map<String, Value> =
                schemas.iter().map(|(name, schema)| (name.clone(), json_schema(schema))).collect();
            put(key, schemas.into());
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use live_proto::json::{self, DecodeOptions};

    use super::*;

    #[test]
    fn a_schema_of_the_live_api_is_a_json_schema() {
        let declaration = r#"{"name": "f", "parameters": {"type": "OBJECT", "required": ["city"], "properties": {
            "city": {"type": "STRING", "description": "where", "minLength": 1, "nullable": true},
            "unit": {"type": "STRING", "format": "enum", "enum": ["C", "F"]},
            "days": {"type": "ARRAY", "maxItems": 7, "items": {"type": "INTEGER", "minimum": 1, "maximum": 7.5}},
            "any": {"anyOf": [{"type": "NUMBER"}, {"type": "BOOLEAN"}]}}}}"#;
        let declaration = json::decode::<FunctionDeclaration>(declaration.as_bytes(), &DecodeOptions::strict());
        let schema = parameters(&declaration.expect("a valid declaration").message);
        expect![[r#"{"properties":{"any":{"anyOf":[{"type":"number"},{"type":"boolean"}]},"city":{"description":"where","minLength":1,"type":["string","null"]},"days":{"items":{"maximum":7.5,"minimum":1,"type":"integer"},"maxItems":7,"type":"array"},"unit":{"enum":["C","F"],"type":"string"}},"required":["city"],"type":"object"}"#]]
        .assert_eq(&schema.to_string());
    }

    #[test]
    fn a_json_schema_is_passed_on_and_nothing_is_an_empty_object() {
        let own = r#"{"name": "f", "parametersJsonSchema": {"type": "object", "$comment": "mine"}}"#;
        let own = json::decode::<FunctionDeclaration>(own.as_bytes(), &DecodeOptions::strict()).expect("valid").message;
        assert_eq!(parameters(&own).to_string(), r#"{"$comment":"mine","type":"object"}"#);
        assert_eq!(parameters(&FunctionDeclaration::default()).to_string(), r#"{"properties":{},"type":"object"}"#);
    }
}
