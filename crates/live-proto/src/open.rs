//! Values of enums that this version does not know.

/// A value that an enum does not know, kept as it was sent so that it can be sent on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unrecognized {
    /// A number: proto3's enums are open.
    Number(i32),
    /// A name from a newer peer; only a lenient reader keeps one.
    Name(Box<str>),
}
