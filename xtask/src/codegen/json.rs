//! Writes `generated/json.rs`: for each message, which keys it has and how each is read and written.
//!
//! The rules themselves are in live-proto's `json` module; here is only the list.

use std::fmt::Write;

use super::schema::{Field, Member, Message, Oneof, Schema, Shape, Ty};

pub(super) fn write(schema: &Schema) -> String {
    let mut out = String::from(
        "use crate::error::FieldName;\nuse crate::json::{Fields, Message, OpenEnum, ReadError, ReadValue, Reader, Seen, WriteValue, Writer};\nuse crate::{*};\n\n",
    );
    for message in &schema.messages {
        write_message(&mut out, message);
    }
    for item in &schema.enums {
        let _ = writeln!(
            out,
            "impl OpenEnum for {name} {{
    const NAME: &'static str = \"{proto}\";
    fn number(&self) -> i32 {{ Self::number(self) }}
    fn name(&self) -> Option<&str> {{ Self::name(self) }}
    fn from_number(number: i32) -> Self {{ Self::from_number(number) }}
    fn from_name(name: &str) -> Option<Self> {{ Self::from_name(name) }}
    fn from_unknown_name(name: &str) -> Self {{ Self::Unrecognized(Unrecognized::Name(name.into())) }}
}}

impl ReadValue for {name} {{
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {{ *self = reader.read_enum()?; Ok(()) }}
}}

impl WriteValue for {name} {{
    fn is_default(&self) -> bool {{ *self == Self::default() }}
    fn write(&self, writer: &mut Writer<'_>) {{ writer.write_enum(self); }}
}}
",
            name = item.name,
            proto = item.proto
        );
    }
    out
}

fn write_message(out: &mut String, message: &Message) {
    let name = &message.name;
    let mut fields: Vec<&Field> = message.fields().collect();
    fields.sort_by_key(|field| field.index);
    let table: String = fields
        .iter()
        .map(|field| format!("FieldName {{ json: \"{}\", proto: \"{}\" }},\n", field.json, field.proto))
        .collect();
    let mut arms = String::new();
    for member in &message.members {
        match member {
            Member::Field(field) => read_arm(&mut arms, field),
            Member::Oneof(oneof) => {
                for field in &oneof.fields {
                    read_oneof_arm(&mut arms, message, oneof, field);
                }
            }
        }
    }
    let mut writes = String::new();
    for member in &message.members {
        match member {
            Member::Field(field) => {
                let method = match field.shape {
                    Shape::Plain => "plain",
                    Shape::Optional => "optional",
                    Shape::List => "list",
                    Shape::Map => "map",
                };
                let _ = writeln!(writes, "writer.{method}(r#\"\"{}\":\"#, &self.{});", field.json, field.rust);
            }
            Member::Oneof(oneof) => write_oneof(&mut writes, message, oneof),
        }
    }
    let (seen, key, reader, writer) = match fields.is_empty() {
        true => ("_seen", "key", "reader", "_writer"),
        false => ("seen", "key", "reader", "writer"),
    };
    let statics = if fields.is_empty() {
        String::new()
    } else {
        format!("static FIELDS: [FieldName; {}] = [{table}];\n", fields.len())
    };
    let body = if fields.is_empty() {
        "        reader.unknown(key)".to_owned()
    } else {
        format!("match key {{ {arms} _ => reader.unknown(key), }}")
    };
    let _ = writeln!(
        out,
        "impl Message for {name} {{
    const NAME: &'static str = \"{proto}\";
}}

impl Fields for {name} {{
    fn read_field(&mut self, {key}: &str, {seen}: &mut Seen, {reader}: &mut Reader<'_>) -> Result<(), ReadError> {{
        {statics}{body}
    }}

    fn write_fields(&self, {writer}: &mut Writer<'_>) {{
        {writes}
    }}
{audio}}}

impl ReadValue for {name} {{
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), ReadError> {{ reader.fill_message(self) }}
}}

impl WriteValue for {name} {{
    fn is_default(&self) -> bool {{ false }}
    fn write(&self, writer: &mut Writer<'_>) {{ writer.write_message(self); }}
}}
",
        proto = message.proto,
        audio = audio_path(name),
    );
}

/// The envelopes have a short way for audio.
fn audio_path(message: &str) -> &'static str {
    match message {
        "ClientMessage" | "ServerMessage" => {
            "\nfn fill_audio(&mut self, frame: &[u8]) -> bool { self.fill_from_audio(frame) }\n\nfn write_audio(&self, out: &mut bytes::BytesMut) -> bool { self.write_as_audio(out) }\n"
        }
        _ => "",
    }
}

/// Both spellings of a key; the map's keys inside it are data and never come here.
fn pattern(field: &Field) -> String {
    if field.json == field.proto {
        format!("\"{}\"", field.json)
    } else {
        format!("\"{}\" | \"{}\"", field.json, field.proto)
    }
}

fn read_arm(out: &mut String, field: &Field) {
    let method = match field.shape {
        Shape::Plain => "plain",
        Shape::Optional if null_is_data(field) => "optional_nullable",
        Shape::Optional => "optional",
        Shape::List => "list_field",
        Shape::Map => "map_field",
    };
    let _ = writeln!(
        out,
        "{} => reader.{method}(seen, {index}, &FIELDS[{index}], key, &mut self.{}),",
        pattern(field),
        field.rust,
        index = field.index
    );
}

fn read_oneof_arm(out: &mut String, message: &Message, oneof: &Oneof, field: &Field) {
    let set = if message.is_enum {
        "(!matches!(self, Self::Empty))".to_owned()
    } else {
        format!("self.{}.is_some()", oneof.field)
    };
    let subject = format!("self.{}", oneof.field);
    let (subject, variant) = if message.is_enum {
        ("*self", format!("Self::{}", field.variant))
    } else {
        (subject.as_str(), format!("{}::{}", oneof.name, field.variant))
    };
    let (value, place) = if message.is_enum {
        (format!("{variant}(Default::default())"), format!("{variant}(it)"))
    } else {
        (format!("Some({variant}(Default::default()))"), format!("Some({variant}(it))"))
    };
    let method = if null_is_data(field) { "member_nullable" } else { "member" };
    let _ = writeln!(
        out,
        "{pattern} => {{
            if reader.{method}(seen, {index}, &FIELDS[{index}], key, {set}.then_some(\"{oneof}\"))? {{
                {subject} = {value};
                if let {place} = &mut {subject} {{ reader.fill_member(it)?; }}
            }}
            Ok(())
        }}",
        pattern = pattern(field),
        oneof = oneof.proto,
        index = field.index
    );
}

/// `null` leaves a field unset, except where null is a value.
fn null_is_data(field: &Field) -> bool {
    matches!(field.ty, Ty::Value | Ty::NullValue)
}

fn write_oneof(out: &mut String, message: &Message, oneof: &Oneof) {
    let (subject, owner, empty) = if message.is_enum {
        ("self".to_owned(), "Self".to_owned(), "Self::Empty => {}")
    } else {
        (format!("&self.{}", oneof.field), String::new(), "None => {}")
    };
    let arms: String = oneof
        .fields
        .iter()
        .map(|field| {
            let pattern = if message.is_enum {
                format!("{owner}::{}(it)", field.variant)
            } else {
                format!("Some({}::{}(it))", oneof.name, field.variant)
            };
            format!("{pattern} => writer.present(r#\"\"{}\":\"#, it),\n", field.json)
        })
        .collect();
    let _ = writeln!(out, "match {subject} {{ {arms} {empty} }}");
}
