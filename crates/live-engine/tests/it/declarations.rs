//! Declarations of functions as clients send them: what is wrong with one is named by path, rule and fix; what SDKs generate
//! from ordinary functions is taken.
#![expect(clippy::disallowed_methods, reason = "a test begins somewhere")]

use std::fmt::Write as _;
use std::time::Instant;

use expect_test::{Expect, expect};
use live_engine::{Backend, Engine, Output, ServerConfig, ServerEngine, ServerEvent, Warning};
use live_proto::ClientMessage;
use live_proto::json::{DecodeOptions, decode};

/// Sets up a session with one function and shows what is said about it. `ROOT` stands for the function's path.
fn judge(function: &str) -> String {
    judge_tools("gemini-3.8-live", &format!(r#"[{{"functionDeclarations": [{function}]}}]"#))
        .replace("setup.tools[0].functionDeclarations[0]", "ROOT")
}

fn judge_tools(model: &str, tools: &str) -> String {
    // One of the models insists on it.
    let thinking = if model.contains("thinking") {
        r#""generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}},"#
    } else {
        ""
    };
    let setup = format!(r#"{{"setup": {{"model": "models/{model}", {thinking} "tools": {tools}}}}}"#);
    let message: ClientMessage = decode(setup.as_bytes(), &DecodeOptions::lenient()).expect("it is a message").message;
    let now = Instant::now();
    let config = ServerConfig::new(Backend::Gemini);
    let ClientMessage::Setup(asked) = &message else { panic!("it is a setup") };
    let linted = live_engine::lint((**asked).clone(), &config).violations;
    let mut engine = ServerEngine::new(config, now);
    engine.handle_message(message, now);
    let mut out = String::new();
    while let Some(output) = engine.poll_output() {
        match output {
            Output::Event(ServerEvent::Violation(violation)) => {
                assert_eq!((violation.code(), &*violation.text()), (1007, "Request contains an invalid argument."));
                assert_eq!(Some(&violation), linted.first(), "who closes takes the first of all");
                let _ = writeln!(out, "{}", violation.explanation());
            }
            Output::Event(ServerEvent::Warning(Warning::NoEffect { path })) => {
                let _ = writeln!(out, "only for the model: {path}");
            }
            Output::Send(_) | Output::Event(_) | Output::Close(_) => {}
        }
    }
    if out.is_empty() { "taken\n".into() } else { out }
}

#[track_caller]
fn check(functions: &[&str], expected: Expect) {
    expected.assert_eq(&functions.iter().map(|function| judge(function)).collect::<String>());
}

/// The same for the typed form of `f`'s parameters.
#[track_caller]
fn check_typed(schemas: &[&str], expected: Expect) {
    let judged = schemas.iter().map(|schema| judge(&format!(r#"{{"name": "f", "parameters": {schema}}}"#)));
    expected.assert_eq(&judged.collect::<String>());
}

/// The same for JSON Schema.
#[track_caller]
fn check_json(schemas: &[&str], expected: Expect) {
    let judged = schemas.iter().map(|schema| judge(&format!(r#"{{"name": "f", "parametersJsonSchema": {schema}}}"#)));
    expected.assert_eq(&judged.collect::<String>());
}

#[test]
fn a_name_has_a_syntax_and_a_length() {
    check(
        &[
            "{}",
            r#"{"name": "7up"}"#,
            r#"{"name": "-f"}"#,
            r#"{"name": "get weather"}"#,
            r#"{"name": "größe"}"#,
            &format!(r#"{{"name": "{}"}}"#, "x".repeat(129)),
            &format!(r#"{{"name": "_a.b:c-9{}"}}"#, "x".repeat(120)),
        ],
        expect![[r#"
            ROOT.name: a function has a name; name it
            ROOT.name: a function's name begins with a letter or an underscore; found "7up"; put a letter before it
            ROOT.name: a function's name begins with a letter or an underscore; found "-f"; put a letter before it
            ROOT.name: a function's name is of letters, digits, and _ . : - ; found ' ' in "get weather"; replace it by an underscore
            ROOT.name: a function's name is of letters, digits, and _ . : - ; found 'ö' in "größe"; replace it by an underscore
            ROOT.name: a function's name has a limit of length; shorten it to 128 characters
            taken
        "#]],
    );
}

#[test]
fn functions_are_counted_and_named_once() {
    let many = (0..513).map(|n| format!(r#"{{"name": "f{n}"}}"#)).collect::<Vec<_>>().join(",");
    let judged = [
        judge_tools("gemini-3.8-live", &format!(r#"[{{"functionDeclarations": [{many}]}}]"#)),
        judge_tools(
            "gemini-3.8-live",
            r#"[{"functionDeclarations": [{"name": "f"}]}, {"functionDeclarations": [{"name": "g"}, {"name": "f"}]}]"#,
        ),
    ];
    expect![[r#"
        setup.tools[0].functionDeclarations[512]: a session has a limit of declared functions; declare at most 512
        setup.tools[1].functionDeclarations[1].name: a function is declared once; remove the other declaration of this name
    "#]]
    .assert_eq(&judged.concat());
}

#[test]
fn a_behavior_is_one_that_there_is_and_that_the_model_takes() {
    let judged = [
        judge(r#"{"name": "f", "behavior": "NONBLOCKING"}"#),
        judge(r#"{"name": "f", "behavior": "NON_BLOCKING"}"#),
        judge_tools(
            "gemini-3.8-live-extended-thinking",
            r#"[{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}]"#,
        ),
    ];
    expect![[r#"
        ROOT.behavior: there is no such behavior; use BLOCKING or NON_BLOCKING
        taken
        setup.tools[0].functionDeclarations[0].behavior: the model refuses this behavior; leave it out
    "#]]
    .assert_eq(&judged.concat());
}

#[test]
fn a_schema_has_one_form() {
    check(
        &[
            r#"{"name": "f", "parameters": {"type": "OBJECT"}, "parametersJsonSchema": {"type": "object"}}"#,
            r#"{"name": "f", "response": {"type": "STRING"}, "response_json_schema": {"type": "string"}}"#,
            r#"{"name": "f", "parameters": {"type": "OBJECT"}, "responseJsonSchema": {"type": "string"}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema: parameters and parametersJsonSchema are two forms of one schema, of which a function has one; leave one of them out
            ROOT.responseJsonSchema: response and responseJsonSchema are two forms of one schema, of which a function has one; leave one of them out
            taken
        "#]],
    );
}

#[test]
fn arguments_are_an_object() {
    check_typed(
        &[r#"{"type": "STRING"}"#, r#"{"properties": {"a": {"type": "STRING"}}}"#, "{}"],
        expect![[r#"
            ROOT.parameters.type: the arguments of a function are an object; set type to OBJECT, and put the rest into properties
            ROOT.parameters.type: the arguments of a function are an object; set type to OBJECT, and put the rest into properties
            taken
        "#]],
    );
    check_json(
        &[r#"{"type": "string"}"#, r#"{"type": ["null", "array"]}"#, r#"["object"]"#, "true", "{}"],
        expect![[r#"
            ROOT.parametersJsonSchema.type: the arguments of a function are an object; set type to object, and put the rest into properties
            ROOT.parametersJsonSchema.type: the arguments of a function are an object; set type to object, and put the rest into properties
            ROOT.parametersJsonSchema: a schema is an object, or true or false within another; send an object, such as one with type and properties
            ROOT.parametersJsonSchema: a schema is an object, or true or false within another; send an object, such as one with type and properties
            taken
        "#]],
    );
}

#[test]
fn a_typed_schema_says_what_it_is() {
    check_typed(
        &[
            r#"{"type": "OBJECT", "properties": {"a": {"description": "a"}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "TEXT"}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}"#,
            r#"{"type": "OBJECT", "properties": {"a b": {"type": "ARRAY", "items": {"type": "ARRAY"}}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "STRING", "items": {"type": "STRING"}}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "STRING", "properties": {"b": {"type": "STRING"}}}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"anyOf": [{"type": "STRING"}, {}]}}}"#,
        ],
        expect![[r#"
            ROOT.parameters.properties.a.type: a schema without anyOf has a type; set it, such as STRING
            ROOT.parameters.properties.a.type: there is no type TEXT; use one of STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT, NULL
            ROOT.parameters.properties.a.items: an ARRAY says what its elements are; add items, the schema of each element
            ROOT.parameters.properties["a b"].items.items: an ARRAY says what its elements are; add items, the schema of each element
            ROOT.parameters.properties.a.items: only an ARRAY has items, and this is a STRING; set type to ARRAY, or leave items out
            ROOT.parameters.properties.a.properties: only an OBJECT has properties, and this is a STRING; set type to OBJECT, or leave properties out
            ROOT.parameters.properties.a.anyOf[1].type: a schema without anyOf has a type; set it, such as STRING
        "#]],
    );
}

#[test]
fn what_is_required_or_ordered_is_a_property() {
    check_typed(
        &[
            r#"{"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a", "b"]}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "c": {"type": "STRING"}}, "propertyOrdering": ["b"]}"#,
            r#"{"type": "OBJECT", "required": ["a"]}"#,
        ],
        expect![[r#"
            ROOT.parameters.required[1]: "b" is no property of this schema; name one of its properties: a
            ROOT.parameters.propertyOrdering[0]: "b" is no property of this schema; name one of its properties: a, c
            ROOT.parameters.required[0]: "a" is no property of this schema; name one of its properties: none
        "#]],
    );
    check_json(
        &[
            r#"{"type": "object", "properties": {"a": {}}, "required": ["a", "b"]}"#,
            r#"{"type": "object", "properties": {"a": {}}, "propertyOrdering": ["b"]}"#,
            r#"{"type": "object", "properties": {"a": {"required": true}}}"#,
            r#"{"type": "object", "required": ["a"], "additionalProperties": {"type": "string"}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema.required[1]: "b" is no property of this schema; name one of its properties: a
            ROOT.parametersJsonSchema.propertyOrdering[0]: "b" is no property of this schema; name one of its properties: a
            ROOT.parametersJsonSchema.properties.a.required: required is a list of names; list the names of properties at the object that has them
            taken
        "#]],
    );
}

#[test]
fn an_enum_has_values_of_its_type() {
    check_typed(
        &[
            r#"{"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": ["1", "x"]}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "BOOLEAN", "enum": ["true"]}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": ["1", "2"]}}}"#,
        ],
        expect![[r#"
            ROOT.parameters.properties.a.enum[1]: a value of the enum is not of type INTEGER; correct the value, or type
            ROOT.parameters.properties.a.enum: an enum has STRING values, and this is a BOOLEAN; set type to STRING, or leave enum out
            taken
        "#]],
    );
    check_json(
        &[
            r#"{"properties": {"a": {"type": "string", "enum": ["x", 1]}}}"#,
            r#"{"properties": {"a": {"enum": []}}}"#,
            r#"{"properties": {"a": {"enum": "x"}}}"#,
            r#"{"properties": {"a": {"type": ["string", "null"], "enum": ["x", null]}, "b": {"enum": ["x", 1, true]}}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema.properties.a.enum[1]: a value of the enum is not of type string; correct the value, or type
            ROOT.parametersJsonSchema.properties.a.enum: an enum lists at least one value; list its values, or leave it out
            ROOT.parametersJsonSchema.properties.a.enum: an enum lists at least one value; list its values, or leave it out
            taken
        "#]],
    );
}

#[test]
fn a_range_holds_something() {
    check_typed(
        &[
            r#"{"type": "OBJECT", "properties": {"a": {"type": "NUMBER", "minimum": 2, "maximum": 1}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "STRING", "minLength": "9", "maxLength": "3"}}}"#,
            r#"{"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": -1}}}"#,
            r#"{"type": "OBJECT", "minProperties": 3, "maxProperties": 2}"#,
        ],
        expect![[r#"
            ROOT.parameters.properties.a.minimum: no value fits: minimum is 2 and maximum is 1; lower minimum or raise maximum
            ROOT.parameters.properties.a.minLength: no value fits: minLength is 9 and maxLength is 3; lower minLength or raise maxLength
            ROOT.parameters.properties.a.minItems: it counts, from 0 on; found -1; send a whole number that is not negative
            ROOT.parameters.minProperties: no value fits: minProperties is 3 and maxProperties is 2; lower minProperties or raise maxProperties
        "#]],
    );
    check_json(
        &[
            r#"{"properties": {"a": {"minimum": 2, "maximum": 1}}}"#,
            r#"{"properties": {"a": {"minItems": 1.5}}}"#,
            r#"{"properties": {"a": {"maxLength": "9"}}}"#,
            r#"{"properties": {"a": {"minimum": 0.5, "maximum": 0.5, "minItems": 1, "maxItems": 1}}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema.properties.a.minimum: no value fits: minimum is 2 and maximum is 1; lower minimum or raise maximum
            ROOT.parametersJsonSchema.properties.a.minItems: it counts, from 0 on; found 1.5; send a whole number that is not negative
            ROOT.parametersJsonSchema.properties.a.maxLength: it is a number; send a number, or leave it out
            taken
        "#]],
    );
}

#[test]
fn a_reference_leads_somewhere_and_ends() {
    check_typed(
        &[
            r##"{"type": "OBJECT", "properties": {"a": {"ref": "#/defs/Node"}}, "defs": {"Leaf": {"type": "STRING"}}}"##,
            r##"{"type": "OBJECT", "properties": {"a": {"ref": "#/defs/A"}}, "required": ["a"],
                "defs": {"A": {"type": "OBJECT", "properties": {"a": {"ref": "#/defs/A"}}, "required": ["a"]}}}"##,
            r##"{"type": "OBJECT", "properties": {"a": {"ref": "#/defs/A"}}, "required": ["a"],
                "defs": {"A": {"type": "OBJECT", "properties": {"a": {"ref": "#/defs/A"}}}}}"##,
        ],
        expect![[r##"
            ROOT.parameters.properties.a.ref: "#/defs/Node" is nowhere in this schema; send it along in defs, and refer to it like #/defs/Name
            ROOT.parameters: "#/$defs/A" requires itself, so that no value is ever complete; leave one of the properties on the way out of required
            taken
        "##]],
    );
    check_json(
        &[
            r##"{"properties": {"a": {"$ref": "#/$defs/Node"}}, "$defs": {"Leaf": {}}}"##,
            r#"{"properties": {"a": {"$ref": "https://example.com/schema.json"}}}"#,
            r#"{"properties": {"a": {"$ref": 7}}}"#,
            r##"{"$ref": "#"}"##,
            r##"{"properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "$defs": {"A": {"allOf": [{"$ref": "#/$defs/B"}]},
                "B": {"properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}]}}, "required": ["a"]}}}"##,
            // A list may be empty, an alternative may be another.
            r##"{"properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"], "$defs": {"A": {"type": "object",
                "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/A"}}, "up": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}},
                "required": ["kids", "up"]}}}"##,
            r##"{"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}, "c": {"$ref": "#leaf"}}, "$defs": {"Leaf": {"$anchor": "leaf"}}}"##,
        ],
        expect![[r##"
            ROOT.parametersJsonSchema.properties.a.$ref: "#/$defs/Node" is nowhere in this schema; send it along in $defs, and refer to it like #/$defs/Name
            ROOT.parametersJsonSchema.properties.a.$ref: "https://example.com/schema.json" is nowhere in this schema; send it along in $defs, and refer to it like #/$defs/Name
            ROOT.parametersJsonSchema.properties.a.$ref: a reference is a string; write it like #/$defs/Name
            ROOT.parametersJsonSchema: "#" requires itself, so that no value is ever complete; leave one of the properties on the way out of required
            ROOT.parametersJsonSchema: "#/$defs/A" requires itself, so that no value is ever complete; leave one of the properties on the way out of required
            taken
            taken
        "##]],
    );
}

#[test]
fn a_schema_has_a_size() {
    let nested = |depth: usize| {
        let (open, close) = (r#"{"type": "ARRAY", "items": "#.repeat(depth), "}".repeat(depth));
        format!(r#"{{"type": "OBJECT", "properties": {{"a": {open}{{"type": "STRING"}}{close}}}}}"#)
    };
    check_typed(
        &[&nested(30), &nested(31)],
        expect![[r#"
        taken
        ROOT.parameters.properties.a.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items.items: schemas stand at most 32 deep within each other; flatten the schema
    "#]],
    );
    let nested = |depth: usize| format!("{}{{}}{}", r#"{"properties": {"a": "#.repeat(depth), "}}".repeat(depth));
    check_json(
        &[&nested(31), &nested(32)],
        expect![[r#"
        taken
        ROOT.parametersJsonSchema.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a.properties.a: schemas stand at most 32 deep within each other; flatten the schema
    "#]],
    );
    let wide = |count: usize| {
        let properties: Vec<String> = (0..count).map(|n| format!(r#""p{n}": {{"type": "string"}}"#)).collect();
        format!(r#"{{"properties": {{{}}}}}"#, properties.join(","))
    };
    check_json(
        &[&wide(4_095), &wide(4_096)],
        expect![[r#"
        taken
        ROOT.parametersJsonSchema.properties.p999: a function has at most 4096 schemas within each other; declare fewer properties, or more functions
    "#]],
    );
    // Each refers to the next, and is required in it.
    let chain = |count: usize| {
        let link = |n: usize| {
            format!(r##""d{n}": {{"properties": {{"a": {{"$ref": "#/$defs/d{}"}}}}, "required": ["a"]}}"##, n + 1)
        };
        let links: Vec<String> = (0..count).map(link).collect();
        format!(r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d{count}": {{}}}}}}"##, links.join(","))
    };
    check_json(
        &[&chain(30), &chain(31)],
        expect![[r##"
        taken
        ROOT.parametersJsonSchema: references are followed at most 32 deep, and "#/$defs/d31" goes deeper; write some of the schemas out where they are used
    "##]],
    );
}

#[test]
fn words_that_nobody_could_be_told_are_refused() {
    let refused = [
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependentRequired",
        "dependencies",
        "contains",
        "minContains",
        "maxContains",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$recursiveAnchor",
    ];
    let judged = refused.map(|word| {
        judge(&format!(r#"{{"name": "f", "parametersJsonSchema": {{"properties": {{"a": {{"{word}": {{}}}}}}}}}}"#))
    });
    expect![[r#"
        ROOT.parametersJsonSchema.properties.a.if: if of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.then: then of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.else: else of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.dependentSchemas: dependentSchemas of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.dependentRequired: dependentRequired of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.dependencies: dependencies of JSON Schema is not supported; declare each case as an alternative in anyOf, or say it in the description
        ROOT.parametersJsonSchema.properties.a.contains: contains of JSON Schema is not supported; say it in the description
        ROOT.parametersJsonSchema.properties.a.minContains: minContains of JSON Schema is not supported; say it in the description
        ROOT.parametersJsonSchema.properties.a.maxContains: maxContains of JSON Schema is not supported; say it in the description
        ROOT.parametersJsonSchema.properties.a.$dynamicRef: $dynamicRef of JSON Schema is not supported; use $ref and $defs
        ROOT.parametersJsonSchema.properties.a.$dynamicAnchor: $dynamicAnchor of JSON Schema is not supported; use $ref and $defs
        ROOT.parametersJsonSchema.properties.a.$recursiveRef: $recursiveRef of JSON Schema is not supported; use $ref and $defs
        ROOT.parametersJsonSchema.properties.a.$recursiveAnchor: $recursiveAnchor of JSON Schema is not supported; use $ref and $defs
    "#]].assert_eq(&judged.concat());
    check_json(
        &[
            r#"{"properties": {"a": {"not": {"type": "string"}}}}"#,
            r#"{"properties": {"a": {"not": {}}, "b": {"not": true}}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema.properties.a.not: not of JSON Schema is not supported; say what a value is, in anyOf or enum
            taken
        "#]],
    );
}

#[test]
fn words_that_only_the_model_can_follow_are_named() {
    check_json(
        &[r#"{"properties": {"n": {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 2},
            "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
            "odd": {"requird": ["x"], "x-order": 3}}, "patternProperties": {"^x": {}}, "propertyNames": {"pattern": "a"}}"#],
        expect![[r#"
            only for the model: ROOT.parametersJsonSchema.patternProperties
            only for the model: ROOT.parametersJsonSchema.properties.n.exclusiveMinimum
            only for the model: ROOT.parametersJsonSchema.properties.n.multipleOf
            only for the model: ROOT.parametersJsonSchema.properties.odd.requird
            only for the model: ROOT.parametersJsonSchema.properties.tags.uniqueItems
            only for the model: ROOT.parametersJsonSchema.propertyNames
        "#]],
    );
    let properties: Vec<String> = (0..50).map(|n| format!(r#""p{n}": {{"multipleOf": 2}}"#)).collect();
    let judged =
        judge(&format!(r#"{{"name": "f", "parametersJsonSchema": {{"properties": {{{}}}}}}}"#, properties.join(",")));
    assert_eq!(judged.lines().count(), 32, "a person reads the first");
}

#[test]
fn a_json_schema_is_well_formed() {
    check_json(
        &[
            r#"{"properties": []}"#,
            r#"{"properties": {"a": "string"}}"#,
            r#"{"properties": {"a": {"type": "text"}}}"#,
            r#"{"properties": {"a": {"type": []}}}"#,
            r#"{"properties": {"a": {"type": {"a": "b"}}}}"#,
            r#"{"properties": {"a": {"anyOf": []}}}"#,
            r#"{"properties": {"a": {"items": 3}}}"#,
        ],
        expect![[r#"
            ROOT.parametersJsonSchema.properties: it holds schemas by their names; send an object of schemas
            ROOT.parametersJsonSchema.properties.a: a schema is an object, or true or false within another; send an object, such as one with type and properties
            ROOT.parametersJsonSchema.properties.a.type: there is no type "text"; use one of string, number, integer, boolean, array, object, null
            ROOT.parametersJsonSchema.properties.a.type: a type is a name or a list of names; use one of string, number, integer, boolean, array, object, null
            ROOT.parametersJsonSchema.properties.a.type: a type is a name or a list of names; use one of string, number, integer, boolean, array, object, null
            ROOT.parametersJsonSchema.properties.a.anyOf: it holds a list of schemas; send a list with at least one schema
            ROOT.parametersJsonSchema.properties.a.items: a schema is an object, or true or false within another; send an object, such as one with type and properties
        "#]],
    );
}

#[test]
fn what_sdks_generate_from_ordinary_functions_is_taken() {
    let taken = [
        // google-genai for Python: optional arguments, unions, models, lists of lists.
        r#"{"name": "f", "description": "d"}"#,
        r#"{"name": "f", "parameters": {"type": "OBJECT", "properties": {}}}"#,
        r#"{"name": "f", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING", "nullable": true, "default": null},
            "either": {"type": "OBJECT", "any_of": [{"type": "STRING"}, {"type": "ARRAY", "items": {"type": "INTEGER"}}]},
            "options": {"type": "OBJECT"}, "snake_key": {"type": "STRING", "enum": ["a", "b"]}}, "required": ["either", "options"],
            "property_ordering": ["city", "either", "options", "snake_key"]}, "response": {"type": "STRING"}}"#,
        // The same by way of pydantic, as LiveKit, ADK and pipecat send it too.
        r##"{"name": "f", "parameters_json_schema": {"$defs": {"Unit": {"enum": ["C", "F"], "title": "Unit", "type": "string"},
            "Node": {"properties": {"kids": {"items": {"$ref": "#/$defs/Node"}, "type": "array", "default": []}}, "type": "object", "title": "Node"}},
            "additionalProperties": false, "properties": {"unit": {"$ref": "#/$defs/Unit", "default": "C", "description": "d"},
            "tree": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": null}, "pair": {"maxItems": 2, "minItems": 2,
            "prefixItems": [{"type": "string"}, {"type": "number"}], "type": "array"}, "kind": {"const": "x", "type": "string"},
            "when": {"format": "date-time", "type": "string"}, "any": {"title": "Any"}, "bare": {"items": {}, "type": "array"},
            "map": {"additionalProperties": {"type": "integer"}, "type": "object"}}, "required": ["unit", "any"], "title": "fArguments", "type": "object"},
            "response_json_schema": {"type": "string"}}"##,
        // zod, and the MCP servers that are made with it.
        r##"{"name": "f", "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "string", "minLength": 1, "pattern": "^a"},
            "b": {"$ref": "#/properties/a"}, "c": {"not": {}}, "d": {"allOf": [{"type": "object", "properties": {}}, {"type": "object"}]},
            "e": {"oneOf": [{"type": "string", "const": "x"}, {"type": "number"}]}, "f": {}}, "required": ["a"],
            "additionalProperties": false, "$schema": "http://json-schema.org/draft-07/schema#"}}"##,
        // schemars.
        r##"{"name": "f", "parametersJsonSchema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Args", "type": "object",
            "properties": {"n": {"type": "integer", "format": "uint32", "minimum": 0}, "o": {"type": ["string", "null"]}}, "required": ["n"],
            "examples": [{"n": 1}], "deprecated": true}}"##,
    ];
    for function in taken {
        assert_eq!(judge(function), "taken\n", "{function}");
    }
}

/// All that is wrong with a setup of these tools.
fn lint_tools(model: &str, tools: &str) -> Vec<live_engine::Violation> {
    let setup = format!(r#"{{"setup": {{"model": "models/{model}", "tools": {tools}}}}}"#);
    let message: ClientMessage = decode(setup.as_bytes(), &DecodeOptions::lenient()).expect("it is a message").message;
    let ClientMessage::Setup(setup) = message else { panic!("it is a setup") };
    live_engine::lint(*setup, &ServerConfig::new(Backend::Gemini)).violations
}

#[test]
fn all_that_is_wrong_with_declarations_is_found_at_once() {
    let tools = r##"[{}, {"googleSearch": {}, "codeExecution": {}}, {"functionDeclarations": [
        {"name": "1st", "behavior": 7, "parameters": {"type": "STRING"}, "parametersJsonSchema": {"type": "object"}},
        {"name": ""}, {"name": ""}, {"name": "f"},
        {"name": "f", "parameters": {"type": "OBJECT", "required": ["a", "b"], "properties": {
            "list": {"type": "ARRAY", "ref": "#/defs/gone"}, "text": {"type": "STRING", "minLength": "3", "maxLength": "2"}}}},
        {"name": "g", "parametersJsonSchema": {"type": "object", "if": {}, "required": true, "properties": {
            "a": {"type": "strin"}, "b": {"enum": []}, "c": {"$ref": "#/$defs/gone"}, "d": 3, "e": {"anyOf": []},
            "f": {"minimum": "1", "minLength": -1}}}, "responseJsonSchema": {"$ref": "#"}}]}]"##;
    let found = lint_tools("gemini-3.1-flash-live-preview", tools);
    let shown: String =
        found.iter().map(|it| format!("{} {}\n", it.id(), it.explanation().path.replace("setup.tools", ""))).collect();
    expect![[r#"
        tools.empty [0]
        tools.built-in-not-of-model [1].codeExecution
        tools.built-in-not-run [1].googleSearch
        tools.function-name-begins [2].functionDeclarations[0].name
        tools.behavior-unknown [2].functionDeclarations[0].behavior
        tools.arguments-not-object [2].functionDeclarations[0].parameters.type
        tools.schema-in-both-forms [2].functionDeclarations[0].parametersJsonSchema
        tools.function-name-missing [2].functionDeclarations[1].name
        tools.function-name-missing [2].functionDeclarations[2].name
        tools.function-declared-twice [2].functionDeclarations[4].name
        schema.property-unknown [2].functionDeclarations[4].parameters.required[0]
        schema.property-unknown [2].functionDeclarations[4].parameters.required[1]
        schema.reference-unknown [2].functionDeclarations[4].parameters.properties.list.ref
        schema.range-empty [2].functionDeclarations[4].parameters.properties.text.minLength
        schema.keyword-unsupported [2].functionDeclarations[5].parametersJsonSchema.if
        schema.type-unknown [2].functionDeclarations[5].parametersJsonSchema.properties.a.type
        schema.enum-empty [2].functionDeclarations[5].parametersJsonSchema.properties.b.enum
        schema.reference-unknown [2].functionDeclarations[5].parametersJsonSchema.properties.c.$ref
        schema.form [2].functionDeclarations[5].parametersJsonSchema.properties.d
        schema.list-form [2].functionDeclarations[5].parametersJsonSchema.properties.e.anyOf
        schema.number [2].functionDeclarations[5].parametersJsonSchema.properties.f.minimum
        schema.count [2].functionDeclarations[5].parametersJsonSchema.properties.f.minLength
        schema.names-form [2].functionDeclarations[5].parametersJsonSchema.required
        schema.requires-itself [2].functionDeclarations[5].responseJsonSchema
    "#]]
    .assert_eq(&shown);
}

#[test]
fn what_is_found_is_bounded() {
    // Each is wrong by itself; a schema that is too large is told once and not looked at further.
    let wrong: Vec<String> = (0..200).map(|n| format!(r#""p{n}": {{"type": "wrong"}}"#)).collect();
    let function = format!(r#"{{"name": "f", "parametersJsonSchema": {{"properties": {{{}}}}}}}"#, wrong.join(", "));
    assert_eq!(lint_tools("gemini-3.8-live", &format!(r#"[{{"functionDeclarations": [{function}]}}]"#)).len(), 64);
    let deep = format!("{}{}", r#"{"items": "#.repeat(60), r#"{"type": "wrong"}"#) + &"}".repeat(60);
    let function =
        format!(r#"{{"name": "f", "parametersJsonSchema": {{"properties": {{"a": {deep}, "b": {deep}}}}}}}"#);
    let found =
        lint_tools("gemini-3.8-live", &format!(r#"[{{"functionDeclarations": [{function}, {{"name": "1"}}]}}]"#));
    let ids: Vec<&str> = found.iter().map(live_engine::Violation::id).collect();
    assert_eq!(ids, ["schema.too-deep", "tools.function-name-begins"]);
    let many = format!("[{}]", vec![r#"{"functionDeclarations": [{"name": "1"}]}"#; 200].join(", "));
    assert_eq!(lint_tools("gemini-3.8-live", &many).len(), 64);
}
