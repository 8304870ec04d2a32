//! Writes `generated/convert.rs`: the model to prost's types and back, naming every field on both sides.

use std::fmt::Write;

use super::schema::{Field, Member, Message, Oneof, Schema, Shape, Ty};

pub(super) fn write(schema: &Schema) -> String {
    let mut out = String::from("use crate::pb;\nuse crate::{*};\n\n");
    for message in &schema.messages {
        write_to_pb(&mut out, message);
        write_from_pb(&mut out, message);
    }
    out
}

fn write_to_pb(out: &mut String, message: &Message) {
    let (name, pb) = (&message.name, &message.pb);
    if let ([Member::Oneof(oneof)], true) = (message.members.as_slice(), message.is_enum) {
        let arms = oneof_to_pb(oneof, name, |value| format!("Some({value})"));
        let _ = writeln!(
            out,
            "impl From<{name}> for pb::{pb} {{
    fn from(it: {name}) -> Self {{
        let {field} = match it {{ {name}::Empty => None, {arms} }};
        Self {{ {field} }}
    }}
}}
",
            field = oneof.pb_field
        );
        return;
    }
    let names = member_names(message);
    let mut values = String::new();
    for member in &message.members {
        match member {
            Member::Field(field) => {
                let _ = writeln!(values, "{}: {},", field.rust, field_to_pb(field));
            }
            Member::Oneof(oneof) => {
                let arms = oneof_to_pb(oneof, &oneof.name, |value| value);
                let _ = writeln!(values, "{}: {}.map(|it| match it {{ {arms} }}),", oneof.pb_field, oneof.field);
            }
        }
    }
    let it = if names.is_empty() { "_" } else { "it" };
    let destructure = if names.is_empty() { String::new() } else { format!("let {name} {{ {names} }} = it;\n") };
    let _ = writeln!(
        out,
        "impl From<{name}> for pb::{pb} {{\n    fn from({it}: {name}) -> Self {{\n        {destructure}Self {{ {values} }}\n    }}\n}}\n"
    );
}

fn write_from_pb(out: &mut String, message: &Message) {
    let (name, pb) = (&message.name, &message.pb);
    if let ([Member::Oneof(oneof)], true) = (message.members.as_slice(), message.is_enum) {
        let arms = oneof_from_pb(oneof, name);
        let _ = writeln!(
            out,
            "impl From<pb::{pb}> for {name} {{
    fn from(it: pb::{pb}) -> Self {{
        let pb::{pb} {{ {field} }} = it;
        match {field} {{ None => Self::Empty, Some(it) => match it {{ {arms} }} }}
    }}
}}
",
            field = oneof.pb_field
        );
        return;
    }
    let mut names = Vec::new();
    let mut values = String::new();
    for member in &message.members {
        match member {
            Member::Field(field) => {
                names.push(field.rust.clone());
                let _ = writeln!(values, "{}: {},", field.rust, field_from_pb(field));
            }
            Member::Oneof(oneof) => {
                names.push(oneof.pb_field.clone());
                let arms = oneof_from_pb(oneof, &oneof.name);
                let _ = writeln!(values, "{}: {}.map(|it| match it {{ {arms} }}),", oneof.field, oneof.pb_field);
            }
        }
    }
    let names = names.join(", ");
    let it = if names.is_empty() { "_" } else { "it" };
    let destructure = if names.is_empty() { String::new() } else { format!("let pb::{pb} {{ {names} }} = it;\n") };
    let _ = writeln!(
        out,
        "impl From<pb::{pb}> for {name} {{\n    fn from({it}: pb::{pb}) -> Self {{\n        {destructure}Self {{ {values} }}\n    }}\n}}\n"
    );
}

fn member_names(message: &Message) -> String {
    let names: Vec<_> = message
        .members
        .iter()
        .map(|member| match member {
            Member::Field(field) => field.rust.as_str(),
            Member::Oneof(oneof) => oneof.field.as_str(),
        })
        .collect();
    names.join(", ")
}

fn oneof_to_pb(oneof: &Oneof, name: &str, wrap: fn(String) -> String) -> String {
    oneof
        .fields
        .iter()
        .map(|field| {
            let value = one_to_pb(field, "it");
            let it = if field.ty == Ty::NullValue { "_" } else { "it" };
            let value = wrap(format!("pb::{}::{}({value})", oneof.pb_enum, field.variant));
            format!("{name}::{}({it}) => {value},\n", field.variant)
        })
        .collect()
}

fn oneof_from_pb(oneof: &Oneof, name: &str) -> String {
    oneof
        .fields
        .iter()
        .map(|field| {
            let value = one_from_pb(field, "it");
            let it = if field.ty == Ty::NullValue { "_" } else { "it" };
            format!("pb::{}::{}({it}) => {name}::{}({value}),\n", oneof.pb_enum, field.variant, field.variant)
        })
        .collect()
}

fn field_to_pb(field: &Field) -> String {
    let rust = &field.rust;
    if is_same(&field.ty) {
        return rust.clone();
    }
    let one = one_to_pb(field, "it");
    match field.shape {
        Shape::Plain => one_to_pb(field, rust),
        Shape::Optional => format!("{rust}.map(|it| {one})"),
        Shape::List => format!("{rust}.into_iter().map(|it| {one}).collect()"),
        Shape::Map => format!("{rust}.into_iter().map(|(key, it)| (key, {one})).collect()"),
    }
}

fn field_from_pb(field: &Field) -> String {
    let rust = &field.rust;
    if is_same(&field.ty) {
        return rust.clone();
    }
    if let (Ty::Enum(name), Shape::Optional) = (&field.ty, field.shape) {
        return format!("{rust}.map({name}::from_number)");
    }
    if let (Ty::Enum(name), Shape::List) = (&field.ty, field.shape) {
        return format!("{rust}.into_iter().map({name}::from_number).collect()");
    }
    let one = one_from_pb(field, "it");
    match field.shape {
        Shape::Plain => one_from_pb(field, rust),
        Shape::Optional => format!("{rust}.map(|it| {one})"),
        Shape::List => format!("{rust}.into_iter().map(|it| {one}).collect()"),
        Shape::Map => format!("{rust}.into_iter().map(|(key, it)| (key, {one})).collect()"),
    }
}

/// Types that are the same on both sides.
fn is_same(ty: &Ty) -> bool {
    match ty {
        Ty::Bool | Ty::I32 | Ty::I64 | Ty::F32 | Ty::F64 | Ty::String | Ty::Bytes => true,
        Ty::MimeType
        | Ty::Struct
        | Ty::Value
        | Ty::NullValue
        | Ty::Duration
        | Ty::Timestamp
        | Ty::Message(_)
        | Ty::Enum(_) => false,
    }
}

fn one_to_pb(field: &Field, it: &str) -> String {
    match &field.ty {
        Ty::Enum(_) => format!("{it}.number()"),
        Ty::NullValue => "0".to_owned(),
        Ty::Message(_) if field.boxed && field.pb_boxed => format!("Box::new((*{it}).into())"),
        Ty::Message(_) if field.boxed => format!("(*{it}).into()"),
        Ty::Bool | Ty::I32 | Ty::I64 | Ty::F32 | Ty::F64 | Ty::String | Ty::Bytes => it.to_owned(),
        Ty::MimeType | Ty::Struct | Ty::Value | Ty::Duration | Ty::Timestamp | Ty::Message(_) => format!("{it}.into()"),
    }
}

fn one_from_pb(field: &Field, it: &str) -> String {
    match &field.ty {
        Ty::Enum(name) => format!("{name}::from_number({it})"),
        Ty::NullValue => "NullValue".to_owned(),
        Ty::Message(_) if field.boxed && field.pb_boxed => format!("Box::new((*{it}).into())"),
        Ty::Message(_) if field.boxed => format!("Box::new({it}.into())"),
        Ty::Bool | Ty::I32 | Ty::I64 | Ty::F32 | Ty::F64 | Ty::String | Ty::Bytes => it.to_owned(),
        Ty::MimeType | Ty::Struct | Ty::Value | Ty::Duration | Ty::Timestamp | Ty::Message(_) => format!("{it}.into()"),
    }
}
