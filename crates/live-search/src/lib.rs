//! What grounds answers: search in a folder of documents or by a service, and pages of the web that are allowed to be read.
//!
//! Nothing of the Live API is here: who asks, and what becomes of the findings on the wire, is `live-model`'s business.

mod address;
mod allow;
mod fetch;
mod folder;
mod hit;
mod html;
mod reader;
mod searx;
#[cfg(test)]
mod server;

pub use self::allow::{AllowError, AllowList};
pub use self::folder::{Folder, FolderConfig, FolderError, FolderLimits, Indexed};
pub use self::hit::{Hit, SearchError};
pub use self::reader::{Page, ReadError, Reader, ReaderLimits};
pub use self::searx::{Searx, SearxConfig};
