//! What the .proto files say, in the terms of the Rust model: names, types, boxes, oneofs, docs.
//!
//! Reading descriptors happens here only; the writers beside this file see the result.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::names;

pub(super) struct Schema {
    pub(super) messages: Vec<Message>,
    pub(super) enums: Vec<Enum>,
}

pub(super) struct Message {
    /// Rust name in the model.
    pub(super) name: String,
    /// Full protobuf name without the package.
    pub(super) proto: String,
    /// Path of the prost type below `pb`.
    pub(super) pb: String,
    pub(super) doc: Vec<String>,
    /// Fields and oneofs in the order of the .proto file.
    pub(super) members: Vec<Member>,
    /// A message that is nothing but one oneof becomes an enum with an `Empty` variant.
    pub(super) is_enum: bool,
}

pub(super) enum Member {
    Field(Field),
    Oneof(Oneof),
}

pub(super) struct Oneof {
    /// Rust name of the field that holds it.
    pub(super) field: String,
    /// Rust name of its enum.
    pub(super) name: String,
    pub(super) proto: String,
    pub(super) pb_field: String,
    pub(super) pb_enum: String,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Field {
    /// Rust name, raw where it is a keyword.
    pub(super) rust: String,
    pub(super) json: String,
    pub(super) proto: String,
    pub(super) number: u32,
    pub(super) doc: Vec<String>,
    pub(super) shape: Shape,
    pub(super) ty: Ty,
    pub(super) secret: bool,
    /// Held in a `Box`, because it is big, rare or recursive.
    pub(super) boxed: bool,
    /// Held in a `Box` by prost.
    pub(super) pb_boxed: bool,
    /// Index in the message, counting members of oneofs too.
    pub(super) index: usize,
    /// Name of the variant, in a oneof.
    pub(super) variant: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No presence: omitted at its default.
    Plain,
    /// `Option`.
    Optional,
    List,
    /// `BTreeMap<String, _>`.
    Map,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Ty {
    Bool,
    I32,
    I64,
    F32,
    F64,
    String,
    MimeType,
    Bytes,
    Struct,
    Value,
    NullValue,
    Duration,
    Timestamp,
    Message(String),
    Enum(String),
}

pub(super) struct Enum {
    pub(super) name: String,
    pub(super) proto: String,
    pub(super) doc: Vec<String>,
    pub(super) values: Vec<EnumValue>,
}

pub(super) struct EnumValue {
    pub(super) rust: String,
    pub(super) name: String,
    pub(super) number: i32,
    pub(super) doc: Vec<String>,
}

impl Ty {
    pub(super) fn rust(&self) -> &str {
        match self {
            Self::Bool => "bool",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::String => "String",
            Self::MimeType => "MimeType",
            Self::Bytes => "Bytes",
            Self::Struct => "Struct",
            Self::Value => "Value",
            Self::NullValue => "NullValue",
            Self::Duration => "Duration",
            Self::Timestamp => "Timestamp",
            Self::Message(name) | Self::Enum(name) => name,
        }
    }
}

impl Message {
    /// Every field, members of oneofs included.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.members.iter().flat_map(|member| match member {
            Member::Field(field) => std::slice::from_ref(field),
            Member::Oneof(oneof) => &oneof.fields,
        })
    }
}

/// Reads the package of the Live API out of the pool.
pub(super) fn read(pool: &DescriptorPool) -> Result<Schema> {
    let mut messages = Vec::new();
    let mut enums = Vec::new();
    for file in pool.files().filter(|file| file.package_name() == names::PACKAGE) {
        for message in file.messages() {
            read_message(&message, &mut messages, &mut enums)?;
        }
        for item in file.enums() {
            enums.push(read_enum(&item));
        }
    }
    let mut schema = Schema { messages, enums };
    unique_names(&schema)?;
    set_boxes(&mut schema);
    Ok(schema)
}

fn read_message(message: &MessageDescriptor, messages: &mut Vec<Message>, enums: &mut Vec<Enum>) -> Result<()> {
    if message.is_map_entry() {
        return Ok(());
    }
    let proto = local(message.full_name());
    let name = names::message(&proto);
    let mut members: Vec<Member> = Vec::new();
    for (index, field) in declared_fields(message).into_iter().enumerate() {
        let owner = &proto;
        let mut item = read_field(&field, owner, index).with_context(|| format!("{owner}.{}", field.name()))?;
        let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) else {
            members.push(Member::Field(item));
            continue;
        };
        item.shape = Shape::Plain;
        let known = members.iter_mut().find_map(|member| match member {
            Member::Oneof(known) if known.proto == oneof.name() => Some(known),
            Member::Oneof(_) | Member::Field(_) => None,
        });
        if let Some(known) = known {
            known.fields.push(item);
            continue;
        }
        let (field_name, enum_name) = names::oneof(&name, oneof.name());
        members.push(Member::Oneof(Oneof {
            field: field_name,
            name: enum_name,
            proto: oneof.name().to_owned(),
            pb_field: rust_ident(oneof.name()),
            pb_enum: format!("{}::{}", pb_module(&proto), oneof.name().to_upper_camel_case()),
            fields: vec![item],
        }));
    }
    let is_enum = matches!(members.as_slice(), [Member::Oneof(_)]);
    messages.push(Message {
        name,
        pb: pb_path(&proto),
        doc: comments(message.parent_file_descriptor_proto(), message.path()),
        proto,
        members,
        is_enum,
    });
    for child in message.child_messages() {
        read_message(&child, messages, enums)?;
    }
    for child in message.child_enums() {
        enums.push(read_enum(&child));
    }
    Ok(())
}

/// prost-reflect sorts fields by number; the model keeps the order of the file.
fn declared_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(|field| field.path().last().copied());
    fields
}

fn read_field(field: &FieldDescriptor, owner: &str, index: usize) -> Result<Field> {
    let path = format!("{owner}.{}", field.name());
    let (shape, kind) = if field.is_map() {
        let Kind::Message(entry) = field.kind() else { bail!("a map without an entry") };
        (Shape::Map, entry.map_entry_value_field().kind())
    } else if field.cardinality() == Cardinality::Repeated {
        (Shape::List, field.kind())
    } else if field.supports_presence() {
        (Shape::Optional, field.kind())
    } else {
        (Shape::Plain, field.kind())
    };
    let ty = match kind {
        Kind::Bool => Ty::Bool,
        Kind::Int32 => Ty::I32,
        Kind::Int64 => Ty::I64,
        Kind::Float => Ty::F32,
        Kind::Double => Ty::F64,
        Kind::String if names::MIME_TYPES.contains(&path.as_str()) => Ty::MimeType,
        Kind::String => Ty::String,
        Kind::Bytes => Ty::Bytes,
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Struct" => Ty::Struct,
            "google.protobuf.Value" => Ty::Value,
            "google.protobuf.Duration" => Ty::Duration,
            "google.protobuf.Timestamp" => Ty::Timestamp,
            full => Ty::Message(names::message(&local(full))),
        },
        Kind::Enum(item) if item.full_name() == "google.protobuf.NullValue" => Ty::NullValue,
        Kind::Enum(item) => Ty::Enum(names::enumeration(&local(item.full_name()))),
        Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => bail!("no field of the Live API has this type; teach the generator first"),
    };
    let pb_boxed = names::PB_BOXED.contains(&path.as_str());
    Ok(Field {
        rust: rust_ident(field.name()),
        json: field.json_name().to_owned(),
        proto: field.name().to_owned(),
        number: field.number(),
        doc: comments(field.parent_message().parent_file_descriptor_proto(), field.path()),
        shape,
        ty,
        secret: names::SECRETS.contains(&path.as_str()),
        boxed: false,
        pb_boxed,
        index,
        variant: field.name().to_upper_camel_case(),
    })
}

fn read_enum(item: &EnumDescriptor) -> Enum {
    let proto = local(item.full_name());
    let names: Vec<_> = item.values().map(|value| value.name().to_owned()).collect();
    let prefix = common_prefix(&names).unwrap_or_else(|| {
        format!("{}_", item.name().to_shouty_snake_case()) // MODALITY_UNSPECIFIED beside TEXT
    });
    let values = item
        .values()
        .map(|value| {
            let short = value.name().strip_prefix(&prefix).unwrap_or(value.name());
            let short = if value.number() == 0 && short.ends_with("UNSPECIFIED") { "UNSPECIFIED" } else { short };
            EnumValue {
                rust: short.to_upper_camel_case(),
                name: value.name().to_owned(),
                number: value.number(),
                doc: comments(item.parent_file_descriptor_proto(), value.path()),
            }
        })
        .collect();
    Enum {
        name: names::enumeration(&proto),
        doc: comments(item.parent_file_descriptor_proto(), item.path()),
        proto,
        values,
    }
}

/// The words that all values share, with the underscore that ends them.
fn common_prefix(names: &[String]) -> Option<String> {
    let first = names.first()?;
    first
        .match_indices('_')
        .map(|(at, _)| &first[..=at])
        .take_while(|prefix| names.iter().all(|name| name.starts_with(prefix)))
        .last()
        .map(str::to_owned)
}

/// Boxes what is big or recursive: a message is held inline up to [`names::INLINE_BYTES`], or where it is hot.
fn set_boxes(schema: &mut Schema) {
    let sizes: BTreeMap<String, usize> =
        schema.messages.iter().map(|message| (message.name.clone(), size(schema, message, 0))).collect();
    for message in &mut schema.messages {
        let owner = message.proto.clone();
        for member in &mut message.members {
            let (fields, in_oneof) = match member {
                Member::Field(field) => (std::slice::from_mut(field), false),
                Member::Oneof(oneof) => (oneof.fields.as_mut_slice(), true),
            };
            for field in fields {
                let Ty::Message(name) = &field.ty else { continue };
                let single = in_oneof || field.shape == Shape::Optional;
                let path = format!("{owner}.{}", field.proto);
                let hot = names::INLINE.contains(&path.as_str());
                let rare = names::BOXED.contains(&path.as_str());
                field.boxed = single && !hot && (rare || sizes[name] > names::INLINE_BYTES);
            }
        }
    }
}

/// An estimate in bytes that needs no compiler; a recursive message counts as endless.
fn size(schema: &Schema, message: &Message, depth: usize) -> usize {
    if depth > 8 {
        return usize::MAX / 1024;
    }
    message
        .fields()
        .map(|field| match (field.shape, &field.ty) {
            (Shape::List | Shape::Map, _) => 24,
            (_, Ty::Bool) => 1,
            (_, Ty::I32 | Ty::F32) => 8,
            (_, Ty::I64 | Ty::F64 | Ty::Duration | Ty::Timestamp | Ty::Enum(_)) => 16,
            (_, Ty::String | Ty::MimeType | Ty::Struct | Ty::Value) => 24,
            (_, Ty::Bytes) => 32,
            (_, Ty::NullValue) => 0,
            (_, Ty::Message(name)) => {
                let inner = schema.messages.iter().find(|message| &message.name == name);
                inner.map_or(0, |inner| size(schema, inner, depth + 1))
            }
        })
        .fold(0, usize::saturating_add)
}

fn unique_names(schema: &Schema) -> Result<()> {
    let mut seen = BTreeMap::new();
    let oneofs = schema.messages.iter().flat_map(|message| {
        message.members.iter().filter_map(move |member| match member {
            Member::Oneof(oneof) if !message.is_enum => Some((&oneof.name, &message.proto)),
            Member::Oneof(_) | Member::Field(_) => None,
        })
    });
    let names = schema
        .messages
        .iter()
        .map(|message| (&message.name, &message.proto))
        .chain(schema.enums.iter().map(|item| (&item.name, &item.proto)))
        .chain(oneofs);
    for (name, proto) in names {
        if let Some(other) = seen.insert(name, proto) {
            bail!("{other} and {proto} are both called {name}: add a row to codegen/names.rs");
        }
    }
    Ok(())
}

fn local(full_name: &str) -> String {
    full_name.trim_start_matches(names::PACKAGE).trim_start_matches('.').to_owned()
}

/// Where prost puts a message: nested ones in the module of their parent.
fn pb_path(proto: &str) -> String {
    match proto.rsplit_once('.') {
        Some((parent, name)) => format!("{}::{}", pb_module(parent), name.to_upper_camel_case()),
        None => proto.to_upper_camel_case(),
    }
}

fn pb_module(proto: &str) -> String {
    proto.split('.').map(|part| part.to_snake_case()).collect::<Vec<_>>().join("::")
}

fn rust_ident(name: &str) -> String {
    match name {
        "type" | "ref" | "enum" | "default" if name != "default" => format!("r#{name}"),
        _ => name.to_owned(),
    }
}

fn comments(file: &prost_types::FileDescriptorProto, path: &[i32]) -> Vec<String> {
    let Some(info) = &file.source_code_info else { return Vec::new() };
    let Some(location) = info.location.iter().find(|location| location.path == path) else { return Vec::new() };
    location.leading_comments().lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}
