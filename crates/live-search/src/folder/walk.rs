//! The documents of a folder, in a fixed order. Links are not followed, so that nothing outside of the folder is read.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FolderError, FolderLimits, Indexed};

/// What documents are called, behind the last full stop.
const EXTENSIONS: [&str; 6] = ["htm", "html", "markdown", "md", "text", "txt"];

/// The files of a folder that look like documents.
#[derive(Debug)]
pub(super) struct Walk {
    files: std::vec::IntoIter<PathBuf>,
}

impl Walk {
    /// Looks for all of them. What is left out is noted in `indexed`.
    pub(super) fn new(root: &Path, limits: FolderLimits, indexed: &mut Indexed) -> Result<Self, FolderError> {
        let mut files = Vec::new();
        let mut folders = vec![(root.to_owned(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => return Err(FolderError::new(root, error.to_string())),
                Err(error) => {
                    indexed.leave_out(&relative(&folder), error);
                    continue;
                }
            };
            for entry in entries {
                let entry = entry.map_err(|error| FolderError::new(&folder, error.to_string()))?;
                let path = entry.path();
                // Of the entry itself, not of what a link points to.
                let kind = entry.file_type().map_err(|error| FolderError::new(&path, error.to_string()))?;
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                if kind.is_dir() {
                    if depth < limits.depth_max {
                        folders.push((path, depth + 1));
                    } else {
                        indexed.leave_out(
                            &relative(&path),
                            format_args!("it is more than {} folders deep", limits.depth_max),
                        );
                    }
                } else if is_document(&path) && kind.is_file() {
                    files.push(path);
                } else if is_document(&path) {
                    indexed.leave_out(
                        &relative(&path),
                        "it is a link or no file; only files of the folder itself are read",
                    );
                }
                if files.len() > limits.documents_max {
                    let why = format!("it holds more than {} documents; search a part of it", limits.documents_max);
                    return Err(FolderError::new(root, why));
                }
            }
        }
        files.sort_unstable();
        Ok(Self { files: files.into_iter() })
    }
}

impl Iterator for Walk {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        self.files.next()
    }
}

fn is_document(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}
