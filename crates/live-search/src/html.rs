//! The text of a page: what a reader would see of it, without scripts, styles and navigation.
//!
//! Tags are told from text by a tokenizer that follows the standard; no tree is built, so that a page of any depth costs the same.

use html5gum::Token;

mod bounded;

/// What was found in a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extract {
    /// The title, or else the first heading; empty if there is neither.
    pub(crate) title: String,
    /// Lines, one for each paragraph, heading or row.
    pub(crate) text: String,
}

/// Reads a page.
pub(crate) fn extract(html: &[u8]) -> Extract {
    // A page that opens navigation and never closes it would be all navigation; such a page is read whole.
    read(html, true).or_else(|| read(html, false)).unwrap_or_default()
}

/// Reads a page with or without what is [`BESIDE`]; `None` if one of these does not end.
fn read(html: &[u8], without: bool) -> Option<Extract> {
    let is_skipped = |name: &[u8]| is_one(name, NEVER_TEXT) || without && is_one(name, BESIDE);
    let mut page = Page::default();
    // The element that is skipped, and how often it was opened within itself.
    let mut within: Option<(Vec<u8>, usize)> = None;
    for token in bounded::tokens(html) {
        match (token, &mut within) {
            (Token::StartTag(tag), Some((name, depth))) if tag.name.0 == *name && !tag.self_closing => *depth += 1,
            (Token::EndTag(tag), Some((name, depth))) if tag.name.0 == *name => {
                *depth -= 1;
                if *depth == 0 {
                    within = None;
                }
            }
            (Token::StartTag(tag), None) => {
                if !tag.self_closing && is_skipped(&tag.name.0) {
                    within = Some((tag.name.0, 1));
                    page.end_line();
                } else {
                    page.open(&tag.name.0);
                }
            }
            (Token::EndTag(tag), None) => page.close(&tag.name.0),
            (Token::String(text), None) => page.say(&String::from_utf8_lossy(&text.value.0)),
            (_, _) => {}
        }
    }
    // The text of a script that does not end goes on to the end of the page, as in a browser.
    let ends = within.is_none_or(|(name, _)| is_one(&name, NEVER_TEXT));
    ends.then(|| page.finish())
}

/// A page, as it is read.
#[derive(Debug, Default)]
struct Page {
    title: String,
    heading: String,
    is_title: bool,
    is_heading: bool,
    is_verbatim: bool,
    /// A blank is due before the next word.
    is_apart: bool,
    text: String,
}

impl Page {
    fn open(&mut self, name: &[u8]) {
        match name {
            b"title" => self.is_title = self.title.is_empty(),
            b"h1" => self.is_heading = self.heading.is_empty(),
            b"pre" => self.is_verbatim = true,
            b"td" | b"th" => self.is_apart = true,
            _ => {}
        }
        if is_one(name, BLOCKS) {
            self.end_line();
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"title" => self.is_title = false,
            b"h1" => self.is_heading = false,
            b"pre" => self.is_verbatim = false,
            _ => {}
        }
        if is_one(name, BLOCKS) {
            self.end_line();
        }
    }

    fn say(&mut self, text: &str) {
        if self.is_title {
            return self.title.push_str(text);
        }
        if self.is_heading {
            self.heading.push_str(text);
        }
        let breaks: &[char] = if self.is_verbatim { &['\n'] } else { &[] };
        for (at, line) in text.split(breaks).enumerate() {
            if at > 0 {
                self.end_line();
            }
            let mut is_apart = self.is_apart || line.starts_with(char::is_whitespace);
            for word in line.split_whitespace() {
                let begins = self.text.is_empty() || self.text.ends_with('\n');
                if is_apart && !begins {
                    self.text.push(' ');
                }
                self.text.push_str(word);
                is_apart = true;
            }
            self.is_apart = if line.trim().is_empty() { is_apart } else { line.ends_with(char::is_whitespace) };
        }
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.is_apart = false;
    }

    fn finish(mut self) -> Extract {
        self.text.truncate(self.text.trim_end().len());
        let title = [self.title, self.heading].iter().map(|text| words(text)).find(|title| !title.is_empty());
        Extract { title: title.unwrap_or_default(), text: self.text }
    }
}

fn words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn is_one(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|one| one.as_bytes() == name)
}

/// Never text, and read to their own end whatever stands in them.
const NEVER_TEXT: &[&str] = &["iframe", "noembed", "noscript", "script", "style", "textarea"];
/// What is drawn, hidden, chosen from, or leads elsewhere.
const BESIDE: &[&str] = &["audio", "canvas", "math", "nav", "noframes", "object", "select", "svg", "template", "video"];
/// Elements that stand on lines of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(html: &str, title: &str, text: &str) {
        let found = extract(html.as_bytes());
        assert_eq!((found.title.as_str(), found.text.as_str()), (title, text));
    }

    #[test]
    fn a_page_is_its_title_and_its_lines() {
        check(
            "<!doctype html><html><head><title> A &amp; B </title><style>p{}</style></head><body><h1>Head</h1><p>One <b>two</b>\n three.</p>\
             <ul><li>x<li>y</ul><table><tr><td>1</td><td>2</td></tr></table><p>caf&eacute; &#x65E5;本</p></body></html>",
            "A & B",
            "Head\nOne two three.\nx\ny\n1 2\ncafé 日本",
        );
        check("<h1>Only <i>this</i></h1>word", "Only this", "Only this\nword");
        check("just <b>te</b>xt", "", "just text");
        check("<pre>a\n  b</pre>c", "", "a\nb\nc");
        check("a<br>b<br/>c", "", "a\nb\nc");
    }

    #[test]
    fn scripts_and_navigation_are_no_text() {
        check("a<script>if (1 < 2) alert('</p>')</script>b", "", "a\nb");
        check("a<script>/* <script> */ \"<p>\"</script><p>b", "", "a\nb");
        check("<nav>Home <nav>in</nav> About</nav><p>Text", "", "Text");
        check("<svg><title>Icon</title><path/></svg>Text", "", "Text");
        check("<template><p>hidden</template><noscript>Turn it on</noscript>seen", "", "seen");
        check("<!-- secret --><textarea>typed</textarea>seen<style>x", "", "seen");
    }

    #[test]
    fn what_never_closes_does_not_swallow_the_page() {
        check("<nav>Home<p>Text", "", "Home\nText");
        check("<select><option>a<p>Text", "", "a\nText");
    }

    #[test]
    fn a_tag_of_many_attributes_ends_the_page_and_not_the_process() {
        let page = |attributes: usize| format!("<p>before<p {}>behind", "a=\"b>\" ".repeat(attributes));
        check(&page(100), "", "before\nbehind");
        for quoted in ["a=\"b\" ", "a=\"\" ", "a='b' ", "a=b ", "a ", "a=\"&amp;\" "] {
            for tag in ["p", "/p"] {
                check(&format!("<p>before<{tag} {}>behind", quoted.repeat(200_000)), "", "before");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let found = extract(&bytes);
            prop_assert!(found.text.len() <= bytes.len() * 4);
        }

        #[test]
        fn any_soup_is_read(parts in prop::collection::vec(prop::sample::select(vec![
            "<p>", "</p>", "<script>", "</script>", "<nav>", "</nav>", "<svg/>", "<title>", "</title>", "&lt;", "a ", "é", "<!--", "-->", "<", "\"", "<pre>", "\n",
        ]), 0..60)) {
            let found = extract(parts.concat().as_bytes());
            prop_assert!(!found.text.starts_with('\n') && !found.text.ends_with('\n') && !found.text.contains("\n\n"));
        }
    }
}
