//! A server for the Live API.
