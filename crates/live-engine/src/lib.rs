//! Client and server state machines of the Live API, without I/O, clock or codec.
