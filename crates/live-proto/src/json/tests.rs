//! Claims about the JSON of messages.
