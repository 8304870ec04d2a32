//! Writes `generated/model.rs`: the structs and enums of the model, with docs and a `Debug` that prints what is set.

use std::fmt::Write;

use super::names;
use super::schema::{Enum, Field, Member, Message, Oneof, Schema, Shape, Ty};

pub(super) fn write(schema: &Schema) -> String {
    let mut out = String::from(
        "use std::collections::BTreeMap;\nuse std::fmt;\n\nuse bytes::Bytes;\n\nuse crate::content::Parts;\nuse crate::debug::{ByteCount, Redacted};\nuse crate::{Duration, MimeType, NullValue, Struct, Timestamp, Unrecognized, Value};\n\n",
    );
    for message in &schema.messages {
        match message.members.as_slice() {
            [Member::Oneof(oneof)] => write_oneof(&mut out, message, oneof, &message.name),
            members => write_struct(&mut out, message, members),
        }
    }
    for item in &schema.enums {
        write_enum(&mut out, item);
    }
    out
}

fn write_struct(out: &mut String, message: &Message, members: &[Member]) {
    doc(out, "", &message.doc, &format!("`{}.{}` in protobuf.", names::PACKAGE, message.proto));
    let _ = writeln!(out, "#[derive(Clone, Default, PartialEq)]\npub struct {} {{", message.name);
    for member in members {
        match member {
            Member::Field(field) => {
                doc(out, "    ", &field.doc, &format!("`{}` on the wire; number {}.", field.json, field.number));
                let _ = writeln!(out, "    pub {}: {},", field.rust, field_type(message, field));
            }
            Member::Oneof(oneof) => {
                let list = oneof.fields.iter().map(|field| format!("`{}`", field.json)).collect::<Vec<_>>().join(", ");
                doc(out, "    ", &[], &format!("At most one of {list}."));
                let _ = writeln!(out, "    pub {}: Option<{}>,", oneof.field, oneof.name);
            }
        }
    }
    out.push_str("}\n\n");
    let _ = writeln!(
        out,
        "impl fmt::Debug for {} {{\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        let mut out = f.debug_struct(\"{}\");",
        message.name, message.name
    );
    for member in members {
        match member {
            Member::Field(field) => debug_field(out, field),
            Member::Oneof(oneof) => {
                let _ = writeln!(out, "if let Some(it) = &self.{0} {{ out.field(\"{0}\", it); }}", oneof.field);
            }
        }
    }
    out.push_str("        out.finish()\n    }\n}\n\n");
    for member in members {
        if let Member::Oneof(oneof) = member {
            write_oneof(out, message, oneof, &oneof.name);
        }
    }
}

/// Prints a field if it is set: bytes by their number, secrets not at all.
fn debug_field(out: &mut String, field: &Field) {
    let rust = &field.rust;
    let set = match (field.shape, &field.ty) {
        (Shape::Optional, _) => format!("self.{rust}.is_some()"),
        (Shape::List | Shape::Map, _) => format!("!self.{rust}.is_empty()"),
        (Shape::Plain, Ty::Bool) => format!("self.{rust}"),
        (Shape::Plain, Ty::I32 | Ty::I64) => format!("self.{rust} != 0"),
        (Shape::Plain, Ty::F32 | Ty::F64) => format!("self.{rust} != 0.0"),
        (Shape::Plain, Ty::String | Ty::Bytes | Ty::MimeType) => format!("!self.{rust}.is_empty()"),
        (Shape::Plain, ty) => format!("self.{rust} != {}::default()", ty.rust()),
    };
    let shown = match (field.secret, field.shape, &field.ty) {
        (true, ..) => "&Redacted".to_owned(),
        (false, Shape::Plain, Ty::Bytes) => format!("&ByteCount(self.{rust}.len())"),
        (false, ..) => format!("&self.{rust}"),
    };
    let _ = writeln!(out, "if {set} {{ out.field(\"{}\", {shown}); }}", rust.trim_start_matches("r#"));
}

fn write_oneof(out: &mut String, message: &Message, oneof: &Oneof, name: &str) {
    if message.is_enum {
        doc(out, "", &message.doc, &format!("`{}.{}` in protobuf.", names::PACKAGE, message.proto));
        let _ = writeln!(out, "#[derive(Clone, Debug, Default, PartialEq)]\npub enum {name} {{");
        out.push_str("    /// No member is set: legal, and says nothing.\n    #[default]\n    Empty,\n");
    } else {
        doc(out, "", &[], &format!("The oneof `{}` of [`{}`].", oneof.proto, message.name));
        if name == names::HOT_ONEOF {
            out.push_str("#[expect(clippy::large_enum_variant, reason = \"audio takes this way, and a box is an allocation\")]\n");
        }
        let _ = writeln!(out, "#[derive(Clone, Debug, PartialEq)]\npub enum {name} {{");
    }
    for field in &oneof.fields {
        doc(out, "    ", &field.doc, &format!("`{}` on the wire; number {}.", field.json, field.number));
        let _ = writeln!(out, "    {}({}),", field.variant, inner_type(field));
    }
    out.push_str("}\n\n");
    for field in &oneof.fields {
        let Ty::Message(ty) = &field.ty else { continue };
        let unique = oneof.fields.iter().filter(|other| other.ty == field.ty).count() == 1;
        if unique {
            let value = if field.boxed { "Box::new(it)" } else { "it" };
            let _ = writeln!(
                out,
                "impl From<{ty}> for {name} {{\n    fn from(it: {ty}) -> Self {{\n        Self::{}({value})\n    }}\n}}\n",
                field.variant
            );
        }
    }
}

fn write_enum(out: &mut String, item: &Enum) {
    doc(out, "", &item.doc, &format!("The enum `{}` in protobuf; open: a value it does not know is kept.", item.proto));
    let _ = writeln!(
        out,
        "#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]\npub enum {} {{",
        item.name
    );
    for (index, value) in item.values.iter().enumerate() {
        doc(out, "    ", &value.doc, &format!("`{}`, {}.", value.name, value.number));
        if index == 0 {
            out.push_str("    #[default]\n");
        }
        let _ = writeln!(out, "    {},", value.rust);
    }
    out.push_str("    /// A value that this version does not know.\n    Unrecognized(Unrecognized),\n}\n\n");
    let arms =
        |line: &dyn Fn(&super::schema::EnumValue) -> String| -> String { item.values.iter().map(line).collect() };
    let numbers = arms(&|v| format!("Self::{} => {},\n", v.rust, v.number));
    let from_numbers = arms(&|v| format!("{} => Self::{},\n", v.number, v.rust));
    let names = arms(&|v| format!("Self::{} => Some(\"{}\"),\n", v.rust, v.name));
    let from_names = arms(&|v| format!("\"{}\" => Self::{},\n", v.name, v.rust));
    let _ = writeln!(
        out,
        "impl {name} {{
    /// The number; 0 for a value known by an unknown name only, since it has none.
    pub fn number(&self) -> i32 {{
        match self {{ {numbers} Self::Unrecognized(Unrecognized::Number(number)) => *number, Self::Unrecognized(Unrecognized::Name(_)) => 0 }}
    }}

    /// The name on the wire, if there is one.
    pub fn name(&self) -> Option<&str> {{
        match self {{ {names} Self::Unrecognized(Unrecognized::Name(name)) => Some(name), Self::Unrecognized(Unrecognized::Number(_)) => None }}
    }}

    /// The value of a number; an unknown one is kept.
    pub fn from_number(number: i32) -> Self {{
        match number {{ {from_numbers} _ => Self::Unrecognized(Unrecognized::Number(number)) }}
    }}

    /// The value of an exact name.
    pub fn from_name(name: &str) -> Option<Self> {{
        Some(match name {{ {from_names} _ => return None }})
    }}
}}
",
        name = item.name
    );
}

fn field_type(message: &Message, field: &Field) -> String {
    let inner = inner_type(field);
    match field.shape {
        Shape::Plain => inner,
        Shape::Optional => format!("Option<{inner}>"),
        Shape::List if message.proto == "Content" && field.proto == "parts" => "Parts".into(),
        Shape::List => format!("Vec<{inner}>"),
        Shape::Map => format!("BTreeMap<String, {inner}>"),
    }
}

fn inner_type(field: &Field) -> String {
    if field.boxed { format!("Box<{}>", field.ty.rust()) } else { field.ty.rust().to_owned() }
}

fn doc(out: &mut String, indent: &str, lines: &[String], wire: &str) {
    for line in lines {
        let _ = writeln!(out, "{indent}/// {}", escape(line));
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "{indent}///");
    }
    let _ = writeln!(out, "{indent}/// {wire}");
}

/// Keeps rustdoc from reading brackets as links and angles as HTML.
fn escape(line: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    for c in line.chars() {
        match c {
            '`' => code = !code,
            '[' | ']' | '<' | '>' if !code => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}
