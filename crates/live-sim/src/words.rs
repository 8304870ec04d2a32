//! Messages and events in a few words each, for traces. Handles are left out.
#![expect(clippy::wildcard_enum_match_arm, reason = "what has no words of its own is named by its kind")]

use live_engine::{ClientEvent, ServerEvent};
use live_proto::{ClientMessage, Content, PartData, ServerContent, ServerMessage, ServerPayload};

use crate::stamp;

pub(crate) fn of_client(message: &ClientMessage) -> String {
    match message {
        ClientMessage::Setup(setup) => {
            let handle = setup.session_resumption.as_ref().and_then(|resumption| resumption.handle.as_ref());
            format!("setup{}", if handle.is_some() { " with a handle" } else { "" })
        }
        ClientMessage::ClientContent(content) => {
            let turns: Vec<String> = content.turns.iter().map(of_content).collect();
            format!("clientContent {}{}", turns.join(" "), if content.turn_complete { " turnComplete" } else { "" })
        }
        ClientMessage::RealtimeInput(input) => {
            let mut words = String::from("realtimeInput");
            let mut add = |word: &str| {
                words.push(' ');
                words.push_str(word);
            };
            if input.activity_start.is_some() {
                add("activityStart");
            }
            for (name, blob) in [("audio", &input.audio), ("video", &input.video)] {
                if let Some(blob) = blob {
                    add(name);
                    stamp::each_in_sound(&blob.data, &mut |said| add(&number(said)));
                }
            }
            if let Some(text) = &input.text {
                add(&stamp::said_in(text).map(number).collect::<String>());
            }
            if input.audio_stream_end == Some(true) {
                add("audioStreamEnd");
            }
            if input.activity_end.is_some() {
                add("activityEnd");
            }
            words
        }
        ClientMessage::ToolResponse(response) => {
            let each: Vec<String> =
                response.function_responses.iter().map(|it| format!("{} {}", it.name, it.id)).collect();
            format!("toolResponse {}", each.join(", "))
        }
        ClientMessage::ContextUpdate(update) => {
            let text = update.system_instruction.as_ref().map(|content| content.text()).unwrap_or_default();
            format!("contextUpdate {}", stamp::said_in(&text).map(number).collect::<String>())
        }
        ClientMessage::Empty => "nothing".into(),
    }
}

fn number(said: stamp::Said) -> String {
    format!("<{}.{}>", said.session, said.number)
}

fn of_content(content: &Content) -> String {
    let mut words = format!("{}:", content.role);
    stamp::each_said(content, |said| words.push_str(&number(said)));
    for part in &content.parts {
        match &part.data {
            Some(PartData::Text(text)) => {
                for piece in stamp::answers_in(text) {
                    words.push_str(&format!("[{}.{}]", piece.generation, piece.at));
                }
            }
            Some(PartData::InlineData(blob)) => {
                if let Some(piece) = stamp::of_speech(&blob.data) {
                    words.push_str(&format!("[{}.{}]", piece.generation, piece.at));
                }
                words.push_str(&format!("({} bytes)", blob.data.len()));
            }
            _ => {}
        }
    }
    words
}

pub(crate) fn of_server(message: &ServerMessage) -> String {
    let usage = if message.usage_metadata.is_some() { " +usage" } else { "" };
    match &message.payload {
        Some(ServerPayload::SetupComplete(_)) => "setupComplete".into(),
        Some(ServerPayload::ServerContent(content)) => format!("{}{usage}", of_server_content(content)),
        Some(ServerPayload::ToolCall(call)) => {
            let each: Vec<String> = call.function_calls.iter().map(|it| format!("{} {}", it.name, it.id)).collect();
            format!("toolCall {}", each.join(", "))
        }
        Some(ServerPayload::ToolCallCancellation(it)) => format!("toolCallCancellation {}", it.ids.join(", ")),
        Some(ServerPayload::GoAway(it)) => format!("goAway {:?}", it.time_left.map(|left| left.seconds)),
        Some(ServerPayload::SessionResumptionUpdate(it)) => format!(
            "resumptionUpdate{}{} consumed {}",
            if it.resumable { " resumable" } else { "" },
            if it.new_handle.is_empty() { "" } else { " handle" },
            it.last_consumed_client_message_index
        ),
        other => format!("{other:?}"),
    }
}

fn of_server_content(content: &ServerContent) -> String {
    let mut words = String::from("serverContent");
    if let Some(turn) = &content.model_turn {
        words.push(' ');
        words.push_str(&of_content(turn));
    }
    if let Some(transcription) = &content.output_transcription {
        words.push_str(" transcript ");
        words.push_str(&transcription.text);
    }
    for (is_there, name) in [
        (content.interrupted, " interrupted"),
        (content.generation_complete, " generationComplete"),
        (content.turn_complete, " turnComplete"),
    ] {
        if is_there {
            words.push_str(name);
        }
    }
    words
}

pub(crate) fn of_server_event(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Generate(turn, prompt) => {
            let history: Vec<String> = prompt.history.iter().map(|content| of_content(content)).collect();
            format!("generate {turn} (unanswered {}): {}", prompt.unanswered, history.join(" "))
        }
        ServerEvent::Save { snapshot, .. } => format!("save (consumed {:?})", snapshot.last_consumed),
        ServerEvent::SetupAccepted(_) => "setup accepted".into(),
        ServerEvent::TurnFinished { turn, interrupted, .. } => {
            format!("turn {turn} finished, interrupted {interrupted}")
        }
        ServerEvent::Closed(reason) => format!("closed: {reason}"),
        other => format!("{other:?}"),
    }
}

pub(crate) fn of_event(event: &ClientEvent) -> String {
    match event {
        ClientEvent::Audio { generation, blob } => {
            format!("audio {generation} {:?} ({} bytes)", stamp::of_speech(&blob.data), blob.data.len())
        }
        ClientEvent::ToolCall(call) => format!("call {} {}", call.name, call.id),
        ClientEvent::Usage(_) => "usage".into(),
        ClientEvent::ResumptionUpdate(update) => format!("resumption update, resumable {}", update.resumable),
        ClientEvent::Lost(loss) => format!("lost: {} ({:?}, {} unsent)", loss.cause, loss.gave_up, loss.unsent.len()),
        ClientEvent::Closed(cause) => format!("closed: {cause}"),
        other => format!("{other:?}"),
    }
}
