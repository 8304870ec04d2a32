//! Speech cut into frames for the wire, each with the words that begin in it.
//!
//! Where an engine does not say which words are in its sound, they are spread over it by their length.

use std::collections::VecDeque;

use crate::synthesiser::{SAMPLES_PER_MS, Sound};

/// Lengths of the first frames of an answer, so that sound starts soon; the last holds for all that follow.
const FRAME_MS: [usize; 5] = [40, 80, 120, 160, 200];
/// Samples for each byte of text, until the engine has been heard: 15 characters a second, as an ordinary speaker.
const BYTE_SAMPLES: f64 = 1000. / 15. * SAMPLES_PER_MS as f64;

/// How an answer is cut: the state that outlives a single portion.
#[derive(Debug)]
pub(super) struct Framing {
    /// Frames made so far.
    made: usize,
    /// Samples for each byte of text, as last measured.
    byte_samples: f64,
}

impl Default for Framing {
    fn default() -> Self {
        Self { made: 0, byte_samples: BYTE_SAMPLES }
    }
}

impl Framing {
    fn wanted(&self) -> usize {
        FRAME_MS[self.made.min(FRAME_MS.len() - 1)] * SAMPLES_PER_MS
    }
}

/// The sound of one portion, as it comes.
#[derive(Debug)]
pub(super) struct Portion {
    /// The text as the model said it, blanks and marks included.
    text: String,
    /// Bytes of it that frames have carried.
    told: usize,
    samples: VecDeque<i16>,
    /// Where in `text` words end whose sound begins at a sample of the portion, if the engine says so.
    marks: VecDeque<(usize, usize)>,
    /// Bytes of its own text that the engine has told, blanks left out: it was given less than `text`.
    marked: usize,
    is_marked: bool,
    received: usize,
    sent: usize,
    pub(super) is_complete: bool,
}

impl Portion {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            told: 0,
            samples: VecDeque::new(),
            marks: VecDeque::new(),
            marked: 0,
            is_marked: false,
            received: 0,
            sent: 0,
            is_complete: false,
        }
    }

    /// Samples that wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn push(&mut self, sound: Sound) {
        if let Some(text) = sound.text {
            self.is_marked = true;
            if !text.trim().is_empty() {
                let end = self.find_words(&text);
                self.marks.push_back((self.received, end));
            }
        }
        self.received += sound.samples.len();
        self.samples.extend(sound.samples);
    }

    /// The next frame, if enough is there; the last one needs the portion to be complete, since it carries what is left of the
    /// text.
    pub(super) fn next(&mut self, framing: &mut Framing) -> Option<(Vec<i16>, String)> {
        let wanted = framing.wanted();
        if self.samples.len() <= wanted && !self.is_complete {
            return None;
        }
        let is_last = self.samples.len() <= wanted;
        if is_last && self.samples.is_empty() && self.told == self.text.len() {
            return None;
        }
        if self.is_complete && self.received > 0 && !self.text.is_empty() {
            framing.byte_samples = self.received as f64 / self.text.len() as f64;
        }
        let mut frame: Vec<i16> = self.samples.drain(..wanted.min(self.samples.len())).collect();
        self.sent += frame.len();
        let end = if is_last { self.text.len() } else { self.end_of_words(framing) };
        let text = self.text[self.told..end.max(self.told)].to_owned();
        self.told = self.told.max(end);
        if !frame.is_empty() {
            framing.made += 1;
            // A client's player may not take a frame shorter than its own buffer.
            frame.resize(frame.len().max(FRAME_MS[0] * SAMPLES_PER_MS), 0);
        }
        Some((frame, text))
    }

    /// Where the words end that have begun by now.
    fn end_of_words(&mut self, framing: &Framing) -> usize {
        if self.is_marked {
            let mut end = self.told;
            while let Some((begin, words)) = self.marks.front()
                && *begin < self.sent
            {
                end = *words;
                self.marks.pop_front();
            }
            return end;
        }
        let begun = (self.sent as f64 / framing.byte_samples) as usize;
        let begun = self.text.floor_char_boundary(begun.min(self.text.len()));
        // A word is told as soon as it begins, and as a whole; the first one with the first sound.
        let begun = begun.max(self.text.len() - self.text.trim_start().len());
        let rest = &self.text[begun..];
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        begun + word
    }

    /// Where the words end in `text` that the engine said it has spoken: as many letters further on.
    fn find_words(&mut self, spoken: &str) -> usize {
        let letters = |c: &char| !c.is_whitespace() && !is_mark(*c);
        self.marked += spoken.chars().filter(letters).count();
        let mut left = self.marked;
        for (at, c) in self.text.char_indices() {
            if left == 0 {
                // What clings to the last word belongs to it.
                let rest = &self.text[at..];
                return at + rest.find(char::is_whitespace).unwrap_or(rest.len());
            }
            left -= usize::from(letters(&c));
        }
        self.text.len()
    }
}

/// Marks that are not read out, so that an engine does not count them.
fn is_mark(c: char) -> bool {
    matches!(c, '*' | '_' | '`' | '~' | '|' | '#' | '>' | '-' | '•')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(ms: usize, text: Option<&str>) -> Sound {
        Sound { samples: vec![1; ms * SAMPLES_PER_MS], text: text.map(str::to_owned) }
    }

    fn shown(frames: &[(Vec<i16>, String)]) -> Vec<String> {
        frames.iter().map(|(samples, text)| format!("{} ms {text:?}", samples.len() / SAMPLES_PER_MS)).collect()
    }

    fn all(portion: &mut Portion, framing: &mut Framing) -> Vec<String> {
        shown(&std::iter::from_fn(|| portion.next(framing)).collect::<Vec<_>>())
    }

    #[test]
    fn words_are_spread_over_sound_whose_words_are_unknown() {
        let mut portion = Portion::new(" one two three four".to_owned());
        portion.push(sound(1000, None));
        portion.is_complete = true;
        let frames = all(&mut portion, &mut Framing::default());
        assert_eq!(
            frames,
            [
                "40 ms \" one\"",
                "80 ms \"\"",
                "120 ms \"\"",
                "160 ms \" two\"",
                "200 ms \" three\"",
                "200 ms \" four\"",
                "200 ms \"\"",
            ]
        );
    }

    #[test]
    fn sound_goes_out_before_it_is_complete_and_the_end_carries_the_rest() {
        let (mut portion, mut framing) = (Portion::new("Hello there, my friend.".to_owned()), Framing::default());
        portion.push(sound(40, None));
        assert_eq!(portion.next(&mut framing), None, "it might be the last");
        portion.push(sound(100, None));
        assert_eq!(all(&mut portion, &mut framing), ["40 ms \"Hello\"", "80 ms \"\""]);
        portion.is_complete = true;
        assert_eq!(all(&mut portion, &mut framing), ["40 ms \" there, my friend.\""]);
    }

    #[test]
    fn words_are_where_the_engine_says_they_are() {
        let mut portion = Portion::new(" **Well**, then.".to_owned());
        portion.push(sound(60, Some("Well, ")));
        portion.push(sound(200, Some("")));
        portion.push(sound(100, Some("then.")));
        portion.is_complete = true;
        let frames = all(&mut portion, &mut Framing::default());
        assert_eq!(frames, ["40 ms \" **Well**,\"", "80 ms \"\"", "120 ms \"\"", "120 ms \" then.\""]);
    }

    #[test]
    fn text_without_sound_is_told_all_the_same() {
        let mut portion = Portion::new(" ...".to_owned());
        portion.is_complete = true;
        assert_eq!(all(&mut portion, &mut Framing::default()), ["0 ms \" ...\""]);
    }

    #[test]
    fn later_portions_go_at_the_measured_pace() {
        let mut framing = Framing::default();
        let mut slow = Portion::new("abcdefghij".to_owned());
        slow.push(sound(4000, None));
        slow.is_complete = true;
        while slow.next(&mut framing).is_some() {}
        let mut portion = Portion::new("one two three four".to_owned());
        portion.push(sound(900, None));
        let frames = all(&mut portion, &mut framing);
        assert_eq!(frames, ["200 ms \"one\"", "200 ms \"\"", "200 ms \"\"", "200 ms \"\""], "400 ms a letter");
    }
}
