//! What a stretch of conversation says, as the embedded model hears it; what it answers lives in `plan`.

use std::sync::Arc;

use live_proto::{Content, FunctionResponse, PartData};

use super::media::Media;

/// Bytes of text in which the rules look for something to act upon; a client may send a whole book, and asks at its end.
const RECENT_BYTES_MAX: usize = 32 * 1024;

/// One entry of the conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry<'p> {
    pub(super) is_model: bool,
    /// The texts of its parts, joined by spaces, thoughts left out.
    pub(super) text: String,
    pub(super) media: Media,
    pub(super) responses: Vec<&'p FunctionResponse>,
}

impl<'p> Entry<'p> {
    pub(super) fn read(content: &'p Content) -> Self {
        let mut entry = Self { is_model: content.role == "model", ..Self::default() };
        for part in content.parts.iter().filter(|part| !part.thought) {
            let transcript = part.audio_transcription.as_deref().map(|transcript| transcript.text.as_str());
            match &part.data {
                Some(PartData::Text(text)) => entry.add_text(text),
                Some(PartData::InlineData(blob)) => match transcript.filter(|text| !text.trim().is_empty()) {
                    Some(text) => entry.add_text(text),
                    None => entry.media.add_bytes(blob.mime_type.as_str(), blob.data.len()),
                },
                Some(PartData::FileData(file)) => entry.media.add_address(&file.mime_type, &file.file_uri),
                Some(PartData::FunctionResponse(response)) => entry.responses.push(response),
                Some(PartData::ExecutableCode(code)) => entry.add_text(&code.code),
                Some(PartData::CodeExecutionResult(result)) => entry.add_text(&result.output),
                // A call is the model's own doing; it says nothing to answer.
                Some(PartData::FunctionCall(_)) | None => {}
            }
        }
        entry
    }

    fn add_text(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(text);
        }
    }
}

/// All that was appended since the last answer, joined whatever the roles.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard<'p> {
    pub(super) entries: Vec<Entry<'p>>,
    pub(super) text: String,
    pub(super) media: Media,
    /// Where the text of each entry ends in `text`.
    ends: Vec<usize>,
}

impl<'p> Heard<'p> {
    pub(super) fn read(unanswered: &'p [Arc<Content>]) -> Self {
        let entries: Vec<Entry<'p>> = unanswered.iter().map(|content| Entry::read(content)).collect();
        let mut whole = Entry::default();
        let mut media = Media::default();
        let mut ends = Vec::new();
        for entry in &entries {
            whole.add_text(&entry.text);
            media.append(&entry.media);
            ends.push(whole.text.len());
        }
        Self { entries, text: whole.text, media, ends }
    }

    /// The end of `text`, in which the rules look.
    pub(super) fn recent(&self) -> &str {
        recent(&self.text)
    }

    /// The place among `entries` of what stands at a byte of [`recent`](Self::recent).
    pub(super) fn entry_at(&self, byte: usize) -> usize {
        let byte = byte + self.text.len() - self.recent().len();
        self.ends.partition_point(|end| *end <= byte)
    }
}

/// The end of a text, from the start of a word.
pub(super) fn recent(text: &str) -> &str {
    if text.len() <= RECENT_BYTES_MAX {
        return text;
    }
    let end = &text[text.ceil_char_boundary(text.len() - RECENT_BYTES_MAX)..];
    end.find(char::is_whitespace).map_or(end, |word| &end[word..])
}

#[cfg(test)]
mod tests {
    use live_proto::{Blob, Part, Transcription};

    use super::*;

    #[test]
    fn texts_are_joined_and_thoughts_left_out() {
        let contents = [
            Arc::new(Content::user(vec![Part::text("one "), Part::thought("hm"), Part::text(" two")])),
            Arc::new(Content::user(" ")),
            Arc::new(Content::model("three")),
        ];
        let heard = Heard::read(&contents);
        assert_eq!(heard.text, "one two three");
        assert_eq!([heard.entry_at(0), heard.entry_at(6), heard.entry_at(8)], [0, 0, 2]);
    }

    #[test]
    fn the_end_of_a_book_is_recent() {
        let book = format!("start {}tick tock", "é ".repeat(RECENT_BYTES_MAX));
        let contents = [Arc::new(Content::user(book.as_str())), Arc::new(Content::user("end"))];
        let heard = Heard::read(&contents);
        assert!(heard.recent().len() <= RECENT_BYTES_MAX && heard.recent().ends_with("é tick tock end"));
        assert_eq!(heard.entry_at(heard.recent().len() - 1), 1);
    }

    #[test]
    fn a_transcript_stands_for_its_sound() {
        let transcript = Transcription { text: "hello".to_owned(), ..Transcription::default() };
        let spoken =
            Part { audio_transcription: Some(Box::new(transcript)), ..Part::inline(Blob::pcm16k(vec![0; 640])) };
        let entry = Content::user(spoken);
        let entry = Entry::read(&entry);
        assert_eq!((entry.text.as_str(), entry.media.is_empty()), ("hello", true));
    }
}
