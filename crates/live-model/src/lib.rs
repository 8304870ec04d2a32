//! What answers a turn: the Model trait and its kinds.
