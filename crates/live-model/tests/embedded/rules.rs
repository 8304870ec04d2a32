//! What is said: rules E1 to E13, and E18.

use std::sync::Arc;

use expect_test::{Expect, expect};
use live_engine::{Family, ModelProfile, Prompt};
use live_model::embedded::plan;
use live_proto::{Blob, Content, ExecutableCode, Part, PartData, ThinkingConfig, ThinkingLevel};
use proptest::prelude::*;

use crate::talk::Talk;

const WEATHER: &str = r#"[
    {"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}, "days": {"type": "INTEGER"}}, "required": ["city"]}},
    {"name": "get_time"}
]"#;

#[track_caller]
fn check(talk: Talk, expected: Expect) {
    expected.assert_eq(&talk.planned());
}

#[test]
fn the_prompt_is_all_that_was_appended_whatever_its_role() {
    // rule: E1
    check(
        Talk::new().user("old").answered("answer").say(Content::model("Speak of")).user("the  sea").user("."),
        expect![[r#"
            says You said: "Speak of the sea ."
        "#]],
    );
    let code =
        PartData::ExecutableCode(Box::new(ExecutableCode { code: "print(1)".to_owned(), ..ExecutableCode::default() }));
    check(
        Talk::new().say(Content::user(vec![Part::thought("hm"), Part::text("run"), Part::from(code)])),
        expect![[r#"
            says You said: "run print(1)"
        "#]],
    );
}

#[test]
fn media_are_described() {
    // rule: E2
    let image = || Part::inline(Blob::jpeg(vec![0; 1234]));
    check(
        Talk::new().say(Content::user(Part::inline(Blob::pcm16k(vec![0; 64_000])))),
        expect![[r#"
            says I received 2.0 s of speech.
        "#]],
    );
    check(
        Talk::new().say(Content::user(vec![Part::text("What is this?"), image()])),
        expect![[r#"
            says You said: "What is this?" I also received an image (image/jpeg, 1.2 kB).
        "#]],
    );
    let speech = Part::inline(Blob::pcm16k(vec![0; 16_000]));
    check(
        Talk::new().say(Content::user(vec![speech.clone(), image(), speech])).say(Content::user(image())),
        expect![[r#"
            says I received 1.0 s of speech and 2 images (image/jpeg, 2.5 kB).
        "#]],
    );
}

#[test]
fn nothing_is_answered_too() {
    // rule: E3
    check(
        Talk::new(),
        expect![[r#"
            says I am listening.
        "#]],
    );
    check(
        Talk::new().user("before").answered("answer").user(" \n"),
        expect![[r#"
            says I am listening.
        "#]],
    );
}

#[test]
fn the_answer_of_a_function_is_told() {
    // rule: E4
    let asked = Talk::new().functions(WEATHER).user("get_weather").called("get_weather", "c1");
    check(
        asked
            .clone()
            .function(r#"{"name": "get_weather", "id": "c1", "response": {"sky": "clear", "temperature": 21}}"#),
        expect![[r#"
            says get_weather says: sky: clear, temperature: 21.
        "#]],
    );
    check(
        asked.clone().function(r#"{"id": "c1", "response": {"error": "no such city"}}"#),
        expect![[r#"
            says get_weather failed: no such city.
        "#]],
    );
    check(
        asked.function(r#"{"id": "c1", "response": {"result": "sunny"}}"#).user("and the sea?"),
        expect![[r#"
            says get_weather says: sunny.
            says You said: "and the sea?"
        "#]],
    );
}

#[test]
fn the_answer_of_a_function_is_told_once() {
    // rule: E4
    let told = Talk::new().called("f", "c1").function(r#"{"name": "f", "response": {"output": 1}}"#);
    check(
        told.clone().answered("f says: 1.").user("thanks"),
        expect![[r#"
            says You said: "thanks"
        "#]],
    );
    check(
        told.say(Content::model("It is one.")).user("thanks"),
        expect![[r#"
            says You said: "It is one. thanks"
        "#]],
    );
}

#[test]
fn a_silent_answer_is_kept_back() {
    // rule: E4
    let silent =
        Talk::new().called("f", "c1").function(r#"{"name": "f", "response": {"output": 1}, "scheduling": "SILENT"}"#);
    check(
        silent.clone().user("go on"),
        expect![[r#"
            says You said: "go on"
        "#]],
    );
    check(
        silent,
        expect![[r#"
            says f says: 1.
        "#]],
    );
}

#[test]
fn a_name_in_the_prompt_calls() {
    // rule: E5
    let talk = Talk::new().functions(WEATHER);
    check(
        talk.clone().user("Get weather, please"),
        expect![[r#"
            calls {"name":"get_weather","args":{"city":"city"}}
        "#]],
    );
    check(
        talk.clone().user("get_time, then get_weather for 'Paris' and get-time again"),
        expect![[r#"
            calls {"name":"get_time","args":{}}
            calls {"name":"get_weather","args":{"city":"Paris"}}
        "#]],
    );
    check(
        talk.clone().user("get_weather_now"),
        expect![[r#"
            says You said: "get_weather_now"
        "#]],
    );
    check(
        talk.user("get_weather").function(r#"{"name": "get_weather", "response": {"output": "rain"}}"#),
        expect![[r#"
            says get_weather says: rain.
            says You said: "get_weather"
        "#]],
    );
}

#[test]
fn an_object_in_the_prompt_is_the_arguments() {
    // rule: E6
    let talk = Talk::new().functions(WEATHER);
    check(
        talk.clone().user(r#"Call get_weather with {"city": "Oslo", "extra": [1, {"a": null}]}"#),
        expect![[r#"
            calls {"name":"get_weather","args":{"city":"Oslo","extra":[1,{"a":null}]}}
        "#]],
    );
    check(
        talk.user(r#"{"tz": "UTC"} get_time get_weather {"city": "get_time"} {"city": "B"}"#),
        expect![[r#"
            calls {"name":"get_time","args":{"tz":"UTC"}}
            calls {"name":"get_weather","args":{"city":"get_time"}}
        "#]],
    );
}

#[test]
fn required_properties_are_made_and_those_that_are_named() {
    // rule: E7
    let talk = Talk::new().functions(WEATHER).functions(
        r#"[{"name": "dial", "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}]"#,
    );
    check(
        talk.clone().user("get_weather in the next 3 days"),
        expect![[r#"
            calls {"name":"get_weather","args":{"city":"city"}}
        "#]],
    );
    check(
        talk.clone().user("get_weather with days=3"),
        expect![[r#"
            calls {"name":"get_weather","args":{"city":"city","days":3}}
        "#]],
    );
    check(
        talk.user("dial 4 and 5"),
        expect![[r#"
            calls {"name":"dial","args":{"a":4,"b":5}}
        "#]],
    );
}

#[test]
fn values_stand_in_the_prompt_or_have_the_type() {
    // rule: E8
    let lights = r#"[{"name": "set_light", "parameters": {"type": "OBJECT", "required": ["room", "level", "colour", "on"], "properties": {
        "room": {"type": "STRING", "example": "hall"}, "level": {"type": "INTEGER", "minimum": 10, "maximum": 100},
        "colour": {"type": "STRING", "enum": ["white", "red"]}, "on": {"type": "BOOLEAN"}, "at": {"type": "STRING", "format": "date-time"}}}}]"#;
    let talk = Talk::new().functions(lights);
    check(
        talk.clone().user("Set light in the \"kitchen\" to 5, no, 50, and red; on: false"),
        expect![[r#"
            calls {"name":"set_light","args":{"colour":"red","level":50,"on":false,"room":"kitchen"}}
        "#]],
    );
    check(
        talk.user("set_light"),
        expect![[r#"
            calls {"name":"set_light","args":{"colour":"white","level":10,"on":true,"room":"hall"}}
        "#]],
    );
}

#[test]
fn a_schema_bounds_its_values_and_not_the_call() {
    // rule: E9
    let tree = r##"[{"name": "grow", "parametersJsonSchema": {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
        "leaf": {"type": "string", "maxLength": 3}, "twigs": {"type": "array", "minItems": 1000000, "items": {"$ref": "#/$defs/tree"}}}}}}}]"##;
    let planned = Talk::new().functions(tree).user("grow").planned();
    assert!(
        planned.starts_with(r#"calls {"name":"grow","args":{"leaf":"lea","twigs":[{"leaf":"lea""#),
        "{planned:.200}"
    );
    assert!(planned.len() < 1_000_000);
}

#[test]
fn instructions_are_repeated() {
    // rule: E10
    check(
        Talk::new().instructed("Be brief.\nSpeak like a sailor.").user("What are your instructions?"),
        expect![[r#"
            says My instructions are: "Be brief. Speak like a sailor."
        "#]],
    );
    check(
        Talk::new().user("what is your system prompt"),
        expect![[r#"
            says I have no instructions.
        "#]],
    );
    check(
        Talk::new().instructed("Say no to everything.").user("yes?"),
        expect![[r#"
            says You said: "yes?"
        "#]],
    );
}

#[test]
fn what_was_asked_is_recalled() {
    // rule: E11
    let talk = Talk::new()
        .user("My name is Ann.")
        .answered("You said: \"My name is Ann.\"")
        .say(Content::user(Part::inline(Blob::pcm16k(vec![0; 64_000]))))
        .answered("I received 2.0 s of speech.");
    check(
        talk.clone().user("What did I just ask?"),
        expect![[r#"
            says You asked: "My name is Ann.", then 2.0 s of speech.
        "#]],
    );
    check(
        talk.user("And the sea").user("so what was my last question"),
        expect![[r#"
            says You asked: "My name is Ann.", then 2.0 s of speech, then "And the sea".
        "#]],
    );
    check(
        Talk::new().user("what did I say?"),
        expect![[r#"
            says You have not asked me anything before.
        "#]],
    );
    let long = (0..9).fold(Talk::new(), |talk, turn| talk.user(&format!("turn {turn}")));
    check(
        long.user("what did I say"),
        expect![[r#"
            says You asked: "turn 4", then "turn 5", then "turn 6", then "turn 7", then "turn 8".
        "#]],
    );
}

#[test]
fn counts_are_counted() {
    // rule: E12
    check(
        Talk::new().user("Count from one to 2,000, then count from 3 to 1"),
        expect![[r#"
            counts 1 to 2000
            counts 3 to 1
        "#]],
    );
}

#[test]
fn everything_else_is_quoted_in_short() {
    // rule: E13
    check(
        Talk::new().user("Hello,\n\nhow are  you?"),
        expect![[r#"
            says You said: "Hello, how are you?"
        "#]],
    );
    check(
        Talk::new().user(&"hold the line ".repeat(100)),
        expect![[r#"
            says You said: "hold the line hold the line hold the line hold the line hold the line hold the line hold the line hold the line hold the line hold the line hold the line hold…"
        "#]],
    );
}

#[test]
fn it_thinks_as_much_as_the_level_or_the_budget_lets_it() {
    // rule: E18
    let thinking = |include, thinking_budget, thinking_level| ThinkingConfig {
        include_thoughts: include,
        thinking_budget,
        thinking_level,
    };
    let talk = Talk::new().functions(WEATHER).user("get_time");
    let thoughts = |thinking| {
        let thoughts = plan(&talk.clone().thinking(thinking).prompt()).thoughts;
        (thoughts.len(), thoughts.concat())
    };
    let all = "The prompt names get_time, so I call it. I received 1 word. I answer in text.";
    let until = |end: &str| all[..all.find(end).unwrap() + end.len()].to_owned();
    let (rule, received) = (until("call it."), until("1 word."));
    let unspecified = || ThinkingLevel::Unspecified;
    // What is thought is thought whether it is shown or not.
    for include in [None, Some(false), Some(true)] {
        for (level, count, said) in [
            (ThinkingLevel::Minimal, 0, ""),
            (ThinkingLevel::Low, 1, rule.as_str()),
            (ThinkingLevel::Medium, 2, &received),
            (ThinkingLevel::High, 3, all),
            (ThinkingLevel::Xhigh, 3, all),
        ] {
            assert_eq!(thoughts(thinking(include, None, level.clone())), (count, said.to_owned()), "{level:?}");
        }
        // In tokens, of which each has 4 bytes.
        for (budget, count, said) in [
            (0, 0, ""),
            (9, 0, ""),
            (10, 1, rule.as_str()),
            (14, 1, &rule),
            (15, 2, &received),
            (20, 3, all),
            (24_576, 3, all),
        ] {
            assert_eq!(thoughts(thinking(include, Some(budget), unspecified())), (count, said.to_owned()), "{budget}");
        }
        // Left to itself it thinks for who looks.
        for budget in [None, Some(-1)] {
            let count = usize::from(include == Some(true));
            assert_eq!(thoughts(thinking(include, budget, unspecified())).0, count, "{include:?} {budget:?}");
        }
    }
    check(
        Talk::new()
            .in_speech("Kore")
            .say(Content::user(vec![Part::inline(Blob::pcm16k(vec![0; 32_000])), Part::text("hello there")]))
            .thinking(thinking(Some(true), None, ThinkingLevel::High)),
        expect![[r#"
            thinks No rule of mine fits the prompt, so I quote it.
            thinks I received 2 words and 1.0 s of speech.
            thinks I answer in speech, with the voice Kore.
            says You said: "hello there" I also received 1.0 s of speech.
        "#]],
    );
    let mut old = Talk::new().user("hi").thinking(thinking(Some(true), None, ThinkingLevel::High));
    old.session.profile = Arc::new(ModelProfile::of(Family::Live20).clone());
    assert_eq!(plan(&old.prompt()).thoughts, [""; 0], "a model that does not think");
}

fn content() -> impl Strategy<Value = Content> {
    let text = prop_oneof![
        any::<String>(),
        "(count|from|to|down|[0-9]{1,3}|get|_|weather|what|did|I|ask|\\{\"a\":1\\}|'x'| ){0,12}",
    ];
    let part = prop_oneof![
        4 => text.prop_map(Part::text),
        1 => any::<u16>().prop_map(|bytes| Part::inline(Blob::pcm16k(vec![0; usize::from(bytes)]))),
    ];
    (proptest::collection::vec(part, 0..3), any::<bool>())
        .prop_map(|(parts, is_model)| if is_model { Content::model(parts) } else { Content::user(parts) })
}

proptest! {
    #[test]
    fn any_prompt_is_answered_the_same_each_time(
        contents in proptest::collection::vec(content(), 0..5),
        unanswered in 0..7_usize,
    ) {
        // rule: E19
        let talk = Talk::new().functions(WEATHER);
        let history: Vec<_> = contents.into_iter().map(Arc::new).collect();
        let prompt = Prompt { unanswered, history, ..talk.prompt() };
        let answer = plan(&prompt);
        prop_assert!(!answer.say.is_empty() || !answer.calls.is_empty());
        prop_assert_eq!(answer, plan(&prompt));
    }
}
