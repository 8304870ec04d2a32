//! A tokenizer whose stack has a bound, whatever the page.
//!
//! html5gum 0.9 goes from one attribute to the next by calling itself, in release builds too, so that a tag of some thousand
//! attributes ends the process. Here such a tag is the end of the page.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;

use html5gum::{DefaultEmitter, Emitter, ForwardingEmitter, Readable as _, Reader, StringReader, Token, Tokenizer};

/// The tokens of a page.
pub(super) fn tokens(html: &[u8]) -> impl Iterator<Item = Token> {
    let attributes = Attributes::default();
    let mut inner = DefaultEmitter::default();
    inner.naively_switch_states(true);
    let emitter = Counting { inner, attributes: attributes.clone() };
    let tokenizer = Tokenizer::new_with_emitter(Bounded { inner: html.to_reader(), attributes }, emitter);
    tokenizer.map(|token| {
        let Ok(token) = token;
        token
    })
}

/// How many attributes the tag has that is being read.
#[derive(Clone, Debug, Default)]
struct Attributes(Rc<Cell<usize>>);

impl Attributes {
    fn are_too_many(&self) -> bool {
        self.0.get() > ATTRIBUTES_MAX
    }
}

struct Counting {
    inner: DefaultEmitter,
    attributes: Attributes,
}

impl ForwardingEmitter for Counting {
    type Token = Token;

    fn inner(&mut self) -> &mut impl Emitter<Token = Token> {
        &mut self.inner
    }

    fn init_start_tag(&mut self) {
        self.attributes.0.set(0);
        Emitter::init_start_tag(&mut self.inner);
    }

    fn init_end_tag(&mut self) {
        self.attributes.0.set(0);
        Emitter::init_end_tag(&mut self.inner);
    }

    fn init_attribute(&mut self) {
        self.attributes.0.set(self.attributes.0.get() + 1);
        Emitter::init_attribute(&mut self.inner);
    }
}

struct Bounded<'a> {
    inner: StringReader<'a>,
    attributes: Attributes,
}

impl Reader for Bounded<'_> {
    type Error = Infallible;

    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        if self.attributes.are_too_many() { Ok(None) } else { self.inner.read_byte() }
    }

    fn read_until<'b>(&'b mut self, needle: &[u8], char_buf: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Infallible> {
        if self.attributes.are_too_many() { Ok(None) } else { self.inner.read_until(needle, char_buf) }
    }

    fn try_read_string(&mut self, s: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        self.inner.try_read_string(s, case_sensitive)
    }
}

/// Attributes of one tag. 128: more than any that a person or a framework writes, and in a debug build a quarter of what the stack of
/// a thread of tokio has room for.
const ATTRIBUTES_MAX: usize = 128;
