//! Functions for models as typed Rust: how they are declared, what their arguments become, and what their results become.
//!
//! How a function is run and when it is answered is not here: `live-engine` decides, `live-client` and `live-blocking` run.
//!
//! With the feature `typed`, which is on by default, arguments and results are the host's own types: [`declare`], [`read`] and
//! [`respond`]. Without it there are only objects of JSON.

mod registry;
#[cfg(feature = "typed")]
mod schema;
#[cfg(feature = "typed")]
mod typed;

pub use registry::{Registry, ToolError};
#[cfg(feature = "typed")]
pub use schemars;
#[cfg(feature = "typed")]
pub use typed::{declare, read, respond};
