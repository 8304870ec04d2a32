//! The messages of the Live API: typed, as JSON and as protobuf.
