//! What holds little and takes much is bounded as well.

use super::*;

/// Says the message over and over until the session is closed for it.
#[track_caller]
fn check_bounded(setup: &str, message: &ClientMessage) {
    let mut config = ServerConfig::new(Backend::Gemini);
    config.limits.history_bytes_max = 1 << 20;
    let mut world = World::new(config);
    world.step(&format!("C setup models/gemini-2.0-flash-live-001 {setup}"));
    for _ in 0..10_000 {
        if world.engine.is_closed() {
            break;
        }
        world.engine.handle_message(message.clone(), world.now);
    }
    world.drain();
    assert!(world.log.contains("bytes, of 1048576 at most"), "{}", world.log);
}

#[test]
fn a_history_of_nothings_is_bounded() {
    check_bounded("", &ClientMessage::turns(vec![Content::user("")], false));
    let parts: Vec<Part> = std::iter::repeat_with(|| Part::text("")).take(100).collect();
    check_bounded("", &ClientMessage::turns(vec![Content::user(parts)], false));
    let signed = Part { thought_signature: vec![0; 10_000].into(), ..Part::text("") };
    check_bounded("", &ClientMessage::turns(vec![Content::user(signed)], false));
    check_bounded(
        "manual",
        &ClientMessage::RealtimeInput(RealtimeInput {
            text: Some("x".into()),
            activity_start: Some(ActivityStart {}),
            ..RealtimeInput::default()
        }),
    );
}

#[test]
fn a_changed_instruction_and_changed_tools_are_bounded() {
    let instruction = Part { thought_signature: vec![0; 2 << 20].into(), ..Part::text("") };
    check_bounded(
        "",
        &ClientMessage::ContextUpdate(Box::new(ContextUpdate {
            system_instruction: Some(Box::new(Content::user(instruction))),
            tools: None,
        })),
    );
    let text = Schema { r#type: SchemaType::String, description: "x".repeat(900), ..Schema::default() };
    let schema = Schema { any_of: vec![text; 2_000], ..Schema::default() };
    let function =
        FunctionDeclaration { name: "f".into(), parameters: Some(Box::new(schema)), ..FunctionDeclaration::default() };
    let tool = Tool { function_declarations: vec![function], ..Tool::default() };
    check_bounded(
        "",
        &ClientMessage::ContextUpdate(Box::new(ContextUpdate {
            system_instruction: None,
            tools: Some(ContextUpdateTools { tools: vec![tool] }),
        })),
    );
}
