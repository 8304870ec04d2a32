//! One document as its passages: pieces short enough to be quoted, cut where paragraphs or sentences end.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::hit::one_line;
use crate::html;

/// Bytes of a passage.
const PASSAGE_BYTES_MAX: usize = 700;
/// Bytes of a title.
const TITLE_BYTES_MAX: usize = 200;
/// Bytes of a first line that passes as the title of plain text.
const TITLE_LINE_BYTES_MAX: usize = 80;

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) title: String,
    /// In their order, each one line of at most [`PASSAGE_BYTES_MAX`] bytes; at least one.
    pub(super) passages: Vec<String>,
    /// Bytes of the file.
    pub(super) bytes: u64,
}

impl Document {
    /// Reads a file of at most `bytes_max` bytes.
    pub(super) fn read(path: &Path, bytes_max: u64) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| error.to_string())?;
        file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > bytes_max {
            return Err(format!("it has more than {bytes_max} bytes"));
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        Self::parse(&bytes, &extension.to_ascii_lowercase(), &stem)
    }

    fn parse(bytes: &[u8], extension: &str, stem: &str) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("it is no UTF-8 (at byte {})", error.valid_up_to()))?
            .trim_start_matches('\u{feff}');
        if text.contains('\0') {
            return Err("it holds NUL, so it is no text".to_owned());
        }
        let (title, lines) = match extension {
            "md" | "markdown" => markdown(text),
            "htm" | "html" => {
                let found = html::extract(text.as_bytes());
                (found.title, found.text)
            }
            _ => {
                let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                (if first.len() <= TITLE_LINE_BYTES_MAX { first.to_owned() } else { String::new() }, paragraphs(text))
            }
        };
        let passages = passages(&lines);
        if passages.is_empty() {
            return Err("it holds no text".to_owned());
        }
        let title = [title.as_str(), stem]
            .map(|title| one_line(title, TITLE_BYTES_MAX))
            .into_iter()
            .find(|title| !title.is_empty());
        Ok(Self { title: title.unwrap_or_default(), passages, bytes: bytes.len() as u64 })
    }
}

/// The first heading, and what is written, a line for each block.
fn markdown(text: &str) -> (String, String) {
    let (mut title, mut lines) = (String::new(), String::new());
    let (mut is_title, mut is_left_out) = (false, false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS) {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1 | HeadingLevel::H2, .. }) => {
                is_title = title.is_empty()
            }
            Event::Start(Tag::MetadataBlock(_)) => is_left_out = true,
            Event::End(TagEnd::MetadataBlock(_)) => is_left_out = false,
            Event::End(TagEnd::TableCell) => lines.push(' '),
            Event::End(
                TagEnd::Heading(_)
                | TagEnd::Paragraph
                | TagEnd::CodeBlock
                | TagEnd::Item
                | TagEnd::TableHead
                | TagEnd::TableRow,
            ) => {
                is_title = false;
                lines.push('\n');
            }
            Event::Text(words) | Event::Code(words) if !is_left_out => {
                if is_title {
                    title.push_str(&words);
                }
                lines.push_str(&words);
            }
            Event::SoftBreak | Event::HardBreak => lines.push(' '),
            // HTML within is marks, and what it encloses comes as text.
            Event::Html(_) | Event::InlineHtml(_) => {}
            Event::Start(_) | Event::End(_) | Event::Text(_) | Event::Code(_) => {}
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) => {}
            Event::Rule | Event::TaskListMarker(_) => {}
        }
    }
    (title, lines)
}

/// Plain text with its paragraphs, which empty lines divide, in one line each.
fn paragraphs(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim() {
            "" => lines.push('\n'),
            line => {
                lines.push_str(line);
                lines.push(' ');
            }
        }
    }
    lines
}

/// Lines put together as far as they fit into a passage, and longer ones cut.
fn passages(lines: &str) -> Vec<String> {
    let mut passages: Vec<String> = Vec::new();
    for line in lines.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(piece_end(rest));
            rest = tail.trim_start();
            let piece: Vec<&str> = piece.split_whitespace().collect();
            let piece = piece.join(" ");
            match passages.last_mut().filter(|last| last.len() + 1 + piece.len() <= PASSAGE_BYTES_MAX) {
                Some(last) if !piece.is_empty() => {
                    last.push(' ');
                    last.push_str(&piece);
                }
                Some(_) => {}
                None if piece.is_empty() => {}
                None => passages.push(piece),
            }
        }
    }
    passages
}

/// Where the next piece ends: behind the last sentence that fits, else behind a word, else between characters.
fn piece_end(text: &str) -> usize {
    if text.len() <= PASSAGE_BYTES_MAX {
        return text.len();
    }
    let fits = &text[..text.floor_char_boundary(PASSAGE_BYTES_MAX)];
    let mut sentences = fits.char_indices().rev().filter_map(|(at, c)| {
        let end = at + c.len_utf8();
        let is_end = match c {
            '.' | '!' | '?' => fits[end..].starts_with(char::is_whitespace),
            '。' | '！' | '？' | '।' | '۔' => true,
            _ => false,
        };
        is_end.then_some(end)
    });
    let sentence = sentences.next().filter(|end| *end > PASSAGE_BYTES_MAX / 4);
    sentence.or_else(|| fits.rfind(char::is_whitespace).filter(|end| *end > 0)).unwrap_or(fits.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, extension: &str) -> Document {
        Document::parse(text.as_bytes(), extension, "a_file").expect("it is text")
    }

    #[test]
    fn markdown_is_read_without_its_marks() {
        let text = "---\ntitle: meta\n---\n\n# The *Guide*\n\nUse `live serve` and\n[read](http://x/) **on**.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>no</script>\n";
        let document = read(text, "md");
        assert_eq!(document.title, "The Guide");
        assert_eq!(document.passages, ["The Guide Use live serve and read on. one two a b 1 2"]);
    }

    #[test]
    fn titles_are_found_or_made() {
        assert_eq!(read("<title>T</title><p>x", "html").title, "T");
        assert_eq!(read("\n\nShort first line\nand more", "txt").title, "Short first line");
        assert_eq!(read(&"long ".repeat(40), "txt").title, "a_file");
        assert_eq!(
            read("\u{feff}no heading", "md"),
            Document { title: "a_file".into(), passages: vec!["no heading".into()], bytes: 13 }
        );
    }

    #[test]
    fn what_is_no_text_is_told() {
        let why = |bytes: &[u8]| Document::parse(bytes, "txt", "x").expect_err("it is none");
        assert_eq!(why(b"ab\xff"), "it is no UTF-8 (at byte 2)");
        assert_eq!(why(b"a\0b"), "it holds NUL, so it is no text");
        assert_eq!(why(b" \n "), "it holds no text");
    }

    #[test]
    fn long_paragraphs_are_cut_behind_sentences() {
        let text = "A sentence of some words. ".repeat(60);
        for passage in read(&text, "txt").passages {
            assert!(passage.ends_with('.') && passage.len() <= PASSAGE_BYTES_MAX, "{passage}");
        }
        let japanese = "これは文です。".repeat(100);
        assert!(read(&japanese, "txt").passages.iter().all(|passage| passage.ends_with('。')));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_too_long(text in "[a-zé語。.! \n]{1,3000}") {
            let words = |text: &str| text.split_whitespace().collect::<String>();
            if let Ok(document) = Document::parse(text.as_bytes(), "txt", "x") {
                prop_assert_eq!(words(&document.passages.concat()), words(&text));
                prop_assert!(document.passages.iter().all(|passage| passage.len() <= PASSAGE_BYTES_MAX && !passage.is_empty()));
            }
        }
    }
}
