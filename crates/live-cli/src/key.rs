//! `live key`: draws an API key, and prints the entry that lets it in without naming it.
//!
//! What else an entry may say is in docs/access.md.

use std::io::Write as _;

use live_server::{KeyHash, Secret, draw_key};

/// What `live key` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The project that the key's sessions belong to (default: one of its own)
    #[arg(long, value_name = "NAME")]
    project: Option<String>,

    /// Sessions that the project may have open at once (default: --sessions-per-project of the server)
    #[arg(long, value_name = "N")]
    sessions: Option<u32>,
}

/// Prints a key, and its entry for a file of `live serve --access-file`.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let key = draw_key();
    let mut out = std::io::stdout().lock();
    // The key alone first, so that `live key | head -1` is one.
    writeln!(out, "{key}\n\n{}", entry(args, &key))?;
    Ok(())
}

fn entry(Args { project, sessions }: &Args, key: &str) -> String {
    let mut entry = format!("[[key]]\nsha256 = \"{}\"", KeyHash::of(&Secret::new(key)));
    if let Some(project) = project {
        entry += &format!("\nproject = {}", quoted(project));
    }
    if let Some(sessions) = sessions {
        entry += &format!("\nsessions = {sessions}");
    }
    entry
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_the_digest_and_not_the_key() {
        let args = Args { project: Some("a \"shop\"\\\n".into()), sessions: Some(20) };
        let expected = "[[key]]\nsha256 = \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\n\
                        project = \"a \\\"shop\\\"\\\\\\u000A\"\nsessions = 20";
        assert_eq!(entry(&args, "foo"), expected);
        let bare = entry(&Args { project: None, sessions: None }, "foo");
        assert!(expected.starts_with(&bare));
    }
}
