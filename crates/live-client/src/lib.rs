//! A client SDK for the Live API.
