//! The short way for audio: over 99 % of the messages of a voice session have one of two shapes.
//!
//! It takes exactly `realtimeInput.audio` and `serverContent.modelTurn.parts[0].inlineData`, with a usual media type and
//! nothing beside it, in either spelling and with any white space. On anything else it returns `None` and the general way
//! decides; a property test proves that both agree.

use crate::{Blob, ClientMessage, Content, MimeType, Part, ServerMessage};

use super::reader::decode_base64;

/// `{"realtimeInput":{"audio":{..}}}`
pub(super) fn client(frame: &[u8]) -> Option<ClientMessage> {
    let mut at = Cursor(frame);
    at.open(&["realtimeInput", "realtime_input"])?;
    at.open(&["audio"])?;
    let blob = at.blob()?;
    at.close(2)?;
    Some(ClientMessage::audio(blob))
}

/// `{"serverContent":{"modelTurn":{"parts":[{"inlineData":{..}}]}}}`, with or without `"role":"model"` after the parts.
pub(super) fn server(frame: &[u8]) -> Option<ServerMessage> {
    let mut at = Cursor(frame);
    at.open(&["serverContent", "server_content"])?;
    at.open(&["modelTurn", "model_turn"])?;
    at.open(&["parts"])?;
    at.byte(b'[')?;
    at.open(&["inlineData", "inline_data"])?;
    let blob = at.blob()?;
    at.byte(b'}')?;
    at.byte(b']')?;
    let mut content = Content::unsigned(Part::inline(blob));
    if at.byte(b',').is_some() {
        at.key(&["role"])?;
        if at.string()? != b"model" {
            return None;
        }
        content.role = "model".into();
    }
    at.close(3)?;
    Some(ServerMessage {
        payload: Some(crate::ServerContent { model_turn: Some(content), ..Default::default() }.into()),
        usage_metadata: None,
    })
}

/// What is left of the frame.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Passes white space and the byte.
    fn byte(&mut self, byte: u8) -> Option<()> {
        let start = self.0.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))?;
        let (&first, rest) = self.0[start..].split_first()?;
        if first != byte {
            return None;
        }
        self.0 = rest;
        Some(())
    }

    /// A string without escapes, whose content is not looked at.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.byte(b'"')?;
        let length = memchr::memchr(b'"', self.0)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = &rest[1..];
        Some(text)
    }

    /// One of the spellings of a key, and the colon.
    fn key(&mut self, spellings: &[&str]) -> Option<()> {
        let key = self.string()?;
        spellings.iter().find(|spelling| spelling.as_bytes() == key)?;
        self.byte(b':')
    }

    /// The opening of an object and its first key.
    fn open(&mut self, spellings: &[&str]) -> Option<()> {
        self.byte(b'{')?;
        self.key(spellings)
    }

    /// An object of `data` and `mimeType`, once each, in either order.
    fn blob(&mut self) -> Option<Blob> {
        self.byte(b'{')?;
        let (mut mime_type, mut data) = (None, None);
        for separator in [b',', b'}'] {
            match self.string()? {
                b"data" if data.is_none() => {
                    self.byte(b':')?;
                    data = Some(decode_base64(self.string()?)?);
                }
                b"mimeType" | b"mime_type" if mime_type.is_none() => {
                    self.byte(b':')?;
                    mime_type = Some(MimeType::usual(self.string()?)?);
                }
                _ => return None,
            }
            self.byte(separator)?;
        }
        Some(Blob { mime_type: mime_type?, data: data?, display_name: String::new() })
    }

    /// So many closing braces, and nothing after them but white space.
    fn close(&mut self, braces: usize) -> Option<()> {
        for _ in 0..braces {
            self.byte(b'}')?;
        }
        self.0.iter().all(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).then_some(())
    }
}
