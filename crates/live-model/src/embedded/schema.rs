//! Declarations, arguments and answers between the message model and JSON values; what fills them lives in `args`.

use live_proto::{FunctionDeclaration, Schema, SchemaType, Struct, Value as ProtoValue};
use serde_json::{Map, Value};

use super::hint::json_number;

/// The JSON schema of a function's arguments: `parametersJsonSchema` as it is, or `parameters` spelled as one.
pub(super) fn parameters(declaration: &FunctionDeclaration) -> Value {
    match (&declaration.parameters_json_schema, &declaration.parameters) {
        (Some(schema), _) => from_proto(schema),
        (None, Some(schema)) => from_schema(schema),
        (None, None) => Value::Object(Map::new()),
    }
}

fn from_schema(schema: &Schema) -> Value {
    // What describes a value without bounding it, and `pattern`, which is not understood, has no part in a filling.
    let Schema {
        r#type,
        format,
        description: _,
        nullable: _,
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
        pattern: _,
        example,
        any_of,
        max_items,
        min_items,
        property_ordering,
        title: _,
        default,
        additional_properties: _,
        defs,
        r#ref,
    } = schema;
    let mut keywords = Map::new();
    let mut put = |keyword: &str, value: Option<Value>| {
        if let Some(value) = value {
            keywords.insert(keyword.to_owned(), value);
        }
    };
    let text = |text: &String| (!text.is_empty()).then(|| Value::from(text.as_str()));
    let texts = |texts: &Vec<String>| (!texts.is_empty()).then(|| texts.iter().map(String::as_str).collect());
    let size = |size: &i64| (*size > 0).then(|| Value::from(*size));
    let schemas = |schemas: &std::collections::BTreeMap<String, Schema>| {
        let entries = schemas.iter().map(|(name, schema)| (name.clone(), from_schema(schema)));
        (!schemas.is_empty()).then(|| Value::Object(entries.collect()))
    };
    put("type", r#type.name().filter(|_| *r#type != SchemaType::Unspecified).map(Value::from));
    put("format", text(format));
    put("enum", texts(r#enum));
    put("items", items.as_deref().map(from_schema));
    put("properties", schemas(properties));
    put("required", texts(required));
    put("minProperties", size(min_properties));
    put("maxProperties", size(max_properties));
    put("minimum", minimum.map(Value::from));
    put("maximum", maximum.map(Value::from));
    put("minLength", size(min_length));
    put("maxLength", size(max_length));
    put("example", example.as_ref().map(from_proto));
    put("anyOf", (!any_of.is_empty()).then(|| any_of.iter().map(from_schema).collect()));
    put("maxItems", size(max_items));
    put("minItems", size(min_items));
    put("propertyOrdering", texts(property_ordering));
    put("default", default.as_ref().map(from_proto));
    put("defs", schemas(defs));
    put("$ref", text(r#ref));
    Value::Object(keywords)
}

/// A protobuf value as JSON; whole numbers become integers.
pub(super) fn from_proto(value: &ProtoValue) -> Value {
    match value {
        ProtoValue::Null => Value::Null,
        ProtoValue::Bool(bool) => Value::Bool(*bool),
        ProtoValue::Number(number) => json_number(*number),
        ProtoValue::String(text) => Value::String(text.clone()),
        ProtoValue::List(items) => items.iter().map(from_proto).collect(),
        ProtoValue::Struct(fields) => Value::Object(fields_from_proto(fields)),
    }
}

/// The fields of a protobuf struct as JSON.
pub(super) fn fields_from_proto(fields: &Struct) -> Map<String, Value> {
    fields.0.iter().map(|(key, value)| (key.clone(), from_proto(value))).collect()
}

/// JSON fields as a protobuf struct; a number is a double there.
pub(super) fn fields_to_proto(fields: Map<String, Value>) -> Struct {
    Struct(fields.into_iter().map(|(key, value)| (key, to_proto(value))).collect())
}

fn to_proto(value: Value) -> ProtoValue {
    match value {
        Value::Null => ProtoValue::Null,
        Value::Bool(bool) => ProtoValue::Bool(bool),
        Value::Number(number) => number.as_f64().map_or(ProtoValue::Null, ProtoValue::Number),
        Value::String(text) => ProtoValue::String(text),
        Value::Array(items) => ProtoValue::List(items.into_iter().map(to_proto).collect()),
        Value::Object(fields) => ProtoValue::Struct(fields_to_proto(fields)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_protobuf_schema_reads_as_a_json_schema() {
        let day = Schema { r#type: SchemaType::Integer, minimum: Some(1.0), maximum: Some(7.0), ..Schema::default() };
        let unit = Schema { r#enum: vec!["C".to_owned(), "F".to_owned()], ..Schema::default() };
        let schema = Schema {
            r#type: SchemaType::Object,
            properties: BTreeMap::from([("day".to_owned(), day), ("unit".to_owned(), unit)]),
            required: vec!["day".to_owned()],
            ..Schema::default()
        };
        let declaration = FunctionDeclaration { parameters: Some(Box::new(schema)), ..FunctionDeclaration::default() };
        expect![[r#"{"properties":{"day":{"maximum":7.0,"minimum":1.0,"type":"INTEGER"},"unit":{"enum":["C","F"]}},"required":["day"],"type":"OBJECT"}"#]]
        .assert_eq(&parameters(&declaration).to_string());
    }

    #[test]
    fn values_survive_the_way_there_and_back() {
        let fields = json!({"a": [1, 2.5, null, true], "b": {"c": "d"}});
        let Value::Object(fields) = fields else { panic!("written as an object") };
        assert_eq!(fields_from_proto(&fields_to_proto(fields.clone())), fields);
    }
}
