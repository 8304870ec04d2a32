//! The short way for audio: over 99 % of the messages of a voice session have one of two shapes.
//!
//! It takes exactly `realtimeInput.audio` and `serverContent.modelTurn.parts[0].inlineData`, with a usual media type and
//! nothing beside it, in either spelling and with any white space. On anything else it reads nothing and the general way
//! decides; a property test proves that both agree.

use crate::{
    Blob, ClientMessage, Content, MimeType, Part, PartData, RealtimeInput, ServerContent, ServerMessage, ServerPayload,
};

use super::reader::decode_base64;

/// `{"realtimeInput":{"audio":{..}}}`
pub(super) fn client(frame: &[u8]) -> Option<Blob> {
    let mut at = Cursor(frame);
    at.open(&[r#""realtimeInput""#, r#""realtime_input""#])?;
    at.open(&[r#""audio""#])?;
    let blob = at.blob()?;
    at.close(2)?;
    Some(blob)
}

/// `{"serverContent":{"modelTurn":{"parts":[{"inlineData":{..}}]}}}`, and whether `"role":"model"` follows the parts.
pub(super) fn server(frame: &[u8]) -> Option<(Blob, bool)> {
    let mut at = Cursor(frame);
    at.open(&[r#""serverContent""#, r#""server_content""#])?;
    at.open(&[r#""modelTurn""#, r#""model_turn""#])?;
    at.open(&[r#""parts""#])?;
    at.byte(b'[')?;
    at.open(&[r#""inlineData""#, r#""inline_data""#])?;
    let blob = at.blob()?;
    at.byte(b'}')?;
    at.byte(b']')?;
    let role = at.byte(b',').is_some();
    if role {
        at.literal(&[r#""role""#])?;
        at.byte(b':')?;
        at.literal(&[r#""model""#])?;
    }
    at.close(3)?;
    Some((blob, role))
}

/// What is left of the frame.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Passes white space; what comes next, if anything does.
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.0.first()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.0 = &self.0[1..],
                byte => return Some(byte),
            }
        }
    }

    /// Passes white space and the byte.
    fn byte(&mut self, byte: u8) -> Option<()> {
        if self.next()? != byte {
            return None;
        }
        self.0 = &self.0[1..];
        Some(())
    }

    /// Passes white space and one of the literals.
    fn literal(&mut self, literals: &[&str]) -> Option<()> {
        self.next()?;
        self.0 = literals.iter().find_map(|literal| self.0.strip_prefix(literal.as_bytes()))?;
        Some(())
    }

    /// The opening of an object and its first key.
    fn open(&mut self, spellings: &[&str]) -> Option<()> {
        self.byte(b'{')?;
        self.literal(spellings)?;
        self.byte(b':')
    }

    /// A string without escapes, whose content is not looked at.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.byte(b'"')?;
        let length = memchr::memchr(b'"', self.0)?;
        let (text, rest) = self.0.split_at(length);
        self.0 = &rest[1..];
        Some(text)
    }

    /// An object of `data` and `mimeType`, once each, in either order.
    fn blob(&mut self) -> Option<Blob> {
        self.byte(b'{')?;
        let (mut mime_type, mut data) = (None, None);
        for separator in [b',', b'}'] {
            if data.is_none() && self.literal(&[r#""data""#]).is_some() {
                self.byte(b':')?;
                data = Some(decode_base64(self.string()?)?);
            } else {
                self.literal(&[r#""mimeType""#, r#""mime_type""#])?;
                self.byte(b':')?;
                mime_type = Some(MimeType::usual(self.string()?)?);
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
        if self.next().is_some() { None } else { Some(()) }
    }
}

impl ClientMessage {
    /// [`client`], into a message.
    pub(super) fn fill_from_audio(&mut self, frame: &[u8]) -> bool {
        let Some(blob) = client(frame) else { return false };
        *self = Self::RealtimeInput(RealtimeInput { audio: Some(blob), ..RealtimeInput::default() });
        true
    }
}

impl ServerMessage {
    /// [`server`], into a message that is built where it will stay.
    pub(super) fn fill_from_audio(&mut self, frame: &[u8]) -> bool {
        let Some((blob, role)) = server(frame) else { return false };
        let payload = self.payload.insert(ServerPayload::ServerContent(ServerContent::default()));
        let ServerPayload::ServerContent(content) = payload else { return false };
        let turn = content.model_turn.insert(Content::default());
        turn.parts.push(Part::default());
        turn.parts[0].data = Some(PartData::InlineData(blob));
        if role {
            turn.role = "model".into();
        }
        true
    }
}
