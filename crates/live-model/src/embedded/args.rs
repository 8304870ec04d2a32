//! Arguments of a function made from its JSON schema and from what stands in the prompt; the schema itself is made in `schema`.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::hint::{Hints, json_number};

/// Bytes of names and values that one call may hold; a schema may refer to itself, so its size bounds nothing.
const ARGS_BYTES_MAX: usize = 64 * 1024;
/// Objects and arrays inside each other, references followed included.
const DEPTH_MAX: usize = 12;
/// Items made for an array, whatever `minItems` asks.
const ITEMS_MAX: usize = 32;
/// Characters made for a string, whatever `minLength` asks.
const STRING_CHARS_MAX: usize = 1024;

/// Arguments that satisfy `schema` as far as this model understands it: docs/embedded-model.md lists the keywords.
pub(super) fn fill(schema: &Value, hints: &mut Hints<'_>) -> Map<String, Value> {
    let mut filler = Filler { root: schema, hints, bytes_left: ARGS_BYTES_MAX };
    let shape = Shape::of(schema, schema);
    filler.object(&shape, 0)
}

struct Filler<'s, 'h, 'p> {
    root: &'s Value,
    hints: &'h mut Hints<'p>,
    bytes_left: usize,
}

impl<'s> Filler<'s, '_, '_> {
    fn value(&mut self, name: &str, schema: &'s Value, depth: usize) -> Value {
        if depth > DEPTH_MAX || !self.spend(1) {
            return Value::Null;
        }
        let shape = Shape::of(schema, self.root);
        if let Some(constant) = shape.get("const") {
            return self.copy(constant).unwrap_or(Value::Null);
        }
        if let Some(choice) = self.choice(name, &shape) {
            return self.copy(choice).unwrap_or(Value::Null);
        }
        match shape.kind() {
            Kind::String => self.string(name, &shape),
            Kind::Number => self.number(name, &shape, false),
            Kind::Integer => self.number(name, &shape, true),
            Kind::Boolean => self.boolean(name, &shape),
            Kind::Array => self.array(name, &shape, depth),
            Kind::Object => match shape.samples().find(|sample| sample.is_object()) {
                Some(sample) => self.copy(sample).unwrap_or(Value::Null),
                None => Value::Object(self.object(&shape, depth)),
            },
            Kind::Null => Value::Null,
        }
    }

    /// The member of an `enum`: the one that the prompt names, else the first.
    fn choice(&mut self, name: &str, shape: &Shape<'s>) -> Option<&'s Value> {
        let choices = shape.get("enum")?.as_array()?;
        let named = self.hints.take_named(name);
        let is_named = |choice: &&Value| {
            choice.as_str().is_some_and(|choice| named.is_some_and(|named| named.eq_ignore_ascii_case(choice)))
        };
        let stands = |choice: &&Value| choice.as_str().is_some_and(|choice| self.hints.has_word(choice));
        choices.iter().find(is_named).or_else(|| choices.iter().find(stands)).or(choices.first())
    }

    fn string(&mut self, name: &str, shape: &Shape<'s>) -> Value {
        let min_chars = shape.size("minLength").unwrap_or(0).min(STRING_CHARS_MAX);
        let max_chars = shape.size("maxLength").unwrap_or(usize::MAX);
        let fits = |text: &str| (min_chars..=max_chars).contains(&text.chars().count());
        let told = match self.hints.take_named(name) {
            Some(told) if fits(told) => Some(told),
            Some(_) | None => self.hints.take_string(fits),
        };
        let text = told
            .or_else(|| shape.samples().filter_map(Value::as_str).find(|sample| fits(sample)))
            .or_else(|| shape.get("format").and_then(Value::as_str).and_then(format_sample).filter(|text| fits(text)))
            .map_or_else(
                || {
                    let chars = name.chars().count().clamp(min_chars, max_chars.max(min_chars));
                    let name = if name.is_empty() { "text" } else { name };
                    name.chars().cycle().take(chars).collect()
                },
                str::to_owned,
            );
        if self.spend(text.len()) { Value::String(text) } else { Value::Null }
    }

    fn number(&mut self, name: &str, shape: &Shape<'s>, is_integer: bool) -> Value {
        let range = Range::of(shape, is_integer);
        let told =
            self.hints.take_named(name).and_then(|told| told.parse::<f64>().ok()).filter(|told| range.has(*told));
        let number = told
            .or_else(|| self.hints.take_number(|number| range.has(number)))
            .or_else(|| shape.samples().filter_map(Value::as_f64).find(|sample| range.has(*sample)))
            .or_else(|| range.candidates().into_iter().find(|candidate| range.has(*candidate)))
            .unwrap_or(1.0);
        json_number(number)
    }

    fn boolean(&mut self, name: &str, shape: &Shape<'s>) -> Value {
        let told = self.hints.take_named(name).and_then(|told| match told.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        });
        Value::Bool(told.or_else(|| shape.samples().find_map(Value::as_bool)).unwrap_or(true))
    }

    fn array(&mut self, name: &str, shape: &Shape<'s>, depth: usize) -> Value {
        let first = shape.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let items = shape.get("items");
        let told = match items.map(|items| Shape::of(items, self.root)) {
            Some(item) if item.get("enum").is_some() => 0,
            Some(item) => match item.kind() {
                Kind::String => self.hints.strings_left(),
                Kind::Number | Kind::Integer => self.hints.numbers_left(),
                Kind::Boolean | Kind::Array | Kind::Object | Kind::Null => 0,
            },
            None => 0,
        };
        if told == 0
            && let Some(sample) = shape.samples().find(|sample| sample.is_array())
        {
            return self.copy(sample).unwrap_or(Value::Null);
        }
        let min = shape.size("minItems").unwrap_or(0);
        let max = shape.size("maxItems").unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
        let count = told.max(1).max(first.len()).max(min).min(max);
        let mut made = Vec::new();
        for index in 0..count {
            let Some(schema) = first.get(index).or(items) else { break };
            made.push(self.value(name, schema, depth + 1));
        }
        Value::Array(made)
    }

    fn object(&mut self, shape: &Shape<'s>, depth: usize) -> Map<String, Value> {
        let properties = shape.properties();
        let required = shape.required();
        let min = shape.size("minProperties").unwrap_or(0);
        let max = shape.size("maxProperties").unwrap_or(usize::MAX);
        // A value that the prompt gives to one property is for no other.
        for (name, _) in &properties {
            self.hints.take_named(name);
        }
        let mut made = Map::new();
        let (wanted, spare): (Vec<_>, Vec<_>) = properties
            .into_iter()
            .partition(|(name, _)| required.is_empty() || required.contains(name) || self.hints.has_named(name));
        let missing = min.saturating_sub(wanted.len());
        for (name, schema) in wanted.into_iter().chain(spare.into_iter().take(missing)) {
            if made.len() >= max.max(required.len()) || !self.spend(name.len()) {
                break;
            }
            let value = self.value(name, schema, depth + 1);
            made.insert(name.to_owned(), value);
        }
        made
    }

    /// A value of the schema's own, if the call has room for it.
    fn copy(&mut self, value: &Value) -> Option<Value> {
        let bytes = value.to_string().len();
        self.spend(bytes).then(|| value.clone())
    }

    fn spend(&mut self, bytes: usize) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(self.bytes_left);
        left.is_some()
    }
}

/// What a schema says about one value: its own keywords, then those of what it refers to, in order of precedence.
struct Shape<'s> {
    layers: Vec<&'s Map<String, Value>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    Number,
    Integer,
    Boolean,
    Array,
    Object,
    Null,
}

impl<'s> Shape<'s> {
    fn of(schema: &'s Value, root: &'s Value) -> Self {
        let mut layers = Vec::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop()
            && layers.len() < DEPTH_MAX
        {
            let Some(layer) = schema.as_object() else { continue };
            layers.push(layer);
            let alternatives = |key| layer.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let first = |key| alternatives(key).iter().find(|schema| kind_of(schema) != Some(Kind::Null));
            // Pushed last is read first.
            open.extend(first("oneOf"));
            open.extend(first("anyOf"));
            open.extend(alternatives("allOf").iter().rev());
            open.extend(layer.get("$ref").and_then(Value::as_str).and_then(|path| referred(path, root)));
        }
        Self { layers }
    }

    fn get(&self, keyword: &str) -> Option<&'s Value> {
        self.layers.iter().find_map(|layer| layer.get(keyword))
    }

    fn size(&self, keyword: &str) -> Option<usize> {
        // Numbers of a protobuf schema arrive as doubles.
        let number = self.get(keyword)?.as_f64().filter(|number| *number >= 0.0)?;
        let size = number as usize;
        Some(size)
    }

    /// `default`, then `example`, then `examples`.
    fn samples(&self) -> impl Iterator<Item = &'s Value> {
        let examples = self.get("examples").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        self.get("default").into_iter().chain(self.get("example")).chain(examples)
    }

    fn kind(&self) -> Kind {
        self.layers
            .iter()
            .find_map(|layer| layer.get("type").and_then(type_kind))
            .or_else(|| self.layers.iter().find_map(|layer| implied_kind(layer)))
            .unwrap_or(Kind::String)
    }

    fn required(&self) -> Vec<&'s str> {
        let lists = self.layers.iter().filter_map(|layer| layer.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    }

    /// The properties in the order in which they are made: `propertyOrdering`, then `required`, then by name.
    fn properties(&self) -> Vec<(&'s str, &'s Value)> {
        let maps = self.layers.iter().filter_map(|layer| layer.get("properties")?.as_object());
        let mut properties: Vec<(&str, &Value)> = Vec::new();
        for (name, schema) in maps.flatten() {
            properties.push((name, schema));
        }
        // Stable, and the first layer wins over those that it refers to.
        properties.sort_by_key(|(name, _)| *name);
        properties.dedup_by_key(|(name, _)| *name);
        let ordering = self.get("propertyOrdering").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let order: Vec<&str> = ordering.iter().filter_map(Value::as_str).chain(self.required()).collect();
        properties.sort_by_cached_key(|(name, _)| order.iter().position(|other| other == name).unwrap_or(usize::MAX));
        properties
    }
}

fn kind_of(schema: &Value) -> Option<Kind> {
    type_kind(schema.get("type")?)
}

fn type_kind(value: &Value) -> Option<Kind> {
    if let Some(types) = value.as_array() {
        let kinds = || types.iter().filter_map(type_kind);
        return kinds().find(|kind| *kind != Kind::Null).or_else(|| kinds().next());
    }
    match value.as_str()?.to_ascii_lowercase().as_str() {
        "string" => Some(Kind::String),
        "number" => Some(Kind::Number),
        "integer" => Some(Kind::Integer),
        "boolean" => Some(Kind::Boolean),
        "array" => Some(Kind::Array),
        "object" => Some(Kind::Object),
        "null" => Some(Kind::Null),
        _ => None,
    }
}

fn implied_kind(layer: &Map<String, Value>) -> Option<Kind> {
    const IMPLIED: [(&str, Kind); 8] = [
        ("properties", Kind::Object),
        ("required", Kind::Object),
        ("items", Kind::Array),
        ("prefixItems", Kind::Array),
        ("minimum", Kind::Number),
        ("maximum", Kind::Number),
        ("exclusiveMinimum", Kind::Number),
        ("multipleOf", Kind::Number),
    ];
    IMPLIED.into_iter().find_map(|(keyword, kind)| layer.contains_key(keyword).then_some(kind))
}

/// The schema at `#/$defs/Name` and the like, percent-encoded or not; a protobuf schema keeps its definitions in `defs`.
fn referred<'s>(path: &str, root: &'s Value) -> Option<&'s Value> {
    let pointer = percent_decode_str(path.strip_prefix('#')?).decode_utf8().ok()?;
    root.pointer(&pointer).or_else(|| root.get("defs")?.get(pointer.rsplit('/').next()?))
}

/// The numbers that a schema admits.
struct Range {
    min: f64,
    max: f64,
    above: f64,
    below: f64,
    multiple_of: Option<f64>,
    is_integer: bool,
}

impl Range {
    fn of(shape: &Shape<'_>, is_integer: bool) -> Self {
        let bound = |keyword, default| shape.get(keyword).and_then(Value::as_f64).unwrap_or(default);
        Self {
            min: bound("minimum", f64::NEG_INFINITY),
            max: bound("maximum", f64::INFINITY),
            above: bound("exclusiveMinimum", f64::NEG_INFINITY),
            below: bound("exclusiveMaximum", f64::INFINITY),
            multiple_of: shape.get("multipleOf").and_then(Value::as_f64).filter(|step| *step > 0.0),
            is_integer,
        }
    }

    fn has(&self, number: f64) -> bool {
        number.is_finite()
            && number >= self.min
            && number <= self.max
            && number > self.above
            && number < self.below
            && (!self.is_integer || number.fract() == 0.0)
            && self.multiple_of.is_none_or(|step| (number / step).fract() == 0.0)
    }

    /// Numbers worth a try, the plainest first.
    fn candidates(&self) -> Vec<f64> {
        let low = self.min.max(self.above);
        let high = self.max.min(self.below);
        let step = self.multiple_of.unwrap_or(1.0);
        let up = (low / step).ceil() * step;
        let down = (high / step).floor() * step;
        vec![1.0, 0.0, low, up, up + step, high, down, down - step, f64::midpoint(low, high)]
    }
}

fn format_sample(format: &str) -> Option<&'static str> {
    match format {
        "date-time" => Some("2026-01-01T12:00:00Z"),
        "date" => Some("2026-01-01"),
        "time" => Some("12:00:00Z"),
        "duration" => Some("PT1H"),
        "email" => Some("someone@example.com"),
        "hostname" => Some("example.com"),
        "ipv4" => Some("192.0.2.1"),
        "ipv6" => Some("2001:db8::1"),
        "uri" | "url" => Some("https://example.com/"),
        "uuid" => Some("00000000-0000-4000-8000-000000000001"),
        "byte" | "binary" => Some("bGl2ZQ=="),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Value, prompt: &str, expected: Expect) {
        let args = fill(&schema, &mut Hints::read(prompt));
        expected.assert_eq(&Value::Object(args).to_string());
    }

    #[test]
    fn values_have_the_type_asked_for() {
        let schema = json!({"type": "OBJECT", "properties": {
            "city": {"type": "STRING"}, "days": {"type": "INTEGER"}, "ratio": {"type": "NUMBER"},
            "metric": {"type": "BOOLEAN"}, "unit": {"type": "STRING", "enum": ["celsius", "kelvin"]},
            "tags": {"type": "ARRAY", "items": {"type": "STRING"}}, "nothing": {"type": "NULL"},
            "at": {"type": "STRING", "format": "date-time"},
            "place": {"type": "OBJECT", "properties": {"lat": {"type": "NUMBER", "minimum": 40.5}}}
        }});
        check(
            schema,
            "",
            expect![[
                r#"{"at":"2026-01-01T12:00:00Z","city":"city","days":1,"metric":true,"nothing":null,"place":{"lat":40.5},"ratio":1,"tags":["tags"],"unit":"celsius"}"#
            ]],
        );
    }

    #[test]
    fn values_come_from_the_prompt_when_they_stand_there() {
        let schema = json!({"type": "object", "required": ["city", "days", "unit", "metric"], "properties": {
            "city": {"type": "string", "default": "Oslo"}, "days": {"type": "integer", "maximum": 7},
            "metric": {"type": "boolean"}, "unit": {"enum": ["celsius", "kelvin"]}, "note": {"type": "string"}
        }});
        check(
            schema.clone(),
            "for 'Paris', 30 or 3 days in Kelvin, metric: no",
            expect![[r#"{"city":"Paris","days":3,"metric":false,"unit":"kelvin"}"#]],
        );
        check(
            schema,
            "days=2 note=\"be quick\" and 5",
            expect![[r#"{"city":"Oslo","days":2,"metric":true,"note":"be quick","unit":"celsius"}"#]],
        );
    }

    #[test]
    fn arrays_take_all_that_the_prompt_offers() {
        let schema = json!({"properties": {"terms": {"type": "array", "items": {"type": "number"}, "maxItems": 3}}});
        check(schema.clone(), "sum 4, 5.5 and 6 and 7", expect![[r#"{"terms":[4,5.5,6]}"#]]);
        check(schema, "sum", expect![[r#"{"terms":[1]}"#]]);
        let schema = json!({"properties": {"two": {"type": "array", "minItems": 2, "items": {"type": "boolean"}},
            "pair": {"prefixItems": [{"type": "string"}, {"type": "integer"}]}}});
        check(schema, "", expect![[r#"{"pair":["pair",1],"two":[true,true]}"#]]);
    }

    #[test]
    fn bounds_are_kept() {
        let schema = json!({"properties": {
            "a": {"type": "integer", "minimum": 2.5}, "b": {"type": "integer", "maximum": -3},
            "c": {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 2},
            "d": {"type": "integer", "multipleOf": 5, "exclusiveMinimum": 5},
            "e": {"type": "string", "minLength": 5}, "long": {"type": "string", "maxLength": 2},
            "f": {"type": "number", "minimum": 3, "maximum": 2}
        }});
        check(schema, "", expect![[r#"{"a":3,"b":-3,"c":1.5,"d":10,"e":"eeeee","f":1,"long":"lo"}"#]]);
    }

    #[test]
    fn references_and_alternatives_are_followed() {
        let schema = json!({
            "$defs": {"Place": {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Place"}}, "required": ["name"]}},
            "properties": {
                "at": {"$ref": "#/$defs/Place"}, "days": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
                "kind": {"const": "trip"}, "list": {"type": ["null", "array"], "items": {}}, "both": {"allOf": [{"type": "integer"}, {"minimum": 9}]}
            }
        });
        check(schema, "", expect![[r#"{"at":{"name":"name"},"both":9,"days":1,"kind":"trip","list":["list"]}"#]]);
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"$defs": {"T": {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}, "right": {"$ref": "#/$defs/T"}}}},
            "$ref": "#/$defs/T"});
        let args = fill(&schema, &mut Hints::read(""));
        assert!(Value::Object(args).to_string().len() < 4 * ARGS_BYTES_MAX);
        check(json!({"$ref": "#"}), "", expect![["{}"]]);
        let schema = json!({"$defs": {"Page<A/B>": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
            "$ref": "#/$defs/Page%3CA~1B%3E"});
        check(schema, "7", expect![[r#"{"n":7}"#]]);
    }

    fn schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!({})),
            Just(json!(true)),
            ("[a-z]{3,7}", any::<i8>(), any::<i8>())
                .prop_map(|(kind, min, max)| json!({"type": kind, "minimum": min, "maximum": max})),
            (0..40_u64, 0..40_u64).prop_map(|(min, max)| json!({"type": "string", "minLength": min, "maxLength": max})),
            Just(json!({"$ref": "#"})),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::btree_map("[a-c]", inner.clone(), 0..4)
                    .prop_map(|properties| json!({"type": "object", "properties": properties, "required": ["a", "z"]})),
                (inner.clone(), 0..99_u64)
                    .prop_map(|(items, min)| json!({"type": "array", "items": items, "minItems": min})),
                proptest::collection::vec(inner, 0..3).prop_map(|any| json!({"anyOf": any, "allOf": any, "enum": []})),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_schema_is_filled_in_bounds(schema in schema(), prompt in any::<String>()) {
            let args = fill(&schema, &mut Hints::read(&prompt));
            prop_assert_eq!(&args, &fill(&schema, &mut Hints::read(&prompt)));
            prop_assert!(Value::Object(args).to_string().len() <= 16 * ARGS_BYTES_MAX);
        }
    }
}
