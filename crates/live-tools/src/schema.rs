//! What a type says of itself, in the words that the Live API takes: a typed `Schema`, or JSON schema where that cannot say it.
//!
//! The typed form comes first because every service and every version takes it, while the Live API was seen to refuse
//! `parametersJsonSchema` (docs/decisions/0031).

use live_proto::{Schema, SchemaType, Value};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, ReplaceConstValue};
use serde_json::Value as Json;

/// The parameters of a function.
#[derive(Debug, PartialEq)]
pub(crate) enum Parameters {
    /// It takes none.
    Nothing,
    Typed(Box<Schema>),
    Json(Value),
}

/// The parameters of a function whose arguments are an `A`. Otherwise what an `A` is.
pub(crate) fn parameters<A: JsonSchema>() -> Result<Parameters, String> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let settings = settings.with_transform(ReplaceConstValue::default()).with_transform(RecursiveTransform(only_known));
    let schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    let kind = schema.get("type").and_then(Json::as_str);
    match kind {
        Some("object") if is_bare(&schema) => Ok(Parameters::Nothing),
        Some("object") => Ok(match typed(&schema) {
            Some(schema) => Parameters::Typed(schema.into()),
            None => Parameters::Json(schema.into()),
        }),
        Some("null") => Ok(Parameters::Nothing),
        Some("array") => Err("a list".into()),
        Some(kind) => Err(format!("a {kind}")),
        None => Err("of several kinds".into()),
    }
}

/// An object without fields, which services refuse to be told of.
fn is_bare(schema: &Json) -> bool {
    let has = |key: &str| schema.get(key).is_some_and(|it| it.as_object().is_some_and(|it| !it.is_empty()));
    !has("properties") && !has("additionalProperties") && schema.get("$ref").is_none()
}

/// Leaves the keywords that Google documents for JSON schema. Serde checks what the others would have said of a type.
fn only_known(schema: &mut schemars::Schema) {
    if let Some(object) = schema.as_object_mut() {
        object.retain(|key, _| KEYWORDS.contains(&key.as_str()));
        if object.get("format").is_some_and(|format| !FORMATS.iter().any(|known| format == known)) {
            object.remove("format");
        }
    }
}

/// The same in the typed form, unless it has no words for it.
fn typed(schema: &Json) -> Option<Schema> {
    let mut out = Schema::default();
    for (key, value) in schema.as_object()? {
        match key.as_str() {
            "type" => set_type(value, &mut out)?,
            "format" => out.format = value.as_str()?.into(),
            // A union may have said something of its own.
            "description" if out.description.is_empty() => out.description = value.as_str()?.into(),
            "description" => out.description = format!("{}\n{}", value.as_str()?, out.description),
            "enum" => out.r#enum = strings(value)?,
            "required" => out.required = strings(value)?,
            "items" => out.items = Some(typed(value)?.into()),
            "properties" => {
                let properties = value.as_object()?.iter();
                out.properties =
                    properties.map(|(name, it)| Some((name.clone(), typed(it)?))).collect::<Option<_>>()?;
            }
            "minItems" => out.min_items = value.as_i64()?,
            "maxItems" => out.max_items = value.as_i64()?,
            "minimum" => out.minimum = Some(value.as_f64()?),
            "maximum" => out.maximum = Some(value.as_f64()?),
            "anyOf" | "oneOf" => set_union(value.as_array()?, &mut out)?,
            // Serde refuses what is not declared, and names it.
            "additionalProperties" if *value == Json::Bool(false) => {}
            _ => return None,
        }
    }
    // Nothing may be left open, and an object has fields.
    let is_said = out.r#type != SchemaType::Unspecified || !out.any_of.is_empty();
    let is_bare = out.r#type == SchemaType::Object && out.properties.is_empty();
    let is_endless = out.r#type == SchemaType::Array && out.items.is_none();
    let is_unnamed = !out.r#enum.is_empty() && out.r#type != SchemaType::String;
    (is_said && !is_bare && !is_endless && !is_unnamed).then_some(out)
}

/// A type, or two of which one is null.
fn set_type(value: &Json, out: &mut Schema) -> Option<()> {
    let names = match value.as_array() {
        Some(names) => names.iter().map(Json::as_str).collect::<Option<Vec<_>>>()?,
        None => vec![value.as_str()?],
    };
    let (null, named): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| *name == "null");
    let [name] = named[..] else { return None };
    out.nullable |= !null.is_empty();
    out.r#type = match name {
        "string" => SchemaType::String,
        "number" => SchemaType::Number,
        "integer" => SchemaType::Integer,
        "boolean" => SchemaType::Boolean,
        "array" => SchemaType::Array,
        "object" => SchemaType::Object,
        _ => return None,
    };
    Some(())
}

/// One of several: words that stand for themselves, one thing or nothing, or things of several kinds.
fn set_union(members: &[Json], out: &mut Schema) -> Option<()> {
    let is_null = |member: &&Json| member.get("type").is_some_and(|kind| kind == "null");
    let (null, members): (Vec<&Json>, Vec<&Json>) = members.iter().partition(is_null);
    out.nullable |= !null.is_empty();
    let members = members.into_iter().map(typed).collect::<Option<Vec<Schema>>>()?;
    if members.len() > 1 && members.iter().all(|member| !member.r#enum.is_empty()) {
        out.r#type = SchemaType::String;
        for member in members {
            let told = Some(&member.description).filter(|description| !description.is_empty());
            if let (Some(description), [word]) = (told, &member.r#enum[..]) {
                let separator = if out.description.is_empty() { "" } else { "\n" };
                out.description += &format!("{separator}{word}: {description}");
            }
            out.r#enum.extend(member.r#enum);
        }
        return Some(());
    }
    match <[Schema; 1]>::try_from(members) {
        Ok([only]) => {
            let (nullable, description) = (out.nullable, std::mem::take(&mut out.description));
            *out = only;
            out.nullable |= nullable;
            if !description.is_empty() {
                out.description = description;
            }
        }
        Err(members) => out.any_of = members,
    }
    Some(())
}

fn strings(value: &Json) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|it| it.as_str().map(Into::into)).collect()
}

/// What Google documents of JSON schema, but `title` and the names of schemas, which only cost tokens.
const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "prefixItems",
    "properties",
    "required",
    "type",
];

const FORMATS: &[&str] = &["date", "date-time", "double", "float", "int32", "int64", "time"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::{Expect, expect};
    use live_proto::{FunctionDeclaration, Setup, Tool};
    use serde::Deserialize;

    use super::*;

    /// What goes over the wire.
    #[track_caller]
    fn check<A: JsonSchema>(expected: Expect) {
        let mut declaration = FunctionDeclaration::default();
        match parameters::<A>() {
            Err(found) => return expected.assert_eq(&found),
            Ok(Parameters::Nothing) => {}
            Ok(Parameters::Typed(schema)) => declaration.parameters = Some(schema),
            Ok(Parameters::Json(schema)) => declaration.parameters_json_schema = Some(schema),
        }
        let mut setup = Setup::new("m");
        setup.tools = vec![Tool { function_declarations: vec![declaration], ..Tool::default() }];
        let mut bytes = bytes::BytesMut::new();
        live_proto::json::encode(&live_proto::ClientMessage::setup(setup), &mut bytes);
        let message: Json = serde_json::from_slice(&bytes).unwrap();
        let declaration = message["setup"]["tools"][0]["functionDeclarations"][0].clone();
        expected.assert_eq(&serde_json::to_string_pretty(&declaration).unwrap());
    }

    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    #[schemars(title = "Not this one")]
    struct Plain {
        /// The city.
        city: String,
        /// How many days ahead.
        #[schemars(range(min = 1, max = 7))]
        days: u8,
        exact: Option<f32>,
        at: Option<Vec<i64>>,
        #[serde(default)]
        loud: bool,
    }

    #[test]
    fn plain_fields_are_typed() {
        check::<Plain>(expect![[r#"
            {
              "parameters": {
                "properties": {
                  "at": {
                    "items": {
                      "format": "int64",
                      "type": "INTEGER"
                    },
                    "nullable": true,
                    "type": "ARRAY"
                  },
                  "city": {
                    "description": "The city.",
                    "type": "STRING"
                  },
                  "days": {
                    "description": "How many days ahead.",
                    "maximum": 7,
                    "minimum": 1,
                    "type": "INTEGER"
                  },
                  "exact": {
                    "format": "float",
                    "nullable": true,
                    "type": "NUMBER"
                  },
                  "loud": {
                    "type": "BOOLEAN"
                  }
                },
                "required": [
                  "city",
                  "days"
                ],
                "type": "OBJECT"
              }
            }"#]]);
    }

    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Nested {
        unit: Unit,
        /// Whether, and how loud.
        sound_level: Option<Level>,
        shape: Shape,
        inner: Option<Inner>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Celsius,
        Fahrenheit,
    }

    #[derive(Deserialize, JsonSchema)]
    enum Level {
        /// As a whisper.
        Low,
        /// As a shout.
        High,
        Usual,
    }

    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }

    /// What is inside.
    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    struct Inner {
        title: String,
        when: Option<String>,
    }

    #[test]
    fn nested_types_are_inlined_and_kinds_are_named() {
        check::<Nested>(expect![[r#"
            {
              "parameters": {
                "properties": {
                  "inner": {
                    "description": "What is inside.",
                    "nullable": true,
                    "properties": {
                      "title": {
                        "type": "STRING"
                      },
                      "when": {
                        "nullable": true,
                        "type": "STRING"
                      }
                    },
                    "required": [
                      "title"
                    ],
                    "type": "OBJECT"
                  },
                  "shape": {
                    "anyOf": [
                      {
                        "properties": {
                          "kind": {
                            "enum": [
                              "Circle"
                            ],
                            "type": "STRING"
                          },
                          "radius": {
                            "format": "double",
                            "type": "NUMBER"
                          }
                        },
                        "required": [
                          "kind",
                          "radius"
                        ],
                        "type": "OBJECT"
                      },
                      {
                        "properties": {
                          "kind": {
                            "enum": [
                              "Square"
                            ],
                            "type": "STRING"
                          },
                          "side": {
                            "format": "double",
                            "type": "NUMBER"
                          }
                        },
                        "required": [
                          "kind",
                          "side"
                        ],
                        "type": "OBJECT"
                      }
                    ]
                  },
                  "soundLevel": {
                    "description": "Whether, and how loud.\nLow: As a whisper.\nHigh: As a shout.",
                    "enum": [
                      "Usual",
                      "Low",
                      "High"
                    ],
                    "nullable": true,
                    "type": "STRING"
                  },
                  "unit": {
                    "enum": [
                      "celsius",
                      "fahrenheit"
                    ],
                    "type": "STRING"
                  }
                },
                "required": [
                  "unit",
                  "shape"
                ],
                "type": "OBJECT"
              }
            }"#]]);
    }

    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    struct Loose {
        /// By name.
        prices: BTreeMap<String, f64>,
        pair: (u8, String),
        anything: serde_json::Value,
        nothing: (),
    }

    #[expect(dead_code, reason = "only what it says of itself is looked at")]
    #[derive(Deserialize, JsonSchema)]
    struct Tree {
        /// A node.
        title: String,
        children: Vec<Tree>,
    }

    #[test]
    fn what_the_typed_form_cannot_say_is_said_in_json_schema() {
        check::<Loose>(expect![[r#"
            {
              "parametersJsonSchema": {
                "properties": {
                  "anything": true,
                  "nothing": {
                    "type": "null"
                  },
                  "pair": {
                    "maxItems": 2,
                    "minItems": 2,
                    "prefixItems": [
                      {
                        "maximum": 255,
                        "minimum": 0,
                        "type": "integer"
                      },
                      {
                        "type": "string"
                      }
                    ],
                    "type": "array"
                  },
                  "prices": {
                    "additionalProperties": {
                      "format": "double",
                      "type": "number"
                    },
                    "description": "By name.",
                    "type": "object"
                  }
                },
                "required": [
                  "prices",
                  "pair",
                  "anything",
                  "nothing"
                ],
                "type": "object"
              }
            }"#]]);
        check::<Tree>(expect![[r##"
            {
              "parametersJsonSchema": {
                "properties": {
                  "children": {
                    "items": {
                      "$ref": "#"
                    },
                    "type": "array"
                  },
                  "title": {
                    "description": "A node.",
                    "type": "string"
                  }
                },
                "required": [
                  "title",
                  "children"
                ],
                "type": "object"
              }
            }"##]]);
    }

    #[derive(Deserialize, JsonSchema)]
    struct Bare {}

    #[test]
    fn a_function_without_arguments_declares_none() {
        check::<()>(expect!["{}"]);
        check::<Bare>(expect!["{}"]);
    }

    #[test]
    fn arguments_have_names() {
        check::<String>(expect!["a string"]);
        check::<Vec<String>>(expect!["a list"]);
        check::<Shape>(expect!["of several kinds"]);
        check::<Option<Inner>>(expect!["of several kinds"]);
    }
}
